/**
 * Which pairs of an attention are pruned, and what that leaves out.
 *
 * Rows are kept up to date by the house, over the keys that pass here. What is pruned is not looked at until a bound is
 * asked for; then the scores of pruned keys are kept, and only those that have changed since are formed again.
 *
 * @module
 */

import type { Id } from "../check.ts";
import { weighScored } from "../answer/weigh.ts";
import { COLD } from "../memory/log.ts";
import { type Memory, whileReading } from "../memory/memory.ts";
import type { Pruned, Sieve } from "../memory/method.ts";
import { forgetRow } from "../memory/pairs.ts";
import { queryOf } from "../memory/queries.ts";
import { slotOf } from "../memory/slots.ts";
import { rowBound } from "../softmax/ladder.ts";
import { gatherAdmitted, scoreKeys } from "../sync/recompute.ts";
import { isCurrent } from "../sync/sync.ts";
import {
  addTo,
  leftOut,
  makeMass,
  type Mass,
  slackOf,
  slackOfSizes,
} from "./mass.ts";
import {
  keepMeans,
  makeMeans,
  type Means,
  meansBytes,
  observeWeights,
  placeOf,
} from "./means.ts";
import { thresholdOf } from "./pruning.ts";

/** What a pruning came to. */
export interface Pruning {
  /** Positions of this mean and below are pruned; −Infinity where none is. */
  threshold: number;
  /** Positions that have a mean. */
  observed: number;
  /** How many of them are pruned. */
  pruned: number;
}

/** What is kept of a watched query. */
interface Row {
  query: Id;
  means: Means;
  tail: Tail;
}

/** The scores of the pruned keys of a row, by ascending id, as they were at a clock of the log. */
interface Tail {
  clock: number;
  ids: Float64Array;
  scores: Float64Array;
}

const NO_TAIL: Readonly<Tail> = {
  clock: COLD,
  ids: new Float64Array(0),
  scores: new Float64Array(0),
};

/** What it keeps of one attention. */
export class PrunedPairs implements Sieve {
  readonly #memory: Memory;
  readonly #sparsity: number;
  /** By slot of the query. */
  readonly #rows = new Map<number, Row>();
  #pruning: Pruning = { threshold: -Infinity, observed: 0, pruned: 0 };

  constructor(memory: Memory, sparsity: number) {
    this.#memory = memory;
    this.#sparsity = sparsity;
  }

  passes(row: number, key: Id): boolean {
    const means = this.#rows.get(row)?.means;
    if (means === undefined) return true;
    const at = placeOf(means, key);
    return at < 0 || !(means.ranks[at] <= this.#pruning.threshold);
  }

  sift(query: Id, count: number): number {
    const row = this.#rows.get(slotOf(this.#memory.rows.slots, query));
    if (row === undefined || count === 0) return count;
    const { keys: { slots: { idOf } }, scratch: { slots } } = this.#memory;
    const { means: { ids, ranks, size } } = row, { threshold } = this.#pruning;
    let kept = 0, best = slots[0], most = -Infinity;
    for (let i = 0, at = 0; i < count; i++) {
      const slot = slots[i], id = idOf[slot];
      while (at < size && ids[at] < id) at++;
      if (at < size && ids[at] === id && ranks[at] <= threshold) {
        if (ranks[at] > most) [best, most] = [slot, ranks[at]];
      } else slots[kept++] = slot;
    }
    if (kept > 0) return kept;
    slots[0] = best;
    return 1;
  }

  pruned(row: number): Pruned {
    const memory = this.#memory;
    if (!this.#rows.has(row)) return { share: 0, size: 0 };
    return memory.reading
      ? this.#leftOut(row)
      : whileReading("bound errors", memory, () => this.#leftOut(row));
  }

  forget(row: number): void {
    const kept = this.#rows.get(row);
    if (kept === undefined) return;
    if (this.#memory.rows.slots.idOf[row] === kept.query) kept.tail = NO_TAIL;
    else this.#rows.delete(row);
  }

  bytes(): number {
    let bytes = 0;
    for (const { means, tail } of this.#rows.values()) {
      bytes += meansBytes(means) + tail.ids.byteLength +
        tail.scores.byteLength;
    }
    return bytes;
  }

  stats(): Readonly<Record<string, number>> {
    return { ...this.#pruning };
  }

  /** Adds the weights of rows, as they are now, to their means. */
  observe(rows: Int32Array): void {
    const memory = this.#memory, { slots, positions } = memory.rows;
    const { idOf } = memory.keys.slots;
    // A mask may throw: first all weights, then all means.
    const observed = Array.from(rows, (row) => {
      const count = gatherAdmitted(memory, slots.idOf[row], positions[row]);
      scoreKeys(memory, queryOf(memory, row), count);
      return weighScored(memory, count);
    });
    observed.forEach(({ slots: seen, weights }, i) => {
      const row = rows[i], ids = Float64Array.from(seen, (slot) => idOf[slot]);
      let kept = this.#rows.get(row);
      if (kept === undefined) {
        const query = slots.idOf[row];
        kept = { query, means: makeMeans(), tail: NO_TAIL };
        this.#rows.set(row, kept);
      }
      observeWeights(kept.means, ids, weights);
      if (kept.means.size > LEAST_DEAD + 2 * ids.length) {
        this.#dropDead(row, kept.means);
      }
    });
  }

  /** Takes the percentile and prunes. */
  prune(): Pruning {
    let observed = 0;
    for (const [row, { means }] of this.#rows) {
      this.#dropDead(row, means);
      observed += means.size;
    }
    const all = new Float64Array(observed);
    let at = 0;
    for (const { means: { size, sums, counts } } of this.#rows.values()) {
      for (let i = 0; i < size; i++) all[at++] = sums[i] / counts[i];
    }
    const threshold = thresholdOf(all, this.#sparsity);
    let pruned = 0;
    at = 0;
    for (const [row, { means }] of this.#rows) {
      const now = all.subarray(at, at += means.size);
      pruned += this.#rank(row, means, now, threshold);
    }
    this.#pruning = { threshold, observed, pruned };
    return { ...this.#pruning };
  }

  /** Gives a row the means that decide from now on; returns how many of its pairs go. */
  #rank(row: number, means: Means, now: Float64Array, threshold: number) {
    const { ranks } = means, before = this.#pruning.threshold;
    let moved = false, gone = 0;
    for (let i = 0; i < now.length; i++) {
      const went = ranks[i] <= before, goes = now[i] <= threshold;
      if (went !== goes) moved = true;
      if (goes) gone++;
      ranks[i] = now[i];
    }
    // A row of one key may have it because all are pruned: then the largest mean decides, and it may be another.
    const alone = gone > 0 && this.#memory.rows.sums.count[row] < 2;
    if (moved || alone) this.#startOver(row);
    return gone;
  }

  /** Drops the means of keys that are gone. A row that has not seen them go would ask whether it held them. */
  #dropDead(row: number, means: Means): void {
    const { slots } = this.#memory.keys, { size } = means;
    keepMeans(means, (id) => slotOf(slots, id) >= 0);
    if (means.size < size && !isCurrent(this.#memory, row)) {
      this.#startOver(row);
    }
  }

  #startOver(row: number): void {
    this.#memory.rows.clocks[row] = COLD;
    forgetRow(this.#memory, row);
  }

  /** What an up-to-date row leaves out, by the sums that it has and the scores of the keys that it has not. */
  #leftOut(row: number): Pruned {
    const memory = this.#memory, { rows, keys } = memory;
    const kept = this.#rows.get(row)!, { query } = kept;
    const count = gatherAdmitted(memory, query, rows.positions[row]);
    const admitted = memory.scratch.slots.slice(0, count);
    const attended = this.sift(query, count), { slots } = memory.scratch;
    const left = new Int32Array(count - attended);
    for (let i = 0, next = 0, to = 0; i < count; i++) {
      if (next < attended && slots[next] === admitted[i]) next++;
      else left[to++] = admitted[i];
    }
    const scores = this.#scoreTail(row, kept, left), others = makeMass();
    left.forEach((slot, i) => {
      const slack = slackOf(memory, rows.norms[row], slot);
      addTo(others, scores[i], slack, keys.peaks[slot]);
    });
    const mass = attendedMass(memory, row);
    return mass.sum > 0 || others.count === 0
      ? leftOut(mass, others, 0)
      : { share: 1, size: others.peak };
  }

  /** The scores of slots by ascending id; those that have not changed since they were last asked for are known. */
  #scoreTail(row: number, kept: Row, left: Int32Array): Float64Array {
    const memory = this.#memory, { log, keys: { slots: { idOf } } } = memory;
    const { ids, scores, clock } = kept.tail, { scratch } = memory;
    const now = Float64Array.from(left, (slot) => idOf[slot]);
    const known = new Float64Array(left.length);
    const unknown: number[] = [];
    for (let i = 0, at = 0; i < left.length; i++) {
      while (at < ids.length && ids[at] < now[i]) at++;
      if (ids[at] === now[i] && log.scored[left[i]] <= clock) {
        known[i] = scores[at];
      } else unknown.push(i);
    }
    unknown.forEach((i, at) => scratch.slots[at] = left[i]);
    scoreKeys(memory, queryOf(memory, row), unknown.length);
    unknown.forEach((i, at) => known[i] = scratch.scores[at]);
    kept.tail = { clock: log.clock, ids: now, scores: known };
    return known;
  }
}

/**
 * The mass that the sums of a row hold, from below, whoever computes it, but for roundings that `leftOut` allows for; 0
 * where they are too coarse to tell.
 */
function attendedMass({ rows, dim, factor }: Memory, row: number): Mass {
  const { sums, norms, keyNorms, biasSizes } = rows, mass = makeMass();
  const bound = rowBound(sums, row);
  if (bound === undefined) return mass;
  const reach = Math.abs(factor) * norms[row] * keyNorms[row];
  const slack = slackOfSizes(dim, reach, biasSizes[row]);
  mass.sum = (sums.massHigh[row] + sums.massLow[row]) *
    (1 - bound.relative) * Math.exp(-Math.LN2 * slack);
  mass.anchor = sums.anchor[row] + sums.shift[row];
  return mass;
}

/** So few means of keys that are gone are no reason to look for them. */
const LEAST_DEAD = 64;
