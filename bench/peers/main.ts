/**
 * Races us against our peers and says which bars are met: `deno task bench:peers`.
 *
 * `--quick` takes fewer samples, `--only many,one` some of the workloads, `--busy` the time of the processor instead of
 * the clock's, for a machine that others use as well. Both files it writes lie beside it: `README.md` for people and
 * `samples.json`. With `--only` the page is printed and nothing is written. It ends with 1 if an answer was wrong or a
 * workload failed; a bar that is missed is a finding.
 *
 * @module
 */

import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import settings from "../../deno.json" with { type: "json" };
import { type Children, startChildren } from "./child.ts";
import { clockInUse, useClock } from "./clock.ts";
import { demo } from "./demo.ts";
import { cold, memory } from "./footprint.ts";
import { install } from "./install.ts";
import { row, scalar, update, write } from "./maintained.ts";
import { readOptions } from "./options.ts";
import { PACKAGES } from "./packages.ts";
import { Absent, messageOf } from "./race.ts";
import {
  type Circumstances,
  type Finding,
  page,
  samplesOf,
  wrongOf,
} from "./report.ts";
import { auto, csr } from "./sparse.ts";
import { few, many, million, one, roofline } from "./stateless.ts";
import type { Section, Workload } from "./workload.ts";

const WORKLOADS: Record<string, Workload> = {
  roofline,
  many,
  few,
  one,
  million,
  update,
  demo,
  scalar,
  write,
  row,
  csr,
  auto,
  memory,
  cold,
};
const SAMPLES = 11, QUICK = 3;
const FILE = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const { only, quick, busy } = readOptions(Deno.args, Object.keys(WORKLOADS));
useClock(busy ? "processor" : "wall");
const how = await prepare();
const findings: Finding[] = [];
try {
  for (const name of only) {
    const start = performance.now(), { about } = WORKLOADS[name];
    findings.push({ name, about, sections: await sectionsOf(name) });
    console.error(
      `${name}: ${((performance.now() - start) / 1000).toFixed(1)} s`,
    );
  }
} finally {
  for (const child of Object.values(how.children)) {
    if (!(child instanceof Absent)) await child.close();
  }
}
const text = page(how, findings);
if (wrongOf(findings).length > 0) Deno.exitCode = 1;
if (only.length < Object.keys(WORKLOADS).length) console.log(text);
else {
  await Deno.writeTextFile(FILE("README.md"), text);
  await Deno.writeTextFile(FILE("samples.json"), samplesOf(how, findings));
  await format();
}

/** Runs a workload; one that fails leaves a section that says so, and the others their turn. */
async function sectionsOf(name: string): Promise<Section[]> {
  try {
    const { samples, children } = how;
    return await WORKLOADS[name].run({ samples, children });
  } catch (error) {
    Deno.exitCode = 1;
    const notes = [`Failed: ${messageOf(error)}.`];
    return [{ title: name, entries: [], ours: "", claims: [], notes }];
  }
}

/** Installs and starts who takes part. */
async function prepare(): Promise<Circumstances & { children: Children }> {
  const failure = await install();
  if (failure !== undefined) console.error(failure);
  const children = await startChildren();
  const versions: Record<string, string> = {
    reattend: settings.version,
    Deno: `${Deno.version.deno}, V8 ${Deno.version.v8}`,
    "ml-matrix": versionOf(settings.imports["ml-matrix"]),
  };
  for (const [name, specifier] of Object.entries(PACKAGES)) {
    versions[name] = versionOf(specifier);
  }
  const absent: Record<string, string> = {};
  for (const [name, child] of Object.entries(children)) {
    if (child instanceof Absent) absent[name] = child.message;
    else {
      versions[name] = Object.entries(child.versions)
        .map(([part, version]) => `${part} ${version}`).join(", ");
    }
  }
  const processors = cpus();
  return {
    command: ["deno task bench:peers", ...Deno.args].join(" "),
    date: new Date().toISOString().slice(0, 10),
    machine: `${
      processors[0].model
    }, ${processors.length} cores, ${Deno.build.os} ${Deno.build.arch}`,
    versions,
    absent,
    samples: quick ? QUICK : SAMPLES,
    quick,
    clock: clockInUse(),
    children,
  };
}

/** `npm:@scope/name@1.2.3/part` is of version 1.2.3. */
function versionOf(specifier: string): string {
  return specifier.slice(specifier.lastIndexOf("@") + 1).split("/")[0];
}

async function format(): Promise<void> {
  const files = ["README.md", "samples.json"].map(FILE);
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", ...files],
  }).output();
  if (!success) {
    throw new Error(
      "Cannot race: deno fmt fails, it should format what is written",
    );
  }
}
