/**
 * Starting over: what somebody does who has no attention that stays up to date, in three ways.
 *
 * All of them start from the plain record of what the memory was told, not from the memory itself, so that their
 * answers are a check of it.
 *
 * @module
 */

import { type Attention, createAttention, outputs } from "@reattend/reattend";
import { scaledDotProductAttention } from "../../src/softmax/attention.ts";
import { Matrix } from "ml-matrix";
import { type Memory, SCALE } from "./memory.ts";

/** A way to start over. */
export interface Rival {
  /** What it is called. */
  name: string;
  /** What it answered: standing × kinds. */
  answers: ArrayLike<number>;
  /** How far from exact its answers may be, for the precision and the length of its sums. */
  error: number;
  /** How long it took, in milliseconds. */
  time: number;
}

/** What a memory was told, as flat rows. */
interface Told {
  dim: number;
  kinds: number;
  words: number;
  definitions: number;
  /** words × dim, row by row. */
  queries: Float32Array;
  /** definitions × dim, row by row, by ascending id. */
  keys: Float32Array;
  /** definitions × kinds, row by row. */
  values: Float32Array;
}

/** Answers all standing words anew, in three ways one after another; only what answers is timed. */
export function startOver(memory: Memory): Rival[] {
  const told = record(memory), { dim, kinds, words, definitions } = told;
  // Meanings have length 1, so a score, dim products summed, errs by SCALE · dim roundings and a weight by twice that;
  // the sums over definitions add theirs, the exponential a few.
  const roundings = 2 * SCALE * (dim + 2) + 2 * definitions + 16;
  const tensor = (data: Float32Array, rows: number, columns: number) => ({
    data,
    shape: [1, 1, rows, columns],
  });
  const q = tensor(told.queries, words, dim),
    k = tensor(told.keys, definitions, dim),
    v = tensor(told.values, definitions, kinds);
  const matrix = (data: Float32Array, rows: number, columns: number) =>
    Matrix.from1DArray(rows, columns, [...data]);
  const queries = matrix(told.queries, words, dim),
    transposed = matrix(told.keys, definitions, dim).transpose(),
    values = matrix(told.values, definitions, kinds);
  return [
    run("with a new memory", 0, () => outputs(create(told)).data),
    run(
      "with scaledDotProductAttention",
      roundings * 2 ** -24,
      () => scaledDotProductAttention(q, k, v, { scale: SCALE }).output.data,
    ),
    run(
      "with ml-matrix",
      roundings * 2 ** -53,
      () =>
        softmax(queries.mmul(transposed).mul(SCALE)).mmul(values).to1DArray(),
    ),
  ];
}

/** A new attention over what the memory was told. */
export function afresh(memory: Memory): Attention {
  return create(record(memory));
}

/** Whether two lists of numbers are the same, bit by bit. */
export function sameBits(
  one: ArrayLike<number>,
  other: ArrayLike<number>,
): boolean {
  for (let i = 0; i < one.length; i++) {
    if (!Object.is(one[i], other[i])) return false;
  }
  return one.length === other.length;
}

/** The largest difference between two lists of numbers; `Infinity` if there is no comparing them. */
export function farthest(
  one: ArrayLike<number>,
  other: ArrayLike<number>,
): number {
  if (one.length !== other.length) return Infinity;
  let most = 0;
  for (let i = 0; i < one.length; i++) {
    const difference = Math.abs(one[i] - other[i]);
    if (!(difference <= most)) most = difference;
    if (Number.isNaN(most)) return Infinity;
  }
  return most;
}

/** The number in the middle. */
export function median(numbers: number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
}

function run(
  name: string,
  error: number,
  answer: () => ArrayLike<number>,
): Rival {
  const start = performance.now(), answers = answer();
  return { name, error, answers, time: performance.now() - start };
}

function create({ dim, kinds, queries, keys, values }: Told): Attention {
  return createAttention({
    dim,
    valueDim: kinds,
    queries,
    keys,
    values,
    scale: SCALE,
  });
}

function record({ nouns, standing, held }: Memory): Told {
  const { dim, kinds } = nouns, definitions = [...held.values()];
  return {
    dim,
    kinds: kinds.length,
    words: standing.length,
    definitions: definitions.length,
    queries: flat(standing.map(({ wordMeaning }) => wordMeaning), dim),
    keys: flat(definitions.map(({ key }) => key), dim),
    values: flat(definitions.map(({ value }) => value), kinds.length),
  };
}

function flat(rows: Float32Array[], columns: number): Float32Array {
  const numbers = new Float32Array(rows.length * columns);
  rows.forEach((row, at) => numbers.set(row, at * columns));
  return numbers;
}

/** Softmax of each row, in place; the largest score is subtracted first. */
function softmax(scores: Matrix): Matrix {
  for (let i = 0; i < scores.rows; i++) {
    let largest = -Infinity, sum = 0;
    for (let j = 0; j < scores.columns; j++) {
      largest = Math.max(largest, scores.get(i, j));
    }
    for (let j = 0; j < scores.columns; j++) {
      const weight = Math.exp(scores.get(i, j) - largest);
      scores.set(i, j, weight);
      sum += weight;
    }
    for (let j = 0; j < scores.columns; j++) {
      scores.set(i, j, scores.get(i, j) / sum);
    }
  }
  return scores;
}
