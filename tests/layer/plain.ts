/**
 * Layers as a textbook writes them: plain loops over rows of numbers, everything in 64-bit floats.
 *
 * @module
 */

import type { Tensor } from "../../mod.ts";
import type { LayerKind } from "../../src/layer/mod.ts";
import { type Random, seeded } from "../../src/random.ts";

/** A matrix, row by row. */
export type Matrix = number[][];

/** Weights of a layer as a textbook has them; y = W x + b. */
export interface PlainWeights {
  query: Matrix;
  queryBias: number[];
  /** Missing where heads read slices. */
  key?: Matrix;
  keyBias?: number[];
  value?: Matrix;
  valueBias?: number[];
  output: Matrix;
  outputBias: number[];
  /** Mixes values along the tokens. */
  context?: Matrix;
  contextBias?: number[];
  /** Projected keys that are always there, and their values. */
  alwaysKeys: Matrix;
  alwaysValues: Matrix;
}

/** What a plain layer attends to, by query and token. */
export type Sees = (query: number, token: number) => boolean;

/** The outputs, and the largest size that any number on the way had: what rounding is in proportion to. */
export interface PlainOutputs {
  outputs: Matrix;
  largest: number;
  /** By head: queries × (always + tokens). */
  weights: Matrix[];
}

/** A layer over one batch. */
export function plainLayer(
  weights: PlainWeights,
  heads: number,
  queries: Matrix,
  keys: Matrix,
  values: Matrix,
  sees: Sees,
  causal = false,
  scale?: number,
): PlainOutputs {
  let largest = 0;
  const note = (rows: Matrix): Matrix => {
    for (const row of rows) {
      for (const x of row) largest = Math.max(largest, Math.abs(x));
    }
    return rows;
  };
  const map = (rows: Matrix, weight?: Matrix, bias?: number[]): Matrix =>
    note(
      weight === undefined
        ? rows
        : rows.map((row) =>
          weight.map((w, r) =>
            w.reduce((sum, x, t) => sum + x * row[t], 0) + (bias?.[r] ?? 0)
          )
        ),
    );
  const q = map(queries, weights.query, weights.queryBias);
  const k = [...weights.alwaysKeys, ...map(keys, weights.key, weights.keyBias)];
  const { context, contextBias } = weights;
  const mixed = context === undefined
    ? values
    : values.map((row, t) =>
      row.map((_, c) =>
        values.reduce(
          (sum, other, u) =>
            causal && u > t ? sum : sum + context[t][u] * other[c],
          contextBias?.[t] ?? 0,
        )
      )
    );
  const v = [
    ...weights.alwaysValues,
    ...map(note(mixed), weights.value, weights.valueBias),
  ];
  const always = weights.alwaysKeys.length;
  const dim = weights.query.length / heads;
  const valueDim = weights.output[0].length / heads;
  const told: Matrix[] = [];
  const joined: Matrix = queries.map(() => []);
  for (let head = 0; head < heads; head++) {
    const slice = (row: number[], width: number) =>
      row.slice(head * width, (head + 1) * width);
    const shares = q.map((row, i) => {
      const own = slice(row, dim);
      const scores = k.map((key, j) => {
        if (j >= always && !sees(i, j - always)) return -Infinity;
        if (j >= always && causal && j - always > i) return -Infinity;
        const dot = slice(key, dim).reduce((sum, x, t) => sum + x * own[t], 0);
        return dot * (scale ?? 1 / Math.sqrt(dim));
      });
      const top = Math.max(...scores);
      if (top === -Infinity) return scores.map(() => 0);
      const parts = scores.map((score) => Math.exp(score - top));
      const sum = parts.reduce((a, b) => a + b, 0);
      return parts.map((part) => part / sum);
    });
    told.push(shares);
    shares.forEach((row, i) => {
      for (let c = 0; c < valueDim; c++) {
        joined[i].push(
          row.reduce(
            (sum, share, j) => sum + share * slice(v[j], valueDim)[c],
            0,
          ),
        );
      }
    });
  }
  const outputs = map(joined, weights.output, weights.outputBias);
  return { outputs, largest, weights: told };
}

/** Numbers with a normal distribution, as rows. */
export function normalRows(
  random: Random,
  rows: number,
  columns: number,
  size = 1,
): Matrix {
  return Array.from(
    { length: rows },
    () =>
      Array.from(
        { length: columns },
        () => Math.fround(size * random.normal()),
      ),
  );
}

/** Rows as a tensor. */
export function tensorOf(
  rows: Matrix,
  shape: number[] = [rows.length, rows[0]?.length ?? 0],
  Floats: Float32ArrayConstructor | Float64ArrayConstructor = Float32Array,
): Tensor {
  return { data: new Floats(rows.flat()), shape };
}

/** A row as a tensor. */
export function vectorOf(row: number[]): Tensor {
  return { data: new Float32Array(row), shape: [row.length] };
}

/** Sizes of a layer. */
export interface Sizes {
  heads: number;
  /** Numbers of a head's query and value. */
  dim: number;
  valueDim: number;
  queryWidth: number;
  outputWidth: number;
  /** Tokens, in Super layers. */
  context: number;
}

/** Random weights of a kind with all biases, as plain rows and as tensors. */
export function drawLayer(
  kind: LayerKind,
  { heads, dim, valueDim, queryWidth, outputWidth, context }: Sizes,
  seed: number,
  widths: { key?: number; value?: number } = {},
): { plain: PlainWeights; weights: Record<string, Tensor> } {
  const random = seeded(seed), all = heads * dim, allValues = heads * valueDim;
  const matrix = (rows: number, columns: number) =>
    normalRows(random, rows, columns, 1 / Math.sqrt(columns));
  const vector = (length: number) => normalRows(random, 1, length, 0.3)[0];
  const plain: PlainWeights = {
    query: matrix(all, queryWidth),
    queryBias: vector(all),
    output: matrix(outputWidth, allValues),
    outputBias: vector(outputWidth),
    alwaysKeys: [],
    alwaysValues: [],
  };
  const weights: Record<string, Tensor> = {
    queryWeight: tensorOf(plain.query),
    queryBias: vectorOf(plain.queryBias),
    outputWeight: tensorOf(plain.output),
    outputBias: vectorOf(plain.outputBias),
  };
  if (kind === "multiHead" || kind === "optimised") {
    plain.key = matrix(all, widths.key ?? queryWidth);
    plain.keyBias = vector(all);
    weights.keyWeight = tensorOf(plain.key);
    weights.keyBias = vectorOf(plain.keyBias);
  }
  if (kind === "multiHead") {
    plain.value = matrix(allValues, widths.value ?? queryWidth);
    plain.valueBias = vector(allValues);
    plain.alwaysKeys = [vector(all)];
    plain.alwaysValues = [vector(allValues)];
    weights.valueWeight = tensorOf(plain.value);
    weights.valueBias = vectorOf(plain.valueBias);
    weights.keyRow = vectorOf(plain.alwaysKeys[0]);
    weights.valueRow = vectorOf(plain.alwaysValues[0]);
  }
  if (kind === "super") {
    plain.context = matrix(context, context);
    plain.contextBias = vector(context);
    weights.contextWeight = tensorOf(plain.context);
    weights.contextBias = vectorOf(plain.contextBias);
  }
  return { plain, weights };
}
