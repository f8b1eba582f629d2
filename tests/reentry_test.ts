import { assertEquals, assertThrows } from "@std/assert";
import {
  append,
  attend,
  type Attention,
  createAttention,
  entry,
  errorBound,
  flush,
  ids,
  measureError,
  outputs,
  remove,
  stats,
  topKeys,
  unwatch,
  update,
  watch,
  weights,
} from "@reattend/reattend";

const KEYS = [[0], [1], [2], [3]];

function make(mask?: (query: number, key: number) => boolean): Attention {
  return createAttention({
    queries: [[1], [2]],
    keys: KEYS,
    values: KEYS,
    mask,
  });
}

Deno.test("a filter that reads or changes its attention is refused, and nothing is changed", () => {
  const a = make();
  const before = outputs(a).data.slice();
  const touching: [verb: string, () => unknown][] = [
    ["attend", () => attend(a, [1])],
    ["read outputs", () => outputs(a)],
    ["read top keys", () => topKeys(a, [1], 1)],
    ["read weights", () => weights(a)],
    ["flush", () => flush(a)],
    ["flush", () => flush(a, { work: 1 })],
    ["measure errors", () => measureError(a)],
    ["update", () => update(a, 0, { values: [7] })],
    ["append", () => append(a, [1], [1])],
  ];
  for (const [verb, touch] of touching) {
    for (
      const read of [
        attend,
        (a: Attention, query: number[], options: object) =>
          topKeys(a, query, 1, options),
      ]
    ) {
      assertThrows(
        () => read(a, [1], { filter: () => touch() !== a }),
        TypeError,
        `Cannot ${verb}: the attention is being read, its masks and filters should leave it alone`,
      );
      assertEquals(outputs(a).data, before);
      assertEquals([a.size, entry(a, 0).value[0]], [4, 0]);
    }
  }
});

Deno.test("a mask that reads its attention in a replay is refused, and the next read is right", () => {
  let meddle = false;
  const a = make(() => {
    if (meddle) outputs(a, { ids: 1 });
    return true;
  });
  outputs(a);
  update(a, 1, { values: [9] });
  meddle = true;
  assertThrows(
    () => outputs(a),
    TypeError,
    "Cannot read outputs: the attention is being read",
  );
  meddle = false;
  const twin = make();
  update(twin, 1, { values: [9] });
  assertEquals(outputs(a).data, outputs(twin).data);
});

Deno.test("a filter may look at what is stored, and read other attentions", () => {
  const a = make(), other = make();
  const filter = (_: number, key: number) => {
    outputs(other);
    return ids(a).includes(key) && stats(a).writes > 0 &&
      errorBound(a).total > 0 && entry(a, key).key[0] > 1;
  };
  assertEquals(
    attend(a, [1], { filter }).data,
    attend(a, [1], { filter: (_, key) => key > 1 }).data,
  );
});

Deno.test("options and iterables that change who is watched are gone through before a row is looked up", () => {
  /** Takes query 0 away, and puts another query into its place in the table. */
  const meddle = (a: Attention) => {
    unwatch(a, 0);
    watch(a, [5]);
  };
  const gone = "query 0 is gone, it should be one of 2 live ids";
  for (const name of ["out", "bounds"]) {
    const a = make();
    const options = { ids: [0, 1] };
    Object.defineProperty(options, name, {
      enumerable: true,
      get: () => meddle(a),
    });
    assertThrows(
      () => outputs(a, options),
      RangeError,
      `Cannot read outputs: ${gone}`,
    );
    assertEquals(outputs(a).data, attend(a, [[2], [5]]).data);
  }
  const lazily = make(),
    all = outputs(lazily, {
      get out() {
        meddle(lazily);
        return undefined;
      },
    });
  assertEquals(all.data, attend(lazily, [[2], [5]]).data);

  const once = (a: Attention, list: number[]) => ({
    *[Symbol.iterator]() {
      meddle(a);
      yield* list;
    },
  });
  const named = make();
  assertThrows(
    () => weights(named, { ids: [0, 1], keys: once(named, [3, 1]) }),
    RangeError,
    `Cannot read weights: ${gone}`,
  );
  const every = make(), told = weights(every, { keys: once(every, [3, 1]) });
  assertEquals(told, weights(every, { keys: [3, 1] }));
  assertEquals(told.queries, [1, 2]);
  const removed = make();
  assertThrows(
    () =>
      weights(removed, {
        ids: {
          *[Symbol.iterator]() {
            remove(removed, 3);
            yield 1;
          },
        },
        keys: [3],
      }),
    RangeError,
    "Cannot read weights: key 3 is gone, it should be one of 3 live ids",
  );
});

Deno.test("a predicate is asked about keys that are gone, and says of them what it said before", () => {
  const asked = new Set<number>();
  const a = make((_, key) => {
    asked.add(key);
    return true;
  });
  outputs(a);
  asked.clear();
  remove(a, 2);
  const twin = make();
  remove(twin, 2);
  assertEquals(outputs(a).data, outputs(twin).data);
  assertEquals(asked.has(2), true);
});
