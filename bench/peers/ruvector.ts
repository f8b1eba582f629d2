/**
 * ruvector-attention-wasm: one query at a time, its keys and values as lists of arrays.
 *
 * @module
 */

import type { Problem } from "../problem.ts";
import { PACKAGES } from "./packages.ts";
import { Absent, messageOf, type Opening, wayOf } from "./race.ts";
import { prove, type Truth } from "./truth.ts";

/** The package, as far as it is used. */
interface Package {
  default(): Promise<unknown>;
  scaled_dot_attention(
    query: Float32Array,
    keys: Float32Array[],
    values: Float32Array[],
    scale?: number,
  ): Float32Array;
}

let loaded: Promise<Package> | undefined;

async function load(): Promise<Package> {
  try {
    const loaded: Package = await import(PACKAGES["ruvector-attention-wasm"]);
    await loaded.default();
    return loaded;
  } catch (error) {
    throw new Absent(messageOf(error));
  }
}

/** Its scaled_dot_attention, query after query. */
export function ruvector(problem: Problem, truth: () => Truth): Opening {
  return async () => {
    const { scaled_dot_attention } = await (loaded ??= load());
    const { n, dim, valueDim } = problem;
    const queries = rows(problem.queries, dim);
    const keys = rows(problem.keys, dim);
    const values = rows(problem.values, valueDim);
    const output = new Float32Array(n * valueDim);
    const run = () =>
      queries.forEach((query, i) =>
        output.set(scaled_dot_attention(query, keys, values), i * valueDim)
      );
    run();
    const error = prove(output, truth());
    return { ...wayOf({ run }), error };
  };
}

function rows(flat: Float32Array, width: number): Float32Array[] {
  return Array.from(
    { length: flat.length / width },
    (_, i) => flat.subarray(i * width, (i + 1) * width),
  );
}
