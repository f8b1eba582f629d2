/**
 * Attention to the k best keys: the bits of an exact attention over them, bounds that hold, work that is counted.
 *
 * Which keys are the best follows from a plain model of what is stored (`tests/model.ts`) and the scores of
 * `tests/oracle.ts`.
 *
 * @module
 */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import {
  append,
  apply,
  attend,
  type Attention,
  type AttentionOptions,
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
  update,
  watch,
  weights,
} from "../../mod.ts";
import {
  attentionOf,
  createMemory,
  openAttention,
} from "../../src/attention.ts";
import type { Method } from "../../src/softmax/method.ts";
import { topK } from "../../src/method/mod.ts";
import { type Random, seeded } from "../../src/random.ts";
import { scaledDotProductAttention } from "../../src/softmax/attention.ts";
import { syncCosts, syncWithin } from "../../src/sync/sync.ts";
import { hostiles } from "../hostile.ts";
import { lcg } from "../lcg.ts";
import { invariant } from "../memory/invariants.ts";
import {
  admitsPair,
  change,
  type MaskName,
  type Model,
  seen,
  type Step,
  twinOf,
} from "../model.ts";
import { oracleScore } from "../oracle.ts";
import { anything, refuses } from "../refusals.ts";
import { dump, sameBits } from "../same.ts";
import {
  attentionFor,
  drawModel,
  drawSettings,
  drawSteps,
  forSeeds,
  normals,
  perform,
  pick,
  type Settings,
  shuffled,
  some,
} from "../scripts.ts";
import { STREAMS } from "../streams.ts";
import { trueOutput } from "../truth.ts";

/** Keys kept beyond k. */
const SLACK = 32;
const MASKS: readonly MaskName[] = ["all", "causal", "predicate", "edges"];

/** The best first: the larger canonical score, of equals the smaller id. */
function ranked(
  { keys, scale }: Model,
  query: ArrayLike<number>,
  visible: readonly Id[],
): Id[] {
  const scoreOf = new Map(visible.map((id) => {
    const { key, bias } = keys.get(id)!;
    return [id, oracleScore(query, key, scale, bias)];
  }));
  return [...visible].sort((a, b) =>
    scoreOf.get(b)! - scoreOf.get(a)! || a - b
  );
}

/** The k keys that a watched query attends to. */
function best(model: Model, id: Id, k: number): Set<Id> {
  const { query } = model.queries.get(id)!;
  return new Set(ranked(model, query, seen(model, id)).slice(0, k));
}

/** An exact attention over the same entries, each query with a mask that admits its k best keys and no other. */
function exactTwin(
  model: Model,
  k: number,
  random: Random,
  precision: number,
): Attention {
  const chosen = new Map(
    [...model.queries.keys()].map((id) => [id, best(model, id, k)]),
  );
  const mask = (query: Id, key: Id) => chosen.get(query)!.has(key);
  return twinOf({ ...model, mask: "predicate" }, random, {
    precision,
    options: { mask },
  });
}

/** Everything that can be read must be what the twin says of the same keys. */
function sameAnswers(
  a: Attention,
  model: Model,
  k: number,
  random: Random,
  precision: number,
): void {
  const twin = exactTwin(model, k, random, precision);
  const ids = [...model.queries.keys()];
  const reads = shuffled(random, [
    () => sameBits(outputs(a).data, outputs(twin).data, "outputs"),
    () => {
      const some = { ids: shuffled(random, ids).slice(0, 2) };
      sameBits(outputs(a, some).data, outputs(twin, some).data, "some outputs");
    },
    () => sameTops(topKeys(a, { ids }, k + 2), topKeys(twin, { ids }, k + 2)),
    () => sameTops(topKeys(a, { ids }, 1), topKeys(twin, { ids }, 1)),
    () => {
      const options = pick(random, [{}, { top: 2 }, { least: 0.2 }]);
      const [matrix, other] = [a, twin].map((one) => weights(one, options));
      assertEquals([matrix.queries, matrix.keys], [other.queries, other.keys]);
      const [bits, others] = [matrix, other].map((w) => w.matrix.to1DArray());
      sameBits(bits, others, "weights");
      sameBits(matrix.tail, other.tail, "tails");
    },
    () => sameGuests(a, twin, model, k, random),
  ]);
  for (const read of reads) read();
}

/** Queries that are not watched, and watched ones with a filter. */
function sameGuests(
  a: Attention,
  twin: Attention,
  model: Model,
  k: number,
  random: Random,
): void {
  const guests = [0, 1].map(() =>
    Float32Array.from(normals(random, model.dim, 1))
  );
  const positions = guests.map(() => random.integer(model.nextKey + 1) - 1);
  const causal = model.mask === "causal";
  const filter = (query: Id, key: Id) => (query + key) % 5 > 0;
  const chosen = guests.map((query, at) => {
    const visible = [...model.keys].filter(([id, { bias }]) =>
      bias > -Infinity && filter(at, id) && (!causal || id <= positions[at])
    ).map(([id]) => id);
    return new Set(ranked(model, query, visible).slice(0, k));
  });
  const rows = guests.map((row) => [...row]);
  const options = { filter, ...(causal ? { position: positions } : {}) };
  const same = { filter: (at: Id, key: Id) => chosen[at].has(key) };
  sameBits(
    attend(a, rows, options).data,
    attend(twin, rows, same).data,
    "attend",
  );
  sameTops(topKeys(a, rows, k, options), topKeys(twin, rows, k, same));
  for (const id of model.queries.keys()) {
    const { query } = model.queries.get(id)!;
    const visible = seen(model, id).filter((key) => filter(id, key));
    const [top] = topKeys(a, { ids: id }, k, { filter });
    assertEquals(top.keys, byWeight(ranked(model, query, visible), top, k));
  }
}

/** The best keys, those of equal weight by id: scores far apart may weigh the same. */
function byWeight(
  order: Id[],
  { keys, weights }: { keys: Id[]; weights: number[] },
  k: number,
): Id[] {
  const weight = new Map(keys.map((id, at) => [id, weights[at]]));
  return order.slice(0, k).sort((a, b) =>
    (weight.get(b) ?? -1) - (weight.get(a) ?? -1) || a - b
  );
}

function sameTops(
  tops: ReturnType<typeof topKeys>,
  others: ReturnType<typeof topKeys>,
): void {
  tops.forEach(({ keys, weights, tail }, at) => {
    assertEquals(keys, others[at].keys);
    sameBits(
      [...weights, tail],
      [...others[at].weights, others[at].tail],
      "top",
    );
  });
}

/** Reads something, or nothing. */
function readSomething(a: Attention, model: Model, random: Random): void {
  const watched = [...model.queries.keys()];
  const ids = watched.length > 0 ? some(random, watched, 2) : [];
  switch (random.integer(7)) {
    case 0:
      outputs(a);
      break;
    case 1:
    case 2:
      outputs(a, { ids });
      break;
    case 3:
      flush(a, { work: random.integer(2000) });
      break;
    case 4:
      measureError(a, ids);
      break;
    case 5:
      topKeys(a, { ids }, 2);
  }
}

/** Changes of many keys at once, most of them among the best: what empties and fills buffers. */
function drawBulk(random: Random, model: Model): Step | undefined {
  const live = [...model.keys.keys()];
  if (live.length < 40) {
    const rows = (width: number) =>
      Array.from({ length: 60 }, () => normals(random, width, 1));
    return {
      verb: "append",
      keys: rows(model.dim),
      values: rows(model.valueDim),
    };
  }
  const id = pick(random, [...model.queries.keys()]);
  const order = id === undefined
    ? live
    : ranked(model, model.queries.get(id)!.query, seen(model, id));
  const ids = order.slice(0, 1 + random.integer(live.length >> 1));
  if (ids.length === 0) return undefined;
  switch (random.integer(4)) {
    case 0:
      return { verb: "remove", ids: ids.slice(0, 30) };
    case 1:
      return { verb: "update", ids, bias: ids.map(() => -Infinity) };
    case 2:
      return { verb: "update", ids, bias: ids.map(() => random.normal() - 3) };
    default: {
      const masked = live.filter((id) =>
        model.keys.get(id)!.bias === -Infinity
      );
      if (masked.length === 0) return undefined;
      return { verb: "update", ids: masked, bias: masked.map(() => 0) };
    }
  }
}

/** Many keys, few queries. */
function drawLarge(
  random: Random,
  given: Partial<Settings> = {},
): { settings: Settings; model: Model } {
  const settings = drawSettings(random, {
    capacity: pick(random, [Infinity, Infinity, Infinity, 5, 60]),
    ...given,
  });
  const size = pick(random, [6, 50, 90, 130]);
  return { settings, model: drawModel(random, settings, size, 3) };
}

/** Steps of a script. */
const STEPS = 20;

Deno.test("every read is that of an exact attention over the k best keys, to the bit, after every mix of changes and reads", () => {
  let behind = 0, refilled = 0;
  const seeds = forSeeds(72, (seed, random, at) => {
    const { settings, model } = drawLarge(random, {
      mask: MASKS[seed % 4],
      ...(seed % 3 === 0 ? { scale: pick(random, [1e4, -1e4, 1e9]) } : {}),
    });
    const k = pick(random, [1, 1, 2, 3, 8, 20, 1000]);
    const precision = pick(random, [32, 44]);
    const options: AttentionOptions = {
      method: topK(k),
      representation: pick(random, ["auto", "dense", "sparse"]),
    };
    let a = attentionFor(model, options, precision);
    const lazy = attentionFor(model, options, precision);
    for (let step = 1; step <= STEPS; step++) {
      at(step);
      const bulk = random.integer(4) === 0
        ? drawBulk(random, model)
        : undefined;
      if (bulk !== undefined) change(model, bulk);
      const steps = bulk !== undefined
        ? [bulk]
        : drawSteps(random, settings, model).steps;
      perform(a, steps, random);
      apply(lazy, steps);
      invariant(a);
      const { recomputed } = stats(a);
      readSomething(a, model, random);
      refilled += stats(a).recomputed - recomputed;
      if (stats(a).pending > 0) behind++;
      invariant(a);
      if (step % 5 > 0) continue;
      sameAnswers(a, model, k, random, precision);
      invariant(a);
      const { total } = errorBound(a);
      assert(measureError(a) <= total, "measureError is above errorBound");
      if (precision === 44 || random.integer(2) > 0) continue;
      a = restore(snapshot(a), {
        method: topK(k),
        representation: pick(random, ["auto", "dense", "sparse"]),
        ...(model.mask === "predicate" ? { mask: admitsPair } : {}),
      });
      sameAnswers(a, model, k, random, precision);
    }
    sameBits(outputs(lazy).data, outputs(a).data, "lazy");
    assertEquals(openAttention("test", a).log.versions.used, 0);
  });
  assert(
    seeds === 1 || (behind > 100 && refilled > 100),
    `${[behind, refilled]}`,
  );
});

Deno.test("of equal keys those with the smaller ids are attended to, whichever were there first", () => {
  const a = createAttention({
    queries: [[1]],
    keys: new Array(60).fill([2]),
    values: Array.from({ length: 60 }, (_, id) => [id]),
    method: topK(4),
  });
  const attended = () => topKeys(a, { ids: 0 }, 60)[0].keys;
  assertEquals(outputs(a).data[0], 1.5);
  remove(a, [1, 2]);
  assertEquals([outputs(a).data[0], attended()], [3, [0, 3, 4, 5]]);
  // Away and back.
  update(a, [0, 4, 50], { bias: -1 });
  assertEquals([outputs(a).data[0], attended()], [(3 + 5 + 6 + 7) / 4, [
    3,
    5,
    6,
    7,
  ]]);
  update(a, 0, { bias: 1 });
  update(a, 4, { bias: 0 });
  outputs(a);
  update(a, 0, { bias: 0 });
  assertEquals([outputs(a).data[0], attended()], [3, [0, 3, 4, 5]]);
  // Enough leave for the buffer to be filled again.
  remove(
    a,
    Array.from({ length: 45 }, (_, at) => at + 3).filter((id) => id !== 9),
  );
  assertEquals([outputs(a).data[0], attended()], [
    (0 + 9 + 48 + 49) / 4,
    [0, 9, 48, 49],
  ]);
});

Deno.test("k as large as there are keys leaves nothing out", () => {
  forSeeds(24, (seed, random, at) => {
    const { settings, model } = drawLarge(random, { mask: MASKS[seed % 4] });
    const exact = attentionFor(model);
    const a = attentionFor(model, { method: topK(400) });
    for (let step = 1; step <= 10; step++) {
      at(step);
      const { steps } = drawSteps(random, settings, model);
      apply(exact, steps);
      apply(a, steps);
      sameBits(outputs(a).data, outputs(exact).data, "outputs");
      // A fresh one, since old keys are in the bounds of a veteran.
      const fresh = twinOf(model);
      outputs(fresh);
      for (const id of model.queries.keys()) {
        const [bound, other] = [a, fresh].map((one) => errorBound(one, id));
        assertEquals(bound.pruned, 0);
        assert(bound.evaluation >= other.evaluation * (1 - 2 ** -20));
        assert(bound.rounding === other.rounding);
      }
    }
  });
});

Deno.test("topK() attends to nothing where nothing is admitted, and to what comes", () => {
  const a = createAttention({
    queries: [[1], [2]],
    dim: 1,
    valueDim: 2,
    method: topK(1),
  });
  assertEquals(outputs(a).data, new Float64Array(4));
  assertEquals(errorBound(a).total, 0);
  const [id] = append(a, [[1]], [[3, 4]], { bias: -Infinity });
  assertEquals(outputs(a).data, new Float64Array(4));
  assertEquals([errorBound(a).total, topKeys(a, [1], 1)[0].keys], [0, []]);
  update(a, id, { bias: 0 });
  assertEquals([...outputs(a).data], [3, 4, 3, 4]);
  assertEquals(errorBound(a).pruned, 0);
  append(a, [[2]], [[5, 6]]);
  assertEquals([...outputs(a).data], [5, 6, 5, 6]);
  assert(errorBound(a).pruned > 0);
});

Deno.test("doors: a k, a method, a snapshot of another method", () => {
  const whole = "it should be a whole number from 1 to 8388608";
  for (const k of [0, -1, 1.5, NaN, Infinity, 2 ** 23 + 1]) {
    refuses(() => topK(k), RangeError, `Cannot make topK: k is ${k}, ${whole}`);
  }
  refuses(
    () => topK(anything("3")),
    TypeError,
    'Cannot make topK: k is "3", it should be a number',
  );
  const made = "it should be made by a function of ./methods";
  for (const method of [{ name: "topK(3)" }, topK, null, "topK(3)"]) {
    const { message } = failure(() =>
      createAttention({ dim: 1, valueDim: 1, method: anything(method) })
    );
    assert(
      message.startsWith("Cannot create an attention: method is "),
      message,
    );
    assert(message.endsWith(made), message);
  }
  assertEquals(topK(3).name, "topK(3)");
  assertEquals(Object.isFrozen(topK(3)), true);

  const keys = [[1], [2], [3]];
  const options = { queries: [[1]], keys, values: keys };
  const plain = createAttention(options);
  const a = createAttention({ ...options, method: topK(2) });
  outputs(a);
  const bytes = snapshot(a), before = [bytes.slice(), dump(a)];
  const twin = (method?: Method) => restore(bytes, { method });
  refuses(
    () => twin(),
    TypeError,
    'Cannot restore: the method is "none", it should be "topK(2)" as it was',
  );
  refuses(
    () => twin(topK(3)),
    TypeError,
    'Cannot restore: the method is "topK(3)", it should be "topK(2)" as it was',
  );
  refuses(
    () => restore(snapshot(plain), { method: topK(2) }),
    TypeError,
    'Cannot restore: the method is "topK(2)", it should be "none" as it was',
  );
  assert(failure(() => twin({ name: "topK(2)" })).message.endsWith(made));
  assertEquals([bytes, dump(a)], before);
  assertEquals(outputs(twin(topK(2))).data, outputs(a).data);
});

function failure(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("nothing was thrown");
}

Deno.test("an answer that was kept goes when its row moves", () => {
  const a = createAttention({
    queries: [[1]],
    keys: [[1], [2]],
    values: [[3], [4]],
    method: topK(1),
  });
  outputs(a);
  // As a later step of the ladder leaves it.
  openAttention("test", a).rows.answers.set(0, Float64Array.of(4));
  assertEquals(outputs(a).data[0], 4);
  update(a, 1, { values: [5] });
  assertEquals(outputs(a).data[0], 5);
});

Deno.test("an answer on a boundary, or from sums that have become too coarse, is that of the k best keys alone", () => {
  // Eight keys of equal weight whose values add up to 8 (k + θ) exactly, where R steps, or to a hair more.
  const whole = 2 ** 31 + 12_345, theta = 0.5 + 2 ** -6 * 0.6180339887498949;
  for (
    const [above, expected, step] of [
      [0, whole, "exact"],
      [2 ** -60, whole + 1, "finer"],
    ] as const
  ) {
    const values: number[] = [above];
    for (let rest of [8 * whole, 8 * theta]) {
      // The 24 bits of a 32-bit float at a time.
      for (; rest !== 0; rest -= values.at(-1)!) {
        const unit = 2 ** (Math.floor(Math.log2(rest)) - 23);
        values.push(Math.trunc(rest / unit) * unit);
      }
    }
    while (values.length < 8) values.push(0);
    assertEquals(values.length, 8);
    const others = range(0, 50).map((id) => 1e9 + id);
    const all = [...others, ...values];
    const a = createAttention({
      queries: [[1]],
      keys: all.map((_, id) => [id < others.length ? -1 : 0]),
      values: all.map((value) => [value]),
      scale: 1,
      method: topK(8),
    });
    const { rows: { sums }, counters: { ladder } } = openAttention("test", a);
    assertEquals(outputs(a).data[0], expected);
    assertEquals(ladder[step], 1, JSON.stringify(ladder));
    assertEquals(attend(a, [1]).data[0], expected);
    assertEquals(ladder[step], 2, JSON.stringify(ladder));
    // No history of a row leaves it like this, since its sums are made anew whenever its keys change.
    update(a, 57, { bias: 0 });
    flush(a);
    sums.massHigh[0] = sums.massLow[0] = 0;
    assertEquals(outputs(a).data[0], expected);
    assertEquals([ladder.recomputed, ladder[step]], [1, 3]);
    invariant(a);
  }
});

Deno.test("one method serves many attentions", () => {
  const method = topK(1);
  const [a, b] = [1, -1].map((sign) =>
    createAttention({
      queries: [[sign]],
      keys: [[1], [2]],
      values: [[1], [2]],
      method,
    })
  );
  assertEquals([outputs(a).data[0], outputs(b).data[0]], [2, 1]);
  update(a, 1, { keys: [0] });
  assertEquals([outputs(a).data[0], outputs(b).data[0]], [1, 1]);
});

// Bounds.

/** Rows' and guests' bounds against the definition, and against an average of twice the precision. */
function checkBounds(a: Attention, model: Model, random: Random): void {
  for (const id of model.queries.keys()) {
    outputs(a, { ids: id });
    const { total, pruned, rounding, evaluation } = errorBound(a, id);
    const error = measureError(a, id);
    assert(error <= total, `row ${id}: ${error} is above ${total}`);
    sameBits([total], [rounding + evaluation + pruned], "the sum of the parts");
    if (pruned > 0) ratios.push(total / error);
  }
  const [entries, bounds] = [[...model.keys.values()], new Float64Array(1)];
  const query = Float32Array.from(normals(random, model.dim, 1));
  const { data } = attend(a, [[...query]], { filter: () => true, bounds });
  const exact = trueOutput(query, entries, model.scale, model.valueDim);
  data.forEach((answer, c) =>
    assert(
      Math.abs(answer - exact[c]) <= bounds[0],
      `guest: ${answer}, it should be ${exact[c]} up to ${bounds[0]}`,
    )
  );
}

/** How much larger bounds were than errors. */
const ratios: number[] = [];

Deno.test("bounds hold on hostile streams", () => {
  ratios.length = 0;
  hostiles.forEach(({ name, start }, seed) => {
    const sizes = { queries: 2, keys: 90, dim: 4, valueDim: 3 };
    const random = seeded(seed), stream = start(random, sizes);
    for (const precision of [32, 44]) {
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
      const method = topK(pick(random, [1, 3, 8]));
      const a = attentionFor(model, { method }, precision);
      const watched: Step = { verb: "watch", queries: stream.queries };
      const next = precision === 32 ? stream.next : start(random, sizes).next;
      change(model, watched);
      apply(a, [watched]);
      for (let step = 1; step <= 400; step++) {
        const steps = next();
        apply(a, steps);
        for (const one of steps) change(model, one);
        if (random.integer(4) === 0) outputs(a, { ids: random.integer(2) });
        if (step % 25 > 0 || model.keys.size === 0) continue;
        try {
          checkBounds(a, model, random);
        } catch (error) {
          throw new Error(`${name}, step ${step}`, { cause: error });
        }
      }
    }
  });
  assert(ratios.length > 500, `${ratios.length}`);
});

Deno.test("bounds hold whatever is stored, and while it changes", () => {
  ratios.length = 0;
  for (const stream of STREAMS) {
    const { dim, valueDim, scale, name } = stream, random = seeded(dim + scale);
    const settings = { ...drawSettings(random), dim, valueDim, scale };
    const model = drawModel(
      random,
      {
        ...settings,
        mask: "all",
        capacity: Infinity,
      },
      0,
      0,
    );
    let drawn = 0;
    const rows = (count: number) =>
      Array.from({ length: count }, () => stream.draw(random, drawn++));
    const k = pick(random, [1, 2, 4, 12]);
    const a = attentionFor(model, { method: topK(k) });
    const perform = (step: Step) => {
      apply(a, [step]);
      change(model, step);
    };
    perform({
      verb: "watch",
      queries: [stream.query(random), stream.query(random)],
    });
    for (let step = 1; step <= 40; step++) {
      const few = model.keys.size < 64;
      const count = few ? 8 : 1 + random.integer(2), keys = rows(count);
      const parts = {
        keys: keys.map(({ key }) => [...Array.from(key)]),
        values: keys.map(({ value }) => [...Array.from(value)]),
        bias: keys.map(({ bias }) => bias),
      };
      const live = shuffled(random, [...model.keys.keys()]);
      if (few) perform({ verb: "append", ...parts });
      else if (random.integer(3) === 0) {
        perform({ verb: "remove", ids: live.slice(0, 9) });
      } else perform({ verb: "update", ids: live.slice(0, count), ...parts });
      if (random.integer(3) === 0) outputs(a, { ids: 1 });
      if (step % 4 > 0) continue;
      try {
        checkBounds(a, model, random);
      } catch (error) {
        throw new Error(`${name}, step ${step}`, { cause: error });
      }
    }
  }
  assert(ratios.length > 200, `${ratios.length}`);
});

Deno.test("a bound is infinite until the row has seen everything", () => {
  const keys = [[1], [2], [3]];
  const a = createAttention({
    queries: [[1]],
    keys,
    values: keys,
    method: topK(2),
  });
  assertEquals(errorBound(a).total, Infinity);
  outputs(a);
  const { total } = errorBound(a);
  assert(total > 0 && total < 3);
  update(a, 0, { values: [7] });
  assertEquals([errorBound(a).total, errorBound(a).lazy], [Infinity, Infinity]);
});

Deno.test("a bound is that of a guest right after a fill", () => {
  const random = seeded(6), rows = rowsOf(random);
  const a = createAttention({
    keys: rows(300, 8),
    values: rows(300, 3),
    queries: rows(5, 8),
    method: topK(9),
  });
  const bounds = new Float64Array(5), guests = new Float64Array(5);
  outputs(a, { bounds });
  const { dense } = openAttention("test", a).rows.queries;
  attend(a, dense.slice(0, 40), { bounds: guests });
  bounds.forEach((bound, at) =>
    assertAlmostEquals(bound, guests[at], 1e-5 * bound)
  );
});

/** Rows of normal numbers. */
function rowsOf(random: Random): (count: number, width: number) => number[][] {
  return (count, width) =>
    Array.from({ length: count }, () => normals(random, width, 1));
}

/** The share of all mass that the k best keys of each watched query leave out. */
function trueShares({ keys, queries, scale }: Model, k: number): number[] {
  return [...queries.values()].map(({ query }) => {
    const scores = [...keys.values()].map(({ key, bias }) =>
      oracleScore(query, key, scale, bias)
    ).sort((a, b) => b - a);
    const weights = scores.map((score) => 2 ** (score - scores[0]));
    const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);
    return sum(weights.slice(k)) / sum(weights);
  });
}

Deno.test("the mass left out is known right after a fill, to a factor of 2 until the next, and bounds are no worse than measured", () => {
  const median = (list: number[]) =>
    list.sort((a, b) => a - b)[list.length >> 1];
  const [queries, m, dim, k] = [64, 512, 16, 16];
  const random = seeded(3), rows = rowsOf(random);
  const model = drawModel(
    random,
    {
      ...drawSettings(random),
      dim,
      valueDim: dim,
      scale: 1 / Math.sqrt(dim),
      deviation: 1,
      mask: "all",
      capacity: Infinity,
      wild: false,
    },
    0,
    queries,
  );
  const a = attentionFor(model, { method: topK(k) });
  const perform = (step: Step) => {
    apply(a, [step]);
    change(model, step);
  };
  perform({ verb: "append", keys: rows(m, dim), values: rows(m, dim) });
  const measured: [looseness: number, share: number][] = [];
  for (let round = 0; round < 5; round++) {
    outputs(a);
    const shares = trueShares(model, k),
      { selection } = openAttention("test", a);
    const known = shares.map((_, row) => selection!.pruned(row).share);
    const excess = known.map((share, row) => share / shares[row]);
    assert(excess.every((ratio) => ratio >= 1), `${Math.min(...excess)}`);
    if (round === 0) {
      excess.forEach((ratio) => assertAlmostEquals(ratio, 1, 2 ** -19));
    }
    const odds = (share: number) => share / (1 - share);
    known.forEach((share, row) =>
      assert(odds(share) < 2.5 * odds(shares[row]), `${share}, ${shares[row]}`)
    );
    const looseness = [...model.queries.keys()].map((id) =>
      errorBound(a, id).total / measureError(a, id)
    );
    measured.push([median(looseness), median(excess)]);
    for (let i = 0; i < 100; i++) {
      const ids = [random.integer(m)];
      perform({
        verb: "update",
        ids,
        keys: rows(1, dim),
        values: rows(1, dim),
      });
      if (i % 10 === 0) outputs(a);
    }
  }
  const [fresh, ...later] = measured.map(([looseness]) => looseness);
  const worst = Math.max(...later);
  console.log(
    `bound / error, median of ${queries} rows, ${k} of ${m} keys: ${
      fresh.toFixed(1)
    } after a fill, up to ${worst.toFixed(1)} after ${
      100 * later.length
    } changes`,
  );
  assert(fresh < 5 && worst < 10, `${fresh}, ${worst}`);
});

Deno.test("a key of no weight loosens no bound: a soft mask, a score absurdly low", () => {
  const rows = rowsOf(seeded(8));
  const a = createAttention({
    queries: [[1, 0.5]],
    keys: rows(100, 2),
    values: rows(100, 2),
    scale: 1,
    method: topK(5),
  });
  outputs(a);
  const before = errorBound(a).total;
  for (const [key, bias] of [[-1e30, 0], [0, -1e9], [0, -1e300]]) {
    const [id] = append(a, [[key, 0]], [[1e30, 0]], { bias });
    outputs(a);
    const { total } = errorBound(a);
    // The newcomer is one more that may have been outside.
    assert(measureError(a) <= total && total < 1.5 * before, `${total}`);
    watch(a, [[1, 0.5]], { ids: 0 });
    outputs(a);
    const fresh = errorBound(a).total;
    assert(measureError(a) <= fresh && fresh < 1.001 * before, `${fresh}`);
    remove(a, id);
  }
});

/** from … to − 1 */
function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}

/** One row: up to date, and its bound holds. */
function holds(a: Attention): void {
  const bounds = new Float64Array(1);
  outputs(a, { bounds });
  const error = measureError(a);
  assert(error <= bounds[0], `${error} is above ${bounds[0]}`);
}

Deno.test("a bound that cannot be told is infinite, with nothing left out, too", () => {
  for (const count of [1, 2]) {
    const a = createAttention({
      queries: [[1e38]],
      keys: range(0, count).map((id) => [1e38 + id * 1e37]),
      values: range(0, count).map((id) => [id + 1]),
      scale: 1e200,
      method: topK(1),
    });
    const bounds = new Float64Array(1), guest = new Float64Array(1);
    outputs(a, { bounds });
    attend(a, [[1e38]], { bounds: guest });
    assertEquals([...bounds, ...guest], [Infinity, Infinity]);
  }
});

Deno.test("a bound counts the roundings of a definition that sums over all keys", () => {
  const m = 3000, values = new Array(m).fill([1]);
  const a = createAttention({
    queries: [[0]],
    keys: values,
    values,
    method: topK(1),
  });
  outputs(a);
  const { evaluation } = errorBound(a);
  assert(evaluation >= 2 * m * 2 ** -53 && evaluation < 4 * m * 2 ** -53);
});

Deno.test("a bound holds where those attended to and the floor are far above what is outside", () => {
  const a = createAttention({
    queries: [[1]],
    keys: [...new Array(36).fill([1e5]), ...new Array(50).fill([0])],
    values: range(0, 86).map((id) => [id]),
    scale: 1,
    method: topK(4),
  });
  outputs(a);
  // 36 are kept: 32 of them go.
  remove(a, range(4, 36));
  holds(a);
  assert(errorBound(a).pruned < 1e-100 && stats(a).recomputed === 1);
  update(a, 60, { keys: [1] });
  holds(a);
  remove(a, [0, 1]);
  holds(a);
  assertEquals(topKeys(a, { ids: 0 }, 9)[0].keys, [2, 3, 36, 60]);
});

Deno.test("a bound holds when keys that were outside go: those that stay weigh more", () => {
  // All score alike: one is attended to, 32 more are kept, and of those outside one is not 0.
  const a = createAttention({
    queries: [[1]],
    keys: new Array(134).fill([0]),
    values: range(0, 134).map((id) => [id === 33 ? 1000 : 0]),
    method: topK(1),
  });
  holds(a);
  assertAlmostEquals(errorBound(a).pruned, 1000 / 134, 1e-4);
  remove(a, range(34, 84));
  holds(a);
  remove(a, range(84, 134));
  holds(a);
  assertEquals(stats(a).recomputed, 1);
  assert(measureError(a) > 2 * 1000 / 134 && errorBound(a).pruned < 1000);
});

Deno.test("a share knows how far scores may be off, for rows and for guests", () => {
  // Two scores of 2⁵⁰ with a slack of 11.5 · 2⁻³ on either side, which is 1.5 on their grid of 2⁻².
  const a = createAttention({
    queries: [[1]],
    keys: [[2 ** 50], [2 ** 50]],
    values: [[1], [2]],
    scale: Math.LN2,
    method: topK(1),
  });
  outputs(a);
  attend(a, [[1]]);
  const odds = 2 ** (2 * 1.5), { selection } = openAttention("test", a);
  for (const { share } of [selection!.pruned(0), selection!.prunedLast()]) {
    assertAlmostEquals(share, odds / (1 + odds), 1e-6);
  }
});

Deno.test("what top-k leaves out is τ ‖μ_tail − μ_head‖, on the printed numbers", () => {
  // Seed 11; q = 2 · mat(1, 3), K = mat(12, 3), V = mat(12, 2), scale 1 / √3, the four best keys.
  const { thousandths } = lcg(11);
  const queries = thousandths(1, 3).map((row) => row.map((x) => 2 * x));
  const options = {
    queries,
    keys: thousandths(12, 3),
    values: thousandths(12, 2),
    scale: 1e-6 / Math.sqrt(3),
  };
  const make = (more: AttentionOptions) =>
    attentionOf(createMemory({ ...options, ...more }, 44));
  const read = (more: AttentionOptions) =>
    [...outputs(make(more)).data].map((x) => x / 1000);
  const head = [0, 2, 7, 11], a = make({ method: topK(4) });
  const { keys } = topKeys(a, { ids: 0 }, 4)[0];
  assertEquals(keys.sort((x, y) => x - y), head);
  const all = read({}), best = read({ method: topK(4) });
  const tail = read({ mask: (_, key) => !head.includes(key) });
  const { matrix } = weights(make({}));
  const p = [...matrix.to1DArray()];
  const tau = p.reduce((sum, p, id) => head.includes(id) ? sum : sum + p, 0);
  const divergence = head.reduce(
    (sum, id) => sum - p[id] / (1 - tau) * Math.log(1 - tau),
    0,
  );
  const norm = (x: number[], y: number[]) =>
    Math.hypot(x[0] - y[0], x[1] - y[1]);
  assertAlmostEquals(all[0], 0.003068831106, 1e-12);
  assertAlmostEquals(all[1], 0.147630617778, 1e-12);
  assertAlmostEquals(tau, 0.475106391823, 1e-12);
  assertAlmostEquals(1 - Math.exp(-divergence), tau, 1e-12);
  assertAlmostEquals(norm(all, best), 0.145473827124, 1e-12);
  assertAlmostEquals(norm(all, best), tau * norm(tail, best), 1e-12);
  const { selection } = openAttention("test", a);
  outputs(a);
  assertAlmostEquals(selection!.pruned(0).share, tau, 1e-6 * tau);
  const { total } = errorBound(a), error = measureError(a);
  const apart = Math.max(...all.map((x, c) => Math.abs(x - best[c])));
  assertAlmostEquals(error / 1000, apart, 1e-12);
  assert(error <= total && total < 5 * error, `${total}, ${error}`);
});

// Work.

/** Multiply-adds that a call spends. */
function spent(a: Attention, call: () => unknown): number {
  const before = stats(a).multiplyAdds;
  call();
  return stats(a).multiplyAdds - before;
}

Deno.test("a changed key costs a row its dot product once, and a fold of k where the k best changed", () => {
  const [dim, valueDim, k, m] = [5, 3, 4, 200];
  const keys = Array.from({ length: m }, (_, id) => [m - id, 0, 0, 0, 0]);
  const a = createAttention({
    queries: [[1, 0, 0, 0, 0]],
    keys,
    values: Array.from({ length: m }, (_, id) => [id, 1, -id]),
    scale: 1,
    method: topK(k),
    representation: "dense",
  });
  const answer = valueDim + 1, fold = k * (valueDim + 1);
  const read = () => spent(a, () => outputs(a));
  const key = (score: number) => ({ keys: [[score, 0, 0, 0, 0]] });
  const stat = () => {
    const { synced, recomputed, coalesced, pending } = stats(a);
    return { synced, recomputed, coalesced, pending };
  };
  assertEquals(read(), m * dim + fold + answer);
  assertEquals(read(), answer);
  assertEquals(stat().recomputed, 1);
  // Outside, and outside again.
  update(a, 150, key(3.5));
  assertEquals(read(), dim + answer);
  // In the buffer behind the k best, and twice before anybody looks.
  update(a, 20, key(170));
  update(a, 20, key(171));
  assertEquals(stat(), { synced: 1, recomputed: 1, coalesced: 1, pending: 1 });
  assertEquals(read(), dim + answer);
  // A value among the k best; a key that comes to them; one that leaves them, and one that is removed.
  update(a, 1, { values: [[1, 2, 3]] });
  assertEquals(read(), dim + fold + answer);
  update(a, 199, key(1000));
  assertEquals(read(), dim + fold + answer);
  update(a, 199, { bias: -Infinity });
  assertEquals(read(), fold + answer);
  remove(a, 0);
  assertEquals(read(), fold + answer);
  // Removed outside, appended outside, masked outside.
  remove(a, 180);
  append(a, [[0, 0, 0, 0, 0]], [[1, 1, 1]]);
  update(a, 170, { bias: -Infinity });
  assertEquals(read(), dim + answer);
  // The slot of the key removed was written again.
  assertEquals(stat(), { synced: 7, recomputed: 1, coalesced: 2, pending: 0 });
  // A row that has seen nothing scores what there is; what was written is no old content of anybody's.
  watch(a, [[1, 0, 0, 0, 0]]);
  assertEquals(read(), (m - 3) * dim + fold + 2 * answer);
  assertEquals(openAttention("test", a).log.versions.used, 0);
});

Deno.test("keys that a row may not see cost it no multiply-add, and few keys no fold", () => {
  for (const mask of ["causal", (_: Id, key: Id) => key < 3] as const) {
    const keys = Array.from({ length: 20 }, (_, id) => [id]);
    const a = createAttention({
      queries: [[1], [1], [1]],
      keys,
      values: keys,
      mask,
      method: topK(10),
      representation: "dense",
    });
    outputs(a);
    const before = stats(a).synced;
    update(a, [10, 11], { keys: [[9], [9]] });
    assertEquals(spent(a, () => outputs(a, { ids: 2 })), 2);
    assertEquals(stats(a).synced, before);
    update(a, 1, { values: [5] });
    assertEquals(spent(a, () => outputs(a, { ids: 2 })), 1 + 3 * 2 + 2);
    assertEquals(stats(a).synced, before + 1);
  }
});

Deno.test("a row that missed more than half of the keys starts over, whatever the mask", () => {
  const values = range(0, 200).map((id) => [id]), few = range(0, 90);
  const pattern = CsrMatrix.fromTriples(
    1,
    200,
    values.map(([id]): [number, number, number] => [0, id, 1]),
  );
  for (const mask of [undefined, "causal", () => true, pattern] as const) {
    const make = (keys: number[][]) => {
      const a = createAttention({ keys, values, method: topK(2), mask });
      watch(a, [[1]]);
      return a;
    };
    const a = make(values);
    outputs(a);
    update(a, few, { keys: few.map((id) => [-id]) });
    outputs(a);
    assertEquals([stats(a).recomputed, stats(a).synced], [1, 90]);
    const all = range(0, 200), moved = all.map((id) => [id % 7]);
    update(a, all, { keys: moved });
    sameBits(outputs(a).data, outputs(make(moved)).data, "outputs");
    assertEquals([stats(a).recomputed, stats(a).synced], [2, 90]);
  }
});

Deno.test("flush() knows what a row costs to the multiply-add where all keys are seen, however they are stored", () => {
  const [dim, m, k] = [16, 80, 3];
  const wide = new Array(dim).fill(1),
    narrow = [1, ...new Array(dim - 1).fill(0)];
  for (const query of [wide, narrow]) {
    for (const key of [wide, narrow]) {
      const a = createAttention({
        queries: [query],
        keys: range(0, m).map((id) => key.map((x) => x * (id + 1))),
        values: range(0, m).map((id) => [id + 1]),
        method: topK(k),
      });
      const scoring = key === wide && query === wide ? dim : 1;
      const costs = [m * scoring + k * 2, scoring + k * 2];
      for (const cost of costs) {
        assertEquals(spent(a, () => flush(a, { work: cost - 1 })), 0);
        assertEquals(flush(a, { work: cost - 1 }), cost);
        assertEquals(spent(a, () => flush(a, { work: cost })), cost);
        assertEquals(flush(a, { work: 0 }), 0);
        update(a, m - 1, { keys: [key.map((x) => x * 2 * m)] });
      }
    }
  }
});

Deno.test("flush() keeps to its work, and what it says is left is enough", () => {
  let exact = 0, told = 0;
  const seeds = forSeeds(60, (seed, random, at) => {
    const { settings, model } = drawLarge(random, {
      mask: MASKS[seed % 4],
      dim: pick(random, [3, 8, 16]),
    });
    const representation = pick(random, ["dense", "sparse", "auto"] as const);
    const a = attentionFor(model, {
      method: topK(pick(random, [1, 3, 20])),
      representation,
    });
    const memory = openAttention("test", a), { slots } = memory.rows;
    const thin = (row: number[]) =>
      row.map((x) => random.integer(3) > 0 ? 0 : x);
    for (let step = 1; step <= 20; step++) {
      at(step);
      const bulk = random.integer(3) === 0
        ? drawBulk(random, model)
        : undefined;
      const steps = bulk !== undefined
        ? [bulk]
        : drawSteps(random, settings, model).steps;
      if (bulk !== undefined) change(model, bulk);
      perform(a, steps);
      const ids = some(random, [...model.keys.keys()], 2);
      if (ids.length > 0) {
        const keys = ids.map(() => thin(normals(random, model.dim, 1)));
        const step: Step = { verb: "update", ids, keys };
        change(model, step);
        perform(a, [step]);
      }
      const query = thin(normals(random, model.dim, 1));
      if (random.integer(5) === 0 && model.queries.has(0)) {
        const step: Step = { verb: "watch", queries: [query], ids: [0] };
        change(model, step);
        perform(a, [step]);
      }
      const live = range(0, slots.used).filter((row) => slots.idOf[row] >= 0);
      const costs = live.map((row) => syncCosts(memory, [row]));
      assertEquals(syncCosts(memory, live), costs.reduce((a, b) => a + b, 0));
      for (const row of live) {
        const work = random.integer(600), cost = syncCosts(memory, [row]);
        let left = 0;
        const used = spent(a, () => left = syncWithin(memory, row, work));
        assert(used <= work, `${used} of ${work}`);
        assertEquals(left, cost > work ? cost : 0);
        assertEquals(syncCosts(memory, [row]), left);
        if (left === 0) continue;
        told++;
        if (spent(a, () => syncWithin(memory, row, left)) === left) exact++;
        assertEquals(syncCosts(memory, [row]), 0);
      }
      const work = random.integer(1000);
      assert(spent(a, () => flush(a, { work })) <= work);
      invariant(a);
    }
    flush(a);
    assertEquals([flush(a, { work: 0 }), stats(a).pending], [0, 0]);
  });
  assert(
    seeds === 1 || (told > 200 && exact > told / 5),
    `${exact} of ${told}`,
  );
});

Deno.test("on a random stream a buffer never runs out: it is filled once as many keys came out as were outside", () => {
  const [m, k, dim] = [2048, 32, 4], updates = 9000, random = seeded(1);
  const rows = rowsOf(random);
  const a = createAttention({
    keys: rows(m, dim),
    values: rows(m, 1),
    queries: rows(1, dim),
    method: topK(k),
  });
  flush(a);
  const memory = openAttention("test", a);
  for (let i = 0; i < updates; i++) {
    update(a, random.integer(m), { keys: rows(1, dim) });
    const cost = syncCosts(memory, [0]);
    assert(spent(a, () => flush(a)) <= cost);
    assert(cost <= dim + k * 2 || cost === m * dim + k * 2, `${cost}`);
  }
  const refills = stats(a).recomputed - 1, worn = m - k - SLACK + 32;
  console.log(
    `${refills} fills in ${updates} replaces of ${m} keys, k = ${k}: one in ${
      Math.round(updates / refills)
    }`,
  );
  assert(refills >= 3 && refills <= updates / worn, `${refills}`);
});

Deno.test("a write keeps no old content, whatever the mask, and bytes are counted", () => {
  for (const mask of MASKS) {
    const random = seeded(4),
      settings = drawSettings(random, {
        mask,
        dim: 3,
        valueDim: 2,
        capacity: Infinity,
        wild: false,
      });
    const model = drawModel(random, settings, 60, 3);
    const a = attentionFor(model, { method: topK(2) });
    const cold = stats(a).bytes;
    outputs(a);
    const { selection, log } = openAttention("test", a);
    const kept = selection!.bytes();
    assert(kept > 3 * 20 * 16 && stats(a).bytes >= cold + kept, `${kept}`);
    for (let step = 0; step < 30; step++) {
      perform(a, drawSteps(random, settings, model).steps);
      if (step % 3 === 0) outputs(a);
      assertEquals([log.versions.used, log.versions.slot.length], [0, 0]);
    }
    perform(a, [{ verb: "unwatch", ids: [...model.queries.keys()] }]);
    assertEquals(selection!.bytes(), 0);
  }
});

// Reads that fail.

Deno.test("a mask that throws at any question of a read loses nothing, nor does it when it throws again", () => {
  const m = 60, values = Array.from({ length: m }, (_, at) => [at]);
  const before = values.map(([at]) => [at / 9]);
  const after = before.map(([key], at) => [at > 57 ? -5 : at < 2 ? 20 : key]);
  const base = { values, queries: [[1], [-1], [2]], method: topK(3) };
  const added = [[9], [4]];
  const twin = createAttention({ ...base, keys: after });
  append(twin, added, added);
  const expected = outputs(twin).data;
  let questions = Infinity, thrown = 0;
  for (let fuse = 0; questions === Infinity; fuse += fuse < 12 ? 1 : 7) {
    let left = Infinity;
    const a = createAttention({
      ...base,
      keys: before,
      mask: () => {
        if (--left < 0) throw new EvalError("mine");
        return true;
      },
    });
    outputs(a, { ids: [0, 1] });
    update(a, [0, 1, 58, 59], { keys: [[20], [20], [-5], [-5]] });
    outputs(a, { ids: 0 });
    append(a, added, added);
    for (const again of [0, 3]) {
      left = fuse + again;
      try {
        outputs(a);
        if (again === 0) questions = fuse;
      } catch (error) {
        assert(error instanceof EvalError);
        thrown++;
      }
      left = Infinity;
      invariant(a);
    }
    assertEquals(outputs(a).data, expected);
    invariant(a);
  }
  assert(questions > 60 && thrown > 30, `${questions}, ${thrown}`);
});

Deno.test("a mask or filter that reads or changes the attention it is asked by is refused", () => {
  let meddle: (() => unknown) | undefined;
  const keys = Array.from({ length: 40 }, (_, at) => [at]);
  const base = { queries: [[1], [2]], keys, values: keys, method: topK(2) };
  const a = createAttention({
    ...base,
    mask: () => {
      meddle?.();
      return true;
    },
  });
  outputs(a);
  update(a, 39, { keys: [-1] });
  for (
    const [verb, touch] of [
      ["read outputs", () => outputs(a)],
      ["flush", () => flush(a)],
      ["update", () => update(a, 0, { values: [7] })],
    ] as const
  ) {
    meddle = touch;
    refuses(
      () => outputs(a),
      TypeError,
      `Cannot ${verb}: the attention is being read, its masks and filters should leave it alone`,
    );
    meddle = undefined;
    const twin = createAttention(base);
    update(twin, 39, { keys: [-1] });
    assertEquals(outputs(a).data, outputs(twin).data);
    invariant(a);
    update(a, 39, { keys: [-1] });
  }
  const other = createAttention(base);
  const filter = (_: Id, key: Id) => outputs(other).data[0] > 0 && key < 30;
  assertEquals(topKeys(a, [1], 2, { filter })[0].keys, [29, 28]);
});

Deno.test("the first read of all may be that of a guest", () => {
  const keys = [[1], [2], [3]], bounds = new Float64Array(1);
  for (const method of [undefined, topK(2)]) {
    const a = createAttention({ keys, values: keys, method });
    attend(a, [1], { bounds });
    assert(bounds[0] < 3);
    assertEquals(stats(a).ladder.finer, 0);
  }
});

// Tensors

Deno.test("topK() of tensors is attention to the k best keys of each query", () => {
  const random = seeded(71), [n, m, dim, valueDim, k] = [5, 40, 6, 3, 7];
  const tensor = (...shape: number[]) => ({
    data: Float64Array.from(
      { length: shape.reduce((a, b) => a * b) },
      () => random.normal() / 3,
    ),
    shape,
  });
  const q = tensor(2, 4, n, dim), key = tensor(2, 2, m, dim);
  const value = tensor(2, 2, m, valueDim);
  const options = { causal: true, keyLengths: [m, m - 9], scale: 3 };
  const full = scaledDotProductAttention(q, key, value, {
    ...options,
    scores: "biased",
  }).scores!;
  const mask = { data: new Uint8Array(full.data.length), shape: full.shape };
  for (let row = 0; row < 2 * 4 * n; row++) {
    const scores = [...full.data.subarray(row * m, row * m + m)];
    const best = scores.map((score, j) => ({ score, j }))
      .filter(({ score }) => score > -Infinity)
      .sort((a, b) => b.score - a.score).slice(0, k);
    for (const { j } of best) mask.data[row * m + j] = 1;
  }
  const wanted = scaledDotProductAttention(q, key, value, { ...options, mask });
  const { output } = scaledDotProductAttention(q, key, value, {
    ...options,
    method: topK(k),
  });
  // Scores of size scale · dim err by dim roundings of that, sums by one for each key; both sides do.
  const most = 2 * (dim * 3 * dim + m) * 2 ** -53;
  for (let i = 0; i < output.data.length; i++) {
    const error = Math.abs(output.data[i] - wanted.output.data[i]);
    assert(error <= most, `${i}: ${error}`);
  }
  assertEquals(
    scaledDotProductAttention(q, key, value, { ...options, method: topK(m) })
      .output.shape,
    [2, 4, n, valueDim],
  );
});

Deno.test("a method of tensors keeps no scores, and must be a method", () => {
  const one = { data: new Float32Array([1]), shape: [1, 1, 1, 1] };
  assertThrows(
    () =>
      scaledDotProductAttention(one, one, one, {
        method: topK(1),
        scores: "raw",
      }),
    TypeError,
    'Cannot attend: scores is "raw" with the method topK(1), it should be left out',
  );
  assertThrows(
    () =>
      scaledDotProductAttention(one, one, one, {
        method: { name: "topK(1)" },
      }),
    TypeError,
    "it should be made by a function of ./methods",
  );
});
