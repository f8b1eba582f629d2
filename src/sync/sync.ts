/**
 * Brings rows up to date: each pays for what it has not seen, or starts over where that is cheaper.
 *
 * Rows of the same clock have missed the same writes, so a changed key is unpacked once for all of them. A row's clock
 * is void while its sums move: if a mask throws half way, the row starts over at its next read and nothing is lost.
 *
 * @module
 */

import { ENTERS, LEAVES, sidesOf } from "../kernel/replay.ts";
import { scoreOf } from "../kernel/score.ts";
import {
  type LoadedBatch,
  type LoadedChange,
  reserveRows,
  unloadBatch,
} from "../memory/batch.ts";
import {
  type Changes,
  hadKey,
  hasKey,
  listChanges,
  listPairs,
  loadBatch,
  planRow,
} from "./changes.ts";
import { keysOf } from "../memory/edges.ts";
import { admits } from "../memory/mask.ts";
import { COLD, dropVersions, settle } from "../memory/log.ts";
import { makeReadRoom, type Memory } from "../memory/memory.ts";
import { queryOf, writeOut } from "../memory/queries.ts";
import { forgetRow, markSeen } from "../memory/pairs.ts";
import { restartCost } from "./plan.ts";
import { isFar, recomputeRow, recomputeRows } from "./recompute.ts";

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

function groupStale(
  memory: Memory,
  wanted: Int32Array,
): Map<number, Int32Array> {
  const { clocks } = memory.rows;
  if (areAlike(memory, wanted)) return new Map([[clocks[wanted[0]], wanted]]);
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
  return new Map(
    Array.from(groups, ([clock, rows]) => [clock, Int32Array.from(rows)]),
  );
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

/** Replays what rows have missed; those that had better start over go to `cold`. */
function replay(
  memory: Memory,
  changes: Changes | undefined,
  group: Int32Array,
  cold: number[],
): void {
  const { rows, log, mask } = memory;
  if (changes === undefined) {
    append(cold, group);
    return;
  }
  const shared = costAlike(memory)
    ? planRow(memory, group[0], changes)
    : undefined;
  const isDear = (row: number) => {
    const { replaying, startingOver } = shared ??
      planRow(memory, row, changes);
    return replaying > startingOver;
  };
  let moving = group;
  if (shared === undefined || isDear(group[0])) {
    const kept: number[] = [];
    for (const row of group) (isDear(row) ? cold : kept).push(row);
    moving = Int32Array.from(kept);
  }
  setClocks(memory, moving, COLD);
  if (rows.answers.size > 0) {
    for (const row of moving) rows.answers.delete(row);
  }
  const masked = mask.kind !== "all";
  reserveRows(memory.batch, moving.length, masked, memory.kernel.home);
  for (let at = 0; at < changes.slots.length && moving.length > 0;) {
    const from = at;
    at = loadBatch(memory, changes, at);
    if (mask.kind === "edges") {
      markLoaded(memory, moving[0], changes, from, at);
    }
    if (memory.batch.count > 0) moving = move(memory, moving, cold);
  }
  unloadBatch(memory.batch);
  setClocks(memory, moving, log.clock);
  if (memory.pairs.unseen.size > 0) {
    for (const row of moving) forgetRow(memory, row);
  }
}

/** Sets the clocks of rows, each named once. */
function setClocks(
  { rows: { clocks, slots } }: Memory,
  moving: Int32Array,
  clock: number,
): void {
  if (moving.length === slots.used) clocks.fill(clock, 0, slots.used);
  else for (let i = 0; i < moving.length; i++) clocks[moving[i]] = clock;
}

/** Whether what rows of one clock have missed costs each of them the same. */
function costAlike(
  { mask, selection, rows: { queries, slots } }: Memory,
): boolean {
  return selection === undefined && mask.kind === "all" &&
    queries.denseRows === slots.size;
}

/** Moves rows over the changes of a batch; those whose grids cannot hold one of them go to `cold`, the others return. */
function move(
  memory: Memory,
  moving: Int32Array,
  cold: number[],
): Int32Array {
  const { rows, kernel, factor, batch, counters } = memory;
  const { changes, done } = batch, count = moving.length;
  batch.rows.set(moving);
  findSides(memory, moving);
  const all = kernel.replay(rows.sums, rows.queries, factor, batch, count);
  counters.exchanged += all && !batch.masked
    ? count * batch.count
    : countTried(batch, count);
  for (let at = 0; at < batch.count; at++) {
    noteSizes(memory, changes[at], at, count);
  }
  if (all) return moving;
  return moving.filter((row, i) => {
    if (done[i] === batch.count) return true;
    // Its sums are void, so it holds no versions.
    forgetRow(memory, row);
    cold.push(row);
    return false;
  });
}

/** How many keys moved in rows; the one that a row could not take was tried, too. */
function countTried(batch: LoadedBatch, count: number): number {
  const { done } = batch, last = batch.count - 1;
  let tried = 0;
  for (let i = 0; i < count; i++) {
    if (!batch.masked) tried += Math.min(done[i], last) + 1;
    else {
      for (let at = 0; at <= Math.min(done[i], last); at++) {
        if (sidesOf(batch, i, at) !== 0) tried++;
      }
    }
  }
  return tried;
}

/** Says which rows hold and are to hold what a batch changes, unless all of them do. */
function findSides(memory: Memory, moving: Int32Array): void {
  const { batch } = memory, { count, sides } = batch;
  if (!batch.masked) return;
  moving.forEach((row, i) => {
    for (let at = 0; at < count; at++) {
      const { leaves, enters, slot, version, differing } = batch.changes[at];
      const side = (leaves && hadKey(memory, row, version) ? LEAVES : 0) +
        (enters && hasKey(memory, row, slot) ? ENTERS : 0);
      // An update to what was there before.
      const alike = side === LEAVES + ENTERS && differing === 0;
      sides[i * count + at] = alike ? 0 : side;
    }
  });
}

/** Notes how large the key is that rows have taken in, where that can matter to a bound. */
function noteSizes(
  memory: Memory,
  { now, enters, leaves, sameKey, slot }: LoadedChange,
  at: number,
  count: number,
): void {
  if (!enters || (leaves && sameKey && !memory.batch.masked)) return;
  const { rows, keys, batch } = memory, { keyNorms, biasSizes, sums } = rows;
  const norm = keys.norms[slot], bias = Math.abs(keys.scoreBiases[slot]);
  for (let i = 0; i < count; i++) {
    const row = batch.rows[i];
    if (norm <= keyNorms[row] && bias <= biasSizes[row]) continue;
    const side = sidesOf(batch, i, at);
    if (batch.done[i] <= at || (side & ENTERS) === 0) continue;
    if (sameKey && (side & LEAVES) !== 0) continue;
    const query = queryOf(memory, row);
    if (query.entries !== undefined) writeOut(memory, query);
    const score = scoreOf(query, now), norms = rows.norms[row] * norm;
    if (isFar(memory, score, norms, bias, sums.anchor[row])) continue;
    keyNorms[row] = Math.max(keyNorms[row], norm);
    biasSizes[row] = Math.max(biasSizes[row], bias);
  }
}

/** Notes of a row of edges which of the loaded changes it has seen: a key that its bias masks is, one that has lost its edge is not. */
function markLoaded(
  memory: Memory,
  row: number,
  { slots }: Changes,
  from: number,
  to: number,
): void {
  for (let at = from; at < to; at++) {
    if (isSeen(memory, row, slots[at])) markSeen(memory, slots[at]);
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
function append(to: number[], rows: Int32Array): void {
  for (const row of rows) to.push(row);
}
