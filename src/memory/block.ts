/**
 * Many new keys at once, all written out: measured where they lie, copied together.
 *
 * An attention that is made or restored takes in tens of thousands of keys, most of them in a process that has compiled
 * nothing yet: no object, view or call for each of them.
 *
 * @module
 */

import type { Id } from "../check.ts";
import type { RowSizes } from "../kernel/measure.ts";
import type { CheckedRows } from "../matrix/input.ts";
import { setRows } from "../matrix/store.ts";
import { setBias } from "./keys.ts";
import type { Memory } from "./memory.ts";
import { writeNewKeys } from "./write.ts";

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
  /** Of each row. */
  keySizes: RowSizes;
  valueSizes: RowSizes;
}

/** The last of the keys that are given, as many as there are ids; undefined where they were not measured. */
export function keyBlock(
  ids: readonly Id[],
  keys: CheckedRows,
  values: CheckedRows,
  bias: ((at: number) => number) | undefined,
): KeyBlock | undefined {
  const { sizes: keySizes } = keys, { sizes: valueSizes } = values;
  if (keySizes === undefined || valueSizes === undefined) return undefined;
  const first = keys.count - ids.length;
  const last = ({ nonZeros, norms, peaks }: RowSizes): RowSizes => ({
    nonZeros: nonZeros.subarray(first),
    norms: norms.subarray(first),
    peaks: peaks.subarray(first),
  });
  return {
    kind: "new keys",
    ids,
    keys: keys.data.subarray(first * keys.width),
    values: values.data.subarray(first * values.width),
    bias,
    keySizes: last(keySizes),
    valueSizes: last(valueSizes),
  };
}

/** Adds all keys of a block; the caller has made room. */
export function writeBlock(memory: Memory, block: KeyBlock): void {
  const { keys: table } = memory, { representation } = table;
  const { ids, bias, keySizes: { norms }, valueSizes: { peaks } } = block;
  const slots = writeNewKeys(memory, ids);
  for (let at = 0; at < ids.length; at++) {
    const slot = slots[at], own = bias === undefined ? 0 : bias(at);
    table.norms[slot] = norms[at];
    table.peaks[slot] = peaks[at];
    setBias(table, slot, own);
  }
  setRows(
    representation,
    table.keys,
    slots,
    block.keys,
    block.keySizes.nonZeros,
  );
  setRows(
    representation,
    table.values,
    slots,
    block.values,
    block.valueSizes.nonZeros,
  );
}
