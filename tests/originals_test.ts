import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertFalse,
  assertGreater,
  assertLess,
  assertThrows,
} from "@std/assert";
import {
  append,
  type Attention,
  createAttention,
  edit,
  entry,
  errorBound,
  measureError,
  outputs,
  remove,
  softmaxAttention,
  stats,
  unwatch,
  update,
  watch,
} from "../mod.ts";
import { highOf } from "../src/kernel/grids.ts";
import { openAttention } from "../src/attention.ts";
import { seeded } from "../src/random.ts";
import { lcg } from "./lcg.ts";
import {
  approximationError,
  type EntryUpdate,
  flushDynamic,
  flushEnhanced,
  makeDynamicAttention,
  makeEnhanced,
  makeRetroactive,
  queueUpdates,
  readDynamic,
  relativeDistance,
  stepRetroactive,
} from "./originals.ts";
import { trueOutput } from "./truth.ts";

/** The worked examples are printed to ten decimals; one more digit is for what they were computed with. */
const PRINTED = 1e-9;
/** Half the distance from 1 to the next 32-bit number. */
const UNIT32 = 2 ** -24;

const UNSCALED = table(`
  -0.0758457452  0.2206039953 -0.0952506445
  -0.0102008867 -0.3186554604  0.0120276311
  -0.0825663057  0.1153116238  0.0999115446
   0.0093555744 -0.198951806  -0.0434370011`);
const SCALED = table(`
  -0.0333610305  0.1179162708 -0.1104453612
   0.0261573988 -0.2354655755 -0.0677151311
  -0.033478229   0.0499747991 -0.0082204114
   0.0171870755 -0.1384170099 -0.0773024249`);
const UNSCALED_EDITED = table(`
  -0.107016085   0.1447250139 -0.0021799784
  -0.0039471261 -0.3503355199 -0.0014317798
  -0.0522625878  0.0314608792  0.027635192
   0.015859968  -0.2462676101 -0.0576627609`);
const SCALED_EDITED = table(`
  -0.0515083642  0.0492728519 -0.0622083108
   0.0344802428 -0.2839854431 -0.085658679
  -0.0176031251 -0.0267882632 -0.0456664972
   0.02199813   -0.1926235937 -0.0880305261`);
/** What DynamicAttention makes of the same edits. */
const UNSCALED_ORIGINAL = table(`
  -0.0758457452  0.1229774318 -0.0952506445
  -0.0039471261 -0.3503355199 -0.0014317798
  -0.0825663057  0.0596737903  0.0999115446
   0.0093555744 -0.2366365218 -0.0434370011`);
/** Rows of the window at the steps 3, 4, 5, 6, oldest first. */
const WINDOWS = table(`
  0.2526625823 0.1588576175 0.5131082884 0.4460648913 0.3307130624 -0.0153432001 0.3494403877 0.3586395519
  0.5500027111 0.5090567952 0.4678741098 0.0719750936 0.4802238243  0.4920388257 0.4664907867 0.0836179315
  0.3493818054 0.6107608019 0.2857488211 0.5597916856 0.344724216   0.6069538866 0.2840831432 0.5488738236
  0.1024110849 0.4447471474 0.1940278294 0.4192430434 0.1061466236  0.3345820448 0.203539723  0.5172968922`);

Deno.test("lcg() gives the numbers of the worked examples", () => {
  assertEquals(lcg(1).matrix(4, 3)[0], [0.083, -0.763, 0.55]);
  assertEquals(lcg(1).thousandths(4, 3)[0], [83, -763, 550]);
});

Deno.test("outputs() are the worked example, before and after an edit of a key and a value", () => {
  for (
    const [scale, before, after] of [
      [1, UNSCALED, UNSCALED_EDITED],
      [1 / Math.sqrt(3), SCALED, SCALED_EDITED],
    ] as const
  ) {
    const attention = inThousandths(scale);
    assertClose(ones(attention), before, PRINTED);
    edit(attention, { keys: [[1, 2, 500]], values: [[0, 1, -250]] });
    assertClose(ones(attention), after, PRINTED);
    edit(attention, { keys: [[1, 2, -500]], values: [[0, 1, 250]] });
    assertClose(ones(attention), before, PRINTED);
  }
});

Deno.test("DynamicAttention gives the printed rows, and after an edit the printed wrong ones", () => {
  const original = makeDynamicAttention(...example());
  assertClose(readDynamic(original), UNSCALED, PRINTED);
  queueUpdates(original, "keys", [[1, 2, 0.5]], flushDynamic);
  queueUpdates(original, "values", [[0, 1, -0.25]], flushDynamic);
  assertClose(readDynamic(original), UNSCALED_ORIGINAL, PRINTED);
  const wrong = UNSCALED_EDITED.map((row, i) =>
    row.some((x, c) => Math.abs(x - UNSCALED_ORIGINAL[i][c]) > 0.01)
  );
  assertEquals(wrong, [true, false, true, true]);
});

Deno.test("wrong axis: after 100 edits DynamicAttention is off by more than half of doing nothing, ours by nothing", () => {
  const random = seeded(64), n = 64, dim = 16;
  const [queries, keys, values] = [0, 1, 2].map(() =>
    normalRows(random, n, dim)
  );
  const edits = Array.from(
    { length: 100 },
    (): EntryUpdate => [
      random.integer(n),
      random.integer(dim),
      Math.fround(0.5 * random.normal()),
    ],
  );
  const before = softmaxAttention(queries, keys, values, { scale: 1 });
  const attention = createAttention({ queries, keys, values, scale: 1 });
  outputs(attention);
  const original = makeDynamicAttention(
    queries,
    keys.map((row) => [...row]),
    values,
  );
  for (const one of edits) {
    edit(attention, { keys: [one] });
    queueUpdates(original, "keys", [one], flushDynamic);
  }
  // The sums of 32-bit numbers are rounded once more: entry() is what is stored.
  const stored = keys.map((_, id) => [...entry(attention, id).key]);
  const after = softmaxAttention(queries, stored, values, { scale: 1 })
    .to2DArray();
  const nothing = relativeDistance(before.to2DArray(), after);
  const published = relativeDistance(readDynamic(original), after);
  assertGreater(published, 0.5 * nothing);
  assertGreater(published, 0.05);
  const ours = outputs(attention).to2DArray();
  assertClose(ours, after, errorBound(attention).total);
  assertLess(relativeDistance(ours, after), 2 ** -30);
});

Deno.test("aliasing: DynamicAttention changes the arrays it is given, ours neither changes nor keeps them", () => {
  const [queries, keys, values] = example();
  const original = makeDynamicAttention(queries, keys, values);
  queueUpdates(original, "keys", [[1, 2, 0.5]], flushDynamic);
  readDynamic(original);
  assertEquals(keys[1][2], example()[1][1][2] + 0.5);

  const made = () => [
    [new Float32Array([1, 2]), new Float32Array([3, 4])],
    new Float32Array([1, 2, 3, 4]),
    [[1, 2], [3, 4]],
  ];
  for (const [form, untouched] of made().entries()) {
    const given = {
      queries: made()[form],
      keys: made()[form],
      values: made()[form],
    };
    const attention = createAttention({ dim: 2, valueDim: 2, ...given });
    const added = {
      keys: made()[form],
      values: made()[form],
      queries: made()[form],
    };
    append(attention, added.keys, added.values);
    watch(attention, added.queries);
    update(attention, [0, 1], { keys: added.keys, values: added.values });
    edit(attention, { keys: [[0, 0, 7], [2, 1, 7]], values: [[1, 1, 7]] });
    remove(attention, 3);
    const first = outputs(attention).to2DArray();
    for (const rows of [...Object.values(given), ...Object.values(added)]) {
      assertEquals(rows, untouched);
      const flat = ArrayBuffer.isView(rows) ? [rows] : rows as number[][];
      for (const row of flat) (row as number[]).fill(1e6);
    }
    // What was handed out is the caller's.
    outputs(attention).data.fill(1e6);
    const { key, value } = entry(attention, 0);
    key.fill(1e6);
    value.fill(1e6);
    assertEquals(outputs(attention).to2DArray(), first);
    // Every row starts over, from what is stored.
    const again = [[1, 2], [3, 4], [1, 2], [3, 4]];
    watch(attention, again, { ids: [0, 1, 2, 3] });
    assertEquals(outputs(attention).to2DArray(), first);
  }
});

Deno.test("overflow: entries of ±20 in dim 4 break DynamicAttention, ours is the definition", () => {
  const signs = [[1, 1, 1, 1], [-1, 1, -1, 1], [-1, -1, -1, -1]];
  const queries = signs.map((row) => row.map((sign) => 20 * sign));
  const values = [[1, 2], [3, 4], [5, 6]];
  const ours = (keys: number[][]) => {
    const attention = createAttention({ queries, keys, values, scale: 1 });
    const rows = outputs(attention).to2DArray();
    const truth = softmaxAttention(queries, keys, values, { scale: 1 });
    assertClose(rows, truth.to2DArray(), errorBound(attention).total);
    return rows;
  };
  // Scores of 1600 and −1600: exp gives Infinity, and Infinity / Infinity is no number.
  const large = readDynamic(makeDynamicAttention(queries, queries, values));
  assert(large.flat().every(Number.isNaN));
  assertEquals(ours(queries), values);
  // Scores of −1600 throughout: exp gives 0 and D cannot be inverted.
  const small = queries.map(() => queries[2]);
  assertThrows(
    () => makeDynamicAttention([queries[0]], small, values),
    RangeError,
    "D is singular",
  );
  assertEquals(ours(small)[0], [3, 4]);
});

Deno.test("overflow: a change to scores from 710 on, or to −745 and below, breaks DynamicAttention, ours is the definition", () => {
  for (const score of [709, 710, 1e4, -700, -744, -745, -746, -1e4]) {
    const keys = [[score], [score - 1]], values = [[1], [2]];
    const original = makeDynamicAttention([[1]], [[0], [0]], [[1], [2]]);
    original.keys = keys.map((row) => [...row]);
    const broken = () => {
      queueUpdates(original, "keys", [[0, 0, 0]], flushDynamic);
      return readDynamic(original)[0][0];
    };
    if (score >= 710) assert(Number.isNaN(broken()));
    else if (score < -745) assertThrows(broken, RangeError, "D is singular");
    else if (score < -710) assertFalse(Number.isFinite(broken()));
    else assertAlmostEquals(broken(), 1 + 1 / (1 + Math.E), 1e-12);
    const attention = createAttention({
      queries: [[1]],
      keys: [[0], [0]],
      values,
      scale: 1,
    });
    assertEquals(outputs(attention).get(0, 0), 1.5);
    update(attention, [0, 1], { keys });
    assertAlmostEquals(
      outputs(attention).get(0, 0),
      1 + 1 / (1 + Math.E),
      errorBound(attention).total,
    );
  }
});

Deno.test("lost update: EnhancedDynamicAttention keeps the last of two edits of a key, ours keeps both", () => {
  const [queries, keys, values] = example();
  const enhanced = makeEnhanced(queries, keys, values);
  const twice: EntryUpdate[] = [[1, 2, 0.5], [1, 0, 0.125]];
  queueUpdates(enhanced, "keys", twice, flushEnhanced);
  flushEnhanced(enhanced);
  const [, [, unchanged]] = example();
  assertEquals(keys[1][2], unchanged[2]);
  assertEquals(keys[1][0], unchanged[0] + 0.125);

  const all = { keys: [[1, 2, 500], [1, 0, 125]] } as const;
  const twins = [
    (a: Attention) => edit(a, all),
    (a: Attention) => all.keys.forEach((one) => edit(a, { keys: [one] })),
    (a: Attention) =>
      all.keys.forEach((one) => {
        edit(a, { keys: [one] });
        outputs(a, { ids: 2 });
      }),
  ].map((change) => {
    const attention = inThousandths(1);
    outputs(attention);
    change(attention);
    assertEquals([...entry(attention, 1).key], [
      Math.round(1000 * unchanged[0]) + 125,
      Math.round(1000 * unchanged[1]),
      Math.round(1000 * unchanged[2]) + 500,
    ]);
    return ones(attention);
  });
  assertEquals(twins[1], twins[0]);
  assertEquals(twins[2], twins[0]);
  const [q, k, v] = example();
  k[1][2] += 0.5;
  k[1][0] += 0.125;
  const truth = softmaxAttention(q, k, v, { scale: 1 }).to2DArray();
  assertClose(twins[0], truth, PRINTED);
  // Deltas of one number are summed.
  const repeated = inThousandths(1);
  edit(repeated, { keys: [[1, 2, 500], [1, 2, 500], [1, 2, -300]] });
  assertEquals(
    entry(repeated, 1).key[2],
    Math.round(1000 * unchanged[2]) + 700,
  );
});

Deno.test("threshold: the originals read stale attributes and never adapt, ours reads its writes", () => {
  const [queries, keys, values] = example();
  const enhanced = makeEnhanced(queries, keys, values, 30);
  const one: EntryUpdate[] = [[0, 0, 0.125]];
  const before = enhanced.attention;
  for (let i = 0; i < 29; i++) {
    queueUpdates(enhanced, "values", one, flushEnhanced);
  }
  assertEquals(enhanced.attention, before);
  for (let flushes = 0; flushes < 12; flushes++) {
    const many = Array.from({ length: 100 }, () => one[0]);
    queueUpdates(enhanced, "values", many, flushEnhanced);
    assertEquals(enhanced.threshold, 10);
  }
  assertEquals(enhanced.history, new Array(10).fill(0));

  const attention = createAttention({
    queries: [[0]],
    keys: [[1]],
    values: [[0]],
  });
  const reads = 40;
  for (let writes = 1; writes <= reads; writes++) {
    for (let i = 0; i < writes; i++) edit(attention, { values: [[0, 0, 1]] });
    const sum = entry(attention, 0).value[0];
    assertEquals(outputs(attention).get(0, 0), sum);
  }
  // However many edits there were, each read moved one key.
  assert(stats(attention).synced <= reads);
});

Deno.test("error figure: that of EnhancedDynamicAttention is small where its outputs are wrong, measureError() is the distance to the definition", () => {
  const random = seeded(7), n = 48, dim = 8;
  // Sixteenths stay exact when they are added up.
  const uniform = () =>
    Array.from(
      { length: n },
      () => Array.from({ length: dim }, () => random.integer(17) / 16),
    );
  const [queries, keys, values] = [uniform(), uniform(), uniform()];
  const edits = Array.from(
    { length: 9 },
    (_, at): EntryUpdate => [3, at % 8, 0.25],
  );
  const edited = keys.map((row) => [...row]);
  const truthAfter = () => {
    for (const [i, j, delta] of edits) edited[i][j] += delta;
    return softmaxAttention(queries, edited, values, { scale: 1 }).to2DArray();
  };
  const truth = truthAfter();
  const enhanced = makeEnhanced(
    queries,
    keys.map((row) => [...row]),
    values,
  );
  queueUpdates(enhanced, "keys", edits, flushEnhanced);
  approximationError(enhanced);
  // Eight of nine edits are lost by now, and the figure compares with its own keys.
  const figure = approximationError(enhanced);
  assertGreater(relativeDistance(enhanced.attention, truth), 2 * figure);

  const attention = createAttention({ queries, keys, values, scale: 1 });
  const stale = outputs(attention).to2DArray();
  edit(attention, { keys: edits });
  const ours = outputs(attention).to2DArray();
  const distance = largestDistance(ours, truth);
  assertEquals(measureError(attention), distance);
  assert(distance <= errorBound(attention).total);
  assertGreater(largestDistance(ours, stale), 1e-3);

  // A corrupted sum shows at its full size …
  const memory = openAttention("corrupt", attention), { sums } = memory.rows;
  const at = 5 * dim + 2, healthy = sums.numeratorHigh[at];
  sums.numeratorHigh[at] += 2 ** -8 * highOf(sums, at);
  const off = outputs(attention).to2DArray();
  assertGreater(largestDistance(off, truth), 1e-4);
  assertEquals(measureError(attention), largestDistance(off, truth));
  assertGreater(measureError(attention), errorBound(attention).total);
  sums.numeratorHigh[at] = healthy;
  // … and so do changes that the rows say they have seen and have not.
  edit(attention, { keys: edits });
  const later = truthAfter();
  memory.rows.clocks.fill(memory.log.clock);
  assertEquals(outputs(attention).to2DArray(), ours);
  assertEquals(measureError(attention), largestDistance(ours, later));
  assertGreater(measureError(attention), 1e-3);
});

Deno.test("retroactive attention gives the published outputs, and a window of capacity keys the exact ones", () => {
  const file = "./fixtures/reference/continual_b2_w10_d5_t30.json";
  const recorded: Continual = JSON.parse(
    Deno.readTextFileSync(new URL(file, import.meta.url)),
  );
  const { batch, window, dim, steps } = recorded.params;
  const { q, k, v } = recorded.inputs;
  const row = (of: Recorded, step: number, b: number) => {
    const at = (step * batch + b) * dim;
    return of.data.slice(at, at + dim);
  };
  for (let b = 0; b < batch; b++) {
    const original = makeRetroactive(window, dim, dim);
    const stream = makeWindow(window, dim);
    for (let step = 0; step < steps; step++) {
      const token = [
        row(q, step, b),
        row(k, step, b),
        row(v, step, b),
      ] as const;
      const published = stepRetroactive(original, ...token);
      const rows = stream.step(...token);
      if (step < window - 1) continue;
      const at = ((step - window + 1) * batch + b) * window * dim;
      const expected = (from: Recorded) =>
        rowsOf(from.data.slice(at, at + window * dim), dim);
      // Both are off by what the record says of itself, for both are f32.
      assertClose(
        published,
        expected(recorded.outputs.retroactive),
        2 * recorded.max_abs_reference_error,
      );
      // The exact outputs were evaluated with a scale of 1/√5 in f64: a handful of roundings of numbers below 4.
      const { total } = errorBound(stream.attention);
      assertClose(
        rows,
        expected(recorded.exact.retroactive_float64),
        total + 2 ** -48,
      );
      const single = ((step - window + 1) * batch + b) * dim;
      assertClose(
        rows.slice(-1),
        [recorded.outputs.single.data.slice(single, single + dim)],
        recorded.max_abs_reference_error,
      );
    }
  }
});

Deno.test("a window of capacity keys gives the worked example, all rows and the newest alone", () => {
  const random = lcg(4), window = 4, dim = 2;
  const [q, k, v] = [0, 1, 2].map(() => random.thousandths(7, dim));
  const published = makeRetroactive(window, dim, dim);
  const stream = makeWindow(window, dim, 1e-6 / Math.SQRT2);
  const single = createAttention({
    dim,
    capacity: window,
    scale: 1e-6 / Math.SQRT2,
  });
  q.forEach((query, t) => {
    const rows = stream.step(query, k[t], v[t]);
    const original = stepRetroactive(
      published,
      ...[query, k[t], v[t]].map((row) => row.map((x) => x / 1000)) as [
        number[],
        number[],
        number[],
      ],
    );
    append(single, k[t], v[t]);
    watch(single, query, { ids: 0 });
    if (t < window - 1) return;
    const expected = rowsOf(WINDOWS[t - window + 1], dim);
    assertClose(rows.map(thousandth), expected, PRINTED);
    assertClose(
      [thousandth(outputs(single).to1DArray())],
      expected.slice(-1),
      PRINTED,
    );
    // Scores are below 1 and sums below 10: nine additions in f32.
    assertClose(original, expected, 100 * UNIT32);
    assertGreater(largestDistance(original, expected), PRINTED);
  });
});

/** Errors of the published attention after 4000 steps at input gains of 1, 2, 3 and 4: at least so much, at most so much. */
const GAINS = [
  { gain: 1, least: 1e-7, most: 1e-4 },
  { gain: 2, least: 1e-3, most: 1e3 },
  { gain: 3, least: 1e6, most: Infinity },
  { gain: 4, least: NaN, most: NaN },
];
for (const { gain, least, most } of GAINS) {
  const off = Number.isNaN(least)
    ? "gives no numbers"
    : `is off by ${least} and more`;
  Deno.test(`drift: retroactive attention at input gain ${gain} ${off}, ours is exact`, () => {
    const window = 64, dim = 16, steps = 4000, every = 20;
    const random = seeded(gain), stream = makeWindow(window, dim);
    const original = makeRetroactive(window, dim, dim);
    const tokens: Float32Array[][] = [];
    let worst = 0, checked = 0;
    for (let step = 0; step < steps; step++) {
      const token = [gain, gain, 1].map((size) =>
        Float32Array.from({ length: dim }, () => size * random.normal())
      );
      tokens.push(token);
      if (tokens.length > window) tokens.shift();
      const [query, key, value] = token;
      const published = stepRetroactive(original, query, [...key], [...value]);
      const rows = stream.step(query, key, value);
      if (step < window) continue;
      const error = largestDistance(published, rows);
      worst = Number.isNaN(error) ? NaN : Math.max(worst, error);
      if (step % every !== 0) continue;
      const stored = tokens.map(([, key, value]) => ({ key, value, bias: 0 }));
      const truth = tokens.map(([query]) => [
        ...trueOutput(query, stored, 1 / Math.sqrt(dim), dim),
      ]);
      const bound = errorBound(stream.attention).total;
      assertLess(bound, 1e-9);
      assertClose(rows, truth, bound, `seed ${gain}, step ${step}: `);
      checked++;
    }
    assertEquals(checked, Math.floor((steps - 1 - window) / every));
    if (Number.isNaN(least)) assert(Number.isNaN(worst), `${worst}`);
    else assert(worst >= least && worst <= most, `${worst}`);
  });
}

interface Recorded {
  data: number[];
}

interface Continual {
  params: { batch: number; window: number; dim: number; steps: number };
  inputs: Record<"q" | "k" | "v", Recorded>;
  outputs: Record<"retroactive" | "single", Recorded>;
  exact: { retroactive_float64: Recorded };
  max_abs_reference_error: number;
}

/** Retroactive attention by the verbs: the last `window` keys, and the queries that came with them. */
function makeWindow(
  window: number,
  dim: number,
  scale = 1 / Math.sqrt(dim),
): {
  attention: Attention;
  step: (
    query: ArrayLike<number>,
    key: ArrayLike<number>,
    value: ArrayLike<number>,
  ) => number[][];
} {
  const attention = createAttention({ dim, capacity: window, scale });
  const watched: number[] = [];
  return {
    attention,
    step: (query, key, value) => {
      append(attention, key, value);
      watched.push(...watch(attention, query));
      if (watched.length > window) unwatch(attention, watched.shift()!);
      return outputs(attention).to2DArray();
    },
  };
}

/** Queries, keys and values of the worked example. */
function example(): [number[][], number[][], number[][]] {
  const random = lcg(1);
  return [random.matrix(4, 3), random.matrix(4, 3), random.matrix(4, 3)];
}

/** The worked example under an attention, every number a thousand times as large. */
function inThousandths(scale: number): Attention {
  const random = lcg(1);
  return createAttention({
    queries: random.thousandths(4, 3),
    keys: random.thousandths(4, 3),
    values: random.thousandths(4, 3),
    scale: scale * 1e-6,
  });
}

/** Outputs of values in thousandths. */
function ones(attention: Attention): number[][] {
  return outputs(attention).to2DArray().map(thousandth);
}

function thousandth(row: number[]): number[] {
  return row.map((x) => x / 1000);
}

function normalRows(
  random: { normal(): number },
  rows: number,
  columns: number,
): number[][] {
  return Array.from(
    { length: rows },
    () => Array.from({ length: columns }, () => Math.fround(random.normal())),
  );
}

function rowsOf(flat: number[], columns: number): number[][] {
  return Array.from(
    { length: flat.length / columns },
    (_, i) => flat.slice(i * columns, (i + 1) * columns),
  );
}

function table(text: string): number[][] {
  return text.trim().split("\n").map((line) =>
    line.trim().split(/\s+/).map(Number)
  );
}

function largestDistance(a: number[][], b: number[][]): number {
  const flat = b.flat();
  return a.flat().reduce(
    (worst, x, at) =>
      Number.isNaN(x) ? NaN : Math.max(worst, Math.abs(x - flat[at])),
    0,
  );
}

function assertClose(
  actual: number[][],
  expected: number[][],
  tolerance: number,
  where = "",
): void {
  assertEquals(actual.length, expected.length);
  actual.forEach((row, i) =>
    row.forEach((x, c) => {
      const error = Math.abs(x - expected[i][c]);
      assert(
        error <= tolerance,
        `${where}[${i}][${c}] is ${x}, it should be ${
          expected[i][c]
        } within ${tolerance}`,
      );
    })
  );
}
