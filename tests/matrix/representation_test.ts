import { assert, assertEquals } from "@std/assert";
import {
  append,
  type Attention,
  createAttention,
  CsrMatrix,
  edit,
  outputs,
  restore,
  snapshot,
  update,
  watch,
} from "../../mod.ts";
import { openAttention } from "../../src/attention.ts";
import { DENSE } from "../../src/kernel/table.ts";
import { isDense } from "../../src/matrix/representation.ts";
import { growStore, makeStore } from "../../src/matrix/store.ts";
import { storeRow } from "../../src/memory/keys.ts";
import { seeded } from "../../src/random.ts";
import { invariant } from "../memory/invariants.ts";
import { normals } from "../scripts.ts";

/** A row with so many numbers that are not 0. */
function filled(width: number, count: number): Float32Array {
  return Float32Array.from({ length: width }, (_, t) => t < count ? 1 : 0);
}

/** Whether a row of 100 numbers that held so many is dense once it holds `now`. */
function becomes(held: number | undefined, before: boolean, now: number) {
  const store = makeStore(100);
  growStore(store, 1);
  if (held !== undefined) {
    storeRow(before ? "dense" : "sparse", store, 0, filled(100, held));
  }
  return isDense("auto", store, 0, now);
}

Deno.test("a new row is dense where more than three in ten of its numbers are not 0", () => {
  assertEquals(
    [0, 29, 30, 31, 100].map((now) => becomes(undefined, false, now)),
    [
      false,
      false,
      false,
      true,
      true,
    ],
  );
});

Deno.test("a stored row stays as it is from 27 to 33 in 100", () => {
  for (const held of [28, 30, 33]) {
    for (
      const [now, wasDense, wasSparse] of [
        [26, false, false],
        [27, false, false],
        [28, true, false],
        [30, true, false],
        [33, true, false],
        [34, true, true],
      ] as const
    ) {
      assertEquals(becomes(held, true, now), wasDense, `${now} was dense`);
      assertEquals(becomes(held, false, now), wasSparse, `${now} was sparse`);
    }
  }
  // A sparse row without entries is as new.
  assertEquals(becomes(0, false, 31), true);
  assertEquals(becomes(0, true, 28), true);
});

Deno.test("rows of fewer than 16 numbers are dense", () => {
  for (const [width, dense] of [[0, true], [15, true], [16, false]] as const) {
    const store = makeStore(width);
    growStore(store, 1);
    assertEquals(isDense("auto", store, 0, 0), dense);
  }
});

Deno.test("what is forced holds at every density and width", () => {
  for (const width of [0, 3, 100]) {
    const store = makeStore(width);
    growStore(store, 1);
    for (let count = 0; count <= width; count++) {
      assertEquals(isDense("dense", store, 0, count), true);
      assertEquals(isDense("sparse", store, 0, count), false);
      storeRow("auto", store, 0, filled(width, count));
    }
  }
});

/** How often the key of an attention changes over in so many edits by turns. */
function flips(a: Attention, low: number, high: number, turns: number): number {
  const { keys } = openAttention("test", a).keys;
  let changed = 0, dense = keys.evens[0] === DENSE;
  for (let turn = 0; turn < turns; turn++) {
    const delta = turn % 2 === 0 ? 1 : -1;
    edit(a, {
      keys: Array.from(
        { length: high - low },
        (_, at): [number, number, number] => [0, low + at, delta],
      ),
    });
    outputs(a);
    const now = keys.evens[0] === DENSE;
    if (now !== dense) changed++;
    dense = now;
  }
  invariant(a);
  return changed;
}

Deno.test("a key edited to and fro around the crossover does not change over each time; beyond the band it does", () => {
  const attentionOf = (count: number) =>
    createAttention({
      queries: [filled(100, 100)],
      keys: [filled(100, count)],
      values: [[1]],
    });
  // From 28 to 33 and back: within the band, however it started.
  assertEquals(flips(attentionOf(28), 28, 33, 100), 0);
  assertEquals(flips(attentionOf(33), 33, 35, 100), 0);
  // From 20 to 40 and back: each edit crosses all of it.
  assertEquals(flips(attentionOf(20), 20, 40, 100), 100);
  // From 30 to 40: over once, and then it stays.
  assertEquals(flips(attentionOf(30), 30, 40, 100), 1);
});

Deno.test("each row goes by its own density: keys, values, queries, and what the log keeps of them", () => {
  const width = 40, random = seeded(71);
  const a = createAttention({ dim: width, valueDim: width });
  const counts = [0, 3, 12, 13, 40];
  const rows = counts.map((count) => filled(width, count));
  append(a, rows, rows.toReversed());
  watch(a, rows);
  const { keys, rows: watched, log } = openAttention("test", a);
  const dense = [false, false, false, true, true];
  const stored = (evens: Int32Array) =>
    counts.map((_, row) => evens[row] === DENSE);
  assertEquals(stored(keys.keys.evens), dense);
  assertEquals(stored(keys.values.evens), dense.toReversed());
  assertEquals(stored(watched.queries.evens), dense);
  assertEquals(a.representation, "mixed");
  outputs(a);
  update(a, [0, 1, 2, 3, 4], { keys: rows.toReversed() });
  const { versions } = log;
  assertEquals(versions.used, 5);
  versions.slot.subarray(0, 5).forEach((slot, at) => {
    assertEquals(versions.keys.evens[at] === DENSE, dense[slot]);
    assertEquals(versions.values.evens[at] === DENSE, dense.toReversed()[slot]);
  });
  // Whatever form they come in.
  update(a, [0, 1, 2, 3, 4], {
    keys: CsrMatrix.fromDense(rows.map((row) => [...row])),
  });
  // 13 of 40 are not enough for a row that has become sparse.
  assertEquals(stored(keys.keys.evens), [false, false, false, false, true]);
  update(a, [0, 1, 2, 3, 4], { keys: rows.map(() => normals(random, 40, 1)) });
  assertEquals(stored(keys.keys.evens), counts.map(() => true));
  invariant(a);
});

Deno.test("`representation` says how keys and values are stored, and keeps to what was asked for", () => {
  const dense = { keys: [filled(20, 20)], values: [filled(20, 20)] };
  const sparse = { keys: [filled(20, 1)], values: [filled(20, 1)] };
  const mixed = { keys: [filled(20, 1)], values: [filled(20, 20)] };
  const kinds = [dense, sparse, mixed].map((rows) => createAttention(rows));
  assertEquals(kinds.map((a) => a.representation), [
    "dense",
    "sparse",
    "mixed",
  ]);
  for (const representation of ["dense", "sparse"] as const) {
    for (const rows of [dense, sparse, mixed]) {
      const a = createAttention({
        ...rows,
        representation,
        queries: rows.keys,
      });
      const check = (a: Attention) => {
        assertEquals(a.representation, representation);
        invariant(a);
      };
      check(a);
      outputs(a);
      for (let count = 0; count <= 20; count++) {
        update(a, 0, {
          keys: filled(20, count),
          values: filled(20, 20 - count),
        });
        append(a, filled(20, count), filled(20, 20 - count));
        edit(a, { keys: [[0, 19, 1], [0, 3, -1]], values: [[0, 5, -1]] });
        check(a);
        check(restore(snapshot(a)));
        if (count % 5 === 0) outputs(a);
      }
      for (const other of ["auto", "dense", "sparse"] as const) {
        const restored = restore(snapshot(a), { representation: other });
        const { representation } = restored;
        assert(other === "auto" || representation === other, representation);
      }
    }
  }
});
