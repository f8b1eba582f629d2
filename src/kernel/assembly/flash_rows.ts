/**
 * Attention of one query or two: few queries would leave most of eight lanes empty, so the lanes go along the rows.
 *
 * Keys and values are rows. Eight sums are formed at a time, of eight keys or of four keys and two queries; a query's
 * bits are the same either way.
 *
 * The state of a query: the largest score so far, Σ exp(score − largest), and the least raw score that was admitted, as in
 * flash_lanes.ts.
 */

import { capScores, exp, exponentials, sums } from "./flash_exp";
import { flagsOf, maskKey } from "./flash_mask";
import {
  addPair16,
  addRow16,
  addRow32,
  scoreOne,
  scorePair,
} from "./flash_row_tiles";

/** Empties the state of a query, and its numerators. */
export function emptyRow(state: usize, numerator: usize, columns: i32): void {
  f32.store(state, -f32.MAX_VALUE);
  f32.store(state, 0, 4);
  f32.store(state, Infinity, 8);
  memory.fill(numerator, 0, <usize> columns << 2);
}

/**
 * Scores of `count` keys, the rows at `key`, for one query or two, which lie `dim` numbers apart, a multiple of 4.
 *
 * The scores of two lie `scoresStride` bytes apart; seven scores behind the last may be written, seven rows read.
 */
export function scoreRows(
  scores: usize,
  scoresStride: usize,
  query: usize,
  key: usize,
  count: i32,
  dim: i32,
  two: bool,
): void {
  const stride = <usize> dim << 2;
  if (two) scorePair(scores, scoresStride, query, key, stride, count);
  else scoreOne(scores, query, key, stride, count);
}

/**
 * Folds `count` keys with their scores and values into one query or two.
 *
 * Of two, numerators lie `columns` numbers apart, a multiple of 16, states 16 bytes, masks `maskStride` bytes. `mask`, if
 * not 0: their biases, behind which four numbers may be written. `cap` > 0: see capScores. Sixteen numbers behind the last
 * value may be read.
 */
export function addRows(
  numerator: usize,
  state: usize,
  scores: usize,
  scoresStride: usize,
  value: usize,
  count: i32,
  valueDim: i32,
  columns: i32,
  two: bool,
  mask: usize,
  maskStride: usize,
  cap: f32,
  capFactor: f32,
): void {
  const valueStride = <usize> valueDim << 2, end = <usize> columns << 2;
  const factor = weighRow(scores, state, mask, count, cap, capFactor);
  if (two) {
    const second = weighRow(
      scores + scoresStride,
      state + 16,
      mask == 0 ? 0 : mask + maskStride,
      count,
      cap,
      capFactor,
    );
    for (let c: usize = 0; c < end; c += 64) {
      addPair16(
        numerator + c,
        end,
        scores,
        scoresStride,
        value + c,
        valueStride,
        count,
        factor,
        second,
      );
    }
    return;
  }
  let c: usize = 0;
  for (; c + 64 < end; c += 128) {
    addRow32(numerator + c, scores, value + c, valueStride, count, factor);
  }
  if (c < end) {
    addRow16(numerator + c, scores, value + c, valueStride, count, factor);
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
    v128.store(mask + (<usize> count << 2), f32x4.splat(-Infinity));
    for (let at = scores; at != end; at += 16, mask += 16) {
      least = maskKey(at, v128.load(mask), least);
      largest = f32x4.pmax(largest, v128.load(at));
    }
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
  const factor = exp(f32x4.splat(before - most));
  const sum = exponentials(scores, end, 16, f32x4.splat(most));
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

/** Writes the output of a query, a multiple of 4 numbers; the flags of finishLanes for its row 0. */
export function finishRow(
  output: usize,
  numerator: usize,
  state: usize,
  valueDim: i32,
): i32 {
  const total = f32.load(state, 4), least = f32.load(state, 8);
  const empty = least == Infinity && total == 0;
  const sum = f32x4.splat(empty ? 1 : total), zero = f32x4.splat(0);
  const columns = i32x4.splat(valueDim), four = i32x4.splat(4);
  let index = i32x4(0, 1, 2, 3), check = f32x4.sub(sum, sum);
  for (let c = 0; c < valueDim; c += 4, numerator += 16, output += 16) {
    const value = f32x4.div(v128.load(numerator), sum);
    v128.store(output, value);
    // Behind the last column there may be anything.
    const none = f32x4.sub(value, value);
    check = f32x4.add(check, v128.and(none, i32x4.lt_s(index, columns)));
    index = i32x4.add(index, four);
  }
  const all = sums(check, zero, zero, zero);
  const flags = flagsOf(all, f32x4.splat(f32.load(state)), f32x4.splat(least));
  return flags & 0x101;
}
