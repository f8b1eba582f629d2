/**
 * The two grids that sums lie on.
 *
 * A contribution y is caught by the coarse grid, `h = (y + C) − C` with C = 1.5 · 2⁵² · step, and what is left by the
 * fine one; both are whole multiples of their step, so adding and taking away is exact as long as the totals stay below
 * 2⁵³ steps (Demmel and Nguyen, Parallel Reproducible Summation, 2015, https://doi.org/10.1109/TC.2014.2345391, on bins
 * of a fixed exponent).
 *
 * @module
 */

import { exponentOf } from "./exp2.ts";
import type { Sums } from "./kernel.ts";

/** A total on the coarse grid stays below 2^18 units, a contribution below half of that. */
export const RANGE: number = 2 ** 18;
/** 52 bits below the range: totals stay below 2⁵³ steps with a bit to spare. */
export const COARSE: number = RANGE * 2 ** -52;
export const COARSE_MAGIC: number = 1.5 * 2 ** 52 * COARSE;
/** The rests of `room` keys, half a coarse step each, fill 2⁵³ fine steps. */
export const FINE_PER_ROOM: number = COARSE * 2 ** -54;
/** Rows have room for twice their keys, and for these at least. */
export const LEAST_ROOM = 64;
/** Many keys make the fine grid coarse and large changes of the mass rare: their sums start higher in the range. */
const LIFT_FROM = 14, MOST_LIFT = 14;

/** A fresh row of this room has a mass and a magnitude in [1, 2) · 2^lift. */
export function liftOf(room: number): number {
  return Math.min(MOST_LIFT, Math.max(0, 2 * (exponentOf(room) - LIFT_FROM)));
}

/** Values may be this many binary orders below their row's weights: an output below 2⁻³⁰⁰ reads 0 anyway. */
export const LEAST_VALUE_SHIFT = -320;

/** Adds weight · value for a sparse value. */
export function addEntries(
  { numeratorHigh: high, numeratorLow: low }: Sums,
  start: number,
  fineMagic: number,
  weight: number,
  columns: Uint32Array,
  numbers: Float32Array,
  from: number,
  to: number,
): void {
  for (let i = from; i < to; i++) {
    const at = start + columns[i], y = weight * numbers[i];
    const h = (y + COARSE_MAGIC) - COARSE_MAGIC;
    high[at] += h;
    low[at] += ((y - h) + fineMagic) - fineMagic;
  }
}
