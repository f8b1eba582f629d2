import { assert, assertEquals, assertThrows } from "@std/assert";
import { seeded } from "../../src/random.ts";
import {
  scaledDotProductAttention,
  type ScaledDotProductAttentionOptions,
} from "../../src/softmax/attention.ts";
import type { Tensor } from "../../src/softmax/tensor.ts";
import {
  assertDefinition,
  assertNear,
  type Call,
  normal,
  randomCall,
  randomMask,
  run,
  test,
  UNIT32,
} from "./cases.ts";
import { reference } from "./reference.ts";

/** All pairs. */
const product = <A, B>(first: readonly A[], second: readonly B[]): [A, B][] =>
  first.flatMap((a) => second.map((b): [A, B] => [a, b]));

const floats = (numbers: number[], shape: number[]): Tensor => ({
  data: Float32Array.from(numbers),
  shape,
});
const zeros = (...shape: number[]): Tensor => ({
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
  shape,
});
const bytes = (numbers: number[], shape: number[]): Tensor => ({
  data: Uint8Array.from(numbers),
  shape,
});
/** The tensors of a call in the order of their names, but for those that are left out. */
const tensorsOf = ({ queries, keys, values, options }: Call): Tensor[] =>
  [
    queries,
    keys,
    values,
    options.mask,
    options.pastKeys,
    options.pastValues,
  ].filter((tensor) => tensor !== undefined);

// Edges

test("scaledDotProductAttention() over one key is its value, whatever the score", (kernel) => {
  const value = [0.1, -7, 3e38];
  const kinds = [undefined, "weights"] as const;
  for (const [score, kept] of product([0, 1, -1e30, 1e30], kinds)) {
    const { output, scores } = scaledDotProductAttention(
      floats([score], [1, 1, 1, 1]),
      floats([1e8], [1, 1, 1, 1]),
      floats(value, [1, 1, 1, 3]),
      { scores: kept, kernel },
    );
    assertEquals(output, floats(value, [1, 1, 1, 3]));
    assertEquals(scores, kept && floats([1], [1, 1, 1, 1]));
  }
});

Deno.test("outputs of scaledDotProductAttention() are typed as floats, and are inputs of the next call", () => {
  const one = zeros(1, 1, 1, 1);
  const { output } = scaledDotProductAttention(one, one, one);
  const numbers: Float32Array | Float64Array = output.data;
  const again = scaledDotProductAttention(output, output, output).output;
  assertEquals([numbers[0], again.data[0]], [0, 0]);
});

test("scaledDotProductAttention() with an axis of length 0 is empty, or zeros where there are queries", (kernel) => {
  const shapes: [number[], number[], number[], number[]][] = [
    [[0, 2, 3, 4], [0, 2, 5, 4], [0, 2, 5, 6], [0, 2, 3, 6]],
    [[2, 0, 3, 4], [2, 0, 5, 4], [2, 0, 5, 6], [2, 0, 3, 6]],
    [[2, 2, 0, 4], [2, 2, 5, 4], [2, 2, 5, 6], [2, 2, 0, 6]],
    [[2, 2, 3, 4], [2, 2, 0, 4], [2, 2, 0, 6], [2, 2, 3, 6]],
    [[2, 2, 3, 4], [2, 2, 5, 4], [2, 2, 5, 0], [2, 2, 3, 0]],
  ];
  for (const [q, k, v, o] of shapes) {
    for (const scores of [undefined, "raw", "biased", "weights"] as const) {
      const result = scaledDotProductAttention(
        zeros(...q),
        zeros(...k),
        zeros(...v),
        { scores, causal: true, kernel },
      );
      assertEquals(result.output, zeros(...o));
      assertEquals(result.scores?.shape, scores && [...q.slice(0, 3), k[2]]);
    }
  }
  // Without numbers in a key all keys score 0.
  const { output } = scaledDotProductAttention(
    zeros(1, 1, 5, 0),
    zeros(1, 1, 2, 0),
    floats([1, 3], [1, 1, 2, 1]),
    { kernel },
  );
  assertEquals(output, floats([2, 2, 2, 2, 2], [1, 1, 5, 1]));
});

test("scaledDotProductAttention() of a query that may attend to nothing is 0, in output and weights", (kernel) => {
  const ones = (rows: number) => ({
    data: new Float32Array(rows * 2).fill(1),
    shape: [1, 1, rows, 2],
  });
  // Each leaves nothing to the first query and something to the last.
  const reasons: ScaledDotProductAttentionOptions[] = [
    { mask: bytes([0, 0, 0, 1, 0, 0, 1, 1, 1], [3, 3]) },
    {
      mask: floats(
        [-Infinity, -Infinity, -Infinity, 0, 0, 0, 1, 2, 3],
        [3, 3],
      ),
    },
    { keyLengths: [1], causal: true },
    { keyLengths: [1], window: { right: 1 } },
    { mask: bytes([0, 1, 1], [3, 1]) },
    { mask: bytes([0, 1, 1], [3]), causal: true },
  ];
  const kinds = [undefined, "weights"] as const;
  for (const [options, kept] of product(reasons, kinds)) {
    const { output, scores } = scaledDotProductAttention(
      ones(3),
      ones(3),
      ones(3),
      { ...options, scores: kept, kernel },
    );
    assertEquals([...output.data.subarray(0, 2)], [0, 0]);
    assertNear(
      { ...output, data: output.data.slice(4) },
      [1, 1],
      UNIT32,
      kernel,
    );
    if (kept) assertEquals([...scores!.data.subarray(0, 3)], [0, 0, 0]);
  }
  for (const nothing of [{ keyLengths: [0] }, { mask: zeros(3, 0) }]) {
    const { output } = scaledDotProductAttention(
      ones(3),
      ones(3),
      ones(3),
      { ...nothing, kernel },
    );
    assertEquals([...output.data], [0, 0, 0, 0, 0, 0]);
  }
});

test("scaledDotProductAttention() survives scores and biases of any size that 32 bits hold", (kernel) => {
  const extreme = floats([3.4e38, -3.4e38, 1e-38, 0], [1, 1, 4, 1]);
  const { output } = scaledDotProductAttention(
    extreme,
    extreme,
    floats([1, 2, 3, 4], [1, 1, 4, 1]),
    { kernel },
  );
  // The extremes meet only themselves, 0 meets all alike, and 1e-38 scores about ±3.4, 0 and 0.
  assertEquals([...output.data.subarray(0, 2), output.data[3]], [1, 2, 2.5]);
  const near = Math.exp(extreme.data[0] * extreme.data[2]), far = 1 / near;
  const expected = (near + 2 * far + 3 + 4) / (near + far + 2);
  assert(Math.abs(output.data[2] - expected) <= 2 * UNIT32 * expected);
  // A mask of the least finite numbers adds the same to all scores: they are equal, nothing is masked.
  const { output: even } = scaledDotProductAttention(
    floats([1, 2], [1, 1, 2, 1]),
    floats([3, 4], [1, 1, 2, 1]),
    floats([1, 3], [1, 1, 2, 1]),
    { mask: floats([-3.4e38, -3.4e38], [2]), kernel },
  );
  assertEquals([...even.data], [2, 2]);
});

test("scaledDotProductAttention() is the definition where sums, biases, values or scaled queries leave the range of 32 bits", (kernel) => {
  // Two keys, values 1 and 3: the right answer is not the one that the numbers that are left over would give.
  const wide = new Array<number>(256).fill(1), threes = [1e20, 1e20, 1e20];
  const sums = [-4e18, 3e18, 3e18, 0, 0, 0];
  const cases: [
    number[],
    number[],
    ScaledDotProductAttentionOptions,
    number,
  ][] = [
    // A sum that falls below the range on its way is larger than one that does not, also under a cap or a mask.
    [threes, sums, { scale: 1 }, 1],
    [threes, sums, { scale: 1, softcap: 30 }, 1],
    [threes, sums, { scale: 1, mask: floats([0, 0], [2]) }, 1],
    [threes, sums, { scale: 1, causal: true }, 1],
    [[1e20, 1e20], [-4e18, 3e18, -1e18, -1e18], { scale: 1 }, 1],
    // Biases that only 64 bits tell apart, and one that 64 bits do not tell from the same without a score.
    [[1], [1, 1], { mask: floats([-3e38, -3.4e38], [2]) }, 1],
    [[1], [1, 9], { mask: floats([-3.4e38, -3.4e38], [2]) }, 2],
    [[1e20], [1e10, 2e10], { mask: floats([-3.4e38, -3.4e38], [2]) }, 3],
    [[1], [1, 1], {
      mask: { data: new Float64Array([-1e300, -1e299]), shape: [2] },
    }, 3],
    // Queries of a few bits: the scores are ±2^-13.7.
    [
      wide.map(() => 1e-30),
      [...wide.map(() => 3e38), ...wide.map(() => -3e38)],
      { scale: 1e-15 },
      2 - Math.tanh(256 * 1e-45 * 3e38),
    ],
  ];
  for (const [query, keys, options, expected] of cases) {
    const dim = query.length;
    for (const rows of [1, 2, 8, 40]) {
      const { output } = scaledDotProductAttention(
        floats(new Array(rows).fill(query).flat(), [1, 1, rows, dim]),
        floats(keys, [1, 1, 2, dim]),
        floats([1, 3], [1, 1, 2, 1]),
        { ...options, kernel },
      );
      const title = `${keys.slice(0, 4)}, ${rows} rows`;
      const right = new Array(rows).fill(expected);
      assertNear(output, right, 2 * UNIT32, title);
    }
  }
  // Numerators are larger than values.
  for (const rows of [1, 2, 8]) {
    const values = floats(new Array(9).fill(3e38), [1, 1, 9, 1]);
    const { output } = scaledDotProductAttention(
      zeros(1, 1, rows, 1),
      zeros(1, 1, 9, 1),
      values,
      { kernel },
    );
    assertEquals([...output.data], [...values.data.subarray(0, rows)]);
  }
});

test("scaledDotProductAttention() makes NaN of the rows that attend to NaN or Infinity and of no other", (kernel) => {
  // Few rows are read where they lie, many are loaded; the last key is seen by the last query alone.
  for (const n of [2, 3, 70]) {
    const random = seeded(n), last = 4 * (n - 1);
    const [queries, keys, values] = [0, 1, 2].map(() =>
      normal(random, [1, 1, n, 4])
    );
    const call = { queries, keys, values, options: { causal: true } };
    const clean = run(call, kernel).output.data;
    for (const poisoned of [queries, keys, values]) {
      const before = poisoned.data[last];
      for (const poison of [NaN, Infinity, -Infinity]) {
        poisoned.data[last] = poison;
        const { data } = run(call, kernel).output;
        assertEquals(data.subarray(0, last), clean.subarray(0, last));
        const poisonedRow = data.subarray(last, last + 4);
        if (poisoned === values) assertEquals(poisonedRow[0], poison);
        else if (Number.isNaN(poison)) assert(poisonedRow.every(Number.isNaN));
        else assert(poisonedRow.some((x) => !(x === clean[last])));
      }
      poisoned.data[last] = before;
    }
  }
});

// Doors

Deno.test("scaledDotProductAttention() refuses what does not fit, each in one sentence", () => {
  const q = zeros(2, 4, 3, 8), k = zeros(2, 2, 5, 8), v = zeros(2, 2, 5, 6);
  const double = (...shape: number[]) => ({
    data: new Float64Array(zeros(...shape).data.length),
    shape,
  });
  const attend = (...given: unknown[]) => () =>
    Reflect.apply(scaledDotProductAttention, undefined, given);
  const withOptions = (options: unknown) => attend(q, k, v, options);
  const past = { pastKeys: zeros(2, 2, 1, 8), pastValues: zeros(2, 2, 1, 6) };
  const kinds: [() => unknown, string][] = [
    [
      withOptions({ scores: "logits" }),
      'scores is "logits", it should be "raw" or "softcapped" or "biased" or "weights"',
    ],
    [
      attend(1, k, v),
      "queries is 1, it should be a tensor with data and shape",
    ],
    [
      attend(null, k, v),
      "queries is null, it should be a tensor with data and shape",
    ],
    [
      attend(q, { data: k.data }, v),
      "keys is an object, it should be a tensor with data and shape",
    ],
    [
      attend(q, k, { data: [1], shape: [1] }),
      "values.data is an array of 1, it should be a Float32Array or a Float64Array",
    ],
    [
      attend(bytes([1], [1, 1, 1, 1]), k, v),
      "queries.data is a Uint8Array, it should be a Float32Array or a Float64Array",
    ],
    [
      attend({ data: q.data, shape: 96 }, k, v),
      "queries.shape is 96, it should be an array of whole numbers",
    ],
    [
      attend({ data: q.data, shape: ["2"] }, k, v),
      'queries.shape[0] is "2", it should be a number',
    ],
    [
      attend(q, double(2, 2, 5, 8), v),
      "keys.data is a Float64Array, it should be a Float32Array like queries.data",
    ],
    [withOptions(3), "options is 3, it should be an object"],
    [
      withOptions({ methods: 1 }),
      'unknown option "methods", it should be one of heads, keyHeads, scale, softcap, causal, mask, pastKeys, pastValues, keyLengths, window, scores, method, kernel',
    ],
    [withOptions({ scale: "1" }), 'scale is "1", it should be a number'],
    [withOptions({ scale: null }), "scale is null, it should be a number"],
    [withOptions({ softcap: true }), "softcap is true, it should be a number"],
    [
      withOptions({ causal: 1 }),
      'causal is 1, it should be true, false or "queries"',
    ],
    [
      withOptions({ causal: "keys" }),
      'causal is "keys", it should be true, false or "queries"',
    ],
    [
      withOptions({ mask: [] }),
      "mask is an array of 0, it should be a tensor with data and shape",
    ],
    [
      withOptions({ mask: { data: new Int8Array(5), shape: [5] } }),
      "mask.data is an Int8Array, it should be a Uint8Array or a Float32Array or a Float64Array",
    ],
    [
      withOptions({ keyLengths: 5 }),
      "keyLengths is 5, it should be a list of whole numbers",
    ],
    [
      withOptions({ keyLengths: [5, "5"] }),
      'keyLengths[1] is "5", it should be a number',
    ],
    [withOptions({ window: 3 }), "window is 3, it should be an object"],
    [
      withOptions({ window: [1, 2] }),
      "window is an array of 2, it should be an object",
    ],
    [
      withOptions({ window: { before: 1 } }),
      'unknown option "before", it should be one of left, right',
    ],
    [
      withOptions({ window: { left: "1" } }),
      'window.left is "1", it should be a number',
    ],
    [
      withOptions({ scores: 3 }),
      'scores is 3, it should be "raw" or "softcapped" or "biased" or "weights"',
    ],
    [withOptions({ heads: "4" }), 'heads is "4", it should be a number'],
    [
      withOptions({ ...past, pastKeys: double(2, 2, 1, 8) }),
      "pastKeys.data is a Float64Array, it should be a Float32Array",
    ],
    [
      withOptions({ ...past, pastValues: bytes([], [2, 2, 0, 6]) }),
      "pastValues.data is a Uint8Array, it should be a Float32Array or a Float64Array",
    ],
  ];
  const values: [() => unknown, string][] = [
    [
      attend({ data: q.data, shape: [2, 4, 3, 9] }, k, v),
      "queries.data holds 192 numbers, it should hold 216 for shape [2, 4, 3, 9]",
    ],
    [
      attend({ data: q.data, shape: [-2, 4, 3, 8] }, k, v),
      `queries.shape[0] is -2, it should be a whole number from 0 on`,
    ],
    [
      attend(zeros(2, 3, 32), k, v),
      "queries.shape is [2, 3, 32], it should have the axes batch, heads, length, dim, or come with heads",
    ],
    [
      attend(q, zeros(2, 5, 16), v),
      "keys.shape is [2, 5, 16], it should have the axes batch, heads, length, dim, or come with heads",
    ],
    [
      withOptions({ heads: 4 }),
      "queries.shape is [2, 4, 3, 8], it should have the axes batch, length, heads · dim",
    ],
    [
      withOptions({ keyHeads: 2 }),
      "keyHeads is 2 without heads, it should come with heads",
    ],
    [
      withOptions({ heads: 0 }),
      `heads is 0, it should be a whole number from 1 on`,
    ],
    [
      withOptions({ heads: 4, keyHeads: 1.5 }),
      `keyHeads is 1.5, it should be a whole number from 1 on`,
    ],
    [
      attend(zeros(2, 3, 32), zeros(2, 5, 16), zeros(2, 5, 12), { heads: 5 }),
      "queries has rows of 32 numbers, it should divide into 5 heads",
    ],
    [
      attend(zeros(2, 3, 32), zeros(2, 5, 16), zeros(2, 5, 13), {
        heads: 4,
        keyHeads: 2,
      }),
      "values has rows of 13 numbers, it should divide into 2 heads",
    ],
    [
      attend(q, zeros(1, 2, 5, 8), v),
      "keys has 1 batch, it should have 2 like queries",
    ],
    [
      attend(q, k, zeros(3, 2, 5, 6)),
      "values has 3 batches, it should have 2 like queries",
    ],
    [
      attend(q, zeros(2, 2, 5, 7), v),
      "keys has rows of 7 numbers, it should have rows of 8 like queries",
    ],
    [
      attend(q, k, zeros(2, 1, 5, 6)),
      "values has 1 head of length 5, it should have 2 of 5 like keys",
    ],
    [
      attend(q, k, zeros(2, 2, 4, 6)),
      "values has 2 heads of length 4, it should have 2 of 5 like keys",
    ],
    [
      attend(q, zeros(2, 3, 5, 8), zeros(2, 3, 5, 6)),
      "there are 3 key heads, it should be a divisor of 4 heads",
    ],
    [
      attend(q, zeros(2, 0, 5, 8), zeros(2, 0, 5, 6)),
      "there are 0 key heads, it should be a divisor of 4 heads",
    ],
    [
      withOptions({ scale: NaN }),
      `scale is NaN, it should be a finite number`,
    ],
    [withOptions({ softcap: 0 }), "softcap is 0, it should be above 0"],
    [withOptions({ softcap: -1 }), "softcap is -1, it should be above 0"],
    [
      withOptions({ softcap: Infinity }),
      `softcap is Infinity, it should be a finite number`,
    ],
    [
      withOptions({ mask: bytes([1, 1, 1, 1, 1, 1], [6]) }),
      "mask.shape is [6], it should broadcast to [2, 4, 3, 5] or be shorter in the last axis",
    ],
    [
      withOptions({ mask: zeros(2, 5) }),
      "mask.shape is [2, 5], it should broadcast to [2, 4, 3, 5] or be shorter in the last axis",
    ],
    [
      withOptions({ mask: zeros(2, 3, 5) }),
      "mask.shape is [2, 3, 5], it should broadcast to [2, 4, 3, 5] or be shorter in the last axis",
    ],
    [
      withOptions({ mask: zeros(1, 2, 4, 3, 5) }),
      "mask.shape is [1, 2, 4, 3, 5], it should broadcast to [2, 4, 3, 5] or be shorter in the last axis",
    ],
    [
      withOptions({ mask: floats([1], []) }),
      "mask.shape is [], it should broadcast to [2, 4, 3, 5] or be shorter in the last axis",
    ],
    [
      withOptions({ mask: bytes([0, 1, 2], [3]) }),
      "mask.data[2] is 2, it should be 0 or 1",
    ],
    [
      withOptions({ mask: floats([0, NaN], [2]) }),
      "mask.data[1] is NaN, it should be a number or -Infinity",
    ],
    [
      withOptions({ mask: floats([Infinity], [1]) }),
      "mask.data[0] is Infinity, it should be a number or -Infinity",
    ],
    [
      withOptions({ pastKeys: past.pastKeys }),
      "pastKeys is given alone, it should come with pastValues",
    ],
    [
      withOptions({ pastValues: past.pastValues }),
      "pastValues is given alone, it should come with pastKeys",
    ],
    [
      withOptions({ ...past, pastKeys: zeros(2, 4, 1, 8) }),
      "pastKeys.shape is [2, 4, 1, 8], it should be [2, 2, past, 8]",
    ],
    [
      withOptions({ ...past, pastValues: zeros(1, 2, 1, 6) }),
      "pastValues.shape is [1, 2, 1, 6], it should be [2, 2, past, 6]",
    ],
    [
      withOptions({ ...past, pastValues: zeros(2, 2, 2, 6) }),
      "pastValues has length 2, it should have 1 like pastKeys",
    ],
    [
      withOptions({ ...past, keyLengths: [1, 1] }),
      "keyLengths is given with pastKeys, it should be one or the other",
    ],
    [
      withOptions({ keyLengths: [1] }),
      "keyLengths has 1 number, it should have one for each of 2 batches",
    ],
    [
      withOptions({ keyLengths: [5, 6] }),
      "keyLengths[1] is 6, it should be a whole number from 0 to 5",
    ],
    [
      withOptions({ keyLengths: [-1, 5] }),
      "keyLengths[0] is -1, it should be a whole number from 0 to 5",
    ],
    [
      withOptions({ window: { left: -1 } }),
      `window.left is -1, it should be a whole number from 0 on`,
    ],
    [
      withOptions({ window: { right: 0.5 } }),
      `window.right is 0.5, it should be a whole number from 0 on`,
    ],
  ];
  const check = (list: typeof kinds, kind: ErrorConstructor) => {
    for (const [refused, sentence] of list) {
      const error = assertThrows(refused, kind);
      assertEquals(error.message, `Cannot attend: ${sentence}`);
    }
  };
  check(kinds, TypeError);
  check(values, RangeError);
});

// Laws

test("scaledDotProductAttention() is the definition for any combination of options", (kernel) => {
  const calls = 1500;
  for (let seed = 0; seed < calls; seed++) {
    const call = randomCall(seeded(seed));
    assertDefinition(call, `seed ${seed}`, kernel);
  }
});

test("scaledDotProductAttention() is the definition at awkward sizes and around the edges of blocks", (kernel) => {
  const random = seeded(2);
  const keyCounts = [
    1,
    3,
    7,
    15,
    16,
    17,
    31,
    32,
    33,
    63,
    64,
    65,
    127,
    128,
    129,
  ];
  for (const m of keyCounts) {
    for (const n of [1, 2, 3, 4, 5, 6, 7]) {
      for (const [dim, valueDim] of [[1, 15], [15, 1], [4, 4], [6, 3]]) {
        const call = {
          queries: normal(random, [1, 1, n, dim]),
          keys: normal(random, [1, 1, m, dim]),
          values: normal(random, [1, 1, m, valueDim]),
          options: {},
        };
        assertDefinition(call, `n ${n}, m ${m}, ${dim}, ${valueDim}`, kernel);
      }
    }
  }
  // Rows of a group fill blocks of 128.
  for (const n of [63, 64, 65, 127, 128, 129, 257]) {
    const call = {
      queries: normal(random, [1, 2, n, 3]),
      keys: normal(random, [1, 1, n, 3]),
      values: normal(random, [1, 1, n, 2]),
      options: { causal: true },
    };
    assertDefinition(call, `n ${n} in two heads`, kernel);
  }
});

test("scaledDotProductAttention() of keys of no number or few is that of the definition, for one query and for many", (kernel) => {
  const random = seeded(21);
  for (const dim of [0, 1, 3, 4, 5, 8, 12, 15, 16, 20]) {
    for (const n of [1, 3, 8, 39, 40, 61]) {
      const call = {
        queries: normal(random, [1, 1, n, dim]),
        keys: normal(random, [1, 1, 33, dim]),
        values: normal(random, [1, 1, 33, 6]),
        options: { scale: 1 },
      };
      assertDefinition(call, `n ${n}, dim ${dim}`, kernel);
    }
  }
});

test("scaledDotProductAttention() broadcasts masks of every rank, also those shorter than the keys, over batches and grouped heads", (kernel) => {
  const random = seeded(3), full = [2, 4, 5, 7];
  let masks = 0;
  for (let rank = 1; rank <= 4; rank++) {
    for (let ones = 0; ones < 2 ** (rank - 1); ones++) {
      for (const width of [7, 6, 4, 1, 0]) {
        for (const kind of ["bytes", "f32", "f64"] as const) {
          const shape = full.slice(4 - rank, 3)
            .map((axis, at) => ones >> at & 1 ? 1 : axis);
          for (const keyHeads of [1, 2, 4]) {
            const call = {
              queries: normal(random, [2, 4, 5, 3]),
              keys: normal(random, [2, keyHeads, 7, 3]),
              values: normal(random, [2, keyHeads, 7, 2]),
              options: {
                mask: randomMask(random, [...shape, width], kind),
                scores: "biased" as const,
              },
            };
            assertDefinition(
              call,
              `mask ${kind} of ${[...shape, width]}`,
              kernel,
            );
            masks++;
          }
        }
      }
    }
  }
  assertEquals(masks, (1 + 2 + 4 + 8) * 5 * 3 * 3);
});

test("scaledDotProductAttention() with a mask shorter than the keys is that with the mask padded by what may not be attended to", (kernel) => {
  const random = seeded(4);
  for (const kind of ["bytes", "f32"] as const) {
    const short = randomMask(random, [2, 5], kind);
    const no = kind === "bytes" ? 0 : -Infinity;
    const data = kind === "bytes" ? new Uint8Array(16) : new Float32Array(16);
    data.fill(no);
    data.set(short.data.subarray(0, 5));
    data.set(short.data.subarray(5), 8);
    const call = (mask: Tensor) =>
      run({
        queries: normal(seeded(5), [1, 1, 2, 3]),
        keys: normal(seeded(6), [1, 1, 8, 3]),
        values: normal(seeded(7), [1, 1, 8, 3]),
        options: { mask, scores: "weights" },
      }, kernel);
    assertEquals(call(short), call({ data, shape: [2, 8] }));
    assert(call(short).scores!.data.subarray(5, 8).every((x) => x === 0));
  }
});

test('scaledDotProductAttention() with causal "queries" sees all keys, with the bits that it has without', (kernel) => {
  const random = seeded(12), n = 9, m = 70;
  for (
    const options of [
      {},
      { keyLengths: [m, 5], scores: "weights" },
      { window: { left: 3 } },
      { mask: randomMask(random, [n, m], "f32"), softcap: 2 },
    ] as ScaledDotProductAttentionOptions[]
  ) {
    const call = {
      queries: normal(random, [2, 4, n, 5]),
      keys: normal(random, [2, 2, m, 5]),
      values: normal(random, [2, 2, m, 3]),
    };
    assertEquals(
      run({ ...call, options: { ...options, causal: "queries" } }, kernel),
      run({ ...call, options }, kernel),
    );
  }
});

test("scaledDotProductAttention() with keyLengths reads no further, and aligns causality and windows to them", (kernel) => {
  const random = seeded(8), keyLengths = [0, 1, 4, 9, 70, 130];
  const batches = keyLengths.length, m = 130;
  for (const n of [1, 3, 6]) {
    for (
      const options of [
        {},
        { causal: true },
        { window: { left: 2 } },
        { window: { right: 1 }, mask: randomMask(random, [n, 100], "bytes") },
        { causal: true, mask: randomMask(random, [2, n, m], "f32") },
      ] as ScaledDotProductAttentionOptions[]
    ) {
      const call = {
        queries: normal(random, [batches, 2, n, 5]),
        keys: normal(random, [batches, 1, m, 5]),
        values: normal(random, [batches, 1, m, 5]),
        options: { ...options, keyLengths },
      };
      assertDefinition(call, `n ${n}, ${JSON.stringify(options)}`, kernel);
      const { output } = run(call, kernel);
      keyLengths.forEach((length, batch) => {
        for (const { data } of [call.keys, call.values]) {
          data.fill(NaN, (batch * m + length) * 5, (batch + 1) * m * 5);
        }
      });
      assertEquals(run(call, kernel).output, output);
      // The last query stands at the last valid key: a cache of just those keys gives the same.
      keyLengths.forEach((length, batch) => {
        if (options.mask || length < n) return;
        const part = ({ data, shape }: Tensor, rows: number) => ({
          data: data.slice(
            batch * shape[2] * 5 * shape[1],
            (batch * shape[2] * shape[1] + rows) * 5,
          ),
          shape: [1, 1, rows, 5],
        });
        const kept = length - n;
        const cut = ({ data }: Tensor, from: number, rows: number) => ({
          data: data.slice(
            (batch * m + from) * 5,
            (batch * m + from + rows) * 5,
          ),
          shape: [1, 1, rows, 5],
        });
        const cached = scaledDotProductAttention(
          part(call.queries, n),
          cut(call.keys, kept, n),
          cut(call.values, kept, n),
          {
            ...options,
            pastKeys: cut(call.keys, 0, kept),
            pastValues: cut(call.values, 0, kept),
            kernel,
          },
        );
        const at = batch * 2 * n * 5;
        assertEquals(
          cached.output.data,
          output.data.subarray(at, at + n * 5),
        );
      });
    }
  }
});

test("scaledDotProductAttention() step by step with a cache is causal attention over the whole", (kernel) => {
  const random = seeded(9), n = 75, shape = [1, 2, n, 6];
  const whole = {
    queries: normal(random, shape),
    keys: normal(random, shape),
    values: normal(random, shape),
    options: { causal: true, window: { left: 66 } },
  };
  const row = ({ data }: Tensor, from: number, rows: number) => ({
    data: Float32Array.from([0, 1].flatMap((head) => [
      ...data.subarray((head * n + from) * 6, (head * n + from + rows) * 6),
    ])),
    shape: [1, 2, rows, 6],
  });
  const { output } = run(whole, kernel);
  // Both are the definition but for their roundings, as assertDefinition() counts them, of scores below 16 and values below 4.
  const bound = 2 * (2 * n + 4 * (6 + 8) * 16 + 40) * UNIT32 * 4;
  let pastKeys: Tensor = zeros(1, 2, 0, 6), pastValues = pastKeys;
  for (const [from, rows] of [[0, 1], [1, 5], [6, 60], [66, 1], [67, 8]]) {
    const result = scaledDotProductAttention(
      row(whole.queries, from, rows),
      row(whole.keys, from, rows),
      row(whole.values, from, rows),
      { ...whole.options, pastKeys, pastValues, kernel },
    );
    const expected = row(output, from, rows);
    if (kernel === "scalar") assertEquals(result.output, expected);
    else assertNear(result.output, expected.data, bound, `rows from ${from}`);
    ({
      presentKeys: pastKeys = pastKeys,
      presentValues: pastValues = pastValues,
    } = result);
  }
  assertEquals([pastKeys, pastValues], [whole.keys, whole.values]);
});

test("scaledDotProductAttention() of a row is the same bits among any others of its kind, and with scores asked for", (kernel) => {
  // Eight rows or more go through lanes, few through rows; the scalar kernel has one way for all.
  const random = seeded(10), n = 150, m = 200;
  for (const kind of ["bytes", "f32"] as const) {
    const call: Call = {
      queries: normal(random, [1, 1, n, 7]),
      keys: normal(random, [1, 1, m, 7]),
      values: normal(random, [1, 1, m, 5]),
      options: { softcap: 20, mask: randomMask(random, [n, m], kind) },
    };
    const some = (from: number, rows: number) => {
      const part = ({ data }: Tensor, width: number, shape: number[]) => ({
        data: data.slice(from * width, (from + rows) * width),
        shape,
      });
      const mask = part(call.options.mask!, m, [rows, m]);
      const options = { ...call.options, mask };
      const queries = part(call.queries, 7, [1, 1, rows, 7]);
      return run({ ...call, queries, options }, kernel).output.data;
    };
    const { output } = run(call, kernel);
    for (const row of [0, 1, 2, 3, 77, 125, 126]) {
      const among = output.data.slice(row * 5, row * 5 + 5);
      assertEquals(some(row, 16).slice(0, 5), among);
      assertEquals(some(row, 24).slice(0, 5), among);
      const alone = some(row, 1);
      assertEquals(some(row, 2).slice(0, 5), alone);
      assertEquals(some(row, 3).slice(0, 5), alone);
      if (row > 0) assertEquals(some(row - 1, 2).slice(5), alone);
      if (kernel === "scalar") assertEquals(alone, among);
    }
    for (const scores of ["raw", "softcapped", "biased", "weights"] as const) {
      const options = { ...call.options, scores };
      const asked = run({ ...call, options }, kernel);
      assertEquals(asked.output, run(call, "scalar").output);
    }
  }
});

test("scaledDotProductAttention() is not changed by NaN in what no query may attend to", (kernel) => {
  let poisoned = 0;
  for (let seed = 0; seed < 600; seed++) {
    const call = randomCall(seeded(seed)), { options } = call;
    options.heads = options.keyHeads = options.pastKeys = undefined;
    options.pastValues = undefined;
    if (call.queries.shape.length === 3) continue;
    // What is kept before the mask shows the poison itself.
    if (options.scores === "raw" || options.scores === "softcapped") {
      options.scores = "weights";
    }
    if (
      options.mask &&
      options.mask.shape[options.mask.shape.length - 1] > call.keys.shape[2]
    ) continue;
    const { admitted } = reference(
      call.queries,
      call.keys,
      call.values,
      options,
    );
    const clean = run(call, kernel);
    const [batches, heads, n] = call.queries.shape;
    const [, keyHeads, m, dim] = call.keys.shape;
    const valueDim = call.values.shape[3], group = heads / keyHeads;
    for (let row = 0; row < batches * keyHeads * m; row++) {
      const j = row % m, head = Math.floor(row / m) * group;
      const seen = Array.from(
        { length: group * n },
        (_, i) => admitted[(head * n + i) * m + j],
      ).some(Boolean);
      if (seen) continue;
      poisoned++;
      call.keys.data.fill(NaN, row * dim, (row + 1) * dim);
      call.values.data.fill(NaN, row * valueDim, (row + 1) * valueDim);
    }
    assertEquals(run(call, kernel), clean, `seed ${seed}`);
  }
  assert(poisoned > 1000);
});

test("scaledDotProductAttention() is not changed by NaN in values that are masked, in the last block or before it", (kernel) => {
  // Of 65 keys one is in the second block, where three more are read that are none.
  for (const n of [1, 4]) {
    for (const masked of [0, 1, 2, 3, 63, 64]) {
      const mask = bytes(new Array(65).fill(1), [65]);
      mask.data[masked] = 0;
      const call = {
        queries: normal(seeded(1), [1, 1, n, 4]),
        keys: normal(seeded(2), [1, 1, 65, 4]),
        values: normal(seeded(3), [1, 1, 65, 2]),
        options: { mask },
      };
      const clean = run(call, kernel);
      call.values.data.fill(NaN, masked * 2, masked * 2 + 2);
      call.keys.data.fill(NaN, masked * 4, masked * 4 + 4);
      assertEquals(run(call, kernel), clean);
    }
  }
});

test("scaledDotProductAttention() does rows again that leave the range of 32 bits, wherever in a block of 256 they are", (kernel) => {
  const random = seeded(11), n = 256;
  const call = {
    queries: normal(random, [1, 1, n, 4]),
    keys: normal(random, [1, 1, 9, 4]),
    values: normal(random, [1, 1, 9, 4]),
    options: {},
  };
  const { data } = call.queries, rows = [0, 127, 128, 200, 255];
  for (const row of rows) data.fill(3e38, row * 4, row * 4 + 4);
  const { output } = run(call, kernel), exact = run(call, "scalar").output;
  for (const row of rows) {
    const part = ({ data }: Tensor) => [...data.slice(row * 4, row * 4 + 4)];
    assertEquals(part(output), part(exact), `row ${row}`);
  }
});

test("scaledDotProductAttention() of 32-bit numbers errs at most twice as much as a naive loop in 32 bits", (kernel) => {
  for (const deviation of [1, 4, 16]) {
    // One output of a naive loop may be right by luck, so the worst of many calls are compared.
    let worst = 0, worstNaive = 0;
    for (let seed = 0; seed < 40; seed++) {
      const random = seeded(seed);
      const one = (...choices: number[]) =>
        choices[random.integer(choices.length)];
      const dim = one(1, 3, 15, 16, 17, 64), n = one(1, 2, 3, 7, 8, 9, 33);
      const m = one(1, 5, 119, 121, 250), valueDim = one(1, 4, 7, 17, 33);
      const call: Call = {
        queries: normal(random, [1, 2, n, dim], deviation),
        keys: normal(random, [1, 1, m, dim]),
        values: normal(random, [1, 1, m, valueDim]),
        options: { causal: seed % 4 === 1, softcap: seed % 3 ? undefined : 30 },
      };
      const { queries, keys, values, options } = call;
      const truth = reference(queries, keys, values, options).output;
      const naive = reference(queries, keys, values, options, Math.fround);
      const { data } = run(call, kernel).output;
      truth.forEach((x, i) => {
        worst = Math.max(worst, Math.abs(data[i] - x));
        worstNaive = Math.max(worstNaive, Math.abs(naive.output[i] - x));
      });
      assertDefinition(call, `deviation ${deviation}, seed ${seed}`, kernel);
    }
    assert(worst <= 2 * worstNaive, `${deviation}: ${worst}, ${worstNaive}`);
    assert(worst > 0);
  }
});

test("scaledDotProductAttention() gives the precision of the queries, and mixes it with that of the values", (kernel) => {
  const random = seeded(11);
  for (
    const [double, doubleValues] of [[false, true], [true, false], [true, true]]
  ) {
    const call = {
      queries: normal(random, [1, 2, 5, 4], 1, double),
      keys: normal(random, [1, 2, 6, 4], 1, double),
      values: normal(random, [1, 2, 6, 3], 1, doubleValues),
      options: {
        pastKeys: normal(random, [1, 2, 3, 4], 1, double),
        pastValues: normal(random, [1, 2, 3, 3], 1, doubleValues),
        scores: "raw" as const,
      },
    };
    const result = run(call, kernel);
    assertEquals(result.output.data instanceof Float64Array, double);
    assertEquals(result.scores!.data instanceof Float64Array, double);
    assertEquals(result.presentKeys!.data instanceof Float64Array, double);
    assertEquals(
      result.presentValues!.data instanceof Float64Array,
      doubleValues,
    );
    assertDefinition(call, `double ${double}, values ${doubleValues}`, kernel);
  }
});

test("scaledDotProductAttention() changes no input and shares no memory with one", (kernel) => {
  for (let seed = 0; seed < 200; seed++) {
    const call = randomCall(seeded(seed)), inputs = tensorsOf(call);
    if (call.options.pastKeys && seed % 2) {
      // A past without rows must not hand the keys through.
      const [batches, heads, , dim] = call.options.pastKeys.shape;
      const valueDim = call.options.pastValues!.shape[3];
      const empty = (tensor: Tensor, width: number) => ({
        data: tensor.data.slice(0, 0),
        shape: [batches, heads, 0, width],
      });
      call.options.pastKeys = empty(call.options.pastKeys, dim);
      call.options.pastValues = empty(call.options.pastValues!, valueDim);
      call.options.mask = undefined;
    }
    const before = structuredClone(inputs);
    const { output, scores, presentKeys, presentValues } = run(call, kernel);
    assertEquals(inputs, before, `seed ${seed}`);
    const results = [output, scores, presentKeys, presentValues]
      .filter((tensor) => tensor !== undefined);
    const buffers = [...inputs, ...results].map(({ data }) => data.buffer);
    assertEquals(new Set(buffers).size, buffers.length);
  }
});

// Twins

test("scaledDotProductAttention() of packed heads is that of heads with an axis", (kernel) => {
  const random = seeded(12), [batches, heads, keyHeads] = [2, 6, 2];
  const axis = {
    queries: normal(random, [batches, heads, 9, 4]),
    keys: normal(random, [batches, keyHeads, 70, 4]),
    values: normal(random, [batches, keyHeads, 70, 3]),
    options: { causal: true },
  };
  const pack = ({ data, shape: [, count, length, dim] }: Tensor) => {
    const packed = new Float32Array(data.length);
    for (let i = 0; i < data.length; i++) {
      const t = i % dim, row = Math.floor(i / dim) % length;
      const head = Math.floor(i / dim / length) % count;
      const batch = Math.floor(i / dim / length / count);
      packed[((batch * length + row) * count + head) * dim + t] = data[i];
    }
    return { data: packed, shape: [batches, length, count * dim] };
  };
  const packed = run({
    queries: pack(axis.queries),
    keys: pack(axis.keys),
    values: pack(axis.values),
    options: { ...axis.options, heads, keyHeads },
  }, kernel);
  assertEquals(packed.output, pack(run(axis, kernel).output));
});
