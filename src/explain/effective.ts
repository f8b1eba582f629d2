/**
 * The part of attention that the output depends on: effective and efficient attention, and how much else there is.
 *
 * With more keys than numbers in a value, many rows of weights give the same output, so a weight alone says little. Let
 * T be the values (times the output projection, if there is one) of the keys that a row attends to.
 *
 * - _Effective attention_ is what is left when the part of the row that T maps to 0 is taken away, A⊥ = A − Proj_LN(T) A
 *   = A·U·Uᵀ with an orthonormal basis U of the column space of T (G. Brunner, Y. Liu, D. Pascual, O. Richter, M.
 *   Ciaramita and R. Wattenhofer, "On Identifiability in Transformers", 2020, https://arxiv.org/abs/1908.04211, section
 *   3). Its rows need not add up to 1.
 * - _Efficient attention_ is the same with [T, 1], the values beside a column of ones: the row of least length with the
 *   same output and the same sum (O. Naim and N. Asher, "On Explaining with Attention Matrices", 2024,
 *   https://arxiv.org/abs/2410.18541). It may be negative, so it is no distribution in general; `distributions.ts` has
 *   two that are.
 *
 * @module
 */

import type { DenseMatrix } from "../matrix/dense.ts";
import type { Rows } from "../rows.ts";
import { checkWeights } from "./door.ts";
import {
  type Explainer,
  type ExplainOptions,
  openValues,
  viewOf,
} from "./explainer.ts";
import { denseRows, explainRows } from "./rows.ts";
import { project } from "./space.ts";
import { spanIn, type View } from "./view.ts";

/** How many dimensions of change a row of weights has that nobody would notice; one number for each row. */
export interface Freedom {
  /** Changes that leave the output: keys attended to less the rank of T. */
  output: Uint32Array;
  /** Those that leave the sum of the row too: keys attended to less the rank of [T, 1]. */
  distribution: Uint32Array;
}

/**
 * Takes from each row of weights what has no influence on its output.
 *
 * The row of least length with the same output. Rows need not add up to 1 and may be negative. A key of weight 0 is not
 * attended to: it stays 0, and its value counts for nothing in the row. Weights may have any sign and size.
 *
 * Shapes: rows × n weights and n × d values give rows × n. Costs 2 · rows · n · d multiply-adds and 2 · n · d² for each
 * set of keys that a row attends to other than the row before. Singular values up to σ_max · max(n, d) · 2⁻⁵² count as
 * 0, each column of T scaled by a power of two before. Errors: a `TypeError` for what is no rows of numbers, a
 * `RangeError` for shapes that do not meet and numbers that are not finite.
 *
 * @example Two keys of the same value are one
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { effectiveAttention } from "@reattend/reattend/explain";
 *
 * const row = effectiveAttention([[0.5, 0.25, 0.25]], [[1], [1], [0]]).to1DArray();
 * assertEquals(row.map((weight) => weight.toFixed(3)), ["0.375", "0.375", "0.000"]);
 * ```
 *
 * @param values What the weights average, or an explainer that keeps it.
 */
export function effectiveAttention(
  weights: Rows,
  values: Rows | Explainer,
  options: ExplainOptions = {},
): DenseMatrix {
  return projectRows(
    "read effective attention",
    false,
    weights,
    values,
    options,
  );
}

/**
 * Takes from each row of weights what has no influence on its output or its sum.
 *
 * The row of least length with the same output and the same sum. It may be negative: over random values most rows have
 * a negative weight; see {@linkcode minimumNormAttention}. A key of weight 0 stays 0, and its value counts for nothing.
 * It is no layer: the `efficientAttention` of `./layers` is another thing of the same name.
 *
 * Shapes, costs and errors: as {@linkcode effectiveAttention}, with d + 1 for d.
 *
 * @example The rest is shared out evenly
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { efficientAttention } from "@reattend/reattend/explain";
 *
 * const row = efficientAttention([[0.5, 0.25, 0.25]], [[1], [1], [0]]).to1DArray();
 * assertEquals(row.map((weight) => weight.toFixed(3)), ["0.375", "0.375", "0.250"]);
 * ```
 */
export function efficientAttention(
  weights: Rows,
  values: Rows | Explainer,
  options: ExplainOptions = {},
): DenseMatrix {
  return projectRows(
    "read efficient attention",
    true,
    weights,
    values,
    options,
  );
}

/**
 * Counts the dimensions in which each row of weights may change without a change of its output.
 *
 * Only keys of a weight other than 0 are counted. A row that attends to nothing has none.
 *
 * Costs 2 · n · d² multiply-adds for each set of keys other than that of the row before. Errors: as
 * {@linkcode effectiveAttention}.
 *
 * @example Four keys, values of one number
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { freedom } from "@reattend/reattend/explain";
 *
 * const { output, distribution } = freedom([[0.1, 0.2, 0.3, 0.4]], [[1], [2], [3], [4]]);
 * assertEquals([output[0], distribution[0]], [3, 2]);
 * ```
 */
export function freedom(
  weights: Rows,
  values: Rows | Explainer,
  options: ExplainOptions = {},
): Freedom {
  const verb = "read freedom", kept = openValues(verb, values, options);
  const { rows } = checkWeights(
    verb,
    "weights",
    weights,
    kept.table.rows,
    true,
  );
  const output = new Uint32Array(rows.length);
  const distribution = new Uint32Array(rows.length);
  rows.forEach(({ keys }, row) => {
    if (keys.length === 0) return;
    const view = viewOf(kept, keys);
    output[row] = keys.length - spanIn(view, false).rank;
    distribution[row] = keys.length - spanIn(view, true).rank;
  });
  return { output, distribution };
}

function projectRows(
  verb: string,
  sums: boolean,
  weights: Rows,
  values: Rows | Explainer,
  options: ExplainOptions,
): DenseMatrix {
  const find = (view: View, row: Float64Array) =>
    project(spanIn(view, sums), row);
  return denseRows(
    explainRows({ verb, signed: true, sums, find }, weights, values, options),
  );
}
