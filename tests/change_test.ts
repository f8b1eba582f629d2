import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  admit,
  append,
  apply,
  type Attention,
  type Change,
  createAttention,
  CsrMatrix,
  edit,
  entry,
  type Id,
  ids,
  outputs,
  remove,
  stats,
  topKeys,
  unwatch,
  update,
  watch,
} from "../mod.ts";
import { openAttention } from "../src/attention.ts";
import { invariant } from "./memory/invariants.ts";
import { change, cloneModel, type Step, twinOf } from "./model.ts";
import { anything, type Refusal, refuses } from "./refusals.ts";
import { dump, sameBits } from "./same.ts";
import {
  attentionFor,
  drawModel,
  drawSettings,
  drawSteps,
  forSeeds,
  some,
} from "./scripts.ts";

/** Three keys under the ids 0, 1 and 3, two queries, an edge matrix that admits all of it; id 2 is gone. */
function small(): Attention {
  const edges = [0, 1].flatMap((query) =>
    [0, 1, 2, 3, 4, 5].map((key): [number, number, number] => [query, key, 1])
  );
  const a = createAttention({
    queries: [[1, 0], [0, 1]],
    keys: [[1, 2], [3, 4], [5, 6], [7, 8]],
    values: [[1], [2], [3], [4]],
    scale: 0.25,
    mask: CsrMatrix.fromTriples(2, 6, edges),
  });
  remove(a, 2);
  watch(a, [1, 1], { ids: 4 });
  unwatch(a, 4);
  return a;
}

// Edges.

Deno.test("append() of nothing adds nothing", () => {
  const a = small(), before = dump(a);
  assertEquals(append(a, [], []), []);
  assertEquals(append(a, new Float32Array(0), []), []);
  assertEquals(dump(a), before);
});

Deno.test("append() counts ids on from its own, and never uses one again", () => {
  const a = small();
  assertEquals(append(a, [1, 1], [1]), [4]);
  assertEquals(append(a, [[1, 1], [2, 2]], [[1], [2]], { ids: [7, 9] }), [
    7,
    9,
  ]);
  remove(a, [9, 4]);
  assertEquals(append(a, [1, 1], [1]), [10]);
  assertEquals(ids(a), [0, 1, 3, 7, 10]);
  invariant(a);
});

Deno.test("append() evicts its own keys where more come than fit", () => {
  const a = createAttention({ dim: 1, capacity: 2, queries: [[0]] });
  assertEquals(
    append(a, [[1], [2], [3], [4], [5]], [[1], [2], [3], [4], [5]]),
    [
      0,
      1,
      2,
      3,
      4,
    ],
  );
  assertEquals([ids(a), stats(a).evicted], [[3, 4], 3]);
  assertEquals(outputs(a).to1DArray(), [4.5]);
  invariant(a);
});

Deno.test("append() gives each key its bias, or one to all", () => {
  const a = small();
  append(a, [[1, 1], [1, 1]], [[1], [1]], { bias: [0.1, -Infinity] });
  append(a, [[1, 1], [1, 1]], [[1], [1]], { bias: -2 });
  assertEquals([4, 5, 6, 7].map((id) => entry(a, id).bias), [
    0.1,
    -Infinity,
    -2,
    -2,
  ]);
});

Deno.test("ids end at 2^32, for keys and for queries", () => {
  const last = 2 ** 32 - 1, a = createAttention({ dim: 1 });
  assertEquals(append(a, [1], [1], { ids: last }), [last]);
  assertEquals(watch(a, [1], { ids: last }), [last]);
  const before = dump(a), full = "ids should stay below 2^32";
  refuses(
    () => append(a, [1], [1]),
    RangeError,
    `Cannot append: the next free id is 4294967296, ${full}`,
  );
  refuses(
    () => watch(a, [1]),
    RangeError,
    `Cannot watch: the next free id is 4294967296, ${full}`,
  );
  assertEquals(append(a, [], []), []);
  assertEquals(dump(a), before);
  assertEquals(outputs(a).to1DArray(), [1]);
  update(a, last, { values: [3] });
  assertEquals(outputs(a, { ids: last }).to1DArray(), [3]);
  const one = createAttention({ dim: 1 });
  append(one, [1], [1], { ids: last - 1 });
  refuses(
    () => append(one, [[1], [2]], [[1], [2]]),
    RangeError,
    `Cannot append: the next free id is 4294967295, ${full}`,
  );
  assertEquals(append(one, [1], [2]), [last]);
  remove(one, [last, last - 1]);
  invariant(one);
});

Deno.test("update() leaves what is not given, and edit() adds to what is stored", () => {
  const a = small();
  update(a, 1, { keys: [9, 8] });
  update(a, [1, 3], { values: [[5], [6]] });
  update(a, 3, { bias: -1 });
  edit(a, { keys: [[1, 0, 0.5], [1, 0, 0.25]], values: [[3, 0, -1]] });
  const stored = (id: Id) => {
    const { key, value, bias } = entry(a, id);
    return [...key, ...value, bias];
  };
  assertEquals(stored(1), [9.75, 8, 5, 0]);
  assertEquals(stored(3), [7, 8, 5, -1]);
  assertEquals(stored(0), [1, 2, 1, 0]);
  edit(a, { keys: CsrMatrix.fromTriples(4, 2, [[0, 1, 3], [3, 0, -7]]) });
  assertEquals([stored(0), stored(3)], [[1, 5, 1, 0], [0, 8, 5, -1]]);
});

Deno.test("edit() sums the deltas of a number before it rounds, and rounds each edit", () => {
  const a = createAttention({ keys: [[1]], values: [[1]] });
  const tiny = 2 ** -24 + 2 ** -50;
  // Each alone rounds up, half of one not at all.
  edit(a, { values: [[0, 0, tiny / 2], [0, 0, tiny / 2]] });
  assertEquals(entry(a, 0).value[0], 1 + 2 ** -23);
  edit(a, { keys: [[0, 0, tiny / 2]] });
  edit(a, { keys: [[0, 0, tiny / 2]] });
  assertEquals(entry(a, 0).key[0], 1);
});

Deno.test("watch() replaces a query under its id, and rows are used again without traces", () => {
  const a = createAttention({
    dim: 1,
    keys: [[100], [-100]],
    values: [[1], [2]],
  });
  const [first, second] = watch(a, [[1], [-1]]);
  assertEquals(outputs(a).to1DArray(), [1, 2]);
  assertEquals(watch(a, [[-1], [1]], { ids: [first, 9] }), [first, 9]);
  assertEquals(outputs(a).to1DArray(), [2, 2, 1]);
  unwatch(a, [first, second]);
  assertEquals(watch(a, [[0], [1]]), [10, 11]);
  const { used } = openAttention("test", a).rows.slots;
  assertEquals(used, 3);
  assertEquals(outputs(a).to1DArray(), [1, 1.5, 1]);
  unwatch(a, [9, 10, 11]);
  assertEquals([a.watched, a.pending, outputs(a).rows], [0, 0, 0]);
  invariant(a);
});

Deno.test("admit() and its contrary, back and forth between reads and for removed keys", () => {
  const a = createAttention({
    queries: [[0], [0]],
    keys: [[0], [0], [0]],
    values: [[1], [2], [4]],
    mask: CsrMatrix.fromTriples(2, 3, [[0, 0, 1], [0, 2, 1], [1, 1, 1]]),
  });
  const read = () => (invariant(a), outputs(a).to1DArray());
  assertEquals(read(), [2.5, 2]);
  admit(a, [[0, 1]]);
  admit(a, [[0, 1]], false);
  admit(a, [[0, 0]], false);
  admit(a, [[0, 0]]);
  assertEquals(openAttention("test", a).pairs.unseen.size, 0);
  assertEquals(read(), [2.5, 2]);
  admit(a, [[0, 1], [1, 0], [0, 1]]);
  admit(a, [[0, 0]], false);
  assertEquals(read(), [3, 1.5]);
  // The edge goes while its key changes, comes back, and the key leaves before anybody has read.
  admit(a, [[0, 2]], false);
  update(a, 2, { values: [100] });
  assertEquals(read(), [2, 1.5]);
  admit(a, [[0, 2]]);
  remove(a, 2);
  assertEquals(read(), [2, 1.5]);
  admit(a, [[1, 1]], false);
  remove(a, [0, 1]);
  assertEquals(read(), [0, 0]);
  append(a, [0], [7]);
  assertEquals(read(), [0, 0]);
  admit(a, [[1, 3]]);
  assertEquals(read(), [0, 7]);
  assertEquals(topKeys(a, { ids: 1 }, 5)[0].keys, [3]);
});

// Lists.

Deno.test("apply() lets a change see those before it", () => {
  const a = createAttention({ dim: 1, capacity: 2, queries: [[0]] });
  const list: Change[] = [
    { verb: "append", keys: [[1], [2]], values: [[10], [20]] },
    { verb: "edit", values: [[0, 0, 5]], keys: [[1, 0, 1]] },
    { verb: "update", ids: 1, values: [30] },
    { verb: "edit", values: [[1, 0, 0.5]] },
    { verb: "append", keys: [7], values: [40], bias: -1 },
    { verb: "watch", queries: [[1]] },
    { verb: "watch", queries: [[2]], ids: 1 },
    { verb: "unwatch", ids: 0 },
  ];
  assertEquals(apply(a, list), [[0, 1], [1, 0], [1], [1], [2], [1], [1], [0]]);
  assertEquals(ids(a), [1, 2]);
  assertEquals([...entry(a, 1).key, ...entry(a, 1).value], [3, 30.5]);
  assertEquals(entry(a, 2).bias, -1);
  assertEquals(a.watched, 1);
  refuses(
    () => apply(a, [list[4], { verb: "update", ids: 1, bias: 0 }]),
    RangeError,
    "Cannot update: key 1 is gone, it should be one of 2 live ids",
  );
  refuses(
    () =>
      apply(a, [{ verb: "unwatch", ids: 1 }, {
        verb: "watch",
        queries: [[1]],
        ids: 1,
      }]),
    RangeError,
    "Cannot watch: id 1 is free no more, a new id should be 2 or larger",
  );
  assertEquals([ids(a), a.watched], [[1, 2], 1]);
  invariant(a);
});

Deno.test("apply() of a list, of one change at a time and of the verbs leaves the same", () => {
  forSeeds(40, (_, random, at) => {
    const settings = drawSettings(random), model = drawModel(random, settings);
    const [list, single] = [0, 1].map(() => attentionFor(model));
    for (let step = 1; step <= 15; step++) {
      at(step);
      const { steps } = drawSteps(random, settings, model, 5);
      const concerned = apply(list, steps);
      assertEquals(steps.flatMap((one) => apply(single, [one])), concerned);
      if (step % 3 === 0) {
        sameBits(outputs(list).data, outputs(single).data, "");
      }
    }
    assertEquals(ids(list), ids(single));
    invariant(list);
  });
});

/** A change of every verb that cannot be done to any attention of the scripts. */
function impossible(model: { dim: number; nextKey: Id; nextQuery: Id }) {
  const { dim, nextKey, nextQuery } = model;
  const key = new Array<number>(dim).fill(0), far = nextKey + 1e6;
  const changes: Record<string, unknown> = {
    "append: no value": { verb: "append", keys: [key], values: [] },
    "append: an old id": {
      verb: "append",
      keys: [key],
      values: [[0]],
      ids: [-1],
    },
    "update: unknown": { verb: "update", ids: far, bias: 0 },
    "update: nothing": { verb: "update", ids: [] },
    "edit: unknown": { verb: "edit", values: [[far, 0, 1]] },
    "edit: nothing": { verb: "edit" },
    "remove: unknown": { verb: "remove", ids: [far] },
    "watch: too wide": { verb: "watch", queries: [[...key, 1]] },
    "unwatch: unknown": { verb: "unwatch", ids: nextQuery + 1e6 },
    "admit: unknown": { verb: "admit", pairs: [[nextQuery + 1e6, far]] },
    "no verb": { keys: [key] },
    "no change": null,
    "misspelt": { verb: "remove", id: 0 },
  };
  return Object.entries(changes);
}

Deno.test("apply() of a list that fails at any place, by a change of any verb, changes nothing to the bit", () => {
  forSeeds(12, (_, random, at) => {
    const settings = drawSettings(random), model = drawModel(random, settings);
    const a = attentionFor(model);
    for (let step = 1; step <= 4; step++) {
      at(step);
      // Rows that are up to date, rows that are behind, flips that are unread.
      apply(a, drawSteps(random, settings, model, 2).steps);
      const watched = [...model.queries.keys()];
      if (watched.length > 0) outputs(a, { ids: some(random, watched, 2) });
      apply(a, drawSteps(random, settings, model, 2).steps);
      const after = cloneModel(model);
      const { steps } = drawSteps(random, settings, after, 5);
      const before = dump(a);
      for (let place = 0; place <= steps.length; place++) {
        for (const [name, bad] of impossible(after)) {
          const list = steps.toSpliced(place, 0, anything(bad));
          const error = assertThrows(() => apply(a, list), Error);
          assert(
            error instanceof TypeError || error instanceof RangeError,
            `${name}: ${error}`,
          );
          assertEquals(dump(a), before, `${name} at ${place}`);
        }
      }
      const expected = outputs(twinOf(model)).data;
      sameBits(outputs(a).data, expected, "outputs");
      assertEquals(stats(a).writes, model.writes);
    }
  });
});

Deno.test("a list whose iterable throws changes nothing, and the error is its own", () => {
  const a = small(), before = dump(a);
  const list = function* (): Generator<Change> {
    yield { verb: "remove", ids: 0 };
    throw new EvalError("mine");
  };
  assertThrows(() => apply(a, list()), EvalError, "mine");
  const pairs = function* (): Generator<[Id, Id]> {
    yield [0, 1];
    throw new EvalError("mine");
  };
  assertThrows(() => admit(a, pairs(), false), EvalError, "mine");
  assertThrows(
    () =>
      apply(a, [
        { verb: "remove", ids: 0 },
        anything({
          get verb() {
            throw new EvalError("mine");
          },
        }),
      ]),
    EvalError,
    "mine",
  );
  assertEquals(dump(a), before);
});

Deno.test("a caller's iterable that changes the attention is refused, and only its own change is done", () => {
  const a = small();
  const own = function* (act: () => void, id: Id) {
    act();
    yield id;
  };
  const message =
    "Cannot apply: the attention changed while its changes were read, they should leave it alone";
  const acts: [act: () => void, ids: Id[], watched: number][] = [
    [() => append(a, [0, 0], [0]), [0, 1, 3, 4], 2],
    [() => remove(a, 4), [0, 1, 3], 2],
    [() => watch(a, [0, 0]), [0, 1, 3], 3],
    [() => unwatch(a, 5), [0, 1, 3], 2],
  ];
  for (const [act, live, watched] of acts) {
    refuses(
      () => append(a, [9, 9], [9], { ids: own(act, 20) }),
      TypeError,
      message,
    );
    assertEquals([ids(a), a.watched], [live, watched]);
    invariant(a);
  }
  // The list itself is read before anything is looked at, so it may.
  const list = function* (): Generator<Change> {
    append(a, [1, 1], [1]);
    yield { verb: "append", keys: [2, 2], values: [2] };
  };
  assertEquals(apply(a, list()), [[6]]);
  assertEquals(ids(a), [0, 1, 3, 5, 6]);
});

Deno.test("a call gives the floats of the arena back, whether it is carried out or refused", () => {
  const a = createAttention({
    keys: [[1, 2]],
    values: [[3]],
    queries: [[4, 5]],
  });
  const { arena } = openAttention("test", a);
  const calls: (() => unknown)[] = [
    () => update(a, 0, { keys: [6, 7], values: [8] }),
    () => append(a, [6, 7], [8]),
    () => edit(a, { keys: [[0, 1, 2]] }),
    () => watch(a, [6, 7], { ids: 0 }),
    () => assertThrows(() => update(a, 0, { keys: [6, 7], values: [NaN] })),
    () => assertThrows(() => edit(a, { keys: [[0, 0, 1], [0, 1, 1e39]] })),
  ];
  for (const call of calls) {
    call();
    assertEquals(arena.used, 0, String(call));
    assert(arena.views!.size > 0, String(call));
  }
});

Deno.test("the arena grows with a list of changes that is carried out, not with one that is refused", () => {
  const a = createAttention({ dim: 2, valueDim: 1 });
  const { arena } = openAttention("test", a), { floats } = arena;
  const list = Array.from({ length: 20 }, (_, id): Change => (
    { verb: "append", keys: [id, 1], values: [2] }
  ));
  const { bytes } = stats(a);
  assertThrows(() => apply(a, [...list, { verb: "remove", ids: 20 }]));
  append(a, [1, 1], [1]);
  remove(a, 0);
  assertEquals([arena.floats, arena.missed], [floats, 0]);
  assertThrows(() => apply(a, [...list, { verb: "remove", ids: 99 }]));
  apply(a, list);
  assertEquals([arena.floats.length, arena.used, arena.missed], [60, 0, 0]);
  apply(a, list);
  assertEquals(arena.views!.size, 40);
  assert(stats(a).bytes > bytes);
});

Deno.test("changes are copied on the way in", () => {
  const a = small(), key = [1, 1], value = new Float32Array([1]);
  const query = new Float32Array([1, 1]), bias = [0.5];
  append(a, [key], [value], { bias });
  watch(a, [query]);
  key[0] =
    value[0] =
    query[0] =
    bias[0] =
      9;
  const stored = entry(a, 4);
  assertEquals([...stored.key, ...stored.value, stored.bias], [1, 1, 1, 0.5]);
  assertEquals([...openAttention("test", a).rows.queries.dense.slice(4, 6)], [
    1,
    1,
  ]);
  stored.key[0] = 7;
  assertEquals(entry(a, 4).key[0], 1);
});

// Doors.

Deno.test("every verb refuses what it cannot do, by the full message, and changes nothing", () => {
  const a = small();
  outputs(a, { ids: 0 });
  const before = dump(a);
  const add = (
    keys: unknown,
    values: unknown,
    options?: unknown,
  ) => append(a, anything(keys), anything(values), anything(options));
  const set = (id: unknown, options: unknown) =>
    update(a, anything(id), anything(options));
  const see = (queries: unknown, options?: unknown) =>
    watch(a, anything(queries), anything(options));
  const range = "it should be a whole number from 0 to 2^32 − 1";
  const cases: [() => unknown, Refusal, string][] = [
    [
      () => add([[1, 2]], [[1], [2]]),
      RangeError,
      "append: there are 2 values, there should be one for each of 1 key",
    ],
    [
      () => add([1], [1]),
      RangeError,
      "append: keys has rows of 1 number, it should have rows of 2",
    ],
    [
      () => add([1, 2], [NaN]),
      RangeError,
      "append: values[0][0] is NaN, it should be finite as a 32-bit float",
    ],
    [
      () => add([1, 2], [1], { ids: 3 }),
      RangeError,
      "append: id 3 comes after 3, ids should ascend from 4",
    ],
    [
      () => add([[1, 2], [3, 4]], [[1], [2]], { ids: [6, 5] }),
      RangeError,
      "append: id 5 comes after 6, ids should ascend from 4",
    ],
    [
      () => add([1, 2], [1], { ids: [5, 6] }),
      RangeError,
      "append: there are 2 ids, there should be one for each of 1 row",
    ],
    [
      () => add([1, 2], [1], { ids: 2 ** 32 }),
      RangeError,
      `append: id is 4294967296, ${range}`,
    ],
    [
      () => add([1, 2], [1], { bias: Infinity }),
      RangeError,
      "append: bias is Infinity, it should be -Infinity or a number up to 1e+300 in size",
    ],
    [
      () => add([1, 2], [1], { bias: null }),
      TypeError,
      "append: bias is null, it should be a number or one for each row",
    ],
    [
      () => add([1, 2], [1], { baias: 1 }),
      TypeError,
      'append: unknown option "baias", it should be one of ids, bias',
    ],
    [
      () => add([1, 2], [1], null),
      TypeError,
      "append: options is null, it should be an object",
    ],
    [
      () => set(2, { bias: 1 }),
      RangeError,
      "update: key 2 is gone, it should be one of 3 live ids",
    ],
    [
      () => set(4, { bias: 1 }),
      RangeError,
      "update: key 4 is unknown, it should be one of 3 live ids",
    ],
    [
      () => set([0, 1, 0], { bias: 1 }),
      RangeError,
      "update: id 0 is given twice, it should be given once",
    ],
    [
      () => set(0, {}),
      TypeError,
      "update: nothing is given, keys, values or bias should be",
    ],
    [
      () => set(0, undefined),
      TypeError,
      "update: nothing is given, keys, values or bias should be",
    ],
    [
      () => set([0, 1], { values: [[1]] }),
      RangeError,
      "update: there is 1 value, there should be one for each of 2 ids",
    ],
    [
      () => set(0, { key: [1, 2] }),
      TypeError,
      'update: unknown option "key", it should be one of keys, values, bias',
    ],
    [
      () => edit(a, {}),
      TypeError,
      "edit: nothing is given, keys or values should be",
    ],
    [
      () => edit(a, { keys: [[2, 0, 1]] }),
      RangeError,
      "edit: key 2 is gone, it should be one of 3 live ids",
    ],
    [
      () => edit(a, { keys: [[0, 2, 1]] }),
      RangeError,
      "edit: column of keys[0] is 2, it should be a whole number below 2",
    ],
    [
      () => edit(a, { values: [[0, 0, 3e38], [1, 0, 3e38], [1, 0, 3e38]] }),
      RangeError,
      "edit: column 0 of value 1 would be 6e+38, it should be finite as a 32-bit float",
    ],
    [
      () => edit(a, { keys: CsrMatrix.fromTriples(1, 3, []) }),
      RangeError,
      "edit: keys has rows of 3 numbers, it should have rows of 2",
    ],
    [
      () => edit(a, anything({ biases: [] })),
      TypeError,
      'edit: unknown option "biases", it should be one of keys, values',
    ],
    [
      () => remove(a, [0, 2]),
      RangeError,
      "remove: key 2 is gone, it should be one of 3 live ids",
    ],
    [
      () => remove(a, anything(undefined)),
      TypeError,
      "remove: ids is undefined, it should be an id or several",
    ],
    [
      () => see([1, 2], { ids: 4 }),
      RangeError,
      "watch: id 4 is free no more, a new id should be 5 or larger",
    ],
    [
      () => see([[1, 2], [3, 4]], { ids: [8, 7] }),
      RangeError,
      "watch: id 7 is free no more, a new id should be 9 or larger",
    ],
    [
      () => see([1, 2], { position: 0 }),
      TypeError,
      'watch: position is given, the mask should be "causal" for that',
    ],
    [
      () => see([1, 2], { id: 5 }),
      TypeError,
      'watch: unknown option "id", it should be one of ids, position',
    ],
    [
      () => unwatch(a, 4),
      RangeError,
      "unwatch: query 4 is gone, it should be one of 2 live ids",
    ],
    [
      () => unwatch(a, [0, 5]),
      RangeError,
      "unwatch: query 5 is unknown, it should be one of 2 live ids",
    ],
    [
      () => admit(a, [[0, 0], [0, 2]]),
      RangeError,
      "admit: key 2 is gone, it should be one of 3 live ids",
    ],
    [
      () => admit(a, [[4, 0]]),
      RangeError,
      "admit: query 4 is gone, it should be one of 2 live ids",
    ],
    [
      () => admit(a, anything([[[0], 0]])),
      TypeError,
      "admit: id is an array of 1, it should be a number",
    ],
    [
      () => admit(a, anything([[0, 0, 1]])),
      TypeError,
      "admit: a pair is an array of 3, it should be a query id and a key id",
    ],
    [
      () => admit(a, anything(0)),
      TypeError,
      "admit: pairs is 0, it should be pairs of a query id and a key id",
    ],
    [
      () => admit(a, [[0, 0]], anything(0)),
      TypeError,
      "admit: admitted is 0, it should be true or false",
    ],
    [
      () => admit(createAttention({ dim: 1 }), []),
      TypeError,
      "admit: the mask is no matrix, it should be a CsrMatrix given to createAttention",
    ],
    [
      () => apply(a, anything("remove")),
      TypeError,
      'apply: changes is "remove", it should be a list of changes',
    ],
    [
      () => apply(a, anything([{ verb: "toString" }])),
      TypeError,
      'apply: the verb of a change is "toString", it should be one of append, update, edit, remove, watch, unwatch, admit',
    ],
    [
      () => apply(a, anything([undefined])),
      TypeError,
      "apply: the verb of a change is undefined, it should be one of append, update, edit, remove, watch, unwatch, admit",
    ],
    [
      () => apply(a, anything([{ verb: "remove", id: 0 }])),
      TypeError,
      'remove: unknown option "id", it should be one of verb, ids',
    ],
  ];
  for (const [call, kind, message] of cases) {
    refuses(call, kind, `Cannot ${message}`);
    assertEquals(dump(a), before, message);
  }
});

// Laws beyond the scripts of laws_test.ts.

Deno.test("a watched query sees no key of a later position, whatever else changes", () => {
  const a = createAttention({
    keys: [[0], [0]],
    values: [[1], [3]],
    mask: "causal",
  });
  const position = [-1, 0, 5];
  const [none, first, ahead] = watch(a, [[0], [0], [0]], { position });
  const [newest] = watch(a, [0]);
  const read = (id: Id) => outputs(a, { ids: id }).get(0, 0);
  assertEquals([none, first, ahead, newest].map(read), [0, 1, 2, 2]);
  append(a, [[0], [0]], [[11], [101]]);
  assertEquals([none, first, ahead, newest].map(read), [0, 1, 29, 2]);
  update(a, 0, { values: [5] });
  assertEquals([none, first, ahead, newest].map(read), [0, 5, 30, 4]);
  append(a, [0], [8], { ids: 9 });
  assertEquals(read(ahead), 30);
  remove(a, [0, 1]);
  assertEquals([none, first, ahead, newest].map(read), [0, 0, 56, 0]);
  watch(a, [0], { ids: first, position: 9 });
  watch(a, [0], { ids: none });
  assertEquals([none, first].map(read), [40, 40]);
  invariant(a);
});

Deno.test("a step of the model and of the attention agree on ids and eviction for every capacity", () => {
  forSeeds(30, (_, random, at) => {
    for (const capacity of [0, 1, 4]) {
      const settings = drawSettings(random, { capacity });
      const model = drawModel(random, settings), a = attentionFor(model);
      for (let step = 1; step <= 8; step++) {
        at(step);
        const one: Step = {
          verb: "append",
          keys: Array.from(
            { length: random.integer(7) },
            () => new Array<number>(settings.dim).fill(step),
          ),
          values: [],
        };
        one.values = one.keys.map(() =>
          new Array<number>(settings.valueDim).fill(1)
        );
        assertEquals(apply(a, [one]), [change(model, one)]);
        assertEquals(ids(a), [...model.keys.keys()]);
        assertEquals(stats(a).evicted, model.evicted);
        invariant(a);
      }
    }
  });
});
