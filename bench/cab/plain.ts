/**
 * Plain loops in f64, of which the methods of this benchmark are made. They count what they do.
 *
 * Methods that only take part here are written with these, and so is the exact attention that they are compared with: what
 * differs between their times is the method and not the care that went into it.
 *
 * @module
 */

import { DenseMatrix } from "@reattend/reattend";

/** What has been spent. */
export interface Tally {
  multiplyAdds: number;
  /** Of all matrices made, outputs aside. */
  bytes: number;
}

/** Nothing spent yet. */
export function tally(): Tally {
  return { multiplyAdds: 0, bytes: 0 };
}

/** An empty matrix to work in. */
export function scratch(
  spent: Tally,
  rows: number,
  columns: number,
): DenseMatrix {
  spent.bytes += rows * columns * Float64Array.BYTES_PER_ELEMENT;
  return new DenseMatrix(rows, columns);
}

/** The dot product of row i of a with row j of b. */
export function dot(
  a: DenseMatrix,
  i: number,
  b: DenseMatrix,
  j: number,
): number {
  const { columns, data: left } = a, right = b.data;
  let sum = 0;
  for (let c = 0, x = i * columns, y = j * columns; c < columns; c++) {
    sum += left[x++] * right[y++];
  }
  return sum;
}

/** factor · a · bᵀ */
export function scores(
  spent: Tally,
  a: DenseMatrix,
  b: DenseMatrix,
  factor: number,
): DenseMatrix {
  const made = scratch(spent, a.rows, b.rows), { data } = made;
  const { rows } = b;
  for (let i = 0, at = 0; i < a.rows; i++) {
    for (let j = 0; j < rows; j++) data[at++] = factor * dot(a, i, b, j);
  }
  spent.multiplyAdds += a.rows * rows * a.columns;
  return made;
}

/** a · b, in a new matrix or in `out`. */
export function product(
  spent: Tally,
  a: DenseMatrix,
  b: DenseMatrix,
  out: DenseMatrix = scratch(spent, a.rows, b.columns),
): DenseMatrix {
  const { data: left, rows, columns: inner } = a, { data: right, columns } = b;
  const { data } = out;
  data.fill(0);
  for (let i = 0; i < rows; i++) {
    const to = i * columns;
    for (let j = 0; j < inner; j++) {
      const weight = left[i * inner + j];
      for (let c = 0, at = j * columns; c < columns; c++) {
        data[to + c] += weight * right[at++];
      }
    }
  }
  spent.multiplyAdds += rows * inner * columns;
  return out;
}

/** Makes weights of scores that lie one behind the other, and gives the logarithm of their sum before. */
export function softmax(
  numbers: Float64Array,
  from = 0,
  to: number = numbers.length,
): number {
  let peak = -Infinity, sum = 0;
  for (let at = from; at < to; at++) peak = Math.max(peak, numbers[at]);
  for (let at = from; at < to; at++) {
    sum += numbers[at] = Math.exp(numbers[at] - peak);
  }
  for (let at = from; at < to; at++) numbers[at] /= sum;
  return peak + Math.log(sum);
}

/** Makes weights of each row of scores. */
export function softmaxRows({ rows, columns, data }: DenseMatrix): void {
  for (let i = 0; i < rows; i++) softmax(data, i * columns, (i + 1) * columns);
}

/** Adds weight · (row j of values) to row i of out. */
export function addRow(
  out: DenseMatrix,
  i: number,
  weight: number,
  values: DenseMatrix,
  j: number,
): void {
  const { columns, data } = out, from = values.data;
  for (let c = 0, x = i * columns, y = j * columns; c < columns; c++) {
    data[x++] += weight * from[y++];
  }
}

/** Refuses what a method cannot do, in the words of the library. */
export function refuse(method: string, is: string, should: string): never {
  throw new TypeError(`Cannot attend: ${method} ${is}, it should ${should}`);
}
