/**
 * Room for changed keys on their way into rows.
 *
 * @module
 */

import type { Home } from "../kernel/home.ts";
import type { Batch, Differences, Entry, KeyChange } from "../kernel/kernel.ts";
import { makeSpread, type Spread, spreadBytes } from "../kernel/spread.ts";

/** A key with its value, and room to write a sparse key out. */
export interface LoadedEntry extends Entry {
  readonly spread: Spread;
}

/** A changed key and what it needs room for. */
export interface LoadedChange extends KeyChange {
  readonly old: LoadedEntry;
  readonly now: LoadedEntry;
  /** The slot it is in or was in, the version that rows hold, in how many numbers their values differ or −1. */
  slot: number;
  version: number;
  differing: number;
  /** Where differences are written, if there are any. */
  readonly room: Differences;
}

/** Changed keys, loaded from the tables. */
export interface LoadedBatch extends Batch {
  /** Made as they are needed, `most` at most. */
  readonly changes: LoadedChange[];
  readonly most: number;
}

/** Changes that a row takes together: their keys and values, in 64 bits, stay in the first-level cache. */
const MOST_CHANGES = 8, MOST_NUMBERS = 2 ** 11;

/** Makes room for a few changes of keys and values of these widths. */
export function makeBatch(
  dim: number,
  valueDim: number,
  spread: Spread,
): LoadedBatch {
  const fit = Math.floor(MOST_NUMBERS / (dim + valueDim + 1));
  return {
    changes: [],
    most: Math.min(MOST_CHANGES, Math.max(1, fit)),
    count: 0,
    rows: new Int32Array(0),
    done: new Int32Array(0),
    masked: false,
    sides: new Uint8Array(0),
    spread,
  };
}

/** Makes room for one more change. */
export function makeChange(home: Home): LoadedChange {
  return {
    old: makeEntry(home),
    now: makeEntry(home),
    leaves: false,
    enters: false,
    sameKey: false,
    differences: undefined,
    slot: -1,
    version: -1,
    differing: -1,
    room: {
      count: 0,
      columns: NO_INTS,
      before: NO_DOUBLES,
      after: NO_DOUBLES,
    },
  };
}

function makeEntry(home: Home): LoadedEntry {
  return {
    key: NO_DOUBLES,
    plain: NO_FLOATS,
    at: 0,
    keyEntries: undefined,
    value: NO_DOUBLES,
    valueEntries: undefined,
    bias: 0,
    peak: 0,
    spread: makeSpread(home),
  };
}

/** Makes room for so many rows, all alike or each with what it holds. */
export function reserveRows(
  batch: LoadedBatch,
  rows: number,
  masked: boolean,
  home: Home,
): void {
  batch.masked = masked;
  if (batch.rows.length < rows) {
    const room = Math.max(rows, 2 * batch.rows.length);
    home.grow(batch, "done", room);
    home.grow(batch, "rows", room);
  }
  const sides = batch.rows.length * batch.most;
  if (masked && batch.sides.length < sides) home.grow(batch, "sides", sides);
}

/** Lets go of tables that may grow. */
export function unloadBatch({ changes }: LoadedBatch): void {
  for (const { old, now } of changes) {
    for (const entry of [old, now]) {
      entry.plain = NO_FLOATS;
      entry.keyEntries = undefined;
      entry.valueEntries = undefined;
    }
  }
}

const NO_FLOATS = new Float32Array(0), NO_DOUBLES = new Float64Array(0);
const NO_INTS = new Int32Array(0);

/** Bytes held. */
export function batchBytes({ changes, rows, sides }: LoadedBatch): number {
  let bytes = 2 * rows.byteLength + sides.byteLength;
  for (const { old, now, room } of changes) {
    bytes += room.columns.byteLength + 2 * room.before.byteLength;
    for (const { key, value, spread } of [old, now]) {
      bytes += key.byteLength + value.byteLength + spreadBytes(spread);
    }
  }
  return bytes;
}
