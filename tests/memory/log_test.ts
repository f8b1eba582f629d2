import { assert, assertEquals } from "@std/assert";
import {
  append,
  type Attention,
  createAttention,
  outputs,
  remove,
  stats,
  update,
} from "../../mod.ts";
import { apart } from "../../src/kernel/home.ts";
import { numberAt } from "../../src/matrix/store.ts";
import { openAttention } from "../../src/attention.ts";
import {
  COLD,
  listWritten,
  type Log,
  logBytes,
  makeLog,
  NONE,
  noteFirstWrites,
  noteWrite,
  tick,
  versionAt,
} from "../../src/memory/log.ts";
import { growKeys, makeKeys } from "../../src/memory/keys.ts";
import { versionBytes } from "../../src/memory/versions.ts";
import type { Memory } from "../../src/memory/memory.ts";
import { forSeeds, pick } from "../scripts.ts";
import { invariant } from "./invariants.ts";

/** Eight keys [0] … [7], three queries, all rows up to date. */
function make(logBytes?: number): { a: Attention; memory: Memory } {
  const rows = Array.from({ length: 8 }, (_, at) => [at]);
  const a = createAttention({
    dim: 1,
    keys: rows,
    values: rows,
    queries: [[0], [0], [0]],
    logBytes,
  });
  outputs(a);
  return { a, memory: openAttention("test", a) };
}

/** What the log kept of a slot, from new to old: its key and the clocks it was there. */
function chain({ log }: Memory, slot: number): [number, number, number][] {
  const { from, until, older, keys } = log.versions;
  const found: [number, number, number][] = [];
  for (let at = log.newest[slot]; at !== NONE; at = older[at]) {
    found.push([numberAt(keys, at, 0), from[at], until[at]]);
  }
  return found;
}

Deno.test("a write keeps what a row has seen, and nothing that nobody has", () => {
  const { a, memory } = make(), { log } = memory, start = log.clock;
  for (const key of [10, 11, 12]) update(a, 2, { keys: [key] });
  assertEquals(chain(memory, 2), [[2, 3, start + 1]]);
  assertEquals([log.coalesced, log.pending], [2, 1]);
  outputs(a, { ids: 0 });
  for (const key of [13, 14]) update(a, 2, { keys: [key] });
  assertEquals(chain(memory, 2), [[12, start + 3, start + 4], [
    2,
    3,
    start + 1,
  ]]);
  assertEquals([log.coalesced, log.pending], [3, 1]);
  const version = (clock: number) => {
    const at = versionAt(log, 2, clock);
    return at === NONE ? NONE : numberAt(log.versions.keys, at, 0);
  };
  // Rows of the first clock hold the first key, rows of the second what was written last before it.
  assertEquals([start, start + 3].map(version), [2, 12]);
  outputs(a);
  assertEquals([chain(memory, 2), log.versions.used, log.pending], [[], 0, 0]);
  invariant(a);
});

Deno.test("a slot that held nothing at a row's clock has no version of it", () => {
  const { a, memory } = make(), { log, keys } = memory, start = log.clock;
  const [id] = append(a, [20], [20]), slot = keys.slots.idOf.indexOf(id);
  assertEquals(versionAt(log, slot, start), NONE);
  outputs(a, { ids: 0 });
  remove(a, id);
  append(a, [21], [21]);
  assertEquals(keys.slots.idOf[slot], id + 1);
  assertEquals(versionAt(log, slot, start), NONE);
  const at = versionAt(log, slot, start + 1);
  assertEquals([numberAt(log.versions.keys, at, 0), log.versions.id[at]], [
    20,
    id,
  ]);
  invariant(a);
});

Deno.test("the slots a row has not seen are the front of the list, newest first", () => {
  const { a, memory } = make(), { log } = memory, start = log.clock;
  for (const id of [5, 1, 3, 1]) update(a, id, { values: [0] });
  const into = new Int32Array(8);
  assertEquals(listWritten(log, start, 8, into), 3);
  assertEquals([...into.subarray(0, 3)], [1, 3, 5]);
  assertEquals(listWritten(log, start + 2, 8, into), 2);
  assertEquals(listWritten(log, start + 4, 8, into), 0);
  assertEquals(listWritten(log, start, 3, into), 3);
  assertEquals(listWritten(log, start, 2, into), -1);
});

Deno.test("noteFirstWrites() leaves what a tick and a note for each slot leave", () => {
  const table = makeKeys(1, 1, "auto", apart);
  const logs = [0, 1].map((): Log => makeLog(1, 1, apart));
  // Some before, none, and more than there was room for.
  for (const [slots, room] of [[[0, 1], 2], [[], 2], [[4, 2, 3], 7]] as const) {
    growKeys(table, room);
    noteFirstWrites(logs[0], table, Int32Array.from(slots));
    for (const slot of slots) {
      tick(logs[1], table, slot);
      noteWrite(logs[1], slot, true);
    }
    assertEquals(logs[0].scored.slice(0, room), logs[0].written);
    assertEquals(logs[0], logs[1]);
  }
});

Deno.test("a value alone does not rescore its key, a key, a bias or a new owner does", () => {
  const { a, memory } = make(), { log } = memory;
  const scored = (write: () => unknown) => {
    write();
    return log.scored[4] === log.clock;
  };
  assertEquals(scored(() => update(a, 4, { values: [1] })), false);
  assertEquals(scored(() => update(a, 4, { keys: [1] })), true);
  assertEquals(scored(() => update(a, 4, { values: [2] })), false);
  assertEquals(scored(() => update(a, 4, { bias: 1 })), true);
  assertEquals(scored(() => remove(a, 4)), true);
  assertEquals(scored(() => append(a, [4], [4])), true);
});

Deno.test("versions stay below the limit: rows furthest behind go cold, and no others", () => {
  const one = versionBytes(2), { a, memory } = make(4 * one);
  const { log, rows } = memory;
  outputs(a, { ids: 0 });
  // Row 0 is behind by four keys, then row 1 by two of them, row 2 by none.
  update(a, [0, 1], { values: [[1], [2]] });
  outputs(a, { ids: 1 });
  update(a, [2, 3], { values: [[1], [2]] });
  outputs(a, { ids: 2 });
  assertEquals(log.versions.used, 4);
  update(a, 4, { values: [1] });
  assertEquals(log.versions.used <= 4, true);
  assertEquals([...rows.clocks].slice(0, 3).map((clock) => clock === COLD), [
    true,
    true,
    false,
  ]);
  invariant(a);
  const { recomputed } = stats(a);
  outputs(a);
  assertEquals(stats(a).recomputed - recomputed, 2);
});

Deno.test("no log at all: rows go cold instead, and only those that would need it", () => {
  const { a, memory } = make(0), { log, rows } = memory;
  append(a, [9], [9]);
  assertEquals(rows.clocks.every((clock) => clock === COLD), false);
  update(a, 9 - 1, { values: [1] });
  assertEquals(rows.clocks.every((clock) => clock === COLD), false);
  update(a, 0, { values: [1] });
  assertEquals(rows.clocks.every((clock) => clock === COLD), true);
  assertEquals(log.versions.used, 0);
  invariant(a);
});

Deno.test("where making room turns all rows cold, nothing is kept that nobody has seen", () => {
  const { a, memory } = make(versionBytes(2)), { log, rows } = memory;
  update(a, 0, { values: [1] });
  assertEquals(log.versions.used, 1);
  update(a, 1, { values: [1] });
  assertEquals([log.versions.used, log.seen], [0, COLD]);
  assertEquals(rows.clocks.every((clock) => clock === COLD), true);
  invariant(a);
});

Deno.test("the log never outgrows its limit, on any schedule", () => {
  forSeeds(40, (_, random, at) => {
    const one = versionBytes(2), limit = pick(random, [1, 2, 5, 9]);
    const { a, memory } = make(limit * one), empty = logBytes(memory.log);
    for (let step = 1; step <= 150; step++) {
      at(step);
      update(a, random.integer(8), { values: [step] });
      if (random.integer(4) === 0) outputs(a, { ids: random.integer(3) });
      assert(memory.log.versions.used <= limit);
      invariant(a);
    }
    // Arrays double, and the smallest are for sixteen.
    assert(logBytes(memory.log) <= empty + Math.max(16, 2 * limit) * one);
  });
});
