/**
 * The generator of the worked examples: multiples of 0.001 from −1 to 1, the same everywhere.
 *
 * A linear congruential generator, x ← 1664525 x + 1013904223 mod 2³² (W. Press et al., Numerical Recipes in C, 1992,
 * section 7.1). Thousandths are whole numbers and so have a 32-bit form, which the numbers themselves have not: with
 * queries, keys and values a thousand times as large and the scale a millionth, stored rows are the printed ones.
 *
 * @module
 */

/** The stream of a seed. */
export interface Lcg {
  /** rows × columns numbers, row by row. */
  matrix(rows: number, columns: number): number[][];
  /** The same in thousandths. */
  thousandths(rows: number, columns: number): number[][];
}

/** Makes the stream of a seed. */
export function lcg(seed: number): Lcg {
  let word = seed >>> 0;
  const next = () => {
    word = (Math.imul(1664525, word) + 1013904223) >>> 0;
    return (word >>> 8) % 2001 - 1000;
  };
  const table = (rows: number, columns: number, number: () => number) =>
    Array.from(
      { length: rows },
      () => Array.from({ length: columns }, number),
    );
  return {
    matrix: (rows, columns) => table(rows, columns, () => next() / 1000),
    thousandths: (rows, columns) => table(rows, columns, next),
  };
}
