/** Rows over changed keys, all of them dense: four rows at a time share the loads of keys. */

import { exp2, scaled } from "./exp2";
import { caught, COARSE_MAGIC, RANGE, rest } from "./grids";

/** An exponent this far above its anchor is out of range whatever the value. */
const LARGEST: f64 = 600;
/** Bytes of a change, flags and addresses; and of its biases and peaks. */
const CHANGE: usize = 32, SIZES: usize = 32;
const LEAVES = 1, ENTERS = 2, SAME = 4;
/** At most so many changes come at once, each with two keys. */
const KEYS: usize = 16;

/** Four rows of queries: pairs of columns of all four, one behind the other. */
let wide: usize = 0;
/** Addresses of the keys that are scored, and where their scores go. */
let list: usize = 0;
/** Scores of four rows; weights of the row that moves. */
let scores: usize = 0;
let weights: usize = 0;
/** Biases and peaks of changes. */
let sizes: usize = 0;
/** Where the sums of rows are. */
let anchors: usize = 0, shifts: usize = 0, valueShifts: usize = 0;
let fines: usize = 0, rooms: usize = 0, counts: usize = 0;
let massHigh: usize = 0, massLow: usize = 0;
let magnitudeHigh: usize = 0, magnitudeLow: usize = 0;
let numeratorHigh: usize = 0, numeratorLow: usize = 0;

/** Says where the sums of rows are: twelve addresses. */
export function setSums(at: usize): void {
  anchors = load<u32>(at);
  shifts = load<u32>(at, 4);
  valueShifts = load<u32>(at, 8);
  fines = load<u32>(at, 12);
  rooms = load<u32>(at, 16);
  counts = load<u32>(at, 20);
  massHigh = load<u32>(at, 24);
  massLow = load<u32>(at, 28);
  magnitudeHigh = load<u32>(at, 32);
  magnitudeLow = load<u32>(at, 36);
  numeratorHigh = load<u32>(at, 40);
  numeratorLow = load<u32>(at, 44);
}

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
): void {
  sizes = changeSizes;
  list = scratch;
  scores = list + (KEYS << 3);
  weights = scores + (KEYS << 5);
  wide = weights + (KEYS << 3);
  const keys = listKeys(count, changes);
  const pairs = (dim + 1) >> 1;
  for (let i = 0; i < n; i += 4) {
    const left = min(4, n - i);
    for (let r = 0; r < 4; r++) {
      const row = load<i32>(rows + (<usize> (i + min(r, left - 1)) << 2));
      const place = load<i32>(start + (<usize> row << 2));
      widen(dense + (<usize> (place * dim) << 2), wide + (<usize> r << 4), dim);
    }
    for (let k = 0; k < keys; k += 2) dots(<usize> k, pairs);
    for (let r = 0; r < left; r++) {
      const at = <usize> (i + r) << 2;
      const side = sides ? sides + <usize> ((i + r) * count) : 0;
      const taken = move(
        load<i32>(rows + at),
        side,
        count,
        changes,
        scores + (<usize> r * (KEYS << 3)),
        factor,
        valueDim,
      );
      store<i32>(done + at, taken);
    }
  }
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

// @ts-ignore: decorator

function push(at: i32, key: usize, place: i32): void {
  const to = list + (<usize> at << 3);
  store<u32>(to, <u32> key);
  store<i32>(to, place, 4);
}

/** A query in 64 bits, a zero behind an odd width. */
function widen(query: usize, to: usize, dim: i32): void {
  for (const end = query + (<usize> (dim & ~1) << 2); query < end;) {
    v128.store(to, f64x2.promote_low_f32x4(v128.load64_zero(query)));
    query += 8;
    to += 64;
  }
  if (dim & 1) {
    v128.store(to, f64x2.promote_low_f32x4(v128.load32_zero(query)));
  }
}

// @ts-ignore: decorator

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
  const first = scores + (<usize> load<i32>(entry, 4) << 3);
  const second = scores + (<usize> load<i32>(entry, 12) << 3);
  put(first, second, a0, b0, 0);
  put(first, second, a1, b1, 1);
  put(first, second, a2, b2, 2);
  put(first, second, a3, b3, 3);
}

/** Even + odd stripe of two dot products. */
// @ts-ignore: decorator

function put(first: usize, second: usize, a: v128, b: v128, row: usize): void {
  const sums = f64x2.add(
    v128.shuffle<f64>(a, b, 0, 2),
    v128.shuffle<f64>(a, b, 1, 3),
  );
  v128.store64_lane(first + row * (KEYS << 3), sums, 0);
  v128.store64_lane(second + row * (KEYS << 3), sums, 1);
}

/** Moves a row over the changes, given its dot products; returns how many it could take. */
function move(
  row: i32,
  sides: usize,
  count: i32,
  changes: usize,
  dots: usize,
  factor: f64,
  valueDim: i32,
): i32 {
  const at = <usize> row << 2, at8 = <usize> row << 3;
  const anchor = f64x2.splat(load<f64>(anchors + at8));
  const shift = f64x2.splat(<f64> load<i32>(shifts + at));
  const valueShift = f64x2.splat(<f64> load<i32>(valueShifts + at));
  const magic = 1.5 * 4503599627370496 * load<f64>(fines + at8);
  const coarse = f64x2.splat(COARSE_MAGIC), fine = f64x2.splat(magic);
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
    const into = weights + (<usize> i << 4), own = sizes + <usize> i * SIZES;
    if (side == 0) {
      v128.store(into, f64x2.splat(0));
      continue;
    }
    // The old content in lane 0, the new one in lane 1.
    let t = f64x2.add(
      f64x2.mul(v128.load(dots + (<usize> i << 4)), scale),
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
    v128.store(into, value);
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
      v128.any_true(f64x2.gt(high, f64x2.splat(RANGE))) || size > room
    ) return i;
  }
  store<i32>(counts + at, size);
  v128.store64_lane(massHigh + at8, high, 0);
  v128.store64_lane(magnitudeHigh + at8, high, 1);
  v128.store64_lane(massLow + at8, low, 0);
  v128.store64_lane(magnitudeLow + at8, low, 1);
  const numerators = <usize> (row * valueDim) << 3;
  moveValues(
    count,
    changes,
    valueDim,
    coarse,
    fine,
    numeratorHigh + numerators,
    numeratorLow + numerators,
  );
  return count;
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

// @ts-ignore: decorator

function pairOf(first: usize, second: usize): v128 {
  return v128.load64_lane(second, v128.load64_zero(first), 1);
}

/** Takes old values out of the numerators of a row and puts new ones in, by the weights at hand. */
function moveValues(
  count: i32,
  changes: usize,
  valueDim: i32,
  coarse: v128,
  fine: v128,
  high: usize,
  low: usize,
): void {
  const end = changes + <usize> count * CHANGE;
  let c: usize = 0;
  for (const most = <usize> (valueDim & ~3) << 3; c < most; c += 32) {
    let h0 = v128.load(high + c), h1 = v128.load(high + c, 16);
    let l0 = v128.load(low + c), l1 = v128.load(low + c, 16);
    let w = weights;
    for (let change = changes; change < end; change += CHANGE, w += 16) {
      const before = <usize> load<u32>(change, 12) + c;
      const after = <usize> load<u32>(change, 16) + c;
      const a = v128.load64_splat(w), b = v128.load64_splat(w, 8);
      let y = f64x2.mul(a, v128.load(before)),
        z = f64x2.mul(b, v128.load(after));
      let u = caught(y, coarse), v = caught(z, coarse);
      h0 = i64x2.add(h0, i64x2.sub(v, u));
      l0 = i64x2.add(
        l0,
        i64x2.sub(rest(z, v, coarse, fine), rest(y, u, coarse, fine)),
      );
      y = f64x2.mul(a, v128.load(before, 16));
      z = f64x2.mul(b, v128.load(after, 16));
      u = caught(y, coarse);
      v = caught(z, coarse);
      h1 = i64x2.add(h1, i64x2.sub(v, u));
      l1 = i64x2.add(
        l1,
        i64x2.sub(rest(z, v, coarse, fine), rest(y, u, coarse, fine)),
      );
    }
    v128.store(high + c, h0);
    v128.store(high + c, h1, 16);
    v128.store(low + c, l0);
    v128.store(low + c, l1, 16);
  }
  for (const most = <usize> valueDim << 3; c < most; c += 8) {
    let h = v128.load64_zero(high + c), l = v128.load64_zero(low + c);
    let w = weights;
    for (let change = changes; change < end; change += CHANGE, w += 16) {
      const before = <usize> load<u32>(change, 12) + c;
      const after = <usize> load<u32>(change, 16) + c;
      const y = f64x2.mul(v128.load64_zero(w), v128.load64_zero(before));
      const z = f64x2.mul(v128.load64_zero(w, 8), v128.load64_zero(after));
      const u = caught(y, coarse), v = caught(z, coarse);
      h = i64x2.add(h, i64x2.sub(v, u));
      l = i64x2.add(
        l,
        i64x2.sub(rest(z, v, coarse, fine), rest(y, u, coarse, fine)),
      );
    }
    v128.store64_lane(high + c, h, 0);
    v128.store64_lane(low + c, l, 0);
  }
}
