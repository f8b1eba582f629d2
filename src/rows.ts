/**
 * The door of rows: one row or many, in whatever form they come.
 *
 * {@linkcode checkParts} looks without copying and lets any number pass; `matrix/input.ts` rounds to what is stored.
 *
 * @module
 */

import { checkInteger, counted, show } from "./check.ts";

/** An object that holds a matrix, such as an ml-matrix or a {@linkcode CsrMatrix}. */
export interface RowsSource {
  /** Number of rows. */
  readonly rows: number;
  /** Numbers in a row. */
  readonly columns: number;
  /** All numbers, row by row. */
  to1DArray(): ArrayLike<number>;
}

/**
 * One row (numbers or a typed array of the width) or many (an array of rows, a flat typed array of rows one behind
 * another, anything with `rows`, `columns` and `to1DArray()`).
 */
export type Rows =
  | ArrayLike<number>
  | readonly ArrayLike<number>[]
  | RowsSource;

/**
 * The numbers of a sparse row that are not 0, in even columns first, then in odd ones, each ascending: the two stripes
 * of a dot product one after the other. They lie in a pool, from `start` on.
 */
export interface Entries {
  columns: Uint32Array;
  numbers: Float32Array;
  start: number;
  /** How many are in even columns. */
  evens: number;
  count: number;
}

/** A row on its way in or out: all its numbers, or its entries. */
export type Row = Float32Array | Entries;

/** A matrix has at most this many rows and as many columns: indices are unsigned 32-bit integers. */
export const SIDE_LIMIT: number = 2 ** 32 - 1;

/** So many rows of no numbers can be asked for without giving any. */
const EMPTY_LIMIT = 2 ** 23;

/** Rows of numbers where they are: the parts, one behind another, are the matrix row by row. */
export interface DenseParts {
  /** Number of rows. */
  rows: number;
  /** Numbers in a row. */
  columns: number;
  /** Together rows × columns. */
  parts: readonly ArrayLike<number>[];
}

/** Checks rows of a width (taken from the rows themselves where it is undefined); copies nothing, lets any number pass. */
export function checkParts(
  verb: string,
  name: string,
  source: unknown,
  columns?: number,
): DenseParts {
  if (columns !== undefined) {
    checkInteger(verb, "columns", columns, 0, SIDE_LIMIT);
  }
  if (isTyped(source)) {
    const width = columns ?? source.length;
    if (width === 0 ? source.length > 0 : source.length % width !== 0) {
      throw new RangeError(
        `Cannot ${verb}: ${name} holds ${
          counted(source.length, "number")
        }, it should hold a multiple of ${width}`,
      );
    }
    // No numbers are no rows, unless rows are known to have none.
    const rows = columns === 0 ? 1 : width === 0 ? 0 : source.length / width;
    return onePart(
      verb,
      name,
      rows,
      width,
      source,
      columns,
    );
  }
  if (Array.isArray(source)) return checkLists(verb, name, source, columns);
  if (isSource(source)) {
    const width = checkInteger(
      verb,
      `${name}.columns`,
      source.columns,
      0,
      SIDE_LIMIT,
    );
    const rows = checkInteger(
      verb,
      `${name}.rows`,
      source.rows,
      0,
      width === 0 ? EMPTY_LIMIT : SIDE_LIMIT,
    );
    // Before to1DArray(), which may cost far more than saying no.
    checkWidth(verb, name, width, columns);
    const numbers = checkList(verb, `${name}.to1DArray()`, source.to1DArray());
    return onePart(verb, name, rows, width, numbers, columns);
  }
  throw new TypeError(
    `Cannot ${verb}: ${name} is ${show(source)}, it should be rows of numbers`,
  );
}

/** Checks rows that lie in one list. */
export function onePart(
  verb: string,
  name: string,
  rows: number,
  columns: number,
  numbers: ArrayLike<number>,
  wanted?: number,
): DenseParts {
  checkWidth(verb, name, columns, wanted);
  if (numbers.length !== rows * columns) {
    throw new RangeError(
      `Cannot ${verb}: ${name} holds ${
        counted(numbers.length, "number")
      }, it should hold ${rows} × ${columns}`,
    );
  }
  checkNumbers(verb, name, numbers, 0, columns);
  return { rows, columns, parts: [numbers] };
}

/** Checks an array or a typed array. */
export function checkList(
  verb: string,
  name: string,
  list: unknown,
): ArrayLike<number> {
  if (!isList(list)) {
    throw new TypeError(
      `Cannot ${verb}: ${name} is ${
        show(list)
      }, it should be a list of numbers`,
    );
  }
  return list;
}

function checkLists(
  verb: string,
  name: string,
  source: unknown[],
  columns: number | undefined,
): DenseParts {
  if (source.length === 0) return { rows: 0, columns: columns ?? 0, parts: [] };
  const first = source[0];
  if (!isList(first)) {
    return onePart(verb, name, 1, source.length, source as number[], columns);
  }
  const width = columns ?? first.length;
  for (let row = 0; row < source.length; row++) {
    const numbers = source[row];
    if (!isList(numbers)) {
      throw new TypeError(
        `Cannot ${verb}: ${name}[${row}] is ${
          show(numbers)
        }, it should be a row of numbers`,
      );
    }
    if (numbers.length !== width) {
      throw new RangeError(
        `Cannot ${verb}: ${name}[${row}] has ${
          counted(numbers.length, "number")
        }, it should have ${width}`,
      );
    }
    checkNumbers(verb, name, numbers, row, width);
  }
  return {
    rows: source.length,
    columns: width,
    parts: source as ArrayLike<number>[],
  };
}

function checkNumbers(
  verb: string,
  name: string,
  numbers: ArrayLike<unknown>,
  row: number,
  columns: number,
): void {
  if (isTyped(numbers)) return;
  for (let at = 0; at < numbers.length; at++) {
    if (typeof numbers[at] !== "number") {
      const place = `[${row + Math.floor(at / columns)}][${at % columns}]`;
      throw new TypeError(
        `Cannot ${verb}: ${name}${place} is ${
          show(numbers[at])
        }, it should be a number`,
      );
    }
  }
}

/** Checks the width of rows, if one is wanted. */
export function checkWidth(
  verb: string,
  name: string,
  columns: number,
  wanted: number | undefined,
): void {
  if (wanted !== undefined && columns !== wanted) {
    throw new RangeError(
      `Cannot ${verb}: ${name} has rows of ${
        counted(columns, "number")
      }, it should have rows of ${wanted}`,
    );
  }
}

/**
 * Numbers of a row that are not 0, and at least its Euclidean length: the square root of a sum in f64, and a little
 * more than its rounding. Even and odd columns are summed apart, so that it is the same for sparse rows.
 */
export function measureKey(
  row: Row,
): { nonZeros: number; norm: number } {
  if (row instanceof Float32Array) {
    return measureNumbers(row, 0, row.length);
  }
  const { numbers, start, evens, count } = row, middle = start + evens;
  let even = 0, odd = 0;
  for (let i = start; i < middle; i++) even += numbers[i] * numbers[i];
  for (let i = middle; i < start + count; i++) odd += numbers[i] * numbers[i];
  return { nonZeros: count, norm: lengthFrom(even, odd) };
}

/** The same for numbers from … end − 1 of a list: a row that is written out. */
export function measureNumbers(
  numbers: Float32Array,
  from: number,
  end: number,
): { nonZeros: number; norm: number } {
  const pairs = end - (end - from) % 2;
  let even = 0, odd = 0, nonZeros = 0;
  for (let t = from; t < pairs; t += 2) {
    const left = numbers[t] * numbers[t];
    const right = numbers[t + 1] * numbers[t + 1];
    even += left;
    odd += right;
    // A sum instead of a branch: which numbers are 0 cannot be foreseen. No square of a 32-bit float vanishes.
    nonZeros += Number(left > 0) + Number(right > 0);
  }
  if (pairs < end) {
    even += numbers[pairs] * numbers[pairs];
    nonZeros += Number(numbers[pairs] !== 0);
  }
  return { nonZeros, norm: lengthFrom(even, odd) };
}

function lengthFrom(even: number, odd: number): number {
  return Math.sqrt(even + odd) * (1 + 2 ** -20);
}

/** Numbers of a row that are not 0, and the largest of them in size. */
export function measureValue(row: Row): { nonZeros: number; peak: number } {
  return row instanceof Float32Array
    ? measurePeak(row, 0, row.length)
    : measurePeak(row.numbers, row.start, row.start + row.count);
}

/** The same for numbers from … end − 1 of a list. */
export function measurePeak(
  numbers: Float32Array,
  from: number,
  end: number,
): { nonZeros: number; peak: number } {
  let peak = 0, nonZeros = 0;
  for (let i = from; i < end; i++) {
    const size = Math.abs(numbers[i]);
    nonZeros += Number(size > 0);
    if (size > peak) peak = size;
  }
  return { nonZeros, peak };
}

/** Whether a list is a typed array of numbers. */
function isTyped(list: unknown): list is ArrayLike<number> {
  return ArrayBuffer.isView(list) &&
    !(list instanceof DataView || list instanceof BigInt64Array ||
      list instanceof BigUint64Array);
}

function isList(list: unknown): list is ArrayLike<number> {
  return Array.isArray(list) || isTyped(list);
}

function isSource(
  source: unknown,
): source is { rows: unknown; columns: unknown; to1DArray(): unknown } {
  return typeof source === "object" && source !== null && "rows" in source &&
    "columns" in source &&
    "to1DArray" in source && typeof source.to1DArray === "function";
}
