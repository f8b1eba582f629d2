/**
 * Starts rows over: collects the keys a query may attend to, scores them and folds them.
 *
 * Whoever reads anew comes here, watched or not. Queries that meet the same keys are scored together where that
 * is faster, with the same bits.
 *
 * @module
 */

import type { Id } from "../check.ts";
import { LANES, type Query, type Scratch } from "../kernel/kernel.ts";
import type { KeyTable } from "../memory/keys.ts";
import { keysOf } from "../memory/edges.ts";
import { admits } from "../memory/mask.ts";
import { type Memory, roomyScores, roomyScratch } from "../memory/memory.ts";
import { queryOf, writeOut } from "../memory/queries.ts";
import { forgetRow, markSeen } from "../memory/pairs.ts";
import { slotOf } from "../memory/slots.ts";

/** Starts watched rows over. */
export function recomputeRows(memory: Memory, cold: readonly number[]): void {
  scoreReaders(
    memory,
    watchedReaders(memory, cold),
    (at, _query, scratch, count) => foldRow(memory, cold[at], scratch, count),
  );
}

/** Starts a watched row over. */
export function recomputeRow(memory: Memory, row: number): void {
  recomputeRows(memory, [row]);
}

/** Folds the scored keys of scratch into a row. */
function foldRow(
  memory: Memory,
  row: number,
  scratch: Scratch,
  count: number,
): void {
  const { rows, keys, kernel, counters, log } = memory;
  kernel.recompute(rows.sums, row, scratch, count, keys.values, keys.peaks);
  const { norm, bias } = largestSizes(
    memory,
    rows.norms[row],
    rows.sums.anchor[row],
    count,
    scratch,
  );
  rows.keyNorms[row] = norm;
  rows.biasSizes[row] = bias;
  counters.recomputed++;
  rows.clocks[row] = log.clock;
  rows.answers.delete(row);
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
  { slots, scores }: Scratch = memory.scratch,
): { norm: number; bias: number } {
  const { norms, scoreBiases } = memory.keys;
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

/** Which keys a reader meets: its id if it is watched, its position, and what its call says. */
export interface Reader {
  id: Id;
  position: Id;
  filter: ((key: Id) => boolean) | undefined;
}

/** Queries that read, in turn. */
export interface Readers {
  count: number;
  readerAt(at: number): Reader;
  /** The query of one, good until something makes room. */
  queryAt(at: number): Query;
}

/** Watched rows that read. */
export function watchedReaders(
  memory: Memory,
  rows: ArrayLike<number>,
  filter?: (query: Id, key: Id) => boolean,
): Readers {
  const { slots, positions } = memory.rows;
  return {
    count: rows.length,
    readerAt(at) {
      const id = slots.idOf[rows[at]];
      return {
        id,
        position: positions[rows[at]],
        filter: filter && ((key) => filter(id, key)),
      };
    },
    queryAt: (at) => queryOf(memory, rows[at]),
  };
}

/**
 * Collects, chooses and scores the keys of readers, and hands them out one by one: `use` gets the place of a reader, its
 * query, and scratch with `count` scored keys.
 *
 * Neighbours that meet the same keys are scored together, as far as `MOST_SCORES` goes; `whileReading` gives the room
 * back. What a mask or filter throws comes before anything of its reader is scored.
 */
export function scoreReaders(
  memory: Memory,
  readers: Readers,
  use: (at: number, query: Query, scratch: Scratch, count: number) => void,
): void {
  const { kernel, keys, spread } = memory;
  const most = kernel.together
    ? Math.min(LANES, Math.floor(MOST_SCORES / keys.slots.size))
    : 1;
  for (let at = 0; at < readers.count;) {
    const first = readers.readerAt(at), from = at++;
    while (
      at < readers.count && at - from < most &&
      meetAlike(memory, first, readers.readerAt(at))
    ) at++;
    const { id, position, filter } = first, size = at - from;
    const gathered = gather(memory, id, position, filter);
    if (size === 1) {
      const query = readers.queryAt(from);
      const count = scoreChosen(memory, query, gathered);
      use(from, query, memory.scratch, count);
      continue;
    }
    roomyScores(memory, size * gathered);
    const queries: Query[] = [], { scratch } = memory;
    for (let i = from; i < at; i++) queries.push(readers.queryAt(i));
    kernel.scoreTogether(
      queries,
      keys.keys,
      keys.scoreBiases,
      scratch,
      gathered,
      spread,
    );
    queries.forEach((query, i) => {
      const scores = scratch.scores.subarray(i * gathered, (i + 1) * gathered);
      use(from + i, query, { ...scratch, scores }, gathered);
    });
  }
}

/**
 * Numbers of scores that are kept at a time: 4 MB, so that up to 65 536 keys are scored for eight readers together. For
 * four of them, as a megabyte held, 32 768 keys take a fifth longer.
 */
const MOST_SCORES = 2 ** 19;

/** Whether two readers of a call meet the same keys, as far as that can be told without looking at these. */
function meetAlike(
  { mask, selection, sieve }: Memory,
  one: Reader,
  other: Reader,
): boolean {
  const guests = one.id === GUEST;
  if (one.filter !== undefined || selection !== undefined) return false;
  if (sieve !== undefined && !guests) return false;
  if (mask.kind === "causal") return one.position === other.position;
  return mask.kind === "all" || guests;
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
  const { selection } = memory;
  const worth = selection?.narrow?.(query, count) ?? count;
  scoreKeys(memory, query, worth);
  return selection?.select(query, worth) ?? worth;
}

/**
 * Collects the slots of the keys that a query attends to, or that a selection has to choose from, in scratch, by ascending
 * id; returns how many there are.
 */
export function gather(
  memory: Memory,
  query: Id,
  position: Id,
  filter?: (key: Id) => boolean,
): number {
  const count = gatherAdmitted(memory, query, position, filter);
  return query === GUEST || memory.sieve === undefined
    ? count
    : memory.sieve.sift(query, count);
}

/** The same of all keys that it may attend to, whatever its method leaves out. */
export function gatherAdmitted(
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
  if (free && filter === undefined) return gatherAll(keys, slots);
  for (let at = table.front; at < table.length; at++) {
    const id = table.ids[at];
    if (table.slots[at] >= 0 && (free || admits(mask, query, position, id))) {
      take(table.slots[at], id);
    }
  }
  return count;
}

/** The slots of all keys, without a call for each, and without a loop where none is missing. */
function gatherAll(
  { slots: table, scoreBiases }: KeyTable,
  into: Int32Array,
): number {
  const { slots, front, length, size } = table;
  if (size === length - front && !scoreBiases.includes(-Infinity)) {
    into.set(slots.subarray(front, length));
    return size;
  }
  let count = 0;
  for (let at = front; at < length; at++) {
    const slot = slots[at];
    if (slot >= 0 && scoreBiases[slot] > -Infinity) into[count++] = slot;
  }
  return count;
}

/** The id of a query that is not watched. */
export const GUEST = -1;
