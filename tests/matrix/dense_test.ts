import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  AbstractMatrix,
  CHO,
  determinant,
  EVD,
  inverse,
  LU,
  Matrix,
  MatrixTransposeView,
  pseudoInverse,
  QR,
  solve,
  SVD,
} from "ml-matrix";
import { DenseMatrix } from "../../src/matrix/dense.ts";
import { CsrMatrix } from "../../src/matrix/csr.ts";
import { type Random, seeded } from "../../src/random.ts";

/** Empty, single, square, tall, wide. */
const SHAPES = [
  [0, 0],
  [0, 3],
  [3, 0],
  [1, 1],
  [1, 4],
  [4, 1],
  [2, 2],
  [3, 3],
  [4, 4],
  [2, 5],
  [5, 2],
];

/** Few distinct numbers, so that ties, zeros and both signs occur. */
function numbers(random: Random, count: number): Float64Array {
  return Float64Array.from({ length: count }, () => random.integer(9) / 2 - 2);
}

/** The same numbers as an ml-matrix of its own. */
function twin(matrix: AbstractMatrix): Matrix {
  return new Matrix(matrix);
}

/** What a call came to, in a form that can be compared. */
function outcome(call: () => unknown): unknown {
  try {
    return plain(call());
  } catch (error) {
    assert(error instanceof Error);
    return `${error.name}: ${error.message}`;
  }
}

function plain(value: unknown): unknown {
  if (AbstractMatrix.isMatrix(value)) {
    const { rows, columns } = value;
    return { rows, columns, numbers: [...value.values()] };
  }
  if (value instanceof Iterator) return [...value];
  if (typeof value === "string") return value.replace(/^DenseMatrix/, "Matrix");
  return value;
}

/** Arguments that suit each method of ml-matrix; a method that is not listed takes none. */
function recipes(matrix: AbstractMatrix): Record<string, unknown[][]> {
  const { rows, columns } = matrix;
  const random = seeded(rows * 10 + columns);
  const row = [...numbers(random, columns)];
  const column = [...numbers(random, rows)];
  const same = new DenseMatrix(rows, columns, numbers(random, rows * columns));
  const turned = new DenseMatrix(columns, 3, numbers(random, columns * 3));
  const places = rows > 0 ? [0, rows - 1] : [];
  const spots = columns > 0 ? [0, columns - 1] : [];
  const byAxis = [[], ["row"], ["column"]];
  const arithmetic = Object.fromEntries(
    Object.getOwnPropertyNames(AbstractMatrix.prototype)
      .filter((name) => typeof Reflect.get(AbstractMatrix, name) === "function")
      .filter((name) =>
        Object.hasOwn(AbstractMatrix.prototype, `${name}S`) &&
        Object.hasOwn(AbstractMatrix.prototype, `${name}M`)
      )
      .flatMap((name) => [
        [name, [[3], [same], [twin(same)]]],
        [`${name}S`, [[2]]],
        [`${name}M`, [[same]]],
      ]),
  );
  return {
    ...arithmetic,
    apply: [[function (this: AbstractMatrix, i: number, j: number) {
      this.set(i, j, this.get(i, j) + i - j);
    }]],
    applyAlongAxis: [
      [(list: number[], at: number) => list.length + at, "row"],
      [(list: number[], at: number) => list.length + at, "column"],
    ],
    set: rows && columns ? [[rows - 1, columns - 1, 7]] : [],
    get: rows && columns ? [[rows - 1, 0]] : [],
    repeat: [[], [{ rows: 2, columns: 3 }]],
    fill: [[2.5]],
    getRow: [...places, rows].map((at) => [at]),
    getRowVector: places.map((at) => [at]),
    setRow: places.map((at) => [at, row]),
    swapRows: places.map((at) => [at, 0]),
    getColumn: [...spots, columns].map((at) => [at]),
    getColumnVector: spots.map((at) => [at]),
    setColumn: spots.map((at) => [at, column]),
    swapColumns: spots.map((at) => [at, 0]),
    addRowVector: [[row]],
    subRowVector: [[row]],
    mulRowVector: [[row]],
    divRowVector: [[row]],
    addColumnVector: [[column]],
    subColumnVector: [[column]],
    mulColumnVector: [[column]],
    divColumnVector: [[column]],
    mulRow: places.map((at) => [at, 3]),
    mulColumn: spots.map((at) => [at, 3]),
    max: byAxis,
    min: byAxis,
    maxRow: places.map((at) => [at]),
    maxRowIndex: places.map((at) => [at]),
    minRow: places.map((at) => [at]),
    minRowIndex: places.map((at) => [at]),
    maxColumn: spots.map((at) => [at]),
    maxColumnIndex: spots.map((at) => [at]),
    minColumn: spots.map((at) => [at]),
    minColumnIndex: spots.map((at) => [at]),
    norm: [[], ["frobenius"], ["max"]],
    dot: [[same]],
    mmul: [[turned], [twin(turned)]],
    transposeMultiply: [[same]],
    mmulByTranspose: [[]],
    mpow: [[0], [3]],
    strassen2x2: rows === 2 && columns === 2 ? [[same]] : [],
    strassen3x3: rows === 3 && columns === 3 ? [[same]] : [],
    // ml-matrix itself fails on it where the rows are fewer than its padding.
    mmulStrassen: rows > 1 && columns > 1 ? [[turned]] : [],
    scaleRows: [[], [{ min: -1, max: 2 }]],
    scaleColumns: [[], [{ min: -1, max: 2 }]],
    kroneckerProduct: [[turned]],
    kroneckerSum: [[same]],
    tensorProduct: [[turned]],
    sortRows: [[], [(a: number, b: number) => b - a]],
    sortColumns: [[], [(a: number, b: number) => b - a]],
    subMatrix: rows && columns ? [[0, rows - 1, 0, columns - 1]] : [],
    subMatrixRow: columns ? [[places, 0, columns - 1], [places]] : [],
    subMatrixColumn: rows ? [[spots, 0, rows - 1], [spots]] : [],
    setSubMatrix: rows && columns ? [[[[9]], rows - 1, columns - 1]] : [],
    concat: [[same, "row"], [same, "column"]],
    selection: [[places, spots]],
    sum: byAxis,
    product: byAxis,
    mean: byAxis,
    variance: byAxis,
    standardDeviation: byAxis,
    center: byAxis,
    scale: byAxis,
    toString: [[], [{ maxRows: 1, maxColumns: 1 }]],
    pow: [[2], [same]],
    powS: [[2]],
    powM: [[same]],
  };
}

Deno.test("DenseMatrix() without data is zeros in 64-bit floats", () => {
  for (const [rows, columns] of SHAPES) {
    const matrix = new DenseMatrix(rows, columns);
    assertEquals(matrix.data, new Float64Array(rows * columns));
    assertEquals([matrix.rows, matrix.columns], [rows, columns]);
    assertEquals(matrix.size, rows * columns);
  }
});

Deno.test("DenseMatrix() is a view of its data, the same object", () => {
  for (const data of [new Float64Array(6), new Float32Array(6)]) {
    const matrix = new DenseMatrix(2, 3, data);
    assertStrictEquals(matrix.data, data);
    data[5] = 4;
    assertEquals(matrix.get(1, 2), 4);
    matrix.set(0, 1, 0.1);
    assertEquals(
      data[1],
      data instanceof Float32Array ? Math.fround(0.1) : 0.1,
    );
  }
});

Deno.test("DenseMatrix() takes a piece of a buffer", () => {
  const buffer = Float64Array.of(9, 1, 2, 3, 4, 9);
  const matrix = new DenseMatrix(2, 2, buffer.subarray(1, 5));
  assertEquals(matrix.to2DArray(), [[1, 2], [3, 4]]);
  matrix.set(1, 1, 7);
  assertEquals(buffer, Float64Array.of(9, 1, 2, 3, 7, 9));
});

Deno.test("row() is a view of one row", () => {
  const matrix = new DenseMatrix(2, 3, new Float32Array([1, 2, 3, 4, 5, 6]));
  assertEquals(matrix.row(1), new Float32Array([4, 5, 6]));
  matrix.row(0)[2] = 8;
  assertEquals(matrix.get(0, 2), 8);
  assertEquals(new DenseMatrix(2, 0).row(1), new Float64Array(0));
});

Deno.test("from() copies every kind of rows at full precision", () => {
  const third = 1 / 3;
  const wanted = Float64Array.of(third, 2, -Infinity, 4);
  const flat = Float64Array.of(9, third, 2, -Infinity, 4).subarray(1);
  const sources: [unknown, number | undefined][] = [
    [[[third, 2], [-Infinity, 4]], undefined],
    [[[third, 2], [-Infinity, 4]], 2],
    [[flat.subarray(0, 2), flat.subarray(2)], undefined],
    [flat, 2],
    [new Matrix([[third, 2], [-Infinity, 4]]), undefined],
    [new DenseMatrix(2, 2, flat), 2],
    [new MatrixTransposeView(new Matrix([[third, -Infinity], [2, 4]])), 2],
  ];
  for (const [source, columns] of sources) {
    const matrix = DenseMatrix.from(source as number[][], columns);
    assertEquals([matrix.rows, matrix.columns], [2, 2]);
    assertEquals(matrix.data, wanted);
    matrix.data.fill(0);
  }
  assertEquals(flat, wanted);
  const sparse = CsrMatrix.fromTriples(2, 2, [[1, 0, third]]);
  assertEquals(DenseMatrix.from(sparse).to2DArray(), [[0, 0], [third, 0]]);
  assertEquals(DenseMatrix.from([NaN]).data, Float64Array.of(NaN));
});

Deno.test("from() reads a flat list as one row, and nothing as no rows", () => {
  const shape = (
    rows: number[] | Float32Array | number[][],
    width?: number,
  ) => {
    const matrix = DenseMatrix.from(rows, width);
    return [matrix.rows, matrix.columns];
  };
  assertEquals(shape([1, 2, 3]), [1, 3]);
  assertEquals(shape(new Float32Array(3)), [1, 3]);
  assertEquals(shape(new Float32Array(6), 3), [2, 3]);
  assertEquals(shape(new Float32Array(0), 3), [0, 3]);
  assertEquals(shape([]), [0, 0]);
  assertEquals(shape([], 3), [0, 3]);
  assertEquals(shape([[], []]), [2, 0]);
});

Deno.test("DenseMatrix() refuses sides and data that do not fit", () => {
  const cases: [() => unknown, typeof TypeError | typeof RangeError, string][] =
    [
      [
        () => new DenseMatrix(-1, 2),
        RangeError,
        "Cannot make a dense matrix: rows is -1, it should be a whole number from 0 to 4294967295",
      ],
      [
        () => new DenseMatrix(1, 2 ** 32),
        RangeError,
        "Cannot make a dense matrix: columns is 4294967296, it should be a whole number from 0 to 4294967295",
      ],
      [
        () => new DenseMatrix("2" as unknown as number, 2),
        TypeError,
        'Cannot make a dense matrix: rows is "2", it should be a number',
      ],
      [
        () => new DenseMatrix(2, 2, new Float64Array(5)),
        RangeError,
        "Cannot make a dense matrix: data holds 5 numbers, it should hold 2 × 2",
      ],
      [
        () => new DenseMatrix(1, 2, [1, 2] as unknown as Float64Array),
        TypeError,
        "Cannot make a dense matrix: data is an array of 2, it should be a Float64Array or a Float32Array",
      ],
      [
        () => new DenseMatrix(1, 2, null as unknown as Float64Array),
        TypeError,
        "Cannot make a dense matrix: data is null, it should be a Float64Array or a Float32Array",
      ],
      [
        () => new DenseMatrix(2 ** 32 - 1, 2 ** 32 - 1),
        RangeError,
        "Cannot make a dense matrix: it has 4294967295 × 4294967295 numbers, it should fit in memory",
      ],
    ];
  for (const [call, kind, message] of cases) {
    assertEquals(assertThrows(call, kind).message, message);
  }
});

Deno.test("from() refuses what is no rows of numbers", () => {
  const source = (rows: unknown, columns: unknown, list: unknown) => ({
    rows,
    columns,
    to1DArray: () => list,
  });
  const cases: [unknown, number | undefined, typeof TypeError, string][] = [
    [
      undefined,
      undefined,
      TypeError,
      "rows is undefined, it should be rows of numbers",
    ],
    ["12", undefined, TypeError, 'rows is "12", it should be rows of numbers'],
    [
      new BigInt64Array(2),
      undefined,
      TypeError,
      "rows is a BigInt64Array, it should be rows of numbers",
    ],
    [
      new DataView(new ArrayBuffer(8)),
      undefined,
      TypeError,
      "rows is a DataView, it should be rows of numbers",
    ],
    [
      [1, "2"],
      undefined,
      TypeError,
      'rows[0][1] is "2", it should be a number',
    ],
    [
      [[1, 2], [3, null]],
      undefined,
      TypeError,
      "rows[1][1] is null, it should be a number",
    ],
    [
      [[1, 2], 3],
      undefined,
      TypeError,
      "rows[1] is 3, it should be a row of numbers",
    ],
    [
      [[1, 2], [3]],
      undefined,
      RangeError,
      "rows[1] has 1 number, it should have 2",
    ],
    [[[1, 2]], 3, RangeError, "rows[0] has 2 numbers, it should have 3"],
    [
      [1, 2],
      3,
      RangeError,
      "rows has rows of 2 numbers, it should have rows of 3",
    ],
    [
      new Float32Array(5),
      2,
      RangeError,
      "rows holds 5 numbers, it should hold a multiple of 2",
    ],
    [
      new Float32Array(5),
      0,
      RangeError,
      "rows holds 5 numbers, it should hold a multiple of 0",
    ],
    [
      new Matrix(2, 2),
      3,
      RangeError,
      "rows has rows of 2 numbers, it should have rows of 3",
    ],
    [
      new DenseMatrix(2, 2),
      3,
      RangeError,
      "rows has rows of 2 numbers, it should have rows of 3",
    ],
    [
      source(2, 2, [1, 2, 3]),
      undefined,
      RangeError,
      "rows holds 3 numbers, it should hold 2 × 2",
    ],
    [
      source(2, 2, [1, 2, 3, 4, 5]),
      undefined,
      RangeError,
      "rows holds 5 numbers, it should hold 2 × 2",
    ],
    [
      source(1, 1, "1"),
      undefined,
      TypeError,
      'rows.to1DArray() is "1", it should be a list of numbers',
    ],
    [
      source(1, 1, [true]),
      undefined,
      TypeError,
      "rows[0][0] is true, it should be a number",
    ],
    [
      source("1", 1, [1]),
      undefined,
      TypeError,
      'rows.rows is "1", it should be a number',
    ],
    [
      source(1, -1, []),
      undefined,
      RangeError,
      "rows.columns is -1, it should be a whole number from 0 to 4294967295",
    ],
    [
      [1],
      0.5,
      RangeError,
      "columns is 0.5, it should be a whole number from 0 to 4294967295",
    ],
  ];
  for (const [rows, columns, kind, message] of cases) {
    const error = assertThrows(
      () => DenseMatrix.from(rows as number[], columns),
      kind,
    );
    assertEquals(error.message, `Cannot make a dense matrix: ${message}`);
  }
});

Deno.test("get(), set() and row() refuse a place outside, even where the next row begins", () => {
  const matrix = new DenseMatrix(2, 3);
  for (
    const [row, column] of [[0, 3], [2, 0], [-1, 0], [0, -1], [0.5, 0], [
      0,
      NaN,
    ], [0, 2 ** 32]]
  ) {
    const place = `it is at [${row}][${column}], it should be inside 2 × 3`;
    assertEquals(
      assertThrows(() => matrix.get(row, column), RangeError).message,
      `Cannot read a number: ${place}`,
    );
    assertEquals(
      assertThrows(() => matrix.set(row, column, 1), RangeError).message,
      `Cannot write a number: ${place}`,
    );
  }
  assertEquals(matrix.data, new Float64Array(6));
  assertEquals(
    assertThrows(() => matrix.row(2), RangeError).message,
    "Cannot read a row: index is 2, it should be a whole number below 2",
  );
  assertEquals(
    assertThrows(() => matrix.row("0" as unknown as number), TypeError).message,
    'Cannot read a row: index is "0", it should be a number',
  );
});

Deno.test("DenseMatrix is an ml-matrix to ml-matrix", () => {
  const matrix = new DenseMatrix(2, 2);
  assert(matrix instanceof AbstractMatrix);
  assert(Matrix.isMatrix(matrix));
  assertStrictEquals(Matrix.checkMatrix(matrix), matrix as unknown as Matrix);
});

Deno.test("clone() is a 64-bit copy of its own", () => {
  const matrix = new DenseMatrix(1, 2, new Float32Array([0.1, 3]));
  const clone = matrix.clone();
  assert(clone instanceof DenseMatrix);
  assertEquals<unknown>(clone.data, Float64Array.of(Math.fround(0.1), 3));
  clone.set(0, 0, 5);
  assertEquals(matrix.get(0, 0), Math.fround(0.1));
});

Deno.test("every method of ml-matrix gives what it gives on ml-matrix's own Matrix", () => {
  const random = seeded(1);
  const names = Object.getOwnPropertyNames(AbstractMatrix.prototype)
    .filter((name) => name !== "constructor");
  const succeeded = new Set<string>();
  for (const [rows, columns] of SHAPES) {
    const list = numbers(random, rows * columns);
    for (const name of names) {
      const calls = recipes(new DenseMatrix(rows, columns, list))[name] ?? [[]];
      for (const values of calls) {
        const ours = new DenseMatrix(rows, columns, list.slice());
        const theirs = twin(ours);
        const where = `${name} of ${rows} × ${columns}`;
        const result = outcome(() => call(ours, name, values));
        assertEquals(result, outcome(() => call(theirs, name, values)), where);
        // In place or not: both are left with the same numbers.
        assertEquals(plain(ours), plain(theirs), where);
        if (!/^\w*Error: /.test(String(result))) succeeded.add(name);
      }
    }
  }
  // Two refusals are alike too, so each method must have worked on some shape.
  assertEquals(names.filter((name) => !succeeded.has(name)), []);
});

/** Calls a method, or reads a property, by name. */
function call(
  matrix: AbstractMatrix,
  name: string,
  values: unknown[],
): unknown {
  const member = Reflect.get(matrix, name);
  return typeof member === "function"
    ? Reflect.apply(member, matrix, values)
    : member;
}

Deno.test("every static function of ml-matrix takes dense matrices", () => {
  const random = seeded(2);
  const a = new DenseMatrix(3, 2, numbers(random, 6));
  const b = new DenseMatrix(3, 2, numbers(random, 6));
  for (
    const name of ["add", "sub", "mul", "div", "min", "max", "pow"] as const
  ) {
    assertEquals(
      plain(DenseMatrix[name](a, b)),
      plain(Matrix[name](twin(a), twin(b))),
      name,
    );
  }
  for (const name of ["exp", "abs", "sqrt", "not"] as const) {
    assertEquals(
      plain(DenseMatrix[name](a)),
      plain(Matrix[name](twin(a))),
      name,
    );
  }
});

Deno.test("decompositions of dense matrices, 64-bit or 32-bit, are those of the same numbers in a Matrix", () => {
  const random = seeded(3);
  for (const [rows, columns] of [[1, 1], [3, 3], [6, 4], [4, 6], [12, 12]]) {
    for (const Kind of [Float64Array, Float32Array]) {
      const list = new Kind(rows * columns).map(() => random.normal());
      const ours = new DenseMatrix(rows, columns, list);
      const theirs = twin(ours);
      const right = twin(new DenseMatrix(rows, 2, numbers(random, 2 * rows)));
      for (
        const compute of [
          (matrix: AbstractMatrix) =>
            new SVD(matrix, { autoTranspose: true }).diagonal,
          (matrix: AbstractMatrix) =>
            new SVD(matrix, { autoTranspose: true }).leftSingularVectors,
          (matrix: AbstractMatrix) => pseudoInverse(matrix),
          (matrix: AbstractMatrix) => solve(matrix, right),
          (matrix: AbstractMatrix) => new QR(matrix).orthogonalMatrix,
          (matrix: AbstractMatrix) => new LU(matrix).upperTriangularMatrix,
          (matrix: AbstractMatrix) => determinant(matrix as Matrix),
          (matrix: AbstractMatrix) => inverse(matrix),
          (matrix: AbstractMatrix) => new EVD(matrix).realEigenvalues,
          (matrix: AbstractMatrix) =>
            new CHO(matrix.mmul(matrix.transpose())).lowerTriangularMatrix,
        ]
      ) {
        const where = `${compute} of ${rows} × ${columns}`;
        assertEquals(
          outcome(() => compute(ours)),
          outcome(() => compute(theirs)),
          where,
        );
      }
      // Nothing that decomposes may write to what it was given.
      assertEquals(plain(ours), plain(theirs));
    }
  }
});

Deno.test("a dense matrix prints as ml-matrix prints", () => {
  const matrix = new DenseMatrix(1, 2, Float64Array.of(1, -2));
  const printed = matrix.toString();
  assertEquals(
    printed,
    twin(matrix).toString().replace(/^Matrix/, "DenseMatrix"),
  );
  assert(printed.includes("rows: 1"));
  assertEquals(JSON.stringify(matrix), "[[1,-2]]");
});

Deno.test("an in-place sum on 32-bit floats rounds once to them", () => {
  const matrix = new DenseMatrix(1, 1, Float32Array.of(0.1));
  matrix.add(0.2);
  assertEquals(matrix.get(0, 0), Math.fround(Math.fround(0.1) + 0.2));
});
