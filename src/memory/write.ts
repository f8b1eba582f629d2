/**
 * The four ways a table changes, each O(dim + valueDim) and each noted in the log: nothing is computed.
 *
 * @module
 */

import type { Id } from "../check.ts";
import type { Row } from "../rows.ts";
import { addKey, dropKey, growKeys, setKey } from "./keys.ts";
import { dropKeyEdges } from "./edges.ts";
import { noteContent, noteFirstWrites, noteWrite, tick } from "./log.ts";
import { forgetKey, notePair, notePairs } from "./pairs.ts";
import { growRows, type Memory, versionLimit } from "./memory.ts";
import { addSlots, slotOf, type SlotTable } from "./slots.ts";

/** What is given of a key, and how much there is of it; the numbers of what is not given are 0. */
export interface Content {
  id: Id;
  /** Where it is when the writes before it have not been done yet; below 0 where it is not there then. */
  slot: number;
  key?: Row;
  value?: Row;
  bias?: number;
  keyNonZeros: number;
  /** At least the Euclidean length of the key. */
  norm: number;
  valueNonZeros: number;
  /** The largest component of the value in size. */
  peak: number;
}

/** Adds a key under an id not used before. */
export function writeNewKey(memory: Memory, content: Content): void {
  const { keys } = memory, slot = addKey(keys, content.id);
  noteNewKey(memory, slot);
  setKey(keys, slot, content);
}

/** Notes that a slot has got a key, whose content is to be set. */
function noteNewKey(memory: Memory, slot: number): void {
  note(memory, slot, false, true);
}

/** Adds many keys, whose contents are to be set, and returns their slots. */
export function writeNewKeys(memory: Memory, ids: readonly Id[]): Int32Array {
  const { keys, mask, log, counters } = memory;
  const fresh = keys.slots.freeCount === 0 && mask.kind !== "edges";
  const slots = addSlots(keys.slots, ids);
  if (fresh) {
    noteFirstWrites(log, keys, slots);
    counters.writes += slots.length;
  } else for (const slot of slots) noteNewKey(memory, slot);
  return slots;
}

/** Replaces what is given of a key. */
export function writeKey(memory: Memory, content: Content): void {
  const { keys } = memory, { id, key, bias } = content;
  const slot = slotFor(keys.slots, id, content.slot);
  note(memory, slot, true, key !== undefined || bias !== undefined);
  setKey(keys, slot, content);
}

/** The slot of an id that had this one when its write was staged, or none yet. */
function slotFor(table: SlotTable, id: Id, staged: number): number {
  return staged < 0 ? slotOf(table, id) : staged;
}

/** Removes a key, and its edges: its id will not come back. */
export function eraseKey(memory: Memory, id: Id, staged: number): void {
  const { keys, mask } = memory;
  note(memory, slotFor(keys.slots, id, staged), true, true);
  dropKey(keys, id);
  if (mask.kind !== "edges") return;
  forgetKey(memory, mask.edges, id);
  dropKeyEdges(mask.edges, id);
}

/** Inserts or deletes an edge; a row whose sums know the pair learns of it at its next read. */
export function writeEdge(
  memory: Memory,
  query: Id,
  key: Id,
  present: boolean,
): void {
  const { mask } = memory;
  if (mask.kind !== "edges") return;
  notePair(memory, mask.edges, query, key, present, versionLimit(memory));
}

/** Makes room for so many more keys and queries, so that nothing can fail half way. */
export function reserve(memory: Memory, keys: number, queries: number): void {
  const spare = (table: Memory["keys"]["slots"]) =>
    table.idOf.length - table.used + table.freeCount;
  const { slots } = memory.keys, rows = memory.rows.slots;
  if (spare(slots) < keys) {
    growKeys(
      memory.keys,
      Math.max(LEAST_KEYS, 2 * slots.used, slots.used + keys),
    );
  }
  if (spare(rows) < queries) {
    growRows(
      memory.rows,
      Math.max(LEAST_ROWS, 2 * rows.used, rows.used + queries),
      memory.kernel.home,
    );
  }
}

const LEAST_KEYS = 16, LEAST_ROWS = 4;

function note(
  memory: Memory,
  slot: number,
  held: boolean,
  rescored: boolean,
): void {
  const { log, keys, mask, rows, approximation } = memory;
  const limit = versionLimit(memory);
  tick(log, keys, slot);
  if (mask.kind === "edges") notePairs(memory, mask.edges, slot, held, limit);
  else {
    // Methods go on from the keys they keep, never from old contents.
    const kept = held && memory.selection === undefined;
    const { clocks } = approximation?.rows ?? rows;
    noteContent(log, keys, slot, kept, limit, clocks);
  }
  noteWrite(log, slot, rescored);
  memory.counters.writes++;
}
