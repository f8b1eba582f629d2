/** The dot products of four rows with changed keys, two keys at a time. */

import { list, scores, wide } from "./replay_room";

/** 32-bit numbers as pairs of 64-bit ones, from `step` to `step` bytes, a zero behind an odd one. */
export function widen(from: usize, to: usize, step: usize, count: i32): void {
  for (const end = from + (<usize> (count & ~1) << 2); from < end;) {
    v128.store(to, f64x2.promote_low_f32x4(v128.load64_zero(from)));
    from += 8;
    to += step;
  }
  if (count & 1) {
    v128.store(to, f64x2.promote_low_f32x4(v128.load32_zero(from)));
  }
}

function madd(a: v128, b: v128, sum: v128): v128 {
  return f64x2.add(f64x2.mul(a, b), sum);
}

/** The dot products of four rows with two keys of the list. */
export function dots(at: usize, pairs: i32): void {
  const entry = list + (at << 3);
  let k: usize = load<u32>(entry), m: usize = load<u32>(entry, 8), q = wide;
  let a0 = f64x2.splat(0), a1 = a0, a2 = a0, a3 = a0;
  let b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  for (const end = q + (<usize> pairs << 6); q < end;) {
    const x = v128.load(k), y = v128.load(m);
    let z = v128.load(q);
    a0 = madd(x, z, a0);
    b0 = madd(y, z, b0);
    z = v128.load(q, 16);
    a1 = madd(x, z, a1);
    b1 = madd(y, z, b1);
    z = v128.load(q, 32);
    a2 = madd(x, z, a2);
    b2 = madd(y, z, b2);
    z = v128.load(q, 48);
    a3 = madd(x, z, a3);
    b3 = madd(y, z, b3);
    k += 16;
    m += 16;
    q += 64;
  }
  const first = scores + (<usize> load<i32>(entry, 4) << 5);
  const second = scores + (<usize> load<i32>(entry, 12) << 5);
  put(first, a0, a1);
  put(first + 16, a2, a3);
  put(second, b0, b1);
  put(second + 16, b2, b3);
}

/** Two 32-bit numbers as 64-bit ones. */
function pair(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(at));
}

/** The dot products of four queries, where they lie, with the two keys of the list. */
export function dotsInPlace(
  q0: usize,
  q1: usize,
  q2: usize,
  q3: usize,
  dim: i32,
): void {
  let k: usize = load<u32>(list), m: usize = load<u32>(list, 8);
  let a0 = f64x2.splat(0), a1 = a0, a2 = a0, a3 = a0;
  let b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  for (const end = k + (<usize> (dim & ~1) << 3); k < end;) {
    const x = v128.load(k), y = v128.load(m);
    let z = pair(q0);
    a0 = madd(x, z, a0);
    b0 = madd(y, z, b0);
    z = pair(q1);
    a1 = madd(x, z, a1);
    b1 = madd(y, z, b1);
    z = pair(q2);
    a2 = madd(x, z, a2);
    b2 = madd(y, z, b2);
    z = pair(q3);
    a3 = madd(x, z, a3);
    b3 = madd(y, z, b3);
    k += 16;
    m += 16;
    q0 += 8;
    q1 += 8;
    q2 += 8;
    q3 += 8;
  }
  if (dim & 1) {
    // Behind the last column of a key lies a zero.
    const x = v128.load(k), y = v128.load(m);
    let z = f64x2.promote_low_f32x4(v128.load32_zero(q0));
    a0 = madd(x, z, a0);
    b0 = madd(y, z, b0);
    z = f64x2.promote_low_f32x4(v128.load32_zero(q1));
    a1 = madd(x, z, a1);
    b1 = madd(y, z, b1);
    z = f64x2.promote_low_f32x4(v128.load32_zero(q2));
    a2 = madd(x, z, a2);
    b2 = madd(y, z, b2);
    z = f64x2.promote_low_f32x4(v128.load32_zero(q3));
    a3 = madd(x, z, a3);
    b3 = madd(y, z, b3);
  }
  const first = scores + (<usize> load<i32>(list, 4) << 5);
  const second = scores + (<usize> load<i32>(list, 12) << 5);
  put(first, a0, a1);
  put(first + 16, a2, a3);
  put(second, b0, b1);
  put(second + 16, b2, b3);
}

/** Even + odd stripes of the dot products of a key with two rows. */
function put(to: usize, a: v128, b: v128): void {
  const evens = v128.shuffle<f64>(a, b, 0, 2);
  v128.store(to, f64x2.add(evens, v128.shuffle<f64>(a, b, 1, 3)));
}
