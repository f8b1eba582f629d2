/**
 * How much of an output comes from each key.
 *
 * The output is o = Σ a_j·t_j. Its share from key j is the part of a_j·t_j that points where o does, (a_j·t_j · o)/|o|²:
 * the shares of a row add up to 1, and what pulls the other way is negative. It weighs what a key has to say, which a
 * weight does not: a key with much weight and a value of nothing has a share of 0 (G. Kobayashi, T. Kuribayashi, S. Yokoi
 * and K. Inui, "Attention is Not Only a Weight: Analyzing Transformers with Vector Norms", 2020,
 * https://arxiv.org/abs/2004.10102, section 2, take |a_j·t_j| for that, which does not add up).
 *
 * @module
 */

import type { DenseMatrix } from "../matrix/dense.ts";
import type { Rows } from "../rows.ts";
import { checkWeights, type WeightRow } from "./door.ts";
import {
  type Explainer,
  type ExplainOptions,
  openValues,
} from "./explainer.ts";
import { denseRows } from "./rows.ts";
import { exponentOf, scaled } from "./view.ts";

/** Half the distance from 1 to the next number. */
const UNIT = 2 ** -53;

/**
 * Tells for each weight which share of its row's output comes from there.
 *
 * Rows add up to 1. Where the output is 0, or nothing but the rounding of parts that cancel, nothing has a share: the
 * row is 0.
 *
 * Shapes: rows × n weights and n × d values give rows × n. Costs 2 · rows · n · d multiply-adds. Errors: as
 * {@linkcode effectiveAttention}.
 *
 * @example Much weight and nothing to say
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { outputShares } from "@reattend/reattend/explain";
 *
 * const shares = outputShares([[0.5, 0.25, 0.25]], [[0, 0], [3, 0], [1, 0]]);
 * assertEquals(shares.to2DArray(), [[0, 0.75, 0.25]]);
 * ```
 */
export function outputShares(
  weights: Rows,
  values: Rows | Explainer,
  options: ExplainOptions = {},
): DenseMatrix {
  const verb = "read output shares", kept = openValues(verb, values, options);
  const { rows, columns } = checkWeights(
    verb,
    "weights",
    weights,
    kept.table.rows,
    true,
  );
  const shares = rows.map((row) => ({
    keys: row.keys,
    weights: sharesOf(row, kept.table),
  }));
  return denseRows({ rows: shares, columns });
}

/** The shares of the keys of one row. */
function sharesOf(
  { keys, weights }: WeightRow,
  { columns, data }: DenseMatrix,
): Float64Array {
  const parts = new Float64Array(keys.length * columns);
  // Every part as a weight in [1, 2) times a value in [1, 2), so that nothing is lost before the largest is known.
  let peak = -Infinity;
  for (let i = 0; i < keys.length; i++) {
    for (let c = 0; c < columns; c++) {
      const value = Math.abs(data[keys[i] * columns + c]);
      if (value === 0) continue;
      const size = exponentOf(Math.abs(weights[i])) + exponentOf(value);
      peak = Math.max(peak, size);
    }
  }
  const output = new Float64Array(columns), sizes = new Float64Array(columns);
  for (let i = 0; i < keys.length; i++) {
    const exponent = exponentOf(Math.abs(weights[i]));
    const weight = scaled(weights[i], exponent);
    for (let c = 0; c < columns; c++) {
      const value = data[keys[i] * columns + c],
        own = exponentOf(Math.abs(value));
      const product = weight * scaled(value, own);
      const part = product === 0 ? 0 : scaled(product, peak - exponent - own);
      parts[i * columns + c] = part;
      output[c] += part;
      sizes[c] += Math.abs(part);
    }
  }
  const shares = new Float64Array(keys.length);
  let squares = 0, heard = false;
  for (let c = 0; c < columns; c++) {
    squares += output[c] * output[c];
    if (Math.abs(output[c]) > (keys.length + 1) * UNIT * sizes[c]) heard = true;
  }
  if (!heard) return shares;
  for (let i = 0; i < keys.length; i++) {
    for (let c = 0; c < columns; c++) {
      shares[i] += parts[i * columns + c] * output[c];
    }
    shares[i] /= squares;
  }
  return shares;
}
