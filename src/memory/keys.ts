/**
 * What is stored of every key: its row, its value, its bias, and the two sizes that bounds are made of.
 *
 * @module
 */

import {
  addSlot,
  dropSlot,
  growSlots,
  makeSlots,
  slotsBytes,
  type SlotTable,
} from "./slots.ts";
import type { Id } from "../check.ts";

/** The keys of an attention; arrays are as long as there are slots. */
export interface KeyTable {
  readonly dim: number;
  readonly valueDim: number;
  slots: SlotTable;
  /** slots × dim, row by row. */
  keys: Float32Array;
  /** slots × valueDim, row by row. */
  values: Float32Array;
  /** slots: as given, in nats; −Infinity masks the key. */
  biases: Float64Array;
  /** slots: the bias in units of log2, as scores have it. */
  scoreBiases: Float64Array;
  /** slots: the largest component of the value in size. */
  peaks: Float64Array;
  /** slots: at least the Euclidean length of the key. */
  norms: Float64Array;
}

/** More keys than this would overflow the sums of a row. */
export const MOST_KEYS: number = 2 ** 23;

/** Makes an empty table. */
export function makeKeys(dim: number, valueDim: number): KeyTable {
  return {
    dim,
    valueDim,
    slots: makeSlots(),
    keys: new Float32Array(0),
    values: new Float32Array(0),
    biases: new Float64Array(0),
    scoreBiases: new Float64Array(0),
    peaks: new Float64Array(0),
    norms: new Float64Array(0),
  };
}

/** Gives a slot to a key, its content to be set; the caller has made room. */
export function addKey(table: KeyTable, id: Id): number {
  return addSlot(table.slots, id);
}

/** Gives the slot of a key back; its content stays until the slot is used again. */
export function dropKey(table: KeyTable, id: Id): number {
  return dropSlot(table.slots, id);
}

/** Sets what is given of a slot's content. */
export function setKey(
  table: KeyTable,
  slot: number,
  key: Float32Array | undefined,
  value: Float32Array | undefined,
  bias: number | undefined,
): void {
  const { dim, valueDim } = table;
  if (key !== undefined) {
    table.keys.set(key, slot * dim);
    table.norms[slot] = lengthOf(key);
  }
  if (value !== undefined) {
    table.values.set(value, slot * valueDim);
    table.peaks[slot] = peakOf(value);
  }
  if (bias !== undefined) {
    table.biases[slot] = bias;
    table.scoreBiases[slot] = bias * Math.LOG2E;
  }
}

/** Bytes held by the table. */
export function keysBytes(table: KeyTable): number {
  return slotsBytes(table.slots) + table.keys.byteLength +
    table.values.byteLength + table.biases.byteLength +
    table.scoreBiases.byteLength + table.peaks.byteLength +
    table.norms.byteLength;
}

/** At least the Euclidean length of a row: the square root of a sum in f64, and a little more than its rounding. */
export function lengthOf(row: ArrayLike<number>): number {
  let square = 0;
  for (let t = 0; t < row.length; t++) square += row[t] * row[t];
  return Math.sqrt(square) * (1 + 2 ** -20);
}

function peakOf(value: Float32Array): number {
  let peak = 0;
  for (let c = 0; c < value.length; c++) {
    const size = Math.abs(value[c]);
    if (size > peak) peak = size;
  }
  return peak;
}

/** Makes room for `slots` slots. */
export function growKeys(table: KeyTable, slots: number): void {
  growSlots(table.slots, slots);
  const floats = (old: Float32Array, width: number) => {
    const grown = new Float32Array(slots * width);
    grown.set(old);
    return grown;
  };
  const doubles = (old: Float64Array) => {
    const grown = new Float64Array(slots);
    grown.set(old);
    return grown;
  };
  table.keys = floats(table.keys, table.dim);
  table.values = floats(table.values, table.valueDim);
  table.biases = doubles(table.biases);
  table.scoreBiases = doubles(table.scoreBiases);
  table.peaks = doubles(table.peaks);
  table.norms = doubles(table.norms);
}
