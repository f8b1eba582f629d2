/**
 * Rows of queries side by side: all their first columns, then all their second ones, in 64 bits.
 *
 * A number of a key meets a column of all of them at once. The SIMD module packs queries that are written out; here
 * those are packed of which some are kept as their entries.
 *
 * @module
 */

import { LANES } from "./kernel.ts";
import { DENSE, type Table } from "./table.ts";

/** Writes `count` rows of a table side by side to `lanes`, zeros in the lanes behind them. */
export function packRows(
  { width, start, evens, count: sizes, dense, columns, numbers }: Table,
  rows: Int32Array,
  count: number,
  lanes: Float64Array,
): void {
  lanes.fill(0);
  for (let lane = 0; lane < count; lane++) {
    const row = rows[lane], from = start[row];
    if (evens[row] === DENSE) {
      for (let t = 0; t < width; t++) {
        lanes[LANES * t + lane] = dense[from * width + t];
      }
    } else {
      for (let i = from; i < from + sizes[row]; i++) {
        lanes[LANES * columns[i] + lane] = numbers[i];
      }
    }
  }
}

/** Whether the first `count` of some rows are all kept as their entries: they meet any query by these. */
export function allSparse(
  { evens }: Table,
  rows: Int32Array,
  count: number,
): boolean {
  for (let i = 0; i < count; i++) if (evens[rows[i]] === DENSE) return false;
  return true;
}
