/**
 * Rows of queries side by side: all their first columns, then all their second ones, in 64 bits.
 *
 * A number of a key meets a column of all of them at once. The SIMD module packs queries that are written out, and takes
 * them from its own memory, one behind the other; here those are packed of which some are kept as their entries.
 *
 * @module
 */

import { LANES, type Query } from "./kernel.ts";
import { DENSE, type Table } from "./table.ts";

/** Writes dense queries one behind the other. */
export function lineUp(queries: readonly Query[], into: Float32Array): void {
  for (let i = 0; i < queries.length; i++) {
    const { dim, rows, at } = queries[i];
    into.set(rows.subarray(at, at + dim), i * dim);
  }
}

/** Writes queries side by side, zeros in the lanes behind them. */
export function packQueries(
  queries: readonly Query[],
  lanes: Float64Array,
): void {
  lanes.fill(0);
  for (let lane = 0; lane < queries.length; lane++) {
    const { dim, rows, at, entries } = queries[lane];
    if (entries === undefined) {
      for (let t = 0; t < dim; t++) lanes[LANES * t + lane] = rows[at + t];
      continue;
    }
    const { columns, numbers, start, count } = entries;
    for (let i = start; i < start + count; i++) {
      lanes[LANES * columns[i] + lane] = numbers[i];
    }
  }
}

/** What the first `count` of some rows hold: how many are written out, and how many entries the others have. */
export function sizesOf(
  { evens, count: sizes }: Table,
  rows: Int32Array,
  count: number,
): { dense: number; entries: number } {
  let dense = 0, entries = 0;
  for (let i = 0; i < count; i++) {
    if (evens[rows[i]] === DENSE) dense++;
    else entries += sizes[rows[i]];
  }
  return { dense, entries };
}

/**
 * What a number of a key costs all lanes, whoever is in them, and a query by itself: a number that is written out, an
 * entry, and an entry of a sparse query over a dense key, which plain loops do. Measured at widths of 64 and 1024: six
 * queries over dense keys gain a tenth together, two over sparse keys of few entries up to a half, of many nothing.
 */
const TOGETHER = 6, DENSE_ALONE = 1, ENTRY_ALONE = 3, LOOP_ALONE = 6;

/** Whether queries are scored faster side by side than one after the other, over keys that hold so much. */
export function isFaster(
  queries: readonly Query[],
  { dense, entries }: { dense: number; entries: number },
): boolean {
  let together = 0, alone = 0;
  for (const { dim, entries: own } of queries) {
    together = TOGETHER * (entries + dense * dim);
    alone += ENTRY_ALONE * entries +
      dense * (own === undefined ? DENSE_ALONE * dim : LOOP_ALONE * own.count);
  }
  return together <= alone;
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
