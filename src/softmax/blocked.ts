/**
 * Blocked attention: softmax(scale · Q Kᵀ + bias) V over blocks of keys, the matrix of scores never kept.
 *
 * For each key head, the queries of all its query heads are its rows, so grouped heads share what is loaded. A block of
 * rows walks over the blocks of keys that some row of it may attend to, four rows at a time: score, mask, weigh, add to
 * the numerator. Scratch is O(dim + valueDim) times constants, whatever the number of queries and keys.
 *
 * Blocks lie at fixed places and sums go by fixed groups (kernel/flash.ts), so a row's bits depend on its own query and
 * the keys that it may attend to, not on the rows beside it nor on what the other keys hold.
 *
 * @module
 */

import { type FlashKernel, GROUP } from "../kernel/flash.ts";
import { allFinite, copyRows, copyTransposed } from "../kernel/load.ts";
import {
  begin,
  finish,
  type Job,
  KEY_BLOCK,
  padded,
  refine,
  ROW_BLOCK,
  type Scratch,
  startOf,
} from "./block.ts";
import { endAdmitted, firstAdmitted } from "./mask.ts";

/** Fills the output of a job, and its scores if there are any. */
export function attendBlocked(
  job: Job,
  kernel: FlashKernel,
  scratch: Scratch,
): void {
  const { queries, keys } = job;
  if (keys.heads === 0) return;
  const rows = queries.heads / keys.heads * queries.length;
  for (let batch = 0; batch < queries.batches; batch++) {
    for (let head = 0; head < keys.heads; head++) {
      attendRows(job, kernel, scratch, batch, head, 0, rows);
    }
  }
}

/** Fills the output of rows row … row + count − 1 of a key head, and their scores; more than a block is walked in turn. */
export function attendRows(
  job: Job,
  kernel: FlashKernel,
  scratch: Scratch,
  batch: number,
  head: number,
  row: number,
  count: number,
): void {
  for (let from = row; from < row + count; from += ROW_BLOCK) {
    const some = Math.min(ROW_BLOCK, row + count - from);
    begin(job, scratch, batch, head, from, some);
    walk(job, kernel, scratch, batch, head, some);
    finish(job, scratch, some);
  }
}

/** Folds all keys that some of the first `count` rows may attend to into those rows. */
function walk(
  job: Job,
  kernel: FlashKernel,
  scratch: Scratch,
  batch: number,
  head: number,
  count: number,
): void {
  const { keys, values, admission: { mask } } = job;
  const { inPlace, tile, state, first, end, maskAt } = scratch;
  const keyStart = startOf(keys, batch, head);
  const valueStart = startOf(values, batch, head);
  // Scores before the mask are wanted of every key, whether or not it is admitted.
  const all = job.scores?.kind === "raw" || job.scores?.kind === "softcapped";
  const span = all
    ? { from: 0, to: keys.length }
    : union(first, end, 0, count, 0, keys.length);
  const queryPanel = { ...scratch.queries }, keyPanel = { ...scratch.keys };
  const valuePanel = { ...scratch.values }, numerator = { ...state.numerator };
  const keySource = { data: keys.data, at: 0, stride: keys.rowStride };
  const valueSource = { data: values.data, at: 0, stride: values.rowStride };
  const start = span.from - span.from % KEY_BLOCK;
  for (let block = start; block < span.to; block += KEY_BLOCK) {
    const blockEnd = Math.min(block + KEY_BLOCK, keys.length);
    const size = blockEnd - block;
    let keysLoaded = false, valuesLoaded = false, finite = false;
    for (let row = 0; row < count; row += GROUP) {
      const rows = Math.min(GROUP, count - row);
      let { from, to } = all
        ? { from: block, to: blockEnd }
        : union(first, end, row, row + rows, block, blockEnd);
      if (mask !== undefined && !all) {
        let least = to, most = from;
        for (let r = row; r < row + rows; r++) {
          least = firstAdmitted(mask, maskAt[r], from, least);
          most = endAdmitted(mask, maskAt[r], most, to);
        }
        from = least;
        to = most;
      }
      if (from >= to) continue;
      from -= from % GROUP;
      const columns = padded(to - from);
      queryPanel.at = row * queryPanel.stride;
      if (inPlace) {
        keySource.at = keyStart + from * keys.rowStride;
        kernel.scoreInPlace(
          tile,
          queryPanel,
          keySource,
          rows,
          keys.dim,
          to - from,
        );
      } else {
        if (!keysLoaded) {
          keySource.at = keyStart + block * keys.rowStride;
          copyTransposed(scratch.keys, keySource, size, keys.dim, padded(size));
          keysLoaded = true;
        }
        tile.data.fill(0);
        keyPanel.at = from - block;
        kernel.multiplyAdd(
          tile,
          queryPanel,
          keyPanel,
          rows,
          queryPanel.stride,
          columns,
        );
      }
      refine(job, scratch, row, rows, from, to, columns);
      const zeros = kernel.weigh(tile, state, row, rows, columns);
      if (!valuesLoaded && (zeros || !inPlace)) {
        valueSource.at = valueStart + block * values.rowStride;
        copyRows(scratch.values, valueSource, size, values.dim);
        scratch.values.data.fill(0, size * values.dim);
        finite = allFinite(scratch.values, size * values.dim);
        valuesLoaded = true;
      }
      numerator.at = row * numerator.stride;
      valuePanel.at = (from - block) * values.dim;
      if (zeros && !finite) {
        kernel.multiplyAddNonzero(
          numerator,
          tile,
          valuePanel,
          rows,
          columns,
          values.dim,
        );
      } else if (inPlace) {
        valueSource.at = valueStart + from * values.rowStride;
        kernel.addInPlace(
          numerator,
          tile,
          valueSource,
          rows,
          to - from,
          values.dim,
        );
      } else {
        kernel.multiplyAdd(
          numerator,
          tile,
          valuePanel,
          rows,
          columns,
          values.dim,
        );
      }
    }
  }
}

/** The smallest range within from … to − 1 that holds what rows row … rowEnd − 1 may attend to of it. */
function union(
  first: Float64Array,
  end: Float64Array,
  row: number,
  rowEnd: number,
  from: number,
  to: number,
): { from: number; to: number } {
  let least = to, most = from;
  for (let r = row; r < rowEnd; r++) {
    const low = Math.max(from, first[r]), high = Math.min(to, end[r]);
    if (low >= high) continue;
    if (low < least) least = low;
    if (high > most) most = high;
  }
  return { from: least, to: most };
}
