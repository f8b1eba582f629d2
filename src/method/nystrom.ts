/**
 * Nyström attention: a few landmarks stand for all queries and all keys.
 *
 * With landmark queries Q̃ and landmark keys K̃, r of each, softmax(Q Kᵀ) V becomes F Z Y: F = softmax(Q K̃ᵀ) is n × r,
 * Y = softmax(Q̃ Kᵀ) V are the exact outputs of the landmark queries, and Z is something like the inverse of Γ =
 * softmax(Q̃ K̃ᵀ), which both meet in (Xiong et al., Nyströmformer: A Nyström-Based Algorithm for Approximating
 * Self-Attention, 2021, https://arxiv.org/abs/2102.03902, equations 13 to 15). It costs n + m times r instead of n · m.
 *
 * @module
 */

import { makeMethod } from "../memory/method.ts";
import type { Method } from "../softmax/method.ts";
import { LandmarkRows } from "./nystrom_rows.ts";
import { attendNystrom } from "./nystrom_tensors.ts";
import { checkSettings, type NystromOptions } from "./settings.ts";

export type { FixedLandmarks } from "./given.ts";
export type { InverseOptions, NystromOptions } from "./settings.ts";

/**
 * Makes a method that attends by way of landmarks, an approximation without a bound.
 *
 * A few landmark queries and landmark keys stand for all: an output is F Z Y, where F are the weights of its query on
 * the landmark keys, Y the exact outputs of the landmark queries, and Z about the inverse of Γ, the weights of the
 * landmark queries on the landmark keys.
 *
 * How far that is off depends on the data and can be far: measure it. There are no weights of single keys, some of those
 * implied are below 0, and `errorBound` is infinite. Landmarks are the means of segments of the rows in their order
 * (positions of tensors; ascending ids of watched queries and of live keys), or rows that you give. With no more keys
 * than landmarks, or no more queries where landmarks are means of those, it is exact attention, to the bit that of
 * attentions and of 64-bit tensors. Masks that differ by query are refused. A finite bias counts in Y; landmark keys
 * have none.
 *
 * **An output depends on all queries**, later ones too, where landmarks are their means: in tensors on all of the call,
 * in an attention on all that are watched, also for guests of `attend`. Tensors then refuse `causal: "queries"`; an
 * attention cannot know that its queries are in order. With landmark queries that are means of keys, or given, no output
 * depends on another query. That costs accuracy (`bench/nystrom.md`): over a memory of definitions, means of queries of
 * the past err like means of all queries, and means of keys a tenth more; on heads of a language model both err about as
 * much as the mean of the values does, or more.
 *
 * **Causal attention** of tensors takes given landmarks, and is refused with others. Row i is made of the keys up to
 * its own alone, and is exact as long as those are no more than the landmarks. The ridge, unless it is given, is chosen
 * when there is one key more than that, and again whenever the keys have doubled. With a cache the outputs of several
 * calls are those of one call, to the bit. A window may have a `right`, no `left`. NaN and Infinity make NaN of the rows
 * that see them; without causality, of the head. On heads of a language model this, too, errs more than the mean of the
 * values so far.
 *
 * An attention keeps the landmark queries as rows of its own and brings them up to date like watched ones, so Y is
 * exact after any history and all bits depend on what is stored alone. Guests of `attend` meet the same landmarks; a
 * guest that is one of them, where they are means of no more watched queries than landmarks, gets its exact answer. `stats`
 * tells how many `landmarks` are in use, how often Γ was `refactored`, the `residual` max |I − ΓZ|, the `ridge`, and the
 * `rowSumDefect`: how far the weights of any query are from adding up to 1, at most.
 *
 * Costs, for r landmarks: of tensors, each head, r (n + m) (dim + valueDim) + some 20 r³ multiply-adds. Of attentions,
 * a read after a write of k keys, r k (2 dim + 2 valueDim) for Y; keys that come or go shift the segments behind them,
 * m dim for their means, and a changed landmark 20 r³ for Γ; 18 r² valueDim for the ridge, unless it is given; and r
 * (dim + valueDim) for each row. With given landmarks Γ never changes; with landmark queries that are means of keys a
 * changed one starts over, m (dim + valueDim). Causal, of tensors: 20 r³ once, each head r (n + m) (dim + valueDim) +
 * n r², and 18 r² valueDim + r³ for each ridge that is settled.
 *
 * Errors: a `TypeError` or `RangeError` for options that are of the wrong kind, out of range, unknown or do not go
 * together, and where it meets a mask, causality, a window or shapes that it cannot serve.
 *
 * @example Two kinds of tokens, two landmarks
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { scaledDotProductAttention } from "@reattend/reattend";
 * import { nystrom } from "@reattend/reattend/methods";
 *
 * const tokens = { data: new Float64Array([3, 3, 3, -3, -3, -3]), shape: [1, 1, 6, 1] };
 * const values = { data: new Float64Array([1, 2, 3, 7, 8, 9]), shape: [1, 1, 6, 1] };
 * const method = nystrom({ landmarks: 2, inverse: "exact" });
 * const { output } = scaledDotProductAttention(tokens, tokens, values, { method });
 * const exact = scaledDotProductAttention(tokens, tokens, values).output;
 * output.data.forEach((number, i) => assertAlmostEquals(number, exact.data[i], 1e-12));
 * ```
 *
 * @example The same, kept under changes
 * ```ts
 * import { assert, assertEquals } from "@std/assert";
 * import { createAttention, outputs, stats, update } from "@reattend/reattend";
 * import { nystrom } from "@reattend/reattend/methods";
 *
 * const keys = Array.from({ length: 50 }, (_, i) => [Math.sin(i), Math.cos(i)]);
 * const method = nystrom({ landmarks: 5 });
 * const a = createAttention({ queries: keys, keys, values: keys, method });
 * outputs(a);
 * update(a, 7, { values: [0, 0] });
 * const values = keys.with(7, [0, 0]);
 * const fresh = createAttention({ queries: keys, keys, values, method });
 * assertEquals(outputs(a), outputs(fresh));
 * assert(stats(a).method.rowSumDefect < 1e-12);
 * ```
 */
export function nystrom(options: NystromOptions): Method {
  const settings = checkSettings("make nystrom", options);
  return makeMethod(settings.name, {
    attend: (verb, job) => attendNystrom(verb, job, settings),
    approximate: (verb, memory) => new LandmarkRows(verb, memory, settings),
  });
}
