/**
 * Scores of sparse keys: ours against npm's sparse matrices and against a dense product.
 *
 * The peers are fetched when the question is asked and not before, so that nothing else here needs them.
 *
 * @module
 */

import { createAttention } from "@reattend/reattend";
import { openAttention } from "../src/attention.ts";
import type { Query } from "../src/kernel/kernel.ts";
import { gather, GUEST, scoreKeys } from "../src/sync/recompute.ts";
import { matrixOf, scorePlainly } from "./baselines.ts";
import { refuseUnless } from "./check.ts";
import {
  type Contestant,
  once,
  type Race,
  table,
  time,
  times,
} from "./measure.ts";
import type { Problem } from "./problem.ts";
import { makeSparseProblem } from "./sparse.ts";
import { runInTurns } from "./turns.ts";

const KEYS = 1000, DIM = 1024;
const QUERIES = [1, 64];
const DENSITIES = [0.01, 0.05, 0.1, 0.25, 0.5];

/** A package of sparse matrices, as far as it is used. */
interface Hashes {
  SparseMatrix: new (rows: number, columns: number) => Hash;
}
interface Hash {
  set(row: number, column: number, value: number): unknown;
  get(row: number, column: number): number;
  mmul(other: Hash): Hash;
}

/** The other one. */
interface CompressedRows {
  CSR: {
    fromDense(
      rows: number,
      columns: number,
      numbers: readonly number[],
    ): { mulV(vector: readonly number[]): number[] };
  };
}

interface Packages {
  hashes: Hashes;
  compressed: CompressedRows;
}

const HASHES = "npm:ml-sparse-matrix@3.1.0";
const COMPRESSED = "npm:@thi.ng/sparse@0.3.120";

const PEERS = ["ml-sparse-matrix", "@thi.ng/sparse", "ml-matrix"] as const;
type Way = "ours" | typeof PEERS[number];

/** Dot products of all queries with all keys, as they lie where they are made. */
type Dots = (query: number, key: number) => number;

function race(
  n: number,
  stored: number,
  { hashes, compressed }: Packages,
): Race<Way> {
  const density = { stored, asked: 1 };
  const problem = once(() => makeSparseProblem(31, n, KEYS, DIM, density));
  return {
    title: `scores, ${n} queries, ${100 * stored} %`,
    ways: {
      "ours": () => ours(problem()),
      "ml-sparse-matrix": () => hashed(problem(), hashes),
      "@thi.ng/sparse": () => compressedRows(problem(), compressed),
      "ml-matrix": () => dense(problem()),
    },
  };
}

/** The kernel over the keys of an attention, what is masked left out, without softmax and values. */
function ours(problem: Problem): Contestant {
  const { n, m, dim, keys, queries } = problem;
  const memory = openAttention(
    "bench",
    createAttention({
      keys,
      values: new Float32Array(m),
      scale: 1,
      dim,
      valueDim: 1,
    }),
  );
  const query: Query = {
    dim,
    rows: queries,
    at: 0,
    factor: memory.factor,
    entries: undefined,
  };
  const scores = new Float64Array(n * m);
  const run = () => {
    for (let i = 0; i < n; i++) {
      query.at = i * dim;
      scoreKeys(memory, query, gather(memory, GUEST, 0));
      scores.set(memory.scratch.scores.subarray(0, m), i * m);
    }
  };
  run();
  checkDots(problem, (i, j) => scores[i * m + j] / memory.factor);
  return { run };
}

/** A hash table of entries: keys · queries, both sparse matrices. */
function hashed(problem: Problem, { SparseMatrix }: Hashes): Contestant {
  const { n, m, dim } = problem;
  const keys = new SparseMatrix(m, dim), queries = new SparseMatrix(dim, n);
  for (let t = 0; t < dim; t++) {
    for (let j = 0; j < m; j++) keys.set(j, t, problem.keys[j * dim + t]);
    for (let i = 0; i < n; i++) queries.set(t, i, problem.queries[i * dim + t]);
  }
  const run = () => keys.mmul(queries);
  const product = run();
  checkDots(problem, (i, j) => product.get(j, i));
  return { run };
}

/**
 * Compressed rows times one vector after the other: \`mulV\` wants a vector as long as there are rows, so that keys get
 * rows without entries until they are square.
 */
function compressedRows(problem: Problem, { CSR }: CompressedRows): Contestant {
  const { n, m, dim } = problem, side = Math.max(m, dim);
  const square = new Array<number>(side * side).fill(0);
  for (let j = 0; j < m; j++) {
    for (let t = 0; t < dim; t++) {
      square[j * side + t] = problem.keys[j * dim + t];
    }
  }
  const keys = CSR.fromDense(side, side, square);
  const queries = Array.from({ length: n }, (_, i) => {
    const query = new Array<number>(side).fill(0);
    for (let t = 0; t < dim; t++) query[t] = problem.queries[i * dim + t];
    return query;
  });
  const run = () => queries.map((query) => keys.mulV(query));
  const products = run();
  checkDots(problem, (i, j) => products[i][j]);
  return { run };
}

/** All numbers of the keys, the zeros among them. */
function dense(problem: Problem): Contestant {
  const { n, m, dim } = problem;
  const keys = matrixOf(problem.keys, m, dim);
  const queries = matrixOf(problem.queries, n, dim).transpose();
  const run = () => keys.mmul(queries);
  const product = run();
  checkDots(problem, (i, j) => product.get(j, i));
  return { run };
}

/** Throws unless all dot products are those of a plain loop, but for the rounding of their sums. */
function checkDots({ n, m, dim, keys, queries }: Problem, dots: Dots): void {
  const truth = new Float64Array(m),
    norm = (rows: Float32Array) =>
      Math.sqrt(rows.reduce((sum, x) => sum + x * x, 0));
  for (let i = 0; i < n; i++) {
    const query = queries.subarray(i * dim, (i + 1) * dim);
    scorePlainly(keys, m, dim, query, truth);
    for (let j = 0; j < m; j++) {
      const size = norm(query) * norm(keys.subarray(j * dim, (j + 1) * dim));
      const error = dots(i, j) - truth[j] * Math.sqrt(dim);
      // Two sums of dim products, each rounded dim times, of Σ |q k| ≤ |q| |k|.
      refuseUnless(
        Math.abs(error) <= 2 * dim * Number.EPSILON * size,
        `a score of query ${i}`,
      );
    }
  }
}

/** Scores against peers. */
export const question: { title: string; answer: () => Promise<string> } = {
  title: "Scores of sparse keys, against npm",
  answer: async () => {
    // Their names are no literals here, so that checking types does not fetch them.
    const packages: Packages = {
      hashes: await import(HASHES),
      compressed: await import(COMPRESSED),
    };
    return `K · Qᵀ for ${KEYS} keys of ${DIM} numbers, all but a share of which are 0, and dense queries, none of it softmax: our
scalar kernel over the keys of an attention (representation "auto", the keys that a mask admits gathered anew for every
query); \`mmul\` of ml-sparse-matrix 3.1.0, a hash table of entries; \`mulV\` of the compressed rows of @thi.ng/sparse 0.3.120,
query by query, the keys made square by empty rows, as it wants them; \`mmul\` of ml-matrix, dense. Every score is compared with a plain loop before. Times are of the processor.

${
      table(
        [
          "queries",
          "density",
          "ours",
          ...PEERS,
          ...PEERS.map((peer) => `ours / ${peer}`),
        ],
        QUERIES.flatMap((n) =>
          DENSITIES.map((density) => {
            const took = runInTurns(race(n, density, packages));
            return [
              String(n),
              `${100 * density} %`,
              time(took.ours),
              ...PEERS.map((peer) => time(took[peer])),
              ...PEERS.map((peer) => times(took[peer] / took.ours)),
            ];
          })
        ),
      )
    }`;
  },
};
