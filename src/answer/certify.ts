/**
 * How far an output is from exact attention over what is stored: proven bounds, per row, in the maximum norm.
 *
 * Two errors add up. *Rounding*: an answer is R(O), at most θ of a step from O. *Evaluation*: O itself is formed from
 * weights computed in f64. If every weight is off by a factor within e^±h, then |Ô − O|_c ≤ (e^2h − 1) Σ p_j |v_jc| ≤
 * (e^2h − 1) e^2h Ā, and h follows from the roundings of a score: ln 2 · u · ((dim / 2 + 4) · |factor| |q| |k| +
 * 4 |bias|) + 6u, with two stripes in the dot product, the roundings of the factor and of the bias, and 4u for the
 * power of two. The bound reported also covers a plain f64 definition that one may compare with: a dot product in one
 * stripe and a sum over the keys.
 *
 * @module
 */

import { boundOf, rowBound, UNIT_ROUNDOFF } from "../softmax/ladder.ts";
import { scaleExponent, stepExponent, THETA } from "../softmax/canon.ts";
import { exponentOf } from "../kernel/exp2.ts";
import { highOf, lowOf } from "../kernel/grids.ts";
import type { Query, Scratch, Sums } from "../kernel/kernel.ts";
import { lengthOf } from "../memory/keys.ts";
import type { Memory } from "../memory/memory.ts";
import type { Pruned } from "../memory/method.ts";
import { largestSizes } from "../sync/recompute.ts";
import { isCurrent } from "../sync/sync.ts";

/** A bound on the error of outputs, and its parts, in the unit of the values. */
export interface ErrorBound {
  /** The sum of the parts. */
  total: number;
  /** Rounding the average to 32 significant bits. */
  rounding: number;
  /** Evaluating scores and weights in double precision. */
  evaluation: number;
  /** Changes not looked at yet. */
  lazy: number;
  /** Keys left out by an approximate method. */
  pruned: number;
}

/** No error at all. */
export const NO_ERROR: Readonly<ErrorBound> = {
  total: 0,
  rounding: 0,
  evaluation: 0,
  lazy: 0,
  pruned: 0,
};

/** An approximation is as far from exact attention as it happens to be. */
const NO_BOUND: Readonly<ErrorBound> = {
  ...NO_ERROR,
  pruned: Infinity,
  total: Infinity,
};

/** The bound of a watched row as it stands. */
export function boundRow(memory: Memory, row: number): ErrorBound {
  const { rows, factor } = memory;
  if (memory.keys.slots.size === 0) return { ...NO_ERROR };
  if (!isCurrent(memory, row)) {
    return { ...NO_ERROR, lazy: Infinity, total: Infinity };
  }
  if (memory.approximation !== undefined) return { ...NO_BOUND };
  const reach = Math.abs(factor) * rows.norms[row] * rows.keyNorms[row];
  return boundSums(
    memory,
    rows.sums,
    row,
    reach,
    rows.biasSizes[row],
    (memory.selection ?? memory.sieve)?.pruned(row),
  );
}

/** The bound of the answer last given to a query that is not watched, whose keys are in scratch. */
export function boundGuest(
  memory: Memory,
  query: Query,
  scratch: Scratch,
): ErrorBound {
  const { guest, factor, dim } = memory;
  const length = lengthOf(
    query.entries ?? query.rows.subarray(query.at, query.at + dim),
  );
  const { norm, bias } = largestSizes(
    memory,
    length,
    guest.anchor[0],
    guest.count[0],
    scratch,
  );
  const reach = Math.abs(factor) * length * norm;
  const pruned = memory.selection?.prunedLast();
  return boundSums(memory, guest, 0, reach, bias, pruned);
}

/**
 * The bound of the answer that sums give.
 *
 * `reach` is at least |factor| |q| |k| and `biasSize` at least |bias| in log2 units, for every key in the sums but those too far to matter (`isFar`).
 */
export function boundSums(
  memory: Memory,
  sums: Sums,
  row: number,
  reach: number,
  biasSize: number,
  left?: Pruned,
): ErrorBound {
  const count = sums.count[row];
  if (count === 0 || memory.valueDim === 0) return { ...NO_ERROR };
  const bound = rowBound(sums, row);
  if (bound === undefined) {
    return { ...NO_ERROR, rounding: Infinity, total: Infinity };
  }
  const mass = sums.massHigh[row] + sums.massLow[row];
  const quotient = (sum: number) => {
    const size = Math.abs(sum) / mass * bound.unit;
    return size + boundOf(bound, size);
  };
  const magnitude = quotient(sums.magnitudeHigh[row] + sums.magnitudeLow[row]);
  let largest = 0;
  for (let c = 0, at = row * memory.valueDim; c < memory.valueDim; c++, at++) {
    largest = Math.max(
      largest,
      Math.abs(highOf(sums, at) + lowOf(sums, row, at)),
    );
  }
  const step = stepExponent(
    exponentOf(quotient(largest)),
    scaleExponent(magnitude),
    memory.precision,
  );
  const rounding = THETA * 2 ** step;
  // Ours and the definition's: dim / 2 + 4 and dim + 4 roundings of the products, one rounding per key of its sums.
  const roundings = (1.5 * memory.dim + 8) * reach + 8 * biasSize;
  // The definition sums over what is left out, too.
  const terms = left === undefined ? count : memory.keys.slots.size;
  const h = UNIT_ROUNDOFF * (Math.LN2 * roundings + 12 + terms);
  const evaluation = Math.expm1(2 * h) * Math.exp(2 * h) * magnitude +
    FAR_SHARE;
  // |O − O'| = |Σ p (v − O')| over what is left out, with O' at most its errors from the answer.
  const pruned = left === undefined || left.share === 0
    ? 0
    : left.size + left.share * (quotient(largest) + rounding + evaluation);
  return {
    total: rounding + evaluation + pruned,
    rounding,
    evaluation,
    lazy: 0,
    pruned,
  };
}

/** What keys that are too far to count could move an output by: 2²³ shares of 2⁻⁵⁰⁰ of a 32-bit value. */
const FAR_SHARE = 2 ** -340;
