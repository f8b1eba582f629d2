/**
 * Means of weights, percentiles and masks without an attention, on the printed numbers of the paper's rule and on
 * shapes, presences and ties.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { scaledDotProductAttention, type Tensor } from "../../mod.ts";
import {
  addWeights,
  meanTensor,
  meanWeights,
  percentileNearest,
  pruneMask,
} from "../../src/method/mod.ts";
import { anything, refuses } from "../refusals.ts";
import { forSeeds } from "../scripts.ts";

/** Mean weights of four queries on four keys. */
const MEANS: Tensor = {
  data: new Float64Array([
    ...[0.40, 0.10, 0.30, 0.20],
    ...[0.05, 0.55, 0.25, 0.15],
    ...[0.02, 0.08, 0.70, 0.20],
    ...[0.33, 0.12, 0.11, 0.44],
  ]),
  shape: [4, 4],
};
/** Sparsity, threshold, pruned, kept of each row. */
const PRUNINGS: readonly [number, number, number, number[]][] = [
  [0, -Infinity, 0, [4, 4, 4, 4]],
  [0.25, 0.11, 5, [3, 3, 2, 3]],
  [0.5, 0.20, 9, [2, 2, 1, 2]],
  [0.75, 0.33, 12, [1, 1, 1, 1]],
];

const tensor = (numbers: number[], shape: number[]): Tensor => ({
  data: new Float64Array(numbers),
  shape,
});
const bits = (numbers: number[], shape: number[]): Tensor => ({
  data: new Uint8Array(numbers),
  shape,
});

Deno.test("pruneMask() of the printed means prunes 5, 9 and 12 positions", () => {
  for (const [sparsity, threshold, pruned, kept] of PRUNINGS) {
    const { data, shape } = pruneMask(MEANS, sparsity);
    if (sparsity > 0) {
      assertEquals(percentileNearest(MEANS.data, sparsity), threshold);
    }
    assertEquals(shape, [4, 4]);
    const rows = [0, 1, 2, 3].map((
      row,
    ) => [...data.slice(4 * row, 4 * row + 4)]);
    assertEquals(rows.map((row) => row.reduce((a, b) => a + b)), kept);
    assertEquals(data.filter((one) => one === 0).length, pruned);
    data.forEach((one, at) =>
      assertEquals(one, MEANS.data[at] > threshold ? 1 : 0)
    );
  }
});

Deno.test("pruneMask() keeps the first largest mean of a row that would lose all, what was never there, and no axis twice", () => {
  assertEquals(
    [...pruneMask(tensor([1, 2, 2, 9, 9, 9], [2, 3]), 0.5).data],
    [0, 1, 0, 1, 1, 1],
  );
  assertEquals(
    [...pruneMask(tensor([NaN, 0.1, NaN, 0.4], [1, 4]), 0.4).data],
    [1, 0, 1, 1],
  );
  // Nothing was ever there.
  assertEquals([...pruneMask(tensor([NaN, NaN], [1, 2]), 0.9).data], [1, 1]);
  assertEquals(pruneMask(tensor([], [0, 3]), 0.5).data.length, 0);
  assertEquals(pruneMask(tensor([], [3, 0]), 0.5).data.length, 0);
  // One threshold for all rows and heads.
  const heads = tensor([0.9, 0.8, 0.1, 0.2, 0.6, 0.4, 0.5, 0.5], [2, 2, 2]);
  assertEquals([...pruneMask(heads, 0.3).data], [1, 1, 0, 1, 1, 0, 1, 1]);
});

Deno.test("percentileNearest() is the number whose place is nearest, of two the even", () => {
  assertEquals(percentileNearest([], 0.5), -Infinity);
  assertEquals(percentileNearest([NaN, NaN], 0.5), -Infinity);
  assertEquals(percentileNearest([3], 0), 3);
  assertEquals(percentileNearest([3, NaN, 1], 1), 3);
  // Places 0.5, 1.5 and 2.5.
  assertEquals(percentileNearest([10, 20, 30, 40], 1 / 6), 10);
  assertEquals(percentileNearest([10, 20, 30, 40], 1 / 2), 30);
  assertEquals(percentileNearest([10, 20, 30, 40, 50, 60], 1 / 2), 30);
  forSeeds(200, (_, random) => {
    const values = Array.from(
      { length: 1 + random.integer(20) },
      () => random.integer(9),
    );
    const share = random.uniform(), place = share * (values.length - 1);
    const order = values.toSorted((a, b) => a - b);
    const found = percentileNearest(values, share);
    // No other place is nearer.
    assert(
      order.some((value, at) => value === found && Math.abs(at - place) <= 0.5),
    );
  });
});

Deno.test("addWeights() counts what is there, over leading axes and shared masks", () => {
  const means = meanWeights([2, 2]);
  assertEquals([...meanTensor(means).data], [NaN, NaN, NaN, NaN]);
  addWeights(means, tensor([1, 0, 0.5, 0.5], [2, 2]));
  // Two examples; the second has one key, whose padding may hold anything.
  addWeights(
    means,
    tensor([0, 1, 1, 0, 1, NaN, 1, -3], [2, 2, 2]),
    bits([1, 1, 1, 0], [2, 1, 2]),
  );
  assertEquals([...meanTensor(means).data], [2 / 3, 1 / 2, 2.5 / 3, 1 / 4]);
  addWeights(
    means,
    { data: new Float32Array([0.25, 0.75, 9, 9]), shape: [2, 2] },
    bits([1, 0], [2, 1]),
  );
  assertEquals([...means.counts], [4, 3, 3, 2]);
  assertEquals(means.sums[1], 1.75);
  addWeights(means, tensor([], [0, 2, 2]));
  assertEquals([...means.counts], [4, 3, 3, 2]);
  // Without a presence per place.
  addWeights(means, tensor([1, 1, 1, 1], [2, 2]), bits([0, 0, 0, 1], [2, 2]));
  assertEquals([...means.counts], [4, 3, 3, 3]);
});

Deno.test("doors of the means, percentiles and masks", () => {
  const made = "it should be made by meanWeights";
  const { shape, sums } = meanWeights([2]);
  for (
    const [means, shown] of [
      [undefined, "undefined"],
      [null, "null"],
      [{}, "an object"],
      [{ shape, sums, counts: new Float64Array(3) }, "an object"],
      [{ shape: [3], sums, counts: sums }, "an object"],
    ] as const
  ) {
    refuses(
      () => meanTensor(anything(means)),
      TypeError,
      `Cannot read means: means is ${shown}, ${made}`,
    );
    refuses(
      () => addWeights(anything(means), tensor([1, 1], [2])),
      TypeError,
      `Cannot add weights: means is ${shown}, ${made}`,
    );
  }
  for (
    const [values, shown] of [
      ["12", '"12"'],
      [null, "null"],
      [new DataView(new ArrayBuffer(8)), "a DataView"],
      [new BigInt64Array(2), "a BigInt64Array"],
    ] as const
  ) {
    refuses(
      () => percentileNearest(anything(values), 0.5),
      TypeError,
      `Cannot find a percentile: values is ${shown}, it should be a list of numbers`,
    );
  }
  // What is no number is not left out like NaN.
  refuses(
    () => percentileNearest(anything([1, "2"]), 0.5),
    TypeError,
    'Cannot find a percentile: values[1] is "2", it should be a number',
  );
  const from = "it should be from 0 to below 1";
  for (const sparsity of [-0.1, 1, 2]) {
    refuses(
      () => pruneMask(MEANS, sparsity),
      RangeError,
      `Cannot prune: sparsity is ${sparsity}, ${from}`,
    );
  }
  refuses(
    () => pruneMask(MEANS, NaN),
    RangeError,
    `Cannot prune: sparsity is NaN, it should be a finite number`,
  );
  refuses(
    () => percentileNearest([1], 1.5),
    RangeError,
    "Cannot find a percentile: share is 1.5, it should be from 0 to 1",
  );
  refuses(
    () => pruneMask(tensor([1, Infinity], [1, 2]), 0.5),
    RangeError,
    "Cannot prune: mean 1 is Infinity, it should be finite, or NaN for none",
  );
  refuses(
    () => pruneMask(tensor([1], []), 0.5),
    RangeError,
    "Cannot prune: mean.shape is [], its last axis should be the keys",
  );
  refuses(
    () => pruneMask(bits([1], [1, 1]), 0.5),
    TypeError,
    "Cannot prune: mean.data is a Uint8Array, it should be a Float32Array or a Float64Array",
  );
  refuses(
    () => meanWeights(anything(4)),
    TypeError,
    "Cannot start means: shape is 4, it should be an array of whole numbers",
  );
  refuses(
    () => meanWeights([2, 1.5]),
    RangeError,
    "Cannot start means: shape[1] is 1.5, it should be a whole number from 0 to 2147483647",
  );
  refuses(
    () => meanWeights([2 ** 20, 2 ** 20]),
    RangeError,
    "Cannot start means: the size of shape is 1099511627776, it should be a whole number from 0 to 2147483647",
  );
  const means = meanWeights([2]);
  refuses(
    () => addWeights(means, tensor([1, 2, 3], [3])),
    RangeError,
    "Cannot add weights: weights.shape is [3], it should end in [2]",
  );
  refuses(
    () => addWeights(means, tensor([1], [])),
    RangeError,
    "Cannot add weights: weights.shape is [], it should end in [2]",
  );
  for (const weight of [NaN, Infinity, -1e-9]) {
    refuses(
      () => addWeights(means, tensor([1, weight], [2])),
      RangeError,
      `Cannot add weights: weight 1 is ${weight}, it should be finite and not negative`,
    );
  }
  for (const shape of [[1, 2], [2, 1], [4]]) {
    const count = shape.reduce((a, b) => a * b);
    refuses(
      () =>
        addWeights(
          means,
          tensor([1, 1], [2]),
          bits(new Array(count).fill(1), shape),
        ),
      RangeError,
      `Cannot add weights: present.shape is [${
        shape.join(", ")
      }], it should be [2] or 1 in places`,
    );
  }
  assertEquals([...means.sums, ...means.counts], [0, 0, 0, 0]);
});

Deno.test("a pruned mask is one that attention takes: what it prunes has no weight", () => {
  forSeeds(20, (_, random) => {
    const heads = 2, n = 5, m = 7, dim = 3;
    const draw = (rows: number) =>
      tensor(
        Array.from({ length: heads * rows * dim }, () => random.normal()),
        [1, heads, rows, dim],
      );
    const means = meanWeights([heads, n, m]), values = draw(m);
    for (let example = 0; example < 3; example++) {
      const { scores } = scaledDotProductAttention(draw(n), draw(m), values, {
        scores: "weights",
      });
      addWeights(means, scores!);
    }
    const mean = meanTensor(means), mask = pruneMask(mean, 0.6);
    const { output, scores } = scaledDotProductAttention(
      draw(n),
      draw(m),
      values,
      { mask: { ...mask, shape: [1, ...mask.shape] }, scores: "weights" },
    );
    assert(output.data.every(Number.isFinite));
    scores!.data.forEach((weight, at) =>
      assertEquals(weight > 0, mask.data[at] === 1)
    );
    // 0.6 · 69 = 41.4, and no ties.
    const pruned = mean.data.filter((one) =>
      one <= percentileNearest(mean.data, 0.6)
    );
    assertEquals(pruned.length, 42);
    assert(mask.data.filter((one) => one === 0).length <= 42);
  });
});
