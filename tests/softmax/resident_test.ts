import { assert, assertEquals, assertThrows } from "@std/assert";
import { layOut } from "../../src/kernel/flash_layout.ts";
import { homeOf } from "../../src/kernel/flash_resident.ts";
import { chooseFlash } from "../../src/kernel/flash_wasm.ts";
import { seeded } from "../../src/random.ts";
import {
  scaledDotProductAttention,
  type ScaledDotProductAttentionOptions,
} from "../../src/softmax/attention.ts";
import {
  type ResidentTensors,
  residentTensors,
} from "../../src/softmax/resident.ts";
import type { Tensor } from "../../src/softmax/tensor.ts";
import {
  type Call,
  type Kernel,
  normal,
  randomCall,
  randomMask,
  run,
  test,
} from "./cases.ts";

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Resident tensors like two of four axes, among rows of NaN; the pair they are in has to be disposed of. */
function residentLike(
  keys: Tensor,
  values: Tensor,
  kernel: Kernel,
): { keys: Tensor; values: Tensor; pair: ResidentTensors } {
  // As many rows in front and behind, in one head: any shape can be had of their numbers.
  const around = 3;
  const [k, v] = [keys, values].map(({ data, shape }) => {
    const dim = shape[shape.length - 1];
    return { dim, rows: dim === 0 ? 0 : data.length / dim };
  });
  const length = Math.max(k.rows, v.rows) + 2 * around;
  const pair = residentTensors([1, 1, length, k.dim], [1, 1, length, v.dim], {
    kernel,
  });
  const inside = (all: Float32Array, { data, shape }: Tensor, dim: number) => {
    all.fill(NaN);
    const part = all.subarray(around * dim, around * dim + data.length);
    part.set(data);
    return { data: part, shape };
  };
  return {
    keys: inside(pair.keys.data, keys, k.dim),
    values: inside(pair.values.data, values, v.dim),
    pair,
  };
}

/** Asserts that two tensors are the same to the bit; a difference of long ones takes minutes to print. */
function assertBits(actual: Tensor, expected: Tensor, title: string): void {
  assertEquals(actual.shape, expected.shape, title);
  const at = actual.data.findIndex((x, i) => !Object.is(x, expected.data[i]));
  assert(at < 0, `${title}: [${at}] is ${actual.data[at]}`);
}

/** Asserts that a call has the same output with resident keys and values, in all their mixtures with ordinary ones. */
function assertSame(call: Call, kernel: Kernel, title: string): void {
  const { output, presentKeys } = run(call, kernel);
  const { keys, values, pair } = residentLike(call.keys, call.values, kernel);
  const mixtures = [
    { keys, values },
    { keys, values: call.values },
    { keys: call.keys, values },
  ];
  mixtures.forEach((mixture, which) => {
    const same = run({ ...call, ...mixture }, kernel);
    assertBits(same.output, output, `${title}, mixture ${which}`);
    assertEquals(same.presentKeys, presentKeys);
  });
  pair.dispose();
}

// Edges

test("residentTensors() are zeros of the shapes asked for, of no number too", (kernel) => {
  for (const axis of [-1, 0, 1, 2, 3]) {
    const shape = [2, 3, 5, 4].map((length, at) => at === axis ? 0 : length);
    const valueShape = [...shape.slice(0, 3), 7];
    const pair = residentTensors(shape, valueShape, { kernel });
    const { keys, values } = pair;
    assertEquals([keys.shape, values.shape], [shape, valueShape]);
    assertEquals([...keys.data], Array(size(shape)).fill(0));
    assertEquals([...values.data], Array(size(valueShape)).fill(0));
    const queries = normal(seeded(1), [shape[0], 3, 2, shape[3]]);
    const result = () =>
      scaledDotProductAttention(queries, keys, values, { kernel }).output;
    if (shape[1] > 0) assert(result().data.every((x) => x === 0));
    pair.dispose();
  }
});

// Doors

Deno.test("residentTensors() refuses what is no shape, shapes that do not fit and unknown options, each in one sentence", () => {
  const shape = [1, 2, 3, 4];
  // deno-lint-ignore no-explicit-any
  const sentences: [any[], ErrorConstructor, string][] = [
    [
      [3, shape],
      TypeError,
      "keys is 3, it should be an array of whole numbers",
    ],
    [
      [shape, undefined],
      TypeError,
      "values is undefined, it should be an array of whole numbers",
    ],
    [
      [[3, 4], shape],
      RangeError,
      "keys is [3, 4], it should have the axes batch, heads, length, dim",
    ],
    [
      [shape, [1, 2, 0.5, 4]],
      RangeError,
      "values[2] is 0.5, it should be a whole number from 0 on",
    ],
    [
      [[1, "2", 3, 4], shape],
      TypeError,
      'keys[1] is "2", it should be a number',
    ],
    [
      [shape, [1, 2, 4, 4]],
      RangeError,
      "values is [1, 2, 4, 4], it should be [1, 2, 3, valueDim] like keys",
    ],
    [
      [shape, shape, { kernels: "simd" }],
      TypeError,
      'unknown option "kernels", it should be one of kernel',
    ],
    [
      [shape, shape, { kernel: "avx" }],
      TypeError,
      'kernel is "avx", it should be "auto" or "scalar" or "simd" or "relaxed" or a WebAssembly.Module',
    ],
  ];
  for (const [args, kind, sentence] of sentences) {
    const error = assertThrows(
      () => (residentTensors as (...args: unknown[]) => unknown)(...args),
      kind,
    );
    assertEquals(error.message, `Cannot make resident tensors: ${sentence}`);
  }
});

test("residentTensors() refuses what there is no memory for, and all is as it was", (kernel) => {
  const pair = residentTensors([1, 1, 2, 4], [1, 1, 2, 1], { kernel });
  pair.values.data.set([3, 5]);
  const { data } = pair.values;
  for (const length of [2 ** 40, 2 ** 53 - 1]) {
    assertThrows(
      () => residentTensors([1, 1, length, 4], [1, 1, length, 1], { kernel }),
      RangeError,
      "Cannot make resident tensors: there is no room for ",
    );
  }
  assert(pair.values.data === data);
  const queries = normal(seeded(1), [1, 1, 1, 4]);
  const { keys, values } = pair;
  const { output } = scaledDotProductAttention(queries, keys, values, {
    kernel,
  });
  assertEquals([...output.data], [4]);
  pair.dispose();
});

test("dispose() empties the tensors for good, and attention refuses them in one sentence", (kernel) => {
  const pair = residentTensors([1, 1, 8, 4], [1, 1, 8, 2], { kernel });
  const { keys, values, dispose } = pair;
  const queries = normal(seeded(1), [1, 1, 1, 4]);
  dispose();
  const next = residentTensors([1, 1, 8, 4], [1, 1, 8, 2], { kernel });
  const { data } = next.keys;
  data.fill(1);
  // Nothing is given back twice.
  dispose();
  const third = residentTensors([1, 1, 8, 4], [1, 1, 8, 2], { kernel });
  third.keys.data.fill(2);
  assert(data.length === 32 && data.every((x) => x === 1));
  const { message } = assertThrows(
    () => scaledDotProductAttention(queries, keys, values, { kernel }),
    RangeError,
  );
  assertEquals(
    message,
    "Cannot attend: keys.data holds 0 numbers, it should hold 32 for shape [1, 1, 8, 4]",
  );
  next.dispose();
  third.dispose();
});

// Laws

test("resident keys and values give the bits of ordinary ones, whatever is asked and whatever lies around them", (kernel) => {
  const random = seeded(5);
  for (let i = 0; i < 400; i++) {
    const call = randomCall(random);
    const { queries, keys, values } = call;
    const singles = [queries, keys, values]
      .every(({ data }) => data instanceof Float32Array);
    if (singles) assertSame(call, kernel, `call ${i}`);
  }
});

test("resident keys and values give the bits of ordinary ones over several blocks, by rows, lanes and panels", (kernel) => {
  const random = seeded(6);
  const widths = [[64, 64], [63, 65], [4, 20], [1, 1], [128, 3]];
  for (const [dim, valueDim] of widths) {
    for (
      const [heads, n] of [[1, 1], [1, 2], [3, 1], [1, 7], [2, 4], [1, 50]]
    ) {
      for (const m of [1, 7, 119, 121, 515]) {
        const shape = (count: number, rows: number, width: number) =>
          normal(random, [2, count, rows, width], 2);
        const call = {
          queries: shape(2 * heads, n, dim),
          keys: shape(2, m, dim),
          values: shape(2, m, valueDim),
        };
        const kind = random.integer(2) === 0 ? "bytes" : "f32";
        const choices: ScaledDotProductAttentionOptions[] = [
          {},
          { mask: randomMask(random, [n, m], kind) },
          { keyLengths: [m, random.integer(m + 1)], causal: true, softcap: 5 },
        ];
        const options = choices[random.integer(choices.length)];
        const title = `(${heads} · ${n}, ${m}) of ${dim} and ${valueDim}`;
        assertSame({ ...call, options }, kernel, title);
      }
    }
  }
});

test("resident keys and values give the bits of ordinary ones where they are more than caches hold", (kernel) => {
  const random = seeded(10), m = 20_001, dim = 32;
  const tensor = (rows: number) => normal(random, [1, 1, rows, dim]);
  const keys = tensor(m), values = tensor(m);
  for (const n of kernel === "scalar" ? [1] : [1, 8]) {
    const call = { queries: tensor(n), keys, values, options: {} };
    assertSame(call, kernel, `(${n}, ${m})`);
  }
});

test("resident keys and values are read where they lie: what a walk copies to is left alone", (kernel) => {
  if (kernel === "scalar") return;
  const shared = chooseFlash("test", kernel)!, random = seeded(7);
  for (const n of [1, 3, 8, 64]) {
    for (const [dim, inPlace] of [[64, true], [6, false]] as const) {
      const queries = normal(random, [1, 1, n, dim]);
      const pair = residentTensors([1, 1, 300, dim], [1, 1, 300, 8], {
        kernel,
      });
      const { keys, values } = pair;
      keys.data.forEach((_, i) => keys.data[i] = random.normal());
      const { floats } = homeOf(shared, keys.data)!;
      const layout = layOut(shared, n, 300, dim, 8);
      const { keyAt, valueAt, scoresAt, maskAt, stagingAt, end } = layout;
      const untouched = (from: number, to: number) =>
        floats.subarray(from / 4, to / 4).every((x) => x === 7);
      floats.fill(7, keyAt / 4, end / 4);
      scaledDotProductAttention(queries, keys, values, { kernel });
      // Panels, and rows of whole vectors, are made of the keys without a copy of them first.
      const { inRows, panels } = layout, packed = panels || !inPlace;
      assertEquals(untouched(keyAt, inRows ? scoresAt : valueAt), !packed);
      assert(untouched(valueAt, packed && inRows ? valueAt : scoresAt));
      // Queries and outputs go through the first eight rows.
      assert(untouched(stagingAt + 8 * Math.max(layout.dim, 8) * 4, end));
      assert(!untouched(scoresAt, maskAt));

      // Either of them alone is met in its own memory, too.
      const [k, v] = [keys, values].map(({ data, shape }) => ({
        data: data.slice(),
        shape,
      }));
      const attend = (keys: Tensor, values: Tensor) => {
        floats.fill(7, keyAt / 4, end / 4);
        scaledDotProductAttention(queries, keys, values, { kernel });
        assert(!untouched(scoresAt, maskAt));
      };
      attend(keys, v);
      if (!inRows) assertEquals(untouched(keyAt, valueAt), !packed);
      attend(k, values);
      assert(!untouched(keyAt, inRows ? scoresAt : valueAt));
      assert(inRows || untouched(valueAt, scoresAt));
      pair.dispose();
    }
  }
});

test("resident keys and values stay where they are while others come and go", (kernel) => {
  const random = seeded(8), pairs: ResidentTensors[] = [];
  const first = residentTensors([1, 1, 10, 4], [1, 1, 10, 4], { kernel });
  const { data } = first.keys;
  data.fill(1);
  for (let i = 0; i < 20; i++) {
    const length = 1 + random.integer(5000);
    const pair = residentTensors([1, 1, length, 64], [1, 1, length, 64], {
      kernel,
    });
    pair.keys.data.fill(2);
    pairs.push(pair);
    if (i % 3 === 0) pairs[random.integer(pairs.length)].dispose();
    // Rows of another width than that of the pair need another layout: of the shared memory, which grows.
    const wide = normal(random, [1, 1, 1, 4000]);
    scaledDotProductAttention(wide, wide, wide, { kernel });
  }
  assert(first.keys.data === data && data.length === 40);
  assert(data.every((x) => x === 1));
  for (const pair of [first, ...pairs]) pair.dispose();
});

test("resident keys and values of other pairs, other kernels and other shapes are tensors like any other", (kernel) => {
  const random = seeded(9);
  const make = (by: Kernel) => {
    const pair = residentTensors([1, 2, 150, 8], [1, 2, 150, 8], {
      kernel: by,
    });
    for (const { data } of [pair.keys, pair.values]) {
      data.forEach((_, i) => data[i] = random.normal());
    }
    return pair;
  };
  const pairs = [make(kernel), make(kernel), make("scalar"), make("simd")];
  const ordinary = ({ data, shape }: Tensor) => ({ data: data.slice(), shape });
  const same = (queries: Tensor, keys: Tensor, values: Tensor) => {
    const call = { queries, keys, values, options: {} };
    const copies = { keys: ordinary(keys), values: ordinary(values) };
    const { output } = run({ ...call, ...copies }, kernel);
    assertBits(run(call, kernel).output, output, `keys of ${keys.shape}`);
  };
  for (const { keys } of pairs) {
    for (const { values } of pairs) {
      same(normal(random, [1, 2, 2, 8]), keys, values);
      // The same numbers as fewer, wider rows: their layout is larger than what the pair has room for.
      const wide = { data: keys.data, shape: [1, 1, 1, 2400] };
      const one = { data: values.data, shape: [1, 1, 1, 2400] };
      same(normal(random, [1, 1, 9, 2400]), wide, one);
    }
  }
  for (const pair of pairs) pair.dispose();
});
