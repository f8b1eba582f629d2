/**
 * Where is starting over as good as keeping attention up to date, or better?
 *
 * @module
 */

import { attend, outputs, stats, watch } from "@reattend/reattend";
import { attendPlainly } from "./baselines.ts";
import { checkAnswer, PRECISION } from "./check.ts";
import {
  type Contestant,
  once,
  type Question,
  type Race,
  register,
  run,
  table,
  time,
  times,
} from "./measure.ts";
import { attentionOver, makeProblem, normals } from "./problem.ts";
import { flushed, plainly, read, startedOver, stateless } from "./ways.ts";

const KEYS = 1024;
const CHANGED = [1, 16, 64, 128, 192, 256, 384, 480, 511, 513, 640, 1024];
const FEW_KEYS = [1, 8, 16, 32, 64, 128, 256];
/** More bytes than any log here needs. */
const AMPLE = 2 ** 30;

type Way = "ours" | "ours, ample log" | "rows started over" | "stateless";

/** `count` of the keys change between two looks at all rows; `replayed` is told which logs were long enough for it. */
function raceChanged(
  count: number,
  replayed: (way: Way) => void = () => {},
): Race<Way> {
  const problem = once(() => makeProblem(3, 64, KEYS));
  const watched = (way: Way, logBytes?: number): Contestant => {
    const ours = flushed(problem(), { count, logBytes });
    const before = stats(ours.attention).recomputed;
    ours.run();
    if (stats(ours.attention).recomputed === before) replayed(way);
    return ours;
  };
  return {
    title: `${count} of ${KEYS} keys change`,
    ways: {
      "ours": () => watched("ours"),
      "ours, ample log": () => watched("ours, ample log", AMPLE),
      "rows started over": () => startedOver(problem(), { count }),
      "stateless": () => stateless(problem()),
    },
  };
}

function raceSmall(m: number, count: number): Race<"ours" | "plain loop"> {
  const problem = once(() => makeProblem(5, 1, m));
  return {
    title: `${count} of ${m} keys change, one query`,
    ways: {
      "ours": () => read(problem(), { count }),
      "plain loop": () => plainly(problem(), count),
    },
  };
}

/** Keys stay, the query is another one at every read. */
function raceQueries(m: number): Race<"ours" | "attend" | "plain loop"> {
  const problem = once(() => makeProblem(6, 1, m));
  const asked = normals(9, ASKED * 64);
  const asking = (read: (query: Float32Array) => ArrayLike<number>) => {
    let at = 0;
    const run = () => {
      const query = asked.subarray(at * 64, at * 64 + 64);
      at = (at + 1) % ASKED;
      return read(query);
    };
    checkAnswer(run(), { ...problem(), queries: asked }, PRECISION);
    return { run };
  };
  return {
    title: `another query at every read, ${m} keys`,
    ways: {
      "ours": () => {
        const attention = attentionOver(problem());
        return asking((query) => {
          watch(attention, query, { ids: 0 });
          return outputs(attention).data;
        });
      },
      "attend": () => {
        const attention = attentionOver(problem());
        return asking((query) => attend(attention, query).data);
      },
      "plain loop": () => {
        const scores = new Float64Array(m), output = new Float64Array(64);
        return asking((query) => {
          attendPlainly(problem(), query, scores, output);
          return output;
        });
      },
    },
  };
}

const ASKED = 64;

function tableOfChanged(): string {
  return table(
    ["changed", "ours", "ours, ample log", "rows started over", "stateless"],
    CHANGED.map((count) => {
      const replayed = new Set<Way>();
      const took = run(raceChanged(count, (way) => replayed.add(way)));
      const cell = (way: Way) =>
        `${time(took[way])} ${replayed.has(way) ? "replayed" : "started over"}`;
      return [
        String(count),
        cell("ours"),
        cell("ours, ample log"),
        time(took["rows started over"]),
        time(took.stateless),
      ];
    }),
  );
}

function tableOfSmall(): string {
  const rows = [
    ...FEW_KEYS.map((m) => ({
      job: `one key of ${m} changes`,
      took: run(raceSmall(m, 1)),
    })),
    { job: "all of 1024 keys change", took: run(raceSmall(1024, 1024)) },
    ...[64, 1024].flatMap((m) => {
      const took = run(raceQueries(m)), job = `the query changes, ${m} keys`;
      return [
        { job: `${job}: \`watch\`, \`outputs\``, took },
        { job: `${job}: \`attend\``, took: { ...took, ours: took.attend } },
      ];
    }),
  ];
  return table(
    ["job", "ours", "plain loop", "ours / it"],
    rows.map(({ job, took }) => [
      job,
      time(took.ours),
      time(took["plain loop"]),
      times(took["plain loop"] / took.ours),
    ]),
  );
}

/** Where starting over is as good. */
export const question: Question = {
  title: "Where starting over is as good",
  answer: () =>
    `The more keys change between two looks, the less there is to keep. A row replays what it missed or starts over,
whichever takes fewer multiply-adds; by default the log holds one old version for every two keys. Stateless attention spends less time on a multiply-add, so that it wins before either. 64 queries, ${KEYS} keys, dim = valueDim = 64, \`update\` and \`flush\`:

${tableOfChanged()}

One query and few keys, or nothing that stays: \`update\` and \`outputs\` with bounds against a plain loop over flat
arrays that neither checks nor certifies (less than 1×: the loop is faster). dim = valueDim = 64:

${tableOfSmall()}`,
};

register(raceChanged(16), raceChanged(480), raceSmall(16, 1));
register(raceSmall(256, 1), raceQueries(1024));
