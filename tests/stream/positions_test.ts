/**
 * Positions that go round: distances are the same wherever they are, and rows of a window differ.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { cyclicPositions } from "../../src/stream/mod.ts";
import { refuses } from "../refusals.ts";

function dot(a: number[], b: number[]): number {
  return a.reduce((sum, x, t) => sum + x * b[t], 0);
}

Deno.test("cyclicPositions() of few rows or columns are what is left of the waves", () => {
  assertEquals(cyclicPositions(1, 3).to2DArray(), [[0, 1, 0]]);
  assertEquals(cyclicPositions(2, 1).to2DArray(), [[0], [0]]);
  const none = cyclicPositions(4, 0);
  assertEquals([none.rows, none.columns], [4, 0]);
});

Deno.test("cyclicPositions() refuses sides that are no sides", () => {
  refuses(
    () => cyclicPositions(0, 2),
    RangeError,
    "Cannot make positions: period is 0, it should be a whole number from 1 to 16777216",
  );
  refuses(
    () => cyclicPositions(4, 1.5),
    RangeError,
    "Cannot make positions: dim is 1.5, it should be a whole number from 0 to 4294967295",
  );
});

Deno.test("cyclicPositions() are as far apart as their steps, round the end too", () => {
  for (const [period, dim] of [[3, 2], [7, 4], [19, 5], [64, 16], [127, 64]]) {
    const table = cyclicPositions(period, dim).to2DArray();
    const pairs = Math.floor(dim / 2);
    for (let i = 0; i < period; i++) {
      for (let j = 0; j < period; j++) {
        const expected = dot(table[0], table[(j - i + period) % period]);
        // An angle below 2π is off by three roundings and its sine by one more, 20 units of 2⁻⁵³ together; a dot product
        // has two of them for each of its products, which it adds up, and there are two dot products.
        const bound = 2 * dim * (2 * 20 + dim) * 2 ** -53;
        const error = Math.abs(dot(table[i], table[j]) - expected);
        assert(error <= bound, `${period} × ${dim}: ${i}, ${j}: ${error}`);
        // Another step is another row: nothing is as near as the row itself.
        if (i !== j) assert(expected < pairs - bound, `${i} is ${j}`);
      }
    }
  }
});

Deno.test("cyclicPositions() have waves from one to half of the period", () => {
  const period = 64, dim = 8, table = cyclicPositions(period, dim);
  const waves = [0, 1, 2, 3].map((pair) => {
    const angle = Math.atan2(
      table.get(1, 2 * pair),
      table.get(1, 2 * pair + 1),
    );
    return angle / (2 * Math.PI / period);
  });
  assertEquals(waves.map(Math.round), [1, 3, 10, 32]);
});

Deno.test("cyclicPositions() keep their digits in the shortest waves", () => {
  const table = cyclicPositions(4096, 4);
  for (let row = 0; row < table.rows; row++) {
    // Half turns: the sine of what f64 has for π is below 2⁻⁵², however many of them.
    assert(Math.abs(table.get(row, 2)) < 2 ** -52, `${row}`);
    assertEquals(table.get(row, 3), row % 2 === 0 ? 1 : -1);
  }
});
