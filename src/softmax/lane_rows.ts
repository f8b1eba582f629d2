/**
 * The rows of a walk in 32-bit floats: from queries to empty sums, what each may attend to, from sums to outputs.
 *
 * 32 bits hold less than the contract of `attention.ts` asks for. Rows whose output is not finite, whose scores went
 * beyond 32 bits or whose queries lost bits to underflow are found when they are packed and finished, and marked.
 *
 * @module
 */

import {
  LANES,
  LANES_LEAST,
  LANES_STATE,
  type Layout,
  ROW_LEAST,
  ROW_STATE,
} from "../kernel/flash_layout.ts";
import { loadQueries } from "../kernel/flash_load.ts";
import type { FlashWasm } from "../kernel/flash_wasm.ts";
import { endKey, firstKey } from "./admit.ts";
import { type Job, startOf } from "./block.ts";
import { endAdmitted, firstAdmitted, type Mask, maskRow } from "./mask.ts";

/** Scores below this size are lost in a bias of −2¹²⁵, in 64 bits as in 32. */
const ABSORBED = 2 ** 70;
/** What cannot be held as a bias of 32 bits and is not −Infinity. */
const LEAST_BIAS = -3.4028234663852886e38;

/** Rows of a walk: where each is and what it may attend to. */
export interface Rows {
  first: Int32Array;
  end: Int32Array;
  queryAt: Float64Array;
  maskAt: Float64Array;
  outputAt: Float64Array;
  /** What each may attend to in the block at hand, where few rows meet it. */
  from: Int32Array;
  to: Int32Array;
  /** 1 where the scalar kernel has to do it again. */
  again: Uint8Array;
}

/** Room for `count` rows. */
export function makeRows(count: number): Rows {
  return {
    first: new Int32Array(count),
    end: new Int32Array(count),
    queryAt: new Float64Array(count),
    maskAt: new Float64Array(count),
    outputAt: new Float64Array(count),
    from: new Int32Array(count),
    to: new Int32Array(count),
    again: new Uint8Array(count),
  };
}

/** All that a walk needs. */
export interface Walk {
  job: Job;
  flash: FlashWasm;
  layout: Layout;
  rows: Rows;
  queries: Float32Array;
  keys: Float32Array;
  values: Float32Array;
  output: Float32Array;
  /** Where in the memory all keys lie row by row, if they are resident; else 0. */
  residentKeys: number;
  /** The same of the values. */
  residentValues: number;
  /** What is resident is more than caches hold. */
  far: boolean;
  /** Where in the memory the keys of the block at hand begin. */
  keyAt: number;
  /** The same of the values. */
  valueAt: number;
  /** The soft cap, 0 for none, and its factor. */
  cap: number;
  capFactor: number;
}

/** Packs rows row … row + count − 1 of a key head, finds what each may attend to, empties their sums. */
export function begin(
  walk: Walk,
  batch: number,
  keyHead: number,
  row: number,
  count: number,
): void {
  const { job, flash, layout, rows } = walk;
  const { queries, keys, output, admission } = job, { mask } = admission;
  const group = queries.heads / keys.heads;
  for (let r = 0; r < count; r++) {
    const i = (row + r) % queries.length;
    const head = keyHead * group + Math.floor((row + r) / queries.length);
    rows.queryAt[r] = startOf(queries, batch, head) + i * queries.rowStride;
    rows.outputAt[r] = startOf(output, batch, head) + i * output.rowStride;
    rows.first[r] = Math.min(firstKey(admission, batch, i), keys.length);
    rows.end[r] = Math.max(endKey(admission, batch, i), 0);
    rows.maskAt[r] = mask === undefined ? 0 : maskRow(mask, batch, head, i);
  }
  const size = layout.inRows ? 1 : LANES;
  for (let r = 0; r < count; r += size) {
    const some = Math.min(size, count - r);
    const lost = loadQueries(
      flash,
      layout,
      r,
      walk.queries,
      rows.queryAt,
      queries.rowStride,
      some,
      queries.dim,
      job.scale,
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

/** Writes the outputs of the first `count` rows; whether some are to be done again. */
export function finish(walk: Walk, count: number): boolean {
  const { flash, layout, rows, output } = walk,
    { dim, rowStride } = walk.job.output;
  const size = layout.inRows ? 1 : LANES, from = layout.stagingAt / 4;
  const stride = Math.ceil(dim / 4) * 4;
  let some = false;
  for (let row = 0; row < count; row += size) {
    const numerator = layout.numeratorAt + row * layout.columns * 4;
    const lanes = Math.min(size, count - row);
    const state = layout.inRows
      ? layout.stateAt + row * ROW_STATE
      : layout.stateAt + row / LANES * LANES_STATE;
    const flags = layout.inRows
      ? flash.finishRow(layout.stagingAt, numerator, state, dim)
      : flash.finishLanes(layout.stagingAt, numerator, state, dim, stride);
    let all = true;
    for (let lane = 0; lane < lanes; lane++) {
      const r = row + lane;
      const least = flash
        .floats[state / 4 + (layout.inRows ? ROW_LEAST : LANES_LEAST + lane)];
      if (
        flags >> lane & 1 ||
        flags >> lane + LANES & 1 && !sameBiases(walk, r, least)
      ) rows.again[r] = 1;
      if (rows.again[r] === 1) {
        some = true;
        all = false;
      }
    }
    if (all && stride === dim && rowStride === dim) {
      // Rows that lie close do so from head to head.
      output.set(
        flash.floats.subarray(from, from + lanes * dim),
        rows.outputAt[row],
      );
      continue;
    }
    for (let lane = 0; lane < lanes; lane++) {
      if (rows.again[row + lane] === 1) continue;
      const start = from + lane * stride;
      output.set(
        flash.floats.subarray(start, start + dim),
        rows.outputAt[row + lane],
      );
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
export function union(
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

/** Loads the mask of some rows for the keys from … to − 1; bytes from row to row, 0 where they share one. */
export function loadMask(
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
  const target = mask.additive ? flash.floats : flash.bytes;
  const no = mask.additive ? -Infinity : 0, { data } = mask;
  const base = mask.additive ? layout.maskAt / 4 : layout.stagingAt;
  for (let lane = 0; lane < count; lane++) {
    const r = row + lane, at = base + lane * width - block;
    const first = Math.min(Math.max(from, rows.first[r]), to);
    const end = Math.max(first, Math.min(to, rows.end[r]));
    if (data instanceof Float64Array) {
      for (let j = first; j < end; j++) {
        const bias = data[maskAt[r] + j];
        target[at + j] = bias === -Infinity ? bias : Math.max(bias, LEAST_BIAS);
      }
    } else {target.set(
        data.subarray(maskAt[r] + first, maskAt[r] + end),
        at + first,
      );}
    // What the others of the group may attend to and this row may not.
    if (first > from) target.fill(no, at + from, at + first);
    if (end < to) target.fill(no, at + end, at + to);
  }
  if (!mask.additive) {
    flash.widenMask(layout.maskAt, layout.stagingAt, count * width);
  }
  return shared ? 0 : layout.maskStride;
}
