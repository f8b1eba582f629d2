import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import {
  drawDirections,
  fingerprint,
  orthogonal,
  project,
  projectEntries,
} from "../../../src/method/smyrf/hashing.ts";
import { forSeeds } from "../../scripts.ts";

Deno.test("a row hashes to the same bits by its entries as written out", () => {
  forSeeds(50, (seed, random) => {
    const dim = random.integer(40), directions = drawDirections(seed, 3, dim);
    const row = Float32Array.from(
      { length: dim },
      () => random.integer(2) * random.normal(),
    );
    const columns = [0, 1].flatMap((stripe) =>
      [...row.keys()].filter((c) => c % 2 === stripe && row[c] !== 0)
    );
    const entries = {
      columns: Uint32Array.from([9, ...columns]),
      numbers: Float32Array.from([9, ...columns.map((c) => row[c])]),
      start: 1,
      evens: columns.filter((c) => c % 2 === 0).length,
      count: columns.length,
    };
    for (let round = 0; round < 3; round++) {
      const hash = project(directions, round, Float64Array.of(7, ...row), 1);
      assert(Object.is(projectEntries(directions, round, entries), hash));
    }
  });
});

Deno.test("what overflows or is no number hashes to Infinity", () => {
  const directions = drawDirections(1, 1, 2);
  for (const row of [[NaN, 1], [Infinity, Infinity], [1e308, -1e308]]) {
    const hash = project(directions, 0, Float64Array.from(row), 0);
    assert(!Number.isNaN(hash));
  }
  assertEquals(project(directions, 0, Float64Array.of(NaN, 1), 0), Infinity);
});

Deno.test("orthogonal() makes a basis of each dim directions, the same for the same seed", () => {
  for (const [rounds, dim] of [[1, 1], [3, 5], [8, 3], [5, 64], [2, 0]]) {
    const { numbers } = orthogonal(drawDirections(7, rounds, dim));
    assertEquals(numbers, orthogonal(drawDirections(7, rounds, dim)).numbers);
    for (let a = 0; a < rounds && dim > 0; a++) {
      for (let b = a - a % dim; b <= a; b++) {
        let dot = 0;
        for (let c = 0; c < dim; c++) {
          dot += numbers[a * (dim + 2) + c] * numbers[b * (dim + 2) + c];
        }
        // dim products and two passes, each of a few roundings.
        assertAlmostEquals(dot, Number(a === b), 8 * (dim + 2) * 2 ** -53);
      }
    }
  }
  const other = orthogonal(drawDirections(8, 3, 5)).numbers;
  assert(other[0] !== orthogonal(drawDirections(7, 3, 5)).numbers[0]);
});

Deno.test("fingerprint() tells directions apart by any bit, place or order", () => {
  const of = (...rows: number[][]) =>
    fingerprint(rows.map((row) => Float64Array.from(row)));
  const prints = [of([1, 2]), of([2, 1]), of([1, 2 + 2 ** -51]), of([1], [3])];
  assertEquals(new Set(prints).size, 4);
  assertEquals(of([1, 2]), prints[0]);
  // 32-bit FNV-1a of eight zero bytes.
  assertEquals(of([0]), "9be17165");
});
