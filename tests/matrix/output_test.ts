import { assert, assertEquals } from "@std/assert";
import { CsrMatrix, DenseMatrix } from "../../mod.ts";
import { copyRows } from "../../src/matrix/output.ts";
import { growStore, makeStore, type Store } from "../../src/matrix/store.ts";
import { storeRow } from "../../src/memory/keys.ts";
import { sameBits } from "../same.ts";
import { forSeeds, normals, pick, shuffled } from "../scripts.ts";
import { thin, WAYS } from "../sparse.ts";

function storeOf(
  rows: readonly ArrayLike<number>[],
  width: number,
  way: typeof WAYS[number],
): Store {
  const store = makeStore(width);
  growStore(store, rows.length);
  rows.forEach((row, at) => storeRow(way, store, at, Float32Array.from(row)));
  return store;
}

Deno.test("no rows and rows of no numbers come dense", () => {
  for (const [rows, width] of [[0, 0], [0, 5], [2, 0]]) {
    const given = Array.from({ length: rows }, () => new Array(width).fill(0));
    for (const way of WAYS) {
      const store = storeOf(given, width, way);
      const copy = copyRows(store, Int32Array.from(given.keys()));
      assert(copy instanceof DenseMatrix);
      assertEquals([copy.rows, copy.columns], [rows, width]);
    }
  }
});

Deno.test("rows come as CSR where less than half of their numbers are not 0, however they are stored", () => {
  const half = [[1, 0, 2, 0], [0, 3, 4, 0]],
    less = [[1, 0, 2, 0], [0, 3, 0, 0]];
  for (const way of WAYS) {
    const rows = Int32Array.of(0, 1);
    assert(copyRows(storeOf(half, 4, way), rows) instanceof DenseMatrix);
    assert(copyRows(storeOf(less, 4, way), rows) instanceof CsrMatrix);
    // It is those asked for that count.
    const one = copyRows(storeOf(less, 4, way), Int32Array.of(0, 0));
    assert(one instanceof DenseMatrix);
    assertEquals(one.to2DArray(), [less[0], less[0]]);
  }
});

Deno.test("copies are a good matrix, in the order asked for, the same for dense and sparse rows", () => {
  forSeeds(200, (_, random) => {
    const width = pick(random, [1, 2, 3, 16, 17, 33]);
    const rows = Array.from(
      { length: 1 + random.integer(6) },
      () => thin(random, normals(random, width, 1)),
    );
    const order = shuffled(random, [...rows.keys()]);
    const wanted = order.slice(0, 1 + random.integer(order.length));
    const [first, ...others] = WAYS.map((way) =>
      copyRows(storeOf(rows, width, way), Int32Array.from(wanted))
    );
    sameBits(
      first.to1DArray(),
      wanted.flatMap((row) => rows[row].map((x) => Math.fround(x) + 0)),
      "numbers",
    );
    for (const copy of others) assertEquals(copy, first);
    if (!(first instanceof CsrMatrix)) return;
    const { indptr, indices, values } = first;
    assert(values instanceof Float32Array && !values.includes(0));
    // Its own door lets it in: ascending, in range, as many as it says.
    const again = new CsrMatrix(wanted.length, width, indptr, indices, values);
    assertEquals(again, first);
  });
});

Deno.test("copies keep nothing of the table", () => {
  for (const rows of [[[1, 2]], [[1, 0, 0, 0]]]) {
    const store = storeOf(rows, rows[0].length, "dense");
    const copy = copyRows(store, Int32Array.of(0));
    store.dense.fill(9);
    assertEquals(copy.to2DArray(), rows);
  }
});
