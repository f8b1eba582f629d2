/**
 * The tasks: their truths found again by other means, and that attention is good for them.
 *
 * @module
 */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { pseudoInverse } from "ml-matrix";
import { errorToTruth } from "../../../bench/cab/measures.ts";
import { readSeries } from "../../../bench/cab/tasks/co2.ts";
import { exact, mean } from "../../../bench/cab/methods/exact.ts";
import { PATTERNS, type Problem } from "../../../bench/cab/problem.ts";
import {
  askedOf,
  type Instance,
  type Task,
  TASKS,
} from "../../../bench/cab/tasks.ts";
import { DenseMatrix } from "../../../mod.ts";

const LENGTH = 256;
/** Half the distance from 1 to the next 32-bit number. */
const UNIT32 = 2 ** -24;
const SEEDS = [1, 2];

for (const task of TASKS) {
  Deno.test(`${task.name}: the same seed makes the same, in 32 bits and of the shape it says`, () => {
    const made = task.make(1, LENGTH), { problem, truth, scored } = made;
    assertEquals(task.make(1, LENGTH), made);
    assertEquals(problem.pattern, task.pattern);
    for (const matrix of [problem.queries, problem.keys, problem.values]) {
      for (const number of matrix.data) {
        assertEquals(number, Math.fround(number));
        assert(Number.isFinite(number));
      }
    }
    assertEquals(problem.queries.columns, problem.keys.columns);
    assertEquals(problem.values.rows, problem.keys.rows);
    assertEquals(truth.rows, problem.queries.rows);
    assertEquals(truth.columns, problem.values.columns);
    assertEquals(scored.length, truth.data.length);
    assertGreater(askedOf(made).length, 0);
    if (task.pattern === "NS" || task.pattern === "CS") {
      assertEquals(problem.queries.rows, problem.keys.rows);
    }
    if (task.name !== "seasonal forecast") {
      assertNotEquals(task.make(2, LENGTH).truth, truth);
    }
  });

  Deno.test(`${task.name}: exact attention finds most of the truth, the mean of V nothing`, () => {
    for (const seed of SEEDS) {
      const { problem, truth, scored } = task.make(seed, LENGTH);
      const error = errorToTruth(exact(problem).outputs, truth, scored);
      // Less than a tenth of the variance is left.
      assertLess(error, Math.sqrt(0.1));
      const constant = errorToTruth(mean(problem).outputs, truth, scored);
      // The best constant has 1; that of few values comes near it.
      assertGreater(constant, 0.95);
    }
  });
}

Deno.test("TASKS have two for each pattern", () => {
  const counts = PATTERNS.map((pattern) =>
    TASKS.filter((task) => task.pattern === pattern).length
  );
  assertEquals(counts, [2, 2, 2, 2]);
});

Deno.test("retrieval: the truth is the content of the name that is most alike, brute force, and never its own", () => {
  forSeeds("retrieval", ({ problem, truth }) => {
    for (let i = 0; i < LENGTH; i++) {
      const found = mostAlike(problem, i);
      assertNotEquals(found, i);
      assertEquals(truth.row(i), problem.values.row(found));
    }
  });
});

Deno.test("smoothing: the truth is two waves around the circle, the noise of deviation 1", () => {
  forSeeds("smoothing", ({ problem: { keys, values }, truth }) => {
    const angles = keys.to2DArray().map(([x, y]) => Math.atan2(y, x));
    const waves = DenseMatrix.from(
      angles.map((
        a,
      ) => [Math.cos(a), Math.sin(a), Math.cos(2 * a), Math.sin(2 * a)]),
    );
    const factors = pseudoInverse(waves).mmul(truth);
    const again = waves.mmul(factors).to1DArray();
    // Angles of 32-bit places, twice, and a height of 32 bits, of sums of four factors of size 3.
    truth.data.forEach((height, at) =>
      assertAlmostEquals(again[at], height, 64 * UNIT32)
    );
    let sum = 0, squares = 0;
    values.data.forEach((value, at) => {
      sum += value - truth.data[at];
      squares += (value - truth.data[at]) ** 2;
    });
    const count = values.data.length;
    // Five deviations of a mean, and of a variance, of so many normal numbers.
    assertAlmostEquals(sum / count, 0, 5 / Math.sqrt(count));
    assertAlmostEquals(squares / count, 1, 5 * Math.sqrt(2 / count));
  });
});

Deno.test("associative recall: the truth is what was last written under the name, and is overwritten later", () => {
  forSeeds("associative recall", (instance) => {
    const { problem: { queries, keys, values }, truth } = instance;
    const last = keys.columns - 1, asked = askedOf(instance);
    const name = (rows: DenseMatrix, i: number) =>
      rows.row(i).subarray(0, last).join();
    const writes = (j: number) => keys.get(j, last) === 0;
    assertEquals(asked.length, Math.floor(LENGTH / 3));
    for (const i of asked) {
      const places = Array.from({ length: LENGTH }, (_, j) => j).filter((j) =>
        writes(j) && name(keys, j) === name(queries, i)
      );
      assertEquals(places.length, 2);
      const [before, after] = places;
      assert(before < i && i < after);
      assertEquals(truth.row(i), values.row(before));
      assertNotEquals(truth.row(i), values.row(after));
      assert(!writes(i));
    }
  });
});

Deno.test("associative recall: who sees the future is half wrong", () => {
  forSeeds("associative recall", ({ problem, truth, scored }) => {
    const { outputs } = exact({ ...problem, pattern: "NS" });
    // The mean of two independent contents is √½ off the right one.
    assertGreater(errorToTruth(outputs, truth, scored), 0.5);
  });
});

Deno.test("copy at a distance: the truth is half a length behind, at the key that is the query", () => {
  forSeeds("copy at a distance", (instance) => {
    const { problem: { queries, keys, values }, truth } = instance;
    const half = LENGTH / 2, asked = askedOf(instance);
    assertEquals(asked, Array.from({ length: half }, (_, i) => half + i));
    for (const i of asked) {
      assertEquals(truth.row(i), values.row(i - half));
      assertEquals(queries.row(i), keys.row(i - half));
    }
  });
});

Deno.test("nearest neighbours: places are on the torus, truths its gradient, and the nearest point looks much the same", () => {
  forSeeds("nearest neighbours", ({ problem, truth }) => {
    const { queries, keys, values } = problem;
    const check = (places: DenseMatrix, normals: DenseMatrix) => {
      for (let i = 0; i < places.rows; i++) {
        const [x, y, z] = places.row(i), around = Math.hypot(x, y);
        const tube = Math.hypot(around - 1, z);
        // Of 32-bit coordinates of size 1.4, three of them.
        assertAlmostEquals(tube, 0.4, 8 * UNIT32);
        const gradient = [
          (around - 1) * x / around / tube,
          (around - 1) * y / around / tube,
          z / tube,
        ];
        normals.row(i).forEach((part, c) =>
          // The same, over the radius of the tube.
          assertAlmostEquals(part, gradient[c], 32 * UNIT32)
        );
      }
    };
    check(queries, truth);
    check(keys, values);
    const nearest = truth.clone();
    for (let i = 0; i < queries.rows; i++) {
      const distances = Array.from(
        { length: keys.rows },
        (_, j) =>
          Math.hypot(
            ...[0, 1, 2].map((c) => queries.get(i, c) - keys.get(j, c)),
          ),
      );
      const best = distances.indexOf(Math.min(...distances));
      assertEquals(best, mostAlike(problem, i));
      nearest.data.set(values.row(best), 3 * i);
    }
    const all = new Uint8Array(truth.data.length).fill(1);
    assertLess(errorToTruth(nearest, truth, all), Math.sqrt(0.1));
  });
});

Deno.test("seasonal forecast: the truth is the file, and keys know nothing of the weeks that are asked for", () => {
  const text = Deno.readTextFileSync(
    new URL("../../../examples/co2_stream/co2.csv", import.meta.url),
  );
  const weeks = text.trim().split("\n").slice(1).map((line) => {
    const [date, level] = line.split(",");
    return { date, level: level === "" ? undefined : Number(level) };
  });
  assertEquals(weeks.length, 2284);
  assertEquals(
    weeks.filter(({ level }) => level === undefined).length,
    59,
  );
  const { problem, truth, scored } = taskOf("seasonal forecast").make(
    1,
    LENGTH,
  );
  const { queries, keys, values } = problem, count = queries.rows;
  // The last query knows all but the last 26 weeks, each other one three weeks less.
  const now = (i: number) => weeks.length - 27 - 3 * (count - 1 - i);
  const rise = (from: number, to: number) =>
    Math.fround(weeks[to].level! - weeks[from].level!);
  let measured = 0;
  for (let i = 0; i < count; i++) {
    assert(weeks[now(i)].level !== undefined);
    for (let c = 0; c < 26; c++) {
      const there = weeks[now(i) + 1 + c].level !== undefined;
      assertEquals(scored[i * 26 + c], there ? 1 : 0);
      if (!there) continue;
      measured++;
      assertEquals(truth.get(i, c), rise(now(i), now(i) + 1 + c));
    }
    for (let c = 0; c < 52; c++) {
      if (weeks[now(i) - 52 + c].level === undefined) continue;
      assertEquals(queries.get(i, c), rise(now(i), now(i) - 52 + c));
    }
  }
  assertGreater(measured, 25 * count);
  // The last key ends where the first question begins.
  const end = now(0) - 26, last = keys.rows - 1;
  for (let c = 0; c < 26; c++) {
    if (weeks[end + 1 + c].level === undefined) continue;
    assertEquals(values.get(last, c), rise(end, end + 1 + c));
  }
});

Deno.test("readSeries() draws straight lines over what was not measured", () => {
  const { levels, measured } = readSeries();
  let gaps = 0;
  for (let at = 0; at < levels.length; at++) {
    if (measured[at] === 1) continue;
    gaps++;
    const before = measured.lastIndexOf(1, at), after = measured.indexOf(1, at);
    const share = (at - before) / (after - before);
    const line = (1 - share) * levels[before] + share * levels[after];
    // Some ten steps from the one before, each of levels below 512 rounded.
    assertAlmostEquals(levels[at], line, 16 * 512 * Number.EPSILON);
  }
  assertEquals(gaps, 59);
});

Deno.test("seasonal forecast: a length that the series has no windows for is refused", () => {
  assertThrows(
    () => taskOf("seasonal forecast").make(1, 1024),
    RangeError,
    "Cannot make a forecast: length is 1024, the series should be long enough for it",
  );
});

Deno.test("alignment: the truth is the nearest token, which moves on by one at a time", () => {
  forSeeds("alignment", ({ problem, truth }) => {
    let before = 0;
    for (let i = 0; i < LENGTH; i++) {
      const found = mostAlike(problem, i);
      assertEquals(truth.row(i), problem.values.row(found));
      assert(found === before || found === before + 1);
      before = found;
    }
    assertGreater(before, LENGTH / 5);
  });
});

Deno.test("monotone copy: the truth is the word that is most alike, always a later one", () => {
  forSeeds("monotone copy", ({ problem, truth }) => {
    let before = -1;
    for (let i = 0; i < LENGTH / 2; i++) {
      const found = mostAlike(problem, i);
      assertEquals(truth.row(i), problem.values.row(found));
      assertGreater(found, before);
      before = found;
    }
  });
});

function taskOf(name: string): Task {
  return TASKS.find((task) => task.name === name)!;
}

function forSeeds(name: string, check: (instance: Instance) => void): void {
  for (const seed of SEEDS) check(taskOf(name).make(seed, LENGTH));
}

/** The key of the largest product with a query. */
function mostAlike({ queries, keys }: Problem, i: number): number {
  const query = queries.row(i);
  const products = Array.from({ length: keys.rows }, (_, j) => {
    const key = keys.row(j);
    return query.reduce((sum, number, c) => sum + number * key[c], 0);
  });
  return products.indexOf(Math.max(...products));
}
