/**
 * What is stored of every key: its row, its value, its bias, and the two sizes that bounds are made of.
 *
 * @module
 */

import { apart, type Home } from "../kernel/home.ts";
import { measureKey, type Row } from "../rows.ts";
import { isDense, type Representation } from "../matrix/representation.ts";
import {
  clearRow,
  growStore,
  makeStore,
  nonZerosOf,
  setRow,
  type Store,
  storeBytes,
} from "../matrix/store.ts";
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
  /** Where arrays that kernels see live. */
  readonly home: Home;
  readonly dim: number;
  readonly valueDim: number;
  slots: SlotTable;
  readonly representation: Representation;
  /** slots × dim */
  keys: Store;
  /** slots × valueDim */
  values: Store;
  /** slots: as given, in nats; −Infinity masks the key. Of no length until a key has one that is not 0. */
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
export function makeKeys(
  dim: number,
  valueDim: number,
  representation: Representation,
  home: Home,
): KeyTable {
  return {
    home,
    dim,
    valueDim,
    representation,
    slots: makeSlots(),
    keys: makeStore(dim, home),
    values: makeStore(valueDim, home),
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

/** Gives the slot of a key back, and what it held. */
export function dropKey(table: KeyTable, id: Id): number {
  const slot = dropSlot(table.slots, id);
  clearRow(table.keys, slot);
  clearRow(table.values, slot);
  return slot;
}

/** Sets what is given of a slot's content: `norm` and `peak` are what `norms` and `peaks` say of it. */
export function setKey(
  table: KeyTable,
  slot: number,
  { key, value, bias, keyNonZeros, norm, valueNonZeros, peak }: {
    key?: Row;
    value?: Row;
    bias?: number;
    keyNonZeros: number;
    norm: number;
    valueNonZeros: number;
    peak: number;
  },
): void {
  const { representation, keys, values } = table;
  if (key !== undefined) {
    storeRow(representation, keys, slot, key, keyNonZeros);
    table.norms[slot] = norm;
  }
  if (value !== undefined) {
    storeRow(representation, values, slot, value, valueNonZeros);
    table.peaks[slot] = peak;
  }
  if (bias !== undefined) setBias(table, slot, bias);
}

/** Sets the bias of a slot. The caller has made room, unless it is none. */
export function setBias(table: KeyTable, slot: number, bias: number): void {
  if (table.biases.length > 0) table.biases[slot] = bias;
  table.scoreBiases[slot] = bias * Math.LOG2E;
}

/** The bias of a slot as it was given. */
export function biasOf({ biases }: KeyTable, slot: number): number {
  return biases.length > 0 ? biases[slot] : 0;
}

/** Makes room for biases. */
export function reserveBiases(table: KeyTable): void {
  if (table.biases.length > 0) return;
  apart.grow(table, "biases", table.slots.idOf.length);
}

/** Share of the numbers of all keys and values that are not 0. */
export function densityOf({ keys, values, slots }: KeyTable): number {
  let nonZeros = 0;
  for (let slot = 0; slot < slots.used; slot++) {
    nonZeros += keys.count[slot] + values.count[slot];
  }
  return nonZeros === 0
    ? 0
    : nonZeros / (slots.size * (keys.width + values.width));
}

/** Rows of keys and of values by how they are stored. */
export function blocksOf(
  { keys, values, slots }: KeyTable,
): { dense: number; sparse: number } {
  const dense = keys.denseRows + values.denseRows;
  return { dense, sparse: 2 * slots.size - dense };
}

/** Bytes held by the table. */
export function keysBytes(table: KeyTable): number {
  return slotsBytes(table.slots) + storeBytes(table.keys) +
    storeBytes(table.values) + table.biases.byteLength +
    table.scoreBiases.byteLength + table.peaks.byteLength +
    table.norms.byteLength;
}

/** Sets a row, stored as its density wants it. */
export function storeRow(
  representation: Representation,
  store: Store,
  row: number,
  given: Row,
  nonZeros: number = nonZerosOf(given),
): void {
  const dense = isDense(representation, store, row, nonZeros);
  setRow(store, row, given, nonZeros, dense);
}

/** At least the Euclidean length of a row. */
export function lengthOf(row: Row): number {
  return measureKey(row).norm;
}

/** Makes room for `slots` slots. The slots come last: without them the rest is only spare. */
export function growKeys(table: KeyTable, slots: number): void {
  const { home } = table;
  growStore(table.keys, slots);
  growStore(table.values, slots);
  home.grow(table, "scoreBiases", slots);
  home.grow(table, "peaks", slots);
  if (table.biases.length > 0) apart.grow(table, "biases", slots);
  apart.grow(table, "norms", slots);
  growSlots(table.slots, slots);
}
