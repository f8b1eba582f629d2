/**
 * Sparse changes written out for many rows: when, and to the bits and counts of the loops over entries.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  createAttention,
  flush,
  outputs,
  remove,
  stats,
  update,
} from "../../mod.ts";
import { openAttention } from "../../src/attention.ts";
import type { Batch, Entry, KeyChange } from "../../src/kernel/kernel.ts";
import { fitsWrittenOut, writeOut } from "../../src/kernel/write_out.ts";
import { seeded } from "../../src/random.ts";
import { sameBits } from "../same.ts";
import { normals } from "../scripts.ts";

const WIDTH = 4;

function entry(key?: [number, number][], room = WIDTH): Entry {
  const sparse = key === undefined ? undefined : {
    columns: Uint32Array.from(key, ([column]) => column),
    numbers: Float32Array.from(key, ([, number]) => number),
    start: 0,
    evens: 0,
    count: key.length,
  };
  return {
    key: new Float64Array(room).fill(9),
    plain: new Float32Array(0),
    at: 0,
    keyEntries: sparse,
    value: new Float64Array(room).fill(9),
    valueEntries: sparse,
    bias: 0,
    peak: 0,
  };
}

function batchOf(old: Entry, now: Entry, more: Partial<KeyChange> = {}): Batch {
  const change = { old, now, leaves: true, enters: true, sameKey: false };
  return {
    changes: [{ ...change, differences: undefined, ...more }],
    count: 1,
    rows: new Int32Array(0),
    done: new Int32Array(0),
    masked: false,
    sides: new Uint8Array(0),
    spread: undefined as unknown as Batch["spread"],
  };
}

Deno.test("fitsWrittenOut() weighs entries against all numbers of a row", () => {
  assertEquals(
    [[0, 88], [0, 89], [1, 96], [1, 97], [117, 1024], [116, 1024]].map(
      ([count, width]) => fitsWrittenOut(count, width),
    ),
    [true, false, true, false, true, false],
  );
});

Deno.test("writeOut() writes what is sparse, zeros elsewhere, and leaves what is dense", () => {
  const old = entry([[1, 5], [3, 6]]), now = entry();
  assert(writeOut(batchOf(old, now), 4));
  assertEquals([...old.key], [0, 5, 0, 6]);
  assertEquals([...old.value], [0, 5, 0, 6]);
  assertEquals([...now.key], [9, 9, 9, 9]);
});

Deno.test("writeOut() leaves few rows, differences and what has no room to the loops over entries, and writes nothing then", () => {
  const sparse = () => entry([[1, 5]]);
  const differences = {
    count: 0,
    columns: new Int32Array(0),
    before: new Float64Array(0),
    after: new Float64Array(0),
  };
  for (
    const [batch, rows] of [
      [batchOf(entry(), sparse()), 3],
      [batchOf(entry(), sparse(), { differences }), 4],
      [batchOf(sparse(), entry([[1, 5]], 0)), 4],
      [batchOf(sparse(), entry([[1, 5]], 200)), 4],
    ] as const
  ) {
    assert(!writeOut(batch, rows));
    for (const { old, now } of batch.changes) {
      assert([...old.key, ...now.key].every((number) => number === 9));
    }
  }
  // What is not there may be anything.
  assert(writeOut(batchOf(entry([], 0), sparse(), { leaves: false }), 4));
  assert(writeOut(batchOf(sparse(), entry([], 0), { enters: false }), 4));
  assert(writeOut(batchOf(entry(), entry()), 1));
});

Deno.test("rows over sparse changes that are written out have the bits and the work of the scalar kernel", () => {
  const random = seeded(97), keys = 40;
  for (const [dim, valueDim] of [[64, 64], [17, 33], [90, 300], [300, 16]]) {
    const sparse = (count: number, width: number) =>
      Float32Array.from(
        normals(random, count * width, 1),
        (x) => random.integer(5) > 0 ? 0 : x,
      );
    for (const rows of [3, 4, 9]) {
      const given = {
        ...{ dim, valueDim },
        queries: Float32Array.from(normals(random, dim * rows, 1)),
        keys: sparse(keys, dim),
        values: sparse(keys, valueDim),
      };
      // Queries without zeros are dense under "auto" alone.
      const pairs = (["auto", "sparse"] as const).map((representation) =>
        (["simd", "scalar"] as const).map((kernel) =>
          createAttention({ ...given, representation, kernel })
        )
      );
      for (const pair of pairs) {
        pair.forEach((a) => flush(a));
        for (let step = 0; step < 12; step++) {
          const fresh = {
            keys: sparse(1, dim),
            values: sparse(1, valueDim),
            bias: random.integer(2),
          };
          const id = random.integer(keys - 1);
          for (const a of pair) {
            if (step === 6) remove(a, keys - 1);
            else update(a, id, fresh);
            if (step % 3 > 0) flush(a);
          }
          const [simd, scalar] = pair.map((a) => outputs(a).data);
          sameBits(simd, scalar, `step ${step}`);
        }
        const [ours, theirs] = pair.map((a) => stats(a).multiplyAdds);
        assertEquals(ours, theirs);
        assertEquals(
          openAttention("test", pair[0]).counters,
          openAttention("test", pair[1]).counters,
        );
      }
    }
  }
});

Deno.test("room to write out sparse changes is made for a kernel that says it writes out, and for no other", () => {
  const dim = 32, key = new Array<number>(dim).fill(0).fill(1, 0, 2);
  for (const [kernel, room] of [["simd", dim], ["scalar", 0]] as const) {
    const a = createAttention({
      kernel,
      representation: "sparse",
      queries: normals(seeded(1), dim, 1),
      dim,
      keys: [key, key],
      values: [key, key],
    });
    flush(a);
    update(a, 0, { keys: [key.toReversed()], values: [key.toReversed()] });
    flush(a);
    const { batch, kernel: { writesOut } } = openAttention("test", a);
    assertEquals(writesOut, room > 0);
    assertEquals(
      batch.changes.map(({ now }) => [now.key.length, now.value.length]),
      [[room, room]],
    );
  }
});
