/**
 * What a sensible person would do instead: start over, with ml-matrix or with a plain loop.
 *
 * @module
 */

import { Matrix } from "ml-matrix";
import type { Problem, Replacement } from "./problem.ts";

/** Attention by ml-matrix: the scaled queries and the transposed keys are kept, as they spare work at every change. */
export interface MatrixAttention {
  /** n × dim, times the scale. */
  queries: Matrix;
  /** dim × m */
  keys: Matrix;
  /** m × valueDim */
  values: Matrix;
}

/** Makes matrices of a problem. */
export function makeMatrices(problem: Problem): MatrixAttention {
  const { n, m, dim, valueDim } = problem;
  return {
    queries: matrixOf(problem.queries, n, dim).div(Math.sqrt(dim)),
    keys: matrixOf(problem.keys, m, dim).transpose(),
    values: matrixOf(problem.values, m, valueDim),
  };
}

/** Replaces keys and values. */
export function replaceRows(
  { keys, values }: MatrixAttention,
  replacement: Replacement,
): void {
  const { ids } = replacement;
  ids.forEach((id, at) => {
    const row = (rows: Float32Array) => {
      const width = rows.length / ids.length;
      return Array.from(rows.subarray(at * width, (at + 1) * width));
    };
    keys.setColumn(id, row(replacement.keys));
    values.setRow(id, row(replacement.values));
  });
}

/** Softmax of scaled scores, times the values: n × valueDim. */
export function attendMatrices(
  { queries, keys, values }: MatrixAttention,
): Matrix {
  const weights = queries.mmul(keys);
  weights.subColumnVector(weights.max("row"));
  weights.exp();
  // Dividing the outputs is cheaper than dividing the weights.
  return weights.mmul(values).divColumnVector(weights.sum("row"));
}

/** Rows of a flat array as a matrix. */
export function matrixOf(
  numbers: ArrayLike<number>,
  rows: number,
  columns: number,
): Matrix {
  return Matrix.from1DArray(rows, columns, Array.from(numbers));
}

/** Attention of one query as a plain loop over flat arrays, without a check; `scores` is scratch for m numbers. */
export function attendPlainly(
  { m, dim, valueDim, keys, values }: Problem,
  query: Float32Array,
  scores: Float64Array,
  output: Float64Array,
): void {
  scorePlainly(keys, m, dim, query, scores);
  let largest = -Infinity;
  for (let j = 0; j < m; j++) largest = Math.max(largest, scores[j]);
  let sum = 0;
  output.fill(0);
  for (let j = 0, at = 0; j < m; j++) {
    const weight = Math.exp(scores[j] - largest);
    sum += weight;
    for (let c = 0; c < valueDim; c++) output[c] += weight * values[at++];
  }
  for (let c = 0; c < valueDim; c++) output[c] /= sum;
}

/** Scaled dot products of one query. */
export function scorePlainly(
  keys: Float32Array,
  m: number,
  dim: number,
  query: Float32Array,
  scores: Float64Array,
): void {
  const scale = 1 / Math.sqrt(dim);
  for (let j = 0, at = 0; j < m; j++) {
    let dot = 0;
    for (let t = 0; t < dim; t++) dot += query[t] * keys[at++];
    scores[j] = dot * scale;
  }
}
