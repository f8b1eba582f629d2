/**
 * The best keys of a row: a buffer of a few more than it attends to, ordered by score.
 *
 * The buffer holds the best keys there are, all better than its floor; whatever is outside is not. A key that changes
 * is taken out and put where its new score belongs, so the buffer stays right without looking at the others, until so
 * many have left that it holds too few: then it is filled anew. Of the keys outside only an upper bound of their mass
 * is kept: their mass when the buffer was filled, and what has come out since.
 *
 * @module
 */

import { exp2, LEAST_EXPONENT, powerOfTwo, roundEven } from "../kernel/exp2.ts";

/** The best keys of a row; arrays are longer than `size`. */
export interface Best {
  /** Best first: the larger score, of equals the smaller id. */
  size: number;
  slots: Int32Array;
  ids: Float64Array;
  scores: Float64Array;
  /** There are keys outside, none better than this. */
  outside: boolean;
  floorScore: number;
  floorId: number;
  /** At least the mass of the keys outside, in units of 2^anchor, and the largest size of their values. */
  mass: number;
  anchor: number;
  peak: number;
  /** At least the length of every key it has met, and the size of its bias in log2 units. */
  norm: number;
  bias: number;
  /** Keys that came out since it was filled, and those that were outside then. */
  arrivals: number;
  others: number;
}

/** Makes an empty buffer. */
export function makeBest(): Best {
  return {
    size: 0,
    slots: new Int32Array(0),
    ids: new Float64Array(0),
    scores: new Float64Array(0),
    outside: false,
    floorScore: -Infinity,
    floorId: Infinity,
    mass: 0,
    anchor: 0,
    peak: 0,
    norm: 0,
    bias: 0,
    arrivals: 0,
    others: 0,
  };
}

/** Empties a buffer: nothing is outside. */
export function clearBest(best: Best): void {
  best.size = 0;
  best.outside = false;
  best.floorScore = -Infinity;
  best.floorId = Infinity;
  best.mass = 0;
  best.peak = 0;
  best.norm = 0;
  best.bias = 0;
  best.arrivals = 0;
  best.others = 0;
}

/** Puts a key into the buffer or outside; returns its place, −1 for outside. `most` keys fit. */
export function place(
  best: Best,
  most: number,
  slot: number,
  id: number,
  score: number,
  peakOf: (slot: number) => number,
): number {
  const { floorScore, floorId } = best;
  if (best.outside && !isBetter(score, id, floorScore, floorId)) {
    leave(best, score, peakOf(slot));
    return -1;
  }
  let at = best.size;
  grow(best, most + 1);
  const { slots, ids, scores } = best;
  for (; at > 0 && isBetter(score, id, scores[at - 1], ids[at - 1]); at--) {
    slots[at] = slots[at - 1];
    ids[at] = ids[at - 1];
    scores[at] = scores[at - 1];
  }
  slots[at] = slot;
  ids[at] = id;
  scores[at] = score;
  if (++best.size <= most) return at;
  const last = --best.size;
  best.outside = true;
  best.floorScore = scores[last];
  best.floorId = ids[last];
  leave(best, scores[last], peakOf(slots[last]));
  return at < last ? at : -1;
}

/** Takes out keys; returns the first place from which on the order is another. */
export function takeOut(
  best: Best,
  gone: (slot: number, id: number) => boolean,
): number {
  const { slots, ids, scores } = best;
  let kept = 0, first = best.size;
  for (let at = 0; at < best.size; at++) {
    if (gone(slots[at], ids[at])) {
      first = Math.min(first, at);
      continue;
    }
    slots[kept] = slots[at];
    ids[kept] = ids[at];
    scores[kept++] = scores[at];
  }
  best.size = kept;
  return first;
}

/** The mass of scores from `from` on, in units of 2^anchor. */
export function massOf(
  scores: Float64Array,
  from: number,
  to: number,
  anchor: number,
): number {
  let mass = 0;
  for (let at = from; at < to; at++) mass += weightOf(scores[at], anchor);
  return mass;
}

/** 2^(score − anchor); 0 far below, infinite far above. */
export function weightOf(score: number, anchor: number): number {
  const whole = roundEven(score), places = whole - anchor;
  return places < LEAST_EXPONENT
    ? 0
    : places > MOST_PLACES
    ? Infinity
    : exp2(score - whole) * powerOfTwo(places);
}

/** Counts a key as outside. */
export function leave(best: Best, score: number, peak: number): void {
  const whole = roundEven(score);
  if (best.mass === 0) best.anchor = whole;
  else if (whole > best.anchor) {
    const places = best.anchor - whole;
    // What is lost here is less than the slack of the bound.
    best.mass = places < LEAST_EXPONENT
      ? Number.MIN_VALUE
      : best.mass * powerOfTwo(places);
    best.anchor = whole;
  }
  best.mass += Math.max(weightOf(score, best.anchor), Number.MIN_VALUE);
  best.peak = Math.max(best.peak, peak);
  best.arrivals++;
}

/** Bytes held. */
export function bestBytes({ slots }: Best): number {
  return 200 + 20 * slots.length;
}

const MOST_PLACES = 1000;

function isBetter(
  score: number,
  id: number,
  than: number,
  thanId: number,
): boolean {
  return score > than || (score === than && id < thanId);
}

/** Makes room for one more, at most `most`. */
function grow(best: Best, most: number): void {
  if (best.size < best.slots.length) return;
  const room = Math.min(most, Math.max(8, 2 * best.size));
  const slots = new Int32Array(room), ids = new Float64Array(room);
  const scores = new Float64Array(room);
  slots.set(best.slots);
  ids.set(best.ids);
  scores.set(best.scores);
  Object.assign(best, { slots, ids, scores });
}
