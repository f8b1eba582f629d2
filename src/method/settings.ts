/**
 * The settings of a Nyström attention, checked: which landmarks, which inverse, what becomes of padding.
 *
 * @module
 */

import { checkFinite, checkInteger, checkOptions, show } from "../check.ts";
import { MOST_KEYS } from "../memory/keys.ts";
import { checkParts, type DenseParts, type Rows } from "../rows.ts";

/** Landmarks that stay as they are. */
export interface FixedLandmarks {
  /** landmarks × dim: queries that stand for all. */
  queries: Rows;
  /** landmarks × dim: one key for each. */
  keys: Rows;
}

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
  /** heads × width, width odd: weights of a convolution of the values along their positions. For tensors only. */
  convolution?: Rows;
  /**
   * What may not be attended to is left out of the keys' means and of the last factor, "keys"; also of the queries'
   * means, position by position, "tokens"; or, "published", queries and keys there are zeros that do count in the means
   * and are left out of the last factor alone. For tensors only.
   */
  padding?: "keys" | "tokens" | "published";
}

/** Landmarks, as 64-bit numbers. */
export interface Landmarks {
  /** How many. */
  size: number;
  dim: number;
  /** size × dim */
  queries: Float64Array;
  keys: Float64Array;
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
  fixed: Landmarks | undefined;
  /** heads × width */
  convolution:
    | { heads: number; width: number; weights: Float64Array }
    | undefined;
  padding: "keys" | "tokens" | "published";
}

const INVERSE_OPTIONS = ["inverse", "ridge", "iterations", "initial"];
/** As published. */
const ITERATIONS = 6;
const MOST_ITERATIONS = 1000;
/** Rows are stored in 32 bits at most places, and sums of products of such stay finite. */
const LARGEST = 3.4028234663852886e38;

/** Checks options. */
export function checkSettings(verb: string, options: unknown): Settings {
  if (options === undefined) {
    throw new TypeError(
      `Cannot ${verb}: options is undefined, it should be an object`,
    );
  }
  checkOptions(verb, options, [
    "landmarks",
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
  const inverse = checkInverse(verb, given);
  const padding = checkWord(verb, "padding", given.padding, [
    "keys",
    "tokens",
    "published",
  ]);
  const convolution = given.convolution === undefined
    ? undefined
    : checkConvolution(verb, given.convolution);
  const words = [
    fixed === undefined
      ? String(landmarks)
      : `${landmarks} given ${fingerprint([fixed.queries, fixed.keys])}`,
    ...nameInverse(inverse),
    ...(padding === "keys" ? [] : [`padding ${padding}`]),
    ...(convolution === undefined
      ? []
      : [`convolution ${fingerprint([convolution.weights])}`]),
  ];
  const name = `nystrom(${words.join(", ")})`;
  return { name, landmarks, fixed, convolution, padding, ...inverse };
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

/** Checks landmarks that are given. */
export function checkLandmarks(verb: string, landmarks: unknown): Landmarks {
  if (
    typeof landmarks !== "object" || landmarks === null ||
    Array.isArray(landmarks)
  ) {
    throw new TypeError(
      `Cannot ${verb}: landmarks is ${
        show(landmarks)
      }, it should be a number or an object with queries and keys`,
    );
  }
  checkOptions(verb, landmarks, ["queries", "keys"]);
  const { queries, keys } = landmarks as FixedLandmarks;
  const q = checkParts(verb, "landmarks.queries", queries);
  const k = checkParts(verb, "landmarks.keys", keys, q.columns);
  if (q.rows === 0 || k.rows !== q.rows) {
    throw new RangeError(
      `Cannot ${verb}: there are ${q.rows} landmark queries and ${k.rows} landmark keys, there should be as many of both, 1 or more`,
    );
  }
  return {
    size: q.rows,
    dim: q.columns,
    queries: flatten(verb, "landmarks.queries", q),
    keys: flatten(verb, "landmarks.keys", k),
  };
}

function checkConvolution(verb: string, rows: Rows) {
  const parts = checkParts(verb, "convolution", rows);
  if (parts.columns % 2 === 0 || parts.rows === 0) {
    throw new RangeError(
      `Cannot ${verb}: convolution is ${parts.rows} × ${parts.columns}, it should have a row of odd length for each head`,
    );
  }
  const weights = flatten(verb, "convolution", parts);
  return { heads: parts.rows, width: parts.columns, weights };
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

function flatten(
  verb: string,
  name: string,
  { rows, columns, parts }: DenseParts,
): Float64Array {
  const numbers = new Float64Array(rows * columns);
  let at = 0;
  for (const part of parts) {
    numbers.set(part, at);
    at += part.length;
  }
  numbers.forEach((number, at) =>
    checkFinite(
      verb,
      `${name}[${Math.floor(at / columns)}][${at % columns}]`,
      number,
      LARGEST,
    )
  );
  return numbers;
}

/** What there is to say of an inverse that is not the default. */
function nameInverse(
  { inverse, ridge, iterations, initial }: InverseSettings,
): string[] {
  if (inverse === "exact") return ["exact"];
  if (inverse === "ridge") return ridge === undefined ? [] : [`ridge ${ridge}`];
  return [`iterative ${iterations}${initial === "exact" ? "" : " original"}`];
}

/** Eight hexadecimal digits that tell numbers apart: 32-bit FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo) over their bytes. */
function fingerprint(parts: readonly Float64Array[]): string {
  let hash = FNV_BASIS;
  for (const { buffer, byteOffset, byteLength } of parts) {
    for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) {
      hash = Math.imul(hash ^ byte, FNV_PRIME);
    }
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}

const FNV_BASIS = 0x811c9dc5, FNV_PRIME = 0x01000193;
