/**
 * Mixed values V' = W V + b 1ᵀ, kept while values change.
 *
 * A number of V' is *defined* as the 32-bit float nearest to its exact sum, so it depends on what is stored and on
 * nothing else. A value that changes moves every row of V' by a rank-one step, W's column times the difference: `sums`
 * follow in 64-bit floats and `slack` bounds how far they are off. Where both ends of sum ± slack round to the same
 * float, that is the answer; where they do not, big integers tell it. So bits never depend on the order of changes.
 *
 * @module
 */

import type { Layer } from "./layer.ts";
import { nearDouble, nearestSingle, product } from "./exact_sum.ts";

/** What is kept of the mixed values of `count` places. */
export interface Mixture {
  readonly context: NonNullable<Layer["context"]>;
  readonly causal: boolean;
  /** Numbers of a value. */
  readonly width: number;
  count: number;
  /** size × width: what was given. */
  values: Float32Array;
  /** size × width: W V + b 1ᵀ as changes have left it. */
  sums: Float64Array;
  /** size × width: how far that may be off. */
  slack: Float64Array;
  /** size × width: the answers. */
  mixed: Float32Array;
  /** Multiply-adds spent. */
  multiplyAdds: number;
}

/** Twice the rounding of 64-bit floats, so that what bounds are rounded by is covered as well. */
const ROUNDING = 2 ** -52;
/** A sum is rounded once; its new term three times: the difference, the product, and the bound itself. */
const TERM_ROUNDINGS = 3;
/** Covers what is lost below the smallest float. */
const LEAST = 4 * Number.MIN_VALUE;

/** A mixture without places. */
export function makeMixture(
  context: Mixture["context"],
  causal: boolean,
  width: number,
): Mixture {
  const { size, bias } = context, numbers = size * width;
  const sums = new Float64Array(numbers);
  for (let t = 0; t < size && bias !== undefined; t++) {
    sums.fill(bias[t], t * width, (t + 1) * width);
  }
  return {
    context,
    causal,
    width,
    count: 0,
    values: new Float32Array(numbers),
    sums,
    slack: new Float64Array(numbers),
    mixed: new Float32Array(numbers),
    multiplyAdds: 0,
  };
}

/**
 * A copy of a mixture with other values in some places, rows of `rows`, and `count` places in all.
 *
 * Costs size · width multiply-adds for each place, about half of it on average where causal.
 */
export function remixed(
  before: Mixture,
  places: readonly number[],
  rows: Float32Array,
  count: number,
): Mixture {
  const after: Mixture = {
    ...before,
    count,
    values: before.values.slice(),
    sums: before.sums.slice(),
    slack: before.slack.slice(),
    mixed: before.mixed.slice(),
  };
  const { width, causal } = after;
  places.forEach((place, at) =>
    replace(after, place, rows.subarray(at * width, (at + 1) * width))
  );
  const first = causal ? Math.min(...places) : 0;
  for (let at = first * width; at < count * width; at++) {
    after.mixed[at] = answer(after, at);
  }
  return after;
}

/** The places whose mixed values differ in two mixtures of as many. */
export function movedPlaces(before: Mixture, after: Mixture): number[] {
  const { width, count } = after, moved: number[] = [];
  for (let t = 0; t < count; t++) {
    let at = t * width;
    const to = at + width;
    while (at < to && before.mixed[at] === after.mixed[at]) at++;
    if (at < to) moved.push(t);
  }
  return moved;
}

/** Moves the sums from the old value of a place to a new one. */
function replace(mixture: Mixture, place: number, value: Float32Array): void {
  const { context: { size, weight }, causal, width, values, sums, slack } =
    mixture;
  const old = place * width;
  for (let t = causal ? place : 0; t < size; t++) {
    const share = weight[t * size + place];
    if (share === 0) continue;
    mixture.multiplyAdds += width;
    for (let c = 0, at = t * width; c < width; c++, at++) {
      const term = share * (value[c] - values[old + c]);
      const sum = sums[at] + term;
      sums[at] = sum;
      slack[at] +=
        ROUNDING * (Math.abs(sum) + TERM_ROUNDINGS * Math.abs(term)) +
        LEAST;
    }
  }
  values.set(value, old);
}

/** The answer for a number of the mixed values. */
function answer(mixture: Mixture, at: number): number {
  const { sums, slack, context: { size, weight, bias }, width, values } =
    mixture;
  const low = Math.fround(sums[at] - slack[at]);
  // The sum takes −0 to 0: which of them a sum ends at depends on its order.
  if (low === Math.fround(sums[at] + slack[at])) return low + 0;
  const t = Math.floor(at / width), c = at % width;
  const end = mixture.causal ? t + 1 : mixture.count;
  let sum = bias === undefined ? 0n : product(bias[t], 1);
  for (let u = 0; u < end; u++) {
    sum += product(weight[t * size + u], values[u * width + c]);
  }
  mixture.multiplyAdds += end;
  sums[at] = nearDouble(sum);
  slack[at] = ROUNDING * Math.abs(sums[at]) + LEAST;
  return nearestSingle(sum);
}
