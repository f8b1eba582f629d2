/**
 * What is returned has been checked: a row that is off is refused, with how far.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { explainRows, type Explanation } from "../../src/explain/rows.ts";
import { makeView, outputChange } from "../../src/explain/view.ts";
import { DenseMatrix } from "../../src/matrix/dense.ts";
import { refuses } from "../refusals.ts";

Deno.test("outputChange() is the largest change of a component or of the sum, next to the largest value and the weight", () => {
  const values = DenseMatrix.from([[1e200, 0.25], [-3e200, 0], [0, 0.5]]);
  const view = makeView(values, undefined);
  const before = new Float64Array([1, -1, 2]);
  const moved = (after: number[], sums: boolean) =>
    outputChange(view, before, new Float64Array(after), sums);
  assertEquals(moved([1, -1, 2], true), 0);
  // 0.5 of 3 · 4, 0.125 of 0.5 · 4, and 0.5 of 4 if sums count.
  assertEquals(moved([1.5, -1, 2], false), 0.0625);
  assertEquals(moved([1.5, -1, 2], true), 0.125);
  assertEquals(moved([1, -1, 2.5], false), 0.125);
  assertEquals(moved([1, -1.5, 2], false), 0.125);
});

Deno.test("explainRows() refuses a row that is off by more than 1e-10, and none that is off by less", () => {
  const explain = (off: number, sums: boolean) => {
    const explanation: Explanation = {
      verb: "explain",
      signed: true,
      sums,
      find: (_, weights) =>
        weights.map((weight, i) => i ? weight : weight + off),
    };
    return explainRows(explanation, [[0, 0], [4, 12]], [[1], [8]], {}).rows[1];
  };
  // Scaled, the weights are 0.5 and 1.5, the values 0.125 and 1: the output moves by off / 8 and the sum by off, of 2.
  const limit = 1e-10;
  assertEquals(explain(0, true).weights, new Float64Array([4, 12]));
  explain(15 * limit, false);
  explain(1.9 * limit, true);
  for (const [off, sums] of [[17, false], [2.1, true]] as const) {
    const { keys } = explain(0, sums);
    assertEquals(keys, new Uint32Array([0, 1]));
    const first = 0.5, moved = (first + off * limit) - first;
    refuses(
      () => explain(off * limit, sums),
      RangeError,
      `Cannot explain: row 1 is off by ${
        sums ? moved / 2 : moved / 16
      } of its scale, it should be at most 1e-10`,
    );
  }
});
