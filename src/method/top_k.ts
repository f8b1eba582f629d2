/**
 * Attention to the k keys of largest score, kept under changes.
 *
 * The output is the softmax average over those k keys, exact and canonical like any other: the same bits whatever
 * happened before, of equal scores the smaller id. What is left out is the mass τ of the other keys, and |O − O_k| =
 * τ · |μ_others − O_k| ≤ τ · (max |v| of the others + |O_k|): a bound that never fails (systems: "Top-k attention via
 * total variation", 2025, https://arxiv.org/abs/2512.07647, for τ; the rest is the triangle inequality).
 *
 * @module
 */

import { checkInteger } from "../check.ts";
import { LEAST_EXPONENT, powerOfTwo } from "../kernel/exp2.ts";
import type { Query } from "../kernel/kernel.ts";
import { UNIT_ROUNDOFF } from "../softmax/ladder.ts";
import { largest } from "../answer/weigh.ts";
import { listWritten } from "../memory/log.ts";
import { type KeyTable, lengthOf, MOST_KEYS } from "../memory/keys.ts";
import { type Memory, queryOf, roomyScratch } from "../memory/memory.ts";
import {
  makeMethod,
  type Method,
  type Pruned,
  type Selection,
} from "../memory/method.ts";
import { forgetRow } from "../memory/pairs.ts";
import { slotOf } from "../memory/slots.ts";
import { hasKey } from "../sync/changes.ts";
import { dotCost, restartCost } from "../sync/plan.ts";
import {
  gather,
  largestSizes,
  markAllSeen,
  scoreKeys,
} from "../sync/recompute.ts";
import {
  type Best,
  bestBytes,
  clearBest,
  leave,
  makeBest,
  massOf,
  place,
  takeOut,
} from "./best.ts";

/** Keys kept beyond k: with so many, ordinary streams next to never fill a buffer anew. */
const LEAST_SLACK = 32;
/** What rounding adds to a bound is less. */
const SLACK = 1 + 2 ** -20;

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
  return makeMethod(`topK(${k})`, (memory) => new TopK(memory, k));
}

/** What it keeps of one attention: the best keys of each row. */
class TopK implements Selection {
  readonly #memory: Memory;
  readonly #k: number;
  readonly #most: number;
  readonly #rows = new Map<number, Best>();
  #last: Pruned = { share: 0, peak: 0 };

  constructor(memory: Memory, k: number) {
    this.#memory = memory;
    this.#k = k;
    this.#most = k + Math.max(LEAST_SLACK, k >>> 2);
  }

  sync(row: number): void {
    const memory = this.#memory, { rows, log, counters } = memory;
    const clock = rows.clocks[row], best = this.#rows.get(row);
    const changed = clock < 0 || best === undefined
      ? undefined
      : this.#changed(row, clock);
    rows.answers.delete(row);
    rows.clocks[row] = -1;
    if (changed === undefined) this.#fill(row);
    else {
      counters.exchanged += changed.length;
      this.#follow(row, best!, changed);
    }
    rows.clocks[row] = log.clock;
    forgetRow(memory, row);
    markAllSeen(memory, row);
  }

  cost(row: number): number {
    const memory = this.#memory, { rows, keys } = memory;
    const clock = rows.clocks[row], best = this.#rows.get(row);
    const all = restartCost(memory, row, keys.slots.size);
    const changed = clock < 0 || best === undefined
      ? undefined
      : this.#changed(row, clock);
    if (changed === undefined) return all;
    let cost = this.#k * (memory.valueDim + 1);
    for (const slot of changed) {
      if (slot >= 0) cost += dotCost(memory, row, keys.keys, slot);
    }
    const safe = best!.size - changed.length >= this.#k || !best!.outside;
    return safe && !isWorn(best!) ? cost : cost + all;
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
    this.#last = { share: 0, peak: 0 };
    if (count <= this.#k) return count;
    const chosen = largest(scores.subarray(0, count), this.#k);
    chosen.sort((a, b) => a - b);
    const rest = makeBest(), top = new Float64Array(chosen.length);
    let kept = 0;
    for (let i = 0; i < count; i++) {
      meet(rest, keys, slots[i]);
      if (i !== chosen[kept]) {
        leave(rest, scores[i], keys.peaks[slots[i]]);
        continue;
      }
      slots[kept] = slots[i];
      top[kept++] = scores[i];
    }
    scores.set(top);
    const length = lengthOf(
      query.entries ?? query.rows.subarray(query.at, query.at + query.dim),
    );
    this.#last = leftOut(memory, length, rest, top, kept, kept);
    return kept;
  }

  pruned(row: number): Pruned {
    const memory = this.#memory, { keys: { peaks }, rows } = memory;
    const best = this.#rows.get(row)!, k = Math.min(best.size, this.#k);
    const { size, scores } = best;
    const pruned = leftOut(memory, rows.norms[row], best, scores, k, size);
    for (let at = k; at < best.size; at++) {
      pruned.peak = Math.max(pruned.peak, peaks[best.slots[at]]);
    }
    return pruned;
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
  #changed(row: number, clock: number): number[] | undefined {
    const { log, keys, mask, pairs } = this.#memory;
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
    const memory = this.#memory, { keys, mask, pairs } = memory;
    const ids = pairs.unseen.get(row), set = new Set(changed);
    let first = takeOut(
      best,
      mask.kind === "edges"
        ? (_, id) => ids?.has(id) ?? false
        : (slot) => set.has(slot),
    );
    if (isWorn(best)) return this.#fill(row);
    const { slots, scores } = roomyScratch(memory, changed.length);
    let count = 0;
    for (const slot of changed) {
      if (hasKey(memory, row, slot)) slots[count++] = slot;
    }
    scoreKeys(memory, queryOf(memory, row), count);
    for (let i = 0; i < count; i++) {
      const slot = slots[i], id = keys.slots.idOf[slot];
      const peakOf = (slot: number) => keys.peaks[slot];
      const at = place(best, this.#most, slot, id, scores[i], peakOf);
      if (at >= 0) first = Math.min(first, at);
      meet(best, keys, slot);
    }
    if (best.size < this.#k && best.outside) this.#fill(row);
    else if (first < this.#k) this.refold(row);
  }

  /** Scores all keys of a row and keeps the best. */
  #fill(row: number): void {
    const memory = this.#memory, { rows, keys, counters } = memory;
    const id = rows.slots.idOf[row], best = this.#rows.get(row) ?? makeBest();
    const count = gather(memory, id, rows.positions[row]);
    scoreKeys(memory, queryOf(memory, row), count);
    const { slots, scores } = memory.scratch;
    clearBest(best);
    for (const i of largest(scores.subarray(0, count), this.#most)) {
      const slot = slots[i];
      place(best, this.#most, slot, keys.slots.idOf[slot], scores[i], none);
    }
    if (count > best.size) {
      const members = new Set(best.slots.subarray(0, best.size));
      for (let i = 0; i < count; i++) {
        const slot = slots[i];
        if (!members.has(slot)) leave(best, scores[i], keys.peaks[slot]);
      }
      best.outside = true;
      best.floorScore = best.scores[best.size - 1];
      best.floorId = best.ids[best.size - 1];
      best.others = best.arrivals;
      best.arrivals = 0;
    }
    this.#rows.set(row, best);
    for (let i = 0; i < count; i++) meet(best, keys, slots[i]);
    counters.recomputed++;
    this.refold(row);
  }
}

/** As many keys came out as were outside at first: their mass has become a guess. */
function isWorn({ arrivals, others }: Best): boolean {
  return arrivals > others + LEAST_SLACK;
}

/** Counts the sizes of a key among those that its row has met. */
function meet(best: Best, { norms, scoreBiases }: KeyTable, slot: number) {
  best.norm = Math.max(best.norm, norms[slot]);
  best.bias = Math.max(best.bias, Math.abs(scoreBiases[slot]));
}

/**
 * What is left out if the first `k` of `size` scores are attended to, and those outside are not. Each weight is off by
 * e^±h at most, so the share is by e^±2h (h as in `answer/certify.ts`).
 */
function leftOut(
  { dim, factor }: Memory,
  queryNorm: number,
  { mass, anchor, peak, norm, bias }: Best,
  scores: Float64Array,
  k: number,
  size: number,
): Pruned {
  if (k === 0) return { share: 0, peak };
  const unit = Math.floor(scores[0]), attended = massOf(scores, 0, k, unit);
  // Nothing outside is better than what is attended to, so its anchor is at most 1 above.
  const outside = mass === 0
    ? 0
    : mass * powerOfTwo(Math.max(anchor - unit, LEAST_EXPONENT));
  const others = massOf(scores, k, size, unit) + outside;
  const roundings = (dim / 2 + 4) * Math.abs(factor) * queryNorm * norm +
    4 * bias;
  const h = UNIT_ROUNDOFF * (Math.LN2 * roundings + 6);
  const share = others / (attended + others) * SLACK * Math.exp(2 * h);
  return { share: Math.min(1, share), peak };
}

const none = () => 0;
