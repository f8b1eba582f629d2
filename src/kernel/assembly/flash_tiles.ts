/**
 * The products of eight queries: tiles of five keys or five columns, whose ten sums, operands and one broadcast fit the 16
 * registers of x86.
 *
 * Four numbers are read at once and spread over the lanes one after the other: engines check every reading, and a check
 * costs as much as a product.
 */

import { finite, madd } from "./flash_exp";

/** Scores of five keys, the rows at `key`: the same bits, with more numbers at hand than there are registers. */
export function scoreTile(
  scores: usize,
  query: usize,
  key: usize,
  stride: usize,
): void {
  let key0 = key, key1 = key0 + stride, key2 = key1 + stride;
  let key3 = key2 + stride, key4 = key3 + stride;
  let a0 = f32x4.splat(0),
    b0 = f32x4.splat(0),
    a1 = f32x4.splat(0),
    b1 = f32x4.splat(0),
    a2 = f32x4.splat(0),
    b2 = f32x4.splat(0),
    a3 = f32x4.splat(0),
    b3 = f32x4.splat(0),
    a4 = f32x4.splat(0),
    b4 = f32x4.splat(0);
  let k0: v128, k1: v128, k2: v128, k3: v128, k4: v128;
  let x: v128, y0: v128, y1: v128;
  const end = query + (stride << 3);
  while (query != end) {
    k0 = v128.load(key0);
    k1 = v128.load(key1);
    k2 = v128.load(key2);
    k3 = v128.load(key3);
    k4 = v128.load(key4);
    key0 += 16;
    key1 += 16;
    key2 += 16;
    key3 += 16;
    key4 += 16;
    y0 = v128.load(query, 0);
    y1 = v128.load(query, 16);
    x = v128.shuffle<f32>(k0, k0, 0, 0, 0, 0);
    a0 = madd(x, y0, a0);
    b0 = madd(x, y1, b0);
    x = v128.shuffle<f32>(k1, k1, 0, 0, 0, 0);
    a1 = madd(x, y0, a1);
    b1 = madd(x, y1, b1);
    x = v128.shuffle<f32>(k2, k2, 0, 0, 0, 0);
    a2 = madd(x, y0, a2);
    b2 = madd(x, y1, b2);
    x = v128.shuffle<f32>(k3, k3, 0, 0, 0, 0);
    a3 = madd(x, y0, a3);
    b3 = madd(x, y1, b3);
    x = v128.shuffle<f32>(k4, k4, 0, 0, 0, 0);
    a4 = madd(x, y0, a4);
    b4 = madd(x, y1, b4);
    y0 = v128.load(query, 32);
    y1 = v128.load(query, 48);
    x = v128.shuffle<f32>(k0, k0, 1, 1, 1, 1);
    a0 = madd(x, y0, a0);
    b0 = madd(x, y1, b0);
    x = v128.shuffle<f32>(k1, k1, 1, 1, 1, 1);
    a1 = madd(x, y0, a1);
    b1 = madd(x, y1, b1);
    x = v128.shuffle<f32>(k2, k2, 1, 1, 1, 1);
    a2 = madd(x, y0, a2);
    b2 = madd(x, y1, b2);
    x = v128.shuffle<f32>(k3, k3, 1, 1, 1, 1);
    a3 = madd(x, y0, a3);
    b3 = madd(x, y1, b3);
    x = v128.shuffle<f32>(k4, k4, 1, 1, 1, 1);
    a4 = madd(x, y0, a4);
    b4 = madd(x, y1, b4);
    y0 = v128.load(query, 64);
    y1 = v128.load(query, 80);
    x = v128.shuffle<f32>(k0, k0, 2, 2, 2, 2);
    a0 = madd(x, y0, a0);
    b0 = madd(x, y1, b0);
    x = v128.shuffle<f32>(k1, k1, 2, 2, 2, 2);
    a1 = madd(x, y0, a1);
    b1 = madd(x, y1, b1);
    x = v128.shuffle<f32>(k2, k2, 2, 2, 2, 2);
    a2 = madd(x, y0, a2);
    b2 = madd(x, y1, b2);
    x = v128.shuffle<f32>(k3, k3, 2, 2, 2, 2);
    a3 = madd(x, y0, a3);
    b3 = madd(x, y1, b3);
    x = v128.shuffle<f32>(k4, k4, 2, 2, 2, 2);
    a4 = madd(x, y0, a4);
    b4 = madd(x, y1, b4);
    y0 = v128.load(query, 96);
    y1 = v128.load(query, 112);
    x = v128.shuffle<f32>(k0, k0, 3, 3, 3, 3);
    a0 = madd(x, y0, a0);
    b0 = madd(x, y1, b0);
    x = v128.shuffle<f32>(k1, k1, 3, 3, 3, 3);
    a1 = madd(x, y0, a1);
    b1 = madd(x, y1, b1);
    x = v128.shuffle<f32>(k2, k2, 3, 3, 3, 3);
    a2 = madd(x, y0, a2);
    b2 = madd(x, y1, b2);
    x = v128.shuffle<f32>(k3, k3, 3, 3, 3, 3);
    a3 = madd(x, y0, a3);
    b3 = madd(x, y1, b3);
    x = v128.shuffle<f32>(k4, k4, 3, 3, 3, 3);
    a4 = madd(x, y0, a4);
    b4 = madd(x, y1, b4);
    query += 128;
  }
  v128.store(scores, a0, 0);
  v128.store(scores, b0, 16);
  v128.store(scores, a1, 32);
  v128.store(scores, b1, 48);
  v128.store(scores, a2, 64);
  v128.store(scores, b2, 80);
  v128.store(scores, a3, 96);
  v128.store(scores, b3, 112);
  v128.store(scores, a4, 128);
  v128.store(scores, b4, 144);
}

/** Five columns of numerators: o · factor + Σ weight · value over `count` keys. */
export function addColumns5(
  numerator: usize,
  weights: usize,
  value: usize,
  valueStride: usize,
  count: i32,
  factors: usize,
): void {
  let a0 = f32x4.splat(0),
    b0 = f32x4.splat(0),
    a1 = f32x4.splat(0),
    b1 = f32x4.splat(0),
    a2 = f32x4.splat(0),
    b2 = f32x4.splat(0),
    a3 = f32x4.splat(0),
    b3 = f32x4.splat(0),
    a4 = f32x4.splat(0),
    b4 = f32x4.splat(0);
  let w: v128, x: v128, y0: v128, y1: v128;
  const first = value, end = weights + (<usize> count << 5);
  let at = weights;
  do {
    y0 = v128.load(at);
    y1 = v128.load(at, 16);
    w = v128.load(value);
    x = v128.shuffle<f32>(w, w, 0, 0, 0, 0);
    a0 = madd(x, y0, a0);
    b0 = madd(x, y1, b0);
    x = v128.shuffle<f32>(w, w, 1, 1, 1, 1);
    a1 = madd(x, y0, a1);
    b1 = madd(x, y1, b1);
    x = v128.shuffle<f32>(w, w, 2, 2, 2, 2);
    a2 = madd(x, y0, a2);
    b2 = madd(x, y1, b2);
    x = v128.shuffle<f32>(w, w, 3, 3, 3, 3);
    a3 = madd(x, y0, a3);
    b3 = madd(x, y1, b3);
    x = v128.load32_splat(value, 16);
    a4 = madd(x, y0, a4);
    b4 = madd(x, y1, b4);
    at += 32;
    value += valueStride;
  } while (at != end);
  const c0 = v128.load(factors), c1 = v128.load(factors, 16);
  if (
    !finite(
      f32x4.add(
        f32x4.add(
          f32x4.add(f32x4.add(a0, b0), f32x4.add(a1, b1)),
          f32x4.add(f32x4.add(a2, b2), f32x4.add(a3, b3)),
        ),
        f32x4.add(a4, b4),
      ),
    )
  ) {
    addColumnsCarefully(numerator, weights, first, valueStride, end, c0, c1, 5);
    return;
  }
  v128.store(numerator, madd(v128.load(numerator, 0), c0, a0), 0);
  v128.store(numerator, madd(v128.load(numerator, 16), c1, b0), 16);
  v128.store(numerator, madd(v128.load(numerator, 32), c0, a1), 32);
  v128.store(numerator, madd(v128.load(numerator, 48), c1, b1), 48);
  v128.store(numerator, madd(v128.load(numerator, 64), c0, a2), 64);
  v128.store(numerator, madd(v128.load(numerator, 80), c1, b2), 80);
  v128.store(numerator, madd(v128.load(numerator, 96), c0, a3), 96);
  v128.store(numerator, madd(v128.load(numerator, 112), c1, b3), 112);
  v128.store(numerator, madd(v128.load(numerator, 128), c0, a4), 128);
  v128.store(numerator, madd(v128.load(numerator, 144), c1, b4), 144);
}

/** Four columns of numerators: o · factor + Σ weight · value over `count` keys. */
export function addColumns4(
  numerator: usize,
  weights: usize,
  value: usize,
  valueStride: usize,
  count: i32,
  factors: usize,
): void {
  let a0 = f32x4.splat(0),
    b0 = f32x4.splat(0),
    a1 = f32x4.splat(0),
    b1 = f32x4.splat(0),
    a2 = f32x4.splat(0),
    b2 = f32x4.splat(0),
    a3 = f32x4.splat(0),
    b3 = f32x4.splat(0);
  let w: v128, x: v128, y0: v128, y1: v128;
  const first = value, end = weights + (<usize> count << 5);
  let at = weights;
  do {
    y0 = v128.load(at);
    y1 = v128.load(at, 16);
    w = v128.load(value);
    x = v128.shuffle<f32>(w, w, 0, 0, 0, 0);
    a0 = madd(x, y0, a0);
    b0 = madd(x, y1, b0);
    x = v128.shuffle<f32>(w, w, 1, 1, 1, 1);
    a1 = madd(x, y0, a1);
    b1 = madd(x, y1, b1);
    x = v128.shuffle<f32>(w, w, 2, 2, 2, 2);
    a2 = madd(x, y0, a2);
    b2 = madd(x, y1, b2);
    x = v128.shuffle<f32>(w, w, 3, 3, 3, 3);
    a3 = madd(x, y0, a3);
    b3 = madd(x, y1, b3);
    at += 32;
    value += valueStride;
  } while (at != end);
  const c0 = v128.load(factors), c1 = v128.load(factors, 16);
  if (
    !finite(
      f32x4.add(
        f32x4.add(f32x4.add(a0, b0), f32x4.add(a1, b1)),
        f32x4.add(f32x4.add(a2, b2), f32x4.add(a3, b3)),
      ),
    )
  ) {
    addColumnsCarefully(numerator, weights, first, valueStride, end, c0, c1, 4);
    return;
  }
  v128.store(numerator, madd(v128.load(numerator, 0), c0, a0), 0);
  v128.store(numerator, madd(v128.load(numerator, 16), c1, b0), 16);
  v128.store(numerator, madd(v128.load(numerator, 32), c0, a1), 32);
  v128.store(numerator, madd(v128.load(numerator, 48), c1, b1), 48);
  v128.store(numerator, madd(v128.load(numerator, 64), c0, a2), 64);
  v128.store(numerator, madd(v128.load(numerator, 80), c1, b2), 80);
  v128.store(numerator, madd(v128.load(numerator, 96), c0, a3), 96);
  v128.store(numerator, madd(v128.load(numerator, 112), c1, b3), 112);
}

/** The same sums where a weight of 0 takes nothing from a value, not even from NaN or Infinity: the same bits else. */
function addColumnsCarefully(
  numerator: usize,
  weights: usize,
  values: usize,
  valueStride: usize,
  end: usize,
  c0: v128,
  c1: v128,
  columns: i32,
): void {
  const zero = f32x4.splat(0);
  for (let c = 0; c < columns; c++, numerator += 32, values += 4) {
    let a = zero, b = zero;
    for (let at = weights, value = values; at != end; at += 32) {
      const x = v128.load32_splat(value), y0 = v128.load(at);
      const y1 = v128.load(at, 16);
      a = madd(v128.and(x, f32x4.ne(y0, zero)), y0, a);
      b = madd(v128.and(x, f32x4.ne(y1, zero)), y1, b);
      value += valueStride;
    }
    v128.store(numerator, madd(v128.load(numerator), c0, a));
    v128.store(numerator, madd(v128.load(numerator, 16), c1, b), 16);
  }
}
