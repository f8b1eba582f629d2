import { assert, assertEquals } from "@std/assert";
import { type Random, seeded } from "../../src/random.ts";
import {
  exactAnswer,
  KAPPA,
  LEAST_STEP,
  PRECISION,
  ratioScale,
  REACH,
  roundRatio,
  SCALE_BITS,
  scaleExponent,
  stepExponent,
  THETA,
  type Weighed,
} from "../../src/softmax/canon.ts";
import {
  exactly,
  ORACLE_KAPPA,
  ORACLE_THETA,
  type OracleKey,
  oracleRound,
  oracleRow,
  oracleScale,
  oracleScore,
} from "../oracle.ts";

/** A scale so low that only the significant bits decide. */
const NO_SCALE = -1000;
const PRECISIONS = [PRECISION, 44];

/** (whole + θ) · 2^step + nudge · 2^−200, as a ratio. */
function boundary(
  whole: bigint,
  step: number,
  nudge: bigint,
): [bigint, bigint] {
  const theta = exactly(THETA), places = 400n;
  const sum = (whole << places) +
    (theta.digits << (places + BigInt(theta.exponent)));
  const size = sum * (1n << 200n) + nudge * (1n << places);
  return step >= 0
    ? [size << BigInt(step), 1n << (places + 200n)]
    : [size, 1n << (places + 200n + BigInt(-step))];
}

Deno.test("the constants are those of the definition", () => {
  assertEquals(PRECISION, 32);
  assertEquals(THETA, ORACLE_THETA);
  assertEquals(KAPPA, ORACLE_KAPPA);
  assertEquals([SCALE_BITS, LEAST_STEP, REACH], [48, -300, 1100]);
});

Deno.test("roundRatio() goes down at θ itself and up from a hair above", () => {
  for (const precision of PRECISIONS) {
    const least = 2n ** BigInt(precision - 1);
    for (const whole of [least, least + 1n, 3n * least / 2n, 2n * least - 1n]) {
      for (const step of [-290, -60, -31, 0, 90]) {
        const round = (nudge: bigint) =>
          roundRatio(...boundary(whole, step, nudge), 0, NO_SCALE, precision);
        assertEquals(round(0n), Number(whole) * 2 ** step);
        assertEquals(round(-1n), Number(whole) * 2 ** step);
        assertEquals(round(1n), Number(whole + 1n) * 2 ** step);
      }
    }
  }
});

Deno.test("roundRatio() takes the last boundary below a power of two 0.245 of the upper step below it", () => {
  const edge = 2n ** 32n,
    round = (quarters: bigint) =>
      roundRatio(edge * 1000n - quarters, 1000n, 0, NO_SCALE, PRECISION);
  // Below 2³² the steps are 1, above it 2: 0.245 · 2 = 0.49.
  assertEquals(round(0n), 2 ** 32);
  assertEquals(round(490n), 2 ** 32);
  assertEquals(round(491n), 2 ** 32 - 1);
});

Deno.test("roundRatio() is never finer than the scale allows, nor than 2^−300", () => {
  // 3.3 · 2^−48 of a scale of 1, and 3.6 of it: whole multiples of the step, θ between.
  const round = (tenths: bigint, scale: number, shift: number) =>
    roundRatio(tenths, 10n, shift, scale, PRECISION);
  assertEquals(round(33n, 0, -48), 3 * 2 ** -48);
  assertEquals(round(36n, 0, -48), 4 * 2 ** -48);
  assertEquals(round(5n, 0, -48), 0);
  assertEquals(round(6n, 0, -48), 2 ** -48);
  assertEquals(round(33n, -900, -300), 3 * 2 ** -300);
  assertEquals(round(36n, -900, -300), 4 * 2 ** -300);
  assertEquals(round(36n, -900, -900), 0);
  assertEquals(stepExponent(0, 0, PRECISION), -31);
  assertEquals(stepExponent(-20, 0, PRECISION), -48);
  assertEquals(stepExponent(-600, -700, PRECISION), -300);
});

Deno.test("roundRatio() gives +0, never −0", () => {
  for (const numerator of [0n, 1n, -1n, -3n]) {
    for (const scale of [0, 60]) {
      const zero = roundRatio(numerator, 8n, -100, scale, PRECISION);
      assert(Object.is(zero, 0), `${numerator} at scale ${scale}: ${zero}`);
    }
  }
});

Deno.test("ratioScale() and scaleExponent() step at κ · 2^E", () => {
  const { digits, exponent } = exactly(KAPPA), fine = 2n ** 100n;
  for (const e of [-200, -30, -1, 0, 1, 30, 200]) {
    const at = (nudge: bigint) =>
      ratioScale(digits * fine + nudge, fine, exponent + e);
    assertEquals([at(-1n), at(0n), at(1n)], [e - 1, e, e]);
    const power = KAPPA * 2 ** e;
    assertEquals(scaleExponent(power), e);
    assertEquals(scaleExponent(power * (1 + 2 ** -52)), e);
    assertEquals(scaleExponent(power * (1 - 2 ** -53)), e - 1);
  }
  assertEquals(scaleExponent(1), -1);
  assertEquals(scaleExponent(2 ** -1022), -1023);
});

Deno.test("roundRatio() and ratioScale() agree with the definition on ratios of every size", () => {
  const random = seeded(31);
  for (let i = 0; i < 4000; i++) {
    const precision = PRECISIONS[i % 2];
    const denominator = wide(random, 1 + random.integer(300)) + 1n;
    const numerator = wide(random, random.integer(300)) *
      (random.integer(2) === 0 ? -1n : 1n);
    const shift = random.integer(400) - 200, scale = random.integer(700) - 350;
    const above = shift > 0 ? numerator << BigInt(shift) : numerator;
    const below = shift < 0 ? denominator << BigInt(-shift) : denominator;
    const args = `seed 31, step ${i}: ${numerator} / ${denominator}`;
    const rounded = roundRatio(numerator, denominator, shift, scale, precision);
    const truth = oracleRound(above, below, scale, precision);
    assert(Object.is(rounded, truth), `${args}: ${rounded}, not ${truth}`);
    if (numerator > 0n) {
      assertEquals(
        ratioScale(numerator, denominator, shift),
        oracleScale(above, below),
        args,
      );
    }
  }
});

function wide(random: Random, bits: number): bigint {
  let number = 0n;
  for (let i = 0; i < bits; i += 32) {
    number = (number << 32n) | BigInt(random.integer(2 ** 32));
  }
  return number & ((1n << BigInt(bits)) - 1n);
}

Deno.test("roundRatio() is odd, commutes with powers of two and leaves what it made", () => {
  const random = seeded(32);
  for (let i = 0; i < 1000; i++) {
    const numerator = wide(random, 120) + 1n,
      denominator = wide(random, 90) + 1n;
    const precision = PRECISIONS[i % 2];
    const scale = ratioScale(numerator, denominator, 0) + random.integer(40);
    const round = (above: bigint, shift: number) =>
      roundRatio(above, denominator, shift, scale + shift, precision);
    const rounded = round(numerator, 0);
    if (rounded !== 0) assertEquals(round(-numerator, 0), -rounded);
    for (const shift of [-90, 1, 77]) {
      assertEquals(round(numerator, shift), rounded * 2 ** shift);
    }
    const { digits, exponent } = exactly(rounded);
    assertEquals(roundRatio(digits, 1n, exponent, scale, precision), rounded);
  }
});

Deno.test("exactAnswer() of nothing, of zeros, of one key, of components in any order", () => {
  const key = (score: number, ...value: number[]): Weighed => ({
    score,
    value,
    peak: Math.max(...value.map(Math.abs)),
  });
  assertEquals(exactAnswer([], [0, 1], 32), [0, 0]);
  assertEquals(exactAnswer([key(3, 0, -0)], [0, 1], 32), [0, 0]);
  assertEquals(exactAnswer([key(-7.3, 2 ** 99, -1.5)], [1, 0], 44), [
    0,
    2 ** 99,
  ]);
  assertEquals(exactAnswer([key(1e300, 3, -1.5)], [1], 44), [-1.5]);
  assertEquals(exactAnswer([key(0, 1), key(0, 4)], [0], 32), [2.5]);
});

Deno.test("exactAnswer() counts a key 1100 binary orders below the largest and none further below", () => {
  // 2^127 times 2^-1100 is far below the floor, so the weak value has to stand alone: the strong key has value 0.
  const answer = (gap: number) =>
    exactAnswer(
      [
        { score: 0, value: [0], peak: 0 },
        { score: -gap, value: [1], peak: 1 },
      ],
      [0],
      32,
    )[0];
  assertEquals([answer(299), answer(300), answer(301)], [
    2 ** -299,
    2 ** -300,
    0,
  ]);
  // Two values that cancel to what only a key in reach decides: the rounding falls from θ or not.
  const tie = (gap: number) => {
    const theta = Math.round(THETA * 2 ** 53);
    const [high, low] = [Math.floor(theta / 2 ** 27), theta % 2 ** 27];
    return exactAnswer(
      [
        { score: 0, value: [high * 2 ** -26], peak: high * 2 ** -26 },
        { score: 0, value: [low * 2 ** -53], peak: low * 2 ** -53 },
        { score: 0, value: [-(2 ** 31)], peak: 2 ** 31 },
        { score: 0, value: [2 ** 32], peak: 2 ** 32 },
        { score: -gap, value: [2 ** 100], peak: 2 ** 100 },
      ],
      [0],
      32,
    )[0];
  };
  assert(tie(1100) > tie(1101), `${tie(1100)} and ${tie(1101)}`);
});

Deno.test("exactAnswer() agrees with the definition, hostile values and scores included", () => {
  const random = seeded(33);
  for (let step = 0; step < 400; step++) {
    const dim = random.integer(5), valueDim = 1 + random.integer(4);
    const scale = random.normal() * 2 ** (random.integer(30) - 10);
    const row = Float32Array.from({ length: dim }, () => random.normal());
    const gain = [1, 2 ** -140, 2 ** 100, 2 ** -20][step % 4];
    const keys: OracleKey[] = Array.from(
      { length: random.integer(12) },
      () => ({
        key: Float32Array.from({ length: dim }, () => random.normal()),
        value: Float32Array.from(
          { length: valueDim },
          () => random.integer(4) === 0 ? 0 : random.normal() * gain,
        ),
        bias: random.integer(3) === 0 ? 0 : random.normal() * 10 ** (step % 7),
      }),
    );
    const weighed = keys.map(({ key, value, bias }) => ({
      score: oracleScore(row, key, scale, bias),
      value,
      peak: Array.from(value).reduce((a, b) => Math.max(a, Math.abs(b)), 0),
    }));
    const components = Array.from({ length: valueDim }, (_, c) => c);
    const precision = PRECISIONS[step % 2];
    const answer = exactAnswer(weighed, components, precision);
    const truth = oracleRow(row, keys, scale, precision);
    if (keys.length === 0) continue;
    answer.forEach((x, c) =>
      assert(
        Object.is(x, truth[c]),
        `seed 33, step ${step}, component ${c}: ${x}, not ${truth[c]}`,
      )
    );
  }
});
