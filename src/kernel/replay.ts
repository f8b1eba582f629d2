/**
 * Rows over changed keys, one after the other, in plain loops.
 *
 * @module
 */

import { isSparser } from "./entries.ts";
import { exchange } from "./exchange.ts";
import type { Batch, Kernel, KeyChange, Query, Sums } from "./kernel.ts";
import { aimQuery, makeQuery } from "./score.ts";
import { spreadEntries } from "./spread.ts";
import type { Table } from "./table.ts";

/** See {@linkcode Kernel}. */
export function replay(
  this: Kernel,
  sums: Sums,
  queries: Table,
  factor: number,
  batch: Batch,
  count: number,
): boolean {
  let stopped = false;
  const { rows, done, changes } = batch, query = makeQuery(queries, factor);
  for (let i = 0; i < count; i++) {
    aimQuery(queries, query, rows[i]);
    let at = 0;
    while (at < batch.count) {
      const change = changes[at], sides = sidesOf(batch, i, at);
      if (
        sides !== 0 &&
        !carryOut(this, sums, rows[i], query, change, sides, batch)
      ) break;
      at++;
    }
    done[i] = at;
    if (at < batch.count) stopped = true;
  }
  return !stopped;
}

/** The row holds the old content; it is to hold the new one. */
export const LEAVES = 1, ENTERS = 2;

/** What a change does to row number `i` of a batch. */
export function sidesOf(
  { changes, masked, sides, count }: Batch,
  i: number,
  at: number,
): number {
  if (masked) return sides[i * count + at];
  const { leaves, enters } = changes[at];
  return (leaves ? LEAVES : 0) + (enters ? ENTERS : 0);
}

function carryOut(
  kernel: Kernel,
  sums: Sums,
  row: number,
  query: Query,
  { old, now, sameKey, differences }: KeyChange,
  sides: number,
  { spread }: Batch,
): boolean {
  const outgoing = (sides & LEAVES) !== 0 ? old : null;
  const incoming = (sides & ENTERS) !== 0 ? now : null;
  const { entries } = query;
  if (
    entries !== undefined &&
    (isSparser(outgoing?.keyEntries, entries) ||
      isSparser(incoming?.keyEntries, entries))
  ) {
    if (query.rows !== spread.numbers) spreadEntries(spread, entries);
    query.rows = spread.numbers;
    query.at = 0;
  }
  return exchange(
    kernel,
    sums,
    row,
    query,
    outgoing,
    incoming,
    sameKey,
    differences,
  );
}
