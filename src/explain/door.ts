/**
 * The door of the room: matrices of finite numbers, and rows of weights with the keys they attend to.
 *
 * @module
 */

import { checkedCopy, CsrMatrix } from "../matrix/csr.ts";
import { DenseMatrix, denseParts } from "../matrix/dense.ts";
import { checkWidth, type Rows } from "../rows.ts";

/** A row of weights without those that are 0: its keys are the ones it attends to. */
export interface WeightRow {
  /** Columns, ascending. */
  readonly keys: Uint32Array;
  /** Their weights. */
  readonly weights: Float64Array;
}

/** Checks and copies a matrix of finite numbers. */
export function checkMatrix(
  verb: string,
  name: string,
  rows: Rows,
  columns?: number,
): DenseMatrix {
  const dense = denseParts(verb, name, rows, columns);
  const matrix = new DenseMatrix(dense.rows, dense.columns);
  let at = 0;
  for (const part of dense.parts) {
    matrix.data.set(part, at);
    at += part.length;
  }
  for (at = 0; at < matrix.data.length; at++) {
    const number = matrix.data[at];
    if (Number.isFinite(number)) continue;
    refuse(verb, name, at, dense.columns, number, "a finite number");
  }
  return matrix;
}

/** values · projection, refused where it is not finite. */
export function projected(
  verb: string,
  values: DenseMatrix,
  projection: DenseMatrix | undefined,
): DenseMatrix {
  if (projection === undefined) return values;
  const table = new DenseMatrix(values.rows, projection.columns);
  for (let i = 0; i < values.rows; i++) {
    const row = table.row(i);
    for (let k = 0; k < values.columns; k++) {
      const share = values.data[i * values.columns + k];
      const from = k * projection.columns;
      for (let c = 0; c < row.length; c++) {
        row[c] += share * projection.data[from + c];
      }
    }
    for (let c = 0; c < row.length; c++) {
      if (Number.isFinite(row[c])) continue;
      throw new RangeError(
        `Cannot ${verb}: value ${i} is ${
          row[c]
        } after the projection, it should be finite`,
      );
    }
  }
  return table;
}

/** Checks and copies rows of weights, one for each key: finite numbers, 0 or more unless `signed`. */
export function checkWeights(
  verb: string,
  name: string,
  weights: Rows,
  columns: number | undefined,
  signed: boolean,
): { rows: WeightRow[]; columns: number } {
  if (weights instanceof CsrMatrix) {
    const sparse = checkedCopy(verb, weights), width = sparse.columns;
    checkWidth(verb, name, width, columns);
    const rows = Array.from({ length: sparse.rows }, (_, row) => {
      const { indices, values } = sparse.row(row);
      return weightRow(verb, name, indices, values, signed, row * width, width);
    });
    return { rows, columns: width };
  }
  const matrix = checkMatrix(verb, name, weights, columns);
  const width = matrix.columns;
  const all = Uint32Array.from({ length: width }, (_, key) => key);
  const rows = Array.from({ length: matrix.rows }, (_, row) => {
    const start = row * width;
    return weightRow(verb, name, all, matrix.row(row), signed, start, width);
  });
  return { rows, columns: width };
}

/** Leaves out the zeros. */
function weightRow(
  verb: string,
  name: string,
  keys: Uint32Array,
  weights: Float64Array | Float32Array,
  signed: boolean,
  start: number,
  columns: number,
): WeightRow {
  const row = {
    keys: new Uint32Array(keys.length),
    weights: new Float64Array(keys.length),
  };
  let count = 0;
  for (let i = 0; i < keys.length; i++) {
    if (weights[i] === 0) continue;
    if (!signed && weights[i] < 0) {
      const at = start + keys[i];
      refuse(verb, name, at, columns, weights[i], "0 or more");
    }
    row.keys[count] = keys[i];
    row.weights[count++] = weights[i];
  }
  return {
    keys: row.keys.subarray(0, count),
    weights: row.weights.subarray(0, count),
  };
}

function refuse(
  verb: string,
  name: string,
  at: number,
  columns: number,
  number: number,
  wanted: string,
): never {
  throw new RangeError(
    `Cannot ${verb}: ${name}[${Math.floor(at / columns)}][${
      at % columns
    }] is ${number}, it should be ${wanted}`,
  );
}
