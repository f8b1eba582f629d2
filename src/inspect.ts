/**
 * The verbs that look at an attention: what is stored, how exact it is, what it has done.
 *
 * @module
 */

import { type Attention, openAttention, pendingOf } from "./attention.ts";
import { checkId, type Id, type Ids } from "./check.ts";
import { answerRow } from "./answer/answer.ts";
import { measureRow } from "./answer/audit.ts";
import { captureRow } from "./answer/captured.ts";
import { boundRow, type ErrorBound, NO_ERROR } from "./answer/certify.ts";
import { type Ladder, memoryBytes, whileReading } from "./memory/memory.ts";
import { checkLive, checkWatched } from "./answer/readers.ts";
import { type Store, unpackRow } from "./matrix/store.ts";
import { biasOf, blocksOf } from "./memory/keys.ts";
import { listIds, slotOf } from "./memory/slots.ts";
import { settleLog, syncRows } from "./sync/sync.ts";

export type { ErrorBound, Ladder };

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
  /** Distinct keys written since all watched queries were up to date, counted as the field of the attention is. */
  pending: number;
  /** Bytes held. */
  bytes: number;
  /** Rows of keys and of values by how they are stored: written out, or as their entries. */
  blocks: { dense: number; sparse: number };
  /** The kernel that computes. */
  kernel: string;
  /** What the method has to tell, if there is one that does. */
  method: Readonly<Record<string, number>>;
}

/**
 * Bounds how far outputs are from exact attention over what is stored: the worst of the rows asked for.
 *
 * It is a bound, not an estimate: the true error is never larger. It speaks of the rows as they stand and does no
 * work, so a row that has not seen every change has an infinite one; read or {@linkcode flush} first.
 *
 * Costs O(rows · valueDim), no multiply-adds, except what the method `pruned` says. Errors: a `RangeError` for an id that
 * is not watched.
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
    // A bound that is no number would be the worst of all.
    if (!(bound.total <= worst.total)) worst = bound;
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
  const rows = checkWatched(verb, memory, ids), all = ids === undefined;
  const answer = new Float64Array(memory.valueDim);
  return whileReading(verb, memory, () => {
    syncRows(memory, all ? rows : Int32Array.from(new Set(rows)));
    settleLog(memory, rows.length, all);
    let worst = 0;
    for (const row of rows) {
      answerRow(memory, row, answer, 0);
      worst = Math.max(worst, measureRow(memory, row, answer));
    }
    return worst;
  });
}

/**
 * Measures how much of all mass watched queries attend to: with a method that leaves keys out, the sum of their weights
 * in exact attention, from 0 to 1; without one, or where a query may attend to nothing, 1.
 *
 * Slow, for audits: costs rows · m · dim multiply-adds besides the read. Errors: a `RangeError` for an id that is not
 * watched, a `TypeError` where the method attends to no keys of its own.
 *
 * @example One key of two
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { capturedMass, createAttention } from "@reattend/reattend";
 * import { topK } from "@reattend/reattend/methods";
 *
 * const attention = createAttention({ queries: [[1]], keys: [[3], [3]], values: [[1], [2]], method: topK(1) });
 * assertEquals(capturedMass(attention), new Float64Array([0.5]));
 * ```
 *
 * @returns One number for each query, in the order of `ids`; by ascending id if they are left out.
 */
export function capturedMass(a: Attention, ids?: Ids): Float64Array {
  const verb = "measure captured mass", memory = openAttention(verb, a);
  const rows = checkWatched(verb, memory, ids), { approximation } = memory;
  if (approximation !== undefined) {
    throw new TypeError(
      `Cannot ${verb}: the method is ${
        memory.method!.name
      }, it should be one that attends to some of the keys`,
    );
  }
  return whileReading(verb, memory, () => {
    syncRows(memory, Int32Array.from(new Set(rows)));
    settleLog(memory, rows.length);
    return Float64Array.from(rows, (row) => captureRow(memory, row));
  });
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
    memory = openAttention(verb, a),
    { keys } = memory;
  checkLive(verb, memory, checkId(verb, id));
  const slot = slotOf(keys.slots, id);
  const written = (store: Store) => {
    const row = new Float32Array(store.width);
    unpackRow(store, slot, row, 0);
    return row;
  };
  return {
    key: written(keys.keys),
    value: written(keys.values),
    bias: biasOf(keys, slot),
  };
}

/** What an attention has done so far and holds now: plain numbers, free to read. */
export function stats(a: Attention): Stats {
  const memory = openAttention("read stats", a),
    { counters, log, kernel, keys, selection, approximation, sieve } = memory;
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
    blocks: blocksOf(keys),
    kernel: kernel.name,
    method: (selection ?? approximation ?? sieve)?.stats?.() ?? {},
  };
}
