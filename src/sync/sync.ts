/**
 * Brings rows up to date: each pays for what it has not seen, or starts over where that is cheaper.
 *
 * Rows of the same clock have missed the same writes, so a changed key is unpacked once for all of them. A row's clock
 * is void while its sums move: if a mask throws half way, the row starts over at its next read and nothing is lost.
 *
 * @module
 */

import { isSparser } from "../kernel/entries.ts";
import {
  type Changes,
  hadKey,
  hasKey,
  listChanges,
  listPairs,
  loadDifferences,
  loadNow,
  loadOld,
  planRow,
  unload,
} from "./changes.ts";
import { keysOf } from "../memory/edges.ts";
import { admits } from "../memory/mask.ts";
import { COLD, dropVersions, settle } from "../memory/log.ts";
import type { Memory } from "../memory/memory.ts";
import { aimQuery, makeQuery, writeOut } from "../memory/queries.ts";
import { forgetRow, markSeen } from "../memory/pairs.ts";
import { restartCost } from "./plan.ts";
import { isFar, recomputeRow } from "./recompute.ts";

/** Whether a row has seen everything. */
export function isCurrent(
  { rows, log, mask, pairs }: Memory,
  row: number,
): boolean {
  const clock = rows.clocks[row];
  return mask.kind === "edges"
    ? clock !== COLD && !pairs.unseen.has(row)
    : clock === log.clock;
}

/** Brings these rows up to date. */
export function syncRows(memory: Memory, wanted: readonly number[]): void {
  const { selection, log } = memory;
  if (selection !== undefined) {
    if (wanted.length > 0) log.seen = log.clock;
    for (const row of wanted) if (!isCurrent(memory, row)) selection.sync(row);
    return;
  }
  for (const row of replayRows(memory, wanted)) recomputeRow(memory, row);
}

/** Brings a row up to date if `work` multiply-adds are enough for that; returns how many are left to do. */
export function syncWithin(memory: Memory, row: number, work: number): number {
  const cost = syncCost(memory, row);
  if (cost > work) return cost;
  if (memory.selection !== undefined) {
    syncRows(memory, [row]);
    return 0;
  }
  const { kernel } = memory, before = kernel.multiplyAdds;
  for (const cold of replayRows(memory, [row])) {
    // Some of the work may be spent on changes before one that the row's grids could not hold.
    const rest = work - (kernel.multiplyAdds - before);
    const left = syncCost(memory, cold);
    if (left > rest) return left;
    recomputeRow(memory, cold);
  }
  return 0;
}

/** Moves these rows over what they have missed; returns those that are to start over. */
function replayRows(memory: Memory, wanted: readonly number[]): number[] {
  const { log, mask } = memory;
  const cold: number[] = [];
  // Said before any row moves, so that a mask that throws half way leaves no row ahead of it.
  if (wanted.length > 0) log.seen = log.clock;
  for (const [clock, group] of groupStale(memory, wanted)) {
    if (clock === COLD) append(cold, group);
    else if (mask.kind === "edges") {
      for (const row of group) {
        replay(memory, listPairs(memory, row), [row], cold);
      }
    } else replay(memory, listChanges(memory, clock), group, cold);
  }
  return cold;
}

/** The log forgets once all rows are up to date; looked at only where `read` of them have just been brought there. */
export function settleLog(memory: Memory, read: number): void {
  const { rows: { slots }, log, mask } = memory;
  if (read < slots.size) return;
  for (let row = 0; row < slots.used; row++) {
    if (slots.idOf[row] >= 0 && !isCurrent(memory, row)) return;
  }
  settle(log);
  // Versions of pairs go with the last row that holds them.
  if (mask.kind !== "edges") dropVersions(log);
}

/** What bringing rows up to date costs, in multiply-adds; rows of one clock that see all keys cost the same. */
export function syncCosts(memory: Memory, rows: readonly number[]): number {
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

function groupStale(
  memory: Memory,
  wanted: readonly number[],
): Map<number, number[]> {
  const groups = new Map<number, number[]>(), taken = new Set<number>();
  for (const row of wanted) {
    if (isCurrent(memory, row) || taken.has(row)) continue;
    taken.add(row);
    const clock = memory.rows.clocks[row], group = groups.get(clock);
    if (group === undefined) groups.set(clock, [row]);
    else group.push(row);
  }
  return groups;
}

/** Replays what rows have missed; those that had better start over go to `cold`. */
function replay(
  memory: Memory,
  changes: Changes | undefined,
  group: readonly number[],
  cold: number[],
): void {
  const { rows, log } = memory;
  if (changes === undefined) {
    append(cold, group);
    return;
  }
  const shared = costAlike(memory)
    ? planRow(memory, group[0], changes)
    : undefined;
  const moving: number[] = [];
  for (const row of group) {
    const { replaying, startingOver } = shared ??
      planRow(memory, row, changes);
    if (replaying > startingOver) cold.push(row);
    else {
      rows.clocks[row] = COLD;
      rows.answers.delete(row);
      moving.push(row);
    }
  }
  for (let i = 0; i < changes.slots.length && moving.length > 0; i++) {
    move(memory, changes, i, moving, cold);
  }
  unload(memory);
  for (const row of moving) {
    rows.clocks[row] = log.clock;
    forgetRow(memory, row);
  }
}

/** Whether what rows of one clock have missed costs each of them the same. */
function costAlike(
  { mask, selection, rows: { queries, slots } }: Memory,
): boolean {
  return selection === undefined && mask.kind === "all" &&
    queries.denseRows === slots.size;
}

/** Moves rows over one changed key; a row whose grids cannot hold it goes from `moving` to `cold`. */
function move(
  memory: Memory,
  { slots, versions, same, differing }: Changes,
  change: number,
  moving: number[],
  cold: number[],
): void {
  const { rows, keys, kernel, mask, counters } = memory;
  const slot = slots[change], version = versions[change];
  const now = loadNow(memory, slot), old = loadOld(memory, version);
  // A key that its bias masks is seen, too; one that has lost its edge is not.
  if (mask.kind === "edges" && isSeen(memory, moving[0], slot)) {
    markSeen(memory, slot);
  }
  const sameKey = same[change];
  const differences = differing[change] > 0
    ? loadDifferences(memory, version, slot)
    : undefined;
  const nowNorm = keys.norms[slot], nowBias = Math.abs(keys.scoreBiases[slot]);
  const query = makeQuery(memory);
  for (let i = moving.length - 1; i >= 0; i--) {
    const row = moving[i];
    const outgoing = old !== null &&
        (mask.kind === "all" || hadKey(memory, row, version))
      ? old
      : null;
    const incoming =
      now !== null && (mask.kind === "all" || hasKey(memory, row, slot))
        ? now
        : null;
    if (outgoing === null && incoming === null) continue;
    // An update to what was there before.
    if (outgoing !== null && incoming !== null && differing[change] === 0) {
      continue;
    }
    counters.exchanged++;
    aimQuery(memory, query, row);
    if (
      query.entries !== undefined &&
      (isSparser(outgoing?.keyEntries, query.entries) ||
        isSparser(incoming?.keyEntries, query.entries))
    ) writeOut(memory, query, row);
    const fits = kernel.exchange(
      rows.sums,
      row,
      query,
      outgoing,
      incoming,
      sameKey,
      differences,
    );
    if (!fits) {
      // Its sums are void, so it holds no versions.
      forgetRow(memory, row);
      cold.push(row);
      moving.splice(i, 1);
    } else if (incoming !== null && (outgoing === null || !sameKey)) {
      const norms = rows.norms[row] * nowNorm, { anchor } = rows.sums;
      if (!isFar(memory, kernel.entered, norms, nowBias, anchor[row])) {
        rows.keyNorms[row] = Math.max(rows.keyNorms[row], nowNorm);
        rows.biasSizes[row] = Math.max(rows.biasSizes[row], nowBias);
      }
    }
  }
}

/** Whether a row of edges takes in what a slot holds, be it masked by its bias. */
function isSeen(
  { mask, rows, keys }: Memory,
  row: number,
  slot: number,
): boolean {
  if (slot < 0) return false;
  const id = rows.slots.idOf[row];
  return admits(mask, id, rows.positions[row], keys.slots.idOf[slot]);
}

/** Pushes a list of any length. */
function append(to: number[], rows: readonly number[]): void {
  for (const row of rows) to.push(row);
}
