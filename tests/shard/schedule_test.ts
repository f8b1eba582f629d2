/**
 * Equal shares of tiles: every tile once, in order, no worker more than one tile ahead.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { leanSchedule } from "../../src/shard/mod.ts";
import { anything, refuses } from "../refusals.ts";
import { forSeeds } from "../scripts.ts";

Deno.test("leanSchedule() of no tiles gives every worker nothing", () => {
  assertEquals(leanSchedule([], 2), [[], []]);
  assertEquals(leanSchedule([0, 0], 3), [[], [], []]);
  assertEquals(leanSchedule([0, 1, 0], 3), [[[1, 0, 1]], [], []]);
});

Deno.test("leanSchedule() of heads of 5, 3 and 7 tiles for four workers cuts two of them", () => {
  assertEquals(leanSchedule([5, 3, 7], 4), [
    [[0, 0, 4]],
    [[0, 4, 5], [1, 0, 3]],
    [[2, 0, 4]],
    [[2, 4, 7]],
  ]);
  assertEquals(leanSchedule(Int32Array.of(2, 1), 1), [[[0, 0, 2], [1, 0, 1]]]);
});

Deno.test("doors: a list, whole numbers, at least one worker", () => {
  refuses(
    () => leanSchedule(anything(5), 2),
    TypeError,
    "Cannot schedule tiles: tilesPerHead is 5, it should be a list of numbers",
  );
  refuses(
    () => leanSchedule([1, -1], 2),
    RangeError,
    "Cannot schedule tiles: tilesPerHead[1] is -1, it should be a whole number from 0 to 4294967296",
  );
  for (const workers of [0, 1.5, NaN]) {
    refuses(
      () => leanSchedule([1], workers),
      RangeError,
      `Cannot schedule tiles: workers is ${workers}, it should be a whole number from 1 to 1048576`,
    );
  }
});

Deno.test("leanSchedule() covers every tile once, in order, in shares that differ by one at most", () => {
  forSeeds(300, (_, random) => {
    const heads = Array.from(
      { length: random.integer(8) },
      () => random.integer(9),
    );
    const workers = 1 + random.integer(12);
    const schedule = leanSchedule(heads, workers);
    assertEquals(schedule.length, workers);
    const shares = schedule.map((ranges) =>
      ranges.reduce((sum, [, from, to]) => sum + to - from, 0)
    );
    assert(Math.max(...shares) - Math.min(...shares) <= 1, `${shares}`);
    assertEquals(shares, shares.toSorted((a, b) => b - a));
    const tiles = schedule.flat().flatMap(([head, from, to]) => {
      assert(to > from, "an empty range");
      return Array.from({ length: to - from }, (_, i) => `${head}.${from + i}`);
    });
    const expected = heads.flatMap((count, head) =>
      Array.from({ length: count }, (_, i) => `${head}.${i}`)
    );
    assertEquals(tiles, expected);
    // A head has two ranges in a row only where a worker changes.
    for (const ranges of schedule) {
      assertEquals(new Set(ranges.map(([head]) => head)).size, ranges.length);
    }
  });
});
