/**
 * The landmarks of a stream: standing queries of an attention, Γ, and what is put in the place of its inverse.
 *
 * Landmarks lie in a ring: a new one takes the place of the oldest, so one row and one column of Γ are others.
 *
 * @module
 */

import type { Attention } from "../attention.ts";
import { watch } from "../change.ts";
import type { Id } from "../check.ts";
import type { Memory } from "../memory/memory.ts";
import { scoreLandmarks, weighScores } from "../method/landmarks.ts";
import type { InverseSettings } from "../method/settings.ts";
import {
  makeSolver,
  settleRidge,
  type Solver,
  takeGamma,
} from "../method/solver.ts";
import { outputs } from "../read.ts";
import { replaceLandmark, replacementCost } from "./small_inverse.ts";

/** The landmarks of a stream. */
export interface Standing {
  readonly memory: Memory;
  /** The attention they are watched by. */
  readonly attention: Attention;
  readonly solver: Solver;
  /** How many there are to be, and have been. */
  readonly size: number;
  made: number;
  readonly ids: Id[];
  /** size × dim */
  readonly queries: Float64Array;
  readonly keys: Float64Array;
  /** size × size: what Γ are the weights of. */
  readonly scores: Float64Array;
  /** size × valueDim: Y. */
  readonly answers: Float64Array;
  /** The place of a landmark that Z has not met. */
  fresh: number | undefined;
}

/** Makes room for landmarks, none of which is there. */
export function makeStanding(
  memory: Memory,
  attention: Attention,
  settings: InverseSettings,
  size: number,
): Standing {
  const { dim, valueDim } = memory;
  return {
    memory,
    attention,
    solver: makeSolver(settings, memory.kernel),
    size,
    made: 0,
    ids: [],
    queries: new Float64Array(size * dim),
    keys: new Float64Array(size * dim),
    scores: new Float64Array(size * size),
    answers: new Float64Array(size * valueDim),
    fresh: undefined,
  };
}

/** Adds a landmark, in the place of the oldest if all are there. */
export function placeLandmark(
  standing: Standing,
  query: Float64Array,
  key: Float64Array,
): void {
  const { memory, attention, size, ids, queries, keys, scores } = standing;
  const { dim, scale, kernel } = memory, place = standing.made++ % size;
  // Kernels meet queries in 32 bits, so that is what the landmark is.
  const row = Float32Array.from(query);
  if (place < ids.length) watch(attention, row, { ids: ids[place] });
  else ids.push(...watch(attention, row));
  const at = place * dim, count = ids.length;
  queries.set(row, at);
  keys.set(key, at);
  const score = (i: number, j: number, count: number) =>
    scoreLandmarks(
      queries,
      i * dim,
      keys.subarray(j * dim),
      dim,
      count,
      scale,
      0,
      scores,
      i * size + j,
    );
  score(place, 0, count);
  for (let i = 0; i < count; i++) score(i, place, 1);
  kernel.multiplyAdds += 2 * count * dim;
  standing.fresh = place;
}

/**
 * Brings Y up to date, and Z where a landmark is new, or where `again` says to settle the ridge anew; says whether Z
 * is another.
 */
export function followStanding(standing: Standing, again: boolean): boolean {
  const { attention, ids, answers, solver, fresh, memory } = standing;
  outputs(attention, { ids, out: answers });
  if (fresh === undefined) {
    return again && settleRidge(solver, answers, memory.valueDim);
  }
  factor(standing, fresh);
  settleRidge(solver, answers, memory.valueDim);
  standing.fresh = undefined;
  return true;
}

/** Takes in the Γ whose landmark `place` is new. */
function factor({ solver, size, scores }: Standing, place: number): void {
  const gamma = scores.slice();
  for (let i = 0; i < size; i++) weighScores(gamma, i * size, size);
  if (solver.settings.inverse === "exact" && solver.refactored > 0) {
    solver.counter.multiplyAdds += replacementCost(size);
    if (replaceLandmark(solver, gamma, place)) return;
  }
  takeGamma(solver, gamma, size);
}
