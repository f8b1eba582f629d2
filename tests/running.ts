/**
 * What one would write first: running sums in f64, each relative to the largest score met so far.
 *
 * A key that comes adds e^(s − M) to the mass and e^(s − M) v to the numerators, a key that goes takes the same away,
 * and a larger score rescales both (M. Milakov and N. Gimelshein, Online normalizer calculation for softmax, 2018,
 * https://arxiv.org/abs/1805.02867, algorithm 3, with an inverse). What makes a stream hostile is what it does to these.
 *
 * @module
 */

import type { ModelEntry } from "./model.ts";

/** The sums of a query. */
export interface Running {
  /** dim */
  query: ArrayLike<number>;
  /** Multiplies the dot products. */
  scale: number;
  /** M: the largest score met. */
  largest: number;
  /** Σ e^(s − M) */
  mass: number;
  /** valueDim: Σ e^(s − M) v. */
  numerators: Float64Array;
}

/** Makes sums over no keys. */
export function makeRunning(
  query: ArrayLike<number>,
  scale: number,
  valueDim: number,
): Running {
  return {
    query,
    scale,
    largest: -Infinity,
    mass: 0,
    numerators: new Float64Array(valueDim),
  };
}

/** A key comes. */
export function absorb(running: Running, entry: ModelEntry): void {
  const score = scoreOf(running, entry);
  if (score > running.largest) {
    const rest = Math.exp(running.largest - score);
    running.mass *= rest;
    running.numerators.forEach((_, c, sums) => sums[c] *= rest);
    running.largest = score;
  }
  addTo(running, entry.value, Math.exp(score - running.largest));
}

/** A key goes. */
export function retract(running: Running, entry: ModelEntry): void {
  const score = scoreOf(running, entry);
  addTo(running, entry.value, -Math.exp(score - running.largest));
}

function addTo(
  running: Running,
  value: Float32Array,
  weight: number,
): void {
  // A masked key before any other: its weight is exp(−∞ + ∞).
  if (Number.isNaN(weight)) return;
  running.mass += weight;
  const { numerators } = running;
  for (let c = 0; c < value.length; c++) numerators[c] += weight * value[c];
}

function scoreOf(
  { query, scale }: Running,
  { key, bias }: ModelEntry,
): number {
  let dot = 0;
  for (let t = 0; t < key.length; t++) dot += query[t] * key[t];
  return dot * scale + bias;
}
