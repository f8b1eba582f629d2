/**
 * The products of one query or two: eight sums at a time, of eight keys, of four keys and two queries, or of columns.
 */

import { finite, madd, sums } from "./flash_exp";

/** Scores of one query, eight keys at a time. */
export function scoreOne(
  scores: usize,
  query: usize,
  key: usize,
  stride: usize,
  count: i32,
): void {
  const end = query + stride;
  for (let i = 0; i < count; i += 8, key += stride << 3, scores += 32) {
    let a0 = f32x4.splat(0),
      a1 = f32x4.splat(0),
      a2 = f32x4.splat(0),
      a3 = f32x4.splat(0),
      a4 = f32x4.splat(0),
      a5 = f32x4.splat(0),
      a6 = f32x4.splat(0),
      a7 = f32x4.splat(0);
    // One place at a time leaves a register to each of the checks that engines make.
    for (let at = query, column = key; at != end; at += 16, column += 16) {
      const x = v128.load(at);
      let row = column;
      a0 = madd(x, v128.load(row), a0);
      row += stride;
      a1 = madd(x, v128.load(row), a1);
      row += stride;
      a2 = madd(x, v128.load(row), a2);
      row += stride;
      a3 = madd(x, v128.load(row), a3);
      row += stride;
      a4 = madd(x, v128.load(row), a4);
      row += stride;
      a5 = madd(x, v128.load(row), a5);
      row += stride;
      a6 = madd(x, v128.load(row), a6);
      row += stride;
      a7 = madd(x, v128.load(row), a7);
    }
    v128.store(scores, sums(a0, a1, a2, a3));
    v128.store(scores, sums(a4, a5, a6, a7), 16);
  }
}

/** Scores of two queries, four keys at a time. */
export function scorePair(
  scores: usize,
  scoresStride: usize,
  query: usize,
  key: usize,
  stride: usize,
  count: i32,
): void {
  const end = query + stride;
  for (let i = 0; i < count; i += 4, key += stride << 2, scores += 16) {
    let column = key, second = query + stride;
    let a0 = f32x4.splat(0),
      a1 = f32x4.splat(0),
      a2 = f32x4.splat(0),
      a3 = f32x4.splat(0),
      b0 = f32x4.splat(0),
      b1 = f32x4.splat(0),
      b2 = f32x4.splat(0),
      b3 = f32x4.splat(0);
    let k: v128;
    for (let at = query; at != end; at += 16, second += 16, column += 16) {
      const x = v128.load(at), y = v128.load(second);
      let row = column;
      k = v128.load(row);
      a0 = madd(x, k, a0);
      b0 = madd(y, k, b0);
      row += stride;
      k = v128.load(row);
      a1 = madd(x, k, a1);
      b1 = madd(y, k, b1);
      row += stride;
      k = v128.load(row);
      a2 = madd(x, k, a2);
      b2 = madd(y, k, b2);
      row += stride;
      k = v128.load(row);
      a3 = madd(x, k, a3);
      b3 = madd(y, k, b3);
    }
    v128.store(scores, sums(a0, a1, a2, a3));
    v128.store(scores + scoresStride, sums(b0, b1, b2, b3));
  }
}

/** Thirty-two columns of one query's numerators: o · factor + Σ weight · value. */
export function addRow32(
  numerator: usize,
  weights: usize,
  value: usize,
  valueStride: usize,
  count: i32,
  factor: v128,
): void {
  let a0 = f32x4.splat(0),
    a1 = f32x4.splat(0),
    a2 = f32x4.splat(0),
    a3 = f32x4.splat(0),
    a4 = f32x4.splat(0),
    a5 = f32x4.splat(0),
    a6 = f32x4.splat(0),
    a7 = f32x4.splat(0);
  const first = value, end = weights + (<usize> count << 2);
  for (let at = weights; at != end; at += 4, value += valueStride) {
    const x = v128.load32_splat(at);
    a0 = madd(x, v128.load(value, 0), a0);
    a1 = madd(x, v128.load(value, 16), a1);
    a2 = madd(x, v128.load(value, 32), a2);
    a3 = madd(x, v128.load(value, 48), a3);
    a4 = madd(x, v128.load(value, 64), a4);
    a5 = madd(x, v128.load(value, 80), a5);
    a6 = madd(x, v128.load(value, 96), a6);
    a7 = madd(x, v128.load(value, 112), a7);
  }
  if (
    !finite(
      f32x4.add(
        f32x4.add(f32x4.add(a0, a1), f32x4.add(a2, a3)),
        f32x4.add(f32x4.add(a4, a5), f32x4.add(a6, a7)),
      ),
    )
  ) {
    addRowCarefully(numerator, weights, first, valueStride, end, factor, 8);
    return;
  }
  v128.store(numerator, madd(v128.load(numerator, 0), factor, a0), 0);
  v128.store(numerator, madd(v128.load(numerator, 16), factor, a1), 16);
  v128.store(numerator, madd(v128.load(numerator, 32), factor, a2), 32);
  v128.store(numerator, madd(v128.load(numerator, 48), factor, a3), 48);
  v128.store(numerator, madd(v128.load(numerator, 64), factor, a4), 64);
  v128.store(numerator, madd(v128.load(numerator, 80), factor, a5), 80);
  v128.store(numerator, madd(v128.load(numerator, 96), factor, a6), 96);
  v128.store(numerator, madd(v128.load(numerator, 112), factor, a7), 112);
}

/** Sixteen columns of one query's numerators: o · factor + Σ weight · value. */
export function addRow16(
  numerator: usize,
  weights: usize,
  value: usize,
  valueStride: usize,
  count: i32,
  factor: v128,
): void {
  let a0 = f32x4.splat(0),
    a1 = f32x4.splat(0),
    a2 = f32x4.splat(0),
    a3 = f32x4.splat(0);
  const first = value, end = weights + (<usize> count << 2);
  for (let at = weights; at != end; at += 4, value += valueStride) {
    const x = v128.load32_splat(at);
    a0 = madd(x, v128.load(value, 0), a0);
    a1 = madd(x, v128.load(value, 16), a1);
    a2 = madd(x, v128.load(value, 32), a2);
    a3 = madd(x, v128.load(value, 48), a3);
  }
  if (!finite(f32x4.add(f32x4.add(a0, a1), f32x4.add(a2, a3)))) {
    addRowCarefully(numerator, weights, first, valueStride, end, factor, 4);
    return;
  }
  v128.store(numerator, madd(v128.load(numerator, 0), factor, a0), 0);
  v128.store(numerator, madd(v128.load(numerator, 16), factor, a1), 16);
  v128.store(numerator, madd(v128.load(numerator, 32), factor, a2), 32);
  v128.store(numerator, madd(v128.load(numerator, 48), factor, a3), 48);
}

/** Sixteen columns of the numerators of two queries. */
export function addPair16(
  numerator: usize,
  next: usize,
  weights: usize,
  weightsStride: usize,
  value: usize,
  valueStride: usize,
  count: i32,
  factor: v128,
  second: v128,
): void {
  let a0 = f32x4.splat(0),
    a1 = f32x4.splat(0),
    a2 = f32x4.splat(0),
    a3 = f32x4.splat(0),
    b0 = f32x4.splat(0),
    b1 = f32x4.splat(0),
    b2 = f32x4.splat(0),
    b3 = f32x4.splat(0);
  let v: v128;
  const first = value, end = weights + (<usize> count << 2);
  for (let at = weights; at != end; at += 4, value += valueStride) {
    const x = v128.load32_splat(at), y = v128.load32_splat(at + weightsStride);
    v = v128.load(value, 0);
    a0 = madd(x, v, a0);
    b0 = madd(y, v, b0);
    v = v128.load(value, 16);
    a1 = madd(x, v, a1);
    b1 = madd(y, v, b1);
    v = v128.load(value, 32);
    a2 = madd(x, v, a2);
    b2 = madd(y, v, b2);
    v = v128.load(value, 48);
    a3 = madd(x, v, a3);
    b3 = madd(y, v, b3);
  }
  if (!finite(f32x4.add(f32x4.add(a0, a1), f32x4.add(a2, a3)))) {
    addRowCarefully(numerator, weights, first, valueStride, end, factor, 4);
  } else {
    v128.store(numerator, madd(v128.load(numerator, 0), factor, a0), 0);
    v128.store(numerator, madd(v128.load(numerator, 16), factor, a1), 16);
    v128.store(numerator, madd(v128.load(numerator, 32), factor, a2), 32);
    v128.store(numerator, madd(v128.load(numerator, 48), factor, a3), 48);
  }
  numerator += next;
  if (!finite(f32x4.add(f32x4.add(b0, b1), f32x4.add(b2, b3)))) {
    addRowCarefully(
      numerator,
      weights + weightsStride,
      first,
      valueStride,
      end + weightsStride,
      second,
      4,
    );
    return;
  }
  v128.store(numerator, madd(v128.load(numerator, 0), second, b0), 0);
  v128.store(numerator, madd(v128.load(numerator, 16), second, b1), 16);
  v128.store(numerator, madd(v128.load(numerator, 32), second, b2), 32);
  v128.store(numerator, madd(v128.load(numerator, 48), second, b3), 48);
}

/** The same sums where a weight of 0 takes nothing from a value, not even from NaN or Infinity: the same bits else. */
function addRowCarefully(
  numerator: usize,
  weights: usize,
  values: usize,
  valueStride: usize,
  end: usize,
  factor: v128,
  vectors: i32,
): void {
  const zero = f32x4.splat(0);
  for (let c = 0; c < vectors; c++, numerator += 16, values += 16) {
    let a = zero;
    for (let at = weights, value = values; at != end; at += 4) {
      const x = v128.load32_splat(at), y = v128.load(value);
      a = madd(x, v128.and(y, f32x4.ne(x, zero)), a);
      value += valueStride;
    }
    v128.store(numerator, madd(v128.load(numerator), factor, a));
  }
}
