/**
 * Neighbourhood attention over a changing graph: a write touches only rows that admit it, an edge costs its pair, rows
 * elsewhere keep their bits; and no answer depends on the road that led to it.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  admit,
  type Attention,
  createAttention,
  flush,
  type Id,
  outputs,
  stats,
  update,
} from "../mod.ts";
import { openAttention } from "../src/attention.ts";
import type { Random } from "../src/random.ts";
import {
  checkAnswers,
  drawGraph,
  hubbed,
  MILD,
  mild,
  sumsOf,
} from "./graphs.ts";
import {
  book,
  type Ledger,
  openLedger,
  type Price,
  priceOf,
  settleRow,
} from "./ledger.ts";
import { invariant } from "./memory/invariants.ts";
import type { Model } from "./model.ts";
import { sameBits } from "./same.ts";
import {
  attentionFor,
  drawSettings,
  drawStep,
  forSeeds,
  perform,
  pick,
  some,
} from "./scripts.ts";
import { versionBytes } from "../src/memory/versions.ts";

/** What a read did: multiply-adds, keys exchanged, rows started over. */
function did(a: Attention, read: () => unknown): [number, number, number] {
  const before = stats(a);
  read();
  const { multiplyAdds, synced, recomputed } = stats(a);
  return [
    multiplyAdds - before.multiplyAdds,
    synced - before.synced,
    recomputed - before.recomputed,
  ];
}

/** A graph that changes, its ledger, and what each row read last. */
interface Play {
  a: Attention;
  ledger: Ledger;
  model: Model;
  read: Map<Id, { sums: Float64Array; output: Float64Array }>;
}

/** Reads rows, or brings all up to date, and compares the work with the ledger's. */
function readExactly(play: Play, random: Random): void {
  const { a, ledger, model, read } = play, fold = model.valueDim + 1;
  const watched = [...model.queries.keys()];
  if (watched.length === 0) return;
  const whole = random.integer(40) === 0, before = stats(a).ladder;
  let ids = whole ? watched : some(random, watched, 3);
  const blank = ids.find((id) => isBlank(a, id));
  if (blank !== undefined && !whole) ids = [blank];
  const prices = ids.map((id) => priceOf(ledger, id));
  const sum = (of: (price: Price) => number) =>
    prices.reduce((total, price) => total + of(price), 0);
  const quotients = whole ? 0 : ids.length * fold;
  const paid = did(a, () => whole ? flush(a) : outputs(a, { ids }));
  if (blank === undefined) {
    assertEquals(paid, [
      sum(({ work }) => work) + quotients,
      sum(({ exchanged }) => exchanged),
      sum(({ over }) => over ? 1 : 0),
    ], `work of the rows ${ids}`);
  } else if (paid[2] > sum(({ over }) => over ? 1 : 0)) {
    const most = sum((price) => price.startingOver + price.replaying);
    assert(paid[0] <= most + quotients, `${paid[0]} spent of ${most}`);
  }
  for (const [at, id] of ids.entries()) {
    settleRow(ledger, id);
    const kept = read.get(id);
    const sums = sumsOf(a, id), output = outputs(a, { ids: id }).data;
    // Nothing of its own has changed: not a bit may have.
    if (kept !== undefined && prices[at].replaying === 0 && !prices[at].over) {
      sameBits(sums, kept.sums, `sums of query ${id}`);
      sameBits(output, kept.output, `output of query ${id}`);
    }
    read.set(id, { sums, output });
  }
  const { recomputed, finer, exact } = stats(a).ladder;
  assertEquals(
    [recomputed, finer, exact],
    [before.recomputed, before.finer, before.exact],
    "an answer that is hard: the settings should be milder",
  );
}

/** Where a row puts the range of values that are all zero, in binary orders below that of its weights. */
const LEAST_VALUE_SHIFT = -320;

/** A row that started over with nothing but zeros: its grids have no range that the first value fits. */
function isBlank(a: Attention, query: Id): boolean {
  const [, shift, valueShift] = sumsOf(a, query);
  return valueShift - shift === LEAST_VALUE_SHIFT;
}

Deno.test("a row pays for the keys of its own that changed, each once, and for nothing else: exactly, whatever the order of writes and reads", () => {
  const totals = { writes: 0, free: 0, over: 0 };
  forSeeds(12, (seed, random, at) => {
    const settings = drawSettings(random, {
      ...MILD,
      dim: pick(random, [1, 2, 5, 8]),
      valueDim: pick(random, [1, 3, 4, 6]),
      capacity: seed % 3 === 0 ? 40 : Infinity,
      verbs: [
        "append",
        "update",
        "update",
        "update",
        "edit",
        "remove",
        "admit",
        "admit",
        ...(seed % 2 === 0 ? ["watch", "unwatch"] as const : []),
      ],
    });
    const model = drawGraph(random, settings, {
      keys: 60,
      queries: 40,
      degree: pick(random, [3, 8, 20]),
      later: 200,
    });
    const play: Play = {
      a: attentionFor(model, {
        representation: "dense",
        // So much that nothing is ever in want of room.
        logBytes: 1e6,
      }),
      ledger: openLedger(model),
      model,
      read: new Map(),
    };
    const { a, ledger, read } = play;
    for (let step = 1; step <= 250; step++) {
      at(step);
      // Bursts between reads, so that writes coalesce and pairs flip back.
      for (let burst = pick(random, [1, 1, 3, 12]); burst > 0; burst--) {
        const write = mild(drawStep(random, settings, model));
        if (write === undefined) continue;
        if (model.keys.size > 90 && write.verb === "append") continue;
        assertEquals(did(a, () => perform(a, [write], random)), [0, 0, 0]);
        for (const id of book(ledger, write)) {
          if (write.verb === "watch" || write.verb === "unwatch") {
            read.delete(id);
          }
        }
      }
      for (const id of model.queries.keys()) {
        const { replaying, over } = priceOf(ledger, id);
        if (over) totals.over++;
        else if (replaying === 0) totals.free++;
      }
      readExactly(play, random);
      if (step % 50 === 0) {
        invariant(a);
        checkAnswers(a, model, random, [...model.queries.keys()]);
        for (const id of model.queries.keys()) settleRow(ledger, id);
        read.clear();
      }
    }
    const { coalesced, writes, evicted } = stats(a);
    assertEquals(
      [writes, evicted, coalesced],
      [model.writes, model.evicted, ledger.coalesced],
      "keys written, evicted, and written before anybody had seen them",
    );
    totals.writes += writes;
  });
  assert(totals.writes > 8_000 && totals.free > 10_000 && totals.over > 1000);
});

Deno.test("a log with room for few versions makes rows start over, at no more than that costs, and never wrong", () => {
  const restarts = [0, 0, 0, 0, 0];
  forSeeds(15, (seed, random, at) => {
    const settings = drawSettings(random, {
      ...MILD,
      dim: 4,
      valueDim: 4,
      capacity: pick(random, [Infinity, 25]),
    });
    const model = drawGraph(random, settings, {
      keys: 30,
      queries: 20,
      degree: 8,
      later: 100,
    });
    const versions = seed % restarts.length;
    const a = attentionFor(model, {
      representation: "dense",
      logBytes: versions * versionBytes(8),
    });
    const ledger = openLedger(model);
    for (let step = 1; step <= 120; step++) {
      at(step);
      for (let burst = random.integer(4); burst > 0; burst--) {
        const write = mild(drawStep(random, settings, model));
        if (write === undefined) continue;
        perform(a, [write]);
        book(ledger, write);
        invariant(a);
      }
      for (const id of some(random, [...model.queries.keys()], 4)) {
        const price = priceOf(ledger, id);
        const blank = isBlank(a, id);
        const [work, synced, over] = did(a, () => outputs(a, { ids: id }));
        if (over === 0) {
          assertEquals([work, synced], [price.work + 5, price.exchanged]);
        } else if (synced === 0) assertEquals(work, price.startingOver + 5);
        else {
          assert(blank, `query ${id} should not start over half way`);
          assert(work <= price.startingOver + price.replaying + 5);
        }
        if (over > 0 && !price.over) restarts[versions]++;
        settleRow(ledger, id);
      }
      invariant(a);
      if (step % 10 > 0 || model.queries.size === 0) continue;
      checkAnswers(a, model, random, [...model.queries.keys()]);
      for (const id of model.queries.keys()) settleRow(ledger, id);
    }
  });
  assert(restarts[0] > 100, `${restarts}: the logs are not small enough`);
  assert(restarts[4] < restarts[0], `${restarts}: room is of no use`);
});

/** Nodes of the large graph; `REATTEND_NODES` makes it smaller or larger. */
const NODES = 100_000, DEGREE = 30;
/** Rows of the large graph that are compared bit by bit. */
const SAMPLE = 500;

Deno.test("100 000 rows of 30 edges: a write and an edge cost their pairs, a hub written 1000 times costs its rows once", () => {
  const nodes = asked("REATTEND_NODES") ?? NODES, dim = 8, fold = dim + 1;
  const numbers = (step: number) =>
    Float32Array.from({ length: nodes * dim }, (_, i) => Math.sin(i * step));
  const mask = hubbed(nodes, DEGREE), start = performance.now();
  const a = createAttention({
    dim,
    queries: numbers(0.7),
    keys: numbers(0.3),
    values: numbers(0.9),
    mask,
  });
  const sample = Array.from(
    { length: SAMPLE },
    (_, at) => Math.floor(at * nodes / SAMPLE),
  );
  const row = (seed: number) =>
    Array.from({ length: dim }, (_, t) => Math.cos(seed + t));
  // Pairs of a key: of every other one as many as its stretch has queries for it.
  const admitting = new Map<Id, Id[]>();
  for (let query = 0; query < nodes; query++) {
    for (let at = query * DEGREE; at < (query + 1) * DEGREE; at++) {
      const key = mask.indices[at];
      if (key > 0 && key < 100) {
        admitting.set(key, [...admitting.get(key) ?? [], query]);
      }
    }
  }
  assertEquals(did(a, () => flush(a)), [
    nodes * DEGREE * (dim + fold),
    0,
    nodes,
  ]);
  const built = stats(a).bytes;
  // 2 · 4 bytes an edge with rooms, 3 tables of rows of 8 numbers, 25 numbers of sums and clocks a row, and the log.
  assert(
    built < nodes * (20 * DEGREE + 3 * 4 * dim + 8 * 60),
    `${built} bytes`,
  );

  // Everybody's bits, and what a write to a key of few rows does to them.
  const before = outputs(a).data.slice(), [first, second] = [5, 7];
  const sums = sample.map((id) => sumsOf(a, id));
  const readers = admitting.get(first)!;
  assert(readers.length > 10 && readers.length < 100, `${readers.length}`);
  assertEquals(did(a, () => update(a, first, { keys: row(1) })), [0, 0, 0]);
  assertEquals(did(a, () => flush(a)), [
    readers.length * 2 * (dim + fold),
    readers.length,
    0,
  ]);
  const after = outputs(a).data;
  let moved = 0;
  for (let query = 0, at = 0; query < nodes; query++) {
    let same = true;
    for (let c = 0; c < dim; c++, at++) same &&= before[at] === after[at];
    if (same) continue;
    moved++;
    assert(readers.includes(query), `query ${query} does not see key ${first}`);
  }
  assertEquals(moved, readers.length);
  sample.forEach((id, at) => {
    if (!readers.includes(id)) sameBits(sumsOf(a, id), sums[at], `query ${id}`);
  });

  // An edge costs its pair; one that comes and goes costs nothing.
  const pair: [Id, Id] = [
    readers[0],
    second === mask.indices[readers[0] * DEGREE + 1] ? 9 : second,
  ];
  admit(a, [pair]);
  assertEquals(did(a, () => flush(a)), [dim + fold, 1, 0]);
  admit(a, [pair], false);
  admit(a, [pair]);
  assertEquals(did(a, () => flush(a)), [0, 0, 0]);
  admit(a, [pair], false);
  assertEquals(did(a, () => flush(a)), [dim + fold, 1, 0]);
  sameBits(
    outputs(a, { ids: pair[0] }).data,
    rowOf(after, pair[0], dim),
    "back",
  );

  // A key that everybody sees: its first write goes to all rows, the others to none.
  const { pairs } = openAttention("look", a);
  update(a, 0, { values: row(2) });
  assertEquals(pairs.unseen.size, nodes);
  const lookups = countLookups(pairs.unseen, () => {
    for (let at = 0; at < 1000; at++) update(a, 0, { values: row(at) });
  });
  assertEquals(lookups, 0);
  assertEquals(did(a, () => outputs(a, { ids: 3 }))[1], 1);
  assertEquals(did(a, () => flush(a)), [
    (nodes - 1) * (dim + 2 * fold),
    nodes - 1,
    0,
  ]);
  assertEquals(pairs.unseen.size, 0);
  assertEquals(pairs.free.length, openAttention("look", a).log.versions.used);
  const grown = stats(a).bytes - built;
  assert(grown < nodes * DEGREE * 8, `${grown} bytes more`);

  // A fresh graph over what is stored has the same bits.
  const twin = createAttention({
    dim,
    queries: numbers(0.7),
    keys: replaced(numbers(0.3), first * dim, row(1)),
    values: replaced(numbers(0.9), 0, row(999)),
    mask,
  });
  sameBits(
    outputs(a, { ids: sample }).data,
    outputs(twin, { ids: sample }).data,
    "a fresh graph",
  );
  // 3 s on a slow core; what looks through all rows for a write takes minutes.
  const took = performance.now() - start;
  assert(took < 60_000 * Math.max(1, nodes / NODES), `${took} ms`);
});

/** A row of a table. */
function rowOf(table: Float64Array, row: number, width: number): Float64Array {
  return table.slice(row * width, (row + 1) * width);
}

/** A table with some of its numbers replaced. */
function replaced(
  table: Float32Array,
  at: number,
  numbers: number[],
): Float32Array {
  table.set(numbers, at);
  return table;
}

/** How often a map is asked while something is done. */
function countLookups<K, V>(map: Map<K, V>, act: () => void): number {
  let count = 0;
  for (const name of ["get", "has", "set"] as const) {
    const asked = Map.prototype[name] as (...given: unknown[]) => unknown;
    Reflect.set(map, name, function (this: Map<K, V>, ...given: unknown[]) {
      count++;
      return asked.apply(this, given);
    });
  }
  try {
    act();
  } finally {
    for (const name of ["get", "has", "set"]) Reflect.deleteProperty(map, name);
  }
  return count;
}

/** A number from the environment, if there is leave to ask. */
function asked(variable: string): number | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  const given = state === "granted" ? Deno.env.get(variable) : undefined;
  return given === undefined ? undefined : Number(given);
}
