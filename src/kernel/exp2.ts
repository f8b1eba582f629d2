/**
 * Powers of two: the exponential of every maintained weight, the same bits in every engine.
 *
 * `Math.exp` and `Math.pow` differ between engines, and a weight that is taken out must have the bits it was put in
 * with. A score t is split into r = {@linkcode roundEven}(t) and the rest, |t − r| ≤ ½; 2^(t − r) is a polynomial and
 * 2^r is exact.
 *
 * @module
 */

/** 1.5 · 2⁵²: adding and taking away this number rounds to whole numbers, ties to even, below 2⁵¹ in size. */
const WHOLE = 1.5 * 2 ** 52;

/** Rounds to the nearest whole number, ties to even; a number of 2⁵² or more in size is one. */
export function roundEven(t: number): number {
  const size = Math.abs(t);
  if (size < 2 ** 51) return (t + WHOLE) - WHOLE;
  if (size >= 2 ** 52) return t;
  const below = Math.floor(t), rest = t - below;
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
}

// ln(2)^k / k!, correctly rounded; the terms left out are below 2^-57 for a fraction of ½.
const C1 = 0.6931471805599453, C2 = 0.24022650695910072;
const C3 = 0.05550410866482158, C4 = 0.009618129107628477;
const C5 = 0.0013333558146428443, C6 = 0.0001540353039338161;
const C7 = 1.5252733804059841e-05, C8 = 1.321548679014431e-06;
const C9 = 1.01780860092397e-07, C10 = 7.054911620801123e-09;
const C11 = 4.4455382718708116e-10, C12 = 2.5678435993488206e-11;
const C13 = 1.3691488853904128e-12;

/**
 * 2^fraction for |fraction| ≤ ½, by Estrin's scheme.
 *
 * In [0.7, 1.42]; relative error at most {@linkcode EXP2_ERROR}.
 */
export function exp2(fraction: number): number {
  const square = fraction * fraction, fourth = square * square;
  const low = (1 + C1 * fraction) + (C2 + C3 * fraction) * square;
  const middle = (C4 + C5 * fraction) + (C6 + C7 * fraction) * square;
  const high = ((C8 + C9 * fraction) + (C10 + C11 * fraction) * square) +
    (C12 + C13 * fraction) * fourth;
  return (low + middle * fourth) + high * (fourth * fourth);
}

/** Largest relative error of {@linkcode exp2}: 4 units of 2⁻⁵³ (a test measures it). */
export const EXP2_ERROR: number = 4 * 2 ** -53;

/** Exponents below this give a weight of exactly 0: no weight is ever subnormal. */
export const LEAST_EXPONENT = -1022;

const LARGEST_EXPONENT = 1023;
/** 2^e at e − {@linkcode LEAST_EXPONENT}, for every normal power of two. */
export const POWERS: Float64Array = new Float64Array(
  LARGEST_EXPONENT - LEAST_EXPONENT + 1,
);
for (
  let i = 0, power = 2 ** LEAST_EXPONENT;
  i < POWERS.length;
  i++, power *= 2
) POWERS[i] = power;

/** 2^exponent for a whole exponent from −1022 to 1023. */
export function powerOfTwo(exponent: number): number {
  return POWERS[exponent - LEAST_EXPONENT];
}

const float = new Float64Array(1);
const words = new Int32Array(float.buffer);

/** floor(log2 |x|) for a finite x; −Infinity for 0. */
export function exponentOf(x: number): number {
  const biased = biasedExponent(x);
  return biased !== 0 ? biased - 1023 : subnormalExponent(x);
}

function subnormalExponent(x: number): number {
  return x === 0 ? -Infinity : exponentOf(x * 2 ** 60) - 60;
}

/** The exponent bits of a double: 1023 more than floor(log2 |x|), 0 for 0 and subnormals. */
export function biasedExponent(x: number): number {
  return (highWord(x) >>> 20) & 0x7ff;
}

/** The upper half of a double: its sign, the exponent bits, 20 bits of fraction. */
export function highWord(x: number): number {
  float[0] = x;
  return words[1];
}
