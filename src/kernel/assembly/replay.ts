/** Rows over changed keys, all of them dense: four rows at a time share the loads of keys. */

import { exp2, scaled } from "./exp2";
import { caught, coarseMagic, halfRange, RANGE, range, rest } from "./grids";
import {
  anchors,
  counts,
  fines,
  magnitudeHigh,
  magnitudeLow,
  massHigh,
  massLow,
  numeratorHigh,
  numeratorLow,
  rooms,
  shifts,
  valueShifts,
} from "./sums";

/** An exponent this far above its anchor is out of range whatever the value. */
const LARGEST: f64 = 600;
const LIMIT: usize = memory.data<f64>([LARGEST, LARGEST], 16);
/** Bytes of a change, flags and addresses; and of its biases and peaks. */
const CHANGE: usize = 32, SIZES: usize = 32;
const LEAVES = 1, ENTERS = 2, SAME = 4;
/** At most so many changes come at once, each with two keys. */
const KEYS: usize = 16;

/** Four rows of queries: pairs of columns of all four, one behind the other. */
let wide: usize = 0;
/** Addresses of the keys that are scored, and where their scores go. */
let list: usize = 0;
/** Scores and weights of four rows. */
let scores: usize = 0;
let weights: usize = 0;
/** Biases and peaks of changes. */
let sizes: usize = 0;

/** Moves `n` rows over `count` changes; see `../simd.ts` for what lies where. */
export function replay(
  n: i32,
  rows: usize,
  done: usize,
  sides: usize,
  count: i32,
  changes: usize,
  changeSizes: usize,
  dense: usize,
  start: usize,
  dim: i32,
  factor: f64,
  valueDim: i32,
  scratch: usize,
): bool {
  let stopped = false;
  sizes = changeSizes;
  list = scratch;
  scores = list + (KEYS << 3);
  weights = scores + (KEYS << 5);
  wide = weights + (KEYS << 5);
  const keys = listKeys(count, changes), most = mostGained(count, changes);
  for (let i = 0; i < n; i += 4) {
    const left = min(4, n - i), at = rows + (<usize> i << 2);
    if (keys == 2) {
      const last = <usize> (left - 1);
      dotsInPlace(
        query(at, 0, dense, start, dim),
        query(at, min(1, last), dense, start, dim),
        query(at, min(2, last), dense, start, dim),
        query(at, last, dense, start, dim),
        dim,
      );
    } else {
      for (let r = 0; r < left; r++) {
        const to = wide + (<usize> r << 4);
        widen(query(at, r, dense, start, dim), to, 64, dim);
      }
      for (let k = 0; k < keys; k += 2) dots(<usize> k, (dim + 1) >> 1);
    }
    for (let r = 0; r < left; r += 2) {
      const both = r + 2 <= left, to = done + (<usize> (i + r) << 2);
      if (both && !sides && weighTwo(at, r, count, most, changes, factor)) {
        store<i32>(to, count);
        store<i32>(to, count, 4);
        for (let c = 0; c < count; c++) moveTwo(at, r, c, changes, valueDim);
        continue;
      }
      for (let q = r; q < min(r + 2, left); q++) {
        const own = sides ? sides + <usize> ((i + q) * count) : 0;
        const taken = weigh(at, q, own, count, changes, factor);
        store<i32>(done + (<usize> (i + q) << 2), taken);
        if (taken < count) stopped = true;
        else {
          for (let c = 0; c < count; c++) moveOne(at, q, c, changes, valueDim);
        }
      }
    }
  }
  return !stopped;
}

/** Where the query of a row is. */
function query(
  rows: usize,
  r: usize,
  dense: usize,
  start: usize,
  dim: i32,
): usize {
  const row = <usize> load<i32>(rows + (r << 2));
  return dense + (<usize> (load<i32>(start + (row << 2)) * dim) << 2);
}

/** Whether the `n` rows are dense: `evens` is less than 0. */
export function allDense(n: i32, rows: usize, evens: usize): bool {
  let sign = -1;
  for (const end = rows + (<usize> n << 2); rows < end; rows += 4) {
    sign &= load<i32>(evens + (<usize> load<i32>(rows) << 2));
  }
  return sign < 0;
}

/** Lists the keys that need a score; an odd one comes twice. */
function listKeys(count: i32, changes: usize): i32 {
  let keys = 0;
  for (let i = 0; i < count; i++) {
    const change = changes + <usize> i * CHANGE, flags = load<i32>(change);
    if (flags & LEAVES) push(keys++, load<u32>(change, 4), 2 * i);
    if ((flags & ENTERS) && (flags & (LEAVES | SAME)) != (LEAVES | SAME)) {
      push(keys++, load<u32>(change, 8), 2 * i + 1);
    }
  }
  if (keys & 1) {
    const last = list + (<usize> (keys - 1) << 3);
    push(keys, load<u32>(last), load<i32>(last, 4));
  }
  return keys;
}

function push(at: i32, key: usize, place: i32): void {
  const to = list + (<usize> at << 3);
  store<u32>(to, <u32> key);
  store<i32>(to, place, 4);
}

/** 32-bit numbers as pairs of 64-bit ones, from `step` to `step` bytes, a zero behind an odd one. */
export function widen(from: usize, to: usize, step: usize, count: i32): void {
  for (const end = from + (<usize> (count & ~1) << 2); from < end;) {
    v128.store(to, f64x2.promote_low_f32x4(v128.load64_zero(from)));
    from += 8;
    to += step;
  }
  if (count & 1) {
    v128.store(to, f64x2.promote_low_f32x4(v128.load32_zero(from)));
  }
}

function madd(a: v128, b: v128, sum: v128): v128 {
  return f64x2.add(f64x2.mul(a, b), sum);
}

/** The dot products of four rows with two keys of the list. */
function dots(at: usize, pairs: i32): void {
  const entry = list + (at << 3);
  let k: usize = load<u32>(entry), m: usize = load<u32>(entry, 8), q = wide;
  let a0 = f64x2.splat(0), a1 = a0, a2 = a0, a3 = a0;
  let b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  for (const end = q + (<usize> pairs << 6); q < end;) {
    const x = v128.load(k), y = v128.load(m);
    let z = v128.load(q);
    a0 = madd(x, z, a0);
    b0 = madd(y, z, b0);
    z = v128.load(q, 16);
    a1 = madd(x, z, a1);
    b1 = madd(y, z, b1);
    z = v128.load(q, 32);
    a2 = madd(x, z, a2);
    b2 = madd(y, z, b2);
    z = v128.load(q, 48);
    a3 = madd(x, z, a3);
    b3 = madd(y, z, b3);
    k += 16;
    m += 16;
    q += 64;
  }
  const first = scores + (<usize> load<i32>(entry, 4) << 5);
  const second = scores + (<usize> load<i32>(entry, 12) << 5);
  put(first, a0, a1);
  put(first + 16, a2, a3);
  put(second, b0, b1);
  put(second + 16, b2, b3);
}

/** Two 32-bit numbers as 64-bit ones. */
function pair(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(at));
}

/** The dot products of four queries, where they lie, with the two keys of the list. */
function dotsInPlace(
  q0: usize,
  q1: usize,
  q2: usize,
  q3: usize,
  dim: i32,
): void {
  let k: usize = load<u32>(list), m: usize = load<u32>(list, 8);
  let a0 = f64x2.splat(0), a1 = a0, a2 = a0, a3 = a0;
  let b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  for (const end = k + (<usize> (dim & ~1) << 3); k < end;) {
    const x = v128.load(k), y = v128.load(m);
    let z = pair(q0);
    a0 = madd(x, z, a0);
    b0 = madd(y, z, b0);
    z = pair(q1);
    a1 = madd(x, z, a1);
    b1 = madd(y, z, b1);
    z = pair(q2);
    a2 = madd(x, z, a2);
    b2 = madd(y, z, b2);
    z = pair(q3);
    a3 = madd(x, z, a3);
    b3 = madd(y, z, b3);
    k += 16;
    m += 16;
    q0 += 8;
    q1 += 8;
    q2 += 8;
    q3 += 8;
  }
  if (dim & 1) {
    // Behind the last column of a key lies a zero.
    const x = v128.load(k), y = v128.load(m);
    let z = f64x2.promote_low_f32x4(v128.load32_zero(q0));
    a0 = madd(x, z, a0);
    b0 = madd(y, z, b0);
    z = f64x2.promote_low_f32x4(v128.load32_zero(q1));
    a1 = madd(x, z, a1);
    b1 = madd(y, z, b1);
    z = f64x2.promote_low_f32x4(v128.load32_zero(q2));
    a2 = madd(x, z, a2);
    b2 = madd(y, z, b2);
    z = f64x2.promote_low_f32x4(v128.load32_zero(q3));
    a3 = madd(x, z, a3);
    b3 = madd(y, z, b3);
  }
  const first = scores + (<usize> load<i32>(list, 4) << 5);
  const second = scores + (<usize> load<i32>(list, 12) << 5);
  put(first, a0, a1);
  put(first + 16, a2, a3);
  put(second, b0, b1);
  put(second + 16, b2, b3);
}

/** Even + odd stripes of the dot products of a key with two rows. */
function put(to: usize, a: v128, b: v128): void {
  const evens = v128.shuffle<f64>(a, b, 0, 2);
  v128.store(to, f64x2.add(evens, v128.shuffle<f64>(a, b, 1, 3)));
}

/** How many keys more a row has at most on the way. */
function mostGained(count: i32, changes: usize): i32 {
  let gained = 0, most = 0;
  for (let i = 0; i < count; i++) {
    const flags = load<i32>(changes + <usize> i * CHANGE);
    gained += ((flags & ENTERS) >> 1) - (flags & LEAVES);
    most = max(most, gained);
  }
  return most;
}

/** Weighs the changes for a row, given its dot products, and moves all but its numerators; returns how many it could take. */
function weigh(
  rows: usize,
  r: usize,
  sides: usize,
  count: i32,
  changes: usize,
  factor: f64,
): i32 {
  const row = load<i32>(rows + (r << 2));
  const at = <usize> row << 2, at8 = <usize> row << 3;
  const anchor = f64x2.splat(load<f64>(anchors + at8));
  const shift = f64x2.splat(<f64> load<i32>(shifts + at));
  const valueShift = f64x2.splat(<f64> load<i32>(valueShifts + at));
  const magic = 1.5 * 4503599627370496 * load<f64>(fines + at8);
  const coarse = coarseMagic(), fine = f64x2.splat(magic);
  const scale = f64x2.splat(factor), room = load<i32>(rooms + at);
  let size = load<i32>(counts + at);
  // Mass and magnitude side by side.
  let high = pairOf(massHigh + at8, magnitudeHigh + at8);
  let low = pairOf(massLow + at8, magnitudeLow + at8);
  for (let i = 0; i < count; i++) {
    const change = changes + <usize> i * CHANGE, flags = load<i32>(change);
    const side = sides
      ? <i32> load<u8>(sides + <usize> i)
      : flags & (LEAVES | ENTERS);
    const into = weights + (<usize> i << 6) + (r << 3);
    const own = sizes + <usize> i * SIZES;
    const dots = scores + (<usize> i << 6) + (r << 3);
    if (side == 0) {
      store<f64>(into, 0);
      store<f64>(into, 0, 32);
      continue;
    }
    // The old content in lane 0, the new one in lane 1.
    let t = f64x2.add(
      f64x2.mul(pairOf(dots, dots + 32), scale),
      v128.load(own),
    );
    if ((flags & (LEAVES | SAME)) == (LEAVES | SAME)) {
      t = v128.shuffle<f64>(t, t, 0, 0);
    }
    const whole = f64x2.nearest(t), mantissa = exp2(f64x2.sub(t, whole));
    const exponent = f64x2.sub(whole, anchor);
    const places = f64x2.sub(exponent, shift);
    const valuePlaces = f64x2.sub(exponent, valueShift);
    const mask = v128.load(MASKS + (<usize> side << 4));
    const weight = v128.and(mask, scaled(mantissa, places));
    const value = v128.and(mask, scaled(mantissa, valuePlaces));
    const part = f64x2.mul(value, v128.load(own, 16));
    v128.store64_lane(into, value, 0);
    v128.store64_lane(into + 32, value, 1);
    if (side & ENTERS) {
      const least = min(
        f64x2.extract_lane(places, 1),
        f64x2.extract_lane(valuePlaces, 1),
      );
      if (
        least > LARGEST || f64x2.extract_lane(weight, 1) >= RANGE / 2 ||
        f64x2.extract_lane(part, 1) >= RANGE / 2
      ) return i;
    }
    // Out of the first lane of each, into the second: mass and magnitude.
    const out = v128.shuffle<f64>(weight, part, 0, 2);
    const inward = v128.shuffle<f64>(weight, part, 1, 3);
    const u = caught(out, coarse), v = caught(inward, coarse);
    high = f64x2.add(high, f64x2.sub(v, u));
    low = f64x2.add(
      low,
      f64x2.sub(rest(inward, v, coarse, fine), rest(out, u, coarse, fine)),
    );
    size += (side >> 1) - (side & 1);
    if (
      v128.any_true(f64x2.gt(high, range())) || size > room
    ) return i;
  }
  store<i32>(counts + at, size);
  v128.store64_lane(massHigh + at8, high, 0);
  v128.store64_lane(magnitudeHigh + at8, high, 1);
  v128.store64_lane(massLow + at8, low, 0);
  v128.store64_lane(magnitudeLow + at8, low, 1);
  return count;
}

/**
 * The same for rows `r` and `r` + 1 of four, side by side, where all rows take all changes. False, and nothing moved,
 * where one of them could not take one; `most` is how many keys more they have at most on the way.
 */
function weighTwo(
  rows: usize,
  r: usize,
  count: i32,
  most: i32,
  changes: usize,
  factor: f64,
): bool {
  const one = <usize> load<i32>(rows + (r << 2));
  const two = <usize> load<i32>(rows + (r << 2), 4);
  const a4 = one << 2, b4 = two << 2, a8 = one << 3, b8 = two << 3;
  if (
    load<i32>(counts + a4) + most > load<i32>(rooms + a4) ||
    load<i32>(counts + b4) + most > load<i32>(rooms + b4)
  ) return false;
  const anchor = pairOf(anchors + a8, anchors + b8);
  const shift = wholePair(shifts + a4, shifts + b4);
  const valueShift = wholePair(valueShifts + a4, valueShifts + b4);
  const coarse = coarseMagic(), scale = f64x2.splat(factor);
  const fine = f64x2.mul(
    pairOf(fines + a8, fines + b8),
    f64x2.splat(1.5 * 4503599627370496),
  );
  const half = halfRange(), largest = range();
  let massH = pairOf(massHigh + a8, massHigh + b8);
  let massL = pairOf(massLow + a8, massLow + b8);
  let sizeH = pairOf(magnitudeHigh + a8, magnitudeHigh + b8);
  let sizeL = pairOf(magnitudeLow + a8, magnitudeLow + b8);
  const limit = v128.load(LIMIT);
  let over = f64x2.splat(0), gained = 0;
  for (let i = 0; i < count; i++) {
    const flags = load<i32>(changes + <usize> i * CHANGE);
    const own = sizes + <usize> i * SIZES, at = (<usize> i << 6) + (r << 3);
    let wOut = f64x2.splat(0), vOut = wOut, wIn = wOut, vIn = wOut;
    if (flags & LEAVES) {
      const t = f64x2.add(
        f64x2.mul(v128.load(scores + at), scale),
        v128.load64_splat(own),
      );
      const whole = f64x2.nearest(t), mantissa = exp2(f64x2.sub(t, whole));
      const exponent = f64x2.sub(whole, anchor);
      wOut = scaled(mantissa, f64x2.sub(exponent, shift));
      vOut = scaled(mantissa, f64x2.sub(exponent, valueShift));
    }
    if ((flags & (LEAVES | SAME)) == (LEAVES | SAME)) {
      wIn = wOut;
      vIn = vOut;
    } else if (flags & ENTERS) {
      const t = f64x2.add(
        f64x2.mul(v128.load(scores + at, 32), scale),
        v128.load64_splat(own, 8),
      );
      const whole = f64x2.nearest(t), mantissa = exp2(f64x2.sub(t, whole));
      const exponent = f64x2.sub(whole, anchor);
      const places = f64x2.sub(exponent, shift);
      const valuePlaces = f64x2.sub(exponent, valueShift);
      wIn = scaled(mantissa, places);
      vIn = scaled(mantissa, valuePlaces);
      const least = f64x2.pmin(places, valuePlaces);
      over = v128.or(over, f64x2.gt(least, limit));
    }
    v128.store(weights + at, vOut);
    v128.store(weights + at, vIn, 32);
    const pOut = f64x2.mul(vOut, v128.load64_splat(own, 16));
    const pIn = f64x2.mul(vIn, v128.load64_splat(own, 24));
    over = v128.or(over, v128.or(f64x2.ge(wIn, half), f64x2.ge(pIn, half)));
    let u = caught(wOut, coarse), v = caught(wIn, coarse);
    massH = f64x2.add(massH, f64x2.sub(v, u));
    massL = f64x2.add(
      massL,
      f64x2.sub(rest(wIn, v, coarse, fine), rest(wOut, u, coarse, fine)),
    );
    u = caught(pOut, coarse);
    v = caught(pIn, coarse);
    sizeH = f64x2.add(sizeH, f64x2.sub(v, u));
    sizeL = f64x2.add(
      sizeL,
      f64x2.sub(rest(pIn, v, coarse, fine), rest(pOut, u, coarse, fine)),
    );
    over = v128.or(
      over,
      v128.or(f64x2.gt(massH, largest), f64x2.gt(sizeH, largest)),
    );
    gained += ((flags & ENTERS) >> 1) - (flags & LEAVES);
  }
  if (v128.any_true(over)) return false;
  store<i32>(counts + a4, load<i32>(counts + a4) + gained);
  store<i32>(counts + b4, load<i32>(counts + b4) + gained);
  putPair(massHigh + a8, massHigh + b8, massH);
  putPair(massLow + a8, massLow + b8, massL);
  putPair(magnitudeHigh + a8, magnitudeHigh + b8, sizeH);
  putPair(magnitudeLow + a8, magnitudeLow + b8, sizeL);
  return true;
}

/** Two whole numbers as doubles. */
function wholePair(first: usize, second: usize): v128 {
  const pair = v128.load32_lane(second, v128.load32_zero(first), 1);
  return f64x2.convert_low_i32x4_s(pair);
}

function putPair(first: usize, second: usize, pair: v128): void {
  v128.store64_lane(first, pair, 0);
  v128.store64_lane(second, pair, 1);
}

/** Which lanes take part, by side: none, the old content, the new one, both. */
const MASKS: usize = memory.data<u64>([
  0,
  0,
  u64.MAX_VALUE,
  0,
  0,
  u64.MAX_VALUE,
  u64.MAX_VALUE,
  u64.MAX_VALUE,
], 16);

function pairOf(first: usize, second: usize): v128 {
  return v128.load64_lane(second, v128.load64_zero(first), 1);
}

/** The magic number of a row's fine grid. */
function magicOf(row: i32): v128 {
  return f64x2.splat(
    1.5 * 4503599627370496 * load<f64>(fines + (<usize> row << 3)),
  );
}

/** What a grid has of a contribution that comes, less what it has of one that goes. */
function swap(sum: v128, out: v128, into: v128): v128 {
  return i64x2.add(sum, i64x2.sub(into, out));
}

/** Moves the numerators of row `r` of four over change `c`. */
function moveOne(
  rows: usize,
  r: usize,
  c: usize,
  changes: usize,
  valueDim: i32,
): void {
  const row = load<i32>(rows + (r << 2));
  const first = <usize> (row * valueDim) << 3, change = changes + c * CHANGE;
  let high = numeratorHigh + first, low = numeratorLow + first;
  const coarse = coarseMagic(), fine = magicOf(row);
  const own = weights + (c << 6) + (r << 3);
  const a = v128.load64_splat(own), b = v128.load64_splat(own, 32);
  let before: usize = load<u32>(change, 12);
  let after: usize = load<u32>(change, 16);
  for (const end = high + (<usize> (valueDim & ~1) << 3); high < end;) {
    const y = f64x2.mul(a, v128.load(before));
    const z = f64x2.mul(b, v128.load(after));
    const u = caught(y, coarse), v = caught(z, coarse);
    v128.store(high, swap(v128.load(high), u, v));
    v128.store(
      low,
      swap(v128.load(low), rest(y, u, coarse, fine), rest(z, v, coarse, fine)),
    );
    before += 16;
    after += 16;
    high += 16;
    low += 16;
  }
  if (valueDim & 1) {
    moveColumn(own, before, after, high, low, coarse, fine);
  }
}

/** Moves one numerator over one change. */
function moveColumn(
  weights: usize,
  before: usize,
  after: usize,
  high: usize,
  low: usize,
  coarse: v128,
  fine: v128,
): void {
  const y = f64x2.mul(v128.load64_zero(weights), v128.load64_zero(before));
  const z = f64x2.mul(v128.load64_zero(weights, 32), v128.load64_zero(after));
  const u = caught(y, coarse), v = caught(z, coarse);
  v128.store64_lane(high, swap(v128.load64_zero(high), u, v), 0);
  v128.store64_lane(
    low,
    swap(
      v128.load64_zero(low),
      rest(y, u, coarse, fine),
      rest(z, v, coarse, fine),
    ),
    0,
  );
}

/** Moves those of rows `r` and `r` + 1, which share the values. */
function moveTwo(
  rows: usize,
  r: usize,
  c: usize,
  changes: usize,
  valueDim: i32,
): void {
  const one = load<i32>(rows + (r << 2)), two = load<i32>(rows + (r << 2), 4);
  const first = <usize> (one * valueDim) << 3;
  const second = <usize> (two * valueDim) << 3, change = changes + c * CHANGE;
  let high = numeratorHigh + first, low = numeratorLow + first;
  let high2 = numeratorHigh + second, low2 = numeratorLow + second;
  const coarse = coarseMagic();
  const fine = magicOf(one), fine2 = magicOf(two);
  const own = weights + (c << 6) + (r << 3);
  const a = v128.load64_splat(own), b = v128.load64_splat(own, 32);
  const a2 = v128.load64_splat(own, 8), b2 = v128.load64_splat(own, 40);
  let before: usize = load<u32>(change, 12);
  let after: usize = load<u32>(change, 16);
  for (const end = high + (<usize> (valueDim & ~1) << 3); high < end;) {
    const old = v128.load(before), now = v128.load(after);
    let y = f64x2.mul(a, old), z = f64x2.mul(b, now);
    let u = caught(y, coarse), v = caught(z, coarse);
    v128.store(high, swap(v128.load(high), u, v));
    v128.store(
      low,
      swap(v128.load(low), rest(y, u, coarse, fine), rest(z, v, coarse, fine)),
    );
    y = f64x2.mul(a2, old);
    z = f64x2.mul(b2, now);
    u = caught(y, coarse);
    v = caught(z, coarse);
    v128.store(high2, swap(v128.load(high2), u, v));
    v128.store(
      low2,
      swap(
        v128.load(low2),
        rest(y, u, coarse, fine2),
        rest(z, v, coarse, fine2),
      ),
    );
    before += 16;
    after += 16;
    high += 16;
    low += 16;
    high2 += 16;
    low2 += 16;
  }
  if (valueDim & 1) {
    moveColumn(own, before, after, high, low, coarse, fine);
    moveColumn(own + 8, before, after, high2, low2, coarse, fine2);
  }
}
