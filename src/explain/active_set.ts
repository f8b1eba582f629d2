/**
 * The shortest weights that are nowhere negative and have given moments, by walking from weights that have them.
 *
 * A primal active-set method (J. Nocedal and S. J. Wright, Numerical Optimization, 2nd edition, 2006, algorithm 16.3):
 * of the weights over the free keys F with the same moments, the shortest is the projection of x_F onto the span of
 * M_F. Go there, or as far as no weight turns negative; a key whose weight reaches 0 leaves F. At the projection, x_F =
 * M_F·λ; a key outside with M_j·λ > 0 would shorten x and enters. Every x on the way is non-negative and keeps the
 * moments to rounding, whatever happens: it never solves for weights from moments, which is what fails next to the
 * boundary.
 *
 * @module
 */

import { changeRow, type Factor, factorise } from "./factor.ts";
import { combine, largestOf, lengthOf, type Moments } from "./moments.ts";
import {
  combinationOf,
  conditionOf,
  project,
  type Space,
  spanOf,
} from "./space.ts";

/** Weights this close to the projection, next to the largest, are there: some roundings of long sums. */
const ARRIVED = 2 ** -44;
/** A multiplier below this share of the largest weight changes the length by less than its square, which is no bit. */
const POSITIVE = 2 ** -40;
/** And one below this share of |λ| may be rounding. */
const ROUNDING = 2 ** -46;
/** A step that shortens x by less than this has not shortened it: two bits of the sum of squares. */
const SHORTER = 1 - 2 ** -50;
/** Keys that come and go before the factorisation is made anew: their roundings add up. */
const MOST_FOLLOWED = 64;
/** Beyond this condition a followed factorisation is not asked for a rank, which is decided at 2⁵² / rows. */
const CLEAR = 2 ** 30;

/** The keys whose weights may move. */
interface Free {
  moments: Moments;
  keys: number[];
  /** rank × rows: M with the rows of all other keys 0, and its factorisation. */
  table: Float64Array;
  factor: Factor;
  followed: number;
}

/**
 * Shortens weights that are positive, keeping their moments.
 *
 * Ends at the least length, or where an exchange of every key has not changed a bit of it. Costs some 14 · rows · rank +
 * rank³ / 6 multiply-adds a step, and a step or a few for each key that comes out as 0; next to a vertex, rank³.
 */
export function shortestByWalking(
  moments: Moments,
  start: Float64Array,
): Float64Array {
  const { rows, rank } = moments, weights = start.slice();
  const free: Free = {
    moments,
    keys: Array.from({ length: rows }, (_, i) => i),
    table: moments.byMoment.slice(),
    factor: factorise(moments.byMoment, rows, rank),
    followed: 0,
  };
  // Steps of no length may go round in circles; to take the first key of those that may come or go ends that.
  const patient = 2 * rank;
  let squares = Infinity;
  for (let stalled = 0; stalled <= patient + rows + rank; stalled++) {
    const first = stalled > patient;
    const space = spanOver(free);
    if (!walk(weights, free, onFree(space, free, weights), first)) {
      const lambda = combinationOf(space, gathered(space, free, weights));
      const entering = mostPositive(free, lambda, weights, first);
      if (entering < 0) return weights;
      free.keys.push(entering);
      follow(free, entering, 1);
    }
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += weights[i] * weights[i];
    if (sum < squares * SHORTER) {
      squares = sum;
      stalled = -1;
    }
  }
  return weights;
}

/** The span of M over the free keys. */
function spanOver(free: Free): Space {
  const { moments: { rows, rank, byKey }, keys, table } = free;
  if (keys.length >= rank) {
    if (
      free.followed >= MOST_FOLLOWED ||
      (free.followed > 0 && !(conditionOf(free.factor, rank) <= CLEAR))
    ) {
      free.factor = factorise(table, rows, rank);
      free.followed = 0;
    }
    return spanOf(free.factor, rank);
  }
  // So few rows are mostly independent, which rows of 0 among them would hide.
  const few = new Float64Array(rank * keys.length);
  keys.forEach((key, i) => {
    for (let c = 0; c < rank; c++) {
      few[c * keys.length + i] = byKey[key * rank + c];
    }
  });
  return spanOf(factorise(few, keys.length, rank), rank);
}

/** Weights as a space over the free keys takes them: one for each of its rows. */
function gathered(
  { factor }: Space,
  { keys, factor: whole }: Free,
  weights: Float64Array,
): Float64Array {
  return factor === whole
    ? weights
    : Float64Array.from(keys, (key) => weights[key]);
}

/** The weights nearest to 0 with the same moments, one for each free key. */
function onFree(
  space: Space,
  free: Free,
  weights: Float64Array,
): Float64Array {
  const nearest = project(space, gathered(space, free, weights));
  return space.factor === free.factor
    ? Float64Array.from(free.keys, (key) => nearest[key])
    : nearest;
}

/** Notes that a key has come (1) or gone (−1). */
function follow(free: Free, key: number, sign: number): void {
  const { moments: { rows, rank, byKey }, table, factor } = free;
  const row = byKey.slice(key * rank, (key + 1) * rank);
  for (let c = 0; c < rank; c++) {
    table[c * rows + key] = sign > 0 ? row[c] : 0;
    row[c] *= sign;
  }
  changeRow(factor, key, row);
  free.followed++;
}

/** Goes to the goal, or to where the first weight is 0; that key is free no more. Returns whether there was one. */
function walk(
  weights: Float64Array,
  free: Free,
  goal: Float64Array,
  first: boolean,
): boolean {
  const { keys } = free, least = ARRIVED * largestOf(weights);
  let share = 1, blocking = -1, far = 0;
  for (let i = 0; i < keys.length; i++) {
    const here = weights[keys[i]];
    far = Math.max(far, Math.abs(goal[i] - here));
    if (goal[i] >= 0) continue;
    const reach = here / (here - goal[i]);
    const sooner = reach < share ||
      (first && reach === share && blocking >= 0 && keys[i] < keys[blocking]);
    if (sooner) [share, blocking] = [reach, i];
  }
  if (far <= least) return false;
  for (let i = 0; i < keys.length; i++) {
    const here = weights[keys[i]];
    const there = share === 1 ? goal[i] : here + share * (goal[i] - here);
    weights[keys[i]] = Math.max(0, there);
  }
  if (blocking < 0) return false;
  const [key] = keys.splice(blocking, 1);
  weights[key] = 0;
  follow(free, key, -1);
  return true;
}

/** The key outside that would shorten the weights most, or the first that would; −1 if there is none. */
function mostPositive(
  { moments, keys }: Free,
  lambda: Float64Array,
  weights: Float64Array,
  first: boolean,
): number {
  const multipliers = new Float64Array(moments.rows);
  combine(moments, lambda, multipliers);
  for (const key of keys) multipliers[key] = 0;
  let most = POSITIVE * largestOf(weights) + ROUNDING * lengthOf(lambda);
  let entering = -1;
  for (let i = 0; i < multipliers.length; i++) {
    if (!(multipliers[i] > most)) continue;
    most = multipliers[i];
    entering = i;
    if (first) break;
  }
  return entering;
}
