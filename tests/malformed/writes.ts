/**
 * Sparse matrices as verbs are given them, and what can be written to their arrays once they are there.
 *
 * @module
 */

import { CsrMatrix } from "../../mod.ts";
import type { Random } from "../../src/random.ts";
import { pick } from "../scripts.ts";
import {
  LISTS,
  oddNumber,
  type Parts,
  partsOf,
  type Reading,
} from "./parts.ts";
import { dressed, plain } from "./spoil.ts";

/** An argument, and what it may rightly be taken for. */
export interface Argument<Meaning> {
  given: unknown;
  /** Nothing means that it must be refused. */
  readings: Meaning[];
  /** Whether refusing it is right even where there is a reading. */
  strange: boolean;
  /** The mutations in it. */
  names: string[];
  /** Writes to it while it is read. */
  meddle?: () => void;
  /** Writes to it after the call. */
  scribble?: () => void;
}

/** Argument that should be a sparse matrix. */
export type MatrixArgument = Argument<Reading>;

/** A right matrix. */
export function realMatrix(random: Random, reading: Reading): CsrMatrix {
  const { rows, columns, indptr, indices, values } = dressed(
    random,
    partsOf(reading),
  ) as { [Name in keyof Parts]: never };
  return new CsrMatrix(rows, columns, indptr, indices, values);
}

/** A right matrix as an argument. */
export function rightMatrix(random: Random, reading: Reading): MatrixArgument {
  return madeOf(realMatrix(random, reading), []);
}

/** What a matrix says as it stands. */
export function madeOf(matrix: CsrMatrix, names: string[]): MatrixArgument {
  return {
    ...plain(matrix),
    given: matrix,
    names,
    scribble: () => {
      // A list that has lost its buffer cannot be written to.
      if (matrix.indptr.length > 0) matrix.indptr.fill(9);
      if (matrix.indices.length > 0) matrix.indices.fill(2 ** 32 - 1);
      if (matrix.values.length > 0) matrix.values.fill(NaN);
    },
  };
}

/** Writes into the arrays of a matrix; false where there is nothing to write to. */
type Write = (random: Random, matrix: CsrMatrix) => boolean;

/** Writes at a place of an array. */
function into(
  name: (typeof LISTS)[number],
  number: (random: Random, before: number, matrix: CsrMatrix) => number,
): Write {
  return (random, matrix) => {
    const list = matrix[name];
    if (list.length === 0) return false;
    const at = random.integer(list.length);
    list[at] = number(random, list[at], matrix);
    return true;
  };
}

/** The place of an entry that is not the last of its row; −1 if there is none. */
function pairOf(
  random: Random,
  { rows, indptr, indices }: CsrMatrix,
): number {
  const places: number[] = [];
  for (let row = 0; row < rows; row++) {
    const end = Math.min(indptr[row + 1], indices.length);
    for (let at = indptr[row]; at + 1 < end; at++) places.push(at);
  }
  return places.length === 0 ? -1 : pick(random, places);
}

/** The name of a mutation that leaves nothing to write to. */
export const LOST = "written: array has lost its buffer";

/** Every way to write to a matrix that is there, by name. */
export const WRITES: Readonly<Record<string, Write>> = {
  "written: last column is the width": (random, matrix) => {
    const { indptr, indices, columns } = matrix;
    const ends = indptr.filter((end) => end > 0 && end <= indices.length);
    if (ends.length === 0) return false;
    indices[ends[random.integer(ends.length)] - 1] = columns;
    return true;
  },
  "written: first column is out by one": (random, { indptr, indices }) => {
    const starts = indptr.filter((start) => start < indices.length);
    if (starts.length === 0) return false;
    indices[starts[random.integer(starts.length)]] -= 1;
    return true;
  },
  "written: column is out by one": into(
    "indices",
    (random, before) => before + pick(random, [-1, 1]),
  ),
  "written: column is an odd number": into("indices", oddNumber),
  "written: columns are exchanged": (random, matrix) => {
    const at = pairOf(random, matrix);
    if (at >= 0) matrix.indices.subarray(at, at + 2).reverse();
    return at >= 0;
  },
  "written: column is there twice": (random, matrix) => {
    const at = pairOf(random, matrix);
    if (at >= 0) matrix.indices[at + 1] = matrix.indices[at];
    return at >= 0;
  },
  "written: first row start is 1": (_, { indptr }) => {
    indptr[0] = 1;
    return true;
  },
  "written: last row start is out by one": (random, { indptr }) => {
    indptr[indptr.length - 1] += pick(random, [-1, 1]);
    return true;
  },
  "written: row start is out by one": into(
    "indptr",
    (random, before) => before + pick(random, [-1, 1]),
  ),
  "written: row start is an odd number": into("indptr", oddNumber),
  "written: row starts are exchanged": (random, { indptr }) => {
    if (indptr.length < 2) return false;
    const row = random.integer(indptr.length - 1);
    if (indptr[row] === indptr[row + 1]) return false;
    indptr.subarray(row, row + 2).reverse();
    return true;
  },
  "written: value is an odd number": into("values", oddNumber),
  "written: value is another": into("values", (random) => random.normal()),
  [LOST]: (random, matrix) => {
    const { buffer } = matrix[pick(random, LISTS)];
    structuredClone(0, { transfer: [buffer as ArrayBuffer] });
    return true;
  },
};

/** Every way in which the arrays of a matrix deceive their reader, by name. */
export const TRICKS: Readonly<Record<string, Write>> = {
  "array lies about its length": (random, matrix) => {
    const list = matrix[pick(random, LISTS)], { length } = list;
    const value = pick(random, [0, length - 1, length + 1, 2 ** 32 - 1, NaN]);
    Object.defineProperty(list, "length", { value });
    return true;
  },
  "array has methods that lie": (random, matrix) => {
    const list = matrix[pick(random, LISTS)];
    const lie = () => pick(random, [[NaN, -1], [0, 0], new Uint32Array([7])]);
    const methods = ["slice", "subarray", "map", "values", Symbol.iterator];
    for (const name of methods) {
      Object.defineProperty(list, name, { value: lie });
    }
    return true;
  },
  "array has a species that lies": (random, matrix) => {
    const list = matrix[pick(random, LISTS)];
    Object.defineProperty(list, "constructor", {
      value: {
        [Symbol.species]: function (length: number) {
          return new Float64Array(length + 1).fill(NaN);
        },
      },
    });
    return true;
  },
};
