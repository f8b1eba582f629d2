/** The numerators of rows over changed values: one row at a time, or two that share the loads of values. */

import { caught, coarseMagic, rest } from "./grids";
import { CHANGE, weights } from "./replay_room";
import { fines, numeratorHigh, numeratorLow } from "./sums";

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
export function moveOne(
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
export function moveTwo(
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
