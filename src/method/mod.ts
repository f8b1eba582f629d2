/**
 * Methods that attend to fewer keys than there are, and say how far that takes them from all.
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
