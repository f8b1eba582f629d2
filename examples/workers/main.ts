/**
 * Attention on two threads: by queries in 32-bit floats, and by keys in exact sums. Run it with
 * `deno run --allow-read examples/workers/main.ts`.
 *
 * Every way is checked against one thread, to the last bit, before it is timed; then both take turns, and the medians
 * are compared.
 *
 * @module
 */

import { type Crew, startCrew } from "./crew.ts";
import { drawProblem, type Problem } from "./problem.ts";
import { assemble, type Axis, computeShare, scheduleShares } from "./shares.ts";

/** What is measured: many queries over heads of one length, few queries over heads of very different lengths. */
export const JOBS: readonly { axis: Axis; title: string; make(): Problem }[] = [
  {
    axis: "queries",
    title: "by queries: 6 heads of 512 queries and 2048 keys, 32-bit floats",
    make: () => drawProblem(64, 512, new Array(6).fill(2048)),
  },
  {
    axis: "keys",
    title:
      "by keys: 3 heads of 8 queries and 2048, 512 and 9728 keys, exact sums",
    make: () => drawProblem(64, 8, [2048, 512, 9728]),
  },
];

const WORKERS = 2, ROUNDS = 9;

/** On this thread alone. */
export function computeAlone(
  problem: Problem,
  axis: Axis,
): ArrayLike<number>[] {
  const [all] = scheduleShares(problem, axis, 1);
  return assemble(problem, computeShare(problem, axis, all));
}

/** Fails unless both have the same bits. */
export function checkSame(
  outputs: readonly ArrayLike<number>[],
  expected: readonly ArrayLike<number>[],
): void {
  expected.forEach((head, at) => {
    for (let i = 0; i < head.length; i++) {
      if (!Object.is(outputs[at][i], head[i])) {
        throw new Error(
          `Head ${at}, number ${i} is ${outputs[at][i]}, it should be ${
            head[i]
          }`,
        );
      }
    }
  });
}

/** The medians of one thread and of the crew, in ms. */
async function race(
  problem: Problem,
  axis: Axis,
  crew: Crew,
): Promise<{ alone: number; together: number }> {
  const times = { alone: [] as number[], together: [] as number[] };
  // The first round is for the compiler.
  for (let round = 0; round <= ROUNDS; round++) {
    const begin = performance.now();
    const expected = computeAlone(problem, axis);
    const middle = performance.now();
    const outputs = await crew.compute(axis);
    const end = performance.now();
    checkSame(outputs, expected);
    if (round === 0) continue;
    times.alone.push(middle - begin);
    times.together.push(end - middle);
  }
  const median = (list: number[]) =>
    list.toSorted((a, b) => a - b)[ROUNDS >> 1];
  return { alone: median(times.alone), together: median(times.together) };
}

if (import.meta.main) {
  for (const { axis, title, make } of JOBS) {
    const problem = make(), crew = startCrew(problem, WORKERS);
    const { alone, together } = await race(problem, axis, crew);
    crew.dismiss();
    console.log(title);
    console.log(
      `  one thread ${alone.toFixed(1)} ms, ${WORKERS} workers ${
        together.toFixed(1)
      } ms: ${(alone / together).toFixed(2)} times as fast, the same bits`,
    );
  }
  console.log(
    `${navigator.hardwareConcurrency} hardware threads; the best there can be is ${WORKERS} times, less where they share a core`,
  );
}
