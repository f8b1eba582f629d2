/**
 * Dense matrices: one contiguous typed array that *is* an ml-matrix.
 *
 * Kernels walk the flat array, people call the algebra of ml-matrix (`mmul`, `transpose`, `SVD`, `pseudoInverse`,
 * printing, …) on the same object, and nothing is converted in between. ml-matrix's own `Matrix` keeps one array for
 * each row, so no kernel could read it without a copy.
 *
 * @module
 */
import { checkInteger, counted, show } from "../check.ts";
import type { Rows } from "../rows.ts";
import { MatrixAlgebra } from "./base.ts";
import { checkBelow, outside, zeros } from "./check.ts";
import { checkParts, type DenseParts, onePart, SIDE_LIMIT } from "../rows.ts";

/**
 * A rows × columns matrix over one typed array, with all the algebra of ml-matrix.
 *
 * It extends ml-matrix's `AbstractMatrix`, so ml-matrix takes it wherever it takes a matrix. What ml-matrix makes from
 * it is a `Matrix` of its own, except {@linkcode DenseMatrix.clone}. What changes it in place (`add`, `mul`, `set`, …)
 * rounds to the float type of {@linkcode DenseMatrix.data}. Unlike a `Matrix`, it refuses to read or write outside
 * itself instead of answering `undefined`.
 *
 * @example Algebra on a flat array
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { DenseMatrix } from "@reattend/reattend";
 *
 * const matrix = new DenseMatrix(2, 3, new Float64Array([1, 2, 3, 4, 5, 6]));
 * assertEquals(matrix.mmul(matrix.transpose()).to2DArray(), [[14, 32], [32, 77]]);
 * assertEquals(matrix.row(1), new Float64Array([4, 5, 6]));
 * ```
 */
export class DenseMatrix<
  Data extends Float64Array | Float32Array = Float64Array,
> extends MatrixAlgebra {
  /** Number of rows. */
  override readonly rows: number;
  /** Numbers in a row. */
  override readonly columns: number;
  /** rows × columns, row by row. It is the matrix itself: what is written here is read there. */
  readonly data: Data;

  /**
   * A matrix of zeros, or one over `data`.
   *
   * `data` is taken as it is, not copied: the matrix and whoever holds the array see each other's changes. Use
   * {@linkcode DenseMatrix.from} for a copy.
   *
   * Errors: a `RangeError` if a side is no whole number from 0 to 2³² − 1, if `data` does not hold rows × columns
   * numbers or if there is no memory for as many; a `TypeError` if `data` is no `Float64Array` or `Float32Array`.
   *
   * @param data rows × columns, row by row; zeros in 64-bit floats if left out.
   */
  constructor(
    rows: number,
    columns: number,
    data?: Data,
  ) {
    super();
    const verb = "make a dense matrix";
    this.rows = checkInteger(verb, "rows", rows, 0, SIDE_LIMIT);
    this.columns = checkInteger(verb, "columns", columns, 0, SIDE_LIMIT);
    this.data = data === undefined ? zeros(verb, rows, columns) as Data : data;
    if (
      !(this.data instanceof Float64Array || this.data instanceof Float32Array)
    ) {
      throw new TypeError(
        `Cannot ${verb}: data is ${
          show(data)
        }, it should be a Float64Array or a Float32Array`,
      );
    }
    if (this.data.length !== rows * columns) {
      throw new RangeError(
        `Cannot ${verb}: data holds ${
          counted(this.data.length, "number")
        }, it should hold ${rows} × ${columns}`,
      );
    }
  }

  /**
   * Copies rows into a matrix of 64-bit floats.
   *
   * Every number is kept as it is, `NaN` and the infinities too. A flat list of numbers is one row, or as many rows as
   * its length holds if it is a typed array and `columns` is given.
   *
   * Costs one pass and rows × columns × 8 bytes. Errors: a `TypeError` for anything that is no rows of numbers, a
   * `RangeError` for rows of different lengths or of another length than `columns`.
   *
   * @example Rows of any kind
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { DenseMatrix } from "@reattend/reattend";
   *
   * assertEquals(DenseMatrix.from([[1, 2], [3, 4]]).data, new Float64Array([1, 2, 3, 4]));
   * assertEquals(DenseMatrix.from(new Float32Array(6), 2).rows, 3);
   * ```
   *
   * @param columns Length every row must have; that of the first row if left out.
   */
  static from(rows: Rows, columns?: number): DenseMatrix {
    return matrixFrom("make a dense matrix", "rows", rows, columns);
  }

  /** The number in a row and a column; a `RangeError` where there is none. */
  override get(row: number, column: number): number {
    if (
      row >>> 0 !== row || column >>> 0 !== column || row >= this.rows ||
      column >= this.columns
    ) {
      throw outside("read", this, row, column);
    }
    return this.data[row * this.columns + column];
  }

  /** Puts a number in a row and a column, rounded to the float type of the matrix; a `RangeError` outside of it. */
  override set(row: number, column: number, value: number): this {
    if (
      row >>> 0 !== row || column >>> 0 !== column || row >= this.rows ||
      column >= this.columns
    ) {
      throw outside("write", this, row, column);
    }
    this.data[row * this.columns + column] = value;
    return this;
  }

  /** The numbers of a row: a view of `data`, not a copy. Costs O(1); an error if there is no such row. */
  row(index: number): Data {
    checkBelow("read a row", "index", index, this.rows);
    const start = index * this.columns;
    return this.data.subarray(start, start + this.columns) as Data;
  }

  /** A copy of all numbers, row by row. */
  override to1DArray(): number[] {
    const { data } = this;
    const numbers: number[] = [];
    for (let at = 0; at < data.length; at++) numbers.push(data[at]);
    return numbers;
  }

  /**
   * A copy in 64-bit floats, whatever floats this matrix has: ml-matrix's decompositions compute inside their clones,
   * and would lose half of their digits in 32-bit ones.
   */
  override clone(): this {
    return new DenseMatrix(
      this.rows,
      this.columns,
      new Float64Array(this.data),
    ) as DenseMatrix<Float64Array | Float32Array> as this;
  }
}

/** Copies rows into a matrix of 64-bit floats, see {@linkcode DenseMatrix.from}; refusals say what was to be done with them. */
export function matrixFrom(
  verb: string,
  name: string,
  source: unknown,
  columns?: number,
): DenseMatrix {
  const dense = denseParts(verb, name, source, columns);
  const data = zeros(verb, dense.rows, dense.columns);
  let at = 0;
  for (const part of dense.parts) {
    data.set(part, at);
    at += part.length;
  }
  return new DenseMatrix(dense.rows, dense.columns, data as Float64Array);
}

/** Checks rows of numbers of any kind and says where they are; a dense matrix is read in place. */
export function denseParts(
  verb: string,
  name: string,
  source: unknown,
  columns?: number,
): DenseParts {
  return source instanceof DenseMatrix
    ? onePart(verb, name, source.rows, source.columns, source.data, columns)
    : checkParts(verb, name, source, columns);
}
