/**
 * What does a write cost, and does it depend on how many queries are watched and how many keys there are?
 *
 * @module
 */

import {
  limit,
  once,
  type Question,
  type Race,
  register,
  run,
  table,
  time,
  times,
  waysOf,
} from "./measure.ts";
import { makeProblem, type Problem } from "./problem.ts";
import { BATCH, makeWriters, type Verb, VERBS } from "./writers.ts";

const QUERIES = [0, 64, 1024];
const KEYS = [1024, 65536];
const DIMS = [64, 512];
/** What a write may take with dim 64, in µs. */
const BAR = 1;

/** Every verb on one attention; before each batch a query is read, so that old content has to be kept. */
function race(problem: () => Problem, n: number): Race<Verb> {
  const writers = once(() => makeWriters({ ...problem(), n }));
  return {
    title: `writes, ${n} queries`,
    ways: waysOf(VERBS, (verb) => writers()(verb)),
  };
}

/** Of the largest problem of each number of keys, so that a smaller one is a part of it. */
function problems(m: number, dim: number): () => Problem {
  return once(() => makeProblem(4, Math.max(...QUERIES), m, dim));
}

/** What a write costs. */
export const question: Question = {
  title: "A write",
  answer() {
    const measured = DIMS.flatMap((dim) =>
      KEYS.flatMap((m) => {
        const problem = problems(m, dim);
        return QUERIES.map((n) => ({ dim, m, n, took: run(race(problem, n)) }));
      })
    );
    const all = (verb: Verb, dim: number) =>
      measured.filter((row) => row.dim === dim).map(({ took }) => took[verb]);
    return `A write by itself, ${BATCH} to as many scattered keys; \`apply\` has ${BATCH} updates in one list, its time is for one of them.
Between batches a query is read, so that what it has seen must be kept when it is written over. Every key has been
written once before, so that no write pays for memory fresh from the system. dim = valueDim.

${
      table(
        ["dim", "keys", "queries", ...VERBS],
        measured.map(({ dim, m, n, took }) => [
          String(dim),
          String(m),
          String(n),
          ...VERBS.map((verb) => time(took[verb])),
        ]),
      )
    }

The slowest of all numbers of keys and queries, and how much slower it is than the fastest:

${
      table(
        ["dim", ...VERBS],
        DIMS.map((dim) => [
          String(dim),
          ...VERBS.map((verb) => {
            const worst = Math.max(...all(verb, dim));
            return `${dim === 64 ? limit(worst, BAR) : time(worst)}, ${
              times(worst / Math.min(...all(verb, dim)))
            }`;
          }),
        ]),
      )
    }`;
  },
};

register(race(problems(1024, 64), 64));
