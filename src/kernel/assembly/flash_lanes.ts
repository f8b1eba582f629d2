/**
 * Attention of eight queries, one to a lane: scores, masks and softmax go down the lanes, so nothing is summed across.
 *
 * Queries are packed, dim × 8, keys are rows or panels of five, values are rows. Scores of a block of keys are keys × 8,
 * numerators columns × 8. A lane's bits depend on nothing that is in another lane.
 *
 * The state of a group, 8 numbers each: at 0 the largest score so far, at 32 Σ exp(score − largest), at 64 the least raw
 * score that was admitted (where a mask is in play, the least of −|score|; +Infinity: none was), at 96 the first key that
 * each query may attend to and at 128 one past the last, both from the first key of the block.
 */

import { capScores, exp, exponentials, madd } from "./flash_exp";
import { flagsOf, limitLanes, maskLanes } from "./flash_mask";
import { PANEL, scorePanel } from "./flash_panel";
import { addColumns4, addColumns5, scoreTile } from "./flash_tiles";

/** Keys whose scores are formed before any is used: with eight queries they stay in the first-level cache. */
const BLOCK: i32 = 120;
/** Below all scores; those that come near it are told apart by the caller. */
const LOWEST: f32 = -f32.MAX_VALUE;

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
 * Keys are rows of a multiple of 4 numbers, or `panels` of packKeys, of one number at least; four rows behind the block may be read. `ragged`: not
 * all queries admit all of these keys. `mask`, if not 0: biases of the block's keys, `maskStride` bytes from query to
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
  panels: bool,
  ragged: bool,
  mask: usize,
  maskStride: usize,
  cap: f32,
  capFactor: f32,
): void {
  const stride = <usize> dim << 2, valueStride = <usize> valueDim << 2;
  const top = scores;
  for (let block = from - from % BLOCK; block < to; block += BLOCK) {
    const first = max(block, from), count = min(block + BLOCK, to) - first;
    if (panels) {
      // Scores begin with the panel that the first key is in.
      const ahead = first % PANEL;
      let key = keys + <usize> (first - ahead) * stride;
      for (
        let i = 0;
        i < ahead + count;
        i += PANEL, key += <usize> PANEL * stride
      ) {
        scorePanel(top + (<usize> i << 5), query, key, stride);
      }
      scores = top + (<usize> ahead << 5);
    } else {
      let key = keys + <usize> first * stride;
      for (let i = 0; i < count; i += PANEL, key += <usize> PANEL * stride) {
        scoreTile(top + (<usize> i << 5), query, key, stride);
      }
    }
    if (cap > 0) capScores(scores, count << 1, cap, capFactor);
    if (mask != 0) {
      maskLanes(scores, state, mask + (<usize> first << 2), maskStride, count);
    } else if (ragged) {
      limitLanes(scores, state, first, count);
    }
    const factors = top + (<usize> (BLOCK + PANEL) << 5);
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

/** Turns scores into weights, adds them up, and leaves what the numerators have to be multiplied by in `factors`. */
function weighLanes(
  scores: usize,
  state: usize,
  factors: usize,
  count: i32,
  plain: bool,
): void {
  const end = scores + (<usize> count << 5);
  let largest0 = v128.load(state), largest1 = v128.load(state, 16);
  let lowest0 = v128.load(state, 64), lowest1 = v128.load(state, 80);
  // Four chains at once: each waits for itself alone.
  for (let at = scores; at != end; at += 32) {
    const x = v128.load(at), y = v128.load(at, 16);
    largest0 = f32x4.pmax(largest0, x);
    largest1 = f32x4.pmax(largest1, y);
    lowest0 = f32x4.pmin(lowest0, x);
    lowest1 = f32x4.pmin(lowest1, y);
  }
  if (plain) {
    v128.store(state, lowest0, 64);
    v128.store(state, lowest1, 80);
  }
  weighFour(scores, end, state, factors, largest0);
  weighFour(scores + 16, end + 16, state + 16, factors + 16, largest1);
}

function weighFour(
  scores: usize,
  end: usize,
  state: usize,
  factors: usize,
  largest: v128,
): void {
  const factor = exp(f32x4.sub(v128.load(state), largest));
  v128.store(state, largest);
  v128.store(factors, factor);
  const sum = exponentials(scores, end, 32, largest);
  v128.store(state, madd(v128.load(state, 32), factor, sum), 32);
}

/**
 * Writes the outputs of eight queries, rows of `stride` numbers, a multiple of 4; zeros where no key was admitted.
 *
 * Of query r, bit r of the result says that its output is not finite or its scores went beyond 32 bits, bit r + 8 that
 * all its scores are so low that biases may have been cut off.
 */
export function finishLanes(
  output: usize,
  numerator: usize,
  state: usize,
  valueDim: i32,
  stride: i32,
): i32 {
  const half = <usize> stride << 4;
  return finishFour(output, numerator, state, valueDim, stride) |
    finishFour(output + half, numerator + 16, state + 16, valueDim, stride) <<
      4;
}

function finishFour(
  output: usize,
  numerator: usize,
  state: usize,
  valueDim: i32,
  stride: i32,
): i32 {
  const sum = v128.load(state, 32), least = v128.load(state, 64);
  const empty = v128.and(
    f32x4.eq(least, f32x4.splat(Infinity)),
    f32x4.eq(sum, f32x4.splat(0)),
  );
  const out1 = output + (<usize> stride << 2);
  const out2 = out1 + (<usize> stride << 2),
    out3 = out2 + (<usize> stride << 2);
  // NaN wherever a number is not finite.
  let check = f32x4.sub(sum, sum);
  for (let c = 0; c < valueDim; c += 4, numerator += 128) {
    const a = v128.andnot(f32x4.div(v128.load(numerator), sum), empty);
    const b = v128.andnot(f32x4.div(v128.load(numerator, 32), sum), empty);
    const d = v128.andnot(f32x4.div(v128.load(numerator, 64), sum), empty);
    const e = v128.andnot(f32x4.div(v128.load(numerator, 96), sum), empty);
    check = f32x4.add(check, f32x4.sub(a, a));
    if (c + 1 < valueDim) check = f32x4.add(check, f32x4.sub(b, b));
    if (c + 2 < valueDim) check = f32x4.add(check, f32x4.sub(d, d));
    if (c + 3 < valueDim) check = f32x4.add(check, f32x4.sub(e, e));
    const at = <usize> c << 2;
    const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
    const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    const de0 = v128.shuffle<f32>(d, e, 0, 4, 1, 5);
    const de1 = v128.shuffle<f32>(d, e, 2, 6, 3, 7);
    v128.store(output + at, v128.shuffle<f32>(ab0, de0, 0, 1, 4, 5));
    v128.store(out1 + at, v128.shuffle<f32>(ab0, de0, 2, 3, 6, 7));
    v128.store(out2 + at, v128.shuffle<f32>(ab1, de1, 0, 1, 4, 5));
    v128.store(out3 + at, v128.shuffle<f32>(ab1, de1, 2, 3, 6, 7));
  }
  return flagsOf(check, v128.load(state), least);
}
