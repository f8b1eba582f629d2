/**
 * The cluster of one row: the keys that its sums hold, and what is known of them.
 *
 * Estimates and scores are kept from cluster to cluster, so a key costs anew only when it is new to the row or has
 * changed; and where the row's walk ended is kept, so that writes further on do not make it walk again.
 *
 * @module
 */

import { COLD, listWritten } from "../../memory/log.ts";
import { type Memory, roomyScratch } from "../../memory/memory.ts";
import { queryOf } from "../../memory/queries.ts";
import { scoreKeys } from "../../sync/recompute.ts";
import { estimate, type Walk } from "./cluster.ts";
import { isMember, type KeptOrders } from "./kept_orders.ts";
import { countOf } from "./order.ts";

/** What the sums of a row hold. */
export interface Cluster {
  /** rounds: the query along each direction. */
  readonly slopes: Float64Array;
  /** Ascending: the keys that came into question, and their estimates. */
  candidates: Int32Array;
  estimates: Float64Array;
  /** When they did. */
  taken: number;
  /** rounds: the hash and the id up to which the walk went; undefined where it may go another way after any change. */
  ends: { hashes: Float64Array; ids: Float64Array } | undefined;
  /** Ascending. */
  slots: Int32Array;
  scores: Float64Array;
  /** Everything that the row admits is in it. */
  whole: boolean;
  /** When its contents were what they are in the sums; COLD while there is nothing in them. */
  clock: number;
}

/** So many writes are looked through by each row; after more it walks anew. */
const FEW = 64;
/** A cluster of nothing. */
export function makeCluster(rounds: number): Cluster {
  return {
    slopes: new Float64Array(rounds),
    candidates: new Int32Array(0),
    estimates: new Float64Array(0),
    taken: COLD,
    ends: undefined,
    slots: new Int32Array(0),
    scores: new Float64Array(0),
    whole: false,
    clock: COLD,
  };
}

/** Gives a cluster other candidates: those it knows keep their estimates. */
export function estimateCluster(
  { log, kernel }: Memory,
  { orders }: KeptOrders,
  cluster: Cluster,
  candidates: Int32Array,
): void {
  const { candidates: held, estimates: old, slopes, taken } = cluster;
  const estimates = new Float64Array(candidates.length);
  let count = 0;
  for (let i = 0, at = 0; i < candidates.length; i++) {
    const slot = candidates[i];
    while (at < held.length && held[at] < slot) at++;
    if (held[at] === slot && log.scored[slot] <= taken) {
      estimates[i] = old[at];
    } else {
      estimates[i] = estimate(orders, slopes, slot);
      count++;
    }
  }
  kernel.multiplyAdds += count * orders.length;
  cluster.candidates = candidates;
  cluster.estimates = estimates;
}

/** Lets go of what is known of candidates: keys may change unseen while a row attends to all that it admits. */
export function forgetEstimates(cluster: Cluster): void {
  cluster.candidates = new Int32Array(0);
  cluster.estimates = new Float64Array(0);
}

/** Where the last walk of a row has ended, if keys further on do not matter to it. */
export function noteEnds(
  { mask }: Memory,
  { orders }: KeptOrders,
  { last, through }: Walk,
  most: number,
  cluster: Cluster,
): void {
  const { slopes } = cluster;
  cluster.ends = undefined;
  if (through || countOf(orders[0]) < most) return;
  // An edge that comes or goes is in no log.
  if (mask.kind === "edges") return;
  const none = (slope: number) => slope > 0 ? Infinity : -Infinity;
  const hashes = slopes.map((slope, round) =>
    last[round] < 0 ? none(slope) : orders[round].hashes[last[round]]
  );
  const ids = slopes.map((_, round) =>
    last[round] < 0 ? 0 : orders[round].ids[last[round]]
  );
  cluster.ends = { hashes, ids };
}

/** Whether no key has changed since that a row's walk met, or would meet now. */
export function isElsewhere(
  memory: Memory,
  { orders, list }: KeptOrders,
  { ends, candidates, slopes, taken }: Cluster,
): boolean {
  if (ends === undefined) return false;
  const { log } = memory;
  const count = listWritten(log, taken, FEW, list);
  if (count < 0) return false;
  for (let i = 0; i < count; i++) {
    const slot = list[i];
    if (log.scored[slot] <= taken) continue;
    if (holds(candidates, slot)) return false;
    if (!isMember(memory, slot)) continue;
    for (let round = 0; round < slopes.length; round++) {
      const order = orders[round], hash = order.hashes[slot];
      const end = ends.hashes[round], id = ends.ids[round];
      const after = hash > end || (hash === end && order.ids[slot] > id);
      if (after === slopes[round] > 0) return false;
    }
  }
  return true;
}

/** Whether the sums of a row hold these keys as they are now. */
export function isHeld(
  { log: { written } }: Memory,
  { slots: held, clock }: Cluster,
  slots: Int32Array,
): boolean {
  if (clock === COLD || held.length !== slots.length) return false;
  for (let i = 0; i < slots.length; i++) {
    if (held[i] !== slots[i] || written[slots[i]] > clock) return false;
  }
  return true;
}

/** Gives a cluster other keys: those it knows keep their scores; returns how many were scored. */
export function scoreCluster(
  memory: Memory,
  row: number,
  cluster: Cluster,
  slots: Int32Array,
): number {
  const { log, counters } = memory;
  const { slots: held, scores: old, clock } = cluster;
  const scores = new Float64Array(slots.length);
  const { slots: news } = roomyScratch(memory, slots.length);
  const places = new Int32Array(slots.length);
  let count = 0;
  for (let i = 0, at = 0; i < slots.length; i++) {
    const slot = slots[i];
    while (at < held.length && held[at] < slot) at++;
    if (held[at] === slot && log.scored[slot] <= clock) scores[i] = old[at];
    else {
      places[count] = i;
      news[count++] = slot;
    }
  }
  scoreKeys(memory, queryOf(memory, row), count);
  const { scores: fresh } = memory.scratch;
  for (let i = 0; i < count; i++) scores[places[i]] = fresh[i];
  counters.exchanged += count;
  cluster.slots = slots;
  cluster.scores = scores;
  return count;
}

/** Whether an ascending list holds a slot. */
function holds(slots: Int32Array, slot: number): boolean {
  let low = 0, high = slots.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (slots[middle] < slot) low = middle + 1;
    else high = middle;
  }
  return slots[low] === slot;
}
