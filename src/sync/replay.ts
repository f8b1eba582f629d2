/**
 * Moves rows over what they have missed.
 *
 * A changed key is unpacked once for all rows that missed it. A row's clock is void while its sums move: if a mask throws
 * half way, the row starts over at its next read and nothing is lost.
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
import { COLD } from "../memory/log.ts";
import { admits } from "../memory/mask.ts";
import type { Memory } from "../memory/memory.ts";
import { forgetRow, markSeen } from "../memory/pairs.ts";
import { queryOf, writeOut } from "../memory/queries.ts";
import { type Changes, hadKey, hasKey, loadBatch, planRow } from "./changes.ts";
import { isFar } from "./recompute.ts";

/** Replays what rows have missed; those that had better start over go to `cold`. */
export function replay(
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
  if (memory.sieve !== undefined) moving = leaveFew(memory, moving, 1, cold);
  setClocks(memory, moving, COLD);
  if (rows.answers.size > 0) {
    for (const row of moving) rows.answers.delete(row);
  }
  const masked = mask.kind !== "all" || memory.sieve !== undefined;
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
  if (memory.sieve !== undefined) moving = leaveFew(memory, moving, 0, cold);
  setClocks(memory, moving, log.clock);
  if (memory.pairs.unseen.size > 0) {
    for (const row of moving) forgetRow(memory, row);
  }
}

/**
 * Lets rows of `most` keys or fewer start over. A row that a sieve would leave with nothing has one key all the same,
 * which comes and goes without a change of its own.
 */
function leaveFew(
  memory: Memory,
  moving: Int32Array,
  most: number,
  cold: number[],
): Int32Array {
  const { clocks, sums: { count } } = memory.rows;
  return moving.filter((row) => {
    if (count[row] > most) return true;
    forgetRow(memory, row);
    clocks[row] = COLD;
    cold.push(row);
    return false;
  });
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
export function costAlike(
  { mask, selection, sieve, rows: { queries, slots } }: Memory,
): boolean {
  return (selection ?? sieve) === undefined && mask.kind === "all" &&
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
export function append(to: number[], rows: Int32Array): void {
  for (const row of rows) to.push(row);
}
