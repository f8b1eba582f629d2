/**
 * A session of writes and reads, in several ways of keeping outputs at hand.
 *
 * @module
 */

import { attend, flush, outputs, stats, update } from "@reattend/reattend";
import { type Random, seeded } from "../src/random.ts";
import type { Contestant } from "./measure.ts";
import { attentionOver, normals, type Problem, replaced } from "./problem.ts";

/** Writes of a run. */
const WRITES = 100;
/** More bytes than the log needs. */
const AMPLE = 2 ** 30;
/** Rows to write: a key, and behind it its value. */
const FRESH = 1024;

/** How keys are picked for a write. */
export type Keys = "uniform" | "zipf";
/** Lazy is how it is; with an ample log no row has to start over; eager flushes at every write; who starts over watches nothing. */
export const WAYS = [
  "lazy",
  "lazy, ample log",
  "eager",
  "starting over",
] as const;
export type Way = typeof WAYS[number];

/** A maintained attention under a script of writes and reads, which is the same for all ways. */
export interface Session extends Contestant {
  /** One write and its reads. */
  step: () => void;
  /** All outputs, n × dim. */
  answers: () => ArrayLike<number>;
  /** Multiply-adds so far. */
  multiplyAdds: () => number;
  /** What should be stored. */
  mirror: Problem;
}

/** Opens a session of `rate` row reads per write. */
export function open(
  way: Way,
  keys: Keys,
  rate: number,
  problem: Problem,
): Session {
  const { n, m, dim } = problem;
  const mirror = replaced(problem, []), random = seeded(17);
  const pick = keys === "uniform" ? () => random.integer(m) : zipf(m, random);
  const fresh = normals(18, FRESH * dim);
  // Who starts over watches nothing.
  const attention = attentionOver(
    way === "starting over"
      ? { ...problem, queries: new Float32Array(0) }
      : problem,
    way === "lazy, ample log" ? AMPLE : undefined,
  );
  flush(attention);
  const row = () => random.integer(n);
  const query = (id: number) =>
    problem.queries.subarray(id * dim, (id + 1) * dim);
  let at = 0;
  const step = () => {
    const id = pick(), from = (at++ % (FRESH - 1)) * dim;
    const key = fresh.subarray(from, from + dim);
    const value = fresh.subarray(from + dim, from + 2 * dim);
    mirror.keys.set(key, id * dim);
    mirror.values.set(value, id * dim);
    update(attention, id, { keys: key, values: value });
    if (way === "eager") flush(attention);
    if (random.uniform() >= rate) return;
    if (way === "starting over") attend(attention, query(row()));
    else outputs(attention, { ids: row() });
  };
  return {
    step,
    run() {
      for (let i = 0; i < WRITES; i++) step();
    },
    jobs: WRITES,
    answers: () =>
      way === "starting over"
        ? attend(attention, problem.queries).data
        : outputs(attention).data,
    multiplyAdds: () => stats(attention).multiplyAdds,
    mirror,
  };
}

/** Key r is written in proportion to 1 / (r + 1); keys are in no order, so these may be the first. */
function zipf(m: number, { uniform }: Random): () => number {
  const sums = new Float64Array(m);
  for (let r = 0, sum = 0; r < m; r++) sums[r] = sum += 1 / (r + 1);
  return () => {
    const aim = uniform() * sums[m - 1];
    let low = 0, high = m - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] <= aim) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
