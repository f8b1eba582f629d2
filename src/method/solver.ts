/**
 * Γ and what is put in the place of its inverse, kept for as long as neither Γ nor what it is applied to asks for
 * another.
 *
 * @module
 */

import {
  choiceCost,
  chooseRidge,
  decompose,
  decompositionCost,
  exactInverse,
  iterationCost,
  iterativeInverse,
  largestColumn,
  residualOf,
  ridgeInverse,
  rowSumDefectOf,
  type Spectrum,
} from "./inverse.ts";
import type { InverseSettings } from "./settings.ts";

/** What counts multiply-adds: a kernel. */
export interface Counter {
  multiplyAdds: number;
}

/** A matrix and its inverse, of whatever kind. */
export interface Solver {
  readonly settings: InverseSettings;
  readonly counter: Counter;
  /** Rows of Γ. */
  size: number;
  /** size × size */
  gamma: Float64Array;
  /** size × size: Z. Of a ridge, that which was settled last. */
  inverse: Float64Array;
  /** Of a ridge alone. */
  spectrum: Spectrum | undefined;
  /** In the square of the largest singular value; 0 before it is settled, and where there is none. */
  ridge: number;
  /** How often a Γ was factored. */
  refactored: number;
}

/** Makes a solver without a matrix. */
export function makeSolver(
  settings: InverseSettings,
  counter: Counter,
): Solver {
  return {
    settings,
    counter,
    size: 0,
    gamma: new Float64Array(0),
    inverse: new Float64Array(0),
    spectrum: undefined,
    ridge: 0,
    refactored: 0,
  };
}

/**
 * Takes another Γ in; a ridge is to be settled next. The iteration starts at `column`, or else at Γ's own largest sum
 * of a column.
 */
export function takeGamma(
  solver: Solver,
  gamma: Float64Array,
  size: number,
  column: number = largestColumn(gamma, size),
): void {
  const { settings: { inverse, iterations }, counter } = solver;
  solver.gamma = gamma;
  solver.size = size;
  solver.ridge = 0;
  solver.refactored++;
  counter.multiplyAdds += factorCost(solver.settings, size);
  if (inverse === "exact") solver.inverse = exactInverse(gamma, size);
  else if (inverse === "ridge") solver.spectrum = decompose(gamma, size, true);
  else solver.inverse = iterativeInverse(gamma, size, iterations, column);
}

/** Settles the ridge for answers that are size × width; says whether Z has become another. Without a ridge it stays. */
export function settleRidge(
  solver: Solver,
  answers: Float64Array,
  width: number,
): boolean {
  const { settings, counter, spectrum, size } = solver;
  if (spectrum === undefined) return false;
  const ridge = settings.ridge ?? chooseRidge(spectrum, answers, width);
  counter.multiplyAdds += settlingCost(settings, size, width);
  if (ridge === solver.ridge) return false;
  solver.ridge = ridge;
  solver.inverse = ridgeInverse(spectrum, ridge);
  counter.multiplyAdds += size ** 3;
  return true;
}

/** Multiply-adds that solving takes for answers that are size × width, at most. */
export function solvingCost(
  settings: InverseSettings,
  size: number,
  width: number,
): number {
  return factorCost(settings, size) + settlingCost(settings, size, width) +
    size ** 3;
}

function factorCost(
  { inverse, iterations }: InverseSettings,
  size: number,
): number {
  return inverse === "iterative"
    ? iterationCost(size, iterations)
    : decompositionCost(size);
}

function settlingCost(
  { inverse, ridge }: InverseSettings,
  size: number,
  width: number,
): number {
  return inverse === "ridge" && ridge === undefined
    ? choiceCost(size, width)
    : 0;
}

/** The inverse of one Γ for one set of answers; `column` as in {@linkcode takeGamma}. */
export function inverseOf(
  settings: InverseSettings,
  gamma: Float64Array,
  size: number,
  answers: Float64Array,
  width: number,
  column?: number,
): Float64Array {
  const solver = makeSolver(settings, { multiplyAdds: 0 });
  takeGamma(solver, gamma, size, column);
  settleRidge(solver, answers, width);
  return solver.inverse;
}

/** What `stats` tells of a solver. */
export function diagnose(
  { gamma, inverse, size }: Solver,
): { residual: number; rowSumDefect: number } {
  return {
    residual: residualOf(gamma, inverse, size),
    rowSumDefect: rowSumDefectOf(inverse, size),
  };
}

/** Bytes held. */
export function solverBytes({ gamma, inverse, spectrum }: Solver): number {
  let bytes = gamma.byteLength + inverse.byteLength;
  if (spectrum !== undefined) {
    const { means, left, values, right } = spectrum;
    for (const array of [means, left, values, right]) bytes += array.byteLength;
  }
  return bytes;
}
