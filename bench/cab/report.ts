/**
 * The page of a run.
 *
 * @module
 */

import { table } from "../measure.ts";
import { boardsOf } from "./boards.ts";
import type { Contestant } from "./contestant.ts";
import type { Race } from "./edits.ts";
import type { Growth } from "./growth.ts";
import type { RealResult } from "./real.ts";
import {
  correlations,
  efficiencyTable,
  growthTable,
  leaderboard,
  metricsTable,
  raceTable,
  realTable,
  taskTable,
  vanillaRows,
} from "./report_tables.ts";
import {
  about,
  CORRELATION,
  EDITS,
  GROWTH,
  LEADERBOARD,
  REAL,
  VANILLA_ROWS,
} from "./report_text.ts";
import type { Round } from "./run_tasks.ts";

/** How a run was done. */
export interface Circumstances {
  /** As it was typed. */
  command: string;
  date: string;
  machine: string;
  versions: string;
  quick: boolean;
  busy: boolean;
  /** Of the longer sequence of a task. */
  length: number;
  seeds: number;
}

/** All that a run has found. */
export interface Findings {
  contestants: readonly Contestant[];
  rounds: readonly Round[];
  real: readonly RealResult[];
  growths: readonly Growth[];
  races: readonly Race[];
}

/** The page. */
export function page(how: Circumstances, findings: Findings): string {
  const { contestants, rounds, real, growths, races } = findings;
  const boards = boardsOf(rounds);
  return [
    "# Four patterns and a fifth axis",
    how.quick
      ? "**A quick run: shorter sequences, one seed, fewer samples than a page to rely on has.**"
      : "",
    `\`${how.command}\`, ${how.date}. ${how.machine}; ${how.versions}.`,
    about(how),
    "## Who takes part",
    table(
      ["contestant", "looks at", "whose"],
      contestants.map(({ name, budget, ours }) => [
        name,
        budget,
        ours ? "the library's" : "plain loops, here",
      ]),
    ),
    "## Leaderboard",
    LEADERBOARD,
    leaderboard(boards),
    "Mean and deviation of each metric, from which the indices follow:",
    metricsTable(boards),
    "### Do patterns agree?",
    CORRELATION,
    correlations(boards),
    "### The published benchmark by the same formula",
    VANILLA_ROWS,
    vanillaRows(),
    "## Tasks",
    "![Error to the truth of every contestant in every task](tasks.svg)",
    ...rounds.flatMap(taskTable),
    "## Real inputs",
    REAL,
    "![Relative error on real inputs](real.svg)",
    realTable(real),
    "## Growth",
    GROWTH,
    "![Time by the length of the sequence](length.svg)",
    growthTable(growths),
    efficiencyTable(growths, "time", "Time"),
    efficiencyTable(growths, "bytes", "Bytes"),
    "## The fifth axis: edits",
    EDITS,
    "![Multiply-adds for a change](edits_work.svg)",
    "![Time for a change](edits_time.svg)",
    "![Error of the reads](edits_error.svg)",
    ...races.flatMap(raceTable),
  ].filter((part) => part !== "").join("\n\n") + "\n";
}
