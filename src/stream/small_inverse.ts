/**
 * The inverse of a small matrix whose rows add up to 1, kept while one of its landmarks after the other is replaced.
 *
 * A landmark that is replaced changes row p and column p of Γ, and with them the sums by which the other rows are
 * divided: Γ' = C Γ + u eₚᵀ + eₚ wᵀ with C diagonal. So the inverse has its columns divided by C and then takes two
 * rank-one updates, X ← X − (X u)(vᵀ X)/(1 + vᵀ X u) (J. Sherman, W. J. Morrison, Adjustment of an inverse matrix
 * corresponding to a change in one element of a given matrix, 1950, https://doi.org/10.1214/aoms/1177729893). Errors
 * would pile up, so one step of Newton follows, X ← X + X (I − Γ' X), which squares the residual I − Γ' X (G. Schulz,
 * Iterative Berechnung der reziproken Matrix, 1933, https://doi.org/10.1002/zamm.19330130111). The residual is known on
 * the way: where it is too large to be squared away, the matrix is to be inverted anew.
 *
 * @module
 */

import { product } from "../method/inverse.ts";

/** A matrix and its inverse. */
export interface KeptInverse {
  size: number;
  /** size × size */
  gamma: Float64Array;
  inverse: Float64Array;
}

/** A residual of this size is squared to the rounding of the product. */
const LARGEST_RESIDUAL = 1e-6;

/**
 * Takes the matrix in that landmark `p` is another in; false where the residual is too large, after which the inverse is
 * void.
 */
export function replaceLandmark(
  kept: KeptInverse,
  gamma: Float64Array,
  p: number,
): boolean {
  const { size } = kept;
  update(kept, gamma, p);
  kept.gamma = gamma;
  const rest = product(gamma, kept.inverse, size, size, false);
  let residual = 0;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      const at = i * size + j;
      rest[at] = (i === j ? 1 : 0) - rest[at];
      residual = Math.max(residual, Math.abs(rest[at]));
    }
  }
  // Nor is NaN small: a pivot was 0, or a row had all its weight on the landmark that left.
  if (!(residual <= LARGEST_RESIDUAL)) return false;
  const step = product(kept.inverse, rest, size, size, false);
  for (let at = 0; at < step.length; at++) kept.inverse[at] += step[at];
  return true;
}

/** Multiply-adds of {@linkcode replaceLandmark}. */
export function replacementCost(size: number): number {
  return 2 * size ** 3 + 6 * size ** 2;
}

/** The two rank-one updates. */
function update(
  { size, gamma: old, inverse }: KeptInverse,
  gamma: Float64Array,
  p: number,
): void {
  const column = new Float64Array(size), row = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const at = i * size;
    if (i === p) {
      for (let j = 0; j < size; j++) row[j] = gamma[at + j] - old[at + j];
      continue;
    }
    const factor = factorOf(old, gamma, at, size, p);
    column[i] = gamma[at + p] - factor * old[at + p];
    for (let j = 0; j < size; j++) inverse[j * size + i] /= factor;
  }
  // u eₚᵀ
  const turned = product(inverse, column, size, 1, false);
  subtract(
    inverse,
    size,
    turned,
    inverse.slice(p * size, (p + 1) * size),
    1 + turned[p],
  );
  // eₚ wᵀ
  const left = new Float64Array(size), right = new Float64Array(size);
  let pivot = 1;
  for (let j = 0; j < size; j++) {
    left[j] = inverse[j * size + p];
    pivot += row[j] * left[j];
    for (let i = 0; i < size; i++) right[i] += row[j] * inverse[j * size + i];
  }
  subtract(inverse, size, left, right, pivot);
}

/** By how much a row was scaled: told by its largest weight that stayed. */
function factorOf(
  old: Float64Array,
  gamma: Float64Array,
  at: number,
  size: number,
  p: number,
): number {
  let best = -1;
  for (let j = at; j < at + size; j++) {
    if (j !== at + p && (best < 0 || old[j] > old[best])) best = j;
  }
  return gamma[best] / old[best];
}

function subtract(
  inverse: Float64Array,
  size: number,
  left: Float64Array,
  right: Float64Array,
  pivot: number,
): void {
  for (let j = 0; j < size; j++) {
    const factor = left[j] / pivot;
    for (let i = 0; i < size; i++) inverse[j * size + i] -= factor * right[i];
  }
}
