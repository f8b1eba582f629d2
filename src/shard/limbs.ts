/**
 * Sums that are exact: whole numbers of any length, in limbs of 32 bits.
 *
 * A sum lies in an array of doubles, one for each limb, and what is added to it is cut along their borders: y is rounded
 * to a whole number of the highest limb's unit, what is left is multiplied by 2³², and so on; the last limb takes the
 * rest, of which nothing remains. All of it is exact, and so are additions of whole numbers as long as they stay below
 * 2⁵³, which {@linkcode carry} sees to. Whole numbers may be added in any order, so the sum is a function of what was
 * added and of nothing else (Neal, Fast Exact Summation Using Small and Large Superaccumulators, 2015,
 * https://arxiv.org/abs/1505.05571; here the limbs that are kept are those that the row needs).
 *
 * Digits are balanced, −2³¹ … 2³¹ − 1: signed sums need no sign, a limb fits a 32-bit integer, and a number has one
 * form.
 *
 * @module
 */

import { exponentOf } from "../kernel/exp2.ts";

/** Bits of a limb. */
export const LIMB_BITS = 32;
export const BASE: number = 2 ** LIMB_BITS;
/** Adding and taking away this number rounds to whole numbers, ties to even, below 2⁵¹ in size. */
export const WHOLE: number = 1.5 * 2 ** 52;
/**
 * So many contributions fit between two carries: one is below 2³⁵ units of the highest limb it touches and 2³¹ units of
 * any other, so that a limb stays below 2³¹ + 2¹⁶ · 2³⁵ < 2⁵².
 */
export const MOST_ADDED: number = 2 ** 16;
const TOP_BITS = 35;

/** Limbs that a contribution can touch, counted from the one in whose unit a weight of 2⁰ … 2³¹ is whole: upwards above 0. */
export interface Reach {
  readonly top: number;
  readonly bottom: number;
}

/**
 * The limbs that w · v can touch, for values of at most `largest` and, unless they are 0, at least `least` in size.
 *
 * A weight is a · 2^s, 0.7 < a < 1.42 and 0 ≤ s < 32. The product of a and v is rounded first, to 53 bits: it is below
 * 2^(e + 1 + s + ½), e the exponent of v, and a multiple of 2^(e − 53). The mass itself counts as a value of 1.
 */
export function reachOf(largest: number, least: number): Reach {
  const most = Math.max(0, exponentOf(largest)) + LIMB_BITS + 1;
  const fewest = Math.min(0, exponentOf(least)) - 53;
  return {
    top: Math.max(0, Math.ceil((most - TOP_BITS) / LIMB_BITS)),
    bottom: Math.floor(fewest / LIMB_BITS),
  };
}

/** Makes the digits of `columns` sums balanced, limb by limb from the lowest; the highest must have room. */
export function carry(limbs: Float64Array, columns: number): void {
  const end = limbs.length - columns;
  for (let at = 0; at < end; at++) {
    const carried = Math.floor((limbs[at] + BASE / 2) / BASE);
    limbs[at] -= carried * BASE;
    limbs[at + columns] += carried;
  }
}

/** Balanced digits without the limbs that are 0 in all sums at either end, and how many were dropped at the low end. */
export function trim(
  limbs: Float64Array,
  columns: number,
): { digits: Int32Array; dropped: number } {
  let from = 0, to = limbs.length;
  while (from < to && limbs[from] === 0) from++;
  while (to > from && limbs[to - 1] === 0) to--;
  const dropped = Math.floor(from / columns);
  return {
    digits: Int32Array.from(
      limbs.subarray(
        dropped * columns,
        to === from ? dropped * columns : Math.ceil(to / columns) * columns,
      ),
    ),
    dropped,
  };
}

/** One of `columns` sums as a whole number in units of its lowest limb. */
export function integerOf(
  digits: Int32Array,
  columns: number,
  column: number,
): bigint {
  let integer = 0n;
  for (let at = digits.length - columns + column; at >= 0; at -= columns) {
    integer = (integer << LIMB_SHIFT) + BigInt(digits[at]);
  }
  return integer;
}

const LIMB_SHIFT = BigInt(LIMB_BITS);
