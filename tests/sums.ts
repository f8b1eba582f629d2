/**
 * Rows of a kernel made from plain keys, and how far their sums are from the exact ones.
 *
 * @module
 */

import type { Entry, Kernel, Query, Sums } from "../src/kernel/kernel.ts";
import { highOf, lowOf } from "../src/kernel/grids.ts";
import type { Representation } from "../src/matrix/representation.ts";
import { growStore, makeStore, type Store } from "../src/matrix/store.ts";
import { storeRow } from "../src/memory/keys.ts";
import { makeScratch } from "../src/softmax/row.ts";
import { exactly, type OracleKey, oracleSums } from "./oracle.ts";

/** A query of `scale`, as kernels meet it. */
export function queryOf(row: ArrayLike<number>, scale: number): Query {
  const rows = Float32Array.from(row);
  return {
    dim: row.length,
    rows,
    at: 0,
    factor: scale * Math.LOG2E,
    entries: undefined,
  };
}

/** Rows of a width as a table. */
export function tableOf(
  numbers: Float32Array,
  width: number,
  representation: Representation = "dense",
): Store {
  const rows = width === 0 ? 0 : numbers.length / width;
  const store = makeStore(width);
  growStore(store, Math.max(rows, 16));
  for (let row = 0; row < store.start.length; row++) {
    const given = row < rows
      ? numbers.subarray(row * width, (row + 1) * width)
      : new Float32Array(width);
    storeRow(representation, store, row, given);
  }
  return store;
}

/** A key as a kernel moves it; one that is masked is none. */
export function entryOf({ key, value, bias }: OracleKey): Entry {
  return {
    key: Float64Array.from(key),
    plain: Float32Array.from(key),
    at: 0,
    keyEntries: undefined,
    value: Float64Array.from(value),
    valueEntries: undefined,
    bias: bias * Math.LOG2E,
    peak: peakOf(value),
  };
}

/** Recomputes a row over these keys, which lie in tables in the order of `places` if given. */
export function foldKeys(
  kernel: Kernel,
  sums: Sums,
  row: number,
  query: Query,
  keys: readonly OracleKey[],
  places: readonly number[] = keys.map((_, i) => i),
): void {
  const { dim, valueDim } = sums, scratch = makeScratch(keys.length);
  const rows = new Float32Array(keys.length * dim);
  const values = new Float32Array(keys.length * valueDim);
  const biases = new Float64Array(keys.length);
  const peaks = new Float64Array(keys.length);
  keys.forEach(({ key, value, bias }, i) => {
    const slot = places[i];
    rows.set(key, slot * dim);
    values.set(value, slot * valueDim);
    biases[slot] = bias * Math.LOG2E;
    peaks[slot] = peakOf(value);
    scratch.slots[i] = slot;
  });
  const count = keys.length;
  kernel.score(query, tableOf(rows, dim), biases, scratch, count);
  const table = tableOf(values, valueDim);
  kernel.recompute(sums, row, scratch, count, table, peaks);
}

/** All numbers of all rows by name, as bits. */
export function bitsOf(sums: Sums): Record<string, string> {
  const bits: Record<string, string> = {};
  for (const [name, array] of Object.entries(sums)) {
    if (!ArrayBuffer.isView(array)) continue;
    const bytes = new Uint8Array(
      array.buffer,
      array.byteOffset,
      array.byteLength,
    );
    bits[name] = Array.from(bytes, (byte) => byte.toString(16)).join(" ");
  }
  return bits;
}

/** How far the sums of a row are from the exact ones of these keys, in steps of the fine grid, the largest in size. */
export function stepsOff(
  sums: Sums,
  row: number,
  query: ArrayLike<number>,
  scale: number,
  keys: readonly OracleKey[],
): { mass: number; magnitude: number; numerators: number[] } {
  const exact = oracleSums(query, keys, scale), fine = sums.fine[row];
  const { anchor, shift, valueShift, valueDim } = sums;
  const off = (high: number, low: number, digits: bigint, place: number) => {
    const unit = exact.exponent - (anchor[row] + place);
    const parts = [exactly(high), exactly(low), {
      digits: -digits,
      exponent: unit,
    }];
    const step = exactly(fine);
    const least = Math.min(
      step.exponent,
      ...parts.map(({ exponent }) => exponent),
    );
    const total = parts.reduce(
      (sum, part) => sum + (part.digits << BigInt(part.exponent - least)),
      0n,
    );
    const steps = (total << PARTS) /
      (step.digits << BigInt(step.exponent - least));
    return Number(steps) * 2 ** -Number(PARTS);
  };
  const from = row * valueDim;
  return {
    mass: off(
      sums.massHigh[row],
      sums.massLow[row],
      exact.mass,
      shift[row],
    ),
    magnitude: off(
      sums.magnitudeHigh[row],
      sums.magnitudeLow[row],
      exact.magnitude,
      valueShift[row],
    ),
    numerators: exact.numerators.map((digits, c) =>
      off(
        highOf(sums, from + c),
        lowOf(sums, row, from + c),
        digits,
        valueShift[row],
      )
    ),
  };
}

/** Steps are told to 2⁻⁴⁰. */
const PARTS = 40n;

function peakOf(value: ArrayLike<number>): number {
  let peak = 0;
  for (let c = 0; c < value.length; c++) {
    peak = Math.max(peak, Math.abs(value[c]));
  }
  return peak;
}
