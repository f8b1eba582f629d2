/**
 * From which density on is a row better written out than kept as its entries, and does "auto" know it?
 *
 * @module
 */

import {
  attend,
  flush,
  type Representation,
  stats,
  topKeys,
} from "@reattend/reattend";
import { scorePlainly } from "./baselines.ts";
import { checkAnswer, PRECISION, refuseUnless } from "./check.ts";
import {
  once,
  type Question,
  type Race,
  register,
  table,
  time,
  waysOf,
} from "./measure.ts";
import { changedAndRead, makeSparseProblem, storedAs } from "./sparse.ts";
import { runInTurns } from "./turns.ts";

const DENSITIES = [0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 1];
const WIDTHS = [16, 64, 256, 1024];
/** The width whose times are shown, not only their ratios. */
const SHOWN = 256;
const KEYS = 512;
const REPRESENTATIONS = ["dense", "sparse", "auto"] as const;
/** "auto" takes at most so many times as long as the better of the two, up to a density of one half. */
const BAR = 1.2, BAR_TO = 0.5;
/** A ratio above the bar is taken so many times more. */
const AGAIN = 2;

type Took = Record<Representation, number>;

/** One job at one width and density. */
type Job = (width: number, density: number) => Race<Representation>;

/** `n` queries that nobody watches. */
function attending(n: number): Job {
  return (width, stored) => {
    const density = { stored, asked: 1 };
    const problem = once(() => makeSparseProblem(21, n, KEYS, width, density));
    return {
      title: `attend, ${n} queries, width ${width}, ${percent(stored)}`,
      ways: waysOf(REPRESENTATIONS, (representation) => {
        const { queries } = problem();
        const attention = storedAs(representation, problem());
        const run = () => attend(attention, queries).data;
        checkAnswer(run(), problem(), PRECISION);
        return { run };
      }),
    };
  };
}

/** The largest score of a query that nobody watches: scores without values. */
function scoring(width: number, stored: number): Race<Representation> {
  const density = { stored, asked: 1 };
  const problem = once(() => makeSparseProblem(24, 1, KEYS, width, density));
  return {
    title: `topKeys, width ${width}, ${percent(stored)}`,
    ways: waysOf(REPRESENTATIONS, (representation) => {
      const { queries, keys } = problem();
      const attention = storedAs(representation, problem());
      const scores = new Float64Array(KEYS);
      scorePlainly(keys, KEYS, width, queries, scores);
      const run = () => topKeys(attention, queries, 1)[0].keys[0];
      refuseUnless(run() === scores.indexOf(Math.max(...scores)), "topKeys");
      return { run };
    }),
  };
}

/** One key and its value change, `n` rows are read; the queries are dense, or of the density of the keys. */
function changing(n: number, queries: "dense" | "sparse"): Job {
  return (width, stored) => {
    const density = { stored, asked: queries === "dense" ? 1 : stored };
    const problem = once(() => makeSparseProblem(22, n, KEYS, width, density));
    return {
      title: `one change, ${n} ${queries} queries, width ${width}, ${
        percent(stored)
      }`,
      ways: waysOf(
        REPRESENTATIONS,
        (representation) => changedAndRead(representation, problem(), density),
      ),
    };
  };
}

const JOBS: Record<string, Job> = {
  "topKeys, 1": scoring,
  "attend, 1": attending(1),
  "attend, 64": attending(64),
  "change, 1": changing(1, "dense"),
  "change, 64": changing(64, "dense"),
  "change, 1 sparse": changing(1, "sparse"),
  "change, 64 sparse": changing(64, "sparse"),
};

/** A row of the tables of ratios. */
interface Line {
  job: string;
  width: number;
  /** One for each density. */
  took: Took[];
}

function measure(): Line[] {
  return Object.entries(JOBS).flatMap(([job, race]) =>
    WIDTHS.map((width) => ({
      job,
      width,
      took: DENSITIES.map((density) =>
        measureOne(race(width, density), density)
      ),
    }))
  );
}

/** Times a race; where "auto" misses the bar, again, to tell a miss from noise: the race of the middle ratio counts. */
function measureOne(race: Race<Representation>, density: number): Took {
  const first = runInTurns(race);
  if (density > BAR_TO || regret(first) <= BAR) return first;
  const all = [first];
  for (let i = 0; i < AGAIN; i++) all.push(runInTurns(race));
  all.sort((a, b) => regret(a) - regret(b));
  return all[AGAIN >> 1];
}

/** How many times as long as the better of dense and sparse "auto" takes. */
function regret({ dense, sparse, auto }: Took): number {
  return auto / Math.min(dense, sparse);
}

/** Where sparse becomes slower than dense for good, by the logarithms of the ratios at the densities measured. */
function crossing(took: readonly Took[]): string {
  const ratios = took.map(({ dense, sparse }) => Math.log(sparse / dense));
  const last = ratios.findLastIndex((ratio) => ratio <= 0);
  if (last < 0) return "–";
  if (last === ratios.length - 1) return "none";
  const part = ratios[last] / (ratios[last] - ratios[last + 1]);
  const density = DENSITIES[last] +
    part * (DENSITIES[last + 1] - DENSITIES[last]);
  return `${Math.round(100 * density)} %`;
}

function tableOfTimes(lines: readonly Line[]): string {
  const shown = lines.filter(({ width }) => width === SHOWN);
  return table(
    ["job, stored as", ...DENSITIES.map(percent)],
    shown.flatMap(({ job, took }) =>
      REPRESENTATIONS.map((representation) => [
        `${job}, ${representation}`,
        ...took.map((times) => time(times[representation])),
      ])
    ),
  );
}

function tableOfRatios(lines: readonly Line[]): string {
  return table(
    ["job", "width", ...DENSITIES.map(percent), "even at"],
    lines.map(({ job, width, took }) => [
      job,
      String(width),
      ...took.map(({ dense, sparse }) => (sparse / dense).toFixed(2)),
      crossing(took),
    ]),
  );
}

function tableOfRegrets(lines: readonly Line[]): string {
  const held = DENSITIES.filter((density) => density <= BAR_TO);
  return table(
    ["job", "width", ...held.map(percent), `bar ${BAR}×`],
    lines.map(({ job, width, took }) => {
      const regrets = held.map((_, at) => regret(took[at]));
      return [
        job,
        String(width),
        ...regrets.map((ratio) => ratio.toFixed(2)),
        Math.max(...regrets) <= BAR ? "met" : "**missed**",
      ];
    }),
  );
}

function tableOfBytes(): string {
  return table(
    [
      "width",
      "stored",
      ...DENSITIES.map(percent),
    ],
    WIDTHS.flatMap((width) =>
      REPRESENTATIONS.map((representation) => [
        String(width),
        representation,
        ...DENSITIES.map((stored) => {
          const density = { stored, asked: 1 };
          const problem = makeSparseProblem(23, 1, KEYS, width, density);
          const attention = storedAs(representation, problem);
          flush(attention);
          return String(Math.round(stats(attention).bytes / KEYS));
        }),
      ])
    ),
  );
}

function percent(density: number): string {
  return `${+(100 * density).toPrecision(2)} %`;
}

/** Where rows are dense or sparse. */
export const question: Question = {
  title: "Dense or sparse",
  answer() {
    const lines = measure();
    return `Keys and values of normal numbers, all but a share of which are 0, each by itself: stored as \`representation\` says,
${KEYS} keys, dim = valueDim = width. The jobs: \`topKeys\`, which scores all keys and adds up no values; \`attend\` of 1 and of 64 dense queries; \`update\` of one key and its value,
then \`outputs\` of 1 and of 64 watched queries, dense ones and ones as sparse as the keys. Queries are stored by their own
density.

Times at width ${SHOWN}, of the processor, as are all in this section: what else the machine runs disturbs them less.

${tableOfTimes(lines)}

Time of sparse over time of dense, and the density from which on dense is faster for good (none: nowhere; where the ratios stay near 1, noise says which):

${tableOfRatios(lines)}

Time of "auto" over the time of the better of the two. The bar is ${BAR} up to ${
      percent(BAR_TO)
    }; a ratio above it is measured ${AGAIN} times more and the middle one of all stands.

${tableOfRegrets(lines)}

Bytes for a key, its value and all that goes with them (\`stats\`, one watched query, up to date), by ${KEYS}:

${tableOfBytes()}`;
  },
};

register(
  JOBS["attend, 1"](256, 0.1),
  JOBS["change, 64"](256, 0.1),
);
