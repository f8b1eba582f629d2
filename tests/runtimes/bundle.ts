/**
 * What an entry point weighs, bundled and minified: what every cold start loads and every visitor of a page waits for.
 *
 * Sizes are the same on every machine, so their budgets are strict.
 *
 * @module
 */

import { join } from "node:path";
import { build, type BuildOptions, type Plugin } from "esbuild";
import { columns, type Verdict } from "./verdict.ts";

const KIBI = 1024;
const root = join(import.meta.dirname!, "../..");

/** What to bundle, and what it may weigh. */
interface Bundle {
  name: string;
  /** From the top of the repository. */
  entry: string;
  /** Bytes, gzipped. */
  budget: number;
  /** What the host brings along. */
  without?: Plugin[];
}

/** ml-matrix: left out to weigh the rest, or to be loaded by who has it already. */
const mlMatrix: Plugin = {
  name: "without ml-matrix",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^ml-matrix$/ }, () => ({
      path: "./ml-matrix.js",
      external: true,
    })),
};

/** Kernels as text: left out to weigh the code. */
const kernels: Plugin = {
  name: "without kernels",
  setup: ({ onLoad }) =>
    onLoad({ filter: /wasm_bytes\.ts$/ }, () => ({
      contents: 'export const SIMD = "", RELAXED = "";',
    })),
};

/**
 * Budgets of the code are a tenth above what it weighed when they were set: what grows shows here, and is then worth it
 * or not. ml-matrix adds its 9 KiB. Kernels of 28 and 14 KiB are 22 KiB as gzipped text.
 */
const CODE = 54 * KIBI;
const KERNELS_AS_TEXT = 22 * KIBI;
const ML_MATRIX = 9 * KIBI;
const BUNDLES: Bundle[] = [
  {
    name: ". without kernels and ml-matrix",
    entry: "mod.ts",
    budget: CODE,
    without: [kernels, mlMatrix],
  },
  {
    name: ". without ml-matrix",
    entry: "mod.ts",
    budget: CODE + KERNELS_AS_TEXT,
    without: [mlMatrix],
  },
  { name: ".", entry: "mod.ts", budget: CODE + KERNELS_AS_TEXT + ML_MATRIX },
  {
    name: "./workerd without ml-matrix",
    entry: "src/workerd.js",
    budget: CODE + KERNELS_AS_TEXT,
    without: [mlMatrix],
  },
];

/** What the other entry points add to `.`: their rooms, and budgets as above. */
const BESIDE: Record<string, number> = {
  explain: 11.5 * KIBI,
  layer: 12.5 * KIBI,
  method: 25 * KIBI,
  plot: 19 * KIBI,
  shard: 4 * KIBI,
  stream: 8.8 * KIBI,
};

/** Compiling takes 0.1 ms for 13 KiB and 0.35 for 27, in every start, whether a kernel is used or not. */
const KERNELS: Record<string, number> = {
  "simd.wasm": 28 * KIBI,
  "relaxed.wasm": 14 * KIBI,
};

/** Weighs all bundles and kernels. */
export async function weighBundles(modules: string): Promise<Verdict> {
  const table = [["entry", "minified", "gzipped", "budget"]];
  const failures: string[] = [];
  const judge = (name: string, row: string[], size: number, budget: number) => {
    table.push([name, ...row, kibibytes(budget)]);
    if (size <= budget) return;
    failures.push(
      `FAILED ${name}: it takes ${size} bytes, it should take ${budget} at most`,
    );
  };
  for (const { name, entry, budget, without = [] } of BUNDLES) {
    const bytes = await bundle([join(root, entry)], modules, without);
    const size = await gzippedSize(bytes);
    const row = [kibibytes(bytes.length), kibibytes(size)];
    judge(name, row, size, budget);
  }
  const alone = await bundle([join(root, "mod.ts")], modules);
  const weight = await gzippedSize(alone);
  for (const [room, budget] of Object.entries(BESIDE)) {
    const both = await bundle(
      [join(root, "mod.ts"), join(root, "src", room, "mod.ts")],
      modules,
    );
    const size = await gzippedSize(both) - weight;
    const row = [kibibytes(both.length - alone.length), kibibytes(size)];
    judge(`${room}, beside .`, row, size, budget);
  }
  for (const [name, budget] of Object.entries(KERNELS)) {
    const bytes = await Deno.readFile(join(root, "src/kernel", name));
    const row = [kibibytes(bytes.length), kibibytes(await gzippedSize(bytes))];
    judge(name, row, bytes.length, budget);
  }
  return {
    lines: [...columns(table), ...failures],
    passed: table.length - 1 - failures.length,
    failed: failures.length,
  };
}

/**
 * How entries are bundled.
 *
 * ml-matrix comes as its ES modules: its `matrix.mjs` wraps a CommonJS file that no bundler can shake, which takes
 * 9 KiB more gzipped and three times as long to load.
 */
export function bundling(modules: string): BuildOptions {
  return {
    bundle: true,
    format: "esm",
    target: "es2022",
    external: ["*.wasm"],
    alias: { "ml-matrix": join(modules, "ml-matrix/src/index.js") },
    nodePaths: [modules],
    logLevel: "error",
  };
}

/** One file of some entries and all that they import, minified. */
async function bundle(
  entries: string[],
  modules: string,
  without: Plugin[] = [],
): Promise<Uint8Array<ArrayBuffer>> {
  const all = entries.map((entry, at) =>
    `export * as entry${at} from ${JSON.stringify(entry)};`
  );
  const contents = entries.length === 1
    ? `export * from ${JSON.stringify(entries[0])};`
    : all.join("\n");
  const { outputFiles } = await build({
    ...bundling(modules),
    stdin: { contents, resolveDir: root },
    minify: true,
    write: false,
    plugins: without,
  });
  return Uint8Array.from(outputFiles![0].contents);
}

/** Writes bundles into a directory: all in one file, and in two with ml-matrix apart. */
export async function writeBundles(
  directory: string,
  modules: string,
): Promise<void> {
  const entry = [join(root, "mod.ts")];
  const bundles = {
    "all.js": await bundle(entry, modules),
    "own.js": await bundle(entry, modules, [mlMatrix]),
    "ml-matrix.js": await bundle(["ml-matrix"], modules),
  };
  for (const [name, bytes] of Object.entries(bundles)) {
    await Deno.writeFile(join(directory, name), bytes);
  }
}

async function gzippedSize(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
  const stream = new Blob([bytes]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  return (await new Response(stream).arrayBuffer()).byteLength;
}

function kibibytes(size: number): string {
  return `${(size / KIBI).toFixed(1)} KiB`;
}
