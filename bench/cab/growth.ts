/**
 * What attention to longer and longer sequences costs, and where methods become cheaper than exact attention.
 *
 * @module
 */

import { seeded } from "../../src/random.ts";
import { now } from "../peers/clock.ts";
import { rotation, samplesFor } from "../peers/statistics.ts";
import {
  type EfficiencyLength,
  efficiencyLength,
  fit,
  type Points,
} from "./efficiency.ts";
import type { Contestant } from "./contestant.ts";
import { VANILLA } from "./methods.ts";
import { normal32, type Problem } from "./problem.ts";

/** Of one head, as most models have it. */
const DIM = 64;

/** What a contestant costs. */
export interface Growth {
  name: string;
  /** Time in ns, by length. */
  time: Points;
  /** Bytes besides inputs and outputs, by length. */
  bytes: Points;
}

/** Where a contestant becomes cheaper than exact attention, and how far that can be trusted. */
export interface Crossing extends EfficiencyLength {
  name: string;
  /** R² of its straight line. */
  explained: number;
  /** Whether it lies outside of what was measured. */
  beyond: boolean;
  /** From which length on it was cheaper wherever it was measured; null if it was not at the longest. */
  measured: number | null;
}

/** Measures all at each length, one after the other in turns. */
export function measureGrowth(
  contestants: readonly Contestant[],
  lengths: readonly number[],
  samples: number,
): Growth[] {
  const growths = contestants.map(({ name }) => ({
    name,
    time: [] as [number, number][],
    bytes: [] as [number, number][],
  }));
  for (const length of lengths) {
    const random = seeded(length);
    const draw = () => normal32(random, length, DIM);
    const problem: Problem = {
      pattern: "NS",
      queries: draw(),
      keys: draw(),
      values: draw(),
      scale: 1 / Math.sqrt(DIM),
    };
    const runs = contestants.map((contestant) =>
      contestant.prepare([problem], 1)
    );
    const times = runs.map((): number[] => []);
    const warm = runs.map((run) => timeOf(run));
    for (let round = 0; round < samples; round++) {
      for (const at of rotation(runs.length, round)) {
        if (round < samplesFor(samples, warm[at])) {
          times[at].push(timeOf(runs[at]));
        }
      }
    }
    contestants.forEach((contestant, at) => {
      growths[at].time.push([length, middle(times[at])]);
      growths[at].bytes.push([length, contestant.spend(problem, 1).bytes]);
    });
  }
  return growths;
}

/**
 * Compares all with exact attention.
 *
 * Times of the shortest sequence are left out, as published: they are those of starting.
 */
export function crossings(
  growths: readonly Growth[],
  cost: "time" | "bytes",
): { explained: number; factors: number[]; methods: Crossing[] } {
  const points = (growth: Growth) =>
    cost === "time" ? growth.time.slice(1) : growth.bytes;
  const vanilla = growths.find(({ name }) => name === VANILLA)!;
  const { factors, explained } = fit(points(vanilla), 2);
  const [longest] = points(vanilla).at(-1)!, [shortest] = points(vanilla)[0];
  const methods = growths.filter((growth) => growth !== vanilla)
    .map((growth): Crossing => {
      const line = fit(points(growth), 1);
      const found = efficiencyLength(factors, line.factors);
      return {
        ...found,
        name: growth.name,
        explained: line.explained,
        beyond: found.length !== null &&
          (found.length < shortest || found.length > longest),
        measured: cheaperFrom(growth[cost], vanilla[cost]),
      };
    });
  return { explained, factors, methods };
}

/** The shortest length at which, and at all longer ones, one costs less than the other. */
function cheaperFrom(own: Points, other: Points): number | null {
  let from: number | null = null;
  for (let at = own.length - 1; at >= 0; at--) {
    const [length, cost] = own[at];
    if (cost >= other[at][1]) break;
    from = length;
  }
  return from;
}

function timeOf(run: () => unknown): number {
  const start = now();
  run();
  return now() - start;
}

/** The mean of the middle half, as published. */
function middle(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b), cut = sorted.length >> 2;
  const kept = sorted.slice(cut, sorted.length - cut);
  return kept.reduce((sum, time) => sum + time, 0) / kept.length;
}
