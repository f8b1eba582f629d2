/**
 * SMYRF as it was published: balanced clusters of queries and keys, for comparison.
 *
 * Queries and keys are lifted to one sphere, F(q) = [q; 0; √(R² − |q|²)] and G(k) = [k; √(R² − |k|²); 0] with R² = max
 * |q|² + max |k|², so that |F(q) − G(k)|² = 2 R² − 2 q · k: the nearest are those of the largest dot product. In each
 * round both are sorted along a normal direction and both lists cut into T equal pieces; queries of a piece attend to the
 * keys of the same piece (G. Daras, N. Kitaev, A. Odena, A. Dimakis, "SMYRF: Efficient Attention using Asymmetric
 * Clustering", 2020, https://arxiv.org/abs/2010.05315, section 3 and appendix on adaptive clustering). Its merge weighs
 * each round by its mass, which counts a key as often as it shares a piece with the query.
 *
 * Keys that a mask of the whole head keeps out are sorted behind all others and keep their places, as in the original,
 * and finite biases are taken from the hash. Where the pieces do not divide, piece t has the keys of ranks ⌊t m / T⌋ …
 * ⌊(t + 1) m / T⌋ − 1, and the query of rank p is in piece ⌊p T / n⌋.
 *
 * @module
 */

import { type Job, startOf } from "../../softmax/block.ts";
import { averageRow } from "../../softmax/chosen.ts";
import { endKey } from "../../softmax/admit.ts";
import { maskRow } from "../../softmax/mask.ts";
import { APPENDED, type Directions, lengthOf, project } from "./hashing.ts";
import { scoreSome } from "./tensors.ts";

/** What a round makes of the queries and keys of a head. */
export interface Round {
  /** Keys by their hash. */
  keys: Int32Array;
  /** n: the rank of each query. */
  ranks: Int32Array;
}

/** How many pieces there are: what holds `clusterSize` keys or fewer each, and one at least. */
export function piecesOf(keys: number, clusterSize: number): number {
  return Math.max(1, Math.ceil(keys / clusterSize));
}

/** Fills the output of a job; a key counts once, or as often as it is met. */
export function attendPublished(
  job: Job,
  directions: Directions,
  clusterSize: number,
  once: boolean,
): void {
  const { queries, keys } = job, { length: m } = keys;
  const group = queries.heads / keys.heads, T = piecesOf(m, clusterSize);
  const scores = new Float64Array(m).fill(-Infinity);
  const times = new Int32Array(m);
  const met = new Int32Array(m);
  for (let batch = 0; batch < queries.batches; batch++) {
    for (let head = 0; head < queries.heads; head++) {
      const keyHead = Math.floor(head / group);
      const rounds = sortHead(job, batch, head, keyHead, directions);
      for (let row = 0; row < queries.length; row++) {
        let count = 0;
        for (const { keys, ranks } of rounds) {
          const piece = Math.floor(ranks[row] * T / queries.length);
          const end = Math.floor((piece + 1) * m / T);
          for (let at = Math.floor(piece * m / T); at < end; at++) {
            if (times[keys[at]]++ === 0) met[count++] = keys[at];
          }
        }
        const chosen = met.subarray(0, count);
        scoreSome(job, batch, head, keyHead, row, chosen, scores);
        const end = endKey(job.admission, batch, row);
        for (let i = 0; i < count; i++) {
          const j = chosen[i];
          if (j >= end) scores[j] = -Infinity;
          else if (!once) scores[j] += Math.log(times[j]);
          times[j] = 0;
        }
        averageRow(job, batch, head, keyHead, row, scores, chosen);
        for (let i = 0; i < count; i++) scores[chosen[i]] = -Infinity;
      }
    }
  }
}

/** Sorts queries and keys of a head along each direction. */
export function sortHead(
  { queries, keys, admission }: Job,
  batch: number,
  head: number,
  keyHead: number,
  directions: Directions,
): Round[] {
  const n = queries.length, m = keys.length, { dim, numbers } = directions;
  const queryAt = startOf(queries, batch, head);
  const keyAt = startOf(keys, batch, keyHead);
  const lengths = (of: typeof queries, start: number) =>
    Float64Array.from(
      { length: of.length },
      (_, i) => lengthOf(of.data, start + i * of.rowStride, dim),
    );
  const queryLengths = lengths(queries, queryAt);
  const keyLengths = lengths(keys, keyAt);
  const square = (lengths: Float64Array) =>
    lengths.reduce((most, length) => Math.max(most, length * length), 0);
  const sphere = square(queryLengths) + square(keyLengths);
  const height = (length: number) =>
    Math.sqrt(Math.max(0, sphere - length * length));
  const { mask } = admission, end = endKey(admission, batch, 0);
  const shift = (j: number) => {
    if (j >= end) return Infinity;
    if (mask === undefined || mask.rowStride > 0) return 0;
    const bias = mask.data[maskRow(mask, batch, head, 0) + j];
    return mask.additive ? -bias : bias === 1 ? 0 : Infinity;
  };
  return Array.from({ length: directions.rounds }, (_, round) => {
    const appended = round * (dim + APPENDED) + dim;
    const forKeys = numbers[appended], forQueries = numbers[appended + 1];
    const queryHashes = Float64Array.from(
      queryLengths,
      (length, i) =>
        project(
          directions,
          round,
          queries.data,
          queryAt + i * queries.rowStride,
        ) + forQueries * height(length),
    );
    const keyHashes = Float64Array.from(
      keyLengths,
      (length, j) =>
        project(directions, round, keys.data, keyAt + j * keys.rowStride) +
        forKeys * height(length) + shift(j),
    );
    const ranks = new Int32Array(n);
    sorted(queryHashes, n).forEach((i, rank) => ranks[i] = rank);
    return { keys: sorted(keyHashes, m), ranks };
  });
}

/** Numbers 0 … count − 1 by their hash, ties by number; what is no number comes last. */
function sorted(hashes: Float64Array, count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  const last = (hash: number) => Number.isNaN(hash) ? Infinity : hash;
  return order.sort((a, b) => {
    const x = last(hashes[a]), y = last(hashes[b]);
    return x < y ? -1 : x > y ? 1 : a - b;
  });
}
