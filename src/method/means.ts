/**
 * The mean weights of one watched query: sums and counts by key, for the keys that it has attended to.
 *
 * Ids ascend, so that what is gathered by ascending id is met by walking along; a key that was never there takes nothing.
 * The mean that decides on pruning is kept beside the sums: it stays as it was when pruning was last asked for.
 *
 * @module
 */

import type { Id } from "../check.ts";

/** Means of a row; arrays may be longer than `size`. */
export interface Means {
  size: number;
  /** Ascending. */
  ids: Float64Array;
  /** Of the weights that were observed, and of how many there were. */
  sums: Float64Array;
  counts: Float64Array;
  /** The mean when pruning was last asked for; NaN for what has been met since. */
  ranks: Float64Array;
}

/** Nothing observed. */
export function makeMeans(): Means {
  return {
    size: 0,
    ids: new Float64Array(0),
    sums: new Float64Array(0),
    counts: new Float64Array(0),
    ranks: new Float64Array(0),
  };
}

/** Where a key stands, or −1: at once where ids ascend by one, which they do until keys go. */
export function placeOf({ ids, size }: Means, id: Id): number {
  const guess = id - ids[0];
  if (guess < size && ids[guess] === id) return guess;
  let low = 0, high = size - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    if (ids[middle] < id) low = middle + 1;
    else if (ids[middle] > id) high = middle - 1;
    else return middle;
  }
  return -1;
}

/** Adds the weights of `ids`, ascending. */
export function observeWeights(
  means: Means,
  ids: ArrayLike<Id>,
  weights: ArrayLike<number>,
): void {
  const fresh: number[] = [];
  for (let i = 0, at = 0; i < ids.length; i++) {
    while (at < means.size && means.ids[at] < ids[i]) at++;
    if (at === means.size || means.ids[at] !== ids[i]) {
      fresh.push(i);
      continue;
    }
    means.sums[at] += weights[i];
    means.counts[at]++;
  }
  if (fresh.length > 0) insert(means, fresh, ids, weights);
}

/** Merges keys that were not there from behind, so that nothing is written over. */
function insert(
  means: Means,
  fresh: readonly number[],
  ids: ArrayLike<Id>,
  weights: ArrayLike<number>,
): void {
  const size = means.size + fresh.length;
  if (size > means.ids.length) grow(means, size);
  const { ids: known, sums, counts, ranks } = means;
  let from = means.size - 1, next = fresh.length - 1;
  for (let to = size - 1; next >= 0; to--) {
    const i = fresh[next], old = from >= 0 && known[from] > ids[i];
    known[to] = old ? known[from] : ids[i];
    sums[to] = old ? sums[from] : weights[i];
    counts[to] = old ? counts[from] : 1;
    ranks[to] = old ? ranks[from] : NaN;
    if (old) from--;
    else next--;
  }
  means.size = size;
}

/** Drops the keys that are not to be kept. */
export function keepMeans(means: Means, keep: (id: Id) => boolean): void {
  const { ids, sums, counts, ranks } = means;
  let kept = 0;
  for (let at = 0; at < means.size; at++) {
    if (!keep(ids[at])) continue;
    ids[kept] = ids[at];
    sums[kept] = sums[at];
    counts[kept] = counts[at];
    ranks[kept++] = ranks[at];
  }
  means.size = kept;
  // What has shrunk to a quarter gives its room back.
  if (4 * kept < ids.length) grow(means, kept);
}

/** Bytes held. */
export function meansBytes({ ids }: Means): number {
  return OWN_BYTES + ARRAYS.length * ids.byteLength;
}

/** The record, its map entry and the headers of its arrays, as near as one can say. */
const OWN_BYTES = 500;
const ARRAYS = ["ids", "sums", "counts", "ranks"] as const;

/** Gives the arrays room for `size` keys and a quarter more. */
function grow(means: Means, size: number): void {
  for (const name of ARRAYS) {
    const grown = new Float64Array(size + (size >>> 2));
    grown.set(means[name].subarray(0, Math.min(means.size, size)));
    means[name] = grown;
  }
}
