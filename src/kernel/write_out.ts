/**
 * Sparse keys and values written out for the rows that meet them.
 *
 * Kernels with vectors meet a row of numbers faster than its entries, unless these are few in a long row. Zeros change
 * no bit of what they are added to, so rows end up with the same sums; the work is counted by entries as ever.
 *
 * @module
 */

import type { Entries } from "../rows.ts";
import type { Batch, Entry } from "./kernel.ts";

/** Measured: an entry takes the time of so many numbers, and loops over entries as much as that many more to begin with. */
const PER_ENTRY = 8, TO_BEGIN = 88;
/** Fewer rows do not repay the writing. */
const LEAST_ROWS = 4;

/** Whether so many entries of a row are as dear as the whole row. */
export function fitsWrittenOut(count: number, width: number): boolean {
  return PER_ENTRY * count + TO_BEGIN >= width;
}

/**
 * Writes out what is sparse in a batch that `rows` rows are to meet, where that pays; whether all of it is written out.
 * The caller has made room where it may pay.
 */
export function writeOut({ changes, count }: Batch, rows: number): boolean {
  let sparse = false;
  for (let at = 0; at < count; at++) {
    const { leaves, enters, old, now, differences } = changes[at];
    if (
      differences !== undefined || (leaves && !fits(old)) ||
      (enters && !fits(now))
    ) return false;
    sparse ||= leaves && isSparse(old) || enters && isSparse(now);
  }
  if (sparse && rows < LEAST_ROWS) return false;
  for (let at = 0; at < count && sparse; at++) {
    const { leaves, enters, old, now } = changes[at];
    if (leaves) writeEntry(old);
    if (enters) writeEntry(now);
  }
  return true;
}

function isSparse({ keyEntries, valueEntries }: Entry): boolean {
  return keyEntries !== undefined || valueEntries !== undefined;
}

function fits({ key, keyEntries, value, valueEntries }: Entry): boolean {
  return hasRoom(key, keyEntries) && hasRoom(value, valueEntries);
}

function hasRoom(room: Float64Array, entries: Entries | undefined): boolean {
  return entries === undefined ||
    room.length > 0 && fitsWrittenOut(entries.count, room.length);
}

function writeEntry({ key, keyEntries, value, valueEntries }: Entry): void {
  if (keyEntries !== undefined) write(key, keyEntries);
  if (valueEntries !== undefined) write(value, valueEntries);
}

function write(
  room: Float64Array,
  { columns, numbers, start, count }: Entries,
): void {
  room.fill(0);
  for (let i = start; i < start + count; i++) room[columns[i]] = numbers[i];
}
