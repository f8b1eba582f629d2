/**
 * What an output *is*: the rounding of an exact rational number, defined without any state.
 *
 * For one query and the keys j it admits, all from the stored 32-bit rows: t_j is the canonical score in log2 units,
 * r_j = roundEven(t_j), a_j = exp2(t_j − r_j), ρ_jc = fl(a_j · v_jc); then
 *
 * O_c = Σ ρ_jc 2^r_j / Σ a_j 2^r_j  and  Ā = Σ fl(a_j max_c |v_jc|) 2^r_j / Σ a_j 2^r_j
 *
 * are exact rationals, and the output is R(O_c): 32 significant bits, never finer than 2⁻⁴⁸ of the row's value scale Ā
 * nor than 2⁻³⁰⁰. Keys more than {@linkcode REACH} binary orders below the largest count as absent. Since O depends on
 * what is stored now and on nothing else, so does R(O): whoever can tell R(O) for certain may answer.
 *
 * @module
 */

import { exp2, exponentOf, powerOfTwo, roundEven } from "../kernel/exp2.ts";

/** Significant bits of an output. */
export const PRECISION = 32;
const GOLDEN = 0.6180339887498949;
/**
 * A fraction above θ is rounded up. Boundaries at ½ would sit where saturated, integer and single-key rows live; these
 * stay away from dyadic numbers and small fractions.
 */
export const THETA: number = 0.5 + 2 ** -6 * GOLDEN;
/** The value scale is E = floor(log2(Ā / κ)): its steps, too, stay away from powers of two. */
export const KAPPA: number = 2 * GOLDEN;
/** An output is never finer than 2^(E − 48). */
export const SCALE_BITS = 48;
/** An output is never finer than 2^−300. */
export const LEAST_STEP = -300;
/** A key this many binary orders below the largest of its row counts as absent. */
export const REACH = 1100;

/** floor(log2(magnitude / κ)) of a positive number. */
export function scaleExponent(magnitude: number): number {
  const exponent = exponentOf(magnitude);
  return magnitude * powerOfTwo(-exponent) >= KAPPA ? exponent : exponent - 1;
}

/** The exponent of the step to which a number of this exponent is rounded. */
export function stepExponent(
  exponent: number,
  scale: number,
  precision: number,
): number {
  return Math.max(exponent - (precision - 1), scale - SCALE_BITS, LEAST_STEP);
}

/** A key as the definition meets it: its score in log2 units, its value, the largest component in size. */
export interface Weighed {
  score: number;
  value: ArrayLike<number>;
  peak: number;
}

/** A rational row: numerator / mass of some components, and magnitude / mass, all as integers. */
export interface ExactRow {
  mass: bigint;
  magnitude: bigint;
  numerator: bigint[];
}

/** Every finite double of a weight times a value is a whole multiple of this: 2⁻⁵³ of ½ times 2⁻¹⁴⁹. */
const UNIT_BITS = 203;
/** Doubles below 2¹⁰²³ in size, as integers of 2⁻²⁰³. */
const UNIT = 2 ** UNIT_BITS;

/** The sums of the definition for some components, as integers in units of 2⁻²⁰³ of the smallest weight that counts. */
export function exactRow(
  keys: readonly Weighed[],
  components: readonly number[],
): ExactRow {
  let largest = -Infinity;
  for (const { score } of keys) largest = Math.max(largest, roundEven(score));
  const row: ExactRow = {
    mass: 0n,
    magnitude: 0n,
    numerator: components.map(() => 0n),
  };
  for (const { score, value, peak } of keys) {
    const whole = roundEven(score), places = whole - largest + REACH;
    if (places < 0) continue;
    const mantissa = exp2(score - whole), shift = BigInt(places);
    row.mass += BigInt(mantissa * UNIT) << shift;
    row.magnitude += BigInt(mantissa * peak * UNIT) << shift;
    components.forEach((c, at) => {
      row.numerator[at] += BigInt(mantissa * value[c] * UNIT) << shift;
    });
  }
  return row;
}

/** The answer of the definition: R of some components. Costs big integers for each key, milliseconds a thousand. */
export function exactAnswer(
  keys: readonly Weighed[],
  components: readonly number[],
  precision: number,
): number[] {
  if (keys.length === 0) return components.map(() => 0);
  const { mass, magnitude, numerator } = exactRow(keys, components);
  if (magnitude === 0n) return components.map(() => 0);
  const scale = ratioScale(magnitude, mass, 0);
  return numerator.map((sum) => roundRatio(sum, mass, 0, scale, precision));
}

/** floor(log2(numerator / denominator · 2^shift / κ)) of a positive ratio. */
export function ratioScale(
  numerator: bigint,
  denominator: bigint,
  shift: number,
): number {
  return ratioExponent(
    numerator << KAPPA_BITS,
    denominator * KAPPA_INTEGER,
    shift,
  );
}

/** R(numerator / denominator · 2^shift), exactly; the denominator is positive. */
export function roundRatio(
  numerator: bigint,
  denominator: bigint,
  shift: number,
  scale: number,
  precision: number,
): number {
  if (numerator === 0n) return 0;
  const size = numerator < 0n ? -numerator : numerator;
  const step = stepExponent(
    ratioExponent(size, denominator, shift),
    scale,
    precision,
  );
  let above = size, below = denominator;
  if (shift >= step) above <<= BigInt(shift - step);
  else below <<= BigInt(step - shift);
  const whole = above / below, rest = above - whole * below;
  const steps = whole +
    ((rest << THETA_BITS) > THETA_INTEGER * below ? 1n : 0n);
  if (steps === 0n) return 0;
  const rounded = Number(steps) * powerOfTwo(step);
  return numerator < 0n ? -rounded : rounded;
}

const THETA_BITS = 60n, THETA_INTEGER = BigInt(THETA * 2 ** 60);
const KAPPA_BITS = 60n, KAPPA_INTEGER = BigInt(KAPPA * 2 ** 60);

/** floor(log2(numerator / denominator · 2^shift)) of a positive ratio. */
function ratioExponent(
  numerator: bigint,
  denominator: bigint,
  shift: number,
): number {
  const exponent = bitLength(numerator) - bitLength(denominator);
  const reached = exponent >= 0
    ? numerator >= denominator << BigInt(exponent)
    : numerator << BigInt(-exponent) >= denominator;
  return (reached ? exponent : exponent - 1) + shift;
}

function bitLength(positive: bigint): number {
  const digits = positive.toString(16);
  return 4 * digits.length - (Math.clz32(parseInt(digits[0], 16)) - 28);
}
