/**
 * Weights from files: every 16-bit float, every refusal, and thousands of files that went wrong.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  listWeights,
  multiHeadAttention,
  readWeights,
  torchWeights,
} from "../../src/layer/mod.ts";
import { type Random, seeded } from "../../src/random.ts";
import { writeSafetensors } from "../../src/file/safetensors.ts";
import { anything, refuses } from "../refusals.ts";
import { drawLayer, normalRows, tensorOf } from "./plain.ts";

const ENCODER = new TextEncoder();

/** A file of a header and bytes. */
function fileOf(header: string, data: ArrayLike<number> = []): Uint8Array {
  const text = ENCODER.encode(header);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

/** The header of one tensor. */
function entry(
  dtype: string,
  shape: number[],
  offsets: number[],
  name = "a",
): string {
  return `"${name}":${JSON.stringify({ dtype, shape, data_offsets: offsets })}`;
}

/** The definition of a small float: sign, exponent, mantissa. */
function decoded(
  word: number,
  exponentBits: number,
  mantissaBits: number,
): number {
  const mantissa = word % 2 ** mantissaBits / 2 ** mantissaBits;
  const most = 2 ** exponentBits - 1, bias = (most - 1) / 2;
  const exponent = Math.floor(word / 2 ** mantissaBits) % (most + 1);
  const sign = word >= 2 ** (exponentBits + mantissaBits) ? -1 : 1;
  if (exponent === most) return mantissa > 0 ? NaN : sign * Infinity;
  return sign *
    (exponent === 0
      ? mantissa * 2 ** (1 - bias)
      : (1 + mantissa) * 2 ** (exponent - bias));
}

Deno.test("readWeights() widens every 16-bit float exactly", () => {
  const words = Uint16Array.from({ length: 65536 }, (_, word) => word);
  const bytes = new Uint8Array(words.buffer);
  const size = words.byteLength;
  const file = fileOf(
    `{${entry("F16", [256, 256], [0, size], "half")},${
      entry("BF16", [65536], [size, 2 * size], "brain")
    }}`,
    [...bytes, ...bytes],
  );
  const tensors = readWeights(file);
  assertEquals([...tensors.keys()], ["half", "brain"]);
  const half = tensors.get("half")!, brain = tensors.get("brain")!;
  assertEquals([half.shape, brain.shape], [[256, 256], [65536]]);
  for (let word = 0; word < words.length; word++) {
    assert(Object.is(half.data[word], decoded(word, 5, 10)), `F16 ${word}`);
    assert(Object.is(brain.data[word], decoded(word, 8, 7)), `BF16 ${word}`);
  }
});

Deno.test("readWeights() widens what Node's file system returns, too", () => {
  for (const [dtype, ...data] of [["F16", 0, 0x3c], ["BF16", 0x80, 0x3f]]) {
    const header = `{${entry(dtype as string, [1], [0, 2])}}`;
    const file = Buffer.from(fileOf(header, data as number[]));
    assertEquals(readWeights(file).get("a")!.data, new Float32Array([1]));
  }
});

Deno.test("readWeights() reads F32 and F64 to the bit, from any place in memory", () => {
  const single = new Float32Array([1.1, -0, NaN, Infinity, 1e-45, 3e38]);
  const double = new Float64Array([0.1, -5e-324, 1e308]);
  const file = writeSafetensors([
    { name: "z", dtype: "F32", shape: [2, 3], data: single },
    { name: "2", dtype: "F64", shape: [3, 1], data: double },
    { name: "1", dtype: "F32", shape: [], data: new Float32Array([7]) },
    { name: "0", dtype: "F32", shape: [0, 9], data: new Float32Array(0) },
  ], { made: "here" });
  const shifted = new Uint8Array(file.length + 3).subarray(3);
  shifted.set(file);
  // slice() of a Buffer, which Node's file system returns, does not copy.
  for (const bytes of [file, shifted, Buffer.from(file)]) {
    const tensors = readWeights(bytes);
    assertEquals([...tensors.keys()], ["z", "2", "1", "0"]);
    assertEquals(tensors.get("z"), { data: single, shape: [2, 3] });
    assertEquals(tensors.get("2"), { data: double, shape: [3, 1] });
    assertEquals(tensors.get("1"), { data: new Float32Array([7]), shape: [] });
    assertEquals(tensors.get("0")!.shape, [0, 9]);
  }
  // What was read is a copy.
  shifted.fill(0, shifted.length - 4);
  assertEquals(readWeights(file).get("1")!.data[0], 7);
});

Deno.test("readWeights() leaves out what is not wanted, and refuses by name what it cannot read", () => {
  const file = fileOf(
    `{${entry("I64", [1], [2, 10], "position_ids")},${
      entry("BF16", [1], [0, 2], "weight")
    },"__metadata__":{"format":"pt"}}`,
    [0x80, 0x3f, 5, 0, 0, 0, 0, 0, 0, 0],
  );
  refuses(
    () => readWeights(file),
    RangeError,
    'Cannot read weights: tensor "position_ids" is I64, it should be one of F64, F32, F16, BF16 or left out by only',
  );
  const tensors = readWeights(file, { only: (name) => name === "weight" });
  assertEquals(
    tensors,
    new Map([["weight", { data: new Float32Array([1]), shape: [1] }]]),
  );
  assertEquals(listWeights(file), [
    { name: "weight", dtype: "BF16", shape: [1] },
    { name: "position_ids", dtype: "I64", shape: [1] },
  ]);
  assertEquals(readWeights(fileOf("{}")), new Map());
  refuses(
    () => readWeights(file, anything({ names: [] })),
    TypeError,
    'Cannot read weights: unknown option "names", it should be one of only',
  );
  refuses(
    () => readWeights(file, anything({ only: "a" })),
    TypeError,
    'Cannot read weights: only is "a", it should be a function',
  );
  refuses(
    () => readWeights(anything("weights.safetensors")),
    TypeError,
    'Cannot read weights: bytes is "weights.safetensors", it should be a Uint8Array',
  );
});

Deno.test("readWeights() reads a file that others wrote: unit vectors in 16-bit floats", () => {
  const url = new URL(
    "../../examples/semantic_memory/wordnet.safetensors",
    import.meta.url,
  );
  const tensors = readWeights(Deno.readFileSync(url));
  assertEquals([...tensors.keys()].sort(), ["keys", "queries"]);
  for (const { data, shape: [rows, columns] } of tensors.values()) {
    for (let row = 0; row < rows; row++) {
      let square = 0;
      for (let c = 0; c < columns; c++) square += data[row * columns + c] ** 2;
      // Each number was rounded to eleven bits.
      assert(Math.abs(Math.sqrt(square) - 1) <= 2 ** -11, `row ${row}`);
    }
  }
});

Deno.test("torchWeights() of a file makes the layer that was written", () => {
  const { weights } = drawLayer("multiHead", {
    heads: 2,
    dim: 3,
    valueDim: 3,
    queryWidth: 6,
    outputWidth: 6,
    context: 0,
  }, 1);
  const names: [string, string][] = [
    ["q_proj_weight", "queryWeight"],
    ["k_proj_weight", "keyWeight"],
    ["v_proj_weight", "valueWeight"],
    ["out_proj.weight", "outputWeight"],
    ["out_proj.bias", "outputBias"],
  ];
  const bias = ["queryBias", "keyBias", "valueBias"].flatMap((
    name,
  ) => [...weights[name].data]);
  const file = writeSafetensors([
    ...names.map(([theirs, ours]) => ({
      name: `self_attn.${theirs}`,
      dtype: "F32" as const,
      shape: weights[ours].shape,
      data: weights[ours].data as Float32Array,
    })),
    ...(["keyRow", "valueRow"] as const).map((ours) => ({
      name: `self_attn.${ours === "keyRow" ? "bias_k" : "bias_v"}`,
      dtype: "F32" as const,
      shape: [1, 1, 6],
      data: weights[ours].data as Float32Array,
    })),
    {
      name: "self_attn.in_proj_bias",
      dtype: "F32",
      shape: [18],
      data: new Float32Array(bias),
    },
  ], {});
  const read = torchWeights(readWeights(file), "self_attn.");
  const x = tensorOf(normalRows(seeded(1), 3, 6));
  assertEquals(
    multiHeadAttention(x, x, x, read, { heads: 2 }),
    multiHeadAttention(x, x, x, anything(weights), { heads: 2 }),
  );
  refuses(
    () => torchWeights(readWeights(file)),
    RangeError,
    `Cannot take torch's weights: there is no tensor "out_proj.weight", there should be one`,
  );
  refuses(
    () => torchWeights(anything({})),
    TypeError,
    "Cannot take torch's weights: tensors is an object, it should be a Map",
  );
  for (const name of ["in_proj_bias", "bias_k", "q_proj_weight"]) {
    const strange = new Map<string, unknown>([
      ["out_proj.weight", weights.outputWeight],
      [name, null],
    ]);
    refuses(
      () => torchWeights(anything(strange)),
      TypeError,
      `Cannot take torch's weights: ${name} is null, it should be a tensor with data and shape`,
    );
  }
  const odd = new Map([
    ["out_proj.weight", weights.outputWeight],
    ["in_proj_bias", weights.outputWeight],
  ]);
  odd.set("in_proj_bias", { data: new Float32Array(4), shape: [4] });
  refuses(
    () => torchWeights(odd),
    RangeError,
    "Cannot take torch's weights: in_proj_bias holds 4 numbers, it should hold as many for queries, keys and values",
  );
});

Deno.test("readWeights() refuses a file that is not exactly what the format says", () => {
  const header = `{${entry("F32", [1], [0, 4])}}`, data = [1, 2, 3, 4];
  const good = fileOf(header, data);
  assertEquals(readWeights(good).get("a")!.data.length, 1);
  const long = good.slice();
  long[0]++;
  long[7] = 0x40;
  const deep = "[".repeat(500_000);
  const cases: [Uint8Array, string][] = [
    [
      new Uint8Array(7),
      "there are 7 bytes, there should be a header",
    ],
    [
      long,
      `the header has ${
        (0x40n << 56n) + BigInt(header.length + 1)
      } bytes, it should have at most ${good.length - 8}`,
    ],
    [
      fileOf("\xff").fill(0xff, 8),
      "the header is no UTF-8, it should be JSON in UTF-8",
    ],
    [
      fileOf("[]"),
      'the header has "[" at character 0, it should have a {',
    ],
    [
      fileOf(""),
      "the header has the end at character 0, it should have a {",
    ],
    [
      fileOf("{} x"),
      'the header has "x" at character 3, it should have the end of the header',
    ],
    [
      fileOf('{"a":'),
      "the header has the end at character 5, it should have a {",
    ],
    [
      fileOf(`{"a":${deep}`),
      'the header has "[" at character 5, it should have a {',
    ],
    [
      fileOf(`{"a":{"shape":${deep}`),
      'the header has "[" at character 15, it should have a whole number',
    ],
    [
      fileOf('{"a\\q":1}'),
      'the header has "\\"" at character 1, it should have a string',
    ],
    [
      fileOf('{"a'),
      'the header has "\\"" at character 1, it should have a string',
    ],
    [
      fileOf("{a:1}"),
      'the header has "a" at character 1, it should have a string',
    ],
    [
      fileOf('{"__metadata__":{"a":1}}'),
      'the header has "1" at character 21, it should have a string',
    ],
    [
      fileOf('{"__metadata__":{"a":"1","a":"2"}}'),
      'the header names "a" twice, it should name it once',
    ],
    [
      fileOf(
        `{${entry("F32", [1], [0, 4])},${entry("F32", [1], [0, 4])}}`,
        data,
      ),
      'the header names "a" twice, it should name it once',
    ],
    [
      fileOf(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}`),
      'tensor "a" has a field "x", it should have dtype, shape, data_offsets',
    ],
    [
      fileOf(`{"a":{"dtype":"F32","shape":[1]}}`, data),
      'tensor "a" is not described, it should have a dtype, a shape and two offsets',
    ],
    [
      fileOf(`{${entry("F32", [1], [0, 4, 4])}}`, data),
      'tensor "a" is not described, it should have a dtype, a shape and two offsets',
    ],
    [
      fileOf(`{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}`, data),
      'the header has "e" at character 30, it should have a ]',
    ],
    [
      fileOf(`{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}`, data),
      'the header has "0" at character 29, it should have a whole number',
    ],
    [
      fileOf(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, data),
      'the header has "-" at character 29, it should have a whole number',
    ],
    [
      fileOf(
        `{"a":{"dtype":"F32","shape":[9007199254740993],"data_offsets":[0,4]}}`,
        data,
      ),
      'the header has "9" at character 29, it should have a whole number',
    ],
    [
      fileOf(`{${entry("F33", [1], [0, 4])}}`, data),
      'tensor "a" is "F33", it should be one of F4, F6_E2M3, F6_E3M2, BOOL, U8, I8, F8_E5M2, F8_E4M3, F8_E8M0, U16, I16, F16, BF16, U32, I32, F32, U64, I64, F64, C64',
    ],
    [
      fileOf(`{${entry("toString", [1], [0, 4])}}`, data),
      'tensor "a" is "toString", it should be one of F4, F6_E2M3, F6_E3M2, BOOL, U8, I8, F8_E5M2, F8_E4M3, F8_E8M0, U16, I16, F16, BF16, U32, I32, F32, U64, I64, F64, C64',
    ],
    [
      fileOf(`{${entry("F32", [2], [0, 4])}}`, data),
      'tensor "a" lies at 0 to 4, it should take the 8 bytes from 0',
    ],
    [
      fileOf(`{${entry("F4", [3], [0, 2])}}`, [1, 2]),
      'tensor "a" lies at 0 to 2, it should take the 1.5 bytes from 0',
    ],
    [
      fileOf(`{${entry("F32", [2 ** 31, 2 ** 31, 2 ** 31], [0, 4])}}`, data),
      'tensor "a" lies at 0 to 4, it should take the 3.961408125713217e+28 bytes from 0',
    ],
    [
      fileOf(`{${entry("F32", [1], [1, 4])}}`, data),
      'tensor "a" lies at 1 to 4, it should take the 4 bytes from 0',
    ],
    [
      fileOf("\ufeff{}"),
      'the header has "\ufeff" at character 0, it should have a {',
    ],
    [
      fileOf(`{${entry("F32", [1], [4, 0])}}`, data),
      'tensor "a" lies at 4 to 0, it should take the 4 bytes from 0',
    ],
    [
      fileOf(`{${entry("F32", [2], [0, 8])}}`, data),
      'tensor "a" lies at 0 to 8, it should take the 8 bytes from 0',
    ],
    // A hole, an overlap, bytes that two share, bytes that none has.
    [
      fileOf(`{${entry("F32", [1], [4, 8])}}`, [...data, ...data]),
      'tensor "a" lies at 4 to 8, it should take the 4 bytes from 0',
    ],
    [
      fileOf(
        `{${entry("F16", [2], [0, 4])},${entry("F16", [2], [2, 6], "b")}}`,
        [...data, 0, 0],
      ),
      'tensor "b" lies at 2 to 6, it should take the 4 bytes from 4',
    ],
    [
      fileOf(
        `{${entry("F32", [1], [0, 4])},${entry("F32", [1], [0, 4], "b")}}`,
        data,
      ),
      'tensor "b" lies at 0 to 4, it should take the 4 bytes from 4',
    ],
    [
      fileOf(
        `{${entry("F32", [1], [0, 4])},${entry("F32", [0], [2, 2], "b")}}`,
        data,
      ),
      'tensor "b" lies at 2 to 2, it should take the 0 bytes from 4',
    ],
    [
      fileOf(header, [...data, 0]),
      "there is 1 byte left over, the last tensor should end the file",
    ],
    [
      fileOf("{}", data),
      "there are 4 bytes left over, the last tensor should end the file",
    ],
  ];
  for (const [bytes, message] of cases) {
    refuses(
      () => readWeights(bytes),
      RangeError,
      `Cannot read weights: ${message}`,
    );
    refuses(
      () => listWeights(bytes),
      RangeError,
      `Cannot list weights: ${message}`,
    );
  }
});

Deno.test("readWeights() takes names of any kind for names", () => {
  const names = [
    "__proto__",
    "constructor",
    "",
    'qu"ote',
    "é\u2028",
    "10",
    "9",
  ];
  const file = fileOf(
    ` {${
      names.map((name, at) => {
        const place = {
          dtype: "BF16",
          shape: [1],
          data_offsets: [2 * at, 2 * at + 2],
        };
        return ` ${JSON.stringify(name)} :\n${JSON.stringify(place, null, 1)}`;
      }).reverse().join("\t,")
    },"__metadata__":{"__proto__":"x"}}   `,
    names.flatMap((_, at) => [0x80 + at, 0x3f]),
  );
  const tensors = readWeights(file);
  assertEquals([...tensors.keys()], names);
  names.forEach((name, at) =>
    assertEquals(tensors.get(name)!.data[0], 1 + at / 128)
  );
});

Deno.test("readWeights() reads what is right of 30 000 files that went wrong, refuses the others, and costs no more than they hold", () => {
  const random = seeded(1), started = Deno.memoryUsage().external;
  let read = 0;
  for (let i = 0; i < 30_000; i++) {
    const bytes = spoilt(random, drawFile(random));
    let tensors: ReturnType<typeof readWeights>;
    try {
      tensors = readWeights(bytes);
    } catch (error) {
      assert(error instanceof RangeError, `file ${i}: ${error}`);
      assert(
        /^Cannot read weights: [^\n]+, [^\n]+$/.test(error.message),
        `file ${i}: ${error.message}`,
      );
      assert(error.message.length < 400, `file ${i}: ${error.message.length}`);
      continue;
    }
    read++;
    // What it gives is what the file says, and never more numbers than the file has bytes.
    let numbers = 0;
    const listed = listWeights(bytes);
    assertEquals([...tensors.keys()], listed.map(({ name }) => name));
    for (const { data, shape } of tensors.values()) {
      assertEquals(data.length, shape.reduce((a, b) => a * b, 1));
      numbers += data.length;
    }
    assert(2 * numbers <= bytes.length);
  }
  // Both happen often enough to mean something.
  assert(read > 1000 && read < 25_000, `${read}`);
  assert(Deno.memoryUsage().external - started < 2 ** 28);
});

Deno.test("readWeights() of a header that only opens, or claims much, takes no memory for it", () => {
  const count = 2_000_000;
  for (
    const text of [
      `{"a":${"[".repeat(count)}`,
      `{"a":${'{"a":'.repeat(count / 5)}`,
      `{"${"a".repeat(count)}`,
      `{"a":{"dtype":"F32","shape":[${"1,".repeat(count / 2)}`,
      `{${entry("F32", [2 ** 50], [0, 2 ** 52])}}`,
      `{${entry("F32", [2 ** 53 - 1, 0], [0, 0])},"a"`,
    ]
  ) {
    const bytes = fileOf(text), before = Deno.memoryUsage();
    const error = assertThrows(() => readWeights(bytes), RangeError);
    assert((error as Error).message.length < 400);
    const after = Deno.memoryUsage();
    const taken = after.heapUsed - before.heapUsed + after.external -
      before.external;
    // A name or a count of the header may be kept a few times over.
    assert(taken < 32 * bytes.length + 2 ** 22, `${taken} for ${bytes.length}`);
  }
});

/** A file of a few tensors. */
function drawFile(random: Random): Uint8Array {
  const types = [["F16", 2], ["BF16", 2], ["F32", 4], ["F64", 8]] as const;
  let end = 0;
  const entries = Array.from({ length: random.integer(4) }, (_, at) => {
    const [dtype, size] = types[random.integer(4)];
    const shape = Array.from(
      { length: random.integer(3) },
      () => random.integer(4),
    );
    const start = end;
    end += size * shape.reduce((a, b) => a * b, 1);
    return entry(dtype, shape, [start, end], `t${at}`);
  });
  if (random.integer(3) === 0) entries.unshift('"__metadata__":{"k":"v"}');
  return fileOf(
    `{${entries.join(",")}}${" ".repeat(random.integer(8))}`,
    Array.from({ length: end }, () => random.integer(256)),
  );
}

/** Alters a file in one to three places. */
function spoilt(random: Random, file: Uint8Array): Uint8Array {
  let bytes = file;
  for (let left = 1 + random.integer(3); left > 0; left--) {
    // Half of the time in the last bytes, which are seldom of the header.
    const at = random.integer(2) > 0
      ? random.integer(bytes.length)
      : Math.max(0, bytes.length - 1 - random.integer(16));
    const other = random.integer(bytes.length);
    switch (random.integer(7)) {
      case 0:
        bytes = bytes.slice();
        bytes[at] ^= 1 << random.integer(8);
        break;
      case 1:
        bytes = bytes.slice();
        // What a header is made of.
        bytes[at] = CHARACTERS.charCodeAt(random.integer(CHARACTERS.length));
        break;
      case 2:
        bytes = bytes.slice(0, at);
        break;
      case 3:
        bytes = Uint8Array.of(...bytes, random.integer(256));
        break;
      case 4:
        bytes = Uint8Array.of(...bytes.slice(0, at), ...bytes.slice(at + 1));
        break;
      case 5: {
        const [from, to] = [Math.min(at, other), Math.max(at, other)];
        // A part twice, and a length that fits it.
        bytes = Uint8Array.of(...bytes.slice(0, to), ...bytes.slice(from));
        if (bytes.length > 8) bytes[0] += to - from;
        break;
      }
      default:
        bytes = bytes.slice();
        bytes.copyWithin(at, other, other + random.integer(12));
    }
    if (bytes.length === 0) break;
  }
  return bytes;
}

const CHARACTERS = '0123456789[]{},:" \\';
