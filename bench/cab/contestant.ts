/**
 * What a contestant is, and how one is made of a method: of plain loops, or of the library.
 *
 * Those of the library come through its doors: `scaledDotProductAttention` for answers and their times, and an attention that
 * was filled with the same problem and read once for what is counted. The others count themselves. What a contestant cannot
 * do it refuses with a `TypeError`, whose sentence goes into the tables instead of a number.
 *
 * @module
 */

import {
  type Attention,
  createAttention,
  DenseMatrix,
  type Method,
  outputs,
  scaledDotProductAttention,
  stats,
  type Tensor,
} from "@reattend/reattend";
import { type Answer, isCausal, type Problem } from "./problem.ts";
import type { Tally } from "./plain.ts";

/** A way to attend. Heads of one layer are asked together, since some methods let them share. */
export interface Contestant {
  name: string;
  /** Whether it is of the library. */
  ours: boolean;
  /** What it may look at, in its own terms. */
  budget: string;
  /** Whether the seed makes a difference. */
  chance: boolean;
  /** Makes ready, and returns what is to be timed. */
  prepare(heads: readonly Problem[], seed: number): () => DenseMatrix[];
  /** What an answer to one head takes. */
  spend(head: Problem, seed: number): Tally;
  /** queries × keys: how much of each value is in each output; undefined where that depends on the values. */
  weigh(head: Problem, seed: number): DenseMatrix | undefined;
}

/** A method of plain loops. */
export interface Plain {
  name: string;
  budget: string;
  chance?: boolean;
  attend(heads: readonly Problem[], seed: number): Answer[];
  /** Left out where weights do not depend on values. */
  weigh?: Contestant["weigh"];
}

/** A method of the library. */
export interface Library {
  name: string;
  budget: string;
  chance?: boolean;
  /** Undefined where nothing is left out. */
  method(seed: number): Method | undefined;
  /** How much of each value it takes depends on the values. */
  fitsValues?: boolean;
  /** What a maintained attention is told once it is filled, such as to observe and prune; nothing if left out. */
  settle?(attention: Attention): void;
}

/** What a contestant makes of one head. */
export function attendOnce(
  contestant: Contestant,
  head: Problem,
  seed: number,
): DenseMatrix {
  return contestant.prepare([head], seed)()[0];
}

/** What is done to each head by itself. */
export function each(
  attend: (head: Problem, seed: number) => Answer,
): Plain["attend"] {
  return (heads, seed) => heads.map((head) => attend(head, seed));
}

/** A contestant of plain loops. */
export function plain(
  { name, budget, chance = false, attend, weigh }: Plain,
): Contestant {
  return {
    name,
    budget,
    chance,
    ours: false,
    prepare: (heads, seed) => () =>
      attend(heads, seed).map(({ outputs }) => outputs),
    spend: (head, seed) => attend([head], seed)[0],
    weigh: weigh ??
      ((head, seed) => attend([withUnits(head)], seed)[0].outputs),
  };
}

/** A contestant of the library: a method in 64 bits, or exact in 32. */
export function library(
  { name, budget, chance = false, method, fitsValues = false, settle }: Library,
): Contestant {
  const prepare = (heads: readonly Problem[], seed: number) => {
    const made = method(seed), single = made === undefined;
    const jobs = heads.map(({ queries, keys, values }) =>
      [queries, keys, values].map((rows) => tensorOf(rows, single))
    );
    return () =>
      heads.map((head, at) => {
        const { queries, values, scale } = head, [q, k, v] = jobs[at];
        const causal = head.pattern === "CC" ? "queries" : isCausal(head);
        const { output } = scaledDotProductAttention(q, k, v, {
          scale,
          causal,
          method: made,
        });
        const data = Float64Array.from(output.data);
        return new DenseMatrix(queries.rows, values.columns, data);
      });
  };
  return {
    name: `${name}, ours`,
    budget,
    chance,
    ours: true,
    prepare,
    spend: (head, seed) => spendMaintained(head, method(seed), settle),
    weigh: (head, seed) =>
      fitsValues ? undefined : prepare([withUnits(head)], seed)()[0],
  };
}

/** What a maintained attention counts from its first key to its first answers. */
function spendMaintained(
  head: Problem,
  method: Method | undefined,
  settle: Library["settle"],
): Tally {
  const { queries, keys, values, scale } = head;
  const mask = isCausal(head) ? "causal" : undefined;
  using attention = createAttention({
    queries,
    keys,
    values,
    scale,
    mask,
    method,
  });
  settle?.(attention);
  outputs(attention);
  const { multiplyAdds, bytes } = stats(attention);
  return { multiplyAdds, bytes };
}

function tensorOf({ rows, columns, data }: DenseMatrix, single: boolean) {
  const tensor: Tensor = {
    data: single ? Float32Array.from(data) : data,
    shape: [1, 1, rows, columns],
  };
  return tensor;
}

/** Each value a unit of its own, so that outputs are the weights themselves. */
function withUnits(head: Problem): Problem {
  return { ...head, values: identity(head.keys.rows) };
}

/** Ones on the diagonal. */
export function identity(size: number): DenseMatrix {
  const made = new DenseMatrix(size, size);
  for (let i = 0; i < size; i++) made.data[i * size + i] = 1;
  return made;
}
