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

import { makeMass, type Mass } from "./mass.ts";

/** The best keys of a row; arrays are longer than `size`. */
export interface Best {
  /** Best first: the larger score, of equals the smaller id. */
  size: number;
  slots: Int32Array;
  ids: Float64Array;
  scores: Float64Array;
  /** At least the mass of the keys outside, none of which is better than the floor; there is none while none is outside. */
  outside: Mass;
  floorScore: number;
  floorId: number;
  /** Keys that were outside when it was filled. */
  others: number;
  /** Changes since then of keys that may have been outside: so many counted there may be gone. */
  stale: number;
}

/** Makes an empty buffer. */
export function makeBest(): Best {
  return {
    size: 0,
    slots: new Int32Array(0),
    ids: new Float64Array(0),
    scores: new Float64Array(0),
    outside: makeMass(),
    floorScore: -Infinity,
    floorId: Infinity,
    others: 0,
    stale: 0,
  };
}

/** Adds a key behind all others to a buffer that has no outside; `most` keys fit. */
export function push(
  best: Best,
  most: number,
  slot: number,
  id: number,
  score: number,
): void {
  grow(best, most);
  best.slots[best.size] = slot;
  best.ids[best.size] = id;
  best.scores[best.size++] = score;
}

/** A buffer has been filled: what is outside, if anything, is not better than its last key. */
export function seal(best: Best): void {
  if (best.outside.count === 0) return;
  best.floorScore = best.scores[best.size - 1];
  best.floorId = best.ids[best.size - 1];
  best.others = best.outside.count;
}

/**
 * Puts a key into the buffer or outside; `most` keys fit. Whoever comes to be outside is told to `leave`. Returns the
 * first place from which on the order is another, Infinity for none.
 */
export function place(
  best: Best,
  most: number,
  slot: number,
  id: number,
  score: number,
  leave: (slot: number, score: number) => void,
): number {
  if (!isBetter(score, id, best.floorScore, best.floorId)) {
    leave(slot, score);
    return Infinity;
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
  best.floorScore = scores[last];
  best.floorId = ids[last];
  leave(slots[last], scores[last]);
  return at < last ? at : Infinity;
}

/** Takes out keys; returns the first place from which on the order is another, Infinity for none. */
export function takeOut(
  best: Best,
  gone: (slot: number, id: number) => boolean,
): number {
  const { slots, ids, scores } = best;
  let kept = 0, first = Infinity;
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

/** As many keys came out as were outside at first: their mass has become a guess. */
export function isWorn({ outside, others }: Best): boolean {
  return outside.count > 2 * others + FEW;
}

/** So few keys that came out are no reason to look at all. */
const FEW = 32;

/** Bytes held. */
export function bestBytes({ slots }: Best): number {
  return OWN_BYTES + BYTES_PER_KEY * slots.length;
}

/** The record, its map entry and the headers of its arrays, as near as one can say; a slot, an id and a score. */
const OWN_BYTES = 400, BYTES_PER_KEY = 4 + 8 + 8;

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
