/**
 * Attention without the positions that have mattered least: pruning by mean weights, kept under changes.
 *
 * A position is a pair of a watched query's id and a key's id. Their weights are observed now and then and averaged over
 * the times a pair was there; asked to prune, the method takes a percentile of all means and masks the pairs at or below
 * it until it is asked again (Rugina et al., Data-Informed Global Sparseness in Attention Mechanisms for Deep Neural
 * Networks, 2020, https://arxiv.org/abs/2012.02030). Between two prunings nothing changes but keys, so a pruned
 * attention is an exact one with one more mask: rows are replayed over changes as ever and have the same bits whatever
 * happened before. The paper says nothing about single outputs; here the mass that a row leaves out is known at run time
 * and bounds its error: |O − O'| ≤ Σ p_j |v_j| + τ |O'| over what is left out, τ = Σ p_j.
 *
 * @module
 */

import { type Attention, openAttention } from "../attention.ts";
import { checkOptions, checkShare, type Ids } from "../check.ts";
import { checkWatched } from "../answer/readers.ts";
import { type Memory, whileReading } from "../memory/memory.ts";
import { makeMethod } from "../memory/method.ts";
import type { Method } from "../softmax/method.ts";
import { settleLog, syncRows } from "../sync/sync.ts";
import { PrunedPairs, type Pruning } from "./pruned_pairs.ts";

export type { Pruning };

/** Options of {@linkcode pruned}. */
export interface PrunedOptions {
  /** The share of observed positions to prune, from 0 to below 1; 0 prunes nothing. */
  sparsity: number;
}

/**
 * Makes a method that leaves out the positions whose mean weights are the smallest.
 *
 * It prunes nothing until it has been told to {@linkcode observe} and to {@linkcode prune}, and from then on what was
 * pruned last. `outputs`, `topKeys` and `weights` of watched queries see the other keys alone; a pair that was not yet
 * observed is never pruned, and a row whose admitted keys are all pruned attends to the one of largest mean, of equals
 * the smallest id. (The authors' code lets such a row attend to everything alike.) Queries that are not watched have no
 * positions and see everything. A watched query that is replaced keeps the means of its id; a snapshot holds none of
 * them, so a restored attention prunes nothing until it has observed again.
 *
 * What is pruned depends on all that was observed. So under a causal mask, or for queries that come one by one, observe
 * and prune on other data than those whose outputs must not tell of what is later.
 *
 * A changed key costs the rows that attend to it what it costs in any attention, the others no multiply-add. Means take up
 * to 40 bytes for each pair that was observed, until its key or query goes. Bounds are paid for by those who ask:
 * `errorBound`, `bounds` and {@linkcode prunedMass} score the pruned keys of a row that have changed since it was last
 * asked, look at all of them, and keep 16 bytes for each.
 *
 * Errors: a `RangeError` for a sparsity outside [0, 1), a `TypeError` for an option that is not known.
 *
 * @example The half that mattered less
 * ```ts
 * import { assert, assertEquals } from "@std/assert";
 * import { createAttention, errorBound, measureError, outputs } from "@reattend/reattend";
 * import { observe, prune, pruned } from "@reattend/reattend/methods";
 *
 * const a = createAttention({
 *   queries: [[1]],
 *   keys: [[0], [9], [9], [1]],
 *   values: [[5], [2], [4], [5]],
 *   method: pruned({ sparsity: 0.25 }),
 * });
 * observe(a);
 * assertEquals(prune(a).pruned, 2);
 * assertEquals(outputs(a).to2DArray(), [[3]]);
 * assert(measureError(a) <= errorBound(a).total);
 * ```
 */
export function pruned(options: PrunedOptions): Method {
  const verb = "make pruned";
  checkOptions(verb, options ?? {}, ["sparsity"]);
  const sparsity = checkShare(verb, "sparsity", options?.sparsity, false);
  return makeMethod(`pruned(${sparsity})`, {
    sift: (_verb, memory) => new PrunedPairs(memory, sparsity),
  });
}

/**
 * Adds the weights that watched queries have now, over all keys that they may attend to, to their means.
 *
 * A pair that is not there now, because its key is gone, masked or not admitted, is not counted: its mean is over the
 * times it was. Nothing is pruned or restored before {@linkcode prune}.
 *
 * Costs rows · m · dim multiply-adds. Errors: a `TypeError` for an attention of another method, a `RangeError` for an
 * id that is not watched; what a mask throws, before anything is added.
 *
 * @param ids Watched queries to observe; all of them if left out.
 */
export function observe(a: Attention, ids?: Ids): void {
  const verb = "observe", { memory, pairs } = openPruned(verb, a);
  const rows = checkWatched(verb, memory, ids);
  whileReading(verb, memory, () => pairs.observe(rows));
}

/**
 * Prunes anew: takes the percentile of all means that there are now, and what is at or below it.
 *
 * Ties go together, so more than the share may be pruned. Means of keys that are gone are dropped. A row whose pairs are
 * other than before starts over at its next read.
 *
 * Costs a sort of the means. Errors: a `TypeError` for an attention of another method.
 */
export function prune(a: Attention): Pruning {
  const verb = "prune", { memory, pairs } = openPruned(verb, a);
  return whileReading(verb, memory, () => pairs.prune());
}

/**
 * Reads the mass that watched queries leave out: at most so large a share of their softmax is on pruned keys.
 *
 * A bound that holds for exact attention in the reals, and exceeds the true mass by roundings alone. Shapes: rows.
 * Costs bringing the rows up to date, and dim multiply-adds for each pruned key that changed since the row was last
 * asked. Errors: as {@linkcode observe}.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { createAttention } from "@reattend/reattend";
 * import { observe, prune, pruned, prunedMass } from "@reattend/reattend/methods";
 *
 * const method = pruned({ sparsity: 0.1 });
 * const a = createAttention({ queries: [[1]], keys: [[0], [Math.log(3)]], values: [[1], [2]], method });
 * observe(a);
 * prune(a);
 * assertAlmostEquals(prunedMass(a)[0], 1 / 4, 1e-6);
 * ```
 */
export function prunedMass(a: Attention, ids?: Ids): Float64Array {
  const verb = "read pruned mass", { memory, pairs } = openPruned(verb, a);
  const rows = checkWatched(verb, memory, ids);
  return whileReading(verb, memory, () => {
    syncRows(memory, Int32Array.from(new Set(rows)));
    settleLog(memory, rows.length);
    return Float64Array.from(rows, (row) => pairs.pruned(row).share);
  });
}

function openPruned(
  verb: string,
  a: Attention,
): { memory: Memory; pairs: PrunedPairs } {
  const memory = openAttention(verb, a), { sieve, method } = memory;
  if (sieve instanceof PrunedPairs) return { memory, pairs: sieve };
  throw new TypeError(
    `Cannot ${verb}: the method is ${
      method?.name ?? "none"
    }, it should be made by pruned`,
  );
}
