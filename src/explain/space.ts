/**
 * The column space of a table: its dimension, an orthonormal basis, and projections onto it.
 *
 * With table = Q·R, the left singular vectors of the table are Q times those of the small R (T. F. Chan, "An Improved
 * Algorithm for Computing the Singular Value Decomposition", ACM Transactions on Mathematical Software 8, 1982,
 * https://doi.org/10.1145/355984.355990), so nothing as large as rows × rows is ever formed. R goes to the SVD of
 * ml-matrix, but only where it has to: mostly the inverse of R, a twentieth of the work, proves that no singular value
 * is small, and then Q is a basis as it is.
 *
 * @module
 */

import { SVD } from "ml-matrix";
import { DenseMatrix } from "../matrix/dense.ts";
import type { Factor } from "./factor.ts";

/** The span of the first columns of a table. */
export interface Space {
  readonly factor: Factor;
  /** Its dimension. */
  readonly rank: number;
  /** Where the first columns of Q are no basis: which combinations of them are, and of which columns they come. */
  readonly turn: Turn | undefined;
}

/** Singular vectors of R. */
interface Turn {
  /** factor.width × rank, row by row: the left ones. */
  left: Float64Array;
  /** count × rank, row by row: the right ones, each divided by its singular value. */
  right: Float64Array;
}

/**
 * Finds the span of the first `count` columns: singular values up to σ_max · max(rows, count) · ε count as 0.
 *
 * Costs count³ / 6 multiply-adds where the rank is clear, else an SVD of width × count.
 */
export function spanOf(factor: Factor, count: number): Space {
  const { rows, columns, width, r } = factor, least = Math.min(width, count);
  const ratio = Math.max(rows, count) * Number.EPSILON;
  if (least === 0 || conditionOf(factor, count) * ratio < 1) {
    return { factor, rank: least, turn: undefined };
  }
  const small = new DenseMatrix(width, count);
  for (let k = 0; k < width; k++) {
    const row = r.subarray(k * columns, k * columns + count);
    small.data.set(row, k * count);
  }
  const { diagonal, leftSingularVectors, rightSingularVectors } = new SVD(
    small,
    { autoTranspose: true },
  );
  let rank = 0;
  while (rank < diagonal.length && diagonal[rank] > diagonal[0] * ratio) rank++;
  const left = new Float64Array(width * rank);
  const right = new Float64Array(count * rank);
  for (let c = 0; c < rank; c++) {
    for (let k = 0; k < width; k++) {
      left[k * rank + c] = leftSingularVectors.get(k, c);
    }
    for (let k = 0; k < count; k++) {
      right[k * rank + c] = rightSingularVectors.get(k, c) / diagonal[c];
    }
  }
  return { factor, rank, turn: { left, right } };
}

/**
 * At least σ_max / σ_min of the first `count` columns: |R| · |R₁⁻¹| in Frobenius norms, with R₁ the leading triangle.
 *
 * Columns beyond the triangle only add to the smallest singular value. Infinity where the diagonal holds a 0.
 */
export function conditionOf(
  { columns, width, r }: Factor,
  count: number,
): number {
  const least = Math.min(width, count), column = new Float64Array(least);
  let squares = 0, inverse = 0;
  for (let k = 0; k < width; k++) {
    for (let c = k; c < count; c++) squares += r[k * columns + c] ** 2;
  }
  for (let c = 0; c < least; c++) {
    // Column c of the inverse, from the bottom up.
    for (let k = c; k >= 0; k--) {
      let rest = k === c ? 1 : 0;
      const at = k * columns;
      for (let i = k + 1; i <= c; i++) rest -= r[at + i] * column[i];
      column[k] = rest / r[at + k];
      inverse += column[k] * column[k];
    }
  }
  const condition = Math.sqrt(squares) * Math.sqrt(inverse);
  return Number.isNaN(condition) ? Infinity : condition;
}

/**
 * Coordinates of the rows of a table in a basis of its column space: rank × rows, one coordinate behind another.
 *
 * They are the basis itself, but each row's numbers follow from that row and R alone. So rows that are equal have equal
 * coordinates to the bit, which those of Q have only up to its condition. Costs rows · count · rank multiply-adds.
 */
export function coordinatesOf(
  { factor: { rows, columns, r }, rank, turn }: Space,
  table: Float64Array,
): Float64Array {
  const coordinates = new Float64Array(rank * rows);
  for (let c = 0; c < rank; c++) {
    const to = c * rows;
    if (turn === undefined) {
      for (let i = 0; i < rows; i++) coordinates[to + i] = table[to + i];
      for (let k = 0; k < c; k++) {
        const share = r[k * columns + c];
        for (let i = 0, at = k * rows; i < rows; i++) {
          coordinates[to + i] -= share * coordinates[at + i];
        }
      }
      const unit = r[c * columns + c];
      for (let i = 0; i < rows; i++) coordinates[to + i] /= unit;
      continue;
    }
    for (let k = 0; k < turn.right.length / rank; k++) {
      const share = turn.right[k * rank + c];
      for (let i = 0, at = k * rows; i < rows; i++) {
        coordinates[to + i] += share * table[at + i];
      }
    }
  }
  return coordinates;
}

/** A λ with table · λ = vector, for a vector of the space; the shortest one where the rank is not clear. */
export function combinationOf(
  { factor: { rows, columns, width, q, r }, rank, turn }: Space,
  vector: Float64Array,
): Float64Array {
  const parts = new Float64Array(width), lambda = new Float64Array(columns);
  for (let k = 0; k < width; k++) {
    for (let i = 0, at = k * rows; i < rows; i++) {
      parts[k] += q[at + i] * vector[i];
    }
  }
  if (turn === undefined) {
    for (let k = rank - 1; k >= 0; k--) {
      let rest = parts[k];
      for (let c = k + 1; c < rank; c++) rest -= r[k * columns + c] * lambda[c];
      lambda[k] = rest / r[k * columns + k];
    }
    return lambda;
  }
  for (let c = 0; c < rank; c++) {
    let dot = 0;
    for (let k = 0; k < width; k++) dot += turn.left[k * rank + c] * parts[k];
    for (let k = 0; k < columns; k++) {
      lambda[k] += turn.right[k * rank + c] * dot;
    }
  }
  return lambda;
}

/** The vector of a space that is nearest to a given one. Costs 2 · rows · width multiply-adds. */
export function project(space: Space, vector: Float64Array): Float64Array {
  const { factor: { rows, width, q }, rank, turn } = space;
  const used = turn === undefined ? rank : width;
  const parts = new Float64Array(used), nearest = new Float64Array(rows);
  for (let k = 0; k < used; k++) {
    for (let i = 0, at = k * rows; i < rows; i++) {
      parts[k] += q[at + i] * vector[i];
    }
  }
  const kept = turn === undefined ? parts : turnTwice(turn.left, rank, parts);
  for (let k = 0; k < used; k++) {
    const part = kept[k];
    for (let i = 0, at = k * rows; i < rows; i++) {
      nearest[i] += part * q[at + i];
    }
  }
  return nearest;
}

/** left · leftᵀ · parts */
function turnTwice(
  left: Float64Array,
  rank: number,
  parts: Float64Array,
): Float64Array {
  const kept = new Float64Array(parts.length);
  for (let c = 0; c < rank; c++) {
    let dot = 0;
    for (let k = 0; k < parts.length; k++) dot += left[k * rank + c] * parts[k];
    for (let k = 0; k < parts.length; k++) kept[k] += left[k * rank + c] * dot;
  }
  return kept;
}
