/**
 * Layers without memory, one function for each kind.
 *
 * Optimised, Efficient and Super attention: M. and
 * P. Hosseini, "Cost-Effective Attention Mechanisms for Low Resource Settings: Necessity & Sufficiency of Linear
 * Transformations", 2024, https://arxiv.org/abs/2403.01643; multi-head attention: A. Vaswani et al., "Attention Is All
 * You Need", 2017, https://arxiv.org/abs/1706.03762, section 3.2.2.
 *
 * @module
 */

import type { Tensor } from "../softmax/tensor.ts";
import {
  attendLayer,
  type LayerOptions,
  type LayerResult,
  type MultiHeadAttentionOptions,
} from "./forward.ts";
import type { LayerWeights } from "./weights.ts";

/**
 * Computes multi-head attention: projections of queries, keys and values, softmax attention in every head, the output
 * projection of all heads together.
 *
 * The weights lie as in `torch.nn.MultiheadAttention`, whose results these are (`torchWeights` renames them), except
 * for three things. In our masks **1 = may attend**, as in ONNX: torch's boolean masks say what is blocked, so convert
 * them by `Uint8Array.from(blocked, (no) => no ? 0 : 1)`, and give one of [batch · heads, queries, keys] the shape
 * [batch, heads, queries, keys]; its `key_padding_mask` is the `keyMask`. Floats are added in both. A query that may
 * attend to nothing gives the output bias here and NaN there. And batches come first.
 *
 * Shapes: queries [batch, n, ·], keys and values [batch, m, ·], or all without the batch; the last axes are the columns
 * of the weights. The precision of the queries is that of the output; sums of projections are in 64-bit floats. Costs
 * n and m times the projections and batch · heads · n · m · (dim + valueDim) multiply-adds. Errors: a `TypeError` for
 * an argument of the wrong kind or an option that is not known, a `RangeError` for a wrong shape or number.
 *
 * @example One head that looks for its own token
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { multiHeadAttention } from "@reattend/reattend/layers";
 *
 * const identity = { data: new Float32Array([1, 0, 0, 1]), shape: [2, 2] };
 * const tokens = { data: new Float32Array([90, 0, 0, 90]), shape: [2, 2] };
 * const { output } = multiHeadAttention(tokens, tokens, tokens, {
 *   queryWeight: identity,
 *   keyWeight: identity,
 *   valueWeight: identity,
 *   outputWeight: identity,
 *   outputBias: { data: new Float32Array([0, 5]), shape: [2] },
 * }, { heads: 1 });
 * assertEquals([...output.data], [90, 5, 0, 95]);
 * ```
 */
export function multiHeadAttention(
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  weights: LayerWeights["multiHead"],
  options: MultiHeadAttentionOptions,
): LayerResult {
  return attendLayer("multiHead", queries, keys, values, weights, options);
}

/**
 * Computes Optimised attention: as {@linkcode multiHeadAttention} without the projection of values.
 *
 * Head i attends to slice i of the values. That is no restatement of multi-head attention but a restriction of it, but
 * for one head, where the output projection makes up for it: see `toOptimised`.
 *
 * Shapes, costs and errors as there; a value has as many numbers as `outputWeight` has columns. Source: Hosseini and
 * Hosseini, 2024, https://arxiv.org/abs/2403.01643, "Optimised Attention".
 */
export function optimisedAttention(
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  weights: LayerWeights["optimised"],
  options: LayerOptions,
): LayerResult {
  return attendLayer("optimised", queries, keys, values, weights, options);
}

/**
 * Computes Efficient attention: as {@linkcode optimisedAttention} without the projection of keys.
 *
 * Head i compares its queries to slice i of the keys. A key has as many numbers as `queryWeight` has rows. It has nothing
 * to do with the `efficientAttention` of `./explain`: two papers chose one name. Source:
 * Hosseini and Hosseini, 2024, https://arxiv.org/abs/2403.01643, "Efficient Attention".
 *
 * @example The average of two tokens
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { efficientAttention } from "@reattend/reattend/layers";
 *
 * const tokens = { data: new Float32Array([1, 3]), shape: [2, 1] };
 * const { output } = efficientAttention(tokens, tokens, tokens, {
 *   queryWeight: { data: new Float32Array([0]), shape: [1, 1] },
 *   outputWeight: { data: new Float32Array([10]), shape: [1, 1] },
 * }, { heads: 1 });
 * assertEquals([...output.data], [20, 20]);
 * ```
 */
export function efficientAttention(
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  weights: LayerWeights["efficient"],
  options: LayerOptions,
): LayerResult {
  return attendLayer("efficient", queries, keys, values, weights, options);
}

/**
 * Computes Super attention: as {@linkcode efficientAttention} over values that `contextWeight` has mixed along the
 * tokens.
 *
 * The context is fixed: there are as many keys as `contextWeight` has rows. Where `causal`, only the lower triangle of
 * `contextWeight` is read (token t takes from tokens up to t), and there may be fewer keys: those of a text so far.
 * Masks do not reach into the mixing: a padded token is still mixed into others.
 *
 * Costs m² · width multiply-adds on top of Efficient attention. Errors: as there, and a `RangeError` for keys that are
 * not as many as the context. Source: Hosseini and Hosseini, 2024, https://arxiv.org/abs/2403.01643, "Super
 * Attention".
 *
 * @example The second token brings three times the first
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { superAttention } from "@reattend/reattend/layers";
 *
 * const one = (...numbers: number[]) => ({ data: new Float32Array(numbers), shape: [1, 1] });
 * const tokens = { data: new Float32Array([1, 3]), shape: [2, 1] };
 * const { output } = superAttention(tokens, tokens, tokens, {
 *   queryWeight: one(0),
 *   outputWeight: one(1),
 *   contextWeight: { data: new Float32Array([1, 0, 3, 0]), shape: [2, 2] },
 * }, { heads: 1 });
 * assertEquals([...output.data], [2, 2]);
 * ```
 */
export function superAttention(
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  weights: LayerWeights["super"],
  options: LayerOptions,
): LayerResult {
  return attendLayer("super", queries, keys, values, weights, options);
}
