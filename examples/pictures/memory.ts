/**
 * A memory of definitions, before and after it is changed: the one of `semantic_memory`, small enough for a picture.
 *
 * @module
 */

import { weights } from "@reattend/reattend";
import { difference, type HeatMap, heatMap } from "@reattend/reattend/plot";
import { forget, learn, makeMemory } from "../semantic_memory/memory.ts";
import { loadNouns } from "../semantic_memory/memory_data.ts";

const FOLDER = new URL("../semantic_memory/", import.meta.url);

/** The words that are asked for, and the definitions that are held from the beginning. */
const ASKED =
  "brandy, brown bread, spinach, vegetable, prawn, salmon, lynx, sparrow, camel, warhorse, bulldozer, ferry, parka, boot"
    .split(", ");
const HELD =
  "cappuccino, apple pie, green salad, cauliflower, prawn, rainbow trout, robin, snow leopard, camel, hamster, steam engine, dump truck, motorcycle, surfboat, running shoe, strap"
    .split(", ");
/** What happens to it. */
const FORGOTTEN = ["running shoe", "hamster", "prawn"];
const LEARNT = [
  "boot",
  "lynx",
  "salmon",
  "brown bread",
  "spinach",
  "bulldozer",
];

/** The weights of a memory as it was told, and what changes when it is told more. */
export async function memoryPictures(): Promise<
  { before: HeatMap; changed: HeatMap }
> {
  const nouns = await loadNouns(FOLDER);
  const noun = (word: string) => nouns.list.find((noun) => noun.word === word)!;
  const memory = makeMemory(nouns, ASKED.map(noun));
  const words: string[] = [];
  const tell = (word: string) => words[learn(memory, noun(word))] = word;
  const idOf = (word: string) => words.indexOf(word);
  HELD.forEach(tell);
  const before = weights(memory.attention);
  for (const word of FORGOTTEN) forget(memory, idOf(word));
  LEARNT.forEach(tell);
  const after = weights(memory.attention);
  const labels = {
    rowTitle: "word",
    columnTitle: "definition",
    rowLabel: (id: number) => ASKED[id],
    columnLabel: (id: number) => words[id],
  };
  return {
    before: heatMap(before, {
      ...labels,
      title: "Which definitions answer a word",
      description:
        "Attention of words over a memory of definitions from WordNet, found by their meaning.",
    }),
    changed: difference(before, after, {
      ...labels,
      title: "What three losses and six lessons change",
      description: `The same memory after it forgot ${
        FORGOTTEN.join(", ")
      } and learnt ${LEARNT.join(", ")}.`,
    }),
  };
}
