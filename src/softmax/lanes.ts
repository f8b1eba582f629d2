/**
 * The walk of blocked attention in 32-bit floats, for the WebAssembly kernels.
 *
 * As in `blocked.ts`, the queries of all heads that share keys are the rows of one walk over blocks of those keys; a
 * block is copied into the kernel's memory once, unless it is there (`lane_keys.ts`), and meets all rows of a block of
 * rows. What a row may attend to is a range and a mask over it, applied lane by lane, so a row's bits do not depend on
 * what the others may attend to nor on what is in keys that it may not.
 *
 * Rows that leave the range of 32-bit floats are done again by the scalar kernel (`lane_rows.ts`).
 *
 * @module
 */

import { flash as scalar } from "../kernel/flash.ts";
import {
  LANES,
  LANES_END,
  LANES_FIRST,
  LANES_STATE,
  layOut,
  MOST_ROWS,
  ROW_STATE,
  SPARE_NUMBERS,
  SPARE_ROWS,
} from "../kernel/flash_layout.ts";
import { homeOf } from "../kernel/flash_resident.ts";
import { type FlashWasm, reserve } from "../kernel/flash_wasm.ts";
import { type Job, makeScratch, type Scratch } from "./block.ts";
import { attendRows } from "./blocked.ts";
import { bringKeys, bringValues, isFar, residentAt } from "./lane_keys.ts";
import {
  begin,
  finish,
  loadMask,
  makeRows,
  union,
  type Walk,
} from "./lane_rows.ts";

/** Factors of queries and caps of scores must be 32-bit floats with all their bits. */
const LARGEST = 2 ** 126;

/** The rows of whichever walk is going on: no code of the caller's runs within one, and eight arrays are dear to make. */
const ROWS = makeRows(MOST_ROWS);

/** Whether a job is one of 32-bit floats throughout, with factors that they hold and no scores to keep. */
export function fitsLanes(job: Job): boolean {
  const { queries, keys, values, scores, scale, softcap } = job;
  const fits = (number: number) =>
    number === 0 ||
    Math.abs(number) < LARGEST && Math.abs(number) > 1 / LARGEST;
  return scores === undefined && fits(scale) && fits(softcap) &&
    [queries, keys, values].every(({ data }) => data.BYTES_PER_ELEMENT === 4);
}

/** Fills the output of a job that fits, by an instance of the module of `shared`. */
export function attendLanes(verb: string, job: Job, shared: FlashWasm): void {
  const { queries, keys, values, output, softcap } = job;
  if (keys.heads === 0) return;
  const count = queries.heads / keys.heads * queries.length;
  if (count === 0) return;
  const keyNumbers = keys.data as Float32Array;
  const valueNumbers = values.data as Float32Array;
  const layout = layOut(shared, count, keys.length, keys.dim, values.dim);
  const home = homeOf(shared, keyNumbers) ?? homeOf(shared, valueNumbers);
  const flash = home !== undefined && layout.end <= home.room ? home : shared;
  reserve(verb, flash, layout.end);
  const walk: Walk = {
    job,
    flash,
    layout,
    rows: ROWS,
    queries: queries.data as Float32Array,
    keys: keyNumbers,
    values: valueNumbers,
    output: output.data as Float32Array,
    residentKeys: residentAt(flash, keys, SPARE_ROWS * keys.dim),
    residentValues: residentAt(flash, values, SPARE_NUMBERS),
    far: isFar(keys, values),
    keyAt: layout.keyAt,
    valueAt: layout.valueAt,
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

/** Lets the first `count` rows meet all keys that some of them may attend to. */
function meet(walk: Walk, batch: number, head: number, count: number): void {
  const { job, layout, rows } = walk, { length } = job.keys;
  const all = union(rows, undefined, 0, count, 0, length);
  const start = all.from - all.from % layout.keys;
  for (let block = start; block < all.to; block += layout.keys) {
    const end = Math.min(block + layout.keys, all.to);
    if (layout.inRows) meetInRows(walk, batch, head, count, block, end);
    else meetInLanes(walk, batch, head, count, block, end);
  }
}

/** A block of keys for groups of eight rows. */
function meetInLanes(
  walk: Walk,
  batch: number,
  head: number,
  count: number,
  block: number,
  blockEnd: number,
): void {
  const { rows } = walk, { mask } = walk.job.admission;
  let loaded = false;
  for (let row = 0; row < count; row += LANES) {
    const end = Math.min(row + LANES, count);
    const { from, to } = union(rows, mask, row, end, block, blockEnd);
    if (from >= to) continue;
    if (!loaded) {
      bringKeys(walk, batch, head, block, blockEnd);
      bringValues(walk, batch, head, block, blockEnd);
      loaded = true;
    }
    foldGroup(walk, row, end, block, from, to);
  }
}

/** A block of keys for few rows: first the scores of all, so that values may take the place of the keys. */
function meetInRows(
  walk: Walk,
  batch: number,
  head: number,
  count: number,
  block: number,
  blockEnd: number,
): void {
  const { flash, layout, rows } = walk, { mask } = walk.job.admission;
  const { from, to } = rows, { scoresStride } = layout;
  let some = false;
  for (let row = 0; row < count; row++) {
    const range = union(rows, mask, row, row + 1, block, blockEnd);
    from[row] = range.from;
    to[row] = range.to;
    if (range.from < range.to) some = true;
  }
  if (!some) return;
  const size = walk.residentKeys === 0 ? layout.part : layout.keys;
  for (let part = block; part < blockEnd; part += size) {
    const partEnd = Math.min(part + size, blockEnd);
    bringKeys(walk, batch, head, part, partEnd);
    for (let row = 0; row < count; row++) {
      const first = Math.max(from[row], part);
      const end = Math.min(to[row], partEnd);
      if (first >= end) continue;
      const two = goTogether(walk, row, count);
      flash.scoreRows(
        layout.scoresAt + row * scoresStride + (first - from[row]) * 4,
        scoresStride,
        layout.queryAt + row * layout.dim * 4,
        walk.keyAt + (first - part) * layout.dim * 4,
        end - first,
        layout.dim,
        Number(two),
      );
      if (two) row++;
    }
  }
  bringValues(walk, batch, head, block, blockEnd);
  for (let row = 0; row < count; row++) {
    if (from[row] >= to[row]) continue;
    const two = goTogether(walk, row, count);
    foldRows(walk, row, two, block);
    if (two) row++;
  }
}

/** Whether a row and the next may attend to the same keys of the block. */
function goTogether(walk: Walk, row: number, count: number): boolean {
  const { from, to } = walk.rows;
  return row + 1 < count && from[row + 1] === from[row] &&
    to[row + 1] === to[row];
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
    walk.keyAt,
    walk.valueAt,
    layout.numeratorAt + row * layout.columns * 4,
    state,
    layout.scoresAt,
    from - block,
    to - block,
    layout.dim,
    job.values.dim,
    Number(layout.panels),
    Number(ragged),
    mask === undefined ? 0 : layout.maskAt,
    maskStride,
    walk.cap,
    walk.capFactor,
  );
}

/** Folds the keys of a block, whose scores are there, into one row or two. */
function foldRows(walk: Walk, row: number, two: boolean, block: number): void {
  const { flash, layout, job } = walk, { mask } = job.admission;
  const from = walk.rows.from[row], to = walk.rows.to[row];
  const rowEnd = two ? row + 2 : row + 1, offset = (from - block) * 4;
  const maskStride = mask === undefined
    ? 0
    : loadMask(walk, mask, row, rowEnd, block, from, to, false);
  flash.addRows(
    layout.numeratorAt + row * layout.columns * 4,
    layout.stateAt + row * ROW_STATE,
    layout.scoresAt + row * layout.scoresStride,
    layout.scoresStride,
    walk.valueAt + offset * job.values.dim,
    to - from,
    job.values.dim,
    layout.columns,
    Number(two),
    mask === undefined ? 0 : layout.maskAt + offset,
    maskStride,
    walk.cap,
    walk.capFactor,
  );
}
