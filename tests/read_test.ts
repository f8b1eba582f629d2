import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  admit,
  append,
  attend,
  type Attention,
  createAttention,
  CsrMatrix,
  flush,
  type Id,
  outputs,
  remove,
  softmaxAttention,
  stats,
  topKeys,
  update,
  watch,
  weights,
} from "../mod.ts";
import { invariant } from "./memory/invariants.ts";
import { admitsPair, cloneModel, type Model, seen, twinOf } from "./model.ts";
import { anything, type Refusal, refuses } from "./refusals.ts";
import { dump, sameBits } from "./same.ts";
import {
  attentionFor,
  drawModel,
  drawSettings,
  drawSteps,
  forSeeds,
  normals,
  perform,
  pick,
  shuffled,
} from "./scripts.ts";

/** Four keys that all weigh the same, under the ids 0, 2, 3 and 4. */
function even(options: { mask?: "causal" } = {}): Attention {
  const a = createAttention({
    queries: [[0], [0]],
    keys: [[1], [1], [1], [1], [1]],
    values: [[1], [50], [2], [4], [8]],
    ...options,
  });
  remove(a, 1);
  return a;
}

// Edges.

Deno.test("outputs() come by ascending id, or in the order of ids with repeats", () => {
  const a = createAttention({
    queries: [[1], [2], [3]],
    keys: [[0]],
    values: [[0]],
    mask: (query, key) => query === key,
  });
  const each = [5, 6, 7].map((v) => append(a, [0], [v])[0]);
  assertEquals(each, [1, 2, 3]);
  assertEquals(outputs(a).to2DArray(), [[0], [5], [6]]);
  const read = outputs(a, { ids: [2, 0, 2, 1] });
  assertEquals(read.to2DArray(), [[6], [0], [6], [5]]);
  assertEquals(outputs(a, { ids: new Set([1]) }).to2DArray(), [[5]]);
  assertEquals(outputs(a, { ids: [] }).rows, 0);
});

Deno.test("outputs() fill out and bounds, which attend() takes too", () => {
  const a = even(), out = new Float64Array(3), bounds = new Float64Array(3);
  const read = outputs(a, { ids: [1, 0, 1], out, bounds });
  assertEquals(read.data === out, true);
  assertEquals([...out], [3.75, 3.75, 3.75]);
  assert(bounds.every((bound) => bound > 0 && bound < 2 ** -29));
  bounds.fill(-1);
  attend(a, [[0], [0], [0]], { bounds });
  assert(bounds.every((bound) => bound > 0 && bound < 2 ** -29));
  const first = outputs(a).data;
  outputs(a).data.fill(9);
  sameBits(outputs(a).data, first, "what is returned is nobody else's");
});

Deno.test("attend() takes a filter of places and ids, and a position for each query", () => {
  const a = even({ mask: "causal" });
  assertEquals(attend(a, [0]).to1DArray(), [3.75]);
  const position = [-1, 0, 1, 2, 9];
  const queries = position.map(() => [0]);
  assertEquals(attend(a, queries, { position }).to1DArray(), [
    0,
    1,
    1,
    1.5,
    3.75,
  ]);
  const filter = (query: Id, key: Id) => key !== 3 && query > 0;
  assertEquals(attend(a, queries, { position: 4, filter }).to1DArray(), [
    0,
    ...[1, 2, 3, 4].map(() =>
      attend(
        createAttention({
          dim: 0,
          keys: [[], [], []],
          values: [[1], [2], [8]],
        }),
        [[]],
      ).get(0, 0)
    ),
  ]);
  assertEquals(attend(a, []).rows, 0);
});

Deno.test("topKeys() names the largest first, of equals the smaller id, and the rest is the tail", () => {
  const a = createAttention({
    queries: [[1]],
    keys: [[0], [5], [0], [5], [-1e4]],
    values: [[1], [1], [1], [1], [1]],
    scale: 1,
  });
  const ids = (count: number) => topKeys(a, [[1]], count)[0].keys;
  assertEquals([0, 1, 2, 3, 4, 5, 9].map(ids), [
    [],
    [1],
    [1, 3],
    [1, 3, 0],
    [1, 3, 0, 2],
    [1, 3, 0, 2, 4],
    [1, 3, 0, 2, 4],
  ]);
  const [none] = topKeys(a, { ids: [0] }, 0), [all] = topKeys(a, { ids: 0 }, 9);
  assert(Math.abs(none.tail - 1) < 2 ** -50);
  assertEquals([all.tail, all.weights[4]], [0, 0]);
  const filter = (query: Id, key: Id) => query === 0 && key !== 1;
  assertEquals(topKeys(a, { ids: 0 }, 1, { filter })[0].keys, [3]);
  assertEquals(topKeys(createAttention({ dim: 1 }), [[1]], 3), [
    { keys: [], weights: [], tail: 0 },
  ]);
});

Deno.test("topKeys() are the head of the sorted weights()", () => {
  forSeeds(60, (_, random) => {
    const settings = drawSettings(random, { mask: "all", capacity: Infinity });
    const model = drawModel(random, settings, 1 + random.integer(40), 2);
    const a = attentionFor(model), count = random.integer(12);
    const { matrix, keys } = weights(a);
    topKeys(a, { ids: [0, 1] }, count).forEach((top, row) => {
      const sorted = keys.map((id, at) => ({ id, weight: matrix.get(row, at) }))
        .filter(({ id }) => seen(model, row).includes(id))
        .sort((a, b) => b.weight - a.weight || a.id - b.id).slice(0, count);
      assertEquals(top.keys, sorted.map(({ id }) => id));
      sameBits(top.weights, sorted.map(({ weight }) => weight), "weights");
    });
  });
});

Deno.test("flush() does nothing where nothing is left, and all of it without a limit", () => {
  const a = even();
  assertEquals(flush(a, { work: 0 }), 2 * 4 * 3);
  assertEquals(stats(a).multiplyAdds, 0);
  assertEquals([flush(a), a.pending, flush(a, { work: 0 })], [0, 0, 0]);
  update(a, 3, { values: [5] });
  assertEquals([a.pending, flush(a, { work: 7 })], [1, 5]);
  assertEquals([a.pending, flush(a, { work: 5 }), a.pending], [1, 0, 0]);
  assertEquals(flush(createAttention({ dim: 1 }), { work: 0 }), 0);
});

Deno.test("flush() goes by ascending id, and waits for a row that is too dear", () => {
  const a = even();
  outputs(a);
  watch(a, [1], { ids: 0 });
  update(a, 3, { values: [5] });
  const { multiplyAdds } = stats(a);
  assertEquals(flush(a, { work: 11 }), 4 * 3 + 5);
  assertEquals(stats(a).multiplyAdds, multiplyAdds);
  assertEquals(flush(a, { work: 12 }), 5);
  assertEquals(flush(a, { work: 5 }), 0);
});

// Masks in the middle of a read.

Deno.test("a predicate that throws in the middle of a read loses nothing: the next read is right to the bit", () => {
  let thrown = 0;
  const seeds = forSeeds(60, (_, random, at) => {
    const settings = drawSettings(random, { mask: "predicate" });
    const model = drawModel(random, settings, 12, 4);
    const precision = pick(random, [32, 44]);
    let fuse = Infinity;
    const a = attentionFor(model, {
      mask: (query, key) => {
        if (--fuse < 0) throw new EvalError("mine");
        return admitsPair(query, key);
      },
      ...pick(random, [{}, { logBytes: 600 }]),
    }, precision);
    for (let step = 1; step <= 25; step++) {
      at(step);
      perform(a, drawSteps(random, settings, model, 2).steps);
      fuse = random.integer(1 + 2 * model.keys.size * model.queries.size);
      const reads = [
        () => outputs(a),
        () => outputs(a, { ids: shuffled(random, [...model.queries.keys()]) }),
        () => flush(a, { work: 500 }),
        () => topKeys(a, { ids: [...model.queries.keys()] }, 2),
        () => weights(a),
      ];
      try {
        pick(random, reads)();
      } catch (error) {
        if (!(error instanceof EvalError)) throw error;
        thrown++;
      }
      fuse = Infinity;
      invariant(a);
      // Rows that were done before it threw, and those that were not, with or without further writes.
      if (random.integer(2) > 0) continue;
      sameBits(outputs(a).data, fresh(model, precision), "outputs");
    }
    sameBits(outputs(a).data, fresh(model, precision), "outputs");
  });
  assert(seeds === 1 || thrown > 3 * seeds, `thrown ${thrown} times only`);
});

function fresh(model: Model, precision: number): ArrayLike<number> {
  return outputs(twinOf(model, undefined, { precision })).data;
}

Deno.test("a filter that throws leaves the attention as it was", () => {
  const a = even();
  outputs(a);
  const filter = (_: Id, key: Id) => {
    if (key > 2) throw new EvalError("mine");
    return true;
  };
  const before = dump(a);
  assertThrows(() => attend(a, [[1]], { filter }), EvalError);
  assertThrows(() => topKeys(a, { ids: [0] }, 1, { filter }), EvalError);
  assertEquals(dump(a), before);
  assertEquals(attend(a, [[0]]).to1DArray(), [3.75]);
});

Deno.test("edges flipped back and forth between reads leave no trace", () => {
  forSeeds(40, (_, random, at) => {
    const settings = drawSettings(random, {
      mask: "edges",
      capacity: Infinity,
      verbs: ["update", "admit", "admit", "remove", "append"],
    });
    const model = drawModel(random, settings, 10, 3);
    const a = attentionFor(model, {}, 44);
    outputs(a);
    for (let step = 1; step <= 30; step++) {
      at(step);
      const admitted = random.integer(2) > 0;
      const pairs = [...model.queries.keys()].flatMap((query) =>
        [...model.keys.keys()].filter(() => random.integer(6) === 0)
          .map((key): [Id, Id] => [query, key])
      );
      const before = cloneModel(model);
      admit(a, pairs, admitted);
      if (random.integer(3) === 0) outputs(a, { ids: pick(random, [0, 1, 2]) });
      // Back to what it was, pair by pair.
      for (const [query, key] of pairs) {
        const was = before.edges.get(query)?.has(key) ?? false;
        admit(a, [[query, key]], was);
      }
      perform(a, drawSteps(random, settings, model, 1).steps);
      invariant(a);
      if (step % 3 === 0) sameBits(outputs(a).data, fresh(model, 44), "");
    }
  });
});

// Doors.

Deno.test("every read refuses what it cannot do, by the full message, and changes nothing", () => {
  const a = even(), causal = even({ mask: "causal" });
  const masked = createAttention({
    queries: [[1]],
    keys: [[1]],
    values: [[1]],
    mask: new CsrMatrix(1, 1, [0, 1], [0], [1]),
  });
  const asked = createAttention({ dim: 1, mask: () => true });
  outputs(a, { ids: 0 });
  update(a, 0, { values: [5] });
  const before = dump(a);
  const out = (options: unknown) => outputs(a, anything(options));
  const seeing = (queries: unknown, options?: unknown) =>
    attend(a, anything(queries), anything(options));
  const top = (queries: unknown, count: unknown, options?: unknown) =>
    topKeys(a, anything(queries), anything(count), anything(options));
  const guests =
    "the mask knows watched queries only, filter should say what these may see";
  const cases: [() => unknown, Refusal, string][] = [
    [
      () => out({ ids: [0, 2] }),
      RangeError,
      "read outputs: query 2 is unknown, it should be one of 2 live ids",
    ],
    [
      () => out({ id: 0 }),
      TypeError,
      'read outputs: unknown option "id", it should be one of ids, out, bounds',
    ],
    [
      () => out({ ids: null }),
      TypeError,
      "read outputs: ids is null, it should be an id or several",
    ],
    [
      () => out({ out: new Float64Array(3) }),
      RangeError,
      "read outputs: out holds 3 numbers, it should hold 2",
    ],
    [
      () => out({ out: new Float32Array(2) }),
      TypeError,
      "read outputs: out is a Float32Array, it should be a Float64Array",
    ],
    [
      () => out({ bounds: [0, 0] }),
      TypeError,
      "read outputs: bounds is an array of 2, it should be a Float64Array",
    ],
    [
      () => out({ ids: [0, 0, 1], bounds: new Float64Array(2) }),
      RangeError,
      "read outputs: bounds holds 2 numbers, it should hold 3",
    ],
    [
      () => seeing([[1, 2]]),
      RangeError,
      "attend: queries[0] has 2 numbers, it should have 1",
    ],
    [
      () => seeing([[1]], { position: 1 }),
      TypeError,
      'attend: position is given, the mask should be "causal" for that',
    ],
    [
      () => seeing([[1]], { filter: true }),
      TypeError,
      "attend: filter is true, it should be a function",
    ],
    [
      () => seeing([[1]], { bound: 1 }),
      TypeError,
      'attend: unknown option "bound", it should be one of position, filter, bounds',
    ],
    [() => attend(masked, [[1]]), TypeError, `attend: ${guests}`],
    [() => attend(asked, [[1]]), TypeError, `attend: ${guests}`],
    [() => topKeys(asked, [[1]], 1), TypeError, `read top keys: ${guests}`],
    [
      () => attend(causal, [[1], [1]], { position: [1] }),
      RangeError,
      "attend: position has 1 number, it should have one for each of 2 rows",
    ],
    [
      () => attend(causal, [[1]], { position: -2 }),
      RangeError,
      "attend: position is -2, it should be a whole number from -1 to 4294967295",
    ],
    [
      () => top([[1]], -1),
      RangeError,
      "read top keys: count is -1, it should be a whole number from 0 on",
    ],
    [
      () => top([[1]], undefined),
      TypeError,
      "read top keys: count is undefined, it should be a number",
    ],
    [
      () => top({ ids: 5 }, 1),
      RangeError,
      "read top keys: query 5 is unknown, it should be one of 2 live ids",
    ],
    [
      () => top({ ids: 0, keys: 1 }, 1),
      TypeError,
      'read top keys: unknown option "keys", it should be one of ids',
    ],
    [
      () => topKeys(causal, { ids: 0 }, 1, { position: 1 }),
      TypeError,
      "read top keys: position is given, watched queries have theirs",
    ],
    [
      () => weights(a, { ids: 5 }),
      RangeError,
      "read weights: query 5 is unknown, it should be one of 2 live ids",
    ],
    [
      () => weights(a, { keys: [0, 9] }),
      RangeError,
      `read weights: key 9 is unknown, it should be one of ${a.size} live ids`,
    ],
    [
      () => weights(a, anything({ keys: null })),
      TypeError,
      "read weights: keys is null, it should be an id or several",
    ],
    [
      () => weights(a, { top: -1 }),
      RangeError,
      "read weights: top is -1, it should be a whole number from 0 on",
    ],
    [
      () => weights(a, { least: -0.5 }),
      RangeError,
      "read weights: least is -0.5, it should be from 0 to 1",
    ],
    [
      () => weights(a, { least: 2 }),
      RangeError,
      "read weights: least is 2, it should be from 0 to 1",
    ],
    [
      () => weights(a, anything({ least: "1" })),
      TypeError,
      'read weights: least is "1", it should be a number',
    ],
    [
      () => weights(a, anything({ most: 1 })),
      TypeError,
      'read weights: unknown option "most", it should be one of ids, keys, top, least',
    ],
    [
      () => flush(a, { work: -1 }),
      RangeError,
      "flush: work is -1, it should be 0 or more",
    ],
    [
      () => flush(a, { work: NaN }),
      RangeError,
      "flush: work is NaN, it should be 0 or more",
    ],
    [
      () => flush(a, anything({ work: "9" })),
      TypeError,
      'flush: work is "9", it should be a number',
    ],
    [
      () => flush(a, anything({ budget: 9 })),
      TypeError,
      'flush: unknown option "budget", it should be one of work',
    ],
  ];
  for (const [call, kind, message] of cases) {
    refuses(call, kind, `Cannot ${message}`);
    assertEquals(dump(a), before, message);
  }
});

// Many rows.

Deno.test("more rows than a call has room for arguments are read at once", () => {
  const count = 150_000, keys = [[1], [2]];
  for (const mask of [undefined, CsrMatrix.fromTriples(1, 2, [[0, 1, 1]])]) {
    const a = createAttention({
      keys,
      values: keys,
      queries: new Float32Array(count),
      mask,
    });
    assertEquals(outputs(a).rows, count);
    update(a, 1, { values: [5] });
    assertEquals(outputs(a).get(0, 0), mask === undefined ? 3 : 5);
    assertEquals(a.pending, 0);
  }
});

Deno.test("queries watched before, between and after reads answer like guests", () => {
  forSeeds(20, (_, random) => {
    const dim = 4, a = createAttention({ dim });
    const queries: number[][] = [];
    for (let step = 0; step < 20; step++) {
      append(a, normals(random, dim, 1), normals(random, dim, 1));
      const query = normals(random, dim, 2);
      queries.push(query);
      watch(a, query);
      if (step % 3 === 0) outputs(a, { ids: random.integer(step + 1) });
    }
    sameBits(outputs(a).data, attend(a, queries).data, "outputs");
  });
});

Deno.test("a mask or filter that returns neither true nor false is refused, and nothing is lost", () => {
  const tables = { keys: [[1], [1]], values: [[1], [3]], dim: 1 };
  for (const answer of [1, "yes", undefined, null]) {
    const no = (() => answer) as unknown as () => boolean;
    const said = answer === undefined || answer === null
      ? String(answer)
      : JSON.stringify(answer);
    const attention = createAttention(tables);
    for (
      const [name, act] of [
        ["filter", () => attend(attention, [[1]], { filter: no })],
        ["filter", () => topKeys(attention, [[1]], 1, { filter: no })],
        [
          "mask",
          () =>
            outputs(createAttention({ ...tables, queries: [[1]], mask: no })),
        ],
        [
          "mask",
          () =>
            softmaxAttention([[1]], tables.keys, tables.values, { mask: no }),
        ],
      ] as const
    ) {
      assertThrows(
        act,
        TypeError,
        `Cannot attend: the ${name} returned ${said}, it should return true or false`,
      );
    }
    assertEquals(attend(attention, [[1]]).to2DArray(), [[2]]);
  }
});
