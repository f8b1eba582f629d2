/**
 * From rows of weights to rows that explain them: each over the keys it attends to, and checked before it is returned.
 *
 * @module
 */

import { DenseMatrix } from "../matrix/dense.ts";
import type { Rows } from "../rows.ts";
import { checkWeights, type WeightRow } from "./door.ts";
import {
  type Explainer,
  type ExplainOptions,
  openValues,
  viewOf,
} from "./explainer.ts";
import { exponentOf, outputChange, scaled, type View } from "./view.ts";

/** Outputs may move by this share of the largest value that a row attends to, and its sum by this share of itself. */
const UNCHANGED = 1e-10;

/** How rows are explained. */
export interface Explanation {
  /** Completes "Cannot …". */
  verb: string;
  /** Whether weights may be negative. */
  signed: boolean;
  /** Whether sums of rows are kept, and not only outputs. */
  sums: boolean;
  /** Finds the row over the keys that it attends to; the largest weight comes with a size in [1, 2). */
  find(view: View, weights: Float64Array): Float64Array;
}

/**
 * Explains every row of weights.
 *
 * Weights are scaled by a power of two, so rows of any size are alike. A `RangeError` where a row leaves the output off
 * by more than 1e-10 of the largest value: nothing is returned then.
 */
export function explainRows(
  { verb, signed, sums, find }: Explanation,
  weights: Rows,
  values: Rows | Explainer,
  options: ExplainOptions,
): { rows: WeightRow[]; columns: number } {
  const kept = openValues(verb, values, options), columns = kept.table.rows;
  const given = checkWeights(verb, "weights", weights, columns, signed);
  const rows = given.rows.map(
    ({ keys, weights }, row) => {
      if (keys.length === 0) return { keys, weights };
      const view = viewOf(kept, keys);
      let peak = 0;
      for (const weight of weights) peak = Math.max(peak, Math.abs(weight));
      const exponent = exponentOf(peak);
      const whole = weights.map((weight) => scaled(weight, exponent));
      const found = find(view, whole);
      const off = outputChange(view, whole, found, sums);
      if (!(off <= UNCHANGED)) {
        throw new RangeError(
          `Cannot ${verb}: row ${row} is off by ${off} of its scale, it should be at most ${UNCHANGED}`,
        );
      }
      return {
        keys,
        weights: found.map((weight) => scaled(weight, -exponent)),
      };
    },
  );
  return { rows, columns };
}

/** Rows as a dense matrix. */
export function denseRows(
  { rows, columns }: { rows: WeightRow[]; columns: number },
): DenseMatrix {
  const matrix = new DenseMatrix(rows.length, columns);
  rows.forEach(({ keys, weights }, row) => {
    for (let i = 0; i < keys.length; i++) {
      matrix.data[row * columns + keys[i]] = weights[i];
    }
  });
  return matrix;
}
