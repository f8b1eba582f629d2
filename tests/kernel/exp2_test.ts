import { assert, assertEquals } from "@std/assert";
import {
  biasedExponent,
  exp2,
  EXP2_ERROR,
  exponentOf,
  LEAST_EXPONENT,
  powerOfTwo,
  roundEven,
} from "../../src/kernel/exp2.ts";
import { seeded } from "../../src/random.ts";
import { exactly, oracleExp2, oracleRoundEven } from "../oracle.ts";

/** Fixed point with this many bits behind the point: 2⁻¹⁴⁰ is far below any error measured here. */
const BITS = 140n, ONE = 1n << BITS;
const LN2 = Array.from({ length: 160 }, (_, k) => BigInt(k + 1))
  .reduce((sum, k) => sum + ONE / (k << k), 0n);

function fixed(x: number): bigint {
  const { digits, exponent } = exactly(x), places = BITS + BigInt(exponent);
  return places >= 0n ? digits << places : digits >> -places;
}

/** 2^fraction as a fixed-point number: the series of e^(fraction · ln 2). */
function power(fraction: number): bigint {
  const x = fixed(fraction) * LN2 >> BITS;
  let sum = 0n;
  for (let k = 0n, term = ONE; term !== 0n && term !== -1n;) {
    sum += term;
    k++;
    term = (term * x >> BITS) / k;
  }
  return sum;
}

/** |exp2(fraction) − 2^fraction| / 2^fraction. */
function relativeError(fraction: number): number {
  const truth = power(fraction), off = fixed(exp2(fraction)) - truth;
  return Math.abs(Number(off) / Number(truth));
}

/** Fractions that span [−½, ½]: an even walk, the ends, and ever smaller ones. */
function fractions(): number[] {
  const random = seeded(11), list = [0, -0, 0.5, -0.5];
  for (let i = 0; i < 20_000; i++) list.push(random.uniform() - 0.5);
  for (let k = 2; k < 60; k++) {
    list.push(2 ** -k, -(2 ** -k), 0.5 - 2 ** -k, 2 ** -k - 0.5);
  }
  return list;
}

Deno.test("exp2() is exact at 0 and close at the ends", () => {
  assertEquals(exp2(0), 1);
  assert(Math.abs(exp2(0.5) - Math.SQRT2) <= EXP2_ERROR * Math.SQRT2);
  assert(Math.abs(exp2(-0.5) - Math.SQRT1_2) <= EXP2_ERROR * Math.SQRT1_2);
});

Deno.test("exp2() errs by EXP2_ERROR at most, and by more than a quarter of it somewhere", () => {
  let worst = 0, where = 0;
  for (const fraction of fractions()) {
    const error = relativeError(fraction);
    if (error > worst) [worst, where] = [error, fraction];
  }
  assert(
    worst <= EXP2_ERROR && worst > EXP2_ERROR / 4,
    `at ${where}: error ${worst}, bound ${EXP2_ERROR}`,
  );
});

Deno.test("exp2() has the bits of the definition: coefficients and order", () => {
  for (const fraction of fractions()) {
    assert(
      Object.is(exp2(fraction), oracleExp2(fraction)),
      `at ${fraction}: ${exp2(fraction)}, not ${oracleExp2(fraction)}`,
    );
  }
});

Deno.test("roundEven() takes halves to even, also where doubles have no finer bits", () => {
  const cases: [number, number][] = [
    [0, 0],
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [-0.5, 0],
    [-1.5, -2],
    [-2.5, -2],
    [0.49999999999999994, 0],
    [-0.49999999999999994, 0],
    [0.5000000000000001, 1],
    [2 ** 51 - 0.5, 2 ** 51],
    [2 ** 51 - 1.5, 2 ** 51 - 2],
    [2 ** 51 + 0.5, 2 ** 51],
    [2 ** 51 + 1.5, 2 ** 51 + 2],
    [-(2 ** 51) + 0.5, -(2 ** 51)],
    [-(2 ** 51) - 0.5, -(2 ** 51)],
    [-(2 ** 51) - 1.5, -(2 ** 51) - 2],
    [2 ** 52 - 0.5, 2 ** 52],
    [2 ** 52 - 1.5, 2 ** 52 - 2],
    [-(2 ** 52) + 0.5, -(2 ** 52)],
    [2 ** 52, 2 ** 52],
    [2 ** 52 + 1, 2 ** 52 + 1],
    [-(2 ** 52) - 1, -(2 ** 52) - 1],
    [2 ** 53 + 2, 2 ** 53 + 2],
    [1e300, 1e300],
    [-1e300, -1e300],
  ];
  for (const [t, whole] of cases) {
    assertEquals(roundEven(t) + 0, whole, `roundEven(${t})`);
    assertEquals(oracleRoundEven(t) + 0, whole, `oracleRoundEven(${t})`);
  }
});

Deno.test("roundEven() leaves a rest of ½ at most, for scores of every size", () => {
  const random = seeded(12);
  for (let i = 0; i < 20_000; i++) {
    const t = (random.uniform() - 0.5) * 2 ** random.integer(60);
    const whole = roundEven(t);
    assert(Number.isInteger(whole) && Math.abs(t - whole) <= 0.5, `at ${t}`);
    assertEquals(whole + 0, oracleRoundEven(t) + 0, `at ${t}`);
  }
});

Deno.test("exponentOf() is floor(log2 |x|) from the least subnormal to the largest double", () => {
  assertEquals(exponentOf(0), -Infinity);
  assertEquals(exponentOf(-0), -Infinity);
  assertEquals(exponentOf(Number.MIN_VALUE), -1074);
  assertEquals(exponentOf(Number.MAX_VALUE), 1023);
  for (let e = -1074; e <= 1023; e++) {
    const power = 2 ** e, below = power * (1 - 2 ** -53);
    assertEquals(exponentOf(power), e);
    assertEquals(exponentOf(-power), e);
    // A subnormal just below a power of two may round up to it.
    if (below < power) assertEquals(exponentOf(below), e - 1);
    if (e >= -1073) assertEquals(exponentOf(power + 2 ** (e - 1)), e);
  }
});

Deno.test("biasedExponent() is 1023 more than the exponent, and 0 for 0 and subnormals", () => {
  assertEquals([1, -1, 2 ** -1022, Number.MAX_VALUE].map(biasedExponent), [
    1023,
    1023,
    1,
    2046,
  ]);
  assertEquals([0, -0, 2 ** -1023, -Number.MIN_VALUE].map(biasedExponent), [
    0,
    0,
    0,
    0,
  ]);
});

Deno.test("powerOfTwo() is exact for every normal exponent", () => {
  for (let e = LEAST_EXPONENT; e <= 1023; e++) {
    assertEquals(powerOfTwo(e), 2 ** e);
  }
});
