/**
 * What the benches work on: seeded normal numbers, a maintained attention over them that is fed changes, and a mirror
 * of what it should hold, kept apart from it.
 *
 * @module
 */

import { type Attention, createAttention, update } from "@reattend/reattend";
import { seeded } from "../src/random.ts";
import { checkOutputs } from "./check.ts";

/** Queries, keys and values. */
export interface Problem {
  /** Queries. */
  n: number;
  /** Keys. */
  m: number;
  dim: number;
  valueDim: number;
  /** n × dim */
  queries: Float32Array;
  /** m × dim */
  keys: Float32Array;
  /** m × valueDim */
  values: Float32Array;
}

/** New rows for some keys. */
export interface Replacement {
  ids: number[];
  /** ids × dim */
  keys: Float32Array;
  /** ids × valueDim */
  values: Float32Array;
}

/** A maintained attention and what is done to it. */
export interface Subject {
  attention: Attention;
  /** Replaces keys and values, the next of the list. */
  change: () => void;
  /** Throws unless the outputs of some rows are within their bounds of the definition over the mirror. */
  check: () => void;
}

/** How a subject is fed. */
export interface SubjectOptions {
  /** Keys replaced at a time; 1 if left out. */
  count?: number;
  /** As of `createAttention`. */
  logBytes?: number;
}

/** Of the replacements of every contestant. */
export const SEED = 7;

/** How often the list of replacements has new rows for the same keys, so that no change is one to what is there. */
const LAYERS = 2;
/** Replacements in a layer, where the keys last. */
const LAYER = 64;
/** `count` numbers, normal with deviation 1. */
export function normals(seed: number, count: number): Float32Array {
  const { normal } = seeded(seed), numbers = new Float32Array(count);
  for (let i = 0; i < count; i++) numbers[i] = normal();
  return numbers;
}

/** Makes a problem of normal numbers. */
export function makeProblem(
  seed: number,
  n: number,
  m: number,
  dim = 64,
  valueDim: number = dim,
): Problem {
  return {
    n,
    m,
    dim,
    valueDim,
    queries: normals(seed, n * dim),
    keys: normals(seed + 1, m * dim),
    values: normals(seed + 2, m * valueDim),
  };
}

/** Makes a list of replacements of `count` keys each, scattered over the keys. */
export function makeReplacements(
  seed: number,
  { m, dim, valueDim }: Problem,
  count: number,
): Replacement[] {
  const layer = Math.max(1, Math.min(LAYER, Math.floor(m / count)));
  const stride = coprime(Math.floor(m * GOLDEN), m);
  return Array.from({ length: LAYERS * layer }, (_, at) => ({
    ids: Array.from(
      { length: count },
      (_, i) => ((at % layer) * count + i) * stride % m,
    ),
    keys: normals(seed + 2 * at, count * dim),
    values: normals(seed + 2 * at + 1, count * valueDim),
  }));
}

/** The golden section scatters whole numbers most evenly. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** A number without a common factor with m, the next from `from` on. */
function coprime(from: number, m: number): number {
  const divisor = (a: number, b: number): number =>
    b === 0 ? a : divisor(b, a % b);
  let stride = Math.max(1, from);
  while (divisor(stride, m) !== 1) stride++;
  return stride;
}

/** An attention over a problem. */
export function attentionOver(
  { queries, keys, values, dim, valueDim }: Problem,
  logBytes?: number,
): Attention {
  return createAttention({ dim, valueDim, queries, keys, values, logBytes });
}

/** Makes an attention over a problem that is fed replacements. */
export function makeSubject(
  problem: Problem,
  { count = 1, logBytes }: SubjectOptions = {},
): Subject {
  const attention = attentionOver(problem, logBytes);
  const replacements = makeReplacements(SEED, problem, count);
  let done = 0;
  return {
    attention,
    change() {
      const { ids, keys, values } = replacements[done++ % replacements.length];
      update(attention, ids, { keys, values });
    },
    check() {
      const recent = Array.from(
        { length: Math.min(done, replacements.length) },
        (_, back) => replacements[(done - 1 - back) % replacements.length],
      ).reverse();
      checkOutputs(attention, replaced(problem, recent));
    },
  };
}

/** A problem after replacements. */
export function replaced(
  problem: Problem,
  replacements: readonly Replacement[],
): Problem {
  const { dim, valueDim } = problem;
  const keys = problem.keys.slice(), values = problem.values.slice();
  for (const replacement of replacements) {
    replacement.ids.forEach((id, i) => {
      keys.set(replacement.keys.subarray(i * dim, (i + 1) * dim), id * dim);
      values.set(
        replacement.values.subarray(i * valueDim, (i + 1) * valueDim),
        id * valueDim,
      );
    });
  }
  return { ...problem, keys, values };
}
