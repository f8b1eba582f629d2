/**
 * Where the numbers of a map come from: rows of any kind, read one at a time where they lie.
 *
 * A row is read in place, as all its numbers or as its entries, so that a matrix much larger than a picture costs no
 * copy: `pool.ts` folds one row after another into the cells.
 *
 * @module
 */

import { checkIds, counted, type Id } from "../check.ts";
import type { Rows } from "../rows.ts";
import { CsrMatrix } from "../matrix/csr.ts";
import { denseParts } from "../matrix/dense.ts";
import { checkSparse } from "../matrix/structure.ts";
import type { Weights } from "../read.ts";

/** What a map can be made of: rows of numbers of any kind, or what `weights()` returns. */
export type MatrixSource = Rows | CsrMatrix | Weights;

/** A row: all its numbers, or, where `columns` is given, the columns of those that are stored. */
export interface SourceRow {
  columns: ArrayLike<number> | undefined;
  numbers: ArrayLike<number>;
}

/** A matrix to be read row by row. */
export interface Source {
  rows: number;
  columns: number;
  /** Names of rows and columns: ids, where there are any, else places. Undefined: the places themselves. */
  rowIds: readonly Id[] | undefined;
  columnIds: readonly Id[] | undefined;
  /** The largest mass that a row leaves out, where that is known. */
  tail: number;
  /** Row `index`, good until the next call; refused where a number of it is infinite. */
  row(index: number): SourceRow;
}

/** Sums of any number of these are finite. */
const LARGEST = 2 ** 900;

/** Checks what a map can be made of. */
export function checkSource(
  verb: string,
  name: string,
  given: unknown,
): Source {
  if (!isWeights(given)) return matrixSource(verb, name, given);
  const source = matrixSource(verb, `${name}.matrix`, given.matrix);
  const rowIds = checkIds(verb, given.queries, true);
  const columnIds = checkIds(verb, given.keys, true);
  checkCount(verb, `${name}.queries`, rowIds.length, source.rows, "row");
  checkCount(verb, `${name}.keys`, columnIds.length, source.columns, "column");
  const tail = given.tail instanceof Float64Array
    ? given.tail.reduce((most, mass) => Math.max(most, mass), 0)
    : 0;
  return { ...source, rowIds, columnIds, tail };
}

/** Whether something is what `weights()` returns. */
export function isWeights(given: unknown): given is Weights {
  return typeof given === "object" && given !== null && "matrix" in given &&
    "queries" in given && "keys" in given;
}

function matrixSource(verb: string, name: string, given: unknown): Source {
  const ids = { rowIds: undefined, columnIds: undefined, tail: 0 };
  if (given instanceof CsrMatrix) {
    const { rows, columns, indptr, indices, values } = given;
    checkSparse(verb, rows, columns, indptr, indices, values);
    const row = (index: number) => {
      const from = indptr[index], to = indptr[index + 1];
      return checkNumbers(verb, name, index, {
        columns: indices.subarray(from, to),
        numbers: values.subarray(from, to),
      });
    };
    return { rows, columns, ...ids, row };
  }
  const { rows, columns, parts } = denseParts(verb, name, given);
  const row = (index: number) => {
    const numbers = parts.length === rows && rows !== 1
      ? parts[index]
      : cut(parts[0], index * columns, columns);
    return checkNumbers(verb, name, index, { columns: undefined, numbers });
  };
  return { rows, columns, ...ids, row };
}

/** Refuses numbers of a row that are infinite, or so large that sums of them could be. */
function checkNumbers(
  verb: string,
  name: string,
  row: number,
  source: SourceRow,
): SourceRow {
  const { columns, numbers } = source;
  for (let at = 0; at < numbers.length; at++) {
    // NaN passes: it is a number that is missing.
    if (Math.abs(numbers[at]) > LARGEST) {
      const column = columns === undefined ? at : columns[at];
      throw new RangeError(
        `Cannot ${verb}: ${name}[${row}][${column}] is ${
          numbers[at]
        }, it should be a number up to 2^900 in size, or NaN where there is none`,
      );
    }
  }
  return source;
}

function cut(
  numbers: ArrayLike<number>,
  from: number,
  count: number,
): ArrayLike<number> {
  return ArrayBuffer.isView(numbers)
    ? (numbers as Float64Array).subarray(from, from + count)
    : Array.prototype.slice.call(numbers, from, from + count);
}

function checkCount(
  verb: string,
  name: string,
  count: number,
  wanted: number,
  side: string,
): void {
  if (count === wanted) return;
  throw new RangeError(
    `Cannot ${verb}: ${name} has ${
      counted(count, "id")
    }, it should have one for each of ${counted(wanted, side)}`,
  );
}
