/**
 * Landmarks: the few rows that stand for all, and the softmax over them.
 *
 * A landmark is the mean of a segment of rows that follow each other; segments are equal, but that the first
 * `rows mod segments` of them are one longer, as in the code of Xiong et al. (Nyströmformer, 2021,
 * https://arxiv.org/abs/2102.03902, equation 14).
 *
 * @module
 */

import { exponential } from "../kernel/flash.ts";

/** Where a segment begins; where segment `segments` would is the end. */
export function segmentStart(
  rows: number,
  segments: number,
  segment: number,
): number {
  const length = Math.floor(rows / segments), longer = rows % segments;
  return segment * length + Math.min(segment, longer);
}

/** The means of the segments of the rows at these places: segments × dim. */
export function segmentMeans(
  rows: Float64Array,
  dim: number,
  places: ArrayLike<number>,
  segments: number,
): Float64Array {
  const means = new Float64Array(segments * dim);
  for (let segment = 0; segment < segments; segment++) {
    const from = segmentStart(places.length, segments, segment);
    const to = segmentStart(places.length, segments, segment + 1);
    const at = segment * dim;
    for (let i = from; i < to; i++) {
      const row = places[i] * dim;
      for (let t = 0; t < dim; t++) means[at + t] += rows[row + t];
    }
    for (let t = at; t < at + dim; t++) means[t] /= to - from;
  }
  return means;
}

/** Writes scale · q · k of one query and `count` keys, capped if there is a cap. */
export function scoreLandmarks(
  queries: Float64Array,
  queryAt: number,
  keys: Float64Array,
  dim: number,
  count: number,
  scale: number,
  softcap: number,
  scores: Float64Array,
  at: number,
): void {
  for (let j = 0, key = 0; j < count; j++, key += dim) {
    let dot = 0;
    for (let t = 0; t < dim; t++) dot += queries[queryAt + t] * keys[key + t];
    const score = dot * scale;
    scores[at + j] = softcap > 0 ? softcap * Math.tanh(score / softcap) : score;
  }
}

/** Makes weights of `count` scores, in place. */
export function weighScores(
  scores: Float64Array,
  at: number,
  count: number,
): void {
  let largest = -Infinity, sum = 0;
  for (let j = at; j < at + count; j++) {
    largest = Math.max(largest, scores[j]);
  }
  for (let j = at; j < at + count; j++) {
    scores[j] = exponential(scores[j] - largest);
    sum += scores[j];
  }
  for (let j = at; j < at + count; j++) scores[j] /= sum;
}

/** Γ: the softmax of each landmark query over the landmark keys, count × count. */
export function gammaOf(
  queries: Float64Array,
  keys: Float64Array,
  dim: number,
  count: number,
  scale: number,
  softcap: number,
): Float64Array {
  const gamma = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    const at = i * count;
    scoreLandmarks(
      queries,
      i * dim,
      keys,
      dim,
      count,
      scale,
      softcap,
      gamma,
      at,
    );
    weighScores(gamma, at, count);
  }
  return gamma;
}

/** NaN and Infinity have no landmarks: they make NaN of the head, or where it is causal of what sees them. */
export function areFinite(numbers: Float64Array): boolean {
  return numbers.every((number) => Number.isFinite(number));
}
