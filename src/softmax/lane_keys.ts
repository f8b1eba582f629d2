/**
 * The keys and values of a walk in 32-bit floats: block by block to where the kernel reads them.
 *
 * Those of ordinary arrays are copied. What is resident in the memory of the instance that walks is read where it lies;
 * where it is more than caches hold, a block is first read line by line. Kernels read rows side by side, which is no order
 * that caches run ahead in.
 *
 * @module
 */

import { loadKeys, loadRows } from "../kernel/flash_load.ts";
import { addressIn } from "../kernel/flash_resident.ts";
import type { FlashWasm } from "../kernel/flash_wasm.ts";
import { startOf } from "./block.ts";
import type { Walk } from "./lane_rows.ts";
import type { View } from "./tensor.ts";

/** Bytes of keys and values that second-level caches do not hold; those that do lose a quarter by reading lines ahead. */
const FAR = 2 ** 22;

/** Whether keys and values are more than caches hold. */
export function isFar(keys: View, values: View): boolean {
  return keys.data.byteLength + values.data.byteLength > FAR;
}

/** Where in the memory rows lie one behind the other, with `spare` numbers behind them; 0 if they do not. */
export function residentAt(
  flash: FlashWasm,
  { data, rowStride, dim }: View,
  spare: number,
): number {
  return rowStride === dim ? addressIn(flash, data as Float32Array, spare) : 0;
}

/** Brings the keys of a block to where the kernel reads them. */
export function bringKeys(
  walk: Walk,
  batch: number,
  head: number,
  block: number,
  blockEnd: number,
): void {
  const { residentKeys } = walk, { dim, rowStride } = walk.job.keys;
  const from = startOf(walk.job.keys, batch, head) + block * rowStride;
  const at = residentKeys === 0 ? 0 : residentKeys + from * 4;
  if (at !== 0 && walk.far) {
    walk.flash.touch(at, at + (blockEnd - block) * dim * 4);
  }
  walk.keyAt = loadKeys(
    walk.flash,
    walk.layout,
    walk.keys,
    from,
    rowStride,
    blockEnd - block,
    dim,
    at,
  );
}

/** Brings their values there. */
export function bringValues(
  walk: Walk,
  batch: number,
  head: number,
  block: number,
  blockEnd: number,
): void {
  const { residentValues } = walk, { dim, rowStride } = walk.job.values;
  const from = startOf(walk.job.values, batch, head) + block * rowStride;
  if (residentValues !== 0) {
    const at = walk.valueAt = residentValues + from * 4;
    if (walk.far) walk.flash.touch(at, at + (blockEnd - block) * dim * 4);
    return;
  }
  loadRows(
    walk.flash,
    walk.valueAt,
    walk.values,
    from,
    rowStride,
    blockEnd - block,
    dim,
  );
}
