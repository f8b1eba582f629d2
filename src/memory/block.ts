/**
 * Many new keys at once, all written out: measured where they lie, copied together.
 *
 * An attention that is made or restored takes in tens of thousands of keys, most of them in a process that has compiled
 * nothing yet: no object, view or call for each of them.
 *
 * @module
 */

import type { Id } from "../check.ts";
import { measureNumbers, measurePeak } from "../rows.ts";
import type { CheckedRows } from "../matrix/input.ts";
import { setRows } from "../matrix/store.ts";
import { addKey } from "./keys.ts";
import type { Memory } from "./memory.ts";
import { noteNewKey } from "./write.ts";

/** New keys, and how large they are. */
export interface KeyBlock {
  kind: "new keys";
  /** Ascending. */
  ids: readonly Id[];
  /** ids × dim, ids × valueDim */
  keys: Float32Array;
  values: Float32Array;
  /** Of each; undefined where all are 0. */
  bias: ((at: number) => number) | undefined;
  /** ids: numbers that are not 0; as `norms` and `peaks` of the table of keys. */
  keyNonZeros: Int32Array;
  norms: Float64Array;
  valueNonZeros: Int32Array;
  peaks: Float64Array;
}

/** Measures keys, the last of those that are given and as many as there are ids. */
export function keyBlock(
  ids: readonly Id[],
  keys: CheckedRows,
  values: CheckedRows,
  bias: ((at: number) => number) | undefined,
): KeyBlock {
  const count = ids.length, first = keys.count - count;
  const { width } = keys, { width: valueWidth } = values;
  const block: KeyBlock = {
    kind: "new keys",
    ids,
    keys: keys.data.subarray(first * width),
    values: values.data.subarray(first * valueWidth),
    bias,
    keyNonZeros: new Int32Array(count),
    norms: new Float64Array(count),
    valueNonZeros: new Int32Array(count),
    peaks: new Float64Array(count),
  };
  const { keyNonZeros, norms, valueNonZeros, peaks } = block;
  for (let at = 0; at < count; at++) {
    const from = at * width,
      { nonZeros, norm } = measureNumbers(
        block.keys,
        from,
        from + width,
      );
    keyNonZeros[at] = nonZeros;
    norms[at] = norm;
  }
  for (let at = 0; at < count; at++) {
    const from = at * valueWidth,
      { nonZeros, peak } = measurePeak(
        block.values,
        from,
        from + valueWidth,
      );
    valueNonZeros[at] = nonZeros;
    peaks[at] = peak;
  }
  return block;
}

/** Adds all keys of a block; the caller has made room. */
export function writeBlock(memory: Memory, block: KeyBlock): void {
  const { keys: table } = memory, { representation } = table;
  const { ids, bias, norms, peaks } = block;
  const slots = new Int32Array(ids.length);
  for (let at = 0; at < ids.length; at++) {
    const slot = slots[at] = addKey(table, ids[at]);
    noteNewKey(memory, slot);
    const own = bias === undefined ? 0 : bias(at);
    table.norms[slot] = norms[at];
    table.peaks[slot] = peaks[at];
    table.biases[slot] = own;
    table.scoreBiases[slot] = own * Math.LOG2E;
  }
  setRows(representation, table.keys, slots, block.keys, block.keyNonZeros);
  setRows(
    representation,
    table.values,
    slots,
    block.values,
    block.valueNonZeros,
  );
}
