import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  append,
  attend,
  createAttention,
  ids,
  outputs,
  snapshot,
  stats,
  update,
  watch,
} from "../../mod.ts";
import { apart, type Home, MemoryHome } from "../../src/kernel/home.ts";
import { SIMD } from "../../src/kernel/wasm_bytes.ts";
import { seeded } from "../../src/random.ts";

/** A record with arrays of every kind. */
function makeRecord() {
  return {
    doubles: new Float64Array(0),
    floats: new Float32Array(0),
    ints: new Int32Array(0),
    words: new Uint32Array(0),
    bytes: new Uint8Array(0),
  };
}

const NAMES = ["doubles", "floats", "ints", "words", "bytes"] as const;

Deno.test("a home keeps what is there and gives zeros, whatever grows and moves beside it", () => {
  const memory = () => new WebAssembly.Memory({ initial: 0, maximum: 400 });
  const homes: [string, () => Home][] = [
    ["apart", () => apart],
    ["memory", () => new MemoryHome(memory(), 1000)],
  ];
  for (const [name, make] of homes) {
    const random = seeded(51), home = make();
    const records = [0, 1, 2].map(makeRecord);
    const models = records.map(() =>
      Object.fromEntries(NAMES.map((field) => [field, [] as number[]]))
    );
    for (let step = 0; step < 400; step++) {
      const at = random.integer(records.length);
      const field = NAMES[random.integer(NAMES.length)];
      const length = random.integer(step % 20 === 0 ? 9000 : 300);
      home.grow(records[at], field, length);
      const model = models[at][field];
      model.length = Math.min(model.length, length);
      while (model.length < length) model.push(0);
      for (let i = 0; i < 5 && length > 0; i++) {
        const place = random.integer(length);
        records[at][field][place] = model[place] = random.integer(200);
      }
      records.forEach((record, other) => {
        for (const kind of NAMES) {
          const array = record[kind];
          assertEquals(array.length, models[other][kind].length);
          assert(
            array.every((number, i) => number === models[other][kind][i]),
            `${name}, step ${step}: ${kind} of record ${other}`,
          );
        }
      });
    }
    if (name === "apart") continue;
    // Aligned, in one memory, apart from one another, with a line to spare behind each.
    const spans = records.flatMap((record) =>
      NAMES.map((kind) => record[kind]).filter(({ length }) => length > 0)
    ).map(({ byteOffset, byteLength }) => [byteOffset, byteLength])
      .sort(([a], [b]) => a - b);
    assert(spans[0][0] >= 1000);
    spans.forEach(([from], i) => {
      assertEquals(from % 16, 0);
      if (i > 0) assert(from >= spans[i - 1][0] + spans[i - 1][1] + 16);
    });
  }
});

Deno.test("a memory is used again: records that shrink and grow need no more than they hold", () => {
  const memory = new WebAssembly.Memory({ initial: 0 });
  const home = new MemoryHome(memory, 0), records = [0, 1].map(makeRecord);
  for (let round = 0; round < 200; round++) {
    home.grow(records[round % 2], "doubles", 10_000 + 10 * (round % 7));
    home.grow(records[round % 2], "floats", 100);
  }
  assert(memory.buffer.byteLength <= 8 * 80_000);
});

/** The simd module with a memory of at most so many pages. */
function limited(pages: number): WebAssembly.Module {
  const bytes = Uint8Array.fromBase64(SIMD);
  // Section 5 holds one memory: no maximum, some initial pages.
  for (let at = 8; at < bytes.length;) {
    const [size, start] = leb(bytes, at + 1);
    if (bytes[at] === 5) {
      const initial = leb(bytes, start + 2)[0];
      const section = [1, 1, initial, ...lebOf(pages)];
      return new WebAssembly.Module(Uint8Array.from([
        ...bytes.subarray(0, at),
        5,
        section.length,
        ...section,
        ...bytes.subarray(start + size),
      ]));
    }
    at = start + size;
  }
  throw new Error("a module without a memory");
}

function leb(bytes: Uint8Array, at: number): [number, number] {
  let number = 0;
  for (let shift = 0;; shift += 7) {
    const byte = bytes[at++];
    number |= (byte & 127) << shift;
    if (byte < 128) return [number, at];
  }
}

function lebOf(number: number): number[] {
  return number < 128 ? [number] : [number % 128 + 128, ...lebOf(number >> 7)];
}

Deno.test("a memory that cannot grow is one clear error, and the attention goes on as it was", () => {
  const dim = 16, random = seeded(52);
  const rows = (count: number) =>
    Float32Array.from({ length: count * dim }, random.normal);
  for (let pages = 3; pages < 9; pages++) {
    const kernel = limited(pages);
    const a = createAttention({ dim, valueDim: dim, kernel });
    const twin = createAttention({ dim, valueDim: dim, kernel: "scalar" });
    let refused = 0;
    const both = (change: (x: typeof a) => unknown) => {
      const before = [ids(a), a.watched, a.size];
      try {
        change(a);
      } catch (error) {
        assert(error instanceof RangeError, String(error));
        assert(
          /^Cannot grow memory: \d+ bytes are needed and \d+ are there, fewer or smaller rows should be stored$/
            .test(error.message),
          error.message,
        );
        refused++;
        assertEquals([ids(a), a.watched, a.size], before);
        return;
      }
      change(twin);
    };
    for (let step = 0; step < 40; step++) {
      const keys = rows(20), values = rows(20), queries = rows(9);
      both((x) => append(x, keys, values));
      both((x) => watch(x, queries));
      if (a.size > 0) {
        const id = ids(a)[random.integer(a.size)], key = rows(1);
        both((x) => update(x, id, { keys: key }));
      }
      // Reads may need room of their own, and ask again when there is some.
      try {
        assertEquals(outputs(a).data, outputs(twin).data);
        const [query] = [rows(1)];
        assertEquals(attend(a, query).data, attend(twin, query).data);
      } catch (error) {
        assert(error instanceof RangeError, String(error));
        refused++;
      }
      assertEquals(snapshot(a), snapshot(twin));
    }
    assert(refused > 0, `${pages} pages were enough`);
    assertEquals(stats(a).kernel, "simd");
  }
});

Deno.test("use after dispose is one clear error", () => {
  const a = createAttention({ dim: 1, kernel: "simd" });
  a[Symbol.dispose]();
  assertThrows(
    () => outputs(a),
    TypeError,
    "Cannot read outputs: the attention is disposed, it should be in use",
  );
});
