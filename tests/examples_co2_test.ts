/**
 * The CO2 example reads what is there, forecasts by nothing but the past, claims what is true and notices when not.
 *
 * @module
 */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { step } from "../src/stream/mod.ts";
import { fill } from "../examples/co2_stream/fill.ts";
import {
  BASELINES,
  DECAY,
  makeForecaster,
  SHARPNESS,
  stepsOf,
  WINDOW,
} from "../examples/co2_stream/forecast.ts";
import { run } from "../examples/co2_stream/main.ts";
import {
  EVERY,
  FORECASTERS,
  HIDDEN,
  tryOut,
} from "../examples/co2_stream/trial.ts";
import {
  dateOf,
  gapsOf,
  readWeeks,
  type Week,
} from "../examples/co2_stream/weeks.ts";
import { type Screen, WIDTH } from "../examples/semantic_memory/show.ts";

const FILE = new URL("../examples/co2_stream/co2.csv", import.meta.url);
const WEEKS = readWeeks(Deno.readTextFileSync(FILE));

/** A series that is all season and growth: what the example makes of weeks, it has to foresee here. */
const CALM: Week[] = Array.from({ length: 700 }, (_, at) => ({
  day: 7 * at,
  ppm: 300 + 0.02 * at + 3 * Math.sin(2 * Math.PI * 7 * at / 365.2425),
}));

async function show(
  weeks: readonly Week[],
  runs?: number,
): Promise<{ code: number; text: string; complaints: string[] }> {
  let text = "";
  const complaints: string[] = [];
  const screen: Screen = {
    terminal: false,
    colour: false,
    write: (piece) => text += piece,
  };
  const complain = (message: string) => complaints.push(message);
  const code = await run(screen, complain, weeks, runs);
  return { code, text, complaints };
}

Deno.test("readWeeks() finds weeks without a number and weeks without a line", () => {
  const weeks = readWeeks("date,co2\n20000101,1.5\n20000108,\n20000129,2\n");
  assertEquals(
    weeks.map(({ day, ppm }) => [dateOf(day), ppm]),
    [
      ["2000-01-01", 1.5],
      ["2000-01-08", undefined],
      ["2000-01-15", undefined],
      ["2000-01-22", undefined],
      ["2000-01-29", 2],
    ],
  );
  assertEquals(gapsOf(weeks), [{ start: 1, length: 3 }]);
});

Deno.test("readWeeks() refuses what is no weekly series", () => {
  const refused = [
    ["day,co2", 'the first line is "day,co2", it should be "date,co2"'],
    [
      "date,co2\n20000101;1",
      'a line is "20000101;1", it should be a date and a number',
    ],
    [
      "date,co2\n20000101,1\n20000109,2",
      '"20000109,2" is 8 days after the line before, it should be whole weeks',
    ],
    [
      "date,co2\n20000108,1\n20000101,2",
      '"20000101,2" is -7 days after the line before, it should be whole weeks',
    ],
  ];
  for (const [text, message] of refused) {
    assertThrows(
      () => readWeeks(text),
      RangeError,
      `Cannot read weeks: ${message}`,
    );
  }
});

Deno.test("the series has the weeks and gaps that it is known for", () => {
  assertEquals(WEEKS.length, 2284);
  assertEquals(WEEKS.filter(({ ppm }) => ppm === undefined).length, 59);
  const gaps = gapsOf(WEEKS);
  assertEquals(gaps.length, 22);
  const longest = gaps.find(({ length }) => length === 18)!;
  assertEquals(dateOf(WEEKS[longest.start].day), "1964-01-25");
});

Deno.test("a forecast is the average written out, of weeks before it alone", async () => {
  const { forecasts } = await fill(WEEKS);
  assertEquals(forecasts.length, 59);
  const meanOf = (numbers: number[]) =>
    numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
  const levelAt = (at: number) =>
    meanOf(
      WEEKS.slice(Math.max(0, at - 52), at).flatMap(({ ppm }) => ppm ?? []),
    );
  for (const { at, ppm, unspoilt, error, bound } of forecasts) {
    let mass = 0, sum = 0;
    for (let then = Math.max(1, at - WINDOW + 1); then < at; then++) {
      const { day, ppm } = WEEKS[then];
      if (ppm === undefined) continue;
      const angle = 2 * Math.PI * (WEEKS[at].day - day) / 365.2425;
      const weight = Math.exp(
        SHARPNESS * (Math.cos(angle) - 1) - DECAY * (at - then),
      );
      mass += weight;
      sum += weight * (ppm - levelAt(then));
    }
    // Keys, queries and values are stored in 32 bits: a score below 40 is off by two roundings, and values are below 8.
    const slack = (2 * SHARPNESS + 1) * 2 ** -24 * 8;
    assertAlmostEquals(ppm, levelAt(at) + sum / mass, slack);
    assert(unspoilt && error <= bound, `week ${at}`);
  }
});

Deno.test("forecasts foresee what is all season and growth, and know nothing of the future", async () => {
  const hidden = CALM.map((week, at) =>
    at >= 600 && at < 608 ? { ...week, ppm: undefined } : week
  );
  const { forecasts } = await fill(hidden);
  assertEquals(
    forecasts.map(({ at }) => at),
    Array.from({ length: HIDDEN }, (_, i) => 600 + i),
  );
  for (const { at, ppm } of forecasts) {
    // The level lacks up to 8 weeks of a season of ±3, stands still while 8 weeks grow, and near dates are mixed.
    assertAlmostEquals(ppm, CALM[at].ppm!, 3 * 8 / 44 + 8 * 0.02 + 0.1);
  }
  const other = hidden.map((week, at) =>
    at >= 608 ? { ...week, ppm: 0 } : week
  );
  assertEquals((await fill(other)).forecasts, forecasts);
});

Deno.test("baselines are what they are called", () => {
  const weeks = CALM.map((week, at) => ({
    ...week,
    ppm: at === 399 || at === 400 ? undefined : at,
  }));
  const named = Object.entries(BASELINES).map((
    [name, baseline],
  ) => [name, baseline(weeks, 401)]);
  const window = weeks.slice(401 - WINDOW + 1, 401).flatMap(({ ppm }) =>
    ppm ?? []
  );
  assertEquals(named, [
    ["the last value", 398],
    ["the same week last year", 349],
    [
      "the mean of the window",
      window.reduce((sum, x) => sum + x, 0) / window.length,
    ],
    ["the last value and last year's change since", 401],
  ]);
  assertEquals(Object.values(BASELINES)[0](weeks, 0), NaN);
});

Deno.test("tryOut() judges all by the same hidden weeks", () => {
  const { weeks, errors } = tryOut(CALM, 2);
  // Two runs, in which every block behind the first window counts.
  assertEquals(weeks, 2 * Math.floor((CALM.length - WINDOW) / EVERY));
  assertEquals(errors.map((row) => row.length), FORECASTERS.map(() => HIDDEN));
  const growth = 0.02 * 52;
  for (const error of errors[FORECASTERS.indexOf("the same week last year")]) {
    // 52 weeks are a day short of a year: up to 3 · 2π / 365 more or less.
    assertAlmostEquals(error, growth, 3 * 2 * Math.PI * 1.2425 / 365.2425);
  }
});

Deno.test("the example claims what is true, in lines that fit", async () => {
  const { code, text, complaints } = await show(WEEKS, 10);
  assertEquals([code, complaints], [0, []]);
  assertEquals(text.match(/^ {2}NO /gm), null);
  assertEquals(text.match(/^ {2}yes /gm)!.length, 6);
  for (const line of text.split("\n")) {
    assert([...line].length <= WIDTH, `${line.length} columns: ${line}`);
  }
  assertStringIncludes(text, "2 284 weeks");
  assertStringIncludes(text, "59 are missing in 22 gaps");
});

Deno.test("the example says NO where a claim is not true, and fails", async () => {
  // A series that does what it likes: the seasons say nothing.
  let ppm = 300, word = 1;
  const wild = WEEKS.map((week) => {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    ppm += (word / 2 ** 32 - 0.5) * 8;
    return { ...week, ppm: week.ppm === undefined ? undefined : ppm };
  });
  const { code, text, complaints } = await show(wild, 2);
  assertEquals(code, 1);
  assertStringIncludes(text, "\n  NO   From the second week");
  assertEquals(complaints.length, 1);
  assertStringIncludes(complaints[0], "The example failed: ");
});

Deno.test("a forecaster forgets what left its window", () => {
  const steps = stepsOf(CALM),
    long = makeForecaster(),
    short = makeForecaster();
  let last: number[][] = [];
  for (const { sample } of steps.slice(300, 600)) {
    last = step(long, sample).to2DArray();
  }
  let same: number[][] = [];
  for (const { sample } of steps.slice(600 - WINDOW, 600)) {
    same = step(short, sample).to2DArray();
  }
  // Biases count from another step: their rounding is all that may differ, below 2⁻⁵⁰ of a weight, and the last bit.
  assertAlmostEquals(last[0][0], same[0][0], 2 ** -31 * 4);
});
