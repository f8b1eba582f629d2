/**
 * Where two rows differ.
 *
 * @module
 */

import type { Differences } from "../kernel/kernel.ts";
import { DENSE, type Table } from "../kernel/table.ts";

/** Beyond this share of a dense row its differences are not worth telling apart from the rest. */
const MOST_DIFFERENCES = 0.5;

/**
 * Counts the numbers in which two rows of the same width differ, and writes them down if there is something to write
 * to; −1 where going through both rows as a whole is no dearer, or where one is dense and the other sparse.
 */
export function compareRows(
  before: Table,
  old: number,
  after: Table,
  row: number,
  into: Differences | undefined,
): number {
  const dense = before.evens[old] === DENSE;
  if (dense !== (after.evens[row] === DENSE)) return -1;
  return dense
    ? compareDense(before, old, after, row, into)
    : compareSparse(before, old, after, row, into);
}

function compareDense(
  before: Table,
  old: number,
  after: Table,
  row: number,
  into: Differences | undefined,
): number {
  const { width, dense } = before, now = after.dense;
  const a = before.start[old] * width, b = after.start[row] * width;
  const most = width * MOST_DIFFERENCES;
  let count = 0;
  for (let c = 0; c < width; c++) {
    if (dense[a + c] === now[b + c]) continue;
    if (count >= most) return -1;
    if (into !== undefined) set(into, count, c, dense[a + c], now[b + c]);
    count++;
  }
  if (into !== undefined) into.count = count;
  return count;
}

function compareSparse(
  before: Table,
  old: number,
  after: Table,
  row: number,
  into: Differences | undefined,
): number {
  const all = before.count[old] + after.count[row];
  const most = Math.floor(all * MOST_DIFFERENCES);
  let count = 0;
  for (let lane = 0; lane < 2; lane++) {
    let a = before.start[old] + lane * before.evens[old];
    let b = after.start[row] + lane * after.evens[row];
    const endA = before.start[old] +
      (lane === 0 ? before.evens[old] : before.count[old]);
    const endB = after.start[row] +
      (lane === 0 ? after.evens[row] : after.count[row]);
    while (a < endA || b < endB) {
      const columnA = a < endA ? before.columns[a] : Infinity;
      const columnB = b < endB ? after.columns[b] : Infinity;
      const column = Math.min(columnA, columnB);
      const out = columnA === column ? before.numbers[a++] : 0;
      const now = columnB === column ? after.numbers[b++] : 0;
      if (out === now) continue;
      if (count >= most) return -1;
      if (into !== undefined) set(into, count, column, out, now);
      count++;
    }
  }
  if (into !== undefined) into.count = count;
  return count;
}

function set(
  { columns, before, after }: Differences,
  at: number,
  column: number,
  out: number,
  now: number,
): void {
  columns[at] = column;
  before[at] = out;
  after[at] = now;
}
