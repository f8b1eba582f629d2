import { assert, assertEquals } from "@std/assert";
import { exponentOf } from "../../src/kernel/exp2.ts";
import type { Sums } from "../../src/kernel/kernel.ts";
import { exchange } from "../../src/kernel/exchange.ts";
import { highOf, lowOf } from "../../src/kernel/grids.ts";
import { makeScalar } from "../../src/kernel/choose.ts";
import { seeded } from "../../src/random.ts";
import {
  LEAST_STEP,
  PRECISION,
  ratioScale,
  roundRatio,
  SCALE_BITS,
  scaleExponent,
  stepExponent,
  THETA,
} from "../../src/softmax/canon.ts";
import {
  boundOf,
  integerAnswer,
  quickAnswer,
  rowBound,
  type Verdict,
} from "../../src/softmax/ladder.ts";
import { makeSums } from "../../src/softmax/row.ts";
import { type BoundarySet, buildSet, type Kind, KINDS } from "../boundaries.ts";
import {
  exactly,
  type OracleKey,
  oracleRow,
  type OracleSums,
  oracleSums,
} from "../oracle.ts";
import { entryOf, foldKeys, queryOf } from "../sums.ts";

const SEED = 41, PRECISIONS = [PRECISION, 44], VALUE_DIM = 24;
/** Sets of each kind and precision; `deno test tests/softmax/ladder_test.ts -- 10` builds ten times as many. */
const SETS = 60 * Number(Deno.args[0] ?? 1);

/** A row next to boundaries, and all that is true of it. */
interface Row {
  name: string;
  kind: Kind;
  precision: number;
  sums: Sums;
  exact: OracleSums;
  truth: number[];
}

let built: Row[] | undefined;

/** All rows, built once. */
function rows(): Row[] {
  if (built !== undefined) return built;
  built = [];
  const random = seeded(SEED);
  for (const kind of KINDS) {
    for (const precision of PRECISIONS) {
      for (let i = 0; i < SETS; i++) {
        const set = buildSet(random, kind, precision, VALUE_DIM);
        built.push({
          name: `seed ${SEED}, ${kind} ${i} at ${precision} bits`,
          kind,
          precision,
          sums: foldHistory(set),
          exact: oracleSums(set.query, set.keys, set.scale),
          truth: oracleRow(set.query, set.keys, set.scale, precision),
        });
      }
    }
  }
  return built;
}

/** Anchors set among early keys, then one gone and the late ones there. */
function foldHistory(
  { keys, late, gone, query: row, scale }: BoundarySet,
): Sums {
  const kernel = makeScalar(), query = queryOf(row, scale);
  const sums = makeSums(1, row.length, keys[0].value.length);
  const early = keys.slice(0, keys.length - late);
  foldKeys(
    kernel,
    sums,
    0,
    query,
    gone === undefined ? early : [gone, ...early],
  );
  const move = (out: OracleKey | undefined, into: OracleKey | undefined) => {
    const old = out === undefined ? null : entryOf(out);
    const now = into === undefined ? null : entryOf(into);
    assert(exchange(kernel, sums, 0, query, old, now, false));
  };
  if (gone !== undefined) move(gone, undefined);
  for (const key of keys.slice(keys.length - late)) move(undefined, key);
  return sums;
}

/** The components that a step answered, undefined where they are open. */
function answered(
  { sums, precision }: Row,
  steps: "quick" | "integer",
): { verdict: Verdict; answers: (number | undefined)[] } {
  const { valueDim } = sums, out = new Float64Array(valueDim + 2).fill(NaN);
  const open = new Int32Array(valueDim + 1);
  let verdict = quickAnswer(sums, 0, precision, out, 1, open);
  if (steps === "integer") {
    verdict = integerAnswer(sums, 0, precision, out, 1, open);
  }
  assert(Number.isNaN(out[0]) && Number.isNaN(out[valueDim + 1]));
  const left = new Set(open.subarray(0, open[valueDim]));
  return {
    verdict,
    answers: Array.from(
      out.subarray(1, valueDim + 1),
      (x, c) => left.has(c) ? undefined : x,
    ),
  };
}

/** How many of the answers given are not those of the definition. */
function wrong(answers: (number | undefined)[], { truth }: Row): number {
  return answers.filter((x, c) => x !== undefined && !Object.is(x, truth[c]))
    .length;
}

/** How careful a step is: 1, 1, 1/5 and true are what it needs. */
interface Care {
  /** The share of what the grids may have lost. */
  grids: number;
  /** The share of what f64 may have rounded away. */
  roundings: number;
  /** The largest bound, in steps. */
  largest: number;
  /** Whether components that the value scale limits are left open where the scale is not sure. */
  sureScale: boolean;
}

const CAREFUL: Care = {
  grids: 1,
  roundings: 1,
  largest: 1 / 5,
  sureScale: true,
};

/** The first step over again, with care to choose. */
function quotients(
  { sums, precision }: Row,
  care: Care,
): (number | undefined)[] {
  const bound = rowBound(sums, 0), exact = { relative: 0, unit: 0 };
  const mass = sums.massHigh[0] + sums.massLow[0];
  const far = (size: number) => {
    const rounded = boundOf(exact, size);
    return care.grids * (boundOf(bound!, size) - rounded) +
      care.roundings * rounded;
  };
  if (bound === undefined) return [];
  const magnitude = (sums.magnitudeHigh[0] + sums.magnitudeLow[0]) / mass *
    bound.unit;
  const scale = scaleExponent(magnitude + far(magnitude));
  const sure = !care.sureScale ||
    scale === scaleExponent(magnitude - far(magnitude));
  const floor = Math.max(scale - SCALE_BITS, LEAST_STEP);
  return Array.from(sums.numeratorHigh, (_, c) => {
    const x = (highOf(sums, c) + lowOf(sums, 0, c)) * (1 / mass * bound.unit);
    const size = Math.abs(x), exponent = exponentOf(size);
    const step = 2 ** stepExponent(exponent, scale, precision);
    const whole = Math.floor(size / step), rest = size / step - whole - THETA;
    const distance = far(size) / step;
    if (
      distance > care.largest || Math.abs(rest) <= distance ||
      (!sure && exponent - (precision - 1) < floor)
    ) return undefined;
    return Math.sign(x) * (rest > 0 ? whole + 1 : whole) * step + 0;
  });
}

/** The second step over again, with a share of the error of the grids. */
function intervals(
  { sums, precision }: Row,
  share: number,
): (number | undefined)[] {
  const fine = sums.fine[0], shift = sums.valueShift[0] - sums.shift[0];
  const parts = 2 ** 20, error = BigInt(share * parts * sums.count[0]);
  const whole = (high: number, low: number) =>
    BigInt(2 * parts) * (BigInt(high / fine) + BigInt(low / fine));
  const mass = whole(sums.massHigh[0], sums.massLow[0]);
  const magnitude = whole(sums.magnitudeHigh[0], sums.magnitudeLow[0]);
  if (mass <= error || magnitude <= error) return [];
  const scales = [-error, error].map((off) =>
    ratioScale(magnitude + off, mass - off, shift)
  );
  return Array.from(sums.numeratorHigh, (_, c) => {
    const numerator = whole(highOf(sums, c), lowOf(sums, 0, c));
    const answers = scales.flatMap((scale) =>
      [-error, error].map((off) => {
        const end = numerator + off, outward = end < 0n ? -off : off;
        return roundRatio(end, mass - outward, shift, scale, precision);
      })
    );
    return answers.every((x) => x === answers[0]) ? answers[0] : undefined;
  });
}

Deno.test("quickAnswer() of values that are all zero is zero, +0", () => {
  const kernel = makeScalar(), sums = makeSums(1, 1, 3);
  const value = Float32Array.of(0, -0, 0), query = queryOf([1], 1);
  foldKeys(kernel, sums, 0, query, [
    { key: [3], value, bias: 0 },
    { key: [-3], value, bias: -900 },
  ]);
  const out = new Float64Array(3).fill(NaN), open = new Int32Array(4);
  assertEquals(quickAnswer(sums, 0, 32, out, 0, open), "answered");
  assert(out.every((x) => Object.is(x, 0)));
});

Deno.test("quickAnswer() calls sums loose that are too coarse for their row", () => {
  const kernel = makeScalar(), query = queryOf([0], 1);
  const key = (bits: number, value: number): OracleKey => ({
    key: [0],
    value: [value],
    bias: bits * Math.LN2,
  });
  // What is left weighs so many bits less than what the anchors were set for.
  const verdict = (bits: number, value = 1) => {
    const sums = makeSums(1, 1, 1), heavy = key(0, 1), open = new Int32Array(2);
    foldKeys(kernel, sums, 0, query, [
      heavy,
      key(-bits, value),
      key(-bits, value),
    ]);
    exchange(kernel, sums, 0, query, entryOf(heavy), null, false);
    return quickAnswer(sums, 0, 32, new Float64Array(1), 0, open);
  };
  assertEquals([0, 20, 40].map((bits) => verdict(bits)), [
    "answered",
    "answered",
    "answered",
  ]);
  assertEquals([60, 75, 90, 2000].map((bits) => verdict(bits)), [
    "loose",
    "loose",
    "loose",
    "loose",
  ]);
  // Weights that are all there, and values that are lost beside the one that left.
  assertEquals(verdict(1, 2 ** -100), "loose");
});

Deno.test("the first two steps answer as the definition does, next to boundaries", () => {
  const opened = { quick: 0, integer: 0 };
  for (const row of rows()) {
    for (const step of ["quick", "integer"] as const) {
      const { verdict, answers } = answered(row, step);
      answers.forEach((x, c) => {
        if (x === undefined) opened[step]++;
        else {
          assert(
            Object.is(x, row.truth[c]),
            `${row.name}, ${step}, component ${c}: ${Deno.inspect(x)}, not ${
              Deno.inspect(row.truth[c])
            }`,
          );
        }
      });
      const open = answers.includes(undefined);
      assert(verdict === "answered" ? !open : open, `${row.name}: ${verdict}`);
    }
  }
  // Otherwise the sets were nowhere near a boundary, or the second step of no use.
  const components = rows().length * VALUE_DIM;
  assert(
    opened.quick > components / 4,
    `${opened.quick} of ${components} open`,
  );
  assert(
    opened.integer < opened.quick / 2,
    `${opened.integer} open at the end`,
  );
});

Deno.test("the bound of a quotient is kept, and nearly reached by what the grids lose", () => {
  let most = 0;
  for (const { sums, exact, name } of rows()) {
    const bound = rowBound(sums, 0);
    if (bound === undefined) continue;
    const mass = sums.massHigh[0] + sums.massLow[0];
    exact.numerators.forEach((numerator, c) => {
      const x = (highOf(sums, c) + lowOf(sums, 0, c)) / mass *
        bound.unit;
      const { digits, exponent } = exactly(x), places = BigInt(-exponent);
      const apart = digits * exact.mass - (numerator << places);
      const error = Math.abs(Number((apart << 400n) / exact.mass)) *
        2 ** (exponent - 400);
      const share = error / boundOf(bound, Math.abs(x));
      assert(share <= 1, `${name}, component ${c}: ${share} of the bound`);
      most = Math.max(most, share);
    });
  }
  assert(most > 0.75, `the largest share of the bound was ${most}`);
});

Deno.test("the steps over again are those of the ladder", () => {
  for (const row of rows()) {
    const { answers } = answered(row, "quick");
    assertEquals(quotients(row, CAREFUL), answers, row.name);
    const last = answered(row, "integer").answers;
    const again = intervals(row, 1);
    last.forEach((x, c) => {
      if (answers[c] === undefined) assertEquals(again[c], x, row.name);
    });
  }
});

Deno.test("each condition of a read is needed: without it some answer is wrong", () => {
  const count = (answers: (row: Row) => (number | undefined)[]) =>
    rows().reduce((sum, row) => sum + wrong(answers(row), row), 0);
  const careless = (care: Partial<Care>) =>
    count((row) => quotients(row, { ...CAREFUL, ...care }));
  assertEquals(careless({}), 0);
  assertEquals(count((row) => intervals(row, 1)), 0);
  const needed = {
    "all of what the grids may lose": careless({ grids: 0.5 }),
    "what the grids may lose at all": careless({ grids: 0 }),
    // A quotient is three roundings away from that of the sums: a quarter of eight does not cover them.
    "the roundings": careless({ roundings: 0.25 }),
    "the half of a bound": careless({ grids: 0.5, roundings: 0.5 }),
    "the largest bound": careless({ largest: 1 / 2 }),
    "a sure scale": careless({ sureScale: false }),
    "half of the intervals": count((row) => intervals(row, 0.5)),
    "the intervals": count((row) => intervals(row, 0)),
  };
  for (const [what, wrongs] of Object.entries(needed)) {
    assert(wrongs > 0, `${what}: the sets do not need it`);
  }
});
