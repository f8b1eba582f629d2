/** The weights of changed keys, and mass and magnitude over them: one row at a time, or two side by side. */

import { exp2, scaled } from "./exp2";
import { caught, coarseMagic, halfRange, RANGE, range, rest } from "./grids";
import {
  CHANGE,
  ENTERS,
  LEAVES,
  pairOf,
  SAME,
  scores,
  SIZES,
  sizes,
  weights,
} from "./replay_room";
import {
  anchors,
  counts,
  fines,
  magnitudeHigh,
  magnitudeLow,
  massHigh,
  massLow,
  rooms,
  shifts,
  valueShifts,
} from "./sums";

/** An exponent this far above its anchor is out of range whatever the value. */
const LARGEST: f64 = 600;
const LIMIT: usize = memory.data<f64>([LARGEST, LARGEST], 16);

/** Weighs the changes for a row, given its dot products, and moves all but its numerators; returns how many it could take. */
export function weigh(
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
export function weighTwo(
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
