/**
 * Scores of several queries together: the bits of the definition and the same work in both kernels, for every mix of
 * dense and sparse queries and keys.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { makeKernel } from "../../src/kernel/choose.ts";
import { apart, type Home } from "../../src/kernel/home.ts";
import { type Kernel, LANES, type Query } from "../../src/kernel/kernel.ts";
import {
  allSparse,
  isFaster,
  lineUp,
  packQueries,
  sizesOf,
} from "../../src/kernel/lanes.ts";
import { aimQuery, makeQuery } from "../../src/kernel/score.ts";
import { makeSpread, reserveSpread } from "../../src/kernel/spread.ts";
import { growStore, makeStore, type Store } from "../../src/matrix/store.ts";
import { storeRow } from "../../src/memory/keys.ts";
import { type Random, seeded } from "../../src/random.ts";
import { makeScratch } from "../../src/softmax/row.ts";
import { oracleScore } from "../oracle.ts";
import { normals, pick } from "../scripts.ts";
import { thin } from "../sparse.ts";

const SCALE = 0.3;
const WIDTHS = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 33, 64];

function drawRow(random: Random, width: number): Float32Array {
  return Float32Array.from(
    thin(random, normals(random, width, 1)),
    (x) => Math.fround(x) + 0,
  );
}

/** A table in some home, each row dense or sparse as `dense` says. */
function tableOf(
  home: Home,
  rows: readonly Float32Array[],
  width: number,
  dense: readonly boolean[],
): Store {
  const store = makeStore(width, home);
  growStore(store, rows.length);
  // Not in order, so that places and rows differ.
  for (let row = rows.length - 1; row >= 0; row--) {
    storeRow(dense[row] ? "dense" : "sparse", store, row, rows[row]);
  }
  return store;
}

const nonZeros = (row: Float32Array) => row.filter((x) => x !== 0).length;

/** All dense, all sparse, or each as it comes. */
function drawKinds(random: Random, count: number): boolean[] {
  const kind = random.integer(3);
  return Array.from({ length: count }, () =>
    [true, false][kind] ??
      random.integer(2) > 0);
}

function queryIn(table: Store, row: number): Query {
  const query = makeQuery(table, SCALE * Math.LOG2E);
  aimQuery(table, query, row);
  return query;
}

/** A kernel with what it needs to score some rows. */
interface Bench {
  kernel: Kernel;
  /** Scores the keys of `slots` for the queries of `rows`: the scores, rows behind one another, and the work. */
  score(rows: number[], slots: number[]): { scores: number[]; work: number };
}

function benchOf(
  name: "scalar" | "simd",
  dim: number,
  queries: Float32Array[],
  denseQueries: boolean[],
  keys: Float32Array[],
  denseKeys: boolean[],
  biases: number[],
): Bench {
  const kernel = makeKernel("test", name, dim, 0), { home } = kernel;
  const most = LANES * keys.length, spread = makeSpread(home);
  reserveSpread(spread, dim, dim);
  const given = { biases: new Float64Array(0) };
  home.grow(given, "biases", biases.length);
  const scratch = makeScratch(keys.length, home);
  home.grow(scratch, "scores", most + 1);
  // Not in the kernel's memory: queries may lie anywhere.
  const asked = tableOf(apart, queries, dim, denseQueries);
  const table = tableOf(home, keys, dim, denseKeys);
  given.biases.set(biases.map((bias) => bias * Math.LOG2E));
  return {
    kernel,
    score(rows, slots) {
      scratch.slots.set(slots);
      scratch.scores.fill(NaN);
      const before = kernel.multiplyAdds;
      kernel.scoreTogether(
        rows.map((row) => queryIn(asked, row)),
        table,
        given.biases,
        scratch,
        slots.length,
        spread,
      );
      const written = rows.length * slots.length;
      const behind = scratch.scores.subarray(written);
      assert(behind.every(Number.isNaN), "a score too many");
      return {
        scores: [...scratch.scores.subarray(0, written)],
        work: kernel.multiplyAdds - before,
      };
    },
  };
}

Deno.test("lineUp() writes dense queries one behind the other and nothing behind them", () => {
  const rows = [[1, 2, 3], [0, 4, 0], [5, 0, 6]].map((row) =>
    Float32Array.from(row)
  );
  const table = tableOf(apart, rows, 3, [true, true, true]);
  const into = new Float32Array(9).fill(NaN);
  lineUp([2, 1].map((row) => queryIn(table, row)), into);
  assertEquals([...into], [5, 0, 6, 0, 4, 0, NaN, NaN, NaN]);
});

Deno.test("packQueries() puts queries side by side and zeros in the lanes behind them", () => {
  const rows = [[1, 2, 3], [0, 4, 0], [5, 0, 6]].map((row) =>
    Float32Array.from(row)
  );
  for (const dense of [[true, true, true], [false, true, false]]) {
    const table = tableOf(apart, rows, 3, dense);
    const lanes = new Float64Array(4 * LANES).fill(NaN);
    packQueries([2, 0].map((row) => queryIn(table, row)), lanes);
    const empty = new Array(LANES - 2).fill(0);
    assertEquals(
      [...lanes],
      [5, 1, ...empty, 0, 2, ...empty, 6, 3, ...empty, 0, 0, ...empty],
    );
  }
});

Deno.test("sizesOf() counts dense rows, and the entries of the others", () => {
  const rows = [[1, 2, 3], [0, 4, 0], [5, 0, 6]].map((row) =>
    Float32Array.from(row)
  );
  const table = tableOf(apart, rows, 3, [false, true, false]);
  const sizes = (slots: number[], count: number) =>
    sizesOf(table, Int32Array.from(slots), count);
  assertEquals(sizes([2, 0, 1], 0), { dense: 0, entries: 0 });
  assertEquals(sizes([2, 0, 1], 2), { dense: 0, entries: 5 });
  assertEquals(sizes([2, 0, 1, 1], 4), { dense: 2, entries: 5 });
});

Deno.test("isFaster() from six dense queries on over dense keys, from two over sparse ones, else by what keys of both kinds hold", () => {
  const dim = 24, row = new Float32Array(dim).fill(1);
  const thinned = row.map((x, t) => t < 6 ? x : 0);
  const table = tableOf(apart, [row, thinned], dim, [true, false]);
  const dense = queryIn(table, 0), sparse = queryIn(table, 1);
  const from = (query: Query, dense: number, entries: number) =>
    [1, 2, 3, 4, 5, 6, 7, 8].find((count) =>
      isFaster(new Array(count).fill(query), { dense, entries })
    );
  for (const keys of [1, 7, 1001]) {
    assertEquals(from(dense, keys, 0), 6);
    assertEquals(from(dense, 0, keys), 2);
    assertEquals(from(sparse, 0, keys), 2);
    // A sparse query of a quarter of the numbers meets dense keys in plain loops.
    assertEquals(from(sparse, keys, 0), 4);
  }
  // A dense key among sparse ones is of no account: 24 more numbers against 3 000 more entries.
  assertEquals(from(sparse, 1, 3000), 3);
  assertEquals(from(dense, 1, 3000), 3);
  assertEquals(from(dense, 100, 2400), 3);
});

Deno.test("allSparse() looks at the first rows of a list only", () => {
  const one = Float32Array.of(1);
  const table = tableOf(apart, [one, one, one], 1, [false, true, false]);
  assert(allSparse(table, Int32Array.of(1), 0));
  assert(allSparse(table, Int32Array.of(2, 0, 1), 2));
  assert(!allSparse(table, Int32Array.of(2, 0, 1), 3));
});

Deno.test("scoreTogether() of no rows or no keys writes nothing and costs nothing", () => {
  const row = Float32Array.of(1, 2, 3);
  for (const name of ["scalar", "simd"] as const) {
    for (const dense of [true, false]) {
      const bench = benchOf(name, 3, [row, row], [dense, dense], [row], [
        dense,
      ], [1]);
      const none = { scores: [], work: 0 };
      assertEquals(bench.score([], [0]), none);
      assertEquals(bench.score([0, 1], []), none);
      assertEquals(bench.score([], []), none);
    }
  }
});

Deno.test("scoreTogether() has the bits of the definition for every mix, and both kernels cost what is met", () => {
  const random = seeded(37), met = new Map<string, number>();
  for (let round = 0; round < 250; round++) {
    const dim = pick(random, WIDTHS), count = 1 + random.integer(12);
    const draw = (length: number) =>
      Array.from({ length }, () => drawRow(random, dim));
    const keys = draw(count), queries = draw(LANES + 3);
    const denseKeys = drawKinds(random, count);
    const denseQueries = drawKinds(random, queries.length);
    const biases = keys.map(() => random.normal() * pick(random, [0, 1, 8]));
    const benches = (["scalar", "simd"] as const).map((name) =>
      benchOf(name, dim, queries, denseQueries, keys, denseKeys, biases)
    );
    // Several groups in one kernel: what one has left in the lanes of others is of no account.
    for (let group = 0; group < 3; group++) {
      const rows = Array.from(
        { length: 1 + random.integer(LANES) },
        () => random.integer(queries.length),
      );
      const slots = keys.map((_, i) => i).filter(() => random.integer(4) > 0)
        .sort(() => random.integer(3) - 1);
      const truth = rows.flatMap((row) =>
        slots.map((slot) =>
          oracleScore(queries[row], keys[slot], SCALE, biases[slot]) + 0
        )
      );
      const work = rows.flatMap((row) =>
        slots.map((slot) => {
          if (!denseKeys[slot]) return nonZeros(keys[slot]);
          return denseQueries[row] ? dim : nonZeros(queries[row]);
        })
      ).reduce((sum, cost) => sum + cost, 0);
      for (const { kernel, score } of benches) {
        const made = score(rows, slots);
        made.scores.forEach((score, i) =>
          assert(
            Object.is(score + 0, truth[i]),
            `round ${round}, ${kernel.name}, dim ${dim}, ${rows.length} rows, score ${i}: ${score}, not ${
              truth[i]
            }`,
          )
        );
        assertEquals(made.scores.length, truth.length);
        assertEquals(made.work, work, `${kernel.name}, round ${round}`);
      }
      const mix = [
        rows.map((row) => denseQueries[row]),
        slots.map((slot) => denseKeys[slot]),
      ].map((kinds) =>
        kinds.every((dense) => dense)
          ? "dense"
          : kinds.some((dense) => dense)
          ? "mixed"
          : "sparse"
      ).join(" over ");
      met.set(mix, (met.get(mix) ?? 0) + 1);
    }
  }
  assertEquals(met.size, 9, [...met.keys()].join(", "));
  for (const [mix, times] of met) assert(times > 20, `${mix}: ${times}`);
});

Deno.test("scoreTogether() of queries too long to lie side by side has the same bits", () => {
  const random = seeded(39), dim = 4097;
  const rows = [drawRow(random, dim), drawRow(random, dim)];
  for (const dense of [[true, true], [false, false]]) {
    const [ours, theirs] = (["simd", "scalar"] as const).map((name) =>
      benchOf(name, dim, rows, dense, rows, dense, [0, 1])
        .score([0, 1], [0, 1])
    );
    assertEquals(ours, theirs);
  }
});

Deno.test("score() of one sparse query has the bits and the work of the scalar kernel, over every mix of keys", () => {
  const random = seeded(38);
  for (let round = 0; round < 200; round++) {
    const dim = pick(random, WIDTHS), count = 1 + random.integer(9);
    const keys = Array.from({ length: count }, () => drawRow(random, dim));
    const denseKeys = drawKinds(random, count);
    const query = drawRow(random, dim);
    const [ours, theirs] = (["simd", "scalar"] as const).map((name) =>
      benchOf(name, dim, [query], [false], keys, denseKeys, keys.map(() => 1))
        .score([0], keys.map((_, i) => i))
    );
    assertEquals(ours, theirs);
  }
});

Deno.test("scoreTogether() beside an odd width: what lies behind a row is in no score", () => {
  // Huge numbers in front of and behind each row: a single one that is met would show.
  const dim = 5, large = 2 ** 100;
  const rows = Array.from(
    { length: 3 },
    (_, i) =>
      Float32Array.from({ length: dim }, (_, t) => i === 1 ? t + 1 : large),
  );
  for (const name of ["scalar", "simd"] as const) {
    const bench = benchOf(name, dim, rows, [true, true, true], rows, [
      true,
      true,
      true,
    ], [0, 0, 0]);
    bench.score([0, 0, 0, 0, 0, 0, 0, 0], [0, 1, 2]);
    const { scores } = bench.score([1, 1], [1]);
    const truth = oracleScore(rows[1], rows[1], SCALE, 0);
    assertEquals(scores, [truth, truth]);
  }
});
