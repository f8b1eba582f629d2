/**
 * A block of rows of an attention: from queries to empty sums, from raw scores to masked ones, from sums to outputs.
 *
 * For each key head, the queries of all its query heads are its rows, so grouped heads share what is loaded. The walk
 * of a block over its keys is in `blocked.ts`.
 *
 * @module
 */

import {
  exponential,
  GROUP,
  type Panel,
  type SoftmaxRows,
} from "../kernel/flash.ts";
import { copyScaled } from "../kernel/load.ts";
import { type Admission, endKey, firstKey } from "./admit.ts";
import { maskRow, maskScores } from "./mask.ts";
import type { Floats, View } from "./tensor.ts";

/** Which scores are kept: q · k times the scale, the same after the soft cap, with the bias added, as weights. */
export type ScoreKind = "raw" | "softcapped" | "biased" | "weights";

/** An attention whose parts have been checked and fit together. */
export interface Job {
  /** batches × heads × n × dim */
  queries: View;
  /** batches × keyHeads × m × dim */
  keys: View;
  /** batches × keyHeads × m × valueDim */
  values: View;
  /** batches × heads × n × valueDim, zeros. */
  output: View;
  /** Multiplies the dot products. */
  scale: number;
  /** 0 where there is none. */
  softcap: number;
  /** What may be attended to. */
  admission: Admission;
  /** Scores to keep, if any. */
  scores: KeptScores | undefined;
}

/** Scores that the caller asked for. */
export interface KeptScores {
  /** Which. */
  kind: ScoreKind;
  /** batches × heads × n × m: −Infinity for biased scores, zeros for all others. */
  data: Floats;
}

/** Rows that share a walk over the keys: their queries and numerators stay in the second-level cache. */
export const ROW_BLOCK = 128;
/** Keys that are loaded together, a multiple of {@linkcode GROUP}: 64 keys and values of 64 numbers are 64 KB in f64. */
export const KEY_BLOCK = 64;

/** Everything that is allocated but the results. */
export interface Scratch {
  /** Keys and values are read where they lie: fewer rows than a group do not repay their loading. */
  inPlace: boolean;
  /** rows × dim, padded to a multiple of GROUP: scaled queries. */
  queries: Panel;
  /** dim, padded, × keys of a block: a block of keys, transposed. */
  keys: Panel;
  /** keys of a block × valueDim */
  values: Panel;
  /** GROUP × keys of a block: scores, then weights. */
  tile: Panel;
  /** The sums of the rows. */
  state: SoftmaxRows;
  /** rows: the first key that each may attend to before its mask. */
  first: Float64Array;
  /** rows: one past the last. */
  end: Float64Array;
  /** rows: where the mask of each begins. */
  maskAt: Float64Array;
  /** rows: where the output of each begins. */
  outputAt: Float64Array;
  /** rows: where the scores of each begin. */
  scoresAt: Float64Array;
  /** rows × m where weights are asked for, else none: the scores that they will be made of. */
  kept: Float64Array;
}

/** Allocates what a job works on. */
export function makeScratch(job: Job): Scratch {
  const { queries, keys, values, scores } = job;
  const all = keys.heads === 0
    ? 0
    : queries.heads / keys.heads * queries.length;
  const rows = Math.min(ROW_BLOCK, all), inPlace = all < GROUP;
  const block = Math.min(KEY_BLOCK, padded(keys.length));
  const dim = padded(queries.dim), numbers = () => new Float64Array(rows);
  return {
    inPlace,
    queries: panel(rows, dim),
    keys: panel(inPlace ? 0 : dim, block),
    values: panel(block, values.dim),
    tile: panel(GROUP, block),
    state: {
      anchor: numbers(),
      sum: numbers(),
      count: numbers(),
      numerator: panel(rows, values.dim),
    },
    first: numbers(),
    end: numbers(),
    maskAt: numbers(),
    outputAt: numbers(),
    scoresAt: numbers(),
    kept: new Float64Array(scores?.kind === "weights" ? rows * keys.length : 0),
  };
}

/** Loads rows row … row + count − 1 of a key head, finds what each may attend to, empties its sums. */
export function begin(
  job: Job,
  scratch: Scratch,
  batch: number,
  keyHead: number,
  row: number,
  count: number,
): void {
  const { queries, keys, output, admission } = job,
    { mask } = admission,
    { state } = scratch;
  const group = queries.heads / keys.heads;
  for (let r = 0; r < count; r++) {
    const head = keyHead * group + Math.floor((row + r) / queries.length),
      i = (row + r) % queries.length;
    const source = {
      data: queries.data,
      at: startOf(queries, batch, head) + i * queries.rowStride,
      stride: 0,
    };
    const target = { ...scratch.queries, at: r * scratch.queries.stride };
    copyScaled(target, source, 1, queries.dim, job.scale);
    scratch.first[r] = firstKey(admission, batch, i);
    scratch.end[r] = endKey(admission, batch, i);
    scratch.maskAt[r] = mask === undefined ? 0 : maskRow(mask, batch, head, i);
    scratch.outputAt[r] = startOf(output, batch, head) + i * output.rowStride;
    scratch.scoresAt[r] =
      ((batch * queries.heads + head) * queries.length + i) * keys.length;
  }
  state.anchor.fill(-Infinity);
  state.sum.fill(0);
  state.count.fill(0);
  state.numerator.data.fill(0);
  if (job.scores?.kind === "weights") scratch.kept.fill(-Infinity);
}

/**
 * Takes a tile of raw scores of the keys from … to − 1 to biased ones and keeps those asked for on the way.
 *
 * Columns that are not admitted, up to `columns`, end as −Infinity whatever they held.
 */
export function refine(
  job: Job,
  scratch: Scratch,
  row: number,
  rows: number,
  from: number,
  to: number,
  columns: number,
): void {
  const { softcap, admission: { mask } } = job, { data, stride } = scratch.tile;
  for (let r = 0; r < rows; r++) {
    const at = r * stride,
      first = Math.max(from, scratch.first[row + r]),
      end = Math.min(to, scratch.end[row + r]);
    if (job.scores?.kind === "raw") keep(job, scratch, row + r, at, from, to);
    if (softcap > 0) {
      for (let j = at; j < at + columns; j++) {
        data[j] = softcap * Math.tanh(data[j] / softcap);
      }
    }
    if (job.scores?.kind === "softcapped") {
      keep(job, scratch, row + r, at, from, to);
    }
    if (end <= first) {
      data.fill(-Infinity, at, at + columns);
      continue;
    }
    data.fill(-Infinity, at, at + first - from);
    data.fill(-Infinity, at + end - from, at + columns);
    if (mask !== undefined) {
      maskScores(
        mask,
        scratch.maskAt[row + r],
        data,
        at + first - from,
        first,
        end - first,
      );
    }
    if (job.scores?.kind === "biased") {
      keep(job, scratch, row + r, at, from, to);
    }
    if (job.scores?.kind === "weights") {
      scratch.kept.set(
        data.subarray(at, at + to - from),
        (row + r) * job.keys.length + from,
      );
    }
  }
}

/** Writes the scores of the keys from … to − 1, which begin at `at` in the tile, where the caller will find them. */
function keep(
  job: Job,
  scratch: Scratch,
  row: number,
  at: number,
  from: number,
  to: number,
): void {
  job.scores?.data.set(
    scratch.tile.data.subarray(at, at + to - from),
    scratch.scoresAt[row] + from,
  );
}

/** Writes the outputs of the first `count` rows, and their weights; rows that admitted nothing stay 0. */
export function finish(job: Job, scratch: Scratch, count: number): void {
  const { output, scores, keys } = job,
    { state, kept } = scratch,
    { data, stride } = state.numerator;
  for (let r = 0; r < count; r++) {
    if (state.count[r] === 0) continue;
    const sum = state.sum[r], from = r * stride, to = scratch.outputAt[r];
    for (let c = 0; c < output.dim; c++) {
      output.data[to + c] = data[from + c] / sum;
    }
    if (scores?.kind !== "weights") continue;
    const start = r * keys.length, anchor = state.anchor[r];
    for (let j = 0; j < keys.length; j++) {
      const score = kept[start + j];
      if (score !== -Infinity) {
        scores.data[scratch.scoresAt[r] + j] = exponential(score - anchor) /
          sum;
      }
    }
  }
}

/** Where the rows of a head begin. */
export function startOf(view: View, batch: number, head: number): number {
  return batch * view.batchStride + head * view.headStride;
}

function panel(rows: number, stride: number): Panel {
  return { data: new Float64Array(rows * stride), at: 0, stride };
}

/** The next multiple of {@linkcode GROUP}. */
export function padded(count: number): number {
  return Math.ceil(count / GROUP) * GROUP;
}
