/**
 * Brings rows up to date: each pays for what it has not seen, or starts over where that is cheaper.
 *
 * Rows of the same clock have missed the same writes, so they are replayed together (`replay.ts`).
 *
 * @module
 */

import { keysOf } from "../memory/edges.ts";
import { COLD, dropVersions, settle } from "../memory/log.ts";
import { makeReadRoom, type Memory } from "../memory/memory.ts";
import { listChanges, listPairs, planRow } from "./changes.ts";
import { restartCost } from "./plan.ts";
import { recomputeRow, recomputeRows } from "./recompute.ts";
import { append, costAlike, replay } from "./replay.ts";

/** Whether a row has seen everything. */
export function isCurrent(
  { rows, log, mask, pairs, approximation }: Memory,
  row: number,
): boolean {
  if (approximation !== undefined) return approximation.isCurrent();
  const clock = rows.clocks[row];
  return mask.kind === "edges"
    ? clock !== COLD && !pairs.unseen.has(row)
    : clock === log.clock;
}

/** Brings these rows, each named once, up to date. */
export function syncRows(memory: Memory, wanted: Int32Array): void {
  const { selection, approximation, log } = memory;
  makeReadRoom(memory);
  if (approximation !== undefined) {
    if (wanted.length > 0 && !approximation.isCurrent()) approximation.sync();
    return;
  }
  if (selection !== undefined) {
    if (wanted.length > 0) log.seen = log.clock;
    for (const row of wanted) if (!isCurrent(memory, row)) selection.sync(row);
    return;
  }
  recomputeRows(memory, replayRows(memory, wanted));
}

/** Brings rows up to date one after the other, spending at most `work` multiply-adds; returns how many are left to do. */
export function syncRowsWithin(
  memory: Memory,
  rows: Int32Array,
  work: number,
): number {
  const { kernel } = memory, end = kernel.multiplyAdds + work;
  for (let at = 0; at < rows.length; at++) {
    const left = syncWithin(memory, rows[at], end - kernel.multiplyAdds);
    if (left === 0) continue;
    // What an approximation has to do, it does for all rows at once.
    if (memory.approximation !== undefined) return left;
    return left + syncCosts(memory, rows.slice(at + 1));
  }
  return 0;
}

/** Brings a row up to date if `work` multiply-adds are enough for that; returns how many are left to do. */
export function syncWithin(memory: Memory, row: number, work: number): number {
  const cost = syncCost(memory, row);
  if (cost > work) return cost;
  if (memory.selection !== undefined || memory.approximation !== undefined) {
    syncRows(memory, Int32Array.of(row));
    return 0;
  }
  makeReadRoom(memory);
  const { kernel } = memory, before = kernel.multiplyAdds;
  for (const cold of replayRows(memory, Int32Array.of(row))) {
    // Some of the work may be spent on changes before one that the row's grids could not hold.
    const rest = work - (kernel.multiplyAdds - before);
    const left = syncCost(memory, cold);
    if (left > rest) return left;
    recomputeRow(memory, cold);
  }
  return 0;
}

/** Moves these rows over what they have missed; returns those that are to start over. */
function replayRows(memory: Memory, wanted: Int32Array): number[] {
  const { log, mask } = memory;
  const cold: number[] = [];
  // Said before any row moves, so that a mask that throws half way leaves no row ahead of it.
  if (wanted.length > 0) log.seen = log.clock;
  for (const [clock, group] of groupStale(memory, wanted)) {
    if (clock === COLD) append(cold, group);
    else if (mask.kind === "edges") {
      for (const row of group) {
        replay(memory, listPairs(memory, row), Int32Array.of(row), cold);
      }
    } else replay(memory, listChanges(memory, clock), group, cold);
  }
  return cold;
}

/**
 * The log forgets once all rows are up to date; looked at only where `read` of them have just been brought there, and
 * not even then where those are `all`.
 */
export function settleLog(memory: Memory, read: number, all = false): void {
  const { rows: { slots }, log, mask } = memory;
  if (read < slots.size) return;
  for (let row = 0; row < slots.used && !all; row++) {
    if (slots.idOf[row] >= 0 && !isCurrent(memory, row)) return;
  }
  settle(log);
  // Versions of pairs go with the last row that holds them.
  if (mask.kind !== "edges") dropVersions(log);
}

/** What bringing rows up to date costs, in multiply-adds; rows of one clock that see all keys cost the same. */
export function syncCosts(memory: Memory, rows: Iterable<number>): number {
  const costs = new Map<number, number>(), { clocks } = memory.rows;
  let sum = 0;
  for (const row of rows) {
    if (isCurrent(memory, row)) continue;
    let cost = costs.get(clocks[row]);
    if (cost === undefined) {
      cost = syncCost(memory, row);
      if (costAlike(memory)) costs.set(clocks[row], cost);
    }
    sum += cost;
  }
  return sum;
}

/** What bringing a row up to date costs, in multiply-adds; at most, where a mask or sparse keys make it unclear. */
function syncCost(memory: Memory, row: number): number {
  if (isCurrent(memory, row)) return 0;
  if (memory.selection !== undefined) return memory.selection.cost(row);
  if (memory.approximation !== undefined) return memory.approximation.cost();
  const { mask, rows } = memory, clock = rows.clocks[row];
  const changes = clock === COLD
    ? undefined
    : mask.kind === "edges"
    ? listPairs(memory, row)
    : listChanges(memory, clock);
  if (changes === undefined) {
    return restartCost(memory, row, mostKeys(memory, row));
  }
  const { replaying, startingOver } = planRow(memory, row, changes);
  return Math.min(replaying, startingOver);
}

/** At most so many keys are admitted to a row. */
function mostKeys({ keys, mask, rows }: Memory, row: number): number {
  const { size } = keys.slots;
  if (mask.kind !== "edges") return size;
  const { start, end } = keysOf(mask.edges, rows.slots.idOf[row]);
  return Math.min(size, end - start);
}

/** Rows that are behind, by the clocks they are at. */
function groupStale(
  memory: Memory,
  wanted: Int32Array,
): [clock: number, group: Int32Array][] {
  const { clocks } = memory.rows;
  if (areAlike(memory, wanted)) return [[clocks[wanted[0]], wanted]];
  const groups = new Map<number, number[]>();
  // Rows that are read together were read together before.
  let clock = NaN, group: number[] = [];
  for (let i = 0; i < wanted.length; i++) {
    const row = wanted[i];
    if (isCurrent(memory, row)) continue;
    if (clocks[row] !== clock) {
      clock = clocks[row];
      group = groups.get(clock) ?? [];
      groups.set(clock, group);
    }
    group.push(row);
  }
  return Array.from(groups, ([clock, rows]) => [clock, Int32Array.from(rows)]);
}

/** Whether rows are all behind, and equally far. */
function areAlike(memory: Memory, wanted: Int32Array): boolean {
  const { clocks } = memory.rows;
  if (memory.mask.kind === "edges" || wanted.length === 0) return false;
  const clock = clocks[wanted[0]];
  if (clock === memory.log.clock) return false;
  for (let i = 1; i < wanted.length; i++) {
    if (clocks[wanted[i]] !== clock) return false;
  }
  return true;
}
