/**
 * Mean weights of many examples, and the mask that the smallest of them leave: pruning without an attention.
 *
 * Attention is averaged position by position over examples, and positions whose mean is at or below a percentile of all
 * means are masked from then on, whatever comes in (Rugina, Dangovski, Jing, Nakov and Soljačić, Data-Informed Global
 * Sparseness in Attention Mechanisms for Deep Neural Networks, 2020, https://arxiv.org/abs/2012.02030). Two things
 * differ from the authors' code: a mean divides by how often its position was there, so that short examples do not
 * dilute it, and a row keeps its largest mean where all would go, instead of attending to everything alike.
 *
 * @module
 */

import { checkInteger, checkShare, show } from "../check.ts";
import { roundEven } from "../kernel/exp2.ts";
import { checkList } from "../rows.ts";
import {
  axes,
  checkTensor,
  type FloatTensor,
  type Tensor,
} from "../softmax/tensor.ts";

/** Sums of weights, position by position, and how often each was there. */
export interface WeightMeans {
  /** The length of each axis of the positions. */
  readonly shape: readonly number[];
  /** positions: the sum of the weights. */
  readonly sums: Float64Array;
  /** positions: how many there were. */
  readonly counts: Float64Array;
}

const FLOATS = ["Float32Array", "Float64Array"];
/** What a tensor of 64-bit numbers may hold. */
const MOST_POSITIONS = 2 ** 31 - 1;

/**
 * Starts the means of attention weights over positions of this shape, such as [heads, queries, keys].
 *
 * What shares a threshold belongs in one record: the authors take the heads of a layer together. Costs 16 bytes for
 * each position. Errors: a `TypeError` for what is no list of numbers, a `RangeError` for what is no shape.
 *
 * @example Two examples, the second of them shorter
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { addWeights, meanTensor, meanWeights, pruneMask } from "@reattend/reattend/methods";
 *
 * const means = meanWeights([1, 3]);
 * addWeights(means, { data: new Float64Array([0.5, 0.25, 0.25]), shape: [1, 3] });
 * const present = { data: new Uint8Array([1, 1, 0]), shape: [1, 3] };
 * addWeights(means, { data: new Float64Array([0.75, 0.25, 0]), shape: [1, 3] }, present);
 * assertEquals(meanTensor(means).data, new Float64Array([0.625, 0.25, 0.25]));
 * assertEquals(pruneMask(meanTensor(means), 0.5).data, new Uint8Array([1, 0, 0]));
 * ```
 */
export function meanWeights(shape: readonly number[]): WeightMeans {
  const verb = "start means";
  if (!Array.isArray(shape)) {
    throw new TypeError(
      `Cannot ${verb}: shape is ${
        show(shape)
      }, it should be an array of whole numbers`,
    );
  }
  let size = 1;
  shape.forEach((axis, at) => {
    size *= checkInteger(verb, `shape[${at}]`, axis, 0, MOST_POSITIONS);
  });
  checkInteger(verb, "the size of shape", size, 0, MOST_POSITIONS);
  return {
    shape: Object.freeze([...shape]),
    sums: new Float64Array(size),
    counts: new Float64Array(size),
  };
}

/**
 * Adds the weights of one example, or of several along axes in front, to means.
 *
 * `present` says which positions are there (1), such as those that are no padding; its axes are those of the weights,
 * or 1 where all places share. What is not there may hold anything; the rest should be finite and not negative. A call
 * that throws has added nothing.
 *
 * Costs O(weights). Errors: a `RangeError` for shapes that do not meet or a weight that is none, a `TypeError` for what
 * is no tensor.
 */
export function addWeights(
  means: WeightMeans,
  weights: Tensor,
  present?: Tensor,
): void {
  const verb = "add weights";
  const { shape, sums, counts } = checkMeans(verb, means);
  const { data, shape: given } = checkTensor(verb, "weights", weights, FLOATS);
  const lead = given.length - shape.length;
  if (lead < 0 || shape.some((axis, at) => given[lead + at] !== axis)) {
    throw new RangeError(
      `Cannot ${verb}: weights.shape is ${axes(given)}, it should end in ${
        axes(shape)
      }`,
    );
  }
  const isThere = present === undefined
    ? () => true
    : presence(verb, given, present);
  for (let at = 0; at < data.length; at++) {
    if (isThere(at) && !(data[at] >= 0 && data[at] < Infinity)) {
      throw new RangeError(
        `Cannot ${verb}: weight ${at} is ${
          data[at]
        }, it should be finite and not negative`,
      );
    }
  }
  const size = sums.length;
  for (let at = 0; at < data.length; at++) {
    if (!isThere(at)) continue;
    sums[at % size] += data[at];
    counts[at % size]++;
  }
}

/**
 * The means of the positions, NaN where a position was never there.
 *
 * Costs a pass over the positions. Errors: a `TypeError` for what `meanWeights` did not make.
 */
export function meanTensor(means: WeightMeans): FloatTensor {
  const { shape, sums, counts } = checkMeans("read means", means);
  return { data: sums.map((sum, at) => sum / counts[at]), shape: [...shape] };
}

/**
 * The percentile of numbers by nearest rank: of N numbers in ascending order that at share · (N − 1), rounded to even.
 *
 * That is numpy's `interpolation="nearest"`. NaN is left out; of no numbers it is −Infinity, which nothing is below.
 *
 * Costs a sort and 8 bytes for each number. Errors: a `RangeError` for a share that is not from 0 to 1, a `TypeError` for
 * what is no list of numbers.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { percentileNearest } from "@reattend/reattend/methods";
 *
 * assertEquals(percentileNearest([5, 1, 3, 2, 4], 0.5), 3);
 * assertEquals(percentileNearest([1, 2, 3, 4], 0.5), 3);
 * assertEquals(percentileNearest([1, 2], 0.5), 1);
 * ```
 */
export function percentileNearest(
  values: ArrayLike<number>,
  share: number,
): number {
  const verb = "find a percentile";
  checkShare(verb, "share", share);
  const list: ArrayLike<unknown> = checkList(verb, "values", values);
  const numbers = Float64Array.from(list, (value, at) => {
    if (typeof value === "number") return value;
    throw new TypeError(
      `Cannot ${verb}: values[${at}] is ${show(value)}, it should be a number`,
    );
  });
  const sorted = numbers.filter((value) => !Number.isNaN(value)).sort();
  return sorted.length === 0
    ? -Infinity
    : sorted[roundEven(share * (sorted.length - 1))];
}

/**
 * Masks the positions whose means are at or below a percentile of all: 0 there, 1 where a query may attend.
 *
 * Rows run along the last axis. A row that would lose all its positions keeps the one of largest mean, the first of
 * equals; a position that was never there (NaN) stays and counts nowhere; a sparsity of 0 masks nothing. More than the
 * share may go where means are equal. The mask is what `scaledDotProductAttention` takes.
 *
 * Costs a sort. Errors: a `RangeError` for a sparsity outside [0, 1), a mean that is infinite, or a tensor without axes;
 * a `TypeError` for what is no tensor.
 *
 * @example A quarter of nine positions and what is tied with it
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { pruneMask } from "@reattend/reattend/methods";
 *
 * const data = new Float64Array([0.5, 0.3, 0.2, 0.1, 0.2, 0.7, 0.6, 0.3, 0.1]);
 * const { data: mask } = pruneMask({ data, shape: [3, 3] }, 0.25);
 * assertEquals([...mask], [1, 1, 0, 0, 0, 1, 1, 1, 0]);
 * ```
 */
export function pruneMask(mean: Tensor, sparsity: number): Tensor {
  const verb = "prune";
  const { data, shape } = checkTensor(verb, "mean", mean, FLOATS);
  checkShare(verb, "sparsity", sparsity, false);
  if (shape.length === 0) {
    throw new RangeError(
      `Cannot ${verb}: mean.shape is [], its last axis should be the keys`,
    );
  }
  data.forEach((value, at) => {
    if (Math.abs(value) === Infinity) {
      throw new RangeError(
        `Cannot ${verb}: mean ${at} is ${value}, it should be finite, or NaN for none`,
      );
    }
  });
  const threshold = thresholdOf(data, sparsity), keys = shape[shape.length - 1];
  const mask = Uint8Array.from(data, (value) => value <= threshold ? 0 : 1);
  for (let start = 0; keys > 0 && start < mask.length; start += keys) {
    const end = start + keys;
    if (mask.subarray(start, end).some((one) => one === 1)) continue;
    let best = start;
    for (let at = start; at < end; at++) if (data[at] > data[best]) best = at;
    mask[best] = 1;
  }
  return { data: mask, shape: [...shape] };
}

/** What is at or below it is pruned. */
export function thresholdOf(
  means: ArrayLike<number>,
  sparsity: number,
): number {
  return sparsity === 0 ? -Infinity : percentileNearest(means, sparsity);
}

/** Checks what `meanWeights` makes. */
function checkMeans(verb: string, means: unknown): WeightMeans {
  const { shape, sums, counts } = (means ?? {}) as Partial<WeightMeans>;
  if (
    !Array.isArray(shape) || !(sums instanceof Float64Array) ||
    !(counts instanceof Float64Array) || sums.length !== counts.length ||
    sums.length !== shape.reduce((size, axis) => size * axis, 1)
  ) {
    throw new TypeError(
      `Cannot ${verb}: means is ${
        show(means)
      }, it should be made by meanWeights`,
    );
  }
  return means as WeightMeans;
}

/** Whether the position at a place of the weights is there. */
function presence(
  verb: string,
  shape: readonly number[],
  present: Tensor,
): (at: number) => boolean {
  const { data, shape: given } = checkTensor(verb, "present", present, [
    "Uint8Array",
  ]);
  if (
    given.length !== shape.length ||
    given.some((axis, at) => axis !== 1 && axis !== shape[at])
  ) {
    throw new RangeError(
      `Cannot ${verb}: present.shape is ${axes(given)}, it should be ${
        axes(shape)
      } or 1 in places`,
    );
  }
  if (data.length === shape.reduce((size, axis) => size * axis, 1)) {
    return (at) => data[at] !== 0;
  }
  return (at) => {
    let place = 0, stride = 1, rest = at;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (given[axis] > 1) place += stride * (rest % shape[axis]);
      rest = Math.floor(rest / shape[axis]);
      stride *= given[axis];
    }
    return data[place] !== 0;
  };
}
