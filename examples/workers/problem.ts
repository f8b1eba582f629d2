/**
 * Heads of attention of different lengths, in arrays that threads can share.
 *
 * @module
 */

import { seeded } from "../../src/random.ts";

/** One head: n queries, m keys with their values, each of `dim` numbers. */
export interface Head {
  queries: Float32Array;
  keys: Float32Array;
  values: Float32Array;
}

/** What is to be computed. */
export interface Problem {
  dim: number;
  heads: Head[];
}

/** Draws a head of so many queries for each of these numbers of keys. */
export function drawProblem(
  dim: number,
  queries: number,
  keys: readonly number[],
): Problem {
  const random = seeded(1);
  const rows = (count: number) => {
    const numbers = sharedFloats(count * dim);
    for (let at = 0; at < numbers.length; at++) numbers[at] = random.normal();
    return numbers;
  };
  return {
    dim,
    heads: keys.map((count) => ({
      queries: rows(queries),
      keys: rows(count),
      values: rows(count),
    })),
  };
}

/** Floats that all threads see; where the host does not share memory, posting them makes a copy. */
function sharedFloats(length: number): Float32Array {
  return typeof SharedArrayBuffer === "undefined"
    ? new Float32Array(length)
    : new Float32Array(new SharedArrayBuffer(4 * length));
}
