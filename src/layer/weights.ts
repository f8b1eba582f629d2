/**
 * The weights of layers, as plain records of tensors.
 *
 * A layer is up to four linear maps around heads of attention. Which of them a kind has is what tells the kinds apart:
 * a map that is missing is the identity, so that a head reads its own slice of the keys or values instead.
 *
 * @module
 */

import type { Tensor } from "../softmax/tensor.ts";

/** The kinds of layers. */
export type LayerKind = "multiHead" | "optimised" | "efficient" | "super";

/** What all kinds have. A weight W and a bias b make y = W x + b of a row x: W is [numbers of y, numbers of x]. */
export interface OutputWeights {
  /** [outputDim, heads · valueDim]. */
  outputWeight: Tensor;
  /** [outputDim]. */
  outputBias?: Tensor;
}

/** Weights of `efficientAttention`: 2 width² numbers. */
export interface EfficientAttentionWeights extends OutputWeights {
  /** [heads · dim, numbers of a query]. */
  queryWeight: Tensor;
  /** [heads · dim]. */
  queryBias?: Tensor;
}

/** Weights of `optimisedAttention`: 3 width² numbers. */
export interface OptimisedAttentionWeights extends EfficientAttentionWeights {
  /** [heads · dim, numbers of a key]. */
  keyWeight: Tensor;
  /** [heads · dim]. */
  keyBias?: Tensor;
}

/** Weights of `superAttention`: 2 width² + context² numbers. */
export interface SuperAttentionWeights extends EfficientAttentionWeights {
  /** [context, context]: what each place takes of the values of all; only the lower triangle is read where causal. */
  contextWeight: Tensor;
  /** [context]: added to every number of the value of a place. */
  contextBias?: Tensor;
}

/** Weights of `multiHeadAttention`: 4 width² numbers, with the projections apart or packed into one. */
export interface MultiHeadAttentionWeights extends OutputWeights {
  /** [3 · heads · dim, width]: those of queries, keys and values one below another, instead of the three. */
  inputWeight?: Tensor;
  /** [3 · heads · dim]: likewise, with `inputWeight`. */
  inputBias?: Tensor;
  /** [heads · dim, numbers of a query]. */
  queryWeight?: Tensor;
  /** [heads · dim]. */
  queryBias?: Tensor;
  /** [heads · dim, numbers of a key]. */
  keyWeight?: Tensor;
  /** [heads · dim]. */
  keyBias?: Tensor;
  /** [heads · valueDim, numbers of a value]. */
  valueWeight?: Tensor;
  /** [heads · valueDim]. */
  valueBias?: Tensor;
  /** [heads · dim]: a key that every query sees, projected already; with `valueRow`. */
  keyRow?: Tensor;
  /** [heads · valueDim]: its value. */
  valueRow?: Tensor;
}

/** The weights of each kind. */
export interface LayerWeights {
  /** Projections of all. */
  multiHead: MultiHeadAttentionWeights;
  /** None of values. */
  optimised: OptimisedAttentionWeights;
  /** None of keys and values. */
  efficient: EfficientAttentionWeights;
  /** The same, and values mixed along the tokens. */
  super: SuperAttentionWeights;
}
