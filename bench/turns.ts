/**
 * Races in short turns, by the time of the processor: for a machine that others use as well.
 *
 * What counts is not how long a turn took but how long the process ran in it, garbage collection included, so that a
 * turn during which the system lets others run is worth as much as any.
 *
 * @module
 */

import process from "node:process";
import type { Contestant, Race } from "./measure.ts";

/** Turns of each contestant; how long one is, and the runs before they count, in ms. */
const TURNS = 31, TURN = 2, WARM_UP = 60;

/** Runs a race and gives the median time of a job for each way, in µs of the processor. */
export function runInTurns<Name extends string>(
  { ways }: Race<Name>,
): Record<Name, number> {
  const names = Object.keys(ways) as Name[];
  const field = names.map((name) => ways[name]());
  const repeats = field.map((contestant) => {
    let runs = 0, spent = 0;
    do {
      spent += clock(contestant, ++runs);
    } while (runs < 2 || spent < WARM_UP * 1000);
    const last = clock(contestant, runs) / runs;
    return Math.max(1, Math.round(TURN * 1000 / Math.max(last, 1)));
  });
  const took = field.map(() => new Float64Array(TURNS));
  for (let turn = 0; turn < TURNS; turn++) {
    for (let place = 0; place < field.length; place++) {
      const at = (turn + place) % field.length, { jobs = 1 } = field[at];
      took[at][turn] = clock(field[at], repeats[at]) / (repeats[at] * jobs);
    }
  }
  for (const { check } of field) check?.();
  return Object.fromEntries(
    names.map((name, at) => [name, took[at].toSorted()[TURNS >> 1]]),
  ) as Record<Name, number>;
}

/** Processor time of so many runs, in µs. */
function clock({ run }: Contestant, runs: number): number {
  const start = ran();
  for (let i = 0; i < runs; i++) run();
  return ran() - start;
}

/** What the process has had of the processor so far, in µs. */
function ran(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
