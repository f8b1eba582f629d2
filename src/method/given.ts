/**
 * Rows that are given to a Nyström attention: landmarks and convolutions, checked, copied and told apart.
 *
 * @module
 */

import {
  checkFinite,
  checkOptions,
  counted,
  isIterable,
  show,
  thereAre,
} from "../check.ts";
import { checkParts, type DenseParts, type Rows } from "../rows.ts";

/** Landmarks that stay as they are. */
export interface FixedLandmarks {
  /** landmarks × dim: queries that stand for all. */
  queries: Rows;
  /** landmarks × dim: one key for each. */
  keys: Rows;
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

/** Rows are stored in 32 bits at most places, and sums of products of such stay finite. */
const LARGEST = 3.4028234663852886e38;

/** Checks landmarks that are given. */
export function checkLandmarks(verb: string, landmarks: unknown): Landmarks {
  if (
    typeof landmarks !== "object" || landmarks === null ||
    isIterable(landmarks)
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
      `Cannot ${verb}: ${thereAre(q.rows, "landmark query")} and ${
        counted(k.rows, "landmark key")
      }, there should be as many of both, 1 or more`,
    );
  }
  return {
    size: q.rows,
    dim: q.columns,
    queries: flatten(verb, "landmarks.queries", q),
    keys: flatten(verb, "landmarks.keys", k),
  };
}

/** Checks what landmark queries are. */
export function checkQueries(
  verb: string,
  given: unknown,
  landmarks: number,
): "queries" | "keys" | { queries: Float64Array; dim: number } {
  const name = "landmarkQueries";
  if (given === "queries" || given === "keys") return given;
  if (typeof given !== "object" || given === null) {
    throw new TypeError(
      `Cannot ${verb}: ${name} is ${
        show(given)
      }, it should be "queries", "keys" or rows`,
    );
  }
  const parts = checkParts(verb, name, given as Rows);
  if (parts.rows !== landmarks) {
    throw new RangeError(
      `Cannot ${verb}: ${name} has ${
        counted(parts.rows, "row")
      }, it should have one for each of ${counted(landmarks, "landmark")}`,
    );
  }
  return { queries: flatten(verb, name, parts), dim: parts.columns };
}

/** Checks the weights of a convolution: heads × width. */
export function checkConvolution(verb: string, rows: Rows) {
  const parts = checkParts(verb, "convolution", rows);
  if (parts.columns % 2 === 0 || parts.rows === 0) {
    throw new RangeError(
      `Cannot ${verb}: convolution is ${parts.rows} × ${parts.columns}, it should have a row of odd length for each head`,
    );
  }
  const weights = flatten(verb, "convolution", parts);
  return { heads: parts.rows, width: parts.columns, weights };
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

/** Eight hexadecimal digits that tell numbers apart: 32-bit FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo) over their bytes. */
export function fingerprint(parts: readonly Float64Array[]): string {
  let hash = FNV_BASIS;
  for (const { buffer, byteOffset, byteLength } of parts) {
    for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) {
      hash = Math.imul(hash ^ byte, FNV_PRIME);
    }
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}

const FNV_BASIS = 0x811c9dc5, FNV_PRIME = 0x01000193;
