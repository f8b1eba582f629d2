/**
 * The door of the matrix room: what a matrix is made from is checked here, without a copy and at full precision.
 *
 * The project's own door (`src/check.ts`) rounds rows to finite 32-bit floats; a matrix keeps every number as it is.
 *
 * @module
 */
import { checkInteger, show } from "../check.ts";

/** A matrix has at most this many rows and as many columns: indices are unsigned 32-bit integers. */
export const SIDE_LIMIT: number = 2 ** 32 - 1;

/** The typed arrays a matrix keeps its numbers in. */
export type Floats = Float64Array | Float32Array;

/** Rows of numbers where they are: the parts, one behind another, are the matrix row by row. */
export interface DenseParts {
  /** Number of rows. */
  rows: number;
  /** Numbers in a row. */
  columns: number;
  /** Together rows × columns. */
  parts: readonly ArrayLike<number>[];
}

/** Checks rows as `checkRows` does (same kinds, same refusals), but copies nothing and lets any number pass. */
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
        `Cannot ${verb}: ${name} holds ${source.length} numbers, it should hold a multiple of ${width}`,
      );
    }
    return onePart(
      verb,
      name,
      width === 0 ? 1 : source.length / width,
      width,
      source,
      columns,
    );
  }
  if (Array.isArray(source)) return checkLists(verb, name, source, columns);
  if (isSource(source)) {
    const rows = checkInteger(verb, `${name}.rows`, source.rows, 0, SIDE_LIMIT);
    const width = checkInteger(
      verb,
      `${name}.columns`,
      source.columns,
      0,
      SIDE_LIMIT,
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
      `Cannot ${verb}: ${name} holds ${numbers.length} numbers, it should hold ${rows} × ${columns}`,
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

/** Checks a number that is neither `NaN` nor infinite. */
export function checkValue(verb: string, name: string, value: unknown): number {
  if (typeof value !== "number") {
    throw new TypeError(
      `Cannot ${verb}: ${name} is ${show(value)}, it should be a number`,
    );
  }
  if (!Number.isFinite(value)) {
    throw new RangeError(
      `Cannot ${verb}: ${name} is ${value}, it should be a finite number`,
    );
  }
  return value;
}

/** Checks a whole number in 0 … `limit` − 1. */
export function checkBelow(
  verb: string,
  name: string,
  value: unknown,
  limit: number,
): number {
  if (typeof value !== "number") {
    throw new TypeError(
      `Cannot ${verb}: ${name} is ${show(value)}, it should be a number`,
    );
  }
  if (!Number.isInteger(value) || value < 0 || value >= limit) {
    throw new RangeError(
      `Cannot ${verb}: ${name} is ${value}, it should be a whole number below ${limit}`,
    );
  }
  return value;
}

/** The refusal of a place outside a matrix. */
export function outside(
  verb: string,
  matrix: { rows: number; columns: number },
  row: unknown,
  column: unknown,
): RangeError {
  return new RangeError(
    `Cannot ${verb} a number: it is at [${show(row)}][${
      show(column)
    }], it should be inside ${matrix.rows} × ${matrix.columns}`,
  );
}

/** Zeros for a whole matrix, refused in one sentence where there is no room for them. */
export function zeros(
  verb: string,
  rows: number,
  columns: number,
  single = false,
): Floats {
  try {
    return single
      ? new Float32Array(rows * columns)
      : new Float64Array(rows * columns);
  } catch {
    throw new RangeError(
      `Cannot ${verb}: it has ${rows} × ${columns} numbers, it should fit in memory`,
    );
  }
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
        `Cannot ${verb}: ${name}[${row}] has ${numbers.length} numbers, it should have ${width}`,
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

function checkWidth(
  verb: string,
  name: string,
  columns: number,
  wanted: number | undefined,
): void {
  if (wanted !== undefined && columns !== wanted) {
    throw new RangeError(
      `Cannot ${verb}: ${name} has rows of ${columns} numbers, it should have rows of ${wanted}`,
    );
  }
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
