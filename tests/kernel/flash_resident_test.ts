import { assert, assertEquals, assertThrows } from "@std/assert";
import { furthestEnd } from "../../src/kernel/flash_layout.ts";
import {
  addressIn,
  giveBack,
  homeOf,
  makeResident,
  type Resident,
} from "../../src/kernel/flash_resident.ts";
import { chooseFlash, type FlashWasm } from "../../src/kernel/flash_wasm.ts";
import { modules } from "../../src/kernel/wasm.ts";
import { RELAXED, SIMD } from "../../src/kernel/wasm_bytes.ts";

/** The names of the modules that this engine has. */
const NAMES = (["simd", "relaxed"] as const)
  .filter((name) => modules[name] !== undefined);

/** Shared instances of new modules, for which nothing was ever given back. */
const fresh = (): FlashWasm[] =>
  NAMES.map((name) => {
    const bytes = Uint8Array.fromBase64(name === "simd" ? SIMD : RELAXED);
    return chooseFlash("test", new WebAssembly.Module(bytes))!;
  });

const make = (
  shared: FlashWasm,
  ...sizes: [heads: number, length: number, dim: number, valueDim: number]
): Resident => makeResident("test", shared, ...sizes);

// Edges

Deno.test("makeResident() gives keys and values of no number an instance, too", () => {
  for (const shared of fresh()) {
    for (const [heads, length, dim] of [[0, 5, 4], [2, 0, 4], [2, 5, 0]]) {
      const pair = make(shared, heads, length, dim, dim);
      assertEquals([pair.keys.length, pair.values.length], [0, 0]);
      assertEquals(pair.keys.buffer, pair.flash.memory.buffer);
      giveBack(pair);
    }
  }
});

// Doors

Deno.test("makeResident() refuses what no memory holds, and what was given back is still there", () => {
  for (const shared of fresh()) {
    const before = make(shared, 1, 100, 4, 4);
    const { flash } = before, { byteLength } = flash.bytes;
    giveBack(before);
    for (const length of [2 ** 28, 2 ** 53]) {
      const { message } = assertThrows(
        () => make(shared, 1, length, 4, 4),
        RangeError,
      );
      assert(
        /^Cannot test: there is no room for \d\S+ bytes of WebAssembly memory, there should be$/
          .test(message),
        message,
      );
    }
    const after = make(shared, 1, 100, 4, 4);
    assert(after.flash === flash);
    assertEquals(after.flash.memory.buffer.byteLength, byteLength);
    giveBack(after);
  }
});

Deno.test("makeResident() refuses in the same sentence where an engine gives no instance", () => {
  const { Instance } = WebAssembly;
  for (const shared of fresh()) {
    try {
      WebAssembly.Instance = class {
        constructor() {
          throw new RangeError("Out of memory");
        }
      } as unknown as typeof Instance;
      assertThrows(
        () => make(shared, 1, 1, 4, 4),
        RangeError,
        "bytes of WebAssembly memory, there should be",
      );
    } finally {
      WebAssembly.Instance = Instance;
    }
    giveBack(make(shared, 1, 1, 4, 4));
  }
});

// Laws

Deno.test("makeResident() gives zeros behind the furthest layout, with room behind them for what a kernel reads", () => {
  for (const shared of fresh()) {
    for (const [dim, valueDim] of [[1, 1], [64, 64], [3, 17], [500, 2]]) {
      const pair = make(shared, 2, 121, dim, valueDim);
      const { flash, keys, values } = pair;
      assertEquals([keys.length, values.length], [242 * dim, 242 * valueDim]);
      assert(keys.every((x) => x === 0) && values.every((x) => x === 0));
      assert(flash.room >= furthestEnd(shared, 121, dim, valueDim));
      assert(keys.byteOffset >= flash.room);
      assertEquals([keys.byteOffset % 64, values.byteOffset % 64], [0, 0]);
      const end = keys.byteOffset + keys.byteLength;
      assert(values.byteOffset >= end + 8 * dim * 4);
      const { byteLength } = flash.memory.buffer;
      assert(byteLength >= values.byteOffset + values.byteLength + 16 * 4);
      assert(
        homeOf(shared, keys) === flash && homeOf(shared, values) === flash,
      );
      assertEquals(addressIn(flash, keys, 8 * dim), keys.byteOffset);
      assertEquals(addressIn(flash, values, 16), values.byteOffset);
      // As dirty as can be for whoever comes next.
      flash.floats.fill(NaN, flash.room / 4);
      giveBack(pair);
    }
  }
});

Deno.test("makeResident() leaves room behind values that end where a page does", () => {
  const page = 65536;
  for (const shared of fresh()) {
    const probe = make(shared, 1, 1000, 0, 1), { byteOffset } = probe.values;
    giveBack(probe);
    // The layout of more than 960 keys is that of all.
    const length = (Math.ceil(byteOffset / page + 1) * page - byteOffset) / 4;
    const pair = make(shared, 1, length, 0, 1), { flash, values } = pair;
    assertEquals((values.byteOffset + values.byteLength) % page, 0);
    assertEquals(addressIn(flash, values, 16), byteOffset);
    giveBack(pair);
  }
});

Deno.test("homeOf() knows no ordinary array, and none of another module", () => {
  const all = fresh();
  for (const shared of all) {
    const pair = make(shared, 1, 1, 4, 4);
    for (const other of all) {
      assertEquals(homeOf(other, pair.keys) !== undefined, other === shared);
    }
    assertEquals(homeOf(shared, new Float32Array(4)), undefined);
    assertEquals(homeOf(shared, shared.floats), undefined);
    giveBack(pair);
  }
});

Deno.test("addressIn() is 0 of what is elsewhere, reaches into the scratch, or has too little behind it", () => {
  for (const shared of fresh()) {
    const pair = make(shared, 1, 10, 4, 4), { flash, keys } = pair;
    const { buffer, byteLength } = flash.bytes;
    assertEquals(addressIn(flash, new Float32Array(4), 0), 0);
    assertEquals(addressIn(flash, keys.subarray(3), 0), keys.byteOffset + 12);
    const last = new Float32Array(buffer, byteLength - 64, 8);
    assertEquals(addressIn(flash, last, 8), byteLength - 64);
    assertEquals(addressIn(flash, last, 9), 0);
    assertEquals(addressIn(flash, flash.floats, 0), 0);
    const scratch = new Float32Array(buffer, flash.room - 4, 8);
    assertEquals(addressIn(flash, scratch, 0), 0);
    giveBack(pair);
  }
});

Deno.test("giveBack() empties all views, and 10 000 pairs one after the other take the memory of one", () => {
  for (const shared of fresh()) {
    const first = make(shared, 1, 1000, 4, 4), { flash, keys } = first;
    const { byteLength } = flash.bytes;
    giveBack(first);
    assertEquals([keys.length, first.values.length], [0, 0]);
    assertEquals(homeOf(shared, keys), undefined);
    for (let cycle = 0; cycle < 10_000; cycle++) {
      const pair = make(shared, 1, 1000 - cycle % 7, 4, 4);
      assert(pair.flash === flash, `cycle ${cycle}`);
      pair.keys[cycle % 1000] = 1;
      giveBack(pair);
    }
    assertEquals(flash.memory.buffer.byteLength, byteLength);
  }
});

Deno.test("makeResident() takes the smallest memory that was given back and is enough, or lets the largest grow", () => {
  for (const shared of fresh()) {
    const lengths = [100, 50_000, 20_000];
    const pairs = lengths.map((length) => make(shared, 1, length, 4, 4));
    const [small, large, middle] = pairs.map(({ flash }) => flash);
    pairs.forEach(giveBack);
    const again = [19_000, 90_000, 90].map((length) =>
      make(shared, 1, length, 4, 4)
    );
    assert(again[0].flash === middle);
    assert(again[1].flash === large);
    assert(again[2].flash === small);
    assertEquals(again.map(({ keys }) => keys.length / 4), [
      19_000,
      90_000,
      90,
    ]);
    again.forEach(giveBack);
  }
});
