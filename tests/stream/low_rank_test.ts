/**
 * Low-rank attention over a window: the published example, a plain model, a long life, and what a step costs.
 *
 * @module
 */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertLessOrEqual,
} from "@std/assert";
import {
  append,
  attend,
  createAttention,
  CsrMatrix,
  outputs,
  unwatch,
  watch,
} from "../../mod.ts";
import { exactInverse } from "../../src/method/inverse.ts";
import { gammaOf, segmentStart } from "../../src/method/landmarks.ts";
import type { InverseOptions } from "../../src/method/settings.ts";
import { inverseOf } from "../../src/method/solver.ts";
import { checkInverse } from "../../src/method/settings.ts";
import { type Random, seeded } from "../../src/random.ts";
import { lowRankStream } from "../../src/stream/low_rank.ts";
import { lcg } from "../lcg.ts";
import { anything, refuses } from "../refusals.ts";
import { sameBits, within } from "../same.ts";
import { forSeeds, normals, pick } from "../scripts.ts";

const UNIT = 2 ** -53;

interface Token {
  query: number[];
  key: number[];
  value: number[];
}

/** 32-bit numbers, as they are stored. */
function drawToken(
  random: Random,
  dim: number,
  valueDim: number,
  gain = 1,
): Token {
  const row = (width: number, gain: number) =>
    normals(random, width, gain).map(Math.fround);
  return {
    query: row(dim, gain),
    key: row(dim, gain),
    value: row(valueDim, 1),
  };
}

type Stream = ReturnType<typeof lowRankStream>;

function push(stream: Stream, { query, key, value }: Token): Float64Array {
  return stream.push(query, key, value).data;
}

// Edges

Deno.test("until there are enough landmarks outputs have the bits of exact attention, of one row and of all", () => {
  forSeeds(20, (seed, random) => {
    const window = 1 + random.integer(10), landmarks = 1 + random.integer(12);
    const dim = 3, valueDim = 2, options = { dim, valueDim };
    const kernel = pick(random, ["scalar", "simd"] as const);
    const given = Array.from(
      { length: landmarks },
      () => normals(random, dim, 1),
    );
    const isGiven = random.integer(2) === 0;
    const chosen = isGiven ? { queries: given, keys: given } : landmarks;
    const base = { ...options, window, landmarks: chosen, kernel };
    const newest = lowRankStream(base);
    const all = lowRankStream({ ...base, outputs: "all" });
    const exact = createAttention({ ...options, capacity: window });
    const ids: number[] = [];
    let approximated = 0;
    for (let t = 0; t < 3 * window; t++) {
      const token = drawToken(random, dim, valueDim);
      append(exact, token.key, token.value);
      ids.push(...watch(exact, token.query));
      if (ids.length > window) unwatch(exact, ids.shift()!);
      const row = push(newest, token), rows = push(all, token);
      assertEquals(newest.size, ids.length);
      // The first r landmarks are there when the first window is full.
      const isExact = landmarks >= window ||
        ids.length <= landmarks || (!isGiven && ids.length < window);
      assertEquals(newest.stats().landmarks, isExact ? 0 : landmarks);
      const own = rows.subarray(rows.length - valueDim);
      if (isExact) {
        sameBits(row, attend(exact, token.query).data, `${seed}, newest`);
        sameBits(rows, outputs(exact).data, `${seed}, all`);
      } else {
        approximated++;
        assertEquals(rows.length, ids.length * valueDim);
        sameBits(own, row, "the newest of all");
      }
    }
    assertEquals(approximated > 0, landmarks < window);
  });
});

// Doors

Deno.test("lowRankStream() refuses options that do not fit", () => {
  refuses(
    () => lowRankStream(anything(undefined)),
    TypeError,
    "Cannot make a low-rank stream: window is undefined, it should be a number",
  );
  const options = { dim: 2, window: 4, landmarks: 2 };
  const verb = "make a low-rank stream";
  const refused = (
    given: Record<string, unknown>,
    kind: typeof TypeError | typeof RangeError,
    message: string,
  ) =>
    refuses(
      () => lowRankStream(anything({ ...options, ...given })),
      kind,
      `Cannot ${verb}: ${message}`,
    );
  refused(
    { rank: 1 },
    TypeError,
    'unknown option "rank", it should be one of dim, valueDim, window, landmarks, outputs, scale, kernel, inverse, ridge, iterations, initial',
  );
  refused(
    { window: 0 },
    RangeError,
    "window is 0, it should be a whole number from 1 to 8388608",
  );
  refused(
    { landmarks: new Float32Array(2) },
    TypeError,
    "landmarks is a Float32Array, it should be a number or an object with queries and keys",
  );
  refused(
    { landmarks: 1.5 },
    RangeError,
    "landmarks is 1.5, it should be a whole number from 1 to 8388608",
  );
  refused(
    { dim: undefined },
    TypeError,
    "dim is undefined, it should be a number",
  );
  refused(
    { outputs: "newest one" },
    TypeError,
    'outputs is "newest one", it should be "newest" or "all"',
  );
  refused(
    { landmarks: { queries: [[1]], keys: [[1]] } },
    RangeError,
    "landmarks have 1 number, they should have 2 like keys",
  );
  refused(
    { iterations: 3 },
    TypeError,
    'iterations is given with the inverse "ridge", it should come with "iterative"',
  );
});

Deno.test("push() that is refused leaves the stream as it was", () => {
  const random = seeded(4), options = { dim: 2, window: 5, landmarks: 2 };
  const a = lowRankStream(options), b = lowRankStream(options);
  for (let t = 0; t < 20; t++) {
    const token = drawToken(random, 2, 2), { query, key, value } = token;
    const message = (what: string) => `Cannot push a token: ${what}`;
    refuses(
      () => a.push([query, query], key, value),
      RangeError,
      message("query has 2 rows, it should have 1"),
    );
    refuses(
      () => a.push(query, [], value),
      RangeError,
      message("key has 0 rows, it should have 1"),
    );
    refuses(
      () => a.push(query, key, [1, Infinity]),
      RangeError,
      message("value[0][1] is Infinity, it should be finite as a 32-bit float"),
    );
    const sparse = (row: number[]) => new CsrMatrix(1, 2, [0, 2], [0, 1], row);
    const one = a.push(sparse(query), sparse(key), sparse(value));
    sameBits(one.data, push(b, token), "after refusals");
  }
});

// The published example

Deno.test("lowRankStream() gives the worked example with six iterations, newest row and last of all", () => {
  const stream = lcg(6), table = () => stream.thousandths(10, 2);
  const [q, k, v] = [table(), table(), table()];
  const wanted = new Map([
    [5, [-0.1851852174, 0.3951962473]],
    [6, [0.1513283865, 0.2618732276]],
    [7, [0.1804494203, 0.2323127774]],
    [8, [-0.0494707703, 0.1872828307]],
    [9, [-0.1731509745, 0.0457917306]],
  ]);
  for (const rows of ["newest", "all"] as const) {
    const low = lowRankStream({
      dim: 2,
      window: 6,
      landmarks: 3,
      inverse: "iterative",
      outputs: rows,
      scale: 1e-6 / Math.sqrt(2),
    });
    for (let t = 0; t < 10; t++) {
      const { data } = low.push(q[t], k[t], v[t]);
      // Ten decimals are printed.
      wanted.get(t)?.forEach((number, c) =>
        assertAlmostEquals(
          data[data.length - 2 + c] / 1000,
          number,
          0.5001e-10,
        )
      );
    }
  }
});

// Laws

/** All rows of a window, straight from the formula. */
function plainRows(
  tokens: readonly Token[],
  landmarkQueries: number[][],
  landmarkKeys: number[][],
  inverse: (gamma: Float64Array, answers: Float64Array) => Float64Array,
  scale: number,
): number[][] {
  const softmax = (query: number[], keys: number[][]) => {
    const scores = keys.map((key) =>
      query.reduce((sum, x, t) => sum + x * key[t], 0) * scale
    );
    const weights = scores.map((s) => Math.exp(s - Math.max(...scores)));
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.map((w) => w / sum);
  };
  const average = (weights: number[], rows: number[][]) =>
    rows[0].map((_, c) =>
      weights.reduce((sum, w, i) => sum + w * rows[i][c], 0)
    );
  const keys = tokens.map(({ key }) => key);
  const values = tokens.map(({ value }) => value), r = landmarkKeys.length;
  const gamma = landmarkQueries.map((q) => softmax(q, landmarkKeys));
  const answers = landmarkQueries.map((q) => average(softmax(q, keys), values));
  const z = inverse(
    Float64Array.from(gamma.flat()),
    Float64Array.from(answers.flat()),
  );
  const coefficients = landmarkKeys.map((_, j) =>
    average([...z.subarray(j * r, (j + 1) * r)], answers)
  );
  return tokens.map(({ query }) =>
    average(softmax(query, landmarkKeys), coefficients)
  );
}

/** The landmarks after so many tokens, at least a window of them; the oldest first. */
function plainLandmarks(
  tokens: readonly Token[],
  window: number,
  size: number,
): { queries: number[][]; keys: number[][] } {
  const queries: number[][] = [], keys: number[][] = [];
  for (let from = 0, segment = 0;; segment = (segment + 1) % size) {
    const to = from + segmentStart(window, size, segment + 1) -
      segmentStart(window, size, segment);
    if (to > tokens.length) {
      return { queries: queries.slice(-size), keys: keys.slice(-size) };
    }
    const some = tokens.slice(from, to);
    const mean = (name: "query" | "key") =>
      some[0][name].map((_, t) =>
        some.reduce((sum, token) => sum + token[name][t], 0) / some.length
      );
    queries.push(mean("query").map(Math.fround));
    keys.push(mean("key"));
    from = to;
  }
}

Deno.test("lowRankStream() is the formula at every step, moving and given landmarks, any cadence", () => {
  forSeeds(24, (seed, random, at) => {
    const landmarks = 1 + random.integer(4);
    const window = landmarks + 1 + random.integer(8);
    const dim = 1 + random.integer(3), valueDim = 1 + random.integer(2);
    const scale = pick(random, [1, 0.5]);
    const inverting: InverseOptions = pick(random, [
      { inverse: "iterative" },
      { inverse: "iterative", iterations: 2 },
      { ridge: 1 / 8 },
    ]);
    const rows = () =>
      Array.from(
        { length: landmarks },
        () => normals(random, dim, 1).map(Math.fround),
      );
    const given = random.integer(3) === 0
      ? { queries: rows(), keys: rows() }
      : undefined;
    const options = {
      dim,
      valueDim,
      window,
      landmarks: given ?? landmarks,
      scale,
      ...inverting,
    };
    const all = lowRankStream({ ...options, outputs: "all" });
    const newest = lowRankStream(options);
    const tokens: Token[] = [], settings = checkInverse("test", inverting);
    for (let t = 0; t < 4 * window; t++) {
      at(t);
      tokens.push(drawToken(random, dim, valueDim));
      const output = push(all, tokens[t]), row = push(newest, tokens[t]);
      sameBits(output.subarray(output.length - valueDim), row, "newest");
      if (t + 1 <= landmarks || (given === undefined && t + 1 < window)) {
        continue;
      }
      const { queries, keys } = given ??
        plainLandmarks(tokens, window, landmarks);
      const wanted = plainRows(
        tokens.slice(-window),
        queries,
        keys,
        (gamma, answers) =>
          inverseOf(settings, gamma, landmarks, answers, valueDim),
        scale,
      );
      // Y has 44 bits; a ridge of 1/8 or six steps enlarge it by less than 2⁸.
      const size = Math.max(
        ...tokens.flatMap(({ value }) => value.map(Math.abs)),
      );
      within(
        output,
        wanted.flat(),
        () => size * landmarks * 2 ** (8 - 44),
        valueDim,
        `seed ${seed}, step ${t}`,
      );
    }
  });
});

Deno.test("kernels give the same bits", () => {
  const random = seeded(8), options = { dim: 5, window: 9, landmarks: 4 };
  const [a, b] = (["scalar", "simd"] as const).map((kernel) =>
    lowRankStream({ ...options, kernel, outputs: "all" })
  );
  for (let t = 0; t < 60; t++) {
    const token = drawToken(random, 5, 5);
    sameBits(push(a, token), push(b, token), `step ${t}`);
  }
});

const STEPS = askedSteps() ?? 2000;

for (const gain of [1, 2, 3, 4, 6]) {
  Deno.test(`after ${STEPS} steps at gain ${gain} a stream is as exact as a fresh one over the last window`, () => {
    const random = seeded(gain), dim = 16, window = 64, landmarks = 8;
    const scale = 1 / Math.sqrt(dim), base = { dim, window, landmarks };
    const make = (inverting: InverseOptions) =>
      lowRankStream({ ...base, ...inverting });
    const variants: InverseOptions[] = [
      {},
      { inverse: "iterative" },
      { inverse: "exact" },
    ];
    const veterans = variants.map(make);
    let fresh = variants.map(make), tokens: Token[] = [];
    let compared = 0;
    for (let t = 0; t < STEPS; t++) {
      const token = drawToken(random, dim, dim, gain);
      tokens.push(token);
      // One window in four is lived by a fresh stream as well, and the last whole one.
      const lived = Math.floor(t / window);
      const isLate = lived % 4 === 0 ||
        lived === Math.floor(STEPS / window) - 1;
      const rows = veterans.map((stream) => push(stream, token));
      if (t % window === 0) {
        fresh = variants.map(make);
        tokens = [token];
      }
      if (!isLate) continue;
      const others = fresh.map((stream) => push(stream, token));
      if ((t + 1) % window !== 0) continue;
      compared++;
      sameBits(rows[0], others[0], `step ${t}, ridge`);
      sameBits(rows[1], others[1], `step ${t}, iterative`);
      // Two inverses with residuals E and E' differ by Γ⁻¹ (E − E').
      const { queries, keys } = plainLandmarks(tokens, window, landmarks);
      const gamma = gammaOf(
        Float64Array.from(queries.flat()),
        Float64Array.from(keys.flat()),
        dim,
        landmarks,
        scale,
        0,
      );
      const inverse = exactInverse(gamma, landmarks);
      let norm = 0;
      for (let i = 0; i < landmarks; i++) {
        const row = inverse.subarray(i * landmarks, (i + 1) * landmarks);
        norm = Math.max(norm, row.reduce((sum, x) => sum + Math.abs(x), 0));
      }
      const [kept, anew] = [veterans, fresh].map((all) =>
        all[2].stats().residual
      );
      const size = Math.max(
        ...tokens.flatMap(({ value }) => value.map(Math.abs)),
      );
      // A residual is the rounding of products of Γ and Z, be it kept or new.
      const roundings = 8 * landmarks * UNIT * norm;
      assertLessOrEqual(kept, roundings, `step ${t}: residual`);
      within(
        rows[2],
        others[2],
        () => size * norm * landmarks * (kept + anew + roundings),
        dim,
        `step ${t}, exact`,
      );
    }
    assertGreater(compared, 5);
    const { refactored } = veterans[2].stats();
    assertLess(refactored, STEPS * landmarks / window / 100 + 2);
    for (const stream of veterans) {
      assert(Object.values(stream.stats()).every(Number.isFinite));
    }
  });
}

// Work

Deno.test("a step costs what its formula says, the same after a long time, and less than is published", () => {
  const random = seeded(9), dim = 64, valueDim = 64, window = 128, m = 16;
  const rows = () => Array.from({ length: m }, () => normals(random, dim, 1));
  const given = { queries: rows(), keys: rows() };
  const spentBy = (stream: Stream) => {
    const before = stream.stats().multiplyAdds;
    push(stream, drawToken(random, dim, valueDim));
    return stream.stats().multiplyAdds - before;
  };
  const options = { dim, window, ridge: 0.01 };
  const fixed = lowRankStream({ ...options, landmarks: given });
  const all = lowRankStream({ ...options, landmarks: given, outputs: "all" });
  const moving = lowRankStream({ ...options, landmarks: m });
  const streams = [fixed, all, moving];
  for (let t = 0; t < 4 * window; t++) streams.forEach(spentBy);
  // A key that enters and one that leaves, for each landmark; their answers; the scores, f Z and f Z Y of a row.
  const standing = m * (2 * dim + 2 * valueDim + 2) + m * (valueDim + 1);
  const row = m * dim + m * m + m * valueDim;
  const wanted = [standing + row, standing + row + (window - 1) * m * valueDim];
  const totals = streams.map(() => 0);
  let dearer = 0;
  for (let t = 0; t < window; t++) {
    streams.map(spentBy).forEach((spent, at) => {
      totals[at] += spent;
      // Now and then the quotients of the sums are not certain of 44 bits.
      if (spent !== wanted[at] && at < wanted.length) dearer++;
    });
  }
  assertLess(dearer, window / 10);
  wanted.forEach((cost, at) => {
    assertGreaterOrEqual(totals[at], cost * window);
    assertLess(totals[at], cost * window * 1.05);
  });
  // Published, per step (systems of Carreto Picón et al., code), d = dim: with fixed landmarks, newest row and all rows.
  assertLess(totals[0] / window, 8 * dim * m + m * m + 6 * m);
  assertLess(
    totals[1] / window,
    window * dim * m + 8 * dim * m + m * m + 8 * m,
  );
  // And with moving ones: every window/m tokens a step that costs more.
  const landmarkStep = window * dim * m + 3 * window * dim + window +
    14 * dim * m + 24 * m ** 3 + 23 * m * m + 20 * m;
  const plainStep = 8 * dim * m + m * m + 6 * m;
  const published = m / window * landmarkStep + (1 - m / window) * plainStep;
  assertLess(totals[2] / window, published);
});

Deno.test("with given landmarks the ridge is settled once a window", () => {
  const random = seeded(3), dim = 4, window = 20, landmarks = 6;
  const rows = () =>
    Array.from({ length: landmarks }, () => normals(random, dim, 1));
  const stream = lowRankStream({
    dim,
    window,
    landmarks: { queries: rows(), keys: rows() },
  });
  const settled: number[] = [];
  for (let t = 0; t < 5 * window; t++) {
    const before = stream.stats().multiplyAdds;
    push(stream, drawToken(random, dim, dim));
    const spent = stream.stats().multiplyAdds - before;
    // Each of 17 ridges is tried on all answers.
    if (spent > 17 * landmarks ** 2 * dim) settled.push(t);
  }
  const first = landmarks;
  assertEquals(
    settled,
    [0, 1, 2, 3, 4].map((i) => first + i * window)
      .filter((t) => t < 5 * window),
  );
  assertEquals(stream.stats().refactored, 1);
});

/** The number of steps asked for in REATTEND_STEPS, if anybody did and it may be read. */
function askedSteps(): number | undefined {
  const variable = "REATTEND_STEPS";
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  const text = state === "granted" ? Deno.env.get(variable) : undefined;
  return text === undefined ? undefined : Number(text);
}
