/**
 * What a run has found, as a page for people and as numbers for whoever wants to look closer.
 *
 * @module
 */

import { small, table, time, times } from "../measure.ts";
import { type Claim, isLost, type Verdict, verdictOf } from "./bars.ts";
import type { ClockName } from "./clock.ts";
import { type Entry, timeOf } from "./race.ts";
import { median, spread } from "./statistics.ts";
import type { Section } from "./workload.ts";

/** All that was found on one question. */
export interface Finding {
  name: string;
  about: string;
  sections: Section[];
}

/** How a run was done. */
export interface Circumstances {
  /** As it was typed. */
  command: string;
  date: string;
  machine: string;
  /** Who took part, by name, at which version. */
  versions: Record<string, string>;
  /** Who did not, and why. */
  absent: Record<string, string>;
  /** Samples of a way. */
  samples: number;
  quick: boolean;
  clock: ClockName;
}

const SIGNS: Record<Verdict, string> = {
  "stretch": "met, stretch too",
  "met": "met",
  "missed": "**missed**",
  "not measured": "not measured",
  "no bar": "–",
};

/** Answers that were wrong: workload, way, what is wrong. */
export function wrongOf(findings: Finding[]): string[][] {
  return findings.flatMap(({ sections }) =>
    sections.flatMap(({ title, entries }) =>
      entries.flatMap((entry) =>
        entry.state === "wrong" ? [[title, entry.name, cell(entry.reason)]] : []
      )
    )
  );
}

/** The page. */
export function page(how: Circumstances, findings: Finding[]): string {
  const all = findings.flatMap(({ sections }) =>
    sections.flatMap(({ title, claims }) =>
      claims.map((claim) => ({ title, claim }))
    )
  );
  const barred = all.filter(({ claim }) => claim.bar !== undefined);
  const count = (...verdicts: Verdict[]) =>
    barred.filter(({ claim }) => verdicts.includes(verdictOf(claim))).length;
  const lost = all.filter(({ claim }) => isLost(claim));
  const wrong = wrongOf(findings);
  return [
    "# Against the peers",
    how.quick
      ? "**A quick run: fewer samples than a page to rely on has.**"
      : "",
    `\`${how.command}\`, ${how.date}. ${how.machine}.`,
    ABOUT.replace("SAMPLES", String(how.samples)),
    how.clock === "processor" ? BUSY : "",
    table(["taking part", "version"], Object.entries(how.versions)),
    ...(Object.keys(how.absent).length === 0 ? [] : [
      table(
        ["absent", "reason"],
        Object.entries(how.absent).map(([a, b]) => [
          a,
          cell(b),
        ]),
      ),
    ]),
    "## The bars",
    `${count("met", "stretch")} of ${barred.length} bars are met, ${
      count("stretch")
    } of them with their stretch; ${count("missed")} are missed, ${
      count("not measured")
    } not measured.`,
    tableOfClaims(all),
    "## Wrong answers",
    wrong.length === 0
      ? "None in this run."
      : table(["workload", "way", "what is wrong"], wrong),
    "## Where we lose",
    lost.length === 0 ? "Nowhere in this run." : table(
      ["workload", "against", "our speed ÷ theirs"],
      lost.map(({ title, claim }) => [title, claim.measure, shown(claim)]),
    ),
    ...findings.flatMap(({ name, about, sections }) => [
      `## ${name}`,
      about,
      ...sections.flatMap(tablesOf),
    ]),
  ].filter((part) => part !== "").join("\n\n") + "\n";
}

const ABOUT =
  `All ways to do a job take turns in one run, each round beginning with another one: first each answer is compared with
the definition in f64 and refused if it is off by more than rounding, then each way is warmed alike (20 calls and 300 ms,
or a second), then it is timed SAMPLES times, as many calls at a time as last 5 ms, after a millisecond of them, so that nobody pays for what the others leave in the caches; a way whose call takes a second is timed
3 times at most. A time is the median; the spread beside it is what the middle half of the samples covers, as a share of
it. Everybody has one thread. Peers in Python and Node are processes of their own that time themselves when it is their
turn. What rounding may do to f32 is twice the largest error of the naive loop in f32 over the same rows; the error shown
is the largest of all outputs. A ratio above 1 says that ours is faster. Where a peer takes part in more than one way
(three graphs of onnxruntime; OpenBLAS as it comes and with AVX-512 kernels, which it does not choose on every processor
that has them), ours is compared with the fastest. Samples are in \`samples.json\`, in ns.`;

const BUSY =
  "Times are those of the processor, not of the clock: others were using the machine.";

function tableOfClaims(all: { title: string; claim: Claim }[]): string {
  return table(
    ["workload", "measure", "value", "bar", "stretch", "verdict"],
    all.map(({ title, claim }) => [
      title,
      claim.measure,
      shown(claim),
      limit(claim, claim.bar),
      limit(claim, claim.stretch),
      SIGNS[verdictOf(claim)],
    ]),
  );
}

function tablesOf({ title, entries, ours, notes = [] }: Section): string[] {
  const own = timeOf(entries, ours);
  const rows: string[][] = [], refused: string[] = [];
  for (const entry of entries) {
    const { name } = entry;
    if (entry.state !== "timed") {
      refused.push(`${name}: ${entry.state} (${cell(entry.reason)}).`);
      continue;
    }
    const { samples, calls } = entry, took = median(samples);
    rows.push([
      name,
      time(took / 1000),
      `${Math.round(100 * spread(samples))} %`,
      `${samples.length} × ${calls}`,
      entry.error === undefined ? "" : small(entry.error),
      typeof own === "number" ? times(took / own) : "",
    ]);
  }
  const columns = [
    ...["way", "time", "spread", "samples × calls", "error"],
    `÷ ${ours}`,
  ];
  return [
    `### ${title}`,
    ...(rows.length === 0 ? [] : [table(columns, rows)]),
    ...refused,
    ...notes,
  ];
}

/** A value, or why there is none. */
function shown(claim: Claim): string {
  const { value, unit } = claim;
  if (typeof value === "string") return cell(value);
  const digits = value >= 1000
    ? String(Math.round(value))
    : value.toPrecision(3);
  return unit === undefined ? digits : `${digits} ${unit}`;
}

function limit({ better, unit }: Claim, most: number | undefined): string {
  if (most === undefined) return "";
  const number = Number.isInteger(most) ? most : Number(most.toPrecision(3));
  return `${better === "more" ? "≥" : "≤"} ${number}${
    unit === undefined ? "" : ` ${unit}`
  }`;
}

/** Text that keeps a table whole, and a line readable. */
function cell(text: string): string {
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return short.replaceAll("|", "\\|");
}

const LONGEST = 90;

/** The samples: ns of one job each, in a line for each way. */
export function samplesOf(how: Circumstances, findings: Finding[]): string {
  const { command, date, machine } = how;
  const races = findings.flatMap(({ name, sections }) =>
    sections.filter(({ entries }) => entries.length > 0).map((
      { title, entries },
    ) => [`${name}: ${title}`, Object.fromEntries(entries.map(lineOf))])
  );
  const all = { command, date, machine, races: Object.fromEntries(races) };
  return `${JSON.stringify(all, null, 2)}\n`;
}

function lineOf(entry: Entry): [string, string] {
  return [
    entry.name,
    entry.state === "timed"
      ? entry.samples.map((ns) => Number(ns.toPrecision(DIGITS))).join(" ")
      : `${entry.state}: ${entry.reason}`,
  ];
}

/** As many as a median of them can be trusted in. */
const DIGITS = 4;
