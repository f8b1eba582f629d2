/**
 * Numerators for one answer, not to be added to later: in two doubles each, which is cheaper than two grids.
 *
 * Dense values are added up by eight, ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)), those of a group that is not full one by
 * one at the end, and entries of sparse ones as they come. Each such number y goes into a pair (high, low) with no error
 * but those of `low`: what high + y loses is exact (Knuth, The Art of Computer Programming 2, 4.2.2, theorem B). Three
 * additions within a group and one at the end round; so do the additions of `low`, 2²³ at most, all of them together by
 * 2⁻⁶ of such a rounding, since what is added is itself below 2⁻⁵³ of the sums. A numerator is off by less than 5 · 2⁻⁵³ of
 * the row's magnitude, which is at least Σ |weight · value|.
 *
 * @module
 */

import { COARSE_MAGIC } from "./grids.ts";
import type { Scratch, Sums } from "./kernel.ts";
import { DENSE, type Table } from "./table.ts";

/** How far a numerator may be off, relative to the magnitude, before it is put on the grids. */
export const AVERAGE_ERROR: number = 5 * 2 ** -53;

const GROUP = 8;

/** Sums weights · values and puts the sums on the grids; returns the multiply-adds. */
export function averageValues(
  { numeratorHigh: high, numeratorLow: low, valueDim }: Sums,
  row: number,
  { slots, weights }: Scratch,
  count: number,
  values: Table,
  fineMagic: number,
): number {
  const { start, evens, count: counts, dense, columns, numbers } = values;
  const from = row * valueDim, end = from + valueDim;
  const places = new Int32Array(GROUP), held = new Float64Array(GROUP);
  high.fill(0, from, end);
  low.fill(0, from, end);
  let waiting = 0, products = 0;
  const add = (at: number, y: number) => {
    const a = high[at], sum = a + y, part = sum - a;
    high[at] = sum;
    low[at] += (a - (sum - part)) + (y - part);
  };
  for (let i = 0; i < count; i++) {
    const slot = slots[i], weight = weights[i], first = start[slot];
    if (evens[slot] !== DENSE) {
      products += counts[slot];
      for (let k = first; k < first + counts[slot]; k++) {
        add(from + columns[k], weight * numbers[k]);
      }
      continue;
    }
    products += valueDim;
    if (weight === 0) continue;
    places[waiting] = first * valueDim;
    held[waiting] = weight;
    if (++waiting < GROUP) continue;
    waiting = 0;
    for (let c = 0; c < valueDim; c++) {
      const y = (k: number) => held[k] * dense[places[k] + c];
      add(
        from + c,
        ((y(0) + y(1)) + (y(2) + y(3))) + ((y(4) + y(5)) + (y(6) + y(7))),
      );
    }
  }
  for (let k = 0; k < waiting; k++) {
    for (let c = 0; c < valueDim; c++) {
      add(from + c, held[k] * dense[places[k] + c]);
    }
  }
  for (let at = from; at < end; at++) {
    const sum = high[at] + low[at], caught = sum + COARSE_MAGIC;
    high[at] = caught;
    low[at] = (sum - (caught - COARSE_MAGIC)) + fineMagic;
  }
  return products;
}
