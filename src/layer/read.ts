/**
 * The verbs that read a maintained layer.
 *
 * @module
 */

import type { Attention } from "../attention.ts";
import { checkOptions, type Ids } from "../check.ts";
import { stats } from "../inspect.ts";
import { DenseMatrix } from "../matrix/dense.ts";
import { outputs } from "../read.ts";
import { project } from "./project.ts";
import { checkLive } from "./stage.ts";
import { type MaintainedLayer, openLayer, type State } from "./state.ts";

/** What a layer has done, in multiply-adds, and holds. */
export interface LayerStats {
  /** Of tokens and queries, the output weight too where it is folded into the values. */
  projections: number;
  /** Of values along the tokens, in Super layers. */
  mixing: number;
  /** In the heads. */
  attention: number;
  /** Of heads put together: the output projection, where it is not folded. */
  outputs: number;
  /** All of it. */
  multiplyAdds: number;
  /** Bytes that the heads hold. */
  bytes: number;
}

/**
 * Reads the outputs of tokens (or of watched queries, in cross-attention), up to date.
 *
 * A head's output has 32 significant bits; the heads are added up, or projected, in 64-bit floats. The bits are those of
 * a layer made afresh of the same tokens. Who may attend to nothing gets the output bias.
 *
 * Shapes: rows × outputDim, 64-bit, by ascending id or in the order of `ids`. Costs what `outputs` of each head costs,
 * k changed tokens at most k (2 dim + 2 valueDim + 2) multiply-adds a row and head, and without `fold` another
 * outputDim · heads · valueDim a row. Errors: a `RangeError` for an id that is unknown or gone; what a mask throws.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { layerOutputs, maintainedLayer } from "@reattend/reattend/layers";
 *
 * const one = (number: number) => ({ data: new Float32Array([number]), shape: [1, 1] });
 * const weights = { queryWeight: one(0), outputWeight: one(1), outputBias: { data: new Float32Array([5]), shape: [1] } };
 * const layer = maintainedLayer("efficient", weights, { heads: 1, tokens: [[2], [4]] });
 * assertEquals(layerOutputs(layer, { ids: 1 }).to2DArray(), [[8]]);
 * ```
 */
export function layerOutputs(
  layer: MaintainedLayer,
  options: { ids?: Ids } = {},
): DenseMatrix {
  const verb = "read layer outputs", state = openLayer(verb, layer);
  checkOptions(verb, options, ["ids"]);
  const what = state.cross ? "query" : "token";
  const ids = options.ids === undefined
    ? undefined
    : checkLive(verb, what, state, options.ids, true);
  const heads = whileReading(
    state,
    () => state.heads.map((head) => outputs(head, { ids }).data),
  );
  const { outputWidth } = state.layer;
  const count = ids === undefined ? state.queries.size : ids.length;
  const rows = new Float64Array(count * outputWidth);
  if (state.folds === undefined) projectHeads(state, heads, count, rows);
  else addHeads(state, heads, rows);
  return new DenseMatrix(count, outputWidth, rows);
}

/** What a layer has done so far and holds now: plain numbers, free to read. */
export function layerStats(layer: MaintainedLayer): LayerStats {
  const { heads, projected, combined, mixture } = openLayer(
    "read layer stats",
    layer,
  );
  const sum = (number: (head: Attention) => number) =>
    heads.reduce((sum, head) => sum + number(head), 0);
  const attention = sum((head) => stats(head).multiplyAdds);
  const mixing = mixture?.multiplyAdds ?? 0;
  return {
    projections: projected,
    mixing,
    attention,
    outputs: combined,
    multiplyAdds: projected + mixing + attention + combined,
    bytes: sum((head) => stats(head).bytes),
  };
}

/** Reads, during which masks may be asked, and may change nothing. */
function whileReading<Result>(state: State, read: () => Result): Result {
  const { reading } = state;
  state.reading = true;
  try {
    return read();
  } finally {
    state.reading = reading;
  }
}

/** Adds up what heads give whose values hold the output weight. */
function addHeads(
  { layer: { output, outputWidth } }: State,
  heads: readonly Float64Array[],
  rows: Float64Array,
): void {
  for (const head of heads) {
    for (let at = 0; at < rows.length; at++) rows[at] += head[at];
  }
  const { bias, biasAt } = output;
  if (bias === undefined) return;
  for (let at = 0; at < rows.length; at++) {
    rows[at] += bias[biasAt + at % outputWidth];
  }
}

/** Puts what heads give side by side, and projects it. */
function projectHeads(
  state: State,
  heads: readonly Float64Array[],
  count: number,
  rows: Float64Array,
): void {
  const { valueDim, output } = state.layer, width = output.columns;
  const wide = new Float64Array(count * width);
  heads.forEach((head, h) => {
    for (let row = 0; row < count; row++) {
      const part = head.subarray(row * valueDim, (row + 1) * valueDim);
      wide.set(part, row * width + h * valueDim);
    }
  });
  project(output, wide, 0, count, rows, 0);
  state.combined += count * output.rows * width;
}
