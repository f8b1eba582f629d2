/**
 * What a row of weights sees: the values of the keys it attends to beside a column of ones, [T, 1], and its spans.
 *
 * Every column is scaled by a power of two to have its largest number in [1, 2), which moves no span and lets values of
 * 1e±150, or of quite different units, be told from noise. Where a value changes, the factorisation follows; it is made
 * anew after as many changes as pay for it, where the scale of a column moved far, and wherever the rank is not clear,
 * so that a followed view never decides a rank.
 *
 * @module
 */

import type { DenseMatrix } from "../matrix/dense.ts";
import {
  changeCost,
  changeRow,
  type Factor,
  factorCost,
  factorise,
} from "./factor.ts";
import { type Moments, momentsOf } from "./moments.ts";
import { conditionOf, coordinatesOf, type Space, spanOf } from "./space.ts";

/** The keys of a row, and what is known of their values. */
export interface View {
  /** Which keys; undefined for all. */
  readonly keys: Uint32Array | undefined;
  /** How many. */
  readonly rows: number;
  /** Numbers in a row of T, and one. */
  readonly columns: number;
  /** columns × rows, one column of [T, 1] behind another, scaled. */
  table: Float64Array;
  /** columns: what each column was scaled down by, as a power of two. */
  exponents: Int32Array;
  /** columns: the largest size of each scaled column. */
  peaks: Float64Array;
  factor: Factor;
  /** Changes that the factorisation has followed. */
  followed: number;
  /** The spans of T and of [T, 1], once somebody has asked for them. */
  spans: [Space | undefined, Space | undefined];
  moments: Moments | undefined;
  /** Multiply-adds of factorisations and of following, so far. */
  multiplyAdds: number;
}

/** A column that grew or shrank by more than this would carry the rounding of its old size. */
const FAR = 2 ** 10;
/** Above this, some tens of followed changes could move a projection by 1e-10: 2¹² · 2⁶ · 2⁻⁵². */
const CLEAR = 2 ** 12;
/** A view of few columns follows so many changes before it starts over. */
const LEAST_FOLLOWED = 32;

/** Factorises the values of some keys, or of all. */
export function makeView(
  values: DenseMatrix,
  keys: Uint32Array | undefined,
): View {
  const rows = keys === undefined ? values.rows : keys.length;
  const scales = scalesOf(values, keys, rows);
  const view: View = {
    keys,
    rows,
    columns: values.columns + 1,
    ...scales,
    table: tableOf(values, keys, rows, scales.exponents),
    factor: factorise(new Float64Array(0), 0, 0),
    followed: 0,
    spans: [undefined, undefined],
    moments: undefined,
    multiplyAdds: 0,
  };
  restart(view);
  return view;
}

/** Brings a view of all keys up to date where the values of some rows are others now. */
export function followRows(
  view: View,
  values: DenseMatrix,
  changed: ReadonlySet<number>,
): void {
  const { rows, columns, factor: { width } } = view;
  const { table, exponents } = view;
  const fresh = scalesOf(values, undefined, rows);
  const near = fresh.exponents.every((exponent, c) =>
    2 ** Math.abs(exponent - exponents[c]) <= FAR
  );
  const cost = changed.size * changeCost(view.factor);
  const most = Math.max(LEAST_FOLLOWED, width);
  view.spans = [undefined, undefined];
  view.moments = undefined;
  if (
    !near || cost > factorCost(rows, columns) ||
    view.followed + changed.size > most
  ) {
    view.table = tableOf(values, undefined, rows, fresh.exponents);
    Object.assign(view, fresh);
    return restart(view);
  }
  const delta = new Float64Array(columns);
  for (const row of changed) {
    for (let c = 0; c < columns - 1; c++) {
      const now = scaled(values.data[row * (columns - 1) + c], exponents[c]);
      delta[c] = now - table[c * rows + row];
      table[c * rows + row] = now;
    }
    changeRow(view.factor, row, delta);
  }
  view.followed += changed.size;
  view.multiplyAdds += cost;
  for (let c = 0; c < columns; c++) {
    view.peaks[c] = scaled(fresh.peaks[c], exponents[c] - fresh.exponents[c]);
  }
}

/** The span of T, or of [T, 1] where sums are to be kept too. */
export function spanIn(view: View, sums: boolean): Space {
  const known = view.spans[Number(sums)];
  if (known !== undefined) return known;
  const count = view.columns - Number(!sums);
  if (view.followed > 0 && !(conditionOf(view.factor, count) <= CLEAR)) {
    restart(view);
  }
  return view.spans[Number(sums)] = spanOf(view.factor, count);
}

/** The moments that say what a row's output and sum are. */
export function momentsIn(view: View): Moments {
  if (view.moments === undefined) {
    const space = spanIn(view, true);
    const coordinates = coordinatesOf(space, view.table);
    view.moments = momentsOf(coordinates, view.rows, space.rank);
  }
  return view.moments;
}

/** How far two rows of weights differ in output, or in sum, next to the largest value there is and to all the weight. */
export function outputChange(
  { rows, columns, table, peaks }: View,
  before: Float64Array,
  after: Float64Array,
  sums: boolean,
): number {
  let weight = 0, worst = 0;
  for (let i = 0; i < rows; i++) weight += Math.abs(before[i]);
  for (let c = 0; c < columns - Number(!sums); c++) {
    let change = 0;
    for (let i = 0, at = c * rows; i < rows; i++) {
      change += (after[i] - before[i]) * table[at + i];
    }
    if (change !== 0) {
      worst = Math.max(worst, Math.abs(change) / (peaks[c] * weight));
    }
  }
  return worst;
}

/** number / 2^exponent; in two steps, since 2^1074 is no number. */
export function scaled(number: number, exponent: number): number {
  const half = Math.trunc(exponent / 2);
  return number * 2 ** -half * 2 ** (half - exponent);
}

/** The power of two at or next below a positive number. */
export function exponentOf(number: number): number {
  return number > 0 ? Math.floor(Math.log2(number)) : 0;
}

/** Factorises anew, as if the view were new: with every column at its own scale. */
function restart(view: View): void {
  const { table, exponents, peaks, rows, columns } = view;
  for (let c = 0; c < columns; c++) {
    const moved = exponentOf(peaks[c]);
    if (moved === 0) continue;
    exponents[c] += moved;
    peaks[c] = scaled(peaks[c], moved);
    for (let i = c * rows; i < (c + 1) * rows; i++) {
      table[i] = scaled(table[i], moved);
    }
  }
  view.factor = factorise(table, rows, columns);
  view.followed = 0;
  view.spans = [undefined, undefined];
  view.multiplyAdds += factorCost(rows, columns);
}

/** The largest size in each column of [T, 1] over some keys, and the powers of two that bring it to [1, 2). */
function scalesOf(
  { columns: width, data }: DenseMatrix,
  keys: Uint32Array | undefined,
  rows: number,
): Pick<View, "exponents" | "peaks"> {
  const peaks = new Float64Array(width + 1);
  peaks[width] = rows > 0 ? 1 : 0;
  for (let i = 0; i < rows; i++) {
    const from = (keys === undefined ? i : keys[i]) * width;
    for (let c = 0; c < width; c++) {
      const size = Math.abs(data[from + c]);
      if (size > peaks[c]) peaks[c] = size;
    }
  }
  const exponents = Int32Array.from(peaks, exponentOf);
  for (let c = 0; c < width; c++) peaks[c] = scaled(peaks[c], exponents[c]);
  return { exponents, peaks };
}

/** [T, 1] of some keys, column by column, each column scaled down by its power of two. */
function tableOf(
  { columns: width, data }: DenseMatrix,
  keys: Uint32Array | undefined,
  rows: number,
  exponents: Int32Array,
): Float64Array {
  const table = new Float64Array((width + 1) * rows).fill(1, width * rows);
  for (let c = 0; c < width; c++) {
    // As scaled() does, in two steps.
    const half = Math.trunc(exponents[c] / 2);
    const first = 2 ** -half, second = 2 ** (half - exponents[c]);
    for (let i = 0, at = c * rows; i < rows; i++) {
      const from = (keys === undefined ? i : keys[i]) * width;
      table[at + i] = data[from + c] * first * second;
    }
  }
  return table;
}
