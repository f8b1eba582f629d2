/**
 * Attention that is kept up to date, against whoever starts over.
 *
 * @module
 */

import { attend, outputs } from "@reattend/reattend";
import { checkAnswer, PRECISION } from "../check.ts";
import { attentionOver, makeProblem, type Problem } from "../problem.ts";
import { matrices } from "../ways.ts";
import { makeWriters, VERBS } from "../writers.ts";
import { atLeast, atMost } from "./bars.ts";
import { childAttention } from "./child.ts";
import {
  flushed,
  ours,
  read,
  readAgain,
  stateless,
  subjectOf,
} from "./ours.ts";
import {
  bestOf,
  type Field,
  type Opening,
  over,
  race,
  timeOf,
  wayOf,
  worstOf,
} from "./race.ts";
import {
  faster,
  named,
  problemOf,
  type Section,
  type Workload,
} from "./workload.ts";

/** A shape, how much faster than numpy starting over one change and ten are to be, and how much faster they might be. */
interface Shape {
  n: number;
  m: number;
  one: [bar: number, stretch: number];
  ten?: [bar: number, stretch: number];
}

const SHAPES: Shape[] = [
  { n: 64, m: 4096, one: [150, 400] },
  { n: 1024, m: 1024, one: [40, 100], ten: [5, 12] },
  { n: 256, m: 16384, one: [600, 2000], ten: [60, 200] },
];
const TEN = 10;
const FLUSH = "update, flush", READ = "update, outputs";
const AGAIN = "outputs alone";

/** One key and its value, or ten, are replaced; all rows are brought up to date. */
export const update: Workload = {
  about:
    "One key and its value are replaced, or ten, and n standing queries are brought up to date: `update` and `flush`, and with all `outputs` read into an array. Outputs alone are those of rows that are up to date. numpy, onnxruntime-node and our own `scaledDotProductAttention` start over; their time contains no change.",
  run: async ({ samples, children }) => {
    const sections: Section[] = [];
    for (const { n, m, one, ten } of SHAPES) {
      const { problem, truth } = problemOf(n, m);
      const counts = ten === undefined ? [1] : [1, TEN];
      const field: Field = {};
      for (const count of counts) {
        field[way(FLUSH, count)] = flushed(problem, { count });
        field[way(READ, count)] = read(problem, { count });
      }
      field[AGAIN] = readAgain(problem, { count: 1 });
      const entries = await race({
        ...field,
        ...stateless(problem, truth, ["auto"]),
        ...childAttention(children, problem, truth),
      }, samples);
      const against = (way: string) => faster(entries, "numpy", way);
      const row = (way: string) => over(timeOf(entries, way), n);
      sections.push({
        title: `(${n}, ${m})`,
        entries,
        ours: FLUSH,
        claims: [
          atMost("one replaced, a row", row(FLUSH), 100, 50, "ns"),
          atMost("outputs, a row", row(AGAIN), 250, 100, "ns"),
          atLeast("÷ numpy, one replaced", against(FLUSH), ...one),
          atLeast("÷ numpy, one replaced and read", against(READ)),
          ...(ten === undefined ? [] : [
            atLeast("÷ numpy, ten replaced", against(way(FLUSH, TEN)), ...ten),
            atLeast(
              "÷ numpy, ten replaced and read",
              against(way(READ, TEN)),
            ),
          ]),
        ],
      });
    }
    return sections;
  },
};

function way(name: string, count: number): string {
  return count === 1 ? name : `${name}, ${count} keys`;
}

const SCALAR = { n: 256, m: 4096 };

/** The same in plain TypeScript against the matrices it comes with. */
export const scalar: Workload = {
  about:
    `One key and its value are replaced at (${SCALAR.n}, ${SCALAR.m}) with \`kernel: "scalar"\`; ml-matrix starts over, its keys kept transposed and its queries scaled.`,
  run: async ({ samples }) => {
    const problem = makeProblem(42, SCALAR.n, SCALAR.m);
    const upkeep = { count: 1, kernel: "scalar" } as const;
    const entries = await race({
      [FLUSH]: flushed(problem, upkeep),
      [READ]: read(problem, upkeep),
      "ml-matrix": () => wayOf(matrices(problem)),
    }, samples);
    return [{
      title: `(${SCALAR.n}, ${SCALAR.m}), scalar kernel`,
      entries,
      ours: FLUSH,
      claims: [
        atLeast("÷ ml-matrix", faster(entries, "ml-matrix", FLUSH), 300, 1000),
        atLeast(
          "÷ ml-matrix, with outputs",
          faster(entries, "ml-matrix", READ),
          100,
          400,
        ),
      ],
    }];
  },
};

const WRITE_QUERIES = [64, 1024], WRITE_KEYS = [1024, 65536];

/** A write, for any number of queries and keys. */
export const write: Workload = {
  about:
    "A write by itself, whatever it is and however many queries are watched and keys are held, d = dv = 64; the bar is for the slowest. The time of `apply` is for one of the updates in its list.",
  run: async ({ samples }) => {
    const field: Field = {};
    for (const m of WRITE_KEYS) {
      const problem = makeProblem(4, Math.max(...WRITE_QUERIES), m);
      for (const n of WRITE_QUERIES) {
        let writers: ReturnType<typeof makeWriters> | undefined;
        for (const verb of VERBS) {
          field[`${verb} (${n}, ${m})`] = () =>
            wayOf((writers ??= makeWriters({ ...problem, n }))(verb));
        }
      }
    }
    const entries = await race(field, samples);
    const slowest = (names: string[]) => {
      const time = worstOf(entries, names);
      return typeof time === "string" ? time : time / MICRO;
    };
    return [{
      title: "A write",
      entries,
      ours: `update (${WRITE_QUERIES[0]}, ${WRITE_KEYS[0]})`,
      claims: [
        atMost("the slowest of all", slowest(Object.keys(field)), 1, 0.2, "µs"),
        ...VERBS.map((verb) =>
          atMost(
            `the slowest ${verb}`,
            slowest(named(entries, `${verb} (`)),
            undefined,
            undefined,
            "µs",
          )
        ),
      ],
    }];
  },
};

/** In ns. */
const MICRO = 1000;

const LATE = { n: 64, m: 16384, writes: 10 };

/** One row that has not seen the last writes. */
export const row: Workload = {
  about:
    `One row of ${LATE.n} is read after ${LATE.writes} writes, m = ${LATE.m}, against recomputing it: by our own \`scaledDotProductAttention\` and \`attend\`, whichever is faster, and by numpy.`,
  run: async ({ samples, children }) => {
    const { problem, truth } = problemOf(1, LATE.m);
    const { keys, values } = problem;
    const watched = { ...makeProblem(43, LATE.n, LATE.m), keys, values };
    const entries = await race({
      "a row read late": () => {
        const subject = subjectOf(watched, { count: 1 });
        const { attention, change, check } = subject;
        const before = () => {
          for (let i = 0; i < LATE.writes; i++) change();
        };
        const run = () => outputs(attention, { ids: 0 });
        run();
        before();
        run();
        check();
        return wayOf({ before, run, check });
      },
      "attend": attending(problem),
      ...stateless(problem, truth, ["auto"]),
      ...childAttention(children, problem, truth),
    }, samples);
    const own = bestOf(entries, ["attend", ours("auto")]);
    const late = timeOf(entries, "a row read late");
    return [{
      title: `A row after ${LATE.writes} writes, m = ${LATE.m}`,
      entries,
      ours: "a row read late",
      claims: [
        atLeast("÷ our own recomputation", over(own, late), 20, 200),
        atLeast("÷ numpy", faster(entries, "numpy", "a row read late")),
        atLeast(
          "attend ÷ numpy",
          faster(entries, "numpy", "attend"),
          0.4,
          1.0,
        ),
      ],
    }];
  },
};

/** One query that nobody watches, over maintained keys. */
function attending(problem: Problem): Opening {
  return () => {
    const attention = attentionOver(problem);
    const run = () => attend(attention, problem.queries).data;
    checkAnswer(run(), problem, PRECISION);
    return wayOf({ run });
  };
}
