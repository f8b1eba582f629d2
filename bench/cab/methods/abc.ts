/**
 * Attention with bounded-memory control (ABC): all keys are averaged into a few cells, which queries attend to.
 *
 * Peng et al., "ABC: Attention with Bounded-memory Control", ACL 2022, https://arxiv.org/abs/2110.02488, where a token itself
 * says which cells it goes into, as in the Comprehensive Attention Benchmark: with logits a = K W_k and b = V W_v, K̃ = softmax(a)ᵀ K and Ṽ = softmax(b)ᵀ V over the tokens, then O = softmax(scale · Q K̃ᵀ) Ṽ.
 *
 * Where there is no future, cells hold the tokens so far and a new one is mixed in: K̃ ← e^(l − l′) K̃ + e^(a − l′) k with
 * l = log Σ e^a before and l′ after. The code of the Comprehensive Attention Benchmark leaves out the first term, which makes
 * its cells forget everything but the newest token.
 *
 * @module
 */

import { DenseMatrix } from "@reattend/reattend";
import { type Answer, isCausal, type Problem } from "../problem.ts";
import {
  addRow,
  dot,
  product,
  scores,
  scratch,
  softmax,
  softmaxRows,
  type Tally,
  tally,
} from "../plain.ts";

/** What decides where tokens go, here drawn by chance: nothing is trained. */
export interface Controls {
  /** cells × dim: a column of W_k in each row. */
  keys: DenseMatrix;
  /** cells × valueDim: a column of W_v in each row. */
  values: DenseMatrix;
}

/**
 * Attends to as many cells as the controls have rows.
 *
 * @param averaged Averaged instead of the values, whose logits still decide: with the identity matrix, the weights.
 */
export function abc(
  problem: Problem,
  controls: Controls,
  averaged: DenseMatrix = problem.values,
): Answer {
  const spent = tally();
  const outputs = new DenseMatrix(problem.queries.rows, averaged.columns);
  if (isCausal(problem)) recur(problem, controls, averaged, outputs, spent);
  else {
    const { queries, keys, values, scale } = problem;
    const fill = (control: DenseMatrix, by: DenseMatrix, of: DenseMatrix) => {
      const shares = scores(spent, control, by, 1);
      softmaxRows(shares);
      return product(spent, shares, of);
    };
    const cells = fill(controls.keys, keys, keys);
    const contents = fill(controls.values, values, averaged);
    const weights = scores(spent, queries, cells, scale);
    softmaxRows(weights);
    product(spent, weights, contents, outputs);
  }
  return { outputs, ...spent };
}

/** Row by row, each token mixed into the cells before its query looks at them. */
function recur(
  { queries, keys, values, scale }: Problem,
  controls: Controls,
  averaged: DenseMatrix,
  outputs: DenseMatrix,
  spent: Tally,
): void {
  const { rows: count } = controls.keys;
  const cells = scratch(spent, count, keys.columns);
  const contents = scratch(spent, count, averaged.columns);
  const cellSums = scratch(spent, 1, count).data.fill(-Infinity);
  const contentSums = scratch(spent, 1, count).data.fill(-Infinity);
  const weights = scratch(spent, 1, count).data;
  for (let i = 0; i < queries.rows; i++) {
    for (let cell = 0; cell < count; cell++) {
      const key = dot(controls.keys, cell, keys, i);
      mixIn(cells, cell, keys, i, cellSums, key);
      const content = dot(controls.values, cell, values, i);
      mixIn(contents, cell, averaged, i, contentSums, content);
      weights[cell] = scale * dot(queries, i, cells, cell);
    }
    softmax(weights);
    for (let cell = 0; cell < count; cell++) {
      addRow(outputs, i, weights[cell], contents, cell);
    }
  }
  // A row is scored, mixed in (two products a number) and looked at.
  const each = 4 * keys.columns + values.columns + 3 * averaged.columns;
  spent.multiplyAdds += queries.rows * count * each;
}

/** Averages one more token into a cell. */
function mixIn(
  cells: DenseMatrix,
  cell: number,
  rows: DenseMatrix,
  row: number,
  sums: Float64Array,
  logit: number,
): void {
  const peak = Math.max(sums[cell], logit);
  const sum = peak +
    Math.log(Math.exp(sums[cell] - peak) + Math.exp(logit - peak));
  const kept = Math.exp(sums[cell] - sum), { columns, data } = cells;
  for (let c = 0, at = cell * columns; c < columns; c++) data[at++] *= kept;
  addRow(cells, cell, Math.exp(logit - sum), rows, row);
  sums[cell] = sum;
}
