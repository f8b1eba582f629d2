/** The first step of the ladder: f64 quotients, and which of them are certain. See `../../softmax/ladder.ts`. */

import { COARSE_MAGIC } from "./grids";

const SLACK: f64 = 1 + 1.0 / 512;
const ROUNDINGS: f64 = 8 * 1.1102230246251565e-16 * SLACK;
const LEAST_MASS: f64 = 1024;
const LARGEST_BOUND: f64 = 1.0 / 5;
const GOLDEN: f64 = 0.6180339887498949;
const THETA: f64 = 0.5 + GOLDEN / 64;
const KAPPA: f64 = 2 * GOLDEN;
const SCALE_BITS: i64 = 48, LEAST_STEP: i64 = -300;

/** floor(log2(x / kappa)) of a positive, normal number. */
function scaleExponent(x: f64): i64 {
  const bits = reinterpret<i64>(x), exponent = (bits >> 52) - 1023;
  const mantissa = reinterpret<f64>(
    (bits & 0x000fffffffffffff) | 0x3ff0000000000000,
  );
  return mantissa >= KAPPA ? exponent : exponent - 1;
}

/** Writes the answer of a row into `out`; false if some component is not certain. */
export function answer(
  count: i32,
  fine: f64,
  mass: f64,
  magnitudeSum: f64,
  unitExponent: i32,
  precision: i32,
  valueDim: i32,
  high: usize,
  low: usize,
  out: usize,
): bool {
  const steps = <f64> count * fine;
  if (!(mass >= LEAST_MASS * steps)) return false;
  const relative = steps / (2 * mass) * SLACK;
  const unit = reinterpret<f64>((<i64> unitExponent + 1023) << 52);
  const magnitude = magnitudeSum / mass * unit;
  const blur = relative * (unit + magnitude) + ROUNDINGS * magnitude;
  const least = magnitude - blur;
  if (!(least >= 2.2250738585072014e-308)) return false;
  const scale = scaleExponent(magnitude + blur);
  const sure = scale == scaleExponent(least);
  const floor = max(scale - SCALE_BITS, LEAST_STEP);
  const floors = i64x2.splat(floor);
  // Where the scale is not sure, components that it limits are not certain.
  const unsure = sure ? i64x2.splat(0) : i64x2.splat(-1);
  const coarse = f64x2.splat(COARSE_MAGIC);
  const magic = f64x2.splat(1.5 * 4503599627370496 * fine);
  const divisor = f64x2.splat(mass), units = f64x2.splat(unit);
  const atUnit = f64x2.splat(relative * unit);
  const atSize = f64x2.splat(relative + ROUNDINGS);
  const toStep = i64x2.splat(1023 + precision - 1), bias = i64x2.splat(1023);
  const one = f64x2.splat(1), theta = f64x2.splat(THETA);
  const most = f64x2.splat(LARGEST_BOUND);
  let open = i64x2.splat(0);
  for (let c = 0; c < valueDim; c += 2) {
    const at = <usize> c << 3, both = c + 1 < valueDim;
    const h = both ? v128.load(high + at) : v128.load64_splat(high + at);
    const l = both ? v128.load(low + at) : v128.load64_splat(low + at);
    const x = f64x2.mul(
      f64x2.div(
        f64x2.add(f64x2.sub(h, coarse), f64x2.sub(l, magic)),
        divisor,
      ),
      units,
    );
    const size = f64x2.abs(x);
    const fineStep = i64x2.sub(i64x2.shr_u(size, 52), toStep);
    const below = i64x2.lt_s(fineStep, floors);
    const step = v128.bitselect(floors, fineStep, below);
    const perStep = i64x2.shl(i64x2.sub(bias, step), 52);
    const steps = f64x2.mul(size, perStep);
    const distance = f64x2.mul(
      f64x2.add(atUnit, f64x2.mul(atSize, size)),
      perStep,
    );
    const whole = f64x2.floor(steps);
    const rest = f64x2.sub(f64x2.sub(steps, whole), theta);
    open = v128.or(
      open,
      v128.or(
        v128.or(
          f64x2.gt(distance, most),
          f64x2.le(f64x2.abs(rest), distance),
        ),
        v128.and(unsure, below),
      ),
    );
    const rounded = f64x2.mul(
      f64x2.add(whole, f64x2.add(one, f64x2.floor(rest))),
      i64x2.shl(i64x2.add(bias, step), 52),
    );
    // With the sign of x; adding 0 turns -0 into 0.
    const signed = f64x2.add(
      v128.or(rounded, v128.xor(x, size)),
      f64x2.splat(0),
    );
    if (both) v128.store(out + at, signed);
    else v128.store64_lane(out + at, signed, 0);
  }
  return !v128.any_true(open);
}
