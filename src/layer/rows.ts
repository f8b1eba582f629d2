/**
 * Rows of a layer on their way into its heads: checked, projected, divided, rounded.
 *
 * All of it before anything is written, so that a row that no head could hold is refused as a whole.
 *
 * @module
 */

import { type CheckedRows, checkRows, rowOf } from "../matrix/input.ts";
import type { Row } from "../rows.ts";
import type { Floats } from "../softmax/tensor.ts";
import type { Projection } from "./layer.ts";
import { project } from "./project.ts";
import type { State } from "./state.ts";

/** Rows written out: count × width. */
export interface WideRows<Numbers extends Floats = Floats> {
  count: number;
  numbers: Numbers;
}

/** Checks rows of a width, rounds them to 32-bit floats and writes sparse ones out. */
export function checkWide(
  verb: string,
  name: string,
  source: unknown,
  width: number,
): WideRows<Float32Array> {
  const checked = checkRows(verb, name, source, width), { count } = checked;
  if (checked.sparse === undefined) return { count, numbers: checked.data };
  const numbers = new Float32Array(count * width);
  for (let at = 0; at < count; at++) writeOut(checked, at, numbers);
  return { count, numbers };
}

/** What the heads make of queries: count × dim each. */
export function queryParts(
  verb: string,
  state: State,
  rows: WideRows,
): Float32Array[] {
  const wide = mapped(state, state.layer.query, rows);
  return dividedParts(verb, state, wide, "query");
}

/** What the heads make of tokens as keys: count × dim each. */
export function keyParts(
  verb: string,
  state: State,
  rows: WideRows,
): Float32Array[] {
  return dividedParts(verb, state, mapped(state, state.layer.key, rows));
}

/** What the heads make of values: count × valueDim each, or count × outputDim where the output weight is folded in. */
export function valueParts(
  verb: string,
  state: State,
  rows: WideRows,
): Float32Array[] {
  return foldedParts(verb, state, mapped(state, state.layer.value, rows));
}

/** The same of values that are projected already. */
export function foldedParts(
  verb: string,
  state: State,
  wide: WideRows,
): Float32Array[] {
  const { folds, layer: { valueDim } } = state, { count } = wide;
  if (folds === undefined) return dividedParts(verb, state, wide, "value");
  return folds.map((fold, head) => {
    const part = new Float64Array(count * valueDim);
    takePart(wide, state.layer.heads, head, part);
    const folded = mapped(state, fold, { count, numbers: part });
    return rounded(verb, "value", folded.numbers, count);
  });
}

/** Rows through a projection, counted, or as they are. */
function mapped(
  state: State,
  projection: Projection | undefined,
  { count, numbers }: WideRows,
): WideRows {
  if (projection === undefined) return { count, numbers };
  const output = new Float64Array(count * projection.rows);
  project(projection, numbers, 0, count, output, 0);
  state.projected += count * projection.rows * projection.columns;
  return { count, numbers: output };
}

/** Rows that are projected already, by head. */
export function dividedParts(
  verb: string,
  { layer: { heads } }: State,
  wide: WideRows,
  what = "key",
): Float32Array[] {
  const dim = wide.count === 0 ? 0 : wide.numbers.length / wide.count / heads;
  return Array.from({ length: heads }, (_, head) => {
    const part = new Float32Array(wide.count * dim);
    takePart(wide, heads, head, part);
    return rounded(verb, what, part, wide.count);
  });
}

/** Copies the columns of a head. */
function takePart(
  { count, numbers }: WideRows,
  heads: number,
  head: number,
  part: Floats,
): void {
  const dim = count === 0 ? 0 : part.length / count, width = heads * dim;
  for (let row = 0; row < count; row++) {
    const from = row * width + head * dim;
    part.set(numbers.subarray(from, from + dim), row * dim);
  }
}

/** Rounds rows to 32-bit floats, and refuses what is not finite then. */
function rounded(
  verb: string,
  what: string,
  rows: Floats,
  count: number,
): Float32Array {
  const single = Float32Array.from(rows);
  const at = single.findIndex((number) => !Number.isFinite(number));
  if (at < 0) return single;
  throw new RangeError(
    `Cannot ${verb}: the ${what} of row ${
      Math.floor(at / (rows.length / count))
    } holds ${rows[at]}, it should be finite as 32-bit floats`,
  );
}

function writeOut(rows: CheckedRows, at: number, numbers: Float32Array): void {
  const row: Row = rowOf(rows, at);
  if (row instanceof Float32Array) return;
  for (let i = row.start; i < row.start + row.count; i++) {
    numbers[at * rows.width + row.columns[i]] = row.numbers[i];
  }
}
