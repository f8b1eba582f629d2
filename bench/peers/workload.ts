/**
 * What a workload is given and what it reports.
 *
 * @module
 */

import { small } from "../measure.ts";
import { makeProblem, type Problem } from "../problem.ts";
import type { Claim } from "./bars.ts";
import type { Children } from "./child.ts";
import { bestOf, type Entry, over, timeOf } from "./race.ts";
import { type Truth, truthOf } from "./truth.ts";

/** How a run is done. */
export interface Setting {
  /** Samples of a way. */
  samples: number;
  children: Children;
}

/** One race and what it says about the bars. */
export interface Section {
  title: string;
  entries: Entry[];
  /** The way of ours that others are compared with. */
  ours: string;
  claims: Claim[];
  /** What else is to be said, a sentence each. */
  notes?: string[];
}

/** One or more races on one question. */
export interface Workload {
  /** What is done, in a paragraph. */
  about: string;
  run(setting: Setting): Promise<Section[]>;
}

/** A problem of d = dv = 64 with its truth, which is computed when it is first asked for. */
export function problemOf(
  n: number,
  m: number,
): { problem: Problem; truth: () => Truth } {
  const problem = makeProblem(41, n, m);
  let truth: Truth | undefined;
  return { problem, truth: () => truth ??= truthOf(problem) };
}

/** What the tolerance is made of, as a sentence. */
export function measureOf({ tolerance }: Truth): string {
  return `The naive loop in f32 is off by ${small(tolerance / 2)}.`;
}

/** Multiplications and additions of the two products. */
export function flopsOf({ n, m, dim, valueDim }: Problem): number {
  return 2 * n * m * (dim + valueDim);
}

/** The names of a race that begin alike, of which the best counts. */
export function named(entries: Entry[], start: string): string[] {
  return entries.map(({ name }) => name).filter((name) =>
    name.startsWith(start)
  );
}

/** How many times as fast ours is as the best of the ways whose names begin alike. */
export function faster(
  entries: Entry[],
  peer: string,
  ours: string,
): number | string {
  return over(bestOf(entries, named(entries, peer)), timeOf(entries, ours));
}
