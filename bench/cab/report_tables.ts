/**
 * The tables of the page.
 *
 * @module
 */

import { digits, small, table, time } from "../measure.ts";
import type { Board } from "./boards.ts";
import { correlate } from "./correlation.ts";
import { type Race, waysOf } from "./edits.ts";
import { LEAST_EXPLAINED } from "./efficiency.ts";
import { type Crossing, crossings, type Growth } from "./growth.ts";
import {
  compositionalIndex,
  PUBLISHED_VANILLA,
  publishedMetrics,
} from "./leaderboard.ts";
import { VANILLA } from "./methods.ts";
import { NAMES } from "./problem.ts";
import type { RealResult } from "./real.ts";
import { Refusal } from "./refusals.ts";
import type { Round } from "./run_tasks.ts";

/** Indices of all contestants in all patterns, and those of each task. */
export function leaderboard(boards: readonly Board[]): string {
  const names = Object.keys(boards[0].standings);
  return table(
    [
      "contestant",
      ...boards.flatMap(({ pattern, metrics }) => [
        `**${pattern}**`,
        ...metrics.map(({ task }) => task),
      ]),
    ],
    names.map((name) => [
      name,
      ...boards.flatMap(({ standings, metrics }) => {
        const { index, tasks } = standings[name];
        return [
          index === null ? "–" : `**${fixed(index)}**`,
          ...metrics.map(({ task }) => orDash(tasks[task])),
        ];
      }),
    ]),
  );
}

/** What the indices are made with. */
export function metricsTable(boards: readonly Board[]): string {
  return table(
    ["pattern", "task", "mean error", "deviation"],
    boards.flatMap(({ pattern, metrics }) =>
      metrics.map(({ task, mean, deviation }) => [
        pattern,
        task,
        fixed(mean),
        fixed(deviation),
      ])
    ),
  );
}

/** How the indices of patterns correlate. */
export function correlations(boards: readonly Board[]): string {
  const indices = ({ standings }: Board) =>
    Object.values(standings).map(({ index }) => index);
  return table(
    ["", ...boards.map(({ pattern }) => pattern)],
    boards.map((row) => [
      `${row.pattern}, ${NAMES[row.pattern]}`,
      ...boards.map((column) => {
        const { coefficient, pairs } = correlate(indices(row), indices(column));
        return coefficient === null
          ? `– (${pairs})`
          : `${coefficient.toFixed(2)} (${pairs})`;
      }),
    ]),
  );
}

/** The published benchmark by its formula. */
export function vanillaRows(): string {
  return table(
    ["pattern", "part", "published", "by the formula"],
    PUBLISHED_VANILLA.flatMap(({ pattern, values, tasks, index }) => {
      const own = compositionalIndex(publishedMetrics(pattern), values);
      return [
        ...Object.entries(tasks).map(([task, published]) => [
          pattern,
          task,
          String(published),
          orDash(own.tasks[task], 4),
        ]),
        [pattern, "**index**", String(index), `**${orDash(own.index, 4)}**`],
      ];
    }),
  );
}

/** One task: who did it how, and who refused. */
export function taskTable({ task, queries, keys, scores }: Round): string[] {
  const refused: string[] = [], rows: string[][] = [];
  for (const [name, score] of Object.entries(scores)) {
    if (score instanceof Refusal) {
      refused.push(`- ${name}: ${score.reason}`);
      continue;
    }
    const { spent } = score;
    if (spent instanceof Refusal) refused.push(`- ${name}: ${spent.reason}`);
    rows.push([
      name,
      fixed(score.toTruth),
      small(score.toExact),
      orDash(score.topAgreement, 2),
      orDash(score.capturedMass),
      ...(spent instanceof Refusal
        ? ["–", "–"]
        : [digits(spent.multiplyAdds), digits(spent.bytes)]),
      time(score.time / 1000),
    ]);
  }
  return [
    `### ${task.pattern}: ${task.name}`,
    `Asked for: ${task.about}. ${queries} queries, ${keys} keys.`,
    table(
      [
        "contestant",
        "error to the truth",
        "error to exact",
        "top-1 agreement",
        "captured mass",
        "multiply-adds",
        "bytes",
        "time",
      ],
      rows,
    ),
    refused.length === 0 ? "" : `Refused:\n\n${refused.join("\n")}`,
  ];
}

/** Errors on real inputs beside those that were published. */
export function realTable(results: readonly RealResult[]): string {
  const names = results[0].errors.map(({ contestant }) => contestant);
  return table(
    ["contestant", ...results.flatMap(({ name }) => [name, "published"])],
    names.map((name, at) => [
      name,
      ...results.flatMap(({ errors }) => {
        const { median, least, most, published } = errors[at];
        const range = least === most || median === null
          ? ""
          : ` (${fixed(least)} – ${fixed(most)})`;
        return [`${orDash(median)}${range}`, orDash(published ?? null)];
      }),
    ]),
  ) + refusalsOf(
    results.flatMap(({ name, errors }) =>
      errors.map(({ contestant, reason }) =>
        [`${contestant} (${name})`, reason] as const
      )
    ),
  );
}

/** A list of those who refused. */
function refusalsOf(
  reasons: readonly (readonly [string, string | undefined])[],
): string {
  const lines = reasons.flatMap(([name, reason]) =>
    reason === undefined ? [] : [`- ${name}: ${reason}`]
  );
  return lines.length === 0 ? "" : `\n\nRefused:\n\n${lines.join("\n")}`;
}

/** Times by length. */
export function growthTable(growths: readonly Growth[]): string {
  const lengths = growths[0].time.map(([length]) => length);
  return table(
    ["time", ...lengths.map(String)],
    growths.map(({ name, time: points }) => [
      name,
      ...points.map(([, ns]) => time(ns / 1000)),
    ]),
  );
}

/** Efficiency lengths, and what is to be said of them. */
export function efficiencyTable(
  growths: readonly Growth[],
  cost: "time" | "bytes",
  title: string,
): string {
  const { factors: [c, b, a], explained, methods } = crossings(growths, cost);
  const unit = cost === "time" ? "ns" : "bytes";
  return [
    `${title}: \`${VANILLA}\` is fitted by ${a.toPrecision(3)} L² ${
      signed(b)
    } L ${signed(c)} ${unit}, R² = ${fit(explained)}.`,
    table(
      [
        "contestant",
        "measured cheaper from",
        "efficiency length",
        "R² of its line",
        "remark",
      ],
      methods.map((method) => [
        method.name,
        method.measured === null ? "–" : String(method.measured),
        method.length === null ? "–" : String(Math.round(method.length)),
        fit(method.explained),
        remarkOn(method),
      ]),
    ),
  ].join("\n\n");
}

function remarkOn({ reason, explained, beyond }: Crossing): string {
  return [
    reason ?? "",
    beyond ? "outside of what was measured" : "",
    explained < LEAST_EXPLAINED ? "a poor fit" : "",
  ].filter((remark) => remark !== "").join("; ");
}

/** One stream at one rate of reads. */
export function raceTable(race: Race): string[] {
  const { stream, every, reads } = race, all = Object.entries(waysOf(race));
  const rows = all.flatMap(([name, cost]) =>
    cost instanceof Refusal ? [] : [[
      name,
      digits(cost.multiplyAdds),
      time(cost.time / 1000),
      small(cost.error),
      digits(cost.bytes),
    ]]
  );
  return [
    every === 1 ? `### ${stream.name}\n\nA change: ${stream.about}.` : "",
    table(
      [
        `${reads} ${reads === 1 ? "read" : "reads"}, after ${
          every === 1 ? "each change" : `${every} changes each`
        }`,
        "multiply-adds",
        "time",
        "error to exact",
        "bytes",
      ],
      rows,
    ) + refusalsOf(
      all.map(([name, cost]) =>
        [name, cost instanceof Refusal ? cost.reason : undefined] as const
      ),
    ),
  ];
}

function orDash(value: number | null, places = 3): string {
  return value === null ? "–" : fixed(value, places);
}

function fixed(value: number, places = 3): string {
  return value.toFixed(places);
}

/** A further term of a sum. */
function signed(factor: number): string {
  return `${factor < 0 ? "−" : "+"} ${Math.abs(factor).toPrecision(3)}`;
}

/** Of fits: 0.9999 is not 1. */
function fit(explained: number): string {
  return String(Math.floor(explained * 1e4) / 1e4);
}
