import { assert, assertEquals } from "@std/assert";
import type { Sums } from "../../src/kernel/kernel.ts";
import { exchange } from "../../src/kernel/exchange.ts";
import { makeScalar } from "../../src/kernel/choose.ts";
import { highOf, lowOf, RANGE } from "../../src/kernel/grids.ts";
import { type Random, seeded } from "../../src/random.ts";
import { makeScratch, makeSums } from "../../src/softmax/row.ts";
import { type OracleKey, oracleScore } from "../oracle.ts";
import {
  bitsOf,
  entryOf,
  foldKeys,
  queryOf,
  stepsOff,
  tableOf,
} from "../sums.ts";

const SCALE = 0.3;

function normals(random: Random, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => random.normal());
}

/** Keys whose weights span some 2^±spread. */
function drawKeys(
  random: Random,
  count: number,
  dim: number,
  valueDim: number,
  spread: number,
): OracleKey[] {
  return Array.from({ length: count }, () => ({
    key: normals(random, dim),
    value: normals(random, valueDim),
    bias: spread * random.normal(),
  }));
}

Deno.test("score() of no keys, no columns, one column", () => {
  const kernel = makeScalar(), scratch = makeScratch(2);
  const { scores, slots } = scratch;
  scores.fill(7);
  const biases = new Float64Array([1.5, -2]);
  const none = tableOf(new Float32Array(0), 0);
  kernel.score(queryOf([], 1), none, biases, scratch, 0);
  assertEquals([...scores], [7, 7]);
  slots.set([1, 0]);
  kernel.score(queryOf([], 1), none, biases, scratch, 2);
  assertEquals([...scores], [-2, 1.5]);
  const keys = tableOf(Float32Array.of(3, -1), 1);
  kernel.score(queryOf([2], 1), keys, biases, scratch, 1);
  assertEquals(scores[0], -2 * Math.LOG2E - 2);
});

Deno.test("score() has the bits of the definition for odd and even widths and counts", () => {
  const random = seeded(21), kernel = makeScalar();
  for (const dim of [0, 1, 2, 3, 4, 5, 7, 8, 16, 17, 33, 64]) {
    for (let round = 0; round < 60; round++) {
      const count = round % 10, spread = round % 4 === 0 ? 3 : 0;
      const query = normals(random, dim);
      const keys = drawKeys(random, count, dim, 0, spread);
      const rows = new Float32Array(count * dim);
      const biases = new Float64Array(count), scratch = makeScratch(count);
      const { scores, slots } = scratch;
      keys.forEach(({ key, bias }, i) => {
        const slot = slots[i] = count - 1 - i;
        rows.set(key, slot * dim);
        biases[slot] = bias * Math.LOG2E;
      });
      const table = tableOf(rows, dim);
      kernel.score(queryOf(query, SCALE), table, biases, scratch, count);
      keys.forEach(({ key, bias }, i) => {
        const truth = oracleScore(query, key, SCALE, bias);
        assert(
          scores[i] === truth,
          `seed 21, dim ${dim}, round ${round}, key ${i}: ${
            scores[i]
          }, not ${truth}`,
        );
      });
    }
  }
});

Deno.test("recompute() of no keys leaves an exactly empty row", () => {
  const kernel = makeScalar(), sums = makeSums(1, 2, 2);
  const query = queryOf([1, 2], SCALE);
  foldKeys(kernel, sums, 0, query, drawKeys(seeded(1), 5, 2, 2, 1));
  foldKeys(kernel, sums, 0, query, []);
  const empty = [sums.count, sums.massHigh, sums.massLow, sums.magnitudeHigh];
  const numerators = [0, 1].map((at) => [
    highOf(sums, at),
    lowOf(sums, 0, at),
  ]);
  for (const array of [...empty, ...numerators]) {
    assert(array.every((number: number) => number === 0));
  }
});

Deno.test("exchange() out after in restores every array to the bit", () => {
  const random = seeded(22), kernel = makeScalar();
  for (let step = 0; step < 300; step++) {
    const dim = random.integer(6), valueDim = random.integer(5);
    const row = normals(random, dim), query = queryOf(row, SCALE);
    const keys = drawKeys(random, 1 + random.integer(40), dim, valueDim, 8);
    const sums = makeSums(2, dim, valueDim);
    foldKeys(kernel, sums, 1, query, keys);
    const before = bitsOf(sums);
    // As weak as the grids can tell, or a little above the anchor.
    const far = drawKeys(random, 8, dim, valueDim, 40)
      .map((key) => ({ ...key, bias: Math.min(key.bias, 5) }));
    const entries = far.map(entryOf), taken = entryOf(keys[0]);
    const inward = entries.filter((entry) =>
      exchange(kernel, sums, 1, query, null, entry, false)
    );
    assert(inward.length > 0, `seed 22, step ${step}: nothing went in`);
    for (const entry of inward) {
      assert(exchange(kernel, sums, 1, query, entry, null, false));
    }
    assertEquals(bitsOf(sums), before, `seed 22, step ${step}`);
    assert(exchange(kernel, sums, 1, query, taken, null, false));
    assert(exchange(kernel, sums, 1, query, null, taken, false));
    assertEquals(bitsOf(sums), before, `seed 22, step ${step}: taken out`);
    const swapped = {
      ...taken,
      value: entries[0].value,
      peak: entries[0].peak,
    };
    assert(exchange(kernel, sums, 1, query, taken, swapped, true));
    assert(exchange(kernel, sums, 1, query, swapped, taken, false));
    assertEquals(bitsOf(sums), before, `seed 22, step ${step}: swapped`);
  }
});

Deno.test("exchange() and recompute() give the same bits, in any order of keys", () => {
  const random = seeded(23), kernel = makeScalar();
  let alike = 0;
  for (let step = 0; step < 100; step++) {
    const dim = 1 + random.integer(4), valueDim = 1 + random.integer(4);
    const query = queryOf(normals(random, dim), SCALE);
    // The first key weighs more than the others together: it sets the anchors, nearly always alone.
    const keys = drawKeys(random, 30, dim, valueDim, 1);
    keys[0].bias = 12;
    const order = shuffled(random, keys.length);
    const [one, other, part] = [0, 1, 2].map(() => makeSums(1, dim, valueDim));
    foldKeys(kernel, one, 0, query, keys);
    foldKeys(kernel, other, 0, query, order.map((i) => keys[i]), order);
    foldKeys(kernel, part, 0, query, keys.slice(0, 20));
    for (const i of shuffled(random, 10)) {
      const entry = entryOf(keys[20 + i]);
      assert(exchange(kernel, part, 0, query, null, entry, false));
    }
    const same = (sums: Sums) =>
      sums.shift[0] === one.shift[0] &&
      sums.valueShift[0] === one.valueShift[0];
    if (!same(other) || !same(part)) continue;
    alike++;
    assertEquals(bitsOf(other), bitsOf(one), `seed 23, step ${step}, order`);
    assertEquals(bitsOf(part), bitsOf(one), `seed 23, step ${step}, exchange`);
  }
  assert(alike > 90, `${alike} of 100 had the same anchors`);
});

function shuffled(random: Random, count: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

Deno.test("exchange() refuses what its grids cannot hold, and a recompute mends the row", () => {
  const kernel = makeScalar(), query = queryOf([1], 1);
  const key = (bits: number, value = 1): OracleKey => ({
    key: [0],
    value: [value],
    bias: bits * Math.LN2,
  });
  const cases: [string, OracleKey[], OracleKey[]][] = [
    ["a weight at half the range", [key(0)], [key(17.01)]],
    ["a product at half the range", [key(0)], [key(0, 2 ** 18)]],
    ["an exponent beyond every table", [key(0)], [key(2000)]],
    ["a weight beyond every table with value 0", [key(0)], [key(2000, 0)]],
    ["mass", [key(0)], [key(16.9), key(16.9), key(16.9)]],
    ["magnitude", [key(0)], [1, 2, 3].map(() => key(0, 2 ** 16.9))],
    ["more keys than room", [key(0)], Array(64).fill(key(-3))],
    ["many weak keys that a sink hid", [key(0, 0), key(-80, 2 ** 70)], [
      key(-60, 2 ** 70),
    ]],
  ];
  for (const [what, first, late] of cases) {
    const sums = makeSums(1, 1, 1), fresh = makeSums(1, 1, 1);
    foldKeys(kernel, sums, 0, query, first);
    const taken = late.map((key) =>
      exchange(kernel, sums, 0, query, null, entryOf(key), false)
    );
    // Everything that was taken before still fits, and only the last key is too much.
    assertEquals(
      taken,
      late.map((_, i) => i < late.length - 1),
      what,
    );
    for (const array of [sums.massHigh, sums.magnitudeHigh]) {
      assert(array[0] <= RANGE, what);
    }
    foldKeys(kernel, sums, 0, query, [...first, ...late]);
    foldKeys(kernel, fresh, 0, query, [...first, ...late]);
    assertEquals(bitsOf(sums), bitsOf(fresh), what);
  }
});

Deno.test("the grids lose no contribution: sums are within half a fine step per key of the exact ones", () => {
  const random = seeded(24), kernel = makeScalar();
  let closest = 0;
  for (let step = 0; step < 200; step++) {
    const dim = 1 + random.integer(4), valueDim = 1 + random.integer(4);
    const row = normals(random, dim), query = queryOf(row, SCALE);
    const spread = [1, 10, 40, 200][step % 4];
    const count = step % 50 === 0 ? 3000 : 2 + random.integer(30);
    let keys = drawKeys(random, count, dim, valueDim, spread);
    // Copies of one weak key all lose the same rest.
    if (step % 3 === 0) {
      keys.fill({ ...keys[0], bias: -30 - random.integer(25) });
      keys[0] = {
        key: keys[1].key,
        value: new Float32Array(valueDim),
        bias: 0,
      };
    }
    const sums = makeSums(1, dim, valueDim);
    foldKeys(kernel, sums, 0, query, keys);
    for (let moves = random.integer(40); moves >= 0; moves--) {
      const off = stepsOff(sums, 0, row, SCALE, keys);
      for (const steps of [off.mass, off.magnitude, ...off.numerators]) {
        const share = Math.abs(steps) / (sums.count[0] / 2);
        assert(
          share <= 1,
          `seed 24, step ${step}: off by ${steps} steps with ${keys.length} keys`,
        );
        if (keys.length > 5) closest = Math.max(closest, share);
      }
      assertEquals(sums.count[0], keys.length);
      if (keys.length > 100) break;
      const [late] = drawKeys(random, 1, dim, valueDim, spread);
      const old = random.integer(2) === 0 ? null : keys[0];
      if (
        !exchange(
          kernel,
          sums,
          0,
          query,
          old && entryOf(old),
          entryOf(late),
          false,
        )
      ) break;
      keys = [...(old === null ? keys : keys.slice(1)), late];
    }
  }
  // Otherwise the keys were not chosen to lose as much as they can.
  assert(closest > 0.9, `the largest share of the bound was ${closest}`);
});

Deno.test("multiplyAdds counts dot products and folds", () => {
  const kernel = makeScalar(), dim = 5, valueDim = 3;
  const random = seeded(25), sums = makeSums(1, dim, valueDim);
  const query = queryOf(normals(random, dim), SCALE);
  const [a, b, ...rest] = drawKeys(random, 9, dim, valueDim, 1);
  const spent = (work: () => unknown) => {
    const before = kernel.multiplyAdds;
    work();
    return kernel.multiplyAdds - before;
  };
  const swap = (
    old: OracleKey | null,
    now: OracleKey | null,
    same: boolean,
  ) =>
    spent(() =>
      exchange(
        kernel,
        sums,
        0,
        query,
        old && entryOf(old),
        now && entryOf(now),
        same,
      )
    );
  const fold = valueDim + 1;
  assertEquals(
    spent(() => foldKeys(kernel, sums, 0, query, rest)),
    7 * (dim + fold),
  );
  assertEquals(swap(null, a, false), dim + fold);
  assertEquals(swap(a, b, false), 2 * (dim + fold));
  assertEquals(swap(b, { ...b, value: a.value }, true), dim + 2 * fold);
  assertEquals(swap({ ...b, value: a.value }, null, false), dim + fold);
  assertEquals(swap(null, { ...a, bias: 1e6 }, false), dim);
  assertEquals(makeScalar().multiplyAdds, 0);
});
