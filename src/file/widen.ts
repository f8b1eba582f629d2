/**
 * Sixteen-bit floats as 32-bit floats, which hold every one of them exactly.
 *
 * Formats: binary16 of IEEE 754-2019, and bfloat16, the upper half of a binary32.
 *
 * @module
 */

import { copyOf } from "./copy.ts";

const SIGN = 0x8000;
const MANTISSA_BITS = 10, MANTISSA = 0x3ff;
/** The exponent of infinities and of what is no number. */
const SPECIAL = 0x1f;
/** From the bias 15 of binary16 to the 127 of binary32. */
const BIAS_STEP = 112;
const SINGLE_MANTISSA_BITS = 23, SINGLE_INFINITY = 0x7f800000;
/** The smallest number of binary16. */
const SMALLEST_HALF = 2 ** -24;

/** Widens little-endian binary16 numbers. */
export function widenHalves(bytes: Uint8Array): Float32Array {
  const halves = new Uint16Array(copyOf(bytes));
  const numbers = new Float32Array(halves.length);
  const words = new Uint32Array(numbers.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i], sign = (half & SIGN) << 16;
    const exponent = half >>> MANTISSA_BITS & SPECIAL;
    const mantissa = half & MANTISSA;
    if (exponent === 0) {
      numbers[i] = mantissa * SMALLEST_HALF;
      words[i] |= sign;
      continue;
    }
    const high = exponent === SPECIAL
      ? SINGLE_INFINITY
      : exponent + BIAS_STEP << SINGLE_MANTISSA_BITS;
    words[i] = sign | high |
      mantissa << SINGLE_MANTISSA_BITS - MANTISSA_BITS;
  }
  return numbers;
}

/** Widens little-endian bfloat16 numbers. */
export function widenBrains(bytes: Uint8Array): Float32Array {
  const brains = new Uint16Array(copyOf(bytes));
  const words = new Uint32Array(brains.length);
  for (let i = 0; i < brains.length; i++) words[i] = brains[i] << 16;
  return new Float32Array(words.buffer);
}
