/**
 * What a call of the kernel in WebAssembly looks at: places in memory, laid out on a desk that lies there too.
 *
 * The kernel gets addresses, not arrays. Where many are needed at once, they are written to a list, and the call gets
 * the address of that; so do changes of keys, of which each has a few addresses, flags and numbers.
 *
 * @module
 */

import type { Home } from "./home.ts";
import {
  type KeyChange,
  LANES,
  NUMERATORS,
  PER_ROW,
  type Sums,
} from "./kernel.ts";
import { ENTERS, LEAVES } from "./replay.ts";
import type { Table } from "./table.ts";

/** What the kernel keeps beside what it is given. */
export interface Desk {
  /** A query in 64 bits, a zero behind an odd width. */
  query: Float64Array;
  /** Mass and magnitude, high and low. */
  sums: Float64Array;
  /** Addresses of the arrays that a call looks at. */
  addresses: Int32Array;
  /** Of each change flags and four addresses. */
  changes: Int32Array;
  /** Of each change two biases and two peaks. */
  sizes: Float64Array;
  /** Keys to score, the scores of four rows, weights, and four queries. */
  scratch: Float64Array;
  /** Dense queries one behind the other, where they are not too long for that, and their order: 0, 1, 2 … */
  queries: Float32Array;
  order: Int32Array;
  /** Queries side by side, where they are not too long for that; of an odd width with a column of zeros behind. */
  lanes: Float64Array;
  /** Answers on their way out. */
  answers: Float64Array;
}

/** Numbers of a change in each of the two, and how many changes there may be. */
const CHANGE = 8, SIZES = 4, MOST_CHANGES = 8;
/** Two keys for each change: the list, four scores each, four weights each. */
const SCRATCH = 2 * MOST_CHANGES * (1 + 4 + 4);
/** A flag of a change: both contents score alike. */
const SAME = 4;
/** Longer queries side by side would leave the second-level cache. */
const LONGEST = 4096;
/** Numbers of answers that are copied out together. */
const ANSWERS = 2048;
/** The order in which the kernel looks for the arrays of the sums. */
const SUMS = [...PER_ROW, ...NUMERATORS];

/** Makes a desk for rows of these widths. */
export function makeDesk(home: Home, dim: number, valueDim: number): Desk {
  const doubles = () => new Float64Array(0), ints = () => new Int32Array(0);
  const desk: Desk = {
    query: doubles(),
    sums: doubles(),
    addresses: ints(),
    changes: ints(),
    sizes: doubles(),
    scratch: doubles(),
    queries: new Float32Array(0),
    order: ints(),
    lanes: doubles(),
    answers: doubles(),
  };
  const padded = dim + dim % 2;
  home.grow(desk, "query", padded);
  home.grow(desk, "sums", 4);
  home.grow(desk, "addresses", SUMS.length);
  home.grow(desk, "changes", CHANGE * MOST_CHANGES);
  home.grow(desk, "sizes", SIZES * MOST_CHANGES);
  home.grow(desk, "scratch", SCRATCH + 4 * padded);
  if (dim <= LONGEST) {
    home.grow(desk, "queries", LANES * dim);
    home.grow(desk, "order", LANES);
    home.grow(desk, "lanes", LANES * padded);
    for (let i = 0; i < LANES; i++) desk.order[i] = i;
  }
  home.grow(desk, "answers", Math.max(ANSWERS, valueDim));
  return desk;
}

/** Lists where the sums of rows are; returns where the list is. */
export function placeSums({ addresses }: Desk, sums: Sums): number {
  for (let i = 0; i < SUMS.length; i++) {
    addresses[i] = sums[SUMS[i]].byteOffset;
  }
  return addresses.byteOffset;
}

/** Lists where keys are, and the query that they meet; returns where the list is. */
export function placeKeys(
  { addresses, query }: Desk,
  { start, evens, count, dense, columns, numbers }: Table,
  biases: Float64Array,
): number {
  addresses[0] = start.byteOffset;
  addresses[1] = evens.byteOffset;
  addresses[2] = count.byteOffset;
  addresses[3] = dense.byteOffset;
  addresses[4] = columns.byteOffset;
  addresses[5] = numbers.byteOffset;
  addresses[6] = biases.byteOffset;
  addresses[7] = query.byteOffset;
  return addresses.byteOffset;
}

/** Lays a change out; what there is none of is read and weighs nothing. */
export function placeChange(
  { changes, sizes }: Desk,
  { old, now, leaves, enters, sameKey }: KeyChange,
  at: number,
): void {
  const from = at * CHANGE, size = at * SIZES;
  const before = leaves ? old : now, after = enters ? now : old;
  changes[from] = (leaves ? LEAVES : 0) + (enters ? ENTERS : 0) +
    (sameKey ? SAME : 0);
  changes[from + 1] = before.key.byteOffset;
  changes[from + 2] = after.key.byteOffset;
  changes[from + 3] = before.value.byteOffset;
  changes[from + 4] = after.value.byteOffset;
  sizes[size] = before.bias;
  sizes[size + 1] = after.bias;
  sizes[size + 2] = before.peak;
  sizes[size + 3] = after.peak;
}
