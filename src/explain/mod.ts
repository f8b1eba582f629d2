/**
 * Which weights of an attention matter: the part that the output depends on, the distributions that would give the same,
 * and the keys that it comes from.
 *
 * | question | answer |
 * | --- | --- |
 * | Which keys does an output come from? | {@linkcode contributors}, {@linkcode outputShares} |
 * | What of a weight has any influence? | {@linkcode effectiveAttention}, {@linkcode efficientAttention} |
 * | Which distribution says the same, evenly or with the fewest keys? | {@linkcode minimumNormAttention}, {@linkcode sparseAttention} |
 * | How much could weights change without a trace? | {@linkcode freedom} |
 * | What reaches a token through all layers? | {@linkcode rollout} |
 *
 * @example A vote of many keys, told by three of them
 * ```ts
 * import { assert, assertAlmostEquals } from "@std/assert";
 * import { createAttention, outputs, weights } from "@reattend/reattend";
 * import { contributors, liveValues, sparseAttention } from "@reattend/reattend/explain";
 *
 * const memory = createAttention({
 *   keys: [[3, 0], [2, 1], [2, 2], [1, 2], [0, 3]],
 *   values: [[1, 0], [0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0, 1]], // plant, animal
 *   queries: [[1, 0.5]],
 * });
 * const { matrix } = weights(memory), values = liveValues(memory);
 * const few = sparseAttention(matrix, values);
 * assert(few.nonZeros <= 3);
 * const plant = few.toDense().mmul(values).get(0, 0);
 * assertAlmostEquals(plant, outputs(memory).get(0, 0), 1e-9);
 * const [{ keys: [most] }] = contributors(memory, 1);
 * assert(most.key === 0 && most.share > most.weight);
 * ```
 *
 * @module
 */

export {
  type Contributor,
  type Contributors,
  contributors,
  type ContributorsOptions,
  liveValues,
} from "./contributors.ts";
export { minimumNormAttention, sparseAttention } from "./distributions.ts";
export {
  effectiveAttention,
  efficientAttention,
  type Freedom,
  freedom,
} from "./effective.ts";
export {
  type Explainer,
  type ExplainOptions,
  makeExplainer,
  replaceValue,
} from "./explainer.ts";
export { rollout, type RolloutOptions } from "./rollout.ts";
export { outputShares } from "./shares.ts";
