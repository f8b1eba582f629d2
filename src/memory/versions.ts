/**
 * The store of old contents: struct of arrays, filled from the front.
 *
 * @module
 */

import { apart, type Home } from "../kernel/home.ts";
import {
  clearRow,
  copyRow,
  growStore,
  makeStore,
  moveRow,
  reserveStore,
  type Store,
  storeBytes,
} from "../matrix/store.ts";

/** Old contents, in no order; those of a slot are chained from new to old. */
export interface Versions {
  /** All used entries are below this. */
  used: number;
  /** Each: the slot, the id that lived there, and the clocks from … until − 1 of rows that have it in their sums. */
  slot: Int32Array;
  id: Float64Array;
  from: Float64Array;
  until: Float64Array;
  older: Int32Array;
  /** Each: bias in units of log2, largest component of the value, length of the key. */
  bias: Float64Array;
  peak: Float64Array;
  norm: Float64Array;
  /** versions × dim and versions × valueDim, stored as they were. */
  keys: Store;
  values: Store;
}

/** Makes room for `entries` versions. */
export function makeVersions(
  entries: number,
  dim: number,
  valueDim: number,
  home: Home,
): Versions {
  return {
    used: 0,
    slot: new Int32Array(entries),
    id: new Float64Array(entries),
    from: new Float64Array(entries),
    until: new Float64Array(entries),
    older: new Int32Array(entries),
    bias: new Float64Array(entries),
    peak: new Float64Array(entries),
    norm: new Float64Array(entries),
    keys: makeStore(dim, home),
    values: makeStore(valueDim, home),
  };
}

/** Makes room for about twice as many, at most `limit`, so that the last growth is no small one. */
export function growVersions(versions: Versions, limit: number): void {
  const { keys, values, used } = versions, twice = Math.max(16, 2 * used);
  const entries = 3 * twice >= 2 * limit ? limit : twice;
  const grown = makeVersions(entries, 0, 0, apart);
  growStore(keys, entries);
  growStore(values, entries);
  // Dense rows would double their places beyond the limit.
  for (const store of [keys, values]) {
    if (used > 0 && store.denseRows === used) {
      reserveStore(store, entries - used, 0);
    }
  }
  for (const name of NUMBERS) {
    grown[name].set(versions[name]);
    Object.assign(versions, { [name]: grown[name] });
  }
}

const NUMBERS = [
  "slot",
  "id",
  "from",
  "until",
  "older",
  "bias",
  "peak",
  "norm",
] as const;

/** Moves an entry to a free place before it. */
export function moveVersion(
  versions: Versions,
  from: number,
  to: number,
): void {
  const { slot, id, from: since, until, older, bias, peak, norm } = versions;
  slot[to] = slot[from];
  id[to] = id[from];
  since[to] = since[from];
  until[to] = until[from];
  older[to] = older[from];
  bias[to] = bias[from];
  peak[to] = peak[from];
  norm[to] = norm[from];
  moveRow(versions.keys, from, to);
  moveRow(versions.values, from, to);
}

/** Gives back the rows of an entry. */
export function clearVersion({ keys, values }: Versions, at: number): void {
  clearRow(keys, at);
  clearRow(values, at);
}

/** Copies a key and its value into an entry. */
export function fillVersion(
  versions: Versions,
  at: number,
  keys: Store,
  values: Store,
  slot: number,
): void {
  copyRow(keys, slot, versions.keys, at);
  copyRow(values, slot, versions.values, at);
}

/** Bytes held by all entries. */
export function versionsBytes({ slot, keys, values }: Versions): number {
  return slot.length * NUMBERS_BYTES + storeBytes(keys) + storeBytes(values);
}

/** Bytes a version of so many numbers takes; an entry counts as two. */
export function versionBytes(numbers: number): number {
  return 4 * numbers + NUMBERS_BYTES + PLACE_BYTES;
}

/** Two 32-bit and six 64-bit numbers; for key and value each where they are, in which stripes, and how much. */
const NUMBERS_BYTES = 2 * 4 + 6 * 8, PLACE_BYTES = 2 * 3 * 4;
