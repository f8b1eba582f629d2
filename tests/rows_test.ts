import { assert, assertEquals } from "@std/assert";
import { Matrix } from "ml-matrix";
import { CsrMatrix } from "../src/matrix/csr.ts";
import { DenseMatrix } from "../src/matrix/dense.ts";
import { checkRows, rowOf } from "../src/matrix/input.ts";
import {
  growStore,
  makeStore,
  nonZerosOf,
  setRow,
  viewRow,
} from "../src/matrix/store.ts";
import { seeded } from "../src/random.ts";
import {
  measureKey,
  measureValue,
  type Row,
  type RowsSource,
} from "../src/rows.ts";
import { anything, type Refusal, refuses } from "./refusals.ts";

/** Count, width and numbers of checked rows. */
function taken(rows: unknown, width?: number): [number, number, number[]] {
  const checked = checkRows("test", "keys", rows, width);
  const numbers: number[] = [];
  for (let index = 0; index < checked.count; index++) {
    const row = rowOf(checked, index);
    if (row instanceof Float32Array) {
      numbers.push(...row);
      continue;
    }
    const written = new Array<number>(checked.width).fill(0);
    for (let i = row.start; i < row.start + row.count; i++) {
      written[row.columns[i]] = row.numbers[i];
    }
    numbers.push(...written);
  }
  return [checked.count, checked.width, numbers];
}

Deno.test("checkRows() takes one row or many in every form", () => {
  const two = [2, 2, [1, 2, 3, 4]];
  const dense = new DenseMatrix(2, 2, new Float64Array([1, 2, 3, 4]));
  for (
    const rows of [
      [[1, 2], [3, 4]],
      [new Float32Array([1, 2]), [3, 4]],
      new Uint8Array([1, 2, 3, 4]),
      new Float64Array([1, 2, 3, 4]),
      dense,
      new Matrix([[1, 2], [3, 4]]),
      CsrMatrix.fromDense([[1, 2], [3, 4]]),
      { rows: 2, columns: 2, to1DArray: () => [1, 2, 3, 4] } as RowsSource,
    ]
  ) assertEquals(taken(rows, 2), two);
  assertEquals(taken([1, 2]), [1, 2, [1, 2]]);
  assertEquals(taken(new Float32Array([1, 2])), [1, 2, [1, 2]]);
  assertEquals(taken(dense), two);
});

Deno.test("checkRows() tells rows without numbers from no rows", () => {
  assertEquals(taken([], 3), [0, 3, []]);
  assertEquals(taken([]), [0, 0, []]);
  assertEquals(taken([[], []], 0), [2, 0, []]);
  assertEquals(taken([[], []]), [2, 0, []]);
  assertEquals(taken(new Float32Array(0), 3), [0, 3, []]);
  assertEquals(taken(new Float32Array(0)), [0, 0, []]);
  assertEquals(taken(new Float32Array(0), 0), [1, 0, []]);
  assertEquals(taken(new DenseMatrix(4, 0)), [4, 0, []]);
  assertEquals(taken(new DenseMatrix(0, 4)), [0, 4, []]);
});

Deno.test("checkRows() rounds to 32-bit floats, ties to even, and keeps signs of zero", () => {
  const numbers = [0.1, 1 + 2 ** -24, 1 + 3 * 2 ** -24, -0, 1e-50, 3.4e38];
  assertEquals(taken(numbers)[2], numbers.map(Math.fround));
  assertEquals(taken([-1e-50])[2], [-0]);
});

Deno.test("checkRows() copies: what becomes of the source is not seen", () => {
  const source = new Float32Array([1, 2]);
  const { data } = checkRows("test", "keys", source);
  source[0] = 9;
  assertEquals(data[0], 1);
});

Deno.test("checkRows() uses an arena while it has room", () => {
  const arena = { floats: new Float32Array(4), used: 0 };
  const first = checkRows("test", "keys", [1, 2, 3], 3, arena);
  const second = checkRows("test", "keys", [4, 5, 6], 3, arena);
  assertEquals(arena.used, 3);
  assertEquals(first.data.buffer === arena.floats.buffer, true);
  assertEquals(second.data.buffer === arena.floats.buffer, false);
  assertEquals([...first.data, ...second.data], [1, 2, 3, 4, 5, 6]);
});

Deno.test("rowOf() is a view of one row", () => {
  const checked = checkRows("test", "keys", [[1, 2], [3, 4]]);
  assertEquals(rowOf(checked, 1), Float32Array.of(3, 4));
});

Deno.test("checkRows() refuses what is no rows of finite numbers of the width", () => {
  const source = (rows: unknown, columns: unknown, numbers: unknown) => ({
    rows,
    columns,
    to1DArray: () => numbers,
  });
  const kind = "it should be rows of numbers";
  const finite = "it should be finite as a 32-bit float";
  const side = "it should be a whole number from 0 to 4294967295";
  const cases: [unknown, Refusal, string][] = [
    [undefined, TypeError, `keys is undefined, ${kind}`],
    [null, TypeError, `keys is null, ${kind}`],
    [5, TypeError, `keys is 5, ${kind}`],
    ["12", TypeError, `keys is "12", ${kind}`],
    [new Set([1, 2]), TypeError, `keys is a Set, ${kind}`],
    [
      new DataView(new ArrayBuffer(8)),
      TypeError,
      `keys is a DataView, ${kind}`,
    ],
    [new BigInt64Array(2), TypeError, `keys is a BigInt64Array, ${kind}`],
    [{ rows: 1, columns: 2 }, TypeError, `keys is an object, ${kind}`],
    [[1, "2"], TypeError, 'keys[0][1] is "2", it should be a number'],
    [[1, 2n], TypeError, "keys[0][1] is 2n, it should be a number"],
    // deno-lint-ignore no-sparse-arrays
    [[, 2], TypeError, "keys[0][0] is undefined, it should be a number"],
    [[[1, 2], 3], TypeError, "keys[1] is 3, it should be a row of numbers"],
    [
      [[1, 2], null],
      TypeError,
      "keys[1] is null, it should be a row of numbers",
    ],
    [
      [[1, 2], [3, null]],
      TypeError,
      "keys[1][1] is null, it should be a number",
    ],
    [[[1, 2], [3]], RangeError, "keys[1] has 1 number, it should have 2"],
    [[[1, 2, 3]], RangeError, "keys[0] has 3 numbers, it should have 2"],
    [
      [1, 2, 3],
      RangeError,
      "keys has rows of 3 numbers, it should have rows of 2",
    ],
    [
      new Float32Array(3),
      RangeError,
      "keys holds 3 numbers, it should hold a multiple of 2",
    ],
    [[1, NaN], RangeError, `keys[0][1] is NaN, ${finite}`],
    [[[1, 2], [3, 1e39]], RangeError, `keys[1][1] is 1e+39, ${finite}`],
    [
      new Float64Array([1, 2, -Infinity, 4]),
      RangeError,
      `keys[1][0] is -Infinity, ${finite}`,
    ],
    [source(1.5, 2, [1, 2, 3]), RangeError, `keys.rows is 1.5, ${side}`],
    [source(-1, 2, []), RangeError, `keys.rows is -1, ${side}`],
    [
      source("1", 2, [1, 2]),
      TypeError,
      'keys.rows is "1", it should be a number',
    ],
    [source(1, 0.5, []), RangeError, `keys.columns is 0.5, ${side}`],
    [
      source(1, 3, [1, 2, 3]),
      RangeError,
      "keys has rows of 3 numbers, it should have rows of 2",
    ],
    [
      source(1, 2, [1, 2, 3]),
      RangeError,
      "keys holds 3 numbers, it should hold 1 × 2",
    ],
    [
      source(1, 2, null),
      TypeError,
      "keys.to1DArray() is null, it should be a list of numbers",
    ],
  ];
  for (const [rows, error, message] of cases) {
    refuses(
      () => checkRows("test", "keys", anything(rows), 2),
      error,
      `Cannot test: ${message}`,
    );
  }
});

/** Numbers that are awkward to count or to square. */
const ODD = [0, -0, 2 ** -149, -(2 ** -149), 2 ** -126, 1, -1.5, 3.4e38];

function sparse(row: Float32Array): Row {
  const store = makeStore(row.length);
  growStore(store, 1);
  setRow(store, 0, row, nonZerosOf(row), false);
  return viewRow(store, 0);
}

Deno.test("a row of nothing measures nothing", () => {
  for (const row of [new Float32Array(0), new Float32Array(3)]) {
    for (const form of [row, sparse(row)]) {
      assertEquals(measureKey(form), { nonZeros: 0, norm: 0 });
      assertEquals(measureValue(form), { nonZeros: 0, peak: 0 });
    }
  }
});

Deno.test("measureKey() and measureValue() count what is not 0, and bound every row, dense or sparse", () => {
  const random = seeded(3);
  for (let round = 0; round < 2000; round++) {
    const row = Float32Array.from(
      { length: random.integer(9) },
      () => random.integer(2) ? ODD[random.integer(8)] : random.normal(),
    );
    const nonZeros = row.filter((number) => number !== 0).length;
    const peak = Math.max(0, ...row.map(Math.abs));
    const key = measureKey(row), value = measureValue(row);
    assertEquals([key.nonZeros, value], [nonZeros, { nonZeros, peak }]);
    // Math.hypot neither under- nor overflows.
    const length = Math.hypot(...row);
    assert(key.norm >= length && key.norm <= length * (1 + 2 ** -19));
    assertEquals([measureKey(sparse(row)), measureValue(sparse(row))], [
      key,
      value,
    ]);
  }
});
