/**
 * How near an answer comes: to exact attention, and to the truth of a task.
 *
 * @module
 */

import type { DenseMatrix } from "@reattend/reattend";

/**
 * The relative Frobenius error of matrices that belong together: √(Σ (answer − exact)² / Σ exact²).
 *
 * @param rows Which rows count; all if left out.
 */
export function relativeError(
  answers: readonly DenseMatrix[],
  exacts: readonly DenseMatrix[],
  rows?: readonly number[],
): number {
  let error = 0, size = 0;
  exacts.forEach(({ data, columns, rows: count }, at) => {
    for (const row of rows ?? Array(count).keys()) {
      for (let i = row * columns; i < (row + 1) * columns; i++) {
        error += (answers[at].data[i] - data[i]) ** 2;
        size += data[i] ** 2;
      }
    }
  });
  return Math.sqrt(error / size);
}

/**
 * How much of what there is to know an answer has missed: √(Σ (answer − truth)² / Σ (truth − mean truth)²).
 *
 * 1 is the error of the best constant. The mean is that of each column; only what is `scored` counts, in all of it.
 */
export function errorToTruth(
  answer: DenseMatrix,
  truth: DenseMatrix,
  scored: Uint8Array,
): number {
  const { rows, columns, data } = truth;
  let error = 0, spread = 0;
  for (let c = 0; c < columns; c++) {
    let sum = 0, count = 0;
    for (let i = c; i < rows * columns; i += columns) {
      if (scored[i] === 0) continue;
      sum += data[i];
      count++;
    }
    for (let i = c; i < rows * columns; i += columns) {
      if (scored[i] === 0) continue;
      error += (answer.data[i] - data[i]) ** 2;
      spread += (data[i] - sum / count) ** 2;
    }
  }
  return Math.sqrt(error / spread);
}

/** The share of rows whose largest weight is where the largest exact weight is; of equal ones the first. */
export function topAgreement(
  weights: DenseMatrix,
  exact: DenseMatrix,
  rows: readonly number[],
): number {
  const agreeing = rows.filter((row) =>
    largestOf(weights, row) === largestOf(exact, row)
  );
  return agreeing.length / rows.length;
}

/**
 * The share of the exact weights that a method's cover: Σ min(weight, exact weight), the mean of the rows.
 *
 * For one that renormalises exact weights over some of the keys it is the mass of these keys; for any whose weights sum to 1,
 * one minus the total variation distance. A weight below 0 covers nothing.
 */
export function capturedMass(
  weights: DenseMatrix,
  exact: DenseMatrix,
  rows: readonly number[],
): number {
  const { columns } = exact;
  let mass = 0;
  for (const row of rows) {
    for (let i = row * columns; i < (row + 1) * columns; i++) {
      mass += Math.max(0, Math.min(weights.data[i], exact.data[i]));
    }
  }
  return mass / rows.length;
}

function largestOf({ columns, data }: DenseMatrix, row: number): number {
  const from = row * columns;
  let best = from;
  for (let i = from + 1; i < from + columns; i++) {
    if (data[i] > data[best]) best = i;
  }
  return best - from;
}
