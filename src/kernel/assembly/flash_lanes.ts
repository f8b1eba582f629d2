/**
 * Attention of eight queries, one to a lane: scores, masks and softmax go down the lanes, so nothing is summed across.
 *
 * Queries are packed, dim × 8; keys and values are rows. Scores of a block of keys are keys × 8, numerators columns × 8:
 * both are products of tiles of 5 × 8, whose ten sums, four operands and one broadcast fit the 16 registers of x86. A lane's
 * bits depend on nothing that is in another lane.
 *
 * The state of a group, 8 numbers each: at 0 the largest score so far, at 32 Σ exp(score − largest), at 64 the least raw
 * score that was admitted (where a mask is in play, the least of −|score|; +Infinity: none was), at 96 the first key that
 * each query may attend to and at 128 one past the last, both from the first key of the block.
 */

import { capScores, exp, expOnce, finite, madd, table } from "./flash_exp";

/** Keys whose scores are formed before any is used: with eight queries they stay in the first-level cache. */
export const BLOCK: i32 = 120;
/** Below all scores; those that come near it are told apart by the caller. */
const LOWEST: f32 = -f32.MAX_VALUE;
/** Biases end here: what is further down is the same to all scores that are not there. */
const LEAST_SCORE: f32 = -8.507059173023462e37;

/** Empties the state of a group, and its numerators, columns × 8. */
export function emptyLanes(state: usize, numerator: usize, columns: i32): void {
  v128.store(state, f32x4.splat(LOWEST));
  v128.store(state, f32x4.splat(LOWEST), 16);
  v128.store(state, f32x4.splat(0), 32);
  v128.store(state, f32x4.splat(0), 48);
  v128.store(state, f32x4.splat(Infinity), 64);
  v128.store(state, f32x4.splat(Infinity), 80);
  memory.fill(numerator, 0, <usize> columns << 5);
}

/**
 * Folds the keys from … to − 1 of a block into eight queries.
 *
 * `dim` is a multiple of 4, as is the padding of numerators; four rows behind the block may be read. `ragged`: not all
 * queries admit all of these keys. `mask`, if not 0: biases of the block's keys, `maskStride` bytes from query to
 * query. `cap` > 0: see capScores.
 */
export function foldLanes(
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
  ragged: bool,
  mask: usize,
  maskStride: usize,
  cap: f32,
  capFactor: f32,
): void {
  const stride = <usize> dim << 2, valueStride = <usize> valueDim << 2;
  for (let block = from - from % BLOCK; block < to; block += BLOCK) {
    const first = max(block, from), count = min(block + BLOCK, to) - first;
    let key = keys + <usize> first * stride;
    for (let i = 0; i < count; i += 5, key += 5 * stride) {
      scoreTile(scores + (<usize> i << 5), query, key, stride);
    }
    if (cap > 0) capScores(scores, count << 1, cap, capFactor);
    if (mask != 0) {
      maskLanes(scores, state, mask + (<usize> first << 2), maskStride, count);
    } else if (ragged) {
      limitLanes(scores, state, first, count);
    }
    const factors = scores + (<usize> (BLOCK + 5) << 5);
    weighLanes(scores, state, factors, count, mask == 0 && !ragged);
    let value = values + <usize> first * valueStride,
      sum = numerator,
      column = 0;
    for (; column + 5 <= valueDim; column += 5, sum += 160, value += 20) {
      addColumns5(sum, scores, value, valueStride, count, factors);
    }
    if (column < valueDim) {
      addColumns4(sum, scores, value, valueStride, count, factors);
    }
  }
}

/** Scores of five keys, the rows at `key`. */
function scoreTile(
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

/** Sets scores behind a query's first and last key to −Infinity. */
function limitLanes(scores: usize, state: usize, key: i32, count: i32): void {
  const first0 = v128.load(state, 96), first1 = v128.load(state, 112);
  const end0 = v128.load(state, 128), end1 = v128.load(state, 144);
  const none = f32x4.splat(-Infinity), zero = f32x4.splat(0);
  let least0 = v128.load(state, 64), least1 = v128.load(state, 80);
  for (const end = key + count; key < end; key++, scores += 32) {
    const index = i32x4.splat(key);
    const in0 = v128.and(i32x4.le_s(first0, index), i32x4.gt_s(end0, index));
    const in1 = v128.and(i32x4.le_s(first1, index), i32x4.gt_s(end1, index));
    const score0 = v128.load(scores), score1 = v128.load(scores, 16);
    least0 = f32x4.pmin(least0, v128.bitselect(score0, least0, in0));
    least1 = f32x4.pmin(least1, v128.bitselect(score1, least1, in1));
    v128.store(scores, v128.bitselect(score0, none, in0));
    v128.store(scores, v128.bitselect(score1, none, in1), 16);
  }
  v128.store(state, least0, 64);
  v128.store(state, least1, 80);
}

/** Adds the biases of eight rows of a mask; −Infinity is set, never added. */
function maskLanes(
  scores: usize,
  state: usize,
  mask: usize,
  maskStride: usize,
  count: i32,
): void {
  maskFour(scores, state + 64, mask, maskStride, count);
  maskFour(scores + 16, state + 80, mask + 4 * maskStride, maskStride, count);
}

/** Four lanes of it, four keys at a time: the biases of four keys are transposed to those of four queries. */
function maskFour(
  scores: usize,
  least: usize,
  mask: usize,
  maskStride: usize,
  count: i32,
): void {
  const row1 = mask + maskStride, row2 = row1 + maskStride;
  const row3 = row2 + maskStride;
  let lowest = v128.load(least);
  for (let i = 0; i < count; i += 4, scores += 128) {
    const at = <usize> i << 2;
    const a = v128.load(mask + at), b = v128.load(row1 + at);
    const c = v128.load(row2 + at), d = v128.load(row3 + at);
    const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
    const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
    const cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
    // Up to three keys behind the last are masked too, where nothing is lost.
    lowest = maskKey(scores, v128.shuffle<f32>(ab0, cd0, 0, 1, 4, 5), lowest);
    if (i + 1 == count) break;
    lowest = maskKey(
      scores + 32,
      v128.shuffle<f32>(ab0, cd0, 2, 3, 6, 7),
      lowest,
    );
    if (i + 2 == count) break;
    lowest = maskKey(
      scores + 64,
      v128.shuffle<f32>(ab1, cd1, 0, 1, 4, 5),
      lowest,
    );
    if (i + 3 == count) break;
    lowest = maskKey(
      scores + 96,
      v128.shuffle<f32>(ab1, cd1, 2, 3, 6, 7),
      lowest,
    );
  }
  v128.store(least, lowest);
}

/** Adds biases to four scores; the least of −|score| that was admitted, or `lowest`. */
// @ts-ignore: decorator

export function maskKey(scores: usize, bias: v128, lowest: v128): v128 {
  const none = f32x4.splat(-Infinity), score = v128.load(scores);
  const masked = f32x4.eq(bias, none);
  const reach = f32x4.neg(f32x4.abs(score));
  const sum = f32x4.pmax(
    f32x4.add(bias, score),
    f32x4.splat(LEAST_SCORE),
  );
  v128.store(scores, v128.bitselect(none, sum, masked));
  return f32x4.pmin(lowest, v128.bitselect(lowest, reach, masked));
}

/** Turns scores into weights, adds them up, and leaves what the numerators have to be multiplied by in `factors`. */
function weighLanes(
  scores: usize,
  state: usize,
  factors: usize,
  count: i32,
  plain: bool,
): void {
  weighFour(scores, state, factors, count, plain);
  weighFour(scores + 16, state + 16, factors + 16, count, plain);
}

function weighFour(
  scores: usize,
  state: usize,
  factors: usize,
  count: i32,
  plain: bool,
): void {
  const end = scores + (<usize> count << 5), before = v128.load(state);
  let largest = before, lowest = v128.load(state, 64), x: v128;
  for (let at = scores; at != end; at += 32) {
    x = v128.load(at);
    largest = f32x4.pmax(largest, x);
    lowest = f32x4.pmin(lowest, x);
  }
  if (plain) v128.store(state, lowest, 64);
  v128.store(state, largest);
  const factor = expOnce(f32x4.sub(before, largest));
  v128.store(factors, factor);
  const constants = table;
  const least = v128.load(constants),
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
  for (let at = scores; at != end; at += 32) {
    x = f32x4.sub(v128.load(at), largest);
    x = exp(x, least, log2e, whole, ln2, c6, c5, c4, c3, c2, one);
    v128.store(at, x);
    sum = f32x4.add(sum, x);
  }
  v128.store(state, madd(v128.load(state, 32), factor, sum), 32);
}

/** Five columns of numerators: o · factor + Σ weight · value over `count` keys. */
function addColumns5(
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
function addColumns4(
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

/**
 * Writes the outputs of the first `rows` queries, rows × valueDim; zeros where no key was admitted.
 *
 * Of query r, bit r of the result says that its output is not finite or its scores went beyond 32 bits, bit r + 8 that
 * all its scores are so low that biases may have been cut off.
 */
export function finishLanes(
  output: usize,
  numerator: usize,
  state: usize,
  rows: i32,
  valueDim: i32,
): i32 {
  let flags = 0;
  for (let row = 0; row < rows; row++) {
    const lane = <usize> row << 2;
    flags |= finishOne(
      output + <usize> row * (<usize> valueDim << 2),
      numerator + lane,
      32,
      f32.load(state + lane),
      f32.load(state + lane, 32),
      f32.load(state + lane, 64),
      valueDim,
    ) << row;
  }
  return flags;
}

/** One row of it, with the numerators `step` bytes apart. */
export function finishOne(
  output: usize,
  numerator: usize,
  step: usize,
  largest: f32,
  sum: f32,
  least: f32,
  valueDim: i32,
): i32 {
  // NaN wherever a number is not finite.
  let check: f32 = sum - sum;
  const empty = least == Infinity && sum == 0;
  for (let c = 0; c < valueDim; c++, output += 4, numerator += step) {
    const value: f32 = empty ? 0 : f32.load(numerator) / sum;
    check += value - value;
    f32.store(output, value);
  }
  if (empty) return 0;
  return i32(check != 0 || least == -Infinity) |
    i32(largest <= LEAST_SCORE / 2) << 8;
}
