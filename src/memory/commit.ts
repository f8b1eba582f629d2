/**
 * Plain writes and how they are carried out: room first, which is all that can fail, then one after the other.
 *
 * @module
 */

import type { Id } from "../check.ts";
import { measureKey, measureValue, type Row } from "../rows.ts";
import { DENSE } from "../kernel/table.ts";
import {
  isDense,
  NO_ROW,
  type Representation,
} from "../matrix/representation.ts";
import { nonZerosOf, reserveStore, type Store } from "../matrix/store.ts";
import { type KeyBlock, writeBlock } from "./block.ts";
import { reserveBiases } from "./keys.ts";
import type { Memory } from "./memory.ts";
import { dropQuery, setQuery } from "./queries.ts";
import { slotOf } from "./slots.ts";
import {
  type Content,
  eraseKey,
  reserve,
  writeEdge,
  writeKey,
  writeNewKey,
} from "./write.ts";

/** One write, with everything resolved. */
export type Write =
  | (Content & { kind: "new key" | "key" })
  | KeyBlock
  | { kind: "erase key"; id: Id; slot: number; evicted: boolean }
  | { kind: "query"; id: Id; query: Row; position: Id }
  | { kind: "erase query"; id: Id }
  | { kind: "edge"; query: Id; key: Id; present: boolean };

/** The write of a key, new or known. */
export function keyWrite(
  kind: "new key" | "key",
  id: Id,
  slot: number,
  key?: Row,
  value?: Row,
  bias?: number,
): Write {
  let keyNonZeros = 0, norm = 0, valueNonZeros = 0, peak = 0;
  if (key !== undefined) ({ nonZeros: keyNonZeros, norm } = measureKey(key));
  if (value !== undefined) {
    ({ nonZeros: valueNonZeros, peak } = measureValue(value));
  }
  return {
    kind,
    id,
    slot,
    key,
    value,
    bias,
    keyNonZeros,
    norm,
    valueNonZeros,
    peak,
  };
}

/** Carries all writes out. */
export function commit(memory: Memory, writes: Iterable<Write>): void {
  makeRoom(memory, writes);
  for (const write of writes) carryOut(memory, write);
}

function makeRoom(memory: Memory, writes: Iterable<Write>): void {
  const { keys, rows, capacity } = memory;
  const room = { keys: newRoom(), values: newRoom(), queries: newRoom() };
  const { representation } = keys;
  let newKeys = 0, newQueries = 0, biased = false;
  for (const write of writes) {
    if (write.kind === "new key" || write.kind === "key") {
      const { slot, key, value, bias = 0, keyNonZeros, valueNonZeros } = write;
      if (write.kind === "new key") newKeys++;
      biased ||= !isNone(bias);
      if (key !== undefined) {
        addRoom(room.keys, representation, keys.keys, slot, keyNonZeros);
      }
      if (value !== undefined) {
        addRoom(room.values, representation, keys.values, slot, valueNonZeros);
      }
    } else if (write.kind === "new keys") {
      const { ids, bias, keySizes, valueSizes } = write;
      newKeys += ids.length;
      for (let at = 0; at < ids.length && bias !== undefined; at++) {
        biased ||= !isNone(bias(at));
      }
      addRooms(room.keys, representation, keys.keys, keySizes.nonZeros);
      addRooms(room.values, representation, keys.values, valueSizes.nonZeros);
    } else if (write.kind === "query") {
      const row = slotOf(rows.slots, write.id), count = nonZerosOf(write.query);
      if (row < 0) newQueries++;
      addRoom(room.queries, representation, rows.queries, row, count);
    }
  }
  reserve(memory, Math.min(newKeys, capacity + 1), newQueries);
  if (biased) reserveBiases(keys);
  reserveStore(rows.queries, room.queries.denseRows, room.queries.entries);
  const evicts = newKeys > capacity;
  reserveUpTo(capacity + 1, keys.keys, room.keys, evicts);
  reserveUpTo(capacity + 1, keys.values, room.values, evicts);
}

/** Whether a bias need not be kept; −0 is one, which `entry` tells from 0. */
function isNone(bias: number): boolean {
  return Object.is(bias, 0);
}

/** Makes room for rows of which so many live at once; what is evicted is swept up on the way. */
function reserveUpTo(
  most: number,
  store: Store,
  { denseRows, entries }: Room,
  evicts: boolean,
): void {
  const places = Math.max(0, most - store.denseRows);
  reserveStore(store, Math.min(denseRows, places), evicts ? 0 : entries);
}

function carryOut(memory: Memory, write: Write): void {
  switch (write.kind) {
    case "new key":
      return writeNewKey(memory, write);
    case "new keys":
      return writeBlock(memory, write);
    case "key":
      return writeKey(memory, write);
    case "erase key":
      if (write.evicted) memory.counters.evicted++;
      return eraseKey(memory, write.id, write.slot);
    case "query":
      return setQuery(memory, write.id, write.query, write.position);
    case "erase query":
      return dropQuery(memory, write.id);
    case "edge":
      return writeEdge(memory, write.query, write.key, write.present);
  }
}

/** Room that rows will take in a table. */
interface Room {
  denseRows: number;
  entries: number;
}

function newRoom(): Room {
  return { denseRows: 0, entries: 0 };
}

/** Counts what a row takes beyond what it has. */
function addRoom(
  room: Room,
  representation: Representation,
  store: Store,
  row: number,
  nonZeros: number,
): void {
  const was = row < 0 ? undefined : store.evens[row];
  if (isDense(representation, store, row, nonZeros)) {
    if (was !== DENSE) room.denseRows++;
  } else if (
    was === undefined || was === DENSE || nonZeros > store.count[row]
  ) {
    room.entries += nonZeros;
  }
}

/** Counts what new rows take. */
function addRooms(
  room: Room,
  representation: Representation,
  store: Store,
  nonZeros: Int32Array,
): void {
  const { width } = store, { length } = nonZeros;
  const writtenOut = isDense(representation, store, NO_ROW, width);
  let full = 0;
  for (let at = 0; at < length; at++) {
    if (writtenOut && nonZeros[at] === width) full++;
    else addRoom(room, representation, store, NO_ROW, nonZeros[at]);
  }
  room.denseRows += full;
}
