/**
 * What changed, and what it was before, for as long as a row may need it.
 *
 * A write is noted, nothing is computed: the clock ticks, the slot moves to the front of the list of last writes, and
 * the content that some row has seen is kept as a version. The slots that a row has not seen since its own clock are
 * then exactly a prefix of the list. A second write to a slot that nobody has looked at in between overwrites: writes
 * coalesce. Versions cost memory, so there is a limit; past it the rows furthest behind go cold, which means that
 * their next read starts over and needs no versions.
 *
 * @module
 */

import type { Home } from "../kernel/home.ts";
import type { KeyTable } from "./keys.ts";
import {
  clearVersion,
  fillVersion,
  growVersions,
  makeVersions,
  moveVersion,
  type Versions,
  versionsBytes,
} from "./versions.ts";

/** The clock of a row whose sums are void. */
export const COLD = -1;

/** The log of an attention. */
export interface Log {
  /** Ticks once for every slot written. */
  clock: number;
  /** The newest clock at which any row was up to date: content written later was seen by nobody. */
  seen: number;
  /** slots: when each was last written, 0 for never. */
  written: Float64Array;
  /** slots: when the key, bias or owner of each last changed: what its score depends on. */
  scored: Float64Array;
  /** slots: neighbours in the list of last writes, newest first; −1 ends it. */
  next: Int32Array;
  previous: Int32Array;
  head: number;
  /** slots: the newest version of each, −1 for none. */
  newest: Int32Array;
  versions: Versions;
  /** Writes that overwrote content nobody had seen. */
  coalesced: number;
  /** Distinct slots written since all rows were last up to date, and the clock of then. */
  pending: number;
  settled: number;
}

/** Makes an empty log for keys and values of these widths. */
export function makeLog(dim: number, valueDim: number, home: Home): Log {
  return {
    clock: 0,
    seen: COLD,
    written: new Float64Array(0),
    scored: new Float64Array(0),
    next: new Int32Array(0),
    previous: new Int32Array(0),
    head: -1,
    newest: new Int32Array(0),
    versions: makeVersions(0, dim, valueDim, home),
    coalesced: 0,
    pending: 0,
    settled: 0,
  };
}

/** Ticks for a slot that is about to be written. */
export function tick(log: Log, table: KeyTable, slot: number): void {
  if (slot >= log.written.length) growLog(log, table.slots.idOf.length);
  log.clock++;
}

/**
 * Keeps what a slot holds if a row has seen it, at the clock of the write that is to come.
 *
 * `limit` is how many versions may be kept and `clocks` the clocks of the rows, some of which may go cold.
 */
export function noteContent(
  log: Log,
  table: KeyTable,
  slot: number,
  held: boolean,
  limit: number,
  clocks: Float64Array,
): void {
  const written = log.written[slot];
  if (written > log.seen) {
    if (written > 0) log.coalesced++;
  } else if (held) {
    // Making room may turn every row cold, after which nobody has seen anything.
    if (log.versions.used >= limit) shed(log, clocks, limit);
    if (written <= log.seen && log.versions.used < limit) {
      const version = copyVersion(log, table, slot, log.clock, limit);
      if (version === NONE) {
        clocks.fill(COLD);
        dropUnneeded(log, clocks);
      }
    }
  }
}

/** Notes that a slot is written, and whether its score may change. */
export function noteWrite(log: Log, slot: number, rescored: boolean): void {
  const { clock } = log, written = log.written[slot];
  if (written <= log.settled) log.pending++;
  log.written[slot] = clock;
  if (rescored) log.scored[slot] = clock;
  moveToFront(log, slot);
}

/** Ticks and notes the same for slots that were never written: nobody has seen what they held. */
export function noteFirstWrites(
  log: Log,
  table: KeyTable,
  slots: Int32Array,
): void {
  const slotCount = table.slots.idOf.length;
  if (slotCount > log.written.length) growLog(log, slotCount);
  const { written, scored, next, previous } = log;
  let { clock, head } = log;
  for (let at = 0; at < slots.length; at++) {
    const slot = slots[at];
    written[slot] = scored[slot] = ++clock;
    next[slot] = head;
    if (head >= 0) previous[head] = slot;
    head = slot;
  }
  log.clock = clock;
  log.head = head;
  log.pending += slots.length;
}

/** No version: the slot held no key at that clock. */
export const NONE = -1;

/** The version of a slot that a row of this clock has in its sums; the slot was written later than that. */
export function versionAt(log: Log, slot: number, clock: number): number {
  const { from, until, older } = log.versions;
  for (
    let at = log.newest[slot];
    at !== NONE && until[at] > clock;
    at = older[at]
  ) {
    if (from[at] <= clock) return at;
  }
  return NONE;
}

/** Writes the slots written after `clock` into `into`, newest first, and returns how many; −1 if there are more than fit `most`. */
export function listWritten(
  log: Log,
  clock: number,
  most: number,
  into: Int32Array,
): number {
  let count = 0;
  for (
    let slot = log.head;
    slot >= 0 && log.written[slot] > clock;
    slot = log.next[slot]
  ) {
    if (count === most) return -1;
    into[count++] = slot;
  }
  return count;
}

/** All rows are up to date. */
export function settle(log: Log): void {
  log.pending = 0;
  log.settled = log.clock;
}

/** No version is needed any more. */
export function dropVersions(log: Log): void {
  const { versions } = log;
  for (let at = 0; at < versions.used; at++) {
    log.newest[versions.slot[at]] = NONE;
    clearVersion(versions, at);
  }
  versions.used = 0;
}

/** Bytes held by the log. */
export function logBytes(log: Log): number {
  return log.written.byteLength + log.scored.byteLength + log.next.byteLength +
    log.previous.byteLength + log.newest.byteLength +
    versionsBytes(log.versions);
}

/**
 * Copies what a slot holds into a version good until a clock: into the place given, or a new one.
 *
 * NONE where there is no memory for it: the write that comes stands, and who needs the version starts over.
 */
export function copyVersion(
  log: Log,
  table: KeyTable,
  slot: number,
  clock: number,
  limit: number,
  place?: number,
): number {
  const { versions } = log, at = place ?? versions.used;
  try {
    if (at === versions.slot.length) growVersions(versions, limit);
    fillVersion(versions, at, table.keys, table.values, slot);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    if (at < versions.slot.length) clearVersion(versions, at);
    return NONE;
  }
  if (place === undefined) versions.used++;
  versions.slot[at] = slot;
  versions.id[at] = table.slots.idOf[slot];
  versions.from[at] = log.written[slot];
  versions.until[at] = clock;
  versions.older[at] = log.newest[slot];
  versions.bias[at] = table.scoreBiases[slot];
  versions.peak[at] = table.peaks[slot];
  versions.norm[at] = table.norms[slot];
  log.newest[slot] = at;
  return at;
}

/**
 * Drops versions no row needs; if that does not free half of the limit, rows go cold that have missed more writes than
 * half of it. A write makes one version at most, so those who have missed fewer can always stay.
 */
function shed(log: Log, clocks: Float64Array, limit: number): void {
  dropUnneeded(log, clocks);
  if (limit > 0 && log.versions.used <= limit >>> 1) return;
  const least = log.clock - (limit >>> 1);
  for (let row = 0; row < clocks.length; row++) {
    if (clocks[row] < least) clocks[row] = COLD;
  }
  dropUnneeded(log, clocks);
}

/** Keeps the versions that a row has in its sums. */
function dropUnneeded(log: Log, rowClocks: Float64Array): void {
  const clocks = [...new Set(rowClocks)].filter((clock) => clock !== COLD)
    .sort((a, b) => a - b);
  log.seen = clocks.length === 0 ? COLD : clocks[clocks.length - 1];
  const { versions, newest } = log;
  const { slot, from, until, older } = versions;
  const needed = (at: number) => {
    let low = 0, high = clocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (clocks[middle] < from[at]) low = middle + 1;
      else high = middle;
    }
    return low < clocks.length && clocks[low] < until[at];
  };
  // Entries keep their order, so the chain of a slot can be strung again from old to new.
  for (let at = 0; at < versions.used; at++) newest[slot[at]] = NONE;
  let kept = 0;
  for (let at = 0; at < versions.used; at++) {
    if (!needed(at)) {
      clearVersion(versions, at);
      continue;
    }
    if (kept !== at) moveVersion(versions, at, kept);
    older[kept] = newest[slot[kept]];
    newest[slot[kept]] = kept++;
  }
  versions.used = kept;
}

function moveToFront(log: Log, slot: number): void {
  const { next, previous } = log;
  if (log.head === slot) return;
  if (previous[slot] >= 0) next[previous[slot]] = next[slot];
  if (next[slot] >= 0) previous[next[slot]] = previous[slot];
  previous[slot] = -1;
  next[slot] = log.head;
  if (log.head >= 0) previous[log.head] = slot;
  log.head = slot;
}

function growLog(log: Log, slots: number): void {
  const doubles = (old: Float64Array) => {
    const grown = new Float64Array(slots);
    grown.set(old);
    return grown;
  };
  const links = (old: Int32Array) => {
    const grown = new Int32Array(slots).fill(-1);
    grown.set(old);
    return grown;
  };
  log.written = doubles(log.written);
  log.scored = doubles(log.scored);
  log.next = links(log.next);
  log.previous = links(log.previous);
  log.newest = links(log.newest);
}
