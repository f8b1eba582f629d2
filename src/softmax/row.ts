/**
 * The maintained rows: their sums, made, grown and cleared.
 *
 * A row is a fold over the keys its query admits, a commutative monoid with an exact inverse; the kernel does the
 * folding (`src/kernel/scalar.ts`), this file owns the arrays.
 *
 * @module
 */

import type { Scratch, Sums } from "../kernel/kernel.ts";

/** Makes the sums of `rows` rows, all empty. */
export function makeSums(rows: number, dim: number, valueDim: number): Sums {
  return {
    dim,
    valueDim,
    anchor: new Float64Array(rows),
    shift: new Int32Array(rows),
    valueShift: new Int32Array(rows),
    fine: new Float64Array(rows),
    room: new Int32Array(rows),
    count: new Int32Array(rows),
    massHigh: new Float64Array(rows),
    massLow: new Float64Array(rows),
    magnitudeHigh: new Float64Array(rows),
    magnitudeLow: new Float64Array(rows),
    numeratorHigh: new Float64Array(rows * valueDim),
    numeratorLow: new Float64Array(rows * valueDim),
  };
}

/** Makes room for `rows` rows; what is there stays. */
export function growSums(sums: Sums, rows: number): void {
  const grown = makeSums(rows, sums.dim, sums.valueDim);
  for (const name of ARRAYS) grown[name].set(sums[name]);
  for (const name of ARRAYS) Object.assign(sums, { [name]: grown[name] });
}

/** Bytes held by the sums. */
export function sumsBytes(sums: Sums): number {
  let bytes = 0;
  for (const name of ARRAYS) bytes += sums[name].byteLength;
  return bytes;
}

const ARRAYS = [
  "anchor",
  "shift",
  "valueShift",
  "fine",
  "room",
  "count",
  "massHigh",
  "massLow",
  "magnitudeHigh",
  "magnitudeLow",
  "numeratorHigh",
  "numeratorLow",
] as const;

/** Makes scratch for recomputing a row over up to `keys` keys. */
export function makeScratch(keys: number): Scratch {
  return {
    slots: new Int32Array(keys),
    scores: new Float64Array(keys),
    weights: new Float64Array(keys),
    exponents: new Float64Array(keys),
    picked: new Int32Array(keys),
  };
}
