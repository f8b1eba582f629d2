/**
 * Attention layers with weights: multi-head, Optimised, Efficient and Super attention, once or maintained.
 *
 * @example A trained layer, and a text that is being edited
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { layerOutputs, maintainedLayer, multiHeadAttention, setTokens } from "@reattend/reattend/layers";
 *
 * const numbers = (count: number) => Float32Array.from({ length: count }, (_, at) => Math.sin(at));
 * const weights = {
 *   inputWeight: { data: numbers(12 * 4), shape: [12, 4] },
 *   outputWeight: { data: numbers(4 * 4), shape: [4, 4] },
 * };
 * const text = { data: numbers(3 * 4), shape: [3, 4] };
 *
 * const layer = maintainedLayer("multiHead", weights, { heads: 2, tokens: new Float32Array(12) });
 * setTokens(layer, [0, 1, 2], text.data);
 * const { output } = multiHeadAttention(text, text, text, weights, { heads: 2 });
 * assertAlmostEquals(layerOutputs(layer).get(2, 3), output.data[11], 1e-5);
 * ```
 *
 * @module
 */

export {
  efficientAttention,
  multiHeadAttention,
  optimisedAttention,
  superAttention,
} from "./attend.ts";
export {
  appendTokens,
  removeTokens,
  setTokens,
  unwatchQueries,
  watchQueries,
} from "./change.ts";
export {
  type Conversion,
  type ConversionOptions,
  toEfficient,
  toOptimised,
} from "./convert.ts";
export { type LayerSizes, parameterCount } from "./count.ts";
export {
  type ListedWeight,
  listWeights,
  readWeights,
  torchWeights,
} from "./file.ts";
export type {
  LayerOptions,
  LayerResult,
  MultiHeadAttentionOptions,
} from "./forward.ts";
export { maintainedLayer, type MaintainedLayerOptions } from "./maintained.ts";
export { layerOutputs, type LayerStats, layerStats } from "./read.ts";
export type { MaintainedLayer } from "./state.ts";
export type {
  EfficientAttentionWeights,
  LayerKind,
  LayerWeights,
  MultiHeadAttentionWeights,
  OptimisedAttentionWeights,
  OutputWeights,
  SuperAttentionWeights,
} from "./weights.ts";
