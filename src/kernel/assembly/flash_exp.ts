/**
 * Four floats at a time: multiply-add, exp, tanh, sums across lanes, and the table of their constants.
 *
 * Constants are read from memory before a loop: engines make vector constants anew in every turn of one, which costs
 * more than the arithmetic.
 */

/** a · b + c: rounded once where the engine has it and the module may use it, else twice. */
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** Where the constants lie, four times each. */
export let table: usize = 0;

/** e^x is 0 here: x log2 e rounds to −127. */
const LEAST: f32 = -88.0296919;
const LOG2E: f32 = 1.4426950408889634;
/** 1.5 · 2²³ + 127: adding it rounds to a whole number k, whose bits then end in those of k + 127. */
const WHOLE: f32 = 12583039;
/** ln 2 in two parts, the first so short that its products with k are exact; a fused product needs no second. */
const LN2: f32 = ASC_FEATURE_RELAXED_SIMD ? 0.6931471805599453 : 0.693359375;
const LN2_REST: f32 = -2.1219444005469057e-4;

/** Writes the constants to 160 bytes at `at`. */
export function prepare(at: usize): void {
  table = at;
  v128.store(at, f32x4.splat(LEAST));
  v128.store(at, f32x4.splat(LOG2E), 16);
  v128.store(at, f32x4.splat(WHOLE), 32);
  v128.store(at, f32x4.splat(LN2), 48);
  // (e^r − 1 − r) / r² for |r| ≤ ln 2 / 2, of degree 4: e^r has an error of 4e-9 before its own roundings.
  v128.store(at, f32x4.splat(1.381422160193324e-3), 64);
  v128.store(at, f32x4.splat(8.36889911442995e-3), 80);
  v128.store(at, f32x4.splat(4.166840389370918e-2), 96);
  v128.store(at, f32x4.splat(0.1666651964187622), 112);
  v128.store(at, f32x4.splat(0.4999999403953552), 128);
  v128.store(at, f32x4.splat(1), 144);
}

/** x − k ln 2 for a whole number k. */
function fraction(x: v128, k: v128, ln2: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(k, ln2, x);
  const rest = f32x4.mul(k, f32x4.splat(LN2_REST));
  return f32x4.sub(f32x4.sub(x, f32x4.mul(k, ln2)), rest);
}

/** Where the one number of {@linkcode exp} lies. */
const ALONE: usize = memory.data(16, 16);

/** e^x, as exponentials() has it. */
export function exp(x: v128): v128 {
  v128.store(ALONE, x);
  return exponentials(ALONE, ALONE + 16, 16, f32x4.splat(0));
}

/**
 * Replaces the vectors from `at` to `end`, `step` bytes apart, by e^(x − largest), and returns their sum.
 *
 * Exactly 1 where nothing is left, else with a relative error of at most 2⁻²²; 0 below e⁻⁸⁷·⁷, NaN of NaN. The power of
 * two is multiplied and not added to the exponent, which would make numbers of NaN.
 */
export function exponentials(
  at: usize,
  end: usize,
  step: usize,
  largest: v128,
): v128 {
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
  for (; at != end; at += step) {
    const x = f32x4.pmax(f32x4.sub(v128.load(at), largest), least);
    const z = madd(x, log2e, whole);
    const r = fraction(x, f32x4.sub(z, whole), ln2);
    let p = madd(c6, r, c5);
    p = madd(p, r, c4);
    p = madd(p, r, c3);
    p = madd(p, r, c2);
    p = madd(p, r, one);
    p = madd(p, r, one);
    p = f32x4.mul(p, i32x4.shl(z, 23));
    v128.store(at, p);
    sum = f32x4.add(sum, p);
  }
  return sum;
}

/**
 * Caps `count` vectors of scores at `at` in their place: size · tanh(score / size), `factor` being −2 / size.
 *
 * With e = exp(−2|x|) − 1, tanh |x| = −e / (2 + e), which loses nothing where x is small. A score that is not finite
 * becomes NaN: it may be one that has overflowed.
 */
export function capScores(at: usize, count: i32, size: f32, factor: f32): void {
  const end = at + (<usize> count << 4), constants = table;
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
  const sizes = f32x4.splat(-size),
    factors = f32x4.splat(factor),
    sign = f32x4.splat(-0.0);
  for (; at < end; at += 16) {
    const score = v128.load(at);
    const x = f32x4.pmax(f32x4.mul(f32x4.abs(score), factors), least);
    const z = madd(x, log2e, whole);
    const r = fraction(x, f32x4.sub(z, whole), ln2);
    let p = madd(c6, r, c5);
    p = madd(p, r, c4);
    p = madd(p, r, c3);
    p = madd(p, r, c2);
    p = f32x4.mul(madd(p, r, one), r);
    const power = i32x4.shl(z, 23);
    const e = f32x4.add(f32x4.mul(p, power), f32x4.sub(power, one));
    const capped = f32x4.div(
      f32x4.mul(e, sizes),
      f32x4.add(e, f32x4.add(one, one)),
    );
    const signed = v128.xor(capped, v128.and(score, sign));
    v128.store(at, f32x4.add(signed, f32x4.sub(score, score)));
  }
}

/** Whether all lanes are finite. */
export function finite(x: v128): bool {
  const none = f32x4.sub(x, x);
  return !v128.any_true(f32x4.ne(none, none));
}

/** The sums of four vectors, one in each lane. */
export function sums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(
    v128.shuffle<f32>(a, b, 0, 4, 1, 5),
    v128.shuffle<f32>(a, b, 2, 6, 3, 7),
  );
  const cd = f32x4.add(
    v128.shuffle<f32>(c, d, 0, 4, 1, 5),
    v128.shuffle<f32>(c, d, 2, 6, 3, 7),
  );
  return f32x4.add(
    v128.shuffle<f32>(ab, cd, 0, 1, 4, 5),
    v128.shuffle<f32>(ab, cd, 2, 3, 6, 7),
  );
}

/** One lane in all four. */
export function spread(x: v128, lane: u8): v128 {
  return v128.shuffle<f32>(x, x, lane, lane, lane, lane);
}
