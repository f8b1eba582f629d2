/**
 * How long the first answer takes: from before the import to after it, in fresh processes.
 *
 * The start of the process itself is not in it. Other processes make the wall clock run on, and threads that compile
 * make the processor's time larger than it; the lesser of the two, at its best of several starts, is what is judged.
 * Budgets are those of a machine that imports ml-matrix in 5 ms; a slower one gets more, in proportion.
 *
 * @module
 */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { writeBundles } from "./bundle.ts";
import { run } from "./command.ts";
import { columns, type Verdict } from "./verdict.ts";

const STARTS = 7;
const LIMIT_MS = 60_000;
/** Milliseconds that the yardstick takes on the machine of the budgets. */
const YARDSTICK_MS = 5;
const YARDSTICK = "ml-matrix, import alone";

/** What to start, and how long the first answer may take. */
interface Start {
  name: string;
  file: string;
  question: "nothing" | "stateless" | "maintained";
  /** Whether ml-matrix is loaded before the clock starts. */
  loaded?: boolean;
  /** Milliseconds: twice what it took when it was set, since cores differ; what has none is shown for comparison. */
  budget?: number;
}

/** Answers are those of one query to 1024 keys, 64 wide. */
const KINDS: Start[] = [
  {
    name: "own code to a stateless answer",
    file: "own.js",
    question: "stateless",
    loaded: true,
    budget: 20,
  },
  {
    name: "own code to a maintained answer",
    file: "own.js",
    question: "maintained",
    loaded: true,
    budget: 34,
  },
  {
    name: "with ml-matrix to a stateless answer",
    file: "all.js",
    question: "stateless",
    budget: 30,
  },
  {
    name: "with ml-matrix to a maintained answer",
    file: "all.js",
    question: "maintained",
    budget: 42,
  },
  {
    name: "own code, import alone",
    file: "own.js",
    question: "nothing",
    loaded: true,
    budget: 14,
  },
  {
    name: "with ml-matrix, import alone",
    file: "all.js",
    question: "nothing",
    budget: 26,
  },
  { name: YARDSTICK, file: "ml-matrix.js", question: "nothing" },
  {
    name: "an empty module, import alone",
    file: "empty.js",
    question: "nothing",
  },
];

/** Builds what is started into a directory and starts it, engines and kinds by turns. */
export async function timeStarts(
  directory: string,
  modules: string,
): Promise<Verdict> {
  await writeBundles(directory, modules);
  await Deno.writeTextFile(join(directory, "empty.js"), "export {};\n");
  const script = join(import.meta.dirname!, "cold.js");
  const engines: Record<string, string[]> = {
    "deno": [
      Deno.execPath(),
      "run",
      "--no-code-cache",
      "--allow-read",
      "--allow-sys",
      script,
    ],
    "node": ["node", script],
  };
  const url = (file: string) => pathToFileURL(join(directory, file)).href;
  const times = new Map<string, Took[]>();
  for (let round = 0; round < STARTS; round++) {
    for (const [engine, [program, ...options]] of Object.entries(engines)) {
      for (const { name, file, question, loaded } of KINDS) {
        const args = [...options, url(file), question];
        if (loaded ?? false) args.push(url("ml-matrix.js"));
        const took = JSON.parse(await run(program, args, LIMIT_MS)) as Took;
        const key = `${engine} ${name}`;
        times.set(key, [...times.get(key) ?? [], took]);
      }
    }
  }
  const best = (engine: string, name: string) => {
    const took = times.get(`${engine} ${name}`)!;
    const wall = Math.min(...took.map(({ wall }) => wall));
    const processor = Math.min(...took.map(({ processor }) => processor));
    return { wall, processor, lesser: Math.min(wall, processor) };
  };
  const table = [["engine", "start", "wall", "processor", "budget"]];
  const failures: string[] = [];
  let passed = 0;
  for (const engine of Object.keys(engines)) {
    const slower = Math.max(1, best(engine, YARDSTICK).lesser / YARDSTICK_MS);
    for (const { name, budget } of KINDS) {
      const { wall, processor, lesser } = best(engine, name);
      const times = [wall, processor].map(milliseconds);
      const limit = budget === undefined ? 0 : budget * slower;
      const shown = budget === undefined
        ? ""
        : `${slower.toFixed(1)} · ${budget} ms`;
      table.push([engine, name, ...times, shown]);
      if (budget === undefined) continue;
      if (lesser <= limit) passed++;
      else {
        failures.push(
          `FAILED ${engine}: ${name}: it takes ${milliseconds(lesser)}, ${
            milliseconds(limit)
          } at most`,
        );
      }
    }
  }
  return {
    lines: [...columns(table), ...failures],
    passed,
    failed: failures.length,
  };
}

/** What a start prints, in milliseconds. */
interface Took {
  wall: number;
  processor: number;
}

function milliseconds(time: number): string {
  return `${time.toFixed(1)} ms`;
}
