/**
 * What a replay of dense changes costs, counted as the scalar loops count it (`tests/twins_test.ts` compares).
 *
 * @module
 */

import type { Batch, Entry } from "./kernel.ts";
import { ENTERS, LEAVES, sidesOf } from "./replay.ts";

/** Whether all changes are dense, and no value is told by its differences. */
export function isDense({ changes, count }: Batch): boolean {
  const dense = ({ keyEntries, valueEntries }: Entry) =>
    keyEntries === undefined && valueEntries === undefined;
  for (let at = 0; at < count; at++) {
    const { leaves, enters, old, now, differences } = changes[at];
    if (
      differences !== undefined || (leaves && !dense(old)) ||
      (enters && !dense(now))
    ) return false;
  }
  return true;
}

/** The multiply-adds of dense rows over dense changes. */
export function costsOf(
  batch: Batch,
  count: number,
  dim: number,
  valueDim: number,
): number {
  let cost = 0;
  for (let i = 0; i < count; i++) {
    cost += costOf(batch, i, batch.done[i], dim, valueDim);
  }
  return cost;
}

/** Those of one row, which has scored the change that it stopped at. */
export function costOf(
  batch: Batch,
  i: number,
  done: number,
  dim: number,
  valueDim: number,
): number {
  let sum = 0;
  for (let at = 0; at < Math.min(done + 1, batch.count); at++) {
    const sides = sidesOf(batch, i, at), both = sides === LEAVES + ENTERS;
    const contents = sides === 0 ? 0 : both ? 2 : 1;
    sum += dim * (both && batch.changes[at].sameKey ? 1 : contents);
    if (at < done) sum += contents * (valueDim + 1);
  }
  return sum;
}
