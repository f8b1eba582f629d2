/**
 * Keys that come together are as if they had come one by one.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  append,
  createAttention,
  CsrMatrix,
  errorBound,
  flush,
  outputs,
  remove,
  snapshot,
  stats,
  update,
} from "../../mod.ts";
import { seeded } from "../../src/random.ts";
import { sameBits } from "../same.ts";
import { normals, pick } from "../scripts.ts";
import { thin } from "../sparse.ts";
import { invariant } from "./invariants.ts";

/** Edges of three queries to keys that are to come. */
const everyOther = CsrMatrix.fromDense(
  [0, 1, 2].map((query) =>
    Array.from({ length: 75 }, (_, key) => (query + key) % 2)
  ),
);

Deno.test("append() of many keys leaves what appending each of them leaves, to the bit", () => {
  const random = seeded(71);
  let together = 0;
  for (let round = 0; round < 150; round++) {
    const dim = pick(random, [0, 1, 5, 16, 40]);
    const valueDim = pick(random, [0, 1, 3, 20]);
    const row = (width: number) =>
      pick(random, [thin, (_: unknown, numbers: ArrayLike<number>) => numbers])(
        random,
        normals(random, width, 1),
      );
    const rows = (count: number, width: number) =>
      Array.from(
        { length: count },
        // Zeros of both signs.
        () => Array.from(row(width), (x) => random.integer(9) === 0 ? -0 : x),
      );
    const options = {
      dim,
      valueDim,
      queries: rows(3, dim),
      representation: pick(random, ["auto", "dense", "sparse"] as const),
      kernel: pick(random, ["scalar", "simd"] as const),
      mask: pick(random, [undefined, "causal" as const, everyOther]),
      capacity: pick(random, [undefined, undefined, 30]),
    };
    // What the log counts depends on the reads, what is remembered does not.
    const alike = random.integer(2) > 0;
    const twins = [createAttention(options), createAttention(options)];
    for (let turn = 0; turn < 3; turn++) {
      const count = pick(random, [1, 7, 8, 9, 25]);
      const keys = rows(count, dim), values = rows(count, valueDim);
      const bias = pick(random, [
        undefined,
        normals(random, count, 1).map((x) => x > 1 ? -Infinity : x),
      ]);
      const [ids] = twins.map((twin, which) => {
        if (which === 0) return append(twin, keys, values, { bias });
        return keys.map((key, i) =>
          append(twin, [key], [values[i]], { bias: bias?.[i] })[0]
        );
      });
      const live = stats(twins[0]).blocks, all = (live.dense + live.sparse) / 2;
      together += count;
      const gone = ids.slice(-all).filter(() => random.integer(3) === 0);
      const flushed = random.integer(2) > 0;
      for (const twin of twins) {
        if (alike ? flushed : random.integer(2) > 0) flush(twin);
        if (dim > 0 && !gone.includes(ids.at(-1)!)) {
          update(twin, ids.at(-1)!, {
            keys: Array.from({ length: dim }, () => turn),
          });
        }
        remove(twin, gone);
      }
      const [ours, theirs] = twins.map((twin) => {
        const { writes, coalesced, evicted, blocks } = stats(twin);
        const seen = alike ? [coalesced, twin.pending] : [];
        return { writes, evicted, blocks, seen };
      });
      assertEquals(ours, theirs);
      assertEquals(snapshot(twins[0]), snapshot(twins[1]), `round ${round}`);
      twins.forEach(invariant);
    }
    sameBits(outputs(twins[0]).data, outputs(twins[1]).data, `round ${round}`);
    assert(errorBound(twins[0]).total < Infinity);
  }
  assert(together > 3000, `${together} keys`);
});

Deno.test("append() of many keys that are refused leaves nothing behind", () => {
  const attention = createAttention({ dim: 1, valueDim: 1 });
  const numbers = Array.from({ length: 20 }, (_, i) => [i]);
  const before = snapshot(attention);
  for (const bad of [NaN, Infinity, 1e39]) {
    const values = numbers.map((row, i) => i === 19 ? [bad] : row);
    assertThrows(
      () => append(attention, numbers, values),
      RangeError,
      `Cannot append: values[19][0] is ${bad}, it should be finite as a 32-bit float`,
    );
  }
  assertEquals(snapshot(attention), before);
});
