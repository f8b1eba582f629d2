/**
 * Layers that stay up to date while their tokens change.
 *
 * One maintained attention for each head: a token is projected once, when it is given, and is a key, a value and, in
 * self-attention, a watched query of every head from then on. A changed token costs its projections and its column of
 * each head. Outputs are those of the tokens that are there, bit for bit, whatever happened before: rows are projected
 * in one fixed order and rounded once, and the attention over them is canonical.
 *
 * The output projection is linear, so it can be taken into the values as they are written (`fold`). Then a read adds up
 * heads and projects nothing, where else every row read would pay outputDim · heads · valueDim for a change of one
 * token. The price: a head's values are outputDim wide instead of valueDim, in memory and in every sum.
 *
 * @module
 */

import { createAttention } from "../attention.ts";
import {
  checkFinite,
  checkOptions,
  counted,
  show,
  thereAre,
} from "../check.ts";
import type { Rows } from "../rows.ts";
import type { KernelChoice } from "../kernel/choose.ts";
import type { MaskPredicate } from "../memory/mask.ts";
import type { Floats } from "../softmax/tensor.ts";
import { checkLayer, KINDS, type Layer, type Projection } from "./layer.ts";
import { makeMixture } from "./mixture.ts";
import { putAlways, putTokens } from "./stage.ts";
import { layerOf, type MaintainedLayer, type State } from "./state.ts";
import type { LayerKind, LayerWeights } from "./weights.ts";

/** Options of {@linkcode maintainedLayer}. */
export interface MaintainedLayerOptions {
  /** How many heads the projected rows are divided into. */
  heads: number;
  /** Tokens to start with, under the ids 0, 1, 2, …; a Super layer that is not causal has all of them from the start. */
  tokens?: Rows;
  /** What the values are made of, one row for each token, where that is not the token itself. */
  values?: Rows;
  /** Whether queries are watched for themselves (`watchQueries`) instead of being the tokens; false if left out. */
  cross?: boolean;
  /**
   * Which tokens a query may attend to: all if left out; with "causal", in self-attention, those up to itself; with a
   * function of the ids of query and token, those it returns true for.
   */
  mask?: "causal" | MaskPredicate;
  /** Multiplies the dot products; 1/√(numbers of a head's query) if left out. */
  scale?: number;
  /** Every query also sees a key and a value of zeros; in multi-head attention only. */
  zeroAttention?: boolean;
  /** Whether the output weight is taken into the values (see above); true if left out, but for Super layers. */
  fold?: boolean;
  /** Which kernel computes, with the same answers. */
  kernel?: KernelChoice;
}

const VERB = "make a layer";
const OPTIONS = [
  "heads",
  "tokens",
  "values",
  "cross",
  "mask",
  "scale",
  "zeroAttention",
  "fold",
  "kernel",
];

/**
 * Makes a layer that stays up to date while its tokens change.
 *
 * Tokens are rounded to 32-bit floats, and so is what their projections give; sums are 64-bit. What a layer tells is what
 * one made afresh of the same tokens would tell, bit for bit. `fold` is worth it where tokens change and many rows are
 * read; without it a layer takes less memory, about outputDim / valueDim times less, and a first read less work, which
 * suits a text that only grows and of which the newest row is read. Both tell the same up to the rounding of values.
 *
 * In Super attention values are mixed along the tokens, so a changed token moves *all* mixed values (where causal,
 * those of later places; in either case only where the weight is not 0), and rows that see most of them start over:
 * nothing is gained there over a fresh layer but the projections. Where its weights lie in a band, the rest is gained
 * as well.
 *
 * Costs the projections of the tokens, for each: heads · dim · width for the query and as much for the key,
 * heads · valueDim · width for the value, heads · valueDim · outputDim for the fold. Batches are layers of their own.
 * Errors: a `TypeError` for an unknown kind, option or weight, a `RangeError` for shapes that do not meet, a number that
 * is not finite, a Super layer without its whole context.
 *
 * @example A token changes, the layer follows
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { layerOutputs, maintainedLayer, setTokens } from "@reattend/reattend/layers";
 *
 * const one = (number: number) => ({ data: new Float32Array([number]), shape: [1, 1] });
 * const layer = maintainedLayer("efficient", { queryWeight: one(0), outputWeight: one(10) }, {
 *   heads: 1,
 *   tokens: [[1], [3]],
 * });
 * assertEquals(layerOutputs(layer).to2DArray(), [[20], [20]]);
 * setTokens(layer, 1, [5]);
 * assertEquals(layerOutputs(layer).to2DArray(), [[30], [30]]);
 * ```
 */
export function maintainedLayer<Kind extends LayerKind>(
  kind: Kind,
  weights: LayerWeights[Kind],
  options: MaintainedLayerOptions,
): MaintainedLayer {
  const state = makeState(kind, weights, options);
  putAlways(VERB, state);
  const { tokens, values } = options;
  if (tokens === undefined && values !== undefined) {
    throw new RangeError(
      `Cannot ${VERB}: values is given alone, it should come with tokens`,
    );
  }
  if (tokens !== undefined) putTokens(VERB, state, tokens, values);
  const { mixture, causal, tokens: { size } } = state;
  if (mixture !== undefined && !causal && size !== mixture.context.size) {
    throw new RangeError(
      `Cannot ${VERB}: ${
        thereAre(size, "token")
      }, there should be ${mixture.context.size} for the context of the weights`,
    );
  }
  return layerOf(state);
}

/** Checks what a layer is made of; it has no tokens yet. */
function makeState(
  kind: LayerKind,
  weights: unknown,
  options: MaintainedLayerOptions,
): State {
  if (!KINDS.includes(kind)) {
    throw new TypeError(
      `Cannot ${VERB}: kind is ${show(kind)}, it should be one of ${
        KINDS.join(", ")
      }`,
    );
  }
  checkOptions(
    VERB,
    options,
    kind === "multiHead"
      ? OPTIONS
      : OPTIONS.filter((name) => name !== "zeroAttention"),
  );
  const { heads: count, mask, kernel } = options ?? {};
  const cross = flag("cross", options?.cross, false);
  const fold = flag("fold", options?.fold, kind !== "super");
  const zeros = flag("zeroAttention", options?.zeroAttention, false);
  const layer = checkLayer(VERB, kind, weights, count);
  checkAllFinite(layer);
  if (!cross && layer.queryWidth !== layer.keyWidth) {
    throw new RangeError(
      `Cannot ${VERB}: queries have ${
        counted(layer.queryWidth, "number")
      } and keys ${layer.keyWidth}, they should be the same tokens, or cross be true`,
    );
  }
  const causal = mask === "causal";
  if (mask !== undefined && !causal && typeof mask !== "function") {
    throw new TypeError(
      `Cannot ${VERB}: mask is ${
        show(mask)
      }, it should be "causal" or a function`,
    );
  }
  if (cross && causal) {
    throw new RangeError(
      `Cannot ${VERB}: mask is "causal" where cross is true, it should be a function of query and token`,
    );
  }
  const learnt = layer.keyRow === undefined ? 0 : 1;
  const always = learnt + Number(zeros);
  const valueDim = fold ? layer.outputWidth : layer.valueDim;
  const scale = options?.scale === undefined
    ? 1 / Math.sqrt(layer.dim)
    : checkFinite(VERB, "scale", options.scale);
  const heads = Array.from({ length: layer.heads }, () =>
    createAttention({
      dim: layer.dim,
      valueDim,
      scale,
      mask: typeof mask === "function" && always > 0
        ? (query, key) => key < always || mask(query, key - always)
        : mask,
      kernel,
    }));
  return {
    layer,
    heads,
    cross,
    causal,
    always,
    folds: fold ? foldsOf(layer) : undefined,
    mixture: layer.context === undefined
      ? undefined
      : makeMixture(layer.context, causal, layer.valueWidth),
    tokens: new Set(),
    queries: new Set(),
    next: 0,
    nextQuery: 0,
    projected: 0,
    combined: 0,
    reading: false,
  };
}

function flag(name: string, value: unknown, usual: boolean): boolean {
  if (value === undefined) return usual;
  if (typeof value === "boolean") return value;
  throw new TypeError(
    `Cannot ${VERB}: ${name} is ${show(value)}, it should be true or false`,
  );
}

/** Refuses weights that are not finite: no attention could hold what they give. */
function checkAllFinite(layer: Layer): void {
  const { query, key, value, output, keyRow, valueRow, context } = layer;
  const maps = [query, key, value, output].flatMap((map) => [
    map?.weight,
    map?.bias,
  ]);
  for (
    const numbers of [...maps, keyRow, valueRow, context?.weight, context?.bias]
  ) {
    if (numbers === undefined) continue;
    const at = (numbers as Float64Array).findIndex((x) => !Number.isFinite(x));
    if (at < 0) continue;
    throw new RangeError(
      `Cannot ${VERB}: a weight is ${numbers[at]}, it should be finite`,
    );
  }
}

/** For each head, the columns of the output weight that belong to it. */
function foldsOf({ heads, valueDim, output }: Layer): Projection[] {
  const { rows, columns, weight } = output;
  return Array.from({ length: heads }, (_, head) => {
    const part: Floats = new Float64Array(rows * valueDim);
    for (let row = 0; row < rows; row++) {
      const from = row * columns + head * valueDim;
      part.set(weight.subarray(from, from + valueDim), row * valueDim);
    }
    return {
      rows,
      columns: valueDim,
      weight: part,
      weightAt: 0,
      bias: undefined,
      biasAt: 0,
    };
  });
}
