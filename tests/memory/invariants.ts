/**
 * What must be true of an attention's memory between two calls, whatever happened before.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Attention } from "../../mod.ts";
import { openAttention } from "../../src/attention.ts";
import type { Entry, Query, Sums } from "../../src/kernel/kernel.ts";
import { exchange } from "../../src/kernel/exchange.ts";
import { highOf, lowOf } from "../../src/kernel/grids.ts";
import { makeScalar } from "../../src/kernel/choose.ts";
import { DENSE } from "../../src/kernel/table.ts";
import { nonZerosOf, type Store, unpackRow } from "../../src/matrix/store.ts";
import { keysOf, queriesOf, queriesWithEdges } from "../../src/memory/edges.ts";
import { COLD, type Log, NONE, versionAt } from "../../src/memory/log.ts";
import { admits } from "../../src/memory/mask.ts";
import { type Memory, versionLimit } from "../../src/memory/memory.ts";
import type { Selection } from "../../src/memory/method.ts";
import { slotOf, type SlotTable } from "../../src/memory/slots.ts";
import { hasKey } from "../../src/sync/changes.ts";
import { isCurrent } from "../../src/sync/sync.ts";

/** Fails unless every structure of the memory is in order and every row holds exactly what its clock says. */
export function invariant(a: Attention): void {
  const memory = openAttention("check", a), { keys, rows, log } = memory;
  checkSlots(keys.slots);
  checkSlots(rows.slots);
  assert(keys.slots.size <= memory.capacity, "more keys than the capacity");
  checkLog(log, keys.slots.used, memory.mask.kind === "edges");
  // Of sparse rows the limit goes by what a key takes on average, which moves.
  if (memory.logLimit === undefined) {
    assert(log.versions.used <= versionLimit(memory), "more versions than fit");
  }
  checkPairs(memory);
  checkStore(keys.keys, keys.slots.used);
  checkStore(keys.values, keys.slots.used);
  checkStore(rows.queries, rows.slots.used);
  checkStore(log.versions.keys, log.versions.used);
  checkStore(log.versions.values, log.versions.used);
  for (let row = 0; row < rows.slots.used; row++) checkRow(memory, row);
}

/** Ids ascend, slots and ids agree, free slots are free, the front is the first entry. */
export function checkSlots(table: SlotTable): void {
  const { ids, slots, idOf } = table;
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
  let freed = 0;
  for (let slot = table.free; slot >= 0; slot = -2 - idOf[slot]) {
    freed++;
    assert(!owners.has(slot), `slot ${slot} is free and live, or free twice`);
    assert(idOf[slot] < 0, "the owner of a free slot");
    owners.add(slot);
  }
  assertEquals(freed, table.freeCount, "free slots");
  assertEquals(owners.size, table.used, "slots that are neither live nor free");
  assert(table.used <= idOf.length, "more slots than there is room for");
  for (const slot of owners) assert(slot < table.used, "a slot never used");
}

/** The list of last writes runs from new to old over all slots written; chains of versions do not overlap. */
export function checkLog(log: Log, used: number, pairs = false): void {
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
  if (pairs) return;
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

/** Both directions of the edges agree; rows that are behind hold versions that are kept, and each version has holders. */
export function checkPairs({ mask, pairs, log }: Memory): void {
  const { versions } = log, holders = new Map<number, number>();
  if (mask.kind !== "edges") {
    assertEquals(pairs.unseen.size, 0, "pairs without edges");
    return;
  }
  const { keys, queries } = mask.edges;
  assertEquals(keys.size, queries.size, "edges in both directions");
  for (const query of queriesWithEdges(mask.edges)) {
    const { ids, start, end } = keysOf(mask.edges, query);
    for (let at = start; at < end; at++) {
      assert(at === start || ids[at - 1] < ids[at], "edges out of order");
      const mirror = queriesOf(mask.edges, ids[at]);
      assert(
        mirror.ids.subarray(mirror.start, mirror.end).includes(query),
        `key ${ids[at]} does not know query ${query}`,
      );
    }
  }
  for (const unseen of pairs.unseen.values()) {
    assert(unseen.size > 0, "nothing unseen");
    for (const [id, version] of unseen) {
      if (version === NONE) continue;
      assert(version < versions.used, "a version that is not kept");
      assertEquals(versions.id[version], id, "the key of a version");
      holders.set(version, (holders.get(version) ?? 0) + 1);
    }
  }
  assertEquals(
    holders.size + pairs.free.length,
    versions.used,
    "versions held and free",
  );
  for (const [version, count] of holders) {
    assertEquals(pairs.holders[version], count, "holders of a version");
    assert(!pairs.free.includes(version), "held and free");
  }
}

/** Every row of a table lies in a place of its own, and what is counted is what is there. */
export function checkStore(store: Store, used: number): void {
  const { start, evens, count, width, columns, numbers } = store;
  const places = new Set<number>(store.free);
  assertEquals(places.size, store.free.length, "a place given back twice");
  const spans: [number, number][] = [];
  let dense = 0, entries = 0;
  for (let row = 0; row < start.length; row++) {
    if (row >= used) assert(evens[row] === 0 && count[row] === 0, "leavings");
    if (evens[row] === DENSE) {
      dense++;
      assert(!places.has(start[row]), "a place with two rows");
      places.add(start[row]);
      const numbers = new Float32Array(width);
      unpackRow(store, row, numbers, 0);
      assertEquals(nonZerosOf(numbers), count[row], "numbers that are not 0");
      assert(!numbers.some((number) => Object.is(number, -0)), "−0");
      continue;
    }
    entries += count[row];
    if (count[row] > 0) spans.push([start[row], start[row] + count[row]]);
    for (let at = start[row]; at < start[row] + count[row]; at++) {
      const odd = at >= start[row] + evens[row];
      assert(columns[at] % 2 === (odd ? 1 : 0), "an entry in the wrong stripe");
      assert(columns[at] < width && numbers[at] !== 0, "an entry of nothing");
      const first = at === start[row] || at === start[row] + evens[row];
      assert(first || columns[at - 1] < columns[at], "entries out of order");
    }
  }
  spans.sort(([a], [b]) => a - b);
  spans.forEach(([from], at) =>
    assert(at === 0 || from >= spans[at - 1][1], "entries of two rows")
  );
  assert(spans.every(([, end]) => end <= store.pooled), "beyond the pool");
  assertEquals(store.denseRows, dense, "dense rows");
  assertEquals(store.entries, entries, "entries");
  assertEquals(places.size, store.places, "places");
}

/** Taking out of a row's sums all keys that its clock says are in them leaves nothing, to the bit. */
function checkRow(memory: Memory, row: number): void {
  const { rows, keys, log, mask, pairs, factor } = memory;
  const clock = rows.clocks[row], id = rows.slots.idOf[row];
  if (id < 0) {
    assertEquals(clock, COLD, "the clock of a row that is not there");
    assert(
      !rows.answers.has(row) && !pairs.unseen.has(row),
      "a row's leavings",
    );
  }
  if (clock === COLD) return;
  assert(clock <= log.seen, "a row that nobody has read");
  const sums = copyOfRow(rows.sums, row), kernel = makeScalar();
  const written = new Float32Array(keys.dim);
  unpackRow(rows.queries, row, written, 0);
  const query: Query = {
    dim: keys.dim,
    rows: written,
    at: 0,
    factor,
    entries: undefined,
  };
  const { selection } = memory;
  // A method keeps no old contents: what a row behind holds cannot be told.
  if (selection !== undefined && !isCurrent(memory, row)) return;
  const contents = selection !== undefined
    ? selectedContents(memory, selection, row)
    : mask.kind === "edges"
    ? pairContents(memory, row)
    : clockContents(memory, row);
  // A row that its method would leave with nothing holds one key that only the method can name.
  if (memory.sieve !== undefined && contents.length === 0) {
    assert(rows.sums.count[row] <= 1, "more than one key in place of none");
    return;
  }
  for (const entry of contents) {
    assert(
      exchange(kernel, sums, 0, query, entry, null, false),
      "a key that cannot be taken out",
    );
  }
  assertEquals(
    rows.sums.count[row],
    contents.length,
    `keys in the sums of row ${row}`,
  );
  const left = [
    sums.count,
    sums.massHigh,
    sums.massLow,
    sums.magnitudeHigh,
    sums.magnitudeLow,
    sums.numeratorHigh.map((_, at) => highOf(sums, at)),
    sums.numeratorLow.map((_, at) => lowOf(sums, 0, at)),
  ].map((array) => array.find((sum) => sum !== 0));
  assert(
    left.every((sum) => sum === undefined),
    `row ${row} without its keys leaves ${left}`,
  );
}

/** What the sums of a row hold, by its clock. */
function clockContents(memory: Memory, row: number): Entry[] {
  const { rows, keys, log, mask } = memory, { versions } = log;
  const clock = rows.clocks[row], id = rows.slots.idOf[row];
  const contents: Entry[] = [];
  for (let slot = 0; slot < keys.slots.used; slot++) {
    const stale = log.written[slot] > clock;
    const at = stale ? versionAt(log, slot, clock) : slot;
    if (at === NONE) continue;
    const key = stale ? versions.id[at] : keys.slots.idOf[slot];
    const bias = stale ? versions.bias[at] : keys.scoreBiases[slot];
    if (key < 0 || bias === -Infinity) continue;
    if (!admits(mask, id, rows.positions[row], key)) continue;
    if (memory.sieve?.passes(row, key) === false) continue;
    contents.push(contentAt(memory, stale, at));
  }
  return contents;
}

/** What the sums of an up-to-date row hold: the keys that its method says, each of them admitted and named once. */
function selectedContents(
  memory: Memory,
  selection: Selection,
  row: number,
): Entry[] {
  const count = selection.collect(row);
  const slots = [...memory.scratch.slots.subarray(0, count)];
  assertEquals(new Set(slots).size, count, "a key selected twice");
  return slots.map((slot) => {
    assert(hasKey(memory, row, slot), `slot ${slot} is not to be seen`);
    return contentAt(memory, false, slot);
  });
}

/** What the sums of a row of edges hold: what it has not seen as it was, the rest as it is. */
function pairContents(memory: Memory, row: number): Entry[] {
  const { rows, keys, log, mask, pairs } = memory, { versions } = log;
  const id = rows.slots.idOf[row];
  const unseen = pairs.unseen.get(row) ?? new Map<number, number>();
  const contents: Entry[] = [];
  for (const version of unseen.values()) {
    if (version === NONE || versions.bias[version] === -Infinity) continue;
    if (memory.sieve?.passes(row, versions.id[version]) === false) continue;
    contents.push(contentAt(memory, true, version));
  }
  if (mask.kind !== "edges") return contents;
  const { ids, start, end } = keysOf(mask.edges, id);
  for (let at = start; at < end; at++) {
    const slot = slotOf(keys.slots, ids[at]);
    if (slot < 0 || unseen.has(ids[at])) continue;
    if (keys.scoreBiases[slot] === -Infinity) continue;
    if (memory.sieve?.passes(row, ids[at]) === false) continue;
    contents.push(contentAt(memory, false, slot));
  }
  return contents;
}

/** A key with its value, now or as a version has it, written out. */
function contentAt({ keys, log }: Memory, stale: boolean, at: number): Entry {
  const { dim, valueDim } = keys, { versions } = log;
  const tables = stale ? versions : keys;
  const key = new Float64Array(dim), value = new Float64Array(valueDim);
  unpackRow(tables.keys, at, key, 0);
  unpackRow(tables.values, at, value, 0);
  return {
    key,
    plain: Float32Array.from(key),
    at: 0,
    keyEntries: undefined,
    value,
    valueEntries: undefined,
    bias: stale ? versions.bias[at] : keys.scoreBiases[at],
    peak: stale ? versions.peak[at] : keys.peaks[at],
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
