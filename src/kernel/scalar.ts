/**
 * The scalar kernel: plain loops that specify what every kernel computes.
 *
 * @module
 */

import { exp2, LEAST_EXPONENT, powerOfTwo, roundEven } from "./exp2.ts";
import { partition } from "./entries.ts";
import { averageValues } from "./average.ts";
import {
  addEntries,
  anchorsOf,
  COARSE_MAGIC,
  FINE_PER_ROOM,
  fineMagicOf,
} from "./grids.ts";
import { apart } from "./home.ts";
import type { Kernel, Scratch, Sums } from "./kernel.ts";
import { replay } from "./replay.ts";
import type { Table } from "./table.ts";
import { score, scoreTogether } from "./score.ts";

/** The scalar kernel. */
export const scalar: Kernel = {
  name: "scalar",
  writesOut: false,
  home: apart,
  multiplyAdds: 0,
  together: false,
  widen(numbers, at, count, into) {
    for (let t = 0; t < count; t++) into[t] = numbers[at + t];
  },
  score,
  scoreTogether,
  split,
  recompute(...args) {
    placeRow(this, foldValues, ...args);
  },
  average(...args) {
    placeRow(this, averageValues, ...args);
  },
  replay,
  answer(_sums, _rows, count, _precision, _out, told) {
    told.fill(0, 0, count);
  },
};

function split(
  { scores, weights, exponents }: Scratch,
  count: number,
): number {
  let largest = -Infinity;
  for (let i = 0; i < count; i++) {
    const whole = roundEven(scores[i]);
    exponents[i] = whole;
    weights[i] = exp2(scores[i] - whole);
    if (whole > largest) largest = whole;
  }
  return largest;
}

/** Gives a row anchors and grids for its scored keys, and the numerators that `fold` makes of them. */
function placeRow(
  kernel: Kernel,
  fold: typeof foldValues,
  sums: Sums,
  row: number,
  scratch: Scratch,
  count: number,
  values: Table,
  peaks: Float64Array,
): void {
  const { slots, weights, exponents } = scratch;
  const anchor = count === 0 ? 0 : split(scratch, count);
  // The anchors put the mass and the magnitude into [1, 2) · 2^lift, as nearly as this first sum can tell.
  let mass = 0, magnitude = 0;
  for (let i = 0; i < count; i++) {
    const exponent = exponents[i] - anchor;
    exponents[i] = exponent;
    if (exponent < LEAST_EXPONENT) continue;
    const weight = weights[i] * powerOfTwo(exponent);
    mass += weight;
    magnitude += weight * peaks[slots[i]];
  }
  const { room, shift, valueShift } = anchorsOf(count, mass, magnitude);
  const fine = room * FINE_PER_ROOM, fineMagic = fineMagicOf(fine);
  let massHigh = 0, massLow = 0, magnitudeHigh = 0, magnitudeLow = 0;
  for (let i = 0; i < count; i++) {
    let weight = 0, valueWeight = 0;
    const exponent = exponents[i];
    if (exponent - shift >= LEAST_EXPONENT) {
      weight = weights[i] * powerOfTwo(exponent - shift);
    }
    if (exponent - valueShift >= LEAST_EXPONENT) {
      valueWeight = weights[i] * powerOfTwo(exponent - valueShift);
    }
    let caught = (weight + COARSE_MAGIC) - COARSE_MAGIC;
    massHigh += caught;
    massLow += ((weight - caught) + fineMagic) - fineMagic;
    const part = valueWeight * peaks[slots[i]];
    caught = (part + COARSE_MAGIC) - COARSE_MAGIC;
    magnitudeHigh += caught;
    magnitudeLow += ((part - caught) + fineMagic) - fineMagic;
    weights[i] = valueWeight;
  }
  sums.anchor[row] = anchor;
  sums.shift[row] = shift;
  sums.valueShift[row] = valueShift;
  sums.fine[row] = fine;
  sums.room[row] = room;
  sums.count[row] = count;
  sums.massHigh[row] = massHigh;
  sums.massLow[row] = massLow;
  sums.magnitudeHigh[row] = magnitudeHigh;
  sums.magnitudeLow[row] = magnitudeLow;
  kernel.multiplyAdds += count +
    fold(sums, row, scratch, count, values, fineMagic);
}

/** Sums weights · values, four dense ones at a time: on a grid the order of additions does not matter. */
function foldValues(
  sums: Sums,
  row: number,
  { slots, weights, picked }: Scratch,
  count: number,
  values: Table,
  fineMagic: number,
): number {
  const valueDim = sums.valueDim,
    high = sums.numeratorHigh,
    low = sums.numeratorLow;
  const { start: starts, dense } = values;
  const start = row * valueDim, end = start + valueDim;
  high.fill(COARSE_MAGIC, start, end);
  low.fill(fineMagic, start, end);
  const written = partition(values, slots, count, picked);
  let i = 0;
  for (; i + 3 < written; i += 4) {
    const wa = weights[picked[i]],
      wb = weights[picked[i + 1]],
      wc = weights[picked[i + 2]],
      wd = weights[picked[i + 3]];
    if (wa === 0 && wb === 0 && wc === 0 && wd === 0) continue;
    let a = starts[slots[picked[i]]] * valueDim,
      b = starts[slots[picked[i + 1]]] * valueDim;
    let c = starts[slots[picked[i + 2]]] * valueDim,
      d = starts[slots[picked[i + 3]]] * valueDim;
    for (let at = start; at < end; at++) {
      const ya = wa * dense[a++],
        yb = wb * dense[b++],
        yc = wc * dense[c++],
        yd = wd * dense[d++];
      const ha = (ya + COARSE_MAGIC) - COARSE_MAGIC,
        hb = (yb + COARSE_MAGIC) - COARSE_MAGIC;
      const hc = (yc + COARSE_MAGIC) - COARSE_MAGIC,
        hd = (yd + COARSE_MAGIC) - COARSE_MAGIC;
      high[at] += (ha + hb) + (hc + hd);
      low[at] += ((((ya - ha) + fineMagic) - fineMagic) +
        (((yb - hb) + fineMagic) - fineMagic)) +
        ((((yc - hc) + fineMagic) - fineMagic) +
          (((yd - hd) + fineMagic) - fineMagic));
    }
  }
  for (; i < written; i++) {
    const weight = weights[picked[i]],
      from = starts[slots[picked[i]]] * valueDim - start;
    for (let at = start; at < end; at++) {
      const y = weight * dense[from + at],
        h = (y + COARSE_MAGIC) - COARSE_MAGIC;
      high[at] += h;
      low[at] += ((y - h) + fineMagic) - fineMagic;
    }
  }
  let products = written * valueDim;
  for (let i = picked.length - count + written; i < picked.length; i++) {
    const slot = slots[picked[i]], from = starts[slot];
    const nonZeros = values.count[slot];
    products += nonZeros;
    addEntries(
      sums,
      start,
      fineMagic,
      weights[picked[i]],
      values.columns,
      values.numbers,
      from,
      from + nonZeros,
    );
  }
  return products;
}
