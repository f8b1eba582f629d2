/** How large rows of 32-bit numbers are. */

/** A little more than the rounding of a length. */
const MARGIN: f64 = 1 + 1 / 1048576.0;

/** Writes lengths, largest components and numbers that are not 0 of `rows` rows; whether all numbers are finite. */
export function measure(
  from: usize,
  rows: i32,
  width: i32,
  lengths: usize,
  peaks: usize,
  counts: usize,
): bool {
  const zero = f64x2.splat(0);
  let finite = true;
  for (let row = 0; row < rows; row++) {
    let squares = zero, peak = zero, count = 0;
    for (
      const end = from + (<usize> (width & ~1) << 2);
      from < end;
      from += 8
    ) {
      const x = f64x2.promote_low_f32x4(v128.load64_zero(from));
      squares = f64x2.add(squares, f64x2.mul(x, x));
      peak = f64x2.pmax(peak, f64x2.abs(x));
      count += popcnt(i64x2.bitmask(f64x2.ne(x, zero)));
    }
    if (width & 1) {
      const x = f64x2.promote_low_f32x4(v128.load32_zero(from));
      squares = f64x2.add(squares, f64x2.mul(x, x));
      peak = f64x2.pmax(peak, f64x2.abs(x));
      count += popcnt(i64x2.bitmask(f64x2.ne(x, zero)));
      from += 4;
    }
    const sum = f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1);
    // No square of a 32-bit number is infinite in 64 bits unless it is itself.
    if (!(sum < Infinity)) finite = false;
    const at = <usize> row << 3;
    store<f64>(lengths + at, sqrt(sum) * MARGIN);
    store<f64>(
      peaks + at,
      max(f64x2.extract_lane(peak, 0), f64x2.extract_lane(peak, 1)),
    );
    store<i32>(counts + (at >> 1), count);
  }
  return finite;
}
