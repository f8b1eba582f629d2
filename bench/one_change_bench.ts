/**
 * One key and its value change: what does it cost to have the outputs of all queries again, against starting over?
 *
 * @module
 */

import {
  bar,
  digits,
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
import { flushed, matrices, read, startedOver, stateless } from "./ways.ts";

const SIZES = [[64, 4096], [256, 4096], [1024, 1024], [256, 16384]];
/** The size that promises are made for, and how many times as fast as what. */
const PROMISED = "256 × 4096";
const BARS = {
  flush: { matrix: 300, own: 150 },
  outputs: { matrix: 100, own: 50 },
};

type Way =
  | "update, flush"
  | "update, outputs"
  | "ml-matrix"
  | "rows started over"
  | "stateless";

function race(n: number, m: number): Race<Way> {
  const problem = once(() => makeProblem(1, n, m));
  return {
    title: `one change, ${n} × ${m}`,
    ways: {
      "update, flush": () => flushed(problem()),
      "update, outputs": () => read(problem()),
      "ml-matrix": () => matrices(problem()),
      "rows started over": () => startedOver(problem()),
      "stateless": () => stateless(problem()),
    },
  };
}

/** One key and its value change. */
export const question: Question = {
  title: "One key and its value change",
  answer() {
    const measured = SIZES.map(([n, m]) => {
      const took = run(race(n, m));
      const own = Math.min(took["rows started over"], took.stateless);
      return { n, size: `${n} × ${m}`, took, own };
    });
    const ratio = (size: string, ratio: number, least: number) =>
      size === PROMISED ? bar(ratio, least) : times(ratio);
    return `\`update\` of one key and its value, then all n outputs: brought up to date (\`flush\`), or read with certified
bounds (\`outputs\`). Against it: ml-matrix starting over (scaled queries and transposed keys kept; scores, softmax,
weights · values), our rows started over (\`watch\` again, \`flush\`) and our stateless \`scaledDotProductAttention\`.
dim = valueDim = 64.

${
      table(
        ["n × m", "update, flush", "a row of that", "update, outputs", ...REST],
        measured.map(({ n, size, took }) => [
          size,
          time(took["update, flush"]),
          `${digits(took["update, flush"] * 1000 / n)} ns`,
          time(took["update, outputs"]),
          ...REST.map((way) => time(took[way])),
        ]),
      )
    }

How many times as fast; own is the faster of the two that start over:

${
      table(
        [
          "n × m",
          "flush / ml-matrix",
          "outputs / ml-matrix",
          "flush / own",
          "outputs / own",
        ],
        measured.map(({ size, took, own }) => {
          const flush = took["update, flush"],
            outputs = took["update, outputs"];
          return [
            size,
            ratio(size, took["ml-matrix"] / flush, BARS.flush.matrix),
            ratio(size, took["ml-matrix"] / outputs, BARS.outputs.matrix),
            ratio(size, own / flush, BARS.flush.own),
            ratio(size, own / outputs, BARS.outputs.own),
          ];
        }),
      )
    }`;
  },
};

const REST = ["ml-matrix", "rows started over", "stateless"] as const;

register(race(64, 4096), race(256, 4096));
