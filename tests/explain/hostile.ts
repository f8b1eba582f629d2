/**
 * Rows of weights with their values, ordinary and degenerate: what explanations have to survive.
 *
 * @module
 */

import type { Random } from "../../src/random.ts";
import { normals, pick } from "../scripts.ts";

/** A row of weights over some keys, and the values of the keys. */
export interface Case {
  weights: number[];
  values: number[][];
  /** What is special about it. */
  kind: Kind;
}

/** What may be special about values; the weights are drawn by themselves. */
const KINDS = [
  "ordinary",
  "bits",
  "signs",
  "duplicates",
  "dependent columns",
  "nearly dependent columns",
  "rows of all sizes",
  "columns of all sizes",
  "all equal",
  "far from 0",
  "tiny",
  "huge",
  "with columns of 0",
  "one hot",
] as const;
type Kind = typeof KINDS[number];

/** Draws a row: up to 40 keys, now and then up to 150, values of up to 10 numbers, and weights from even to one-sided. */
export function drawCase(random: Random): Case {
  const most = random.integer(6) === 0 ? 150 : 40;
  const count = 1 + random.integer(most), width = random.integer(11);
  const kind = pick(random, [...KINDS]);
  return {
    kind,
    weights: drawWeights(random, count),
    values: drawValues(random, kind, count, width),
  };
}

/** The softmax of normal scores; a deviation of 300 leaves one weight and many below 1e-50, some keys are masked. */
export function drawWeights(random: Random, count: number): number[] {
  const deviation = pick(random, [0, 0.3, 1, 3, 10, 50, 300]);
  const masked = random.integer(4) === 0;
  const scores = normals(random, count, deviation).map((score, key) =>
    masked && key > 0 && random.integer(3) === 0 ? -Infinity : score
  );
  const most = Math.max(...scores);
  const sizes = scores.map((score) => Math.exp(score - most));
  const sum = sizes.reduce((total, size) => total + size, 0);
  return sizes.map((size) => size / sum);
}

function drawValues(
  random: Random,
  kind: Kind,
  count: number,
  width: number,
): number[][] {
  const values = Array.from(
    { length: count },
    () => normals(random, width, 1),
  );
  const each = (change: (number: number, key: number, c: number) => number) =>
    values.map((row, key) => row.map((number, c) => change(number, key, c)));
  const sizes = Array.from(
    { length: Math.max(count, width) },
    () => 10 ** -random.integer(11),
  );
  switch (kind) {
    case "ordinary":
      return values;
    case "bits":
      return each(() => random.integer(2));
    case "signs":
      return each(() => random.integer(3) - 1);
    case "duplicates":
      return values.map((_, key) => values[key - key % 2]);
    case "dependent columns":
      return values.map((row) =>
        row.map((number, c) => c % 2 ? -2 * row[0] : number)
      );
    case "nearly dependent columns":
      return values.map((row) =>
        row.map((number, c) => c % 2 ? row[0] + 1e-13 * number : number)
      );
    case "rows of all sizes":
      return each((number, key) => number * sizes[key]);
    case "columns of all sizes":
      return each((number, _, c) => number * sizes[c] ** 20);
    case "all equal":
      return values.map(() => values[0]);
    case "far from 0":
      return each((number, _, c) => number + 10 ** (c % 8));
    case "tiny":
      return each((number) => number * 1e-150);
    case "huge":
      return each((number) => number * 1e150);
    case "with columns of 0":
      return each((number, _, c) => c % 3 ? number : 0);
    case "one hot":
      return values.map((row, key) =>
        row.map((_, c) => Number(key % width === c))
      );
  }
}

/**
 * The largest change of a component of the output, next to the largest value that has weight and to all the weight;
 * also that of the sum, if it is to be kept.
 */
export function change(
  { weights, values }: Case,
  other: ArrayLike<number>,
  sums: boolean,
): number {
  const rows = sums ? values.map((row) => [...row, 1]) : values;
  const weight = weights.reduce((sum, one) => sum + Math.abs(one), 0);
  let worst = 0;
  for (let c = 0; c < rows[0].length; c++) {
    let moved = 0, peak = 0;
    rows.forEach((row, key) => {
      moved += (other[key] - weights[key]) * row[c];
      if (weights[key] !== 0) peak = Math.max(peak, Math.abs(row[c]));
    });
    if (moved !== 0) worst = Math.max(worst, Math.abs(moved) / (peak * weight));
  }
  return worst;
}
