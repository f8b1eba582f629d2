/**
 * The door of what is stored: rows in whatever form they come, rounded to finite 32-bit floats and copied.
 *
 * Rows of a {@linkcode CsrMatrix} stay sparse: its entries are checked again, since whoever holds the matrix can write
 * to its arrays, and sorted into the two stripes of a dot product. Nothing is written out.
 *
 * @module
 */

import { show } from "../check.ts";
import { measureRows, type RowSizes } from "../kernel/measure.ts";
import { checkParts, checkWidth, type Entries, type Row } from "../rows.ts";
import { CsrMatrix } from "./csr.ts";
import { checkSparse } from "./structure.ts";

/** Rows, checked and rounded: all their numbers, or their entries. */
export interface CheckedRows {
  count: number;
  width: number;
  /** count × width, row by row. */
  data: Float32Array;
  /** One for each row, if they are sparse; `data` is empty then. */
  sparse: Entries[] | undefined;
  /** How large the rows are, where that has been measured: many that are not sparse. */
  sizes?: RowSizes;
}

/** Row `index` of checked rows, a view. */
export function rowOf(
  { data, sparse, width }: CheckedRows,
  index: number,
): Row {
  if (sparse !== undefined) return sparse[index];
  // A new view costs as much as a walk over a row of 64 numbers.
  return data.length === width
    ? data
    : data.subarray(index * width, (index + 1) * width);
}

/** Floats to put checked rows into, instead of a new array each time: they are used up by the end of the call. */
export interface Arena {
  floats: Float32Array;
  used: number;
  /** Floats that a call did not find room for. */
  missed?: number;
  /** The last view from each place on: calls are much alike, and a view costs more than what it is used for. */
  views?: Map<number, Float32Array>;
}

/**
 * Makes an arena larger that was too small for a call which has been carried out: the next is likely to be as large. What
 * it has given out stays good.
 */
export function roomyArena(arena: Arena): void {
  const { floats: { length }, missed = 0 } = arena;
  if (missed === 0 || length >= MOST_FLOATS) return;
  const room = Math.max(2 * length, length + missed);
  try {
    arena.floats = new Float32Array(Math.min(MOST_FLOATS, room));
    arena.views = undefined;
  } catch (error) {
    // Where there is no memory the arena stays as it is; the call has been carried out.
    if (!(error instanceof RangeError)) throw error;
  }
}

/** An arena grows to 64 KiB: rows for a hundred writes or so. */
const MOST_FLOATS = 2 ** 14;

/** Floats from an arena, or new ones where it is used up. */
export function takeFloats(
  arena: Arena | undefined,
  length: number,
): Float32Array {
  if (arena === undefined || arena.used + length > arena.floats.length) {
    if (arena !== undefined && length <= arena.floats.length) {
      arena.missed = (arena.missed ?? 0) + length;
    }
    return new Float32Array(length);
  }
  const { floats, used } = arena, views = arena.views ??= new Map();
  arena.used += length;
  let view = views.get(used);
  if (view === undefined || view.length !== length) {
    view = floats.subarray(used, used + length);
    views.set(used, view);
  }
  return view;
}

/** Checks rows of a width, rounds and copies them. Costs O(numbers given): the entries, where they are sparse. */
export function checkRows(
  verb: string,
  name: string,
  source: unknown,
  width?: number,
  arena?: Arena,
): CheckedRows {
  if (source instanceof CsrMatrix) {
    return checkSparseRows(verb, name, source, width);
  }
  const { rows, columns, parts } = checkParts(verb, name, source, width);
  const data = takeFloats(arena, rows * columns);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  const many = rows >= MANY;
  const sizes = many ? measureRows(data, columns, rows) : undefined;
  if (many ? sizes === undefined : !areFinite(data)) {
    const at = data.findIndex((number) => !Number.isFinite(number));
    const given = parts.length === 1
      ? parts[0][at]
      : parts[Math.floor(at / columns)][at % columns];
    refuseInfinite(verb, name, Math.floor(at / columns), at % columns, given);
  }
  return { count: rows, width: columns, data, sparse: undefined, sizes };
}

/** So many rows are measured where they are checked. */
const MANY = 8;

/** Whether all numbers are finite. */
function areFinite(numbers: Float32Array): boolean {
  const { length } = numbers, pairs = length - length % 2;
  // What is not finite makes these NaN; two of them need not wait for each other.
  let even = length > pairs ? numbers[pairs] * 0 : 0, odd = 0;
  for (let i = 0; i < pairs; i += 2) {
    even += numbers[i] * 0;
    odd += numbers[i + 1] * 0;
  }
  return even + odd === 0;
}

function checkSparseRows(
  verb: string,
  name: string,
  { rows, columns, indptr, indices, values }: CsrMatrix,
  width: number | undefined,
): CheckedRows {
  for (const list of [indptr, indices]) {
    if (!(list instanceof Uint32Array)) refuseArrays(verb, name, list);
  }
  if (!(values instanceof Float64Array || values instanceof Float32Array)) {
    refuseArrays(verb, name, values);
  }
  checkSparse(verb, rows, columns, indptr, indices, values);
  checkWidth(verb, name, columns, width);
  const lanes = new Uint32Array(indices.length);
  const numbers = new Float32Array(indices.length);
  const sparse: Entries[] = [];
  let used = 0;
  for (let row = 0; row < rows; row++) {
    const start = used;
    let evens = 0;
    for (let lane = 0; lane < 2; lane++) {
      for (let at = indptr[row]; at < indptr[row + 1]; at++) {
        if ((indices[at] & 1) !== lane) continue;
        lanes[used] = indices[at];
        numbers[used] = values[at];
        if (!Number.isFinite(numbers[used])) {
          refuseInfinite(verb, name, row, indices[at], values[at]);
        }
        if (numbers[used] !== 0) used++;
      }
      if (lane === 0) evens = used - start;
    }
    sparse.push({
      columns: lanes,
      numbers,
      start,
      evens,
      count: used - start,
    });
  }
  return { count: rows, width: columns, data: new Float32Array(0), sparse };
}

function refuseArrays(verb: string, name: string, list: unknown): never {
  throw new TypeError(
    `Cannot ${verb}: ${name} has ${
      show(list)
    } for one of its arrays, it should be as its constructor made it`,
  );
}

/** Names a number that has no finite 32-bit form. */
function refuseInfinite(
  verb: string,
  name: string,
  row: number,
  column: number,
  given: number,
): never {
  throw new RangeError(
    `Cannot ${verb}: ${name}[${row}][${column}] is ${given}, it should be finite as a 32-bit float`,
  );
}
