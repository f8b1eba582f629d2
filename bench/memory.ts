/**
 * How many bytes does an attention hold besides its keys, values and queries?
 *
 * @module
 */

import { flush, stats, update } from "@reattend/reattend";
import { type Question, table } from "./measure.ts";
import { attentionOver, makeProblem, makeReplacements } from "./problem.ts";

const SHAPES = [
  { n: 64, m: 1024, dim: 64 },
  { n: 1024, m: 1024, dim: 64 },
  { n: 64, m: 16384, dim: 64 },
  { n: 64, m: 1024, dim: 512 },
];
/** Bytes of a float of keys, values and queries, and of a weight if the matrix of them were kept. */
const FLOAT = 4;
const WEIGHT = 8;
/** What a row may take besides its query; the share of keys that may have an old version, and what goes with one. */
const rowBar = (valueDim: number) => 16 * valueDim + 160;
const LOG_BAR = 1 / 2, VERSION = 80;

/** What an attention holds. */
export const question: Question = {
  title: "Memory",
  answer: () =>
    `Bytes by \`stats\`, with all rows up to date. A row is what a watched query takes besides itself; a key what it takes
besides itself and its value, scratch included; the log is how much longer it all is after every key has been written once more,
against one old version for every two keys. Beside it the matrix of weights, which is never kept. dim = valueDim.

${
      table(
        [
          "n × m, dim",
          "all",
          "keys, values, queries",
          "a row",
          "a key",
          "the log",
          "the matrix",
        ],
        SHAPES.map(({ n, m, dim }) => {
          const problem = makeProblem(14, n, m, dim);
          const attention = attentionOver(problem);
          const single = attentionOver({
            ...problem,
            queries: problem.queries.subarray(0, dim),
          });
          flush(attention);
          flush(single);
          const all = stats(attention).bytes, stored = FLOAT * 2 * m * dim;
          const row = (all - stats(single).bytes) / (n - 1) - FLOAT * dim;
          const keys = all - n * (row + FLOAT * dim) - stored;
          const [{ ids, ...rows }] = makeReplacements(15, problem, m);
          update(attention, ids, rows);
          const log = stats(attention).bytes - all;
          return [
            `${n} × ${m}, ${dim}`,
            bytes(all),
            bytes(stored + FLOAT * n * dim),
            within(row, rowBar(dim)),
            bytes(keys / m),
            within(log, (m * LOG_BAR + 2) * (FLOAT * 2 * dim + VERSION)),
            bytes(WEIGHT * n * m),
          ];
        }),
      )
    }`,
};

/** Says whether a promise about memory holds. */
function within(held: number, most: number): string {
  return `${bytes(held)} (bar ${bytes(most)}: ${
    held <= most ? "met" : "**missed**"
  })`;
}

function bytes(count: number): string {
  return count < 10_000
    ? `${Math.round(count)} B`
    : `${(count / 1024).toFixed(0)} KiB`;
}
