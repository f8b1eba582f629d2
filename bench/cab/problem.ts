/**
 * What a benchmark of attention hands out and gets back.
 *
 * The four patterns are those of the Comprehensive Attention Benchmark (Zhang et al., "CAB: Comprehensive Attention
 * Benchmarking on Long Sequence Modeling", ICML 2023, https://arxiv.org/abs/2210.07661): with or without a view of the
 * future, over one sequence or from one to another.
 *
 * @module
 */

import { DenseMatrix } from "@reattend/reattend";
import type { Random } from "../../src/random.ts";

/** Noncausal or causal, self or cross. */
export type Pattern = "NS" | "CS" | "NC" | "CC";

/** In the order of the paper. */
export const PATTERNS: readonly Pattern[] = ["NS", "CS", "NC", "CC"];

/** What they are called in full. */
export const NAMES: Record<Pattern, string> = {
  NS: "noncausal self",
  CS: "causal self",
  NC: "noncausal cross",
  CC: "causal cross",
};

/** One head of attention to be computed. */
export interface Problem {
  pattern: Pattern;
  /** queries × dim */
  queries: DenseMatrix;
  /** keys × dim */
  keys: DenseMatrix;
  /** keys × valueDim */
  values: DenseMatrix;
  /** Multiplies the dot products. */
  scale: number;
}

/** What a contestant makes of a problem. */
export interface Answer {
  /** queries × valueDim */
  outputs: DenseMatrix;
  /** Multiply-adds spent. */
  multiplyAdds: number;
  /** Bytes of what it sets up besides inputs and outputs. */
  bytes: number;
}

/** Whether query i may see no further than key i. In CC it is queries, not keys, that come one by one. */
export function isCausal({ pattern }: Problem): boolean {
  return pattern === "CS";
}

/** How many of the keys query i may see. */
export function visible(problem: Problem, i: number): number {
  return isCausal(problem) ? i + 1 : problem.keys.rows;
}

/** A matrix whose numbers have a 32-bit form, so that an attention that stores 32 bits has the same problem. */
export function matrix32(
  rows: number,
  columns: number,
  number: (row: number, column: number) => number,
): DenseMatrix {
  const matrix = new DenseMatrix(rows, columns), { data } = matrix;
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      data[at++] = Math.fround(number(row, column));
    }
  }
  return matrix;
}

/** A matrix of normal numbers of that deviation. */
export function normal32(
  random: Random,
  rows: number,
  columns: number,
  deviation = 1,
): DenseMatrix {
  return matrix32(rows, columns, () => deviation * random.normal());
}

/** Some rows of a matrix, not copied: from the first on. */
export function firstRows(matrix: DenseMatrix, rows: number): DenseMatrix {
  const { columns, data } = matrix;
  return new DenseMatrix(rows, columns, data.subarray(0, rows * columns));
}

/** A problem as it was when its later queries were not known, and in CS their keys neither. */
export function prefix(problem: Problem, rows: number): Problem {
  const { queries, keys, values } = problem, all = keys.rows;
  const known = problem.pattern === "CS" ? rows : all;
  return {
    ...problem,
    queries: firstRows(queries, rows),
    keys: firstRows(keys, known),
    values: firstRows(values, known),
  };
}
