/**
 * The leaderboard of a run: how its contestants stand, pattern by pattern.
 *
 * @module
 */

import {
  compositionalIndex,
  type Metric,
  metricOf,
  type Standing,
} from "./leaderboard.ts";
import { type Pattern, PATTERNS } from "./problem.ts";
import { Refusal } from "./refusals.ts";
import type { Round } from "./run_tasks.ts";

/** How the contestants stand in a pattern. */
export interface Board {
  pattern: Pattern;
  metrics: Metric[];
  /** By name. */
  standings: Record<string, Standing>;
}

/** Compares the contestants of a run with each other, pattern by pattern. */
export function boardsOf(rounds: readonly Round[]): Board[] {
  return PATTERNS.map((pattern) => {
    const own = rounds.filter(({ task }) => task.pattern === pattern);
    const names = Object.keys(own[0]?.scores ?? {});
    const errors = (round: Round) =>
      names.map((name) => {
        const score = round.scores[name];
        return score instanceof Refusal ? null : score.toTruth;
      });
    const metrics = own.map((round) =>
      metricOf(round.task.name, "error to the truth", "less", errors(round))
    );
    const columns = own.map(errors);
    return {
      pattern,
      metrics,
      standings: Object.fromEntries(
        names.map((name, at) => [
          name,
          compositionalIndex(metrics, columns.map((column) => column[at])),
        ]),
      ),
    };
  });
}
