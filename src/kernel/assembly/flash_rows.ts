/**
 * Attention of one query or two: few queries would leave most of eight lanes empty, so the lanes go along the rows.
 *
 * Keys and values are rows. Eight sums are formed at a time, of eight keys or of four keys and two queries; a query's
 * bits are the same either way.
 *
 * The state of a query: the largest score so far, Σ exp(score − largest), and the least raw score that was admitted, as in
 * flash_lanes.ts.
 */

import {
  capScores,
  exp,
  expOnce,
  finite,
  madd,
  sums,
  table,
} from "./flash_exp";
import { BLOCK, finishOne, maskKey } from "./flash_lanes";

/** Bytes from the scores of one query to those of the next: seven scores may be written behind the last. */
const SCORES: usize = (<usize> BLOCK + 8) << 2;

/** Empties the state of a query, and its numerators. */
export function emptyRow(state: usize, numerator: usize, columns: i32): void {
  f32.store(state, -f32.MAX_VALUE);
  f32.store(state, 0, 4);
  f32.store(state, Infinity, 8);
  memory.fill(numerator, 0, <usize> columns << 2);
}

/**
 * Folds the keys from … to − 1 of a block into one query or two, all of which admit them.
 *
 * Two queries lie `dim`, their numerators `columns` and their states 4 floats apart, their masks `maskStride` bytes.
 * `dim` is a multiple of 4 and `columns` of 16; seven rows behind the block may be read.
 */
export function foldRows(
  query: usize,
  keys: usize,
  values: usize,
  numerator: usize,
  state: usize,
  scores: usize,
  from: i32,
  to: i32,
  dim: i32,
  valueDim: i32,
  columns: i32,
  two: bool,
  mask: usize,
  maskStride: usize,
  cap: f32,
  capFactor: f32,
): void {
  const stride = <usize> dim << 2, valueStride = <usize> valueDim << 2;
  const next = <usize> columns << 2;
  for (let block = from - from % BLOCK; block < to; block += BLOCK) {
    const first = max(block, from), count = min(block + BLOCK, to) - first;
    const key = keys + <usize> first * stride;
    const value = values + <usize> first * valueStride;
    if (two) scorePair(scores, query, key, stride, count);
    else scoreOne(scores, query, key, stride, count);
    const biases = mask == 0 ? 0 : mask + (<usize> first << 2);
    const factor = weighRow(scores, state, biases, count, cap, capFactor);
    if (!two) {
      let c = 0;
      for (; c + 16 < columns; c += 32) {
        addRow32(
          numerator + (<usize> c << 2),
          scores,
          value + (<usize> c << 2),
          valueStride,
          count,
          factor,
        );
      }
      if (c < columns) {
        addRow16(
          numerator + (<usize> c << 2),
          scores,
          value + (<usize> c << 2),
          valueStride,
          count,
          factor,
        );
      }
      continue;
    }
    const second = weighRow(
      scores + SCORES,
      state + 16,
      biases == 0 ? 0 : biases + maskStride,
      count,
      cap,
      capFactor,
    );
    for (let c = 0; c < columns; c += 16) {
      addPair16(
        numerator + (<usize> c << 2),
        next,
        scores,
        value + (<usize> c << 2),
        valueStride,
        count,
        factor,
        second,
      );
    }
  }
}

/** Scores of one query, eight keys at a time. */
function scoreOne(
  scores: usize,
  query: usize,
  key: usize,
  stride: usize,
  count: i32,
): void {
  const end = query + stride;
  for (let i = 0; i < count; i += 8, key += stride << 3, scores += 32) {
    let key0 = key, key1 = key0 + stride, key2 = key1 + stride;
    let key3 = key2 + stride, key4 = key3 + stride, key5 = key4 + stride;
    let key6 = key5 + stride, key7 = key6 + stride;
    let a0 = f32x4.splat(0),
      a1 = f32x4.splat(0),
      a2 = f32x4.splat(0),
      a3 = f32x4.splat(0),
      a4 = f32x4.splat(0),
      a5 = f32x4.splat(0),
      a6 = f32x4.splat(0),
      a7 = f32x4.splat(0);
    for (let at = query; at != end; at += 16) {
      const x = v128.load(at);
      a0 = madd(x, v128.load(key0), a0);
      key0 += 16;
      a1 = madd(x, v128.load(key1), a1);
      key1 += 16;
      a2 = madd(x, v128.load(key2), a2);
      key2 += 16;
      a3 = madd(x, v128.load(key3), a3);
      key3 += 16;
      a4 = madd(x, v128.load(key4), a4);
      key4 += 16;
      a5 = madd(x, v128.load(key5), a5);
      key5 += 16;
      a6 = madd(x, v128.load(key6), a6);
      key6 += 16;
      a7 = madd(x, v128.load(key7), a7);
      key7 += 16;
    }
    v128.store(scores, sums(a0, a1, a2, a3));
    v128.store(scores, sums(a4, a5, a6, a7), 16);
  }
}

/** Scores of two queries, four keys at a time. */
function scorePair(
  scores: usize,
  query: usize,
  key: usize,
  stride: usize,
  count: i32,
): void {
  const end = query + stride;
  for (let i = 0; i < count; i += 4, key += stride << 2, scores += 16) {
    let key0 = key, key1 = key0 + stride, key2 = key1 + stride;
    let key3 = key2 + stride, second = query + stride;
    let a0 = f32x4.splat(0),
      a1 = f32x4.splat(0),
      a2 = f32x4.splat(0),
      a3 = f32x4.splat(0),
      b0 = f32x4.splat(0),
      b1 = f32x4.splat(0),
      b2 = f32x4.splat(0),
      b3 = f32x4.splat(0);
    let k: v128;
    for (let at = query; at != end; at += 16, second += 16) {
      const x = v128.load(at), y = v128.load(second);
      k = v128.load(key0);
      a0 = madd(x, k, a0);
      b0 = madd(y, k, b0);
      key0 += 16;
      k = v128.load(key1);
      a1 = madd(x, k, a1);
      b1 = madd(y, k, b1);
      key1 += 16;
      k = v128.load(key2);
      a2 = madd(x, k, a2);
      b2 = madd(y, k, b2);
      key2 += 16;
      k = v128.load(key3);
      a3 = madd(x, k, a3);
      b3 = madd(y, k, b3);
      key3 += 16;
    }
    v128.store(scores, sums(a0, a1, a2, a3));
    v128.store(scores + SCORES, sums(b0, b1, b2, b3));
  }
}

/** Masks scores of one query, turns them into weights and adds them up; what its numerators have to be multiplied by. */
function weighRow(
  scores: usize,
  state: usize,
  mask: usize,
  count: i32,
  cap: f32,
  capFactor: f32,
): v128 {
  const vectors = (count + 3) >> 2, end = scores + (<usize> vectors << 4);
  const before = f32.load(state);
  let least = f32x4.splat(f32.load(state, 8)), largest = f32x4.splat(before);
  let x: v128;
  if (cap > 0) capScores(scores, vectors, cap, capFactor);
  // Up to three scores behind the last are those of no key.
  const rest = scores + (<usize> count << 2);
  if (mask != 0) {
    const maskRest = mask + (<usize> count << 2), kept = v128.load(maskRest);
    v128.store(maskRest, f32x4.splat(-Infinity));
    for (let at = scores; at != end; at += 16, mask += 16) {
      least = maskKey(at, v128.load(mask), least);
      largest = f32x4.pmax(largest, v128.load(at));
    }
    v128.store(maskRest, kept);
  } else {
    for (let at = rest; at < end; at += 4) f32.store(at, f32.load(scores));
    for (let at = scores; at != end; at += 16) {
      x = v128.load(at);
      largest = f32x4.pmax(largest, x);
      least = f32x4.pmin(least, x);
    }
    for (let at = rest; at < end; at += 4) f32.store(at, -Infinity);
  }
  f32.store(state, lane(least, true), 8);
  const most = lane(largest, false);
  f32.store(state, most);
  largest = f32x4.splat(most);
  const factor = expOnce(f32x4.splat(before - most)), constants = table;
  const smallest = v128.load(constants),
    log2e = v128.load(constants, 16),
    whole = v128.load(constants, 32),
    ln2 = v128.load(constants, 48),
    c6 = v128.load(constants, 64),
    c5 = v128.load(constants, 80),
    c4 = v128.load(constants, 96),
    c3 = v128.load(constants, 112),
    c2 = v128.load(constants, 128),
    one = v128.load(constants, 144);
  let sum = f32x4.splat(0);
  for (let at = scores; at != end; at += 16) {
    x = f32x4.sub(v128.load(at), largest);
    x = exp(x, smallest, log2e, whole, ln2, c6, c5, c4, c3, c2, one);
    v128.store(at, x);
    sum = f32x4.add(sum, x);
  }
  const zero = f32x4.splat(0);
  const total = f32x4.extract_lane(sums(sum, zero, zero, zero), 0);
  f32.store(
    state,
    f32.load(state, 4) * f32x4.extract_lane(factor, 0) + total,
    4,
  );
  return factor;
}

/** The least or the largest of four lanes, none of which is NaN. */
function lane(x: v128, least: bool): f32 {
  const a = f32x4.extract_lane(x, 0), b = f32x4.extract_lane(x, 1);
  const c = f32x4.extract_lane(x, 2), d = f32x4.extract_lane(x, 3);
  return least ? min(min(a, b), min(c, d)) : max(max(a, b), max(c, d));
}

/** Thirty-two columns of one query's numerators: o · factor + Σ weight · value. */
function addRow32(
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
function addRow16(
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
function addPair16(
  numerator: usize,
  next: usize,
  weights: usize,
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
    const x = v128.load32_splat(at), y = v128.load32_splat(at + SCORES);
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
      weights + SCORES,
      first,
      valueStride,
      end + SCORES,
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

/** Writes the output of a query; the flags of finishLanes for its row 0. */
export function finishRow(
  output: usize,
  numerator: usize,
  state: usize,
  valueDim: i32,
): i32 {
  return finishOne(
    output,
    numerator,
    4,
    f32.load(state),
    f32.load(state, 4),
    f32.load(state, 8),
    valueDim,
  );
}
