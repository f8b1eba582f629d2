/**
 * The exact sums of one query over keys that are here.
 *
 * Each weight is a power of two times a number from 0.7 to 1.42, so its limb is known from its score alone; the product
 * with a value is rounded once, as the definition says, and added to the limbs below and above that one (`limbs.ts`).
 *
 * @module
 */

import { measureValue } from "../rows.ts";
import { exp2, powerOfTwo, roundEven } from "../kernel/exp2.ts";
import { makeScalar } from "../kernel/choose.ts";
import type { Query, Scratch } from "../kernel/kernel.ts";
import { DENSE, type Table } from "../kernel/table.ts";
import { type CheckedRows, rowOf } from "../matrix/input.ts";
import { REACH } from "../softmax/canon.ts";
import { makeScratch } from "../softmax/row.ts";
import {
  BASE,
  carry,
  LIMB_BITS,
  MOST_ADDED,
  type Reach,
  reachOf,
  trim,
  WHOLE,
} from "./limbs.ts";
import { columnsOf, NO_SUMS, type RowSums } from "./record.ts";

/** All that the sums of a row are made of. */
export interface Summer {
  keys: Table;
  /** m: in log2 units. */
  biases: Float64Array;
  values: Table;
  /** m: the largest component of each value in size. */
  peaks: Float64Array;
  reach: Reach;
  scratch: Scratch;
}

/** Readies keys, values and biases for any number of queries. */
export function makeSummer(
  keys: CheckedRows,
  values: CheckedRows,
  bias: (at: number) => number,
): Summer {
  const { count } = keys, table = tableOf(values);
  const biases = new Float64Array(count), peaks = new Float64Array(count);
  let largest = 0, least = Infinity;
  for (let j = 0; j < count; j++) {
    biases[j] = bias(j) * Math.LOG2E;
    peaks[j] = measureValue(rowOf(values, j)).peak;
    largest = Math.max(largest, peaks[j]);
  }
  for (const number of table.dense) {
    const size = Math.abs(number);
    if (size < least && size > 0) least = size;
  }
  for (const number of table.numbers) {
    least = Math.min(least, Math.abs(number) || least);
  }
  return {
    keys: tableOf(keys),
    biases,
    values: table,
    peaks,
    reach: reachOf(largest, least),
    scratch: makeScratch(count),
  };
}

/** Scores the keys gathered in scratch and sums them. */
export function sumRow(summer: Summer, query: Query, count: number): RowSums {
  if (count === 0) return NO_SUMS;
  const { keys, biases, values, peaks, reach, scratch } = summer;
  const { slots, scores, weights, exponents } = scratch;
  makeScalar().score(query, keys, biases, scratch, count);
  let largest = -Infinity, least = Infinity, peak = 0, kept = 0;
  for (let i = 0; i < count; i++) {
    exponents[i] = roundEven(scores[i]);
    if (exponents[i] > largest) largest = exponents[i];
  }
  for (let i = 0; i < count; i++) {
    const whole = exponents[i];
    if (whole < largest - REACH) continue;
    least = Math.min(least, whole);
    peak = Math.max(peak, peaks[slots[i]]);
    weights[kept] = exp2(scores[i] - whole);
    exponents[kept] = whole;
    slots[kept++] = slots[i];
  }
  const columns = columnsOf(values.width), levels = reach.top - reach.bottom;
  const lowest = Math.floor(least / LIMB_BITS);
  const highest = Math.floor(largest / LIMB_BITS);
  // One limb more for what is carried.
  const limbs = new Float64Array((highest - lowest + levels + 2) * columns);
  for (let i = 0; i < kept; i++) {
    if (i % MOST_ADDED === 0) carry(limbs, columns);
    const limb = Math.floor(exponents[i] / LIMB_BITS);
    const places = exponents[i] - limb * LIMB_BITS - reach.top * LIMB_BITS;
    const weight = weights[i] * powerOfTwo(places);
    const at = (limb - lowest) * columns, slot = slots[i];
    addTo(limbs, at, columns, levels, weight);
    addTo(limbs, at + 1, columns, levels, weight * peaks[slot]);
    addValue(limbs, at + 2, columns, levels, weight, values, slot);
  }
  carry(limbs, columns);
  const { digits, dropped } = trim(limbs, columns);
  const low = lowest - highest + reach.bottom + dropped;
  return { count: kept, largest, least, peak, low, digits };
}

/** Adds a weighted value to the numerators. */
function addValue(
  limbs: Float64Array,
  first: number,
  columns: number,
  levels: number,
  weight: number,
  { start, evens, count, dense, width, columns: places, numbers }: Table,
  slot: number,
): void {
  if (evens[slot] !== DENSE) {
    const end = start[slot] + count[slot];
    for (let i = start[slot]; i < end; i++) {
      addTo(limbs, first + places[i], columns, levels, weight * numbers[i]);
    }
    return;
  }
  const top = first + levels * columns, from = start[slot] * width;
  for (let c = 0; c < width; c++) {
    let rest = weight * dense[from + c], at = top + c;
    for (let level = 0; level < levels; level++) {
      const whole = (rest + WHOLE) - WHOLE;
      limbs[at] += whole;
      rest = (rest - whole) * BASE;
      at -= columns;
    }
    limbs[at] += rest;
  }
}

/** Adds y, in units of the highest of `levels` + 1 limbs, the lowest of which is at `at`. */
function addTo(
  limbs: Float64Array,
  at: number,
  columns: number,
  levels: number,
  y: number,
): void {
  let rest = y;
  for (let level = levels; level > 0; level--) {
    const whole = (rest + WHOLE) - WHOLE;
    limbs[at + level * columns] += whole;
    rest = (rest - whole) * BASE;
  }
  limbs[at] += rest;
}

/** Checked rows as kernels read them: nothing is copied. */
export function tableOf({ count, width, data, sparse }: CheckedRows): Table {
  const row = (of: (at: number) => number) =>
    Int32Array.from({ length: count }, (_, at) => of(at));
  return {
    width,
    start: row((at) => sparse?.[at].start ?? at),
    evens: row((at) => sparse?.[at].evens ?? DENSE),
    count: row((at) => sparse?.[at].count ?? 0),
    dense: data,
    columns: sparse?.[0]?.columns ?? new Uint32Array(0),
    numbers: sparse?.[0]?.numbers ?? new Float32Array(0),
  };
}
