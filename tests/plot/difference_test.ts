import { assertEquals } from "@std/assert";
import {
  append,
  createAttention,
  CsrMatrix,
  DenseMatrix,
  type Id,
  remove,
  unwatch,
  watch,
  type Weights,
  weights,
} from "../../mod.ts";
import { difference } from "../../src/plot/mod.ts";
import { seeded } from "../../src/random.ts";
import { refuses } from "../refusals.ts";

Deno.test("difference() of nothing and of equal matrices is zero, with a scale around it", () => {
  for (
    const matrix of [[], [[1, 2]], CsrMatrix.fromTriples(1, 2, [[0, 1, 3]])]
  ) {
    const { cells, scale } = difference(matrix, matrix);
    assertEquals(cells.every((cell) => cell === 0), true);
    assertEquals([scale.kind, scale.low, scale.high], ["diverging", -1, 1]);
  }
});

Deno.test("difference() meets by ids: what came, what went, what stayed", () => {
  const attention = createAttention({
    queries: [[0], [0]],
    keys: [[1], [1]],
    values: [[1], [1]],
  });
  const before = weights(attention);
  remove(attention, 0);
  append(attention, [[1], [1], [1]], [[1], [1], [1]]);
  unwatch(attention, 1);
  watch(attention, [0]);
  const map = difference(before, weights(attention));
  assertEquals(map.rowLabels, ["0", "1", "2"]);
  assertEquals(map.columnLabels, ["0", "1", "2", "3", "4"]);
  assertEquals([...map.rowFates], [0, -1, 1]);
  assertEquals([...map.columnFates], [-1, 0, 1, 1, 1]);
  assertEquals([...map.cells], [
    ...[-0.5, -0.25, 0.25, 0.25, 0.25],
    ...[-0.5, -0.5, 0, 0, 0],
    ...[0, 0.25, 0.25, 0.25, 0.25],
  ]);
  assertEquals([map.scale.low, map.scale.high], [-0.6, 0.6]);
});

Deno.test("difference() keeps an order of one's own: that of after, then what went", () => {
  const one = (keys: Id[], numbers: number[]): Weights => ({
    queries: [0],
    keys,
    matrix: DenseMatrix.from([numbers]),
    tail: new Float64Array(1),
  });
  const map = difference(one([3, 1, 2], [1, 2, 3]), one([5, 3], [4, 9]));
  assertEquals(map.columnLabels, ["5", "3", "1", "2"]);
  assertEquals([...map.cells], [4, 8, -2, -3]);
  assertEquals([...map.columnFates], [1, 0, -1, -1]);
});

Deno.test("difference() is after − before for dense, sparse and mixed matrices, pooled or not; missing where either is", () => {
  const random = seeded(3);
  for (let turn = 0; turn < 200; turn++) {
    const rows = 1 + random.integer(9), columns = 1 + random.integer(9);
    const limit = 1 + random.integer(9);
    const table = (missing: boolean) =>
      Array.from(
        { length: rows },
        () =>
          Array.from({ length: columns }, () =>
            random.uniform() < 0.5
              ? 0
              : missing && random.uniform() < 0.2
              ? NaN
              : random.integer(64) - 32),
      );
    const sparse = [turn % 2 === 0, turn % 3 === 0];
    const [before, after] = sparse.map((sparse) => table(!sparse));
    const [given, givenAfter] = [before, after].map((table, at) =>
      sparse[at] ? CsrMatrix.fromDense(table) : table
    );
    const plain = after.map((row, at) =>
      row.map((number, column) => number - before[at][column])
    );
    for (const pool of ["mean", "max"] as const) {
      const map = difference(given, givenAfter, { limit, pool });
      const expected = difference(
        plain.map((row) => row.map(() => 0)),
        plain,
        { limit, pool },
      );
      assertEquals(
        [...map.cells].map((cell) => cell + 0),
        [...expected.cells].map((cell) => cell + 0),
        `turn ${turn} ${pool}`,
      );
      if (limit >= rows && limit >= columns) {
        assertEquals([...map.cells].map((cell) => cell + 0), plain.flat());
      }
    }
  }
});

Deno.test("difference() marks a block of cells as come or gone only where all of it is", () => {
  const ids = (from: number, to: number): Weights => ({
    queries: [0],
    keys: Array.from({ length: to - from }, (_, at) => from + at),
    matrix: new DenseMatrix(1, to - from),
    tail: new Float64Array(1),
  });
  const map = difference(ids(0, 6), ids(3, 8), { limit: 4 });
  assertEquals([...map.columnFates], [-1, 0, 0, 1]);
});

Deno.test("difference() refuses what cannot be compared", () => {
  const verb = "Cannot show a difference: ";
  const named: Weights = {
    queries: [0],
    keys: [4],
    matrix: DenseMatrix.from([[1]]),
    tail: new Float64Array(1),
  };
  refuses(
    () => difference([[1]], named),
    TypeError,
    verb + "after alone has ids, both or none should have them",
  );
  refuses(
    () => difference(named, [[1]]),
    TypeError,
    verb + "before alone has ids, both or none should have them",
  );
  refuses(
    () => difference([[1, 2]], [[1], [2]]),
    RangeError,
    verb +
      "before is 1 × 2 and after 2 × 1, they should have the same shape",
  );
  const twice = {
    ...named,
    queries: [7, 7],
    matrix: DenseMatrix.from([[1], [2]]),
  };
  refuses(
    () => difference(twice, named),
    RangeError,
    verb + "id 7 is in before.queries twice, it should be there once",
  );
  refuses(
    () => difference([[Infinity]], [[1]]),
    RangeError,
    verb +
      "before[0][0] is Infinity, it should be a number up to 2^900 in size, or NaN where there is none",
  );
  refuses(
    () => difference([[1]], [[1]], { scale: "log" } as never),
    TypeError,
    verb +
      'unknown option "scale", it should be one of title, description, rowTitle, columnTitle, rowLabel, columnLabel, unit, range, limit, pool',
  );
});
