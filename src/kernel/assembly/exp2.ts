/** Powers of two, two at a time: the bits of `../exp2.ts`. */

// Every constant twice. They are loaded, not written into the code: engines would build them anew in every turn of a
// loop. The polynomial's first, then 1.5 * 2^52 + 1023 and the least and largest exponents.
const TABLE: usize = memory.data<f64>([
  1,
  1,
  0.6931471805599453,
  0.6931471805599453,
  0.24022650695910072,
  0.24022650695910072,
  0.05550410866482158,
  0.05550410866482158,
  0.009618129107628477,
  0.009618129107628477,
  0.0013333558146428443,
  0.0013333558146428443,
  0.0001540353039338161,
  0.0001540353039338161,
  1.5252733804059841e-05,
  1.5252733804059841e-05,
  1.321548679014431e-06,
  1.321548679014431e-06,
  1.01780860092397e-07,
  1.01780860092397e-07,
  7.054911620801123e-09,
  7.054911620801123e-09,
  4.4455382718708116e-10,
  4.4455382718708116e-10,
  2.5678435993488206e-11,
  2.5678435993488206e-11,
  1.3691488853904128e-12,
  1.3691488853904128e-12,
  6755399441056767,
  6755399441056767,
  -1022,
  -1022,
  1023,
  1023,
], 16);

function constant(at: usize): v128 {
  return v128.load(TABLE + (at << 4));
}

/** 2^f for |f| <= 1/2. */
export function exp2(f: v128): v128 {
  const square = f64x2.mul(f, f), fourth = f64x2.mul(square, square);
  const low = line(line2(0, f), line2(2, f), square);
  const middle = line(line2(4, f), line2(6, f), square);
  const high = line(
    line(line2(8, f), line2(10, f), square),
    line2(12, f),
    fourth,
  );
  return f64x2.add(
    line(low, middle, fourth),
    f64x2.mul(high, f64x2.mul(fourth, fourth)),
  );
}

function line(a: v128, b: v128, x: v128): v128 {
  return f64x2.add(a, f64x2.mul(b, x));
}

function line2(at: usize, f: v128): v128 {
  return line(constant(at), constant(at + 1), f);
}

/** mantissa * 2^places for whole places; exactly 0 below -1022. */
export function scaled(mantissa: v128, places: v128): v128 {
  const inside = f64x2.pmin(
    f64x2.pmax(places, constant(15)),
    constant(16),
  );
  const power = i64x2.shl(f64x2.add(inside, constant(14)), 52);
  return v128.and(
    f64x2.ge(places, constant(15)),
    f64x2.mul(mantissa, power),
  );
}
