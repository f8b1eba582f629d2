/**
 * Loading of panels: rows of f32 or f64 numbers, wherever they lie, become f64 panels in scratch.
 *
 * It is done once for a block of keys and serves all queries that meet it, so that the loops of `flash.ts` see one type
 * of array only.
 *
 * @module
 */

import { GROUP, type Panel, type SourcePanel } from "./flash.ts";

/** Copies rows of `dim` numbers, times `factor`, each padded with zeros to the stride of the target. */
export function copyScaled(
  target: Panel,
  source: SourcePanel,
  rows: number,
  dim: number,
  factor: number,
): void {
  const to = target.data, from = source.data;
  for (let row = 0; row < rows; row++) {
    const t0 = target.at + row * target.stride,
      s0 = source.at + row * source.stride;
    for (let c = 0; c < dim; c++) to[t0 + c] = from[s0 + c] * factor;
    to.fill(0, t0 + dim, t0 + target.stride);
  }
}

/** Copies rows of `columns` numbers. */
export function copyRows(
  target: Panel,
  source: SourcePanel,
  rows: number,
  columns: number,
): void {
  if (source.stride === columns && target.stride === columns) {
    target.data.set(
      source.data.subarray(source.at, source.at + rows * columns),
      target.at,
    );
    return;
  }
  for (let row = 0; row < rows; row++) {
    const start = source.at + row * source.stride;
    target.data.set(
      source.data.subarray(start, start + columns),
      target.at + row * target.stride,
    );
  }
}

/** Copies rows of `dim` numbers into columns of the target, and zeros into its columns from `rows` to `columns` − 1. */
export function copyTransposed(
  target: Panel,
  source: SourcePanel,
  rows: number,
  dim: number,
  columns: number,
): void {
  const to = target.data, from = source.data, step = target.stride;
  let row = 0;
  for (; row + GROUP <= rows; row += GROUP) {
    const s0 = source.at + row * source.stride, s1 = s0 + source.stride;
    const s2 = s1 + source.stride, s3 = s2 + source.stride;
    for (let c = 0, t = target.at + row; c < dim; c++, t += step) {
      to[t] = from[s0 + c];
      to[t + 1] = from[s1 + c];
      to[t + 2] = from[s2 + c];
      to[t + 3] = from[s3 + c];
    }
  }
  for (; row < columns; row++) {
    const s0 = source.at + row * source.stride, filled = row < rows;
    for (let c = 0, t = target.at + row; c < dim; c++, t += step) {
      to[t] = filled ? from[s0 + c] : 0;
    }
  }
}

/** Whether the first `count` numbers of a panel are finite. */
export function allFinite(panel: Panel, count: number): boolean {
  const { data, at } = panel, whole = count - count % GROUP;
  // 0 times a finite number is 0; times anything else it is NaN. Four chains of additions do not wait for one another.
  let a = 0, b = 0, c = 0, d = 0;
  for (let i = at; i < at + whole; i += GROUP) {
    a += data[i] * 0;
    b += data[i + 1] * 0;
    c += data[i + 2] * 0;
    d += data[i + 3] * 0;
  }
  for (let i = at + whole; i < at + count; i++) a += data[i] * 0;
  return a + b + c + d === 0;
}
