import { assert, assertEquals } from "@std/assert";
import { append, createAttention, ids, remove, watch } from "../../mod.ts";
import { openAttention } from "../../src/attention.ts";
import { commit } from "../../src/memory/commit.ts";
import {
  copyAsStaged,
  isStale,
  makeShadow,
  NEW,
  stageErasedKey,
  stageErasedQuery,
  stageKey,
  stageNewKey,
  stageQuery,
  willHave,
} from "../../src/memory/shadow.ts";
import { invariant } from "./invariants.ts";
import { dump } from "../same.ts";

const row = (...numbers: number[]) => Float32Array.from(numbers);

Deno.test("staging changes the shadow and nothing else, until commit()", () => {
  const a = createAttention({
    keys: [[1], [2], [3]],
    values: [[1], [2], [3]],
    queries: [[1]],
    capacity: 3,
  });
  const memory = openAttention("test", a), before = dump(a);
  const shadow = makeShadow(memory, true), { keys, queries } = shadow;
  stageErasedKey(shadow, 1, 1, false);
  stageNewKey(shadow, 3, row(4), row(4), 0);
  assertEquals([0, 1, 2, 3, 4].map((id) => willHave(keys, id)), [
    true,
    false,
    true,
    true,
    false,
  ]);
  // The oldest makes room, then the oldest of those that were just added.
  for (const id of [4, 5, 6]) stageNewKey(shadow, id, row(id), row(id), 0);
  assertEquals([0, 2, 3, 4, 5, 6].filter((id) => willHave(keys, id)), [
    4,
    5,
    6,
  ]);
  stageKey(shadow, 5, NEW, undefined, row(50));
  stageKey(shadow, 5, NEW, row(55));
  assertEquals(
    ["key", "value"].map((part) =>
      copyAsStaged(shadow, 5, NEW, part as "key" | "value")
    ),
    [row(55), row(50)],
  );
  stageQuery(shadow, 0, row(9), 0);
  stageQuery(shadow, 1, row(9), 0);
  stageErasedQuery(shadow, 0);
  assertEquals([0, 1].map((id) => willHave(queries, id)), [false, true]);
  assertEquals([dump(a), isStale(shadow)], [before, false]);
  commit(memory, shadow.writes);
  assertEquals([ids(a), a.watched], [[4, 5, 6], 1]);
  assertEquals(memory.counters.evicted, 3);
  invariant(a);
});

Deno.test("copyAsStaged() is what is staged, or else what is stored", () => {
  const a = createAttention({ keys: [[1, 2]], values: [[3]] });
  const shadow = makeShadow(openAttention("test", a), true);
  assertEquals(copyAsStaged(shadow, 0, 0, "key"), row(1, 2));
  stageKey(shadow, 0, 0, row(5, 6));
  assertEquals(copyAsStaged(shadow, 0, 0, "key"), row(5, 6));
  assertEquals(copyAsStaged(shadow, 0, 0, "value"), row(3));
});

Deno.test("copyAsStaged() is the caller's own: what is staged and what is stored stay as they are", () => {
  const a = createAttention({ keys: [[1, 2]], values: [[3]] });
  const memory = openAttention("test", a), before = dump(a);
  const shadow = makeShadow(memory, true), staged = row(5, 6);
  stageKey(shadow, 0, 0, staged);
  for (const part of ["key", "value"] as const) {
    const copy = copyAsStaged(shadow, 0, 0, part);
    assert(copy instanceof Float32Array);
    copy.fill(9);
  }
  assertEquals([staged, dump(a)], [row(5, 6), before]);
});

Deno.test("a new key that is gone again makes no room for those after it", () => {
  const a = createAttention({ dim: 1, capacity: 2 });
  const memory = openAttention("test", a), shadow = makeShadow(memory, true);
  for (const id of [0, 1]) stageNewKey(shadow, id, row(id), row(id), 0);
  stageErasedKey(shadow, 0, 0, false);
  for (const id of [2, 3]) stageNewKey(shadow, id, row(id), row(id), 0);
  assertEquals([0, 1, 2, 3].map((id) => willHave(shadow.keys, id)), [
    false,
    false,
    true,
    true,
  ]);
  commit(memory, shadow.writes);
  assertEquals([ids(a), memory.counters.evicted], [[2, 3], 1]);
  invariant(a);
});

Deno.test("a shadow of a single change finds the oldest, of the table and then of the new ones, once each", () => {
  const a = createAttention({
    keys: [[1], [2], [3]],
    values: [[1], [2], [3]],
    capacity: 3,
  });
  remove(a, 1);
  const memory = openAttention("test", a), shadow = makeShadow(memory, false);
  for (let id = 3; id < 10; id++) stageNewKey(shadow, id, row(id), row(id), 0);
  commit(memory, shadow.writes);
  assertEquals([ids(a), memory.counters.evicted], [[7, 8, 9], 6]);
  invariant(a);
});

Deno.test("isStale() notices keys and queries that came or went under the shadow", () => {
  const a = createAttention({ keys: [[1], [2]], values: [[1], [2]], dim: 1 });
  const shadow = () => makeShadow(openAttention("test", a), false);
  for (
    const act of [
      () => append(a, [1], [1]),
      () => remove(a, 0),
      () => watch(a, [1]),
    ]
  ) {
    const before = shadow();
    assert(!isStale(before));
    act();
    assert(isStale(before));
  }
});
