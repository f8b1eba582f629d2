/**
 * Attention across layers: the product of the paper, in the right order.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Matrix } from "ml-matrix";
import { CsrMatrix, DenseMatrix } from "../../mod.ts";
import { rollout } from "../../src/explain/mod.ts";
import { anything, refuses } from "../refusals.ts";
import { sameBits, within } from "../same.ts";
import { forSeeds, pick } from "../scripts.ts";
import { drawWeights } from "./hostile.ts";

Deno.test("rollout() is Â(l) ⋯ Â(1) with Â = (1 − residual)·A + residual·I", () => {
  forSeeds(60, (_, random) => {
    const side = 1 + random.integer(12), depth = 1 + random.integer(5);
    const residual = pick(random, [0, 0.5, 0.25, 1]);
    const layers = Array.from(
      { length: depth },
      () => Array.from({ length: side }, () => drawWeights(random, side)),
    );
    let expected = Matrix.eye(side);
    for (const layer of layers) {
      const mixed = Matrix.mul(new Matrix(layer), 1 - residual).add(
        Matrix.eye(side).mul(residual),
      );
      expected = mixed.mmul(expected);
    }
    // Each product rounds once for each of its terms, and everything is 1 at most.
    const limit = 2 * depth * (side + 4) * 2 ** -53;
    const found = rollout(layers, { residual });
    within(
      found.data,
      expected.to1DArray(),
      () => limit,
      side,
      `residual ${residual}`,
    );
    const sums = found.to2DArray().map((row) =>
      row.reduce((sum, weight) => sum + weight, 0)
    );
    within(sums, sums.map(() => 1), () => limit, side, "sums");
    const forms = [
      CsrMatrix.fromDense,
      DenseMatrix.from,
      (layer: number[][]) => layer,
    ];
    sameBits(
      rollout(layers.map((layer) => pick(random, forms)(layer)), { residual })
        .data,
      found.data,
      "forms",
    );
  });
});

Deno.test("rollout() mixes halves unless told otherwise, and looks from the last layer at the input", () => {
  // Token 1 looks at 0 in the first layer, token 2 at 1 in the second: what reaches 2 has come by 1.
  const first = [[1, 0, 0], [1, 0, 0], [0, 0, 1]];
  const second = [[1, 0, 0], [0, 1, 0], [0, 1, 0]];
  assertEquals(rollout([first, second]).to2DArray(), [
    [1, 0, 0],
    [0.5, 0.5, 0],
    [0.25, 0.25, 0.5],
  ]);
  assertEquals(rollout([first], {}).to2DArray()[1], [0.5, 0.5, 0]);
});

Deno.test("rollout() divides rows by their sums, and lets tokens that attend to nothing keep to themselves", () => {
  const layer = [[2, 6], [0, 0]];
  assertEquals(rollout([layer]).to2DArray(), [[0.625, 0.375], [0, 1]]);
  assertEquals(rollout([layer], { residual: 0 }).to2DArray(), [[0.25, 0.75], [
    0,
    0,
  ]]);
  assertEquals(
    rollout([[[1.7e308, 1.7e308], [5e-324, 5e-324]]], { residual: 0 })
      .to2DArray(),
    [[0.5, 0.5], [0.5, 0.5]],
  );
  assertEquals(rollout([[]]).to2DArray(), []);
});

Deno.test("rollout() refuses layers that are none", () => {
  const refusal = (
    layers: unknown,
    options: unknown,
    kind: typeof TypeError | typeof RangeError,
    message: string,
  ) =>
    refuses(
      () => rollout(anything(layers), anything(options)),
      kind,
      `Cannot roll out attention: ${message}`,
    );
  refusal(3, {}, TypeError, "layers is 3, it should be a list of matrices");
  refusal(
    [],
    {},
    RangeError,
    "there are no layers, there should be one or more",
  );
  refusal(
    [[[1, 0]]],
    {},
    RangeError,
    "layers[0] is 1 × 2, it should have as many rows as columns",
  );
  refusal(
    [[[1]], [[1, 0], [0, 1]]],
    {},
    RangeError,
    "layers[1][0] has 2 numbers, it should have 1",
  );
  refusal(
    [[[1]], [[-1]]],
    {},
    RangeError,
    "layers[1][0][0] is -1, it should be 0 or more",
  );
  refusal(
    [[[1]], [[NaN]]],
    {},
    RangeError,
    "layers[1][0][0] is NaN, it should be a finite number",
  );
  refusal(
    [[[1]], 7],
    {},
    TypeError,
    "layers[1] is 7, it should be rows of numbers",
  );
  refusal(
    [[[1]]],
    { residual: -0.5 },
    RangeError,
    "residual is -0.5, it should be from 0 to 1",
  );
  refusal(
    [[[1]]],
    { residual: 2 },
    RangeError,
    "residual is 2, it should be from 0 to 1",
  );
  refusal(
    [[[1]]],
    { residual: "a" },
    TypeError,
    'residual is "a", it should be a number',
  );
  refusal(
    [[[1]]],
    { heads: 1 },
    TypeError,
    'unknown option "heads", it should be one of residual',
  );
});
