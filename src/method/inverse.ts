/**
 * The small matrix between the two factors of a Nyström attention, and three ways to make something like its inverse.
 *
 * Γ = softmax(scale · Q̃ K̃ᵀ) is r × r, its rows add up to 1, and landmarks that are means make its rows alike: it has
 * a few large singular values and many that are next to nothing. A true inverse multiplies what is in those by their
 * inverses, which on trained models is noise by the factor 10¹⁰. Two ways hold it back:
 *
 * - *iterative*: six steps of Z ← ¼ Z (13 I − ΓZ (15 I − ΓZ (7 I − ΓZ))), as published (Xiong et al., Nyströmformer,
 *   2021, https://arxiv.org/abs/2102.03902, equation 12). With x an eigenvalue of ΓZ and e = 1 − x a step gives e' =
 *   (3e³ + e⁴)/4: small x only grow by 13/4 a step, so what is small stays small. How much does not depend on the data.
 * - *ridge*: F Z Y is a linear regression. Row i of Γ holds the features of landmark query q̃_i, row i of Y its exact
 *   output, and the output of any query is predicted from its own features. So Z = (ΓᵀΓ + λ I)⁻¹ Γᵀ, with rows and
 *   outputs taken from their means, so that what is constant stays so, and λ from leaving one out: the error of
 *   predicting each landmark's output from those of the others, which one decomposition gives for all λ (G. H. Golub, M.
 *   Heath, G. Wahba, Generalized cross-validation as a method for choosing a good ridge parameter, Technometrics 21,
 *   1979, https://doi.org/10.1080/00401706.1979.10489751, equation 1.3). `bench/nystrom.ts` compares all three.
 *
 * @module
 */

import { SVD } from "ml-matrix";
import { DenseMatrix } from "../matrix/dense.ts";

/** Γ − 1 mᵀ = U diag(s) Vᵀ. */
export interface Spectrum {
  /** Rows of Γ. */
  readonly size: number;
  /** size: what was taken from each column, m. */
  readonly means: Float64Array;
  /** size × size: U. */
  readonly left: Float64Array;
  /** size: s, descending. */
  readonly values: Float64Array;
  /** size × size: V. */
  readonly right: Float64Array;
  /** The largest sum of a column of Γ. */
  readonly column: number;
}

/** Decomposes Γ, size × size, as it is or with the means of its columns taken from it. */
export function decompose(
  gamma: Float64Array,
  size: number,
  centred: boolean,
): Spectrum {
  const means = new Float64Array(size), moved = gamma.slice();
  if (centred) {
    for (let at = 0; at < moved.length; at++) means[at % size] += moved[at];
    for (let j = 0; j < size; j++) means[j] /= size;
    for (let at = 0; at < moved.length; at++) moved[at] -= means[at % size];
  }
  const svd = new SVD(new DenseMatrix(size, size, moved));
  const flat = (matrix: { to1DArray(): number[] }) =>
    Float64Array.from(matrix.to1DArray());
  return {
    size,
    means,
    left: flat(svd.leftSingularVectors),
    values: Float64Array.from(svd.diagonal),
    right: flat(svd.rightSingularVectors),
    column: largestColumn(gamma, size),
  };
}

/** Multiply-adds that a decomposition takes, some twenty for each of size³: a model, not a count. */
export function decompositionCost(size: number): number {
  return 20 * size ** 3;
}

/** What is tried as λ, in the square of the largest singular value: powers of two, the same in every engine. */
const RIDGES: readonly number[] = Array.from(
  { length: 17 },
  (_, at) => 2 ** -at,
);
/**
 * Of ridges whose errors are this close to the least the largest is taken: means are easier to predict than what they
 * are means of, so the least error asks for too little.
 */
const AS_GOOD = 1.03;
/**
 * λ is no smaller than this share of the largest sum of a column of Γ, which is no smaller than the square of its
 * largest singular value: landmarks that are nearly alike predict each other well, and other queries not at all. Six
 * published steps, too, leave shares below some 2⁻¹⁰ as they are.
 */
const LEAST_SHARE = 2 ** -13;

/**
 * The ridge, in the square of the largest singular value, that predicts the answers of landmarks best when each is
 * left out in turn; `answers` is size × width.
 */
export function chooseRidge(
  { size, left, values, column }: Spectrum,
  answers: Float64Array,
  width: number,
): number {
  const [largest] = values;
  if (largest === 0) return RIDGES[0];
  const least = LEAST_SHARE * column / largest / largest;
  const ridges = RIDGES.map((ridge) =>
    Math.min(Math.max(ridge, least), Number.MAX_VALUE)
  );
  const moved = answers.slice(), scaled = new Float64Array(size * width);
  for (let c = 0; c < width; c++) {
    let sum = 0;
    for (let at = c; at < moved.length; at += width) sum += moved[at];
    for (let at = c; at < moved.length; at += width) moved[at] -= sum / size;
  }
  const turned = product(left, moved, size, width, true);
  const errors = ridges.map((ridge) => {
    const shares = values.map((s) => ridgeShare(s, ridge, largest));
    for (let k = 0; k < size; k++) {
      for (let c = 0; c < width; c++) {
        scaled[k * width + c] = shares[k] * turned[k * width + c];
      }
    }
    const fitted = product(left, scaled, size, width, false);
    let error = 0;
    for (let i = 0; i < size; i++) {
      // How much of its own prediction an answer is: that of the mean, and that of the regression.
      let own = 1 / size, rest = 0;
      for (let k = 0; k < size; k++) own += shares[k] * left[i * size + k] ** 2;
      for (let at = i * width; at < (i + 1) * width; at++) {
        rest += (moved[at] - fitted[at]) ** 2;
      }
      error += rest / (1 - own) ** 2;
    }
    return error;
  });
  const lowest = Math.min(...errors);
  return ridges[errors.findIndex((error) => error <= AS_GOOD * lowest)];
}

/** Multiply-adds of {@linkcode chooseRidge}. */
export function choiceCost(size: number, width: number): number {
  return (1 + RIDGES.length) * size * size * width;
}

/** What a direction keeps: s² / (s² + λ). */
function ridgeShare(value: number, ridge: number, largest: number): number {
  return value > 0 ? 1 / (1 + ridge * (largest / value) ** 2) : 0;
}

/** The ridge inverse of a Γ whose means were taken from it. */
export function ridgeInverse(
  { size, means, left, values, right }: Spectrum,
  ridge: number,
): Float64Array {
  const inverse = combine(
    size,
    left,
    right,
    values.map((s) => s > 0 ? ridgeShare(s, ridge, values[0]) / s : 0),
  );
  // Back from the means: f Z = mean of Y + (f − m) Z (Y − mean), with f 1 = 1.
  const offsets = new Float64Array(size).fill(1 / size);
  for (let j = 0; j < size; j++) {
    let mean = 0;
    for (let i = 0; i < size; i++) mean += inverse[j * size + i] / size;
    for (let i = 0; i < size; i++) {
      inverse[j * size + i] -= mean;
      offsets[i] -= means[j] * inverse[j * size + i];
    }
  }
  for (let at = 0; at < inverse.length; at++) inverse[at] += offsets[at % size];
  return inverse;
}

/** The true inverse, or the pseudo-inverse where singular values are no larger than the rounding of the largest. */
export function exactInverse(gamma: Float64Array, size: number): Float64Array {
  const { left, values, right } = decompose(gamma, size, false);
  const least = size * 2 ** -52 * values[0];
  return combine(size, left, right, values.map((s) => s > least ? 1 / s : 0));
}

/** V diag(factors) Uᵀ. */
function combine(
  size: number,
  left: Float64Array,
  right: Float64Array,
  factors: Float64Array,
): Float64Array {
  const inverse = new Float64Array(size * size);
  for (let j = 0; j < size; j++) {
    for (let i = 0; i < size; i++) {
      let sum = 0;
      for (let k = 0; k < size; k++) {
        // Vectors of a singular value that is 0 may be anything.
        if (factors[k] === 0) continue;
        sum += right[j * size + k] * factors[k] * left[i * size + k];
      }
      inverse[j * size + i] = sum;
    }
  }
  return inverse;
}

/**
 * The published iteration. It starts at Γᵀ over the largest sum of a column, here `column`, which may be that of other
 * heads as well; the largest sum of a row is 1.
 */
export function iterativeInverse(
  gamma: Float64Array,
  size: number,
  iterations: number,
  column: number,
): Float64Array {
  let inverse: Float64Array = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      inverse[j * size + i] = gamma[i * size + j] / column;
    }
  }
  for (let step = 0; step < iterations; step++) {
    const gz = product(gamma, inverse, size, size, false);
    const seven = product(gz, less(7, gz, size), size, size, false);
    const fifteen = product(gz, less(15, seven, size), size, size, false);
    inverse = product(inverse, less(13, fifteen, size), size, size, false);
    for (let at = 0; at < inverse.length; at++) inverse[at] /= 4;
  }
  return inverse;
}

/** Multiply-adds of {@linkcode iterativeInverse}. */
export function iterationCost(size: number, iterations: number): number {
  return 4 * iterations * size ** 3;
}

/** The largest sum of a column of Γ. */
export function largestColumn(gamma: Float64Array, size: number): number {
  const sums = new Float64Array(size);
  for (let at = 0; at < gamma.length; at++) sums[at % size] += gamma[at];
  return Math.max(...sums);
}

/** The largest number in I − ΓZ, in size. */
export function residualOf(
  gamma: Float64Array,
  inverse: Float64Array,
  size: number,
): number {
  const rest = less(1, product(gamma, inverse, size, size, false), size);
  return rest.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
}

/** How far, at most, the weights of a query are from adding up to 1: f ≥ 0 does, and f Z 1 is between those of Z 1. */
export function rowSumDefectOf(inverse: Float64Array, size: number): number {
  let most = 0;
  for (let j = 0; j < size; j++) {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += inverse[j * size + i];
    most = Math.max(most, Math.abs(1 - sum));
  }
  return most;
}

/** diagonal · I − matrix. */
function less(
  diagonal: number,
  matrix: Float64Array,
  size: number,
): Float64Array {
  const rest = matrix.map((number) => -number);
  for (let i = 0; i < size; i++) rest[i * size + i] += diagonal;
  return rest;
}

/** The product of a size × size matrix, turned over if wanted, and a size × width one. */
export function product(
  first: Float64Array,
  second: Float64Array,
  size: number,
  width: number,
  turned: boolean,
): Float64Array {
  const result = new Float64Array(size * width);
  for (let i = 0; i < size; i++) {
    const to = i * width;
    for (let k = 0; k < size; k++) {
      const factor = turned ? first[k * size + i] : first[i * size + k];
      const from = k * width;
      for (let c = 0; c < width; c++) {
        result[to + c] += factor * second[from + c];
      }
    }
  }
  return result;
}
