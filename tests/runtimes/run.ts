/**
 * Runs the built module behind a door in every runtime, compares what they saw, and holds the bundles to their budgets:
 * `deno task test:runtimes`.
 *
 * Deno, Node and Chromium are those of the machine; a newer Node, Bun and workerd are installed. Everything is built
 * anew each time, into a temporary directory.
 *
 * @module
 */

import { join } from "node:path";
import { stop } from "esbuild";
import { weighBundles } from "./bundle.ts";
import { timeStarts } from "./cold.ts";
import { run } from "./command.ts";
import { install, modules } from "./install.ts";
import { mainStage, setStage, workerdStage } from "./stage.ts";
import { judge, readReport, type Verdict, type Visit } from "./verdict.ts";

/**
 * What every engine answers, to the bit, as long as the scripts are what they are: maintained attention with every
 * kernel, stateless attention with kernels that sum in one order.
 */
const COMMITTED = {
  "maintained": "a1c3dfc00c9cc45e",
  "entries": "2e743170ec7b4a5f",
  "stateless scalar": "dbc30540eb85cf49",
  "stateless simd": "9b9735bbe59bfdb8",
  "stateless given module": "9b9735bbe59bfdb8",
};

/** A door takes some seconds; this long means that it hangs. */
const DOOR_LIMIT_MS = 120_000;
/** The first date at which a module may compile WebAssembly at top level, and one at which it may not. */
const COMPILES = "2025-06-01";
const COMPILES_NOT = "2024-01-01";
const BROWSERS = ["chromium", "chromium-browser", "google-chrome"];
/** A page alone: no sandbox, which root cannot have, and no errands of the browser's own. */
const BROWSER_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** How to open a door: the command, the script, and what follows the stage, the name of a script and the packages. */
interface Door {
  name: string;
  command: string[];
  script: string;
  stage?: "workerd";
  rest?: string[];
}

const workplace = await Deno.makeTempDir({ prefix: "reattend-" });
try {
  await install();
  const doors: Door[] = [
    {
      name: "deno",
      command: [Deno.execPath(), "run", "--allow-read", "--allow-sys"],
      script: "deno.js",
    },
    { name: "node", command: ["node"], script: "node.js" },
    {
      name: "node 22",
      command: [join(modules, "node/bin/node")],
      script: "node.js",
    },
    { name: "bun", command: [join(modules, ".bin/bun")], script: "bun.js" },
    {
      name: "workerd",
      command: ["node"],
      script: "workerd.js",
      rest: [COMPILES],
    },
    {
      name: "workerd of old",
      command: ["node"],
      script: "workerd.js",
      stage: "workerd",
      rest: [COMPILES_NOT],
    },
    {
      name: "chromium",
      command: ["node"],
      script: "chromium.js",
      rest: [await browser(), ...BROWSER_ARGS],
    },
  ];
  const stages = {
    main: await setStage(join(workplace, "main"), await mainStage(), modules),
    workerd: await setStage(join(workplace, "workerd"), workerdStage, modules),
  };
  const visitAll = async (script: string) => {
    const visits: Visit[] = [];
    for (const door of doors) {
      visits.push(await visit(door, stages[door.stage ?? "main"], script));
    }
    return visits;
  };
  conclude([
    tell("The suite", judge(await visitAll("suite"), COMMITTED)),
    tell("Endurance", judge(await visitAll("endure"), {})),
    tell("Bundles", await weighBundles(modules)),
    tell("Cold starts", await timeStarts(workplace, modules)),
  ]);
} catch (error) {
  console.log(`FAILED ${error instanceof Error ? error.message : error}`);
  conclude([{ lines: [], passed: 0, failed: 1 }]);
} finally {
  await stop();
  await Deno.remove(workplace, { recursive: true });
}

function tell(title: string, verdict: Verdict): Verdict {
  console.log(`${title}\n${verdict.lines.join("\n")}\n`);
  return verdict;
}

function conclude(verdicts: Verdict[]): void {
  const sum = (count: (verdict: Verdict) => number) =>
    verdicts.reduce((total, verdict) => total + count(verdict), 0);
  const passed = sum((verdict) => verdict.passed);
  const failed = sum((verdict) => verdict.failed);
  console.log(`${passed} passed, ${failed} failed`);
  Deno.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

/** The browser of this machine; its first name if there is none, which the door then fails to open. */
async function browser(): Promise<string> {
  for (const name of BROWSERS) {
    try {
      return (await run("which", [name], DOOR_LIMIT_MS)).trim();
    } catch {
      // Not under this name.
    }
  }
  return BROWSERS[0];
}

/** Opens one door and runs a script behind it. */
async function visit(
  { name, command: [program, ...options], script: file, rest = [] }: Door,
  stage: string,
  script: string,
): Promise<Visit> {
  const path = join(import.meta.dirname!, file);
  const args = [...options, path, stage, script, join(modules, "/"), ...rest];
  try {
    const printed = await run(program, args, DOOR_LIMIT_MS);
    return { door: name, report: readReport(printed) };
  } catch (error) {
    const report = error instanceof Error ? error.message : String(error);
    return { door: name, report };
  }
}
