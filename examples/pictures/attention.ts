/**
 * Attention of trained models, head by head: their queries and keys, as the tests have them, in a maintained attention.
 *
 * @module
 */

import { createAttention, weights } from "@reattend/reattend";
import {
  type Figure,
  type HeatMap,
  heatMap,
  sideBySide,
} from "@reattend/reattend/plot";
import { readNpy } from "../../tests/npy.ts";

const FIXTURES = new URL("../../tests/fixtures/real/", import.meta.url);

/** Tokens of a story that are shown: its beginning, where no key lies outside of the picture. */
const STORY = 40;
/** Word pieces of a licence that are shown, of 128. */
const LICENCE = 48;

/** A layer of a small causal language model: eight heads, each pair of them on one head of keys. */
export function languageModel(layer: number): Figure {
  const maps = headsOf("stories260K", layer, true, undefined).map((head, at) =>
    mapOf(head, `head ${at}`, STORY)
  );
  return sideBySide(maps, {
    title: `What a token of a story attends to: stories260K, layer ${layer}`,
    description:
      `Attention of the eight heads of layer ${layer} of stories260K, a language model, over the first ${STORY} tokens of a story. The upper right halves are empty, since no token sees a later one.`,
  });
}

/** The first layer of a sentence encoder: four heads over the beginning of a licence. */
export function sentenceEncoder(): Figure {
  // Its queries are scaled already.
  const maps = headsOf("use-lite", 0, false, 1).map((head, at) =>
    mapOf(head, `head ${at}`, LICENCE)
  );
  return sideBySide(maps, {
    title:
      "What a word piece attends to: Universal Sentence Encoder Lite, layer 0",
    description:
      `Attention of the four heads of the first layer of a sentence encoder over 128 word pieces of the Apache licence, of which the first ${LICENCE} are shown.`,
    across: 2,
  });
}

/** Queries and keys of a head, each a flat list of rows. */
interface Head {
  queries: Float32Array;
  keys: Float32Array;
  dim: number;
  causal: boolean;
  scale: number | undefined;
}

/** Heads of a layer; several heads of queries may share one of keys. */
function headsOf(
  model: string,
  layer: number,
  causal: boolean,
  scale: number | undefined,
): Head[] {
  const [queries, keys] = ["q", "k"].map((name) =>
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
    dim,
    causal,
    scale,
  }));
}

/** The weights of a head, over its first tokens or all. */
function mapOf(
  { queries, keys, dim, causal, scale }: Head,
  title: string,
  tokens: number,
): HeatMap {
  const attention = createAttention({
    dim,
    queries,
    keys,
    // Weights do not depend on values.
    values: new Float32Array(keys.length / dim),
    valueDim: 1,
    scale,
    mask: causal ? "causal" : undefined,
  });
  const shown = Array.from({ length: tokens }, (_, token) => token);
  return heatMap(weights(attention, { ids: shown, keys: shown }), {
    title,
    scale: "log",
    range: [1e-3, 1],
  });
}
