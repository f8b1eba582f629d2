/**
 * The maintained rows: their sums, made, grown and cleared.
 *
 * A row is a fold over the keys its query admits, a commutative monoid with an exact inverse; the kernel does the
 * folding (`src/kernel/scalar.ts`), this file owns the arrays.
 *
 * @module
 */

import { apart, type Home } from "../kernel/home.ts";
import {
  NUMERATORS,
  PER_ROW,
  type Scratch,
  type Sums,
} from "../kernel/kernel.ts";

/** Makes the sums of `rows` rows, all empty. */
export function makeSums(
  rows: number,
  dim: number,
  valueDim: number,
  home: Home = apart,
): Sums {
  const doubles = () => new Float64Array(0), ints = () => new Int32Array(0);
  const sums: Sums = {
    dim,
    valueDim,
    anchor: doubles(),
    shift: ints(),
    valueShift: ints(),
    fine: doubles(),
    room: ints(),
    count: ints(),
    massHigh: doubles(),
    massLow: doubles(),
    magnitudeHigh: doubles(),
    magnitudeLow: doubles(),
    numeratorHigh: doubles(),
    numeratorLow: doubles(),
  };
  growSums(sums, rows, home);
  return sums;
}

/** Makes room for `rows` rows; what is there stays. */
export function growSums(sums: Sums, rows: number, home: Home): void {
  for (const name of PER_ROW) home.grow(sums, name, rows);
  for (const name of NUMERATORS) home.grow(sums, name, rows * sums.valueDim);
}

/** Bytes held by the sums. */
export function sumsBytes(sums: Sums): number {
  let bytes = 0;
  for (const name of [...PER_ROW, ...NUMERATORS]) {
    bytes += sums[name].byteLength;
  }
  return bytes;
}

/** Makes scratch for recomputing a row over up to `keys` keys. */
export function makeScratch(keys: number, home: Home = apart): Scratch {
  const doubles = () => new Float64Array(0), ints = () => new Int32Array(0);
  const scratch: Scratch = {
    slots: ints(),
    scores: doubles(),
    weights: doubles(),
    exponents: doubles(),
    picked: ints(),
  };
  growScratch(scratch, keys, home);
  return scratch;
}

/** Makes room for more keys. */
export function growScratch(scratch: Scratch, keys: number, home: Home): void {
  for (const name of ARRAYS) {
    home.grow(scratch, name, Math.max(keys, scratch[name].length));
  }
}

/** The slots come last: their length says how much room there is. */
const ARRAYS = [
  "scores",
  "weights",
  "exponents",
  "picked",
  "slots",
] as const;
