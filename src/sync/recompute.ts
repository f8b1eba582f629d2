/**
 * Starts rows over: collects the keys a query may attend to, scores them and folds them.
 *
 * @module
 */

import type { Id } from "../check.ts";
import type { Query, Sums } from "../kernel/kernel.ts";
import { COLD } from "../memory/log.ts";
import { keysOf } from "../memory/edges.ts";
import { admits } from "../memory/mask.ts";
import { type Memory, roomyScratch } from "../memory/memory.ts";
import { queryOf, writeOut } from "../memory/queries.ts";
import { forgetRow, markSeen } from "../memory/pairs.ts";
import { slotOf } from "../memory/slots.ts";

/** Starts a watched row over. */
export function recomputeRow(memory: Memory, row: number): void {
  const { rows, counters, log } = memory;
  rows.clocks[row] = COLD;
  rows.answers.delete(row);
  const count = gather(memory, rows.slots.idOf[row], rows.positions[row]);
  fold(memory, rows.sums, row, queryOf(memory, row), count);
  const { norm, bias } = largestSizes(
    memory,
    rows.norms[row],
    rows.sums.anchor[row],
    count,
  );
  rows.keyNorms[row] = norm;
  rows.biasSizes[row] = bias;
  counters.recomputed++;
  rows.clocks[row] = log.clock;
  forgetRow(memory, row);
  markAllSeen(memory, row);
}

/** Notes that a row of edges has taken in all its keys, those masked by their bias among them. */
export function markAllSeen(memory: Memory, row: number): void {
  const { mask, rows, keys } = memory;
  if (mask.kind !== "edges") return;
  const { ids, start, end } = keysOf(mask.edges, rows.slots.idOf[row]);
  for (let at = start; at < end; at++) {
    const slot = slotOf(keys.slots, ids[at]);
    if (slot >= 0) markSeen(memory, slot);
  }
}

/** The largest norm and bias of the keys in scratch that a bound has to count. */
export function largestSizes(
  memory: Memory,
  queryNorm: number,
  anchor: number,
  count: number,
): { norm: number; bias: number } {
  const { slots, scores } = memory.scratch,
    { norms, scoreBiases } = memory.keys;
  let norm = 0, bias = 0;
  for (let i = 0; i < count; i++) {
    const keyNorm = norms[slots[i]], size = Math.abs(scoreBiases[slots[i]]);
    if (keyNorm <= norm && size <= bias) continue;
    if (isFar(memory, scores[i], queryNorm * keyNorm, size, anchor)) continue;
    norm = Math.max(norm, keyNorm);
    bias = Math.max(bias, size);
  }
  return { norm, bias };
}

/**
 * Whether a key is so far below its row's anchor, by its score and the roundings of it, that no error of its weight
 * matters: its share stays below 2⁻⁵⁰⁰ while the row's sums are good for a bound.
 */
export function isFar(
  { dim, factor }: Memory,
  score: number,
  norms: number,
  bias: number,
  anchor: number,
): boolean {
  const roundings = (dim / 2 + 4) * Math.abs(factor) * norms + 4 * bias;
  return score + 2 ** -52 * roundings < anchor - FAR;
}

/** 500 binary orders, and those that a row's mass may fall below its anchor. */
const FAR = 600;

/** Scores the keys gathered in scratch and folds them into a row. */
export function fold(
  memory: Memory,
  sums: Sums,
  row: number,
  query: Query,
  count: number,
): void {
  const { kernel, keys, scratch } = memory;
  scoreKeys(memory, query, count);
  kernel.recompute(sums, row, scratch, count, keys.values, keys.peaks);
}

/** Scores the keys gathered in scratch. */
export function scoreKeys(memory: Memory, query: Query, count: number): void {
  const { kernel, keys, scratch } = memory;
  if (query.entries !== undefined) writeOut(memory, query);
  kernel.score(query, keys.keys, keys.scoreBiases, scratch, count);
}

/** Scores the keys gathered in scratch and leaves those that a method attends to; returns how many. */
export function scoreChosen(
  memory: Memory,
  query: Query,
  count: number,
): number {
  scoreKeys(memory, query, count);
  return memory.selection?.select(query, count) ?? count;
}

/** Collects the slots of the keys that a query may attend to in scratch, by ascending id; returns how many there are. */
export function gather(
  memory: Memory,
  query: Id,
  position: Id,
  filter?: (key: Id) => boolean,
): number {
  const { keys, mask } = memory, table = keys.slots;
  const { slots } = roomyScratch(memory, table.used);
  let count = 0;
  const take = (slot: number, id: Id) => {
    if (slot < 0 || keys.scoreBiases[slot] === -Infinity) return;
    if (filter === undefined || filter(id)) slots[count++] = slot;
  };
  if (mask.kind === "edges" && query !== GUEST) {
    const { ids, start, end } = keysOf(mask.edges, query);
    for (let at = start; at < end; at++) take(slotOf(table, ids[at]), ids[at]);
    return count;
  }
  const free = mask.kind === "all" ||
    (query === GUEST && mask.kind !== "causal");
  for (let at = table.front; at < table.length; at++) {
    const id = table.ids[at];
    if (table.slots[at] >= 0 && (free || admits(mask, query, position, id))) {
      take(table.slots[at], id);
    }
  }
  return count;
}

/** The id of a query that is not watched. */
export const GUEST = -1;
