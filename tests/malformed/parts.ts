/**
 * What a sparse matrix is made from, one mutation or several away from what is right, and what it says if it is right.
 *
 * {@linkcode readParts} is the contract of a CSR matrix written down once more, over plain lists and without a line of
 * `src/`. What it cannot read has to be refused; what it can read has to come out as it reads it.
 *
 * @module
 */

import type { Random } from "../../src/random.ts";
import { pick } from "../scripts.ts";

/** The five arguments of a CSR matrix, of any kind. */
export interface Parts {
  rows: unknown;
  columns: unknown;
  indptr: unknown;
  indices: unknown;
  values: unknown;
}

/** The names of the lists among them. */
export const LISTS = ["indptr", "indices", "values"] as const;

/** An entry: row, column, value. */
export type Entry = [row: number, column: number, value: number];

/** A sparse matrix as it is to be understood. */
export interface Reading {
  rows: number;
  columns: number;
  /** Row by row, columns ascending. */
  entries: Entry[];
}

/** What a caller's own code throws: it goes through. */
export class Own extends Error {}

/** No test gives a list that is longer and full. */
export const LONGEST = 2 ** 16;

/** Reads what arguments say; undefined where they are no CSR matrix. They must not trick their reader. */
export function readParts(
  { rows, columns, indptr, indices, values }: Parts,
): Reading | undefined {
  const starts = numbersOf(indptr), places = numbersOf(indices);
  const numbers = numbersOf(values);
  if (!isSide(rows) || !isSide(columns)) return undefined;
  if (!starts || !places || !numbers) return undefined;
  if (starts.length !== rows + 1) return undefined;
  if (places.length !== numbers.length) return undefined;
  if (starts[0] !== 0 || starts[rows] !== places.length) return undefined;
  const entries: Entry[] = [];
  for (let row = 0; row < rows; row++) {
    const [start, end] = [starts[row], starts[row + 1]];
    if (!Number.isInteger(end) || end < start || end > places.length) {
      return undefined;
    }
    for (let at = start; at < end; at++) {
      const column = places[at] + 0, value = numbers[at];
      if (!Number.isInteger(column) || column < 0 || column >= columns) {
        return undefined;
      }
      if (at > start && column <= places[at - 1]) return undefined;
      if (!Number.isFinite(value)) return undefined;
      entries.push([row, column, value]);
    }
  }
  return { rows, columns, entries };
}

/** A reading as one list for each row. */
export function writtenOut({ rows, columns, entries }: Reading): number[][] {
  const table = Array.from(
    { length: rows },
    () => new Array<number>(columns).fill(0),
  );
  for (const [row, column, value] of entries) table[row][column] = value;
  return table;
}

/** The numbers of a list or a typed array; undefined where it is neither or holds something else. */
export function numbersOf(list: unknown): number[] | undefined {
  if (!Array.isArray(list) && !isFloatsOrIntegers(list)) return undefined;
  if (list.length > LONGEST) return undefined;
  const numbers: number[] = [];
  for (let at = 0; at < list.length; at++) {
    const number: unknown = list[at];
    if (typeof number !== "number") return undefined;
    numbers.push(number);
  }
  return numbers;
}

function isFloatsOrIntegers(list: unknown): list is ArrayLike<unknown> {
  return ArrayBuffer.isView(list) &&
    !["[object DataView]", "[object BigInt64Array]", "[object BigUint64Array]"]
      .includes(Object.prototype.toString.call(list));
}

function isSide(side: unknown): side is number {
  return Number.isInteger(side) && (side as number) >= 0 &&
    (side as number) < 2 ** 32;
}

/** Arguments of a right matrix of these entries, in plain lists. */
export function partsOf({ rows, columns, entries }: Reading): Parts {
  const indptr = new Array<number>(rows + 1).fill(0);
  for (const [row] of entries) indptr[row + 1]++;
  for (let row = 0; row < rows; row++) indptr[row + 1] += indptr[row];
  return {
    rows,
    columns,
    indptr,
    indices: entries.map(([, column]) => column),
    values: entries.map(([, , value]) => value),
  };
}

/** A right matrix: about half of its places are filled, some of them with zeros. */
export function drawReading(
  random: Random,
  rows: number,
  columns: number,
): Reading {
  const entries: Entry[] = [], single = random.integer(2) > 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const kind = random.integer(12), value = random.normal();
      if (kind < 6) continue;
      entries.push([
        row,
        column,
        kind === 6 ? 0 : single ? Math.fround(value) : value,
      ]);
    }
  }
  return { rows, columns, entries };
}

/** Numbers that are hardly ever right. */
const ODD_NUMBERS: readonly number[] = [
  -0,
  0.5,
  1.5,
  -1,
  NaN,
  Infinity,
  -Infinity,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53,
  1e39,
  -3.5e38,
  5e-324,
  Number.MAX_VALUE,
];

/** Sides that tiny lists do not fill. */
export const HUGE_SIDES: readonly number[] = [
  2 ** 25,
  2 ** 28,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53,
  1e300,
];

/** A number that is hardly ever right. */
export function oddNumber(random: Random): number {
  return pick(random, ODD_NUMBERS);
}

/** Something that is no number; `number` is what it resembles. */
export function oddKind(random: Random, number: unknown = 0): unknown {
  return pick<() => unknown>(random, [
    () => String(number),
    () => "",
    () => 1n,
    () => null,
    () => undefined,
    () => true,
    () => [number],
    () => ({ valueOf: () => number }),
    () => new Number(1),
    () => Symbol("odd"),
    () => () => number,
    () => new Date(0),
  ])();
}

/** Something that is no list of numbers; `list` is what it resembles. */
export function oddList(random: Random, list: readonly unknown[]): unknown {
  // Not map(), which leaves holes.
  const numbers = Array.from(list, (x) => typeof x === "number" ? x : 0);
  const whole = numbers.map((x) => BigInt(Math.trunc(isFinite(x) ? x : 0)));
  return pick<() => unknown>(random, [
    () => BigInt64Array.from(whole),
    () => BigUint64Array.from(whole),
    () => new DataView(new ArrayBuffer(8 * list.length)),
    () => new ArrayBuffer(8 * list.length),
    () => new Set(list),
    () => list.values(),
    () => ({ ...list, length: list.length }),
    () => Object.assign(() => 0, { ...list }),
    () => numbers.join(),
    () => new Proxy(Float64Array.from(numbers), {}),
    () => Object.create(Float64Array.prototype),
    () => null,
    () => undefined,
    () => list.length,
  ])();
}
