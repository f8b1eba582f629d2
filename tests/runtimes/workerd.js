// workerd's doors, opened from Node by miniflare, each with a compatibility date of its own.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";

const [stage, script, installed, compatibilityDate] = process.argv.slice(2);
const require = createRequire(installed);
const { Miniflare } = require("miniflare");

const directory = new URL(".", stage);
const types = { js: "ESModule", wasm: "CompiledWasm" };
// The first module is the worker.
const files = ["worker.js"].concat(
  readdirSync(directory).filter((path) => path !== "worker.js"),
);
const modules = files.map((path) => ({
  type: types[path.split(".").at(-1)],
  path,
  contents: readFileSync(new URL(path, directory)),
}));
const runtime = new Miniflare({ compatibilityDate, cf: false, modules });
try {
  const response = await runtime.dispatchFetch(`http://localhost/${script}`);
  if (!response.ok) throw new Error(await response.text());
  const { version } = require("workerd");
  console.log(JSON.stringify({ ...await response.json(), version }));
} finally {
  await runtime.dispose();
}
