/**
 * What rows have not seen: the slots written since their clock, and what each held then.
 *
 * @module
 */

import { apart } from "../kernel/home.ts";
import { reserveSpread, spreadEntries } from "../kernel/spread.ts";
import { DENSE, entriesOf } from "../kernel/table.ts";
import { fitsWrittenOut } from "../kernel/write_out.ts";
import { compareRows } from "../matrix/compare.ts";
import type { Store } from "../matrix/store.ts";
import {
  type LoadedChange,
  type LoadedEntry,
  makeChange,
} from "../memory/batch.ts";
import { listWritten, NONE, versionAt } from "../memory/log.ts";
import { admits } from "../memory/mask.ts";
import { type Memory, roomyScratch } from "../memory/memory.ts";
import { dotCost, restartCost, rowCost } from "./plan.ts";
import { slotOf } from "../memory/slots.ts";

/** What rows have not seen, key by key. */
export interface Changes {
  /** The slot that a key lives in, or lived in. */
  slots: number[];
  /** What their sums hold of it: a version, or NONE. */
  versions: number[];
  /** What is there now scores as that version does. */
  same: boolean[];
  /** In how many numbers its value differs then, where that is few; −1 for all. */
  differing: number[];
}

/** Lists what rows of one clock have missed; undefined where a row had better start over than look through it. */
export function listChanges(
  memory: Memory,
  clock: number,
): Changes | undefined {
  const { log, keys } = memory, { used } = keys.slots;
  const { slots: list } = roomyScratch(memory, used);
  const count = listWritten(log, clock, used, list);
  if (count < 0) return undefined;
  const changes = noChanges();
  for (let i = 0; i < count; i++) {
    const slot = list[i], same = log.scored[slot] <= clock;
    push(memory, changes, slot, versionAt(log, slot, clock), same);
  }
  return changes;
}

/** Lists what a row of edges has not seen of its keys. */
export function listPairs(memory: Memory, row: number): Changes {
  const { pairs, log, keys } = memory, changes = noChanges();
  for (const [id, version] of pairs.unseen.get(row) ?? []) {
    const slot = slotOf(keys.slots, id);
    if (version === NONE) {
      if (slot >= 0) push(memory, changes, slot, NONE, false);
      continue;
    }
    const same = slot >= 0 && log.scored[slot] < log.versions.until[version];
    // A slot that has gone to another key has nothing for this row.
    push(memory, changes, slot, version, same);
  }
  return changes;
}

function noChanges(): Changes {
  return { slots: [], versions: [], same: [], differing: [] };
}

function push(
  memory: Memory,
  { slots, versions, same, differing }: Changes,
  slot: number,
  version: number,
  sameKey: boolean,
): void {
  const { values } = memory.keys, old = memory.log.versions.values;
  slots.push(slot);
  versions.push(version);
  same.push(sameKey && version !== NONE);
  differing.push(
    sameKey && version !== NONE
      ? compareRows(old, version, values, slot, undefined)
      : -1,
  );
}

/** The two ways for a row, in multiply-adds. */
export function planRow(
  memory: Memory,
  row: number,
  { slots, versions, same, differing }: Changes,
): { replaying: number; startingOver: number } {
  const { keys: { keys, values }, rows, log: { versions: old } } = memory;
  let replaying = 0, count = rows.sums.count[row];
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i], version = versions[i];
    const out = hadKey(memory, row, version), into = hasKey(memory, row, slot);
    count += (into ? 1 : 0) - (out ? 1 : 0);
    if (out && into && differing[i] >= 0) {
      if (differing[i] > 0) {
        replaying += dotCost(memory, row, keys, slot) + 2 * (differing[i] + 1);
      }
      continue;
    }
    if (out) {
      replaying += dotCost(memory, row, old.keys, version) +
        rowCost(old.values, version) + 1;
    }
    if (into) {
      replaying += rowCost(values, slot) + 1 +
        (out && same[i] ? 0 : dotCost(memory, row, keys, slot));
    }
  }
  return { replaying, startingOver: restartCost(memory, row, count) };
}

/** Whether the row's sums hold this version. */
export function hadKey(memory: Memory, row: number, version: number): boolean {
  const { rows, mask, sieve, log: { versions } } = memory;
  if (version === NONE || versions.bias[version] === -Infinity) return false;
  const query = rows.slots.idOf[row], id = versions.id[version];
  return (mask.kind === "edges" ||
    admits(mask, query, rows.positions[row], id)) &&
    (sieve === undefined || sieve.passes(row, id));
}

/** Whether the row's sums are to hold what the slot has now. */
export function hasKey(
  { rows, keys, mask, sieve }: Memory,
  row: number,
  slot: number,
): boolean {
  if (slot < 0) return false;
  const id = keys.slots.idOf[slot], query = rows.slots.idOf[row];
  return id >= 0 && keys.scoreBiases[slot] > -Infinity &&
    admits(mask, query, rows.positions[row], id) &&
    (sieve === undefined || sieve.passes(row, id));
}

/** Loads the changes from `from` on that fit a batch, and returns the first that is not loaded. */
export function loadBatch(
  memory: Memory,
  { slots, versions, same, differing }: Changes,
  from: number,
): number {
  const { batch, mask } = memory;
  batch.count = 0;
  let next = from;
  for (; next < slots.length && batch.count < batch.most; next++) {
    const slot = slots[next], version = versions[next];
    if (batch.changes.length === batch.count) {
      batch.changes.push(makeChange(memory.kernel.home));
    }
    const change = batch.changes[batch.count];
    change.leaves = isHeld(memory, version);
    change.enters = isThere(memory, slot);
    if (!change.leaves && !change.enters) continue;
    const alike = change.leaves && change.enters && differing[next] === 0;
    // An update to what was there before.
    if (alike && mask.kind === "all") continue;
    change.sameKey = same[next];
    change.slot = slot;
    change.version = version;
    change.differing = differing[next];
    makeRoom(memory, change);
    batch.count++;
  }
  // Nothing grows from here on.
  for (const change of batch.changes.slice(0, batch.count)) {
    const { slot, version } = change;
    const { keys, log: { versions: old } } = memory;
    if (change.leaves) {
      change.old.bias = old.bias[version];
      change.old.peak = old.peak[version];
      load(memory, change.old, old.keys, old.values, version);
    }
    if (change.enters) {
      change.now.bias = keys.scoreBiases[slot];
      change.now.peak = keys.peaks[slot];
      load(memory, change.now, keys.keys, keys.values, slot);
    }
    change.differences = undefined;
    if (change.leaves && change.enters && change.differing > 0) {
      compareRows(old.values, version, keys.values, slot, change.room);
      change.differences = change.room;
    }
  }
  return next;
}

/** Whether a version is a key that a row could hold. */
function isHeld({ log: { versions } }: Memory, version: number): boolean {
  return version !== NONE && versions.bias[version] > -Infinity;
}

/** Whether a slot has a key that a row could hold. */
function isThere({ keys }: Memory, slot: number): boolean {
  return slot >= 0 && keys.slots.idOf[slot] >= 0 &&
    keys.scoreBiases[slot] > -Infinity;
}

/** Makes room for what a change will be loaded into. */
function makeRoom(
  memory: Memory,
  { old, now, leaves, enters, slot, version, differing, room }: LoadedChange,
): void {
  const { keys, log: { versions } } = memory;
  if (leaves) {
    makeEntryRoom(memory, old, versions.keys, versions.values, version);
  }
  if (enters) makeEntryRoom(memory, now, keys.keys, keys.values, slot);
  if (differing > 0 && room.columns.length === 0) {
    apart.grow(room, "columns", memory.valueDim);
    apart.grow(room, "before", memory.valueDim);
    apart.grow(room, "after", memory.valueDim);
  }
}

function makeEntryRoom(
  memory: Memory,
  entry: LoadedEntry,
  keys: Store,
  values: Store,
  at: number,
): void {
  const { dim, valueDim, kernel: { home, writesOut }, rows } = memory;
  const isWritten = ({ evens, count, width }: Store) =>
    evens[at] === DENSE ||
    writesOut && fitsWrittenOut(count[at], width);
  // Kernels may look at two columns at a time.
  if (isWritten(keys) && entry.key.length === 0) {
    home.grow(entry, "key", dim + dim % 2);
  }
  if (isWritten(values) && entry.value.length === 0) {
    home.grow(entry, "value", valueDim + valueDim % 2);
  }
  if (keys.evens[at] !== DENSE && rows.queries.denseRows < rows.slots.size) {
    reserveSpread(entry.spread, dim, keys.count[at]);
  }
}

/** Unpacks a key and its value for the rows that meet them. */
function load(
  memory: Memory,
  entry: LoadedEntry,
  keys: Store,
  values: Store,
  at: number,
): void {
  const { dim, valueDim, rows, kernel } = memory;
  if (keys.evens[at] === DENSE) {
    entry.keyEntries = undefined;
    entry.plain = keys.dense;
    entry.at = keys.start[at] * dim;
    kernel.widen(entry.plain, entry.at, dim, entry.key);
  } else {
    entry.keyEntries = entriesOf(keys, at);
    if (rows.queries.denseRows < rows.slots.size) {
      spreadEntries(entry.spread, entry.keyEntries);
      entry.plain = entry.spread.numbers;
      entry.at = 0;
    }
  }
  if (values.evens[at] === DENSE) {
    entry.valueEntries = undefined;
    kernel.widen(
      values.dense,
      values.start[at] * valueDim,
      valueDim,
      entry.value,
    );
  } else entry.valueEntries = entriesOf(values, at);
}
