/**
 * The shortest weights that are nowhere negative and have given moments, by semismooth Newton steps in the dual.
 *
 * Wanted is the x ≥ 0 of least |x| with Mᵀx = b. It is x = (Mλ)₊ for the λ that minimises the convex φ(λ) = ½|(Mλ)₊|²
 * − λᵀb, which has as many unknowns as there are moments. Its gradient is Mᵀx − b, and its generalised Hessian M_Fᵀ·M_F
 * over the keys F where Mλ > 0 (L. Qi and J. Sun, "A Nonsmooth Version of Newton's Method", Mathematical Programming 58,
 * 1993, https://doi.org/10.1007/BF01581275). The first step, with all keys in F, is the projection.
 *
 * Some ten steps are enough, unless b lies next to the boundary of what non-negative weights can reach. Then λ is huge,
 * its rounding is the residual, and `active_set.ts` has to go on.
 *
 * @module
 */

import { combine, lengthOf, type Moments, momentsUnder } from "./moments.ts";

/** Enough for all rows but those next to the boundary, which no number of steps would help. */
const MOST_STEPS = 50;
/** After so many halvings a step is lost in its own rounding. */
const MOST_HALVINGS = 30;
/**
 * Added to the Hessian, whose eigenvalues are 0 … 1, for each unit of the gradient: where F has fewer keys than there
 * are moments it is singular, and a step along what it does not see would be endless. It fades as the gradient does, so
 * that the last steps are Newton's.
 */
const DAMPING = 1e-2;
/** Some roundings of the Hessian, which keep Cholesky going. */
const LEAST_DAMPING = 1e-14;
/** Of the decrease that the slope promises, this share is enough (L. Armijo, 1966; the customary value). */
const ENOUGH = 1e-4;

/** Looks for the shortest weights; undefined where the moments cannot be met to `tolerance` times their length. */
export function shortestByNewton(
  moments: Moments,
  wanted: Float64Array,
  tolerance: number,
): Float64Array | undefined {
  const { rows, rank } = moments, target = tolerance * lengthOf(wanted);
  const inside = new Uint8Array(rows), hessian = new Float64Array(rank * rank);
  const trial = new Float64Array(rank), room = new Float64Array(rows);
  let lambda = wanted.slice(), scores = new Float64Array(rows);
  combine(moments, lambda, scores);
  let value = valueOf(scores, lambda, wanted);
  let gradient = gradientOf(moments, scores, wanted);
  for (let step = 0; !(lengthOf(gradient) <= target); step++) {
    if (step === MOST_STEPS) return undefined;
    followHessian(moments, hessian, inside, scores);
    const direction = solve(
      hessian,
      rank,
      gradient,
      Math.max(LEAST_DAMPING, DAMPING * lengthOf(gradient) / lengthOf(wanted)),
    );
    let slope = 0, share = 1, halvings = 0;
    for (let c = 0; c < rank; c++) slope -= direction[c] * gradient[c];
    for (;; share /= 2) {
      if (halvings++ === MOST_HALVINGS) return undefined;
      for (let c = 0; c < rank; c++) {
        trial[c] = lambda[c] - share * direction[c];
      }
      combine(moments, trial, room);
      const reached = valueOf(room, trial, wanted);
      if (!(reached <= value + ENOUGH * share * slope)) continue;
      value = reached;
      break;
    }
    lambda = trial.slice();
    scores = room.slice();
    gradient = gradientOf(moments, scores, wanted);
  }
  for (let i = 0; i < rows; i++) scores[i] = Math.max(0, scores[i]);
  return scores;
}

/** φ(λ), with scores = Mλ. */
function valueOf(
  scores: Float64Array,
  lambda: Float64Array,
  wanted: Float64Array,
): number {
  let squares = 0, dot = 0;
  for (let i = 0; i < scores.length; i++) {
    if (scores[i] > 0) squares += scores[i] * scores[i];
  }
  for (let c = 0; c < lambda.length; c++) dot += lambda[c] * wanted[c];
  return squares / 2 - dot;
}

/** Mᵀ(scores)₊ − wanted */
function gradientOf(
  moments: Moments,
  scores: Float64Array,
  wanted: Float64Array,
): Float64Array {
  const gradient = momentsUnder(moments, scores.map((s) => s > 0 ? s : 0));
  for (let c = 0; c < wanted.length; c++) gradient[c] -= wanted[c];
  return gradient;
}

/** Adds to the Hessian the keys whose score has become positive, takes out the others; its lower triangle is kept. */
function followHessian(
  { rows, rank, byKey }: Moments,
  hessian: Float64Array,
  inside: Uint8Array,
  scores: Float64Array,
): void {
  for (let i = 0; i < rows; i++) {
    const now = scores[i] > 0 ? 1 : 0, sign = now - inside[i];
    if (sign === 0) continue;
    inside[i] = now;
    const at = i * rank;
    for (let k = 0; k < rank; k++) {
      const share = sign * byKey[at + k], row = k * rank;
      for (let c = 0; c <= k; c++) hessian[row + c] += share * byKey[at + c];
    }
  }
}

/** (H + δI)⁻¹·vector by Cholesky; a pivot that rounding has taken away becomes δ / 2. */
function solve(
  hessian: Float64Array,
  rank: number,
  vector: Float64Array,
  damping: number,
): Float64Array {
  const lower = hessian.slice(), solution = vector.slice();
  for (let k = 0; k < rank; k++) {
    const row = k * rank;
    for (let c = 0; c <= k; c++) {
      const other = c * rank;
      let rest = lower[row + c];
      for (let i = 0; i < c; i++) rest -= lower[row + i] * lower[other + i];
      lower[row + c] = c < k
        ? rest / lower[other + c]
        : Math.sqrt(Math.max(rest + damping, damping / 2));
    }
  }
  for (let k = 0; k < rank; k++) {
    for (let c = 0; c < k; c++) {
      solution[k] -= lower[k * rank + c] * solution[c];
    }
    solution[k] /= lower[k * rank + k];
  }
  for (let k = rank - 1; k >= 0; k--) {
    for (let c = k + 1; c < rank; c++) {
      solution[k] -= lower[c * rank + k] * solution[c];
    }
    solution[k] /= lower[k * rank + k];
  }
  return solution;
}
