/**
 * The trial: weeks that were measured are hidden, forecast, and compared with what was measured.
 *
 * Blocks of {@linkcode HIDDEN} weeks are hidden every {@linkcode EVERY}, in several runs that begin at different weeks,
 * so that each week is the first of a gap, the second and so on. What was measured a year before a hidden week, and a year
 * before the last one that is known, is never hidden: that would be unfair to those who forecast by it.
 *
 * @module
 */

import { step } from "@reattend/reattend/streams";
import {
  BASELINES,
  LEVEL_WEEKS,
  makeForecaster,
  stepsOf,
  WINDOW,
} from "./forecast.ts";
import type { Week } from "./weeks.ts";

/** Weeks in a hidden block. */
export const HIDDEN = 8;

/** Weeks from one block to the next: a block, a year, and the week before. */
export const EVERY = HIDDEN + LEVEL_WEEKS + 1;

/** What forecasts: the attention, and then what it has to beat. */
export const FORECASTERS: readonly string[] = [
  "attention",
  ...Object.keys(BASELINES),
];

/** How good forecasts were. */
export interface Trial {
  /** Weeks forecast at each place of a gap, by all of them. */
  weeks: number;
  /** For each of {@linkcode FORECASTERS} its root mean square error in ppm, by the place of the week in its gap. */
  errors: number[][];
}

/** Forecasts hidden weeks in `runs` runs. */
export function tryOut(weeks: readonly Week[], runs: number): Trial {
  const squares = FORECASTERS.map(() => new Array<number>(HIDDEN).fill(0));
  const counts = new Array<number>(HIDDEN).fill(0);
  for (let run = 0; run < runs; run++) {
    const first = Math.floor(run * EVERY / runs);
    const placeOf = (at: number) => (at + first) % EVERY;
    const shown = weeks.map(({ day, ppm }, at) => ({
      day,
      ppm: placeOf(at) < HIDDEN ? undefined : ppm,
    }));
    const forecaster = makeForecaster();
    stepsOf(shown).forEach(({ sample, level }, at) => {
      const output = step(forecaster, sample), truth = weeks[at].ppm;
      const place = placeOf(at);
      if (place >= HIDDEN || truth === undefined || at < WINDOW) return;
      const forecasts = [
        level + output.get(0, 0),
        ...Object.values(BASELINES).map((baseline) => baseline(shown, at)),
      ];
      // All are judged by the same weeks.
      if (forecasts.some(Number.isNaN)) return;
      counts[place]++;
      forecasts.forEach((forecast, who) => {
        squares[who][place] += (forecast - truth) ** 2;
      });
    });
  }
  return {
    weeks: Math.min(...counts),
    errors: squares.map((sums) =>
      sums.map((sum, place) => Math.sqrt(sum / counts[place]))
    ),
  };
}
