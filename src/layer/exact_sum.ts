/**
 * A sum of products as the nearest 32-bit float, whatever their order and size.
 *
 * In big integers, so it is exact and slow: milliseconds a thousand products. For where a sum in 64-bit floats cannot
 * tell.
 *
 * @module
 */

/** Every 64-bit float is a whole multiple of 2⁻¹⁰⁷⁴, every 32-bit float of 2⁻¹⁴⁹. */
const UNIT64 = 1074, UNIT32 = 149;
/** Of sums of their products. */
const UNIT = UNIT64 + UNIT32;
/** Significant bits of a 32-bit float. */
const PRECISION = 24;
/** So many leading bits of a sum tell its 64-bit float, to its last bit. */
const ENOUGH = 60;
const MANTISSA_BITS = 52n, EXPONENT = 0x7ffn, MANTISSA = (1n << 52n) - 1n;

const bits = new DataView(new ArrayBuffer(8));

/** The product of a 64-bit and a 32-bit float as a whole number of units. */
export function product(weight: number, value: number): bigint {
  return integerOf(weight) * BigInt(value * 2 ** UNIT32);
}

/** The 32-bit float nearest to a number of units, to even where two are; no −0. */
export function nearestSingle(sum: bigint): number {
  const size = sum < 0n ? -sum : sum;
  const shift = Math.max(bitLength(size) - PRECISION, UNIT - UNIT32);
  const whole = size >> BigInt(shift), rest = size - (whole << BigInt(shift));
  const half = 1n << BigInt(shift - 1);
  const up = rest > half || rest === half && (whole & 1n) === 1n;
  const nearest = Number(up ? whole + 1n : whole) * 2 ** (shift - UNIT);
  return Math.fround(sum < 0n ? -nearest : nearest) + 0;
}

/** A 64-bit float within one unit of the last place of a number of units, or within 2⁻¹⁰⁷⁴. */
export function nearDouble(sum: bigint): number {
  const size = sum < 0n ? -sum : sum;
  const shift = Math.max(bitLength(size) - ENOUGH, 0);
  const near = Number(size >> BigInt(shift)) * 2 ** (shift - UNIT);
  return sum < 0n ? -near : near;
}

/** A finite float as a whole number of 2⁻¹⁰⁷⁴. */
function integerOf(float: number): bigint {
  bits.setFloat64(0, Math.abs(float));
  const word = bits.getBigUint64(0);
  const exponent = word >> MANTISSA_BITS & EXPONENT, mantissa = word & MANTISSA;
  const size = exponent === 0n
    ? mantissa
    : (mantissa | 1n << MANTISSA_BITS) << exponent - 1n;
  return float < 0 ? -size : size;
}

function bitLength(size: bigint): number {
  return size === 0n ? 0 : size.toString(2).length;
}
