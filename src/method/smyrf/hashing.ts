/**
 * Hashes: rows projected onto normal directions, the same to the bit wherever and however a row is stored.
 *
 * Rows with a large dot product lie close to each other along most directions. A dot product has two stripes, even and
 * odd columns, like that of a score, so that dense and sparse rows give the same numbers; what overflows hashes to
 * Infinity and comes last in any order.
 *
 * @module
 */

import { counted } from "../../check.ts";
import { DENSE, type Table } from "../../kernel/table.ts";
import type { Entries } from "../../rows.ts";
import type { Query } from "../../kernel/kernel.ts";
import { seeded } from "../../random.ts";

/** Directions: one for each round. */
export interface Directions {
  readonly rounds: number;
  /** Numbers in a row; two more in a direction, for the coordinates that the published transform appends. */
  readonly dim: number;
  /** rounds × (dim + 2) */
  readonly numbers: Float64Array;
}

/** Coordinates of a direction beyond those of a row: one meets keys, the other queries. */
export const APPENDED = 2;

/** Draws normal directions. */
export function drawDirections(
  seed: number,
  rounds: number,
  dim: number,
): Directions {
  const random = seeded(seed);
  const numbers = Float64Array.from(
    { length: rounds * (dim + APPENDED) },
    () => random.normal(),
  );
  return { rounds, dim, numbers };
}

/**
 * The same directions made orthogonal and of length 1; of more than dim, each dim of them.
 *
 * By Gram and Schmidt, twice, which leaves them orthogonal up to roundings (L. Giraud, J. Langou, M. Rozložník, "The loss
 * of orthogonality in the Gram-Schmidt orthogonalization process", 2005, https://doi.org/10.1016/j.camwa.2005.08.009).
 */
export function orthogonal(directions: Directions): Directions {
  const { rounds, dim } = directions, width = dim + APPENDED;
  const numbers = directions.numbers.slice();
  for (let round = 0; round < rounds && dim > 0; round++) {
    const row = numbers.subarray(round * width, (round + 1) * width);
    const first = round - round % dim;
    for (let pass = 0; pass < 2; pass++) {
      for (let other = first; other < round; other++) {
        const from = other * width;
        let dot = 0;
        for (let c = 0; c < dim; c++) dot += row[c] * numbers[from + c];
        for (let c = 0; c < dim; c++) row[c] -= dot * numbers[from + c];
      }
    }
    const length = lengthOf(row, 0, dim);
    for (let c = 0; c < dim; c++) row[c] /= length;
  }
  return { rounds, dim, numbers };
}

/** Refuses given directions that are not for rows of `dim` numbers. */
export function fitDirections(
  verb: string,
  given: readonly Float64Array[],
  dim: number,
): Directions {
  if (given[0].length !== dim + APPENDED) {
    throw new RangeError(
      `Cannot ${verb}: projections has rows of ${
        counted(given[0].length, "number")
      }, it should have rows of ${dim + APPENDED}, two more than a key`,
    );
  }
  const numbers = new Float64Array(given.length * (dim + APPENDED));
  given.forEach((row, round) => numbers.set(row, round * (dim + APPENDED)));
  return { rounds: given.length, dim, numbers };
}

/** A number for given directions that tells them apart: 32-bit FNV-1a over their bits (RFC 9923). */
export function fingerprint(rows: readonly Float64Array[]): string {
  let word = 0x811c9dc5;
  for (const { buffer, byteOffset, byteLength } of rows) {
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    for (let at = 0; at < bytes.length; at++) {
      word = Math.imul(word ^ bytes[at], 0x01000193);
    }
  }
  return (word >>> 0).toString(16).padStart(8, "0");
}

/** A row along the direction of a round. */
export function project(
  { dim, numbers }: Directions,
  round: number,
  row: Float32Array | Float64Array,
  at: number,
): number {
  const from = round * (dim + APPENDED), paired = dim & ~1;
  let even = 0, odd = 0;
  for (let c = 0; c < paired; c += 2) {
    even += numbers[from + c] * row[at + c];
    odd += numbers[from + c + 1] * row[at + c + 1];
  }
  if (paired < dim) even += numbers[from + paired] * row[at + paired];
  return settled(even + odd);
}

/** The same of a row of entries. */
export function projectEntries(
  { dim, numbers }: Directions,
  round: number,
  { columns, numbers: row, start, evens, count }: Entries,
): number {
  const from = round * (dim + APPENDED), middle = start + evens;
  let even = 0, odd = 0;
  for (let i = start; i < middle; i++) {
    even += numbers[from + columns[i]] * row[i];
  }
  for (let i = middle; i < start + count; i++) {
    odd += numbers[from + columns[i]] * row[i];
  }
  return settled(even + odd);
}

/** A stored row along the direction of a round. */
export function projectStored(
  directions: Directions,
  round: number,
  table: Table,
  row: number,
): number {
  const { start, evens, count, columns, numbers, dense, width } = table;
  if (evens[row] === DENSE) {
    return project(directions, round, dense, start[row] * width);
  }
  return projectEntries(directions, round, {
    columns,
    numbers,
    start: start[row],
    evens: evens[row],
    count: count[row],
  });
}

/** The Euclidean length of a row, in two stripes. */
export function lengthOf(
  row: Float32Array | Float64Array,
  at: number,
  dim: number,
): number {
  const paired = dim & ~1;
  let even = 0, odd = 0;
  for (let c = 0; c < paired; c += 2) {
    even += row[at + c] * row[at + c];
    odd += row[at + c + 1] * row[at + c + 1];
  }
  if (paired < dim) even += row[at + paired] * row[at + paired];
  return Math.sqrt(even + odd);
}

/** Writes the slopes of a query that is written out: along each direction, turned by `sign`. */
export function slopes(
  directions: Directions,
  row: Float32Array | Float64Array,
  at: number,
  sign: number,
  into: Float64Array,
): void {
  for (let round = 0; round < directions.rounds; round++) {
    into[round] = sign * project(directions, round, row, at);
  }
}

/** The same of a query that a maintained attention meets. */
export function slopesOf(
  directions: Directions,
  { rows, at, entries }: Query,
  sign: number,
  into: Float64Array,
): void {
  if (entries === undefined) return slopes(directions, rows, at, sign, into);
  for (let round = 0; round < directions.rounds; round++) {
    into[round] = sign * projectEntries(directions, round, entries);
  }
}

function settled(hash: number): number {
  return Number.isNaN(hash) ? Infinity : hash;
}
