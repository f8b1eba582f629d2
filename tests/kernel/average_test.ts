/**
 * Averages are off by what their bound says, and hold the mass and the magnitude of a row that was started over.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { attend, createAttention, stats } from "../../mod.ts";
import { openAttention } from "../../src/attention.ts";
import { AVERAGE_ERROR } from "../../src/kernel/average.ts";
import { makeScalar } from "../../src/kernel/choose.ts";
import { seeded } from "../../src/random.ts";
import { makeScratch, makeSums } from "../../src/softmax/row.ts";
import type { OracleKey } from "../oracle.ts";
import { normals, pick } from "../scripts.ts";
import { bitsOf, entryOf, queryOf, stepsOff, tableOf } from "../sums.ts";
import { thin } from "../sparse.ts";

const SCALE = 0.3, DIM = 3;

Deno.test("average() of no keys leaves an exactly empty row", () => {
  const kernel = makeScalar(), sums = makeSums(1, DIM, 2);
  const fresh = makeSums(1, DIM, 2), none = tableOf(new Float32Array(0), 2);
  sums.numeratorHigh.fill(3);
  for (const [act, row] of [["average", sums], ["recompute", fresh]] as const) {
    kernel[act](row, 0, makeScratch(0), 0, none, new Float64Array(0));
  }
  assertEquals(bitsOf(sums), bitsOf(fresh));
});

Deno.test("average() keeps to its error, is nearer than a plain sum may be, and shares the rest with recompute()", () => {
  const random = seeded(35), kernel = makeScalar();
  let worst = 0;
  for (let round = 0; round < 100; round++) {
    const valueDim = pick(random, [1, 2, 3, 7, 8, 17]);
    const row = Float32Array.from(normals(random, DIM, 1));
    const offset = pick(random, [0, 0, 100]);
    const count = 1 + random.integer(offset === 0 ? 70 : 1500);
    const keys: OracleKey[] = Array.from({ length: count }, () => ({
      key: normals(random, DIM, 1).map(Math.fround),
      value: thin(random, normals(random, valueDim, 1))
        .map((x) => Math.fround(x * pick(random, [1, 1, 2 ** -40]) + offset)),
      bias: random.normal() * pick(random, [1, 8]),
    }));
    const fold = (act: "average" | "recompute") => {
      const sums = makeSums(1, DIM, valueDim), scratch = makeScratch(count);
      const flat = (rows: ArrayLike<number>[]) =>
        Float32Array.from(rows.flatMap((numbers) => Array.from(numbers)));
      const table = tableOf(flat(keys.map(({ key }) => key)), DIM);
      const values = tableOf(
        flat(keys.map(({ value }) => value)),
        valueDim,
        pick(random, ["dense", "dense", "sparse", "auto"]),
      );
      keys.forEach((_, i) => scratch.slots[i] = i);
      const biases = Float64Array.from(keys, ({ bias }) => bias * Math.LOG2E);
      const peaks = Float64Array.from(keys, (key) => entryOf(key).peak);
      kernel.score(queryOf(row, SCALE), table, biases, scratch, count);
      kernel[act](sums, 0, scratch, count, values, peaks);
      return sums;
    };
    const average = fold("average"), sums = fold("recompute");
    const magnitude = sums.magnitudeHigh[0] + sums.magnitudeLow[0];
    const roundings = magnitude * AVERAGE_ERROR / sums.fine[0];
    for (const steps of stepsOff(average, 0, row, SCALE, keys).numerators) {
      const off = Math.abs(steps) - count / 2;
      assert(off <= roundings, `round ${round}: ${off} of ${roundings} steps`);
      worst = Math.max(worst, off / roundings);
    }
    const { numeratorHigh: _, numeratorLow: __, ...ours } = bitsOf(average);
    const { numeratorHigh: ___, numeratorLow: ____, ...theirs } = bitsOf(sums);
    assertEquals(ours, theirs);
  }
  // Were it never near, the bound could be another.
  assert(worst > 0.1, `${worst} of the bound at most`);
});

Deno.test("an answer that an average cannot tell is told by sums on grids", () => {
  const random = seeded(36), dim = 8, count = 3000;
  const numbers = (rows: number) =>
    Float32Array.from(normals(random, rows * dim, 1));
  // Averages of what all but cancels: a rounding of the size of the values is large in them.
  const values = numbers(count).map((x, i) => i % 2 === 0 ? x : -x);
  const queries = numbers(200).map((x) => x / 16);
  const read = (precision: number) => {
    const a = createAttention({ keys: numbers(count), values, dim });
    Object.assign(openAttention("read", a), { precision });
    attend(a, queries);
    return stats(a).multiplyAdds / (200 * (count * (2 * dim + 1) + dim + 1));
  };
  // The work of one fold at 32 bits, of two at 44.
  const [usual, fine] = [read(32), read(44)];
  assert(usual < 1.1, `${usual}`);
  assert(fine > 1.4, `${fine}`);
});
