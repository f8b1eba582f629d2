/**
 * A bench is a test first: what is timed has been compared with the definition.
 *
 * @module
 */

import {
  type Attention,
  DenseMatrix,
  outputs,
  softmaxAttention,
} from "@reattend/reattend";
import type { Problem } from "./problem.ts";

/** Rows that a check computes from the definition. */
const CHECKED = 4;

/** What 32 significant bits leave of outputs below 4 in size. */
export const PRECISION = 2 ** -30;

/** Throws unless some rows of an attention are within their error bounds of the definition. */
export function checkOutputs(attention: Attention, problem: Problem): void {
  const rows = someOf(problem.n), bounds = new Float64Array(rows.length);
  const { data } = outputs(attention, { ids: rows, bounds });
  const truth = definition(problem, rows);
  rows.forEach((row, at) => {
    for (let c = 0; c < problem.valueDim; c++) {
      const i = at * problem.valueDim + c;
      refuseUnless(Math.abs(data[i] - truth[i]) <= bounds[at], `query ${row}`);
    }
  });
}

/** Throws unless the outputs of a baseline, n × valueDim, are within `tolerance` of the definition. */
export function checkAnswer(
  answer: ArrayLike<number>,
  problem: Problem,
  tolerance: number = roundingOf(problem),
): void {
  const rows = someOf(problem.n), truth = definition(problem, rows);
  const { valueDim } = problem;
  rows.forEach((row, at) => {
    for (let c = 0; c < valueDim; c++) {
      const error = answer[row * valueDim + c] - truth[at * valueDim + c];
      refuseUnless(Math.abs(error) <= tolerance, `a baseline to query ${row}`);
    }
  });
}

/** The definition, for some rows of a problem. */
export function definition(
  problem: Problem,
  rows: number[],
): ArrayLike<number> {
  const { m, dim, valueDim, queries } = problem;
  const asked = new DenseMatrix(rows.length, dim);
  rows.forEach((row, at) =>
    asked.data.set(queries.subarray(row * dim, (row + 1) * dim), at * dim)
  );
  return softmaxAttention(
    asked,
    new DenseMatrix(m, dim, problem.keys),
    new DenseMatrix(m, valueDim, problem.values),
  ).data;
}

/** What f64 sums over m keys, and scores below 16 of them summed over dim, may lose on values of this size. */
function roundingOf({ m, dim, values }: Problem): number {
  const peak = values.reduce((peak, x) => Math.max(peak, Math.abs(x)), 0);
  return (m + 16 * dim) * Number.EPSILON * peak;
}

/** A few rows from the first to the last. */
function someOf(n: number): number[] {
  const count = Math.min(n, CHECKED);
  return Array.from(
    { length: count },
    (_, at) => count === 1 ? 0 : Math.round(at * (n - 1) / (count - 1)),
  );
}

/** Throws unless an answer is right. */
export function refuseUnless(right: boolean, whose: string): void {
  if (!right) {
    throw new Error(
      `Cannot bench: the answer of ${whose} is wrong, it should be that of the definition`,
    );
  }
}
