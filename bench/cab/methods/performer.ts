/**
 * Performer: exp(q·k) as the mean of products of random positive features (FAVOR+).
 *
 * Choromanski et al., "Rethinking Attention with Performers", ICLR 2021, https://arxiv.org/abs/2009.14794: by its lemma 1
 * exp(q·k) is the mean of φ(q)·φ(k) with φ(x) = M^(−1/2) exp(Ω x − |x|²/2), the rows of Ω orthogonal in blocks and as long as
 * normal ones. As the Comprehensive Attention Benchmark has it: M = 16 features, the largest exponent of a query, and of all
 * keys, subtracted before exp, and 1e-4 added after.
 *
 * @module
 */

import { DenseMatrix } from "@reattend/reattend";
import type { Random } from "../../../src/random.ts";
import { type Answer, isCausal, type Problem } from "../problem.ts";
import {
  addRow,
  dot,
  product,
  refuse,
  scores,
  scratch,
  type Tally,
  tally,
} from "../plain.ts";

/** Added to every feature, so that no sum of them is 0. */
const FLOOR = 1e-4;

/** Attends by the features of {@linkcode orthogonalRows}; refuses a causal mask, which the largest exponent leaks through. */
export function performer(problem: Problem, directions: DenseMatrix): Answer {
  const { queries, keys, values, scale } = problem;
  if (isCausal(problem)) {
    refuse(
      "performer",
      "is asked not to see the future, which the largest exponent of all keys tells of",
      "be asked without a causal mask",
    );
  }
  const spent = tally(),
    outputs = new DenseMatrix(queries.rows, values.columns);
  const ofKeys = features(keys, scale, directions, spent);
  const ofQueries = features(queries, scale, directions, spent);
  // What all keys have in common cancels, and what the features of a query have.
  exponentiate(ofKeys.data);
  for (let i = 0, m = directions.rows; i < queries.rows; i++) {
    exponentiate(ofQueries.data.subarray(i * m, (i + 1) * m));
  }
  const sums = scratch(spent, 1, directions.rows);
  const contents = scratch(spent, directions.rows, values.columns);
  for (let j = 0; j < keys.rows; j++) {
    addRow(sums, 0, 1, ofKeys, j);
    for (let m = 0; m < directions.rows; m++) {
      addRow(contents, m, ofKeys.data[j * directions.rows + m], values, j);
    }
  }
  product(spent, ofQueries, contents, outputs);
  for (let i = 0; i < queries.rows; i++) {
    const sum = dot(ofQueries, i, sums, 0), { columns, data } = outputs;
    for (let c = 0; c < columns; c++) data[i * columns + c] /= sum;
  }
  spent.multiplyAdds += keys.rows * directions.rows * (values.columns + 1) +
    queries.rows * directions.rows;
  return { outputs, ...spent };
}

/** Rows that are orthogonal in blocks of `columns`, each as long as a row of normal numbers. */
export function orthogonalRows(
  random: Random,
  rows: number,
  columns: number,
): DenseMatrix {
  const made = new DenseMatrix(rows, columns), { data } = made;
  for (let row = 0; row < rows; row++) {
    const first = row - row % columns, at = row * columns;
    const length = Math.hypot(
      ...Array.from({ length: columns }, random.normal),
    );
    // Gram and Schmidt, twice: what rounding has left of the others goes the second time.
    for (let c = 0; c < columns; c++) data[at + c] = random.normal();
    for (let turn = 0; turn < 2; turn++) {
      for (let other = first; other < row; other++) {
        const share = dot(made, row, made, other) /
          dot(made, other, made, other);
        addRow(made, row, -share, made, other);
      }
    }
    const factor = length / Math.sqrt(dot(made, row, made, row));
    for (let c = 0; c < columns; c++) data[at + c] *= factor;
  }
  return made;
}

/** The exponents Ω x − |x|²/2 with x = √scale · row. */
function features(
  rows: DenseMatrix,
  scale: number,
  directions: DenseMatrix,
  spent: Tally,
): DenseMatrix {
  const exponents = scores(spent, rows, directions, Math.sqrt(scale));
  for (let i = 0; i < rows.rows; i++) {
    const half = scale * dot(rows, i, rows, i) / 2, at = i * directions.rows;
    for (let m = 0; m < directions.rows; m++) exponents.data[at + m] -= half;
  }
  spent.multiplyAdds += rows.rows * rows.columns;
  return exponents;
}

/** Makes features of exponents, the largest of which becomes 1. */
function exponentiate(exponents: Float64Array): void {
  let peak = -Infinity;
  for (const exponent of exponents) peak = Math.max(peak, exponent);
  for (let at = 0; at < exponents.length; at++) {
    exponents[at] = Math.exp(exponents[at] - peak) + FLOOR;
  }
}
