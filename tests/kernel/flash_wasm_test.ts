import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  furthestEnd,
  type Layout,
  layOut as plan,
} from "../../src/kernel/flash_layout.ts";
import {
  loadKeys,
  loadQueries,
  loadRows,
} from "../../src/kernel/flash_load.ts";
import {
  chooseFlash,
  type FlashWasm,
  makeFlash,
  reserve,
} from "../../src/kernel/flash_wasm.ts";
import { modules } from "../../src/kernel/wasm.ts";
import { seeded } from "../../src/random.ts";

/** The names of the modules that this engine has. */
const NAMES = (["simd", "relaxed"] as const)
  .filter((name) => modules[name] !== undefined);

/** An instance without a history, like that of a new process. */
const fresh = (name: "simd" | "relaxed") => makeFlash(modules[name]!);

/** A layout and the memory for it. */
function layOut(
  flash: FlashWasm,
  ...sizes: [rows: number, keys: number, dim: number, valueDim: number]
): Layout {
  const layout = plan(flash, ...sizes);
  reserve("attend", flash, layout.end);
  return layout;
}

// Doors

Deno.test("chooseFlash() refuses what is no kernel, and a kernel that the engine does not have", () => {
  const sentences: [unknown, ErrorConstructor, string][] = [
    [
      3,
      TypeError,
      'kernel is 3, it should be "auto" or "scalar" or "simd" or "relaxed" or a WebAssembly.Module',
    ],
    [
      {},
      TypeError,
      'kernel is an object, it should be "auto" or "scalar" or "simd" or "relaxed" or a WebAssembly.Module',
    ],
    [
      "avx",
      TypeError,
      'kernel is "avx", it should be "auto" or "scalar" or "simd" or "relaxed" or a WebAssembly.Module',
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

Deno.test("reserve() refuses what the memory has no room for, and leaves the instance as it was", () => {
  for (const name of NAMES) {
    const flash = chooseFlash("attend", name)!;
    const before = flash.memory.buffer;
    assertThrows(
      () => layOut(flash, 8, 8, 2 ** 27, 8),
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
  const widths = [[0, 0], [1, 1], [3, 17], [64, 64], [128, 128], [500, 1]];
  for (const name of NAMES) {
    for (const [dim, valueDim] of widths) {
      for (const rows of [1, 2, 7, 8, 9, 100, 1e6]) {
        for (const keys of [0, 1, 121, 1e7]) {
          const flash = fresh(name);
          const layout = layOut(flash, rows, keys, dim, valueDim);
          assertEquals(flash.floats.buffer, flash.memory.buffer);
          assert(flash.memory.buffer.byteLength <= 448 * 1024);
          // Sums go by blocks, which have to lie at the same places for any number of rows and keys.
          const { inRows, keyAt, valueAt } = layout, block = layout.keys;
          if (inRows) assertEquals(block % 8, 0);
          else assertEquals(block % (block < 120 ? 20 : 120), 0);
          const places = Object.entries(layout)
            .filter(([part]) => part.endsWith("At")).map(([, at]) => at);
          assertEquals(places, places.toSorted((a, b) => a - b));
          assert(places.every((at) => at % 16 === 0));
          const queryBytes = layout.numeratorAt - layout.queryAt;
          assert(queryBytes >= layout.rows * layout.dim * 4);
          const keyBytes = (inRows ? layout.scoresAt : valueAt) - keyAt;
          assert(keyBytes >= (block + 7) * layout.dim * 4);
          assert(layout.scoresAt - valueAt >= (block * valueDim + 16) * 4);
        }
      }
    }
  }
});

Deno.test("loadRows(), loadKeys() and loadQueries() put numbers from any layout where the kernel looks for them, and write nowhere else", () => {
  const shapes = [
    [4, 4],
    [3, 3],
    [5, 12],
    [33, 40],
    [64, 64],
    [66, 70],
    [1, 1],
  ];
  for (const name of NAMES) {
    const flash = fresh(name);
    // One query goes through rows, eight through lanes, and eighty meet panels of keys.
    for (const queries of [1, 8, 80]) {
      for (const [dim, stride] of shapes) {
        const rows = 13, from = 2, random = seeded(dim);
        const layout = layOut(flash, queries, rows, dim, dim);
        const { inRows, panels, dim: padded } = layout;
        assertEquals([inRows, panels], [queries === 1, queries === 80]);
        const source = Float32Array.from(
          { length: from + rows * stride },
          () => random.normal(),
        );
        const expected = (row: number, c: number) =>
          c < dim ? source[from + row * stride + c] : 0;
        const at = (place: number) => flash.floats[place];

        flash.floats.fill(7);
        const values = layout.valueAt / 4;
        loadRows(flash, layout.valueAt, source, from, stride, rows, dim);
        for (let i = 0; i < rows * dim; i++) {
          assertEquals(at(values + i), expected(Math.floor(i / dim), i % dim));
        }
        assertEquals([at(values - 1), at(values + rows * dim)], [7, 7]);

        flash.floats.fill(7);
        const keys = layout.keyAt / 4;
        const loaded = (resident: number) =>
          loadKeys(flash, layout, source, from, stride, rows, dim, resident);
        // The last panel has room for two keys more.
        const end = keys + (panels ? 15 : 13) * padded;
        const assertLoaded = () => {
          for (let i = 0; i < rows * padded; i++) {
            const row = Math.floor(i / padded), c = i % padded;
            const panel = (row - row % 5) * padded + c * 5 + row % 5;
            assertEquals(at(keys + (panels ? panel : i)), expected(row, c));
          }
          assertEquals([at(keys - 1), at(end)], [7, 7]);
        };
        assertEquals(loaded(0), layout.keyAt);
        assertLoaded();

        // The same of keys that are in the memory, which are left where they are if their form allows.
        const resident = layout.end + 4, { keyAt } = layout;
        const spare = 8 * dim * 4;
        reserve("attend", flash, resident + rows * dim * 4 + spare);
        flash.floats.fill(7);
        loadRows(flash, resident, source, from, stride, rows, dim);
        const packed = panels || dim < padded;
        assertEquals(loaded(resident), packed ? keyAt : resident);
        if (packed) assertLoaded();
        else {assert(
            flash.floats.subarray(0, resident / 4).every((x) => x === 7),
          );}

        flash.floats.fill(7);
        const count = inRows ? 1 : 5, lanes = inRows ? 1 : 8;
        const start = layout.queryAt / 4 + lanes * padded;
        const starts = new Float64Array(lanes + count);
        for (let row = 0; row < count; row++) {
          starts[lanes + row] = from + row * stride;
        }
        assertEquals(
          loadQueries(
            flash,
            layout,
            lanes,
            source,
            starts,
            stride,
            count,
            dim,
            0.5,
          ),
          0,
        );
        for (let row = 0; row < lanes; row++) {
          for (let c = 0; c < padded; c++) {
            const scaled = row < count ? expected(row, c) / 2 : 0;
            assertEquals(at(start + c * lanes + row), scaled);
          }
        }
        assertEquals([at(start - 1), at(start + lanes * padded)], [7, 7]);
      }
    }
  }
});

Deno.test("furthestEnd() is the furthest that any layout of those keys ends", () => {
  const [name] = NAMES,
    shapes = [[1, 1], [3, 17], [64, 64], [500, 1], [8, 900]];
  if (name === undefined) return;
  const flash = fresh(name);
  for (const [dim, valueDim] of shapes) {
    for (const keys of [0, 1, 121, 1e7]) {
      const ends = Array.from(
        { length: 2000 },
        (_, rows) => plan(flash, rows, keys, dim, valueDim).end,
      );
      assertEquals(furthestEnd(flash, keys, dim, valueDim), Math.max(...ends));
    }
  }
});

Deno.test("touch() reads every line but what is behind the last four whole ones, to the end of the memory", () => {
  for (const name of NAMES) {
    const flash = fresh(name), { byteLength } = flash.bytes;
    for (let lines = 0; lines < 10; lines++) {
      const from = byteLength - lines * 64;
      for (let line = 0; line < lines; line++) {
        flash.integers[from / 4 + line * 16] = 1 << line;
      }
      const read = (end: number) => flash.touch(from, end);
      const whole = (lines: number) => 2 ** (lines - lines % 4) - 1;
      assertEquals(read(byteLength), whole(lines));
      assertEquals(read(byteLength - 1), whole(Math.max(lines - 1, 0)));
    }
  }
});

Deno.test("loadQueries() says which queries lost bits to underflow", () => {
  for (const name of NAMES) {
    for (const rows of [1, 8]) {
      const flash = fresh(name);
      const layout = layOut(flash, rows, 8, 4, 4);
      const numbers = new Float32Array(rows * 4).fill(1), last = rows * 4 - 1;
      numbers[last] = 1e-37;
      numbers[last - 1] = 0;
      const starts = Float64Array.from({ length: rows }, (_, i) => i * 4);
      const lost = (factor: number) =>
        loadQueries(flash, layout, 0, numbers, starts, 4, rows, 4, factor);
      assertEquals(lost(1), 0);
      assertEquals(lost(2 ** -20), 1 << rows - 1);
      assertEquals(lost(0), 2 ** rows - 1);
    }
  }
});

Deno.test("folding leaves alone what is not its own", () => {
  for (const name of NAMES) {
    for (const rows of [1, 2, 8, 40]) {
      for (const [dim, valueDim] of [[1, 1], [4, 5], [7, 64], [64, 33]]) {
        const flash = fresh(name);
        const layout = layOut(flash, rows, 250, dim, valueDim);
        const random = seeded(dim), m = Math.min(layout.keys, 250);
        const fill = (at: number, count: number) => {
          for (let i = 0; i < count; i++) {
            flash.floats[at / 4 + i] = random.normal();
          }
        };
        flash.floats.fill(3, layout.queryAt / 4);
        fill(layout.queryAt, 8 * layout.dim);
        fill(layout.keyAt, m * layout.dim);
        fill(layout.valueAt, m * valueDim);
        const { queryAt, keyAt, valueAt, numeratorAt, stateAt } = layout;
        const { scoresAt, scoresStride, columns, panels } = layout;
        const { dim: width } = layout;
        const keys = flash.floats.slice(keyAt / 4, scoresAt / 4);
        if (layout.inRows) {
          for (let row = 0; row < rows; row++) {
            const numerator = numeratorAt + row * columns * 4;
            flash.emptyRow(stateAt + row * 16, numerator, columns);
          }
          const two = rows - 1;
          flash.scoreRows(
            scoresAt,
            scoresStride,
            queryAt,
            keyAt,
            m,
            width,
            two,
          );
          flash.addRows(
            numeratorAt,
            stateAt,
            scoresAt,
            scoresStride,
            valueAt,
            m,
            valueDim,
            columns,
            two,
            0,
            0,
            0,
            0,
          );
        } else {
          flash.emptyLanes(stateAt, numeratorAt, columns);
          flash.foldLanes(
            queryAt,
            keyAt,
            valueAt,
            numeratorAt,
            stateAt,
            scoresAt,
            1,
            m,
            width,
            valueDim,
            Number(panels),
            0,
            0,
            0,
            0,
            0,
          );
        }
        assertEquals(flash.floats.slice(keyAt / 4, scoresAt / 4), keys);
        const { floats } = flash;
        assert(floats.subarray(layout.maskAt / 4).every((x) => x === 3));
        const sums = floats.subarray(numeratorAt / 4);
        assert(sums.subarray(0, valueDim).some((x) => x !== 0));
      }
    }
  }
});

Deno.test("finishLanes() and finishRow() give zeros and no flags to queries that met no key", () => {
  for (const name of NAMES) {
    for (const rows of [1, 8]) {
      const flash = fresh(name),
        layout = layOut(flash, rows, 8, 4, 8);
      const { stagingAt, numeratorAt, stateAt, columns } = layout;
      const written = flash.floats.subarray(stagingAt / 4);
      written.fill(7);
      let flags: number;
      if (layout.inRows) {
        flash.emptyRow(stateAt, numeratorAt, columns);
        flags = flash.finishRow(stagingAt, numeratorAt, stateAt, 8);
      } else {
        flash.emptyLanes(stateAt, numeratorAt, columns);
        flags = flash.finishLanes(stagingAt, numeratorAt, stateAt, 8, 8);
      }
      assertEquals(flags, 0);
      assert(written.subarray(0, rows * 8).every((x) => x === 0));
      assertEquals(written[rows * 8], 7);
    }
  }
});
