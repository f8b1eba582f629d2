/**
 * The inner loops of blocked attention on flat arrays: products of small panels and the online softmax between them.
 *
 * A block of keys is turned into f64 once and serves many queries. Scores are queries · keysᵀ, numerators grow by
 * weights · values: the same product with four rows of the left panel at a time, so that a number of the right panel,
 * once loaded, is used four times. Few queries do not repay the copy; for them two functions read keys and values where
 * they lie. All of it is f64: products of f32 numbers are exact and sums of them cannot overflow.
 *
 * Every sum goes by groups of four, ascending, whatever path it takes and whatever rows are beside it. A row's bits
 * depend on nothing but that row.
 *
 * The online softmax is that of Milakov and Gimelshein, Online normalizer calculation for softmax, 2018,
 * https://arxiv.org/abs/1805.02867, algorithm 3 (m is `anchor`, d is `sum`); its use by blocks, with the numerator beside
 * it, that of Dao et al., FlashAttention, 2022, https://arxiv.org/abs/2205.14135, algorithm 1.
 *
 * @module
 */

import { exp2, LEAST_EXPONENT, powerOfTwo } from "./exp2.ts";

/** A panel of numbers: row r begins at `at` + r · `stride`. */
export interface Panel<
  Numbers extends Float32Array | Float64Array = Float64Array,
> {
  /** The array that holds it. */
  data: Numbers;
  /** Where row 0 begins. */
  at: number;
  /** From row to row. */
  stride: number;
}

/** A panel of numbers as the caller stores them. */
export type SourcePanel = Panel<Float32Array | Float64Array>;

/** The online softmax of some rows: each a fold over the keys it has met. */
export interface SoftmaxRows {
  /** The largest score so far, −Infinity before the first. */
  anchor: Float64Array;
  /** Σ exp(score − anchor). */
  sum: Float64Array;
  /** How many keys were admitted: the row is empty if and only if this is 0. */
  count: Float64Array;
  /** Σ exp(score − anchor) · value, row by row. */
  numerator: Panel;
}

/** The operations of blocked attention; another kernel gives the same results within the errors stated. */
export interface FlashKernel {
  /** See {@linkcode multiplyAdd}. */
  multiplyAdd: typeof multiplyAdd;
  /** See {@linkcode multiplyAddNonzero}. */
  multiplyAddNonzero: typeof multiplyAddNonzero;
  /** See {@linkcode scoreInPlace}. */
  scoreInPlace: typeof scoreInPlace;
  /** See {@linkcode addInPlace}. */
  addInPlace: typeof addInPlace;
  /** See {@linkcode weigh}. */
  weigh: typeof weigh;
}

/** Rows of the left panel that are multiplied together; also the group by which sums go. */
export const GROUP = 4;

/** 1.5 · 2⁵²: adding and taking away this number rounds to whole numbers. */
const WHOLE = 1.5 * 2 ** 52;

/** The plain JavaScript kernel: the specification. */
export const flash: FlashKernel = {
  multiplyAdd,
  multiplyAddNonzero,
  scoreInPlace,
  addInPlace,
  weigh,
};

/**
 * product += left · right, rows × inner times inner × columns.
 *
 * `inner` is a multiple of four; rows and columns may be any number. Error at most (inner / 4 + 4) · 2⁻⁵³ times the
 * same sum over absolute values.
 */
export function multiplyAdd(
  product: Panel,
  left: Panel,
  right: Panel,
  rows: number,
  inner: number,
  columns: number,
): void {
  const p = product.data, a = left.data, b = right.data, step = right.stride;
  let row = 0;
  for (; row + GROUP <= rows; row += GROUP) {
    const p0 = product.at + row * product.stride, p1 = p0 + product.stride;
    const p2 = p1 + product.stride, p3 = p2 + product.stride;
    const a0 = left.at + row * left.stride,
      a1 = a0 + left.stride,
      a2 = a1 + left.stride,
      a3 = a2 + left.stride;
    for (let i = 0; i < inner; i += GROUP) {
      const w00 = a[a0 + i],
        w01 = a[a0 + i + 1],
        w02 = a[a0 + i + 2],
        w03 = a[a0 + i + 3];
      const w10 = a[a1 + i],
        w11 = a[a1 + i + 1],
        w12 = a[a1 + i + 2],
        w13 = a[a1 + i + 3];
      const w20 = a[a2 + i],
        w21 = a[a2 + i + 1],
        w22 = a[a2 + i + 2],
        w23 = a[a2 + i + 3];
      const w30 = a[a3 + i],
        w31 = a[a3 + i + 1],
        w32 = a[a3 + i + 2],
        w33 = a[a3 + i + 3];
      const b0 = right.at + i * step,
        b1 = b0 + step,
        b2 = b1 + step,
        b3 = b2 + step;
      for (let c = 0; c < columns; c++) {
        const x0 = b[b0 + c], x1 = b[b1 + c], x2 = b[b2 + c], x3 = b[b3 + c];
        p[p0 + c] += w00 * x0 + w01 * x1 + w02 * x2 + w03 * x3;
        p[p1 + c] += w10 * x0 + w11 * x1 + w12 * x2 + w13 * x3;
        p[p2 + c] += w20 * x0 + w21 * x1 + w22 * x2 + w23 * x3;
        p[p3 + c] += w30 * x0 + w31 * x1 + w32 * x2 + w33 * x3;
      }
    }
  }
  for (; row < rows; row++) {
    const p0 = product.at + row * product.stride,
      a0 = left.at + row * left.stride;
    for (let i = 0; i < inner; i += GROUP) {
      const w0 = a[a0 + i],
        w1 = a[a0 + i + 1],
        w2 = a[a0 + i + 2],
        w3 = a[a0 + i + 3];
      const b0 = right.at + i * step,
        b1 = b0 + step,
        b2 = b1 + step,
        b3 = b2 + step;
      for (let c = 0; c < columns; c++) {
        p[p0 + c] += w0 * b[b0 + c] + w1 * b[b1 + c] + w2 * b[b2 + c] +
          w3 * b[b3 + c];
      }
    }
  }
}

/**
 * {@linkcode multiplyAdd} where 0 on the left takes nothing from the right, not even from NaN or Infinity.
 *
 * The same bits where all of the right panel is finite. Slower: for panels that are not.
 */
export function multiplyAddNonzero(
  product: Panel,
  left: Panel,
  right: Panel,
  rows: number,
  inner: number,
  columns: number,
): void {
  const p = product.data, a = left.data, b = right.data, step = right.stride;
  for (let row = 0; row < rows; row++) {
    const p0 = product.at + row * product.stride,
      a0 = left.at + row * left.stride;
    for (let i = 0; i < inner; i += GROUP) {
      const w0 = a[a0 + i],
        w1 = a[a0 + i + 1],
        w2 = a[a0 + i + 2],
        w3 = a[a0 + i + 3];
      const b0 = right.at + i * step,
        b1 = b0 + step,
        b2 = b1 + step,
        b3 = b2 + step;
      for (let c = 0; c < columns; c++) {
        p[p0 + c] += (w0 === 0 ? 0 : w0 * b[b0 + c]) +
          (w1 === 0 ? 0 : w1 * b[b1 + c]) +
          (w2 === 0 ? 0 : w2 * b[b2 + c]) + (w3 === 0 ? 0 : w3 * b[b3 + c]);
      }
    }
  }
}

/**
 * scores = queries · keysᵀ, rows × dim times dim × columns, the keys read where they lie, one in each row.
 *
 * Any sizes. The bits of {@linkcode multiplyAdd} into zeros.
 */
export function scoreInPlace(
  scores: Panel,
  queries: Panel,
  keys: SourcePanel,
  rows: number,
  dim: number,
  columns: number,
): void {
  const s = scores.data, q = queries.data, k = keys.data;
  const whole = dim - dim % GROUP;
  for (let row = 0; row < rows; row++) {
    const q0 = queries.at + row * queries.stride;
    const s0 = scores.at + row * scores.stride;
    for (let j = 0; j < columns; j++) {
      const k0 = keys.at + j * keys.stride;
      let score = 0, rest = 0;
      for (let t = 0; t < whole; t += GROUP) {
        score += q[q0 + t] * k[k0 + t] + q[q0 + t + 1] * k[k0 + t + 1] +
          q[q0 + t + 2] * k[k0 + t + 2] + q[q0 + t + 3] * k[k0 + t + 3];
      }
      for (let t = whole; t < dim; t++) rest += q[q0 + t] * k[k0 + t];
      s[s0 + j] = score + rest;
    }
  }
}

/**
 * product += weights · values, rows × inner times inner × columns, the values read where they lie.
 *
 * Any sizes; zeros follow the weights of a row up to a multiple of four. The bits of {@linkcode multiplyAdd}.
 */
export function addInPlace(
  product: Panel,
  weights: Panel,
  values: SourcePanel,
  rows: number,
  inner: number,
  columns: number,
): void {
  const p = product.data,
    w = weights.data,
    v = values.data,
    step = values.stride;
  for (let row = 0; row < rows; row++) {
    const p0 = product.at + row * product.stride,
      a0 = weights.at + row * weights.stride;
    for (let i = 0; i < inner; i += GROUP) {
      const rest = inner - i;
      const w0 = w[a0 + i], w1 = w[a0 + i + 1];
      const w2 = w[a0 + i + 2], w3 = w[a0 + i + 3];
      // The zeros behind the last weight meet the last value that there is.
      const v0 = values.at + i * step, v1 = rest > 1 ? v0 + step : v0;
      const v2 = rest > 2 ? v1 + step : v1, v3 = rest > 3 ? v2 + step : v2;
      for (let c = 0; c < columns; c++) {
        p[p0 + c] += w0 * v[v0 + c] + w1 * v[v1 + c] + w2 * v[v2 + c] +
          w3 * v[v3 + c];
      }
    }
  }
}

/**
 * Turns scores, rows × columns, into weights exp(score − anchor) in their place and adds them to the sums of `state`,
 * whose rows begin at `first`; a score of −Infinity is a key that is not admitted and gets the weight 0.
 *
 * Where a row's largest score rises, its anchor, sum and numerator follow before anything is added. Weights are in
 * [0, 1], their error at most 6 · 2⁻⁵³; below 2⁻¹⁰²² they are 0. A score of NaN or Infinity makes its sum NaN. Returns
 * whether some weight is 0.
 */
export function weigh(
  scores: Panel,
  state: SoftmaxRows,
  first: number,
  rows: number,
  columns: number,
): boolean {
  const s = scores.data,
    { anchor, sum, count, numerator } = state,
    width = numerator.stride;
  let zeros = false;
  for (let row = 0; row < rows; row++) {
    const from = scores.at + row * scores.stride,
      to = from + columns,
      at = first + row;
    let largest = anchor[at], admitted = 0;
    for (let j = from; j < to; j++) {
      const score = s[j];
      if (score !== -Infinity) admitted++;
      if (score > largest) largest = score;
    }
    if (admitted === 0) {
      s.fill(0, from, to);
      zeros = true;
      continue;
    }
    if (largest > anchor[at]) {
      if (count[at] > 0) {
        const factor = exponential(anchor[at] - largest),
          start = numerator.at + at * width,
          n = numerator.data;
        sum[at] *= factor;
        for (let c = start; c < start + width; c++) n[c] *= factor;
      }
      anchor[at] = largest;
    }
    count[at] += admitted;
    let total = 0;
    for (let j = from; j < to; j++) {
      const weight = exponential(s[j] - largest);
      if (weight === 0) zeros = true;
      s[j] = weight;
      total += weight;
    }
    sum[at] += total;
  }
  return zeros;
}

/** exp(x) for x ≤ 0 with an error of at most 6 · 2⁻⁵³; 0 where it is below 2⁻¹⁰²². */
export function exponential(x: number): number {
  const t = x * Math.LOG2E;
  if (t < LEAST_EXPONENT) return 0;
  const whole = (t + WHOLE) - WHOLE;
  return exp2(t - whole) * powerOfTwo(whole);
}
