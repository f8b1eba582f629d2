/**
 * The four ways a table changes, each O(dim + valueDim) and each noted in the log: nothing is computed.
 *
 * @module
 */

import type { Id } from "../check.ts";
import { addKey, dropKey, growKeys, setKey } from "./keys.ts";
import { COLD, NONE, noteWrite, versionAt } from "./log.ts";
import { setEdge } from "./mask.ts";
import { growRows, type Memory, versionLimit } from "./memory.ts";
import { slotOf } from "./slots.ts";

/** Adds a key under an id not used before. */
export function writeNewKey(
  memory: Memory,
  id: Id,
  key: Float32Array,
  value: Float32Array,
  bias: number,
): void {
  const { keys } = memory, slot = addKey(keys, id);
  note(memory, slot, false, true);
  setKey(keys, slot, key, value, bias);
}

/** Replaces what is given of a key. */
export function writeKey(
  memory: Memory,
  id: Id,
  key?: Float32Array,
  value?: Float32Array,
  bias?: number,
): void {
  const { keys } = memory, slot = slotOf(keys.slots, id);
  note(memory, slot, true, key !== undefined || bias !== undefined);
  setKey(keys, slot, key, value, bias);
}

/** Removes a key. */
export function eraseKey(memory: Memory, id: Id): void {
  note(memory, slotOf(memory.keys.slots, id), true, true);
  dropKey(memory.keys, id);
}

/** Inserts or deletes an edge; a row whose sums know the pair learns of it at its next read. */
export function writeEdge(
  { mask, rows, keys, log }: Memory,
  query: Id,
  key: Id,
  present: boolean,
): void {
  if (mask.kind !== "edges" || !setEdge(mask.edges, query, key, present)) {
    return;
  }
  const row = slotOf(rows.slots, query);
  const slot = slotOf(keys.slots, key),
    clock = row < 0 ? COLD : rows.clocks[row];
  if (slot < 0 || clock === COLD) return;
  if (log.written[slot] > clock) {
    // A key that came after the row's clock is in no sums, whatever the edge was.
    const version = versionAt(log, slot, clock);
    if (version === NONE || log.versions.id[version] !== key) return;
  }
  let flips = rows.flips.get(row);
  if (flips === undefined) rows.flips.set(row, flips = new Map());
  // A pair flipped twice is as the sums have it.
  if (flips.get(key) === present) flips.delete(key);
  else if (!flips.has(key)) flips.set(key, !present);
  if (flips.size === 0) rows.flips.delete(row);
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
      memory.dim,
      Math.max(LEAST_ROWS, 2 * rows.used, rows.used + queries),
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
  noteWrite(
    memory.log,
    memory.keys,
    slot,
    held,
    rescored,
    versionLimit(memory),
    memory.rows.clocks,
  );
  memory.counters.writes++;
}
