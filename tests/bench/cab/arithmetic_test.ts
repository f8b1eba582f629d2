/**
 * The arithmetic of the benchmark: measures, the compositional index, fits and efficiency lengths, correlations, options.
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
import { correlate } from "../../../bench/cab/correlation.ts";
import {
  efficiencyLength,
  fit,
  LEAST_EXPLAINED,
} from "../../../bench/cab/efficiency.ts";
import { crossings, type Growth } from "../../../bench/cab/growth.ts";
import {
  compositionalIndex,
  type Metric,
  metricOf,
  PUBLISHED_VANILLA,
  publishedMetrics,
} from "../../../bench/cab/leaderboard.ts";
import {
  capturedMass,
  errorToTruth,
  relativeError,
  topAgreement,
} from "../../../bench/cab/measures.ts";
import { VANILLA } from "../../../bench/cab/methods.ts";
import { readOptions } from "../../../bench/cab/options.ts";
import { DenseMatrix } from "../../../mod.ts";

/** Sums of a few numbers of size 1, rounded. */
const ROUNDING = 16 * Number.EPSILON;

Deno.test("relativeError() is over all matrices together, and over the rows asked for", () => {
  const exact = [matrix([[3, 0], [0, 4]]), matrix([[12, 0]])];
  const answer = [matrix([[3, 1], [2, 4]]), matrix([[12, 2]])];
  assertEquals(relativeError(answer, exact), 3 / 13);
  assertEquals(relativeError([answer[0]], [exact[0]], [1]), 2 / 4);
  assertEquals(relativeError(exact, exact), 0);
});

Deno.test("errorToTruth() is 1 for the mean of the truth, column by column, where it is scored", () => {
  const truth = matrix([[1, 10], [3, 30], [99, 20]]);
  const scored = Uint8Array.of(1, 1, 1, 1, 0, 1);
  const constant = matrix([[2, 20], [2, 20], [2, 20]]);
  assertEquals(errorToTruth(constant, truth, scored), 1);
  assertEquals(errorToTruth(truth, truth, scored), 0);
  // Off by 1 and by 10 of a spread of 1 + 1 + 100 + 100.
  const near = matrix([[2, 10], [3, 30], [-7, 30]]);
  assertAlmostEquals(
    errorToTruth(near, truth, scored),
    Math.sqrt(101 / 202),
    ROUNDING,
  );
});

Deno.test("topAgreement() counts rows whose largest weight is at the same place", () => {
  const exact = matrix([[0.5, 0.5], [0.1, 0.9], [0.8, 0.2], [0, 1]]);
  const other = matrix([[0.6, 0.4], [0.9, 0.1], [0.7, 0.3], [1, 0]]);
  assertEquals(topAgreement(other, exact, [0, 1, 2, 3]), 0.5);
  assertEquals(topAgreement(other, exact, [0, 2]), 1);
  // Of equal ones the first counts, on both sides.
  assertEquals(
    topAgreement(matrix([[0.5, 0.5]]), matrix([[0.2, 0.8]]), [0]),
    0,
  );
});

Deno.test("capturedMass() is the mass of the keys that are met, and what distributions share", () => {
  const exact = matrix([[0.5, 0.3, 0.2]]);
  const renormalised = matrix([[0.625, 0.375, 0]]);
  assertAlmostEquals(capturedMass(renormalised, exact, [0]), 0.8, ROUNDING);
  const third = matrix([[1 / 3, 1 / 3, 1 / 3]]);
  assertAlmostEquals(
    capturedMass(third, exact, [0]),
    1 / 3 + 0.3 + 0.2,
    ROUNDING,
  );
  // A weight below 0 covers nothing, and takes nothing away.
  assertEquals(capturedMass(matrix([[1.5, -1, 0.5]]), exact, [0]), 0.7);
});

Deno.test("compositionalIndex() gives the published indices of vanilla attention", () => {
  const expected: Record<string, [Record<string, number>, number]> = {
    NS: [{ TTS: -0.3007, Sum: -0.2491, SR: -0.0766, MLM: 0.5276 }, -0.0247],
    NC: [{ PCC: 0.4495, LSTF: 0.7442 }, 0.5968],
    CC: [{ TTS: 1.0473, Sum: 0.8665 }, 0.9569],
  };
  assertEquals(PUBLISHED_VANILLA.length, 3);
  for (const { pattern, values } of PUBLISHED_VANILLA) {
    const metrics = publishedMetrics(pattern);
    const { tasks, index } = compositionalIndex(metrics, values);
    const [parts, whole] = expected[pattern];
    assertEquals(Object.keys(tasks), Object.keys(parts));
    for (const [task, part] of Object.entries(parts)) {
      // Half a unit of the last digit of either side.
      assertAlmostEquals(tasks[task]!, part, 0.5e-4);
    }
    assertAlmostEquals(index!, whole, 0.5e-4);
  }
});

Deno.test("compositionalIndex() makes null of what is missing, and of all that it belongs to", () => {
  const metrics = publishedMetrics("CS");
  const values = [4, 2.2, 33, 6, 30, null];
  const { tasks, index } = compositionalIndex(metrics, values);
  assertEquals(tasks.LM, null);
  assertEquals(index, null);
  assert(tasks.TTS !== null && tasks.Sum !== null);
  // The published script makes a score of the marker −100.
  const { tasks: { LM } } = compositionalIndex(metrics, [
    ...values.slice(0, 5),
    -100,
  ]);
  assertAlmostEquals(LM!, 14.73, 0.005);
});

Deno.test("compositionalIndex() compares nobody where all are alike", () => {
  const metric: Metric = {
    task: "a",
    name: "x",
    mean: 1,
    deviation: 0,
    better: "less",
  };
  assertEquals(compositionalIndex([metric], [1]), {
    tasks: { a: null },
    index: null,
  });
});

Deno.test("metricOf() is mean and sample deviation of the scores that there are", () => {
  const metric = metricOf("a", "x", "less", [1, null, 3, 5]);
  assertEquals(metric.mean, 3);
  assertEquals(metric.deviation, 2);
  assertEquals(compositionalIndex([metric], [1]).index, 1);
  assertEquals(metricOf("a", "x", "less", [7, null]).deviation, 0);
});

Deno.test("fit() finds the polynomial that there is, at lengths of thousands", () => {
  const points = [256, 512, 1024, 2048, 4096, 8192].map((x) =>
    [x, 3 + 0.002 * x + 1e-5 * x * x] as const
  );
  const { factors: [c, b, a], explained } = fit(points, 2);
  // The normal equations square a condition of some 1e3.
  const lost = 1e6 * Number.EPSILON;
  assertAlmostEquals(c, 3, 600 * lost);
  assertAlmostEquals(b, 0.002, lost);
  assertAlmostEquals(a, 1e-5, lost);
  assertAlmostEquals(explained, 1, lost);
});

Deno.test("fit() is least squares, and says what it explains", () => {
  // Through (1, 1), (2, 3), (3, 2): slope ½, from 1; it leaves 1.5 of 2.
  const { factors: [e, d], explained } = fit([[1, 1], [2, 3], [3, 2]], 1);
  assertAlmostEquals(e, 1, ROUNDING * 8);
  assertAlmostEquals(d, 0.5, ROUNDING * 8);
  assertAlmostEquals(explained, 0.25, ROUNDING * 8);
  assertEquals(fit([[1, 5], [2, 5], [4, 5]], 1).explained, 1);
});

Deno.test("fit() refuses fewer points than it has factors", () => {
  assertThrows(
    () => fit([[1, 1], [2, 2]], 2),
    RangeError,
    "Cannot fit: there are 2 points, there should be 3 or more",
  );
});

Deno.test("efficiencyLength() is that of the published self-check", () => {
  const { length, discriminant } = efficiencyLength(
    [3, 0.002, 1e-5],
    [9, 0.02],
  );
  assertAlmostEquals(length!, 2087.434, 0.0005);
  assertAlmostEquals(discriminant, 0.018 ** 2 + 4e-5 * 6, ROUNDING);
});

Deno.test("efficiencyLength() says why there is none", () => {
  const none = (vanilla: number[], line: number[]) => {
    const { length, reason } = efficiencyLength(vanilla, line);
    assertEquals(length, null);
    return reason;
  };
  const negative = efficiencyLength([9, 0, 1], [0, 0]);
  assertEquals(negative.discriminant, -36);
  assertEquals(
    none([9, 0, 1], [0, 0]),
    "the discriminant is negative: by the fits cheaper at every length",
  );
  assertEquals(
    none([2, 3, 1], [0, 0]),
    "the curves meet at no length: by the fits cheaper at every one",
  );
  assertEquals(
    none([0, 1, 0], [0, 2]),
    "exact attention does not grow with the square",
  );
});

Deno.test("crossings() reports poor fits, lengths beyond what was measured, and from where on a method was cheaper", () => {
  const lengths = [1, 2, 3, 4, 5];
  const growth = (name: string, cost: (length: number) => number): Growth => ({
    name,
    time: lengths.map((length) => [length, cost(length)]),
    bytes: lengths.map((length) => [length, cost(length)]),
  });
  const { methods, explained } = crossings([
    growth(VANILLA, (length) => length ** 2),
    growth("line", (length) => 6 + length),
    growth("far", () => 100),
    growth("cube", (length) => length ** 3),
  ], "bytes");
  assertAlmostEquals(explained, 1, 1e3 * Number.EPSILON);
  const [line, far, cube] = methods;
  assertAlmostEquals(line.length!, 3, 1e4 * Number.EPSILON);
  assertEquals([line.measured, line.beyond], [4, false]);
  assertAlmostEquals(far.length!, 10, 1e4 * Number.EPSILON);
  assertEquals([far.measured, far.beyond], [null, true]);
  assert(cube.explained < LEAST_EXPLAINED);
  assertEquals(cube.measured, null);
});

Deno.test("crossings() leaves out the time of the shortest sequence, and no other cost", () => {
  const points = [1, 2, 3, 4].map((length) =>
    [length, length === 1 ? 50 : length ** 2] as const
  );
  const growths = [{ name: VANILLA, time: points, bytes: points }];
  const { factors: [, , a] } = crossings(growths, "time");
  assertAlmostEquals(a, 1, 1e4 * Number.EPSILON);
  assert(crossings(growths, "bytes").factors[2] > 2);
});

Deno.test("correlate() is Pearson's, of pairs that are whole", () => {
  const { coefficient, pairs } = correlate([1, 2, null, 3, 9], [
    2,
    4,
    5,
    6,
    null,
  ]);
  assertAlmostEquals(coefficient!, 1, ROUNDING);
  assertEquals(pairs, 3);
  assertAlmostEquals(
    correlate([1, 2, 3], [1, 3, 2]).coefficient!,
    0.5,
    ROUNDING,
  );
  assertAlmostEquals(
    correlate([1, 2, 3], [3, 2, 1]).coefficient!,
    -1,
    ROUNDING,
  );
});

Deno.test("correlate() has nothing to say of two pairs, or of a side that does not vary", () => {
  assertEquals(correlate([1, 2, null], [2, 1, 3]), {
    coefficient: null,
    pairs: 2,
  });
  assertEquals(correlate([1, 1, 1], [1, 2, 3]).coefficient, null);
});

Deno.test("readOptions() knows --quick, --busy and --date, and refuses what it does not know", () => {
  const today = "2026-01-02";
  assertEquals(readOptions([], today), {
    quick: false,
    busy: false,
    date: today,
  });
  assertEquals(readOptions(["--date=2025-12-31", "--busy", "--quick"], today), {
    quick: true,
    busy: true,
    date: "2025-12-31",
  });
  for (const word of ["--date=1.1.2026", "quick"]) {
    const { message } = assertThrows(
      () => readOptions([word], today),
      RangeError,
    );
    assertStringIncludes(
      message,
      `Cannot run: there is the option ${word}, it should be --quick, --busy or --date=YYYY-MM-DD`,
    );
  }
});

function matrix(numbers: number[][]): DenseMatrix {
  return DenseMatrix.from(numbers);
}
