/**
 * A thin QR factorisation, table = Q·R, that follows when a row of the table changes.
 *
 * Householder reflections make it (G. H. Golub and C. F. Van Loan, Matrix Computations, 4th edition, 2013, sections
 * 5.1 and 5.2). A changed row is a change of rank one, e_i·δᵀ: e_i is split into its part in the span of Q and the
 * rest, made orthogonal twice, and Givens rotations bring R back to its triangle (J. W. Daniel, W. B. Gragg, L. Kaufman
 * and G. W. Stewart, "Reorthogonalization and Stable Algorithms for Updating the Gram-Schmidt QR Factorization",
 * Mathematics of Computation 30, 1976, https://doi.org/10.1090/S0025-5718-1976-0431641-8).
 *
 * ml-matrix has a QR too, but none for fewer rows than columns and none whose arrays could be updated. No pivoting: Q
 * is orthonormal whatever the rank is, which is read off the small R afterwards (`space.ts`).
 *
 * @module
 */

/** What a table is made of: an orthonormal basis, and the table in that basis. */
export interface Factor {
  /** Rows of the table. */
  readonly rows: number;
  /** Columns of the table. */
  readonly columns: number;
  /** min(rows, columns): how many columns Q has. */
  readonly width: number;
  /** width × rows, one column of Q behind another. */
  readonly q: Float64Array;
  /** (width + 1) × columns, row by row: R, and below it a row of zeros to rotate with. */
  readonly r: Float64Array;
}

/**
 * Factorises a table, given column by column, whose largest numbers are around 1.
 *
 * Costs {@linkcode factorCost}, some 2 · rows · width · columns multiply-adds.
 */
export function factorise(
  table: Float64Array,
  rows: number,
  columns: number,
): Factor {
  const width = Math.min(rows, columns);
  const work = table.slice(), r = new Float64Array((width + 1) * columns);
  const q = new Float64Array(width * rows), tau = new Float64Array(width);
  for (let k = 0; k < width; k++) {
    tau[k] = reflector(work, k * rows + k, (k + 1) * rows, r, k * columns + k);
    for (let c = k + 1; c < columns; c++) {
      reflect(work, k * rows + k, work, c * rows + k, rows - k, tau[k]);
    }
  }
  for (let c = 0; c < columns; c++) {
    const above = Math.min(c, width);
    for (let k = 0; k < above; k++) r[k * columns + c] = work[c * rows + k];
  }
  for (let k = width - 1; k >= 0; k--) {
    q[k * rows + k] = 1;
    for (let c = k; c < width; c++) {
      reflect(work, k * rows + k, q, c * rows + k, rows - k, tau[k]);
    }
  }
  return { rows, columns, width, q, r };
}

/** What {@linkcode factorise} costs, in multiply-adds. */
export function factorCost(rows: number, columns: number): number {
  const width = Math.min(rows, columns);
  let cost = 0;
  for (let k = 0; k < width; k++) {
    cost += 2 * (rows - k) * (columns + width - 2 * k);
  }
  return cost;
}

/** Turns x into the v of I − τ·v·vᵀ that maps x to a multiple of e_1, and notes that multiple; returns τ. */
function reflector(
  x: Float64Array,
  start: number,
  end: number,
  r: Float64Array,
  at: number,
): number {
  let squares = 0;
  for (let i = start; i < end; i++) squares += x[i] * x[i];
  // Next to numbers around 1, what has no square is nothing.
  if (squares === 0) return 0;
  const norm = x[start] < 0 ? -Math.sqrt(squares) : Math.sqrt(squares);
  r[at] = -norm;
  x[start] += norm;
  return 1 / (norm * x[start]);
}

/** y ← (I − τ·v·vᵀ)·y */
function reflect(
  v: Float64Array,
  vAt: number,
  y: Float64Array,
  yAt: number,
  length: number,
  tau: number,
): void {
  if (tau === 0) return;
  let dot = 0;
  for (let i = 0; i < length; i++) dot += v[vAt + i] * y[yAt + i];
  dot *= tau;
  for (let i = 0; i < length; i++) y[yAt + i] -= dot * v[vAt + i];
}

/** What is left of a unit vector after two passes counts as nothing below this: some roundings of its length 1. */
const NOTHING = 2 ** -48;

/**
 * Follows a change of one row of the table by `delta`, one number for each column.
 *
 * Costs {@linkcode changeCost}, some 12 · rows · width multiply-adds.
 */
export function changeRow(
  factor: Factor,
  row: number,
  delta: Float64Array,
): void {
  const { rows, columns, width, q, r } = factor;
  const parts = new Float64Array(width + 1), rest = new Float64Array(rows);
  rest[row] = 1;
  const once = takeOut(factor, rest, parts);
  const length = takeOut(factor, rest, parts);
  // What a second pass halves is not a direction of its own but what Q itself is off by.
  if (length > NOTHING && length > once / 2) {
    parts[width] = length;
    for (let i = 0; i < rows; i++) rest[i] /= length;
  } else rest.fill(0);
  const column = (k: number) =>
    k < width ? q.subarray(k * rows, (k + 1) * rows) : rest;
  for (let k = width - 1; k >= 0; k--) {
    rotateAway(factor, parts, k, parts[k], parts[k + 1], column);
    parts[k + 1] = 0;
  }
  for (let c = 0; c < columns; c++) r[c] += parts[0] * delta[c];
  for (let k = 0; k < width; k++) {
    const at = k * columns + k;
    rotateAway(factor, parts, k, r[at], r[at + columns], column);
    r[at + columns] = 0;
  }
}

/** What {@linkcode changeRow} costs at most, in multiply-adds. */
export function changeCost({ rows, columns, width }: Factor): number {
  // Two passes over Q, and two rotations of two columns of Q and two rows of R for each column of Q.
  return 4 * rows * width + 2 * width * 4 * (rows + columns);
}

/** Splits a vector: what lies in the span of Q is added to `parts`, what does not stays; returns its length. */
function takeOut(
  { rows, width, q }: Factor,
  vector: Float64Array,
  parts: Float64Array,
): number {
  const dots = new Float64Array(width);
  for (let k = 0; k < width; k++) {
    let dot = 0;
    for (let i = 0, at = k * rows; i < rows; i++) dot += q[at + i] * vector[i];
    dots[k] = dot;
    parts[k] += dot;
  }
  for (let k = 0; k < width; k++) {
    const dot = dots[k];
    for (let i = 0, at = k * rows; i < rows; i++) vector[i] -= dot * q[at + i];
  }
  let squares = 0;
  for (let i = 0; i < rows; i++) squares += vector[i] * vector[i];
  return Math.sqrt(squares);
}

/** Turns the directions k and k + 1 so that (x, y) there becomes (√(x² + y²), 0), in Q, in R and in the parts. */
function rotateAway(
  { rows, columns, r }: Factor,
  parts: Float64Array,
  k: number,
  x: number,
  y: number,
  column: (k: number) => Float64Array,
): void {
  if (y === 0) return;
  const length = Math.hypot(x, y), cos = x / length, sin = y / length;
  parts[k] = cos * parts[k] + sin * parts[k + 1];
  const upper = k * columns, lower = upper + columns;
  for (let c = 0; c < columns; c++) {
    const up = r[upper + c], low = r[lower + c];
    r[upper + c] = cos * up + sin * low;
    r[lower + c] = cos * low - sin * up;
  }
  const left = column(k), right = column(k + 1);
  for (let i = 0; i < rows; i++) {
    const one = left[i], other = right[i];
    left[i] = cos * one + sin * other;
    right[i] = cos * other - sin * one;
  }
}
