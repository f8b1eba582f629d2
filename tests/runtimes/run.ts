/**
 * Runs the built module behind a door in every runtime and compares what they saw: `deno task test:runtimes`.
 *
 * Deno and Node are those of the machine; Bun and workerd are installed, pinned, under `.tools/` (git-ignored). The
 * bundle is built anew each time, into a temporary directory.
 *
 * @module
 */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, stop } from "esbuild";
import settings from "../../deno.json" with { type: "json" };
import { judge, readReport, type Visit } from "./verdict.ts";

const PINNED: Record<string, string> = {
  "bun": "1.4.5",
  "miniflare": "4.20260426.0",
  "ml-matrix": settings.imports["ml-matrix"].split("@")[1],
};

/** A door answers in two seconds; a minute means that it hangs. */
const DOOR_LIMIT_MS = 60_000;
const INSTALL_LIMIT_MS = 300_000;

const doors = import.meta.dirname!;
const root = join(doors, "../..");
const tools = join(root, ".tools/runtimes");
const modules = join(tools, "node_modules");

const workplace = await Deno.makeTempDir({ prefix: "reattend-" });
try {
  await install();
  const bundle = await bundled(workplace);
  const visits = [
    await visit("deno", Deno.execPath(), ["run", "--allow-read"], bundle),
    await visit("node", "node", [], bundle),
    await visit("bun", join(modules, ".bin/bun"), [], bundle),
    await visit("workerd", "node", [], bundle),
  ];
  const { lines, passed, failed } = judge(visits);
  console.log(lines.join("\n"));
  conclude(passed, failed);
} catch (error) {
  console.log(`FAILED ${error instanceof Error ? error.message : error}`);
  conclude(0, 1);
} finally {
  await Deno.remove(workplace, { recursive: true });
}

function conclude(passed: number, failed: number): void {
  console.log(`${passed} passed, ${failed} failed`);
  Deno.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

/** Installs what is pinned, all at once: npm would remove what is not named. */
async function install(): Promise<void> {
  const names = Object.keys(PINNED);
  const there = await Promise.all(names.map(installedVersion));
  if (names.every((name, at) => there[at] === PINNED[name])) return;
  await Deno.mkdir(tools, { recursive: true });
  const packages = names.map((name) => `${name}@${PINNED[name]}`);
  console.log(`installing ${packages.join(", ")}`);
  await run(
    "npm",
    ["install", "--silent", "--no-save", "--prefix", tools].concat(
      packages,
    ),
    INSTALL_LIMIT_MS,
  );
}

async function installedVersion(name: string): Promise<string | undefined> {
  try {
    const text = await Deno.readTextFile(
      join(modules, name, "package.json"),
    );
    return (JSON.parse(text) as { version: string }).version;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Builds the module and its one dependency into one file; returns its URL. */
async function bundled(directory: string): Promise<string> {
  const outfile = join(directory, "reattend.js");
  try {
    await build({
      entryPoints: [join(root, "mod.ts")],
      outfile,
      bundle: true,
      format: "esm",
      target: "es2022",
      nodePaths: [modules],
      logLevel: "error",
    });
  } finally {
    await stop();
  }
  const { size } = await Deno.stat(outfile);
  console.log(`reattend.js: ${Math.ceil(size / 1024)} KiB\n`);
  return pathToFileURL(outfile).href;
}

/** Opens one door. */
async function visit(
  door: string,
  command: string,
  options: string[],
  bundle: string,
): Promise<Visit> {
  const script = join(doors, `${door}.js`);
  const args = [...options, script, bundle, join(modules, "/")];
  try {
    const printed = await run(command, args, DOOR_LIMIT_MS);
    return { door, report: readReport(printed) };
  } catch (error) {
    return {
      door,
      report: error instanceof Error ? error.message : String(error),
    };
  }
}

/** Runs a command to its end and returns what it printed; throws unless it ends well and in time. */
async function run(
  command: string,
  args: string[],
  limit: number,
): Promise<string> {
  const name = command.split("/").at(-1);
  const signal = AbortSignal.timeout(limit);
  let result: Deno.CommandOutput;
  try {
    result = await new Deno.Command(command, { args, signal, cwd: root })
      .output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(`Cannot run ${name}: it is not there`);
  }
  if (signal.aborted) {
    throw new Error(`Cannot run ${name}: it took more than ${limit} ms`);
  }
  const [printed, complaint] = [result.stdout, result.stderr]
    .map((bytes) => new TextDecoder().decode(bytes));
  if (!result.success) {
    throw new Error(
      `Cannot run ${name}: it ended with ${result.code}\n${complaint}${printed}`,
    );
  }
  return printed;
}
