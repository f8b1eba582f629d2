/**
 * The pictures of this folder, by the names of their files.
 *
 * @module
 */

import {
  type Figure,
  type HeatMap,
  toPng,
  toSvg,
} from "@reattend/reattend/plot";
import { languageModel, sentenceEncoder } from "./attention.ts";
import {
  languageModelExplained,
  sentenceEncoderExplained,
} from "./explanation.ts";
import { memoryPictures } from "./memory.ts";

/** What is drawn. */
async function drawings(): Promise<Record<string, HeatMap | Figure>> {
  const { before, changed } = await memoryPictures();
  return {
    language_model_layer_0: languageModel(0),
    language_model_layer_1: languageModel(1),
    sentence_encoder: sentenceEncoder(),
    language_model_explained: languageModelExplained(),
    sentence_encoder_explained: sentenceEncoderExplained(),
    memory: before,
    memory_changed: changed,
  };
}

/** Draws all of them, each as SVG and as PNG: what the files hold. */
export async function drawPictures(): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const [name, drawing] of Object.entries(await drawings())) {
    files.set(`${name}.svg`, new TextEncoder().encode(toSvg(drawing)));
    files.set(`${name}.png`, toPng(drawing));
  }
  return files;
}
