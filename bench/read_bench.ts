/**
 * What does a read cost: bringing rows up to date, reading rows that are, one row after some writes?
 *
 * @module
 */

import { attend, flush, outputs, watch } from "@reattend/reattend";
import { attendPlainly } from "./baselines.ts";
import { checkAnswer } from "./check.ts";
import {
  bar,
  type Contestant,
  limit,
  once,
  type Question,
  type Race,
  register,
  run,
  table,
  time,
  times,
} from "./measure.ts";
import { makeProblem, makeSubject, type Subject } from "./problem.ts";
import { stateless } from "./ways.ts";

const SIZES = [[64, 4096], [1024, 1024], [256, 16384]];
/** What reading a row of 64 numbers may take, in ns. */
const ROW_BAR = 250;
/** Writes before a row is read, and how many times as fast as starting the row over it has to be. */
const WRITES = 10;
const CATCH_UP_BAR = 20;

type Part = "flush" | "outputs" | "outputs, bounds" | "flush again";

/** One key changes outside the clock; then each part of the read by itself. */
function raceParts(n: number, m: number): Race<Part> {
  const problem = once(() => makeProblem(10, n, m));
  const reading = (
    run: (subject: Subject) => unknown,
    stale = false,
  ) =>
  (): Contestant => {
    const subject = makeSubject(problem());
    const { attention, change, check } = subject;
    change();
    check();
    flush(attention);
    return {
      before() {
        change();
        if (!stale) flush(attention);
      },
      run: () => run(subject),
      check,
    };
  };
  const out = once(() => new Float64Array(n * 64));
  const bounds = once(() => new Float64Array(n));
  return {
    title: `parts of a read, ${n} × ${m}`,
    ways: {
      "flush": reading(({ attention }) => flush(attention), true),
      "outputs": reading(({ attention }) => outputs(attention, { out: out() })),
      "outputs, bounds": reading(({ attention }) =>
        outputs(attention, { out: out(), bounds: bounds() })
      ),
      "flush again": reading(({ attention }) => flush(attention)),
    },
  };
}

type CatchUp = "ours" | "started over" | "attend" | "stateless" | "plain loop";

/** One row of 64 is read after some writes. */
function raceCatchUp(m: number): Race<CatchUp> {
  const problem = once(() => makeProblem(13, 64, m));
  const one = once(() => ({ ...problem(), n: 1, queries: query() }));
  const query = () => problem().queries.subarray(0, 64);
  const after = (read: (subject: Subject) => unknown) => (): Contestant => {
    const subject = makeSubject(problem());
    const before = () => {
      for (let i = 0; i < WRITES; i++) subject.change();
    };
    const run = () => read(subject);
    outputs(subject.attention, { ids: 0 });
    before();
    run();
    subject.check();
    return { before, run, check: subject.check };
  };
  return {
    title: `a row after ${WRITES} writes, ${m} keys`,
    ways: {
      "ours": after(({ attention }) => outputs(attention, { ids: 0 })),
      "started over": after(({ attention }) => {
        watch(attention, query(), { ids: 0 });
        outputs(attention, { ids: 0 });
      }),
      "attend": after(({ attention }) => attend(attention, query())),
      "stateless": () => stateless(one()),
      "plain loop": () => {
        const scores = new Float64Array(m), output = new Float64Array(64);
        const run = () => attendPlainly(one(), query(), scores, output);
        run();
        checkAnswer(output, one());
        return { run };
      },
    },
  };
}

/** What a read costs. */
export const question: Question = {
  title: "A read",
  answer: () =>
    `Bringing rows up to date and reading rows that are, apart: one key and its value change outside the clock, then
\`flush\` of what it changed, \`outputs\` into a given array, the same with bounds, and a \`flush\` that finds nothing to do.
dim = valueDim = 64.

${
      table(
        [
          "n × m",
          "flush",
          "outputs",
          "a row of that",
          "outputs, bounds",
          "flush again",
        ],
        SIZES.map(([n, m]) => {
          const took = run(raceParts(n, m));
          return [
            `${n} × ${m}`,
            time(took.flush),
            time(took.outputs),
            limit(took.outputs / n, ROW_BAR / 1000),
            time(took["outputs, bounds"]),
            time(took["flush again"]),
          ];
        }),
      )
    }

One row of 64 read after ${WRITES} writes that it has not seen, against that row started over, ${CATCH_UP_KEYS} keys:

${tableOfCatchUp(run(raceCatchUp(CATCH_UP_KEYS)))}`,
};

const CATCH_UP_KEYS = 16384;

function tableOfCatchUp(took: Record<CatchUp, number>): string {
  const own = ["started over", "attend", "stateless"] as const;
  const fastest = Math.min(...own.map((way) => took[way]));
  return table(
    ["way", "time", "ours is as fast"],
    [
      ["ours", time(took.ours), ""],
      ...own.map((way) => [way, time(took[way]), times(took[way] / took.ours)]),
      [
        "plain loop",
        time(took["plain loop"]),
        times(took["plain loop"] / took.ours),
      ],
      [
        "fastest of our own",
        time(fastest),
        bar(fastest / took.ours, CATCH_UP_BAR),
      ],
    ],
  );
}

register(raceParts(256, 4096), raceCatchUp(CATCH_UP_KEYS));
