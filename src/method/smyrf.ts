/**
 * SMYRF: attention to the keys that lie furthest along a query, as a few random directions tell.
 *
 * Keys are sorted along each direction. A query walks through the orders from the ends at which its keys are, estimates
 * the scores of what it meets from the hashes, and attends to a fixed number of different keys, each of which counts
 * once. A key that changes moves in every order in O(log m); nothing else is hashed again. The output is the softmax
 * average over those keys, exact and canonical like any other.
 *
 * After G. Daras, N. Kitaev, A. Odena, A. Dimakis, "SMYRF: Efficient Attention using Asymmetric Clustering", 2020,
 * https://arxiv.org/abs/2010.05315, which cuts queries and keys into common clusters and counts keys that share several
 * of them with a query several times. That form is kept for tensors (`clusters: "published"`).
 *
 * @module
 */

import {
  checkFinite,
  checkInteger,
  checkOptions,
  counted,
  show,
} from "../check.ts";
import { flash } from "../kernel/flash.ts";
import { MOST_KEYS } from "../memory/keys.ts";
import { makeMethod } from "../memory/method.ts";
import { type Job, makeScratch } from "../softmax/block.ts";
import { attendBlocked } from "../softmax/blocked.ts";
import type { Method } from "../softmax/method.ts";
import {
  APPENDED,
  type Directions,
  drawDirections,
  fingerprint,
  fitDirections,
  orthogonal,
} from "./smyrf/hashing.ts";
import { Clusters } from "./smyrf/maintained.ts";
import { attendPublished, piecesOf } from "./smyrf/published.ts";
import { attendClusters } from "./smyrf/tensors.ts";

/** Options of {@linkcode smyrf}. */
export interface SmyrfOptions {
  /** A query attends to so many keys for each of the hashes. */
  clusterSize: number;
  /** Rounds: how many directions there are. */
  hashes: number;
  /** Of the directions, a whole number below 2³²; 0 if left out. */
  seed?: number;
  /**
   * The directions, instead of a seed: one of dim + 2 numbers for each round. Those behind the dim of a row meet what
   * the published transform appends to keys and to queries, in this order; otherwise they have no effect. Estimates are
   * best where the rows are orthogonal, as those of a seed are.
   */
  projections?: readonly ArrayLike<number>[];
  /**
   * "own": every query has its own cluster of hashes · clusterSize different keys. "published", for tensors alone: queries and keys are cut into common clusters. "own" if left out, unless the
   * merge is the published one.
   */
  clusters?: "own" | "published";
  /** "once": a key counts once. "published", with published clusters: as often as it is met. "once" if left out. */
  merge?: "once" | "published";
}

const VERB = "make smyrf";
const OPTIONS = [
  "clusterSize",
  "hashes",
  "seed",
  "projections",
  "clusters",
  "merge",
];
/** Each takes 32 bytes for a key; more rounds than this cost more than scoring all keys of 64 numbers. */
const MOST_HASHES = 256;
const MOST_SEED = 2 ** 32 - 1;
/** Projections of 32-bit numbers stay finite. */
const LARGEST_PROJECTION = 1e200;

/**
 * Makes a method that attends only to the keys that lie furthest along a query, as far as random directions tell:
 * hashes · clusterSize of them, or all that it admits where there are no more.
 *
 * What a query meets follows from the query, the keys that it admits and the directions, not from other queries nor from
 * other keys: `outputs` and `attend` agree to the bit, tensors meet the same keys, and causal attention leaks nothing.
 * Of equal estimates the smaller id comes first. `errorBound(a).pruned` bounds what is left out, which is of use where
 * keys lie in clusters; `capturedMass(a)` measures what is not. `stats(a).method` counts keys hashed and scores formed.
 *
 * At the same number of scores the error is below that of the published method. At 4 × 16, 4 × 32 and 8 × 32, published
 * and ours (relative, Frobenius norm, `bench/cab`): on a sentence encoder of 128 tokens 0.67, 0.39, 0.19 and 0.36, 0, 0;
 * on a language model of 512 tokens 1.10, 0.92, 0.69 and 0.63, 0.52, 0.01; on a memory of 512 definitions 0.62, 0.51,
 * 0.38 and 0.61, 0.48, 0.22. Estimates come on top: 4 · hashes multiply-adds for each score.
 *
 * Costs: a changed key hashes · dim multiply-adds, once, and O(hashes · log m) steps. A row at its first read hashes · dim
 * and, for each of its hashes · clusterSize keys, dim + valueDim + 1 + 4 · hashes; later `hashes` for each candidate and
 * dim for each key that is new to it or has changed, and a fold over its values; nothing where no change concerns it.
 * A query that admits few of many keys passes the others by. Memory is 32 bytes for each key and hash, and 60 for each
 * key that a row attends to. The first `errorBound` after a change costs 2 m · dim, and each row some m / 10 · dim.
 *
 * Errors: a `TypeError` for an option that is not known, a `RangeError` for a number out of range. Published clusters are
 * refused for attentions and with `causal`, be it "queries", or a `window`: they depend on all queries and keys.
 *
 * @example Two of four keys
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createAttention, outputs } from "@reattend/reattend";
 * import { smyrf } from "@reattend/reattend/methods";
 *
 * const attention = createAttention({
 *   queries: [[1]],
 *   keys: [[9], [-9], [9], [-9]],
 *   values: [[2], [70], [4], [80]],
 *   method: smyrf({ clusterSize: 2, hashes: 1, seed: 3 }),
 * });
 * assertEquals(outputs(attention).to2DArray(), [[3]]);
 * ```
 */
export function smyrf(options: SmyrfOptions): Method {
  const settings = checkSettings(options), { name, most } = settings;
  return makeMethod(name, {
    attend: (verb, job) => attendTensors(verb, job, settings),
    select: (verb, memory) => {
      if (settings.clusters === "published") {
        throw new TypeError(
          `Cannot ${verb}: clusters is "published", which depends on other queries, it should be "own" for attentions`,
        );
      }
      return new Clusters(
        memory,
        directionsOf(verb, settings, memory.dim),
        most,
      );
    },
  });
}

/** Checked options, and what follows from them. */
interface Settings {
  name: string;
  clusterSize: number;
  hashes: number;
  /** Different keys that a query meets. */
  most: number;
  seed: number;
  given: readonly Float64Array[] | undefined;
  clusters: "own" | "published";
  merge: "once" | "published";
}

function checkSettings(options: SmyrfOptions): Settings {
  if (options === undefined) {
    throw new TypeError(
      `Cannot ${VERB}: options is undefined, it should be an object with clusterSize and hashes`,
    );
  }
  checkOptions(VERB, options, OPTIONS);
  const clusterSize = checkInteger(
    VERB,
    "clusterSize",
    options.clusterSize,
    1,
    MOST_KEYS,
  );
  const hashes = checkInteger(VERB, "hashes", options.hashes, 1, MOST_HASHES);
  if (options.seed !== undefined && options.projections !== undefined) {
    throw new TypeError(
      `Cannot ${VERB}: seed and projections are given, it should be one of them`,
    );
  }
  const seed = options.seed === undefined
    ? 0
    : checkInteger(VERB, "seed", options.seed, 0, MOST_SEED);
  const given = options.projections === undefined
    ? undefined
    : checkProjections(options.projections, hashes);
  const merge = checkWord("merge", options.merge, ["once", "published"]);
  const clusters = options.clusters === undefined && merge === "published"
    ? "published"
    : checkWord("clusters", options.clusters, ["own", "published"]);
  if (merge === "published" && clusters === "own") {
    throw new TypeError(
      `Cannot ${VERB}: merge is "published" with clusters "own", it should be "once"`,
    );
  }
  const from = given === undefined
    ? `seed ${seed}`
    : `projections ${fingerprint(given)}`;
  const words = [
    `${hashes} × ${clusterSize}`,
    from,
    ...(clusters === "published" ? ["published clusters"] : []),
    ...(merge === "published" ? ["published merge"] : []),
  ];
  return {
    name: `smyrf(${words.join(", ")})`,
    clusterSize,
    hashes,
    most: hashes * clusterSize,
    seed,
    given,
    clusters,
    merge,
  };
}

/** The first word where none is given. */
function checkWord<Word extends string>(
  name: string,
  value: unknown,
  words: readonly Word[],
): Word {
  if (value === undefined) return words[0];
  if (words.includes(value as Word)) return value as Word;
  throw new TypeError(
    `Cannot ${VERB}: ${name} is ${show(value)}, it should be ${
      words.map((word) => JSON.stringify(word)).join(" or ")
    }`,
  );
}

/** Copies directions, all of one length. */
function checkProjections(given: unknown, hashes: number): Float64Array[] {
  if (!Array.isArray(given)) {
    throw new TypeError(
      `Cannot ${VERB}: projections is ${
        show(given)
      }, it should be an array of rows`,
    );
  }
  if (given.length !== hashes) {
    throw new RangeError(
      `Cannot ${VERB}: projections has ${
        counted(given.length, "row")
      }, it should have one for each of ${counted(hashes, "hash")}`,
    );
  }
  return given.map((row: unknown, at) => {
    if (!Array.isArray(row) && !ArrayBuffer.isView(row)) {
      throw new TypeError(
        `Cannot ${VERB}: projections[${at}] is ${
          show(row)
        }, it should be a row of numbers`,
      );
    }
    const numbers = row as ArrayLike<unknown>, width = given[0].length;
    if (numbers.length !== width || width < APPENDED) {
      throw new RangeError(
        `Cannot ${VERB}: projections[${at}] has ${
          counted(numbers.length, "number")
        }, it should have dim + 2 like all others`,
      );
    }
    return Float64Array.from(
      numbers,
      (number, c) =>
        checkFinite(
          VERB,
          `projections[${at}][${c}]`,
          number,
          LARGEST_PROJECTION,
        ),
    );
  });
}

function directionsOf(
  verb: string,
  { given, seed, hashes, clusters }: Settings,
  dim: number,
): Directions {
  if (given !== undefined) return fitDirections(verb, given, dim);
  const directions = drawDirections(seed, hashes, dim);
  return clusters === "own" ? orthogonal(directions) : directions;
}

function attendTensors(verb: string, job: Job, settings: Settings): void {
  const { name, clusterSize, most, clusters, merge } = settings;
  const { queries, keys, admission: { left, right, ordered } } = job;
  if (
    clusters === "published" &&
    (ordered || left < Infinity || right < Infinity)
  ) {
    throw new TypeError(
      `Cannot ${verb}: causal or window is given with the method ${name}, whose clusters depend on all keys and queries, both should be left out`,
    );
  }
  const directions = directionsOf(verb, settings, queries.dim);
  if (keys.heads === 0) return;
  // Whoever meets all keys attends exactly, to the bit.
  const meetsAll = clusters === "own"
    ? keys.length <= most
    : piecesOf(keys.length, clusterSize) === 1;
  if (meetsAll) attendBlocked(job, flash, makeScratch(job));
  else if (clusters === "own") attendClusters(job, directions, most);
  else attendPublished(job, directions, clusterSize, merge === "once");
}
