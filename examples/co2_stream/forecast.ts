/**
 * Forecasts of missing weeks: what the same season was above or below its level, in the years before.
 *
 * A week asks by its season, a point on the circle of the year, and is answered by weeks of the years before that stood
 * near it there: key (cos θ, sin θ), query the same times {@linkcode SHARPNESS}, so that a week counts e^(sharpness ·
 * cos of the angle between them). Its value is what it was above the level, the mean of the year before it. A forecast
 * is the level plus the output. A missing week is a step like any other: it asks, and is never attended to.
 *
 * @module
 */

import {
  type ContinualAttention,
  continualAttention,
  type Sample,
} from "@reattend/reattend/streams";
import type { Week } from "./weeks.ts";

/** Weeks in the window: five years. */
export const WINDOW = 260;

/** Weights fall to 1/e within some 13 days of a date: 365 · √(2/40) / 2π. */
export const SHARPNESS = 40;

/**
 * A year is worth a quarter less than the next: e^(−52 · 0.005) = 0.77. Half or twice of this or of the sharpness moves
 * the errors of the trial by 0.02 ppm at most.
 */
export const DECAY = 0.005;

/** Days in a year. */
const YEAR = 365.2425;

/** Weeks that make the level. */
export const LEVEL_WEEKS = 52;

/** A step of the stream, and what its output is added to. */
export interface Step {
  sample: Sample;
  /** Mean of the known weeks of the year before, in ppm; NaN where there are none. */
  level: number;
}

/** Makes the attention, with no week so far. */
export function makeForecaster(): ContinualAttention {
  return continualAttention({
    window: WINDOW,
    dim: 2,
    valueDim: 1,
    scale: 1,
    decay: DECAY,
    missing: "mask",
  });
}

/** The steps of a series: each knows only what came before it, and its own week. */
export function stepsOf(weeks: readonly Week[]): Step[] {
  return weeks.map(({ day, ppm }, at) => {
    const angle = 2 * Math.PI * day / YEAR;
    const season = [Math.cos(angle), Math.sin(angle)];
    const level = meanOf(weeks.slice(Math.max(0, at - LEVEL_WEEKS), at));
    // The first week has no level, and NaN is what a missing number is.
    const value = ppm === undefined ? null : [ppm - level];
    return {
      sample: { query: season.map((x) => SHARPNESS * x), key: season, value },
      level,
    };
  });
}

/** What needs no attention, and has to be beaten by it. */
export const BASELINES: Readonly<
  Record<string, (weeks: readonly Week[], at: number) => number>
> = {
  "the last value": (weeks, at) => lastOf(weeks, at).ppm,
  "the same week last year": (weeks, at) => yearBefore(weeks, at),
  "the mean of the window": (weeks, at) =>
    meanOf(weeks.slice(Math.max(0, at - WINDOW + 1), at)),
  "the last value and last year's change since": (weeks, at) => {
    const last = lastOf(weeks, at);
    return last.ppm + yearBefore(weeks, at) - yearBefore(weeks, last.at);
  },
};

/** The newest known week before one, as far as there is one. */
function lastOf(
  weeks: readonly Week[],
  at: number,
): { at: number; ppm: number } {
  let last = at - 1;
  while (last >= 0 && weeks[last].ppm === undefined) last--;
  return { at: last, ppm: weeks[last]?.ppm ?? NaN };
}

function yearBefore(weeks: readonly Week[], at: number): number {
  return weeks[at - LEVEL_WEEKS]?.ppm ?? NaN;
}

/** The mean of the known weeks; NaN of none. */
function meanOf(weeks: readonly Week[]): number {
  let sum = 0, known = 0;
  for (const { ppm } of weeks) {
    if (ppm === undefined) continue;
    sum += ppm;
    known++;
  }
  return sum / known;
}
