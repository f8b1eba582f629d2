/**
 * Stateless attention in 32-bit floats: what the two forms of it share.
 *
 * Queries are multiplied by the scale when they are packed.
 */

import { PANEL } from "./flash_panel";

export { prepare } from "./flash_exp";
export { emptyLanes, finishLanes, foldLanes } from "./flash_lanes";
export { addRows, emptyRow, finishRow, scoreRows } from "./flash_rows";

/** The least normal number. */
const LEAST_NORMAL: f32 = 1.1754943508222875e-38;

/** Where free memory begins. */
export function heapBase(): usize {
  return __heap_base;
}

/**
 * Packs eight rows of `dim` numbers, a multiple of 4, times `factor`, as dim × 8.
 *
 * Bit r of the result: in row r a number has lost bits because it became subnormal.
 */
export function packLanes(
  target: usize,
  source: usize,
  dim: i32,
  factor: f32,
): i32 {
  return packFour(target, source, dim, factor) |
    packFour(target + 16, source + (<usize> dim << 4), dim, factor) << 4;
}

function packFour(target: usize, source: usize, dim: i32, factor: f32): i32 {
  const stride = <usize> dim << 2, factors = f32x4.splat(factor);
  const row1 = source + stride, row2 = row1 + stride, row3 = row2 + stride;
  const none = f32x4.splat(0);
  let lost0 = none, lost1 = none, lost2 = none, lost3 = none;
  for (let c: usize = 0; c < stride; c += 16, target += 128) {
    const x = v128.load(source + c), a = f32x4.mul(x, factors);
    const y = v128.load(row1 + c), b = f32x4.mul(y, factors);
    const z = v128.load(row2 + c), d = f32x4.mul(z, factors);
    const w = v128.load(row3 + c), e = f32x4.mul(w, factors);
    lost0 = v128.or(lost0, lostIn(x, a));
    lost1 = v128.or(lost1, lostIn(y, b));
    lost2 = v128.or(lost2, lostIn(z, d));
    lost3 = v128.or(lost3, lostIn(w, e));
    const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
    const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    const de0 = v128.shuffle<f32>(d, e, 0, 4, 1, 5);
    const de1 = v128.shuffle<f32>(d, e, 2, 6, 3, 7);
    v128.store(target, v128.shuffle<f32>(ab0, de0, 0, 1, 4, 5));
    v128.store(target, v128.shuffle<f32>(ab0, de0, 2, 3, 6, 7), 32);
    v128.store(target, v128.shuffle<f32>(ab1, de1, 0, 1, 4, 5), 64);
    v128.store(target, v128.shuffle<f32>(ab1, de1, 2, 3, 6, 7), 96);
  }
  return i32(v128.any_true(lost0)) | i32(v128.any_true(lost1)) << 1 |
    i32(v128.any_true(lost2)) << 2 | i32(v128.any_true(lost3)) << 3;
}

/** Packs one row of it as it is. */
export function packRow(
  target: usize,
  source: usize,
  dim: i32,
  factor: f32,
): i32 {
  const factors = f32x4.splat(factor);
  let lost = f32x4.splat(0);
  for (let c = 0; c < dim; c += 4, source += 16, target += 16) {
    const x = v128.load(source), a = f32x4.mul(x, factors);
    lost = v128.or(lost, lostIn(x, a));
    v128.store(target, a);
  }
  return i32(v128.any_true(lost));
}

/** Where a number that was not 0 is smaller now than the least normal one. */
function lostIn(before: v128, after: v128): v128 {
  const small = f32x4.lt(f32x4.abs(after), f32x4.splat(LEAST_NORMAL));
  return v128.and(small, f32x4.ne(before, f32x4.splat(0)));
}

/** Packs rows of `dim` numbers as panels of `padded` × PANEL; behind the last row there may be anything. */
export function packKeys(
  target: usize,
  source: usize,
  rows: i32,
  dim: i32,
  padded: i32,
): void {
  const stride = <usize> dim << 2;
  for (
    let row = 0;
    row < rows;
    row += PANEL, source += <usize> PANEL * stride
  ) {
    const row1 = source + stride, row2 = row1 + stride, row3 = row2 + stride;
    const row4 = row3 + stride;
    let c = 0;
    for (; c + 4 <= dim; c += 4, target += 16 * PANEL) {
      const at = <usize> c << 2;
      const a = v128.load(source + at), b = v128.load(row1 + at);
      const d = v128.load(row2 + at), e = v128.load(row3 + at);
      const f = v128.load(row4 + at);
      const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
      const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const de0 = v128.shuffle<f32>(d, e, 0, 4, 1, 5);
      const de1 = v128.shuffle<f32>(d, e, 2, 6, 3, 7);
      v128.store(target, v128.shuffle<f32>(ab0, de0, 0, 1, 4, 5));
      v128.store(target, v128.shuffle<f32>(ab0, de0, 2, 3, 6, 7), 20);
      v128.store(target, v128.shuffle<f32>(ab1, de1, 0, 1, 4, 5), 40);
      v128.store(target, v128.shuffle<f32>(ab1, de1, 2, 3, 6, 7), 60);
      v128.store32_lane(target, f, 0, 16);
      v128.store32_lane(target, f, 1, 36);
      v128.store32_lane(target, f, 2, 56);
      v128.store32_lane(target, f, 3, 76);
    }
    for (; c < padded; c++, target += 4 * PANEL) {
      const at = <usize> c << 2;
      f32.store(target, c < dim ? f32.load(source + at) : 0);
      f32.store(target, c < dim ? f32.load(row1 + at) : 0, 4);
      f32.store(target, c < dim ? f32.load(row2 + at) : 0, 8);
      f32.store(target, c < dim ? f32.load(row3 + at) : 0, 12);
      f32.store(target, c < dim ? f32.load(row4 + at) : 0, 16);
    }
  }
}

/** Copies rows of `dim` numbers to rows of `padded`, the next multiple of 4, zeros behind them. */
export function padRows(
  target: usize,
  source: usize,
  rows: i32,
  dim: i32,
  padded: i32,
): void {
  const width = <usize> dim << 2, whole = dim & -4;
  // Where the last numbers of a row are.
  const behind = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(dim - whole));
  for (let row = 0; row < rows; row++, source += width) {
    for (let c = 0; c < whole; c += 4, target += 16) {
      v128.store(target, v128.load(source + (<usize> c << 2)));
    }
    if (whole == padded) continue;
    const rest = v128.load(source + (<usize> whole << 2));
    v128.store(target, v128.and(rest, behind));
    target += 16;
  }
}

/** Turns `count` bytes of a mask into biases: 0 where they are not 0, −Infinity where they are. */
export function widenMask(target: usize, source: usize, count: i32): void {
  const none = f32x4.splat(-Infinity), zero = i32x4.splat(0);
  for (let i = 0; i < count; i += 4, target += 16, source += 4) {
    const bytes = v128.load32_zero(source);
    const wide = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes));
    v128.store(target, v128.and(none, i32x4.eq(wide, zero)));
  }
}

/** Bytes of a line of the cache, of which four are read in a turn. */
const LINE: usize = 64;

/**
 * Reads a number of each line from … to − 1, in order, so that engines of the cache run ahead as they do not where rows
 * are read side by side; all numbers or'ed, lest a compiler leaves it out.
 */
export function touch(from: usize, to: usize): i32 {
  let all: i32 = 0;
  for (; from + 4 * LINE <= to; from += 4 * LINE) {
    all |= i32.load(from) | i32.load(from, LINE) |
      i32.load(from, 2 * LINE) | i32.load(from, 3 * LINE);
  }
  return all;
}
