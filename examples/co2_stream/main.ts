/**
 * Forecasts for the weeks that are missing in 43 years of CO2 at Mauna Loa, as a stream. Run it from the top of the
 * repository with `deno run --allow-read examples/co2_stream/main.ts`.
 *
 * @module
 */

import type { Claim } from "../semantic_memory/audit.ts";
import {
  count,
  say,
  type Screen,
  small,
  table,
  tell,
  title,
} from "../semantic_memory/show.ts";
import { fill } from "./fill.ts";
import { WINDOW } from "./forecast.ts";
import { EVERY, FORECASTERS, HIDDEN, tryOut } from "./trial.ts";
import { dateOf, gapsOf, readWeeks, type Week } from "./weeks.ts";

/** Runs of the trial: one for every three weeks at which a block can begin. */
const RUNS = Math.floor(EVERY / 3);

/** The series has one decimal. */
const RESOLUTION = 0.1;

/** Places of a gap that are shown. */
const SHOWN = [1, 2, 4, HIDDEN];

/** Shows all of it, in so many runs of the trial, and returns the exit code: 1 if something it claims is not true. */
export async function run(
  screen: Screen,
  complain: (message: string) => void,
  weeks: readonly Week[],
  runs = RUNS,
): Promise<number> {
  const claims = [
    ...await tellOfGaps(screen, weeks),
    ...tellOfTrial(screen, weeks, runs),
  ];
  title(screen, "Is all of this true?");
  for (const { text, holds } of claims) {
    say(screen, `${holds ? "yes" : "NO "}  ${text}`);
  }
  const broken = claims.filter(({ holds }) => !holds).length;
  if (broken === 0) return 0;
  complain(
    `The example failed: ${broken} of the ${claims.length} things it claims are not true, see NO above`,
  );
  return 1;
}

/** The missing weeks, forecast as they pass. */
async function tellOfGaps(
  screen: Screen,
  weeks: readonly Week[],
): Promise<Claim[]> {
  const gaps = gapsOf(weeks), { forecasts, work } = await fill(weeks);
  title(screen, "Weeks that nobody measured");
  tell(
    screen,
    `${count(weeks.length)} weeks of CO2 at Mauna Loa, ${
      dateOf(weeks[0].day)
    } to ${
      dateOf(weeks[weeks.length - 1].day)
    }, of which ${forecasts.length} are missing in ${gaps.length} gaps. They go through a stream one by one. Each asks what its season was above or below the level, and the weeks of the last ${
      WINDOW / 52
    } years answer; a missing week asks too, and is never asked.`,
  );
  say(screen, "");
  const ppmAt = (at: number) => weeks[at]?.ppm?.toFixed(1) ?? "";
  const forecastAt = (at: number) =>
    forecasts.find((forecast) => forecast.at === at)!.ppm.toFixed(1);
  table(screen, [
    ["gap", "weeks", "before", "first forecast", "last forecast", "after"],
    ...gaps.toSorted((a, b) => b.length - a.length).slice(0, 5).map((gap) => [
      dateOf(weeks[gap.start].day),
      String(gap.length),
      ppmAt(gap.start - 1),
      forecastAt(gap.start),
      forecastAt(gap.start + gap.length - 1),
      ppmAt(gap.start + gap.length),
    ]),
  ]);
  say(screen, "");
  const most = Math.max(...work);
  const farthest = Math.max(...forecasts.map(({ error }) => error));
  tell(
    screen,
    `The five longest, in ppm. The largest distance of an answer from the definition was ${
      small(farthest)
    } ppm. A step costs 4 multiply-adds for each known week in the window and 2 for the division, at most ${most} in all.`,
  );
  return [
    {
      text:
        `Each of the ${forecasts.length} missing weeks has a forecast, and none is NaN.`,
      holds: forecasts.length ===
          weeks.filter(({ ppm }) => ppm === undefined).length &&
        forecasts.every(({ ppm }) => Number.isFinite(ppm)),
    },
    {
      text:
        "An attention over the known weeks alone gives the same forecasts, to the last bit.",
      holds: forecasts.every(({ unspoilt }) => unspoilt),
    },
    {
      text: "No answer is further from exact attention than it was certified.",
      holds: forecasts.every(({ error, bound }) =>
        error <= bound && bound < Infinity
      ),
    },
    {
      text: `Each of the ${
        count(weeks.length)
      } steps cost what its window costs, however many came before.`,
      holds: work.every((spent, at) => spent === 4 * knownUntil(weeks, at) + 2),
    },
  ];
}

/** Known weeks in the window of a week; the first of the series has no level, and so no value. */
function knownUntil(weeks: readonly Week[], at: number): number {
  const first = Math.max(1, at - WINDOW + 1);
  return weeks.slice(first, at + 1).filter(({ ppm }) => ppm !== undefined)
    .length;
}

/** Weeks that were measured, hidden and forecast. */
function tellOfTrial(
  screen: Screen,
  weeks: readonly Week[],
  runs: number,
): Claim[] {
  const trial = tryOut(weeks, runs), [ours, ...theirs] = trial.errors;
  title(screen, "How good are the forecasts?");
  tell(
    screen,
    `Nobody knows about those weeks. So ${HIDDEN} weeks that were measured are hidden every ${EVERY}, in ${runs} runs that begin elsewhere, and forecast by all that came before them. Root mean square errors in ppm, by the place of the week in its gap, over ${
      count(trial.weeks)
    } weeks or more each:`,
  );
  say(screen, "");
  table(screen, [
    ["forecast by", ...SHOWN.map((place) => `week ${place}`)],
    ...FORECASTERS.map((name, who) => [
      name,
      ...SHOWN.map((place) => trial.errors[who][place - 1].toFixed(2)),
    ]),
  ]);
  const closerFrom = (first: number) =>
    theirs.every((errors) =>
      ours.every((error, at) => at + 1 < first || error < errors[at])
    );
  return [
    {
      text:
        "From the second week of a gap on, attention is closer than all others.",
      holds: closerFrom(2),
    },
    {
      text:
        "In the first week it is as good as the last value, within what the series can tell.",
      holds: Math.abs(ours[0] - theirs[0][0]) <= RESOLUTION / 2,
    },
  ];
}

if (import.meta.main) {
  const terminal = Deno.stdout.isTerminal(), encoder = new TextEncoder();
  const screen: Screen = {
    terminal,
    colour: terminal && !Deno.noColor,
    write(text) {
      const bytes = encoder.encode(text);
      for (let at = 0; at < bytes.length;) {
        at += Deno.stdout.writeSync(bytes.subarray(at));
      }
    },
  };
  const file = new URL("co2.csv", import.meta.url);
  const weeks = readWeeks(await Deno.readTextFile(file));
  Deno.exit(await run(screen, console.error, weeks));
}
