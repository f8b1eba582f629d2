/**
 * Inputs that nobody made up: the heads of trained models, and what published approximations make of them.
 *
 * The sets are those of the fixtures of the tests and of the semantic memory; the figures to be reproduced were computed by
 * others from the same files. Errors are relative Frobenius errors of all heads together against exact attention.
 *
 * @module
 */

import { DenseMatrix } from "@reattend/reattend";
import { readTensor } from "../../examples/semantic_memory/memory_data.ts";
import { readNpy } from "../../tests/npy.ts";
import { median } from "../peers/statistics.ts";
import { relativeError } from "./measures.ts";
import type { Contestant } from "./contestant.ts";
import { exact } from "./methods/exact.ts";
import type { Problem } from "./problem.ts";
import { ask, Refusal } from "./refusals.ts";

/** Heads of one model, not causal. */
export interface RealSet {
  name: string;
  heads: Problem[];
  /** By the name of a contestant: the error that was published with the files. */
  published: Record<string, number>;
}

const REAL = new URL("../../tests/fixtures/real/", import.meta.url);
const WORDNET = new URL(
  "../../examples/semantic_memory/wordnet.safetensors",
  import.meta.url,
);
/** Makes a good memory of the nouns: the word finds its own definition. */
const WORDNET_SCALE = 40;

/** What was published of each set, in the order of {@linkcode PUBLISHED_NAMES}. */
const PUBLISHED: Record<string, readonly number[]> = {
  "use-lite, layer 0": [
    ...[0.939, 0.073],
    ...[0.682, 0.400, 0.199],
    ...[0.781, 0.673, 0.711],
  ],
  "stories, layer 0": [
    ...[1.026, 0.153],
    ...[1.120, 0.954, 0.682],
    ...[0.926, 0.817, 0.727],
  ],
  "wordnet, scale 40": [
    ...[0.707, 0.091],
    ...[0.647, 0.562, 0.461],
    ...[0.657, 0.623, 0.621],
  ],
};
const PUBLISHED_NAMES = [
  "mean of V",
  "topK(16)",
  "SMYRF 4 × 16, published",
  "SMYRF 4 × 32, published",
  "SMYRF 8 × 32, published",
  "Nyström 16, published",
  "Nyström 32, published",
  "Nyström 64, published",
];

/** Reads all sets. */
export function readSets(): RealSet[] {
  const set = (name: string, heads: Problem[]): RealSet => ({
    name,
    heads,
    published: Object.fromEntries(
      PUBLISHED_NAMES.map((
        contestant,
        at,
      ) => [contestant, PUBLISHED[name][at]]),
    ),
  });
  const wordnet = Deno.readFileSync(WORDNET);
  const [keys, queries] = ["keys", "queries"].map((name) => {
    const { rows, columns, numbers } = readTensor(wordnet, name);
    return new DenseMatrix(rows, columns, Float64Array.from(numbers));
  });
  return [
    // The model has scaled its queries.
    set("use-lite, layer 0", headsOf("use-lite/l0", 1)),
    set("stories, layer 0", headsOf("stories260K/l0", undefined)),
    set("wordnet, scale 40", [
      { pattern: "NC", queries, keys, values: keys, scale: WORDNET_SCALE },
    ]),
  ];
}

/** The heads of a layer; groups of query heads share keys and values. Scale 1/√dim if undefined. */
function headsOf(layer: string, scale: number | undefined): Problem[] {
  const [queries, keys, values] = ["q", "k", "v"].map((name) => {
    const { data, shape: [heads, rows, columns] } = readNpy(
      Deno.readFileSync(new URL(`${layer}_${name}.npy`, REAL)),
    );
    return Array.from({ length: heads }, (_, head) => {
      const from = head * rows * columns;
      const numbers = data.subarray(from, from + rows * columns);
      return new DenseMatrix(rows, columns, Float64Array.from(numbers));
    });
  });
  const group = queries.length / keys.length;
  return queries.map((queries, head) => ({
    pattern: "NS",
    queries,
    keys: keys[Math.floor(head / group)],
    values: values[Math.floor(head / group)],
    scale: scale ?? 1 / Math.sqrt(queries.columns),
  }));
}

/** What contestants make of a set. */
export interface RealResult {
  name: string;
  errors: RealError[];
}

/** The error of one contestant. */
export interface RealError {
  contestant: string;
  ours: boolean;
  /** Over the seeds; null where it refuses. */
  median: number | null;
  least: number;
  most: number;
  published?: number;
  /** Why it refuses. */
  reason?: string;
}

/** Lets all contestants do a set, for each seed where it makes a difference. */
export function runSet(
  { name, heads, published }: RealSet,
  contestants: readonly Contestant[],
  seeds: readonly number[],
): RealResult {
  const truths = heads.map((head) => exact(head).outputs);
  const errors = contestants.map((contestant): RealError => {
    const all = ask(() =>
      (contestant.chance ? seeds : seeds.slice(0, 1)).map((seed) =>
        relativeError(contestant.prepare(heads, seed)(), truths)
      )
    );
    const known = contestant.name.replace(", ours", "");
    return {
      contestant: contestant.name,
      ours: contestant.ours,
      published: published[known],
      ...(all instanceof Refusal
        ? { median: null, least: NaN, most: NaN, reason: all.reason }
        : {
          median: median(all),
          least: Math.min(...all),
          most: Math.max(...all),
        }),
    };
  });
  return { name, errors };
}
