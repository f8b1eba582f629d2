/**
 * The published dynamic attention and its own demonstration: uniform numbers, 50 of them in a key, and steps that
 * change 10 numbers of keys and 10 of values.
 *
 * @module
 */

import { softmaxAttention } from "@reattend/reattend";
import { inverse, Matrix } from "ml-matrix";
import { seeded } from "../src/random.ts";
import {
  type EntryUpdate,
  flushDynamic,
  makeDynamicAttention,
} from "../tests/originals.ts";
import { PRECISION, refuseUnless } from "./check.ts";
import type { Contestant } from "./measure.ts";

/** Numbers in a key and in a value. */
export const DIM = 50;
/** Numbers changed in a step, of the keys and of the values each. */
export const CHANGES = 10;
/** Steps of the demonstration; as many more take them back. */
export const STEPS = 100;
/** Numbers of keys and of values that change. */
export interface Step {
  keys: EntryUpdate[];
  values: EntryUpdate[];
}

/** Queries, keys and values, each n × DIM, and what is done to them. */
export interface Demo {
  queries: number[][];
  keys: number[][];
  values: number[][];
  steps: Step[];
}

/** Makes the demonstration for n queries and keys. */
export function makeDemo(n: number): Demo {
  const { integer } = seeded(n);
  // Multiples of 2^-10: their sums are exact in 32 bits and in 64, and steps can be taken back.
  const number = () => integer(1024) / 1024;
  const matrix = () =>
    Array.from({ length: n }, () => Array.from({ length: DIM }, number));
  const updates = () =>
    Array.from(
      { length: CHANGES },
      (): EntryUpdate => [integer(n), integer(DIM), number() - 0.5],
    );
  const steps = Array.from(
    { length: STEPS },
    (): Step => ({ keys: updates(), values: updates() }),
  );
  const back = ([i, j, delta]: EntryUpdate): EntryUpdate => [i, j, -delta];
  return {
    queries: matrix(),
    keys: matrix(),
    values: matrix(),
    steps: [
      ...steps,
      ...steps.map(({ keys, values }) => ({
        keys: keys.map(back),
        values: values.map(back),
      })),
    ],
  };
}

/** The original in the matrices of ml-matrix; it inverts the diagonal matrix of its sums as any matrix. */
export function original(demo: Demo): Contestant {
  const queries = new Matrix(demo.queries), keys = new Matrix(demo.keys);
  const values = new Matrix(demo.values);
  const weights = queries.mmul(keys.transpose()).exp();
  const sums = Matrix.diag(weights.sum("row"));
  const attend = () => inverse(sums).mmul(weights).mmul(values);
  let done = 0;
  const run = () => {
    const step = demo.steps[done++ % demo.steps.length];
    for (const [i, j, delta] of step.keys) {
      keys.set(i, j, keys.get(i, j) + delta);
      const row = queries.getRowVector(i).mmul(keys.transpose()).exp();
      weights.setRow(i, row.to1DArray());
      sums.set(i, i, row.sum());
    }
    attend();
    for (const [i, j, delta] of step.values) {
      values.set(i, j, values.get(i, j) + delta);
    }
    return attend();
  };
  const known = described(demo, 1);
  refuseUnless(distance(run().to2DArray(), known) < PRECISION, "original");
  return { run };
}

/** What the original answers after so many steps, by the tests' model of it. */
export function described(demo: Demo, count: number): number[][] {
  const { queries, keys, values } = structuredClone(demo);
  const model = makeDynamicAttention(queries, keys, values);
  for (const step of demo.steps.slice(0, count)) {
    model.keyQueue.push(...step.keys);
    model.valueQueue.push(...step.values);
  }
  // One flush leaves what many would: the weights come from the keys alone.
  flushDynamic(model);
  return model.attention;
}

/** The definition after so many steps. */
export function truth(
  { queries, keys, values, steps }: Demo,
  count: number,
): number[][] {
  const k = structuredClone(keys), v = structuredClone(values);
  for (const step of steps.slice(0, count)) {
    for (const [i, j, delta] of step.keys) k[i][j] += delta;
    for (const [i, j, delta] of step.values) v[i][j] += delta;
  }
  return softmaxAttention(queries, k, v, { scale: 1 }).to2DArray();
}

/** The largest difference. */
export function distance(a: number[][], b: number[][]): number {
  const flat = b.flat();
  return a.flat().reduce((d, x, at) => Math.max(d, Math.abs(x - flat[at])), 0);
}
