/**
 * Stateless attention in 32-bit floats: what the two forms of it share.
 *
 * Queries are multiplied by the scale when they are packed.
 */

export { prepare } from "./flash_exp";
export { emptyLanes, finishLanes, foldLanes } from "./flash_lanes";
export { emptyRow, finishRow, foldRows } from "./flash_rows";

/** The least normal number. */
const LEAST_NORMAL: f32 = 1.1754943508222875e-38;

/** Where free memory begins. */
export function heapBase(): usize {
  return __heap_base;
}

/**
 * Packs up to `lanes` rows of `dim` numbers, times `factor`, as padded × lanes, zeros behind them.
 *
 * Bit r of the result: in row r a number has lost bits because it became subnormal.
 */
export function packQueries(
  target: usize,
  source: usize,
  rows: i32,
  lanes: i32,
  dim: i32,
  padded: i32,
  factor: f64,
): i32 {
  let lost = 0;
  memory.fill(target, 0, <usize> (lanes * padded) << 2);
  for (let row = 0; row < rows; row++) {
    let at = target + (<usize> row << 2);
    for (let c = 0; c < dim; c++, source += 4, at += <usize> lanes << 2) {
      const number = f32.load(source), scaled = f32(f64(number) * factor);
      if (abs(scaled) < LEAST_NORMAL && number != 0) lost |= 1 << row;
      f32.store(at, scaled);
    }
  }
  return lost;
}

/** Copies rows of `dim` numbers to rows of `padded`, zeros behind them. */
export function padRows(
  target: usize,
  source: usize,
  rows: i32,
  dim: i32,
  padded: i32,
): void {
  const width = <usize> dim << 2;
  for (let row = 0; row < rows; row++) {
    for (let c: i32 = 0; c < padded; c++) {
      f32.store(
        target + (<usize> c << 2),
        c < dim ? f32.load(source + (<usize> c << 2)) : 0,
      );
    }
    source += width;
    target += <usize> padded << 2;
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
