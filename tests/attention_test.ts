import { assertEquals, assertThrows } from "@std/assert";
import {
  append,
  attend,
  type AttentionOptions,
  createAttention,
  CsrMatrix,
  DenseMatrix,
  entry,
  ids,
  outputs,
  remove,
  stats,
  watch,
} from "../mod.ts";
import { openAttention } from "../src/attention.ts";
import { invariant } from "./memory/invariants.ts";
import { anything, type Refusal, refuses } from "./refusals.ts";

const VERB = "Cannot create an attention";

Deno.test("createAttention() takes its widths from what is given", () => {
  const widths = (options: AttentionOptions) => {
    const { dim, valueDim, scale, size, watched } = createAttention(options);
    return [dim, valueDim, scale, size, watched];
  };
  assertEquals(widths({ dim: 4 }), [4, 4, 0.5, 0, 0]);
  assertEquals(widths({ dim: 4, valueDim: 2, scale: -3 }), [4, 2, -3, 0, 0]);
  assertEquals(widths({ queries: [[1, 2, 3, 4]] }), [4, 4, 0.5, 0, 1]);
  assertEquals(widths({ keys: [[1], [2]], values: [[1, 2], [3, 4]] }), [
    1,
    2,
    1,
    2,
    0,
  ]);
  // A flat list has a value for each key, so its length tells the width.
  assertEquals(
    widths({ keys: [[1], [2]], values: new Float32Array(6) }),
    [1, 3, 1, 2, 0],
  );
  assertEquals(
    widths({
      dim: 2,
      keys: new Float64Array(6),
      values: new DenseMatrix(3, 5),
      queries: new Float32Array(4),
    }),
    [2, 5, 1 / Math.sqrt(2), 3, 2],
  );
  assertEquals(widths({ dim: 2, keys: [], values: [] }), [
    2,
    2,
    1 / Math.sqrt(2),
    0,
    0,
  ]);
});

Deno.test("createAttention() of rows without numbers, of no keys and of one works", () => {
  const none = createAttention({ dim: 0, valueDim: 0, queries: [[], []] });
  append(none, [[], []], [[], []]);
  assertEquals(outputs(none).to2DArray(), [[], []]);
  const bare = createAttention({ dim: 0, valueDim: 1, queries: [[]] });
  assertEquals(outputs(bare).to2DArray(), [[0]]);
  append(bare, [[], []], [[1], [4]], { bias: [0, Math.log(2)] });
  assertEquals(outputs(bare).get(0, 0), 3);
  const masses = createAttention({ dim: 1, valueDim: 0, queries: [[1]] });
  append(masses, [[1], [2]], [[], []]);
  assertEquals(outputs(masses).to2DArray(), [[]]);
  const empty = createAttention({ dim: 2, queries: [[1, 2]] });
  assertEquals(outputs(empty).to2DArray(), [[0, 0]]);
  assertEquals(attend(empty, [1, 2]).to2DArray(), [[0, 0]]);
  const unwatched = createAttention({ keys: [[1]], values: [[2]] });
  assertEquals([outputs(unwatched).rows, unwatched.pending], [0, 0]);
  for (const a of [none, bare, masses, empty, unwatched]) invariant(a);
});

Deno.test("createAttention() copies what it is given", () => {
  const keys = [[1], [2]], values = new Float32Array([1, 2]);
  const queries = new Float64Array([1]);
  const a = createAttention({ dim: 1, valueDim: 1, keys, values, queries });
  const before = outputs(a).data.slice();
  keys[0][0] = 9;
  values[1] = 9;
  queries[0] = 9;
  remove(a, append(a, [5], [5]));
  assertEquals(outputs(a).data, before);
  assertEquals(attend(a, [1]).data, before);
});

Deno.test("createAttention() keeps the last keys where there are more than the capacity", () => {
  const keys = [[1], [2], [3], [4]];
  for (const capacity of [0, 1, 3, 4, 9]) {
    const a = createAttention({ keys, values: keys, queries: [[0]], capacity });
    const gone = Math.max(0, 4 - capacity);
    assertEquals(ids(a), [0, 1, 2, 3].slice(gone));
    assertEquals([a.size, stats(a).evicted], [4 - gone, gone]);
    assertEquals(append(a, [5], [5]), [4]);
    invariant(a);
  }
});

Deno.test("createAttention() gives query i the position i under a causal mask", () => {
  const rows = [[0], [0], [0]];
  const a = createAttention({
    queries: rows,
    keys: rows,
    values: [[6], [12], [24]],
    mask: "causal",
  });
  assertEquals(outputs(a).to1DArray(), [6, 9, 14]);
});

Deno.test("createAttention() masks by the entries of a matrix that are not 0, also of ids to come", () => {
  const mask = CsrMatrix.fromTriples(3, 3, [[0, 0, 2], [0, 1, 0], [2, 2, -1]]);
  const a = createAttention({
    queries: [[0], [0]],
    keys: [[0], [0]],
    values: [[1], [2]],
    mask,
  });
  assertEquals(outputs(a).to1DArray(), [1, 0]);
  watch(a, [0]);
  append(a, [0], [7]);
  assertEquals(outputs(a).to1DArray(), [1, 0, 7]);
});

Deno.test("createAttention() asks a predicate", () => {
  const a = createAttention({
    queries: [[0], [0]],
    keys: [[0], [0]],
    values: [[1], [2]],
    mask: (query, key) => query === 0 && key === 1,
  });
  assertEquals(outputs(a).to1DArray(), [2, 0]);
});

Deno.test("createAttention() refuses what it cannot make, by the full message", () => {
  const whole = (least: number, most: number) =>
    `it should be a whole number from ${least} to ${most}`;
  const cases: [unknown, Refusal, string][] = [
    [null, TypeError, "options is null, it should be an object"],
    [[], TypeError, "options is an array of 0, it should be an object"],
    [
      {},
      RangeError,
      "its dim is unknown, dim, keys or queries should be given",
    ],
    [
      { dims: 2 },
      TypeError,
      'unknown option "dims", it should be one of dim, valueDim, queries, keys, values, scale, mask, capacity, logBytes, representation, kernel, method',
    ],
    [{ dim: -1 }, RangeError, `dim is -1, ${whole(0, 2 ** 20)}`],
    [{ dim: null }, TypeError, "dim is null, it should be a number"],
    [
      { dim: 1, valueDim: 0.5 },
      RangeError,
      `valueDim is 0.5, ${whole(0, 2 ** 20)}`,
    ],
    [
      { dim: 1, scale: NaN },
      RangeError,
      "scale is NaN, it should be a number up to 1e+200 in size",
    ],
    [
      { dim: 1, scale: null },
      TypeError,
      "scale is null, it should be a number",
    ],
    [
      { dim: 1, capacity: -1 },
      RangeError,
      `capacity is -1, ${whole(0, 2 ** 23)}`,
    ],
    [
      { dim: 1, capacity: Infinity },
      RangeError,
      `capacity is Infinity, ${whole(0, 2 ** 23)}`,
    ],
    [
      { dim: 1, logBytes: "1" },
      TypeError,
      'logBytes is "1", it should be a number',
    ],
    [
      { dim: 1, kernel: "fast" },
      TypeError,
      'kernel is "fast", it should be "auto" or "scalar" or "simd" or a WebAssembly.Module',
    ],
    [
      { dim: 1, kernel: null },
      TypeError,
      'kernel is null, it should be "auto" or "scalar" or "simd" or a WebAssembly.Module',
    ],
    [
      { dim: 1, representation: 1 },
      TypeError,
      'representation is 1, it should be "auto" or "dense" or "sparse"',
    ],
    [
      { dim: 1, mask: "Causal" },
      TypeError,
      'mask is "Causal", it should be "causal", a CsrMatrix or a function',
    ],
    [
      { dim: 1, mask: [[1]] },
      TypeError,
      'mask is an array of 1, it should be "causal", a CsrMatrix or a function',
    ],
    [
      { keys: [[1]] },
      RangeError,
      "there are 0 values, there should be one for each of 1 key",
    ],
    [
      { dim: 1, values: [[1]] },
      RangeError,
      "there is 1 value, there should be one for each of 0 keys",
    ],
    [
      { keys: [[1], [2]], values: [[1]] },
      RangeError,
      "there is 1 value, there should be one for each of 2 keys",
    ],
    [
      { dim: 2, keys: [[1]], values: [[1]] },
      RangeError,
      "keys[0] has 1 number, it should have 2",
    ],
    [
      { keys: [[1]], values: [[1]], queries: [[1, 2]] },
      RangeError,
      "queries[0] has 2 numbers, it should have 1",
    ],
    [
      { keys: [[1]], values: [[1]], valueDim: 2 },
      RangeError,
      "values[0] has 1 number, it should have 2",
    ],
    [
      { queries: [[1e39]] },
      RangeError,
      "queries[0][0] is 1e+39, it should be finite as a 32-bit float",
    ],
  ];
  for (const [options, kind, message] of cases) {
    refuses(
      () => createAttention(anything(options)),
      kind,
      `${VERB}: ${message}`,
    );
  }
});

Deno.test("createAttention() takes widths from matrices without rows", () => {
  const none = CsrMatrix.fromTriples(0, 5, []);
  const empty = createAttention({ keys: none, values: new DenseMatrix(0, 2) });
  assertEquals([empty.dim, empty.valueDim, empty.size], [5, 2, 0]);
  assertEquals(append(empty, [1, 2, 3, 4, 5], [6, 7]), [0]);
  const asking = createAttention({ queries: none });
  assertEquals([asking.dim, asking.valueDim, asking.watched], [5, 5, 0]);
  refuses(
    () => createAttention({ keys: none, queries: [[1]] }),
    RangeError,
    "Cannot create an attention: queries[0] has 1 number, it should have 5",
  );
  refuses(
    () => createAttention({ keys: [], values: [] }),
    RangeError,
    "Cannot create an attention: its dim is unknown, dim, keys or queries should be given",
  );
});

Deno.test("a disposed attention, a forged one and anything else are refused", () => {
  const a = createAttention({ dim: 1 }), forged = Object.create(a);
  const prototype = Object.create(Object.getPrototypeOf(a));
  const made = "it should be made by createAttention or restore";
  for (
    const [other, name] of [
      [undefined, "undefined"],
      [null, "null"],
      [{}, "an object"],
      ["a", '"a"'],
      [createAttention, "a function"],
    ] as const
  ) {
    refuses(
      () => ids(anything(other)),
      TypeError,
      `Cannot list ids: attention is ${name}, ${made}`,
    );
  }
  for (
    const other of [
      forged,
      prototype,
      new Proxy(a, {}),
      openAttention("test", a),
    ]
  ) {
    const { message } = assertThrows(() => ids(anything(other)), TypeError);
    assertEquals(message.endsWith(`, ${made}`), true);
  }
  a[Symbol.dispose]();
  a[Symbol.dispose]();
  const disposed = "the attention is disposed, it should be in use";
  for (
    const [name, call] of Object.entries({
      "append": () => append(a, [1], [1]),
      "read outputs": () => outputs(a),
      "read an entry": () => entry(a, 0),
      "read stats": () => stats(a),
      "read dim": () => a.dim,
      "read valueDim": () => a.valueDim,
      "read scale": () => a.scale,
      "read size": () => a.size,
      "read watched": () => a.watched,
      "read pending": () => a.pending,
      "read density": () => a.density,
      "read representation": () => a.representation,
    })
  ) refuses(call, TypeError, `Cannot ${name}: ${disposed}`);
});

Deno.test("the fields of an attention are what it holds", () => {
  const a = createAttention({
    queries: [[1], [2]],
    keys: [[1]],
    values: [[1]],
  });
  const { pending } = a;
  outputs(a);
  append(a, [1], [1]);
  assertEquals(
    [pending, a.pending, a.size, a.watched, a.density, a.representation],
    [1, 1, 2, 2, 1, "dense"],
  );
});
