/**
 * The efficiency length: how long a sequence has to be for a method to be cheaper than exact attention.
 *
 * Of the Comprehensive Attention Benchmark (https://arxiv.org/abs/2210.07661): costs of exact attention are
 * fitted by aL² + bL + c, those of the method by dL + e, and L* is the larger root of their difference. What its code lets
 * pass is said here: curves that do not meet, and methods that a straight line does not fit.
 *
 * @module
 */

/** Costs by length. */
export type Points = readonly (readonly [length: number, cost: number])[];

/** A polynomial of the length and how well it fits. */
export interface Fit {
  /** Of L⁰, L¹, … */
  factors: number[];
  /** R²: the share of the variance that it explains; 1 where there is none. */
  explained: number;
}

/** Where a method becomes cheaper. */
export interface EfficiencyLength {
  /** Null where there is none, for the reason given. */
  length: number | null;
  discriminant: number;
  reason?: string;
}

/** Below this share a fit is poor, and what follows from it is said to be. */
export const LEAST_EXPLAINED = 0.99;

/** Fits a polynomial by least squares. */
export function fit(points: Points, degree: number): Fit {
  const count = degree + 1;
  if (points.length < count) {
    throw new RangeError(
      `Cannot fit: there are ${points.length} points, there should be ${count} or more`,
    );
  }
  // In units of the longest, so that powers are of one size.
  const unit = points.reduce((most, [length]) => Math.max(most, length), 0);
  const rows = Array.from({ length: count }, (_, i) => [
    ...Array.from({ length: count }, (_, j) => momentOf(points, unit, i + j)),
    points.reduce((sum, [x, y]) => sum + (x / unit) ** i * y, 0),
  ]);
  const factors = solve(rows).map((factor, power) => factor / unit ** power);
  const mean = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  let left = 0, all = 0;
  for (const [x, y] of points) {
    left += (y - evaluate(factors, x)) ** 2;
    all += (y - mean) ** 2;
  }
  return { factors, explained: all === 0 ? 1 : 1 - left / all };
}

/** The length from which on a straight line is below a parabola. */
export function efficiencyLength(
  [c, b, a]: readonly number[],
  [e, d]: readonly number[],
): EfficiencyLength {
  const discriminant = (b - d) ** 2 - 4 * a * (c - e);
  if (!(a > 0)) {
    return {
      length: null,
      discriminant,
      reason: "exact attention does not grow with the square",
    };
  }
  if (discriminant < 0) {
    return {
      length: null,
      discriminant,
      reason:
        "the discriminant is negative: by the fits cheaper at every length",
    };
  }
  const length = (d - b + Math.sqrt(discriminant)) / (2 * a);
  return length > 0 ? { length, discriminant } : {
    length: null,
    discriminant,
    reason: "the curves meet at no length: by the fits cheaper at every one",
  };
}

function evaluate(factors: readonly number[], x: number): number {
  return factors.reduceRight((value, factor) => value * x + factor, 0);
}

function momentOf(points: Points, unit: number, power: number): number {
  return points.reduce((sum, [x]) => sum + (x / unit) ** power, 0);
}

/** Solves linear equations, the right side in the last column, by elimination with the largest pivot. */
function solve(rows: number[][]): number[] {
  const count = rows.length;
  for (let at = 0; at < count; at++) {
    let pivot = at;
    for (let row = at + 1; row < count; row++) {
      if (Math.abs(rows[row][at]) > Math.abs(rows[pivot][at])) pivot = row;
    }
    [rows[at], rows[pivot]] = [rows[pivot], rows[at]];
    for (let row = 0; row < count; row++) {
      if (row === at) continue;
      const share = rows[row][at] / rows[at][at];
      for (let c = at; c <= count; c++) rows[row][c] -= share * rows[at][c];
    }
  }
  return rows.map((row, at) => row[count] / row[at]);
}
