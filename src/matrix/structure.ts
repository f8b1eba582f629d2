/**
 * The three arrays of a sparse matrix: checked where they are given, read from dense rows where they are not.
 *
 * @module
 */
import { checkInteger, counted } from "../check.ts";
import { checkBelow, checkValue, type Floats } from "./check.ts";
import { checkList, type DenseParts, SIDE_LIMIT } from "../rows.ts";

/** Room for entries before the first growth. */
const FIRST_ROOM = 16;

/** Sparse rows: the entries of row i are those from `indptr[i]` up to, not including, `indptr[i + 1]`. */
export interface SparseRows {
  /** rows + 1 starts. */
  readonly indptr: Uint32Array;
  /** A column for each entry, strictly ascending within a row. */
  readonly indices: Uint32Array;
  /** A number for each entry. */
  readonly values: Float64Array | Float32Array;
}

/** Checks the sides and the three arrays of a sparse matrix; work is bounded by the shorter of what is given. */
export function checkSparse(
  verb: string,
  rows: unknown,
  columns: unknown,
  indptr: unknown,
  indices: unknown,
  values: unknown,
): void {
  readSparse(verb, rows, columns, indptr, indices, values, false);
}

/** As {@linkcode checkSparse}, and returns copies; every number is read once, so that what is checked is what is kept. */
export function copySparse(
  verb: string,
  rows: unknown,
  columns: unknown,
  indptr: unknown,
  indices: unknown,
  values: unknown,
): SparseRows {
  return readSparse(verb, rows, columns, indptr, indices, values, true)!;
}

function readSparse(
  verb: string,
  rows: unknown,
  columns: unknown,
  indptr: unknown,
  indices: unknown,
  values: unknown,
  keep: boolean,
): SparseRows | undefined {
  const height = checkInteger(verb, "rows", rows, 0, SIDE_LIMIT);
  const width = checkInteger(verb, "columns", columns, 0, SIDE_LIMIT);
  const starts = checkList(verb, "indptr", indptr);
  const places = checkList(verb, "indices", indices);
  const numbers = checkList(verb, "values", values);
  const count = places.length;
  if (starts.length !== height + 1) {
    throw new RangeError(
      `Cannot ${verb}: indptr has ${
        counted(starts.length, "number")
      }, it should have rows + 1 = ${height + 1}`,
    );
  }
  if (numbers.length !== count) {
    throw new RangeError(
      `Cannot ${verb}: values has ${
        counted(numbers.length, "number")
      }, it should have ${count}`,
    );
  }
  checkBelow(verb, "indptr[0]", starts[0], 1);
  const last: number = height === 0 ? 0 : starts[height];
  const kept = keep && last === count
    ? roomFor(verb, height, places, numbers)
    : undefined;
  let start = 0;
  for (let row = 0; row < height; row++) {
    const end = checkInteger(
      verb,
      `indptr[${row + 1}]`,
      row + 1 === height ? last : starts[row + 1],
      start,
      count,
    );
    let least = 0;
    for (let at = start; at < end; at++) {
      const column = places[at], number = numbers[at];
      // A name is made for a refusal only: this loop meets every entry.
      if (!(Number.isInteger(column) && column >= least && column < width)) {
        checkBelow(verb, `indices[${at}]`, column, width);
        throw new RangeError(
          `Cannot ${verb}: indices[${at}] is ${column} after ${
            least - 1
          }, it should be larger within row ${row}`,
        );
      }
      least = column + 1;
      if (!Number.isFinite(number)) {
        checkValue(verb, `values[${at}]`, number);
      }
      if (kept !== undefined) {
        if (at === kept.indices.length) grow(kept, 2 * at);
        kept.indices[at] = column;
        kept.values[at] = number;
      }
    }
    if (kept !== undefined) kept.indptr[row + 1] = end;
    start = end;
  }
  if (start !== count) {
    throw new RangeError(
      `Cannot ${verb}: indptr[${height}] is ${start}, it should be ${count}, the number of indices`,
    );
  }
  if (kept !== undefined && kept.indices.length > count) grow(kept, count);
  return kept;
}

/** Arrays for what is read: an array may be long and hold nothing, so room for its entries is made as they come. */
function roomFor(
  verb: string,
  rows: number,
  places: ArrayLike<number>,
  numbers: ArrayLike<number>,
): { -readonly [Name in keyof SparseRows]: SparseRows[Name] } {
  const count = Array.isArray(places)
    ? Math.min(FIRST_ROOM, places.length)
    : places.length;
  try {
    return {
      indptr: new Uint32Array(rows + 1),
      indices: new Uint32Array(count),
      values: numbers instanceof Float32Array
        ? new Float32Array(count)
        : new Float64Array(count),
    };
  } catch {
    throw new RangeError(
      `Cannot ${verb}: it has ${counted(rows, "row")} and ${
        counted(count, "entry")
      }, they should fit in memory`,
    );
  }
}

/** Room for so many entries, those there are in their places. */
function grow(
  sparse: { indices: Uint32Array; values: Floats },
  count: number,
): void {
  const { indices, values } = sparse, kept = Math.min(count, indices.length);
  sparse.indices = new Uint32Array(count);
  sparse.indices.set(indices.subarray(0, kept));
  sparse.values = floatsLike(values, count);
  sparse.values.set(values.subarray(0, kept));
}

/** Reads what is not zero in one pass, into `indptr` (zeros, one more than rows) and arrays that double as they fill. */
export function compress(
  verb: string,
  name: string,
  dense: DenseParts,
  indptr: Uint32Array,
): SparseRows {
  const { columns, parts } = dense;
  const single = parts.length > 0 &&
    parts.every((part) => part instanceof Float32Array);
  let indices = new Uint32Array(FIRST_ROOM);
  let values: Floats = single
    ? new Float32Array(FIRST_ROOM)
    : new Float64Array(FIRST_ROOM);
  let count = 0, row = 0, column = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at++) {
      const number = part[at];
      if (number !== 0) {
        if (!Number.isFinite(number)) {
          checkValue(verb, `${name}[${row}][${column}]`, number);
        }
        if (count === indices.length) {
          const full = { indices, values };
          grow(full, 2 * count);
          ({ indices, values } = full);
        }
        indices[count] = column;
        values[count++] = number;
      }
      if (++column === columns) {
        indptr[++row] = count;
        column = 0;
      }
    }
  }
  return {
    indptr,
    indices: indices.slice(0, count),
    values: values.slice(0, count),
  };
}

/** A copy without the entries that are zero. */
export function withoutZeros(sparse: SparseRows): SparseRows {
  const { indptr, indices, values } = sparse;
  const rows = indptr.length - 1;
  const starts = new Uint32Array(rows + 1);
  const keptIndices = new Uint32Array(indices.length);
  const keptValues = floatsLike(values, values.length);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    for (let at = indptr[row]; at < indptr[row + 1]; at++) {
      if (values[at] === 0) continue;
      keptIndices[count] = indices[at];
      keptValues[count++] = values[at];
    }
    starts[row + 1] = count;
  }
  return {
    indptr: starts,
    indices: keptIndices.slice(0, count),
    values: keptValues.slice(0, count),
  };
}

/** Zeros of the same float type. */
export function floatsLike(values: Floats, count: number): Floats {
  return values instanceof Float32Array
    ? new Float32Array(count)
    : new Float64Array(count);
}

/** The first place from `start` to `end` whose column is not below `column`. */
export function lowerBound(
  indices: Uint32Array,
  start: number,
  end: number,
  column: number,
): number {
  while (start < end) {
    // Not (start + end) >> 1: the sum of two places can pass 2³².
    const middle = start + ((end - start) >>> 1);
    if (indices[middle] < column) start = middle + 1;
    else end = middle;
  }
  return start;
}
