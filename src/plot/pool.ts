/**
 * Cells of a picture from a matrix that has more numbers than a picture has room for.
 *
 * Rows and columns are cut into blocks that differ by one in length at most, and a block becomes its mean or the number
 * of it that is largest in size. Numbers that are missing are left out; a block of nothing else is missing. Memory is
 * that of the cells.
 *
 * @module
 */

import type { Source } from "./source.ts";

/** What a block of numbers is shown as: its mean, or the number that is largest in size. */
export type Pool = "mean" | "max";

/** Numbers folded into cells. */
export interface Pooled {
  rows: number;
  columns: number;
  /** rows × columns, row by row; `NaN` where all numbers are missing. */
  cells: Float64Array;
}

/** Folds a matrix into at most `mostRows` × `mostColumns` cells. Costs a pass over what is stored. */
export function poolSource(
  source: Source,
  mostRows: number,
  mostColumns: number,
  pool: Pool,
): Pooled {
  const rows = Math.min(source.rows, mostRows);
  const columns = Math.min(source.columns, mostColumns);
  const cells = new Float64Array(rows * columns);
  const totals = new Float64Array(columns), counts = new Float64Array(columns);
  for (let block = 0; block < rows; block++) {
    totals.fill(0);
    counts.fill(0);
    const end = startOf(block + 1, rows, source.rows);
    let sparse = 0;
    for (let row = startOf(block, rows, source.rows); row < end; row++) {
      const read = source.row(row);
      if (read.columns === undefined) {
        foldDense(read.numbers, columns, pool, totals, counts);
      } else {
        foldSparse(
          read.columns,
          read.numbers,
          source.columns,
          pool,
          totals,
          counts,
        );
        sparse++;
      }
    }
    // What is not stored is 0 and counts like any other number.
    for (let column = 0; column < columns; column++) {
      counts[column] += sparse * (startOf(column + 1, columns, source.columns) -
        startOf(column, columns, source.columns));
    }
    const to = block * columns;
    for (let column = 0; column < columns; column++) {
      const count = counts[column];
      cells[to + column] = count === 0
        ? NaN
        : pool === "mean"
        ? totals[column] / count
        : totals[column];
    }
  }
  return { rows, columns, cells };
}

/** Where block `block` of `blocks` begins among `length`. */
export function startOf(block: number, blocks: number, length: number): number {
  return Math.ceil(block * length / blocks);
}

/** Where each block begins. */
export function startsOf(blocks: number, length: number): number[] {
  return Array.from(
    { length: blocks },
    (_, block) => startOf(block, blocks, length),
  );
}

/** Folds a row of all numbers into the blocks of its columns. */
function foldDense(
  numbers: ArrayLike<number>,
  blocks: number,
  pool: Pool,
  totals: Float64Array,
  counts: Float64Array,
): void {
  for (let block = 0, at = 0; block < blocks; block++) {
    const end = startOf(block + 1, blocks, numbers.length);
    let total = totals[block], count = 0;
    for (; at < end; at++) {
      const number = numbers[at];
      if (number !== number) continue;
      count++;
      total = pool === "mean" ? total + number : larger(number, total);
    }
    totals[block] = total;
    counts[block] += count;
  }
}

/** Folds the numbers that a row stores; a missing one is taken off the count, which will hold all columns. */
function foldSparse(
  columns: ArrayLike<number>,
  numbers: ArrayLike<number>,
  length: number,
  pool: Pool,
  totals: Float64Array,
  counts: Float64Array,
): void {
  const blocks = totals.length;
  for (let at = 0; at < numbers.length; at++) {
    const number = numbers[at];
    const block = Math.floor(columns[at] * blocks / length);
    if (number !== number) counts[block]--;
    else if (pool === "mean") totals[block] += number;
    else totals[block] = larger(number, totals[block]);
  }
}

/** Of two numbers the one larger in size; of equal sizes the positive one, so that no order matters. */
function larger(one: number, other: number): number {
  const size = Math.abs(one), otherSize = Math.abs(other);
  return size > otherSize || size === otherSize && one > other ? one : other;
}
