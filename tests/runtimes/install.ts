/**
 * The runtimes that are not the machine's own: installed from npm, pinned, under `.tools/` (git-ignored).
 *
 * @module
 */

import { join } from "node:path";
import settings from "../../deno.json" with { type: "json" };
import { run } from "./command.ts";

const PINNED: Record<string, string> = {
  "bun": "1.4.5",
  "miniflare": "4.20260426.0",
  "ml-matrix": settings.imports["ml-matrix"].split("@")[1],
  "node": "22.23.3",
  "playwright-core": "1.65.1",
};
const LIMIT_MS = 300_000;

const tools = join(import.meta.dirname!, "../../.tools/runtimes");

/** Where the packages lie. */
export const modules: string = join(tools, "node_modules");

/** Installs what is pinned, all at once: npm would remove what is not named. */
export async function install(): Promise<void> {
  const names = Object.keys(PINNED);
  const there = await Promise.all(names.map(installedVersion));
  if (names.every((name, at) => there[at] === PINNED[name])) return;
  await Deno.mkdir(tools, { recursive: true });
  const packages = names.map((name) => `${name}@${PINNED[name]}`);
  console.log(`installing ${packages.join(", ")}\n`);
  const options = ["install", "--silent", "--no-save", "--prefix", tools];
  await run("npm", [...options, ...packages], LIMIT_MS);
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
