/**
 * Sparse keys: scores against scipy's compressed rows, and whether "auto" stores them as it should.
 *
 * @module
 */

import { attend, createAttention } from "@reattend/reattend";
import { openAttention } from "../../src/attention.ts";
import { LANES } from "../../src/kernel/kernel.ts";
import { makeReadRoom } from "../../src/memory/memory.ts";
import { queryOf } from "../../src/memory/queries.ts";
import { gather, GUEST } from "../../src/sync/recompute.ts";
import { scorePlainly } from "../baselines.ts";
import { checkAnswer, PRECISION } from "../check.ts";
import type { Problem } from "../problem.ts";
import { makeSparseProblem, storedAs } from "../sparse.ts";
import { atLeast, atMost, type Claim } from "./bars.ts";
import { bytesOf, childWay } from "./child.ts";
import {
  Absent,
  type Entry,
  type Opening,
  over,
  race,
  timeOf,
  type Way,
  wayOf,
  Wrong,
} from "./race.ts";
import { median } from "./statistics.ts";
import type { Section, Workload } from "./workload.ts";

const KEYS = 1000, DIM = 1024, QUERIES = 64;
const DENSITIES = [0.01, 0.05, 0.1];
const OURS = "reattend, score kernel";
const SCIPY = "scipy, CSR";

/** Scores of sparse keys. */
export const csr: Workload = {
  about:
    `K · Qᵀ of ${KEYS} keys of ${DIM} numbers, all but a share of which are 0, and ${QUERIES} dense queries: the score kernel of an attention over its keys, stored by representation "auto", without softmax; \`csr_matrix @ array\` of scipy, in f32.`,
  run: async ({ samples, children: { numpy } }) => {
    const sections: Section[] = [];
    for (const stored of DENSITIES) {
      const density = { stored, asked: 1 };
      const problem = makeSparseProblem(31, QUERIES, KEYS, DIM, density);
      const scipy = async () => {
        if (numpy instanceof Absent) throw numpy;
        if (numpy.versions.scipy === undefined) {
          throw new Absent("numpy's Python has none");
        }
        const rows = [problem.keys, problem.queries].map(bytesOf);
        const bytes = rows[0].length + rows[1].length;
        await numpy.ask(
          { do: "load", what: "scores", m: KEYS, dim: DIM, bytes },
          rows,
        );
        return childWay(numpy, "", (scores) =>
          proveDots(
            problem,
            (i, j) => scores[j * QUERIES + i],
            2 ** -24,
          ));
      };
      const entries = await race(
        { [OURS]: () => scoring(problem), [SCIPY]: scipy },
        samples,
      );
      sections.push({
        title: `Scores, ${percent(stored)}`,
        entries,
        ours: OURS,
        claims: [
          atLeast(
            "÷ scipy",
            over(timeOf(entries, SCIPY), timeOf(entries, OURS)),
            3,
            7,
          ),
        ],
      });
    }
    return sections;
  },
};

/** The kernel over the keys of an attention, a few watched queries together, as rows that start over have it. */
function scoring(problem: Problem): Way {
  const { n, m, dim, keys, queries } = problem;
  const values = new Float32Array(m);
  const memory = openAttention(
    "bench",
    createAttention({ keys, values, queries, scale: 1, dim, valueDim: 1 }),
  );
  makeReadRoom(memory);
  // Each score is written once, where it is read, as rows that start over have it.
  const all = { scores: new Float64Array(0) };
  memory.kernel.home.grow(all, "scores", n * m);
  const run = () => {
    const count = gather(memory, GUEST, 0);
    for (let from = 0; from < n; from += LANES) {
      const some = Math.min(LANES, n - from);
      memory.kernel.scoreTogether(
        Array.from({ length: some }, (_, i) => queryOf(memory, from + i)),
        memory.keys.keys,
        memory.keys.scoreBiases,
        { ...memory.scratch, scores: all.scores.subarray(from * m) },
        count,
        memory.spread,
      );
    }
  };
  run();
  proveDots(
    problem,
    (i, j) => all.scores[i * m + j] / memory.factor,
    Number.EPSILON,
  );
  return wayOf({ run });
}

/** Throws unless all dot products are those of a plain loop in f64, but for the rounding of sums of `unit`. */
function proveDots(
  { n, m, dim, keys, queries }: Problem,
  dots: (query: number, key: number) => number,
  unit: number,
): void {
  const truth = new Float64Array(m), norms = normsOf(keys, dim);
  const sizes = normsOf(queries, dim);
  for (let i = 0; i < n; i++) {
    const query = queries.subarray(i * dim, (i + 1) * dim);
    scorePlainly(keys, m, dim, query, truth);
    for (let j = 0; j < m; j++) {
      // Two sums of dim products, each rounded dim times, of Σ |q k| ≤ |q| |k|.
      const most = 2 * dim * unit * sizes[i] * norms[j];
      const error = Math.abs(dots(i, j) - truth[j] * Math.sqrt(dim));
      if (!(error <= most)) {
        throw new Wrong(`a score is off by ${error}, at most ${most} is right`);
      }
    }
  }
}

function normsOf(rows: Float32Array, width: number): number[] {
  return Array.from({ length: rows.length / width }, (_, i) => {
    const row = rows.subarray(i * width, (i + 1) * width);
    return Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
  });
}

const STORED = ["auto", "dense", "sparse"] as const;
const AUTO = {
  keys: 512,
  widths: [64, 1024],
  queries: [1, 64],
  densities: [0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5],
  bar: 1.2,
  stretch: 1.05,
  /** A ratio above the bar is taken so often again; the middle one counts. */
  again: 2,
};

/** Whether "auto" takes the better of the two. */
export const auto: Workload = {
  about:
    `\`attend\` of n dense queries over ${AUTO.keys} keys and values, all but a share of whose numbers are 0, stored by each representation: how many times as long as the better of "dense" and "sparse" does "auto" take? A ratio above the bar is measured ${AUTO.again} more times and the middle one counts; of all densities the largest ratio does.`,
  run: async ({ samples }) => {
    const sections: Section[] = [];
    for (const width of AUTO.widths) {
      for (const n of AUTO.queries) {
        const entries: Entry[] = [], regrets: (number | string)[] = [];
        for (const stored of AUTO.densities) {
          const { ratio, last } = await regretOf(n, width, stored, samples);
          regrets.push(ratio);
          for (const entry of last) {
            const name = `${entry.name}, ${percent(stored)}`;
            entries.push({ ...entry, name });
          }
        }
        sections.push({
          title: `"auto", ${n} ${
            n === 1 ? "query" : "queries"
          }, width ${width}`,
          entries,
          ours: `auto, ${percent(AUTO.densities[0])}`,
          claims: [worst(regrets)],
          notes: [
            `Ratios by density: ${
              regrets.map((ratio, at) =>
                `${percent(AUTO.densities[at])} ${
                  typeof ratio === "string" ? ratio : ratio.toFixed(2)
                }`
              ).join(", ")
            }.`,
          ],
        });
      }
    }
    return sections;
  },
};

function worst(regrets: (number | string)[]): Claim {
  const missing = regrets.find((ratio) => typeof ratio === "string");
  const value = missing ?? Math.max(...regrets.map(Number));
  return atMost('"auto" ÷ the better', value, AUTO.bar, AUTO.stretch);
}

async function regretOf(
  n: number,
  width: number,
  stored: number,
  samples: number,
): Promise<{ ratio: number | string; last: Entry[] }> {
  const density = { stored, asked: 1 };
  const problem = makeSparseProblem(21, n, AUTO.keys, width, density);
  const field = Object.fromEntries(
    STORED.map((name) => [name, attending(name, problem)]),
  );
  const ratios: number[] = [];
  while (true) {
    const last = await race(field, samples);
    const [auto, dense, sparse] = STORED.map((name) => timeOf(last, name));
    const better = typeof dense === "number" && typeof sparse === "number"
      ? Math.min(dense, sparse)
      : `${dense}, ${sparse}`;
    const ratio = over(auto, better);
    if (typeof ratio === "string") return { ratio, last };
    ratios.push(ratio);
    if (ratios[0] <= AUTO.bar || ratios.length > AUTO.again) {
      return { ratio: median(ratios), last };
    }
  }
}

function attending(
  representation: typeof STORED[number],
  problem: Problem,
): Opening {
  return () => {
    const attention = storedAs(representation, problem);
    const run = () => attend(attention, problem.queries).data;
    checkAnswer(run(), problem, PRECISION);
    return wayOf({ run });
  };
}

function percent(density: number): string {
  return `${+(100 * density).toPrecision(2)} %`;
}
