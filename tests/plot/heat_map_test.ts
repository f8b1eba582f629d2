import { assertEquals } from "@std/assert";
import { Matrix } from "ml-matrix";
import {
  createAttention,
  CsrMatrix,
  DenseMatrix,
  type Weights,
  weights,
} from "../../mod.ts";
import {
  heatMap,
  type HeatMapOptions,
  toPng,
  toSvg,
} from "../../src/plot/mod.ts";
import { anything, refuses } from "../refusals.ts";

Deno.test("heatMap() of no numbers, one number, equal numbers and missing ones has a scale, and all are drawn", () => {
  const cases: [number[][], number, number][] = [
    [[], 0, 1],
    [[[], []], 0, 1],
    [[[0.5]], 0, 0.5],
    [[[3, 3], [3, 3]], 0, 3],
    [[[0, 0]], 0, 1],
    [[[NaN, NaN]], 0, 1],
    [[[-2, NaN]], -2, 0],
  ];
  for (const [matrix, low, high] of cases) {
    const map = heatMap(matrix);
    assertEquals([map.scale.low, map.scale.high], [low, high]);
    toSvg(map);
    toPng(map);
  }
});

Deno.test("heatMap() reads rows of any kind alike", () => {
  const rows = [[0, 1.5, 0], [2.5, 0, -1]];
  const flat = rows.flat();
  for (
    const matrix of [
      rows,
      rows.map((row) => new Float32Array(row)),
      DenseMatrix.from(rows),
      new DenseMatrix(2, 3, new Float32Array(flat)),
      CsrMatrix.fromDense(rows),
      new Matrix(rows),
    ]
  ) {
    const map = heatMap(matrix as typeof rows);
    assertEquals([map.rows, map.columns], [2, 3]);
    assertEquals([...map.cells], flat);
  }
  assertEquals([...heatMap([1, 2]).cells], [1, 2]);
  assertEquals(heatMap(new Matrix([[1, 2]])).columns, 2);
  assertEquals([...heatMap(new Matrix([[1], [2]])).cells], [1, 2]);
});

Deno.test("heatMap() of weights has their ids for labels, and says what they leave out", () => {
  const attention = createAttention({
    queries: [[0], [0]],
    keys: [[1], [1], [1], [1]],
    values: [[1], [2], [3], [4]],
  });
  const part = weights(attention, { ids: [1], keys: [3, 0, 2] });
  const map = heatMap(part, { columnLabel: (id) => `#${id}` });
  assertEquals(map.rowLabels, ["1"]);
  assertEquals(map.columnLabels, ["#3", "#0", "#2"]);
  assertEquals([map.rowTitle, map.columnTitle, map.unit], [
    "query",
    "key",
    "weight",
  ]);
  assertEquals(map.tail, 0.25);
  assertEquals([...map.cells], [0.25, 0.25, 0.25]);
});

Deno.test("heatMap() pools what is larger than its limit, labels the first of each block and says so", () => {
  const matrix = Array.from(
    { length: 5 },
    (_, row) => Array.from({ length: 4 }, (_, column) => row * 4 + column),
  );
  const map = heatMap(matrix, { limit: 2 });
  assertEquals([...map.cells], [4.5, 6.5, 14.5, 16.5]);
  assertEquals(map.rowLabels, ["0", "3"]);
  assertEquals(map.columnLabels, ["0", "2"]);
  assertEquals(map.notes, [
    "Each cell is the mean of 2–3 × 2 of 5 × 4 numbers; labels name the first.",
  ]);
  const max = heatMap(matrix, { limit: 2, pool: "max" });
  assertEquals([...max.cells], [9, 11, 17, 19]);
  assertEquals(max.notes, [
    "Each cell is the largest in size of 2–3 × 2 of 5 × 4 numbers; labels name the first.",
  ]);
  assertEquals(heatMap(matrix, { limit: 5 }).notes, []);
});

Deno.test("heatMap() copies: what is written to the matrix later changes nothing", () => {
  const matrix = new Float64Array([1, 2]);
  const map = heatMap(matrix);
  matrix[0] = 9;
  assertEquals([...map.cells], [1, 2]);
});

Deno.test("heatMap() is a record that can be sent to another thread", () => {
  const map = heatMap([[1, NaN]], { title: "t", scale: "diverging" });
  assertEquals(toSvg(structuredClone(map)), toSvg(map));
});

Deno.test("heatMap() refuses what is no matrix, and options that are none", () => {
  const verb = "Cannot draw a heat map: ";
  const option = (
    options: unknown,
    kind: typeof TypeError | typeof RangeError,
    what: string,
  ) =>
    refuses(() => heatMap([[1]], options as HeatMapOptions), kind, verb + what);
  refuses(
    () => heatMap(anything("x")),
    TypeError,
    verb + 'matrix is "x", it should be rows of numbers',
  );
  refuses(
    () => heatMap([[1, 2], [3]]),
    RangeError,
    verb + "matrix[1] has 1 number, it should have 2",
  );
  for (
    const [bad, shown] of [[Infinity, "Infinity"], [-2e300, "-2e+300"]] as const
  ) {
    refuses(
      () => heatMap([[0, 1], [2, bad]]),
      RangeError,
      verb +
        `matrix[1][1] is ${shown}, it should be a number up to 2^900 in size, or NaN where there is none`,
    );
  }
  refuses(
    () => heatMap(CsrMatrix.fromTriples(2, 9, [[1, 7, 1e300]])),
    RangeError,
    verb +
      "matrix[1][7] is 1e+300, it should be a number up to 2^900 in size, or NaN where there is none",
  );
  refuses(
    () => heatMap([[1, -1]], { scale: "log" }),
    RangeError,
    verb +
      "the cell [0][1] is -1, it should be 0 or more on a logarithmic scale",
  );
  const lost = { queries: [0], keys: [1, 2], matrix: [[1]] };
  refuses(
    () => heatMap(lost as unknown as Weights),
    RangeError,
    verb + "matrix.keys has 2 ids, it should have one for each of 1 column",
  );
  refuses(
    () => heatMap({ ...lost, queries: [] } as unknown as Weights),
    RangeError,
    verb + "matrix.queries has 0 ids, it should have one for each of 1 row",
  );
  option(
    { colour: 1 },
    TypeError,
    'unknown option "colour", it should be one of title, description, rowTitle, columnTitle, rowLabel, columnLabel, unit, range, limit, pool, scale',
  );
  option({ title: 1 }, TypeError, "title is 1, it should be a text");
  option(
    { scale: "cubic" },
    TypeError,
    'scale is "cubic", it should be "linear" or "log" or "diverging"',
  );
  option({ pool: 3 }, TypeError, 'pool is 3, it should be "mean" or "max"');
  option(
    { limit: 0 },
    RangeError,
    "limit is 0, it should be a whole number from 1 to 4096",
  );
  option({ range: 1 }, TypeError, "range is 1, it should be [low, high]");
  option({ range: [1, 1] }, RangeError, "range is [1, 1], it should ascend");
  option(
    { range: [0, NaN] },
    RangeError,
    "range[1] is NaN, it should be a number up to 1e+300 in size",
  );
  option(
    { range: [0, 1], scale: "log" },
    RangeError,
    "range is [0, 1], it should begin above 0 on a logarithmic scale",
  );
  option(
    { range: [-1, 2], scale: "diverging" },
    RangeError,
    "range is [-1, 2], it should be as far below 0 as above",
  );
  option(
    { rowLabel: ["a"] },
    TypeError,
    "rowLabel is an array of 1, it should be a function from an id to a text",
  );
  option(
    { rowLabel: () => 7 },
    TypeError,
    "rowLabel(0) is 7, it should be a text",
  );
  option(
    { columnLabel: () => undefined },
    TypeError,
    "columnLabel(0) is undefined, it should be a text",
  );
});
