import { assert, assertEquals } from "@std/assert";
import { append, createAttention } from "../../../mod.ts";
import { openAttention } from "../../../src/attention.ts";
import { boundOthers, makeBlocks } from "../../../src/method/smyrf/bound.ts";
import { makeOrder } from "../../../src/method/smyrf/order.ts";
import { oracleScore } from "../../oracle.ts";
import { forSeeds, normals, pick, shuffled } from "../../scripts.ts";

Deno.test("boundOthers() bounds what is left out, whichever keys are attended to, and blocks hold each key once", () => {
  let sharp = 0;
  forSeeds(150, (_, random) => {
    const dim = 1 + random.integer(5), m = 2 + random.integer(60);
    const spread = pick(random, [0, 1e-3, 0.3, 2]);
    const centres = [0, 1, 2].map(() => normals(random, dim, 2));
    const keys = Array.from(
      { length: m },
      () => pick(random, centres).map((x) => x + random.normal() * spread),
    );
    const bias = keys.map(() => pick(random, [0, 0, -1, 2]));
    const query = normals(random, dim, 2);
    const a = createAttention({
      queries: [query],
      dim,
      valueDim: 1,
      scale: pick(random, [1, -0.5]),
    });
    const memory = openAttention("test", a), { scale } = memory;
    append(a, keys, keys.map(() => [random.normal()]), { bias });
    const orders = [0, 1].map(() => {
      const order = makeOrder(m);
      keys.forEach((key, slot) => {
        order.hashes[slot] = key[0] + random.integer(2) * key[dim - 1];
      });
      return order;
    });
    const slots = Int32Array.from({ length: m }, (_, slot) => slot);
    const blocks = makeBlocks(memory, orders, slots);
    assertEquals([...slots].sort((a, b) => a - b), [...keys.keys()]);
    assert(blocks.size.every((size) => size > 0 && size <= 16));
    assertEquals(blocks.size.reduce((a, b) => a + b, 0), m);
    const stored = (row: number[]) => Float32Array.from(row);
    blocks.query.set(stored(query));
    const scores = keys.map((key, j) =>
      oracleScore(stored(query), stored(key), scale, bias[j])
    );
    // The best, the worst or any.
    const order = pick(random, [
      () => shuffled(random, [...keys.keys()]),
      () => [...keys.keys()].sort((a, b) => scores[a] - scores[b]),
      () => [...keys.keys()].sort((a, b) => scores[b] - scores[a]),
    ])();
    const count = 1 + random.integer(m - 1);
    const attended = order.slice(0, count).sort((a, b) => a - b);
    const { share, size } = boundOthers(
      memory,
      blocks,
      memory.rows.norms[0],
      Int32Array.from(attended),
      Float64Array.from(attended, (j) => scores[j]),
    );
    const top = Math.max(...scores);
    let all = 0, out = 0, weighed = 0;
    scores.forEach((score, j) => {
      const weight = 2 ** (score - top);
      all += weight;
      if (attended.includes(j)) return;
      out += weight;
      weighed += weight * memory.keys.peaks[j];
    });
    // The sums of this test are off by a rounding for each key.
    const rounded = 1 - 2 * m * 2 ** -53;
    assert(share >= out / all * rounded, `${share}, ${out / all}`);
    assert(size >= weighed / all * rounded, `${size}, ${weighed / all}`);
    if (share < 1.5 * out / all) sharp++;
  });
  assert(sharp > 40, `${sharp}`);
});

Deno.test("boundOthers() bounds equal keys so long that the roundings of their mean are more than weights reach", () => {
  const length = 3.25 * 2 ** 60;
  for (let m = 2; m <= 16; m++) {
    const keys = Array.from({ length: m }, () => [length]);
    const a = createAttention({ queries: [[length]], valueDim: 1, scale: 1 });
    append(a, keys, keys.map(() => [1]));
    const memory = openAttention("test", a);
    const slots = Int32Array.from(keys.keys());
    const blocks = makeBlocks(memory, [makeOrder(m)], slots);
    blocks.query[0] = length;
    for (let count = 1; count < m; count++) {
      const { share, size } = boundOthers(
        memory,
        blocks,
        memory.rows.norms[0],
        slots.subarray(0, count),
        new Float64Array(count).fill(length * length * Math.LOG2E),
      );
      // All weigh alike.
      const left = (m - count) / m;
      assert(share >= left && share <= 1, `${m}, ${count}: ${share}`);
      assert(size >= left && size < Infinity, `${m}, ${count}: ${size}`);
    }
  }
});
