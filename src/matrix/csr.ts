/**
 * Sparse matrices in compressed sparse rows (CSR): what is not stored is zero.
 *
 * Three flat arrays hold a matrix: the entries of row i are those from `indptr[i]` up to `indptr[i + 1]`, each with its
 * column in `indices` and its number in `values`, columns strictly ascending. Nothing here is ever as large as rows ×
 * columns except what is called dense, and nothing but a transpose is as large as `columns`. The layout is that of
 * S. C. Eisenstat, M. C. Gursky, M. H. Schultz and A. H. Sherman, "Yale Sparse Matrix Package I: The Symmetric Codes",
 * International Journal for Numerical Methods in Engineering 18, 1982, with the names of SciPy (`IA`, `JA` and `A`
 * there are `indptr`, `indices` and `values` here, and count from 0).
 *
 * @module
 */
import { checkInteger } from "../check.ts";
import type { Rows } from "../rows.ts";
import { checkBelow, outside, zeros } from "./check.ts";
import { checkWidth, SIDE_LIMIT } from "../rows.ts";
import { DenseMatrix, denseParts } from "./dense.ts";
import {
  compress,
  copySparse,
  floatsLike,
  lowerBound,
  withoutZeros,
} from "./structure.ts";
import { checkSums, checkTriples, gather } from "./triples.ts";

/** Rows made from a bare number, as many as an attention has keys: 64 MiB while they are made, half an edge isolate. */
const BARE_ROWS_LIMIT = 2 ** 23;

/**
 * A sparse rows × columns matrix: row starts, column indices and values.
 *
 * Its arrays are its own, never those it was made from, and no method changes them; do not write to them. It counts as
 * `Rows` wherever rows are taken.
 *
 * @example Two rows of a 3 × 4 matrix
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { CsrMatrix } from "@reattend/reattend";
 *
 * const matrix = CsrMatrix.fromTriples(3, 4, [[2, 3, 5], [0, 1, 7]]);
 * assertEquals(matrix.to2DArray(), [[0, 7, 0, 0], [0, 0, 0, 0], [0, 0, 0, 5]]);
 * assertEquals(matrix.indptr, new Uint32Array([0, 1, 1, 2]));
 * ```
 */
export class CsrMatrix {
  /** Number of rows. */
  readonly rows: number;
  /** Numbers in a row. */
  readonly columns: number;
  /** rows + 1 places in `indices` and `values`: where each row starts, and where the last one ends. */
  readonly indptr: Uint32Array;
  /** nonZeros columns, strictly ascending within a row. */
  readonly indices: Uint32Array;
  /** nonZeros numbers, all finite. */
  readonly values: Float64Array | Float32Array;

  /**
   * Checks and copies the three arrays.
   *
   * Values that are zero are kept as entries. A `Float32Array` of values stays one; all else becomes a `Float64Array`.
   *
   * Costs O(rows + nonZeros). Errors: a `TypeError` for what is no list of numbers, a `RangeError` for a side that is
   * no whole number from 0 to 2³² − 1, for arrays that do not fit each other, for row starts that decrease or miss
   * the ends, for columns outside the matrix or not strictly ascending, and for values that are not finite.
   *
   * @param indptr rows + 1 places, from 0 to the number of indices.
   * @param indices A column for each entry.
   * @param values A number for each entry.
   */
  constructor(
    rows: number,
    columns: number,
    indptr: ArrayLike<number>,
    indices: ArrayLike<number>,
    values: ArrayLike<number>,
  ) {
    const verb = "make a CSR matrix";
    const sparse = copySparse(verb, rows, columns, indptr, indices, values);
    this.rows = rows;
    this.columns = columns;
    this.indptr = sparse.indptr;
    this.indices = sparse.indices;
    this.values = sparse.values;
    Object.freeze(this);
  }

  /**
   * Reads rows of numbers and stores those that are not zero.
   *
   * The values are a `Float32Array` if every row of the source is one, else a `Float64Array`.
   *
   * Costs one pass over rows × columns (over the entries if the source is sparse). Errors: as those of
   * {@linkcode DenseMatrix.from}, and a `RangeError` for a number that is not finite.
   *
   * @example The columns of a flat array
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { CsrMatrix } from "@reattend/reattend";
   *
   * const matrix = CsrMatrix.fromDense(new Float64Array([0, 1, 0, 2]), 2);
   * assertEquals([...matrix.toTriples()], [[0, 1, 1], [1, 1, 2]]);
   * ```
   *
   * @param columns Length every row must have; that of the first row if left out.
   */
  static fromDense(source: Rows, columns?: number): CsrMatrix {
    const verb = "make a CSR matrix";
    if (source instanceof CsrMatrix) {
      const copy = checkedCopy(verb, source);
      checkWidth(verb, "source", copy.columns, columns);
      const { indptr, indices, values } = withoutZeros(copy);
      return trusted(copy.rows, copy.columns, indptr, indices, values);
    }
    const dense = denseParts(verb, "source", source, columns);
    const starts = rowStarts(verb, "rows", dense.rows);
    const { indptr, indices, values } = compress(verb, "source", dense, starts);
    return trusted(dense.rows, dense.columns, indptr, indices, values);
  }

  /**
   * Sorts entries given in any order; those of the same place are added up in the order given.
   *
   * An entry that is zero, or adds up to zero, is kept. Costs O(rows + entries) and a sort of each row that comes out
   * of order. Errors: a `TypeError` for what is no entry, a `RangeError` for an entry outside the matrix, for a value
   * or a sum that is not finite, and for more than 2²³ rows (each takes 4 bytes, filled or not).
   *
   * @example Repeats add up
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { CsrMatrix } from "@reattend/reattend";
   *
   * const matrix = CsrMatrix.fromTriples(1, 3, [[0, 2, 1], [0, 0, 4], [0, 2, 1.5]]);
   * assertEquals(matrix.to2DArray(), [[4, 0, 2.5]]);
   * ```
   */
  static fromTriples(
    rows: number,
    columns: number,
    triples: Iterable<readonly [row: number, column: number, value: number]>,
  ): CsrMatrix {
    const verb = "make a CSR matrix";
    checkInteger(verb, "rows", rows, 0, BARE_ROWS_LIMIT);
    checkInteger(verb, "columns", columns, 0, SIDE_LIMIT);
    const checked = checkTriples(
      verb,
      "triples",
      triples,
      ["row", "column", "value"],
      rows,
      columns,
    );
    const sparse = gather(rows, checked);
    checkSums(verb, "triples", sparse, (row) => row);
    return trusted(rows, columns, sparse.indptr, sparse.indices, sparse.values);
  }

  /** Number of entries, zeros among them counted. */
  get nonZeros(): number {
    return this.indices.length;
  }

  /** Entries for each number of the matrix, from 0 to 1; 0 if it has no numbers. */
  get density(): number {
    return this.indices.length === 0
      ? 0
      : this.indices.length / (this.rows * this.columns);
  }

  /** The number in a row and a column, 0 if it is not stored. Costs O(log entries of the row). */
  get(row: number, column: number): number {
    if (
      row >>> 0 !== row || column >>> 0 !== column || row >= this.rows ||
      column >= this.columns
    ) {
      throw outside("read", this, row, column);
    }
    const end = this.indptr[row + 1];
    const at = lowerBound(this.indices, this.indptr[row], end, column);
    return at < end && this.indices[at] === column ? this.values[at] : 0;
  }

  /** The entries of a row: views, not copies. Costs O(1); an error if there is no such row. */
  row(
    index: number,
  ): { indices: Uint32Array; values: Float64Array | Float32Array } {
    checkBelow("read a row", "index", index, this.rows);
    const start = this.indptr[index], end = this.indptr[index + 1];
    return {
      indices: this.indices.subarray(start, end),
      values: this.values.subarray(start, end),
    };
  }

  /**
   * The part with rows from `rowStart` up to, not including, `rowEnd`, and likewise for the columns.
   *
   * Costs O(rows kept + entries kept), and a search in each row where columns are cut off. A `RangeError` if a range
   * is no part of the matrix.
   *
   * @example The last two columns of the last row
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { CsrMatrix } from "@reattend/reattend";
   *
   * const matrix = CsrMatrix.fromDense([[1, 2, 0], [0, 0, 3]]);
   * assertEquals(matrix.slice(1, 2, 1, 3).to2DArray(), [[0, 3]]);
   * ```
   */
  slice(
    rowStart: number,
    rowEnd: number,
    columnStart = 0,
    columnEnd: number = this.columns,
  ): CsrMatrix {
    const verb = "slice a CSR matrix";
    checkInteger(verb, "rowEnd", rowEnd, 0, this.rows);
    checkInteger(verb, "rowStart", rowStart, 0, rowEnd);
    checkInteger(verb, "columnEnd", columnEnd, 0, this.columns);
    checkInteger(verb, "columnStart", columnStart, 0, columnEnd);
    const { indptr, indices, values } = this;
    const height = rowEnd - rowStart;
    const starts = new Uint32Array(height + 1);
    const from = new Uint32Array(height);
    for (let row = 0; row < height; row++) {
      let start = indptr[rowStart + row], end = indptr[rowStart + row + 1];
      if (columnStart > 0) start = lowerBound(indices, start, end, columnStart);
      if (columnEnd < this.columns) {
        end = lowerBound(indices, start, end, columnEnd);
      }
      from[row] = start;
      starts[row + 1] = starts[row] + end - start;
    }
    const keptIndices = new Uint32Array(starts[height]);
    const keptValues = floatsLike(values, starts[height]);
    for (let row = 0; row < height; row++) {
      const shift = from[row] - starts[row];
      for (let at = starts[row]; at < starts[row + 1]; at++) {
        keptIndices[at] = indices[at + shift] - columnStart;
        keptValues[at] = values[at + shift];
      }
    }
    return trusted(
      height,
      columnEnd - columnStart,
      starts,
      keptIndices,
      keptValues,
    );
  }

  /**
   * The matrix with rows and columns exchanged.
   *
   * Costs O(rows + columns + nonZeros): the entries of each column are counted, then placed in order of their rows. A
   * `RangeError` for more than 2²³ columns.
   *
   * @example Twice is once
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { CsrMatrix } from "@reattend/reattend";
   *
   * const matrix = CsrMatrix.fromDense([[1, 2, 0], [0, 0, 3]]);
   * assertEquals(matrix.transpose().to2DArray(), [[1, 0], [2, 0], [0, 3]]);
   * assertEquals(matrix.transpose().transpose(), matrix);
   * ```
   */
  transpose(): CsrMatrix {
    const { rows, columns, indptr, indices, values } = this;
    const starts = rowStarts("transpose a CSR matrix", "columns", columns);
    for (let at = 0; at < indices.length; at++) starts[indices[at] + 1]++;
    for (let column = 0; column < columns; column++) {
      starts[column + 1] += starts[column];
    }
    const next = starts.slice(0, columns);
    const turnedIndices = new Uint32Array(indices.length);
    const turnedValues = floatsLike(values, values.length);
    for (let row = 0; row < rows; row++) {
      for (let at = indptr[row]; at < indptr[row + 1]; at++) {
        const place = next[indices[at]]++;
        turnedIndices[place] = row;
        turnedValues[place] = values[at];
      }
    }
    return trusted(columns, rows, starts, turnedIndices, turnedValues);
  }

  /** Every entry as [row, column, value], row by row, columns ascending. */
  *toTriples(): Generator<
    [row: number, column: number, value: number],
    void,
    void
  > {
    for (let row = 0; row < this.rows; row++) {
      for (let at = this.indptr[row]; at < this.indptr[row + 1]; at++) {
        yield [row, this.indices[at], this.values[at]];
      }
    }
  }

  /** A copy of all numbers, zeros written out, row by row, in the float type of the values. */
  to1DArray(): Float64Array | Float32Array {
    const verb = "write out a CSR matrix";
    // Whoever holds the matrix can write to its arrays.
    const { rows, columns, indptr, indices, values } = checkedCopy(verb, this);
    const numbers = zeros(
      verb,
      rows,
      columns,
      values instanceof Float32Array,
    );
    for (let row = 0; row < rows; row++) {
      for (let at = indptr[row]; at < indptr[row + 1]; at++) {
        numbers[row * columns + indices[at]] = values[at];
      }
    }
    return numbers;
  }

  /** A copy of all numbers, zeros written out, as one array for each row. */
  to2DArray(): number[][] {
    const numbers = this.to1DArray();
    return Array.from(
      { length: this.rows },
      (_, row) =>
        Array.from(
          numbers.subarray(row * this.columns, (row + 1) * this.columns),
        ),
    );
  }

  /** A dense copy, in the float type of the values. */
  toDense(): DenseMatrix<Float64Array | Float32Array> {
    return new DenseMatrix(this.rows, this.columns, this.to1DArray());
  }
}

/** A matrix over arrays that are right by construction and nobody else's: nothing is checked or copied. */
export function trusted(
  rows: number,
  columns: number,
  indptr: Uint32Array,
  indices: Uint32Array,
  values: Float64Array | Float32Array,
): CsrMatrix {
  const matrix: CsrMatrix = Object.create(CsrMatrix.prototype);
  return Object.freeze(
    Object.assign(matrix, { rows, columns, indptr, indices, values }),
  );
}

/** A copy of a matrix, checked again: its arrays are typed arrays, and whoever holds it can write to them. */
export function checkedCopy(
  verb: string,
  { rows, columns, indptr, indices, values }: CsrMatrix,
): CsrMatrix {
  const copy = copySparse(verb, rows, columns, indptr, indices, values);
  return trusted(rows, columns, copy.indptr, copy.indices, copy.values);
}

/** Room for the starts of so many rows, all 0. */
function rowStarts(verb: string, name: string, rows: number): Uint32Array {
  checkInteger(verb, name, rows, 0, BARE_ROWS_LIMIT);
  return new Uint32Array(rows + 1);
}
