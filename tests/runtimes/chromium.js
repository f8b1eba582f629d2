// Chromium's door, opened from Node: the page gets the files of the stage and nothing else.
import { createRequire } from "node:module";
import process from "node:process";
import { fileURLToPath } from "node:url";

const [stage, script, installed, executablePath, ...args] = process.argv.slice(
  2,
);
const { chromium } = createRequire(installed)("playwright-core");
const browser = await chromium.launch({ executablePath, args });
try {
  const page = await browser.newPage();
  await page.route("**/*.js", (route) => {
    const url = new URL(`.${new URL(route.request().url()).pathname}`, stage);
    return route.fulfill({ path: fileURLToPath(url) });
  });
  await page.route("**/", (route) => route.fulfill({ body: "" }));
  await page.goto("http://localhost/");
  const report = await page.evaluate(
    (script) => import("/stage.js").then(({ open }) => open(script)),
    script,
  );
  const version = browser.version();
  console.log(JSON.stringify({ engine: "Chromium", version, ...report }));
} finally {
  await browser.close();
}
