/**
 * How queries, keys and values get into the memory of a WebAssembly kernel, in the form that it reads.
 *
 * @module
 */

import { LANES, type Layout } from "./flash_layout.ts";
import type { FlashWasm } from "./flash_wasm.ts";

/** Rows shorter than that are copied number by number: making a view of one takes longer. */
const SHORT = 32;

/** Copies rows of numbers that lie `rowStride` apart to `at`, one behind the other. */
export function loadRows(
  flash: FlashWasm,
  at: number,
  data: Float32Array,
  from: number,
  rowStride: number,
  rows: number,
  dim: number,
): void {
  const { floats } = flash, to = at / 4;
  if (rowStride === dim) {
    floats.set(data.subarray(from, from + rows * dim), to);
    return;
  }
  for (let row = 0; row < rows; row++) {
    const start = from + row * rowStride, target = to + row * dim;
    if (dim < SHORT) {
      for (let c = 0; c < dim; c++) floats[target + c] = data[start + c];
    } else floats.set(data.subarray(start, start + dim), target);
  }
}

/**
 * Brings keys into the form that the layout says, and returns where they are then.
 *
 * They are copied into the memory first, unless `resident` says where in it they already are; 0 says that they are not.
 */
export function loadKeys(
  flash: FlashWasm,
  layout: Layout,
  data: Float32Array,
  from: number,
  rowStride: number,
  rows: number,
  dim: number,
  resident: number,
): number {
  const { keyAt, stagingAt, panels } = layout, padded = layout.dim;
  const packed = panels || padded > dim;
  let at = resident;
  if (at === 0) {
    at = packed ? stagingAt : keyAt;
    loadRows(flash, at, data, from, rowStride, rows, dim);
  }
  if (!packed) return at;
  if (panels) flash.packKeys(keyAt, at, rows, dim, padded);
  else flash.padRows(keyAt, at, rows, dim, padded);
  return keyAt;
}

/**
 * Copies up to LANES queries of a block, from number `row` on, and packs them, times a factor; which of them have lost
 * bits to underflow, as bits. They begin at `starts`; a row stride of `dim` says that each begins behind the last.
 */
export function loadQueries(
  flash: FlashWasm,
  layout: Layout,
  row: number,
  data: Float32Array,
  starts: Float64Array,
  rowStride: number,
  count: number,
  dim: number,
  factor: number,
): number {
  const { floats } = flash, { stagingAt } = layout, padded = layout.dim;
  const target = layout.queryAt + row * padded * 4, to = stagingAt / 4;
  if (rowStride === dim && padded === dim) {
    loadRows(flash, stagingAt, data, starts[row], dim, count, dim);
  } else {
    for (let r = 0; r < count; r++) {
      const at = to + r * padded;
      loadRows(flash, at * 4, data, starts[row + r], dim, 1, dim);
      for (let c = dim; c < padded; c++) floats[at + c] = 0;
    }
  }
  if (layout.inRows) return flash.packRow(target, stagingAt, padded, factor);
  floats.fill(0, to + count * padded, to + LANES * padded);
  return flash.packLanes(target, stagingAt, padded, factor);
}
