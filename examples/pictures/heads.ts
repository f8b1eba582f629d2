/**
 * Heads of trained models, as the tests have them.
 *
 * @module
 */

import { createAttention, type Weights, weights } from "@reattend/reattend";
import { readNpy } from "../../tests/npy.ts";

const FIXTURES = new URL("../../tests/fixtures/real/", import.meta.url);

/** A head, each part a flat list of rows. */
export interface Head {
  queries: Float32Array;
  keys: Float32Array;
  values: Float32Array;
  dim: number;
  causal: boolean;
  scale: number | undefined;
}

/** Heads of a layer; several heads of queries may share one of keys. */
export function headsOf(
  model: string,
  layer: number,
  causal: boolean,
  scale: number | undefined,
): Head[] {
  const [queries, keys, values] = ["q", "k", "v"].map((name) =>
    readNpy(
      Deno.readFileSync(new URL(`${model}/l${layer}_${name}.npy`, FIXTURES)),
    )
  );
  const [heads, tokens, dim] = queries.shape, size = tokens * dim;
  const group = heads / keys.shape[0];
  const part = (numbers: ArrayLike<number>, at: number) =>
    Float32Array.from({ length: size }, (_, i) => numbers[at * size + i]);
  return Array.from({ length: heads }, (_, head) => ({
    queries: part(queries.data, head),
    keys: part(keys.data, Math.floor(head / group)),
    values: part(values.data, Math.floor(head / group)),
    dim,
    causal,
    scale,
  }));
}

/** The weights of the first tokens of a head, over the first keys or all. */
export function weightsOf(
  { queries, keys, values, dim, causal, scale }: Head,
  rows: number,
  columns?: number,
): Weights {
  const attention = createAttention({
    dim,
    queries,
    keys,
    values,
    scale,
    mask: causal ? "causal" : undefined,
  });
  const first = (count: number) => Array.from({ length: count }, (_, i) => i);
  return weights(attention, {
    ids: first(rows),
    keys: columns === undefined ? undefined : first(columns),
  });
}
