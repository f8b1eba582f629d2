/**
 * Clusters of a maintained attention: which keys each row attends to.
 *
 * A write is noted by the log alone. Before a row is read, the keys written since move in the orders of their hashes
 * (`kept_orders.ts`); then the row's cluster (`row_cluster.ts`) is taken anew, which is a walk over integers. If it has
 * the same keys with the same contents, that was all; else keys that are new to it or have changed are scored, and its
 * sums are folded anew. Nothing depends on what was stored before.
 *
 * @module
 */

import type { Query } from "../../kernel/kernel.ts";
import { unpackRow } from "../../matrix/store.ts";
import { keysOf } from "../../memory/edges.ts";
import { lengthOf } from "../../memory/keys.ts";
import { COLD } from "../../memory/log.ts";
import { type Memory, roomyScratch } from "../../memory/memory.ts";
import type { Pruned, Selection } from "../../memory/method.ts";
import { forgetRow } from "../../memory/pairs.ts";
import { queryOf } from "../../memory/queries.ts";
import { hasKey } from "../../sync/changes.ts";
import { rowCost } from "../../sync/plan.ts";
import { gather, largestSizes, markAllSeen } from "../../sync/recompute.ts";
import { type Blocks, boundOthers, makeBlocks } from "./bound.ts";
import {
  CANDIDATES,
  estimate,
  keepBest,
  makeWalk,
  type Marks,
  takeCandidates,
  type Walk,
} from "./cluster.ts";
import { type Directions, slopesOf } from "./hashing.ts";
import {
  followOrders,
  keepOrders,
  type KeptOrders,
  listMembers,
  pendingCost,
} from "./kept_orders.ts";
import { countOf, orderBytes } from "./order.ts";
import {
  type Cluster,
  estimateCluster,
  forgetEstimates,
  isElsewhere,
  isHeld,
  makeCluster,
  noteEnds,
  scoreCluster,
} from "./row_cluster.ts";

/** A slot and a number; the record of a row and the headers of its arrays, as near as one can say. */
const BYTES_PER_KEY = 4 + 8, ROW_BYTES = 800;

/** See {@linkcode Selection}. */
export class Clusters implements Selection {
  readonly #memory: Memory;
  readonly #directions: Directions;
  readonly #most: number;
  readonly #rows = new Map<number, Cluster>();
  readonly #walk: Walk;
  readonly #marks: Marks = { marks: new Int32Array(0), mark: 0 };
  readonly #slopes: Float64Array;
  readonly #kept: KeptOrders;
  #blocks: { clock: number; blocks: Blocks } | undefined;
  /** The query last chosen for and what it attends to, and whether that is all. */
  #last: { query: Query; slots: Int32Array; scores: Float64Array } | undefined;
  #lastWhole = true;
  #scored = 0;

  constructor(memory: Memory, directions: Directions, most: number) {
    const { rounds } = directions;
    this.#memory = memory;
    this.#directions = directions;
    this.#most = most;
    this.#walk = makeWalk(rounds);
    this.#slopes = new Float64Array(rounds);
    this.#kept = keepOrders(directions);
  }

  sync(row: number): void {
    const memory = this.#memory, { rows, log } = memory;
    this.#follow();
    const cluster = this.#rows.get(row) ?? this.#meet(row);
    const { slots, whole } = isElsewhere(memory, this.#kept, cluster)
      ? cluster
      : this.#take(row, cluster);
    if (!isHeld(memory, cluster, slots)) {
      this.#scored += scoreCluster(memory, row, cluster, slots);
      // Void while it moves.
      cluster.clock = COLD;
      this.#rows.set(row, cluster);
      rows.clocks[row] = COLD;
      rows.answers.delete(row);
      this.refold(row);
      memory.counters.recomputed++;
    }
    cluster.whole = whole;
    cluster.taken = log.clock;
    cluster.clock = log.clock;
    rows.clocks[row] = log.clock;
    forgetRow(memory, row);
    markAllSeen(memory, row);
  }

  cost(row: number): number {
    const memory = this.#memory, { keys: { slots }, rows, valueDim } = memory;
    const { rounds } = this.#directions, query = rowCost(rows.queries, row);
    const meeting = this.#rows.has(row) ? 0 : rounds * query;
    const most = Math.min(this.#most, slots.size);
    const met = most < slots.size ? Math.min(CANDIDATES * most, slots.size) : 0;
    return pendingCost(this.#kept, memory) + meeting + met * rounds +
      most * (memory.dim + valueDim + 1);
  }

  refold(row: number): void {
    const memory = this.#memory, { rows, kernel, keys } = memory;
    const count = this.collect(row), { scratch } = memory;
    scratch.scores.set(this.#rows.get(row)!.scores);
    kernel.recompute(rows.sums, row, scratch, count, keys.values, keys.peaks);
    const { norm, bias } = largestSizes(
      memory,
      rows.norms[row],
      rows.sums.anchor[row],
      count,
    );
    rows.keyNorms[row] = norm;
    rows.biasSizes[row] = bias;
  }

  collect(row: number): number {
    const { slots } = this.#rows.get(row)!;
    roomyScratch(this.#memory, slots.length).slots.set(slots);
    return slots.length;
  }

  narrow(query: Query, count: number): number {
    this.#lastWhole = count <= this.#most;
    if (this.#lastWhole) return count;
    const memory = this.#memory, { scratch: { slots } } = memory;
    this.#follow();
    const marks = this.#marks.marks, admitted = this.#nextMark(3);
    for (let i = 0; i < count; i++) marks[slots[i]] = admitted;
    this.#measure(query, this.#slopes);
    const candidates = this.#meetSome(
      this.#slopes,
      (slot) => marks[slot] >= admitted,
    );
    const estimates = Float64Array.from(
      candidates,
      (slot) => estimate(this.#kept.orders, this.#slopes, slot),
    );
    memory.kernel.multiplyAdds += candidates.length * this.#kept.orders.length;
    const best = keepBest(
      candidates,
      estimates,
      this.#kept.orders[0],
      this.#most,
    );
    const taken = this.#nextMark();
    for (let i = 0; i < best; i++) marks[candidates[i]] = taken;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if (marks[slots[i]] === taken) slots[kept++] = slots[i];
    }
    return kept;
  }

  select(query: Query, count: number): number {
    const { scratch: { slots, scores } } = this.#memory;
    this.#last = {
      query,
      slots: slots.slice(0, count),
      scores: scores.slice(0, count),
    };
    return count;
  }

  pruned(row: number): Pruned {
    const memory = this.#memory, { rows } = memory;
    const { slots, scores, whole } = this.#rows.get(row)!;
    if (whole) return { share: 0, size: 0 };
    const blocks = this.#summaries();
    unpackRow(rows.queries, row, blocks.query.fill(0), 0);
    return boundOthers(memory, blocks, rows.norms[row], slots, scores);
  }

  prunedLast(): Pruned {
    if (this.#lastWhole) return { share: 0, size: 0 };
    const memory = this.#memory, { query, slots, scores } = this.#last!;
    const { rows, at, entries, dim } = query, blocks = this.#summaries();
    if (entries === undefined) {
      blocks.query.set(rows.subarray(at, at + dim));
    } else {
      blocks.query.fill(0);
      const { columns, numbers, start, count } = entries;
      for (let i = start; i < start + count; i++) {
        blocks.query[columns[i]] = numbers[i];
      }
    }
    const length = lengthOf(entries ?? rows.subarray(at, at + dim));
    return boundOthers(memory, blocks, length, slots, scores);
  }

  forget(row: number): void {
    this.#rows.delete(row);
  }

  bytes(): number {
    let bytes = this.#marks.marks.byteLength + this.#kept.list.byteLength +
      this.#directions.numbers.byteLength;
    for (const order of this.#kept.orders) bytes += orderBytes(order);
    for (const { slots, slopes, candidates } of this.#rows.values()) {
      bytes += ROW_BYTES + slopes.byteLength +
        BYTES_PER_KEY * (slots.length + candidates.length);
    }
    const blocks = this.#blocks?.blocks;
    if (blocks !== undefined) {
      bytes += blocks.means.byteLength + blocks.blockOf.byteLength +
        BLOCK_BYTES * blocks.count;
    }
    return bytes;
  }

  stats(): Readonly<Record<string, number>> {
    return { hashed: this.#kept.hashed, scored: this.#scored };
  }

  /** Brings the orders up to date with what is stored; room for marks comes first, so that nothing can fail half way. */
  #follow(): void {
    const room = this.#memory.keys.slots.idOf.length;
    if (this.#marks.marks.length < room) {
      this.#marks.marks = new Int32Array(room);
      this.#marks.mark = 0;
    }
    followOrders(this.#kept, this.#memory);
  }

  /** A row that has no cluster yet. */
  #meet(row: number): Cluster {
    const cluster = makeCluster(this.#directions.rounds);
    this.#measure(queryOf(this.#memory, row), cluster.slopes);
    return cluster;
  }

  /** Along which slopes a query looks. */
  #measure(query: Query, into: Float64Array): void {
    const { factor, kernel } = this.#memory, directions = this.#directions;
    slopesOf(directions, query, Math.sign(factor), into);
    kernel.multiplyAdds += directions.rounds *
      (query.entries?.count ?? query.dim);
  }

  /** The keys that a row is to attend to, ascending, and whether it admits no others. */
  #take(row: number, cluster: Cluster): { slots: Int32Array; whole: boolean } {
    const memory = this.#memory, { rows, mask, scratch } = memory;
    const id = rows.slots.idOf[row];
    const admitted = mask.kind === "edges"
      ? degreeOf(mask.edges, id)
      : countOf(this.#kept.orders[0]);
    if (admitted <= this.#most) {
      cluster.ends = undefined;
      forgetEstimates(cluster);
      const count = gather(memory, id, rows.positions[row]);
      return { slots: scratch.slots.slice(0, count).sort(), whole: true };
    }
    const candidates = this.#meetSome(
      cluster.slopes,
      mask.kind === "all" ? undefined : (slot) => hasKey(memory, row, slot),
    ).sort();
    noteEnds(memory, this.#kept, this.#walk, CANDIDATES * this.#most, cluster);
    estimateCluster(memory, this.#kept, cluster, candidates);
    const best = candidates.slice();
    const count = keepBest(
      best,
      cluster.estimates,
      this.#kept.orders[0],
      this.#most,
    );
    return {
      slots: best.subarray(0, count).sort(),
      whole: candidates.length <= this.#most,
    };
  }

  /** Keys far out along a query. */
  #meetSome(
    slopes: Float64Array,
    admits: ((slot: number) => boolean) | undefined,
  ): Int32Array {
    const all = countOf(this.#kept.orders[0]);
    const into = new Int32Array(Math.min(CANDIDATES * this.#most, all));
    this.#nextMark();
    const count = takeCandidates(
      this.#kept.orders,
      slopes,
      this.#walk,
      this.#marks,
      admits,
      into,
    );
    return into.subarray(0, count);
  }

  /** Summaries of all keys as they are now. */
  #summaries(): Blocks {
    const memory = this.#memory, { clock } = memory.log;
    this.#follow();
    if (this.#blocks?.clock === clock) return this.#blocks.blocks;
    const slots = listMembers(this.#kept, memory).slice();
    const blocks = makeBlocks(memory, this.#kept.orders, slots);
    this.#blocks = { clock, blocks };
    return blocks;
  }

  /** A mark that is nowhere, and larger than all before; so many more are to come before any is used up. */
  #nextMark(more = 1): number {
    if (this.#marks.mark > LAST_MARK - more) {
      this.#marks.marks.fill(0);
      this.#marks.mark = 0;
    }
    return ++this.#marks.mark;
  }
}

/** Marks are signed 32-bit integers. */
const LAST_MARK = 2 ** 31 - 1;
/** Seven numbers of each, of which two are integers. */
const BLOCK_BYTES = 5 * 8 + 2 * 4;

/** How many edges a query has; some may be of keys that are not there. */
function degreeOf(edges: Parameters<typeof keysOf>[0], query: number): number {
  const { start, end } = keysOf(edges, query);
  return end - start;
}
