/**
 * The scalar kernel: plain loops that specify what every kernel computes.
 *
 * The sums lie on two f64 grids. A contribution y is caught by the coarse grid, `h = (y + C) − C` with
 * C = 1.5 · 2⁵² · step, and what is left by the fine one; both are whole multiples of their step, so adding and taking
 * away is exact as long as the totals stay below 2⁵³ steps (Demmel and Nguyen, Parallel Reproducible Summation, 2015,
 * https://doi.org/10.1109/TC.2014.2345391, on bins of a fixed exponent).
 *
 * @module
 */

import {
  exp2,
  exponentOf,
  LEAST_EXPONENT,
  powerOfTwo,
  roundEven,
} from "./exp2.ts";
import type { Entries } from "../rows.ts";
import { dotEntries, isSparser, partition } from "./entries.ts";
import type {
  Differences,
  Entry,
  Kernel,
  Query,
  Scratch,
  Sums,
  Table,
} from "./kernel.ts";

/** A total on the coarse grid stays below 2^18 units, a contribution below half of that. */
export const RANGE: number = 2 ** 18;
/** 52 bits below the range: totals stay below 2⁵³ steps with a bit to spare. */
export const COARSE: number = RANGE * 2 ** -52;
const COARSE_MAGIC = 1.5 * 2 ** 52 * COARSE;
/** The rests of `room` keys, half a coarse step each, fill 2⁵³ fine steps. */
const FINE_PER_ROOM = COARSE * 2 ** -54;
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

/** The scalar kernel. */
export const scalar: Kernel = {
  name: "scalar",
  multiplyAdds: 0,
  entered: 0,
  score,
  recompute,
  exchange,
};

function score(
  this: Kernel,
  { dim, rows, at, factor, entries }: Query,
  keys: Table,
  biases: Float64Array,
  { slots, picked, scores }: Scratch,
  count: number,
): void {
  const { start, dense } = keys, paired = dim & ~1;
  const written = partition(keys, slots, count, picked);
  let i = entries === undefined ? 0 : written;
  // Two keys at a time: four independent chains of additions.
  for (; i + 1 < written; i += 2) {
    const first = picked[i], second = picked[i + 1];
    const a = start[slots[first]] * dim, b = start[slots[second]] * dim;
    let evenA = 0, oddA = 0, evenB = 0, oddB = 0;
    for (let t = 0; t < paired; t += 2) {
      const even = rows[at + t], odd = rows[at + t + 1];
      evenA += even * dense[a + t];
      oddA += odd * dense[a + t + 1];
      evenB += even * dense[b + t];
      oddB += odd * dense[b + t + 1];
    }
    if (paired < dim) {
      evenA += rows[at + paired] * dense[a + paired];
      evenB += rows[at + paired] * dense[b + paired];
    }
    scores[first] = (evenA + oddA) * factor + biases[slots[first]];
    scores[second] = (evenB + oddB) * factor + biases[slots[second]];
  }
  if (i < written) {
    const last = picked[i], a = start[slots[last]] * dim;
    let even = 0, odd = 0;
    for (let t = 0; t < paired; t += 2) {
      even += rows[at + t] * dense[a + t];
      odd += rows[at + t + 1] * dense[a + t + 1];
    }
    if (paired < dim) even += rows[at + paired] * dense[a + paired];
    scores[last] = (even + odd) * factor + biases[slots[last]];
  }
  if (entries !== undefined) {
    for (let i = 0; i < written; i++) {
      const slot = slots[picked[i]];
      scores[picked[i]] = dotOf(entries, dense, start[slot] * dim) * factor +
        biases[slot];
    }
  }
  let products = written * (entries === undefined ? dim : entries.count);
  for (let i = picked.length - count + written; i < picked.length; i++) {
    const slot = slots[picked[i]], nonZeros = keys.count[slot];
    const dot = dotEntries(
      keys.columns,
      keys.numbers,
      start[slot],
      keys.evens[slot],
      nonZeros,
      rows,
      at,
    );
    scores[picked[i]] = dot * factor + biases[slot];
    products += nonZeros;
  }
  this.multiplyAdds += products;
}

function dotOf(
  { columns, numbers, start, evens, count }: Entries,
  rows: Float32Array,
  at: number,
): number {
  return dotEntries(columns, numbers, start, evens, count, rows, at);
}

/** The canonical score of one key; counts the multiply-adds it takes. */
function scoreOf(kernel: Kernel, query: Query, entry: Entry): number {
  const { dim, rows, at, factor, entries } = query,
    { key, keyEntries, bias } = entry;
  if (keyEntries !== undefined && isSparser(keyEntries, entries)) {
    kernel.multiplyAdds += keyEntries.count;
    return dotOf(keyEntries, rows, at) * factor + bias;
  }
  if (entries !== undefined) {
    kernel.multiplyAdds += entries.count;
    return dotOf(entries, entry.plain, entry.at) * factor + bias;
  }
  kernel.multiplyAdds += dim;
  const paired = dim & ~1;
  let even = 0, odd = 0;
  for (let t = 0; t < paired; t += 2) {
    even += rows[at + t] * key[t];
    odd += rows[at + t + 1] * key[t + 1];
  }
  if (paired < dim) even += rows[at + paired] * key[paired];
  return (even + odd) * factor + bias;
}

function recompute(
  this: Kernel,
  sums: Sums,
  row: number,
  scratch: Scratch,
  count: number,
  values: Table,
  peaks: Float64Array,
): void {
  const { slots, scores, weights, exponents } = scratch;
  let anchor = -Infinity;
  for (let i = 0; i < count; i++) {
    const whole = roundEven(scores[i]);
    exponents[i] = whole;
    weights[i] = exp2(scores[i] - whole);
    if (whole > anchor) anchor = whole;
  }
  if (count === 0) anchor = 0;
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
  let room = LEAST_ROOM;
  while (room < 2 * count) room *= 2;
  const lift = liftOf(room);
  const shift = (count === 0 ? 0 : exponentOf(mass)) - lift;
  const valueShift = Math.max(
    shift + LEAST_VALUE_SHIFT,
    exponentOf(magnitude) - lift,
  );
  const fine = room * FINE_PER_ROOM, fineMagic = 1.5 * 2 ** 52 * fine;
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
  this.multiplyAdds += count +
    foldValues(sums, row, scratch, count, values, fineMagic);
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
  high.fill(0, start, end);
  low.fill(0, start, end);
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

/** Adds weight · value for a sparse value. */
function addEntries(
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

/** Weight in units of the mass, weight in units of the values: what a row gives a key. */
const OLD = new Float64Array(2), NEW = new Float64Array(2);

function exchange(
  this: Kernel,
  sums: Sums,
  row: number,
  query: Query,
  old: Entry | null,
  now: Entry | null,
  sameKey: boolean,
  differences?: Differences,
): boolean {
  OLD.fill(0);
  NEW.fill(0);
  let fits = true;
  if (old !== null) weigh(sums, row, scoreOf(this, query, old), OLD);
  if (old !== null && now !== null && sameKey) NEW.set(OLD);
  else if (now !== null) {
    this.entered = scoreOf(this, query, now);
    fits = weigh(sums, row, this.entered, NEW);
  }
  const oldWeight = OLD[0], newWeight = NEW[0];
  const oldPart = old === null ? 0 : OLD[1] * old.peak;
  const newPart = now === null ? 0 : NEW[1] * now.peak;
  if (!fits || newWeight >= RANGE / 2 || newPart >= RANGE / 2) return false;

  const fineMagic = 1.5 * 2 ** 52 * sums.fine[row];
  const oldMass = (oldWeight + COARSE_MAGIC) - COARSE_MAGIC;
  const newMass = (newWeight + COARSE_MAGIC) - COARSE_MAGIC;
  const massHigh = sums.massHigh[row] + (newMass - oldMass);
  const oldCaught = (oldPart + COARSE_MAGIC) - COARSE_MAGIC;
  const newCaught = (newPart + COARSE_MAGIC) - COARSE_MAGIC;
  const magnitudeHigh = sums.magnitudeHigh[row] + (newCaught - oldCaught);
  const count = sums.count[row] + (now === null ? 0 : 1) -
    (old === null ? 0 : 1);
  if (massHigh > RANGE || magnitudeHigh > RANGE || count > sums.room[row]) {
    return false;
  }
  sums.count[row] = count;
  sums.massHigh[row] = massHigh;
  sums.massLow[row] += (((newWeight - newMass) + fineMagic) - fineMagic) -
    (((oldWeight - oldMass) + fineMagic) - fineMagic);
  sums.magnitudeHigh[row] = magnitudeHigh;
  sums.magnitudeLow[row] += (((newPart - newCaught) + fineMagic) - fineMagic) -
    (((oldPart - oldCaught) + fineMagic) - fineMagic);
  if (old !== null && now !== null && differences !== undefined) {
    swapDifferences(sums, row, fineMagic, OLD[1], differences);
    this.multiplyAdds += 2 * (differences.count + 1);
    return true;
  }
  if (old !== null) {
    this.multiplyAdds += 1 + (old.valueEntries?.count ?? sums.valueDim);
  }
  if (now !== null) {
    this.multiplyAdds += 1 + (now.valueEntries?.count ?? sums.valueDim);
  }
  if (
    old !== null && now !== null && old.valueEntries === undefined &&
    now.valueEntries === undefined
  ) {
    swapValue(sums, row, fineMagic, OLD[1], old.value, NEW[1], now.value);
    return true;
  }
  if (old !== null) addValue(sums, row, fineMagic, -OLD[1], old);
  if (now !== null) addValue(sums, row, fineMagic, NEW[1], now);
  return true;
}

/** An exponent this far above its anchor is out of range whatever the value: 2⁻¹⁴⁹ is the smallest. */
const LARGEST = 600;

/** Weighs a key for a row; false if it is far out of range. A function of key and anchors: in and out are alike. */
function weigh(
  sums: Sums,
  row: number,
  score: number,
  into: Float64Array,
): boolean {
  const whole = roundEven(score), mantissa = exp2(score - whole);
  const exponent = whole - sums.anchor[row];
  const places = exponent - sums.shift[row];
  const valuePlaces = exponent - sums.valueShift[row];
  if (Math.min(places, valuePlaces) > LARGEST) return false;
  into[0] = places < LEAST_EXPONENT ? 0 : mantissa * powerOfTwo(places);
  into[1] = valuePlaces < LEAST_EXPONENT
    ? 0
    : mantissa * powerOfTwo(valuePlaces);
  return true;
}

function swapValue(
  sums: Sums,
  row: number,
  fineMagic: number,
  oldWeight: number,
  oldValue: Float64Array,
  newWeight: number,
  newValue: Float64Array,
): void {
  const valueDim = sums.valueDim,
    high = sums.numeratorHigh,
    low = sums.numeratorLow;
  for (let c = 0, at = row * valueDim; c < valueDim; c++, at++) {
    const before = oldWeight * oldValue[c], after = newWeight * newValue[c];
    const oldHigh = (before + COARSE_MAGIC) - COARSE_MAGIC,
      newHigh = (after + COARSE_MAGIC) - COARSE_MAGIC;
    high[at] += newHigh - oldHigh;
    low[at] += (((after - newHigh) + fineMagic) - fineMagic) -
      (((before - oldHigh) + fineMagic) - fineMagic);
  }
}

/** Where a value changed under the same weight; what did not change stays to the bit. */
function swapDifferences(
  { valueDim, numeratorHigh: high, numeratorLow: low }: Sums,
  row: number,
  fineMagic: number,
  weight: number,
  { count, columns, before, after }: Differences,
): void {
  for (let i = 0; i < count; i++) {
    const at = row * valueDim + columns[i];
    const out = weight * before[i], into = weight * after[i];
    const oldHigh = (out + COARSE_MAGIC) - COARSE_MAGIC,
      newHigh = (into + COARSE_MAGIC) - COARSE_MAGIC;
    high[at] += newHigh - oldHigh;
    low[at] += (((into - newHigh) + fineMagic) - fineMagic) -
      (((out - oldHigh) + fineMagic) - fineMagic);
  }
}

/** Adds weight · value; a negative weight takes out exactly what the positive one put in. */
function addValue(
  sums: Sums,
  row: number,
  fineMagic: number,
  weight: number,
  { value, valueEntries }: Entry,
): void {
  const valueDim = sums.valueDim,
    high = sums.numeratorHigh,
    low = sums.numeratorLow;
  if (valueEntries !== undefined) {
    const { columns, numbers, start, count } = valueEntries;
    const end = start + count;
    addEntries(
      sums,
      row * valueDim,
      fineMagic,
      weight,
      columns,
      numbers,
      start,
      end,
    );
    return;
  }
  for (let c = 0, at = row * valueDim; c < valueDim; c++, at++) {
    const part = weight * value[c],
      caught = (part + COARSE_MAGIC) - COARSE_MAGIC;
    high[at] += caught;
    low[at] += ((part - caught) + fineMagic) - fineMagic;
  }
}
