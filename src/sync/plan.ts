/**
 * The cost model, in multiply-adds: what bringing a row up to date takes, by replaying changes or by starting over.
 *
 * A multiply-add is one step of a dot product (dim of them score a key) or of a sum over a value (valueDim, and one
 * more for the row's value scale). Counts are the same on every machine; no clock is involved.
 *
 * @module
 */

import { DENSE, type Table } from "../kernel/table.ts";
import { keysOf } from "../memory/edges.ts";
import type { Memory } from "../memory/memory.ts";
import { slotOf } from "../memory/slots.ts";

/** What going through a row takes: its entries, or all its numbers. */
export function rowCost(table: Table, row: number): number {
  return table.evens[row] === DENSE ? table.width : table.count[row];
}

/** The dot product of a row's query with a key, as one of them changes: the fewer of their entries. */
export function dotCost(
  { rows: { queries } }: Memory,
  row: number,
  keys: Table,
  at: number,
): number {
  return Math.min(rowCost(queries, row), rowCost(keys, at));
}

/**
 * Starting a row over its `count` keys. Exact where the keys cost alike, where all take part, and for rows of edges;
 * else what all keys of the table would cost, which is more.
 */
export function restartCost(
  memory: Memory,
  row: number,
  count: number,
): number {
  const { keys: { keys, values, slots }, valueDim, mask } = memory;
  const dense = rowCost(memory.rows.queries, row);
  if (keys.denseRows === slots.size && values.denseRows === slots.size) {
    return count * (dense + valueDim + 1);
  }
  if (mask.kind !== "edges") {
    return keys.entries + keys.denseRows * dense + values.entries +
      values.denseRows * valueDim + slots.size;
  }
  const { ids, start, end } = keysOf(mask.edges, memory.rows.slots.idOf[row]);
  let cost = 0;
  for (let at = start; at < end; at++) {
    const slot = slotOf(slots, ids[at]);
    if (slot < 0) continue;
    cost += rowCost(values, slot) + 1 +
      (keys.evens[slot] === DENSE ? dense : keys.count[slot]);
  }
  return cost;
}

/** Forming the quotients of a row. */
export function answerCost({ valueDim }: Memory): number {
  return valueDim + 1;
}
