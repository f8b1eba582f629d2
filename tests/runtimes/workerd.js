// workerd's door, opened from Node by miniflare.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";

const [bundle, installed] = process.argv.slice(2);
const require = createRequire(installed);
const { Miniflare } = require("miniflare");

const esModule = (path, url) => ({
  type: "ESModule",
  path,
  contents: readFileSync(new URL(url, import.meta.url), "utf8"),
});
const runtime = new Miniflare({
  // The first date at which a module may compile WebAssembly at top level.
  compatibilityDate: "2025-06-01",
  cf: false,
  modules: [
    esModule("worker.js", "./worker.js"),
    esModule("suite.js", "./suite.js"),
    esModule("reference.js", "./reference.js"),
    esModule("reattend.js", bundle),
  ],
});
try {
  const response = await runtime.dispatchFetch("http://localhost/");
  if (!response.ok) throw new Error(await response.text());
  const { version } = require("workerd");
  console.log(JSON.stringify({ ...await response.json(), version }));
} finally {
  await runtime.dispose();
}
