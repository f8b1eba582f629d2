/**
 * The partial sums of some queries over some keys, as they travel.
 *
 * A plain record of numbers, a string and typed arrays, so that it can be posted to a Worker, its buffers be transferred
 * or its arrays be written to a file. What comes back from there is checked again.
 *
 * @module
 */

import { show } from "../check.ts";
import { KERNEL_ID } from "../kernel/kernel.ts";

/** Partial sums of n queries, made by `partial` and `merge`: mass, magnitude and numerators of each, exact. */
export interface PartialAttention {
  /** What computed the weights; parts of different kernels do not merge. */
  kernel: string;
  /** Tells queries and scale from others; parts of different queries do not merge. */
  queries: string;
  /** Numbers in a value. */
  valueDim: number;
  /** n: keys in the sums. */
  counts: Float64Array;
  /** n: the largest rounded score of a key in the sums, in log2 units; −Infinity where there is none. */
  largest: Float64Array;
  /** n: the least of them; Infinity where there is none. */
  least: Float64Array;
  /** n: the largest component of a value in size. */
  peaks: Float64Array;
  /** n: the lowest limb of each, counted from the one whose unit is the largest score rounded down to a multiple of 32. */
  lows: Int32Array;
  /** n + 1: where the limbs of each begin. */
  starts: Uint32Array;
  /** Limbs of 32 bits, the lowest first, each of the mass, the magnitude and the valueDim numerators: balanced digits. */
  limbs: Int32Array;
}

/** The sums of one query. */
export interface RowSums {
  count: number;
  largest: number;
  least: number;
  peak: number;
  low: number;
  digits: Int32Array;
}

/** No keys. */
export const NO_SUMS: Readonly<RowSums> = {
  count: 0,
  largest: -Infinity,
  least: Infinity,
  peak: 0,
  low: 0,
  digits: new Int32Array(0),
};

/** Mass and magnitude come before the numerators. */
export function columnsOf(valueDim: number): number {
  return 2 + valueDim;
}

/** Packs the sums of rows. */
export function pack(
  queries: string,
  valueDim: number,
  rows: readonly RowSums[],
): PartialAttention {
  const starts = new Uint32Array(rows.length + 1);
  rows.forEach(({ digits }, i) => starts[i + 1] = starts[i] + digits.length);
  const limbs = new Int32Array(starts[rows.length]);
  rows.forEach(({ digits }, i) => limbs.set(digits, starts[i]));
  const numbers = (of: (row: RowSums) => number) => Float64Array.from(rows, of);
  return {
    kernel: KERNEL_ID,
    queries,
    valueDim,
    counts: numbers(({ count }) => count),
    largest: numbers(({ largest }) => largest),
    least: numbers(({ least }) => least),
    peaks: numbers(({ peak }) => peak),
    lows: Int32Array.from(rows, ({ low }) => low),
    starts,
    limbs,
  };
}

/** The sums of one query, its digits where they are. */
export function unpack(
  { counts, largest, least, peaks, lows, starts, limbs }: PartialAttention,
  row: number,
): RowSums {
  return {
    count: counts[row],
    largest: largest[row],
    least: least[row],
    peak: peaks[row],
    low: lows[row],
    digits: limbs.subarray(starts[row], starts[row + 1]),
  };
}

/** Limbs are counted from the largest score: a row reaches less far than this, be its values as small as they can. */
const MOST_LIMBS = 64;
const ARRAYS = {
  counts: Float64Array,
  largest: Float64Array,
  least: Float64Array,
  peaks: Float64Array,
  lows: Int32Array,
  starts: Uint32Array,
  limbs: Int32Array,
} as const;

/** Refuses what is no partial record, or one whose parts do not fit together. */
export function checkPartial(
  verb: string,
  name: string,
  part: unknown,
): PartialAttention {
  const given = part as PartialAttention;
  if (typeof part !== "object" || part === null) {
    throw new TypeError(
      `Cannot ${verb}: ${name} is ${show(part)}, it should be made by partial`,
    );
  }
  for (const [field, kind] of Object.entries(ARRAYS)) {
    const array = given[field as keyof typeof ARRAYS];
    if (!(array instanceof kind)) {
      throw new TypeError(
        `Cannot ${verb}: ${name}.${field} is ${show(array)}, it should be ${
          show(new kind(0))
        }`,
      );
    }
  }
  if (given.kernel !== KERNEL_ID) {
    throw new RangeError(
      `Cannot ${verb}: ${name} is of the kernel ${
        show(given.kernel)
      }, it should be of ${show(KERNEL_ID)}`,
    );
  }
  if (typeof given.queries !== "string" || !fits(given)) {
    throw new RangeError(
      `Cannot ${verb}: the arrays of ${name} do not fit together, they should be as partial or merge made them`,
    );
  }
  return given;
}

function fits(part: PartialAttention): boolean {
  const { valueDim, counts, largest, least, peaks, lows, starts, limbs } = part;
  const n = counts.length, columns = columnsOf(valueDim);
  if (!Number.isInteger(valueDim) || valueDim < 0) return false;
  if (![largest, least, peaks, lows].every(({ length }) => length === n)) {
    return false;
  }
  if (starts.length !== n + 1 || starts[n] !== limbs.length) return false;
  for (let row = 0; row < n; row++) {
    const width = (starts[row + 1] - starts[row]) / columns;
    if (!Number.isInteger(width) || width < 0) return false;
    if (counts[row] === 0) {
      if (width > 0 || largest[row] !== -Infinity) return false;
      continue;
    }
    const known = counts[row] > 0 && Number.isInteger(counts[row]) &&
      Number.isInteger(largest[row]) && Number.isInteger(least[row]) &&
      least[row] <= largest[row] && peaks[row] >= 0;
    const placed = width > 0 && lows[row] >= -MOST_LIMBS &&
      lows[row] + width <= MOST_LIMBS;
    if (!known || !placed || !isPositive(part, row)) return false;
  }
  return true;
}

/** Whether the mass of a row is above 0: its highest digit that is not 0 is. */
function isPositive(
  { valueDim, starts, limbs }: PartialAttention,
  row: number,
): boolean {
  const columns = columnsOf(valueDim);
  let at = starts[row + 1] - columns;
  while (at > starts[row] && limbs[at] === 0) at -= columns;
  return limbs[at] > 0;
}
