/**
 * Nyströmformer as published: attention through a few averaged queries and keys.
 *
 * Xiong et al., "Nyströmformer", AAAI 2021, https://arxiv.org/abs/2102.03902: landmarks are means of
 * segments; F = softmax(Q K̃ᵀ), Γ = softmax(Q̃ K̃ᵀ), B = softmax(Q̃ Kᵀ) and O = F Z (B V), Z after six steps of
 * Z ← Z (13 I − ΓZ (15 I − ΓZ (7 I − ΓZ))) / 4 from Z = Γᵀ / (‖Γ‖₁ ‖Γ‖∞). Its convolution of the values is left out.
 *
 * @module
 */

import { DenseMatrix } from "@reattend/reattend";
import type { Answer, Problem } from "../problem.ts";
import {
  addRow,
  product,
  refuse,
  scores,
  scratch,
  softmaxRows,
  type Tally,
  tally,
} from "../plain.ts";

/** Steps of the iteration for the inverse, as published. */
const STEPS = 6;

/**
 * Attends through landmarks, all heads at once; refuses queries that come one by one.
 *
 * As published, ‖Γ‖₁ is that of the head where it is largest, so that what becomes of a head depends on the others.
 */
export function publishedNystrom(
  heads: readonly Problem[],
  landmarks: number,
): Answer[] {
  const spents = heads.map(tally);
  const parts = heads.map((head, at) => kernels(head, landmarks, spents[at]));
  const norm = Math.max(...parts.map(({ middle }) => largestColumn(middle)));
  return heads.map(({ queries, values }, at) => {
    const spent = spents[at], { left, middle, right } = parts[at];
    const outputs = new DenseMatrix(queries.rows, values.columns);
    const inverse = invert(middle, norm, spent);
    const contents = product(spent, inverse, product(spent, right, values));
    product(spent, left, contents, outputs);
    return { outputs, ...spent };
  });
}

/** F, Γ and B. */
function kernels(
  { pattern, queries, keys, scale }: Problem,
  landmarks: number,
  spent: Tally,
): Record<"left" | "middle" | "right", DenseMatrix> {
  if (pattern === "CS" || pattern === "CC") {
    refuse(
      `published Nyström ${landmarks}`,
      "is asked not to know later queries, which are averaged into its landmarks",
      "be asked about all at once",
    );
  }
  const fewQueries = means(queries, landmarks, spent);
  const fewKeys = means(keys, landmarks, spent);
  const kernel = (a: DenseMatrix, b: DenseMatrix) => {
    const weights = scores(spent, a, b, scale);
    softmaxRows(weights);
    return weights;
  };
  return {
    left: kernel(queries, fewKeys),
    middle: kernel(fewQueries, fewKeys),
    right: kernel(fewQueries, keys),
  };
}

/** The means of segments, of which the first are one longer where the rows do not divide. */
function means(rows: DenseMatrix, count: number, spent: Tally): DenseMatrix {
  const made = scratch(spent, Math.min(count, rows.rows), rows.columns);
  const least = Math.floor(rows.rows / made.rows),
    longer = rows.rows % made.rows;
  for (let segment = 0, row = 0; segment < made.rows; segment++) {
    const length = segment < longer ? least + 1 : least;
    for (let i = 0; i < length; i++) {
      addRow(made, segment, 1 / length, rows, row++);
    }
  }
  spent.multiplyAdds += rows.rows * rows.columns;
  return made;
}

/** The largest sum of a column, all of whose entries are positive. */
function largestColumn({ rows, columns, data }: DenseMatrix): number {
  const sums = new Float64Array(columns);
  for (let at = 0; at < rows * columns; at++) sums[at % columns] += data[at];
  return sums.reduce((a, b) => Math.max(a, b));
}

/** Z after six steps; ‖Γ‖∞ is 1, since rows are weights. */
function invert(kernel: DenseMatrix, norm: number, spent: Tally): DenseMatrix {
  const { rows: size, data } = kernel;
  let inverse = scratch(spent, size, size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      inverse.data[j * size + i] = data[i * size + j] / norm;
    }
  }
  for (let step = 0; step < STEPS; step++) {
    const near = product(spent, kernel, inverse);
    let inner = less(7, near);
    inner = less(15, product(spent, near, inner));
    inner = less(13, product(spent, near, inner));
    inverse = product(spent, inverse, inner);
    for (let at = 0; at < size * size; at++) inverse.data[at] /= 4;
  }
  return inverse;
}

/** times · I − matrix */
function less(times: number, { rows, data }: DenseMatrix): DenseMatrix {
  const made = new DenseMatrix(rows, rows, data.map((entry) => -entry));
  for (let i = 0; i < rows; i++) made.data[i * rows + i] += times;
  return made;
}
