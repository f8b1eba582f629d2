/**
 * Layers without memory: worked examples, every refusal, and the textbook over random layers.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Tensor } from "../../mod.ts";
import {
  efficientAttention,
  type LayerKind,
  type LayerOptions,
  type LayerResult,
  multiHeadAttention,
  optimisedAttention,
  superAttention,
} from "../../src/layer/mod.ts";
import { seeded } from "../../src/random.ts";
import { lcg } from "../lcg.ts";
import { anything, refuses } from "../refusals.ts";
import {
  drawLayer,
  type Matrix,
  normalRows,
  plainLayer,
  tensorOf,
} from "./plain.ts";

const KINDS: LayerKind[] = ["multiHead", "optimised", "efficient", "super"];
const UNIT32 = 2 ** -24, UNIT64 = 2 ** -53;
const FUNCTIONS = {
  multiHead: multiHeadAttention,
  optimised: optimisedAttention,
  efficient: efficientAttention,
  super: superAttention,
} as unknown as Record<
  LayerKind,
  (
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    weights: Record<string, Tensor>,
    options: LayerOptions & { zeroAttention?: boolean },
  ) => LayerResult
>;

/** A tensor of 64-bit floats. */
const wide = (rows: Matrix, shape?: number[]) =>
  tensorOf(rows, shape, Float64Array);
const transposed = (rows: Matrix): Matrix =>
  rows[0].map((_, column) => rows.map((row) => row[column]));

Deno.test("layers give the worked example of all kinds", () => {
  const stream = lcg(7), x = wide(stream.matrix(3, 4));
  const [query, key, value] = Array.from({ length: 3 }, () => {
    // Two heads beside each other, each a matrix of columns; below each other they are rows.
    const heads = [stream.matrix(4, 2), stream.matrix(4, 2)];
    return wide(heads.flatMap(transposed));
  });
  const outputWeight = wide(transposed(stream.matrix(4, 4)));
  const contextWeight = wide(stream.matrix(3, 3));
  const base = { queryWeight: query, outputWeight };
  const options = { heads: 2 };
  // Printed to ten digits.
  const is = ({ output }: LayerResult, expected: number[]) => {
    assertEquals(output.shape, [3, 4]);
    expected.forEach((number, i) =>
      assert(Math.abs(output.data[i] - number) <= 0.5000001e-10, `[${i}]`)
    );
  };
  is(
    multiHeadAttention(x, x, x, {
      ...base,
      keyWeight: key,
      valueWeight: value,
    }, options),
    [
      ...[-0.0250589633, 0.0798169189, -0.2132444461, 0.3050867909],
      ...[0.1975643163, 0.0021846682, -0.0854423272, 0.1425070986],
      ...[-0.0845164247, 0.116862385, -0.259549522, 0.4475341816],
    ],
  );
  is(optimisedAttention(x, x, x, { ...base, keyWeight: key }, options), [
    ...[0.0258984408, -0.3074712683, 0.3963219639, -0.4691449887],
    ...[-0.1476941636, -0.2233477147, 0.2806570713, -0.3284374213],
    ...[0.0590117971, -0.3412709768, 0.399181025, -0.5198845343],
  ]);
  is(efficientAttention(x, x, x, base, options), [
    ...[-0.1882487741, -0.1511991947, 0.2597886279, -0.3097527007],
    ...[0.0051722437, -0.296016587, 0.3666010208, -0.4814893793],
    ...[-0.2116048886, -0.2536269681, 0.2068176719, -0.2740231328],
  ]);
  is(superAttention(x, x, x, { ...base, contextWeight }, options), [
    ...[0.6322650246, -0.6175461999, 0.5127477708, -0.5939182477],
    ...[0.549474606, -0.6386934931, 0.4688498903, -0.5429548836],
    ...[0.6905060049, -0.6733529757, 0.5666252877, -0.6592486209],
  ]);
  is(
    superAttention(x, x, x, { ...base, contextWeight }, {
      ...options,
      causal: true,
    }),
    [
      ...[0.29030832, -0.20223936, 0.306806976, -0.410621472],
      ...[0.3653608369, -0.3384881038, 0.4265844874, -0.5554373437],
      ...[0.5877626138, -0.4293152041, 0.4782690211, -0.6202837899],
    ],
  );
});

Deno.test("layers without queries, keys or batches give what is left", () => {
  const { weights, plain } = drawLayer("efficient", SIZES, 1);
  const tensor = (...shape: number[]) => ({
    data: new Float64Array(shape.reduce((a, b) => a * b, 1)),
    shape,
  });
  const shapeOf = (n: Tensor, m: Tensor) =>
    efficientAttention(n, m, m, anything(weights), { heads: 2 }).output;
  assertEquals(shapeOf(tensor(0, 5), tensor(3, 6)).shape, [0, 3]);
  assertEquals(shapeOf(tensor(0, 2, 5), tensor(0, 3, 6)).shape, [0, 2, 3]);
  // Masks of pairs and of keys, where there are no pairs.
  for (
    const [n, m, mask, keyMask] of [
      [tensor(0, 5), tensor(3, 6), tensor(0, 3), tensor(1, 3)],
      [tensor(0, 2, 5), tensor(0, 3, 6), tensor(0, 1, 2, 3), tensor(0, 3)],
    ]
  ) {
    const options = { heads: 2, mask, keyMask };
    const { output } = efficientAttention(n, m, m, anything(weights), options);
    assertEquals(output.data.length, 0);
  }
  // Nothing to attend to: the bias is all there is.
  const none = shapeOf(tensor(1, 2, 5), tensor(1, 0, 6));
  assertEquals([...none.data], [...plain.outputBias, ...plain.outputBias]);
});

Deno.test("a query that may attend to nothing gets the output bias, in any kind", () => {
  for (const kind of KINDS) {
    const { weights, plain } = drawLayer(kind, SIZES, 2);
    delete weights.keyRow;
    delete weights.valueRow;
    const [queries, keys, values] = drawInputs(kind, 3);
    const { output, attentionWeights } = FUNCTIONS[kind](
      wide(queries),
      wide(keys),
      wide(values),
      weights,
      {
        heads: 2,
        mask: { data: new Uint8Array([1, 0, 1]), shape: [3] },
        keyMask: { data: new Uint8Array([0, 1, 0]), shape: [3] },
        attentionWeights: "average",
      },
    );
    assertEquals(
      [...output.data.subarray(0, 3)],
      plain.outputBias.map((x) => x + 0),
    );
    assertEquals([...attentionWeights!.data], Array(9).fill(0));
  }
});

Deno.test("layers refuse what does not fit, by name", () => {
  const { weights } = drawLayer("multiHead", SIZES, 1);
  const x = wide(normalRows(seeded(1), 3, 5));
  const call = (
    change: Record<string, unknown> = {},
    options: unknown = { heads: 2 },
    inputs: unknown[] = [x, x, x],
  ) =>
  () => {
    const [queries, keys, values] = inputs as Tensor[];
    const all: Record<string, unknown> = { ...weights, ...change };
    for (const name of Object.keys(all)) {
      if (all[name] === undefined) delete all[name];
    }
    return multiHeadAttention(
      queries,
      keys,
      values,
      anything(all),
      anything(options),
    );
  };
  const matrix = (rows: number, columns: number) => ({
    data: new Float32Array(rows * columns),
    shape: [rows, columns],
  });
  const vector = (length: number) => ({
    data: new Float32Array(length),
    shape: [length],
  });
  assertEquals(call()().output.shape, [3, 3]);
  const cases: [() => unknown, typeof TypeError | typeof RangeError, string][] =
    [
      [
        () => multiHeadAttention(x, x, x, anything(null), { heads: 2 }),
        TypeError,
        "weights is null, it should be a record of tensors",
      ],
      [
        () => efficientAttention(x, x, x, anything(weights), { heads: 2 }),
        TypeError,
        'unknown weight "keyWeight", it should be one of queryWeight, queryBias, outputWeight, outputBias',
      ],
      [
        call({ queryWeight: undefined }),
        TypeError,
        "weights.queryWeight is undefined, it should be a tensor with data and shape",
      ],
      [
        call({ queryWeight: vector(6) }),
        RangeError,
        "weights.queryWeight.shape is [6], it should have two axes, neither of them 0",
      ],
      [
        call({ outputWeight: matrix(0, 6) }),
        RangeError,
        "weights.outputWeight.shape is [0, 6], it should have two axes, neither of them 0",
      ],
      [
        call({ keyWeight: matrix(4, 5), keyBias: undefined }),
        RangeError,
        "weights.keyWeight has 4 rows, it should have 6 like queryWeight",
      ],
      [
        call({ valueWeight: matrix(4, 5), valueBias: undefined }),
        RangeError,
        "weights.outputWeight has 6 columns, it should have 4 for the values of all heads",
      ],
      [
        call({ keyBias: vector(5) }),
        RangeError,
        "weights.keyBias.shape is [5], it should be [6]",
      ],
      [
        call({ keyRow: undefined }),
        RangeError,
        "weights.valueRow is given alone, it should come with keyRow",
      ],
      [
        call({ valueRow: undefined }),
        RangeError,
        "weights.keyRow is given alone, it should come with valueRow",
      ],
      [
        call({ inputBias: vector(18) }),
        RangeError,
        "weights.inputBias is given alone, it should come with inputWeight",
      ],
      [
        call({ inputWeight: matrix(18, 5) }),
        RangeError,
        "weights.queryWeight is given with inputWeight, it should be one or the other",
      ],
      [
        () =>
          multiHeadAttention(x, x, x, {
            inputWeight: matrix(17, 5),
            outputWeight: matrix(3, 6),
          }, { heads: 2 }),
        RangeError,
        "weights.inputWeight has 17 rows, it should have those of queries, keys and values",
      ],
      [
        call({}, {}),
        TypeError,
        "heads is undefined, it should be a number",
      ],
      [
        call({}, { heads: 4 }),
        RangeError,
        "a projected query is 6 numbers, it should divide into 4 heads",
      ],
      [
        call({}, { heads: 2, dropout: 1 }),
        TypeError,
        'unknown option "dropout", it should be one of heads, causal, mask, keyMask, scale, attentionWeights, kernel, zeroAttention',
      ],
      [
        call({}, { heads: 2, causal: 1 }),
        TypeError,
        "causal is 1, it should be true or false",
      ],
      [
        call({}, { heads: 2, zeroAttention: "yes" }),
        TypeError,
        'zeroAttention is "yes", it should be true or false',
      ],
      [
        call({}, { heads: 2, attentionWeights: "all" }),
        TypeError,
        'attentionWeights is "all", it should be "heads" or "average"',
      ],
      [
        call({}, { heads: 2, keyMask: vector(4) }),
        RangeError,
        "keyMask.shape is [4], it should be [1, 3]",
      ],
      [
        call({}, {
          heads: 2,
          keyMask: { data: new Uint8Array([1, 2, 1]), shape: [1, 3] },
        }),
        RangeError,
        "keyMask.data[1] is 2, it should be 0 or 1",
      ],
      [
        call({}, { heads: 2, mask: vector(4) }),
        RangeError,
        "mask.shape is [4], it should broadcast to [1, 2, 3, 3] or be shorter in the last axis",
      ],
      [
        call({}, { heads: 2 }, [wide([[1]], [1]), x, x]),
        RangeError,
        "queries.shape is [1], it should have the axes batch, length, numbers or the last two",
      ],
      [
        call({}, { heads: 2 }, [x, wide(normalRows(seeded(1), 3, 4)), x]),
        RangeError,
        "keys.shape is [3, 4], it should be [length, 5]",
      ],
      [
        call({}, { heads: 2 }, [x, wide([[1, 2, 3, 4, 5]], [1, 1, 5]), x]),
        RangeError,
        "keys.shape is [1, 1, 5], it should be [length, 5]",
      ],
      [
        call({}, { heads: 2 }, [x, x, wide(normalRows(seeded(1), 2, 5))]),
        RangeError,
        "values has length 2, it should have 3 like keys",
      ],
      [
        call({}, { heads: 2 }, [x, x, tensorOf(normalRows(seeded(1), 3, 5))]),
        TypeError,
        "values.data is a Float32Array, it should be a Float64Array like queries.data",
      ],
      [
        call({}, { heads: 2 }, [
          wide([[1, 2, 3, 4, 5]], [1, 1, 5]),
          wide(normalRows(seeded(1), 2, 5), [2, 1, 5]),
          x,
        ]),
        RangeError,
        "keys has 2 batches, it should have 1 like queries",
      ],
    ];
  for (const [refused, kind, message] of cases) {
    refuses(refused, kind, `Cannot attend: ${message}`);
  }
});

Deno.test("superAttention() refuses keys that are not as many as its context", () => {
  const { weights } = drawLayer("super", SIZES, 1);
  const random = seeded(1), queries = wide(normalRows(random, 2, 5));
  const call = (length: number, causal: boolean) => () => {
    const keys = wide(normalRows(random, length, 6));
    return superAttention(queries, keys, keys, anything(weights), {
      heads: 2,
      causal,
    });
  };
  call(3, false)();
  call(2, true)();
  refuses(
    call(2, false),
    RangeError,
    "Cannot attend: there are 2 keys, there should be 3 for the context of the weights",
  );
  refuses(
    call(4, true),
    RangeError,
    "Cannot attend: there are 4 keys, there should be at most 3 for the context of the weights",
  );
  refuses(
    () =>
      superAttention(queries, queries, queries, {
        queryWeight: weights.queryWeight,
        outputWeight: weights.outputWeight,
        contextWeight: { data: new Float32Array(6), shape: [2, 3] },
      }, { heads: 2 }),
    RangeError,
    "Cannot attend: weights.contextWeight.shape is [2, 3], it should be square",
  );
});

Deno.test("layers of all kinds compute the textbook, whatever masks, batches and precision", () => {
  for (let seed = 0; seed < 120; seed++) {
    const random = seeded(seed), kind = KINDS[seed % 4];
    const causal = random.integer(3) === 0, batches = 1 + random.integer(2);
    const { weights, plain } = drawLayer(kind, SIZES, seed);
    const zeroAttention = kind === "multiHead" && random.integer(2) > 0;
    if (zeroAttention) {
      plain.alwaysKeys.push(Array(6).fill(0));
      plain.alwaysValues.push(Array(6).fill(0));
    }
    const inputs = Array.from(
      { length: batches },
      (_, batch) => drawInputs(kind, 2 * seed + batch),
    );
    const bit = () => Number(random.integer(3) > 0);
    const pairs = Uint8Array.from({ length: batches * 9 }, bit);
    const padding = Uint8Array.from({ length: batches * 3 }, bit);
    const use = random.integer(4);
    const scale = random.integer(2) > 0 ? 0.7 : undefined;
    for (const Floats of [Float64Array, Float32Array]) {
      const [q, k, v] = [0, 1, 2].map((input) => {
        const rows = inputs.flatMap((batch) => batch[input]);
        const shape = [batches, 3, rows[0].length];
        return tensorOf(rows, shape, Floats);
      });
      const options = {
        heads: 2,
        causal,
        scale,
        ...(use & 1 && { mask: { data: pairs, shape: [batches, 1, 3, 3] } }),
        ...(use & 2 && { keyMask: { data: padding, shape: [batches, 3] } }),
        ...(zeroAttention && { zeroAttention }),
      };
      const { output, attentionWeights } = FUNCTIONS[kind](q, k, v, weights, {
        ...options,
        attentionWeights: "heads",
      });
      const fast = FUNCTIONS[kind](q, k, v, weights, options).output;
      assertEquals(output.shape, [batches, 3, 3]);
      inputs.forEach(([queries, keys, values], batch) => {
        const sees = (query: number, key: number) =>
          (!(use & 1) || pairs[batch * 9 + query * 3 + key] === 1) &&
          (!(use & 2) || padding[batch * 3 + key] === 1);
        const truth = plainLayer(
          plain,
          2,
          queries,
          keys,
          values,
          sees,
          causal,
          scale,
        );
        const unit = Floats === Float64Array ? UNIT64 : UNIT32;
        // An output went through at most four sums of at most six terms below `largest`, each term and each sum rounded.
        // A score, three products below its square, enters exponentially: by its own error, times a value.
        const { largest } = truth;
        const within = 2 * (4 * 6 * largest + 3 * largest ** 3) * unit;
        truth.outputs.flat().forEach((number, i) => {
          for (const answer of [output, fast]) {
            const error = Math.abs(answer.data[batch * 9 + i] - number);
            assert(error <= within, `seed ${seed}, ${kind}: ${error}`);
          }
        });
        const always = plain.alwaysKeys.length, width = 3 + always;
        truth.weights.flat().forEach((row, at) => {
          for (let j = 0; j < width; j++) {
            // Those that are always there are told last.
            const number = row[(j + always) % width];
            const told = attentionWeights!
              .data[(batch * 6 + at) * width + j];
            assert(Math.abs(told - number) <= within, `seed ${seed}: weights`);
          }
        });
      });
    }
  }
});

Deno.test("a mask that is shorter than the keys blocks the others, also where there is a mask of keys", () => {
  const { weights } = drawLayer("multiHead", SIZES, 5);
  const x = wide(normalRows(seeded(5), 3, 5));
  const all = { data: new Uint8Array([1, 1, 1]), shape: [1, 3] };
  const short = { data: new Uint8Array([1, 1, 1, 1, 1, 1]), shape: [3, 2] };
  const added = { data: new Float32Array(6), shape: [3, 2] };
  const [first, ...others] = [
    { mask: short },
    { mask: added },
    { mask: short, keyMask: all },
    { mask: added, keyMask: all },
    { keyMask: { ...all, data: new Uint8Array([1, 1, 0]) } },
  ].map((masks) =>
    multiHeadAttention(x, x, x, anything(weights), { heads: 2, ...masks })
  );
  for (const other of others) assertEquals(other, first);
});

Deno.test("multiHeadAttention() of packed weights has the bits of separate ones", () => {
  const { weights } = drawLayer("multiHead", SIZES, 5);
  const { queryWeight, keyWeight, valueWeight, ...rest } = weights;
  const { queryBias, keyBias, valueBias, outputWeight, ...others } = rest;
  const joined = (parts: Tensor[]) =>
    new Float32Array(parts.flatMap(({ data }) => [...data]));
  const packed = {
    ...others,
    outputWeight,
    inputWeight: {
      data: joined([queryWeight, keyWeight, valueWeight]),
      shape: [18, 5],
    },
    inputBias: { data: joined([queryBias, keyBias, valueBias]), shape: [18] },
  };
  const x = tensorOf(normalRows(seeded(5), 4, 5));
  assertEquals(
    multiHeadAttention(x, x, x, packed, { heads: 2 }),
    multiHeadAttention(x, x, x, anything(weights), { heads: 2 }),
  );
});

Deno.test("a causal superAttention() of a beginning is the beginning of the whole", () => {
  const { weights } = drawLayer("super", {
    ...SIZES,
    queryWidth: 6,
    context: 5,
  }, 3);
  const text = normalRows(seeded(4), 5, 6);
  const whole = wide(text), options = { heads: 2, causal: true };
  const all = superAttention(whole, whole, whole, anything(weights), options);
  for (let length = 1; length <= 5; length++) {
    const part = wide(text.slice(0, length));
    const { output } = superAttention(
      part,
      part,
      part,
      anything(weights),
      options,
    );
    assertEquals(output.data, all.output.data.slice(0, length * 3));
  }
});

const SIZES = {
  heads: 2,
  dim: 3,
  valueDim: 3,
  queryWidth: 5,
  outputWidth: 3,
  context: 3,
};

/** Queries, keys and values of a batch, in the widths of a kind. */
function drawInputs(kind: LayerKind, seed: number): Matrix[] {
  const random = seeded(seed + KINDS.indexOf(kind) * 1000);
  const projected = kind === "multiHead" || kind === "optimised";
  return [
    normalRows(random, 3, 5),
    normalRows(random, 3, projected ? 5 : 6),
    normalRows(random, 3, kind === "multiHead" ? 5 : 6),
  ];
}
