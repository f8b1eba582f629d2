/**
 * What rows have not seen: the slots written since their clock, and what each held then.
 *
 * @module
 */

import type { Entry } from "../kernel/kernel.ts";
import type { KeyTable } from "../memory/keys.ts";
import { listWritten, NONE, versionAt } from "../memory/log.ts";
import { admits } from "../memory/mask.ts";
import { type Memory, roomyScratch } from "../memory/memory.ts";
import { exchangeCost, keyCost } from "./plan.ts";
import { slotOf } from "../memory/slots.ts";

/** A row may hold the content a slot has now. */
const CURRENT = -2;

/** What the rows of one clock have not seen: slots, and the version of each that their sums hold. */
export interface Changes {
  slots: number[];
  versions: number[];
}

/** Lists what rows of one clock have missed; undefined where a row had better start over than look through it. */
export function listChanges(
  memory: Memory,
  clock: number,
  group: readonly number[],
): Changes | undefined {
  const { rows, log, keys, mask } = memory;
  let most = keys.slots.used;
  if (mask.kind === "edges") {
    // Rows of few edges must not search a long log for them.
    let count = 0;
    for (const row of group) count = Math.max(count, rows.sums.count[row]);
    most = Math.min(most, LEAST_SEARCH + 4 * count);
  }
  const { slots: list } = roomyScratch(memory, keys.slots.used);
  const count = listWritten(log, clock, most, list);
  if (count < 0) return undefined;
  const changes: Changes = { slots: [], versions: [] };
  for (let i = 0; i < count; i++) {
    changes.slots.push(list[i]);
    changes.versions.push(versionAt(log, list[i], clock));
  }
  for (const row of group) {
    for (const id of rows.flips.get(row)?.keys() ?? []) {
      const slot = slotOf(keys.slots, id);
      if (slot < 0 || log.written[slot] > clock) continue;
      changes.slots.push(slot);
      changes.versions.push(CURRENT);
    }
  }
  return changes;
}

const LEAST_SEARCH = 64;

/** The two ways for a row, in multiply-adds. */
export function planRow(
  memory: Memory,
  row: number,
  clock: number,
  changes: Changes,
): { replaying: number; startingOver: number } {
  const { keys, rows, log } = memory;
  let replaying = 0, count = rows.sums.count[row];
  for (let i = 0; i < changes.slots.length; i++) {
    const slot = changes.slots[i];
    const out = hadKey(memory, row, slot, changes.versions[i]);
    const into = keys.slots.idOf[slot] >= 0 &&
      keys.scoreBiases[slot] > -Infinity && hasKey(memory, row, slot);
    replaying += exchangeCost(memory, out, into, log.scored[slot] <= clock);
    count += (into ? 1 : 0) - (out ? 1 : 0);
  }
  return { replaying, startingOver: count * keyCost(memory) };
}

/** Whether a version is a key at all, and not one masked by its bias. */
function isFolded(
  { keys, log }: Memory,
  slot: number,
  version: number,
): boolean {
  if (version === NONE) return false;
  return (version === CURRENT
    ? keys.scoreBiases[slot]
    : log.versions.bias[version]) > -Infinity;
}

/** Whether the row's sums hold this version. */
export function hadKey(
  memory: Memory,
  row: number,
  slot: number,
  version: number,
): boolean {
  if (!isFolded(memory, slot, version)) return false;
  const { rows, keys, log, mask } = memory;
  const id = version === CURRENT
    ? keys.slots.idOf[slot]
    : log.versions.id[version];
  return rows.flips.get(row)?.get(id) ??
    admits(mask, rows.slots.idOf[row], rows.positions[row], id);
}

/** Whether the row's sums are to hold what the slot has now. */
export function hasKey(
  { rows, keys, mask }: Memory,
  row: number,
  slot: number,
): boolean {
  return admits(
    mask,
    rows.slots.idOf[row],
    rows.positions[row],
    keys.slots.idOf[slot],
  );
}

/** What the slot has now, or null if that is no key a row could hold. The next call reuses the entry. */
export function loadNow({ keys, now }: Memory, slot: number): Entry | null {
  return keys.slots.idOf[slot] >= 0 && keys.scoreBiases[slot] > -Infinity
    ? loadKey(keys, slot, now)
    : null;
}

/** A version of a slot, or null if that is no key a row could hold. The next call reuses the entry. */
export function loadOld(
  { keys, log, old }: Memory,
  version: number,
  slot: number,
): Entry | null {
  if (version === NONE) return null;
  if (version === CURRENT) {
    return keys.scoreBiases[slot] > -Infinity ? loadKey(keys, slot, old) : null;
  }
  const { versions } = log;
  if (versions.bias[version] === -Infinity) return null;
  return load(
    old,
    keys,
    versions.keys,
    versions.values,
    version,
    versions.bias[version],
    versions.peak[version],
  );
}

function loadKey(table: KeyTable, slot: number, entry: Entry): Entry {
  return load(
    entry,
    table,
    table.keys,
    table.values,
    slot,
    table.scoreBiases[slot],
    table.peaks[slot],
  );
}

/** Unpacks a row of 32-bit floats for the rows that meet it. */
function load(
  entry: Entry,
  { dim, valueDim }: KeyTable,
  keys: Float32Array,
  values: Float32Array,
  at: number,
  bias: number,
  peak: number,
): Entry {
  for (let t = 0, from = at * dim; t < dim; t++) entry.key[t] = keys[from++];
  for (let c = 0, from = at * valueDim; c < valueDim; c++) {
    entry.value[c] = values[from++];
  }
  entry.bias = bias;
  entry.peak = peak;
  return entry;
}
