/**
 * What rows have not seen: the slots written since their clock, and what each held then.
 *
 * @module
 */

import type { Differences, Entry } from "../kernel/kernel.ts";
import { DENSE } from "../kernel/table.ts";
import { compareRows } from "../matrix/compare.ts";
import { entriesOf, spreadEntries, type Store } from "../matrix/store.ts";
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
  const { rows, mask, log: { versions } } = memory;
  return version !== NONE && versions.bias[version] > -Infinity &&
    (mask.kind === "edges" ||
      admits(
        mask,
        rows.slots.idOf[row],
        rows.positions[row],
        versions.id[version],
      ));
}

/** Whether the row's sums are to hold what the slot has now. */
export function hasKey(
  { rows, keys, mask }: Memory,
  row: number,
  slot: number,
): boolean {
  if (slot < 0) return false;
  const id = keys.slots.idOf[slot];
  return id >= 0 && keys.scoreBiases[slot] > -Infinity &&
    admits(mask, rows.slots.idOf[row], rows.positions[row], id);
}

/** What the slot has now, or null if that is no key a row could hold. The next call reuses the entry. */
export function loadNow(memory: Memory, slot: number): Entry | null {
  const { keys, now } = memory;
  if (
    slot < 0 || !(keys.slots.idOf[slot] >= 0) ||
    keys.scoreBiases[slot] === -Infinity
  ) return null;
  now.bias = keys.scoreBiases[slot];
  now.peak = keys.peaks[slot];
  return load(memory, now, keys.keys, keys.values, slot);
}

/** A version, or null if that is no key a row could hold. The next call reuses the entry. */
export function loadOld(memory: Memory, version: number): Entry | null {
  const { log: { versions }, old } = memory;
  if (version === NONE || versions.bias[version] === -Infinity) return null;
  old.bias = versions.bias[version];
  old.peak = versions.peak[version];
  return load(memory, old, versions.keys, versions.values, version);
}

/** Where the value of a slot differs from that of a version. */
export function loadDifferences(
  { keys, log, differences }: Memory,
  version: number,
  slot: number,
): Differences {
  const { values } = keys, old = log.versions.values;
  compareRows(old, version, values, slot, differences);
  return differences;
}

/** Lets go of tables that may grow. */
export function unload({ now, old }: Memory): void {
  for (const entry of [now, old]) {
    entry.plain = NOTHING;
    entry.keyEntries = undefined;
    entry.valueEntries = undefined;
  }
}

const NOTHING = new Float32Array(0);

/** Unpacks a key and its value for the rows that meet them. */
function load(
  memory: Memory,
  entry: Entry,
  keys: Store,
  values: Store,
  at: number,
): Entry {
  const { dim, valueDim, rows } = memory;
  if (keys.evens[at] === DENSE) {
    entry.keyEntries = undefined;
    entry.plain = keys.dense;
    entry.at = keys.start[at] * dim;
    const { key, plain } = entry;
    for (let t = 0, from = entry.at; t < dim; t++) key[t] = plain[from++];
  } else {
    entry.keyEntries = entriesOf(keys, at);
    if (rows.queries.denseRows < rows.slots.size) {
      const spread = entry === memory.now ? memory.nowSpread : memory.oldSpread;
      spreadEntries(spread, dim, entry.keyEntries);
      entry.plain = spread.numbers;
      entry.at = 0;
    }
  }
  if (values.evens[at] === DENSE) {
    entry.valueEntries = undefined;
    const { value } = entry, { dense } = values;
    for (let c = 0, from = values.start[at] * valueDim; c < valueDim; c++) {
      value[c] = dense[from++];
    }
  } else entry.valueEntries = entriesOf(values, at);
  return entry;
}
