/**
 * Which keys a query may attend to: causality, windows, valid lengths and masks as one rule.
 *
 * All of them but the mask say "from here to there", so a row is a range of keys, found in O(1), with a mask over it.
 * The query in row i stands at position p = i + offset and sees key j if
 *
 * - p − left ≤ j ≤ p + right; causal is right = 0 (queries i against keys j, left = 2, causal, offset = 0):
 *
 *       1 0 0 0 0
 *       1 1 0 0 0
 *       1 1 1 0 0
 *       0 1 1 1 0
 *
 * - j is one of the first `lengths` keys of its batch and one of the first `width` keys of the mask, and
 * - the mask holds 1 there, or a bias above −Infinity, which is then added to the score.
 *
 * The offset is the number of keys before the first query: 0 without a cache, the past length with one, and
 * length − n where each batch fills its own part of the keys, in which case it may be negative and leave the first
 * queries with nothing to see. This is the rule of the ONNX operator Attention, opset 25
 * (https://onnx.ai/onnx/operators/onnx__Attention.html).
 *
 * @module
 */

import { checkInteger, checkOptions, counted, show } from "../check.ts";
import { checkMask, type Mask } from "./mask.ts";
import type { Tensor, View } from "./tensor.ts";

/** What an n-row, m-key attention admits, by batch, head and row. */
export interface Admission {
  /** How many keys stand before the first query, by batch. */
  offsets: ArrayLike<number>;
  /** How many keys of each batch may be attended to at all. */
  lengths: ArrayLike<number>;
  /** How far a query sees back; Infinity where there is no bound. */
  left: number;
  /** How far a query sees ahead. */
  right: number;
  /** What else limits it, if anything does. */
  mask: Mask | undefined;
  /** Whether no output may depend on a query behind its own, whichever keys are seen. */
  ordered: boolean;
}

/** The first key that row `row` of a batch may attend to, before the mask. */
export function firstKey(
  admission: Admission,
  batch: number,
  row: number,
): number {
  return Math.max(0, row + admission.offsets[batch] - admission.left);
}

/** One past the last key that row `row` of a batch may attend to, before the mask. */
export function endKey(
  admission: Admission,
  batch: number,
  row: number,
): number {
  return Math.min(
    admission.lengths[batch],
    admission.mask?.width ?? Infinity,
    row + admission.offsets[batch] + admission.right + 1,
  );
}

/** The options that say what may be attended to. */
export interface AdmissionOptions {
  /**
   * `true`: a query sees no key behind its own position. "queries": it sees all keys, but no output depends on a query
   * behind its own, as where queries are generated one by one over keys that stand. Exact attention never does, so its
   * bits are those without; a method that mixes queries refuses either.
   */
  causal?: boolean | "queries";
  /**
   * Broadcasts to [batch, heads, queries, keys] from the last axis back, from 1 to 4 axes. Bytes say which keys may be
   * attended to, 1 or 0; floats are added to the scores, −Infinity masks. Keys behind the last column may not be
   * attended to: the last axis is never repeated, not even from 1.
   */
  mask?: Tensor;
  /** How many keys of each batch are valid, counted from the first; not with a past, where all of them are. */
  keyLengths?: ArrayLike<number>;
  /** How many keys before and behind its own position a query may attend to; a side left out has no bound. */
  window?: { left?: number; right?: number };
}

/** Checks all that limits what a query may attend to; `keys` has its past, undefined without a cache, before it. */
export function checkAdmission(
  verb: string,
  options: AdmissionOptions,
  queries: View,
  keys: View,
  past: number | undefined,
): Admission {
  const { causal, keyLengths, window } = options, { batches } = queries;
  if (
    causal !== undefined && typeof causal !== "boolean" && causal !== "queries"
  ) {
    throw new TypeError(
      `Cannot ${verb}: causal is ${
        show(causal)
      }, it should be true, false or "queries"`,
    );
  }
  let left = Infinity, right = Infinity;
  if (window !== undefined) {
    if (
      typeof window !== "object" || window === null || Array.isArray(window)
    ) {
      throw new TypeError(
        `Cannot ${verb}: window is ${show(window)}, it should be an object`,
      );
    }
    checkOptions(verb, window, ["left", "right"]);
    left = checkReach(verb, "window.left", window.left);
    right = checkReach(verb, "window.right", window.right);
  }
  if (causal === true) right = 0;
  const ordered = causal === true || causal === "queries";
  const mask = options.mask === undefined ? undefined : checkMask(
    verb,
    options.mask,
    [batches, queries.heads, queries.length, keys.length],
  );
  if (keyLengths === undefined) {
    const offsets: number[] = [], lengths: number[] = [];
    // Filling an array of one number takes longer than all else here.
    for (let batch = 0; batch < batches; batch++) {
      offsets.push(past ?? 0);
      lengths.push(keys.length);
    }
    return { offsets, lengths, left, right, mask, ordered };
  }
  if (past !== undefined) {
    throw new RangeError(
      `Cannot ${verb}: keyLengths is given with pastKeys, it should be one or the other`,
    );
  }
  const lengths = checkKeyLengths(verb, keyLengths, batches, keys.length);
  const offsets = lengths.map((length) => length - queries.length);
  return { offsets, lengths, left, right, mask, ordered };
}

function checkReach(verb: string, name: string, reach: unknown): number {
  if (reach === undefined) return Infinity;
  return checkInteger(verb, name, reach, 0);
}

/** Checks how many of `length` keys are valid in each of `batches` batches, and copies the numbers. */
function checkKeyLengths(
  verb: string,
  lengths: unknown,
  batches: number,
  length: number,
): number[] {
  if (
    typeof lengths !== "object" || lengths === null ||
    typeof (lengths as ArrayLike<number>).length !== "number"
  ) {
    throw new TypeError(
      `Cannot ${verb}: keyLengths is ${
        show(lengths)
      }, it should be a list of whole numbers`,
    );
  }
  const list = lengths as ArrayLike<unknown>;
  if (list.length !== batches) {
    throw new RangeError(
      `Cannot ${verb}: keyLengths has ${
        counted(list.length, "number")
      }, it should have one for each of ${counted(batches, "batch")}`,
    );
  }
  return Array.from(
    list,
    (valid, batch) =>
      checkInteger(verb, `keyLengths[${batch}]`, valid, 0, length),
  );
}
