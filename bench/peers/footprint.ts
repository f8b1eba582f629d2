/**
 * What an attention costs before and besides its work: the time to import it and to answer once, the bytes of its kernels
 * and of its state.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { flush, stats, update } from "@reattend/reattend";
import { build, type BuildOptions, stop } from "esbuild";
import { attentionOver, makeProblem, makeReplacements } from "../problem.ts";
import { atMost, type Claim } from "./bars.ts";
import { clockInUse } from "./clock.ts";
import { INSTALLED, installedVersion } from "./install.ts";
import { Absent, type Entry, messageOf, timeOf } from "./race.ts";
import type { Section, Workload } from "./workload.ts";

const SHAPES = [
  { n: 64, m: 1024 },
  { n: 1024, m: 1024 },
  { n: 64, m: 16384 },
];
const DIM = 64, FLOAT = 4;
/** What a row may take besides its query. */
const rowBar = (valueDim: number) => 16 * valueDim + 160;
const rowStretch = (valueDim: number) => 16 * valueDim + 80;

/** Bytes beyond keys, values and queries. */
export const memory: Workload = {
  about:
    "Bytes by `stats` beyond keys, values and queries, d = dv = 64: with all rows up to date, and when every key has been written once more, so that the log is as full as it gets. The bar is n·(16·dv + 160) + (K + V)/4, the stretch n·(16·dv + 80).",
  run: () =>
    Promise.resolve(SHAPES.map(({ n, m }): Section => {
      const problem = makeProblem(14, n, m, DIM);
      const attention = attentionOver(problem);
      flush(attention);
      const stored = FLOAT * DIM * (2 * m + n);
      const fresh = stats(attention).bytes - stored;
      const [{ ids, ...rows }] = makeReplacements(15, problem, m);
      update(attention, ids, rows);
      const full = stats(attention).bytes - stored;
      const share = FLOAT * DIM * 2 * m / 4, kib = 1024;
      const bar = (n * rowBar(DIM) + share) / kib;
      const stretch = n * rowStretch(DIM) / kib;
      return {
        title: `Memory, (${n}, ${m})`,
        entries: [],
        ours: "",
        claims: [
          atMost(
            "beyond K, V, Q, up to date",
            fresh / kib,
            bar,
            stretch,
            "KiB",
          ),
          atMost("the same, log full", full / kib, bar, undefined, "KiB"),
        ],
      };
    })),
};

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const KERNELS = ["simd", "relaxed"];
const KILO = 1024;

/** From nothing to the first answer. */
export const cold: Workload = {
  about:
    "A new Deno process imports a bundle, makes an attention of one query and 1024 keys, d = 64, and reads its output; the clock starts before the import and the rows are made before that. First ml-matrix by itself, then our own code, which imports it; then one bundle of both, as a bundler makes it and with its ES modules (`ml-matrix/src/index.js`) in place of its wrapped CommonJS file; last what a bundler leaves of both for an app that takes no more than `createAttention` and `outputs`.",
  run: async ({ samples }) => {
    const { entries, notes } = await startColdly(samples);
    const ms = (name: string) => {
      const time = timeOf(entries, name);
      return typeof time === "string" ? time : time / 1e6;
    };
    return [{
      title: "Cold start",
      entries,
      ours: "own code",
      claims: [
        atMost("own code", ms("own code"), 3, 1, "ms"),
        atMost("bundled with ml-matrix", ms("bundle of both"), 10, 6, "ms"),
        atMost(
          "what an app takes of both",
          ms("app"),
          undefined,
          undefined,
          "ms",
        ),
        ...await Promise.all(KERNELS.map(sizeOf)),
      ],
      notes,
    }];
  },
};

async function sizeOf(kernel: string): Promise<Claim> {
  let size: number | string;
  try {
    const file = join(ROOT, `src/kernel/${kernel}.wasm`);
    size = (await Deno.stat(file)).size / KILO;
  } catch (error) {
    size = messageOf(error);
  }
  return atMost(`${kernel}.wasm`, size, 28, 20, "KiB");
}

/** What a cold process does: modules are imported one after the other and timed apart. */
const probe = (modules: string[]) => `
import process from "node:process";
const wall = () => performance.now() * 1e6;
const processor = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
};
const rows = (count) => Float32Array.from({ length: count * ${DIM} }, (_, i) => Math.sin(i));
const queries = rows(1), keys = rows(1024), values = rows(1024), times = [];
let module;
for (const url of ${JSON.stringify(modules)}) {
  const start = ${clockInUse()}();
  module = await import(url);
  if (module.createAttention !== undefined) {
    const attention = module.createAttention({ dim: ${DIM}, queries, keys, values });
    if (!Number.isFinite(module.outputs(attention).data[0])) throw new Error("no answer");
  }
  times.push(${clockInUse()}() - start);
}
console.log(JSON.stringify(times));
`;

async function startColdly(
  samples: number,
): Promise<{ entries: Entry[]; notes: string[] }> {
  const names = [
    "ml-matrix",
    "own code",
    "bundle of both",
    "both, ES modules",
    "app",
  ];
  const directory = await Deno.makeTempDir({ prefix: "reattend-" });
  try {
    if (await installedVersion("ml-matrix") === undefined) {
      throw new Absent("ml-matrix is not installed for a bundle");
    }
    const sizes = await bundle(directory);
    const url = (name: string) => pathToFileURL(join(directory, name)).href;
    const times = names.map((): number[] => []);
    for (let round = 0; round < samples; round++) {
      const starts = [
        ["matrix.js", "own.js"],
        ["both.js"],
        ["modules.js"],
        ["app.js"],
      ];
      const took: number[][] = [];
      const order = [...starts.keys()];
      for (const at of round % 2 ? order.reverse() : order) {
        took[at] = await runCold(directory, starts[at].map(url));
      }
      took.flat().forEach((time, at) => times[at].push(time));
    }
    return {
      entries: names.map((name, at): Entry => (
        { name, state: "timed", samples: times[at], calls: 1 }
      )),
      notes: [`Bundles, minified: ${sizes.join(", ")}.`],
    };
  } catch (error) {
    const reason = messageOf(error);
    return {
      entries: names.map((name): Entry => ({ name, state: "absent", reason })),
      notes: [],
    };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function runCold(
  directory: string,
  modules: string[],
): Promise<number[]> {
  const script = join(directory, "probe.js");
  await Deno.writeTextFile(script, probe(modules));
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--no-lock", "--allow-read", script],
    cwd: directory,
    env: { NO_COLOR: "1" },
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

const BUNDLES = ["matrix.js", "own.js", "both.js", "modules.js", "app.js"];

/** Bundles ml-matrix, our own code beside it, both in two ways and what an app takes of them; returns their sizes. */
async function bundle(directory: string): Promise<string[]> {
  const common: BuildOptions = {
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    nodePaths: [join(INSTALLED, "node_modules")],
    logLevel: "silent",
    absWorkingDir: directory,
  };
  const entry = join(ROOT, "mod.ts");
  try {
    await build({
      ...common,
      stdin: { contents: 'export * from "ml-matrix"', resolveDir: directory },
      outfile: "matrix.js",
    });
    await build({
      ...common,
      entryPoints: [entry],
      alias: { "ml-matrix": "./matrix.js" },
      external: ["./matrix.js"],
      outfile: "own.js",
    });
    await build({ ...common, entryPoints: [entry], outfile: "both.js" });
    await build({
      ...common,
      entryPoints: [entry],
      alias: {
        "ml-matrix": join(INSTALLED, "node_modules/ml-matrix/src/index.js"),
      },
      outfile: "modules.js",
    });
    await build({
      ...common,
      stdin: {
        contents: `export { createAttention, outputs } from ${
          JSON.stringify(entry)
        }`,
        resolveDir: directory,
      },
      outfile: "app.js",
    });
  } finally {
    await stop();
  }
  return await Promise.all(
    BUNDLES.map(async (name) => {
      const { size } = await Deno.stat(join(directory, name));
      return `${name} ${Math.ceil(size / KILO)} KiB`;
    }),
  );
}
