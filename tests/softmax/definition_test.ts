import { assert, assertEquals } from "@std/assert";
import { CsrMatrix } from "../../src/matrix/csr.ts";
import { DenseMatrix } from "../../src/matrix/dense.ts";
import { softmaxAttention } from "../../src/softmax/definition.ts";
import { anything, type Refusal, refuses } from "../refusals.ts";
import { trueOutput } from "../truth.ts";
import { forSeeds, normals, pick } from "../scripts.ts";

Deno.test("softmaxAttention() of no keys, of none admitted and of no queries", () => {
  assertEquals(softmaxAttention([[1]], [], []).to2DArray(), [[]]);
  assertEquals(
    softmaxAttention([[1]], new DenseMatrix(0, 1), new DenseMatrix(0, 2))
      .to2DArray(),
    [[0, 0]],
  );
  const none = { mask: () => false };
  assertEquals(softmaxAttention([[1]], [[1]], [[5]], none).to2DArray(), [[0]]);
  const bias = [-Infinity, -Infinity];
  assertEquals(
    softmaxAttention([[1]], [[1], [2]], [[5], [6]], { bias }).to2DArray(),
    [[0]],
  );
  assertEquals(softmaxAttention([], [[1]], [[5]]).rows, 0);
});

Deno.test("softmaxAttention() gives exact answers where weights are powers of two", () => {
  // Scores 0 and ln 2: weights 1 : 2.
  const output = softmaxAttention([[Math.LN2]], [[0], [1]], [[3], [9]]);
  assert(Math.abs(output.get(0, 0) - 7) <= 7 * 2 ** -51);
  const even = softmaxAttention([[0, 0]], [[1, 2], [3, 4]], [[10, 1], [20, 3]]);
  assertEquals(even.to2DArray(), [[15, 2]]);
});

Deno.test("softmaxAttention() shifts by the largest score: ±1e308 and differences of any size", () => {
  const near = softmaxAttention([[1]], [[1e308], [-1e308]], [[1], [2]], {
    scale: 1,
  });
  assertEquals(near.to2DArray(), [[1]]);
  const bias = [1e300, 1e300, 0];
  const tie = softmaxAttention([[0]], [[0], [0], [0]], [[1], [2], [99]], {
    bias,
  });
  assertEquals(tie.to2DArray(), [[1.5]]);
});

Deno.test("softmaxAttention() takes masks of all kinds", () => {
  const rows = [[0], [0], [0]], values = [[6], [12], [24]];
  const read = (mask: Parameters<typeof softmaxAttention>[3]) =>
    softmaxAttention(rows, rows, values, mask).to1DArray();
  assertEquals(read({}), [14, 14, 14]);
  assertEquals(read({ mask: "causal" }), [6, 9, 14]);
  assertEquals(read({ mask: (query, key) => query === key }), [6, 12, 24]);
  const mask = CsrMatrix.fromTriples(2, 3, [[0, 1, 5], [0, 2, 0], [1, 0, 1]]);
  assertEquals(read({ mask }), [12, 6, 0]);
  assertEquals(read({ mask: () => false }), [0, 0, 0]);
});

Deno.test("softmaxAttention() is the double-double truth within the roundings of f64", () => {
  forSeeds(100, (_, random) => {
    const dim = pick(random, [1, 3, 8]), count = 1 + random.integer(30);
    const deviation = pick(random, [1, 3]), scale = pick(random, [1, 0.5, -1]);
    const row = (width: number, size = deviation) =>
      Float32Array.from(normals(random, width, size));
    const keys = Array.from({ length: count }, () => row(dim));
    const values = Array.from({ length: count }, () => row(2, 1));
    const bias = normals(random, count, 1), query = row(dim);
    const entries = keys.map((key, at) => ({
      key,
      value: values[at],
      bias: bias[at],
    }));
    const truth = trueOutput(query, entries, scale, 2);
    const output = softmaxAttention([query], keys, values, { scale, bias });
    // dim + 4 roundings of a score of this size, and a few for the weight, its products and the sums over keys.
    const size = Math.max(
          ...keys.map((key) =>
            key.reduce((sum, k, t) => sum + Math.abs(k * query[t]), 0)
          ),
        ) * Math.abs(scale) + Math.max(...bias.map(Math.abs));
    const room = 2 * 2 ** -53 * ((dim + 4) * size + count + 8);
    const peak = Math.max(
      ...values.flatMap((value) => [...value].map(Math.abs)),
    );
    truth.forEach((expected, c) =>
      assert(Math.abs(output.get(0, c) - expected) <= room * peak)
    );
  });
});

Deno.test("softmaxAttention() refuses what does not meet, by the full message", () => {
  const one = [[1]];
  const cases: [unknown[], Refusal, string][] = [
    [
      [7, one, one],
      TypeError,
      "compute attention: queries is 7, it should be rows of numbers",
    ],
    [
      [one, [[1], [1, 2]], one],
      RangeError,
      "compute attention: keys[1] has 2 numbers, it should have 1",
    ],
    [
      [one, one, [["x"]]],
      TypeError,
      'compute attention: values[0][0] is "x", it should be a number',
    ],
    [
      [one, [[1], [2]], one],
      RangeError,
      "compute attention: there is 1 value, there should be one for each of 2 keys",
    ],
    [
      [[[1, 2]], one, one],
      RangeError,
      "compute attention: queries has rows of 2 numbers, it should have rows of 1 like keys",
    ],
    [
      [one, one, one, { bias: [1, 2] }],
      RangeError,
      "compute attention: bias has 2 numbers, it should have one for each of 1 row",
    ],
    [
      [one, one, one, { bias: [NaN] }],
      RangeError,
      "compute attention: bias[0] is NaN, it should be -Infinity or a number up to 1e+300 in size",
    ],
    [
      [one, one, one, { bias: null }],
      TypeError,
      "compute attention: bias is null, it should be a number or one for each row",
    ],
    [
      [one, one, one, { scale: Infinity }],
      RangeError,
      "compute attention: scale is Infinity, it should be a finite number",
    ],
    [
      [one, one, one, { scale: null }],
      TypeError,
      "compute attention: scale is null, it should be a number",
    ],
    [
      [one, one, one, { mask: "causl" }],
      TypeError,
      'compute attention: mask is "causl", it should be "causal", a CsrMatrix or a function',
    ],
    [
      [one, one, one, { Mask: 1 }],
      TypeError,
      'compute attention: unknown option "Mask", it should be one of scale, bias, mask',
    ],
  ];
  for (const [args, kind, message] of cases) {
    refuses(
      () =>
        softmaxAttention(
          ...(anything(args) as [typeof one, typeof one, typeof one]),
        ),
      kind,
      `Cannot ${message}`,
    );
  }
});
