/**
 * Methods that look at less than all keys: the k best, those that hashes find, landmarks in their place, or all but the
 * positions that matter least.
 *
 * A method is an option of `createAttention` and `scaledDotProductAttention`. `errorBound` says how far it may be from
 * exact attention, and is infinite where the method cannot say (`nystrom`).
 *
 * @example Only what matters most
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { append, createAttention, outputs } from "@reattend/reattend";
 * import { topK } from "@reattend/reattend/methods";
 *
 * const attention = createAttention({ queries: [[1]], dim: 1, valueDim: 1, method: topK(1) });
 * append(attention, [[2], [1]], [[5], [7]]);
 * assertEquals(outputs(attention).to2DArray(), [[5]]);
 * ```
 *
 * @module
 */

export { axialMask, gridQueries } from "./axial.ts";
export {
  addWeights,
  meanTensor,
  meanWeights,
  percentileNearest,
  pruneMask,
  type WeightMeans,
} from "./pruning.ts";
export {
  observe,
  prune,
  pruned,
  prunedMass,
  type PrunedOptions,
  type Pruning,
} from "./pruned.ts";
export {
  type FixedLandmarks,
  type InverseOptions,
  nystrom,
  type NystromOptions,
} from "./nystrom.ts";
export { smyrf, type SmyrfOptions } from "./smyrf.ts";
export { topK } from "./top_k.ts";
export type { Method } from "../softmax/method.ts";
