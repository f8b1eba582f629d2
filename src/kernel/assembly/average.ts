/** Scored keys averaged for one answer: numerators in two doubles each, put on the grids at the end. */

import { COARSE_MAGIC } from "./grids";

/** Dense values are added up by eight. */
const GROUP = 8;
/** Where the values of a group are, and their weights. */
const PLACES: usize = memory.data(4 * GROUP, 16);
const WEIGHTS: usize = memory.data(8 * GROUP, 16);

/** Sums weights * values and returns their multiply-adds; the arguments are those of `fold`. */
export function average(
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
  const width = <usize> valueDim << 2;
  memory.fill(high, 0, width << 1);
  memory.fill(low, 0, width << 1);
  let products: f64 = 0, held: usize = 0;
  for (let i = 0; i < count; i++) {
    const slot = <usize> load<i32>(slots + (<usize> i << 2)) << 2;
    const weight = load<f64>(weights + (<usize> i << 3));
    const from = <usize> load<i32>(start + slot);
    if (load<i32>(evens + slot) >= 0) {
      const size = <usize> load<i32>(counts + slot), at = from << 2;
      products += <f64> size;
      addEntries(weight, size, columns + at, numbers + at, high, low);
      continue;
    }
    products += <f64> valueDim;
    if (weight == 0) continue;
    store<u32>(PLACES + (held << 2), <u32> (dense + width * from));
    store<f64>(WEIGHTS + (held << 3), weight);
    if (++held == GROUP) {
      addEight(valueDim, high, low);
      held = 0;
    }
  }
  for (let k: usize = 0; k < held; k++) {
    const weight = load<f64>(WEIGHTS + (k << 3));
    let value: usize = load<u32>(PLACES + (k << 2));
    for (let c: usize = 0; c < width << 1; c += 8, value += 4) {
      add(weight * <f64> load<f32>(value), high + c, low + c);
    }
  }
  const magic = 1.5 * 4503599627370496 * fine;
  for (let c: usize = 0; c < width << 1; c += 8) {
    const sum = load<f64>(high + c) + load<f64>(low + c);
    const caught = sum + COARSE_MAGIC;
    store<f64>(high + c, caught);
    store<f64>(low + c, (sum - (caught - COARSE_MAGIC)) + magic);
  }
  return products;
}

/** Adds weight * the entries of a sparse value. */
function addEntries(
  weight: f64,
  size: usize,
  columns: usize,
  numbers: usize,
  high: usize,
  low: usize,
): void {
  for (const end = columns + (size << 2); columns < end; columns += 4) {
    const at = <usize> load<u32>(columns) << 3;
    add(weight * <f64> load<f32>(numbers), high + at, low + at);
    numbers += 4;
  }
}

/** Adds a number to one sum; what is lost in it goes to the other. */
function add(y: f64, high: usize, low: usize): void {
  const a = load<f64>(high), sum = a + y, part = sum - a;
  store<f64>(high, sum);
  store<f64>(low, load<f64>(low) + ((a - (sum - part)) + (y - part)));
}

/** Two columns of a value of the group, times its weight. */
function product(value: usize, weight: v128): v128 {
  return f64x2.mul(f64x2.promote_low_f32x4(v128.load64_zero(value)), weight);
}

/** Adds the eight values of the group. */
function addEight(valueDim: i32, high: usize, low: usize): void {
  let v0: usize = load<u32>(PLACES), v1: usize = load<u32>(PLACES, 4);
  let v2: usize = load<u32>(PLACES, 8), v3: usize = load<u32>(PLACES, 12);
  let v4: usize = load<u32>(PLACES, 16), v5: usize = load<u32>(PLACES, 20);
  let v6: usize = load<u32>(PLACES, 24), v7: usize = load<u32>(PLACES, 28);
  const w0 = v128.load64_splat(WEIGHTS), w1 = v128.load64_splat(WEIGHTS, 8);
  const w2 = v128.load64_splat(WEIGHTS, 16),
    w3 = v128.load64_splat(WEIGHTS, 24);
  const w4 = v128.load64_splat(WEIGHTS, 32),
    w5 = v128.load64_splat(WEIGHTS, 40);
  const w6 = v128.load64_splat(WEIGHTS, 48),
    w7 = v128.load64_splat(WEIGHTS, 56);
  for (const end = high + (<usize> (valueDim & ~1) << 3); high < end;) {
    const left = f64x2.add(
      f64x2.add(product(v0, w0), product(v1, w1)),
      f64x2.add(product(v2, w2), product(v3, w3)),
    );
    const right = f64x2.add(
      f64x2.add(product(v4, w4), product(v5, w5)),
      f64x2.add(product(v6, w6), product(v7, w7)),
    );
    const y = f64x2.add(left, right), a = v128.load(high);
    const sum = f64x2.add(a, y), part = f64x2.sub(sum, a);
    const lost = f64x2.add(
      f64x2.sub(a, f64x2.sub(sum, part)),
      f64x2.sub(y, part),
    );
    v128.store(high, sum);
    v128.store(low, f64x2.add(v128.load(low), lost));
    high += 16;
    low += 16;
    v0 += 8;
    v1 += 8;
    v2 += 8;
    v3 += 8;
    v4 += 8;
    v5 += 8;
    v6 += 8;
    v7 += 8;
  }
  if (valueDim & 1) {
    const left = (one(v0, 0) + one(v1, 8)) + (one(v2, 16) + one(v3, 24));
    const right = (one(v4, 32) + one(v5, 40)) + (one(v6, 48) + one(v7, 56));
    add(left + right, high, low);
  }
}

/** The last column of a value of the group, times the weight `at`. */
function one(value: usize, at: usize): f64 {
  return load<f64>(WEIGHTS + at) * <f64> load<f32>(value);
}
