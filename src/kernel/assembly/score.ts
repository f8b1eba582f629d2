/** Canonical scores of many keys: the two lanes are the two stripes of a dot product. */

/** Queries side by side. */
const LANES: usize = 8;

/**
 * Writes `n` dense queries side by side to `to`, in 64 bits: all first columns, all second ones; zeros behind an odd
 * width. Nobody looks at what is in the other lanes.
 */
export function packQueries(
  n: i32,
  rows: usize,
  queries: usize,
  starts: usize,
  to: usize,
): void {
  const behind = to + <usize> dim * (LANES << 3);
  for (let r = 0; r < n; r += 4, to += 32) {
    packFour(
      queryAt(r, n, rows, queries, starts),
      queryAt(r + 1, n, rows, queries, starts),
      queryAt(r + 2, n, rows, queries, starts),
      queryAt(r + 3, n, rows, queries, starts),
      to,
    );
  }
  if (dim & 1) memory.fill(behind, 0, LANES << 3);
}

/** Where a query lies; the last one for those behind it. */
function queryAt(
  r: i32,
  n: i32,
  rows: usize,
  queries: usize,
  starts: usize,
): usize {
  const row = <usize> load<i32>(rows + (<usize> min(r, n - 1) << 2));
  return queries + (<usize> (load<i32>(starts + (row << 2)) * dim) << 2);
}

/** Four queries, two columns at a time: behind an odd width one more. */
function packFour(q0: usize, q1: usize, q2: usize, q3: usize, to: usize): void {
  for (const end = q0 + (<usize> dim << 2); q0 < end; to += LANES << 4) {
    let x = pair(q0), y = pair(q1);
    v128.store(to, v128.shuffle<f64>(x, y, 0, 2));
    v128.store(to, v128.shuffle<f64>(x, y, 1, 3), LANES << 3);
    x = pair(q2);
    y = pair(q3);
    v128.store(to, v128.shuffle<f64>(x, y, 0, 2), 16);
    v128.store(to, v128.shuffle<f64>(x, y, 1, 3), (LANES << 3) + 16);
    q0 += 8;
    q1 += 8;
    q2 += 8;
    q3 += 8;
  }
}

/**
 * Writes the scores of the `count` keys of `slots` for `n` queries side by side, those of a query `stride` bytes behind
 * those of the one before; returns the multiply-adds of a query's dot products.
 */
export function scoreLanes(
  n: i32,
  count: i32,
  slots: usize,
  packed: usize,
  scores: usize,
  stride: usize,
): f64 {
  let products: f64 = 0;
  for (let i = 0; i < count; i++, slots += 4, scores += 8) {
    const slot = load<i32>(slots), even = stripe(slot);
    const bias = load<f64>(biases + (<usize> slot << 3));
    if (even < 0) {
      lanesDense(placeOf(slot), packed);
      products += <f64> dim;
    } else {
      const size = load<i32>(counts + (<usize> slot << 2));
      lanesSparse(placeOf(slot) << 2, even, size, packed);
      products += <f64> size;
    }
    putLanes(n, bias, scores, stride);
  }
  return products;
}

/** The scores of a key for `n` queries. */
function putLanes(n: i32, bias: f64, to: usize, stride: usize): void {
  const scale = f64x2.splat(factor), offset = f64x2.splat(bias);
  for (let from = DOTS;; from += 16) {
    const two = f64x2.add(f64x2.mul(v128.load(from), scale), offset);
    v128.store64_lane(to, two, 0);
    if (--n == 0) return;
    to += stride;
    v128.store64_lane(to, two, 1);
    if (--n == 0) return;
    to += stride;
  }
}

/** The dot products of the queries with a key. */
const DOTS: usize = memory.data(64, 16);

/** Adds a column of the queries times a number of a key. */
function lane(sum: v128, column: usize, at: usize, number: v128): v128 {
  return f64x2.add(sum, f64x2.mul(v128.load(column + at), number));
}

function numberAt(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load32_splat(at));
}

/** Behind an odd width some number meets zeros, and changes no sum: all numbers that are stored are finite. */
function lanesDense(place: usize, packed: usize): void {
  let k = dense + (<usize> dim << 2) * place, q = packed;
  let a = f64x2.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
  for (const end = k + (<usize> dim << 2); k < end; k += 8) {
    let x = numberAt(k);
    a = lane(a, q, 0, x);
    b = lane(b, q, 16, x);
    c = lane(c, q, 32, x);
    d = lane(d, q, 48, x);
    x = numberAt(k + 4);
    e = lane(e, q, 64, x);
    f = lane(f, q, 80, x);
    g = lane(g, q, 96, x);
    h = lane(h, q, 112, x);
    q += 128;
  }
  keep(a, b, c, d, e, f, g, h);
}

function lanesSparse(
  from: usize,
  evens: i32,
  size: i32,
  packed: usize,
): void {
  let column = columns + from, number = numbers + from;
  let a = f64x2.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
  const middle = column + (<usize> evens << 2);
  const end = column + (<usize> size << 2);
  for (; column < middle; column += 4, number += 4) {
    const x = numberAt(number), q = packed + (<usize> load<u32>(column) << 6);
    a = lane(a, q, 0, x);
    b = lane(b, q, 16, x);
    c = lane(c, q, 32, x);
    d = lane(d, q, 48, x);
  }
  for (; column < end; column += 4, number += 4) {
    const x = numberAt(number), q = packed + (<usize> load<u32>(column) << 6);
    e = lane(e, q, 0, x);
    f = lane(f, q, 16, x);
    g = lane(g, q, 32, x);
    h = lane(h, q, 48, x);
  }
  keep(a, b, c, d, e, f, g, h);
}

/** Even + odd stripes. */
function keep(
  a: v128,
  b: v128,
  c: v128,
  d: v128,
  e: v128,
  f: v128,
  g: v128,
  h: v128,
): void {
  v128.store(DOTS, f64x2.add(a, e));
  v128.store(DOTS, f64x2.add(b, f), 16);
  v128.store(DOTS, f64x2.add(c, g), 32);
  v128.store(DOTS, f64x2.add(d, h), 48);
}

/** Two 32-bit numbers as 64-bit ones. */
function pair(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(at));
}

function madd(a: v128, b: v128, sum: v128): v128 {
  return f64x2.add(f64x2.mul(a, b), sum);
}

function stripes(sum: v128): f64 {
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** The last column of an odd width, in the even lane. */
function last(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load32_zero(at));
}

/** Where keys and biases are, and the query: in 64 bits, a zero behind an odd width. */
let start: usize = 0, evens: usize = 0, counts: usize = 0;
let dense: usize = 0, columns: usize = 0, numbers: usize = 0;
let biases: usize = 0, query: usize = 0;
let dim: i32 = 0, factor: f64 = 0;

/** Says where the keys are: eight addresses. */
export function setKeys(at: usize, width: i32, scale: f64): void {
  start = load<u32>(at);
  evens = load<u32>(at, 4);
  counts = load<u32>(at, 8);
  dense = load<u32>(at, 12);
  columns = load<u32>(at, 16);
  numbers = load<u32>(at, 20);
  biases = load<u32>(at, 24);
  query = load<u32>(at, 28);
  dim = width;
  factor = scale;
}

/** Writes the scores of the `count` keys of `slots`; returns the multiply-adds of their dot products. */
export function score(count: i32, slots: usize, scores: usize): f64 {
  let products: f64 = 0, i = 0;
  for (; i + 4 <= count; i += 4, slots += 16, scores += 32) {
    const a = load<i32>(slots), b = load<i32>(slots, 4);
    const c = load<i32>(slots, 8), d = load<i32>(slots, 12);
    if ((stripe(a) & stripe(b) & stripe(c) & stripe(d)) < 0) {
      four(a, b, c, d, scores);
      products += 4 * <f64> dim;
    } else {
      products += one(a, scores) + one(b, scores + 8) + one(c, scores + 16) +
        one(d, scores + 24);
    }
  }
  for (; i < count; i++, slots += 4, scores += 8) {
    products += one(load<i32>(slots), scores);
  }
  return products;
}

/** Entries of a sparse key in even columns; less than 0 for a dense one. */
function stripe(slot: i32): i32 {
  return load<i32>(evens + (<usize> slot << 2));
}

function placeOf(slot: i32): usize {
  return load<i32>(start + (<usize> slot << 2));
}

function put(dot: f64, slot: i32, to: usize): void {
  store<f64>(to, dot * factor + load<f64>(biases + (<usize> slot << 3)));
}

/** Four dense keys. */
function four(s0: i32, s1: i32, s2: i32, s3: i32, scores: usize): void {
  const width = <usize> dim << 2, pairs = query + (<usize> (dim & ~1) << 3);
  let k0 = dense + width * placeOf(s0), k1 = dense + width * placeOf(s1);
  let k2 = dense + width * placeOf(s2), k3 = dense + width * placeOf(s3);
  let a0 = f64x2.splat(0), a1 = a0, a2 = a0, a3 = a0, q = query;
  while (q < pairs) {
    const x = v128.load(q);
    a0 = madd(pair(k0), x, a0);
    a1 = madd(pair(k1), x, a1);
    a2 = madd(pair(k2), x, a2);
    a3 = madd(pair(k3), x, a3);
    q += 16;
    k0 += 8;
    k1 += 8;
    k2 += 8;
    k3 += 8;
  }
  if (dim & 1) {
    const x = v128.load(q);
    a0 = madd(last(k0), x, a0);
    a1 = madd(last(k1), x, a1);
    a2 = madd(last(k2), x, a2);
    a3 = madd(last(k3), x, a3);
  }
  put(stripes(a0), s0, scores);
  put(stripes(a1), s1, scores + 8);
  put(stripes(a2), s2, scores + 16);
  put(stripes(a3), s3, scores + 24);
}

/** One key, dense or sparse. */
function one(slot: i32, to: usize): f64 {
  const even = stripe(slot);
  if (even >= 0) {
    const size = load<i32>(counts + (<usize> slot << 2));
    put(entries(placeOf(slot) << 2, even, size), slot, to);
    return <f64> size;
  }
  let k = dense + (<usize> dim << 2) * placeOf(slot), q = query;
  let a = f64x2.splat(0);
  for (const pairs = q + (<usize> (dim & ~1) << 3); q < pairs; q += 16) {
    a = madd(pair(k), v128.load(q), a);
    k += 8;
  }
  if (dim & 1) a = madd(last(k), v128.load(q), a);
  put(stripes(a), slot, to);
  return <f64> dim;
}

/** The dot product of a sparse key by its entries: first those in even columns, then the others. */
function entries(from: usize, evens: i32, size: i32): f64 {
  const even = <usize> evens << 2, all = <usize> size << 2;
  const shared = min(even, all - even);
  let c = columns + from, n = numbers + from, a: f64 = 0, b: f64 = 0;
  for (const end = c + shared; c < end; c += 4, n += 4) {
    a += product(c, n, query);
    b += product(c + even, n + even, query);
  }
  for (const end = columns + from + even; c < end; c += 4, n += 4) {
    a += product(c, n, query);
  }
  c = columns + from + even + shared;
  n = numbers + from + even + shared;
  for (const end = columns + from + all; c < end; c += 4, n += 4) {
    b += product(c, n, query);
  }
  return a + b;
}

function product(column: usize, number: usize, query: usize): f64 {
  return load<f64>(query + (<usize> load<u32>(column) << 3)) *
    <f64> load<f32>(number);
}
