/**
 * Stateless scaled dot-product attention over tensors of heads.
 *
 * The door of it: layouts, options and their refusals. What a query may attend to is decided in `admit.ts`; the walk
 * over blocks of keys, which never keeps the matrix of scores, is in `blocked.ts`.
 *
 * @module
 */

import {
  checkFinite,
  checkInteger,
  checkName,
  checkOptions,
  counted,
  show,
  thereAre,
} from "../check.ts";
import { flash } from "../kernel/flash.ts";
import { chooseFlash } from "../kernel/flash_wasm.ts";
import { type AdmissionOptions, checkAdmission } from "./admit.ts";
import { makeScratch, type ScoreKind } from "./block.ts";
import { attendBlocked } from "./blocked.ts";
import { attendLanes, fitsLanes } from "./lanes.ts";
import { checkMethod, jobOf, type Method } from "./method.ts";
import {
  appended,
  axes,
  checkView,
  floatsLike,
  type FloatTensor,
  kindOf,
  type Tensor,
  type View,
} from "./tensor.ts";

/** Options of {@linkcode scaledDotProductAttention}. */
export interface ScaledDotProductAttentionOptions extends AdmissionOptions {
  /** Says that queries, keys and values are packed, [batch, length, heads · dim], and how many query heads there are. */
  heads?: number;
  /** How many heads packed keys and values have; as many as the queries if left out. */
  keyHeads?: number;
  /** Multiplies the dot products; 1/√dim if left out. */
  scale?: number;
  /** Above 0: scores become softcap · tanh(score / softcap), before the mask. */
  softcap?: number;
  /** [batch, keyHeads, past, dim]: a cache of keys that stand before `keys`. */
  pastKeys?: Tensor;
  /** [batch, keyHeads, past, valueDim]: their values. */
  pastValues?: Tensor;
  /** Also return scores: times the scale, then after the soft cap, then with the mask added, or the weights. */
  scores?: ScoreKind;
  /** A way to attend to less, made by a function of `./methods`, in 64-bit floats; to all that is admitted if left out. */
  method?: Method;
  /** What computes 32-bit tensors; "auto", the fastest that the engine has, if left out. A module is one of ours. */
  kernel?: "auto" | "scalar" | "simd" | "relaxed" | WebAssembly.Module;
}

/** What {@linkcode scaledDotProductAttention} returns: new tensors, none of which shares memory with an input. */
export interface ScaledDotProductAttentionResult {
  /** In the layout and precision of the queries, heads of the size of the values. */
  output: FloatTensor;
  /** [batch, heads, queries, keys], if asked for. */
  scores?: FloatTensor;
  /** [batch, keyHeads, past + keys, dim], if there was a past. */
  presentKeys?: FloatTensor;
  /** [batch, keyHeads, past + keys, valueDim], if there was a past. */
  presentValues?: FloatTensor;
}

const VERB = "attend";
const KINDS: readonly ScoreKind[] = ["raw", "softcapped", "biased", "weights"];
const OPTIONS = [
  "heads",
  "keyHeads",
  "scale",
  "softcap",
  "causal",
  "mask",
  "pastKeys",
  "pastValues",
  "keyLengths",
  "window",
  "scores",
  "method",
  "kernel",
];

/**
 * Computes softmax(scale · Q Kᵀ + mask) V for every head of every batch.
 *
 * Query head h uses key head ⌊h / (heads / keyHeads)⌋: heads that share keys cost no copy of them. Position i of the
 * queries meets position i of the keys; behind a past it meets past + i; with `keyLengths` the last query meets the
 * last valid key. A query that may attend to nothing gets zeros, in its output and in its weights.
 *
 * Self-attention takes queries, keys and values from one sequence, cross-attention keys and values from another. Either
 * may see everything; where outputs are made in order, `causal: true` hides later tokens and `causal: "queries"`, for
 * keys of another sequence, later queries. A method that cannot keep to that refuses it; `bench/cab/patterns.md` has
 * what holds to the bit.
 *
 * NaN and Infinity are let through: they make NaN of the rows that attend to them and of no other. What may not be
 * attended to, such as the unused end of a cache, may hold anything. A weight that underflows to 0 counts as not
 * attending. Scores must stay below 1.8e308, which products of 32-bit floats always do.
 *
 * Shapes: queries [batch, heads, n, dim], keys [batch, keyHeads, m, dim], values [batch, keyHeads, m, valueDim], or all
 * of them packed; output [batch, heads, n, valueDim] or packed. Costs batch · heads · n · m · (dim + valueDim)
 * multiply-adds at most: blocks that no query may attend to are skipped. Scratch is O(dim + valueDim), and n × m only
 * for `scores`. Where a few queries meet the same keys again and again, `residentTensors` save the copy of them that
 * each call makes.
 *
 * Where queries, keys and values are all 32-bit and no scores are asked for, the arithmetic is in 32-bit floats, on
 * WebAssembly SIMD (`kernel`): errors are of the size of those of a plain loop in 32-bit floats, in proportion to the
 * largest value: over many outputs the largest is at most twice as large, with `softcap` some three times; in one row
 * either may be luckier. "simd" has the same bits in every engine; "relaxed" fuses multiply-adds, so its last bits are
 * those of the engine. The last bits of a row may also differ between calls with fewer than some eight queries for a
 * key head and calls with more, but not with anything else in the call. Rows that leave the range of 32-bit floats are
 * done again in 64. Everything else, and all with the kernel "scalar", is in 64-bit floats and rounded once to the
 * precision of the queries, the same bits in every engine.
 *
 * Errors: a `TypeError` for an argument of the wrong kind, a `RangeError` for a wrong shape or number. Semantics are
 * those of the ONNX operator Attention, opset 25 (https://onnx.ai/onnx/operators/onnx__Attention.html).
 *
 * @example The middle query of three sees two keys
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { scaledDotProductAttention } from "@reattend/reattend";
 *
 * const zeros = { data: new Float32Array(3), shape: [1, 1, 3, 1] };
 * const values = { data: new Float32Array([1, 3, 8]), shape: [1, 1, 3, 1] };
 * const { output, scores } = scaledDotProductAttention(zeros, zeros, values, { causal: true, scores: "weights" });
 * assertEquals([...output.data], [1, 2, 4]);
 * assertEquals([...scores!.data.subarray(3, 6)], [0.5, 0.5, 0]);
 * ```
 */
export function scaledDotProductAttention(
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  options: ScaledDotProductAttentionOptions = {},
): ScaledDotProductAttentionResult {
  checkOptions(VERB, options, OPTIONS);
  const { heads, keyHeads, pastKeys, pastValues } = options;
  if (heads === undefined && keyHeads !== undefined) {
    throw new RangeError(
      `Cannot ${VERB}: keyHeads is ${
        show(keyHeads)
      } without heads, it should come with heads`,
    );
  }
  const packed = heads === undefined ? undefined : checkCount("heads", heads);
  const packedKeys = packed === undefined || keyHeads === undefined
    ? packed
    : checkCount("keyHeads", keyHeads);
  const q = checkView(VERB, "queries", queries, packed);
  let k = checkView(VERB, "keys", keys, packedKeys),
    v = checkView(VERB, "values", values, packedKeys);
  checkFit(q, k, v);
  const past = checkPast(pastKeys, pastValues, k, v);
  if (past !== undefined) {
    k = appended(past.keys, k);
    v = appended(past.values, v);
  }
  const admission = checkAdmission(VERB, options, q, k, past?.keys.length);
  const scale = checkFinite(
    VERB,
    "scale",
    options.scale === undefined ? 1 / Math.sqrt(q.dim || 1) : options.scale,
  );
  const softcap = options.softcap === undefined
    ? 0
    : checkFinite(VERB, "softcap", options.softcap);
  if (options.softcap !== undefined && softcap <= 0) {
    throw new RangeError(
      `Cannot ${VERB}: softcap is ${show(softcap)}, it should be above 0`,
    );
  }
  const kind = checkKind(options.scores);
  const wasm = chooseFlash(VERB, options.kernel);
  const method = checkMethod(VERB, options.method);
  const attend = method && jobOf(VERB, method);
  if (method !== undefined && kind !== undefined) {
    throw new TypeError(
      `Cannot ${VERB}: scores is ${
        show(kind)
      } with the method ${method.name}, it should be left out`,
    );
  }

  const shape = packed === undefined
    ? [q.batches, q.heads, q.length, v.dim]
    : [q.batches, q.length, q.heads * v.dim];
  const output = { data: floatsLike(q.data, size(shape)), shape };
  const scoresShape = [q.batches, q.heads, q.length, k.length];
  const scores = kind && { kind, data: floatsLike(q.data, size(scoresShape)) };
  if (kind === "biased") scores?.data.fill(-Infinity);
  const job = {
    queries: q,
    keys: k,
    values: v,
    output: checkView(VERB, "output", output, packed),
    scale,
    softcap,
    admission,
    scores,
  };
  if (attend !== undefined) attend(VERB, job);
  else if (wasm !== undefined && fitsLanes(job)) attendLanes(VERB, job, wasm);
  else attendBlocked(job, flash, makeScratch(job));

  const result: ScaledDotProductAttentionResult = { output };
  if (scores) result.scores = { data: scores.data, shape: scoresShape };
  if (past !== undefined) {
    result.presentKeys = {
      data: k.data,
      shape: [k.batches, k.heads, k.length, k.dim],
    };
    result.presentValues = {
      data: v.data,
      shape: [v.batches, v.heads, v.length, v.dim],
    };
  }
  return result;
}

function checkCount(name: string, heads: unknown): number {
  return checkInteger(VERB, name, heads, 1);
}

/** Refuses queries, keys and values that do not go together. */
function checkFit(q: View, k: View, v: View): void {
  if (kindOf(k.data) !== kindOf(q.data)) {
    throw new TypeError(
      `Cannot ${VERB}: keys.data is a ${kindOf(k.data)}, it should be a ${
        kindOf(q.data)
      } like queries.data`,
    );
  }
  for (const [name, view] of [["keys", k], ["values", v]] as const) {
    if (view.batches !== q.batches) {
      throw new RangeError(
        `Cannot ${VERB}: ${name} has ${
          counted(view.batches, "batch")
        }, it should have ${q.batches} like queries`,
      );
    }
  }
  if (k.dim !== q.dim) {
    throw new RangeError(
      `Cannot ${VERB}: keys has rows of ${
        counted(k.dim, "number")
      }, it should have rows of ${q.dim} like queries`,
    );
  }
  if (v.heads !== k.heads || v.length !== k.length) {
    throw new RangeError(
      `Cannot ${VERB}: values has ${
        counted(v.heads, "head")
      } of length ${v.length}, it should have ${k.heads} of ${k.length} like keys`,
    );
  }
  if (k.heads === 0 ? q.heads > 0 : q.heads % k.heads !== 0) {
    throw new RangeError(
      `Cannot ${VERB}: ${
        thereAre(k.heads, "key head")
      }, it should be a divisor of ${counted(q.heads, "head")}`,
    );
  }
}

/** Checks a cache that goes before keys and values, if there is one. */
function checkPast(
  pastKeys: unknown,
  pastValues: unknown,
  k: View,
  v: View,
): { keys: View; values: View } | undefined {
  if (pastKeys === undefined && pastValues === undefined) return undefined;
  if (pastKeys === undefined || pastValues === undefined) {
    const [given, missing] = pastValues === undefined
      ? ["pastKeys", "pastValues"]
      : ["pastValues", "pastKeys"];
    throw new RangeError(
      `Cannot ${VERB}: ${given} is given alone, it should come with ${missing}`,
    );
  }
  const keys = checkCache("pastKeys", pastKeys, k);
  const values = checkCache("pastValues", pastValues, v);
  if (values.length !== keys.length) {
    throw new RangeError(
      `Cannot ${VERB}: pastValues has length ${values.length}, it should have ${keys.length} like pastKeys`,
    );
  }
  return { keys, values };
}

function checkCache(name: string, tensor: unknown, next: View): View {
  const cache = checkView(VERB, name, tensor, undefined);
  const { batches, heads, length, dim } = cache;
  if (
    batches !== next.batches || heads !== next.heads || dim !== next.dim
  ) {
    throw new RangeError(
      `Cannot ${VERB}: ${name}.shape is ${
        axes([batches, heads, length, dim])
      }, it should be [${next.batches}, ${next.heads}, past, ${next.dim}]`,
    );
  }
  if (kindOf(cache.data) !== kindOf(next.data)) {
    throw new TypeError(
      `Cannot ${VERB}: ${name}.data is a ${
        kindOf(cache.data)
      }, it should be a ${kindOf(next.data)}`,
    );
  }
  return cache;
}

function checkKind(kind: unknown): ScoreKind | undefined {
  return kind === undefined
    ? undefined
    : checkName(VERB, "scores", kind, KINDS);
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
