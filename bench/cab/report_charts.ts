/**
 * The charts of a run.
 *
 * @module
 */

import type { Chart } from "./chart.ts";
import type { Lines } from "./chart_parts.ts";
import { type Cost, type Race, waysOf } from "./edits.ts";
import { Refusal } from "./refusals.ts";
import type { Findings } from "./report.ts";

/** The charts, by the names of their files. */
export function charts(findings: Findings): Record<string, Chart> {
  const { contestants, rounds, real, growths, races } = findings;
  const ours = new Set(
    contestants.filter(({ ours }) => ours).map(({ name }) => name),
  );
  return {
    "tasks.svg": {
      title: "Error to the truth (1 is the best constant)",
      description:
        "For each task a bar for each contestant. The shorter the better; the same numbers are in the tables of README.md.",
      columns: 2,
      panels: rounds.map(({ task, scores }) => ({
        kind: "bars",
        title: `${task.pattern}: ${task.name}`,
        limit: 1.5,
        mark: 1,
        bars: Object.entries(scores).map(([name, score]) => ({
          name,
          value: score instanceof Refusal ? null : score.toTruth,
          emphasis: ours.has(name),
        })),
      })),
    },
    "real.svg": {
      title: "Relative error on real inputs, not causal",
      description:
        "For each set a bar for each contestant. The shorter the better; the same numbers are in a table of README.md.",
      columns: 2,
      panels: real.map(({ name, errors }) => ({
        kind: "bars",
        title: name,
        limit: 1.2,
        mark: 1,
        bars: errors.map((error) => ({
          name: error.contestant,
          value: error.median,
          emphasis: error.ours,
        })),
      })),
    },
    "length.svg": {
      title: "Time for one head of dim 64",
      description:
        "A line for each contestant over the length of the sequence, both axes logarithmic; the same numbers are in a table of README.md.",
      columns: 1,
      panels: [{
        kind: "lines",
        title: "NS, normal numbers",
        x: "length",
        y: "ms",
        series: growths.map(({ name, time }) => ({
          name,
          points: time.map(([length, ns]) => [length, ns / 1e6]),
        })),
      }],
    },
    "edits_work.svg": editChart(
      races,
      "Multiply-adds for a change, reads included",
      "multiply-adds",
      ({ multiplyAdds }) => multiplyAdds,
    ),
    "edits_error.svg": editChart(
      races,
      "Relative error of the reads against exact attention",
      "error",
      ({ error }) => error,
    ),
    "edits_time.svg": editChart(
      races,
      "Time for a change, reads included",
      "µs",
      ({ time }) => time / 1000,
    ),
  };
}

function editChart(
  races: readonly Race[],
  title: string,
  y: string,
  of: (cost: Cost) => number,
): Chart {
  const streams = [...new Set(races.map(({ stream }) => stream))];
  return {
    title,
    description:
      "For each kind of change a line for each way, over how many changes there are from read to read, both axes logarithmic; the same numbers are in the tables of README.md.",
    columns: 2,
    panels: streams.map((stream): Lines => {
      const own = races.filter((race) => race.stream === stream);
      const names = Object.keys(waysOf(own[0]));
      return {
        kind: "lines",
        title: stream.name,
        x: "changes from read to read",
        y,
        series: names.flatMap((name) => {
          const points = own.flatMap((race) => {
            const cost = waysOf(race)[name];
            // A logarithmic axis has no place for 0.
            return cost instanceof Refusal || of(cost) === 0
              ? []
              : [[race.every, of(cost)] as const];
          });
          return points.length === 0 ? [] : [{ name, points }];
        }),
      };
    }),
  };
}
