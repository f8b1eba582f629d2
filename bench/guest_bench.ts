/**
 * What does a query cost that nobody watches, and the keys that it attends to most?
 *
 * @module
 */

import { attend, topKeys } from "@reattend/reattend";
import { attendPlainly, scorePlainly } from "./baselines.ts";
import { checkAnswer, PRECISION, refuseUnless } from "./check.ts";
import {
  once,
  type Question,
  type Race,
  register,
  run,
  table,
  time,
} from "./measure.ts";
import { attentionOver, makeProblem, type Problem } from "./problem.ts";
import { matrices, stateless } from "./ways.ts";

const KEYS = [1024, 16384];
/** Keys that are named. */
const TOP = 10;

const WAYS = [
  "attend",
  "stateless",
  "plain loop",
  "ml-matrix",
  "topKeys",
  "plain, sort",
] as const;
type Way = typeof WAYS[number];

/** One query that nobody watches. */
function race(m: number): Race<Way> {
  const problem = once(() => makeProblem(12, 1, m));
  const { queries } = makeProblem(12, 1, 1);
  const scores = new Float64Array(m), output = new Float64Array(64);
  return {
    title: `one query, ${m} keys`,
    ways: {
      "attend": () => {
        const attention = attentionOver(problem());
        const run = () => attend(attention, queries).data;
        checkAnswer(run(), problem(), PRECISION);
        return { run };
      },
      "plain loop": () => {
        const run = () => attendPlainly(problem(), queries, scores, output);
        run();
        checkAnswer(output, problem());
        return { run };
      },
      "stateless": () => stateless(problem()),
      "ml-matrix": () => matrices(problem()),
      "topKeys": () => {
        const attention = attentionOver(problem());
        const run = () => topKeys(attention, queries, TOP)[0].keys;
        const expected = sortPlainly(problem(), queries, scores);
        refuseUnless(
          run().every((key, at) => key === expected[at]),
          "topKeys",
        );
        return { run };
      },
      "plain, sort": () => ({
        run: () => sortPlainly(problem(), queries, scores),
      }),
    },
  };
}

/** The keys of the largest scores, by a sort of them all, and the sum that makes weights of scores. */
function sortPlainly(
  { m, dim, keys }: Problem,
  query: Float32Array,
  scores: Float64Array,
): number[] {
  scorePlainly(keys, m, dim, query, scores);
  const best = Array.from(scores.keys())
    .sort((a, b) => scores[b] - scores[a]).slice(0, TOP);
  const largest = scores[best[0]];
  let sum = 0;
  for (let j = 0; j < m; j++) sum += Math.exp(scores[j] - largest);
  for (const j of best) scores[j] = Math.exp(scores[j] - largest) / sum;
  return best;
}

/** What a query costs that nobody watches. */
export const question: Question = {
  title: "A query that nobody watches",
  answer: () =>
    `One query: its output by \`attend\`, by our stateless \`scaledDotProductAttention\`, by a plain loop over flat arrays and
by ml-matrix; the ${TOP} keys it attends to most, with their weights, by \`topKeys\` and by a plain loop and a sort.
dim = valueDim = 64.

${
      table(
        ["keys", ...WAYS],
        KEYS.map((m) => {
          const took = run(race(m));
          return [String(m), ...WAYS.map((way) => time(took[way]))];
        }),
      )
    }`,
};

register(race(16384));
