/**
 * The keys that a query meets: of those far out along it in the orders of hashes, the ones that lie furthest.
 *
 * With orthogonal unit directions α, Σ (α · q)(α · k) is the part of the dot product that lies in their span: an estimate
 * of the score that costs one multiply-add for each round. A query walks through the orders from the ends at which its
 * keys are, through each in proportion to |α · q|, until it has met {@linkcode CANDIDATES} times as many different keys
 * as it is to have (the sorted access of R. Fagin, A. Lotem, M. Naor, "Optimal aggregation algorithms for middleware",
 * 2003, https://doi.org/10.1016/S0022-0000(03)00026-6, broken off). Those of the largest estimate are its cluster. The
 * same shift of all keys changes nothing, as it changes nothing in softmax.
 *
 * What a query meets is a function of the query and the keys that it admits. It does not depend on other queries, nor on
 * keys that come later in causal attention. The published clusters (`published.ts`) do, and err more at the same number
 * of scores (`bench/smyrf.ts`).
 *
 * @module
 */

import {
  countOf,
  nextOf,
  NOBODY,
  nodeAt,
  type Order,
  previousOf,
} from "./order.ts";

/** Candidates for each key of a cluster. Measured: with 2 the error is larger, with 8 it is not smaller. */
export const CANDIDATES = 4;

/** What has been met: `marks` holds `mark` there. */
export interface Marks {
  marks: Int32Array;
  mark: number;
}

/** A walk through the orders; rounds each. */
export interface Walk {
  /** The node to be met next, and the last that was met, NOBODY for none. */
  next: Int32Array;
  last: Int32Array;
  /** How far the round is when it has met its next one: how many, by its slope. */
  due: Float64Array;
  /** Admitted nodes that it has met. */
  steps: Int32Array;
  /** It went through a whole order, so it met all there are. */
  through: boolean;
}

/** Makes scratch for so many rounds. */
export function makeWalk(rounds: number): Walk {
  return {
    next: new Int32Array(rounds),
    last: new Int32Array(rounds),
    due: new Float64Array(rounds),
    steps: new Int32Array(rounds),
    through: false,
  };
}

/**
 * Fills `into` with different keys far out along a query, and returns how many there are: fewer than fit are all that are
 * admitted.
 *
 * Costs a step in an order for each key met in it, and no multiply-adds; keys that are not admitted are passed by and
 * change nothing.
 */
export function takeCandidates(
  orders: readonly Order[],
  slopes: Float64Array,
  walk: Walk,
  { marks, mark }: Marks,
  admits: ((node: number) => boolean) | undefined,
  into: Int32Array,
): number {
  const rounds = orders.length, most = into.length;
  const all = countOf(orders[0]), { next, last, due, steps } = walk;
  walk.through = all === 0;
  last.fill(NOBODY);
  steps.fill(0);
  for (let round = 0; round < rounds; round++) {
    const slope = slopes[round];
    next[round] = nodeAt(orders[round], slope > 0 ? all - 1 : 0);
    due[round] = dueOf(1, slope);
  }
  let count = 0;
  while (count < most && !walk.through) {
    let first = 0;
    for (let round = 1; round < rounds; round++) {
      if (due[round] < due[first]) first = round;
    }
    const order = orders[first], node = next[first], slope = slopes[first];
    if (admits === undefined || admits(node)) {
      due[first] = dueOf(++steps[first] + 1, slope);
      if (marks[node] !== mark) {
        marks[node] = mark;
        into[count++] = node;
      }
    }
    last[first] = node;
    next[first] = slope > 0 ? previousOf(order, node) : nextOf(order, node);
    walk.through = next[first] === NOBODY;
  }
  return count;
}

/** A slope that is no number, after an overflow, is as good as none. */
function dueOf(steps: number, slope: number): number {
  const size = Math.abs(slope);
  return size > 0 ? steps / size : Infinity;
}

/** The estimate of a key's dot product with a query, up to a shift of all keys. */
export function estimate(
  orders: readonly Order[],
  slopes: Float64Array,
  node: number,
): number {
  let sum = 0;
  for (let round = 0; round < orders.length; round++) {
    sum += slopes[round] * orders[round].hashes[node];
  }
  return Number.isNaN(sum) ? -Infinity : sum;
}

/** Moves the `most` candidates of the largest estimates, of equals those of smaller ids, to the front; returns how many there are. */
export function keepBest(
  candidates: Int32Array,
  estimates: Float64Array,
  { ids }: Order,
  most: number,
): number {
  const count = candidates.length;
  if (count <= most) return count;
  const floor = estimates.slice().sort()[count - most];
  const equals: number[] = [];
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const node = candidates[i];
    if (estimates[i] > floor) candidates[kept++] = node;
    else if (estimates[i] === floor) equals.push(node);
  }
  equals.sort((a, b) => ids[a] - ids[b]);
  for (let i = 0; kept < most; i++) candidates[kept++] = equals[i];
  return kept;
}
