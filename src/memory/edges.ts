/**
 * The edges of a mask: which keys a query may attend to, and which queries may attend to a key.
 *
 * The same pairs are kept twice, as lists of keys by query and as lists of queries by key, so that a read finds the
 * keys it must look at and a write the queries it concerns, each without a search. Both ids of an edge are free: it may
 * come before its query and its key do.
 *
 * @module
 */

import type { Id } from "../check.ts";
import type { CsrMatrix } from "../matrix/csr.ts";
import {
  dropList,
  isListed,
  type Listed,
  listOf,
  type Lists,
  listsBytes,
  makeLists,
  putIn,
  takeOut,
} from "./lists.ts";

/** Edges in both directions. */
export interface Edges {
  /** For each query that has some the keys it may attend to. */
  keys: Lists;
  /** For each key that has some the queries that may attend to it. */
  queries: Lists;
}

/**
 * The edges of a pattern: row = query id, column = key id, every entry that is not 0.
 *
 * Costs O(rows + entries) and, while it builds, 4 bytes for each entry; nothing is as large as the columns. The lists
 * have no room to spare, so the first insertion makes the pools anew.
 */
export function edgesOf({ indptr, indices, values }: CsrMatrix): Edges {
  return build(undefined, indptr, indices, values);
}

/**
 * The edges of lists: the keys of `queries[i]` are those from `starts[i]` up to `starts[i + 1]`.
 *
 * Queries ascend, and so do the keys of each. Costs O(queries + keys).
 */
export function edgesFrom(
  queries: ArrayLike<Id>,
  starts: ArrayLike<number>,
  keys: ArrayLike<Id>,
): Edges {
  return build(queries, starts, keys, undefined);
}

/** Whether an edge is there. Costs O(log keys of the query). */
export function hasEdge(edges: Edges, query: Id, key: Id): boolean {
  return isListed(edges.keys, query, key);
}

/**
 * Inserts or deletes an edge; returns whether that changed anything.
 *
 * Costs two searches, and in each of the two lists a move of the ids behind by one. Insertion throws a `RangeError` if
 * there is no memory for it, and has changed nothing then; deletion needs none.
 */
export function setEdge(
  edges: Edges,
  query: Id,
  key: Id,
  present: boolean,
): boolean {
  const { keys, queries } = edges;
  if (!present) {
    return takeOut(keys, query, key) && takeOut(queries, key, query);
  }
  if (!putIn(keys, query, key)) return false;
  try {
    return putIn(queries, key, query);
  } catch (error) {
    takeOut(keys, query, key);
    throw error;
  }
}

/**
 * The keys of a query, ascending: `ids[start]` … `ids[end − 1]`, until the next change.
 *
 * Costs O(1), and no allocation if there is something to write them `into`.
 */
export function keysOf(
  edges: Edges,
  query: Id,
  into: Listed = { ids: edges.keys.pool, start: 0, end: 0 },
): Listed {
  return listOf(edges.keys, query, into);
}

/** The queries of a key, like {@linkcode keysOf}. */
export function queriesOf(
  edges: Edges,
  key: Id,
  into: Listed = { ids: edges.queries.pool, start: 0, end: 0 },
): Listed {
  return listOf(edges.queries, key, into);
}

/** The queries that have edges, ascending. */
export function queriesWithEdges(edges: Edges): Id[] {
  return [...edges.keys.places.keys()].sort((a, b) => a - b);
}

/** Deletes the edges of a query. Costs what deleting them one by one from the lists of its keys costs; no memory. */
export function dropQueryEdges(edges: Edges, query: Id): void {
  dropAll(edges.keys, edges.queries, query);
}

/** Deletes the edges of a key, like {@linkcode dropQueryEdges}. */
export function dropKeyEdges(edges: Edges, key: Id): void {
  dropAll(edges.queries, edges.keys, key);
}

/** Number of edges. */
export function edgeCount(edges: Edges): number {
  return edges.keys.size;
}

/** Bytes held by the edges, as near as an engine's maps allow to say. */
export function edgesBytes(edges: Edges): number {
  return listsBytes(edges.keys) + listsBytes(edges.queries);
}

/** Drops a list and takes its owner out of the lists of the other direction, whose pool is not its own. */
function dropAll(lists: Lists, mirror: Lists, owner: Id): void {
  const { ids, start, end } = listOf(lists, owner, {
    ids: lists.pool,
    start: 0,
    end: 0,
  });
  for (let at = start; at < end; at++) takeOut(mirror, ids[at], owner);
  dropList(lists, owner);
}

/** Counts, makes room, fills: row i is that of query `ids[i]`, or i, and an entry is an edge if its value is not 0. */
function build(
  ids: ArrayLike<Id> | undefined,
  starts: ArrayLike<number>,
  columns: ArrayLike<Id>,
  values: ArrayLike<number> | undefined,
): Edges {
  const rows = starts.length - 1;
  const queryOwners = new Map<Id, number>(), keyCounts: number[] = [];
  const keyOwners = new Map<Id, number>(), queryCounts: number[] = [];
  // Keys are looked up once for each entry, and known by a number from then on.
  const numbers = new Uint32Array(columns.length);
  for (let row = 0; row < rows; row++) {
    let count = 0;
    for (let at = starts[row]; at < starts[row + 1]; at++) {
      if (values !== undefined && values[at] === 0) continue;
      let number = keyOwners.get(columns[at]);
      if (number === undefined) {
        number = queryCounts.push(0) - 1;
        keyOwners.set(columns[at], number);
      }
      numbers[at] = number;
      queryCounts[number]++;
      count++;
    }
    if (count === 0) continue;
    queryOwners.set(ids === undefined ? row : ids[row], 0);
    keyCounts.push(count);
  }
  const keys = makeLists(queryOwners, keyCounts), keyPlaces = keyCounts;
  const queries = makeLists(keyOwners, queryCounts), queryPlaces = queryCounts;
  const keyPool = keys.pool, queryPool = queries.pool;
  // Rows come in the order of their queries, so both directions ascend.
  for (let row = 0, list = 0; row < rows; row++) {
    const query = ids === undefined ? row : ids[row], first = keyPlaces[list];
    let place = first;
    for (let at = starts[row]; at < starts[row + 1]; at++) {
      if (values !== undefined && values[at] === 0) continue;
      keyPool[place++] = columns[at];
      queryPool[queryPlaces[numbers[at]]++] = query;
    }
    if (place > first) list++;
  }
  return { keys, queries };
}
