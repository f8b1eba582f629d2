/**
 * The verbs that read: up to date by definition, and each pays only for what it is asked for.
 *
 * @module
 */

import { type Attention, openAttention, pendingOf } from "./attention.ts";
import {
  checkIds,
  checkInteger,
  checkOptions,
  checkPosition,
  checkRows,
  type Id,
  type Ids,
  type Position,
  type Rows,
  show,
} from "./check.ts";
import type { Query } from "./kernel/kernel.ts";
import { DenseMatrix } from "./matrix/dense.ts";
import { answerGuest, answerRow } from "./memory/answer.ts";
import {
  boundGuest,
  boundRow,
  type ErrorBound,
  NO_ERROR,
} from "./memory/certify.ts";
import {
  type Ladder,
  type Memory,
  memoryBytes,
  queryOf,
} from "./memory/memory.ts";
import { GUEST } from "./memory/recompute.ts";
import { listIds, listSlots, slotOf } from "./memory/slots.ts";
import { settleLog, syncCost, syncRows } from "./memory/sync.ts";
import { largest, weigh } from "./memory/weigh.ts";
import { measureRow } from "./memory/audit.ts";

export type { ErrorBound, Ladder };

/** Options of {@linkcode outputs}. */
export interface OutputsOptions {
  /** Watched queries to read, in this order, repeats allowed; all of them by ascending id if left out. */
  ids?: Ids;
  /** rows × valueDim: where the outputs go, instead of a new array. */
  out?: Float64Array;
  /** rows: receives the error bound of each row. */
  bounds?: Float64Array;
}

/** Says no to keys for one read: asked with the query (its id if watched, else its place in the call) and the key. */
export type Filter = (query: Id, key: Id) => boolean;

/** Options of {@linkcode attend}. */
export interface AttendOptions {
  /** For causal attentions, the newest key each query sees; the newest there is if left out. */
  position?: Position;
  /** Which keys take part. */
  filter?: Filter;
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

/** Options of {@linkcode topKeys}. */
export interface TopKeysOptions {
  /** As in {@linkcode attend}; not for watched queries, which have theirs. */
  position?: Position;
  /** Which keys take part. */
  filter?: Filter;
}

/** What an attention has done and holds. */
export interface Stats {
  /** Multiply-adds spent so far. */
  multiplyAdds: number;
  /** Keys written: appended, updated, edited or removed. */
  writes: number;
  /** Writes over content that no row had seen. */
  coalesced: number;
  /** Keys evicted for the capacity. */
  evicted: number;
  /** Keys moved in, out or over in the sums of rows. */
  synced: number;
  /** Rows started over, for whatever reason. */
  recomputed: number;
  /** Answers of rows by the step that gave them. */
  ladder: Ladder;
  /** Distinct keys written since all watched queries were up to date. */
  pending: number;
  /** Bytes held. */
  bytes: number;
  /** Blocks of keys by how they are stored. */
  blocks: { dense: number; sparse: number };
  /** The kernel that computes. */
  kernel: string;
}

/**
 * Reads the outputs of watched queries: softmax(scale · Q Kᵀ + bias + mask) V over what is stored now.
 *
 * Every number is correct to 32 significant bits, or to 2⁻⁴⁸ of the row's value scale where cancellation leaves less,
 * and has the same bits whatever happened before: a long history and a fresh attention over the same entries agree
 * exactly. A query that may attend to nothing gets zeros.
 *
 * Shapes: rows × valueDim, 64-bit. Costs per row, after k changed keys, at most k (2 dim + 2 valueDim + 2) +
 * valueDim + 1 multiply-adds; a row read for the first time m (dim + valueDim + 1). Rows not asked for cost nothing.
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
  const rows = checkWatched(verb, memory, options.ids);
  const out =
    checkFloats(verb, "out", options.out, rows.length * memory.valueDim) ??
      new Float64Array(rows.length * memory.valueDim);
  const bounds = checkFloats(verb, "bounds", options.bounds, rows.length);
  syncRows(memory, rows);
  if (options.ids === undefined) settleLog(memory);
  rows.forEach((row, at) => {
    answerRow(memory, row, out, at * memory.valueDim);
    if (bounds !== undefined) bounds[at] = boundRow(memory, row).total;
  });
  return new DenseMatrix(rows.length, memory.valueDim, out);
}

/**
 * Reads the outputs of queries that are not watched.
 *
 * The same bits as {@linkcode outputs} would give for the same query.
 *
 * Shapes: `queries` k × dim, result k × valueDim, 64-bit. Costs k · m · (dim + valueDim + 1) multiply-adds. Errors: a
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
  const guests = checkGuests(verb, memory, queries, options);
  const bounds = checkFloats(verb, "bounds", options.bounds, guests.length);
  const out = new Float64Array(guests.length * memory.valueDim);
  guests.forEach(({ query, position, filter }, at) => {
    answerGuest(memory, query, position, filter, out, at * memory.valueDim);
    if (bounds !== undefined) bounds[at] = boundGuest(memory, query).total;
  });
  return new DenseMatrix(guests.length, memory.valueDim, out);
}

/**
 * Tells what queries attend to most: ids, weights, and the mass of all the rest.
 *
 * Costs m · dim multiply-adds for each query. Errors: as {@linkcode attend}; a `RangeError` for a `count` that is no
 * whole number from 0 on.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createAttention, topKeys } from "@reattend/reattend";
 *
 * const attention = createAttention({ keys: [[0], [0], [200]], values: [[1], [2], [3]] });
 * assertEquals(topKeys(attention, [[1]], 1), [{ keys: [2], weights: [1], tail: topKeys(attention, [1], 1)[0].tail }]);
 * assertEquals(topKeys(attention, [[-1]], 1)[0].keys, [0]);
 * ```
 *
 * @param queries Queries that are not watched, or `{ ids }` of watched ones.
 * @param count How many keys to name.
 */
export function topKeys(
  a: Attention,
  queries: Rows | { ids: Ids },
  count: number,
  options: TopKeysOptions = {},
): TopKeys[] {
  const verb = "read top keys", memory = openAttention(verb, a);
  checkOptions(verb, options, ["position", "filter"]);
  checkInteger(verb, "count", count, 0, Number.MAX_SAFE_INTEGER);
  return checkReaders(verb, memory, queries, options).map(
    ({ query, id, position, filter }) => {
      const { keys, weights } = weigh(memory, query, id, position, filter);
      const best = largest(weights, count), named = new Set(best);
      let tail = 0;
      for (let i = 0; i < weights.length; i++) {
        if (!named.has(i)) tail += weights[i];
      }
      return {
        keys: best.map((i) => keys[i]),
        weights: best.map((i) => weights[i]),
        tail,
      };
    },
  );
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
    syncRows(memory, rows);
    settleLog(memory);
    return 0;
  }
  let left = 0, spent = 0;
  for (const row of rows) {
    const cost = syncCost(memory, row);
    if (left > 0 || spent + cost > work) left += cost;
    else {
      spent += cost;
      syncRows(memory, [row]);
    }
  }
  if (left === 0) settleLog(memory);
  return left;
}

/**
 * Bounds how far outputs are from exact attention over what is stored: the worst of the rows asked for.
 *
 * It is a bound, not an estimate: the true error is never larger. It speaks of the rows as they stand and does no
 * work, so a row that has not seen every change has an infinite one; read or {@linkcode flush} first.
 *
 * Costs O(rows · valueDim), no multiply-adds. Errors: a `RangeError` for an id that is not watched.
 *
 * @example A removal is exact when the last key leaves
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { append, createAttention, errorBound, remove } from "@reattend/reattend";
 *
 * const attention = createAttention({ queries: [[1, 0]] });
 * const id = append(attention, [[3, 4]], [[5, 6]]);
 * remove(attention, id);
 * assertEquals(errorBound(attention).total, 0);
 * ```
 */
export function errorBound(a: Attention, ids?: Ids): ErrorBound {
  const verb = "bound errors", memory = openAttention(verb, a);
  let worst: ErrorBound = { ...NO_ERROR };
  for (const row of checkWatched(verb, memory, ids)) {
    const bound = boundRow(memory, row);
    if (bound.total > worst.total) worst = bound;
  }
  return worst;
}

/**
 * Measures how far outputs are from {@linkcode softmaxAttention} over what is stored: the largest difference.
 *
 * Slow, for audits: costs rows · m · (dim + valueDim) multiply-adds besides the read. Never more than
 * {@linkcode errorBound}.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { createAttention, errorBound, measureError } from "@reattend/reattend";
 *
 * const attention = createAttention({ queries: [[1], [2]], keys: [[0.3], [0.7]], values: [[1], [3]] });
 * assert(measureError(attention) <= errorBound(attention).total);
 * ```
 */
export function measureError(a: Attention, ids?: Ids): number {
  const verb = "measure errors", memory = openAttention(verb, a);
  const rows = checkWatched(verb, memory, ids),
    answer = new Float64Array(memory.valueDim);
  syncRows(memory, rows);
  let worst = 0;
  for (const row of rows) {
    answerRow(memory, row, answer, 0);
    worst = Math.max(worst, measureRow(memory, row, answer));
  }
  return worst;
}

/** The ids of the live keys, ascending. */
export function ids(a: Attention): Id[] {
  return listIds(openAttention("list ids", a).keys.slots);
}

/**
 * What is stored under an id: copies of the key and the value as rounded at the door, and the bias.
 *
 * Errors: a `RangeError` for an id that is unknown or gone.
 */
export function entry(
  a: Attention,
  id: Id,
): { key: Float32Array; value: Float32Array; bias: number } {
  const verb = "read an entry",
    { keys } = openAttention(verb, a),
    { dim, valueDim } = keys;
  const [known] = checkIds(verb, id), slot = slotOf(keys.slots, known);
  if (slot < 0) {
    throw new RangeError(
      `Cannot ${verb}: key ${id} is not there, it should be one of ${keys.slots.size} live ids`,
    );
  }
  return {
    key: keys.keys.slice(slot * dim, (slot + 1) * dim),
    value: keys.values.slice(slot * valueDim, (slot + 1) * valueDim),
    bias: keys.biases[slot],
  };
}

/** What an attention has done so far and holds now: plain numbers, free to read. */
export function stats(a: Attention): Stats {
  const memory = openAttention("read stats", a),
    { counters, log, kernel, keys } = memory;
  return {
    multiplyAdds: kernel.multiplyAdds,
    writes: counters.writes,
    coalesced: log.coalesced,
    evicted: counters.evicted,
    synced: counters.exchanged,
    recomputed: counters.recomputed,
    ladder: { ...counters.ladder },
    pending: pendingOf(memory),
    bytes: memoryBytes(memory),
    blocks: { dense: keys.slots.size === 0 ? 0 : 1, sparse: 0 },
    kernel: kernel.name,
  };
}

/** A query that reads, watched or not. */
export interface Reader {
  query: Query;
  id: Id;
  position: Id;
  filter: ((key: Id) => boolean) | undefined;
}

/** Readers from rows or from `{ ids }` of watched queries. */
export function checkReaders(
  verb: string,
  memory: Memory,
  queries: Rows | { ids: Ids },
  options: TopKeysOptions,
): Reader[] {
  const named = typeof queries === "object" && queries !== null &&
    "ids" in queries;
  if (!named) return checkGuests(verb, memory, queries, options);
  checkOptions(verb, queries, ["ids"]);
  if (options.position !== undefined) {
    throw new TypeError(
      `Cannot ${verb}: position is given, watched queries have theirs`,
    );
  }
  const filter = checkFilter(verb, options.filter), { rows } = memory;
  return checkWatched(verb, memory, queries.ids).map((row) => {
    const id = rows.slots.idOf[row];
    return {
      query: queryOf(memory, row),
      id,
      position: rows.positions[row],
      filter: filter && ((key) => filter(id, key) === true),
    };
  });
}

function checkGuests(
  verb: string,
  memory: Memory,
  queries: Rows,
  options: TopKeysOptions,
): Reader[] {
  const { dim, factor, mask, keys } = memory;
  const rows = checkRows(verb, "queries", queries, dim);
  const position = checkPosition(
    verb,
    mask.kind === "causal",
    options.position,
    rows.count,
    keys.slots.next - 1,
  );
  const filter = checkFilter(verb, options.filter);
  if (
    filter === undefined && (mask.kind === "predicate" || mask.kind === "edges")
  ) {
    throw new TypeError(
      `Cannot ${verb}: the mask knows watched queries only, filter should say what these may see`,
    );
  }
  return Array.from({ length: rows.count }, (_, at) => ({
    query: { dim, rows: rows.data, at: at * dim, factor },
    id: GUEST,
    position: position(at),
    filter: filter && ((key: Id) => filter(at, key) === true),
  }));
}

/** Rows of watched queries: those named, or all by ascending id. */
export function checkWatched(
  verb: string,
  memory: Memory,
  given: Ids | undefined,
): number[] {
  const { slots } = memory.rows;
  if (given === undefined) {
    const rows = new Int32Array(slots.size);
    listSlots(slots, rows);
    return [...rows];
  }
  return checkIds(verb, given, true).map((id) => {
    const row = slotOf(slots, id);
    if (row < 0) {
      throw new RangeError(
        `Cannot ${verb}: query ${id} is not watched, it should be one of ${slots.size} watched ids`,
      );
    }
    return row;
  });
}

function checkFilter(
  verb: string,
  filter: Filter | undefined,
): Filter | undefined {
  if (filter === undefined || typeof filter === "function") return filter;
  throw new TypeError(
    `Cannot ${verb}: filter is ${show(filter)}, it should be a function`,
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
      `Cannot ${verb}: ${name} holds ${array.length} numbers, it should hold ${length}`,
    );
  }
  return array;
}
