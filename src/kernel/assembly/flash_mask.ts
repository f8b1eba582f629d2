/**
 * What scores go through before they become weights, and what is seen of them on the way: ranges, biases, and whether they
 * left the range of 32-bit floats.
 */

/** Biases end here: what is further down is the same to all scores that are not there. */
const LEAST_SCORE: f32 = -8.507059173023462e37;

/** Sets scores behind a query's first and last key to −Infinity. */
export function limitLanes(
  scores: usize,
  state: usize,
  key: i32,
  count: i32,
): void {
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
export function maskLanes(
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

/** The bits of finishLanes for four queries; `check` is NaN where an output is not finite. */
export function flagsOf(check: v128, largest: v128, least: v128): i32 {
  const beyond = v128.or(
    f32x4.ne(check, check),
    f32x4.eq(least, f32x4.splat(-Infinity)),
  );
  // The largest score of a query that met no key is the lowest of all.
  const low = v128.and(
    f32x4.le(largest, f32x4.splat(LEAST_SCORE / 2)),
    f32x4.lt(least, f32x4.splat(Infinity)),
  );
  return i32x4.bitmask(beyond) | i32x4.bitmask(low) << 8;
}
