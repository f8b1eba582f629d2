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
import { viewRow } from "../matrix/store.ts";
import { keyWrite, type Write } from "./commit.ts";
import type { Memory } from "./memory.ts";
import { slotOf, type SlotTable } from "./slots.ts";

/** One table of ids as it will be. */
interface ShadowTable {
  readonly table: SlotTable;
  next: Id;
  size: number;
  /** New ids that are still there, and all that ever were, ascending. */
  added: Set<Id> | undefined;
  arrivals: Id[];
  dropped: Set<Id> | undefined;
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
    keys: shadowOf(memory.keys.slots),
    queries: shadowOf(memory.rows.slots),
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
export function willHave(
  { table, added, dropped }: ShadowTable,
  id: Id,
): boolean {
  return added?.has(id) ||
    (!dropped?.has(id) && slotOf(table, id) >= 0);
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
  writes.push(keyWrite("new key", id, key, value, bias));
  rows?.set(id, { key, value });
  while (keys.size > memory.capacity) {
    stageErasedKey(shadow, oldest(keys), true);
  }
}

/** Replaces what is given of a key. */
export function stageKey(
  shadow: Shadow,
  id: Id,
  key?: Row,
  value?: Row,
  bias?: number,
): void {
  shadow.writes.push(keyWrite("key", id, key, value, bias));
  const row = shadow.rows?.get(id);
  shadow.rows?.set(id, { key: key ?? row?.key, value: value ?? row?.value });
}

/** Takes a key out. */
export function stageErasedKey(shadow: Shadow, id: Id, evicted: boolean): void {
  drop(shadow.keys, id);
  shadow.writes.push({ kind: "erase key", id, evicted });
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

/** A key's row or value as it will be: a view. */
export function rowAsStaged(
  { memory: { keys }, rows }: Shadow,
  id: Id,
  part: "key" | "value",
): Row {
  return rows?.get(id)?.[part] ?? viewRow(
    part === "key" ? keys.keys : keys.values,
    slotOf(keys.slots, id),
  );
}

/** Grows with every key written, query added and query dropped. */
function stateOf({ log, rows: { slots } }: Memory): number {
  return log.clock + 2 * slots.next - slots.size;
}

function shadowOf(table: SlotTable): ShadowTable {
  return {
    table,
    next: table.next,
    size: table.size,
    added: undefined,
    arrivals: [],
    dropped: undefined,
    front: table.front,
    arrived: 0,
  };
}

function add(shadow: ShadowTable, id: Id): void {
  (shadow.added ??= new Set()).add(id);
  shadow.arrivals.push(id);
  shadow.next = id + 1;
  shadow.size++;
}

function drop(shadow: ShadowTable, id: Id): void {
  if (!shadow.added?.delete(id)) (shadow.dropped ??= new Set()).add(id);
  shadow.size--;
}

/** The smallest id that will be there; there is one. */
function oldest(shadow: ShadowTable): Id {
  const { table, dropped, added, arrivals } = shadow;
  for (; shadow.front < table.length; shadow.front++) {
    const id = table.ids[shadow.front];
    if (table.slots[shadow.front] >= 0 && !dropped?.has(id)) return id;
  }
  while (!added?.has(arrivals[shadow.arrived])) shadow.arrived++;
  return arrivals[shadow.arrived];
}
