/**
 * The door of the reads: who reads, and what they may see.
 *
 * @module
 */

import {
  checkAnswer,
  checkIds,
  checkOptions,
  checkPosition,
  type Id,
  type Ids,
  type Position,
  refuseId,
  show,
} from "../check.ts";
import type { Rows } from "../rows.ts";
import { checkRows, rowOf } from "../matrix/input.ts";
import { nonZerosOf } from "../matrix/store.ts";
import { reserveSpread } from "../kernel/spread.ts";
import { MOST_KEYS } from "../memory/keys.ts";
import type { Memory } from "../memory/memory.ts";
import { makeQuery } from "../memory/queries.ts";
import { GUEST, type Readers, watchedReaders } from "../sync/recompute.ts";
import { listIds, listSlots, slotOf } from "../memory/slots.ts";

/** Says which keys take part in one read: asked with the query (its id if watched, else its place in the call) and the key. */
export type Filter = (query: Id, key: Id) => boolean;

/** What a read may say about its queries. */
export interface ReaderOptions {
  /** For causal attentions, the newest key each query sees; the newest there is if left out. */
  position?: Position;
  /** Which keys take part. */
  filter?: Filter;
}

/** Readers from rows or from `{ ids }` of watched queries. */
export function checkReaders(
  verb: string,
  memory: Memory,
  queries: Rows | { ids: Ids },
  options: ReaderOptions,
): Readers {
  const named = typeof queries === "object" && queries !== null &&
    "ids" in queries;
  if (!named) return checkGuests(verb, memory, queries, options);
  checkOptions(verb, queries, ["ids"]);
  if (options.position !== undefined) {
    throw new TypeError(
      `Cannot ${verb}: position is given, watched queries have theirs`,
    );
  }
  const filter = checkFilter(verb, options.filter);
  return watchedReaders(
    memory,
    checkWatched(verb, memory, queries.ids),
    filter && ((id, key) => checkAnswer("filter", filter(id, key))),
  );
}

/** Readers that are not watched. */
export function checkGuests(
  verb: string,
  memory: Memory,
  queries: Rows,
  options: ReaderOptions,
): Readers {
  const { dim, factor, mask, keys } = memory;
  const rows = checkRows(verb, "queries", queries, dim);
  if (rows.count > MOST_KEYS) {
    throw new RangeError(
      `Cannot ${verb}: there are ${rows.count} queries, there should be at most ${MOST_KEYS}`,
    );
  }
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
  if (rows.sparse !== undefined) {
    let longest = 0;
    for (let at = 0; at < rows.count; at++) {
      longest = Math.max(longest, nonZerosOf(rowOf(rows, at)));
    }
    reserveSpread(memory.spread, dim, longest);
  }
  return {
    count: rows.count,
    readerAt: (at) => ({
      id: GUEST,
      position: position(at),
      filter: filter && ((key) => checkAnswer("filter", filter(at, key))),
    }),
    queryAt(at) {
      const row = rowOf(rows, at);
      return row instanceof Float32Array
        ? { dim, rows: row, at: 0, factor, entries: undefined }
        : { ...makeQuery(memory), entries: row };
    },
  };
}

/** Rows of watched queries: those named, or all by ascending id. */
export function checkWatched(
  verb: string,
  memory: Memory,
  given: Ids | undefined,
): Int32Array {
  const { slots } = memory.rows;
  if (given === undefined) return listSlots(slots);
  return Int32Array.from(checkIds(verb, given, true), (id) => {
    const row = slotOf(slots, id);
    if (row < 0) refuseId(verb, "query", id, slots);
    return row;
  });
}

/** Live keys: those named, none twice, or all by ascending id. */
export function checkLive(
  verb: string,
  { keys }: Memory,
  given: Ids | undefined,
): Id[] {
  if (given === undefined) return listIds(keys.slots);
  const ids = checkIds(verb, given);
  for (const id of ids) {
    if (slotOf(keys.slots, id) < 0) refuseId(verb, "key", id, keys.slots);
  }
  return ids;
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
