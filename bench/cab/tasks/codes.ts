/**
 * How worlds are written down for attention: symbols as directions, places as waves.
 *
 * @module
 */

import { DenseMatrix } from "@reattend/reattend";
import type { Random } from "../../../src/random.ts";
import { matrix32 } from "../problem.ts";

/** Numbers of a code. */
export const DIM = 32;

/** Directions, one for each symbol: rows of length 1 that are next to orthogonal. */
export function symbols(random: Random, count: number): DenseMatrix {
  const made = new DenseMatrix(count, DIM), { data } = made;
  for (let at = 0; at < data.length; at++) data[at] = random.normal();
  for (let row = 0; row < count; row++) {
    const code = data.subarray(row * DIM, (row + 1) * DIM);
    const length = Math.hypot(...code);
    for (let c = 0; c < DIM; c++) code[c] /= length;
  }
  return made;
}

/** Frequencies of {@linkcode placeCode}, from 0 to half a turn for a step of 1. */
export function frequencies(random: Random): Float64Array {
  return Float64Array.from(
    { length: DIM / 2 },
    (_, at) => Math.PI * (at + random.uniform()) / (DIM / 2),
  );
}

/** Waves at a place, a number of length 1 in all; the product of two depends on their distance and is 1 at none. */
export function placeCode(waves: Float64Array, place: number, c: number) {
  const angle = waves[c >> 1] * place, size = Math.sqrt(2 / DIM);
  return size * (c % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
}

/** What is to be read: small random vectors. */
export function contents(
  random: Random,
  count: number,
  columns: number,
): DenseMatrix {
  return matrix32(count, columns, () => random.normal());
}

/** A matrix of chosen rows of another. */
export function rowsOf(
  { columns, data }: DenseMatrix,
  chosen: ArrayLike<number>,
): DenseMatrix {
  const made = new DenseMatrix(chosen.length, columns);
  for (let at = 0; at < chosen.length; at++) {
    const from = chosen[at] * columns;
    made.data.set(data.subarray(from, from + columns), at * columns);
  }
  return made;
}

/** 0 … count − 1 in any order. */
export function shuffled(random: Random, count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, at) => at);
  for (let at = count - 1; at > 0; at--) {
    const other = random.integer(at + 1);
    [order[at], order[other]] = [order[other], order[at]];
  }
  return order;
}
