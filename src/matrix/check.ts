/**
 * The door of the matrix room: places and numbers of matrices.
 *
 * @module
 */

import { show } from "../check.ts";

/** The typed arrays a matrix keeps its numbers in. */
export type Floats = Float64Array | Float32Array;

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
