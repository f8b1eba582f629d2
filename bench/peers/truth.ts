/**
 * What the answers are compared with, and how far from it they may be.
 *
 * The truth is the definition in f64 over the same f32 rows. What may be lost is measured, not chosen: the largest
 * error of the naive loop in f32, which rounds after each operation. An answer in f32 is right within 2 × that, ours and
 * those of peers alike: sums in another order and an exp of one's own have lost less in every peer so far.
 *
 * @module
 */

import { attendPlainly } from "../baselines.ts";
import { normals, type Problem } from "../problem.ts";
import { Wrong } from "./race.ts";

/** Rows over which the naive loop's luck is evened out, where that is cheap. */
const LUCK = 8, LONG = 2 ** 17;

/** An output, n × valueDim, and what a f32 answer may be off by. */
export interface Truth {
  output: Float64Array;
  tolerance: number;
}

/** The truth of a problem. */
export function truthOf(problem: Problem): Truth {
  const { n, m, dim } = problem, output = attended(problem);
  const rows = m < LONG ? Math.max(0, LUCK - n) : 0;
  const others = { ...problem, n: rows, queries: normals(LUCK, rows * dim) };
  const lost = Math.max(
    apart(attendNaively(problem), output),
    apart(attendNaively(others), attended(others)),
  );
  return { output, tolerance: 2 * lost };
}

/** The definition in f64, row by row. */
function attended(problem: Problem): Float64Array {
  const { n, m, dim, valueDim, queries } = problem;
  const output = new Float64Array(n * valueDim), scores = new Float64Array(m);
  for (let i = 0; i < n; i++) {
    attendPlainly(
      problem,
      queries.subarray(i * dim, (i + 1) * dim),
      scores,
      output.subarray(i * valueDim, (i + 1) * valueDim),
    );
  }
  return output;
}

/** The loop that everybody writes first, in f32 throughout: rounded after each operation, keys in their order. */
export function attendNaively(problem: Problem): Float32Array {
  const { n, m, dim, valueDim, queries, keys, values } = problem;
  const { fround } = Math, scale = fround(1 / Math.sqrt(dim));
  const output = new Float32Array(n * valueDim), scores = new Float32Array(m);
  for (let i = 0; i < n; i++) {
    let largest = -Infinity, sum = 0;
    for (let j = 0; j < m; j++) {
      let dot = 0;
      for (let t = 0; t < dim; t++) {
        dot = fround(dot + fround(queries[i * dim + t] * keys[j * dim + t]));
      }
      scores[j] = dot * scale;
      largest = Math.max(largest, scores[j]);
    }
    for (let j = 0; j < m; j++) {
      const weight = fround(Math.exp(fround(scores[j] - largest)));
      sum = fround(sum + weight);
      for (let c = 0; c < valueDim; c++) {
        output[i * valueDim + c] += fround(weight * values[j * valueDim + c]);
      }
    }
    for (let c = 0; c < valueDim; c++) output[i * valueDim + c] /= sum;
  }
  return output;
}

/** The largest difference; Infinity where the lengths differ or a number is none. */
export function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= most)) most = difference >= 0 ? difference : Infinity;
  }
  return most;
}

/** The largest error of an answer; throws unless it is within the tolerance. */
export function prove(
  answer: ArrayLike<number>,
  { output, tolerance }: Truth,
): number {
  const error = apart(answer, output);
  if (!(error <= tolerance)) {
    throw new Wrong(
      `off by ${error.toExponential(1)}, at most ${
        tolerance.toExponential(1)
      } is rounding`,
    );
  }
  return error;
}
