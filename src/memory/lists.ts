/**
 * Ascending lists of ids, each under the id of its owner, all in one pool.
 *
 * A list is a stretch of the pool: its length, its room, then its ids. One that outgrows its room moves to the end of
 * the pool and gets half as much again, one that fills a quarter of it gives half of it up, an empty one is gone; what
 * they leave is garbage. When half of the pool is garbage, the lists move to a new one. So the pool is never more than
 * a small multiple of what is listed, a change moves words and no objects, and the moves of lists cost, over time, a
 * few words for each id put in or taken out.
 *
 * @module
 */

import type { Id } from "../check.ts";
import { lowerBound } from "../matrix/structure.ts";

/** Lists of ids. */
export interface Lists {
  /** Where in the pool each list stands, by its owner. Only lists that are not empty are there. */
  places: Map<Id, number>;
  /** Stretches and garbage, then words never used, which are 0. */
  pool: Uint32Array;
  /** Words up to which the pool is in use. */
  used: number;
  /** Words of these that belong to no list. */
  garbage: number;
  /** Ids in all lists. */
  size: number;
}

/** A list as it stands until the next change: `ids[start]` … `ids[end − 1]`, ascending. */
export interface Listed {
  /** The whole pool. */
  ids: Uint32Array;
  start: number;
  end: number;
}

/** A list's length is its first word, its room the second; ids follow. */
const ROOM = 1, HEADER = 2, LEAST_ROOM = 2;

/** A pool of so few words is not worth tidying. */
const LEAST_POOL = 64;

/**
 * What a map takes for an entry: 28 bytes when its table is full and 56 when it has just grown, in V8. Ids and places
 * from 2³¹ on take 16 more, which are not counted.
 */
const MAP_ENTRY_BYTES = 42;

/**
 * Makes lists without room to spare, whose ids the caller writes: `lengths[i]` is that of the i-th owner, and becomes
 * the place of its first id. The map is kept.
 */
export function makeLists(owners: Map<Id, number>, lengths: number[]): Lists {
  let size = 0;
  for (let i = 0; i < lengths.length; i++) size += lengths[i];
  const used = size + HEADER * lengths.length, pool = new Uint32Array(used);
  let at = 0, i = 0;
  for (const owner of owners.keys()) {
    const length = pool[at] = pool[at + ROOM] = lengths[i];
    owners.set(owner, at);
    lengths[i++] = at + HEADER;
    at += HEADER + length;
  }
  return { places: owners, pool, used, garbage: 0, size };
}

/** The list of an owner, empty if it has none, written into `into`. */
export function listOf(lists: Lists, owner: Id, into: Listed): Listed {
  const at = lists.places.get(owner);
  into.ids = lists.pool;
  into.start = at === undefined ? 0 : at + HEADER;
  into.end = at === undefined ? 0 : into.start + lists.pool[at];
  return into;
}

/** Whether an id is in the list of an owner. */
export function isListed(lists: Lists, owner: Id, id: Id): boolean {
  const at = lists.places.get(owner);
  if (at === undefined) return false;
  const { pool } = lists, end = at + HEADER + pool[at];
  const place = lowerBound(pool, at + HEADER, end, id);
  return place < end && pool[place] === id;
}

/** Puts an id in; returns whether it was not there. If there is no memory for it, it throws and all is as it was. */
export function putIn(lists: Lists, owner: Id, id: Id): boolean {
  let at = lists.places.get(owner) ?? addList(lists, owner);
  const length = lists.pool[at], start = at + HEADER, end = start + length;
  const place = lowerBound(lists.pool, start, end, id);
  if (place < end && lists.pool[place] === id) return false;
  if (length === lists.pool[at + ROOM]) at = enlarge(lists, owner, length);
  const { pool } = lists, shift = at + HEADER - start, to = place + shift;
  if (place < end) pool.copyWithin(to + 1, to, end + shift);
  pool[to] = id;
  pool[at]++;
  lists.size++;
  tidy(lists);
  return true;
}

/** Takes an id out; returns whether it was there. It needs no memory. */
export function takeOut(lists: Lists, owner: Id, id: Id): boolean {
  const { places, pool } = lists, at = places.get(owner);
  if (at === undefined) return false;
  const end = at + HEADER + pool[at];
  const place = lowerBound(pool, at + HEADER, end, id);
  if (place === end || pool[place] !== id) return false;
  if (pool[at] === 1) return dropList(lists, owner);
  pool.copyWithin(place, place + 1, end);
  const length = --pool[at], room = pool[at + ROOM];
  lists.size--;
  if (4 * length <= room) {
    pool[at + ROOM] = 2 * length;
    lists.garbage += room - 2 * length;
    tidy(lists);
  }
  return true;
}

/** Drops the list of an owner; returns whether it had one. It needs no memory. */
export function dropList(lists: Lists, owner: Id): boolean {
  const { places, pool } = lists, at = places.get(owner);
  if (at === undefined) return false;
  places.delete(owner);
  lists.garbage += HEADER + pool[at + ROOM];
  lists.size -= pool[at];
  tidy(lists);
  return true;
}

/** Bytes held: those of the pool exactly, those of the map as near as an engine allows to say. */
export function listsBytes({ places, pool }: Lists): number {
  return pool.byteLength + MAP_ENTRY_BYTES * places.size;
}

/** Makes an empty list at the end of the pool, where its length is 0 already; the caller fills it. */
function addList(lists: Lists, owner: Id): number {
  makeRoom(lists, HEADER + LEAST_ROOM);
  const at = lists.used;
  // A map that is full throws here, before anything has changed.
  lists.places.set(owner, at);
  lists.pool[at + ROOM] = LEAST_ROOM;
  lists.used += HEADER + LEAST_ROOM;
  return at;
}

/** Moves a full list to the end of the pool, with half as much room again; returns its new place. */
function enlarge(lists: Lists, owner: Id, full: number): number {
  const room = full + Math.ceil(full / 2) + 1;
  makeRoom(lists, HEADER + room);
  const { pool, places } = lists, from = places.get(owner)!, at = lists.used;
  pool.copyWithin(at, from, from + HEADER + full);
  pool[at + ROOM] = room;
  places.set(owner, at);
  lists.used += HEADER + room;
  lists.garbage += HEADER + full;
  return at;
}

/** Makes room for so many words at the end of the pool; moves every list if that gets rid of a quarter. */
function makeRoom(lists: Lists, words: number): void {
  const { pool, used, garbage } = lists;
  if (used + words <= pool.length) return;
  if (4 * garbage > used) return repack(lists, used - garbage + words);
  lists.pool = makePool(used + words);
  lists.pool.set(pool.subarray(0, used));
}

/** Gets rid of the garbage when it is half of the pool. */
function tidy(lists: Lists): void {
  const { used, garbage } = lists;
  if (used < LEAST_POOL || 2 * garbage <= used) return;
  try {
    repack(lists, used - garbage);
  } catch (error) {
    // What gives memory back must not fail for lack of it: the garbage stays until a copy can be made.
    if (!(error instanceof RangeError)) throw error;
  }
}

/** A pool with a quarter to spare, so that the next one is not due before that much has been put in. */
function makePool(needed: number): Uint32Array {
  return new Uint32Array(Math.max(LEAST_POOL, Math.ceil(needed * 5 / 4)));
}

/** Moves all lists, one behind the other, to a new pool. */
function repack(lists: Lists, needed: number): void {
  const { pool: old, places } = lists, pool = makePool(needed);
  let used = 0;
  for (const [owner, from] of places) {
    const end = from + HEADER + old[from];
    for (let at = from, to = used; at < end; at++, to++) pool[to] = old[at];
    places.set(owner, used);
    used += HEADER + old[from + ROOM];
  }
  lists.pool = pool;
  lists.used = used;
  lists.garbage = 0;
}
