/**
 * What a replay costs dense rows, counted as the scalar loops count it (`tests/twins_test.ts` compares).
 *
 * @module
 */

import type { Batch } from "./kernel.ts";
import { ENTERS, LEAVES, sidesOf } from "./replay.ts";

/** The multiply-adds of rows. */
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
    const sides = sidesOf(batch, i, at), out = (sides & LEAVES) !== 0;
    const into = (sides & ENTERS) !== 0;
    const { old, now, sameKey } = batch.changes[at];
    if (out) sum += old.keyEntries?.count ?? dim;
    if (into && !(out && sameKey)) sum += now.keyEntries?.count ?? dim;
    if (at === done) break;
    if (out) sum += 1 + (old.valueEntries?.count ?? valueDim);
    if (into) sum += 1 + (now.valueEntries?.count ?? valueDim);
  }
  return sum;
}
