/**
 * Values mixed along the tokens, V' = W V + b 1ᵀ: what Super attention does to values before it attends to them.
 *
 * Where W is causal, place t takes from places u ≤ t alone. In rows of tokens that is the *lower* triangle of W; texts
 * that keep tokens in columns call it the upper one.
 *
 * @module
 */

import type { Floats } from "../softmax/tensor.ts";
import type { Layer } from "./layer.ts";

/**
 * Mixes the first `count` rows of `values`, `width` numbers each, from `from` on into `mixed`.
 *
 * Sums in 64-bit floats and rounds once. Costs count² · width multiply-adds, about half of it where causal.
 */
export function mix(
  { size, weight, bias }: NonNullable<Layer["context"]>,
  causal: boolean,
  values: Floats,
  mixed: Floats,
  from: number,
  count: number,
  width: number,
): void {
  const sums = new Float64Array(width);
  for (let t = 0; t < count; t++) {
    sums.fill(bias === undefined ? 0 : bias[t]);
    const end = causal ? t + 1 : count;
    for (let u = 0; u < end; u++) {
      const share = weight[t * size + u], at = from + u * width;
      for (let c = 0; c < width; c++) sums[c] += share * values[at + c];
    }
    mixed.set(sums, from + t * width);
  }
}
