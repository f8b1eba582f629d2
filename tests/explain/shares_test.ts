/**
 * Shares of outputs: what they add up to, and when there are none.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { outputShares } from "../../src/explain/mod.ts";
import { sameBits, within } from "../same.ts";
import { forSeeds } from "../scripts.ts";
import { drawCase } from "./hostile.ts";

/** Half the distance from 1 to the next number. */
const UNIT = 2 ** -53;

Deno.test("outputShares() of an output of 0 are 0, also where rounding leaves something of it", () => {
  for (
    const values of [[[1], [-1]], [[0], [0]], [[1e150], [-1e150]], [[5e-324], [
      -5e-324,
    ]]]
  ) {
    assertEquals(outputShares([[0.5, 0.5]], values).to2DArray(), [[0, 0]]);
  }
  // 0.1 + 0.2 − 0.3 is 5.6e−17.
  const parts = outputShares([[0.1, 0.2, 0.3]], [[1], [1], [-1]]);
  assertEquals(parts.to2DArray(), [[0, 0, 0]]);
});

Deno.test("outputShares() of an output that nearly cancels, but is more than rounding, add up to 1", () => {
  // The output is 2⁻⁴⁰ of its parts.
  const shares = outputShares([[0.5, 0.5]], [[1], [2 ** -39 - 1]]).data;
  assertEquals([...shares], [2 ** 39, 1 - 2 ** 39]);
});

Deno.test("outputShares() are negative for what pulls the other way", () => {
  const shares = outputShares([[0.5, 0.25, 0.25]], [[2, 0], [-2, 0], [0, 8]]);
  // The output is (0.5, 2).
  within(
    shares.data,
    [0.5 / 4.25, -0.25 / 4.25, 4 / 4.25],
    () => 4 * UNIT,
    3,
    "shares",
  );
});

Deno.test("outputShares() are (a·t · o)/|o|² and add up to 1, whatever the sizes", () => {
  let some = 0;
  forSeeds(2000, (_, random) => {
    const { weights, values, kind } = drawCase(random),
      width = values[0].length;
    const [shares] = outputShares([weights], values).to2DArray();
    const output = Array.from({ length: width }, () => 0);
    const sizes = output.slice();
    values.forEach((row, key) =>
      row.forEach((number, c) => {
        output[c] += weights[key] * number;
        sizes[c] += Math.abs(weights[key] * number);
      })
    );
    const peak = Math.max(0, ...output.map(Math.abs));
    if (shares.every((share) => share === 0)) {
      output.forEach((number, c) =>
        assert(Math.abs(number) <= (values.length + 2) * UNIT * sizes[c], kind)
      );
      return;
    }
    some++;
    const unit = output.map((number) => number / peak);
    const squares = unit.reduce((sum, number) => sum + number * number, 0);
    // An output that cancels is off by roundings of its parts, and so is what they are divided by.
    const cancelled = Math.max(...sizes) / peak;
    const limit = 8 * (values.length + width) * UNIT * cancelled *
      (1 + cancelled);
    const sum = shares.reduce((total, share) => total + share, 0);
    assert(
      Math.abs(sum - 1) <= values.length * limit,
      `${kind}: ${sum}, up to ${limit}`,
    );
    const expected = values.map((row, key) =>
      row.reduce(
        (total, number, c) => total + weights[key] * (number / peak) * unit[c],
        0,
      ) / squares
    );
    within(shares, expected, () => limit, shares.length, kind);
    const scale = 2 ** (random.integer(201) - 100);
    if (kind === "tiny" || kind === "huge" || kind === "columns of all sizes") {
      return;
    }
    const scaled = values.map((row) => row.map((number) => number * scale));
    sameBits(
      outputShares([weights.map((weight) => 4 * weight)], scaled).data,
      shares,
      `${kind}, scaled`,
    );
  });
  assert(some > 1500);
});
