/**
 * What has to stay: the moments Mᵀa of a row of weights a, with one row of M for each key that it attends to.
 *
 * Weights with the same moments have the same output and the same sum. M spans the same column space as [T, 1], the
 * values beside a column of ones, but its columns are orthonormal up to rounding, so that every moment weighs the same.
 *
 * @module
 */

/** Points, one for each key, in as many dimensions as [T, 1] has. */
export interface Moments {
  /** Keys. */
  readonly rows: number;
  /** Moments. */
  readonly rank: number;
  /** rank × rows: M, one column behind another. */
  readonly byMoment: Float64Array;
  /** rows × rank: M, row by row. */
  readonly byKey: Float64Array;
}

/** Moments from the columns of M. */
export function momentsOf(
  byMoment: Float64Array,
  rows: number,
  rank: number,
): Moments {
  const byKey = new Float64Array(rows * rank);
  for (let c = 0; c < rank; c++) {
    for (let i = 0; i < rows; i++) byKey[i * rank + c] = byMoment[c * rows + i];
  }
  return { rows, rank, byMoment, byKey };
}

/** Mᵀ·weights */
export function momentsUnder(
  { rows, rank, byMoment }: Moments,
  weights: Float64Array,
): Float64Array {
  const moments = new Float64Array(rank);
  for (let c = 0; c < rank; c++) {
    let sum = 0;
    for (let i = 0, at = c * rows; i < rows; i++) {
      sum += byMoment[at + i] * weights[i];
    }
    moments[c] = sum;
  }
  return moments;
}

/** wanted − Mᵀ·weights */
export function missingIn(
  moments: Moments,
  weights: Float64Array,
  wanted: Float64Array,
): Float64Array {
  const missing = momentsUnder(moments, weights);
  for (let c = 0; c < wanted.length; c++) missing[c] = wanted[c] - missing[c];
  return missing;
}

/** M·combination, into `out`. */
export function combine(
  { rows, rank, byMoment }: Moments,
  combination: Float64Array,
  out: Float64Array,
): void {
  out.fill(0);
  for (let c = 0; c < rank; c++) {
    const share = combination[c];
    for (let i = 0, at = c * rows; i < rows; i++) {
      out[i] += share * byMoment[at + i];
    }
  }
}

/** Keys whose rows of M are a basis, chosen as far apart as may be: the pivots of a Gram-Schmidt with row pivoting. */
export function independentKeys({ rows, rank, byKey }: Moments): Int32Array {
  const rest = byKey.slice(), chosen = new Int32Array(rank);
  for (let step = 0; step < rank; step++) {
    let longest = -1, best = 0;
    for (let i = 0; i < rows; i++) {
      let squares = 0;
      for (let c = i * rank; c < (i + 1) * rank; c++) squares += rest[c] ** 2;
      if (squares > longest) [longest, best] = [squares, i];
    }
    chosen[step] = best;
    const axis = rest.slice(best * rank, (best + 1) * rank);
    for (let i = 0; i < rows; i++) {
      let dot = 0;
      const at = i * rank;
      for (let c = 0; c < rank; c++) dot += rest[at + c] * axis[c];
      dot /= longest;
      for (let c = 0; c < rank; c++) rest[at + c] -= dot * axis[c];
    }
    // What is left of it is rounding, and must not be chosen again.
    rest.fill(0, best * rank, (best + 1) * rank);
  }
  return chosen;
}

/** The Euclidean length of a short vector of numbers around 1. */
export function lengthOf(vector: Float64Array): number {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += vector[i] * vector[i];
  return Math.sqrt(squares);
}

/** The largest of numbers that are 0 or more. */
export function largestOf(numbers: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < numbers.length; i++) {
    if (numbers[i] > largest) largest = numbers[i];
  }
  return largest;
}
