/**
 * The definition of an output, computed from stored rows with whole numbers alone: the truth of the tests.
 *
 * For a query and the keys it admits: t_j = (even stripe + odd stripe of the dot product) · fl(scale · log2 e) +
 * fl(bias · log2 e), r_j = t_j rounded to even, a_j = 2^(t_j − r_j) by a polynomial that is part of the definition,
 * ρ_jc = fl(a_j · v_jc). The output is R(Σ ρ_jc 2^r_j / Σ a_j 2^r_j), rounded once from the exact rational. Nothing
 * here comes from `src/`, and no step of it is shared: coefficients, constants and roundings are derived anew.
 *
 * @module
 */

/** A key that a query admits, as stored; a bias of −Infinity masks it. */
export interface OracleKey {
  key: ArrayLike<number>;
  value: ArrayLike<number>;
  /** In nats. */
  bias: number;
}

/** The sums of a row, whole multiples of one unit. */
export interface OracleSums {
  /** The unit is 2^exponent, where a score of t weighs 2^t; 0 where there is nothing to sum. */
  exponent: number;
  mass: bigint;
  /** Σ weight · largest component of the value in size. */
  magnitude: bigint;
  /** One for each component of a value. */
  numerators: bigint[];
}

/** Keys this many binary orders below the largest of their row count as absent. */
const REACH = 1100;
/** An output is never finer than 2^(E − 48) nor than 2^−300. */
const SCALE_BITS = 48, LEAST_STEP = -300;
const GOLDEN = 0.6180339887498949;
/** A fraction above θ is rounded up. */
export const ORACLE_THETA: number = 0.5 + GOLDEN / 64;
/** E = floor(log2(magnitude / mass / κ)). */
export const ORACLE_KAPPA: number = 2 * GOLDEN;

/** The output of one row. */
export function oracleRow(
  query: ArrayLike<number>,
  keys: readonly OracleKey[],
  scale: number,
  precision: number,
): number[] {
  const { mass, magnitude, numerators } = oracleSums(query, keys, scale);
  if (mass === 0n || magnitude === 0n) return numerators.map(() => 0);
  const exponent = oracleScale(magnitude, mass);
  return numerators.map((sum) => oracleRound(sum, mass, exponent, precision));
}

/** The exact sums of one row; with no key to attend to, zeros as long as the first value. */
export function oracleSums(
  query: ArrayLike<number>,
  keys: readonly OracleKey[],
  scale: number,
): OracleSums {
  const valueDim = keys.length === 0 ? 0 : keys[0].value.length;
  const admitted = keys.filter(({ bias }) => bias > -Infinity)
    .map(({ key, value, bias }) => {
      const score = oracleScore(query, key, scale, bias);
      return { score, whole: oracleRoundEven(score), value };
    });
  let largest = -Infinity;
  for (const { whole } of admitted) largest = Math.max(largest, whole);
  const mass: Pile = new Map(), magnitude: Pile = new Map();
  const numerators: Pile[] = Array.from({ length: valueDim }, () => new Map());
  for (const { score, whole, value } of admitted) {
    const places = whole - largest;
    if (places < -REACH) continue;
    const mantissa = oracleExp2(score - whole);
    let peak = 0;
    for (let c = 0; c < valueDim; c++) {
      peak = Math.max(peak, Math.abs(value[c]));
      pile(numerators[c], mantissa * value[c], places);
    }
    pile(mass, mantissa, places);
    pile(magnitude, mantissa * peak, places);
  }
  const all = [mass, magnitude, ...numerators];
  let unit = Infinity;
  for (const sum of all) for (const at of sum.keys()) unit = Math.min(unit, at);
  const [first, second, ...rest] = all.map((sum) => total(sum, unit));
  return {
    exponent: first === 0n ? 0 : largest + unit,
    mass: first,
    magnitude: second,
    numerators: rest,
  };
}

/** The canonical score, in log2 units. */
export function oracleScore(
  query: ArrayLike<number>,
  key: ArrayLike<number>,
  scale: number,
  bias: number,
): number {
  const stripes = [0, 0];
  for (let t = 0; t < query.length; t++) stripes[t % 2] += query[t] * key[t];
  const score = (stripes[0] + stripes[1]) * (scale * Math.LOG2E);
  return bias === 0 ? score : score + bias * Math.LOG2E;
}

/** Rounds to whole numbers, halves to the even one. */
export function oracleRoundEven(t: number): number {
  // Math.round takes halves up.
  const up = Math.round(t);
  return up - t === 0.5 && up % 2 !== 0 ? up - 1 : up;
}

/** ln(2) in units of 2^-256: Σ 1 / (k 2^k). */
const LN2_BITS = 256n;
const LN2 = Array.from({ length: 256 }, (_, k) => BigInt(k + 1))
  .reduce((sum, k) => sum + (1n << LN2_BITS) / (k << k), 0n);

/** ln(2)^k / k! to the nearest double, k from 0 to 13. */
export const ORACLE_COEFFICIENTS: readonly number[] = (() => {
  const coefficients: number[] = [];
  for (let k = 0n, power = 1n << LN2_BITS; k < 14n;) {
    coefficients.push(Number(power) * 2 ** -Number(LN2_BITS));
    k++;
    power = (power * LN2 >> LN2_BITS) / k;
  }
  return coefficients;
})();

/** 2^f for |f| ≤ ½ in the order of Estrin: pairs, pairs of pairs, then f⁴ and f⁸. */
export function oracleExp2(f: number): number {
  const pair = (k: number) =>
    ORACLE_COEFFICIENTS[k] + ORACLE_COEFFICIENTS[k + 1] * f;
  const f2 = f * f, f4 = f2 * f2, f8 = f4 * f4;
  const four = (k: number) => pair(k) + pair(k + 2) * f2;
  return four(0) + four(4) * f4 + (four(8) + pair(12) * f4) * f8;
}

/** floor(log2(magnitude / mass / κ)) */
export function oracleScale(magnitude: bigint, mass: bigint): number {
  const kappa = exactly(ORACLE_KAPPA);
  return floorLog2(magnitude, mass * kappa.digits) - kappa.exponent;
}

/** R(numerator / denominator) for a row of scale E. */
export function oracleRound(
  numerator: bigint,
  denominator: bigint,
  scale: number,
  precision: number,
): number {
  if (numerator === 0n) return 0;
  const size = numerator < 0n ? -numerator : numerator;
  const step = Math.max(
    floorLog2(size, denominator) - (precision - 1),
    scale - SCALE_BITS,
    LEAST_STEP,
  );
  const above = step < 0 ? size << BigInt(-step) : size;
  const below = step > 0 ? denominator << BigInt(step) : denominator;
  const whole = above / below, theta = exactly(ORACLE_THETA);
  const up = (above % below) << BigInt(-theta.exponent) > theta.digits * below;
  const rounded = Number(up ? whole + 1n : whole) * 2 ** step;
  return numerator < 0n && rounded !== 0 ? -rounded : rounded;
}

/** floor(log2(numerator / denominator)) of positive whole numbers. */
export function floorLog2(numerator: bigint, denominator: bigint): number {
  const length = (n: bigint) => {
    const digits = n.toString(16);
    return 4 * digits.length - Math.clz32(Number.parseInt(digits[0], 16)) + 28;
  };
  const guess = length(numerator) - length(denominator);
  const [above, below] = guess < 0
    ? [numerator << BigInt(-guess), denominator]
    : [numerator, denominator << BigInt(guess)];
  return above < below ? guess - 1 : guess;
}

const float = new Float64Array(1), bits = new BigInt64Array(float.buffer);
const FRACTION = (1n << 52n) - 1n;

/** A double as digits · 2^exponent. */
export function exactly(x: number): { digits: bigint; exponent: number } {
  float[0] = x;
  const biased = Number((bits[0] >> 52n) & 0x7ffn),
    fraction = bits[0] & FRACTION;
  const digits = biased === 0 ? fraction : fraction | (FRACTION + 1n);
  return {
    digits: x < 0 ? -digits : digits,
    exponent: Math.max(biased, 1) - 1075,
  };
}

/** An exact sum: whole numbers by the exponent of their unit. */
type Pile = Map<number, bigint>;

/** Adds x · 2^places. */
function pile(sum: Pile, x: number, places: number): void {
  if (x === 0) return;
  const { digits, exponent } = exactly(x), at = exponent + places;
  sum.set(at, (sum.get(at) ?? 0n) + digits);
}

/** A pile in units of 2^unit. */
function total(sum: Pile, unit: number): bigint {
  let whole = 0n;
  for (const [at, digits] of sum) whole += digits << BigInt(at - unit);
  return whole;
}
