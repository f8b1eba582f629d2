/**
 * What attention of trained models rests on: other distributions over the tokens that give the same outputs.
 *
 * @module
 */

import { DenseMatrix } from "@reattend/reattend";
import {
  minimumNormAttention,
  sparseAttention,
} from "@reattend/reattend/explain";
import { type Figure, heatMap, sideBySide } from "@reattend/reattend/plot";
import { type Head, headsOf, weightsOf } from "./heads.ts";

/** Tokens of a story, and word pieces of a licence, that are explained. */
const STORY = 40, LICENCE = 48;

/** The first head of a small causal language model, whose values have eight numbers: nine tokens explain any output. */
export function languageModelExplained(): Figure {
  const [head] = headsOf("stories260K", 0, true, undefined);
  return explained(head, STORY, {
    title: "What an output rests on: stories260K, layer 0, head 0",
    description:
      `Three distributions over the first ${STORY} tokens of a story that give the same outputs of a head of a language model: its own weights, the most even ones, and those of at most nine tokens that stay close to it.`,
  });
}

/** The first head of a sentence encoder, whose values have 64 numbers. */
export function sentenceEncoderExplained(): Figure {
  const [head] = headsOf("use-lite", 0, false, 1);
  return explained(head, LICENCE, {
    title: "What an output rests on: sentence encoder, layer 0, head 0",
    description:
      `Three distributions over 128 word pieces that give the same outputs of a head of a sentence encoder: its own weights, the most even ones, and those of at most 65 pieces that stay close to it. The first ${LICENCE} are shown.`,
  });
}

/** A head over its first tokens, three times. */
function explained(
  head: Head,
  tokens: number,
  options: { title: string; description: string },
): Figure {
  // Keys beyond those shown count, too, where a token sees them.
  const { queries, keys, matrix } = weightsOf(head, tokens);
  const values = DenseMatrix.from(head.values, head.dim);
  const ways = {
    "its own weights": matrix,
    "the most even": minimumNormAttention(matrix, values),
    [`at most ${head.dim + 1} tokens`]: sparseAttention(matrix, values),
  };
  const maps = Object.entries(ways).map(([title, weights]) =>
    heatMap(weights.to2DArray().map((row) => row.slice(0, tokens)), {
      title,
      scale: "log",
      range: [1e-3, 1],
      rowTitle: "query",
      columnTitle: "key",
      rowLabel: (row) => String(queries[row]),
      columnLabel: (column) => String(keys[column]),
      unit: "weight",
    })
  );
  return sideBySide(maps, { ...options, across: 3 });
}
