/**
 * What npm installs for the Node child and for bundles, under `.tools/peers`, which git does not see.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import settings from "../../deno.json" with { type: "json" };
import { ORT_NODE } from "./packages.ts";
import { messageOf } from "./race.ts";

/** Where it is installed. */
export const INSTALLED: string = fileURLToPath(
  new URL("../../.tools/peers", import.meta.url),
);

const WANTED = [ORT_NODE, settings.imports["ml-matrix"].replace("npm:", "")];

/** Installs what is not there yet at its version; says what went wrong, or nothing. */
export async function install(): Promise<string | undefined> {
  const there = await Promise.all(WANTED.map(async (wanted) => {
    const at = wanted.lastIndexOf("@");
    return await installedVersion(wanted.slice(0, at)) === wanted.slice(at + 1);
  }));
  if (there.every(Boolean)) return undefined;
  try {
    await Deno.mkdir(INSTALLED, { recursive: true });
    const { success, stderr } = await new Deno.Command("npm", {
      args: [
        ...["install", "--ignore-scripts", "--no-save", "--silent"],
        ...["--prefix", INSTALLED, ...WANTED],
      ],
    }).output();
    return success
      ? undefined
      : `npm: ${new TextDecoder().decode(stderr).split("\n")[0]}`;
  } catch (error) {
    return `npm: ${messageOf(error)}`;
  }
}

/** The version of a package that is installed. */
export async function installedVersion(
  name: string,
): Promise<string | undefined> {
  try {
    const file = join(INSTALLED, "node_modules", name, "package.json");
    const text = await Deno.readTextFile(file);
    return (JSON.parse(text) as { version: string }).version;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
