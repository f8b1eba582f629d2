/**
 * Writes the tables of `bench/README.md`, each between its marks: all of them, or those named on the command line.
 *
 * @module
 */

import configuration from "../deno.json" with { type: "json" };
import { cpus } from "node:os";
import { question as crossover } from "./crossover_bench.ts";
import { question as graph } from "./graph.ts";
import { question as growth } from "./growth_bench.ts";
import { question as guest } from "./guest_bench.ts";
import { question as laziness } from "./laziness_bench.ts";
import type { Question } from "./measure.ts";
import { question as memory } from "./memory.ts";
import { question as oneChange } from "./one_change_bench.ts";
import { question as origin } from "./origin_bench.ts";
import { question as read } from "./read_bench.ts";
import { question as representation } from "./representation_bench.ts";
import { question as scores } from "./scores.ts";
import { question as write } from "./write_bench.ts";

/** A question, some of which have to fetch what they need for an answer. */
type Asked = Question | { title: string; answer: () => Promise<string> };

const QUESTIONS: Record<string, Asked> = {
  one_change: oneChange,
  origin,
  growth,
  crossover,
  write,
  laziness,
  read,
  guest,
  memory,
  representation,
  scores,
  graph,
};
const README = new URL("README.md", import.meta.url);

/** What the figures were measured with. */
function machine(): string {
  const processors = cpus(), { deno, v8 } = Deno.version;
  const matrix = configuration.imports["ml-matrix"].split("@")[1];
  return `${
    processors[0].model
  }, ${processors.length} cores, ${Deno.build.os} ${Deno.build.arch}; Deno ${deno}, V8 ${v8},
ml-matrix ${matrix}.`;
}

/** A page with text between the marks of a name. */
function fill(page: string, name: string, text: string): string {
  const begin = `<!-- ${name}: begin -->`, end = `<!-- ${name}: end -->`;
  const from = page.indexOf(begin), to = page.indexOf(end);
  if (from < 0 || to < from) {
    throw new Error(
      `Cannot write tables: README.md has no place for ${name}, it should have ${begin} and ${end}`,
    );
  }
  const before = page.slice(0, from + begin.length);
  return `${before}\n\n${text}\n\n${page.slice(to)}`;
}

const asked = Deno.args.length > 0 ? Deno.args : Object.keys(QUESTIONS);
for (const name of asked) {
  if (!Object.hasOwn(QUESTIONS, name)) {
    const known = Object.keys(QUESTIONS).join(", ");
    throw new RangeError(
      `Cannot write tables: there is no question ${name}, it should be one of ${known}`,
    );
  }
}
for (const name of asked) {
  const { title, answer } = QUESTIONS[name], start = performance.now();
  const text = `## ${title}\n\n${await answer()}`;
  const page = fill(Deno.readTextFileSync(README), "machine", machine());
  Deno.writeTextFileSync(README, fill(page, name, text));
  console.log(`${title}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
}
const formatting = new Deno.Command("deno", {
  args: ["fmt", "--quiet", `${import.meta.dirname}/README.md`],
});
if (!formatting.outputSync().success) {
  throw new Error("Cannot write tables: deno fmt fails, it should format them");
}
