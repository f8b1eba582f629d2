/**
 * Canonical scores in plain loops: many keys of a query, or one that enters or leaves a row.
 *
 * @module
 */

import type { Entries } from "../rows.ts";
import { dotEntries, isSparser, partition } from "./entries.ts";
import type { Entry, Kernel, Query, Scratch } from "./kernel.ts";
import { type Spread, spreadEntries } from "./spread.ts";
import { DENSE, entriesOf, type Table } from "./table.ts";

/** See {@linkcode Kernel}. */
export function score(
  this: Kernel,
  { dim, rows, at, factor, entries }: Query,
  keys: Table,
  biases: Float64Array,
  { slots, picked, scores }: Scratch,
  count: number,
): void {
  const { start, dense } = keys, paired = dim & ~1;
  const written = partition(keys, slots, count, picked);
  let i = entries === undefined ? 0 : written;
  // Two keys at a time: four independent chains of additions.
  for (; i + 1 < written; i += 2) {
    const first = picked[i], second = picked[i + 1];
    const a = start[slots[first]] * dim, b = start[slots[second]] * dim;
    let evenA = 0, oddA = 0, evenB = 0, oddB = 0;
    for (let t = 0; t < paired; t += 2) {
      const even = rows[at + t], odd = rows[at + t + 1];
      evenA += even * dense[a + t];
      oddA += odd * dense[a + t + 1];
      evenB += even * dense[b + t];
      oddB += odd * dense[b + t + 1];
    }
    if (paired < dim) {
      evenA += rows[at + paired] * dense[a + paired];
      evenB += rows[at + paired] * dense[b + paired];
    }
    scores[first] = (evenA + oddA) * factor + biases[slots[first]];
    scores[second] = (evenB + oddB) * factor + biases[slots[second]];
  }
  if (i < written) {
    const last = picked[i], a = start[slots[last]] * dim;
    let even = 0, odd = 0;
    for (let t = 0; t < paired; t += 2) {
      even += rows[at + t] * dense[a + t];
      odd += rows[at + t + 1] * dense[a + t + 1];
    }
    if (paired < dim) even += rows[at + paired] * dense[a + paired];
    scores[last] = (even + odd) * factor + biases[slots[last]];
  }
  if (entries !== undefined) {
    for (let i = 0; i < written; i++) {
      const slot = slots[picked[i]];
      scores[picked[i]] = dotOf(entries, dense, start[slot] * dim) * factor +
        biases[slot];
    }
  }
  let products = written * (entries === undefined ? dim : entries.count);
  for (let i = picked.length - count + written; i < picked.length; i++) {
    const slot = slots[picked[i]], nonZeros = keys.count[slot];
    const dot = dotEntries(
      keys.columns,
      keys.numbers,
      start[slot],
      keys.evens[slot],
      nonZeros,
      rows,
      at,
    );
    scores[picked[i]] = dot * factor + biases[slot];
    products += nonZeros;
  }
  this.multiplyAdds += products;
}

/** See {@linkcode Kernel}: one query after the other. */
export function scoreTogether(
  this: Kernel,
  queries: readonly Query[],
  keys: Table,
  biases: Float64Array,
  scratch: Scratch,
  count: number,
  spread: Spread,
): void {
  for (let i = 0; i < queries.length; i++) {
    const query = queries[i];
    if (query.entries !== undefined) {
      spreadEntries(spread, query.entries);
      query.rows = spread.numbers;
      query.at = 0;
    }
    const scores = scratch.scores.subarray(i * count);
    this.score(query, keys, biases, { ...scratch, scores }, count);
  }
}

/** A query that is nowhere yet. */
export function makeQuery({ width, dense }: Table, factor: number): Query {
  return { dim: width, rows: dense, at: 0, factor, entries: undefined };
}

/** Lets a query be that of a row; a sparse one is not written out. */
export function aimQuery(queries: Table, query: Query, row: number): void {
  query.rows = queries.dense;
  if (queries.evens[row] === DENSE) {
    query.at = queries.start[row] * queries.width;
    query.entries = undefined;
  } else query.entries = entriesOf(queries, row);
}

function dotOf(
  { columns, numbers, start, evens, count }: Entries,
  rows: Float32Array,
  at: number,
): number {
  return dotEntries(columns, numbers, start, evens, count, rows, at);
}

/** The canonical score of one key. */
export function scoreOf(query: Query, entry: Entry): number {
  const { dim, rows, at, factor, entries } = query,
    { key, keyEntries, bias } = entry;
  if (keyEntries !== undefined && isSparser(keyEntries, entries)) {
    return dotOf(keyEntries, rows, at) * factor + bias;
  }
  if (entries !== undefined) {
    return dotOf(entries, entry.plain, entry.at) * factor + bias;
  }
  const paired = dim & ~1;
  let even = 0, odd = 0;
  for (let t = 0; t < paired; t += 2) {
    even += rows[at + t] * key[t];
    odd += rows[at + t + 1] * key[t + 1];
  }
  if (paired < dim) even += rows[at + paired] * key[paired];
  return (even + odd) * factor + bias;
}

/** The multiply-adds that it takes. */
export function scoreCost({ dim, entries }: Query, entry: Entry): number {
  return Math.min(entries?.count ?? dim, entry.keyEntries?.count ?? dim);
}
