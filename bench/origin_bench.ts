/**
 * What does the published dynamic attention cost that this project began with, and how wrong is its answer?
 *
 * @module
 */

import { createAttention, edit, flush, outputs } from "@reattend/reattend";
import { PRECISION, refuseUnless } from "./check.ts";
import {
  type Contestant,
  once,
  type Question,
  type Race,
  register,
  run,
  small,
  table,
  time,
  times,
} from "./measure.ts";
import {
  CHANGES,
  type Demo,
  described,
  DIM,
  distance,
  makeDemo,
  original,
  STEPS,
  truth,
} from "./origin.ts";

const SIZES = [64, 128, 256];
/** Single outputs read after a step. */
const READS = 3;

/** Ours: the same edits, then all outputs or three. */
function ours(demo: Demo, all: boolean): Contestant {
  const { queries, keys, values, steps } = demo, n = queries.length;
  const attention = createAttention({ queries, keys, values, scale: 1 });
  flush(attention);
  let done = 0;
  const run = () => {
    edit(attention, steps[done++ % steps.length]);
    if (all) outputs(attention);
    for (let at = 0; at < READS && !all; at++) {
      outputs(attention, { ids: (done * READS + at) % n });
    }
  };
  const check = () => {
    const wrong = distance(
      outputs(attention).to2DArray(),
      truth(demo, done % steps.length),
    );
    refuseUnless(wrong <= PRECISION, "ours");
  };
  run();
  check();
  return { run, check };
}

type Way = "ours, three rows" | "ours, all rows" | "original";

function race(demo: () => Demo): Race<Way> {
  return {
    title: `the original, ${CHANGES} + ${CHANGES} numbers change`,
    ways: {
      "ours, three rows": () => ours(demo(), false),
      "ours, all rows": () => ours(demo(), true),
      "original": () => original(demo()),
    },
  };
}

/** What the original costs, and how wrong it is. */
export const question: Question = {
  title: "The original",
  answer: () =>
    `DynamicAttention (https://github.com/davidangularme/DynamicAttention), re-implemented from its description in the
matrices of ml-matrix: a step changes ${CHANGES} numbers of keys and ${CHANGES} of values, each of which makes it flush, which inverts the
diagonal matrix of its sums as a matrix. Ours makes the same edits and reads three outputs, or all of them. The error
is its largest after ${STEPS} steps; beside it how far the steps have moved the true outputs. n queries and keys, dim ${DIM}.

${
      table(
        [
          "n",
          "original, a step",
          "ours, three rows",
          "ours, all rows",
          "three rows / it",
          "all rows / it",
          "its error",
          "of a change by",
        ],
        SIZES.map((n) => {
          const demo = makeDemo(n), took = run(race(() => demo));
          const now = truth(demo, STEPS);
          return [
            String(n),
            time(took.original),
            time(took["ours, three rows"]),
            time(took["ours, all rows"]),
            times(took.original / took["ours, three rows"]),
            times(took.original / took["ours, all rows"]),
            small(distance(described(demo, STEPS), now)),
            small(distance(truth(demo, 0), now)),
          ];
        }),
      )
    }`,
};

register(race(once(() => makeDemo(64))));
