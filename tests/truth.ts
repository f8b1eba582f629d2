/**
 * Softmax attention of one query in about twice the precision of f64: the judge of outputs and of their bounds.
 *
 * Products of 32-bit floats are exact in f64; sums, the product with the scale and the differences of scores are kept
 * as unevaluated pairs high + low (T. J. Dekker, A floating-point technique for extending the available precision,
 * 1971, https://doi.org/10.1007/BF01397083). What is left is one rounding of each weight and one of `Math.exp`: an
 * output is off by less than 2⁻⁵⁰ of Σ weight · |value| (five roundings), far below every bound it judges.
 *
 * @module
 */

import type { ModelEntry } from "./model.ts";

/** The output of a query over what is stored; zeros where nothing is admitted. */
export function trueOutput(
  query: Float32Array,
  entries: Iterable<ModelEntry>,
  scale: number,
  valueDim: number,
): Float64Array {
  const admitted: ModelEntry[] = [], high: number[] = [], low: number[] = [];
  let largest = -Infinity, largestLow = 0;
  for (const entry of entries) {
    if (entry.bias === -Infinity) continue;
    const [h, l] = scoreOf(query, entry, scale);
    admitted.push(entry);
    high.push(h);
    low.push(l);
    if (h > largest || (h === largest && l > largestLow)) {
      largest = h;
      largestLow = l;
    }
  }
  const sumHigh = new Float64Array(valueDim),
    sumLow = new Float64Array(valueDim);
  let massHigh = 0, massLow = 0;
  for (let j = 0; j < admitted.length; j++) {
    const difference = high[j] - largest;
    const rest = sumError(high[j], -largest, difference) +
      (low[j] - largestLow);
    const exponent = difference + rest;
    const weight = Math.exp(exponent) *
      (1 + sumError(difference, rest, exponent));
    if (weight === 0) continue;
    let sum = massHigh + weight;
    massLow += sumError(massHigh, weight, sum);
    massHigh = sum;
    const { value } = admitted[j];
    for (let c = 0; c < valueDim; c++) {
      const product = weight * value[c];
      sum = sumHigh[c] + product;
      sumLow[c] += sumError(sumHigh[c], product, sum) +
        productError(weight, value[c], product);
      sumHigh[c] = sum;
    }
  }
  return sumHigh.map((sum, c) =>
    massHigh === 0 ? 0 : quotient(sum, sumLow[c], massHigh, massLow)
  );
}

/** scale · query · key + bias as a pair. */
function scoreOf(
  query: Float32Array,
  { key, bias }: ModelEntry,
  scale: number,
): [number, number] {
  let high = 0, low = 0;
  for (let t = 0; t < key.length; t++) {
    const product = query[t] * key[t], sum = high + product;
    low += sumError(high, product, sum);
    high = sum;
  }
  const scaled = high * scale;
  low = productError(high, scale, scaled) + low * scale;
  const score = scaled + bias;
  return [score, sumError(scaled, bias, score) + low];
}

/** a + b − fl(a + b), exactly. */
function sumError(a: number, b: number, sum: number): number {
  const part = sum - a;
  return (a - (sum - part)) + (b - part);
}

/** Splits 53 bits in two halves. */
const SPLITTER = 2 ** 27 + 1;

/** a · b − fl(a · b), exactly while nothing overflows. */
function productError(a: number, b: number, product: number): number {
  let part = SPLITTER * a;
  const aHigh = part - (part - a), aLow = a - aHigh;
  part = SPLITTER * b;
  const bHigh = part - (part - b), bLow = b - bHigh;
  return ((aHigh * bHigh - product) + aHigh * bLow + aLow * bHigh) +
    aLow * bLow;
}

/** A quotient of pairs, corrected once. */
function quotient(
  high: number,
  low: number,
  divisorHigh: number,
  divisorLow: number,
): number {
  const first = (high + low) / divisorHigh, product = first * divisorHigh;
  const rest = (high - product) - productError(first, divisorHigh, product) +
    (low - first * divisorLow);
  return first + rest / divisorHigh;
}
