/**
 * The verbs that read: up to date by definition, and each pays only for what it is asked for.
 *
 * @module
 */

import { type Attention, openAttention } from "./attention.ts";
import {
  checkIds,
  checkInteger,
  checkOptions,
  checkShare,
  counted,
  type Id,
  type Ids,
  show,
} from "./check.ts";
import type { Rows } from "./rows.ts";
import type { CsrMatrix } from "./matrix/csr.ts";
import { DenseMatrix } from "./matrix/dense.ts";
import { answerGuests, answerRows } from "./answer/answer.ts";
import { boundRow } from "./answer/certify.ts";
import {
  checkGuests,
  checkLive,
  checkReaders,
  checkWatched,
  type Filter,
  type ReaderOptions,
} from "./answer/readers.ts";
import { type Memory, whileReading } from "./memory/memory.ts";
import { slotOf } from "./memory/slots.ts";
import { watchedReaders } from "./sync/recompute.ts";
import { settleLog, syncRows, syncRowsWithin } from "./sync/sync.ts";
import { keepWeights, largest, matrixOf, weigh } from "./answer/weigh.ts";

export type { Filter, ReaderOptions };

/** Options of {@linkcode outputs}. */
export interface OutputsOptions {
  /** Watched queries to read, in this order, repeats allowed; all of them by ascending id if left out. */
  ids?: Ids;
  /** rows × valueDim: where the outputs go, instead of a new array. */
  out?: Float64Array;
  /** rows: receives the error bound of each row. */
  bounds?: Float64Array;
}

/** Options of {@linkcode attend}. */
export interface AttendOptions extends ReaderOptions {
  /** rows: receives the error bound of each row. */
  bounds?: Float64Array;
}

/** What a query attends to most. */
export interface TopKeys {
  /** Ids, the largest weight first; of equal weights the smaller id. */
  keys: Id[];
  /** Their weights. */
  weights: number[];
  /** The mass of all other keys. */
  tail: number;
}

/**
 * Reads the outputs of watched queries: softmax(scale · Q Kᵀ + bias + mask) V over what is stored now.
 *
 * Every number is correct to 32 significant bits, or to 2⁻⁴⁸ of the row's value scale where cancellation leaves less,
 * and has the same bits whatever happened before: a long history and a fresh attention over the same entries agree
 * exactly. A query that may attend to nothing gets zeros.
 *
 * Shapes: rows × valueDim, 64-bit. Costs per row, k writes after it was last read, at most k (2 dim + 2 valueDim + 2) +
 * valueDim + 1 multiply-adds; a row that is read for the first time, that missed more than about half of the keys or
 * whose sums cannot hold a change starts over: m (dim + valueDim + 1) + valueDim + 1. Rows not asked for cost nothing.
 * Errors: a `RangeError` for an id that is not watched or an `out` of another size; what a mask throws.
 *
 * @example Only the rows asked for pay
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createAttention, outputs, stats } from "@reattend/reattend";
 *
 * const attention = createAttention({ queries: [[0], [1]], keys: [[1], [1]], values: [[1], [2]] });
 * assertEquals(outputs(attention, { ids: 1 }).to2DArray(), [[1.5]]);
 * assertEquals(stats(attention).recomputed, 1);
 * ```
 */
export function outputs(
  a: Attention,
  options: OutputsOptions = {},
): DenseMatrix {
  const verb = "read outputs", memory = openAttention(verb, a);
  checkOptions(verb, options, ["ids", "out", "bounds"]);
  // Read before any row is looked up: what a caller's getters do is not ours to know.
  const { ids, out: givenOut, bounds: givenBounds } = options;
  const all = ids === undefined;
  const rows = checkWatched(verb, memory, ids);
  const out =
    checkFloats(verb, "out", givenOut, rows.length * memory.valueDim) ??
      new Float64Array(rows.length * memory.valueDim);
  const bounds = checkFloats(verb, "bounds", givenBounds, rows.length);
  whileReading(verb, memory, () => {
    syncRows(memory, all ? rows : Int32Array.from(new Set(rows)));
    settleLog(memory, rows.length, all);
    answerRows(memory, rows, out);
    bounds?.forEach((_, at) => {
      bounds[at] = boundRow(memory, rows[at]).total;
    });
  });
  return new DenseMatrix(rows.length, memory.valueDim, out);
}

/**
 * Reads the outputs of queries that are not watched.
 *
 * The same bits as {@linkcode outputs} would give for the same query.
 *
 * Shapes: `queries` k × dim, result k × valueDim, 64-bit. Costs for each query m · (dim + valueDim + 1) + valueDim + 1
 * multiply-adds, and m · (valueDim + 1) more for the rare one whose answer takes exact sums to tell. Neighbours that
 * meet the same keys (no `filter`, the same `position`) are scored eight at a time, where that is faster,
 * for 64 bytes a key and at most 4 MB while the call lasts. Errors: a
 * `RangeError` for shapes that do not meet, a `TypeError` where the mask knows watched queries only and no `filter`
 * says what these may see.
 *
 * @example Without the key that is too old
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { attend, createAttention } from "@reattend/reattend";
 *
 * const attention = createAttention({ keys: [[1], [1], [1]], values: [[9], [2], [4]] });
 * const output = attend(attention, [[3]], { filter: (_, key) => key > 0 });
 * assertEquals(output.to2DArray(), [[3]]);
 * ```
 */
export function attend(
  a: Attention,
  queries: Rows,
  options: AttendOptions = {},
): DenseMatrix {
  const verb = "attend", memory = openAttention(verb, a);
  checkOptions(verb, options, ["position", "filter", "bounds"]);
  if (options.position !== undefined || options.filter !== undefined) {
    refuseApproximation(verb, memory, "position and filter");
  }
  const guests = checkGuests(verb, memory, queries, options);
  const bounds = checkFloats(verb, "bounds", options.bounds, guests.count);
  const out = new Float64Array(guests.count * memory.valueDim);
  whileReading(verb, memory, () => answerGuests(memory, guests, out, bounds));
  return new DenseMatrix(guests.count, memory.valueDim, out);
}

/**
 * Tells what queries attend to most: ids, weights, and the mass of all the rest.
 *
 * All keys are scored anew: what is kept for watched queries is sums, not weights.
 *
 * Costs m · dim multiply-adds for each query, and room for scores as {@linkcode attend}. Errors: as there; a
 * `RangeError` for a `count` that is no whole number from 0 on.
 *
 * @example
 * ```ts
 * import { assert, assertEquals } from "@std/assert";
 * import { createAttention, topKeys } from "@reattend/reattend";
 *
 * const attention = createAttention({ keys: [[0], [0], [200]], values: [[1], [2], [3]] });
 * const [{ keys, weights, tail }] = topKeys(attention, [[1]], 1);
 * assertEquals([keys, weights], [[2], [1]]);
 * assert(tail < 1e-80);
 * assertEquals(topKeys(attention, [[-1]], 1)[0].keys, [0]); // of equals the smaller id
 * ```
 *
 * @param queries Queries that are not watched, or `{ ids }` of watched ones.
 * @param count How many keys to name.
 */
export function topKeys(
  a: Attention,
  queries: Rows | { ids: Ids },
  count: number,
  options: ReaderOptions = {},
): TopKeys[] {
  const verb = "read top keys", memory = openAttention(verb, a);
  checkOptions(verb, options, ["position", "filter"]);
  checkInteger(verb, "count", count, 0);
  refuseApproximation(verb, memory, "weights of single keys");
  const readers = checkReaders(verb, memory, queries, options);
  const { idOf } = memory.keys.slots;
  return whileReading(
    verb,
    memory,
    () =>
      weigh(memory, readers, ({ slots, weights }) => {
        const best = largest(weights, count);
        const named = best.map((i) => weights[i]);
        for (const i of best) weights[i] = 0;
        let tail = 0;
        for (let i = 0; i < weights.length; i++) tail += weights[i];
        return { keys: best.map((i) => idOf[slots[i]]), weights: named, tail };
      }),
  );
}

/** Options of {@linkcode weights}. */
export interface WeightsOptions {
  /** Watched queries, in this order, repeats allowed; all of them by ascending id if left out. */
  ids?: Ids;
  /** Keys that become columns, in this order; all live keys by ascending id if left out. */
  keys?: Ids;
  /** Keep only the so many largest weights of each row. */
  top?: number;
  /** Keep only weights of at least this size, from 0 to 1. */
  least?: number;
}

/** The attention matrix A, or the part of it that was asked for. */
export interface Weights {
  /** Ids of the rows. */
  queries: Id[];
  /** Ids of the columns. */
  keys: Id[];
  /** rows × columns: the weights, sparse where less than a quarter of them is stored; `DenseMatrix.from(matrix)` is dense whichever it is. */
  matrix: DenseMatrix | CsrMatrix;
  /** rows: the mass of each row that the matrix leaves out. */
  tail: Float64Array;
}

/**
 * Builds the attention matrix A = softmax(scale · Q Kᵀ + bias + mask) of watched queries.
 *
 * A is never kept: this scores every key anew. A row adds up to 1 together with its `tail`; one that may attend to
 * nothing is zero.
 *
 * Shapes: rows × columns. Costs rows · m · dim multiply-adds, and room for scores as {@linkcode attend}. Errors: a
 * `RangeError` for an id that is unknown, a `top` or `least` out of range.
 *
 * @example The two largest weights of a row
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createAttention, weights } from "@reattend/reattend";
 *
 * const attention = createAttention({ queries: [[0]], keys: [[1], [1], [1], [1]], values: [[1], [2], [3], [4]] });
 * const { matrix, tail } = weights(attention, { top: 2 });
 * assertEquals(matrix.to2DArray(), [[0.25, 0.25, 0, 0]]);
 * assertEquals(tail, new Float64Array([0.5]));
 * ```
 */
export function weights(a: Attention, options: WeightsOptions = {}): Weights {
  const verb = "read weights", memory = openAttention(verb, a);
  checkOptions(verb, options, ["ids", "keys", "top", "least"]);
  refuseApproximation(verb, memory, "weights of single keys");
  const { ids, keys: givenKeys, top: givenTop, least: givenLeast } = options;
  const top = givenTop === undefined
    ? Infinity
    : checkInteger(verb, "top", givenTop, 0);
  const least = givenLeast === undefined
    ? 0
    : checkShare(verb, "least", givenLeast);
  // Both lists are gone through before either is looked up: what a caller's iterables do is not ours to know.
  const listed = givenKeys === undefined
    ? undefined
    : checkIds(verb, givenKeys, false, "keys");
  const rows = checkWatched(verb, memory, ids);
  const keys = checkLive(verb, memory, listed);
  const { slots } = memory.keys;
  const columnOf = new Int32Array(slots.used).fill(-1);
  keys.forEach((id, column) => columnOf[slotOf(slots, id)] = column);
  const tail = new Float64Array(rows.length);
  const readers = watchedReaders(memory, rows);
  const kept = whileReading(
    verb,
    memory,
    () =>
      weigh(memory, readers, (weighed, at) => {
        const part = keepWeights(weighed, columnOf, top, least);
        tail[at] = part.tail;
        return part;
      }),
  );
  return {
    queries: Array.from(rows, (row) => memory.rows.slots.idOf[row]),
    keys,
    matrix: matrixOf(kept, keys.length),
    tail,
  };
}

/**
 * Brings watched queries up to date without reading them, spending at most `work` multiply-adds.
 *
 * A row is brought up to date as a whole, the smallest ids first, so a budget smaller than the next row's cost does
 * nothing. A read does the same by itself; flush in idle time to make reads cheap.
 *
 * Costs what is spent. Returns the multiply-adds that are left to do: 0 when every row is up to date.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createAttention, flush } from "@reattend/reattend";
 *
 * const attention = createAttention({ queries: [[1], [2]], keys: [[3]], values: [[4]] });
 * assertEquals(flush(attention, { work: 3 }), 3);
 * assertEquals(flush(attention), 0);
 * ```
 */
export function flush(a: Attention, options: { work?: number } = {}): number {
  const verb = "flush", memory = openAttention(verb, a);
  checkOptions(verb, options, ["work"]);
  const { work = Infinity } = options;
  if (typeof work !== "number") {
    throw new TypeError(
      `Cannot ${verb}: work is ${show(work)}, it should be a number`,
    );
  }
  if (!(work >= 0)) {
    throw new RangeError(
      `Cannot ${verb}: work is ${work}, it should be 0 or more`,
    );
  }
  const rows = checkWatched(verb, memory, undefined);
  if (work === Infinity) {
    whileReading(verb, memory, () => syncRows(memory, rows));
    settleLog(memory, rows.length, true);
    return 0;
  }
  const left = whileReading(
    verb,
    memory,
    () => syncRowsWithin(memory, rows, work),
  );
  if (left === 0) settleLog(memory, rows.length, true);
  return left;
}

/** Refuses what an approximation does not know. */
function refuseApproximation(
  verb: string,
  { approximation, method }: Memory,
  what: string,
): void {
  if (approximation === undefined) return;
  throw new TypeError(
    `Cannot ${verb}: the method is ${
      method!.name
    }, which knows no ${what}, it should be one that attends to some of the keys`,
  );
}

function checkFloats(
  verb: string,
  name: string,
  array: unknown,
  length: number,
): Float64Array | undefined {
  if (array === undefined) return undefined;
  if (!(array instanceof Float64Array)) {
    throw new TypeError(
      `Cannot ${verb}: ${name} is ${show(array)}, it should be a Float64Array`,
    );
  }
  if (array.length !== length) {
    throw new RangeError(
      `Cannot ${verb}: ${name} holds ${
        counted(array.length, "number")
      }, it should hold ${length}`,
    );
  }
  return array;
}
