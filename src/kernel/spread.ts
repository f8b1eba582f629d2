/**
 * Sparse rows written out for as long as they are needed.
 *
 * @module
 */

import type { Entries } from "../rows.ts";
import { apart, type Home } from "./home.ts";

/** One row written out; zeros elsewhere. */
export interface Spread {
  /** Where its arrays live. */
  readonly home: Home;
  numbers: Float32Array;
  /** Which columns are written. */
  columns: Uint32Array;
  count: number;
}

const NO_FLOATS = new Float32Array(0), NO_INTS = new Uint32Array(0);

/** Makes room to write out one row, once there is one. */
export function makeSpread(home: Home = apart): Spread {
  return {
    home,
    numbers: NO_FLOATS,
    columns: NO_INTS,
    count: 0,
  };
}

/** Makes room for rows of a width with at most so many entries: writing them out cannot fail. */
export function reserveSpread(
  spread: Spread,
  width: number,
  entries: number,
): void {
  if (spread.numbers.length !== width) {
    spread.home.grow(spread, "numbers", width);
    spread.numbers.fill(0);
    spread.count = 0;
  }
  if (spread.columns.length < entries) {
    spread.home.grow(spread, "columns", entries);
  }
}

/** Writes a sparse row out in place of the one before. Costs the entries of both; the caller has made room. */
export function spreadEntries(
  spread: Spread,
  { columns, numbers, start, count }: Entries,
): void {
  const { numbers: written, columns: used } = spread;
  for (let i = 0; i < spread.count; i++) written[used[i]] = 0;
  for (let i = 0; i < count; i++) {
    const column = columns[start + i];
    written[column] = numbers[start + i];
    used[i] = column;
  }
  spread.count = count;
}

/** Bytes held. */
export function spreadBytes({ numbers, columns }: Spread): number {
  return numbers.byteLength + columns.byteLength;
}
