/**
 * Attention across layers: how much of each token of the input is in each token of the last layer.
 *
 * Attention rollout multiplies the attention matrices of the layers, each mixed with the identity for the residual
 * connection around it: Â = 0.5·A + 0.5·I, Ã(l) = Â(l)·Ã(l − 1) (S. Abnar and W. Zuidema, "Quantifying Attention Flow in
 * Transformers", 2020, https://arxiv.org/abs/2005.00928, section 3, equation 1).
 *
 * @module
 */

import { checkOptions, checkShare, isIterable, show } from "../check.ts";
import { DenseMatrix } from "../matrix/dense.ts";
import type { Rows } from "../rows.ts";
import { checkWeights, type WeightRow } from "./door.ts";
import { largestOf } from "./moments.ts";

/** Options of {@linkcode rollout}. */
export interface RolloutOptions {
  /** The share of each token that goes round the attention, from 0 to 1; a half if left out. */
  residual?: number;
}

/** The share of the paper: a token and what it attends to count the same. */
const HALF = 0.5;

/**
 * Follows attention from the last layer down to the input.
 *
 * Row i of the result is a distribution over the tokens of the input. The layers come in the order of the model, the one
 * next to the input first; of several heads, give the mean. Each row is divided by its sum first, so the weights need
 * not be normalised; a token that attends to nothing keeps to itself (with `residual: 0` its row is 0).
 *
 * Shapes: each layer n × n, the result n × n. Costs n multiply-adds for each weight that is not 0, at most n³ a layer.
 * Errors: a `TypeError` for what is no list of layers, a `RangeError` for layers of other shapes, a weight
 * below 0, a residual outside of 0 … 1.
 *
 * @example Two layers that swap two tokens, and the half of each that stays
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { rollout } from "@reattend/reattend/explain";
 *
 * const swap = [[0, 1], [1, 0]];
 * assertEquals(rollout([swap, swap]).to2DArray(), [[0.5, 0.5], [0.5, 0.5]]);
 * assertEquals(rollout([swap, swap], { residual: 0 }).to2DArray(), [[1, 0], [0, 1]]);
 * ```
 */
export function rollout(
  layers: Iterable<Rows>,
  options: RolloutOptions = {},
): DenseMatrix {
  const verb = "roll out attention";
  checkOptions(verb, options, ["residual"]);
  const { residual = HALF } = options;
  checkShare(verb, "residual", residual);
  if (!isIterable(layers)) {
    throw new TypeError(
      `Cannot ${verb}: layers is ${
        show(layers)
      }, it should be a list of matrices`,
    );
  }
  let flow: DenseMatrix | undefined, at = 0;
  for (const layer of layers) {
    const name = `layers[${at++}]`;
    const { rows, columns } = checkWeights(
      verb,
      name,
      layer,
      flow?.columns,
      false,
    );
    if (rows.length !== columns) {
      throw new RangeError(
        `Cannot ${verb}: ${name} is ${rows.length} × ${columns}, it should have as many rows as columns`,
      );
    }
    flow = through(rows, residual, flow ?? identity(columns));
  }
  if (flow === undefined) {
    throw new RangeError(
      `Cannot ${verb}: there are no layers, there should be one or more`,
    );
  }
  return flow;
}

/** (residual · I + (1 − residual) · A) · flow, with the rows of A divided by their sums. */
function through(
  rows: WeightRow[],
  residual: number,
  flow: DenseMatrix,
): DenseMatrix {
  const next = new DenseMatrix(flow.rows, flow.columns);
  rows.forEach(({ keys, weights }, row) => {
    const out = next.row(row), stays = keys.length > 0 ? residual : 1;
    if (residual > 0) add(out, stays, flow.row(row));
    // The largest first, since a sum may be beyond all numbers.
    const peak = largestOf(weights), shares = weights.map((w) => w / peak);
    const sum = shares.reduce((total, share) => total + share, 0);
    for (let i = 0; i < keys.length; i++) {
      add(out, (1 - residual) * (shares[i] / sum), flow.row(keys[i]));
    }
  });
  return next;
}

/** out ← out + share · row */
function add(out: Float64Array, share: number, row: Float64Array): void {
  for (let c = 0; c < out.length; c++) out[c] += share * row[c];
}

function identity(side: number): DenseMatrix {
  const matrix = new DenseMatrix(side, side);
  for (let i = 0; i < side; i++) matrix.data[i * side + i] = 1;
  return matrix;
}
