/**
 * How does the cost of a change grow with the queries, the keys and the components?
 *
 * @module
 */

import {
  once,
  type Question,
  type Race,
  register,
  run,
  table,
  time,
  times,
} from "./measure.ts";
import { makeProblem } from "./problem.ts";
import { flushed, read, stateless } from "./ways.ts";

const QUERIES = [1, 8, 64, 256, 1024];
const KEYS = [64, 256, 1024, 4096, 16384, 65536];
const DIMS = [16, 64, 128, 256, 512, 768];

type Way = "update, flush" | "update, outputs" | "stateless";

function race(n: number, m: number, dim = 64): Race<Way> {
  const problem = once(() => makeProblem(2, n, m, dim));
  return {
    title: `growth, ${n} × ${m}, dim ${dim}`,
    ways: {
      "update, flush": () => flushed(problem()),
      "update, outputs": () => read(problem()),
      "stateless": () => stateless(problem()),
    },
  };
}

/** One table: what grows, and the race for each of its sizes. */
function grow(
  name: string,
  sizes: number[],
  make: (size: number) => Race<Way>,
) {
  return table(
    [name, "update, flush", "update, outputs", "stateless", "outputs / it"],
    sizes.map((size) => {
      const took = run(make(size));
      return [
        String(size),
        time(took["update, flush"]),
        time(took["update, outputs"]),
        time(took.stateless),
        times(took.stateless / took["update, outputs"]),
      ];
    }),
  );
}

/** Growth with queries, keys and components. */
export const question: Question = {
  title: "Growth",
  answer: () =>
    `One key and its value replaced, dim = valueDim, against our stateless \`scaledDotProductAttention\`. With the queries
both grow alike; 4096 keys, dim 64:

${grow("queries", QUERIES, (n) => race(n, 4096))}

With the keys only starting over grows; 64 queries, dim 64:

${grow("keys", KEYS, (m) => race(64, m))}

With the components both grow alike; 64 queries, 1024 keys:

${grow("dim", DIMS, (dim) => race(64, 1024, dim))}`,
};

register(race(8, 4096), race(64, 16384), race(64, 1024, 512));
