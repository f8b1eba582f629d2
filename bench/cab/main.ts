/**
 * Runs the benchmark of patterns and edits and writes its page: `deno task bench:cab`.
 *
 * `--quick` takes less than a minute and writes nothing but to the screen; without it `README.md` and its charts are written
 * beside this file. `--busy` takes times of the processor instead of the clock's, for a machine that others use as well;
 * `--date=YYYY-MM-DD` is what stands on the page instead of today. Everything but times is the same in every run.
 *
 * @module
 */

import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import settings from "../../deno.json" with { type: "json" };
import { useClock } from "../peers/clock.ts";
import { draw } from "./chart.ts";
import { type Course, runStream } from "./edits.ts";
import { measureGrowth } from "./growth.ts";
import { CONTESTANTS, MAINTAINED, REAL, RESTARTED } from "./methods.ts";
import { readOptions } from "./options.ts";
import { readSets, runSet } from "./real.ts";
import { page } from "./report.ts";
import { charts } from "./report_charts.ts";
import { runTask } from "./run_tasks.ts";
import { STREAMS } from "./streams.ts";
import { TASKS } from "./tasks.ts";

/** How much a run does. */
interface Effort {
  length: number;
  seeds: readonly number[];
  samples: number;
  lengths: readonly number[];
  realSeeds: readonly number[];
  courses: readonly Course[];
}

const FULL: Effort = {
  length: 512,
  seeds: [1, 2, 3],
  samples: 7,
  lengths: [128, 256, 512, 1024, 2048],
  realSeeds: [1, 2, 3, 4, 5, 6, 7, 8, 9],
  courses: [
    { every: 1, reads: 60, rounds: 3 },
    { every: 10, reads: 20, rounds: 3 },
    { every: 100, reads: 10, rounds: 3 },
  ],
};
const QUICK: Effort = {
  length: 128,
  seeds: [1],
  samples: 3,
  lengths: [64, 128, 256, 512, 1024],
  realSeeds: [1],
  courses: [
    { every: 1, reads: 10, rounds: 1 },
    { every: 10, reads: 3, rounds: 1 },
    { every: 100, reads: 1, rounds: 1 },
  ],
};

const { quick, busy, date } = readOptions(
  Deno.args,
  new Date().toISOString().slice(0, 10),
);
useClock(busy ? "processor" : "wall");
const effort = quick ? QUICK : FULL, processors = cpus();
const findings = {
  contestants: CONTESTANTS,
  rounds: said(
    "tasks",
    () => TASKS.map((task) => runTask(task, CONTESTANTS, effort)),
  ),
  real: said(
    "real inputs",
    () => readSets().map((set) => runSet(set, REAL, effort.realSeeds)),
  ),
  growths: said(
    "growth",
    () => measureGrowth(CONTESTANTS, effort.lengths, effort.samples),
  ),
  races: said(
    "edits",
    () =>
      STREAMS.flatMap((stream) =>
        effort.courses.map((course) =>
          runStream(stream, course, MAINTAINED, RESTARTED)
        )
      ),
  ),
};
const text = page({
  command: ["deno task bench:cab", ...Deno.args].join(" "),
  date,
  machine: `${
    processors[0].model
  }, ${processors.length} cores, ${Deno.build.os} ${Deno.build.arch}`,
  versions:
    `reattend ${settings.version}, Deno ${Deno.version.deno}, V8 ${Deno.version.v8}`,
  quick,
  busy,
  length: effort.length,
  seeds: effort.seeds.length,
}, findings);
if (quick) console.log(text);
else {
  const drawn = Object.entries(charts(findings)).map(([name, chart]) =>
    [name, draw(chart)] as const
  );
  const files = [["README.md", text] as const, ...drawn].map(write);
  const formatting = new Deno.Command("deno", {
    args: ["fmt", "--quiet", ...files],
  });
  if (!formatting.outputSync().success) {
    throw new Error(
      "Cannot write the page: deno fmt fails, it should format it",
    );
  }
}

/** Does a part and says how long it took. */
function said<Part>(name: string, part: () => Part): Part {
  const start = performance.now(), done = part();
  const seconds = (performance.now() - start) / 1000;
  console.error(`${name}: ${seconds.toFixed(1)} s`);
  return done;
}

function write([name, content]: readonly [string, string]): string {
  const path = fileURLToPath(new URL(name, import.meta.url));
  Deno.writeTextFileSync(path, content);
  return path;
}
