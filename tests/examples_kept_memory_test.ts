/**
 * The example that keeps memories: what comes back has the bits of what went in, whatever happened on the way.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  keep,
  type KeyValues,
  recall,
} from "../examples/kept_memory/deno_kv.ts";
import {
  Memory,
  type ObjectState,
} from "../examples/kept_memory/durable_object.ts";
import { cut, join, PART_BYTES } from "../examples/kept_memory/parts.ts";
import {
  type Attention,
  type Change,
  createAttention,
  outputs,
  update,
} from "../mod.ts";

/** A value of a Durable Object whose storage is no SQLite. */
const OBJECT_VALUE_BYTES = 131_072;

/** Keys in the order of their texts; refuses what is too long, and whatever comes after `most` writes. */
function makeKeyValues() {
  const stored = new Map<string, unknown>();
  let left = Infinity;
  const kv: KeyValues = {
    get: (key) =>
      Promise.resolve({ value: stored.get(JSON.stringify(key)) ?? null }),
    set: (key, value) => {
      if (value instanceof Uint8Array) assert(value.length <= PART_BYTES);
      if (left-- <= 0) return Promise.reject(new Error("no network"));
      stored.set(JSON.stringify(key), structuredClone(value));
      return Promise.resolve();
    },
    delete: (key) => {
      stored.delete(JSON.stringify(key));
      return Promise.resolve();
    },
    async *list({ prefix }) {
      for (const text of [...stored.keys()]) {
        const key = JSON.parse(text) as unknown[];
        if (
          key.length > prefix.length &&
          prefix.every((part, at) => part === key[at])
        ) yield await { key };
      }
    },
  };
  return { kv, stored, fail: (after: number) => left = after };
}

function makeMemory(keys: number): Attention {
  const rows = (columns: number, shift: number) =>
    Array.from(
      { length: keys },
      (_, row) =>
        Array.from({ length: columns }, (_, column) =>
          Math.sin(shift + row * 7 + column * 3)),
    );
  return createAttention({
    keys: rows(64, 0),
    values: rows(8, 1),
    queries: rows(64, 2).slice(0, 3),
  });
}

Deno.test("parts are no longer than a value, hold no more than they are, and join to what was cut", () => {
  for (
    const length of [
      0,
      1,
      PART_BYTES - 1,
      PART_BYTES,
      PART_BYTES + 1,
      3 * PART_BYTES,
    ]
  ) {
    const bytes = Uint8Array.from({ length }, (_, at) => at * 31);
    const parts = cut(bytes);
    assertEquals(parts.length, Math.ceil(length / PART_BYTES));
    for (const part of parts) {
      assert(part.length <= PART_BYTES);
      assertEquals(part.buffer.byteLength, part.length);
    }
    assertEquals(join(parts), bytes);
  }
});

Deno.test("recall() gives the answers of what was kept, and keep() leaves nothing else behind", async () => {
  const { kv, stored } = makeKeyValues();
  assertEquals(await recall(kv, "a"), undefined);
  const memory = makeMemory(1000);
  await keep(kv, "a", memory);
  await keep(kv, "b", makeMemory(2));
  update(memory, 7, { values: [8, 7, 6, 5, 4, 3, 2, 1] });
  await keep(kv, "a", memory);
  assertEquals(outputs((await recall(kv, "a"))!).data, outputs(memory).data);
  assertEquals((await recall(kv, "b"))!.size, 2);
  // Two names, the five parts of the one and the one part of the other.
  assertEquals(stored.size, 2 + 5 + 1);
});

Deno.test("keep() that fails leaves what was kept, and the next one sweeps up", async () => {
  for (const after of [0, 3, 5]) {
    const { kv, stored, fail } = makeKeyValues();
    const memory = makeMemory(1000);
    await keep(kv, "a", memory);
    const before = outputs(memory).data.slice();
    update(memory, 7, { values: [8, 7, 6, 5, 4, 3, 2, 1] });
    fail(after);
    await assertRejects(() => keep(kv, "a", memory), Error, "no network");
    assertEquals(outputs((await recall(kv, "a"))!).data, before);
    fail(Infinity);
    await keep(kv, "a", memory);
    assertEquals(outputs((await recall(kv, "a"))!).data, outputs(memory).data);
    assertEquals(stored.size, 1 + 5);
  }
});

Deno.test("recall() starts again where a newer version came in between, and says what is lost", async () => {
  const { kv, stored } = makeKeyValues();
  await keep(kv, "a", makeMemory(5));
  let moved = false;
  const slow: KeyValues = {
    ...kv,
    get: async (key) => {
      if (key.length > 1 && !moved) {
        moved = true;
        await keep(kv, "a", makeMemory(6));
      }
      return kv.get(key);
    },
  };
  assertEquals((await recall(slow, "a"))!.size, 6);
  stored.delete(
    [...stored.keys()].find((text) => JSON.parse(text).length > 1)!,
  );
  await assertRejects(
    () => recall(kv, "a"),
    Error,
    "lacks a part, it should be whole",
  );
});

/** Storage of a Durable Object that listed keys go through in order, and the waking of objects on it. */
function makeObjects() {
  const stored = new Map<string, unknown>();
  const state: ObjectState = {
    storage: {
      list: <Value>({ prefix }: { prefix: string }) =>
        Promise.resolve(
          new Map(
            [...stored].filter(([key]) => key.startsWith(prefix)).sort((
              [a],
              [b],
            ) => a < b ? -1 : 1),
          ) as Map<
            string,
            Value
          >,
        ),
      put: (key, value) => {
        const size = value instanceof Uint8Array
          ? value.buffer.byteLength
          : (value as string).length;
        assert(size <= OBJECT_VALUE_BYTES);
        stored.set(key, structuredClone(value));
        return Promise.resolve();
      },
      delete: (key) => Promise.resolve(stored.delete(key)),
    },
    blockConcurrencyWhile: (callback) => waking = callback(),
  } as ObjectState;
  let waking: Promise<unknown> = Promise.resolve();
  const wake = async () => {
    const memory = new Memory(state);
    await waking;
    return memory;
  };
  return { stored, wake };
}

async function ask(memory: Memory, path: string, body: unknown) {
  const request = new Request(`http://memory/${path}`, {
    method: "POST",
    body: JSON.stringify(body),
  });
  const response = await memory.fetch(request);
  return { status: response.status, text: await response.text() };
}

const row = (at: number, columns: number) =>
  Array.from({ length: columns }, (_, column) => Math.sin(at * 7 + column * 3));
const learn = (at: number): Change => ({
  verb: "append",
  keys: row(at, 3),
  values: row(at + 1, 2),
});

Deno.test("a Memory that wakes up answers as the one that went to sleep, after any number of lists", async () => {
  const { stored, wake } = makeObjects();
  let memory = await wake();
  for (let at = 0; at < 230; at++) {
    const changes = at % 5 === 4
      ? [learn(at), { verb: "remove", ids: at - 2 }]
      : [learn(at)];
    const { status, text } = await ask(memory, "changes", changes);
    assertEquals([status, (JSON.parse(text) as number[][])[0]], [200, [at]]);
    if (at % 23 === 0) {
      const query = { query: row(at, 3), count: 4 };
      const asleep = await ask(memory, "ask", query);
      memory = await wake();
      assertEquals(await ask(memory, "ask", query), asleep);
    }
  }
  // Two snapshots of one part, each in place of the 100 lists before it and of its own.
  assertEquals(
    [...stored.keys()].filter((key) => key.startsWith("part:")).length,
    1,
  );
  assertEquals(stored.size, 1 + 230 - 2 * 101);
});

Deno.test("a list too long for a value becomes a snapshot, and fewer parts take the place of more", async () => {
  const { stored, wake } = makeObjects();
  const memory = await wake();
  const many = Array.from({ length: 6000 }, (_, at) => at);
  const learnt = {
    verb: "append",
    keys: many.map((at) => row(at, 3)),
    values: many.map((at) => row(at, 2)),
  };
  await ask(memory, "changes", [learnt]);
  assert(stored.size > 1);
  assert([...stored.keys()].every((key) => key.startsWith("part:")));
  const parts = stored.size;
  await ask(memory, "changes", [{ verb: "remove", ids: many.slice(1) }]);
  await ask(
    memory,
    "changes",
    Array.from({ length: 1000 }, (_, at) => learn(at)),
  );
  assert(stored.size < parts, `${stored.size} of ${parts}`);
  const query = { query: row(3, 3) };
  assertEquals(
    await ask(await wake(), "ask", query),
    await ask(memory, "ask", query),
  );
});

Deno.test("a Memory refuses in a sentence and stores nothing", async () => {
  const { stored, wake } = makeObjects();
  const memory = await wake();
  assertEquals(
    await ask(memory, "changes", [learn(0), { verb: "remove", ids: 7 }]),
    {
      status: 400,
      text:
        '{"error":"Cannot remove: key 7 is unknown, it should be one of 1 live id"}',
    },
  );
  assertEquals(stored.size, 0);
});
