/**
 * Counts rows that were read and compared with what they have to be, bit for bit, and remembers the first wrong one.
 *
 * @module
 */

import { assert } from "@std/assert";

/** Rows read, and what was wrong with them. */
export interface Tally {
  reads: number;
  wrong: number;
  first: string;
}

/** Notes a row that was read, in `row` of a table of outputs. */
export function read(
  tally: Tally,
  context: string,
  answers: ArrayLike<number>,
  row: number,
  truth: readonly number[],
): void {
  tally.reads++;
  const start = row * truth.length;
  const at = truth.findIndex((x, c) => !Object.is(answers[start + c], x));
  if (at < 0) return;
  if (tally.wrong++ === 0) {
    tally.first = `${context}, component ${at}: ${answers[start + at]}, not ${
      truth[at]
    }`;
  }
}

/** Fails if anything was wrong, or less was read than intended. */
export function finish({ reads, wrong, first }: Tally, least: number): void {
  assert(wrong === 0, `${wrong} of ${reads} rows are wrong; ${first}`);
  assert(
    reads >= least,
    `${reads} rows were read, at least ${least} should be`,
  );
}

/** Nothing read so far. */
export function makeTally(): Tally {
  return { reads: 0, wrong: 0, first: "" };
}
