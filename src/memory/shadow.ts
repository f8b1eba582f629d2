/**
 * What a list of changes would leave behind, before any of it is done.
 *
 * A change is checked against the tables as the changes before it leave them; what it asks for becomes plain writes
 * with their rows resolved. When the whole list has passed, the writes are carried out (`commit.ts`) and none of them
 * can fail, so there is nothing to undo.
 *
 * @module
 */

import type { Id } from "../check.ts";
import type { Row } from "../rows.ts";
import { DENSE } from "../kernel/table.ts";
import { type CheckedRows, takeFloats } from "../matrix/input.ts";
import { unpackRow, viewRow } from "../matrix/store.ts";
import { keyBlock } from "./block.ts";
import { keyWrite, type Write } from "./commit.ts";
import type { Memory } from "./memory.ts";
import { slotOf, type SlotTable } from "./slots.ts";

/** One table of ids as it will be. */
export interface ShadowTable {
  readonly table: SlotTable;
  next: Id;
  size: number;
  /** New ids, ascending, those included that are gone again. */
  added: Id[] | undefined;
  /** Ids that are gone; undefined where no change comes after this one. */
  readonly dropped: Set<Id> | undefined;
  /** Where the search for the oldest id goes on: in the table, then among the new ones. */
  front: number;
  arrived: number;
}

/** Both tables as they will be, and the writes that get there. */
export interface Shadow {
  readonly memory: Memory;
  readonly keys: ShadowTable;
  readonly queries: ShadowTable;
  readonly writes: Write[];
  /** What the tables were at when the shadow was made. */
  readonly started: number;
  /** The newest rows of keys written so far, for edits later in a list; undefined where there is no list. */
  readonly rows:
    | Map<Id, { key?: Row; value?: Row }>
    | undefined;
}

/** The tables as they are; `list` says that several changes will come. */
export function makeShadow(memory: Memory, list: boolean): Shadow {
  return {
    memory,
    keys: shadowOf(memory.keys.slots, list),
    queries: shadowOf(memory.rows.slots, list),
    writes: [],
    started: stateOf(memory),
    rows: list ? new Map() : undefined,
  };
}

/** Whether the tables changed under the shadow: what a caller's iterables do is not ours to know. */
export function isStale({ memory, started }: Shadow): boolean {
  return stateOf(memory) !== started;
}

/** Whether an id will be there. */
export function willHave(table: ShadowTable, id: Id): boolean {
  return stagedSlot(table, id) !== GONE;
}

/** In place of a slot: an id that will be there has none yet, or will not be there. */
export const NEW = -1, GONE = -2;

/** The slot of an id that will be there. */
export function stagedSlot(
  { table, added, dropped }: ShadowTable,
  id: Id,
): number {
  if (dropped?.has(id)) return GONE;
  if (id >= table.next) return isAmong(added, id) ? NEW : GONE;
  const slot = slotOf(table, id);
  return slot < 0 ? GONE : slot;
}

/** Adds a key, and takes the oldest out where there are more than the capacity. */
export function stageNewKey(
  shadow: Shadow,
  id: Id,
  key: Row,
  value: Row,
  bias: number,
): void {
  const { keys, memory, writes, rows } = shadow;
  add(keys, id);
  writes.push(keyWrite("new key", id, NEW, key, value, bias));
  rows?.set(id, { key, value });
  while (keys.size > memory.capacity) {
    stageErasedKey(shadow, takeOldest(keys), NEW, true);
  }
}

/**
 * Adds many keys at once; false, and nothing is added, where they cannot come together: few or sparse ones, where the
 * oldest have to be taken out on the way, or in a list of changes, which may be of the same keys.
 */
export function stageKeyBlock(
  shadow: Shadow,
  ids: readonly Id[],
  keyRows: CheckedRows,
  valueRows: CheckedRows,
  bias: ((at: number) => number) | undefined,
): boolean {
  const { keys, memory, writes, rows } = shadow;
  if (rows !== undefined || keys.size + ids.length > memory.capacity) {
    return false;
  }
  const block = keyBlock(ids, keyRows, valueRows, bias);
  if (block === undefined) return false;
  for (const id of ids) add(keys, id);
  writes.push(block);
  return true;
}

/** Replaces what is given of a key that is in a slot. */
export function stageKey(
  shadow: Shadow,
  id: Id,
  slot: number,
  key?: Row,
  value?: Row,
  bias?: number,
): void {
  shadow.writes.push(keyWrite("key", id, slot, key, value, bias));
  const row = shadow.rows?.get(id);
  shadow.rows?.set(id, { key: key ?? row?.key, value: value ?? row?.value });
}

/** Takes a key out. */
export function stageErasedKey(
  shadow: Shadow,
  id: Id,
  slot: number,
  evicted: boolean,
): void {
  drop(shadow.keys, id);
  shadow.writes.push({ kind: "erase key", id, slot, evicted });
  shadow.rows?.delete(id);
}

/** Adds or replaces a query. */
export function stageQuery(
  shadow: Shadow,
  id: Id,
  query: Row,
  position: Id,
): void {
  if (!willHave(shadow.queries, id)) add(shadow.queries, id);
  shadow.writes.push({ kind: "query", id, query, position });
}

/** Takes a query out. */
export function stageErasedQuery(shadow: Shadow, id: Id): void {
  drop(shadow.queries, id);
  shadow.writes.push({ kind: "erase query", id });
}

/** A key's row or value as it will be: numbers of the caller's own, or entries to look at. */
export function copyAsStaged(
  { memory: { keys, arena }, rows }: Shadow,
  id: Id,
  slot: number,
  part: "key" | "value",
): Row {
  const staged = rows?.get(id)?.[part];
  if (staged !== undefined) {
    if (!(staged instanceof Float32Array)) return staged;
    const numbers = takeFloats(arena, staged.length);
    numbers.set(staged);
    return numbers;
  }
  const store = part === "key" ? keys.keys : keys.values;
  if (store.evens[slot] !== DENSE) return viewRow(store, slot);
  const numbers = takeFloats(arena, store.width);
  unpackRow(store, slot, numbers, 0);
  return numbers;
}

/** Grows with every key written, query added and query dropped. */
function stateOf({ log, rows: { slots } }: Memory): number {
  return log.clock + 2 * slots.next - slots.size;
}

function shadowOf(table: SlotTable, list: boolean): ShadowTable {
  return {
    table,
    next: table.next,
    size: table.size,
    added: undefined,
    dropped: list ? new Set() : undefined,
    front: table.front,
    arrived: 0,
  };
}

function add(shadow: ShadowTable, id: Id): void {
  (shadow.added ??= []).push(id);
  shadow.next = id + 1;
  shadow.size++;
}

function drop(shadow: ShadowTable, id: Id): void {
  shadow.dropped?.add(id);
  shadow.size--;
}

/** The smallest id that will be there, to be dropped; there is one. */
function takeOldest(shadow: ShadowTable): Id {
  const { table, dropped, added } = shadow;
  while (shadow.front < table.length) {
    const at = shadow.front++, id = table.ids[at];
    if (table.slots[at] >= 0 && !dropped?.has(id)) return id;
  }
  while (dropped?.has(added![shadow.arrived])) shadow.arrived++;
  return added![shadow.arrived++];
}

/** Whether ascending ids hold one. */
function isAmong(ids: readonly Id[] = [], id: Id): boolean {
  let low = 0, high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle] < id) low = middle + 1;
    else high = middle;
  }
  return low < ids.length && ids[low] === id;
}
