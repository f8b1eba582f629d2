/** The first step of the ladder: f64 quotients, and which of them are certain. See `../../softmax/ladder.ts`. */

import { coarseMagic } from "./grids";
import {
  counts,
  fines,
  magnitudeHigh,
  magnitudeLow,
  massHigh,
  massLow,
  numeratorHigh,
  numeratorLow,
  shifts,
  valueShifts,
} from "./sums";

const SLACK: f64 = 1 + 1.0 / 512;
const ROUNDINGS: f64 = 8 * 1.1102230246251565e-16 * SLACK;
const LEAST_MASS: f64 = 1024;
const LARGEST_BOUND: f64 = 1.0 / 5;
const GOLDEN: f64 = 0.6180339887498949;
const THETA: f64 = 0.5 + GOLDEN / 64;
const KAPPA: f64 = 2 * GOLDEN;
const SCALE_BITS: i64 = 48, LEAST_STEP: i64 = -300;

/** Constants that the loop uses: one, theta, the largest bound, zero; and the bias of exponents. */
const TABLE: usize = memory.data<f64>([
  1,
  1,
  THETA,
  THETA,
  LARGEST_BOUND,
  LARGEST_BOUND,
  0,
  0,
], 16);
const BIAS: usize = memory.data<i64>([1023, 1023], 16);

/** floor(log2(x / kappa)) of a positive, normal number. */
function scaleExponent(x: f64): i64 {
  const bits = reinterpret<i64>(x), exponent = (bits >> 52) - 1023;
  const mantissa = reinterpret<f64>(
    (bits & 0x000fffffffffffff) | 0x3ff0000000000000,
  );
  return mantissa >= KAPPA ? exponent : exponent - 1;
}

/** Writes the answers of `n` rows into `out`, and 1 into `told` for those that are certain. */
export function answer(
  n: i32,
  rows: usize,
  precision: i32,
  valueDim: i32,
  out: usize,
  told: usize,
): void {
  const width = <usize> valueDim << 3;
  for (let i = 0; i < n; i++, rows += 4, told += 4, out += width) {
    store<i32>(
      told,
      <i32> answerRow(load<i32>(rows), precision, valueDim, out),
    );
  }
}

function answerRow(
  row: i32,
  precision: i32,
  valueDim: i32,
  out: usize,
): bool {
  const at4 = <usize> row << 2, at8 = <usize> row << 3;
  const first = <usize> (row * valueDim) << 3;
  const high = numeratorHigh + first, low = numeratorLow + first;
  const fine = load<f64>(fines + at8), count = load<i32>(counts + at4);
  const mass = load<f64>(massHigh + at8) + load<f64>(massLow + at8);
  const magnitudeSum = load<f64>(magnitudeHigh + at8) +
    load<f64>(magnitudeLow + at8);
  const unitExponent = load<i32>(valueShifts + at4) - load<i32>(shifts + at4);
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
  const coarse = coarseMagic();
  const magic = f64x2.splat(1.5 * 4503599627370496 * fine);
  const factor = f64x2.splat(1 / mass * unit);
  const atUnit = f64x2.splat(relative * unit);
  const atSize = f64x2.splat(relative + ROUNDINGS);
  const toStep = i64x2.splat(1023 + precision - 1), bias = v128.load(BIAS);
  const one = v128.load(TABLE), theta = v128.load(TABLE, 16);
  const most = v128.load(TABLE, 32), zero = v128.load(TABLE, 48);
  let open = i64x2.splat(0);
  for (let c = 0; c < valueDim; c += 2) {
    const at = <usize> c << 3, both = c + 1 < valueDim;
    const h = both ? v128.load(high + at) : v128.load64_splat(high + at);
    const l = both ? v128.load(low + at) : v128.load64_splat(low + at);
    const x = f64x2.mul(
      f64x2.add(f64x2.sub(h, coarse), f64x2.sub(l, magic)),
      factor,
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
      f64x2.add(whole, v128.and(f64x2.gt(rest, zero), one)),
      i64x2.shl(i64x2.add(bias, step), 52),
    );
    // With the sign of x; adding 0 turns -0 into 0.
    const signed = f64x2.add(
      v128.or(rounded, v128.xor(x, size)),
      zero,
    );
    if (both) v128.store(out + at, signed);
    else v128.store64_lane(out + at, signed, 0);
  }
  return !v128.any_true(open);
}
