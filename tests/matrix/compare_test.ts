import { assert, assertEquals } from "@std/assert";
import type { Differences } from "../../src/kernel/kernel.ts";
import { compareRows } from "../../src/matrix/compare.ts";
import { growStore, makeStore, type Store } from "../../src/matrix/store.ts";
import { storeRow } from "../../src/memory/keys.ts";
import type { Random } from "../../src/random.ts";
import { forSeeds, normals, pick } from "../scripts.ts";
import { thin } from "../sparse.ts";

/** A table of one row, in the last of a few places. */
function tableOf(row: ArrayLike<number>, dense: boolean): Store {
  const store = makeStore(row.length);
  growStore(store, 3);
  for (const at of [0, 1, 2]) {
    const given = at === 2 ? row : Array.from(row, (x) => x + at + 1);
    const numbers = Float32Array.from(given);
    storeRow(dense ? "dense" : "sparse", store, at, numbers);
  }
  return store;
}

function room(width: number): Differences {
  return {
    count: 77,
    columns: new Int32Array(width),
    before: new Float64Array(width),
    after: new Float64Array(width),
  };
}

/** Two rows of a width that share some of their numbers. */
function drawPair(random: Random, width: number): [number[], number[]] {
  const old = thin(random, normals(random, width, 1));
  const other = thin(random, normals(random, width, 1));
  const share = pick(random, [0, 0.1, 0.5, 1]);
  return [old, old.map((x, t) => random.uniform() < share ? other[t] : x)];
}

Deno.test("rows of no width and equal rows do not differ; −0 is 0", () => {
  for (const dense of [true, false]) {
    const none = tableOf([], dense), zeros = tableOf([0, -0], dense);
    assertEquals(compareRows(none, 2, none, 2, undefined), 0);
    assertEquals(
      compareRows(zeros, 2, tableOf([-0, 0], dense), 2, undefined),
      0,
    );
    const same = room(2);
    assertEquals(compareRows(zeros, 2, zeros, 2, same), 0);
    assertEquals(same.count, 0);
  }
});

Deno.test("a dense and a sparse row are gone through as a whole, even if they are equal", () => {
  const one = tableOf([1, 0], true), other = tableOf([1, 0], false);
  assertEquals(compareRows(one, 2, other, 2, undefined), -1);
  assertEquals(compareRows(other, 2, one, 2, undefined), -1);
});

Deno.test("compareRows() lists every number that differs, or tells that they are too many", () => {
  let listed = 0, many = 0;
  forSeeds(600, (_, random) => {
    const width = pick(random, [1, 2, 3, 4, 9, 16, 33]);
    const [old, now] = drawPair(random, width).map((row) =>
      row.map((x) => Math.fround(x) + 0)
    );
    const expected = old.flatMap((x, t) => x === now[t] ? [] : [t]);
    const count = (row: number[]) => row.filter((x) => x !== 0).length;
    for (const dense of [true, false]) {
      const most = dense
        ? Math.ceil(width / 2)
        : Math.floor((count(old) + count(now)) / 2);
      const [a, b] = [old, now].map((row) => tableOf(row, dense));
      const told = compareRows(a, 2, b, 2, undefined), into = room(width);
      assertEquals(compareRows(a, 2, b, 2, into), told);
      if (expected.length > most) {
        assertEquals(told, -1);
        many++;
        continue;
      }
      assertEquals(told, expected.length);
      assertEquals(into.count, told);
      // Sparse rows list even columns first.
      const order = [...expected];
      if (!dense) order.sort((a, b) => a % 2 - b % 2 || a - b);
      assertEquals([...into.columns.subarray(0, told)], order);
      assertEquals(
        [...into.before.subarray(0, told)],
        order.map((t) => old[t]),
      );
      assertEquals(
        [...into.after.subarray(0, told)],
        order.map((t) => now[t]),
      );
      listed++;
    }
  });
  assert(listed > 400 && many > 200, `${listed} listed, ${many} too many`);
});

Deno.test("telling differences apart never costs more than taking one row out and the other in", () => {
  forSeeds(300, (_, random) => {
    const width = 1 + random.integer(40);
    const [old, now] = drawPair(random, width);
    for (const dense of [true, false]) {
      const [a, b] = [old, now].map((row) => tableOf(row, dense));
      const told = compareRows(a, 2, b, 2, undefined);
      const whole = dense ? 2 * width : a.count[2] + b.count[2];
      assert(2 * (told + 1) <= whole + 2, `${told} of ${whole}`);
    }
  });
});
