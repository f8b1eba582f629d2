/**
 * The mass of keys, bounded from above or from below, however large and however far apart their scores are.
 *
 * A key weighs 2^score, and its score is known up to a slack: the rounding errors of ours and of whatever definition
 * one compares with. Sums are kept in units of 2^anchor, the largest score that was met, so that nothing overflows and
 * what underflows does not matter.
 *
 * @module
 */

import { exp2, LEAST_EXPONENT, powerOfTwo, roundEven } from "../kernel/exp2.ts";
import { UNIT_ROUNDOFF } from "../softmax/ladder.ts";
import type { Memory } from "../memory/memory.ts";
import type { Pruned } from "../memory/method.ts";

/** The mass of some keys. */
export interface Mass {
  /** Keys counted; what follows means nothing for none. */
  count: number;
  /** Σ 2^(score + slack − anchor) */
  sum: number;
  /** The same, each times the size of its value. */
  magnitude: number;
  /** The largest size of a value. */
  peak: number;
  /** The largest slack of a key that weighs anything. */
  slack: number;
  anchor: number;
}

/** What the roundings of sums of 2²³ keys, or what underflows, can add is less. */
const SLACK = 1 + 2 ** -20;
/** Masses further apart are as good as infinitely far. */
const MOST_PLACES = 800;
/** A score of this distance from the largest is off by so many units when the largest is taken away; then e^x is 0. */
const LARGEST_DIFFERENCE = 2048;

/** No keys. */
export function makeMass(): Mass {
  return { count: 0, sum: 0, magnitude: 0, peak: 0, slack: 0, anchor: 0 };
}

/** Counts a key; a negative slack bounds from below. */
export function addTo(
  mass: Mass,
  score: number,
  slack: number,
  peak: number,
): void {
  const bound = score + slack, whole = roundEven(bound);
  if (mass.count++ === 0) mass.anchor = whole;
  else if (whole > mass.anchor) {
    const places = mass.anchor - whole, far = places < LEAST_EXPONENT;
    const unit = far ? 0 : powerOfTwo(places);
    mass.sum *= unit;
    mass.magnitude *= unit;
    if (far) mass.slack = 0;
    mass.anchor = whole;
  }
  mass.peak = Math.max(mass.peak, peak);
  const places = whole - mass.anchor;
  if (places < LEAST_EXPONENT) return;
  mass.slack = Math.max(mass.slack, slack);
  const weight = exp2(bound - whole) * powerOfTwo(places);
  mass.sum += weight;
  mass.magnitude += weight * peak;
}

/**
 * How far the canonical score of a key may be from that of anyone, in log2 units: the roundings of
 * `answer/certify.ts`, and those of adding the slack.
 */
export function slackOf(
  { dim, factor, keys: { norms, scoreBiases } }: Memory,
  queryNorm: number,
  slot: number,
): number {
  const reach = Math.abs(factor) * queryNorm * norms[slot];
  return slackOfSizes(dim, reach, Math.abs(scoreBiases[slot]));
}

/** The same, for keys of which |factor| |q| |k| and the size of the bias are at most so large. */
export function slackOfSizes(
  dim: number,
  reach: number,
  biasSize: number,
): number {
  return UNIT_ROUNDOFF * ((1.5 * dim + 10) * reach + 10 * biasSize +
    LARGEST_DIFFERENCE);
}

/**
 * What is left out, from a mass attended to, from below, and that of the others, from above, of which so much may be
 * gone, in units of 2^anchor.
 *
 * With A attended to and B others really there, whose values have a mean size of M / B: the share is B / (A + B), and
 * M / (A + B) is largest where B is least, which is not below M / peak.
 */
export function leftOut(attended: Mass, others: Mass, gone: number): Pruned {
  if (others.count === 0) return { share: 0, size: 0 };
  const { sum, magnitude, peak, slack } = others;
  const places = others.anchor - attended.anchor;
  const unit = powerOfTwo(
    Math.min(Math.max(places, LEAST_EXPONENT), MOST_PLACES),
  );
  const ratio = sum * unit / attended.sum;
  const sure = sum * Math.exp(-2 * Math.LN2 * slack) / SLACK - gone * SLACK;
  const least = Math.max(sure, peak === 0 ? 0 : magnitude / peak) * unit;
  return {
    share: Math.min(1, ratio / (1 + ratio) * SLACK),
    size: magnitude * unit / (attended.sum + least) * SLACK,
  };
}
