/**
 * Causal Nyström attention of tensors: each row is what its prefix makes of it, however calls are cut.
 *
 * @module
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { nystrom, type NystromOptions } from "../../src/method/mod.ts";
import { gammaOf } from "../../src/method/landmarks.ts";
import { checkSettings, landmarksOf } from "../../src/method/settings.ts";
import {
  inverseOf,
  makeSolver,
  settleRidge,
  takeGamma,
} from "../../src/method/solver.ts";
import { type Random, seeded } from "../../src/random.ts";
import {
  scaledDotProductAttention,
  type ScaledDotProductAttentionOptions,
} from "../../src/softmax/attention.ts";
import type { Tensor } from "../../src/softmax/tensor.ts";
import { firstRows, rowAt } from "../patterns.ts";
import { refuses } from "../refusals.ts";
import { sameBits, within } from "../same.ts";
import { forSeeds, normals, pick } from "../scripts.ts";

const UNIT = 2 ** -53;

type Options = ScaledDotProductAttentionOptions;

/** Queries, keys and values of two heads that share one. */
interface Parts {
  queries: Tensor;
  keys: Tensor;
  values: Tensor;
}

function draw(random: Random, n: number, m: number, dim = 3): Parts {
  const tensor = (heads: number, length: number, width: number): Tensor => ({
    data: Float64Array.from(
      { length: heads * length * width },
      () => random.normal(),
    ),
    shape: [1, heads, length, width],
  });
  return {
    queries: tensor(2, n, dim),
    keys: tensor(1, m, dim),
    values: tensor(1, m, 2),
  };
}

function drawLandmarks(random: Random, size: number, dim = 3) {
  const rows = () =>
    Array.from({ length: size }, () => normals(random, dim, 1));
  return { queries: rows(), keys: rows() };
}

function ask(
  { queries, keys, values }: Parts,
  options: Options,
  method?: NystromOptions,
): Tensor {
  return scaledDotProductAttention(queries, keys, values, {
    ...options,
    ...(method === undefined ? {} : { method: nystrom(method) }),
  }).output;
}

/** One query of both heads and the first `count` keys, as a call of its own that hides nothing. */
function alone({ queries, keys, values }: Parts, row: number, count: number) {
  const [, heads, , dim] = queries.shape;
  const data = new Float64Array(heads * dim);
  for (let head = 0; head < heads; head++) {
    data.set(rowAt(queries, head, row), head * dim);
  }
  return {
    queries: { data, shape: [1, heads, 1, dim] },
    keys: firstRows(keys, count),
    values: firstRows(values, count),
  };
}

/** The largest Σ|Z| of a row: how much the inverse enlarges an error of Y. */
function gainOf(inverse: Float64Array, size: number): number {
  let most = 0;
  for (let j = 0; j < size; j++) {
    const row = inverse.subarray(j * size, (j + 1) * size);
    most = Math.max(most, row.reduce((sum, x) => sum + Math.abs(x), 0));
  }
  return most;
}

// Edges

Deno.test("causal nystrom() of no keys is zeros, and queries before the first key have none", () => {
  const random = seeded(1), landmarks = drawLandmarks(random, 2);
  const none = ask(draw(random, 4, 0), { causal: true }, { landmarks });
  assertEquals(none.data, new Float64Array(16));
  const few = draw(random, 5, 9);
  const early = ask(few, { causal: true, keyLengths: [2] }, { landmarks });
  const zeros = [0, 1].flatMap((head) =>
    [0, 1, 2].flatMap((row) => [...rowAt(early, head, row)])
  );
  assertEquals(zeros, new Array(12).fill(0));
});

Deno.test("rows that see no more keys than landmarks have the bits of exact causal attention, and the next has not", () => {
  forSeeds(40, (_, random) => {
    const size = 1 + random.integer(5), n = size + 1 + random.integer(9);
    const parts = draw(random, n, n), landmarks = drawLandmarks(random, size);
    const options = { causal: true, softcap: pick(random, [undefined, 2]) };
    const exact = ask(parts, options),
      rows = ask(parts, options, { landmarks });
    for (const head of [0, 1]) {
      for (let row = 0; row < size; row++) {
        sameBits(rowAt(rows, head, row), rowAt(exact, head, row), `row ${row}`);
      }
      const [x] = rowAt(rows, head, size), [y] = rowAt(exact, head, size);
      assertGreater(Math.abs(x - y), 1e-12);
    }
  });
});

Deno.test("one landmark makes the running average of its own weights, and neither scores nor values overflow", () => {
  const n = 50, query = [1];
  const column = (number: (i: number) => number): Tensor => ({
    data: Float64Array.from({ length: n }, (_, i) => number(i)),
    shape: [1, 1, n, 1],
  });
  // Scores of ±1e6 come and go; the largest so far is what counts.
  const keys = column((i) => i % 7 === 0 ? 1e6 : i === 20 ? 2e6 : -1e6);
  const values = column((i) => i % 2 === 0 ? 1.7e308 : -1.7e308);
  const landmarks = { queries: [query], keys: [[1]] };
  const { data } = ask(
    { queries: column(() => 1), keys, values },
    { causal: true, scale: 1 },
    { landmarks },
  );
  for (let i = 1; i < n; i++) {
    const met = i < 20 ? Math.floor(i / 7) + 1 : 1;
    const sum = i < 20 ? [1, 0, 1][met - 1] : 1;
    // At most three roundings of an average of at most three values.
    const wanted = 1.7e308 * (sum / met);
    assert(Math.abs(data[i] - wanted) <= 8 * UNIT * 1.7e308, `row ${i}`);
  }
});

// Doors

Deno.test("causal nystrom() refuses what its landmarks cannot follow", () => {
  const random = seeded(1), parts = draw(random, 9, 9);
  const landmarks = drawLandmarks(random, 2);
  const { name } = nystrom({ landmarks });
  const type = (options: NystromOptions, limits: Options, message: string) =>
    refuses(
      () => ask(parts, limits, options),
      TypeError,
      `Cannot attend: ${message}`,
    );
  for (const window of [{ left: 3 }, { left: 3, right: 0 }]) {
    type(
      { landmarks },
      { window },
      `window.left is given with the method ${name}, whose landmarks lose no key that they have met, it should be left out`,
    );
  }
  const convolved = { landmarks, convolution: [[1], [1]] };
  type(
    convolved,
    { causal: true },
    `causal or window is given with the method ${
      nystrom(convolved).name
    }, whose convolution sees ahead, both should be left out`,
  );
  const padded = { landmarks, padding: "published" } as const;
  type(
    padded,
    { causal: true },
    `causal or window is given with the method ${
      nystrom(padded).name
    }, whose padding counts anyway, both should be left out`,
  );
  const half = { landmarks: 2, landmarkQueries: landmarks.queries };
  type(
    half,
    { causal: true },
    `the method is ${
      nystrom(half).name
    } with causal or window, its landmarks are means over all positions and should see all`,
  );
  const mask = { data: new Uint8Array(81).fill(1), shape: [9, 9] };
  mask.data[7] = 0;
  refuses(
    () => ask(parts, { causal: true, mask }, { landmarks }),
    RangeError,
    `Cannot attend: the mask differs by query, it should be the same for all queries of a head with ${name}`,
  );
});

// Laws

Deno.test("row i of causal nystrom() is what the keys that it may see make of its query alone", () => {
  let approximated = 0;
  forSeeds(120, (seed, random) => {
    const size = 1 + random.integer(4), n = 1 + random.integer(25);
    const front = pick(random, [0, 0, 1, 5]), ahead = pick(random, [0, 0, 3]);
    const m = front + n, parts = draw(random, n, m);
    const landmarks = drawLandmarks(random, size);
    const options: NystromOptions = {
      landmarks,
      ...pick(
        random,
        [
          { ridge: 2 ** -random.integer(8) },
          { inverse: "iterative", iterations: 4 },
          { inverse: "exact" },
        ] as const,
      ),
    };
    const bias = Array.from(
      { length: m },
      () => random.integer(4) === 0 ? -Infinity : random.normal(),
    );
    const mask = (count: number) => ({
      data: Float64Array.from(bias.slice(0, count)),
      shape: [count],
    });
    const isMasked = random.integer(2) === 0;
    const rest = {
      scale: pick(random, [1, -0.5]),
      softcap: pick(random, [undefined, 2]),
    };
    const output = ask(parts, {
      ...rest,
      ...(ahead > 0 ? { window: { right: ahead } } : { causal: true }),
      ...(isMasked ? { mask: mask(m) } : {}),
      keyLengths: [m],
    }, options);
    const settings = checkSettings("test", options);
    const { queries: q, keys: k } = landmarksOf(settings)!;
    const { scale, softcap = 0 } = rest;
    const gamma = gammaOf(q, k, 3, size, scale, softcap);
    const gain = gainOf(
      inverseOf(settings, gamma, size, new Float64Array(2 * size), 2),
      size,
    );
    const largest = Math.max(...parts.values.data.map(Math.abs));
    const peak = (numbers: ArrayLike<number>) =>
      Math.max(...Array.from(numbers, Math.abs));
    const score = 3 *
      Math.max(peak(parts.queries.data), peak(q)) *
      Math.max(peak(parts.keys.data), peak(k));
    // Weights of Y and of the row err by what their scores do, and 6 units; sums by as many as there are terms, on
    // either side.
    const units = 2 * (4 * (5 * score + 6) + 2 * m + 4 * size + 8);
    for (let row = 0; row < n; row++) {
      const count = Math.min(m, front + row + ahead + 1);
      const wanted = ask(alone(parts, row, count), {
        ...rest,
        ...(isMasked ? { mask: mask(count) } : {}),
      }, options);
      for (const head of [0, 1]) {
        within(
          rowAt(output, head, row),
          rowAt(wanted, head, 0),
          () => units * UNIT * Math.max(1, gain) * largest,
          2,
          `seed ${seed}, row ${row}`,
        );
      }
      if (count > size) approximated++;
    }
  });
  assertGreater(approximated, 500);
});

Deno.test("a ridge that leaving one out settles is that of a prefix: of r + 1 keys, and of twice as many time and again", () => {
  let settled = 0;
  forSeeds(20, (seed, random) => {
    const size = 3 + random.integer(4),
      n = 6 * size,
      parts = draw(random, n, n);
    const landmarks = drawLandmarks(random, size);
    const output = ask(parts, { causal: true }, { landmarks });
    const settings = checkSettings("test", { landmarks });
    const { queries: q, keys: k } = landmarksOf(settings)!;
    const gamma = gammaOf(q, k, 3, size, 1 / Math.sqrt(3), 0);
    const solver = makeSolver(settings, { multiplyAdds: 0 });
    takeGamma(solver, gamma, size);
    const ridges = new Set<number>();
    for (let count = size + 1; count <= n; count++) {
      const due = (size + 1) *
        2 ** Math.floor(Math.log2(count / (size + 1)));
      const answers = ask({
        queries: { data: q, shape: [1, 1, size, 3] },
        keys: firstRows(parts.keys, due),
        values: firstRows(parts.values, due),
      }, {}).data as Float64Array;
      settleRidge(solver, answers, 2);
      const { ridge } = solver;
      // What the spectrum asks for may be more than can be given.
      if (ridge > 1) continue;
      ridges.add(ridge);
      const wanted = ask(alone(parts, count - 1, count), {}, {
        landmarks,
        ridge,
      });
      const largest = Math.max(...parts.values.data.map(Math.abs));
      for (const head of [0, 1]) {
        within(
          rowAt(output, head, count - 1),
          rowAt(wanted, head, 0),
          // As above, with scores up to 3 · 4² and an inverse that lets 1 / ridge through, 2¹⁶ at most.
          () => 2 * (4 * (5 * 48 + 6) + 4 * n) * UNIT * 2 ** 16 * largest,
          2,
          `seed ${seed}, ${count} keys`,
        );
      }
    }
    if (ridges.size > 1) settled++;
  });
  assertGreater(settled, 5);
});

Deno.test("causal nystrom() step by step with a cache has the bits of one call", () => {
  forSeeds(40, (seed, random) => {
    const size = 1 + random.integer(4), n = 2 + random.integer(30);
    const parts = draw(random, n, n), landmarks = drawLandmarks(random, size);
    const options: NystromOptions = {
      landmarks,
      ...pick(random, [{}, { ridge: 0.1 }, { inverse: "iterative" }] as const),
    };
    const whole = ask(parts, { causal: true }, options);
    for (let row = 0; row < n;) {
      const end = Math.min(n, row + 1 + random.integer(4));
      const { queries } = parts, [, heads, , dim] = queries.shape;
      const data = new Float64Array(heads * (end - row) * dim);
      for (let head = 0; head < heads; head++) {
        for (let i = row; i < end; i++) {
          data.set(
            rowAt(queries, head, i),
            (head * (end - row) + i - row) * dim,
          );
        }
      }
      const step = {
        ...parts,
        queries: { data, shape: [1, heads, end - row, dim] },
      };
      // The unused end of the cache is there, too.
      const output = ask(step, { causal: true, keyLengths: [end] }, options);
      for (let head = 0; head < heads; head++) {
        for (let i = row; i < end; i++) {
          sameBits(
            rowAt(output, head, i - row),
            rowAt(whole, head, i),
            `seed ${seed}, row ${i}`,
          );
        }
      }
      row = end;
    }
  });
});

Deno.test("heads and batches settle their ridges alone, though they share Γ", () => {
  forSeeds(20, (seed, random) => {
    const n = 30, landmarks = drawLandmarks(random, 4);
    const heads = Array.from({ length: 3 }, (_, head) => {
      const { queries, keys, values } = draw(random, n, n);
      // What is smooth asks for another ridge than what is not.
      const data = values.data.map((x, i) => head === 1 ? i : x);
      return {
        queries: { data: queries.data.slice(0, 3 * n), shape: [1, 1, n, 3] },
        keys,
        values: { ...values, data },
      };
    });
    const join = (part: keyof Parts, shape: number[]): Tensor => ({
      data: Float64Array.from(heads.flatMap((one) => [...one[part].data])),
      shape,
    });
    for (const [batches, count] of [[1, 3], [3, 1]]) {
      const parts = {
        queries: join("queries", [batches, count, n, 3]),
        keys: join("keys", [batches, count, n, 3]),
        values: join("values", [batches, count, n, 2]),
      };
      sameBits(
        ask(parts, { causal: true }, { landmarks }).data,
        heads.flatMap((one) => [
          ...ask(one, { causal: true }, { landmarks }).data,
        ]),
        `seed ${seed}`,
      );
    }
  });
});

Deno.test("NaN and Infinity make NaN of causal rows that see them and of no other, and nothing of what is masked", () => {
  const random = seeded(4), n = 12, landmarks = drawLandmarks(random, 3);
  const clean = draw(random, n, n),
    wanted = ask(clean, { causal: true }, {
      landmarks,
    });
  const seen = (part: "keys" | "values" | "queries", number: number) => {
    const parts = { ...clean, [part]: { ...clean[part] } } as Parts;
    const data = Float64Array.from(parts[part].data);
    data[5 * parts[part].shape[3]] = number;
    parts[part] = { ...parts[part], data };
    return parts;
  };
  for (const number of [NaN, Infinity, -Infinity]) {
    for (const part of ["keys", "values"] as const) {
      const rows = ask(seen(part, number), { causal: true }, { landmarks });
      for (const head of [0, 1]) {
        for (let row = 0; row < n; row++) {
          if (row < 5) {
            sameBits(rowAt(rows, head, row), rowAt(wanted, head, row), part);
          } else assert(rowAt(rows, head, row).every(Number.isNaN), part);
        }
      }
      const mask = { data: new Uint8Array(n).fill(1), shape: [n] };
      mask.data[5] = 0;
      const options = { causal: true, mask };
      sameBits(
        ask(seen(part, number), options, { landmarks }).data,
        ask(clean, options, { landmarks }).data,
        "masked",
      );
    }
    const rows = ask(seen("queries", number), { causal: true }, { landmarks });
    assert(rowAt(rows, 0, 5).every(Number.isNaN));
    sameBits(rowAt(rows, 0, 6), rowAt(wanted, 0, 6), "the query behind");
  }
  // Scores among landmarks that are no numbers make no Γ, though all others are 0.
  const large = [3e38, 3e38, 3e38], rows = [large, [0, 0, 0], large];
  const far = { queries: rows, keys: rows };
  const zeros = (tensor: Tensor) => ({
    ...tensor,
    data: new Float64Array(tensor.data.length),
  });
  const flat = {
    queries: zeros(clean.queries),
    keys: zeros(clean.keys),
    values: clean.values,
  };
  for (const inverse of ["ridge", "iterative", "exact"] as const) {
    const options = { causal: true, scale: 1e300 };
    const output = ask(flat, options, { landmarks: far, inverse });
    const exact = ask(flat, options);
    sameBits(rowAt(output, 0, 2), rowAt(exact, 0, 2), "three keys");
    assert(rowAt(output, 0, 3).every(Number.isNaN), inverse);
  }
});

Deno.test("a key that underflows for all landmarks is not met, whatever its value", () => {
  const column = (numbers: number[]): Tensor => ({
    data: Float64Array.from(numbers),
    shape: [1, 1, numbers.length, 1],
  });
  const parts = (value: number) => ({
    queries: column([1, 1, 1, 1]),
    keys: column([3, 1, -1e6, 2]),
    values: column([1, 2, value, 5]),
  });
  const landmarks = { queries: [[1]], keys: [[1]] };
  const options = { causal: true, scale: 1 };
  sameBits(
    ask(parts(NaN), options, { landmarks }).data,
    ask(parts(0), options, { landmarks }).data,
    "far below",
  );
});
