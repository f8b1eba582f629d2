/**
 * Rows of a table as a matrix: dense or sparse by what they hold, however they are stored.
 *
 * @module
 */

import { DENSE } from "../kernel/table.ts";
import { type CsrMatrix, trusted } from "./csr.ts";
import { DenseMatrix } from "./dense.ts";
import { type Store, unpackRow } from "./store.ts";

/** An entry takes its number and a column: twice what a number takes. */
const SPARSE_BELOW = 0.5;

/** Copies rows: as CSR where less than half of their numbers are not 0, so that it takes less room, else dense. */
export function copyRows(
  store: Store,
  rows: readonly number[] | Int32Array,
): DenseMatrix<Float32Array> | CsrMatrix {
  const { width, count } = store, indptr = new Uint32Array(rows.length + 1);
  rows.forEach((row, at) => indptr[at + 1] = indptr[at] + count[row]);
  const nonZeros = indptr[rows.length];
  if (nonZeros >= SPARSE_BELOW * rows.length * width) {
    const data = new Float32Array(rows.length * width);
    rows.forEach((row, at) => unpackRow(store, row, data, at * width));
    return new DenseMatrix(rows.length, width, data);
  }
  const indices = new Uint32Array(nonZeros),
    values = new Float32Array(nonZeros);
  rows.forEach((row, at) => ascend(store, row, indices, values, indptr[at]));
  return trusted(rows.length, width, indptr, indices, values);
}

/** Writes what is not 0 of a row by ascending column. */
function ascend(
  { start, evens, count, columns, numbers, dense, width }: Store,
  row: number,
  indices: Uint32Array,
  values: Float32Array,
  to: number,
): void {
  if (evens[row] === DENSE) {
    for (let c = 0, at = start[row] * width; c < width; c++, at++) {
      if (dense[at] === 0) continue;
      indices[to] = c;
      values[to++] = dense[at];
    }
    return;
  }
  const middle = start[row] + evens[row], end = start[row] + count[row];
  let even = start[row], odd = middle;
  while (even < middle || odd < end) {
    const at = odd === end || (even < middle && columns[even] < columns[odd])
      ? even++
      : odd++;
    indices[to] = columns[at];
    values[to++] = numbers[at];
  }
}
