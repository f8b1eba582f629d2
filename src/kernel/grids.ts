/**
 * The two grids that sums lie on.
 *
 * A contribution y is caught by the coarse grid, `h = (y + C) − C` with C = 1.5 · 2⁵² · step, and what is left by the
 * fine one; both are whole multiples of their step, so adding and taking away is exact as long as the totals stay below
 * 2⁵¹ steps (Demmel and Nguyen, Parallel Reproducible Summation, 2015, https://doi.org/10.1109/TC.2014.2345391, on bins
 * of a fixed exponent).
 *
 * Numerators are kept as C + total: all such numbers lie in one binade, where the bits of a double, read as an integer,
 * count steps. So a kernel may add doubles, or add the bits of y + C as 64-bit integers: the same bits come out.
 *
 * @module
 */

import { exponentOf } from "./exp2.ts";
import type { Sums } from "./kernel.ts";

/** A total on the coarse grid stays below 2^18 units, a contribution below half of that. */
export const RANGE: number = 2 ** 18;
/** 51 bits below the range: a total and the magic number, added up, stay in one binade. */
export const COARSE: number = RANGE * 2 ** -51;
export const COARSE_MAGIC: number = 1.5 * 2 ** 52 * COARSE;
/** The rests of `room` keys, half a coarse step each, fill 2⁵¹ fine steps. */
export const FINE_PER_ROOM: number = COARSE * 2 ** -52;

/** What catches a rest on the fine grid of this step. */
export function fineMagicOf(fine: number): number {
  return 1.5 * 2 ** 52 * fine;
}

/** The total of a numerator on the coarse grid. */
export function highOf({ numeratorHigh }: Sums, at: number): number {
  return numeratorHigh[at] - COARSE_MAGIC;
}

/** The total of a numerator of row `row` on the fine grid. */
export function lowOf(
  { numeratorLow, fine }: Sums,
  row: number,
  at: number,
): number {
  return numeratorLow[at] - fineMagicOf(fine[row]);
}
/** Rows have room for twice their keys, and for these at least. */
export const LEAST_ROOM = 64;
/** Many keys make the fine grid coarse and large changes of the mass rare: their sums start higher in the range. */
const LIFT_FROM = 10, MOST_LIFT = 12;

/** The room of a fresh row of `count` keys. */
export function roomFor(count: number): number {
  let room = LEAST_ROOM;
  while (room < 2 * count) room *= 2;
  return room;
}

/** A fresh row of this room has a mass and a magnitude in [1, 2) · 2^lift. */
export function liftOf(room: number): number {
  return Math.min(MOST_LIFT, Math.max(0, 2 * (exponentOf(room) - LIFT_FROM)));
}

/** Values may be this many binary orders below their row's weights: an output below 2⁻³⁰⁰ reads 0 anyway. */
export const LEAST_VALUE_SHIFT = -320;

/** The room and the shifts of a fresh row of `count` keys, by a first sum of its mass and magnitude at its anchor. */
export function anchorsOf(
  count: number,
  mass: number,
  magnitude: number,
): { room: number; shift: number; valueShift: number } {
  const room = roomFor(count), lift = liftOf(room);
  const shift = (count === 0 ? 0 : exponentOf(mass)) - lift;
  const valueShift = Math.max(
    shift + LEAST_VALUE_SHIFT,
    exponentOf(magnitude) - lift,
  );
  return { room, shift, valueShift };
}

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
