/**
 * Partial sums: the bits of a whole attention from any split of its keys, in any order and tree.
 *
 * The truth is `tests/oracle.ts`, which shares no code with `src/`, and a maintained attention over all keys.
 *
 * @module
 */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import {
  append,
  attend,
  createAttention,
  CsrMatrix,
  DenseMatrix,
} from "../../mod.ts";
import { type Random, seeded } from "../../src/random.ts";
import { integerOf } from "../../src/shard/limbs.ts";
import {
  finish,
  leanSchedule,
  merge,
  partial,
  type PartialAttention,
} from "../../src/shard/mod.ts";
import { buildSet, KINDS } from "../boundaries.ts";
import { type OracleKey, oracleRow, oracleSums } from "../oracle.ts";
import { anything, refuses } from "../refusals.ts";
import { sameBits } from "../same.ts";
import { forSeeds, pick, shuffled } from "../scripts.ts";

/** Keys with their values and biases. */
interface Keys {
  keys: Float32Array[];
  values: Float32Array[];
  bias: number[];
}

interface Problem extends Keys {
  queries: Float32Array[];
  scale: number;
  dim: number;
  valueDim: number;
}

const FEW = [0, 1, 2, 3, 5];

function draw(random: Random, widest = 40): Problem {
  const dim = pick(random, FEW), valueDim = pick(random, FEW);
  const rows = (count: number, width: number, size: () => number) =>
    Array.from({ length: count }, () => {
      const deviation = size();
      return Float32Array.from(
        { length: width },
        () => random.integer(9) === 0 ? 0 : random.normal() * deviation,
      );
    });
  const count = random.integer(40), spread = pick(random, [0, 1, widest]);
  const sizes = pick(random, [[1], [1], [1, 1e-38, 1e38], [2 ** -149, 1e-40]]);
  return {
    dim,
    valueDim,
    scale: pick(random, [1, 0, -0.3, 20]),
    queries: rows(1 + random.integer(3), dim, () => 1),
    keys: rows(count, dim, () => 1),
    values: rows(count, valueDim, () => pick(random, sizes)),
    bias: Array.from(
      { length: count },
      () => random.integer(8) === 0 ? -Infinity : spread * random.normal(),
    ),
  };
}

/** The part of some of the keys. */
function partOf(
  { queries, keys, values, bias, scale, dim, valueDim }: Problem,
  places: readonly number[],
): PartialAttention {
  const chosen = <T>(rows: T[]) => places.map((place) => rows[place]);
  return partial(
    DenseMatrix.from(queries, dim),
    DenseMatrix.from(chosen(keys), dim),
    DenseMatrix.from(chosen(values), valueDim),
    { scale, bias: chosen(bias) },
  );
}

/** Parts of a split at random. */
function split(problem: Problem, random: Random): PartialAttention[] {
  const shards: number[][] = Array.from(
    { length: 1 + random.integer(7) },
    () => [],
  );
  for (const place of shuffled(random, [...problem.keys.keys()])) {
    pick(random, shards).push(place);
  }
  return shards.map((places) => partOf(problem, places));
}

/** Merges parts in a tree at random, several at a time. */
function mergeAll(
  parts: PartialAttention[],
  random: Random,
): PartialAttention {
  const left = shuffled(random, parts);
  while (left.length > 1) {
    const some = left.splice(
      random.integer(left.length - 1),
      2 + random.integer(3),
    );
    left.push(merge(some[0], ...some.slice(1)));
  }
  return merge(left[0]);
}

function expected(problem: Problem): number[] {
  const { queries, keys, values, bias, scale, valueDim } = problem;
  const all: OracleKey[] = keys.map((key, j) => ({
    key,
    value: values[j],
    bias: bias[j],
  }));
  return queries.flatMap((query) =>
    all.length === 0
      ? new Array<number>(valueDim).fill(0)
      : oracleRow(query, all, scale, 32)
  );
}

// Edges.

Deno.test("partial() of no keys, masked keys, no queries and no numbers", () => {
  const none = partial([[1, 2]], [], []);
  assertEquals([...none.counts, none.limbs.length], [0, 0]);
  assertEquals(finish(none).columns, 0);
  const some = partial([[1, 2]], [[3, 4]], [[5, 6, 7]]);
  assertEquals(finish(merge(none, some)).to2DArray(), [[5, 6, 7]]);
  assertEquals(finish(merge(some, none)).to2DArray(), [[5, 6, 7]]);
  const masked = partial([[1, 2]], [[3, 4]], [[5, 6, 7]], { bias: -Infinity });
  assertEquals(finish(masked).to2DArray(), [[0, 0, 0]]);
  assertEquals(merge(masked, some), some);
  for (const order of [[none, masked], [masked, none]] as const) {
    assertEquals(finish(merge(...order)).to2DArray(), [[0, 0, 0]]);
  }
  const nobody = partial([], [], []);
  assertEquals(finish(merge(nobody, nobody)).rows, 0);
  const dull = partial([[]], [[], []], [[2], [4]]);
  assertEquals(finish(dull).to2DArray(), [[3]]);
  const empty = partial([[1]], [[1]], [[]]);
  assertEquals([finish(empty).rows, finish(empty).columns], [1, 0]);
});

Deno.test("partial() takes rows in whatever form they come", () => {
  const keys = [[1, 2], [3, 4], [5, 6]], values = [[1], [2], [3]];
  const queries = [[1, 0], [0, 1]], part = partial(queries, keys, values);
  const flat = (rows: number[][]) => Float32Array.from(rows.flat());
  assertEquals(partial(queries, flat(keys), flat(values)), part);
  assertEquals(partial(flat(queries), keys, values), part);
  assertEquals(
    partial(queries, DenseMatrix.from(keys), flat(values)),
    part,
  );
  const none = partial(queries, new Float32Array(0), new Float32Array(0));
  assertEquals(merge(none, part), part);
  assertEquals(partial([1, 0], [1, 2], [3]).counts.length, 1);
});

Deno.test("partial() asks its mask with the places of the call", () => {
  const keys = [[1], [1], [1]], values = [[1], [2], [6]];
  const queries = [[1], [1], [1]];
  const causal = (first: number) => (query: number, key: number) =>
    first + key <= query;
  const parts = [0, 1].map((first) =>
    partial(
      queries,
      keys.slice(first, 2 * first + 1),
      values.slice(first, 2 * first + 1),
      {
        mask: causal(first),
      },
    )
  );
  assertEquals(finish(merge(parts[0], parts[1])).to1DArray(), [1, 1.5, 3]);
});

Deno.test("a weight as large and a value as small as they come leave no digit out", () => {
  const tiny = 2 ** -149, huge = 3e38;
  const part = partial(
    [[1]],
    [[0], [0], [0]],
    [[tiny], [huge], [-huge]],
    { bias: [0, 700, 700], scale: 1 },
  );
  // The large ones cancel to the last digit.
  const single = partial([[1]], [[0]], [[tiny]], { bias: 0, scale: 1 });
  const columns = 3;
  const numerator = integerOf(part.limbs, columns, 2);
  const alone = integerOf(single.limbs, columns, 2);
  // 2⁻¹⁴⁹ is 11 units of 2^(−160), five limbs below the origin of its own part.
  assertEquals(alone > 0n, true);
  assertEquals(numerator > 0n, true);
  const unit = (p: PartialAttention) =>
    32 * (Math.floor(p.largest[0] / 32) + p.lows[0]);
  const places = unit(single) - unit(part);
  assertEquals(
    numerator,
    places >= 0 ? alone << BigInt(places) : alone >> BigInt(-places),
  );
});

// Doors.

Deno.test("doors of partial()", () => {
  const verb = "Cannot sum a part";
  refuses(
    () => partial([[1]], [[1], [2]], [[1]]),
    RangeError,
    `${verb}: there is 1 value, there should be one for each of 2 keys`,
  );
  refuses(
    () => partial([[1]], [[1, 2]], [[1]]),
    RangeError,
    `${verb}: queries[0] has 1 number, it should have 2`,
  );
  refuses(
    () => partial([[1]], [[NaN]], [[1]]),
    RangeError,
    `${verb}: keys[0][0] is NaN, it should be finite as a 32-bit float`,
  );
  refuses(
    () => partial([[1]], [[1]], [[1]], { scale: Infinity }),
    RangeError,
    `${verb}: scale is Infinity, it should be a number up to 1e+200 in size`,
  );
  refuses(
    () => partial([[1]], [[1]], [[1]], { mask: anything("causal") }),
    TypeError,
    `${verb}: mask is "causal", it should be a function`,
  );
  refuses(
    () => partial([[1]], [[1]], [[1]], { bias: Infinity }),
    RangeError,
    `${verb}: bias is Infinity, it should be -Infinity or a number up to 1e+300 in size`,
  );
  refuses(
    () => partial([[1]], [[1]], [[1]], anything({ causal: true })),
    TypeError,
    `${verb}: unknown option "causal", it should be one of scale, bias, mask`,
  );
});

Deno.test("doors of merge() and finish(): what is no part, parts that do not fit", () => {
  const part = partial([[1], [2]], [[1]], [[1, 2]]);
  const refused = (given: unknown, kind: typeof TypeError, message: string) => {
    refuses(
      () => merge(part, anything(given)),
      kind,
      `Cannot merge parts: ${message.replaceAll("NAME", "part 1")}`,
    );
    refuses(
      () => finish(anything(given)),
      kind,
      `Cannot finish: ${message.replaceAll("NAME", "part")}`,
    );
  };
  refused(
    undefined,
    TypeError,
    "NAME is undefined, it should be made by partial",
  );
  refused(3, TypeError, "NAME is 3, it should be made by partial");
  refused(
    { ...part, limbs: [...part.limbs] },
    TypeError,
    "NAME.limbs is an array of 8, it should be an Int32Array".replace(
      "8",
      `${part.limbs.length}`,
    ),
  );
  refused(
    { ...part, kernel: "other" },
    RangeError,
    'NAME is of the kernel "other", it should be of "reattend-1"',
  );
  const unfit =
    "the arrays of NAME do not fit together, they should be as partial or merge made them";
  for (
    const spoiled of [
      { queries: 3 },
      { valueDim: 1.5 },
      { valueDim: -1 },
      { valueDim: 3 },
      { counts: Float64Array.of(1) },
      { counts: Float64Array.of(1, -1) },
      { counts: Float64Array.of(1, 0.5) },
      { counts: Float64Array.of(1, 0) },
      { largest: Float64Array.of(1, NaN) },
      { largest: Float64Array.of(1, Infinity) },
      { least: Float64Array.of(1, 1e9) },
      { least: Float64Array.of(-Infinity, 0) },
      { peaks: Float64Array.of(1, NaN) },
      { lows: Int32Array.of(1, -65) },
      { lows: Int32Array.of(1, 64) },
      { starts: Uint32Array.of(0, 1) },
      { starts: Uint32Array.of(0, 1, part.limbs.length) },
      { starts: Uint32Array.of(0, 8, 4) },
      { limbs: new Int32Array(3) },
      { limbs: new Int32Array(part.limbs.length) },
      { limbs: part.limbs.map((digit) => -digit) },
    ]
  ) refused({ ...part, ...spoiled }, RangeError, unfit);
  const none = partial([[1], [2]], [], []);
  refuses(
    () => finish({ ...none, largest: Float64Array.of(0, -Infinity) }),
    RangeError,
    `Cannot finish: ${unfit.replace("NAME", "part")}`,
  );
  const other =
    "Cannot merge parts: part 1 is of other queries or another scale than part 0, it should be of the same";
  for (
    const stranger of [
      partial([[1], [3]], [[1]], [[1, 2]]),
      partial([[1], [2]], [[1]], [[1, 2]], { scale: 2 }),
      partial([[1, 2]], [[1, 2]], [[1, 2]]),
      partial([[1], [2], [0]], [[1]], [[1, 2]]),
    ]
  ) refuses(() => merge(part, stranger), RangeError, other);
  refuses(
    () => merge(part, partial([[1], [2]], [[1]], [[1]])),
    RangeError,
    "Cannot merge parts: the values of part 1 have 1 number, they should have 2",
  );
});

// Laws.

Deno.test("any split in any order and tree has the bits of the definition, and of an attention over all keys", () => {
  forSeeds(400, (seed, random) => {
    const problem = draw(random);
    const merged = mergeAll(split(problem, random), random);
    const output = finish(merged).data;
    sameBits(output, expected(problem), "definition");
    const { queries, dim, keys, values, valueDim, bias, scale } = problem;
    if (seed % 4 > 0) return;
    const a = createAttention({ dim, valueDim, scale });
    append(a, keys, values, { bias });
    sameBits(output, attend(a, queries).data, "attend");
  });
});

Deno.test("merged parts are the same record as the part of all keys, whatever the tree", () => {
  forSeeds(200, (_, random) => {
    const problem = draw(random), all = [...problem.keys.keys()];
    const whole = partOf(problem, all);
    assertEquals(mergeAll(split(problem, random), random), whole);
    assertEquals(partOf(problem, shuffled(random, all)), whole);
  });
});

Deno.test("the sums are those of the definition to the last digit", () => {
  forSeeds(100, (_, random) => {
    const problem = draw(random), { scale, queries } = problem;
    const part = partOf(problem, [...problem.keys.keys()]);
    const columns = 2 + problem.valueDim;
    const keys = problem.keys.map((key, j) => ({
      key,
      value: problem.values[j],
      bias: problem.bias[j],
    }));
    queries.forEach((query, row) => {
      if (part.counts[row] === 0) return;
      const { exponent, mass, magnitude, numerators } = oracleSums(
        query,
        keys,
        scale,
      );
      const digits = part.limbs.subarray(
        part.starts[row],
        part.starts[row + 1],
      );
      const unit = 32 * (Math.floor(part.largest[row] / 32) + part.lows[row]);
      // Both in the smaller of the two units.
      const up = BigInt(Math.max(0, unit - exponent));
      const down = BigInt(Math.max(0, exponent - unit));
      [mass, magnitude, ...numerators].forEach((sum, column) =>
        assertEquals(integerOf(digits, columns, column) << up, sum << down)
      );
    });
  });
});

Deno.test("rows next to a boundary of the rounding, and on one, are split without a trace", () => {
  for (const [at, kind] of KINDS.entries()) {
    forSeeds(30, (seed, random) => {
      const { query, scale, keys } = buildSet(random, kind, 32, 2);
      const problem: Problem = {
        dim: query.length,
        valueDim: 2,
        scale,
        queries: [query],
        keys: keys.map(({ key }) => Float32Array.from(key)),
        values: keys.map(({ value }) => Float32Array.from(value)),
        bias: keys.map(({ bias }) => bias),
      };
      const output = finish(mergeAll(split(problem, random), random)).data;
      sameBits(output, expected(problem), `${kind} ${at} ${seed}`);
    });
  }
  const theta = 0.5 + 2 ** -6 * 0.6180339887498949, whole = 2 ** 31 + 12_345;
  const { values } = onBoundary(whole, theta);
  const parts = values.map((value) => partial([[1]], [[0]], [[value]]));
  assertEquals(finish(mergeAll(parts, seeded(1))).data[0], whole);
  const above = partial([[1]], [[0]], [[2 ** 40]], { bias: -400 });
  // One more key moves the average, a light one by next to nothing: up, over the boundary.
  assertEquals(finish(merge(above, ...parts)).data[0], whole + 1);
});

/** Eight values that add up to 8 · (whole + fraction) exactly. */
function onBoundary(whole: number, fraction: number): { values: number[] } {
  const values: number[] = [];
  for (let rest of [8 * whole, 8 * fraction]) {
    // The 24 bits of a 32-bit float at a time.
    for (; rest !== 0; rest -= values.at(-1)!) {
      const unit = 2 ** (Math.floor(Math.log2(rest)) - 23);
      values.push(Math.trunc(rest / unit) * unit);
    }
  }
  while (values.length < 8) values.push(0);
  assertEquals(values.length, 8);
  return { values };
}

Deno.test("scores beyond reach of each other: parts that lie below are dropped, those on both sides certified", () => {
  let straddled = 0;
  const seeds = forSeeds(200, (_, random) => {
    const spread = pick(random, [400, 700, 700, 1500, 1e6, 1e299]);
    const problem = draw(random, spread);
    const merged = mergeAll(split(problem, random), random);
    merged.least.forEach((least, row) => {
      if (least < merged.largest[row] - 1100) straddled++;
    });
    sameBits(finish(merged).data, expected(problem), "definition");
  });
  assert(seeds === 1 || straddled > 20, `${straddled}`);
});

Deno.test("a chain of parts, each on both sides of the next one's reach, does not grow", () => {
  const bits = (link: number) => [900 * link, 900 * link - 1000];
  const link = (at: number) =>
    partial([[1]], [[0], [0]], [[at / 7, 1], [1, at / 3]], {
      bias: bits(at).map((bit) => bit * Math.LN2),
    });
  let chain = link(0);
  for (let at = 1; at <= 60; at++) {
    chain = merge(link(at), chain);
    // 1100 binary orders, what lies below a weight and what a mass may grow, in limbs of 4 sums.
    assert(chain.limbs.length <= 4 * (1100 / 32 + 6), `${chain.limbs.length}`);
    sameBits(finish(chain).data, finish(link(at)).data, `link ${at}`);
  }
  assertEquals(chain.counts[0], 122);
});

Deno.test("finish() says so where keys beyond reach could decide, and answers where they are in one part", () => {
  const theta = 0.5 + 2 ** -6 * 0.6180339887498949, whole = 2 ** 31 + 12_345;
  const { values } = onBoundary(whole, theta), { LN2 } = Math;
  const near = partial(
    new Array(2).fill([1]),
    values.map(() => [0]),
    values.map((value) => [3, value]),
    { bias: 1200 * LN2, mask: (query) => query === 1 },
  );
  const far = (bits: number[], values: number[]) =>
    partial(
      [[1], [1]],
      bits.map(() => [0]),
      values.map((value) => [3, value]),
      {
        bias: bits.map((bit) => bit * LN2),
      },
    );
  // The second counts as absent and is in the sums; the first is light, but it decides.
  const below = merge(near, far([600, 50], [5, 2 ** 40]));
  assertEquals(finish(below).row(1)[1], whole);
  const above = merge(near, far([600, 50], [2 ** 40, 5]));
  assertEquals(finish(above).row(1)[1], whole + 1);
  // Here the second might outweigh the first.
  const onEdge = merge(near, far([101, 90], [5, 2 ** 60]));
  refuses(
    () => finish(onEdge),
    RangeError,
    "Cannot finish: the scores of query 1 span more than 1100 binary orders and output 1 lies on a boundary, its keys should be in one part",
  );
});

Deno.test("2²⁰ keys of the heaviest weights and values are summed to the last digit", () => {
  const bias = 31.4 * Math.LN2;
  // The largest values of which a product stays in the lowest limb, the next one and the last one.
  for (
    const [value, keys] of [[7.9999995, 20], [2 ** 19 - 1, 12], [3.4e38, 12]]
  ) {
    const count = 2 ** keys;
    const all = partial(
      [[0]],
      new DenseMatrix(count, 1, new Float32Array(count)),
      new Float32Array(count).fill(value),
      { bias },
    );
    let doubled = partial([[0]], [[0]], [[value]], { bias });
    for (let i = 0; i < keys; i++) doubled = merge(doubled, doubled);
    assertEquals(all, doubled);
  }
});

Deno.test("a row without values answers 0 whatever lies beyond reach", () => {
  const near = partial([[0]], [[0]], [[0, 0]], { bias: 1200 * Math.LN2 });
  const far = partial([[0]], [[0], [0]], [[0, 0], [-3e38, 1]], {
    bias: [600 * Math.LN2, 0],
  });
  assertEquals([...finish(merge(near, far)).data], [0, 0]);
});

Deno.test("zeros that are stored, and zeros with a sign, are zeros", () => {
  const stored = new CsrMatrix(
    2,
    2,
    new Uint32Array([0, 2, 3]),
    new Uint32Array([0, 1, 1]),
    new Float64Array([0, 2, 0]),
  );
  const written = [[0, 2], [0, 0]];
  const part = partial([[0, 1]], written, written);
  assertEquals(partial([[0, 1]], stored, stored), part);
  assertEquals(partial([[-0, 1]], written, [[-0, 2], [0, -0]]), part);
});

Deno.test("sparse rows have the bits of written ones", () => {
  forSeeds(60, (_, random) => {
    const { queries, keys, values, scale, dim, valueDim, bias } = draw(random);
    const sparse = (rows: Float32Array[], width: number) =>
      CsrMatrix.fromDense(DenseMatrix.from(rows, width));
    assertEquals(
      partial(
        sparse(queries, dim),
        sparse(keys, dim),
        sparse(values, valueDim),
        { scale, bias },
      ),
      partial(
        DenseMatrix.from(queries, dim),
        DenseMatrix.from(keys, dim),
        DenseMatrix.from(values, valueDim),
        { scale, bias },
      ),
    );
  });
});

Deno.test("a part that was posted to another thread is the same part", () => {
  const problem = draw(seeded(5));
  const part = partOf(problem, [...problem.keys.keys()]);
  assert(part.limbs.length > 0);
  const posted = structuredClone(part);
  assertEquals(posted, part);
  assertEquals(finish(merge(posted)), finish(part));
  const buffers = Object.values(part).flatMap((field) =>
    ArrayBuffer.isView(field) ? [field.buffer as ArrayBuffer] : []
  );
  const moved = structuredClone(part, { transfer: buffers });
  assertEquals([moved, part.limbs.length], [posted, 0]);
});

Deno.test("merge() gives the numbers of a textbook merge of softmax states", () => {
  // Scores of 2, −1, 0.5, 3 and 1, two and three keys: systems of (max, Σ e^(s−max), Σ e^(s−max) v).
  const scores = [2, -1, 0.5, 3, 1];
  const values = [[1, 0], [0, 1], [2, -1], [-1, 3], [0.5, 0.5]];
  const state = (from: number, to: number) =>
    partial(
      [[1]],
      scores.slice(from, to).map((score) => [score]),
      values.slice(from, to),
      { scale: 1 },
    );
  const outputs = [
    [state(0, 2), 0.9525741268, 0.0474258732],
    [state(2, 5), -0.6309754918, 2.4523845113],
    [merge(state(0, 2), state(2, 5)), -0.2496127996, 1.8732037327],
    [merge(state(0, 1), state(2, 5)), -0.2524966820, 1.8832922252],
  ] as const;
  // Half of the last place that is printed, and the rounding to 32 bits.
  for (const [part, x, y] of outputs) {
    const { data } = finish(part);
    assertAlmostEquals(data[0], x, 5e-11 + 2 ** -31);
    assertAlmostEquals(data[1], y, 5e-11 + 2 ** -31);
  }
});

Deno.test("parts of a lean schedule finish to the attention of every head", () => {
  forSeeds(20, (_, random) => {
    const heads = Array.from(
      { length: 3 },
      () => ({ ...draw(random), valueDim: 2 }),
    );
    const TILE = 4;
    for (const head of heads) {
      head.values = head.keys.map(() =>
        Float32Array.of(random.normal(), random.normal())
      );
    }
    const tiles = heads.map(({ keys }) => Math.ceil(keys.length / TILE));
    const parts: PartialAttention[][] = heads.map((head) => [partOf(head, [])]);
    for (const ranges of leanSchedule(tiles, 1 + random.integer(6))) {
      for (const [head, from, to] of ranges) {
        const end = Math.min(heads[head].keys.length, to * TILE);
        const places = Array.from(
          { length: end - from * TILE },
          (_, i) => from * TILE + i,
        );
        parts[head].push(partOf(heads[head], places));
      }
    }
    heads.forEach((head, at) =>
      sameBits(
        finish(mergeAll(parts[at], random)).data,
        expected(head),
        `head ${at}`,
      )
    );
  });
});
