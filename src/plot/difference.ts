/**
 * What changed between two reads, as a map: after − before, zero without a colour, the same range to both sides.
 *
 * Weights are told apart by ids, not by places: a key that was appended or removed in between has a column of its own,
 * marked as one that came or went, with its whole weight for a change.
 *
 * @module
 */

import type { Id } from "../check.ts";
import { type HeatMap, mapOfSource, type MapOptions } from "./heat_map.ts";
import { startOf } from "./pool.ts";
import {
  checkSource,
  isWeights,
  type MatrixSource,
  type Source,
  type SourceRow,
} from "./source.ts";

const VERB = "show a difference";

/**
 * Makes a heat map of what changed from one matrix to another: after − before, on a diverging scale.
 *
 * Two results of `weights()` meet by the ids of queries and keys. One that only the second knows came, one that only
 * the first knows went (`rowFates`, `columnFates`); where it is not known its weight counts as 0. Rows and columns
 * stand by ascending id, or, where the reads were in an order of their own, in that of the second, followed by what
 * went. Other matrices must have the same shape. A number missing from either is missing.
 *
 * Costs one pass over what is stored of both, and memory for a row and the cells. Errors: as those of
 * {@linkcode heatMap}; a `TypeError` for weights beside a matrix without ids, a `RangeError` for matrices of different
 * shapes and for weights that list an id twice.
 *
 * @example A key that went
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createAttention, remove, weights } from "@reattend/reattend";
 * import { difference } from "@reattend/reattend/plot";
 *
 * const attention = createAttention({ queries: [[0]], keys: [[1], [2]], values: [[3], [4]] });
 * const before = weights(attention);
 * remove(attention, 0);
 * const map = difference(before, weights(attention));
 * assertEquals([...map.cells], [-0.5, 0.5]);
 * assertEquals([...map.columnFates], [-1, 0]);
 * ```
 */
export function difference(
  before: MatrixSource,
  after: MatrixSource,
  options: MapOptions = {},
): HeatMap {
  const named = isWeights(after);
  if (isWeights(before) !== named) {
    throw new TypeError(
      `Cannot ${VERB}: ${
        named ? "after" : "before"
      } alone has ids, both or none should have them`,
    );
  }
  const old = checkSource(VERB, "before", before);
  const now = checkSource(VERB, "after", after);
  const rows = meet("queries", old.rowIds, now.rowIds);
  const columns = meet("keys", old.columnIds, now.columnIds);
  if (
    rows === undefined && (old.rows !== now.rows || old.columns !== now.columns)
  ) {
    throw new RangeError(
      `Cannot ${VERB}: before is ${old.rows} × ${old.columns} and after ${now.rows} × ${now.columns}, they should have the same shape`,
    );
  }
  const source = subtract(old, now, rows, columns);
  const map = mapOfSource(
    VERB,
    source,
    "diverging",
    options,
    named,
    named ? "change of weight" : "change",
  );
  if (rows !== undefined && columns !== undefined) {
    poolFates(rows.fates, map.rowFates);
    poolFates(columns.fates, map.columnFates);
  }
  return map;
}

/** Where the ids of two sides stand in both together. */
interface Meeting {
  ids: Id[];
  /** One for each id: its place on a side, −1 where it has none. */
  before: Int32Array;
  after: Int32Array;
  fates: Int8Array;
}

function meet(
  what: string,
  before: readonly Id[] | undefined,
  after: readonly Id[] | undefined,
): Meeting | undefined {
  if (before === undefined || after === undefined) return undefined;
  const oldPlaces = placesOf(`before.${what}`, before);
  const newPlaces = placesOf(`after.${what}`, after);
  const ids = [...after, ...before.filter((id) => !newPlaces.has(id))];
  if (ascends(before) && ascends(after)) ids.sort((a, b) => a - b);
  const place = (places: Map<Id, number>) =>
    Int32Array.from(ids, (id) => places.get(id) ?? -1);
  const fates = Int8Array.from(
    ids,
    (id) => Number(newPlaces.has(id)) - Number(oldPlaces.has(id)),
  );
  return { ids, before: place(oldPlaces), after: place(newPlaces), fates };
}

function placesOf(name: string, ids: readonly Id[]): Map<Id, number> {
  const places = new Map(ids.map((id, at) => [id, at]));
  if (places.size === ids.length) return places;
  const twice = ids.find((id, at) => places.get(id) !== at);
  throw new RangeError(
    `Cannot ${VERB}: id ${twice} is in ${name} twice, it should be there once`,
  );
}

function ascends(ids: readonly Id[]): boolean {
  return ids.every((id, at) => at === 0 || ids[at - 1] < id);
}

/** After − before, row by row. */
function subtract(
  before: Source,
  after: Source,
  rows: Meeting | undefined,
  columns: Meeting | undefined,
): Source {
  const width = columns?.ids.length ?? after.columns;
  const oldColumns = columns && inverse(columns.before, before.columns);
  const newColumns = columns && inverse(columns.after, after.columns);
  // Rows are read one after another; two sparse ones need no room for all columns.
  let dense: Float64Array | undefined;
  return {
    rows: rows?.ids.length ?? after.rows,
    columns: width,
    rowIds: rows?.ids,
    columnIds: columns?.ids,
    tail: Math.max(before.tail, after.tail),
    row(index) {
      const oldRow = rows === undefined ? index : rows.before[index];
      const newRow = rows === undefined ? index : rows.after[index];
      const parts: [SourceRow, Int32Array | undefined, number][] = [];
      if (newRow >= 0) parts.push([after.row(newRow), newColumns, 1]);
      if (oldRow >= 0) parts.push([before.row(oldRow), oldColumns, -1]);
      return parts.every(([row]) => row.columns !== undefined)
        ? addSparse(parts)
        : addDense(parts, dense ??= new Float64Array(width));
    },
  };
}

/** Rows of a side, where their columns go, and their sign. */
type Parts = readonly (readonly [SourceRow, Int32Array | undefined, number])[];

function addDense(parts: Parts, numbers: Float64Array): SourceRow {
  numbers.fill(0);
  for (const [row, target, sign] of parts) {
    for (let at = 0; at < row.numbers.length; at++) {
      const column = row.columns === undefined ? at : row.columns[at];
      const to = target === undefined ? column : target[column];
      numbers[to] += sign * row.numbers[at];
    }
  }
  return { columns: undefined, numbers };
}

/** As many numbers as both rows store; a row of a million columns with ten entries costs ten. */
function addSparse(parts: Parts): SourceRow {
  const sums = new Map<number, number>();
  for (const [row, target, sign] of parts) {
    const columns = row.columns!;
    for (let at = 0; at < row.numbers.length; at++) {
      const to = target === undefined ? columns[at] : target[columns[at]];
      sums.set(to, (sums.get(to) ?? 0) + sign * row.numbers[at]);
    }
  }
  return { columns: [...sums.keys()], numbers: [...sums.values()] };
}

/** Where each place of a side stands in both together. */
function inverse(places: Int32Array, length: number): Int32Array {
  const target = new Int32Array(length);
  places.forEach((place, at) => {
    if (place >= 0) target[place] = at;
  });
  return target;
}

/** A block came or went if all of it did. */
function poolFates(fates: Int8Array, blocks: Int8Array): void {
  for (let block = 0; block < blocks.length; block++) {
    const start = startOf(block, blocks.length, fates.length);
    const end = startOf(block + 1, blocks.length, fates.length);
    const same = fates.subarray(start, end).every((fate) =>
      fate === fates[start]
    );
    blocks[block] = same ? fates[start] : 0;
  }
}
