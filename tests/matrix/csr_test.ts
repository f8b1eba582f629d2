import { assert, assertEquals, assertThrows } from "@std/assert";
import { Matrix } from "ml-matrix";
import { checkRows } from "../../src/matrix/input.ts";
import { CsrMatrix } from "../../src/matrix/csr.ts";
import { DenseMatrix } from "../../src/matrix/dense.ts";
import { type Random, seeded } from "../../src/random.ts";

/** The largest side there is. */
const LARGEST = 2 ** 32 - 1;

/** Empty, single, rows and columns, square, tall, wide, many. */
const SHAPES = [
  [0, 0],
  [0, 5],
  [5, 0],
  [1, 1],
  [1, 7],
  [7, 1],
  [4, 4],
  [9, 3],
  [3, 9],
  [17, 33],
];

/** Everything that must be true of a sparse matrix, however it was made. */
function invariant(matrix: CsrMatrix): void {
  const { rows, columns, indptr, indices, values } = matrix;
  for (const side of [rows, columns]) {
    assert(Number.isInteger(side) && side >= 0 && side <= LARGEST);
  }
  assert(
    indptr.constructor === Uint32Array && indices.constructor === Uint32Array,
  );
  assert(
    values.constructor === Float64Array || values.constructor === Float32Array,
  );
  assertEquals(indptr.length, rows + 1);
  assertEquals(indptr[0], 0);
  assertEquals(indptr[rows], indices.length);
  assertEquals(values.length, indices.length);
  assertEquals(matrix.nonZeros, indices.length);
  for (let row = 0; row < rows; row++) {
    assert(indptr[row] <= indptr[row + 1], `row ${row} ends before it starts`);
    for (let at = indptr[row]; at < indptr[row + 1]; at++) {
      assert(indices[at] < columns, `column ${indices[at]} of ${columns}`);
      assert(
        at === indptr[row] || indices[at - 1] < indices[at],
        `row ${row} is not ascending`,
      );
    }
  }
  assert(values.every(Number.isFinite));
  assert(Object.isFrozen(matrix));
}

/** Rows of small numbers, of which about this share is not zero; rows may be empty. */
function sparseRows(
  random: Random,
  rows: number,
  columns: number,
  density: number,
): number[][] {
  return Array.from({ length: rows }, () => {
    const share = random.uniform() < 0.2 ? 0 : density;
    return Array.from(
      { length: columns },
      () => random.uniform() < share ? random.normal() : 0,
    );
  });
}

/** Runs a law on seeded matrices of every shape and density. */
function eachMatrix(
  law: (
    rows: number[][],
    matrix: CsrMatrix,
    where: string,
    random: Random,
  ) => void,
): void {
  for (const [rows, columns] of SHAPES) {
    for (const density of [0, 0.05, 0.5, 1]) {
      for (let seed = 1; seed <= 5; seed++) {
        const random = seeded(seed);
        const numbers = sparseRows(random, rows, columns, density);
        const matrix = columns > 0 && rows > 0
          ? CsrMatrix.fromDense(numbers)
          : CsrMatrix.fromTriples(rows, columns, []);
        invariant(matrix);
        law(
          numbers,
          matrix,
          `seed ${seed}, ${rows} × ${columns}, density ${density}`,
          random,
        );
      }
    }
  }
}

Deno.test("CsrMatrix() takes matrices without rows, columns or entries", () => {
  for (const [rows, columns] of [[0, 0], [0, 5], [5, 0], [2, 3]]) {
    for (
      const matrix of [
        new CsrMatrix(rows, columns, new Array(rows + 1).fill(0), [], []),
        CsrMatrix.fromTriples(rows, columns, []),
        CsrMatrix.fromDense(new DenseMatrix(rows, columns)),
      ]
    ) {
      invariant(matrix);
      assertEquals([matrix.rows, matrix.columns], [rows, columns]);
      assertEquals([matrix.nonZeros, matrix.density], [0, 0]);
      assertEquals([...matrix.toTriples()], []);
      assertEquals(
        matrix.to2DArray(),
        new DenseMatrix(rows, columns).to2DArray(),
      );
      assertEquals(matrix.transpose().rows, columns);
    }
  }
});

Deno.test("CsrMatrix() holds a single entry, in the last row and column", () => {
  const matrix = new CsrMatrix(3, 4, [0, 0, 0, 1], [3], [2.5]);
  invariant(matrix);
  assertEquals(matrix.get(2, 3), 2.5);
  assertEquals(matrix.get(2, 2), 0);
  assertEquals(matrix.get(0, 3), 0);
  assertEquals(matrix.density, 1 / 12);
  assertEquals(matrix.row(2), {
    indices: Uint32Array.of(3),
    values: Float64Array.of(2.5),
  });
  assertEquals(matrix.row(0), {
    indices: new Uint32Array(0),
    values: new Float64Array(0),
  });
  assertEquals([...matrix.transpose().toTriples()], [[3, 2, 2.5]]);
});

Deno.test("a matrix of 2^32 − 1 columns costs what its entries cost", () => {
  const last = LARGEST - 1;
  const matrix = CsrMatrix.fromTriples(3, LARGEST, [
    [2, last, 1],
    [0, last, 2],
    [2, 0, 3],
    [2, last, 4],
  ]);
  invariant(matrix);
  assertEquals([...matrix.toTriples()], [[0, last, 2], [2, 0, 3], [
    2,
    last,
    5,
  ]]);
  assertEquals(matrix.get(2, last), 5);
  const end = matrix.slice(1, 3, last - 1, LARGEST);
  assertEquals(end.columns, 2);
  assertEquals([...end.toTriples()], [[1, 1, 5]]);
  assertEquals([...CsrMatrix.fromDense(matrix).toTriples()], [
    ...matrix.toTriples(),
  ]);
  invariant(new CsrMatrix(1, LARGEST, [0, 1], [last], [1]));
});

Deno.test("CsrMatrix() copies every kind of list, pieces and subclasses too, and aliases none", () => {
  class Counts extends Uint32Array {}
  class Halves extends Float32Array {}
  const piece = <
    List extends { subarray(start: number, end: number): List; length: number },
  >(list: List) => list.subarray(1, list.length - 1);
  const indptrs = [
    [0, 1, 3],
    Uint8Array.of(0, 1, 3),
    piece(Int32Array.of(9, 0, 1, 3, 9)),
    Counts.of(0, 1, 3),
    Float64Array.of(0, 1, 3),
  ];
  const indices = [
    [1, 0, 2],
    piece(Uint16Array.of(9, 1, 0, 2, 9)),
    Counts.of(1, 0, 2),
  ];
  const values = [
    [0.5, -2, 4],
    piece(Float64Array.of(9, 0.5, -2, 4, 9)),
    Float32Array.of(0.5, -2, 4),
    Halves.of(0.5, -2, 4),
  ];
  for (const starts of indptrs) {
    for (const places of indices) {
      for (const numbers of values) {
        const lists = [starts.slice(), places.slice(), numbers.slice()];
        const matrix = new CsrMatrix(2, 3, lists[0], lists[1], lists[2]);
        lists.forEach((list) => list.fill(7));
        invariant(matrix);
        assertEquals([...matrix.toTriples()], [[0, 1, 0.5], [1, 0, -2], [
          1,
          2,
          4,
        ]]);
        assertEquals(
          matrix.values.constructor,
          numbers instanceof Float32Array ? Float32Array : Float64Array,
        );
      }
    }
  }
});

Deno.test("CsrMatrix() keeps entries that are zero, fromTriples() too, fromDense() does not", () => {
  assertEquals(new CsrMatrix(1, 2, [0, 2], [0, 1], [0, -0]).nonZeros, 2);
  assertEquals(
    CsrMatrix.fromTriples(1, 2, [[0, 0, 0], [0, 1, 2], [0, 1, -2]]).nonZeros,
    2,
  );
  assertEquals(CsrMatrix.fromDense([[0, -0, 1]]).nonZeros, 1);
  const zeros = CsrMatrix.fromTriples(3, 2, [[0, 0, 0], [0, 1, 2], [2, 1, 0], [
    2,
    0,
    5,
  ]]);
  const cleaned = CsrMatrix.fromDense(zeros);
  invariant(cleaned);
  assertEquals([...cleaned.toTriples()], [[0, 1, 2], [2, 0, 5]]);
  assertEquals(zeros.nonZeros, 4);
});

Deno.test("fromDense() reads every kind of rows and keeps their floats", () => {
  const wanted = [[0, 1, 0.5], [1, 0, -2], [1, 2, 4]];
  const flat = Float64Array.of(0, 0.5, 0, -2, 0, 4);
  for (
    const [source, columns, kind] of [
      [[[0, 0.5, 0], [-2, 0, 4]], undefined, Float64Array],
      [[flat.subarray(0, 3), flat.subarray(3)], 3, Float64Array],
      [
        [Float32Array.of(0, 0.5, 0), Float32Array.of(-2, 0, 4)],
        3,
        Float32Array,
      ],
      [[Float32Array.of(0, 0.5, 0), [-2, 0, 4]], 3, Float64Array],
      [flat, 3, Float64Array],
      [new Float32Array(flat), 3, Float32Array],
      [new Int8Array(flat.map((number) => number * 2)), 3, Float64Array],
      [new Matrix([[0, 0.5, 0], [-2, 0, 4]]), undefined, Float64Array],
      [new DenseMatrix(2, 3, flat), undefined, Float64Array],
      [new DenseMatrix(2, 3, new Float32Array(flat)), 3, Float32Array],
      [
        new CsrMatrix(2, 3, [0, 1, 3], [1, 0, 2], [0.5, -2, 4]),
        3,
        Float64Array,
      ],
    ] as const
  ) {
    const matrix = CsrMatrix.fromDense(source, columns);
    invariant(matrix);
    const scale = source instanceof Int8Array ? 2 : 1;
    assertEquals(
      [...matrix.toTriples()],
      wanted.map(([row, column, value]) => [row, column, value * scale]),
    );
    assertEquals(matrix.values.constructor, kind);
    assertEquals(matrix.toDense().data.constructor, kind);
    assertEquals(matrix.transpose().values.constructor, kind);
    assertEquals(matrix.slice(0, 2).values.constructor, kind);
  }
  assertEquals([...CsrMatrix.fromDense([0, 3]).toTriples()], [[0, 1, 3]]);
});

Deno.test("nothing a matrix gives or takes is shared with another", () => {
  const flat = Float64Array.of(1, 0, 2, 3);
  const matrix = CsrMatrix.fromDense(flat, 2);
  const before = matrix.to2DArray();
  const others = [
    matrix.transpose(),
    matrix.slice(0, 2),
    CsrMatrix.fromDense(matrix),
    new CsrMatrix(2, 2, matrix.indptr, matrix.indices, matrix.values),
  ];
  flat.fill(9);
  matrix.to1DArray().fill(9);
  matrix.toDense().data.fill(9);
  for (const other of others) {
    other.values.fill(9);
    other.indices.fill(0);
    other.indptr.fill(0);
  }
  assertEquals(matrix.to2DArray(), before);
});

Deno.test("a matrix cannot be given other arrays or sides", () => {
  const matrix = CsrMatrix.fromDense([[1]]);
  for (const made of [matrix, new CsrMatrix(1, 1, [0, 1], [0], [1])]) {
    for (const field of ["rows", "columns", "indptr", "indices", "values"]) {
      assertThrows(() => Object.assign(made, { [field]: 0 }), TypeError);
    }
    assert(made instanceof CsrMatrix);
  }
});

Deno.test("CsrMatrix() refuses a malformed structure", () => {
  const cases: [unknown[], typeof TypeError, string][] = [
    [
      [-1, 3, [0], [], []],
      RangeError,
      "rows is -1, it should be a whole number from 0 to 4294967295",
    ],
    [
      [2 ** 32, 3, [0], [], []],
      RangeError,
      "rows is 4294967296, it should be a whole number from 0 to 4294967295",
    ],
    [
      [1, 1.5, [0, 0], [], []],
      RangeError,
      "columns is 1.5, it should be a whole number from 0 to 4294967295",
    ],
    [["1", 1, [0, 0], [], []], TypeError, 'rows is "1", it should be a number'],
    [
      [1, 1, 0, [], []],
      TypeError,
      "indptr is 0, it should be a list of numbers",
    ],
    [
      [1, 1, [0, 0], new Set(), []],
      TypeError,
      "indices is a Set, it should be a list of numbers",
    ],
    [
      [1, 1, [0, 0], [], "12"],
      TypeError,
      'values is "12", it should be a list of numbers',
    ],
    [
      [1, 1, [0, 0], [], new BigInt64Array(0)],
      TypeError,
      "values is a BigInt64Array, it should be a list of numbers",
    ],
    [
      [2, 3, [0, 1], [0], [1]],
      RangeError,
      "indptr has 2 numbers, it should have rows + 1 = 3",
    ],
    [
      [1, 3, [0, 1], [0], [1, 2]],
      RangeError,
      "values has 2 numbers, it should have 1",
    ],
    [
      [1, 3, [1, 1], [0], [1]],
      RangeError,
      "indptr[0] is 1, it should be a whole number below 1",
    ],
    [["", 3, [0], [0], [1]], TypeError, 'rows is "", it should be a number'],
    [
      [2, 3, [0, 2, 1], [0, 1], [1, 1]],
      RangeError,
      "indptr[2] is 1, it should be a whole number from 2 to 2",
    ],
    [
      [1, 3, [0, 2], [0], [1]],
      RangeError,
      "indptr[1] is 2, it should be a whole number from 0 to 1",
    ],
    [
      [1, 3, [0, 0.5], [0], [1]],
      RangeError,
      "indptr[1] is 0.5, it should be a whole number from 0 to 1",
    ],
    [
      [1, 3, [0, "1"], [0], [1]],
      TypeError,
      'indptr[1] is "1", it should be a number',
    ],
    [
      [1, 3, [0, 1], [0, 1], [1, 1]],
      RangeError,
      "indptr[1] is 1, it should be 2, the number of indices",
    ],
    [
      [1, 3, [0, 1], [3], [1]],
      RangeError,
      "indices[0] is 3, it should be a whole number below 3",
    ],
    [
      [1, 0, [0, 1], [0], [1]],
      RangeError,
      "indices[0] is 0, it should be a whole number below 0",
    ],
    [
      [1, 3, [0, 1], [-1], [1]],
      RangeError,
      "indices[0] is -1, it should be a whole number below 3",
    ],
    [
      [1, 3, [0, 1], [NaN], [1]],
      RangeError,
      "indices[0] is NaN, it should be a whole number below 3",
    ],
    [
      [1, 3, [0, 1], [1n], [1]],
      TypeError,
      "indices[0] is 1n, it should be a number",
    ],
    [
      [1, 3, [0, 2], [1, 1], [1, 1]],
      RangeError,
      "indices[1] is 1 after 1, it should be larger within row 0",
    ],
    [
      [2, 3, [0, 1, 3], [2, 1, 0], [1, 1, 1]],
      RangeError,
      "indices[2] is 0 after 1, it should be larger within row 1",
    ],
    [
      [1, 3, [0, 1], [2], [NaN]],
      RangeError,
      "values[0] is NaN, it should be a finite number",
    ],
    [
      [1, 3, [0, 1], [2], [-Infinity]],
      RangeError,
      "values[0] is -Infinity, it should be a finite number",
    ],
    [
      [1, 3, [0, 1], [2], [null]],
      TypeError,
      "values[0] is null, it should be a number",
    ],
  ];
  for (const [given, kind, message] of cases) {
    const error = assertThrows(() => Reflect.construct(CsrMatrix, given), kind);
    assertEquals(error.message, `Cannot make a CSR matrix: ${message}`);
  }
});

Deno.test("CsrMatrix() refuses arrays of holes before it makes room for them", () => {
  const holes = new Array(LARGEST);
  const huge = LARGEST - 1;
  assertThrows(
    () => new CsrMatrix(huge, 1, holes, [], []),
    TypeError,
    "indptr[0] is undefined",
  );
  assertThrows(
    () => new CsrMatrix(1, 1, [0, LARGEST], holes, holes),
    TypeError,
    "indices[0] is undefined",
  );
  assertThrows(
    () => CsrMatrix.fromDense(holes),
    TypeError,
    "source[0][0] is undefined",
  );
});

Deno.test("fromTriples() refuses what is no entry of the matrix", () => {
  const cases: [unknown[], typeof TypeError, string][] = [
    [
      [-1, 3, []],
      RangeError,
      "rows is -1, it should be a whole number from 0 to 8388608",
    ],
    [
      [LARGEST, 3, []],
      RangeError,
      "rows is 4294967295, it should be a whole number from 0 to 8388608",
    ],
    [
      [1, 2 ** 32, []],
      RangeError,
      "columns is 4294967296, it should be a whole number from 0 to 4294967295",
    ],
    [
      [1, 3, undefined],
      TypeError,
      "triples is undefined, it should be entries [row, column, value]",
    ],
    [
      [1, 3, {}],
      TypeError,
      "triples is an object, it should be entries [row, column, value]",
    ],
    [
      [1, 3, "abc"],
      TypeError,
      'triples is "abc", it should be entries [row, column, value]',
    ],
    [
      [1, 3, [1]],
      TypeError,
      "triples[0] is 1, it should be [row, column, value]",
    ],
    [
      [1, 3, [[0, 1]]],
      TypeError,
      "triples[0] is an array of 2, it should be [row, column, value]",
    ],
    [
      [1, 3, [[0, 1, 2, 3]]],
      TypeError,
      "triples[0] is an array of 4, it should be [row, column, value]",
    ],
    [
      [1, 3, [[0, 1, 2], [1, 0, 1]]],
      RangeError,
      "row of triples[1] is 1, it should be a whole number below 1",
    ],
    [
      [1, 3, [["0", 1, 2]]],
      TypeError,
      'row of triples[0] is "0", it should be a number',
    ],
    [
      [1, 3, [[0, 3, 2]]],
      RangeError,
      "column of triples[0] is 3, it should be a whole number below 3",
    ],
    [
      [1, 3, [[0, -1, 2]]],
      RangeError,
      "column of triples[0] is -1, it should be a whole number below 3",
    ],
    [
      [1, 3, [[0, 1, NaN]]],
      RangeError,
      "value of triples[0] is NaN, it should be a finite number",
    ],
    [
      [1, 3, [[0, 1, undefined]]],
      TypeError,
      "value of triples[0] is undefined, it should be a number",
    ],
    [
      [2, 3, [[1, 2, 1e308], [0, 0, 1], [1, 2, 1e308], [1, 2, -1e308]]],
      RangeError,
      "triples at [1][2] add up to Infinity, they should add up to a finite number",
    ],
  ];
  for (const [given, kind, message] of cases) {
    const error = assertThrows(
      () => Reflect.apply(CsrMatrix.fromTriples, CsrMatrix, given),
      kind,
    );
    assertEquals(error.message, `Cannot make a CSR matrix: ${message}`);
  }
});

Deno.test("fromDense() refuses what is no rows of finite numbers", () => {
  const source = { rows: LARGEST, columns: 0, to1DArray: () => [] };
  const cases: [unknown, number | undefined, typeof TypeError, string][] = [
    [7, undefined, TypeError, "source is 7, it should be rows of numbers"],
    [
      [[1, 2], [3]],
      undefined,
      RangeError,
      "source[1] has 1 number, it should have 2",
    ],
    [
      [[1, 2], [3, Infinity]],
      undefined,
      RangeError,
      "source[1][1] is Infinity, it should be a finite number",
    ],
    [
      Float32Array.of(1, 2, NaN, 4),
      2,
      RangeError,
      "source[1][0] is NaN, it should be a finite number",
    ],
    [
      [[1, "2"]],
      undefined,
      TypeError,
      'source[0][1] is "2", it should be a number',
    ],
    [
      new Float64Array(3),
      2,
      RangeError,
      "source holds 3 numbers, it should hold a multiple of 2",
    ],
    [
      CsrMatrix.fromTriples(2, LARGEST, []),
      3,
      RangeError,
      "source has rows of 4294967295 numbers, it should have rows of 3",
    ],
    [
      source,
      undefined,
      RangeError,
      "source.rows is 4294967295, it should be a whole number from 0 to 8388608",
    ],
  ];
  for (const [given, columns, kind, message] of cases) {
    const error = assertThrows(
      () => CsrMatrix.fromDense(given as number[][], columns),
      kind,
    );
    assertEquals(error.message, `Cannot make a CSR matrix: ${message}`);
  }
});

Deno.test("get(), row(), slice(), transpose() and toDense() refuse what is not there", () => {
  const matrix = CsrMatrix.fromDense([[1, 2, 3], [4, 5, 6]]);
  const wide = CsrMatrix.fromTriples(2 ** 20, LARGEST, []);
  const cases: [() => unknown, typeof TypeError, string][] = [
    [
      () => matrix.get(2, 0),
      RangeError,
      "Cannot read a number: it is at [2][0], it should be inside 2 × 3",
    ],
    [
      () => matrix.get(0, 3),
      RangeError,
      "Cannot read a number: it is at [0][3], it should be inside 2 × 3",
    ],
    [
      () => matrix.get(0, -1),
      RangeError,
      "Cannot read a number: it is at [0][-1], it should be inside 2 × 3",
    ],
    [
      () => matrix.get(0.5, 0),
      RangeError,
      "Cannot read a number: it is at [0.5][0], it should be inside 2 × 3",
    ],
    [
      () => matrix.row(2),
      RangeError,
      "Cannot read a row: index is 2, it should be a whole number below 2",
    ],
    [
      () => matrix.row(-1),
      RangeError,
      "Cannot read a row: index is -1, it should be a whole number below 2",
    ],
    [
      () => matrix.slice(0, 3),
      RangeError,
      "Cannot slice a CSR matrix: rowEnd is 3, it should be a whole number from 0 to 2",
    ],
    [
      () => matrix.slice(2, 1),
      RangeError,
      "Cannot slice a CSR matrix: rowStart is 2, it should be a whole number from 0 to 1",
    ],
    [
      () => matrix.slice(0, 1, 0, 4),
      RangeError,
      "Cannot slice a CSR matrix: columnEnd is 4, it should be a whole number from 0 to 3",
    ],
    [
      () => matrix.slice(0, 1, 3, 2),
      RangeError,
      "Cannot slice a CSR matrix: columnStart is 3, it should be a whole number from 0 to 2",
    ],
    [
      () => matrix.slice(0, "1" as unknown as number),
      TypeError,
      'Cannot slice a CSR matrix: rowEnd is "1", it should be a number',
    ],
    [
      () => wide.transpose(),
      RangeError,
      "Cannot transpose a CSR matrix: columns is 4294967295, it should be a whole number from 0 to 8388608",
    ],
    [
      () => wide.toDense(),
      RangeError,
      "Cannot write out a CSR matrix: it has 1048576 × 4294967295 numbers, it should fit in memory",
    ],
  ];
  for (const [call, kind, message] of cases) {
    assertEquals(assertThrows(call, kind).message, message);
  }
});

Deno.test("a sparse matrix holds the numbers it was made from", () => {
  eachMatrix((numbers, matrix, where) => {
    assertEquals(matrix.to2DArray(), numbers, where);
    assertEquals(matrix.toDense().to2DArray(), numbers, where);
    assertEquals([...matrix.to1DArray()], numbers.flat(), where);
    const stored = numbers.flat().filter((number) => number !== 0).length;
    assertEquals(matrix.nonZeros, stored, where);
    assertEquals(
      matrix.density,
      stored === 0 ? 0 : stored / numbers.flat().length,
      where,
    );
    for (let row = 0; row < matrix.rows; row++) {
      for (let column = 0; column < matrix.columns; column++) {
        assertEquals(matrix.get(row, column), numbers[row][column], where);
      }
      const { indices, values } = matrix.row(row);
      assertEquals(
        Array.from(indices, (column, at) => [column, values[at]]),
        [...numbers[row].entries()].filter(([, number]) => number !== 0),
        where,
      );
    }
  });
});

Deno.test("transpose() is that of ml-matrix, and undoes itself bit for bit", () => {
  eachMatrix((numbers, matrix, where) => {
    const turned = matrix.transpose();
    invariant(turned);
    assertEquals(
      [turned.rows, turned.columns],
      [matrix.columns, matrix.rows],
      where,
    );
    if (matrix.rows > 0) {
      assertEquals(
        turned.to2DArray(),
        new Matrix(numbers).transpose().to2DArray(),
        where,
      );
    }
    assertEquals(turned.transpose(), matrix, where);
  });
});

Deno.test("slice() is subMatrix() of ml-matrix, and takes empty ranges too", () => {
  eachMatrix((numbers, matrix, where, random) => {
    const range = (length: number) => {
      const start = random.integer(length + 1);
      return [start, start + random.integer(length - start + 1)];
    };
    for (let draw = 0; draw < 10; draw++) {
      const [rowStart, rowEnd] = range(matrix.rows);
      const [columnStart, columnEnd] = range(matrix.columns);
      const part = matrix.slice(rowStart, rowEnd, columnStart, columnEnd);
      invariant(part);
      assertEquals([part.rows, part.columns], [
        rowEnd - rowStart,
        columnEnd - columnStart,
      ], where);
      if (part.rows > 0 && part.columns > 0) {
        assertEquals(
          part.to2DArray(),
          new Matrix(numbers).subMatrix(
            rowStart,
            rowEnd - 1,
            columnStart,
            columnEnd - 1,
          ).to2DArray(),
          `${where}, rows ${rowStart} … ${rowEnd}, columns ${columnStart} … ${columnEnd}`,
        );
      }
      assertEquals(
        matrix.slice(rowStart, rowEnd),
        matrix.slice(rowStart, rowEnd, 0, matrix.columns),
        where,
      );
    }
    assertEquals(matrix.slice(0, matrix.rows), matrix, where);
  });
});

Deno.test("a matrix made from its own parts is the same matrix", () => {
  eachMatrix((_, matrix, where) => {
    const { rows, columns, indptr, indices, values } = matrix;
    assertEquals(
      new CsrMatrix(rows, columns, indptr, indices, values),
      matrix,
      where,
    );
    assertEquals(
      CsrMatrix.fromTriples(rows, columns, matrix.toTriples()),
      matrix,
      where,
    );
    assertEquals(CsrMatrix.fromDense(matrix), matrix, where);
    assertEquals(CsrMatrix.fromDense(matrix.toDense()), matrix, where);
  });
});

Deno.test("fromTriples() adds repeats up in the order given, wherever they come", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = seeded(seed);
    const rows = 1 + random.integer(6), columns = 1 + random.integer(40);
    const triples: [number, number, number][] = [];
    const sums = new Map<number, number>();
    for (let count = random.integer(400); count > 0; count--) {
      const row = random.integer(rows), column = random.integer(columns);
      // Sizes far apart: the sum tells the order.
      const value = random.normal() * 10 ** random.integer(30);
      triples.push([row, column, value]);
      const place = row * columns + column;
      sums.set(place, sums.has(place) ? sums.get(place)! + value : value);
    }
    const matrix = CsrMatrix.fromTriples(rows, columns, triples.values());
    invariant(matrix);
    assertEquals(
      [...matrix.toTriples()],
      [...sums].sort(([a], [b]) => a - b)
        .map((
          [place, sum],
        ) => [Math.floor(place / columns), place % columns, sum]),
      `seed ${seed}`,
    );
  }
});

Deno.test("a sparse matrix goes through the door as rows", () => {
  const matrix = CsrMatrix.fromDense([[0, 1.5], [2, 0]]);
  const columns = Uint32Array.of(1, 0), numbers = Float32Array.of(1.5, 2);
  assertEquals(checkRows("test", "keys", matrix), {
    count: 2,
    width: 2,
    data: new Float32Array(0),
    sparse: [
      { columns, numbers, start: 0, evens: 0, count: 1 },
      { columns, numbers, start: 1, evens: 1, count: 1 },
    ],
  });
});

/** The arguments of a constructor call. */
type Parts = [
  rows: unknown,
  columns: unknown,
  indptr: unknown,
  indices: unknown,
  values: unknown,
];

/** Values that are wrong almost anywhere, and some that are right almost anywhere. */
const ODD = [
  -1,
  0,
  1,
  2,
  7,
  0.5,
  -0,
  NaN,
  Infinity,
  -Infinity,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53,
  1e308,
  undefined,
  null,
  "1",
  true,
  1n,
  [],
  [0],
  {},
  () => 0,
  new Float64Array(2),
  new BigInt64Array(2),
  new DataView(new ArrayBuffer(4)),
];

/** A well-formed matrix, in lists of a kind drawn for each. */
function wellFormed(random: Random): Parts {
  const rows = random.integer(6), columns = random.integer(7);
  const indptr = [0], indices: number[] = [], values: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (random.uniform() < 0.4) {
        indices.push(column);
        values.push(random.normal());
      }
    }
    indptr.push(indices.length);
  }
  return [
    rows,
    columns,
    random.uniform() < 0.5 ? indptr : Uint32Array.from(indptr),
    random.uniform() < 0.5 ? indices : Uint32Array.from(indices),
    random.uniform() < 0.5 ? values : Float64Array.from(values),
  ];
}

/** Changes one thing about a list or a number. */
function mutated(random: Random, value: unknown): unknown {
  const odd = ODD[random.integer(ODD.length)];
  if (typeof value === "number") {
    return random.uniform() < 0.5 ? value + random.integer(3) - 1 : odd;
  }
  const list: unknown[] = Array.from(value as ArrayLike<unknown>);
  const at = random.integer(list.length + 1);
  switch (random.integer(7)) {
    case 0:
      return odd;
    case 1:
      list.splice(at, 1);
      break;
    case 2:
      list.splice(at, 0, odd);
      break;
    case 3:
      list[at] = odd;
      break;
    case 4:
      list.reverse();
      break;
    case 5:
      list.splice(at, 0, list[at]);
      break;
    default:
      if (typeof list[at] === "number") {
        list[at] = list[at] + random.integer(3) - 1;
      }
  }
  if (
    ArrayBuffer.isView(value) && list.every((item) => typeof item === "number")
  ) {
    return Float64Array.from(list as number[]);
  }
  return list;
}

/** The definition of a well-formed matrix, without a thought for speed. */
function isWellFormed(
  [rows, columns, indptr, indices, values]: Parts,
): boolean {
  const whole = (value: unknown, least: number, most: number) =>
    typeof value === "number" && value % 1 === 0 && value >= least &&
    value <= most;
  const list = (value: unknown): unknown[] | undefined =>
    Array.isArray(value) ? value : ArrayBuffer.isView(value) &&
        /^(Uint|Int|Float)\w+Array$/.test(value.constructor.name)
      ? Array.from(value as unknown as ArrayLike<unknown>)
      : undefined;
  const starts = list(indptr), places = list(indices), numbers = list(values);
  if (!whole(rows, 0, LARGEST) || !whole(columns, 0, LARGEST)) return false;
  if (starts === undefined || places === undefined || numbers === undefined) {
    return false;
  }
  if (
    starts.length !== rows as number + 1 || places.length !== numbers.length
  ) return false;
  if (starts[0] !== 0 || starts.at(-1) !== places.length) return false;
  if (!starts.every((start) => whole(start, 0, places.length))) return false;
  if (
    !starts.every((start, row) =>
      row === 0 || (start as number) >= (starts[row - 1] as number)
    )
  ) return false;
  if (
    !numbers.every((number) =>
      typeof number === "number" && number - number === 0
    )
  ) return false;
  return starts.every((start, row) => {
    const kept = places.slice(start as number, starts[row + 1] as number);
    return kept.every((place, at) =>
      whole(place, 0, (columns as number) - 1) &&
      (at === 0 || (place as number) > (kept[at - 1] as number))
    );
  });
}

/** Makes a matrix or a refusal of one sentence; tells which. */
function made(make: () => CsrMatrix, where: string): CsrMatrix | undefined {
  let matrix: CsrMatrix;
  try {
    matrix = make();
  } catch (error) {
    assert(
      error instanceof TypeError || error instanceof RangeError,
      `${where}: ${error}`,
    );
    assert(
      /^Cannot make a CSR matrix: [^\n]+, [^\n]+[^.]$/.test(error.message),
      `${where}: ${error.message}`,
    );
    return undefined;
  }
  invariant(matrix);
  return matrix;
}

Deno.test("CsrMatrix() takes well-formed structures and no other: 12 000 drawn, most one change away", () => {
  const random = seeded(4);
  let taken = 0;
  for (let draw = 0; draw < 12_000; draw++) {
    const parts = wellFormed(random);
    const changes = draw % 4 === 0 ? 1 + random.integer(4) : 1;
    for (let change = 0; change < changes; change++) {
      const at = random.integer(parts.length);
      const value = parts[at];
      if (
        typeof value === "number" || Array.isArray(value) ||
        value instanceof Float64Array || value instanceof Uint32Array
      ) {
        parts[at] = mutated(random, value);
      }
    }
    const where = `draw ${draw}, ${Deno.inspect(parts)}`;
    const matrix = made(() => Reflect.construct(CsrMatrix, parts), where);
    assertEquals(matrix !== undefined, isWellFormed(parts), where);
    if (matrix === undefined) continue;
    taken++;
    assertEquals(
      Array.from(matrix.indices),
      Array.from(parts[3] as number[]),
      where,
    );
    assertEquals(
      Array.from(matrix.values),
      Array.from(parts[4] as number[]),
      where,
    );
  }
  assert(taken > 1000 && taken < 8000, `${taken} of 12000 were taken`);
});

Deno.test("fromTriples() makes a matrix or a refusal: 4 000 drawn, most one change away", () => {
  const random = seeded(5);
  let taken = 0;
  for (let draw = 0; draw < 4000; draw++) {
    const rows = 1 + random.integer(5), columns = 1 + random.integer(5);
    const triples: unknown[] = Array.from(
      { length: random.integer(8) },
      () => [random.integer(rows), random.integer(columns), random.normal()],
    );
    const given: unknown[] = [rows, columns, triples];
    const where = random.integer(4);
    if (where < 2) given[where] = mutated(random, given[where]);
    else if (where === 2) given[2] = mutated(random, triples);
    else if (triples.length > 0) triples[0] = mutated(random, triples[0]);
    // A matrix of so many rows is right, and slow to make.
    if (
      typeof given[0] === "number" && given[0] > 1000 && given[0] <= 2 ** 23
    ) continue;
    const text = `draw ${draw}, ${Deno.inspect(given)}`;
    const matrix = made(
      () => Reflect.apply(CsrMatrix.fromTriples, CsrMatrix, given),
      text,
    );
    if (matrix === undefined) continue;
    taken++;
    const entries = [...given[2] as Iterable<[number, number, number]>];
    assertEquals(
      new Set(entries.map(([row, column]) => `${row},${column}`)).size,
      matrix.nonZeros,
      text,
    );
  }
  assert(taken > 500 && taken < 3500, `${taken} of 4000 were taken`);
});

Deno.test("fromDense() makes a matrix or a refusal: 4 000 drawn, most one change away", () => {
  const random = seeded(6);
  let taken = 0;
  for (let draw = 0; draw < 4000; draw++) {
    const rows = random.integer(5), columns = 1 + random.integer(5);
    const numbers = sparseRows(random, rows, columns, 0.5);
    const flat = Float64Array.from(numbers.flat());
    const sources: unknown[] = [numbers, flat, {
      rows,
      columns,
      to1DArray: () => flat,
    }];
    let source = sources[random.integer(sources.length)];
    let width: unknown = source === flat ? columns : undefined;
    const where = random.integer(3);
    if (where === 0) {
      width = mutated(random, columns);
    } else if (Array.isArray(source)) {
      if (where === 1 || source.length === 0) source = mutated(random, source);
      else source[0] = mutated(random, source[0]);
    } else if (source === flat) {
      source = mutated(random, flat);
    } else {
      const list = where === 1 ? mutated(random, flat) : flat;
      source = { rows: mutated(random, rows), columns, to1DArray: () => list };
    }
    const text = `draw ${draw}, ${Deno.inspect(source)}, ${
      Deno.inspect(width)
    }`;
    const matrix = made(
      () => Reflect.apply(CsrMatrix.fromDense, CsrMatrix, [source, width]),
      text,
    );
    if (matrix === undefined) continue;
    taken++;
    assertEquals(
      matrix.to2DArray(),
      DenseMatrix.from(source as number[][], width as number | undefined)
        .to2DArray(),
      text,
    );
  }
  assert(taken > 400 && taken < 3600, `${taken} of 4000 were taken`);
});
