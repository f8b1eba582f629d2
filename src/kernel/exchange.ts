/**
 * One key out of the sums of a row and another in, in plain loops.
 *
 * @module
 */

import { exp2, LEAST_EXPONENT, powerOfTwo, roundEven } from "./exp2.ts";
import { addEntries, COARSE_MAGIC, fineMagicOf, RANGE } from "./grids.ts";
import type { Differences, Entry, Kernel, Query, Sums } from "./kernel.ts";
import { scoreCost, scoreOf } from "./score.ts";

/** Weight in units of the mass, weight in units of the values: what a row gives a key. */
const OLD = new Float64Array(2), NEW = new Float64Array(2);

/**
 * Takes `old` out of row `row` and puts `now` in, either of which may be null; `sameKey` says that they score alike,
 * `differences` where their values differ then, if that is worth knowing.
 *
 * A sparse query need not be written out, unless the key is the sparser one (`isSparser`). Returns false, and leaves
 * the row in need of a recompute, where its grids cannot hold the result.
 */
export function exchange(
  kernel: Kernel,
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
  if (old !== null) {
    weigh(sums, row, scoreOf(query, old), OLD);
    kernel.multiplyAdds += scoreCost(query, old);
  }
  if (old !== null && now !== null && sameKey) NEW.set(OLD);
  else if (now !== null) {
    fits = weigh(sums, row, scoreOf(query, now), NEW);
    kernel.multiplyAdds += scoreCost(query, now);
  }
  const oldWeight = OLD[0], newWeight = NEW[0];
  const oldPart = old === null ? 0 : OLD[1] * old.peak;
  const newPart = now === null ? 0 : NEW[1] * now.peak;
  if (!fits || newWeight >= RANGE / 2 || newPart >= RANGE / 2) return false;

  const fineMagic = fineMagicOf(sums.fine[row]);
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
    kernel.multiplyAdds += 2 * (differences.count + 1);
    return true;
  }
  if (old !== null) {
    kernel.multiplyAdds += 1 + (old.valueEntries?.count ?? sums.valueDim);
  }
  if (now !== null) {
    kernel.multiplyAdds += 1 + (now.valueEntries?.count ?? sums.valueDim);
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
    const oldHigh = before + COARSE_MAGIC, newHigh = after + COARSE_MAGIC;
    high[at] += newHigh - oldHigh;
    low[at] += ((after - (newHigh - COARSE_MAGIC)) + fineMagic) -
      ((before - (oldHigh - COARSE_MAGIC)) + fineMagic);
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
