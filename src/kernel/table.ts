/**
 * Tables of rows as kernels read them: each row is written out, or kept as its entries.
 *
 * @module
 */

import type { Entries } from "../rows.ts";

/** Marks a row that is written out. */
export const DENSE: number = -1;

/** Rows of numbers as they are stored: each is written out, or kept as its entries. */
export interface Table {
  readonly width: number;
  /** rows: the place of a dense row in `dense`, or of a sparse row's first entry in the pool. */
  start: Int32Array;
  /** rows: a sparse row's entries in even columns; DENSE for a row that is written out. */
  evens: Int32Array;
  /** rows: numbers that are not 0, which of a sparse row are its entries. */
  count: Int32Array;
  /** places × width, row by row. */
  dense: Float32Array;
  /** The pool of entries. */
  columns: Uint32Array;
  numbers: Float32Array;
}

/** The entries of a sparse row. */
export function entriesOf(
  { columns, numbers, start, evens, count }: Table,
  row: number,
): Entries {
  return {
    columns,
    numbers,
    start: start[row],
    evens: evens[row],
    count: count[row],
  };
}
