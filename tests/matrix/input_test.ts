import { assert, assertEquals, assertThrows } from "@std/assert";
import { CsrMatrix, DenseMatrix } from "../../mod.ts";
import {
  type Arena,
  type CheckedRows,
  checkRows,
  roomyArena,
  rowOf,
  takeFloats,
} from "../../src/matrix/input.ts";
import type { Entries } from "../../src/rows.ts";
import { type Refusal, refuses } from "../refusals.ts";
import { sameBits } from "../same.ts";
import { forSeeds, normals, pick } from "../scripts.ts";
import { csrOf, formOf, thin } from "../sparse.ts";

const check = (source: unknown, width?: number): CheckedRows =>
  checkRows("try", "rows", source, width);

function entriesAt(rows: CheckedRows, index: number): Entries {
  const row = rowOf(rows, index);
  assert(!(row instanceof Float32Array), "a dense row");
  return row;
}

/** All numbers of checked rows. */
function written(rows: CheckedRows): number[][] {
  return Array.from({ length: rows.count }, (_, index) => {
    const row = rowOf(rows, index);
    if (row instanceof Float32Array) return [...row];
    const numbers = new Array<number>(rows.width).fill(0);
    for (let i = row.start; i < row.start + row.count; i++) {
      numbers[row.columns[i]] = row.numbers[i];
    }
    return numbers;
  });
}

Deno.test("no rows, and rows of no numbers", () => {
  assertEquals(check([]).count, 0);
  assertEquals(check(new CsrMatrix(0, 5, [0], [], [])), {
    count: 0,
    width: 5,
    data: new Float32Array(0),
    sparse: [],
  });
  const none = check(new CsrMatrix(2, 0, [0, 0, 0], [], []));
  assertEquals([none.count, none.width], [2, 0]);
  assertEquals([entriesAt(none, 1).count, entriesAt(none, 1).evens], [0, 0]);
});

Deno.test("sparse rows stay sparse: stripe by stripe, rounded, without what rounds to 0", () => {
  const rows = check(
    new CsrMatrix(2, 6, [0, 6, 8], [0, 1, 2, 3, 4, 5, 0, 5], [
      0.1,
      -0,
      2 ** -140,
      7,
      0,
      2 ** -151,
      3,
      4,
    ]),
  );
  assertEquals(rows.data.length, 0);
  const first = entriesAt(rows, 0), second = entriesAt(rows, 1);
  assertEquals([first.start, first.evens, first.count], [0, 2, 3]);
  assertEquals([second.start, second.evens, second.count], [3, 1, 2]);
  assertEquals([...first.columns.subarray(0, 5)], [0, 2, 3, 0, 5]);
  sameBits(
    first.numbers.subarray(0, 5),
    [Math.fround(0.1), 2 ** -140, 7, 3, 4],
    "numbers",
  );
});

Deno.test("rows come out as they went in, in every form", () => {
  forSeeds(100, (_, random) => {
    const width = pick(random, [1, 2, 5, 16, 33]);
    const given = Array.from(
      { length: random.integer(5) },
      () => thin(random, normals(random, width, 1)),
    );
    const rows = check(formOf(random, given, width), width);
    assertEquals([rows.count, rows.width], [given.length, width]);
    written(rows).forEach((row, at) => {
      const stored = given[at].map(Math.fround);
      row.forEach((x, t) => assert(x === stored[t], `${x}, not ${stored[t]}`));
    });
    for (const { columns, start, evens, count } of rows.sparse ?? []) {
      const listed = [...columns.subarray(start, start + count)];
      const order = (a: number, b: number) => a % 2 - b % 2 || a - b;
      assertEquals(listed, [...listed].sort(order));
      assertEquals(listed.filter((t) => t % 2 === 0).length, evens);
    }
  });
});

Deno.test("what is given is copied", () => {
  const matrix = new CsrMatrix(1, 4, [0, 2], [1, 2], [5, 6]);
  const flat = Float32Array.of(1, 2);
  const sparse = check(matrix), dense = check(flat);
  matrix.values.fill(9);
  matrix.indices.set([0, 3]);
  flat.fill(9);
  assertEquals(written(sparse), [[0, 5, 6, 0]]);
  assertEquals(written(dense), [[1, 2]]);
});

Deno.test("a dense matrix that holds zeros is dense, a matrix of the same class is not looked through", () => {
  const dense = check(new DenseMatrix(1, 3, Float32Array.of(0, 0, 1)));
  assertEquals(dense.sparse, undefined);
  assertEquals(check(csrOf(zeros, [[0, 0, 1]], 3)).sparse!.length, 1);
});

const zeros = { uniform: () => 1, normal: () => 0, integer: () => 0 };

Deno.test("the arena is used until it is full, then there are new floats", () => {
  const arena = { floats: new Float32Array(5), used: 0 };
  const first = checkRows("try", "rows", [[1, 2], [3, 4]], 2, arena);
  assertEquals([arena.used, first.data.buffer], [4, arena.floats.buffer]);
  const second = checkRows("try", "rows", [5, 6], 2, arena);
  assertEquals([arena.used, [...second.data]], [4, [5, 6]]);
  assert(second.data.buffer !== arena.floats.buffer);
  const last = takeFloats(arena, 1);
  assertEquals([arena.used, last.byteOffset], [5, 16]);
  assertEquals(takeFloats(arena, 1).buffer === arena.floats.buffer, false);
  assertEquals([...first.data], [1, 2, 3, 4]);
  assertEquals(takeFloats(undefined, 3).length, 3);
});

Deno.test("the arena gives the same views again, of the length that is asked for", () => {
  const arena = { floats: new Float32Array(5), used: 0 },
    views = [2, 3].map(() => takeFloats(arena, 2));
  arena.used = 0;
  assert(takeFloats(arena, 2) === views[0]);
  assertEquals(takeFloats(arena, 3).length, 3);
  assertEquals([arena.used, views[1].byteOffset], [5, 8]);
});

Deno.test("roomyArena() makes room for what was missed, up to 64 KiB, and leaves views good", () => {
  const arena: Arena = { floats: new Float32Array(5), used: 0 };
  const take = () => [4, 4, 4].map((length) => takeFloats(arena, length));
  const { floats } = arena;
  roomyArena(arena);
  assert(arena.floats === floats);
  const views = take();
  assertEquals(arena.missed, 8);
  views[0][0] = 7;
  roomyArena(arena);
  assertEquals(arena.floats.length, 13);
  arena.used = arena.missed = 0;
  for (const view of take()) {
    view.fill(1);
    assert(view.buffer === arena.floats.buffer);
  }
  assertEquals([arena.missed, views[0][0]], [0, 7]);
  // What would not have fit an empty arena is no reason to keep a larger one.
  takeFloats(arena, 14);
  assertEquals(arena.missed, 0);
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 2000; i++) takeFloats(arena, 13);
    roomyArena(arena);
    assertEquals(arena.floats.length, 2 ** 14);
  }
});

/** A matrix whose arrays somebody has written to, or replaced. */
function forged(parts: Partial<Record<keyof CsrMatrix, unknown>>): CsrMatrix {
  const { rows, columns, indptr, indices, values } = new CsrMatrix(
    2,
    3,
    [0, 1, 2],
    [0, 2],
    [1, 1],
  );
  return Object.assign(Object.create(CsrMatrix.prototype), {
    rows,
    columns,
    indptr,
    indices,
    values,
    ...parts,
  });
}

function refusals(
  kind: Refusal,
  cases: readonly [call: () => unknown, message: string][],
): void {
  for (const [call, message] of cases) refuses(call, kind, message);
}

Deno.test("checkRows() says what is wrong with a number", () => {
  const big = 2 ** 128;
  refusals(RangeError, [
    [
      () => check([[1, 2], [3, big]]),
      `Cannot try: rows[1][1] is ${big}, it should be finite as a 32-bit float`,
    ],
    [
      () => check(Float64Array.of(1, NaN), 1),
      "Cannot try: rows[1][0] is NaN, it should be finite as a 32-bit float",
    ],
    [
      () => check([[-Infinity]]),
      "Cannot try: rows[0][0] is -Infinity, it should be finite as a 32-bit float",
    ],
    [
      () => check(new CsrMatrix(2, 5, [0, 1, 3], [4, 1, 3], [1, 2, -big])),
      `Cannot try: rows[1][3] is ${-big}, it should be finite as a 32-bit float`,
    ],
    [
      () => check(forged({ values: Float64Array.of(1, NaN) })),
      "Cannot try: values[1] is NaN, it should be a finite number",
    ],
    [
      () => check(forged({ indices: Uint32Array.of(0, 3) })),
      "Cannot try: indices[1] is 3, it should be a whole number below 3",
    ],
    [
      () =>
        check(
          forged({
            rows: 1,
            indptr: Uint32Array.of(0, 2),
            indices: Uint32Array.of(1, 1),
          }),
        ),
      "Cannot try: indices[1] is 1 after 1, it should be larger within row 0",
    ],
    [
      () => check(forged({ indptr: Uint32Array.of(0, 2, 1) })),
      "Cannot try: indptr[2] is 1, it should be a whole number from 2 to 2",
    ],
    [
      () => check(new CsrMatrix(1, 4, [0, 0], [], []), 3),
      "Cannot try: rows has rows of 4 numbers, it should have rows of 3",
    ],
    [
      () => check([[1, 2]], 3),
      "Cannot try: rows[0] has 2 numbers, it should have 3",
    ],
  ]);
});

Deno.test("checkRows() takes no other arrays for those of a sparse matrix", () => {
  const should =
    "for one of its arrays, it should be as its constructor made it";
  refusals(TypeError, [
    [
      () => check(forged({ indptr: [0, 1, 2] })),
      `Cannot try: rows has an array of 3 ${should}`,
    ],
    [
      () => check(forged({ indices: Int32Array.of(0, 2) })),
      `Cannot try: rows has an Int32Array ${should}`,
    ],
    [
      () => check(forged({ values: Int8Array.of(1, 1) })),
      `Cannot try: rows has an Int8Array ${should}`,
    ],
    [
      () => check(forged({ values: undefined })),
      `Cannot try: rows has undefined ${should}`,
    ],
    [() => check(5), "Cannot try: rows is 5, it should be rows of numbers"],
  ]);
  assertThrows(() => check(forged({ rows: 0.5 })), RangeError);
});
