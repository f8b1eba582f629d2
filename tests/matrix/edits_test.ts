import { assert, assertEquals, assertThrows } from "@std/assert";
import { Matrix } from "ml-matrix";
import { CsrMatrix } from "../../src/matrix/csr.ts";
import { checkEdits, type Edits } from "../../src/matrix/edits.ts";
import { seeded } from "../../src/random.ts";

/** Edits of rows of `columns` numbers as [id, [column, delta], …], in the order they come out. */
function grouped(
  edits: unknown,
  columns: number,
): [number, ...[number, number][]][] {
  return checkEdits("edit", "keys", edits, columns).map((edit) => {
    const { id, columns, deltas } = edit;
    assert(columns.length > 0, `id ${id} has no edits`);
    assertEquals(columns.length, deltas.length);
    return [
      id,
      ...columns.map((column, at): [number, number] => [column, deltas[at]]),
    ];
  });
}

Deno.test("checkEdits() finds nothing in nothing", () => {
  assertEquals(grouped([], 3), []);
  assertEquals(grouped([], 0), []);
  assertEquals(grouped(new Map(), 3), []);
  assertEquals(grouped(CsrMatrix.fromTriples(4, 3, []), 3), []);
  assertEquals(grouped(CsrMatrix.fromTriples(0, 3, []), 3), []);
});

Deno.test("checkEdits() groups entries by id in order of first appearance, columns ascending", () => {
  const largest = 2 ** 32 - 1;
  const edits: Edits = [
    [largest, 2, 1],
    [0, 1, 2],
    [largest, 0, 3],
    [7, 1, -4],
    [0, 0, 0.5],
  ];
  assertEquals(grouped(edits, 3), [
    [largest, [0, 3], [2, 1]],
    [0, [0, 0.5], [1, 2]],
    [7, [1, -4]],
  ]);
});

Deno.test("checkEdits() makes one row of a single entry, whose id is never −0", () => {
  const [row] = checkEdits("edit", "keys", [[-0, 1, 2]], 3);
  assert(Object.is(row.id, 0));
  assertEquals(row, { id: 0, columns: [1], deltas: [2] });
});

Deno.test("checkEdits() reads any iterable once", () => {
  let asked = 0;
  function* edits(): Generator<[number, number, number]> {
    asked++;
    yield [5, 0, 1];
    yield [5, 0, 2];
  }
  assertEquals(grouped(edits(), 1), [[5, [0, 3]]]);
  assertEquals(grouped(new Set([[1, 0, 2]]), 1), [[1, [0, 2]]]);
  assertEquals(asked, 1);
});

Deno.test("checkEdits() adds repeats up in 64-bit floats, in the order given", () => {
  // In 32-bit floats the 1 would be lost; in another order too.
  assertEquals(grouped([[0, 0, 2 ** 24], [1, 0, 1], [0, 0, 1]], 1), [[0, [
    0,
    2 ** 24 + 1,
  ]], [1, [0, 1]]]);
  assertEquals(grouped([[0, 0, 1e16], [0, 0, -1e16], [0, 0, 1]], 1), [[0, [
    0,
    1,
  ]]]);
  assertEquals(grouped([[0, 0, 1e16], [0, 0, 1], [0, 0, -1e16]], 1), [[0, [
    0,
    0,
  ]]]);
});

Deno.test("checkEdits() keeps deltas that are zero: their id must exist too", () => {
  assertEquals(grouped([[3, 1, 0], [4, 1, 2], [4, 1, -2]], 2), [[3, [1, 0]], [
    4,
    [1, 0],
  ]]);
  assertEquals(grouped(CsrMatrix.fromTriples(4, 2, [[3, 1, 0]]), 2), [[3, [
    1,
    0,
  ]]]);
});

Deno.test("checkEdits() reads the rows of a sparse matrix as ids and passes over those without entries", () => {
  const matrix = CsrMatrix.fromTriples(6, 4, [[5, 3, 1], [1, 2, 2], [
    1,
    0,
    -3,
  ]]);
  const single = new CsrMatrix(2, 2, [0, 0, 1], [1], Float32Array.of(0.1));
  assertEquals(grouped(matrix, 4), [[1, [0, -3], [2, 2]], [5, [3, 1]]]);
  assertEquals(grouped(single, 2), [[1, [1, Math.fround(0.1)]]]);
});

Deno.test("checkEdits() reads an ml-matrix as the entries it iterates over, row by row", () => {
  assertEquals(grouped(new Matrix([[1, 2], [0, 3]]), 2), [
    [0, [0, 1], [1, 2]],
    [1, [0, 0], [1, 3]],
  ]);
});

Deno.test("checkEdits() keeps nothing of what it was given", () => {
  const matrix = CsrMatrix.fromTriples(2, 2, [[0, 1, 5], [1, 0, 6]]);
  const checked = checkEdits("edit", "keys", matrix, 2);
  matrix.values.fill(9);
  matrix.indices.fill(0);
  matrix.indptr.fill(0);
  assertEquals(checked, [
    { id: 0, columns: [1], deltas: [5] },
    { id: 1, columns: [0], deltas: [6] },
  ]);
});

Deno.test("checkEdits() refuses what is no edit", () => {
  const broken = CsrMatrix.fromTriples(2, 3, [[1, 2, 5]]);
  broken.values[0] = NaN;
  const moved = CsrMatrix.fromTriples(2, 3, [[1, 2, 5]]);
  moved.indices[0] = 3;
  const cases: [unknown, typeof TypeError, string][] = [
    [
      undefined,
      TypeError,
      "keys is undefined, it should be entries [id, column, delta]",
    ],
    [null, TypeError, "keys is null, it should be entries [id, column, delta]"],
    [3, TypeError, "keys is 3, it should be entries [id, column, delta]"],
    [
      "abc",
      TypeError,
      'keys is "abc", it should be entries [id, column, delta]',
    ],
    [
      { length: 1 },
      TypeError,
      "keys is an object, it should be entries [id, column, delta]",
    ],
    [[1, 0, 2], TypeError, "keys[0] is 1, it should be [id, column, delta]"],
    [
      new Map([[1, 0]]),
      TypeError,
      "keys[0] is an array of 2, it should be [id, column, delta]",
    ],
    [
      [[1, 0, 2], [1, 0]],
      TypeError,
      "keys[1] is an array of 2, it should be [id, column, delta]",
    ],
    [[["1", 0, 2]], TypeError, 'id of keys[0] is "1", it should be a number'],
    [
      [[-1, 0, 2]],
      RangeError,
      "id of keys[0] is -1, it should be a whole number below 4294967296",
    ],
    [
      [[0.5, 0, 2]],
      RangeError,
      "id of keys[0] is 0.5, it should be a whole number below 4294967296",
    ],
    [
      [[2 ** 32, 0, 2]],
      RangeError,
      "id of keys[0] is 4294967296, it should be a whole number below 4294967296",
    ],
    [
      [[1, 3, 2]],
      RangeError,
      "column of keys[0] is 3, it should be a whole number below 3",
    ],
    [
      [[1, -1, 2]],
      RangeError,
      "column of keys[0] is -1, it should be a whole number below 3",
    ],
    [[[1, 1n, 2]], TypeError, "column of keys[0] is 1n, it should be a number"],
    [
      [[1, 0, 2], [1, 0, NaN]],
      RangeError,
      "delta of keys[1] is NaN, it should be a finite number",
    ],
    [
      [[1, 0, Infinity]],
      RangeError,
      "delta of keys[0] is Infinity, it should be a finite number",
    ],
    [
      [[1, 0, null]],
      TypeError,
      "delta of keys[0] is null, it should be a number",
    ],
    [
      [[4, 2, 1e308], [9, 2, 1e308], [9, 2, 1e308]],
      RangeError,
      "keys at [9][2] add up to Infinity, they should add up to a finite number",
    ],
    [
      CsrMatrix.fromTriples(2, 4, [[1, 2, 5]]),
      RangeError,
      "keys has rows of 4 numbers, it should have rows of 3",
    ],
    [
      CsrMatrix.fromTriples(2, 2, [[1, 1, 5]]),
      RangeError,
      "keys has rows of 2 numbers, it should have rows of 3",
    ],
    [broken, RangeError, "values[0] is NaN, it should be a finite number"],
    [moved, RangeError, "indices[0] is 3, it should be a whole number below 3"],
  ];
  for (const [edits, kind, message] of cases) {
    const error = assertThrows(
      () => checkEdits("edit", "keys", edits, 3),
      kind,
    );
    assertEquals(error.message, `Cannot edit: ${message}`);
  }
});

Deno.test("checkEdits() adds up to what a plain map adds up to, as entries and as a matrix", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seeded(seed);
    const columns = 1 + random.integer(12);
    const plain = new Map<number, Map<number, number>>();
    const entries: [number, number, number][] = [];
    for (let count = random.integer(200); count > 0; count--) {
      const id = random.integer(20), column = random.integer(columns);
      const delta = random.normal() * 10 ** random.integer(20);
      entries.push([id, column, delta]);
      const row = plain.get(id) ?? new Map<number, number>();
      row.set(column, (row.get(column) ?? 0) + delta);
      plain.set(id, row);
    }
    const wanted = [...plain].map((
      [id, row],
    ) => [id, ...[...row].sort(([a], [b]) => a - b)]);
    assertEquals(
      grouped(entries, columns),
      wanted as ReturnType<typeof grouped>,
      `seed ${seed}`,
    );
    assertEquals(
      grouped(CsrMatrix.fromTriples(20, columns, entries), columns),
      wanted.sort(([a], [b]) => (a as number) - (b as number)) as ReturnType<
        typeof grouped
      >,
      `seed ${seed}, as a matrix`,
    );
  }
});
