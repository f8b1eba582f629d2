/**
 * Attention without its least positions: the bits of an exact attention with one more mask, bounds that hold and are
 * tight, work that is what changed.
 *
 * What is pruned follows from a plain record of observed weights beside the model of what is stored
 * (`tests/model.ts`).
 *
 * @module
 */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import {
  admit,
  append,
  apply,
  attend,
  type Attention,
  createAttention,
  CsrMatrix,
  errorBound,
  flush,
  type Id,
  measureError,
  outputs,
  remove,
  restore,
  snapshot,
  stats,
  topKeys,
  unwatch,
  update,
  watch,
  weights,
} from "../../mod.ts";
import { openAttention } from "../../src/attention.ts";
import {
  observe,
  prune,
  pruned,
  prunedMass,
  topK,
} from "../../src/method/mod.ts";
import { type Random, seeded } from "../../src/random.ts";
import { hostiles } from "../hostile.ts";
import { invariant } from "../memory/invariants.ts";
import {
  change,
  type MaskName,
  type Model,
  seen,
  type Step,
  twinOf,
} from "../model.ts";
import { anything, refuses } from "../refusals.ts";
import { sameBits } from "../same.ts";
import {
  attentionFor,
  drawModel,
  drawSettings,
  drawSteps,
  forSeeds,
  normals,
  perform,
  pick,
  some,
} from "../scripts.ts";

const MASKS: readonly MaskName[] = ["all", "causal", "predicate", "edges"];

/** A plain record of what was observed and pruned. */
interface Record {
  sparsity: number;
  sums: Map<string, { sum: number; count: number }>;
  /** Means when pruning was last asked for. */
  ranks: Map<string, number>;
  threshold: number;
}

const pair = (query: Id, key: Id) => `${query} ${key}`;

function makeRecord(sparsity: number): Record {
  return { sparsity, sums: new Map(), ranks: new Map(), threshold: -Infinity };
}

/** Adds the weights of an exact attention over what the model holds. */
function observeModel(record: Record, model: Model, ids: readonly Id[]): void {
  if (ids.length === 0) return;
  const { keys, matrix } = weights(twinOf(model), { ids });
  const column = new Map(keys.map((id, at) => [id, at]));
  ids.forEach((query, row) => {
    for (const key of seen(model, query)) {
      const name = pair(query, key);
      const { sum, count } = record.sums.get(name) ?? { sum: 0, count: 0 };
      const weight = matrix.get(row, column.get(key)!);
      record.sums.set(name, { sum: sum + weight, count: count + 1 });
    }
  });
}

/** Forgets pairs of keys and queries that are gone. */
function forgetGone({ sums, ranks }: Record, model: Model): void {
  for (const map of [sums, ranks]) {
    for (const name of map.keys()) {
      const [query, key] = name.split(" ").map(Number);
      if (!model.keys.has(key) || !model.queries.has(query)) map.delete(name);
    }
  }
}

/** The nearest of N numbers in order to the place share · (N − 1), of two the one in the even place. */
function pruneModel(record: Record, model: Model) {
  forgetGone(record, model);
  record.ranks = new Map(
    [...record.sums].map(([name, { sum, count }]) => [name, sum / count]),
  );
  const order = [...record.ranks.values()].sort((a, b) => a - b);
  const place = record.sparsity * (order.length - 1), below = Math.floor(place);
  const up = place - below > 0.5 || (place - below === 0.5 && below % 2 === 1);
  record.threshold = record.sparsity === 0 || order.length === 0
    ? -Infinity
    : order[up ? below + 1 : below];
  return {
    threshold: record.threshold,
    observed: order.length,
    pruned: order.filter((mean) => mean <= record.threshold).length,
  };
}

/** The keys that a watched query attends to. */
function attendedBy(
  { ranks, threshold }: Record,
  model: Model,
  query: Id,
): { attended: Set<Id>; left: Id[] } {
  const visible = seen(model, query);
  const rank = (key: Id) => ranks.get(pair(query, key)) ?? Infinity;
  const attended = new Set(visible.filter((key) => rank(key) > threshold));
  if (attended.size === 0 && visible.length > 0) {
    attended.add(visible.reduce((a, b) => rank(b) > rank(a) ? b : a));
  }
  return { attended, left: visible.filter((key) => !attended.has(key)) };
}

/** An exact attention whose mask admits what is left. */
function exactTwin(record: Record, model: Model, random?: Random): Attention {
  const chosen = new Map(
    [...model.queries.keys()].map((
      query,
    ) => [query, attendedBy(record, model, query).attended]),
  );
  const mask = (query: Id, key: Id) => chosen.get(query)!.has(key);
  return twinOf({ ...model, mask: "predicate" }, random, { options: { mask } });
}

function sameAnswers(
  a: Attention,
  record: Record,
  model: Model,
  random: Random,
): void {
  const twin = exactTwin(record, model, random);
  const ids = [...model.queries.keys()];
  const chosen = some(random, ids, 2);
  sameBits(
    outputs(a, { ids: chosen }).data,
    outputs(twin, { ids: chosen }).data,
    "some outputs",
  );
  sameBits(outputs(a).data, outputs(twin).data, "outputs");
  const [matrix, other] = [a, twin].map((one) => weights(one));
  sameBits(matrix.matrix.to1DArray(), other.matrix.to1DArray(), "weights");
  assertEquals(topKeys(a, { ids }, 3), topKeys(twin, { ids }, 3));
  const guest = [normals(random, model.dim, 1)], filter = () => true;
  sameBits(
    attend(a, guest, { filter }).data,
    attend(twin, guest, { filter }).data,
    "guests see everything",
  );
}

/** The true share of what a row leaves out, to some roundings of f64. */
function trueTail(record: Record, model: Model, query: Id): number {
  const { attended, left } = attendedBy(record, model, query);
  const q = model.queries.get(query)!.query;
  const score = (key: Id) => {
    const { key: k, bias } = model.keys.get(key)!;
    return k.reduce((dot, x, t) => dot + x * q[t], 0) * model.scale + bias;
  };
  const all = [...attended, ...left].map(score);
  const largest = Math.max(...all);
  const mass = (keys: Iterable<Id>) =>
    [...keys].reduce((sum, key) => sum + Math.exp(score(key) - largest), 0);
  const [inside, outside] = [mass(attended), mass(left)];
  return outside === 0 ? 0 : outside / (inside + outside);
}

// Edges.

Deno.test("pruned() prunes nothing before it is told to, and nothing at sparsity 0", () => {
  const keys = [[1], [2], [3]], values = [[1], [2], [4]];
  const plain = createAttention({ queries: [[1]], keys, values });
  for (const sparsity of [0, 0.9]) {
    const a = createAttention({
      queries: [[1]],
      keys,
      values,
      method: pruned({ sparsity }),
    });
    assertEquals(prune(a), { threshold: -Infinity, observed: 0, pruned: 0 });
    observe(a);
    sameBits(outputs(a).data, outputs(plain).data, "not pruned");
    if (sparsity > 0) continue;
    assertEquals(prune(a), { threshold: -Infinity, observed: 3, pruned: 0 });
    sameBits(outputs(a).data, outputs(plain).data, "sparsity 0");
    assertEquals(errorBound(a), errorBound(plain));
    assertEquals(prunedMass(a), Float64Array.of(0));
  }
});

Deno.test("the printed percentile example, as weights of an attention", () => {
  const means = [
    [0.40, 0.10, 0.30, 0.20],
    [0.05, 0.55, 0.25, 0.15],
    [0.02, 0.08, 0.70, 0.20],
    [0.33, 0.12, 0.11, 0.44],
  ];
  const units = means.map((_, at) => means.map((_, i) => i === at ? 1 : 0));
  for (
    const [sparsity, threshold, gone, kept] of [
      [0.25, 0.11, 5, [3, 3, 2, 3]],
      [0.5, 0.20, 9, [2, 2, 1, 2]],
      [0.75, 0.33, 12, [1, 1, 1, 1]],
    ] as const
  ) {
    const a = createAttention({
      queries: means.map((row) => row.map(Math.log)),
      keys: units,
      values: units,
      scale: 1,
      method: pruned({ sparsity }),
    });
    observe(a);
    const pruning = prune(a);
    // Logarithms are rounded to 32 bits: at most 4 · 2⁻²⁴ in a weight below 1, and the sum of its row as well.
    assertAlmostEquals(pruning.threshold, threshold, 2 ** -20);
    assertEquals(pruning.observed, 16);
    assertEquals(pruning.pruned, gone);
    const { matrix } = weights(a);
    assertEquals(
      means.map((_, row) =>
        matrix.to2DArray()[row].filter((weight) => weight > 0).length
      ),
      [...kept],
    );
    const left = means.map((row) =>
      row.reduce((sum, mean) => mean <= threshold ? sum + mean : sum, 0)
    );
    prunedMass(a).forEach((mass, row) =>
      assertAlmostEquals(mass, left[row], 2 ** -19)
    );
    const { observed, pruned: out } = stats(a).method;
    assertEquals([observed, out], [16, gone]);
  }
});

Deno.test("a mean is over the times that its pair was there", () => {
  const a = createAttention({
    queries: [[1]],
    keys: [[0], [0]],
    values: [[1], [2]],
    scale: 1,
    method: pruned({ sparsity: 0.5 }),
  });
  observe(a);
  update(a, 1, { bias: -Infinity });
  observe(a);
  observe(a);
  update(a, 1, { bias: 0 });
  append(a, [[0], [0]], [[3], [4]]);
  observe(a);
  // Key 0: ½, 1, 1, ¼; key 1: ½, ¼; keys 2 and 3: ¼. Place 1.5 of 4 is 2.
  assertEquals(prune(a), { threshold: 0.375, observed: 4, pruned: 3 });
  assertEquals(outputs(a).data[0], 1);
});

Deno.test("a row whose keys are all pruned attends to the one of largest mean, and follows what comes and goes", () => {
  const mask = (query: Id, key: Id) => query === 0 || key < 3;
  const a = createAttention({
    queries: [[1], [1]],
    keys: [[0], [1], [1], [9]],
    values: [[1], [2], [3], [4]],
    scale: 1,
    mask,
    method: pruned({ sparsity: 0.8 }),
  });
  observe(a);
  // Of seven means the place 4.8 is 5: those of query 0 but the last, and of query 1 all but the largest, a tie.
  const { pruned: gone, threshold } = prune(a);
  assertEquals(gone, 6);
  assert(threshold > 0.4 && threshold < 0.45);
  // Query 1 attends to key 1: of equal means the smaller id.
  assertEquals([...outputs(a).data], [4, 2]);
  invariant(a);
  update(a, 1, { values: [[7]] });
  assertEquals([...outputs(a).data], [4, 7]);
  update(a, 1, { bias: -Infinity });
  assertEquals([...outputs(a).data], [4, 3]);
  update(a, 1, { bias: 0 });
  assertEquals([...outputs(a).data], [4, 7]);
  // Means that are observed now decide nothing yet.
  update(a, 2, { bias: 5 });
  observe(a);
  assertEquals([...outputs(a).data], [4, 7]);
  prune(a);
  assertEquals([...outputs(a).data], [4, 3]);
  remove(a, [1, 2, 3]);
  assertEquals([...outputs(a).data], [1, 1]);
  remove(a, 0);
  assertEquals([...outputs(a).data], [0, 0]);
  assertEquals(errorBound(a).total, 0);
  invariant(a);
});

Deno.test("a pair that was not observed is never pruned, a query that is replaced keeps its means", () => {
  const a = createAttention({
    queries: [[1]],
    keys: [[0], [5]],
    values: [[1], [2]],
    method: pruned({ sparsity: 0.4 }),
  });
  observe(a);
  assertEquals(prune(a).pruned, 1);
  assertEquals(outputs(a).data[0], 2);
  watch(a, [[0]], { ids: [0] });
  assertEquals(outputs(a).data[0], 2);
  assertAlmostEquals(prunedMass(a)[0], 1 / 2, 2 ** -19);
  watch(a, [[0]]);
  assertEquals([...outputs(a).data], [2, 1.5]);
  append(a, [0], [3]);
  assertEquals([...outputs(a).data], [2.5, 2]);
  unwatch(a, 0);
  assertEquals(prune(a), { threshold: -Infinity, observed: 0, pruned: 0 });
});

Deno.test("a restored attention prunes nothing until it has observed", () => {
  const method = pruned({ sparsity: 0.4 });
  const a = createAttention({
    queries: [[1]],
    keys: [[0], [5]],
    values: [[1], [2]],
    method,
  });
  observe(a);
  prune(a);
  assertEquals(outputs(a).data[0], 2);
  const b = restore(snapshot(a), { method });
  assertEquals(errorBound(b, []).pruned, 0);
  assert(outputs(b).data[0] < 2);
  observe(b);
  prune(b);
  assertEquals(outputs(b).data[0], 2);
});

Deno.test("means go with their keys and queries", () => {
  const rows = (count: number) => Array.from({ length: count }, () => [1, 2]);
  const a = createAttention({
    queries: rows(4),
    dim: 2,
    valueDim: 2,
    capacity: 50,
    method: pruned({ sparsity: 0.5 }),
  });
  append(a, rows(50), rows(50));
  observe(a);
  outputs(a);
  const { sieve } = openAttention("test", a);
  for (let round = 0; round < 40; round++) {
    append(a, rows(50), rows(50));
    // Whether a row knows what has gone or not.
    if (round % 2 === 0) outputs(a);
    observe(a);
    if (round % 10 === 5) prune(a);
    // What is there, as many again and some, and a quarter to spare.
    assert(sieve!.bytes() < 4 * (500 + 32 * 1.25 * (64 + 2 * 50)), "a leak");
  }
  prune(a);
  outputs(a);
  errorBound(a);
  remove(a, Array.from({ length: 49 }, (_, at) => 40 * 50 + at));
  const before = stats(a).bytes;
  assertEquals(prune(a).observed, 4);
  assert(stats(a).bytes <= before - 4 * 32 * 40, "what is gone takes room");
});

// Doors.

Deno.test("doors: the sparsity, and verbs for attentions of other methods", () => {
  for (const sparsity of [-0.5, 1, 7]) {
    refuses(
      () => pruned({ sparsity }),
      RangeError,
      `Cannot make pruned: sparsity is ${sparsity}, it should be from 0 to below 1`,
    );
  }
  refuses(
    () => pruned({ sparsity: NaN }),
    RangeError,
    `Cannot make pruned: sparsity is NaN, it should be a finite number`,
  );
  for (const options of [undefined, {}]) {
    refuses(
      () => pruned(anything(options)),
      TypeError,
      "Cannot make pruned: sparsity is undefined, it should be a number",
    );
  }
  refuses(
    () => pruned(anything({ sparsity: 0.5, threshold: 1 })),
    TypeError,
    'Cannot make pruned: unknown option "threshold", it should be one of sparsity',
  );
  refuses(
    () => pruned(anything(0.5)),
    TypeError,
    "Cannot make pruned: options is 0.5, it should be an object",
  );
  assertEquals(pruned({ sparsity: 0.25 }).name, "pruned(0.25)");
  const options = { queries: [[1]], keys: [[1]], values: [[1]] };
  for (
    const [a, name] of [
      [createAttention(options), "none"],
      [createAttention({ ...options, method: topK(2) }), "topK(2)"],
    ] as const
  ) {
    for (
      const [call, verb] of [
        [() => observe(a), "observe"],
        [() => prune(a), "prune"],
        [() => prunedMass(a), "read pruned mass"],
      ] as const
    ) {
      refuses(
        call,
        TypeError,
        `Cannot ${verb}: the method is ${name}, it should be made by pruned`,
      );
    }
  }
  const a = createAttention({ ...options, method: pruned({ sparsity: 0.5 }) });
  for (
    const [call, verb] of [
      [() => observe(a, 3), "observe"],
      [() => prunedMass(a, 3), "read pruned mass"],
    ] as const
  ) {
    refuses(
      call,
      RangeError,
      `Cannot ${verb}: query 3 is unknown, it should be one of 1 live id`,
    );
  }
});

Deno.test("a mask that throws leaves means and pruning as they were, and may not change what is read", () => {
  let fails = false;
  const a = createAttention({
    queries: [[1], [2]],
    keys: [[0], [5]],
    values: [[1], [2]],
    mask: (query) => {
      if (fails && query === 1) throw new Error("asked once too often");
      return true;
    },
    method: pruned({ sparsity: 0.4 }),
  });
  observe(a);
  prune(a);
  outputs(a);
  fails = true;
  for (const call of [() => observe(a), () => errorBound(a)]) {
    assertEquals(message(call), "asked once too often");
  }
  fails = false;
  assertEquals(prune(a).observed, 4);
  const again = createAttention({
    queries: [[1]],
    keys: [[0], [5]],
    values: [[1], [2]],
    mask: () => message(() => prune(again)) === "",
    method: pruned({ sparsity: 0.4 }),
  });
  assertEquals(outputs(again).data[0], 0);
});

function message(call: () => unknown): string {
  try {
    call();
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

// Laws.

/** Steps of a script. */
const STEPS = 24;

Deno.test("every read is that of an exact attention over what is not pruned, to the bit, after every mix of changes, observations and prunings", () => {
  let out = 0, alone = 0, behind = 0;
  const seeds = forSeeds(96, (seed, random, at) => {
    const settings = drawSettings(random, {
      mask: MASKS[seed % 4],
      capacity: pick(random, [Infinity, Infinity, 5, 30]),
    });
    const size = pick(random, [2, 6, 20, 40]);
    const model = drawModel(random, settings, size, 3);
    const sparsity = pick(random, [0, 0.1, 0.5, 0.5, 0.9, 0.99]);
    const record = makeRecord(sparsity);
    const options = {
      method: pruned({ sparsity }),
      representation: pick(random, ["auto", "dense", "sparse"] as const),
      kernel: pick(random, ["auto", "scalar"] as const),
    };
    const a = attentionFor(model, options);
    for (let step = 1; step <= STEPS; step++) {
      at(step);
      perform(a, drawSteps(random, settings, model).steps, random);
      forgetGone(record, model);
      invariant(a);
      const watched = [...model.queries.keys()];
      if (random.integer(3) === 0) {
        outputs(a, { ids: some(random, watched, 2) });
      }
      if (random.integer(8) === 0) flush(a, { work: random.integer(500) });
      invariant(a);
      if (random.integer(3) === 0) {
        const all = random.integer(2) === 0;
        const ids = all ? watched : some(random, watched, 2);
        observe(a, all ? undefined : ids);
        observeModel(record, model, ids);
      }
      if (random.integer(4) === 0) {
        if (stats(a).pending > 0) behind++;
        assertEquals(prune(a), pruneModel(record, model));
      }
      invariant(a);
      if (random.integer(3) > 0) continue;
      sameAnswers(a, record, model, random);
      invariant(a);
      for (const id of watched) {
        const { attended, left } = attendedBy(record, model, id);
        if (left.length > 0) out++;
        if (attended.size === 1 && left.length > 0) alone++;
        const { total, pruned } = errorBound(a, id);
        assert(measureError(a, id) <= total, "measureError above errorBound");
        if (left.length === 0) assertEquals(pruned, 0);
      }
    }
  });
  assert(
    seeds === 1 || (out > 300 && alone > 100 && behind > 50),
    `${[out, alone, behind]}`,
  );
});

Deno.test("prunedMass() is above the true share, and not by more than roundings", () => {
  let met = 0;
  const seeds = forSeeds(40, (seed, random, at) => {
    const settings = drawSettings(random, {
      mask: MASKS[seed % 4],
      capacity: Infinity,
      wild: false,
      dim: 3,
      scale: 0.5,
    });
    const model = drawModel(random, settings, 30, 3);
    const record = makeRecord(0.6), method = pruned({ sparsity: 0.6 });
    const a = attentionFor(model, { method });
    for (let step = 1; step <= 12; step++) {
      at(step);
      perform(a, drawSteps(random, settings, model).steps, random);
      forgetGone(record, model);
      const watched = [...model.queries.keys()];
      if (step % 3 === 1) {
        observe(a);
        observeModel(record, model, watched);
        assertEquals(prune(a), pruneModel(record, model));
      }
      if (random.integer(2) === 0) continue;
      const masses = prunedMass(a, watched);
      watched.forEach((id, i) => {
        const tail = trueTail(record, model, id);
        // The bound adds 2⁻²⁰ of itself for roundings; those of the test are far below.
        assert(masses[i] >= tail, `${masses[i]} is below ${tail}`);
        assert(masses[i] <= tail * (1 + 2 ** -19), `${masses[i]}: ${tail}`);
        if (tail > 0) met++;
      });
    }
  });
  assert(seeds === 1 || met > 100, `${met}`);
});

Deno.test("the bound is met where what is left out lies on the other side of the output", () => {
  // |O − O'| = Σ p |v − O'| = Σ p |v| + τ |O'|: all that is added is 2⁻²⁰ of it, twice.
  const a = createAttention({
    queries: [[1]],
    keys: [[0], [2]],
    values: [[-3], [3]],
    scale: 1,
    method: pruned({ sparsity: 0.4 }),
  });
  observe(a);
  prune(a);
  outputs(a);
  const { pruned: bound } = errorBound(a), error = measureError(a);
  assert(bound >= error * (1 - 2 ** -30) && bound <= error * (1 + 2 ** -18));
});

Deno.test("bounds hold on hostile streams", () => {
  let checked = 0;
  hostiles.forEach(({ name, start }, seed) => {
    const random = seeded(seed);
    const sizes = { queries: 2, keys: 60, dim: 4, valueDim: 3 };
    const stream = start(random, sizes);
    const model = drawModel(
      random,
      {
        ...drawSettings(random),
        dim: 4,
        valueDim: 3,
        scale: 0.5,
        mask: "all",
        capacity: Infinity,
      },
      0,
      0,
    );
    const a = attentionFor(model, { method: pruned({ sparsity: 0.7 }) });
    const watched: Step = { verb: "watch", queries: stream.queries };
    change(model, watched);
    apply(a, [watched]);
    for (let step = 1; step <= 240; step++) {
      const steps = stream.next();
      apply(a, steps);
      for (const one of steps) change(model, one);
      if (random.integer(4) === 0) outputs(a, { ids: random.integer(2) });
      if (step % 60 === 20) {
        observe(a);
        prune(a);
      }
      if (step % 20 > 0) continue;
      for (const id of [0, 1]) {
        outputs(a, { ids: id });
        const { total, pruned } = errorBound(a, id);
        const error = measureError(a, id);
        assert(
          error <= total,
          `${name}, step ${step}: ${error} above ${total}`,
        );
        if (pruned > 0) checked++;
      }
    }
  });
  assert(checked > 50, `${checked}`);
});

// Work.

Deno.test("a change costs the rows that attend to its key what it always costs, the others nothing, and bounds what changed of the rest", () => {
  const random = seeded(3), dim = 8, valueDim = 4, m = 64;
  const rows = (count: number, width: number) =>
    Array.from({ length: count }, () => normals(random, width, 1));
  const a = createAttention({
    queries: rows(1, dim),
    keys: rows(m, dim),
    values: rows(m, valueDim),
    method: pruned({ sparsity: 0.5 }),
  });
  const spent = (call: () => unknown) => {
    const { multiplyAdds } = stats(a);
    call();
    return stats(a).multiplyAdds - multiplyAdds;
  };
  assertEquals(spent(() => observe(a)), m * dim);
  assertEquals(spent(() => prune(a)), 0);
  const gone = stats(a).method.pruned, kept = m - gone;
  assertEquals(gone, 33);
  const answer = valueDim + 1;
  assertEquals(
    spent(() => outputs(a)),
    kept * (dim + valueDim + 1) + answer,
  );
  assertEquals(spent(() => errorBound(a)), gone * dim);
  assertEquals(spent(() => errorBound(a)), 0);
  const { keys } = topKeys(a, { ids: 0 }, m)[0], inside = new Set(keys);
  assertEquals(inside.size, kept);
  const outside = Array.from({ length: m }, (_, id) => id)
    .filter((id) => !inside.has(id));
  const changed = outside.slice(0, 5);
  update(a, changed, { keys: rows(5, dim), values: rows(5, valueDim) });
  assertEquals(spent(() => outputs(a)), answer);
  assertEquals(spent(() => errorBound(a)), 5 * dim);
  update(a, changed, { values: rows(5, valueDim) });
  assertEquals(spent(() => outputs(a)), answer);
  assertEquals(spent(() => errorBound(a)), 0);
  update(a, keys[0], { keys: rows(1, dim), values: rows(1, valueDim) });
  assertEquals(
    spent(() => outputs(a)),
    2 * (dim + valueDim + 1) + answer,
  );
  assertEquals(spent(() => errorBound(a)), 0);
  remove(a, [outside[0], outside[1]]);
  assertEquals(spent(() => outputs(a)), answer);
  assertEquals(spent(() => errorBound(a)), 0);
  remove(a, keys[1]);
  assertEquals(spent(() => outputs(a)), dim + valueDim + 1 + answer);
});

Deno.test("a row that loses all it attends to at once has one of the others, however cheap it was to lose them", () => {
  const rows = [0, 1, 2, 3, 4, 5, 6, 7].map((key) =>
    Array.from({ length: 40 }, (_, at) => at === key ? 1 : 0)
  );
  const a = createAttention({
    queries: [rows[0].map((_, at) => at < 2 ? 9 : 1 + at / 100)],
    keys: rows,
    values: rows,
    scale: 1,
    representation: "sparse",
    method: pruned({ sparsity: 0.7 }),
  });
  observe(a);
  assertEquals(prune(a).pruned, 6);
  assertEquals([...outputs(a).row(0)].slice(0, 3), [0.5, 0.5, 0]);
  update(a, [0, 1], { bias: -Infinity });
  assertEquals([...outputs(a).row(0)], rows[7]);
  invariant(a);
});

Deno.test("what a change costs is said row by row", () => {
  const a = createAttention({
    queries: [[1], [-1], [1]],
    keys: [[2], [-2], [1.9], [-1.9]],
    values: [[1], [2], [3], [4]],
    method: pruned({ sparsity: 0.4 }),
  });
  observe(a);
  assertEquals(prune(a).pruned, 6);
  outputs(a);
  update(a, 0, { keys: [[1]] });
  // Out and in, for those that attend to it: a product, a sum and the value scale.
  assertEquals(flush(a, { work: 0 }), 2 * 2 * 3);
});

Deno.test("a row whose pairs stay as they were does not start over when it is pruned again", () => {
  const a = createAttention({
    queries: [[1], [-1]],
    keys: [[1], [2], [-1], [-2]],
    values: [[1], [2], [3], [4]],
    method: pruned({ sparsity: 0.25 }),
  });
  observe(a);
  prune(a);
  outputs(a);
  const { recomputed } = stats(a);
  observe(a);
  prune(a);
  outputs(a);
  assertEquals(stats(a).recomputed, recomputed);
  update(a, [0, 1, 2, 3], { keys: [[-1], [-2], [1], [2]] });
  outputs(a);
  const moved = stats(a).recomputed;
  for (let time = 0; time < 5; time++) observe(a);
  prune(a);
  outputs(a);
  assertEquals(stats(a).recomputed - moved, 2);
});

Deno.test("edges that come and go keep their means, and bounds see them", () => {
  const a = createAttention({
    queries: [[1]],
    keys: [[0], [0], [4]],
    values: [[1], [2], [3]],
    scale: 1,
    mask: CsrMatrix.fromTriples(1, 3, [[0, 0, 1], [0, 1, 1], [0, 2, 1]]),
    method: pruned({ sparsity: 0.4 }),
  });
  observe(a);
  assertEquals(prune(a).pruned, 2);
  assertEquals(outputs(a).data[0], 3);
  const weight = Math.exp(-4);
  const tail = (keys: number) => keys * weight / (1 + keys * weight);
  assertAlmostEquals(prunedMass(a)[0], tail(2), 2 ** -19 * tail(2));
  admit(a, [[0, 0]], false);
  assertAlmostEquals(prunedMass(a)[0], tail(1), 2 ** -19 * tail(1));
  admit(a, [[0, 0]]);
  assertAlmostEquals(prunedMass(a)[0], tail(2), 2 ** -19 * tail(2));
  assertEquals(outputs(a).data[0], 3);
  admit(a, [[0, 2]], false);
  assertEquals(outputs(a).data[0], 1);
  invariant(a);
  // A row that starts over holds no old versions.
  const { pairs } = openAttention("test", a);
  update(a, 0, { values: [[5]] });
  assertEquals(pairs.unseen.size, 1);
  prune(a);
  assertEquals(pairs.unseen.size, 0);
  assertEquals(outputs(a).data[0], 5);
});
