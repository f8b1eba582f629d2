/**
 * Softmax attention as the textbook has it: two passes in f64, for tests, audits and readers.
 *
 * O_i = Σ_j p_ij v_j with p_ij = exp(s_ij − max_j s_ij) / Σ_j exp(…) and s_ij = scale · q_i · k_j + bias_j (Vaswani et
 * al., Attention Is All You Need, 2017, https://arxiv.org/abs/1706.03762, equation 1).
 *
 * @module
 */

import {
  type Bias,
  checkAnswer,
  checkBias,
  checkFinite,
  checkOptions,
  counted,
  show,
  thereAre,
} from "../check.ts";
import type { Rows } from "../rows.ts";
import { checkedCopy, CsrMatrix } from "../matrix/csr.ts";
import { DenseMatrix, matrixFrom } from "../matrix/dense.ts";

/** Options of {@linkcode softmaxAttention}. */
export interface SoftmaxAttentionOptions {
  /** Multiplies the dot products; 1/√dim if left out. */
  scale?: number;
  /** Added to the scores of keys, one for all or one for each; −Infinity masks a key. */
  bias?: Bias;
  /** Which keys a query may attend to: those up to its own row, those stored in its row, or those it says yes to. */
  mask?: "causal" | CsrMatrix | ((query: number, key: number) => boolean);
}

/**
 * Computes softmax(scale · Q Kᵀ + bias + mask) V from its definition.
 *
 * It keeps nothing and skips nothing: the truth that the maintained attention is measured against. A query that may
 * attend to no key gets a row of zeros.
 *
 * Shapes: n × dim, m × dim, m × valueDim give n × valueDim. Costs n · m · (dim + valueDim) multiply-adds in f64.
 * Errors: a `RangeError` where the shapes do not meet, a `TypeError` for what is no matrix of numbers. NaN, and scores
 * beyond what 64 bits hold, make NaN of the rows that meet them.
 *
 * @example Two keys, one query
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { softmaxAttention } from "@reattend/reattend";
 *
 * const output = softmaxAttention([[0, 0]], [[1, 2], [3, 4]], [[10], [20]]);
 * assertEquals(output.to2DArray(), [[15]]);
 * ```
 */
export function softmaxAttention(
  queries: Rows,
  keys: Rows,
  values: Rows,
  options: SoftmaxAttentionOptions = {},
): DenseMatrix {
  const verb = "compute attention";
  checkOptions(verb, options, ["scale", "bias", "mask"]);
  const k = asMatrix(verb, "keys", keys);
  const v = asMatrix(verb, "values", values);
  const q = matrixFrom(verb, "queries", queries);
  if (k.rows > 0 && q.rows > 0 && q.columns !== k.columns) {
    throw new RangeError(
      `Cannot ${verb}: queries has rows of ${
        counted(q.columns, "number")
      }, it should have rows of ${k.columns} like keys`,
    );
  }
  if (v.rows !== k.rows) {
    throw new RangeError(
      `Cannot ${verb}: ${
        thereAre(v.rows, "value")
      }, there should be one for each of ${counted(k.rows, "key")}`,
    );
  }
  const scale = checkFinite(
    verb,
    "scale",
    options.scale === undefined ? 1 / Math.sqrt(q.columns || 1) : options.scale,
  );
  const bias = options.bias === undefined
    ? undefined
    : checkBias(verb, options.bias, k.rows);
  const admits = admission(verb, options.mask);
  const output = new DenseMatrix(q.rows, v.columns);
  const scores = new Float64Array(k.rows);
  for (let i = 0; i < q.rows; i++) {
    let largest = -Infinity;
    for (let j = 0; j < k.rows; j++) {
      const score = dotRow(k, j, q.data, i * k.columns) * scale;
      scores[j] = admits(i, j) ? score + (bias?.(j) ?? 0) : -Infinity;
      if (scores[j] > largest) largest = scores[j];
    }
    let sum = 0, admitted = 0;
    for (let j = 0; j < k.rows; j++) {
      if (scores[j] === -Infinity) continue;
      admitted++;
      const weight = Math.exp(scores[j] - largest);
      sum += weight;
      addRow(v, j, weight, output.data, i * v.columns);
    }
    if (admitted > 0) {
      for (let c = 0; c < v.columns; c++) {
        output.data[i * v.columns + c] /= sum;
      }
    }
  }
  return output;
}

/** A matrix as it comes, dense or sparse: what is not stored adds nothing. */
type Matrix = DenseMatrix<Float64Array | Float32Array> | CsrMatrix;

function asMatrix(verb: string, name: string, rows: Rows): Matrix {
  if (rows instanceof CsrMatrix) return checkedCopy(verb, rows);
  return rows instanceof DenseMatrix ? rows : matrixFrom(verb, name, rows);
}

function dotRow(
  matrix: Matrix,
  row: number,
  numbers: Float64Array,
  at: number,
): number {
  let dot = 0;
  if (matrix instanceof CsrMatrix) {
    const { indptr, indices, values } = matrix;
    for (let i = indptr[row]; i < indptr[row + 1]; i++) {
      dot += numbers[at + indices[i]] * values[i];
    }
    return dot;
  }
  const { data, columns } = matrix;
  for (let t = 0, from = row * columns; t < columns; t++) {
    dot += numbers[at + t] * data[from + t];
  }
  return dot;
}

function addRow(
  matrix: Matrix,
  row: number,
  weight: number,
  into: Float64Array,
  at: number,
): void {
  if (matrix instanceof CsrMatrix) {
    const { indptr, indices, values } = matrix;
    for (let i = indptr[row]; i < indptr[row + 1]; i++) {
      into[at + indices[i]] += weight * values[i];
    }
    return;
  }
  const { data, columns } = matrix;
  for (let c = 0, from = row * columns; c < columns; c++) {
    into[at + c] += weight * data[from + c];
  }
}

function admission(
  verb: string,
  mask: SoftmaxAttentionOptions["mask"],
): (query: number, key: number) => boolean {
  if (mask === undefined) return () => true;
  if (mask === "causal") return (query, key) => key <= query;
  if (mask instanceof CsrMatrix) {
    const pattern = checkedCopy(verb, mask);
    return (query, key) =>
      query < pattern.rows && key < pattern.columns &&
      pattern.get(query, key) !== 0;
  }
  if (typeof mask === "function") {
    return (query, key) => checkAnswer("mask", mask(query, key));
  }
  throw new TypeError(
    `Cannot ${verb}: mask is ${
      show(mask)
    }, it should be "causal", a CsrMatrix or a function`,
  );
}
