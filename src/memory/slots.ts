/**
 * Stable ids over reusable slots.
 *
 * Ids ascend and are never used again; the slots behind them are. The table lists ids in the order they came, which is
 * ascending, so finding one takes a guess or a few, the oldest is at the front, and a removed one leaves a hole
 * that is closed when holes outnumber entries.
 *
 * @module
 */

import type { Id } from "../check.ts";

/** A table of ids. */
export interface SlotTable {
  /** length: ids, ascending; holes included. */
  ids: Uint32Array;
  /** length: the slot of each id, −1 for a hole. */
  slots: Int32Array;
  length: number;
  /** Entries that are no holes. */
  size: number;
  /** The next id to be given out. */
  next: Id;
  /** Everything before it is a hole. */
  front: number;
  /** allocated: the id that lives in each slot; below 0 for none, and of slots given back which one was before it. */
  idOf: Float64Array;
  /** The slot given back last, −1 for none, and how many there are. */
  free: number;
  freeCount: number;
  /** Slots ever used; a slot below this is live or free. */
  used: number;
  /** The slots in the order of their ids, once they have been asked for and until they change. */
  listed: Int32Array | undefined;
}

/** Makes an empty table. */
export function makeSlots(): SlotTable {
  return {
    ids: new Uint32Array(0),
    slots: new Int32Array(0),
    length: 0,
    size: 0,
    next: 0,
    front: 0,
    idOf: new Float64Array(0),
    free: -1,
    freeCount: 0,
    used: 0,
    listed: undefined,
  };
}

/** The slot of an id, or −1. */
export function slotOf(table: SlotTable, id: Id): number {
  const at = find(table, id);
  return at < 0 ? -1 : table.slots[at];
}

/** Gives a slot to an id no smaller than `next`. The caller has made room: `used` < `idOf.length` or a slot is free. */
export function addSlot(table: SlotTable, id: Id): number {
  if (table.length === table.ids.length) makeRoom(table, 1);
  const slot = takeSlot(table);
  table.ids[table.length] = id;
  table.slots[table.length++] = slot;
  table.idOf[slot] = id;
  table.size++;
  table.listed = undefined;
  table.next = id + 1;
  return slot;
}

/** A slot that is free, or one that was never used. */
function takeSlot(table: SlotTable): number {
  if (table.free < 0) return table.used++;
  const slot = table.free;
  table.free = LINK - table.idOf[slot];
  table.freeCount--;
  return slot;
}

/** A slot given back holds this less the one given back before it: −1 where that is none, and never an id. */
const LINK = -2;

/** The same for many, ascending; their slots in order. */
export function addSlots(table: SlotTable, added: readonly Id[]): Int32Array {
  const given = new Int32Array(added.length);
  if (added.length === 0) return given;
  const { idOf } = table, from = makeRoom(table, added.length);
  for (let at = 0; at < given.length; at++) {
    const slot = given[at] = takeSlot(table);
    idOf[slot] = added[at];
  }
  table.ids.set(added, from);
  table.slots.set(given, from);
  table.length = from + added.length;
  table.size += added.length;
  table.listed = undefined;
  table.next = added[added.length - 1] + 1;
  return given;
}

/** Makes room in the list for so many more ids; returns its length, which closing its holes may change. */
function makeRoom(table: SlotTable, more: number): number {
  if (table.length + more > table.ids.length) {
    close(table);
    const needed = table.length + more;
    if (needed > table.ids.length || table.length * 2 >= table.ids.length) {
      table.ids = grownIds(table.ids, needed);
      const slots = new Int32Array(table.ids.length);
      slots.set(table.slots);
      table.slots = slots;
    }
  }
  return table.length;
}

/** Takes the slot of an id back. */
export function dropSlot(table: SlotTable, id: Id): number {
  const at = find(table, id), slot = table.slots[at];
  table.slots[at] = -1;
  table.idOf[slot] = LINK - table.free;
  table.free = slot;
  table.freeCount++;
  table.size--;
  table.listed = undefined;
  while (table.front < table.length && table.slots[table.front] < 0) {
    table.front++;
  }
  if (table.length > LEAST_HOLES + 2 * table.size) close(table);
  return slot;
}

/** So few holes are not worth closing. */
const LEAST_HOLES = 16;

/** Makes room for `slots` slots. */
export function growSlots(table: SlotTable, slots: number): void {
  const idOf = new Float64Array(slots).fill(-1);
  idOf.set(table.idOf);
  table.idOf = idOf;
}

/** The ids, ascending. */
export function listIds(table: SlotTable): Id[] {
  const ids: Id[] = [];
  for (let at = table.front; at < table.length; at++) {
    if (table.slots[at] >= 0) ids.push(table.ids[at]);
  }
  return ids;
}

/** The slots, in the order of their ids: a list that is kept, to be read only. */
export function listSlots(table: SlotTable): Int32Array {
  const { slots, front, length, size } = table;
  if (table.listed === undefined) {
    const list = slots.slice(front, length);
    table.listed = size === list.length
      ? list
      : list.filter((slot) => slot >= 0);
  }
  return table.listed;
}

/** Bytes held by the table. */
export function slotsBytes(table: SlotTable): number {
  return table.ids.byteLength + table.slots.byteLength +
    table.idOf.byteLength + (table.listed?.byteLength ?? 0);
}

/** A copy twice as long, or as long as needed. */
function grownIds(array: Uint32Array, needed: number): Uint32Array {
  const grown = new Uint32Array(Math.max(16, needed, 2 * array.length));
  grown.set(array);
  return grown;
}

/**
 * Where an id stands in the list, or −1: looked for where it would be if ids were spread evenly and, in turns, in the
 * middle. Ids that ascend by one are found at once, and whatever the ids are it takes O(log ids).
 */
function find({ ids, slots, front, length }: SlotTable, id: Id): number {
  let low = front, high = length - 1;
  for (let guess = true; low <= high; guess = !guess) {
    const least = ids[low], most = ids[high];
    if (!(id >= least && id <= most)) return -1;
    const at = guess && most > least
      ? low + Math.floor((id - least) * (high - low) / (most - least))
      : (low + high) >>> 1;
    if (ids[at] < id) low = at + 1;
    else if (ids[at] > id) high = at - 1;
    else return slots[at] < 0 ? -1 : at;
  }
  return -1;
}

/** Closes the holes. */
function close(table: SlotTable): void {
  let kept = 0;
  for (let at = table.front; at < table.length; at++) {
    if (table.slots[at] < 0) continue;
    table.ids[kept] = table.ids[at];
    table.slots[kept++] = table.slots[at];
  }
  table.length = kept;
  table.front = 0;
}
