/**
 * Attention of trained models, head by head.
 *
 * @module
 */

import { type Figure, heatMap, sideBySide } from "@reattend/reattend/plot";
import { type Head, headsOf, weightsOf } from "./heads.ts";

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

/** The weights of a head over its first tokens. */
function mapOf(head: Head, title: string, tokens: number) {
  return heatMap(weightsOf(head, tokens, tokens), {
    title,
    scale: "log",
    range: [1e-3, 1],
  });
}
