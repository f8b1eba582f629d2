/**
 * A heat map as a plain record: cells, labels and the scale that turns numbers into colours.
 *
 * Nothing is drawn yet. The record can be read, changed, stored and sent to another thread; `svg.ts`, `png.ts` and
 * `terminal.ts` draw it. What a reader must know of it (what was folded together, what is missing) is in it.
 *
 * @module
 */

import { checkInteger, checkOptions } from "../check.ts";
import { checkLabel, checkRange, checkText, oneOf } from "./door.ts";
import { makeScale, type Scale, SCALE_KINDS, type ScaleKind } from "./scale.ts";
import { type Pool, type Pooled, poolSource, startsOf } from "./pool.ts";
import {
  checkSource,
  isWeights,
  type MatrixSource,
  type Source,
} from "./source.ts";

/** Options of {@linkcode heatMap}. */
export interface HeatMapOptions extends MapOptions {
  /**
   * Equal steps of the number ("linear", if left out), of its logarithm ("log", for weights that span decades), or to
   * both sides of zero ("diverging", for numbers that have a sign).
   */
  scale?: ScaleKind;
}

/** Options of every map. */
export interface MapOptions {
  /** What stands above it. */
  title?: string;
  /** What it shows, for people who cannot see it; its figures are added. */
  description?: string;
  /** What a row is: "query" for weights, else "row". */
  rowTitle?: string;
  /** What a column is: "key" for weights, else "column". */
  columnTitle?: string;
  /** What a row is called, from its query's id or its place; the number itself if left out. */
  rowLabel?: (id: number) => string;
  /** What a column is called, from its key's id or its place; the number itself if left out. */
  columnLabel?: (id: number) => string;
  /** What the numbers are, for the legend: "weight" for weights, else "value". */
  unit?: string;
  /**
   * The numbers that get the first and the last colour: what several maps are compared by. Numbers beyond them get the
   * same colours, and the legend says so. If left out, from the least (0 where none is below it) to the largest,
   * widened to round numbers.
   */
  range?: readonly [low: number, high: number];
  /** Most cells in a row and in a column, 512 if left out: what is larger is pooled. */
  limit?: number;
  /** What stands for many numbers in a cell: their "mean", if left out, or the one largest in size, "max". */
  pool?: Pool;
}

/** What became of a row or a column between two reads: 0 it stayed, 1 it came, −1 it went. */
export type Fate = -1 | 0 | 1;

/** A heat map. */
export interface HeatMap {
  /** What stands above it; empty for nothing. */
  title: string;
  /** What its maker says it shows; empty for nothing. */
  description: string;
  /** What a row is. */
  rowTitle: string;
  /** What a column is. */
  columnTitle: string;
  /** rows: one for each, the first where several rows were pooled. */
  rowLabels: string[];
  /** columns: one for each, the first where several columns were pooled. */
  columnLabels: string[];
  /** rows: what became of each between two reads. */
  rowFates: Int8Array;
  /** columns: what became of each between two reads. */
  columnFates: Int8Array;
  /** Cells in a column. */
  rows: number;
  /** Cells in a row. */
  columns: number;
  /** rows × columns, row by row; `NaN` where a number is missing. */
  cells: Float64Array;
  /** What stands for many numbers in a cell. */
  pool: Pool;
  /** What the numbers are. */
  unit: string;
  /** How numbers become colours. */
  scale: Scale;
  /** The largest mass of a row that is not shown, where that is known, else 0. */
  tail: number;
  /** What must be known to read it, a sentence each: what stands for many numbers. */
  notes: string[];
}

const VERB = "draw a heat map";
const MAP_OPTIONS = [
  "title",
  "description",
  "rowTitle",
  "columnTitle",
  "rowLabel",
  "columnLabel",
  "unit",
  "range",
  "limit",
  "pool",
];
const POOLS: readonly Pool[] = ["mean", "max"];
/** As many cells as a picture for a page has room for; more could not be told apart. */
const LIMIT = 512;
/** Pictures of more cells than this in a row are no pictures. */
const MOST_LIMIT = 4096;

/**
 * Makes a heat map of a matrix: one cell for each number, or for each block of numbers where there are too many.
 *
 * Takes rows of any kind, a `DenseMatrix`, a `CsrMatrix` (what is not stored is 0), or what `weights()` returns, whose
 * ids become the labels. `NaN` is a number that is missing and is drawn as such.
 *
 * Costs one pass over what is stored, and memory for `limit`² cells at most. Errors: a `TypeError` for what is no
 * matrix, no text or no known option, a `RangeError` for a number beyond 2⁹⁰⁰ in size, for one below 0 on a logarithmic
 * scale, and for a range or a limit that is none.
 *
 * @example What a query attends to
 * ```ts
 * import { assert, assertEquals } from "@std/assert";
 * import { createAttention, weights } from "@reattend/reattend";
 * import { heatMap, toSvg } from "@reattend/reattend/plot";
 *
 * const attention = createAttention({ queries: [[0]], keys: [[1], [2]], values: [[3], [4]] });
 * const map = heatMap(weights(attention), { title: "Attention", columnLabel: (id) => ["cat", "dog"][id] });
 * assertEquals([...map.cells], [0.5, 0.5]);
 * assertEquals(map.columnLabels, ["cat", "dog"]);
 * assert(toSvg(map).startsWith("<svg"));
 * ```
 */
export function heatMap(
  matrix: MatrixSource,
  options: HeatMapOptions = {},
): HeatMap {
  checkOptions(VERB, options, [...MAP_OPTIONS, "scale"]);
  const kind = oneOf(VERB, "scale", options.scale, SCALE_KINDS);
  const named = isWeights(matrix);
  const source = checkSource(VERB, "matrix", matrix);
  const { scale: _, ...rest } = options;
  return mapOfSource(
    VERB,
    source,
    kind,
    rest,
    named,
    named ? "weight" : "value",
  );
}

/** Makes a map of what is read row by row. */
export function mapOfSource(
  verb: string,
  source: Source,
  kind: ScaleKind,
  options: MapOptions,
  named: boolean,
  unit: string,
): HeatMap {
  checkOptions(verb, options, MAP_OPTIONS);
  const text = (name: keyof MapOptions, usual: string) =>
    options[name] === undefined ? usual : checkText(verb, name, options[name]);
  const pool = oneOf(verb, "pool", options.pool, POOLS);
  const limit = options.limit === undefined
    ? LIMIT
    : checkInteger(verb, "limit", options.limit, 1, MOST_LIMIT);
  const range = checkRange(verb, kind, options.range);
  const rowLabel = checkLabel(verb, "rowLabel", options.rowLabel);
  const columnLabel = checkLabel(verb, "columnLabel", options.columnLabel);
  const titles = {
    title: text("title", ""),
    description: text("description", ""),
    rowTitle: text("rowTitle", named ? "query" : "row"),
    columnTitle: text("columnTitle", named ? "key" : "column"),
    unit: text("unit", unit),
  };
  const pooled = poolSource(source, limit, limit, pool);
  const { rows, columns, cells } = pooled, { rowIds, columnIds } = source;
  const size = [source.rows, source.columns] as const;
  return {
    ...titles,
    rowLabels: labelsOf(verb, "rowLabel", rowLabel, rows, source.rows, rowIds),
    columnLabels: labelsOf(
      verb,
      "columnLabel",
      columnLabel,
      columns,
      source.columns,
      columnIds,
    ),
    rowFates: new Int8Array(rows),
    columnFates: new Int8Array(columns),
    rows,
    columns,
    cells,
    pool,
    scale: scaleOf(verb, kind, cells, columns, range),
    tail: source.tail,
    notes: rows < source.rows || columns < source.columns
      ? [poolNote("Each cell", pool, size, pooled, "numbers")]
      : [],
  };
}

function scaleOf(
  verb: string,
  kind: ScaleKind,
  cells: Float64Array,
  columns: number,
  range: readonly [number, number] | undefined,
): Scale {
  let least = Infinity, most = -Infinity, leastPositive = Infinity;
  for (let at = 0; at < cells.length; at++) {
    const number = cells[at];
    if (number < least) least = number;
    if (number > most) most = number;
    if (number > 0 && number < leastPositive) leastPositive = number;
    if (kind === "log" && number < 0) {
      throw new RangeError(
        `Cannot ${verb}: the cell [${Math.floor(at / columns)}][${
          at % columns
        }] is ${number}, it should be 0 or more on a logarithmic scale`,
      );
    }
  }
  // No numbers are an empty range at 0.
  if (least > most) least = most = 0;
  return makeScale(kind, least, most, leastPositive, range);
}

/** Says what a cell stands for. */
export function poolNote(
  cell: string,
  pool: Pool,
  [rows, columns]: readonly [number, number],
  pooled: Pooled,
  numbers: string,
): string {
  const what = pool === "mean" ? "the mean" : "the largest in size";
  const high = sizeOf(rows, pooled.rows);
  const wide = sizeOf(columns, pooled.columns);
  return `${cell} is ${what} of ${high} × ${wide} of ${rows} × ${columns} ${numbers}; labels name the first.`;
}

function sizeOf(length: number, blocks: number): string {
  const least = Math.floor(length / blocks), most = Math.ceil(length / blocks);
  return least === most ? String(least) : `${least}–${most}`;
}

function labelsOf(
  verb: string,
  name: string,
  label: ((id: number) => string) | undefined,
  blocks: number,
  length: number,
  ids: readonly number[] | undefined,
): string[] {
  const one = (at: number) => {
    const id = ids === undefined ? at : ids[at];
    return label === undefined
      ? String(id)
      : checkText(verb, `${name}(${id})`, label(id));
  };
  return startsOf(blocks, length).map(one);
}
