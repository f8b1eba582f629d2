/**
 * What must be true of an attention's memory between two calls, whatever happened before.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Attention } from "../../mod.ts";
import { openAttention } from "../../src/attention.ts";
import { type Entry, makeKernel, type Sums } from "../../src/kernel/kernel.ts";
import { COLD, type Log, NONE, versionAt } from "../../src/memory/log.ts";
import { admits, hasEdge } from "../../src/memory/mask.ts";
import { type Memory, queryOf, versionLimit } from "../../src/memory/memory.ts";
import type { SlotTable } from "../../src/memory/slots.ts";

/** Fails unless every structure of the memory is in order and every row holds exactly what its clock says. */
export function invariant(a: Attention): void {
  const memory = openAttention("check", a), { keys, rows, log } = memory;
  checkSlots(keys.slots);
  checkSlots(rows.slots);
  assert(keys.slots.size <= memory.capacity, "more keys than the capacity");
  checkLog(log, keys.slots.used);
  assert(log.versions.used <= versionLimit(memory), "more versions than fit");
  checkEdges(memory);
  for (let row = 0; row < rows.slots.used; row++) checkRow(memory, row);
}

/** Ids ascend, slots and ids agree, free slots are free, the front is the first entry. */
export function checkSlots(table: SlotTable): void {
  const { ids, slots, idOf, free } = table;
  let size = 0, previous = -1;
  const owners = new Set<number>();
  for (let at = table.front; at < table.length; at++) {
    assert(ids[at] > previous, `id ${ids[at]} comes after ${previous}`);
    previous = ids[at];
    if (slots[at] < 0) continue;
    size++;
    owners.add(slots[at]);
    assertEquals(idOf[slots[at]], ids[at], "the owner of a slot");
  }
  for (let at = 0; at < table.front; at++) {
    assert(slots[at] < 0, "an entry before the front");
  }
  assert(
    table.front === table.length || slots[table.front] >= 0,
    "a hole at the front",
  );
  assert(table.next > previous, "an id not below the next");
  assertEquals(owners.size, size, "slots with two owners");
  assertEquals(table.size, size, "size");
  for (let at = 0; at < table.freeCount; at++) {
    assert(!owners.has(free[at]), `slot ${free[at]} is free and live`);
    assertEquals(idOf[free[at]], -1, "the owner of a free slot");
    owners.add(free[at]);
  }
  assertEquals(owners.size, table.used, "slots that are neither live nor free");
  assert(table.used <= idOf.length, "more slots than there is room for");
  for (const slot of owners) assert(slot < table.used, "a slot never used");
}

/** The list of last writes runs from new to old over all slots written; chains of versions do not overlap. */
export function checkLog(log: Log, used: number): void {
  const { written, scored, next, previous, newest, versions } = log;
  const met = new Set<number>();
  let last = Infinity, before = -1, pending = 0;
  for (let slot = log.head; slot >= 0; slot = next[slot]) {
    assert(!met.has(slot), `slot ${slot} is listed twice`);
    met.add(slot);
    assertEquals(previous[slot], before, "the neighbour before");
    assert(written[slot] < last && written[slot] > 0, "a list out of order");
    assert(scored[slot] <= written[slot], "scored after it was written");
    if (written[slot] > log.settled) pending++;
    last = written[slot];
    before = slot;
  }
  assertEquals(met.size, used, "slots in the list");
  assertEquals(log.pending, pending, "pending");
  assert(log.seen <= log.clock && log.settled <= log.clock, "ahead of time");
  let chained = 0;
  for (let slot = 0; slot < used; slot++) {
    assert(written[slot] <= log.clock, "written after now");
    let until = written[slot];
    for (let at = newest[slot]; at !== NONE; at = versions.older[at]) {
      chained++;
      assert(at < versions.used, "a version that is not kept");
      assertEquals(versions.slot[at], slot, "the slot of a version");
      assert(versions.until[at] <= until, "versions that overlap");
      assert(versions.from[at] < versions.until[at], "a version of no time");
      until = versions.from[at];
    }
  }
  assertEquals(chained, versions.used, "versions in chains");
}

/** Lists of edges ascend; a flip says the opposite of the edge that is there now. */
export function checkEdges({ mask, rows }: Memory): void {
  if (mask.kind !== "edges") {
    assertEquals(rows.flips.size, 0, "flips without edges");
    return;
  }
  for (const [query, keys] of mask.edges) {
    assert(Number.isInteger(query), `edges of ${query}`);
    keys.forEach((key, at) => {
      assert(Number.isInteger(key), `an edge to ${key}`);
      assert(at === 0 || keys[at - 1] < key, "edges out of order");
    });
  }
  for (const [row, flips] of rows.flips) {
    assert(flips.size > 0, "no flips");
    // A row that went cold for want of room in the log starts over and needs none.
    if (rows.clocks[row] === COLD) continue;
    for (const [key, held] of flips) {
      const edge = hasEdge(mask.edges, rows.slots.idOf[row], key);
      assertEquals(held, !edge, `the flip of key ${key} in row ${row}`);
    }
  }
}

/** Taking out of a row's sums all keys that its clock says are in them leaves nothing, to the bit. */
function checkRow(memory: Memory, row: number): void {
  const { rows, keys, log, mask } = memory;
  const clock = rows.clocks[row], id = rows.slots.idOf[row];
  if (id < 0) {
    assertEquals(clock, COLD, "the clock of a row that is not there");
    assert(!rows.answers.has(row) && !rows.flips.has(row), "a row's leavings");
  }
  if (clock === COLD) return;
  assert(clock <= log.seen, "a row that nobody has read");
  const sums = copyOfRow(rows.sums, row), kernel = makeKernel("scalar");
  const flips = rows.flips.get(row);
  let held = 0;
  for (let slot = 0; slot < keys.slots.used; slot++) {
    const { key, entry } = contentAt(memory, slot, clock);
    if (key < 0 || entry.bias === -Infinity) continue;
    if (!(flips?.get(key) ?? admits(mask, id, rows.positions[row], key))) {
      continue;
    }
    held++;
    assert(
      kernel.exchange(sums, 0, queryOf(memory, row), entry, null, false),
      "a key that cannot be taken out",
    );
  }
  assertEquals(rows.sums.count[row], held, `keys in the sums of row ${row}`);
  const left = [
    sums.count,
    sums.massHigh,
    sums.massLow,
    sums.magnitudeHigh,
    sums.magnitudeLow,
    sums.numeratorHigh,
    sums.numeratorLow,
  ].map((array) => array.find((sum) => sum !== 0));
  assert(
    left.every((sum) => sum === undefined),
    `row ${row} without its keys leaves ${left}`,
  );
}

/** What a slot held at a clock; the id is −1 where that was no key. */
function contentAt(
  { keys, log }: Memory,
  slot: number,
  clock: number,
): { key: number; entry: Entry } {
  const { dim, valueDim } = keys, { versions } = log;
  const stale = log.written[slot] > clock;
  const at = stale ? versionAt(log, slot, clock) : slot;
  if (at === NONE) {
    const none = new Float64Array(0);
    return { key: -1, entry: { key: none, value: none, bias: 0, peak: 0 } };
  }
  const { keys: rows, values } = stale ? versions : keys;
  return {
    key: stale ? versions.id[at] : keys.slots.idOf[slot],
    entry: {
      key: Float64Array.from(rows.subarray(at * dim, (at + 1) * dim)),
      value: Float64Array.from(
        values.subarray(at * valueDim, (at + 1) * valueDim),
      ),
      bias: stale ? versions.bias[at] : keys.scoreBiases[slot],
      peak: stale ? versions.peak[at] : keys.peaks[slot],
    },
  };
}

function copyOfRow(sums: Sums, row: number): Sums {
  const { dim, valueDim } = sums;
  return {
    dim,
    valueDim,
    anchor: sums.anchor.slice(row, row + 1),
    shift: sums.shift.slice(row, row + 1),
    valueShift: sums.valueShift.slice(row, row + 1),
    fine: sums.fine.slice(row, row + 1),
    room: sums.room.slice(row, row + 1),
    count: sums.count.slice(row, row + 1),
    massHigh: sums.massHigh.slice(row, row + 1),
    massLow: sums.massLow.slice(row, row + 1),
    magnitudeHigh: sums.magnitudeHigh.slice(row, row + 1),
    magnitudeLow: sums.magnitudeLow.slice(row, row + 1),
    numeratorHigh: sums.numeratorHigh.slice(
      row * valueDim,
      (row + 1) * valueDim,
    ),
    numeratorLow: sums.numeratorLow.slice(row * valueDim, (row + 1) * valueDim),
  };
}
