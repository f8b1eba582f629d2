/**
 * Causal Nyström attention of tensors: each output from what its query may see, by landmarks that are given.
 *
 * Landmarks that are means of what is still to come would tell of it, so they are given, and Γ with them. What a prefix
 * of the keys adds are the outputs of the landmark queries over it, Y_i = softmax(Q̃ K_{≤i}ᵀ) V_{≤i}: an online softmax
 * for each of the r landmarks (M. Milakov, N. Gimelshein, Online normalizer calculation for softmax, 2018,
 * https://arxiv.org/abs/1805.02867, algorithm 3), here of the average itself, which cannot overflow. Row i is then
 * softmax(q_i K̃ᵀ) Z Y_i, and exact while a query sees no more keys than there are landmarks.
 *
 * A ridge that leaving one out settles looks at values. It is settled when r + 1 keys have been met and whenever they
 * have doubled since: by a prefix, at a cost that grows with its logarithm, and at the same keys however the queries are
 * spread over calls with a cache. `bench/nystrom.md` compares that with a ridge settled anew for each row, which would
 * cost 18 r² valueDim there.
 *
 * @module
 */

import { exponential } from "../kernel/flash.ts";
import { endKey } from "../softmax/admit.ts";
import { type Job, startOf } from "../softmax/block.ts";
import type { Landmarks } from "./given.ts";
import { exactRows, type Head, loadKeys, loadQueries } from "./heads.ts";
import {
  areFinite,
  gammaOf,
  scoreLandmarks,
  weighScores,
} from "./landmarks.ts";
import type { Settings } from "./settings.ts";
import { makeSolver, settleRidge, type Solver, takeGamma } from "./solver.ts";

/** The outputs of the landmark queries, r of them, over the keys met so far. */
interface Prefix {
  /** How many have been met. */
  count: number;
  /** A landmark has met what is no finite number: it makes NaN of this output and all that follow. */
  isSpoilt: boolean;
  /** r: the largest score. */
  anchor: Float64Array;
  /** r: Σ exp(score − anchor). */
  sum: Float64Array;
  /** r × valueDim */
  answers: Float64Array;
}

/** The solver of Γ, which all heads share; undefined where scores of landmarks are no finite numbers. */
export function causalSolver(
  { queries: { dim }, scale, softcap }: Job,
  settings: Settings,
  { queries, keys, size }: Landmarks,
): Solver | undefined {
  const gamma = gammaOf(queries, keys, dim, size, scale, softcap);
  if (!areFinite(gamma)) return undefined;
  const solver = makeSolver(settings, { multiplyAdds: 0 });
  takeGamma(solver, gamma, size);
  return solver;
}

/** The outputs of a head whose queries see no keys behind some position: n × valueDim. */
export function causalRows(
  job: Job,
  settings: Settings,
  landmarks: Landmarks,
  solver: Solver | undefined,
  head: Head,
): Float64Array {
  const { queries: { dim, length }, values, scale, softcap } = job;
  const { size, keys: landmarkKeys } = landmarks, width = values.dim;
  const rows = new Float64Array(length * width);
  const queries = loadQueries(job, settings, head), keys = loadKeys(job, head);
  const prefix: Prefix = {
    count: 0,
    isSpoilt: false,
    anchor: new Float64Array(size).fill(-Infinity),
    sum: new Float64Array(size),
    answers: new Float64Array(size * width),
  };
  const weights = new Float64Array(size), turned = new Float64Array(size);
  const scores = new Float64Array(size), { places } = head;
  let exact = 0, due = size + 1;
  for (let i = 0; i < length; i++) {
    const end = endKey(job.admission, head.batch, i);
    while (prefix.count < places.length && places[prefix.count] < end) {
      meetKey(job, head, landmarks, keys, scores, prefix);
      if (prefix.count < due) continue;
      due *= 2;
      if (solver === undefined || prefix.isSpoilt) continue;
      settleRidge(solver, prefix.answers, width);
    }
    if (prefix.count <= size) {
      exact++;
      continue;
    }
    if (solver === undefined || prefix.isSpoilt) {
      rows.fill(NaN, i * width, (i + 1) * width);
      continue;
    }
    scoreLandmarks(
      queries,
      i * dim,
      landmarkKeys,
      dim,
      size,
      scale,
      softcap,
      weights,
      0,
    );
    weighScores(weights, 0, size);
    combine(weights, solver.inverse, turned);
    combine(turned, prefix.answers, rows.subarray(i * width, (i + 1) * width));
  }
  rows.set(exactRows(job, settings, head, exact));
  return rows;
}

/** Lets the landmark queries meet the next key. */
function meetKey(
  { queries: { dim }, values, scale, softcap }: Job,
  { batch, keyHead, places, biases }: Head,
  landmarks: Landmarks,
  keys: Float64Array,
  scores: Float64Array,
  prefix: Prefix,
): void {
  const { anchor, sum, answers } = prefix, width = values.dim;
  const place = places[prefix.count], bias = biases[prefix.count];
  const value = startOf(values, batch, keyHead) + place * values.rowStride;
  prefix.count++;
  // One key and all landmark queries: a dot product does not mind which of the two is called the query.
  scoreLandmarks(
    keys,
    place * dim,
    landmarks.queries,
    dim,
    landmarks.size,
    scale,
    softcap,
    scores,
    0,
  );
  for (let j = 0, at = 0; j < scores.length; j++, at += width) {
    const score = scores[j] + bias;
    if (!Number.isFinite(score)) prefix.isSpoilt = true;
    let weight = 1;
    if (score > anchor[j]) {
      sum[j] = sum[j] * exponential(anchor[j] - score) + 1;
      anchor[j] = score;
    } else {
      weight = exponential(score - anchor[j]);
      sum[j] += weight;
    }
    if (weight === 0) continue;
    const share = weight / sum[j], rest = 1 - share;
    for (let c = 0; c < width; c++) {
      const number = rest * answers[at + c] + share * values.data[value + c];
      if (!Number.isFinite(number)) prefix.isSpoilt = true;
      answers[at + c] = number;
    }
  }
}

/** Writes the combination of rows, as many as there are weights and as long as `to`, that weights say. */
function combine(
  weights: Float64Array,
  rows: Float64Array,
  to: Float64Array,
): void {
  const width = to.length;
  to.fill(0);
  for (let j = 0, at = 0; j < weights.length; j++, at += width) {
    const weight = weights[j];
    for (let c = 0; c < width; c++) to[c] += weight * rows[at + c];
  }
}
