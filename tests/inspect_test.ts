import { assert, assertEquals, assertThrows } from "@std/assert";
import v8 from "node:v8";
import vm from "node:vm";
import {
  admit,
  append,
  attend,
  type Attention,
  capturedMass,
  createAttention,
  CsrMatrix,
  entry,
  errorBound,
  ids,
  measureError,
  outputs,
  remove,
  scaledDotProductAttention,
  stats,
  update,
} from "../mod.ts";
import { openAttention } from "../src/attention.ts";
import {
  nystrom,
  observe,
  prune,
  pruned,
  prunedMass,
} from "../src/method/mod.ts";
import { type Random, seeded } from "../src/random.ts";
import { refuses } from "./refusals.ts";
import { truth } from "./model.ts";
import { dump } from "./same.ts";
import {
  attentionFor,
  drawModel,
  drawSettings,
  drawSteps,
  forSeeds,
  perform,
} from "./scripts.ts";

function two(): Attention {
  return createAttention({
    queries: [[1], [2]],
    keys: [[0.3], [0.7]],
    values: [[1], [3]],
  });
}

Deno.test("errorBound() is infinite for rows with unseen changes, and asking does no work", () => {
  const a = two(), before = dump(a);
  assertEquals([errorBound(a).total, errorBound(a).lazy], [Infinity, Infinity]);
  assertEquals(dump(a), before);
  outputs(a, { ids: 0 });
  const { total, rounding, evaluation, lazy, pruned } = errorBound(a, 0);
  assertEquals([total, lazy, pruned], [rounding + evaluation, 0, 0]);
  assert(total > 0 && total < 2 ** -30);
  assertEquals(errorBound(a).total, Infinity);
  update(a, 1, { values: [4] });
  assertEquals(errorBound(a, [0]).total, Infinity);
});

Deno.test("errorBound() is 0 where nothing is attended, and never NaN", () => {
  const empty = createAttention({ queries: [[1]] });
  assertEquals([errorBound(empty).total, measureError(empty)], [0, 0]);
  const a = createAttention({ dim: 1, queries: [[1]] });
  append(a, [[1e30], [3e38]], [[0], [0]], { bias: [1e300, -1e300] });
  const bounds = new Float64Array(1);
  outputs(a, { bounds });
  assert(bounds[0] >= 0 && errorBound(a).total === bounds[0]);
  remove(a, [0, 1]);
  assertEquals(measureError(a), 0);
  assertEquals(errorBound(createAttention({ dim: 1 })).total, 0);
});

Deno.test("the true error is never above errorBound(), and on ordinary streams the bound is not 10 000 times as large", () => {
  const ratios: number[] = [];
  forSeeds(40, (_, random, at) => {
    const settings = drawSettings(random, {
      capacity: Infinity,
      scale: 0.5,
      dim: 8,
      valueDim: 5,
      wild: false,
    });
    const model = drawModel(random, settings, 30, 3), a = attentionFor(model);
    for (let step = 1; step <= 20; step++) {
      at(step);
      perform(a, drawSteps(random, settings, model).steps);
      for (const [id] of model.queries) {
        const measured = measureError(a, id), { total } = errorBound(a, id);
        const { data } = outputs(a, { ids: id });
        const error = truth(model, id).reduce(
          (worst, x, c) => Math.max(worst, Math.abs(x - data[c])),
          0,
        );
        assert(measured <= total && error <= total, `${error} of ${total}`);
        if (error > 0) ratios.push(total / error);
      }
    }
  });
  ratios.sort((a, b) => a - b);
  const median = ratios[ratios.length >> 1];
  console.log(`errorBound / error: median ${median.toPrecision(3)}`);
  assert(median <= 1e4, `median ${median}`);
});

Deno.test("ids() and entry() are what is stored, as rounded, in arrays of their own", () => {
  const a = two();
  append(a, [0.1], [1e-50], { ids: 9, bias: -Infinity });
  assertEquals(ids(a), [0, 1, 9]);
  assertEquals(entry(a, 9), {
    key: new Float32Array([0.1]),
    value: new Float32Array([0]),
    bias: -Infinity,
  });
  entry(a, 9).key[0] = 5;
  assertEquals(entry(a, 9).key[0], Math.fround(0.1));
});

Deno.test("stats() count what was done", () => {
  const a = two();
  const counts = () => {
    const { writes, coalesced, evicted, synced, recomputed, pending } = stats(
      a,
    );
    return { writes, coalesced, evicted, synced, recomputed, pending };
  };
  const none = { coalesced: 0, evicted: 0, synced: 0 };
  assertEquals(counts(), { ...none, writes: 2, recomputed: 0, pending: 2 });
  outputs(a);
  assertEquals(counts(), { ...none, writes: 2, recomputed: 2, pending: 0 });
  update(a, 0, { values: [2] });
  update(a, 0, { values: [3] });
  outputs(a, { ids: 1 });
  assertEquals(counts(), {
    writes: 4,
    coalesced: 1,
    evicted: 0,
    synced: 1,
    recomputed: 2,
    pending: 1,
  });
  attend(a, [[1]]);
  const { blocks, kernel, ladder, multiplyAdds } = stats(a);
  assertEquals([blocks, kernel], [{ dense: 4, sparse: 0 }, "simd"]);
  assertEquals(Object.values(ladder).reduce((x, y) => x + y), 4);
  // Two rows started over, one key moved over in a row, a guest; a quotient each time.
  assertEquals(multiplyAdds, 2 * 2 * 3 + (1 + 2 * 2) + 2 * 3 + 4 * 2);
});

Deno.test("looking refuses ids that are not there, by the full message", () => {
  const a = two(), before = dump(a);
  remove(a, append(a, [1], [1]));
  const state = dump(a);
  refuses(
    () => entry(a, 2),
    RangeError,
    "Cannot read an entry: key 2 is gone, it should be one of 2 live ids",
  );
  refuses(
    () => entry(a, [0] as unknown as number),
    TypeError,
    "Cannot read an entry: id is an array of 1, it should be a number",
  );
  for (
    const [call, verb] of [
      [errorBound, "bound errors"],
      [measureError, "measure errors"],
    ] as const
  ) {
    refuses(
      () => call(a, [0, 2]),
      RangeError,
      `Cannot ${verb}: query 2 is unknown, it should be one of 2 live ids`,
    );
  }
  assertEquals(dump(a), state);
  assert(state !== before);
});

/** Bytes of all typed arrays that a value reaches, each counted once. */
function arrayBytes(value: unknown, met = new Set<unknown>()): number {
  if (typeof value !== "object" || value === null || met.has(value)) return 0;
  met.add(value);
  if (ArrayBuffer.isView(value)) return value.byteLength;
  return Object.values(value).reduce(
    (sum: number, held) => sum + arrayBytes(held, met),
    0,
  );
}

Deno.test("stats().bytes counts every array", () => {
  for (const [keys, dim, queries] of [[0, 3, 0], [40, 3, 5], [300, 8, 2]]) {
    const a = used(seeded(1), keys, dim, queries, 0);
    const memory = openAttention("test", a);
    assertEquals(memory.log.versions.used > 0, keys > 0);
    const few = memory.open.byteLength;
    assertEquals(arrayBytes(memory) - stats(a).bytes, few);
  }
});

/** Forces a collection, twice: what the first frees may hold more. */
function collect(): void {
  v8.setFlagsFromString("--expose-gc");
  const gc: () => void = vm.runInNewContext("gc");
  gc();
  gc();
}

/** An attention with a history: rows up to date and behind, versions, flips. */
function used(
  random: Random,
  keys: number,
  dim: number,
  queries: number,
  edges: number,
): Attention {
  const floats = (count: number) =>
    Float32Array.from({ length: count }, random.normal);
  const a = createAttention({
    dim,
    valueDim: dim,
    keys: floats(keys * dim),
    values: floats(keys * dim),
    queries: floats(queries * dim),
    kernel: "scalar",
    mask: edges === 0 ? undefined : CsrMatrix.fromTriples(
      queries,
      keys,
      Array.from({ length: queries * edges }, (_, at) => [
        Math.floor(at / edges),
        at % edges * Math.floor(keys / edges),
        1,
      ]),
    ),
  });
  outputs(a);
  for (let id = 0; id < keys; id += 9) update(a, id, { keys: floats(dim) });
  if (edges > 0) admit(a, [[0, 0], [1, 0], [2, 0]], false);
  if (queries > 0) outputs(a, { ids: 0 });
  for (let id = 0; id < keys; id += 7) update(a, id, { values: floats(dim) });
  return a;
}

Deno.test("stats().bytes is what the engine holds, within a fifth", () => {
  const shapes = [[2000, 16, 10, 0], [4000, 3, 400, 0], [1500, 4, 60, 500]];
  for (const [keys, dim, queries, edges] of shapes) {
    const random = seeded(1), alive: Attention[] = [];
    used(random, keys, dim, queries, edges);
    collect();
    const before = Deno.memoryUsage();
    for (let i = 0; i < 30; i++) {
      alive.push(used(random, keys, dim, queries, edges));
    }
    collect();
    const after = Deno.memoryUsage();
    const held = after.external - before.external +
      (after.heapUsed - before.heapUsed);
    const said = alive.reduce((sum, a) => sum + stats(a).bytes, 0);
    assert(
      Math.abs(said / held - 1) <= 0.2,
      `${keys} keys, ${queries} queries, ${edges} edges: ${said} of ${held}`,
    );
  }
});

Deno.test("capturedMass() is the weight of what is attended to: all of it, what pruning leaves, none that an approximation knows", () => {
  const tables = {
    queries: [[0], [0]],
    keys: [[1], [1], [1], [1]],
    values: [[1], [2], [3], [4]],
  };
  assertEquals([...capturedMass(createAttention(tables))], [1, 1]);
  const a = createAttention({ ...tables, method: pruned({ sparsity: 0.5 }) });
  // The keys that come after what was observed are never pruned.
  observe(a);
  prune(a);
  append(a, [[1], [1], [1], [1]], [[5], [6], [7], [8]]);
  const left = capturedMass(a, 1)[0], gone = prunedMass(a, 1)[0];
  assertEquals(left, 0.5);
  assert(left + gone >= 1 && left + gone < 1 + 2 ** -18, `${gone}`);
  const b = createAttention({ ...tables, method: nystrom({ landmarks: 1 }) });
  assertThrows(
    () => capturedMass(b),
    TypeError,
    `Cannot measure captured mass: the method is ${
      nystrom({ landmarks: 1 }).name
    }, it should be one that attends to some of the keys`,
  );
});

Deno.test("a method for maintained attentions alone is refused for tensors", () => {
  const one = { data: new Float32Array(1), shape: [1, 1, 1, 1] };
  assertThrows(
    () =>
      scaledDotProductAttention(one, one, one, {
        method: pruned({ sparsity: 0.5 }),
      }),
    TypeError,
    "Cannot attend: method is pruned(0.5), which needs an attention that is maintained, it should be one for tensors",
  );
});
