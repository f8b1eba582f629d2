/**
 * Sparse loops give the bits of dense ones, and those of the definition, for every mix of dense and sparse rows.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { dotEntries, isSparser, partition } from "../../src/kernel/entries.ts";
import type {
  Differences,
  Entry,
  Kernel,
  Query,
  Sums,
} from "../../src/kernel/kernel.ts";
import { exchange } from "../../src/kernel/exchange.ts";
import { scoreOf } from "../../src/kernel/score.ts";
import { makeScalar } from "../../src/kernel/choose.ts";
import { DENSE } from "../../src/kernel/table.ts";
import { entriesOf } from "../../src/kernel/table.ts";
import type { Store } from "../../src/matrix/store.ts";
import { lengthOf, storeRow } from "../../src/memory/keys.ts";
import { growStore, makeStore } from "../../src/matrix/store.ts";
import { type Random, seeded } from "../../src/random.ts";
import type { Entries } from "../../src/rows.ts";
import { makeScratch, makeSums } from "../../src/softmax/row.ts";
import { type OracleKey, oracleScore } from "../oracle.ts";
import { normals, pick } from "../scripts.ts";
import { thin } from "../sparse.ts";
import { bitsOf, entryOf, queryOf, stepsOff } from "../sums.ts";

const SCALE = 0.3;
const WIDTHS = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 32, 33, 61, 70];

function drawRow(random: Random, width: number): Float32Array {
  return Float32Array.from(
    thin(random, normals(random, width, 1)),
    (x) => Math.fround(x) + 0,
  );
}

function drawKey(random: Random, dim: number, valueDim: number): OracleKey {
  const value = drawRow(random, valueDim);
  // Now and then what a grid does not hold any more, or only its fine part.
  const size = pick(random, [1, 1, 1, 2 ** -40, 2 ** -120]);
  return {
    key: drawRow(random, dim),
    value: value.map((x) => x * size),
    bias: random.normal() * pick(random, [1, 8]),
  };
}

/** A table of rows each of which is dense or sparse as `dense` says. */
function tableOf(
  rows: readonly ArrayLike<number>[],
  width: number,
  dense: (row: number) => boolean,
): Store {
  const store = makeStore(width);
  growStore(store, rows.length);
  // Not in order, so that places and slots differ.
  for (let row = rows.length - 1; row >= 0; row--) {
    const given = Float32Array.from(rows[row]);
    storeRow(dense(row) ? "dense" : "sparse", store, row, given);
  }
  return store;
}

/** The entries of a row behind those of another. */
function listed(row: ArrayLike<number>): Entries {
  const other = Float32Array.from(row, () => 7);
  return entriesOf(tableOf([row, other], row.length, () => false), 0);
}

/** A query that is stored as its entries; written out, since a key may be sparser. */
function sparseQuery(row: ArrayLike<number>): Query {
  return { ...queryOf(row, SCALE), entries: listed(row) };
}

/** A key with its value, each dense or as its entries. */
function mixedEntry(
  key: OracleKey,
  sparseKey: boolean,
  sparseValue: boolean,
): Entry {
  const entry = entryOf(key);
  // Behind other numbers, as in a table.
  entry.plain = Float32Array.of(5, 5, ...entry.plain);
  entry.at = 2;
  if (sparseKey) {
    entry.keyEntries = listed(key.key);
    entry.key.fill(NaN);
  }
  if (sparseValue) {
    entry.valueEntries = listed(key.value);
    entry.value.fill(NaN);
  }
  return entry;
}

const nonZeros = (row: ArrayLike<number>) =>
  Array.from(row).filter((x) => x !== 0).length;

function spent(kernel: Kernel, work: () => void): number {
  const before = kernel.multiplyAdds;
  work();
  return kernel.multiplyAdds - before;
}

Deno.test("dotEntries() of no entries is 0, of one stripe its sum", () => {
  const rows = Float32Array.of(9, 1, 2, 3, 4);
  const dot = (row: number[]) => {
    const { columns, numbers, start, evens, count } = listed(row);
    return dotEntries(columns, numbers, start, evens, count, rows, 1);
  };
  assert(Object.is(dot([0, 0, 0, 0]), 0));
  assertEquals(dot([5, 0, 7, 0]), 26);
  assertEquals(dot([0, 5, 0, 7]), 38);
  assertEquals(dot([1, 1, 1, 1]), 10);
});

Deno.test("partition() puts dense rows in front and sparse ones behind, each once", () => {
  const random = seeded(31);
  for (let round = 0; round < 200; round++) {
    const count = random.integer(12), room = count + random.integer(4);
    const kinds = Array.from({ length: 20 }, () => random.integer(2) > 0);
    const table = tableOf(kinds.map(() => [1]), 1, (row) => kinds[row]);
    const slots = Int32Array.from({ length: room }, () => random.integer(20));
    const picked = new Int32Array(room).fill(-1);
    const dense = partition(table, slots, count, picked);
    const front = [...picked.subarray(0, dense)];
    const back = [...picked.subarray(room - count + dense)];
    assertEquals(
      [...front, ...back].sort((a, b) => a - b),
      [...Array(count).keys()],
    );
    assert(front.every((i) => table.evens[slots[i]] === DENSE));
    assert(back.every((i) => table.evens[slots[i]] !== DENSE));
  }
});

Deno.test("isSparser() is for a sparse key that has fewer entries than the query", () => {
  const [one, two] = [listed([0, 1, 0]), listed([1, 1, 0])];
  assertEquals(isSparser(undefined, undefined), false);
  assertEquals(isSparser(undefined, one), false);
  assertEquals(isSparser(two, undefined), true);
  assertEquals(isSparser(one, two), true);
  assertEquals(isSparser(one, one), false);
  assertEquals(isSparser(two, one), false);
});

Deno.test("score() has the bits of the definition for every mix, and costs what is met", () => {
  const random = seeded(32), kernel = makeScalar();
  let pairs = 0;
  for (let round = 0; round < 500; round++) {
    const dim = pick(random, WIDTHS), count = random.integer(12);
    const row = drawRow(random, dim);
    const keys = Array.from({ length: count }, () => drawKey(random, dim, 0));
    const kinds = keys.map(() => random.integer(2) > 0);
    const slots = keys.map((_, i) => i).sort(() => random.integer(3) - 1);
    const table = tableOf(keys.map(({ key }) => key), dim, (i) => kinds[i]);
    const biases = Float64Array.from(keys, ({ bias }) => bias * Math.LOG2E);
    for (const query of [queryOf(row, SCALE), sparseQuery(row)]) {
      const scratch = makeScratch(count + random.integer(3));
      scratch.slots.set(slots);
      scratch.scores.fill(NaN);
      const cost = spent(
        kernel,
        () => kernel.score(query, table, biases, scratch, count),
      );
      slots.forEach((slot, i) => {
        const { key, bias } = keys[slot];
        const truth = oracleScore(row, key, SCALE, bias);
        assert(
          Object.is(scratch.scores[i] + 0, truth + 0),
          `round ${round}, dim ${dim}, key ${slot}: ${
            scratch.scores[i]
          }, not ${truth}`,
        );
        pairs++;
      });
      const dense = query.entries?.count ?? dim;
      assertEquals(
        cost,
        keys.reduce(
          (sum, { key }, i) => sum + (kinds[i] ? dense : nonZeros(key)),
          0,
        ),
      );
    }
  }
  assert(pairs > 2000, `${pairs} pairs`);
});

/** Scores and folds keys, dense where `kinds` say so. */
function fold(
  kernel: Kernel,
  sums: Sums,
  query: Query,
  keys: readonly OracleKey[],
  denseKey: (row: number) => boolean,
  denseValue: (row: number) => boolean,
): number {
  const { dim, valueDim } = sums, scratch = makeScratch(keys.length);
  keys.forEach((_, i) => scratch.slots[i] = keys.length - 1 - i);
  const table = tableOf(keys.map(({ key }) => key), dim, denseKey);
  const values = tableOf(keys.map(({ value }) => value), valueDim, denseValue);
  const biases = Float64Array.from(keys, ({ bias }) => bias * Math.LOG2E);
  const peaks = Float64Array.from(keys, (key) => entryOf(key).peak);
  kernel.score(query, table, biases, scratch, keys.length);
  return spent(
    kernel,
    () => kernel.recompute(sums, 0, scratch, keys.length, values, peaks),
  );
}

Deno.test("recompute() gives the same sums for every mix, within half a step per key of the exact ones", () => {
  const random = seeded(33), kernel = makeScalar();
  for (let round = 0; round < 300; round++) {
    const dim = pick(random, WIDTHS), valueDim = pick(random, WIDTHS);
    const row = drawRow(random, dim), count = 1 + random.integer(14);
    const keys = Array.from(
      { length: count },
      () => drawKey(random, dim, valueDim),
    );
    const expected = makeSums(1, dim, valueDim);
    const all = () => true;
    fold(kernel, expected, queryOf(row, SCALE), keys, all, all);
    const bits = bitsOf(expected);
    for (const query of [queryOf(row, SCALE), sparseQuery(row)]) {
      const sums = makeSums(1, dim, valueDim);
      const values = keys.map(() => random.integer(2) > 0);
      // What was there before goes.
      sums.numeratorHigh.fill(3e6);
      sums.numeratorLow.fill(3e6);
      const cost = fold(
        kernel,
        sums,
        query,
        keys,
        () => random.integer(2) > 0,
        (i) => values[i],
      );
      assertEquals(bitsOf(sums), bits, `round ${round}`);
      assertEquals(
        cost,
        keys.reduce(
          (sum, { value }, i) =>
            sum + 1 + (values[i] ? valueDim : nonZeros(value)),
          0,
        ),
      );
    }
    const off = stepsOff(expected, 0, row, SCALE, keys);
    for (const steps of [off.mass, off.magnitude, ...off.numerators]) {
      assert(Math.abs(steps) <= count / 2, `round ${round}: ${steps} steps`);
    }
  }
});

/** Where two values differ, in any order. */
function differencesOf(old: OracleKey, now: OracleKey): Differences {
  const width = old.value.length;
  const columns = Array.from({ length: width }, (_, t) => width - 1 - t)
    .filter((t) => old.value[t] !== now.value[t]);
  return {
    count: columns.length,
    columns: Int32Array.from(columns),
    before: Float64Array.from(columns, (t) => old.value[t]),
    after: Float64Array.from(columns, (t) => now.value[t]),
  };
}

Deno.test("exchange() of sparse keys and values has the bits of dense ones, costs the fewer entries, and undoes itself", () => {
  const random = seeded(34), kernel = makeScalar();
  let moved = 0;
  for (let round = 0; round < 50; round++) {
    const dim = pick(random, WIDTHS), valueDim = pick(random, WIDTHS);
    const row = drawRow(random, dim), all = () => true;
    const keys = Array.from(
      { length: 2 + random.integer(6) },
      () => drawKey(random, dim, valueDim),
    );
    const [old] = keys, now = drawKey(random, dim, valueDim);
    // A value of which some numbers change.
    const near = {
      ...old,
      value: Array.from(
        old.value,
        (x) => random.integer(3) > 0 ? x : Math.fround(random.normal()),
      ),
    };
    const start = makeSums(1, dim, valueDim);
    fold(kernel, start, queryOf(row, SCALE), keys, all, all);
    const before = bitsOf(start), copy = () => structuredClone(start);
    for (
      const [out, into, same] of [
        [old, null, false],
        [null, now, false],
        [old, now, false],
        [old, near, true],
        [old, near, false],
      ] as const
    ) {
      const expected = copy();
      const dense = (key: OracleKey | null) => key && entryOf(key);
      const query = queryOf(row, SCALE);
      const fits = exchange(
        kernel,
        expected,
        0,
        query,
        dense(out),
        dense(into),
        same,
      );
      const bits = bitsOf(expected);
      for (let kind = 0; kind < 32; kind++) {
        const queried = kind & 1 ? sparseQuery(row) : queryOf(row, SCALE);
        const mixed = (key: OracleKey | null, bits: number) =>
          key && mixedEntry(key, (bits & 1) > 0, (bits & 2) > 0);
        const gone = mixed(out, kind >> 1), come = mixed(into, kind >> 3);
        const sums = copy();
        const cost = spent(kernel, () =>
          assertEquals(
            exchange(kernel, sums, 0, queried, gone, come, same),
            fits,
          ));
        assertEquals(bitsOf(sums), bits, `round ${round}, kind ${kind}`);
        if (!fits) continue;
        const dot = (key: OracleKey, entry: Entry) =>
          Math.min(
            queried.entries?.count ?? dim,
            entry.keyEntries === undefined ? dim : nonZeros(key.key),
          );
        const sum = (key: OracleKey, entry: Entry) =>
          1 +
          (entry.valueEntries === undefined ? valueDim : nonZeros(key.value));
        assertEquals(
          cost,
          (out && gone ? dot(out, gone) + sum(out, gone) : 0) +
            (into && come ? (same ? 0 : dot(into, come)) + sum(into, come) : 0),
        );
        moved++;
        // Back again, by other kinds of rows.
        const [again, back] = [out, into].map((key) =>
          mixed(key, random.integer(4))
        );
        assert(exchange(kernel, sums, 0, query, back, again, false));
        assertEquals(bitsOf(sums), before, `round ${round}, undone`);
      }
      if (!same || !fits) continue;
      const sums = copy(), told = differencesOf(old, near);
      const sparse = sparseQuery(row);
      const [gone, come] = [old, near].map((key) =>
        mixedEntry(key, true, true)
      );
      const cost = spent(
        kernel,
        () => exchange(kernel, sums, 0, sparse, gone, come, true, told),
      );
      assertEquals(bitsOf(sums), bits, `round ${round}, differences`);
      const dot = Math.min(nonZeros(row), nonZeros(old.key));
      assertEquals(cost, dot + 2 * (told.count + 1));
    }
  }
  assert(moved > 4000, `${moved} exchanges`);
});

Deno.test("a sparse query need not be written out unless the key is the sparser one", () => {
  const kernel = makeScalar(), sums = makeSums(1, 4, 1);
  const row = [0, 2, 0, 3], all = () => true;
  const query = { ...sparseQuery(row), rows: new Float32Array(0) };
  const key = { key: [1, 1, 1, 0], value: [1], bias: 0 };
  fold(kernel, sums, queryOf(row, SCALE), [key], all, all);
  for (const sparse of [true, false]) {
    const entry = mixedEntry(key, sparse, sparse);
    assert(exchange(kernel, sums, 0, query, null, entry, false));
    assertEquals(scoreOf(query, entry), oracleScore(row, key.key, SCALE, 0));
  }
});

Deno.test("lengths are the same for sparse rows, to the bit", () => {
  const random = seeded(35);
  for (let round = 0; round < 1000; round++) {
    const row = drawRow(random, pick(random, WIDTHS));
    assertEquals(lengthOf(listed(row)), lengthOf(row));
  }
});
