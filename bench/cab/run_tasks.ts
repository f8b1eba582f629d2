/**
 * Lets contestants do tasks, and measures them.
 *
 * @module
 */

import type { DenseMatrix } from "@reattend/reattend";
import { now } from "../peers/clock.ts";
import { median, rotation } from "../peers/statistics.ts";
import {
  capturedMass,
  errorToTruth,
  relativeError,
  topAgreement,
} from "./measures.ts";
import { attendOnce, type Contestant } from "./contestant.ts";
import { exact, weightsOf } from "./methods/exact.ts";
import type { Tally } from "./plain.ts";
import { prefix, type Problem } from "./problem.ts";
import { ask, Refusal } from "./refusals.ts";
import { askedOf, type Instance, type Task } from "./tasks.ts";

/** What a contestant has made of a task: means over the seeds, and a median of times. */
export interface Score {
  /** Against the truth: 1 is the best constant. */
  toTruth: number;
  /** Against exact attention. */
  toExact: number;
  topAgreement: number | null;
  capturedMass: number | null;
  /** Of the first seed; refused by who attends but does not count. */
  spent: Tally | Refusal;
  /** In ns. */
  time: number;
}

/** What can be averaged. */
type Parts = Omit<Score, "spent" | "time">;

/** A task and who did it. */
export interface Round {
  task: Task;
  queries: number;
  keys: number;
  /** By the name of the contestant. */
  scores: Record<string, Score | Refusal>;
}

/** How much is done. */
export interface Effort {
  length: number;
  seeds: readonly number[];
  /** Times taken of each contestant. */
  samples: number;
}

/**
 * What an answer may move, in all of its numbers together, when later queries become known: the tolerance of the
 * benchmark's own test of causality.
 */
const LEAK = 1e-4;

/** Lets all contestants do one task. */
export function runTask(
  task: Task,
  contestants: readonly Contestant[],
  { length, seeds, samples }: Effort,
): Round {
  const instances = seeds.map((seed) => task.make(seed, length));
  const truths = instances.map(({ problem }) => ({
    exact: exact(problem).outputs,
    weights: weightsOf(problem),
  }));
  const { problem } = instances[0], [seed] = seeds;
  const works = contestants.map((contestant) =>
    ask(() => {
      refuseLeak(contestant, problem, seed);
      const parts = instances.map((instance, at) =>
        measure(contestant, instance, truths[at], seeds[at])
      );
      const spent = ask(() => contestant.spend(problem, seed));
      return { ...meanOf(parts), spent };
    })
  );
  const times = timeInTurns(
    contestants.map((contestant, at) =>
      works[at] instanceof Refusal
        ? undefined
        : contestant.prepare([problem], seed)
    ),
    samples,
  );
  return {
    task,
    queries: problem.queries.rows,
    keys: problem.keys.rows,
    scores: Object.fromEntries(contestants.map(({ name }, at) => {
      const work = works[at];
      return [
        name,
        work instanceof Refusal ? work : { ...work, time: median(times[at]) },
      ];
    })),
  };
}

/** How near an answer to one instance comes. */
function measure(
  contestant: Contestant,
  instance: Instance,
  { exact, weights }: Record<"exact" | "weights", DenseMatrix>,
  seed: number,
): Parts {
  const { problem, truth, scored } = instance, asked = askedOf(instance);
  const answer = attendOnce(contestant, problem, seed);
  const own = contestant.weigh(problem, seed);
  return {
    toTruth: errorToTruth(answer, truth, scored),
    toExact: relativeError([answer], [exact], asked),
    topAgreement: own === undefined ? null : topAgreement(own, weights, asked),
    capturedMass: own === undefined ? null : capturedMass(own, weights, asked),
  };
}

/** Samples of each in ns, every round beginning with the next one; none of who does not run. */
function timeInTurns(
  runs: readonly ((() => unknown) | undefined)[],
  samples: number,
): number[][] {
  const times = runs.map((): number[] => []);
  for (let round = 0; round < samples; round++) {
    for (const at of rotation(runs.length, round)) {
      const run = runs[at];
      if (run === undefined) continue;
      const start = now();
      run();
      times[at].push(now() - start);
    }
  }
  return times;
}

/**
 * Refuses a contestant whose answers to earlier queries change when later ones become known, where they may not.
 *
 * In CS and CC the first half is asked by itself, and has to be answered alike.
 */
function refuseLeak(
  contestant: Contestant,
  problem: Problem,
  seed: number,
): void {
  if (problem.pattern === "NS" || problem.pattern === "NC") return;
  const half = problem.queries.rows >> 1;
  const all = attendOnce(contestant, problem, seed).data;
  const early = attendOnce(contestant, prefix(problem, half), seed).data;
  let moved = 0;
  for (let i = 0; i < early.length; i++) moved += Math.abs(all[i] - early[i]);
  if (moved <= LEAK) return;
  throw new TypeError(
    `Cannot score: ${contestant.name} answers early queries differently when it knows later ones, it should not look ahead`,
  );
}

function meanOf(parts: readonly Parts[]): Parts {
  const mean = (name: "toTruth" | "toExact") =>
    parts.reduce((sum, part) => sum + part[name], 0) / parts.length;
  const known = (name: "topAgreement" | "capturedMass") =>
    parts.reduce<number | null>((sum, part) => {
      const value = part[name];
      return sum === null || value === null ? null : sum + value / parts.length;
    }, 0);
  return {
    toTruth: mean("toTruth"),
    toExact: mean("toExact"),
    topAgreement: known("topAgreement"),
    capturedMass: known("capturedMass"),
  };
}
