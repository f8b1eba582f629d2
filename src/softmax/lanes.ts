/**
 * The walk of blocked attention in 32-bit floats, for the WebAssembly kernels.
 *
 * As in `blocked.ts`, the queries of all heads that share keys are the rows of one walk over blocks of those keys; a
 * block is copied into the kernel's memory once and meets all rows of a block of rows. What a row may attend to is a
 * range and a mask over it, applied lane by lane, so a row's bits do not depend on what the others may attend to nor on
 * what is in keys that it may not.
 *
 * 32 bits hold less than the contract of `attention.ts` asks for. Rows whose output is not finite, whose scores went
 * beyond 32 bits or whose queries lost bits to underflow are done again by the scalar kernel: they are known when a row
 * is finished.
 *
 * @module
 */

import { flash as scalar } from "../kernel/flash.ts";
import {
  type FlashWasm,
  LANES,
  LANES_END,
  LANES_FIRST,
  LANES_LEAST,
  LANES_STATE,
  type Layout,
  layOut,
  loadRows,
  ROW_LEAST,
  ROW_STATE,
} from "../kernel/flash_wasm.ts";
import { endKey, firstKey } from "./admit.ts";
import { type Job, makeScratch, type Scratch, startOf } from "./block.ts";
import { attendRows } from "./blocked.ts";
import { endAdmitted, firstAdmitted, type Mask, maskRow } from "./mask.ts";

/** Factors of queries and caps of scores must be 32-bit floats with all their bits. */
const LARGEST = 2 ** 126;
/** Scores below this size are lost in a bias of −2¹²⁵, in 64 bits as in 32. */
const ABSORBED = 2 ** 70;
/** What cannot be held as a bias of 32 bits and is not −Infinity. */
const LEAST_BIAS = -3.4028234663852886e38;

/** Rows of a walk: where each is and what it may attend to. */
interface Rows {
  first: Int32Array;
  end: Int32Array;
  maskAt: Float64Array;
  outputAt: Float64Array;
  /** 1 where the scalar kernel has to do it again. */
  again: Uint8Array;
}

/** All that a walk needs. */
interface Walk {
  job: Job;
  flash: FlashWasm;
  layout: Layout;
  rows: Rows;
  queries: Float32Array;
  keys: Float32Array;
  values: Float32Array;
  output: Float32Array;
  /** The soft cap, 0 for none, and its factor. */
  cap: number;
  capFactor: number;
}

/** Whether a job is one of 32-bit floats throughout, with factors that they hold and no scores to keep. */
export function fitsLanes(job: Job): boolean {
  const { queries, keys, values, scores, scale, softcap } = job;
  const fits = (number: number) =>
    number === 0 ||
    Math.abs(number) < LARGEST && Math.abs(number) > 1 / LARGEST;
  return scores === undefined && fits(scale) && fits(softcap) &&
    [queries, keys, values].every(({ data }) => data.BYTES_PER_ELEMENT === 4);
}

/** Fills the output of a job that fits. */
export function attendLanes(verb: string, job: Job, flash: FlashWasm): void {
  const { queries, keys, values, output, softcap } = job;
  if (keys.heads === 0) return;
  const count = queries.heads / keys.heads * queries.length;
  if (count === 0) return;
  const layout = layOut(
    verb,
    flash,
    count,
    keys.length,
    keys.dim,
    values.dim,
  );
  const walk: Walk = {
    job,
    flash,
    layout,
    rows: {
      first: new Int32Array(layout.rows),
      end: new Int32Array(layout.rows),
      maskAt: new Float64Array(layout.rows),
      outputAt: new Float64Array(layout.rows),
      again: new Uint8Array(layout.rows),
    },
    queries: queries.data as Float32Array,
    keys: keys.data as Float32Array,
    values: values.data as Float32Array,
    output: output.data as Float32Array,
    cap: softcap,
    capFactor: softcap > 0 ? -2 / softcap : 0,
  };
  let scratch: Scratch | undefined;
  for (let batch = 0; batch < queries.batches; batch++) {
    for (let head = 0; head < keys.heads; head++) {
      for (let row = 0; row < count; row += layout.rows) {
        const rows = Math.min(layout.rows, count - row);
        begin(walk, batch, head, row, rows);
        meet(walk, batch, head, rows);
        if (!finish(walk, rows)) continue;
        scratch ??= makeScratch(job);
        const { again } = walk.rows;
        for (let r = 0; r < rows; r++) {
          const from = r;
          while (r < rows && again[r] === 1) r++;
          if (r > from) {
            attendRows(job, scalar, scratch, batch, head, row + from, r - from);
          }
        }
      }
    }
  }
}

/** Packs rows row … row + count − 1 of a key head, finds what each may attend to, empties their sums. */
function begin(
  walk: Walk,
  batch: number,
  keyHead: number,
  row: number,
  count: number,
): void {
  const { job, flash, layout, rows } = walk;
  const { queries, keys, output, admission } = job, { mask } = admission;
  const group = queries.heads / keys.heads, factor = job.scale;
  const size = layout.inRows ? 1 : LANES, { dim } = queries;
  for (let r = 0; r < count; r += size) {
    const some = Math.min(size, count - r);
    for (let lane = 0; lane < some; lane++) {
      const at = r + lane, i = (row + at) % queries.length;
      const head = keyHead * group + Math.floor((row + at) / queries.length);
      loadRows(
        flash,
        layout,
        layout.stagingAt + lane * dim * 4,
        walk.queries,
        startOf(queries, batch, head) + i * queries.rowStride,
        dim,
        1,
        dim,
        dim,
      );
      rows.first[at] = Math.min(firstKey(admission, batch, i), keys.length);
      rows.end[at] = Math.max(endKey(admission, batch, i), 0);
      rows.maskAt[at] = mask === undefined ? 0 : maskRow(mask, batch, head, i);
      rows.outputAt[at] = startOf(output, batch, head) + i * output.rowStride;
    }
    const lost = flash.packQueries(
      layout.queryAt + r * layout.dim * 4,
      layout.stagingAt,
      some,
      size,
      dim,
      layout.dim,
      factor,
    );
    for (let lane = 0; lane < some; lane++) {
      rows.again[r + lane] = lost >> lane & 1;
    }
    const numerator = layout.numeratorAt + r * layout.columns * 4;
    if (layout.inRows) {
      const state = layout.stateAt + r * ROW_STATE;
      flash.emptyRow(state, numerator, layout.columns);
    } else {
      const state = layout.stateAt + r / LANES * LANES_STATE;
      flash.emptyLanes(state, numerator, layout.columns);
    }
  }
}

/** Lets the first `count` rows meet all keys that some of them may attend to. */
function meet(walk: Walk, batch: number, head: number, count: number): void {
  const { job, flash, layout, rows } = walk, { keys, values } = job;
  const { mask } = job.admission;
  const all = union(rows, undefined, 0, count, 0, keys.length);
  const keyStart = startOf(keys, batch, head);
  const valueStart = startOf(values, batch, head);
  const size = layout.inRows ? 1 : LANES;
  for (
    let block = all.from - all.from % layout.keys;
    block < all.to;
    block += layout.keys
  ) {
    const blockEnd = Math.min(block + layout.keys, all.to);
    let loaded = false;
    for (let row = 0; row < count; row += size) {
      const end = Math.min(row + size, count);
      const { from, to } = union(rows, mask, row, end, block, blockEnd);
      if (from >= to) continue;
      if (!loaded) {
        loadRows(
          flash,
          layout,
          layout.keyAt,
          walk.keys,
          keyStart + block * keys.rowStride,
          keys.rowStride,
          blockEnd - block,
          keys.dim,
          layout.dim,
        );
        loadRows(
          flash,
          layout,
          layout.valueAt,
          walk.values,
          valueStart + block * values.rowStride,
          values.rowStride,
          blockEnd - block,
          values.dim,
          values.dim,
        );
        loaded = true;
      }
      if (!layout.inRows) {
        foldGroup(walk, row, end, block, from, to);
        continue;
      }
      // Two rows that may attend to the same keys of the block go together.
      let two = false;
      if (row + 1 < count) {
        const next = union(rows, mask, row + 1, row + 2, block, blockEnd);
        two = next.from === from && next.to === to;
      }
      foldOne(walk, row, two, block, from, to);
      if (two) row++;
    }
  }
}

/** Folds the keys from … to − 1 into a group of rows. */
function foldGroup(
  walk: Walk,
  row: number,
  rowEnd: number,
  block: number,
  from: number,
  to: number,
): void {
  const { flash, layout, rows, job } = walk, { mask } = job.admission;
  const state = layout.stateAt + row / LANES * LANES_STATE;
  let ragged = false;
  for (let r = row; r < rowEnd; r++) {
    if (rows.first[r] > from || rows.end[r] < to) ragged = true;
  }
  let maskStride = 0;
  if (mask !== undefined) {
    maskStride = loadMask(walk, mask, row, rowEnd, block, from, to, ragged);
  } else if (ragged) {
    const { integers } = flash, at = state / 4;
    for (let lane = 0; lane < LANES; lane++) {
      const r = Math.min(row + lane, rowEnd - 1);
      integers[at + LANES_FIRST + lane] = rows.first[r] - block;
      integers[at + LANES_END + lane] = rows.end[r] - block;
    }
  }
  flash.foldLanes(
    layout.queryAt + row * layout.dim * 4,
    layout.keyAt,
    layout.valueAt,
    layout.numeratorAt + row * layout.columns * 4,
    state,
    layout.scoresAt,
    from - block,
    to - block,
    layout.dim,
    job.values.dim,
    Number(ragged),
    mask === undefined ? 0 : layout.maskAt,
    maskStride,
    walk.cap,
    walk.capFactor,
  );
}

/** Folds the keys from … to − 1 into one row or two. */
function foldOne(
  walk: Walk,
  row: number,
  two: boolean,
  block: number,
  from: number,
  to: number,
): void {
  const { flash, layout, job } = walk, { mask } = job.admission;
  const rowEnd = two ? row + 2 : row + 1;
  const maskStride = mask === undefined
    ? 0
    : loadMask(walk, mask, row, rowEnd, block, from, to, false);
  flash.foldRows(
    layout.queryAt + row * layout.dim * 4,
    layout.keyAt,
    layout.valueAt,
    layout.numeratorAt + row * layout.columns * 4,
    layout.stateAt + row * ROW_STATE,
    layout.scoresAt,
    from - block,
    to - block,
    layout.dim,
    job.values.dim,
    layout.columns,
    Number(two),
    mask === undefined ? 0 : layout.maskAt,
    maskStride,
    walk.cap,
    walk.capFactor,
  );
}

/** Loads the mask of some rows for the keys from … to − 1; bytes from row to row, 0 where they share one. */
function loadMask(
  walk: Walk,
  mask: Mask,
  row: number,
  rowEnd: number,
  block: number,
  from: number,
  to: number,
  ragged: boolean,
): number {
  const { flash, layout, rows } = walk, { maskAt } = rows;
  let shared = !ragged;
  for (let r = row + 1; r < rowEnd; r++) {
    if (maskAt[r] !== maskAt[row]) shared = false;
  }
  const count = shared ? 1 : rowEnd - row, width = layout.maskStride / 4;
  const offset = from - block;
  for (let lane = 0; lane < count; lane++) {
    const r = row + lane, at = lane * width + offset;
    const first = Math.max(from, rows.first[r]);
    const end = Math.max(first, Math.min(to, rows.end[r]));
    const source = maskAt[r];
    const start = at + first - from, behind = at + end - from;
    const last = at + to - from;
    if (mask.additive) {
      const target = flash.floats, base = layout.maskAt / 4;
      target.fill(-Infinity, base + at, base + start);
      if (mask.data instanceof Float32Array) {
        target.set(
          mask.data.subarray(source + first, source + end),
          base + start,
        );
      } else {
        for (let j = first; j < end; j++) {
          const bias = mask.data[source + j];
          target[base + start + j - first] = bias === -Infinity
            ? bias
            : Math.max(bias, LEAST_BIAS);
        }
      }
      target.fill(-Infinity, base + behind, base + last);
    } else {
      const target = flash.bytes, base = layout.stagingAt;
      target.fill(0, base + at, base + start);
      target.set(
        (mask.data as Uint8Array).subarray(source + first, source + end),
        base + start,
      );
      target.fill(0, base + behind, base + last);
    }
  }
  if (!mask.additive) {
    flash.widenMask(layout.maskAt, layout.stagingAt, count * width);
  }
  return shared ? 0 : layout.maskStride;
}

/** Writes the outputs of the first `count` rows; whether some are to be done again. */
function finish(walk: Walk, count: number): boolean {
  const { flash, layout, rows, output } = walk, { dim } = walk.job.output;
  const size = layout.inRows ? 1 : LANES, from = layout.stagingAt / 4;
  let some = false;
  for (let row = 0; row < count; row += size) {
    const numerator = layout.numeratorAt + row * layout.columns * 4;
    const lanes = Math.min(size, count - row);
    const state = layout.inRows
      ? layout.stateAt + row * ROW_STATE
      : layout.stateAt + row / LANES * LANES_STATE;
    const flags = layout.inRows
      ? flash.finishRow(layout.stagingAt, numerator, state, dim)
      : flash.finishLanes(layout.stagingAt, numerator, state, lanes, dim);
    for (let lane = 0; lane < lanes; lane++) {
      const r = row + lane, to = rows.outputAt[r];
      const least = flash
        .floats[state / 4 + (layout.inRows ? ROW_LEAST : LANES_LEAST + lane)];
      if (
        flags >> lane & 1 ||
        flags >> lane + LANES & 1 && !sameBiases(walk, r, least)
      ) rows.again[r] = 1;
      if (rows.again[r] === 1) some = true;
      else {
        const start = from + lane * dim;
        output.set(flash.floats.subarray(start, start + dim), to);
      }
    }
  }
  return some;
}

/** Whether all biases of a row are one number in which its scores are lost, so that cutting it off changed nothing. */
function sameBiases(walk: Walk, row: number, least: number): boolean {
  const { mask } = walk.job.admission, { first, end, maskAt } = walk.rows;
  if (!mask?.additive || !(least > -ABSORBED)) return false;
  const { data } = mask, at = maskAt[row];
  let same: number | undefined;
  for (let j = first[row]; j < end[row]; j++) {
    const bias = data[at + j];
    if (bias === -Infinity) continue;
    if (same !== undefined && bias !== same) return false;
    same = bias;
  }
  return true;
}

/** The smallest range within from … to − 1 that holds what rows row … rowEnd − 1 may attend to of it. */
function union(
  rows: Rows,
  mask: Mask | undefined,
  row: number,
  rowEnd: number,
  from: number,
  to: number,
): { from: number; to: number } {
  let least = to, most = from;
  for (let r = row; r < rowEnd; r++) {
    let low = Math.max(from, rows.first[r]), high = Math.min(to, rows.end[r]);
    if (mask !== undefined && low < high) {
      low = firstAdmitted(mask, rows.maskAt[r], low, high);
      high = endAdmitted(mask, rows.maskAt[r], low, high);
    }
    if (low >= high) continue;
    if (low < least) least = low;
    if (high > most) most = high;
  }
  return { from: least, to: most };
}
