/**
 * The settings of a Nyström attention, checked: which landmarks, which inverse, what becomes of padding.
 *
 * @module
 */

import { checkFinite, checkInteger, checkOptions, show } from "../check.ts";
import { MOST_KEYS } from "../memory/keys.ts";
import type { Rows } from "../rows.ts";
import {
  checkConvolution,
  checkLandmarks,
  checkQueries,
  fingerprint,
  type FixedLandmarks,
  type Landmarks,
} from "./given.ts";

/** What is put between the two factors. */
export interface InverseOptions {
  /** "ridge", a regression whose λ leaving one out settles, if left out; the published "iterative"; "exact". */
  inverse?: "ridge" | "iterative" | "exact";
  /** λ of the ridge in the square of the largest singular value, instead of the one that leaving one out settles. */
  ridge?: number;
  /** Steps of the iteration; 6 if left out. */
  iterations?: number;
  /** Whether the iteration starts at each head's own scale, "exact", or at one for all heads and batches, "original". */
  initial?: "exact" | "original";
}

/** Options of {@linkcode nystrom}. */
export interface NystromOptions extends InverseOptions {
  /** How many, as means of segments; or given ones, which stay as they are. */
  landmarks: number | FixedLandmarks;
  /**
   * What landmark queries are: means of the "queries", so that every output depends on all of them; means of the "keys",
   * as landmark keys are; or landmarks × dim that you give, such as means of queries of the past. Not where all landmarks
   * are given; "queries" if left out.
   */
  landmarkQueries?: "queries" | "keys" | Rows;
  /** heads × width, width odd: weights of a convolution of the values along their positions. For tensors only. */
  convolution?: Rows;
  /**
   * What may not be attended to is left out of the keys' means and of the last factor, "keys"; also of the queries'
   * means, position by position, "tokens"; or, "published", queries and keys there are zeros that do count in the means
   * and are left out of the last factor alone. For tensors only; "tokens" is for means of queries.
   */
  padding?: "keys" | "tokens" | "published";
}

/** Settings of the inverse, checked. */
export interface InverseSettings {
  inverse: "ridge" | "iterative" | "exact";
  ridge: number | undefined;
  iterations: number;
  initial: "exact" | "original";
}

/** Settings, checked. */
export interface Settings extends InverseSettings {
  /** What the method is called. */
  name: string;
  /** How many landmarks there are at most. */
  landmarks: number;
  /** What landmark queries are means of, or that they are given. */
  landmarkQueries: "queries" | "keys" | "given";
  /** landmarks × dim, where they are. */
  givenQueries: Float64Array | undefined;
  /** How wide what is given is, if anything is. */
  dim: number | undefined;
  /** landmarks × dim, where keys are given along with queries. */
  givenKeys: Float64Array | undefined;
  /** heads × width */
  convolution:
    | { heads: number; width: number; weights: Float64Array }
    | undefined;
  padding: "keys" | "tokens" | "published";
}

/** The landmarks, where all of them are given. */
export function landmarksOf(
  { landmarks: size, dim, givenQueries: queries, givenKeys: keys }: Settings,
): Landmarks | undefined {
  return dim === undefined || queries === undefined || keys === undefined
    ? undefined
    : { size, dim, queries, keys };
}

const INVERSE_OPTIONS = ["inverse", "ridge", "iterations", "initial"];
/** As published. */
const ITERATIONS = 6;
const MOST_ITERATIONS = 1000;
/** Checks options. */
export function checkSettings(verb: string, options: unknown): Settings {
  if (options === undefined) {
    throw new TypeError(
      `Cannot ${verb}: options is undefined, it should be an object`,
    );
  }
  checkOptions(verb, options, [
    "landmarks",
    "landmarkQueries",
    ...INVERSE_OPTIONS,
    "convolution",
    "padding",
  ]);
  const given = options as NystromOptions;
  const fixed = typeof given.landmarks === "number"
    ? undefined
    : checkLandmarks(verb, given.landmarks);
  const landmarks = fixed?.size ??
    checkInteger(verb, "landmarks", given.landmarks, 1, MOST_KEYS);
  if (fixed !== undefined && given.landmarkQueries !== undefined) {
    throw new TypeError(
      `Cannot ${verb}: landmarkQueries is given with landmarks that are, it should be left out`,
    );
  }
  const queries = fixed ??
    checkQueries(verb, given.landmarkQueries ?? "queries", landmarks);
  const landmarkQueries = typeof queries === "string" ? queries : "given";
  const inverse = checkInverse(verb, given);
  const padding = checkWord(verb, "padding", given.padding, [
    "keys",
    "tokens",
    "published",
  ]);
  if (padding === "tokens" && landmarkQueries !== "queries") {
    throw new TypeError(
      `Cannot ${verb}: padding is "tokens" where no landmarks are means of queries, it should be "keys" or "published"`,
    );
  }
  const convolution = given.convolution === undefined
    ? undefined
    : checkConvolution(verb, given.convolution);
  const words = [
    fixed === undefined
      ? String(landmarks)
      : `${landmarks} given ${fingerprint([fixed.queries, fixed.keys])}`,
    ...(fixed === undefined ? nameQueries(queries) : []),
    ...nameInverse(inverse),
    ...(padding === "keys" ? [] : [`padding ${padding}`]),
    ...(convolution === undefined
      ? []
      : [`convolution ${fingerprint([convolution.weights])}`]),
  ];
  const name = `nystrom(${words.join(", ")})`;
  return {
    name,
    landmarks,
    landmarkQueries,
    ...(typeof queries === "string"
      ? { givenQueries: undefined, dim: undefined }
      : { givenQueries: queries.queries, dim: queries.dim }),
    givenKeys: fixed?.keys,
    convolution,
    padding,
    ...inverse,
  };
}

/** Checks what is put between the factors. */
export function checkInverse(
  verb: string,
  options: InverseOptions,
): InverseSettings {
  const inverse = checkWord(verb, "inverse", options.inverse, [
    "ridge",
    "iterative",
    "exact",
  ]);
  const initial = checkWord(verb, "initial", options.initial, [
    "exact",
    "original",
  ]);
  for (const name of ["ridge", "iterations", "initial"] as const) {
    const wanted = name === "ridge" ? "ridge" : "iterative";
    if (options[name] !== undefined && inverse !== wanted) {
      throw new TypeError(
        `Cannot ${verb}: ${name} is given with the inverse "${inverse}", it should come with "${wanted}"`,
      );
    }
  }
  const { ridge, iterations } = options;
  if (ridge !== undefined && checkFinite(verb, "ridge", ridge, 1) <= 0) {
    throw new RangeError(
      `Cannot ${verb}: ridge is ${show(ridge)}, it should be above 0`,
    );
  }
  return {
    inverse,
    ridge,
    iterations: iterations === undefined
      ? ITERATIONS
      : checkInteger(verb, "iterations", iterations, 0, MOST_ITERATIONS),
    initial,
  };
}

function checkWord<Word extends string>(
  verb: string,
  name: string,
  word: unknown,
  known: readonly [Word, ...Word[]],
): Word {
  if (word === undefined) return known[0];
  if (!known.includes(word as Word)) {
    const listed = known.map((one) => JSON.stringify(one)).join(" or ");
    throw new TypeError(
      `Cannot ${verb}: ${name} is ${show(word)}, it should be ${listed}`,
    );
  }
  return word as Word;
}

/** What there is to say of landmark queries that are not means of queries. */
function nameQueries(
  queries: "queries" | "keys" | { queries: Float64Array },
): string[] {
  if (queries === "queries") return [];
  if (queries === "keys") return ["queries of keys"];
  return [`queries given ${fingerprint([queries.queries])}`];
}

/** What there is to say of an inverse that is not the default. */
function nameInverse(
  { inverse, ridge, iterations, initial }: InverseSettings,
): string[] {
  if (inverse === "exact") return ["exact"];
  if (inverse === "ridge") return ridge === undefined ? [] : [`ridge ${ridge}`];
  return [`iterative ${iterations}${initial === "exact" ? "" : " original"}`];
}
