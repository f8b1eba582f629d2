/**
 * For masks of edges: what each row has not seen, key by key.
 *
 * A row of few edges must not look through a log of writes that do not concern it. So a write goes to the rows that
 * admit the key, and each of them notes which content its sums still hold: a version, shared by all rows that hold it
 * and given back by the last of them. A row that notes nothing has seen everything. A second write to a key that no
 * row has looked at in between costs nothing: all rows that need to know do.
 *
 * @module
 */

import type { Id } from "../check.ts";
import { type Edges, queriesOf, setEdge } from "./edges.ts";
import { COLD, copyVersion, NONE } from "./log.ts";
import type { Memory } from "./memory.ts";
import { slotOf } from "./slots.ts";
import { clearVersion } from "./versions.ts";

/** What rows have not seen of the keys that they admit. */
export interface Pairs {
  /** For each row that is behind: the keys it is behind with, and the version of each in its sums, or NONE. */
  readonly unseen: Map<number, Map<Id, number>>;
  /** slots: the clock at which a row last took in what the slot holds, or noted that it has it. */
  seen: Float64Array;
  /** versions: how many rows hold each. */
  holders: Int32Array;
  /** Versions that nobody holds. */
  readonly free: number[];
}

/** Makes a record of nothing. */
export function makePairs(): Pairs {
  return {
    unseen: new Map(),
    seen: new Float64Array(0),
    holders: new Int32Array(0),
    free: [],
  };
}

/** Notes for the rows that admit a key that its slot is about to be written, at the log's clock. */
export function notePairs(
  memory: Memory,
  edges: Edges,
  slot: number,
  held: boolean,
  limit: number,
): void {
  const { pairs, rows, log, keys } = memory, id = keys.slots.idOf[slot];
  if (held && log.written[slot] > seenOf(pairs, slot)) {
    log.coalesced++;
    return;
  }
  const { ids, start, end } = queriesOf(edges, id);
  for (let at = start; at < end; at++) {
    const row = slotOf(rows.slots, ids[at]);
    if (row < 0 || rows.clocks[row] === COLD) continue;
    if (pairs.unseen.get(row)?.has(id)) continue;
    if (memory.selection !== undefined) noteKey(memory, row, id);
    else if (held) hold(memory, row, slot, log.clock, limit);
    else note(pairs, row, id, NONE);
  }
}

/** A key is gone: rows that never held it have nothing to learn; a method may have kept it anyway. */
export function forgetKey(memory: Memory, edges: Edges, id: Id): void {
  const { pairs: { unseen }, rows } = memory;
  if (memory.selection !== undefined) return;
  const { ids, start, end } = queriesOf(edges, id);
  for (let at = start; at < end; at++) {
    const row = slotOf(rows.slots, ids[at]);
    if (row >= 0 && unseen.get(row)?.get(id) === NONE) forget(memory, row, id);
  }
}

/** Inserts or deletes an edge; a row whose sums know the pair learns of it at its next read. */
export function notePair(
  memory: Memory,
  edges: Edges,
  query: Id,
  key: Id,
  present: boolean,
  limit: number,
): void {
  if (!setEdge(edges, query, key, present)) return;
  const { pairs, rows, log, keys } = memory;
  const row = slotOf(rows.slots, query), slot = slotOf(keys.slots, key);
  if (slot < 0 || row < 0 || rows.clocks[row] === COLD) return;
  const version = pairs.unseen.get(row)?.get(key);
  if (memory.selection !== undefined) {
    noteKey(memory, row, key);
    return;
  }
  if (version === undefined) {
    if (present) note(pairs, row, key, NONE);
    // What the row holds is what the slot holds, until somebody writes.
    else hold(memory, row, slot, log.clock + 1, limit);
  } else if (
    version === NONE
      ? !present
      : present && log.versions.from[version] === log.written[slot]
  ) {
    // Flipped twice: the pair is as the sums have it.
    forget(memory, row, key);
  }
}

/** Notes that rows have taken in what a slot holds. */
export function markSeen({ pairs, keys, log }: Memory, slot: number): void {
  if (slot >= pairs.seen.length) {
    const grown = new Float64Array(keys.slots.idOf.length);
    grown.set(pairs.seen);
    pairs.seen = grown;
  }
  pairs.seen[slot] = log.clock;
}

/** A row has seen everything, or its sums are void: it holds no versions. */
export function forgetRow(memory: Memory, row: number): void {
  const { unseen } = memory.pairs;
  if (unseen.size === 0) return;
  for (const version of unseen.get(row)?.values() ?? []) {
    release(memory, version);
  }
  unseen.delete(row);
}

/** Bytes held, as near as an engine's maps allow to say. */
export function pairsBytes({ unseen, seen, holders, free }: Pairs): number {
  let bytes = seen.byteLength + holders.byteLength + 8 * free.length;
  for (const row of unseen.values()) bytes += 300 + 40 * row.size;
  return bytes;
}

/** Lets a row keep what its sums hold of a slot: a version good until the clock `until`. */
function hold(
  memory: Memory,
  row: number,
  slot: number,
  until: number,
  limit: number,
): void {
  const { log, keys, pairs, rows } = memory, id = keys.slots.idOf[slot];
  let at = log.newest[slot];
  if (
    at === NONE || log.versions.id[at] !== id ||
    log.versions.from[at] !== log.written[slot]
  ) {
    if (pairs.free.length === 0 && log.versions.used >= limit) {
      startOldestOver(memory, limit);
    }
    // Making room may have turned the row itself cold.
    if (rows.clocks[row] === COLD) return;
    if (pairs.free.length === 0 && log.versions.used >= limit) {
      forgetRow(memory, row);
      rows.clocks[row] = COLD;
      return;
    }
    const place = pairs.free.pop();
    at = copyVersion(log, keys, slot, until, limit, place);
    if (at === NONE) {
      if (place !== undefined) pairs.free.push(place);
      forgetRow(memory, row);
      rows.clocks[row] = COLD;
      return;
    }
    if (at >= pairs.holders.length) {
      const grown = new Int32Array(log.versions.slot.length);
      grown.set(pairs.holders);
      pairs.holders = grown;
    }
    pairs.holders[at] = 0;
  }
  pairs.holders[at]++;
  note(pairs, row, id, at);
}

/** Rows behind for longest start over at their next read, until half of the versions are free. */
function startOldestOver(memory: Memory, limit: number): void {
  const { pairs, rows } = memory;
  for (const row of pairs.unseen.keys()) {
    // Where there is no room at all, none is made.
    if (2 * pairs.free.length >= limit) return;
    forgetRow(memory, row);
    rows.clocks[row] = COLD;
  }
}

/** For a method, which holds no versions: a row that is behind with more than half of the keys starts over. */
function noteKey(memory: Memory, row: number, id: Id): void {
  const { pairs, rows, keys } = memory;
  note(pairs, row, id, NONE);
  const { size } = pairs.unseen.get(row)!;
  if (size <= Math.max(LEAST_UNSEEN, keys.slots.used >>> 1)) return;
  forgetRow(memory, row);
  rows.clocks[row] = COLD;
}

/** A row of few keys may see all of them come and go between two reads. */
const LEAST_UNSEEN = 64;

function note({ unseen }: Pairs, row: number, id: Id, version: number): void {
  const keys = unseen.get(row);
  if (keys === undefined) unseen.set(row, new Map([[id, version]]));
  else keys.set(id, version);
}

function forget(memory: Memory, row: number, id: Id): void {
  const { unseen } = memory.pairs, keys = unseen.get(row)!;
  release(memory, keys.get(id)!);
  keys.delete(id);
  if (keys.size === 0) unseen.delete(row);
}

function release({ pairs, log }: Memory, version: number): void {
  if (version === NONE || --pairs.holders[version] > 0) return;
  const { newest, versions } = log, slot = versions.slot[version];
  if (newest[slot] === version) newest[slot] = NONE;
  clearVersion(versions, version);
  pairs.free.push(version);
}

function seenOf({ seen }: Pairs, slot: number): number {
  return slot < seen.length ? seen[slot] : -1;
}
