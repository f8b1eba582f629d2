/**
 * The sparsest kind of weights with given moments: a vertex, with at most as many keys as there are moments.
 *
 * Of all x ≥ 0 with Mᵀx = Mᵀa, some have no more non-zeros than M has columns (C. Carathéodory, 1907): the vertices,
 * where the keys that carry weight have independent rows of M. The linear program max Σ a_i·x_i over them prefers keys
 * that had much weight. Starting from a itself, every key outside a basis is pushed up or down, whichever does not
 * lower the objective, until its weight is 0 or one of the basis is (N. Megiddo, "On Finding Primal- and Dual-Optimal
 * Bases", ORSA Journal on Computing 3, 1991, https://doi.org/10.1287/ijoc.3.1.63); what is left is the simplex method.
 *
 * @module
 */

import { inverse, Matrix } from "ml-matrix";
import {
  independentKeys,
  largestOf,
  lengthOf,
  missingIn,
  type Moments,
  momentsUnder,
} from "./moments.ts";

/** Pivots below this, where ordinary ones are around 1, would cost the inverse a third of its digits or more. */
const LEAST_PIVOT = 2 ** -30;
/** A gain below this share of the largest weight, or of the prices, may be rounding. */
const GAINFUL = 2 ** -42;
/** A step that raises the objective by less than this share has not raised it. */
const HIGHER = 1 + 2 ** -44;
/** The first correction brings the error down to its rounding, the second makes sure. */
const MOST_PASSES = 2;
/** Pivots until the inverse is made anew: so many roundings add up in it. */
const MOST_PIVOTS = 64;

/** A basis under way. */
interface Tableau {
  moments: Moments;
  /** rank: its keys. */
  basis: Int32Array;
  /** rank × rank, row by row: what maps a row of M to the rows of the basis that make it up. */
  inverse: Float64Array;
  pivots: number;
  /** rows: all weights. */
  weights: Float64Array;
  /** rows: what they were, the objective. */
  gains: Float64Array;
}

/**
 * Finds a vertex with the moments of given positive weights, near the one that has most of their weight.
 *
 * Costs O(rows · rank²) and some steps of O(rows · rank).
 */
export function vertexOf(
  moments: Moments,
  start: Float64Array,
): Float64Array {
  const { rows, rank } = moments;
  const tableau: Tableau = {
    moments,
    basis: independentKeys(moments),
    inverse: new Float64Array(rank * rank),
    pivots: 0,
    weights: start.slice(),
    gains: start,
  };
  invert(tableau);
  const basic = new Set(tableau.basis);
  for (let key = 0; key < rows; key++) {
    if (!basic.has(key)) clear(tableau, key);
  }
  climb(tableau);
  settle(tableau);
  return tableau.weights;
}

/** Makes the inverse anew. */
function invert(tableau: Tableau): void {
  const { moments: { rank, byKey }, basis } = tableau;
  const columns = new Matrix(rank, rank);
  basis.forEach((key, i) => {
    for (let c = 0; c < rank; c++) columns.set(c, i, byKey[key * rank + c]);
  });
  tableau.inverse.set(inverse(columns).to1DArray());
  tableau.pivots = 0;
}

/** How much of each row of the basis makes up the row of a key. */
function makeup(
  { moments: { rank, byKey }, inverse }: Tableau,
  key: number,
): Float64Array {
  const shares = new Float64Array(rank);
  for (let i = 0; i < rank; i++) {
    let sum = 0;
    for (let c = 0; c < rank; c++) {
      sum += inverse[i * rank + c] * byKey[key * rank + c];
    }
    shares[i] = sum;
  }
  return shares;
}

/**
 * Moves a key's weight to 0 or into the basis, whichever does not lower the objective.
 *
 * To move all of them to 0 and climb back would end as high, but on the way all weight would hang on keys that may have
 * had next to none, and their digits would be lost.
 */
function clear(tableau: Tableau, key: number): void {
  const { basis, gains, weights } = tableau, shares = makeup(tableau, key);
  let gain = gains[key];
  for (let i = 0; i < basis.length; i++) gain -= gains[basis[i]] * shares[i];
  if (gain > 0 && push(tableau, key, shares, Infinity, false)) return;
  for (let i = 0; i < shares.length; i++) shares[i] = -shares[i];
  push(tableau, key, shares, weights[key], true);
}

/**
 * Moves a key's weight by as much as the basis allows, `most` at most, up or down; `shares` is what the basis loses.
 *
 * Returns whether it moved into the basis or all the way.
 */
function push(
  tableau: Tableau,
  key: number,
  shares: Float64Array,
  most: number,
  down: boolean,
  first = false,
): boolean {
  const { basis, weights } = tableau;
  let step = most, leaving = -1;
  for (let i = 0; i < basis.length; i++) {
    if (shares[i] < LEAST_PIVOT) continue;
    const reach = weights[basis[i]] / shares[i];
    const better = first
      ? basis[i] < basis[leaving]
      : shares[i] > shares[leaving];
    if (reach < step || (reach === step && leaving >= 0 && better)) {
      [step, leaving] = [reach, i];
    }
  }
  if (step === Infinity) return false;
  for (let i = 0; i < basis.length; i++) {
    const left = weights[basis[i]] - step * shares[i];
    weights[basis[i]] = Math.max(0, left);
  }
  weights[key] = Math.max(0, weights[key] + (down ? -step : step));
  if (leaving < 0) weights[key] = 0;
  else exchange(tableau, leaving, key, down ? -1 : 1, shares);
  return true;
}

/** Puts a key in the place of one of the basis, whose weight becomes 0. */
function exchange(
  tableau: Tableau,
  place: number,
  key: number,
  sign: number,
  shares: Float64Array,
): void {
  const { moments: { rank }, basis, inverse, weights } = tableau;
  weights[basis[place]] = 0;
  basis[place] = key;
  if (++tableau.pivots === MOST_PIVOTS) return invert(tableau);
  const pivot = place * rank, unit = sign * shares[place];
  for (let c = 0; c < rank; c++) inverse[pivot + c] /= unit;
  for (let i = 0; i < rank; i++) {
    if (i === place) continue;
    const share = sign * shares[i];
    for (let c = 0; c < rank; c++) {
      inverse[i * rank + c] -= share * inverse[pivot + c];
    }
  }
}

/** The simplex method, from vertex to vertex, until no key outside would raise the objective. */
function climb(tableau: Tableau): void {
  const { moments: { rows, rank }, weights, gains } = tableau;
  // Steps of no gain may go round in circles; the first key of those that may go or come never does (R. G. Bland, 1977).
  const patient = 2 * rank;
  let height = 0;
  for (let stalled = 0; stalled <= patient + rows + rank; stalled++) {
    const first = stalled > patient, key = mostGainful(tableau, first);
    if (key < 0) return;
    push(tableau, key, makeup(tableau, key), Infinity, false, first);
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += gains[i] * weights[i];
    if (sum > height * HIGHER) {
      height = sum;
      stalled = -1;
    }
  }
}

/** The key outside the basis with the largest gain for each unit of weight, or the first with any; −1 if none has. */
function mostGainful(tableau: Tableau, first: boolean): number {
  const { moments: { rows, rank, byKey }, basis, inverse, gains } = tableau;
  const prices = new Float64Array(rank), basic = new Set(basis);
  for (let i = 0; i < rank; i++) {
    for (let c = 0; c < rank; c++) {
      prices[c] += gains[basis[i]] * inverse[i * rank + c];
    }
  }
  let most = GAINFUL * (largestOf(gains) + lengthOf(prices)), best = -1;
  for (let key = 0; key < rows; key++) {
    let gain = gains[key];
    for (let c = 0; c < rank; c++) gain -= byKey[key * rank + c] * prices[c];
    if (!(gain > most) || basic.has(key)) continue;
    most = gain;
    best = key;
    if (first) break;
  }
  return best;
}

/** Corrects what the steps have rounded, unless the basis is so near to dependent that this makes it worse. */
function settle(tableau: Tableau): void {
  const { moments, basis, weights, gains, inverse } = tableau;
  const { rank } = moments, wanted = momentsUnder(moments, gains);
  invert(tableau);
  let missing = missingIn(moments, weights, wanted);
  for (let pass = 0; pass < MOST_PASSES; pass++) {
    const before = weights.slice(), size = lengthOf(missing);
    for (let i = 0; i < rank; i++) {
      let more = 0;
      for (let c = 0; c < rank; c++) more += inverse[i * rank + c] * missing[c];
      weights[basis[i]] = Math.max(0, weights[basis[i]] + more);
    }
    missing = missingIn(moments, weights, wanted);
    if (lengthOf(missing) < size) continue;
    weights.set(before);
    return;
  }
}
