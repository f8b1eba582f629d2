/** Scored keys folded into a row. */

import { exp2, scaled } from "./exp2";
import { caught, COARSE, COARSE_MAGIC, coarseMagic, rest } from "./grids";

/** Two numbers, or one in both lanes where only one is left. */
function take(at: usize, both: bool): v128 {
  return both ? v128.load(at) : v128.load64_splat(at);
}

function put(at: usize, x: v128, both: bool): void {
  if (both) v128.store(at, x);
  else v128.store64_lane(at, x, 0);
}

/** Splits scores into mantissas and exponents; returns the largest exponent. */
export function split(
  count: i32,
  scores: usize,
  mantissas: usize,
  exponents: usize,
): f64 {
  let largest = f64x2.splat(-Infinity);
  for (let i = 0; i < count; i += 2) {
    const at = <usize> i << 3, both = i + 1 < count;
    const t = take(scores + at, both), whole = f64x2.nearest(t);
    put(mantissas + at, exp2(f64x2.sub(t, whole)), both);
    put(exponents + at, whole, both);
    largest = f64x2.pmax(largest, whole);
  }
  return max(f64x2.extract_lane(largest, 0), f64x2.extract_lane(largest, 1));
}

/** Makes exponents relative to the anchor and sums weights and their products with peaks, in order, into `sums`. */
export function estimate(
  count: i32,
  slots: usize,
  mantissas: usize,
  exponents: usize,
  peaks: usize,
  anchor: f64,
  sums: usize,
): void {
  const from = f64x2.splat(anchor);
  let total = f64x2.splat(0);
  for (let i = 0; i < count; i += 2) {
    const at = <usize> i << 3, both = i + 1 < count;
    const exponent = f64x2.sub(take(exponents + at, both), from);
    put(exponents + at, exponent, both);
    const weights = scaled(take(mantissas + at, both), exponent);
    const first = peak(peaks, slots + (at >> 1));
    total = f64x2.add(total, weighed(weights, first, 0));
    if (both) {
      const second = peak(peaks, slots + (at >> 1) + 4);
      total = f64x2.add(total, weighed(weights, second, 1));
    }
  }
  v128.store(sums, total);
}

function peak(peaks: usize, slot: usize): f64 {
  return load<f64>(peaks + (<usize> load<i32>(slot) << 3));
}

/** The weight of a lane, and its product with a peak. */
function weighed(weights: v128, peak: f64, lane: i32): v128 {
  const weight = lane
    ? v128.shuffle<f64>(weights, weights, 1, 1)
    : v128.shuffle<f64>(weights, weights, 0, 0);
  return f64x2.mul(weight, f64x2.replace_lane(f64x2.splat(1), 1, peak));
}

/**
 * Puts weights on the grids: `sums` gets mass and magnitude, high and low; `weights` those in the units of the values.
 */
export function weigh(
  count: i32,
  slots: usize,
  weights: usize,
  exponents: usize,
  peaks: usize,
  shift: f64,
  valueShift: f64,
  fine: f64,
  sums: usize,
): void {
  const coarse = coarseMagic();
  const low = f64x2.splat(1.5 * 4503599627370496 * fine);
  const place = f64x2.splat(shift), valuePlace = f64x2.splat(valueShift);
  let m = i64x2.splat(0), n = m, p = m, r = m;
  for (let i = 0; i < count; i += 2) {
    const at = <usize> i << 3, both = i + 1 < count;
    const mantissa = take(weights + at, both);
    const exponent = take(exponents + at, both);
    let weight = scaled(mantissa, f64x2.sub(exponent, place));
    const value = scaled(mantissa, f64x2.sub(exponent, valuePlace));
    put(weights + at, value, both);
    const slot = slots + (at >> 1);
    let part = f64x2.mul(
      value,
      f64x2.replace_lane(
        f64x2.splat(peak(peaks, slot)),
        1,
        both ? peak(peaks, slot + 4) : 0,
      ),
    );
    if (!both) weight = f64x2.replace_lane(weight, 1, 0);
    const a = caught(weight, coarse), b = caught(part, coarse);
    m = i64x2.add(m, i64x2.sub(a, coarse));
    n = i64x2.add(n, i64x2.sub(rest(weight, a, coarse, low), low));
    p = i64x2.add(p, i64x2.sub(b, coarse));
    r = i64x2.add(r, i64x2.sub(rest(part, b, coarse, low), low));
  }
  store<f64>(sums, steps(m) * COARSE);
  store<f64>(sums, steps(n) * fine, 8);
  store<f64>(sums, steps(p) * COARSE, 16);
  store<f64>(sums, steps(r) * fine, 24);
}

function steps(lanes: v128): f64 {
  return <f64> (i64x2.extract_lane(lanes, 0) + i64x2.extract_lane(lanes, 1));
}

/** Sums weights * values from zero on and returns their multiply-adds; values with `evens` = -1 are dense. */
export function fold(
  count: i32,
  slots: usize,
  weights: usize,
  valueDim: i32,
  dense: usize,
  start: usize,
  evens: usize,
  counts: usize,
  columns: usize,
  numbers: usize,
  fine: f64,
  high: usize,
  low: usize,
): f64 {
  const magic = 1.5 * 4503599627370496 * fine;
  for (let c = 0; c < valueDim; c++) {
    store<f64>(high + (<usize> c << 3), COARSE_MAGIC);
    store<f64>(low + (<usize> c << 3), magic);
  }
  const width = <usize> valueDim << 2;
  // Up to four dense values at a time.
  let v0: usize = 0, v1: usize = 0, v2: usize = 0, v3: usize = 0;
  let w0: f64 = 0, w1: f64 = 0, w2: f64 = 0, w3: f64 = 0, held = 0;
  let products: f64 = 0;
  for (let i = 0; i < count; i++) {
    const slot = <usize> load<i32>(slots + (<usize> i << 2)) << 2;
    const weight = load<f64>(weights + (<usize> i << 3));
    const from = <usize> load<i32>(start + slot);
    if (load<i32>(evens + slot) >= 0) {
      const size = <usize> load<i32>(counts + slot);
      products += <f64> size;
      entries(
        weight,
        size,
        columns + (from << 2),
        numbers + (from << 2),
        magic,
        high,
        low,
      );
      continue;
    }
    products += <f64> valueDim;
    if (weight == 0) continue;
    v3 = v2;
    w3 = w2;
    v2 = v1;
    w2 = w1;
    v1 = v0;
    w1 = w0;
    v0 = dense + width * from;
    w0 = weight;
    if (++held == 4) {
      foldFour(v0, v1, v2, v3, w0, w1, w2, w3, valueDim, magic, high, low);
      held = 0;
    }
  }
  if (held > 0) foldOne(v0, w0, valueDim, magic, high, low);
  if (held > 1) foldOne(v1, w1, valueDim, magic, high, low);
  if (held > 2) foldOne(v2, w2, valueDim, magic, high, low);
  return products;
}

/** Adds weight * the entries of a sparse value. */
function entries(
  weight: f64,
  size: usize,
  columns: usize,
  numbers: usize,
  magic: f64,
  high: usize,
  low: usize,
): void {
  for (const end = columns + (size << 2); columns < end; columns += 4) {
    const at = <usize> load<u32>(columns) << 3;
    add(weight * <f64> load<f32>(numbers), high + at, low + at, magic);
    numbers += 4;
  }
}

/** Adds one contribution to one numerator. */
function add(y: f64, high: usize, low: usize, magic: f64): void {
  const h = (y + COARSE_MAGIC) - COARSE_MAGIC;
  store<f64>(high, load<f64>(high) + h);
  store<f64>(low, load<f64>(low) + (((y - h) + magic) - magic));
}

function foldOne(
  value: usize,
  weight: f64,
  valueDim: i32,
  magic: f64,
  high: usize,
  low: usize,
): void {
  for (let c = 0; c < valueDim; c++, value += 4, high += 8, low += 8) {
    add(weight * <f64> load<f32>(value), high, low, magic);
  }
}

/** Two columns of a value times its weight. */
function product(value: usize, weight: v128): v128 {
  return f64x2.mul(f64x2.promote_low_f32x4(v128.load64_zero(value)), weight);
}

function foldFour(
  v0: usize,
  v1: usize,
  v2: usize,
  v3: usize,
  w0: f64,
  w1: f64,
  w2: f64,
  w3: f64,
  valueDim: i32,
  magic: f64,
  high: usize,
  low: usize,
): void {
  const coarse = coarseMagic(), fine = f64x2.splat(magic);
  // The magic numbers of four contributions.
  const coarse4 = i64x2.shl(coarse, 2), fine4 = i64x2.shl(fine, 2);
  const a = f64x2.splat(w0), b = f64x2.splat(w1);
  const c = f64x2.splat(w2), d = f64x2.splat(w3);
  for (const end = high + (<usize> (valueDim & ~1) << 3); high < end;) {
    let h = i64x2.sub(v128.load(high), coarse4);
    let l = i64x2.sub(v128.load(low), fine4);
    let y = product(v0, a), u = caught(y, coarse);
    h = i64x2.add(h, u);
    l = i64x2.add(l, rest(y, u, coarse, fine));
    y = product(v1, b);
    u = caught(y, coarse);
    h = i64x2.add(h, u);
    l = i64x2.add(l, rest(y, u, coarse, fine));
    y = product(v2, c);
    u = caught(y, coarse);
    h = i64x2.add(h, u);
    l = i64x2.add(l, rest(y, u, coarse, fine));
    y = product(v3, d);
    u = caught(y, coarse);
    h = i64x2.add(h, u);
    l = i64x2.add(l, rest(y, u, coarse, fine));
    v128.store(high, h);
    v128.store(low, l);
    high += 16;
    low += 16;
    v0 += 8;
    v1 += 8;
    v2 += 8;
    v3 += 8;
  }
  if (valueDim & 1) {
    add(w0 * <f64> load<f32>(v0), high, low, magic);
    add(w1 * <f64> load<f32>(v1), high, low, magic);
    add(w2 * <f64> load<f32>(v2), high, low, magic);
    add(w3 * <f64> load<f32>(v3), high, low, magic);
  }
}
