import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  chooseFlash,
  type FlashWasm,
  layOut,
  loadRows,
} from "../../src/kernel/flash_wasm.ts";
import { modules } from "../../src/kernel/wasm.ts";
import { seeded } from "../../src/random.ts";

/** The names of the modules that this engine has. */
const NAMES = (["simd", "relaxed"] as const)
  .filter((name) => modules[name] !== undefined);

/** An instance without a history, like that of a new process. */
function fresh(name: "simd" | "relaxed"): FlashWasm {
  const module = modules[name]!;
  const exports = new WebAssembly.Instance(module)
    .exports as unknown as FlashWasm;
  const { buffer } = exports.memory;
  return {
    ...exports,
    floats: new Float32Array(buffer as ArrayBuffer),
    integers: new Int32Array(buffer as ArrayBuffer),
    bytes: new Uint8Array(buffer as ArrayBuffer),
  };
}

// Doors

Deno.test("chooseFlash() refuses what is no kernel, and a kernel that the engine does not have", () => {
  const sentences: [unknown, ErrorConstructor, string][] = [
    [
      3,
      TypeError,
      "kernel is 3, it should be a string or a WebAssembly.Module",
    ],
    [
      {},
      TypeError,
      "kernel is an object, it should be a string or a WebAssembly.Module",
    ],
    [
      "avx",
      RangeError,
      'kernel is "avx", it should be one of auto, scalar, simd, relaxed',
    ],
    [
      // The smallest module there is.
      new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)),
      TypeError,
      "kernel is a module without heapBase, it should be simd.wasm or relaxed.wasm of this version",
    ],
  ];
  for (const [kernel, kind, sentence] of sentences) {
    const error = assertThrows(() => chooseFlash("attend", kernel), kind);
    assertEquals(error.message, `Cannot attend: ${sentence}`);
  }
  const kept = { ...modules };
  try {
    modules.relaxed = undefined;
    const error = assertThrows(
      () => chooseFlash("attend", "relaxed"),
      RangeError,
    );
    assertEquals(
      error.message,
      'Cannot attend: kernel is "relaxed", this engine has no relaxed SIMD, it should be "auto" or "scalar"',
    );
    assertEquals(
      chooseFlash("attend", "auto"),
      kept.simd && chooseFlash("attend", kept.simd),
    );
    modules.simd = undefined;
    assertThrows(
      () => chooseFlash("attend", "simd"),
      RangeError,
      "this engine has no SIMD,",
    );
    assertEquals(chooseFlash("attend", "auto"), undefined);
  } finally {
    Object.assign(modules, kept);
  }
});

Deno.test("layOut() refuses what the memory has no room for, and leaves the instance as it was", () => {
  for (const name of NAMES) {
    const flash = chooseFlash("attend", name)!;
    const before = flash.memory.buffer;
    assertThrows(
      () => layOut("attend", flash, 8, 8, 2 ** 27, 8),
      RangeError,
      "bytes of WebAssembly memory, there should be",
    );
    assertEquals(flash.memory.buffer === before, true);
  }
});

// Laws

Deno.test("chooseFlash() gives one instance for a module, and the fastest where it may choose", () => {
  assertEquals(chooseFlash("attend", "scalar"), undefined);
  for (const name of NAMES) {
    const flash = chooseFlash("attend", name);
    assertEquals(chooseFlash("attend", name) === flash, true);
    assertEquals(chooseFlash("attend", modules[name]) === flash, true);
  }
  const best = NAMES[NAMES.length - 1];
  assertEquals(
    chooseFlash("attend", "auto") ===
      chooseFlash("attend", best ?? "scalar"),
    true,
  );
});

Deno.test("layOut() takes no more than a few hundred KB for any number of rows and keys, and its parts do not overlap", () => {
  for (const name of NAMES) {
    for (
      const [dim, valueDim] of [[0, 0], [1, 1], [3, 17], [64, 64], [128, 128], [
        500,
        1,
      ]]
    ) {
      for (const rows of [1, 2, 7, 8, 9, 100, 1e6]) {
        for (const keys of [0, 1, 121, 1e7]) {
          const flash = fresh(name);
          const layout = layOut("attend", flash, rows, keys, dim, valueDim);
          assertEquals(flash.floats.buffer, flash.memory.buffer);
          assert(flash.memory.buffer.byteLength <= 512 * 1024);
          assertEquals(layout.keys % 20, 0);
          assert(layout.keys % 120 === 0 || layout.keys < 120);
          const places = Object.entries(layout)
            .filter(([part]) => part.endsWith("At")).map(([, at]) => at);
          assertEquals(places, places.toSorted((a, b) => a - b));
          assert(places.every((at) => at % 16 === 0));
          assert(
            layout.numeratorAt - layout.queryAt >=
              Math.min(rows, 8) * layout.dim * 4,
          );
          assert(layout.valueAt - layout.keyAt >= layout.keys * layout.dim * 4);
        }
      }
    }
  }
});

Deno.test("loadRows() copies rows from any layout, with zeros behind those that are padded, and nothing else", () => {
  for (const name of NAMES) {
    const flash = fresh(name);
    for (
      const [dim, stride] of [
        [4, 4],
        [3, 3],
        [5, 12],
        [33, 40],
        [64, 64],
        [66, 70],
        [1, 1],
        [0, 0],
      ]
    ) {
      const rows = 7, layout = layOut("attend", flash, rows, rows, dim, dim);
      const random = seeded(dim), from = 2;
      const source = Float32Array.from(
        { length: from + rows * stride },
        () => random.normal(),
      );
      for (const padded of [dim, layout.dim]) {
        const at = layout.keyAt, end = at / 4 + rows * padded;
        flash.floats.fill(7);
        loadRows(flash, layout, at, source, from, stride, rows, dim, padded);
        for (let row = 0; row < rows; row++) {
          const start = at / 4 + row * padded;
          assertEquals(
            [...flash.floats.subarray(start, start + padded)],
            Array.from(
              { length: padded },
              (_, c) => c < dim ? source[from + row * stride + c] : 0,
            ),
          );
        }
        assertEquals(flash.floats[end], 7);
        assertEquals(flash.floats[at / 4 - 1], 7);
      }
    }
  }
});

Deno.test("foldRows() and foldLanes() leave alone what is not theirs", () => {
  // Everything behind the layout is filled with a number that must still be there afterwards.
  for (const name of NAMES) {
    for (const rows of [1, 2, 8]) {
      for (const [dim, valueDim] of [[1, 1], [4, 5], [7, 64], [64, 33]]) {
        const flash = fresh(name), m = 250;
        const layout = layOut("attend", flash, rows, m, dim, valueDim);
        const random = seeded(dim);
        const used = layout.stagingAt / 4;
        flash.floats.fill(3, used);
        const fill = (at: number, count: number) => {
          for (let i = 0; i < count; i++) {
            flash.floats[at / 4 + i] = random.normal();
          }
        };
        fill(layout.queryAt, rows * layout.dim);
        fill(layout.keyAt, m * layout.dim);
        fill(layout.valueAt, m * valueDim);
        const keys = flash.floats.slice(layout.keyAt / 4, layout.scoresAt / 4);
        const {
          queryAt,
          keyAt,
          valueAt,
          numeratorAt,
          stateAt,
          scoresAt,
          columns,
        } = layout;
        const places = [
          queryAt,
          keyAt,
          valueAt,
          numeratorAt,
          stateAt,
          scoresAt,
        ] as const;
        if (layout.inRows) {
          for (let row = 0; row < rows; row++) {
            flash.emptyRow(
              stateAt + row * 16,
              numeratorAt + row * columns * 4,
              columns,
            );
          }
          flash.foldRows(
            ...places,
            1,
            m,
            layout.dim,
            valueDim,
            columns,
            rows - 1,
            0,
            0,
            0,
            0,
          );
        } else {
          flash.emptyLanes(stateAt, numeratorAt, columns);
          flash.foldLanes(...places, 1, m, layout.dim, valueDim, 0, 0, 0, 0, 0);
        }
        assertEquals(
          flash.floats.slice(layout.keyAt / 4, layout.scoresAt / 4),
          keys,
        );
        assert(flash.floats.subarray(used).every((x) => x === 3));
        assert(
          flash.floats.subarray(numeratorAt / 4, numeratorAt / 4 + valueDim)
            .some((x) => x !== 0),
        );
      }
    }
  }
});
