/**
 * Attention to the k keys of largest score, kept under changes.
 *
 * The output is the softmax average over those k keys, exact and canonical like any other: the same bits whatever
 * happened before, of equal scores the smaller id. What is left out is the mass τ of the other keys, and |O − O_k| =
 * |Σ p_j (v_j − O_k)| ≤ Σ p_j |v_j| + τ |O_k| over those others: a bound that never fails (systems: "Top-k attention
 * via total variation", 2025, https://arxiv.org/abs/2512.07647, for τ; the rest is the triangle inequality).
 *
 * @module
 */

import { checkInteger } from "../check.ts";
import type { Query } from "../kernel/kernel.ts";
import { DENSE } from "../kernel/table.ts";
import { largest } from "../answer/weigh.ts";
import { keysOf } from "../memory/edges.ts";
import { COLD, listWritten } from "../memory/log.ts";
import { lengthOf, MOST_KEYS } from "../memory/keys.ts";
import { type Memory, roomyScratch } from "../memory/memory.ts";
import { queryOf } from "../memory/queries.ts";
import { makeMethod, type Pruned, type Selection } from "../memory/method.ts";
import { attendChosen } from "../softmax/chosen.ts";
import type { Method } from "../softmax/method.ts";
import { forgetRow } from "../memory/pairs.ts";
import { slotOf } from "../memory/slots.ts";
import { hasKey } from "../sync/changes.ts";
import { rowCost } from "../sync/plan.ts";
import {
  gather,
  largestSizes,
  markAllSeen,
  scoreKeys,
} from "../sync/recompute.ts";
import {
  type Best,
  bestBytes,
  isWorn,
  makeBest,
  place,
  push,
  seal,
  takeOut,
} from "./best.ts";
import { addTo, leftOut, makeMass, slackOf } from "./mass.ts";

/** Keys kept beyond k: with so many, ordinary streams next to never run out of them. */
const LEAST_SLACK = 32;

/**
 * Makes a method that attends only to the k keys of largest score.
 *
 * `outputs`, `attend`, `topKeys` and `weights` then see those keys alone, chosen among the keys that the mask admits;
 * `errorBound(a).pruned` bounds what that leaves out, `measureError` measures it against all keys.
 *
 * A changed key costs a row its dot product, once; where it comes into the k best or was among them, a sum over k
 * values on top. A row that has seen nothing yet scores all keys. Errors: a `RangeError` for a k that is no whole
 * number from 1 on.
 *
 * @example The two that matter most
 * ```ts
 * import { assert, assertEquals } from "@std/assert";
 * import { createAttention, errorBound, measureError, outputs } from "@reattend/reattend";
 * import { topK } from "@reattend/reattend/methods";
 *
 * const attention = createAttention({
 *   queries: [[1]],
 *   keys: [[30], [30], [0], [1]],
 *   values: [[2], [4], [9], [9]],
 *   method: topK(2),
 * });
 * assertEquals(outputs(attention).to2DArray(), [[3]]);
 * assert(measureError(attention) <= errorBound(attention).total);
 * ```
 */
export function topK(k: number): Method {
  checkInteger("make topK", "k", k, 1, MOST_KEYS);
  return makeMethod(`topK(${k})`, {
    attend: (_, job) => attendChosen(job, (scores) => largest(scores, k)),
    select: (_, memory) => new TopK(memory, k),
  });
}

/** What it keeps of one attention: the best keys of each row. */
class TopK implements Selection {
  readonly #memory: Memory;
  readonly #k: number;
  readonly #most: number;
  readonly #rows = new Map<number, Best>();
  #last: Pruned = { share: 0, size: 0 };

  constructor(memory: Memory, k: number) {
    this.#memory = memory;
    this.#k = k;
    this.#most = k + Math.max(LEAST_SLACK, k >>> 2);
  }

  sync(row: number): void {
    const memory = this.#memory, { rows, log } = memory;
    const best = this.#rows.get(row), changed = this.#changed(row);
    rows.answers.delete(row);
    // Void while it moves: a mask that throws half way lets the row start over.
    rows.clocks[row] = COLD;
    if (best === undefined || changed === undefined) this.#fill(row);
    else this.#follow(row, best, changed);
    rows.clocks[row] = log.clock;
    forgetRow(memory, row);
    markAllSeen(memory, row);
  }

  cost(row: number): number {
    const { keys, valueDim } = this.#memory;
    const best = this.#rows.get(row), changed = this.#changed(row);
    const folding = Math.min(this.#k, keys.slots.size) * (valueDim + 1);
    const filling = this.#scoringAll(row) + folding;
    if (best === undefined || changed === undefined || isWorn(best)) {
      return filling;
    }
    let scoring = 0;
    for (const slot of changed) {
      if (slot >= 0) scoring += this.#scoring(row, slot);
    }
    const enough = best.outside.count === 0 ||
      best.size - changed.length >= this.#k;
    return scoring + (enough ? folding : filling);
  }

  refold(row: number): void {
    const memory = this.#memory, { rows, kernel, keys } = memory;
    const count = this.collect(row), { scratch } = memory;
    scratch.scores.set(this.#rows.get(row)!.scores.subarray(0, count));
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
    const best = this.#rows.get(row)!, count = Math.min(best.size, this.#k);
    const { slots } = roomyScratch(this.#memory, count);
    slots.set(best.slots.subarray(0, count));
    return count;
  }

  select(query: Query, count: number): number {
    const memory = this.#memory, { scratch: { slots, scores }, keys } = memory;
    const length = lengthOf(
      query.entries ?? query.rows.subarray(query.at, query.at + query.dim),
    );
    const chosen = new Set(largest(scores.subarray(0, count), this.#k));
    const attended = makeMass(), others = makeMass();
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const slot = slots[i], score = scores[i], peak = keys.peaks[slot];
      const slack = slackOf(memory, length, slot);
      if (!chosen.has(i)) {
        addTo(others, score, slack, peak);
        continue;
      }
      addTo(attended, score, -slack, peak);
      slots[kept] = slot;
      scores[kept++] = score;
    }
    this.#last = leftOut(attended, others, 0);
    return kept;
  }

  pruned(row: number): Pruned {
    const memory = this.#memory, { keys: { peaks }, rows } = memory;
    const { size, slots, scores, outside, floorScore, stale } = this.#rows.get(
      row,
    )!;
    const attended = makeMass(), others = { ...outside };
    for (let at = 0; at < size; at++) {
      const slot = slots[at], slack = slackOf(memory, rows.norms[row], slot);
      if (at < this.#k) addTo(attended, scores[at], -slack, peaks[slot]);
      else addTo(others, scores[at], slack, peaks[slot]);
    }
    // What was outside was no better than the floor.
    const gone = stale === 0
      ? 0
      : stale * 2 ** (floorScore + outside.slack - others.anchor);
    return leftOut(attended, others, gone);
  }

  prunedLast(): Pruned {
    return this.#last;
  }

  forget(row: number): void {
    this.#rows.delete(row);
  }

  bytes(): number {
    let bytes = 0;
    for (const best of this.#rows.values()) bytes += bestBytes(best);
    return bytes;
  }

  /** Slots that changed for a row, −1 for what is gone; undefined where it had better start over. */
  #changed(row: number): number[] | undefined {
    const { rows, log, keys, mask, pairs } = this.#memory;
    const clock = rows.clocks[row];
    if (clock === COLD) return undefined;
    if (mask.kind === "edges") {
      return Array.from(
        pairs.unseen.get(row)?.keys() ?? [],
        (id) => slotOf(keys.slots, id),
      );
    }
    const { slots } = roomyScratch(this.#memory, keys.slots.used);
    const count = listWritten(log, clock, keys.slots.used >>> 1, slots);
    return count < 0 ? undefined : [...slots.subarray(0, count)];
  }

  /** Takes changed keys out and puts them where they belong now. */
  #follow(row: number, best: Best, changed: readonly number[]): void {
    if (isWorn(best)) return this.#fill(row);
    const memory = this.#memory, { keys, mask, pairs, counters } = memory;
    const ids = pairs.unseen.get(row), set = new Set(changed);
    const lost = new Set<number>();
    let first = takeOut(best, (slot, id) => {
      const gone = mask.kind === "edges" ? ids!.has(id) : set.has(slot);
      if (gone) lost.add(slot);
      return gone;
    });
    best.stale += changed.length - lost.size;
    const { slots, scores } = roomyScratch(memory, changed.length);
    let count = 0;
    for (const slot of changed) {
      if (!hasKey(memory, row, slot)) continue;
      slots[count++] = slot;
      lost.delete(slot);
    }
    scoreKeys(memory, queryOf(memory, row), count);
    counters.exchanged += count + lost.size;
    const leave = this.#leaver(row, best);
    for (let i = 0; i < count; i++) {
      const id = keys.slots.idOf[slots[i]];
      const at = place(best, this.#most, slots[i], id, scores[i], leave);
      first = Math.min(first, at);
    }
    if (best.size < this.#k && best.outside.count > 0) this.#fill(row);
    else if (first < this.#k) this.refold(row);
  }

  /** Scores all keys of a row and keeps the best. */
  #fill(row: number): void {
    const memory = this.#memory, { rows, keys, counters } = memory;
    const id = rows.slots.idOf[row], best = makeBest();
    const count = gather(memory, id, rows.positions[row]);
    scoreKeys(memory, queryOf(memory, row), count);
    const { slots, scores } = memory.scratch;
    const chosen = largest(scores.subarray(0, count), this.#most);
    for (const i of chosen) {
      push(best, this.#most, slots[i], keys.slots.idOf[slots[i]], scores[i]);
    }
    const inside = new Set(chosen), leave = this.#leaver(row, best);
    for (let i = 0; i < count; i++) {
      if (!inside.has(i)) leave(slots[i], scores[i]);
    }
    seal(best);
    this.#rows.set(row, best);
    counters.recomputed++;
    this.refold(row);
  }

  /** What counts a key of a row among those outside. */
  #leaver(row: number, best: Best): (slot: number, score: number) => void {
    const memory = this.#memory, { keys: { peaks }, rows } = memory;
    return (slot, score) => {
      const slack = slackOf(memory, rows.norms[row], slot);
      addTo(best.outside, score, slack, peaks[slot]);
    };
  }

  /** What scoring a key takes. */
  #scoring(row: number, slot: number): number {
    const { keys: { keys }, rows: { queries } } = this.#memory;
    return keys.evens[slot] === DENSE
      ? rowCost(queries, row)
      : keys.count[slot];
  }

  /** What scoring all keys of a row takes; where its mask is no list of edges, all there are. */
  #scoringAll(row: number): number {
    const { keys: { keys, slots }, rows, mask } = this.#memory;
    if (mask.kind !== "edges") {
      return keys.entries + keys.denseRows * rowCost(rows.queries, row);
    }
    const { ids, start, end } = keysOf(mask.edges, rows.slots.idOf[row]);
    let cost = 0;
    for (let at = start; at < end; at++) {
      const slot = slotOf(slots, ids[at]);
      if (slot >= 0) cost += this.#scoring(row, slot);
    }
    return cost;
  }
}
