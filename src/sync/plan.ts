/**
 * The cost model, in multiply-adds: what bringing a row up to date takes, by replaying changes or by starting over.
 *
 * A multiply-add is one step of a dot product (dim of them score a key) or of a sum over a value (valueDim, and one
 * more for the row's value scale). Counts are the same on every machine; no clock is involved.
 *
 * @module
 */

import type { Memory } from "../memory/memory.ts";

/** Scoring and folding one key. */
export function keyCost({ dim, valueDim }: Memory): number {
  return dim + valueDim + 1;
}

/** Moving a row over a changed key; what is not there costs nothing, and a key that stays is scored once. */
export function exchangeCost(
  { dim, valueDim }: Memory,
  out: boolean,
  into: boolean,
  sameKey: boolean,
): number {
  const folds = (out ? 1 : 0) + (into ? 1 : 0);
  return folds === 0
    ? 0
    : folds * (valueDim + 1) + (sameKey && folds === 2 ? 1 : folds) * dim;
}

/** Forming the quotients of a row. */
export function answerCost({ valueDim }: Memory): number {
  return valueDim + 1;
}
