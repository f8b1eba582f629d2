/**
 * Loops over the entries of sparse rows.
 *
 * Entries lie stripe by stripe, so a dot product adds them in the order in which the loop over all columns would: the
 * same bits, for what is not zero.
 *
 * @module
 */

import type { Entries } from "../rows.ts";
import { DENSE, type Table } from "./table.ts";

/** The dot product of a sparse row with one that is written out, from `at` on, in two stripes. */
export function dotEntries(
  columns: Uint32Array,
  numbers: Float32Array,
  start: number,
  evens: number,
  count: number,
  rows: Float32Array,
  at: number,
): number {
  const odds = count - evens, middle = start + evens;
  const shared = evens < odds ? evens : odds;
  let even = 0, odd = 0;
  for (let i = 0; i < shared; i++) {
    even += rows[at + columns[start + i]] * numbers[start + i];
    odd += rows[at + columns[middle + i]] * numbers[middle + i];
  }
  for (let i = start + shared; i < middle; i++) {
    even += rows[at + columns[i]] * numbers[i];
  }
  for (let i = middle + shared; i < start + count; i++) {
    odd += rows[at + columns[i]] * numbers[i];
  }
  return even + odd;
}

/** Writes the places of the dense rows among `slots` to the front of `picked` and of the sparse ones to its end. */
export function partition(
  { evens }: Table,
  slots: Int32Array,
  count: number,
  picked: Int32Array,
): number {
  let dense = 0, sparse = picked.length;
  for (let i = 0; i < count; i++) {
    if (evens[slots[i]] === DENSE) picked[dense++] = i;
    else picked[--sparse] = i;
  }
  return dense;
}

/** Whether meeting the key by its entries takes a query that is written out: it has fewer than the query. */
export function isSparser(
  key: Entries | undefined,
  query: Entries | undefined,
): boolean {
  return key !== undefined && (query === undefined || key.count < query.count);
}
