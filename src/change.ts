/**
 * The verbs that change an attention: checked, noted, nothing computed.
 *
 * Every verb is a list of one change given to {@linkcode apply}: checked as a whole, then carried out as a whole. A
 * call that throws has changed nothing.
 *
 * @module
 */

import { type Attention, openAttention } from "./attention.ts";
import {
  type Bias,
  checkOptions,
  type Id,
  type Ids,
  isIterable,
  type Position,
  show,
} from "./check.ts";
import type { Rows } from "./rows.ts";
import type { Edits } from "./matrix/edits.ts";
import { roomyArena } from "./matrix/input.ts";
import { type Memory, refuseWhileReading } from "./memory/memory.ts";
import { commit } from "./memory/commit.ts";
import { isStale, makeShadow } from "./memory/shadow.ts";
import { type Change, checkChange } from "./memory/change.ts";
import { stage } from "./memory/stage.ts";

/** Options of {@linkcode append}. */
export interface AppendOptions {
  /** Ids of your own: ascending, none smaller than the next free one. */
  ids?: Ids;
  /** Added to the scores of these keys; 0 if left out. */
  bias?: Bias;
}

/** What {@linkcode update} replaces. */
export interface UpdateOptions {
  /** A row for each id. */
  keys?: Rows;
  /** A value for each id. */
  values?: Rows;
  /** A bias for all or for each. */
  bias?: Bias;
}

/** Options of {@linkcode watch}. */
export interface WatchOptions {
  /** Ids of your own: one already watched is replaced, others ascend from the next free one. */
  ids?: Ids;
  /**
   * For causal attentions, the newest key each query sees; the newest there is at the time of the call if left out, so
   * that keys which come later are not seen.
   */
  position?: Position;
}

/**
 * Adds keys with their values, and returns their ids.
 *
 * Where the capacity is exceeded the keys with the smallest ids make room, the call's own among them if need be:
 * `stats(a).evicted` counts them. Nothing is computed until a row is read.
 *
 * Shapes: `keys` k × dim, `values` k × valueDim. Costs O(k · (dim + valueDim)), whatever the number of keys and
 * queries. Errors: a `RangeError` for shapes that do not meet, numbers without a finite 32-bit form, ids that do not
 * ascend, a bias of NaN or +Infinity or above 1e300 in size; nothing has changed then.
 *
 * @example A key with an id of its own
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { append, createAttention, ids } from "@reattend/reattend";
 *
 * const attention = createAttention({ dim: 2, valueDim: 1 });
 * append(attention, [[1, 0], [0, 1]], [[5], [7]]);
 * append(attention, [1, 1], [9], { ids: 40, bias: -1 });
 * assertEquals(ids(attention), [0, 1, 40]);
 * ```
 */
export function append(
  a: Attention,
  keys: Rows,
  values: Rows,
  options: AppendOptions = {},
): Id[] {
  checkOptions("append", options, ["ids", "bias"]);
  return one(a, {
    verb: "append",
    keys,
    values,
    ids: options.ids,
    bias: options.bias,
  });
}

/**
 * Replaces keys, values or biases of ids; what is not given stays.
 *
 * Replacing a value alone is cheapest to read: no score changes.
 *
 * Shapes: `keys` ids × dim, `values` ids × valueDim. Costs O(ids · (dim + valueDim)). Errors: a `RangeError` for an id
 * that is unknown or gone or given twice, and as {@linkcode append}; nothing has changed then.
 *
 * @example A value changes, the read follows
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createAttention, outputs, update } from "@reattend/reattend";
 *
 * const attention = createAttention({ queries: [[0]], keys: [[1], [2]], values: [[1], [2]] });
 * update(attention, 1, { values: [5] });
 * assertEquals(outputs(attention).to2DArray(), [[3]]);
 * ```
 */
export function update(a: Attention, ids: Ids, options: UpdateOptions): void {
  checkOptions("update", options, ["keys", "values", "bias"]);
  const { keys, values, bias } = options ?? {};
  one(a, { verb: "update", ids, keys, values, bias });
}

/**
 * Adds to single numbers of keys and values.
 *
 * A number becomes the 32-bit rounding of what is stored plus the delta; deltas of one number within a call are summed
 * first. However many edits a key gets, a read pays for that key once.
 *
 * Costs O(edits + touched keys · (dim + valueDim)). Errors: a `RangeError` for an id that is unknown or gone, a column
 * outside the row, a result without a finite 32-bit form; nothing has changed then.
 *
 * @example One number of one key
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createAttention, edit, entry } from "@reattend/reattend";
 *
 * const attention = createAttention({ keys: [[1, 2]], values: [[3]] });
 * edit(attention, { keys: [[0, 1, 0.5]], values: [[0, 0, -1]] });
 * assertEquals(entry(attention, 0), { key: new Float32Array([1, 2.5]), value: new Float32Array([2]), bias: 0 });
 * ```
 */
export function edit(
  a: Attention,
  edits: { keys?: Edits; values?: Edits },
): void {
  checkOptions("edit", edits, ["keys", "values"]);
  one(a, { verb: "edit", keys: edits?.keys, values: edits?.values });
}

/**
 * Removes keys.
 *
 * Their ids are never used again. Costs O(ids). Errors: a `RangeError` for an id that is unknown or gone or given
 * twice; nothing has changed then.
 *
 * @example The last key leaves nothing behind
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createAttention, outputs, remove } from "@reattend/reattend";
 *
 * const attention = createAttention({ queries: [[1, 0]], keys: [[3, 4]], values: [[5, 6]] });
 * remove(attention, 0);
 * assertEquals(outputs(attention).to2DArray(), [[0, 0]]);
 * ```
 */
export function remove(a: Attention, ids: Ids): void {
  one(a, { verb: "remove", ids });
}

/**
 * Watches queries, and returns their ids: their outputs are kept up to date at the cost of what changed.
 *
 * An id already watched is replaced, which is the way to change a query; its next read starts over.
 *
 * Shapes: `queries` k × dim. Costs O(k · dim). Errors: a `RangeError` for shapes that do not meet, an id that is no
 * longer watched or out of order, a `position` without a causal mask; nothing has changed then.
 *
 * @example A query changes under its id
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createAttention, outputs, watch } from "@reattend/reattend";
 *
 * const attention = createAttention({ keys: [[100], [-100]], values: [[1], [2]] });
 * const [id] = watch(attention, [1]);
 * assertEquals(outputs(attention).get(0, 0), 1);
 * watch(attention, [-1], { ids: id });
 * assertEquals(outputs(attention).get(0, 0), 2);
 * ```
 */
export function watch(
  a: Attention,
  queries: Rows,
  options: WatchOptions = {},
): Id[] {
  checkOptions("watch", options, ["ids", "position"]);
  const { ids, position } = options;
  return one(a, { verb: "watch", queries, ids, position });
}

/**
 * Stops watching queries.
 *
 * Costs O(ids). Errors: a `RangeError` for an id that is not watched or given twice; nothing has changed then.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createAttention, unwatch } from "@reattend/reattend";
 *
 * const attention = createAttention({ queries: [[1], [2]] });
 * unwatch(attention, 0);
 * assertEquals(attention.watched, 1);
 * ```
 */
export function unwatch(a: Attention, ids: Ids): void {
  one(a, { verb: "unwatch", ids });
}

/**
 * Lets watched queries attend to keys, or no longer: inserts and deletes edges of a matrix mask.
 *
 * Costs O(pairs) searches in the query's list of edges, which moves up for each; a read of a query pays for its own
 * changed pairs. Errors: a `TypeError`
 * where the mask is no matrix, a `RangeError` for an id that is unknown or gone; nothing has changed then.
 *
 * @example An edge appears
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { admit, createAttention, CsrMatrix, outputs } from "@reattend/reattend";
 *
 * const mask = CsrMatrix.fromDense([[1, 0]]);
 * const attention = createAttention({ queries: [[0]], keys: [[1], [2]], values: [[2], [4]], mask });
 * assertEquals(outputs(attention).get(0, 0), 2);
 * admit(attention, [[0, 1]]);
 * assertEquals(outputs(attention).get(0, 0), 3);
 * ```
 */
export function admit(
  a: Attention,
  pairs: Iterable<readonly [query: Id, key: Id]>,
  admitted = true,
): void {
  one(a, { verb: "admit", pairs, admitted });
}

/**
 * Carries out a list of changes, all or none of them.
 *
 * Each change sees what those before it did. The whole list is checked first: a change that cannot be done throws and
 * the attention is as it was.
 *
 * Costs what the verbs cost. Returns for each change the ids it concerned, of an `admit` its queries. Errors: those of
 * the verbs, and a `TypeError` for what is no change.
 *
 * @example A list that fails leaves nothing behind
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { apply, createAttention } from "@reattend/reattend";
 *
 * const attention = createAttention({ dim: 1 });
 * const added = { verb: "append", keys: [[1], [2]], values: [[3], [4]] } as const;
 * assertThrows(() => apply(attention, [added, { verb: "remove", ids: 7 }]), RangeError);
 * assertEquals(attention.size, 0);
 * assertEquals(apply(attention, [added, { verb: "remove", ids: 0 }]), [[0, 1], [0]]);
 * ```
 */
export function apply(a: Attention, changes: Iterable<Change>): Id[][] {
  const memory = openAttention("apply", a);
  if (!isIterable(changes)) {
    throw new TypeError(
      `Cannot apply: changes is ${
        show(changes)
      }, it should be a list of changes`,
    );
  }
  const list = [...changes].map(checkChange);
  return carryOut(memory, list);
}

/** A list of one change, without the list. */
function one(a: Attention, change: Change): Id[] {
  return carryOut(openAttention(change.verb, a), [change])[0];
}

function carryOut(memory: Memory, changes: readonly Change[]): Id[][] {
  refuseWhileReading(changes[0]?.verb ?? "apply", memory);
  const shadow = makeShadow(memory, changes.length > 1), { arena } = memory;
  const before = arena.used;
  try {
    const concerned: Id[][] = [];
    for (const change of changes) concerned.push(stage(shadow, change));
    if (isStale(shadow)) {
      throw new TypeError(
        "Cannot apply: the attention changed while its changes were read, they should leave it alone",
      );
    }
    commit(memory, shadow.writes);
    roomyArena(arena);
    return concerned;
  } finally {
    arena.used = before;
    arena.missed = 0;
  }
}
