/**
 * Nyström attention that is maintained: the bits of a fresh one, the formula, and what it costs.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertLessOrEqual,
} from "@std/assert";
import {
  append,
  attend,
  type Attention,
  type AttentionOptions,
  createAttention,
  CsrMatrix,
  errorBound,
  flush,
  type Id,
  outputs,
  remove,
  restore,
  scaledDotProductAttention,
  snapshot,
  stats,
  topKeys,
  unwatch,
  update,
  watch,
  weights,
} from "../../mod.ts";
import { attentionOf, openAttention } from "../../src/attention.ts";
import { nystrom, type NystromOptions } from "../../src/method/mod.ts";
import { type Random, seeded } from "../../src/random.ts";
import { invariant } from "../memory/invariants.ts";
import { type Model, twinOf } from "../model.ts";
import { refuses } from "../refusals.ts";
import { sameBits, within } from "../same.ts";
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
  some,
} from "../scripts.ts";

const UNIT = 2 ** -53;
const KERNELS = ["scalar", "simd"] as const;

/** `count` rows of normal numbers. */
function rowsOf(random: Random, count: number, width: number): number[][] {
  return Array.from({ length: count }, () => normals(random, width, 1));
}

/** The attention and the landmarks' rows are in order. */
function inOrder(a: Attention): void {
  invariant(a);
  const memory = openAttention("check", a), { approximation } = memory;
  const { rows } = approximation!;
  invariant(attentionOf({ ...memory, rows, approximation: undefined }));
}

// Edges

Deno.test("an attention with nystrom() that holds nothing answers with zeros", () => {
  const method = nystrom({ landmarks: 3 });
  const a = createAttention({ dim: 2, valueDim: 2, method });
  assertEquals(outputs(a).rows, 0);
  assertEquals(attend(a, [[1, 2]]).to2DArray(), [[0, 0]]);
  watch(a, [[1, 2]]);
  assertEquals(outputs(a).to2DArray(), [[0, 0]]);
  append(a, [[1, 1], [2, 2], [3, 3], [4, 4]], [[1, 1], [2, 2], [3, 3], [4, 4]]);
  update(a, [0, 1, 2, 3], { bias: -Infinity });
  assertEquals(outputs(a).to2DArray(), [[0, 0]]);
  inOrder(a);
});

Deno.test("with no more keys than landmarks outputs and guests have the bits of exact attention, before and after there were more", () => {
  forSeeds(40, (_, random) => {
    const landmarks = 1 + random.integer(6), dim = 3;
    const queries = rowsOf(random, 1 + random.integer(9), dim);
    const keys = rowsOf(random, landmarks + 6, dim);
    const options = {
      queries,
      dim,
      valueDim: dim,
      kernel: pick(random, KERNELS),
    };
    const method = nystrom({ landmarks });
    const a = createAttention({ ...options, method });
    const exact = createAttention(options), guest = rowsOf(random, 2, dim);
    const both = (act: (one: Attention) => unknown) => [a, exact].forEach(act);
    const same = () => {
      const [own, others] = [a, exact].map((one) => [
        ...outputs(one).data,
        ...attend(one, guest).data,
      ]);
      sameBits(own, others, "few keys");
      assertEquals(stats(a).method.landmarks, 0);
    };
    const few = keys.slice(0, landmarks);
    both((one) => append(one, few, few));
    same();
    both((one) => append(one, keys.slice(landmarks), keys.slice(landmarks)));
    outputs(a);
    assertGreater(stats(a).method.landmarks, 0);
    // They leave in any order, one by its bias; what stays changes, be it read or not.
    const ids = shuffled(random, keys.map((_, id) => id));
    both((one) => update(one, ids[0], { bias: -Infinity }));
    for (const [at, id] of ids.slice(1, 6).entries()) {
      both((one) => remove(one, id));
      if (at % 2 === 0) outputs(a);
    }
    both((one) => update(one, ids[6], { keys: few[0], bias: 2 }));
    same();
    inOrder(a);
  });
});

Deno.test("with no more watched queries than landmarks each is its own, with the bits of exact attention", () => {
  forSeeds(30, (_, random) => {
    const dim = 3, queries = rowsOf(random, 1 + random.integer(5), dim);
    const keys = rowsOf(random, 20, dim), kernel = pick(random, KERNELS);
    const options = { queries, keys, values: keys, kernel };
    const method = nystrom({ landmarks: 5 });
    const a = createAttention({ ...options, method });
    const exact = createAttention(options);
    for (let step = 0; step < 5; step++) {
      sameBits(outputs(a).data, outputs(exact).data, "own landmarks");
      sameBits(attend(a, queries).data, outputs(exact).data, "as guests");
      const change = { keys: normals(random, dim, 1) };
      for (const one of [a, exact]) update(one, step, change);
    }
    inOrder(a);
  });
});

Deno.test("an answer that was kept in finer bits is not that of an own landmark", () => {
  const rows = [[1], [2], [3]];
  const method = nystrom({ landmarks: 2 });
  const a = createAttention({
    queries: [[1]],
    keys: rows,
    values: rows,
    method,
  });
  const wanted = outputs(a).data;
  const { answers } = openAttention("test", a).approximation!.rows;
  // As a later step of the ladder leaves it.
  answers.set(0, Float64Array.of(99));
  sameBits(outputs(a).data, wanted, "own landmark");
  assertEquals(answers.size, 0);
});

// Doors

Deno.test("nystrom() refuses an attention that it cannot serve", () => {
  const rows = [[1, 2], [3, 4], [5, 6]], method = nystrom({ landmarks: 2 });
  const options = { queries: rows, keys: rows, values: rows };
  for (
    const mask of [
      "causal",
      () => true,
      new CsrMatrix(0, 0, [0], [], []),
    ] as const
  ) {
    refuses(
      () => createAttention({ ...options, method, mask }),
      TypeError,
      "Cannot create an attention: a mask is given with the method nystrom(2), whose landmarks see all keys, it should be left out",
    );
  }
  const tensors = (given: Partial<NystromOptions>, what: string) => {
    const method = nystrom({ landmarks: 2, ...given });
    refuses(
      () => createAttention({ ...options, method }),
      TypeError,
      `Cannot create an attention: the method is ${method.name} with ${what}, which is for tensors, it should be left out`,
    );
  };
  tensors({ padding: "tokens" }, "padding");
  tensors({ convolution: [[1]] }, "convolution");
  const one = { queries: [[1]], keys: [[1]] };
  for (
    const wrong of [
      nystrom({ landmarks: one }),
      nystrom({ landmarks: 1, landmarkQueries: one.queries }),
    ]
  ) {
    refuses(
      () => createAttention({ ...options, method: wrong }),
      RangeError,
      "Cannot create an attention: landmarks have 1 number, they should have 2 like keys",
    );
  }
  const a = createAttention({ keys: rows, values: rows, method });
  refuses(
    () => attend(a, [[1, 2]]),
    TypeError,
    "Cannot attend: no query is watched and the landmarks of nystrom(2) are means of such, some should be watched or landmarks be of keys or given",
  );
  watch(a, rows);
  attend(a, [[1, 2]]);
  inOrder(a);
});

Deno.test("what needs weights of single keys is refused, and the bound is infinite", () => {
  const rows = [[1, 2], [3, 4], [5, 6]];
  const a = createAttention({
    queries: rows,
    keys: rows,
    values: rows,
    method: nystrom({ landmarks: 2 }),
  });
  const message = (verb: string, what: string) =>
    `Cannot ${verb}: the method is nystrom(2), which knows no ${what}, it should be one that attends to some of the keys`;
  refuses(
    () => weights(a),
    TypeError,
    message("read weights", "weights of single keys"),
  );
  refuses(
    () => topKeys(a, [[1, 2]], 1),
    TypeError,
    message("read top keys", "weights of single keys"),
  );
  refuses(
    () => attend(a, [[1, 2]], { filter: () => true }),
    TypeError,
    message("attend", "position and filter"),
  );
  outputs(a);
  assertEquals(errorBound(a).total, Infinity);
});

// Laws

const VARIANTS: readonly Omit<NystromOptions, "landmarks">[] = [
  {},
  { ridge: 0.05 },
  { inverse: "iterative" },
  { inverse: "iterative", iterations: 2 },
  { inverse: "exact" },
];

Deno.test("after any history outputs and guests have the bits of a fresh attention over the same entries", () => {
  let approximated = 0, reused = 0;
  forSeeds(160, (_, random, at) => {
    const settings = drawSettings(random, { mask: "all" });
    const model = drawModel(
      random,
      settings,
      random.integer(30),
      random.integer(10),
    );
    const { dim } = settings, count = 1 + random.integer(6);
    const given = {
      queries: rowsOf(random, count, dim),
      keys: rowsOf(random, count, dim),
    };
    const from = pick(
      random,
      ["queries", "keys", given.queries, "given"] as const,
    );
    const method = nystrom({
      ...(from === "given"
        ? { landmarks: given }
        : { landmarks: count, landmarkQueries: from }),
      ...pick(random, VARIANTS),
    });
    const options: AttentionOptions = {
      method,
      kernel: pick(random, KERNELS),
      logBytes: pick(random, [undefined, undefined, 0, 300]),
      representation: pick(random, ["auto", "sparse"]),
    };
    const a = attentionFor(model, options);
    for (let step = 0; step < 14; step++) {
      at(step);
      const { steps } = drawSteps(random, settings, model);
      perform(a, steps, random);
      readSomething(a, model, random);
      if (random.integer(3) > 0) continue;
      const before = stats(a).method;
      sameAsTwin(a, model, from !== "queries", random, {
        method,
        kernel: pick(random, KERNELS),
      });
      const now = stats(a).method;
      if (now.landmarks > 0) approximated++;
      if (now.landmarks > 0 && now.refactored === before.refactored) reused++;
      inOrder(a);
    }
  });
  assertGreater(approximated, 150);
  assertGreater(reused, 30);
});

function sameAsTwin(
  a: Attention,
  model: Model,
  isAlone: boolean,
  random: Random,
  options: AttentionOptions,
): void {
  const twin = twinOf(model, random, { options });
  const guests = rowsOf(random, 2, model.dim);
  const isAnswered = isAlone || model.queries.size > 0;
  const reads = [
    () => sameBits(outputs(a).data, outputs(twin).data, "outputs"),
    () => {
      if (!isAnswered) return;
      sameBits(attend(a, guests).data, attend(twin, guests).data, "guests");
    },
  ];
  if (random.integer(2) === 0) reads.reverse();
  for (const read of reads) read();
  for (const data of [outputs(a).data]) assert(data.every(Number.isFinite));
  const { method } = stats(a);
  assert(Object.values(method).every(Number.isFinite), "stats");
}

/** Reads something, or nothing. */
function readSomething(a: Attention, model: Model, random: Random): void {
  const watched = [...model.queries.keys()];
  const ids: Id[] = watched.length > 0 ? some(random, watched, 2) : [];
  switch (random.integer(6)) {
    case 0:
      outputs(a);
      break;
    case 1:
      outputs(a, { ids });
      break;
    case 2:
      flush(a, { work: random.integer(20_000) });
      break;
    case 3:
      flush(a);
      break;
    case 4:
      if (watched.length > 0) attend(a, rowsOf(random, 1, model.dim));
  }
}

Deno.test("a maintained attention answers like tensors of the same rows", () => {
  forSeeds(40, (seed, random) => {
    const dim = 1 + random.integer(4), valueDim = 1 + random.integer(3);
    const count = 2 + random.integer(5);
    const n = 2 * count + random.integer(9), m = count + 1 + random.integer(20);
    const round = (rows: number[][]) => rows.map((row) => row.map(Math.fround));
    const queries = round(rowsOf(random, n, dim));
    const keys = round(rowsOf(random, m, dim));
    const values = round(rowsOf(random, m, valueDim));
    const bias = Array.from({ length: m }, () => random.normal());
    // Means of two 32-bit rows of one binade are rounded; of one row they are not.
    const landmarks = {
      queries: queries.slice(0, count),
      keys: keys.slice(0, count),
    };
    const options: NystromOptions = pick(random, [
      { landmarks, ridge: 0.1 },
      { landmarks, inverse: "iterative" },
    ]);
    const method = nystrom(options);
    const a = createAttention({ queries, dim, valueDim, method });
    append(a, keys, values, { bias });
    const tensor = (rows: number[][]) => ({
      data: Float64Array.from(rows.flat()),
      shape: [1, 1, rows.length, rows[0].length],
    });
    const { output } = scaledDotProductAttention(
      tensor(queries),
      tensor(keys),
      tensor(values),
      { method, mask: { data: Float64Array.from(bias), shape: [1, m] } },
    );
    // Y has 44 bits; an inverse of ridge 0.1, or six steps, enlarge it by less than 2⁸.
    const size = Math.max(...values.flat().map(Math.abs));
    within(
      outputs(a).data,
      output.data,
      () => size * 2 ** (8 - 44) * count,
      valueDim,
      `seed ${seed}`,
    );
  });
});

Deno.test("landmarks are means of segments by ascending id, keys masked by their bias left out", () => {
  const queries = [[1], [3], [10], [20], [30]];
  const keys = [[9], [0.5], [7], [1.5], [-1], [-2], [-3]];
  const values = keys.map(([x]) => [x * x]);
  const method = nystrom({ landmarks: 2, inverse: "exact" });
  const a = createAttention({ queries, keys, values, method });
  remove(a, 0);
  update(a, 2, { bias: -Infinity });
  // Left are 0.5, 1.5, −1, −2, −3: segments of three and two.
  const landmarks = { queries: [[14 / 3], [25]], keys: [[1 / 3], [-2.5]] };
  const b = createAttention({
    queries,
    keys: keys.filter((_, id) => id !== 0 && id !== 2),
    values: values.filter((_, id) => id !== 0 && id !== 2),
    method: nystrom({ landmarks, inverse: "exact" }),
  });
  sameBits(outputs(a).data, outputs(b).data, "by hand");
});

Deno.test("landmark queries of keys are the landmark keys, and nobody has to be watched for them", () => {
  // Segments of four and three.
  const keys = [[9], [0.5], [7], [1.5], [-1], [-2], [-3]];
  const values = keys.map(([x]) => [x * x]);
  const means = [[4.5], [-2]], ridge = 0.5;
  const all = [
    nystrom({ landmarks: { queries: means, keys: means }, ridge }),
    nystrom({ landmarks: 2, landmarkQueries: "keys", ridge }),
    nystrom({ landmarks: 2, landmarkQueries: means, ridge }),
  ].map((method) => createAttention({ keys, values, method }));
  const same = (
    what: string,
    read: (a: Attention) => { data: Float64Array },
  ) => {
    for (const one of all) sameBits(read(one).data, read(all[0]).data, what);
  };
  const guests = (a: Attention) => attend(a, [[2], [-1]]);
  same("no query is watched", guests);
  // The mean stays.
  for (const one of all) update(one, [1, 3], { keys: [[0], [2]] });
  same("after a change", guests);
  // A query that is a landmark, among few, is no exception.
  for (const one of all) watch(one, [[4.5]]);
  same("one watched", outputs);
  for (const one of all) watch(one, [[2], [-1], [5]]);
  same("watched", outputs);
  same("beside watched ones", guests);
  for (const one of all) inOrder(one);
});

Deno.test("a key moves the landmark query of its segment alone, whose row starts over", () => {
  const random = seeded(13), dim = 8, valueDim = 3, m = 1000, count = 5;
  const keys = rowsOf(random, m, dim), values = rowsOf(random, m, valueDim);
  const method = nystrom({
    landmarks: count,
    landmarkQueries: "keys",
    ridge: 0.01,
  });
  const a = createAttention({
    queries: keys.slice(0, 1),
    keys,
    values,
    method,
  });
  outputs(a);
  const before = stats(a).multiplyAdds;
  update(a, 7, { keys: keys[8] });
  outputs(a);
  const spent = stats(a).multiplyAdds - before;
  const over = m * (dim + valueDim + 1);
  const others = (count - 1) * (2 * dim + 2 * valueDim + 2);
  const factoring = count ** 2 * dim + 21 * count ** 3;
  const reading = count * (valueDim + 1) + count ** 2 * valueDim +
    count * (dim + valueDim);
  assertEquals(spent, m / count * dim + over + others + factoring + reading);
});

Deno.test("what nobody was watched to miss is not missed by landmarks", () => {
  const random = seeded(5), keys = rowsOf(random, 30, 2);
  const landmarks = { queries: keys.slice(0, 3), keys: keys.slice(3, 6) };
  const method = nystrom({ landmarks });
  const a = createAttention({ keys, values: keys, method });
  const b = createAttention({ keys, values: keys, method });
  attend(a, [[1, 1]]);
  for (const one of [a, b]) update(one, 4, { values: [9, 9] });
  // With no query watched there is nobody who is behind, and the log forgets.
  flush(a);
  outputs(a);
  for (const one of [a, b]) update(one, 5, { values: [7, 9] });
  sameBits(attend(a, [[1, 1]]).data, attend(b, [[1, 1]]).data, "guest");

  const c = createAttention({
    queries: keys,
    keys,
    values: keys,
    method: nystrom({ landmarks: 3 }),
  });
  const first = outputs(c).data;
  unwatch(c, keys.map((_, id) => id));
  update(c, 4, { values: [9, 9] });
  flush(c);
  update(c, 4, { values: keys[4] });
  watch(c, keys);
  sameBits(outputs(c).data, first, "watched again");
  inOrder(c);
});

Deno.test("snapshot() and restore() of an attention with nystrom() keep every bit", () => {
  const random = seeded(12), rows = rowsOf(random, 25, 3);
  const method = nystrom({ landmarks: 4 });
  const a = createAttention({
    queries: rows,
    keys: rows,
    values: rows,
    method,
  });
  outputs(a);
  remove(a, [3, 9]);
  const twin = restore(snapshot(a), { method });
  sameBits(outputs(twin).data, outputs(a).data, "restored");
});

// Work

Deno.test("with given landmarks and a given ridge a changed key costs each landmark its part, and Γ is factored once", () => {
  const random = seeded(7), dim = 16, valueDim = 8, m = 2000, count = 10;
  const keys = rowsOf(random, m, dim), values = rowsOf(random, m, valueDim);
  const landmarks = {
    queries: keys.slice(0, count),
    keys: keys.slice(count, 2 * count),
  };
  const queries = keys.slice(0, 3);
  const method = nystrom({ landmarks, ridge: 0.01 });
  const a = createAttention({ queries, keys, values, method });
  outputs(a);
  for (let id = 0; id < 20; id++) {
    const before = stats(a).multiplyAdds;
    update(a, id, { keys: normals(random, dim, 1), values: values[id + 1] });
    outputs(a);
    const spent = stats(a).multiplyAdds - before;
    const answers = count * (2 * dim + 2 * valueDim + 2);
    const reading = count * (valueDim + 1) + count ** 2 * valueDim +
      queries.length * count * (dim + valueDim);
    assertEquals(spent, answers + reading);
  }
  assertEquals(stats(a).method.refactored, 1);
  assertEquals(stats(a).method.landmarks, count);
});

Deno.test("only segments that a change has touched have their means formed anew", () => {
  const random = seeded(11), dim = 8, m = 1000, count = 5;
  const rows = rowsOf(random, m, dim);
  const method = nystrom({ landmarks: count, ridge: 0.01 });
  const a = createAttention({
    queries: rows,
    keys: rows,
    values: rows,
    method,
  });
  const spentBy = (act: () => void) => {
    const before = stats(a).multiplyAdds;
    act();
    outputs(a, { ids: 0 });
    return stats(a).multiplyAdds - before;
  };
  spentBy(() => {});
  const { refactored } = stats(a).method;
  const value = spentBy(() => update(a, 7, { values: rows[8] }));
  assertEquals(stats(a).method.refactored, refactored);
  const key = spentBy(() => update(a, 7, { keys: rows[8] }));
  assertEquals(stats(a).method.refactored, refactored + 1);
  // One segment of 200 keys, Γ and its factors, and for each landmark the score of the old key besides the new.
  const factoring = count ** 2 * dim + 21 * count ** 3;
  assertEquals(key - value, m / count * dim + factoring + dim * count);
  // The oldest key leaves: all segments shift.
  const shift = spentBy(() => remove(a, 0));
  assertGreater(shift, (m - 1) * dim);
});

Deno.test("flush() says what it would cost, and spends no more", () => {
  forSeeds(40, (_, random) => {
    const dim = 4,
      keys = rowsOf(random, 40, dim),
      count = 1 + random.integer(8);
    const method = nystrom({
      landmarks: count,
      landmarkQueries: pick(random, ["queries", "keys"]),
      ...pick(random, VARIANTS),
    });
    const a = createAttention({ queries: keys, keys, values: keys, method });
    for (let step = 0; step < 6; step++) {
      const cost = flush(a, { work: 0 }), before = stats(a).multiplyAdds;
      if (step === 0) assertGreater(cost, 0);
      if (cost > 0) assertEquals(flush(a, { work: cost - 1 }), cost);
      assertEquals(stats(a).multiplyAdds, before);
      assertEquals(flush(a, { work: cost }), 0);
      assertLessOrEqual(stats(a).multiplyAdds - before, cost);
      assertEquals(a.pending, 0);
      if (random.integer(2) === 0) watch(a, keys[step]);
      else update(a, step, { keys: keys[step + 1] });
    }
  });
});

Deno.test("stats() tells how good the inverse is", () => {
  const random = seeded(3), rows = rowsOf(random, 60, 6);
  const told = (options: Omit<NystromOptions, "landmarks">) => {
    const method = nystrom({ landmarks: 6, ...options });
    const a = createAttention({
      queries: rows,
      keys: rows,
      values: rows,
      method,
    });
    outputs(a);
    return stats(a).method;
  };
  const exact = told({ inverse: "exact" }),
    six = told({ inverse: "iterative" });
  const more = told({ inverse: "iterative", iterations: 20 });
  const ridge = told({});
  assertLess(exact.residual, 1e5 * UNIT);
  assertLess(exact.rowSumDefect, 1e5 * UNIT);
  assertGreater(six.residual, more.residual);
  assertGreater(six.rowSumDefect, 1e-6);
  assertLess(ridge.rowSumDefect, 1e5 * UNIT);
  assertGreater(ridge.residual, 0.01);
  assert(ridge.ridge > 0 && exact.ridge === undefined);
});
