/**
 * Two distributions that explain a row of weights: the most even one and a sparsest one, both with the same output.
 *
 * Of all x ≥ 0 with x·T = a·T and x·1 = a·1, the most even has the least |x| (`newton.ts`, `active_set.ts`), and the
 * sparsest are vertices, with no more keys than [T, 1] has dimensions (`vertex.ts`). A projection of a does not stay
 * non-negative, so neither can be had without inequalities.
 *
 * @module
 */

import { CsrMatrix } from "../matrix/csr.ts";
import type { DenseMatrix } from "../matrix/dense.ts";
import type { Rows } from "../rows.ts";
import { shortestByWalking } from "./active_set.ts";
import type { Explainer, ExplainOptions } from "./explainer.ts";
import { momentsUnder } from "./moments.ts";
import { shortestByNewton } from "./newton.ts";
import { denseRows, explainRows } from "./rows.ts";
import { vertexOf } from "./vertex.ts";
import { momentsIn } from "./view.ts";

/** Newton's moments are as good as rounding lets them be, or the walk is asked. */
const AS_GOOD = 2 ** -44;

/**
 * Finds, for each row of weights, the distribution of least length with the same output.
 *
 * The most even one: what is in it is needed for the output, as far as weights can be told apart at all. A row keeps its
 * sum, so a distribution stays one. A key of weight 0 is not attended to and stays 0. Where the output could hardly be
 * had in another way, a length may be up to a bit of its square from the least.
 *
 * Shapes: rows × n weights of 0 or more and n × d values give rows × n. Costs some ten steps of n · d² multiply-adds at
 * most a row; where the output lies at the edge of what the values can give, as it does for peaked weights, some 14 · n ·
 * d + d³ / 6 for each key that comes or goes, and there may be several hundred of those. Errors: as
 * {@linkcode effectiveAttention}, and a `RangeError` for a weight below 0. What is returned has been checked: a row that
 * is off by more than 1e-10 of the largest value it attends to would be a `RangeError` instead, never a guess.
 *
 * @example Which definitions speak for a plant, as evenly as may be
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { createAttention, ids, outputs, weights } from "@reattend/reattend";
 * import { liveValues, minimumNormAttention } from "@reattend/reattend/explain";
 *
 * const memory = createAttention({
 *   keys: [[1, 0], [0.8, 0.6], [0, 1], [-0.6, 0.8]],
 *   values: [[1, 0], [1, 0], [0.5, 0.5], [0, 1]], // plant, animal
 *   queries: [[1, 0]],
 *   scale: 4,
 * });
 * const even = minimumNormAttention(weights(memory).matrix, liveValues(memory));
 * assertAlmostEquals(even.get(0, 0), even.get(0, 1));
 * assertAlmostEquals(even.mmul(liveValues(memory)).get(0, 0), outputs(memory).get(0, 0), 1e-9);
 * ```
 */
export function minimumNormAttention(
  weights: Rows,
  values: Rows | Explainer,
  options: ExplainOptions = {},
): DenseMatrix {
  return denseRows(explainRows(
    {
      verb: "read minimum-norm attention",
      signed: false,
      sums: true,
      find: (view, row) => {
        const moments = momentsIn(view), wanted = momentsUnder(moments, row);
        return shortestByNewton(moments, wanted, AS_GOOD) ??
          shortestByWalking(moments, row);
      },
    },
    weights,
    values,
    options,
  ));
}

/**
 * Finds, for each row of weights, a distribution over few keys with the same output: at most d + 1 of them.
 *
 * Of those there are it takes one with the largest Σ a_i·x_i, so keys that had much weight are preferred. A row keeps
 * its sum. A key of weight 0 stays 0, and where several keys have the same value one of them speaks for all.
 *
 * Shapes: rows × n weights of 0 or more and n × d values give rows × n, sparse; a row has at most as many entries as
 * [T, 1] has dimensions over the keys it attends to. Costs some n · d² multiply-adds a row and n · d for each step of the
 * simplex method. Errors: as {@linkcode minimumNormAttention}.
 *
 * @example Three keys, one number: two of them are enough
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { sparseAttention } from "@reattend/reattend/explain";
 *
 * const sparse = sparseAttention([[0.25, 0.5, 0.25]], [[0], [1], [2]]);
 * assertEquals(sparse.to2DArray(), [[0, 1, 0]]);
 * ```
 */
export function sparseAttention(
  weights: Rows,
  values: Rows | Explainer,
  options: ExplainOptions = {},
): CsrMatrix {
  const { rows, columns } = explainRows(
    {
      verb: "read sparse attention",
      signed: false,
      sums: true,
      find: (view, row) => vertexOf(momentsIn(view), row),
    },
    weights,
    values,
    options,
  );
  const entries = function* (): Generator<[number, number, number]> {
    for (let row = 0; row < rows.length; row++) {
      const { keys, weights } = rows[row];
      for (let i = 0; i < keys.length; i++) {
        if (weights[i] > 0) yield [row, keys[i], weights[i]];
      }
    }
  };
  return CsrMatrix.fromTriples(rows.length, columns, entries());
}
