/**
 * Which keys a watched query may attend to.
 *
 * Four kinds: all of them, those up to its position (causal), those a predicate says yes to, or those listed in its
 * row of a pattern whose edges come and go.
 *
 * @module
 */

import type { Id } from "../check.ts";
import type { CsrMatrix } from "../matrix/csr.ts";

/** A predicate mask: pure in its arguments, asked as often as we like. */
export type MaskPredicate = (query: Id, key: Id) => boolean;

/** The mask of an attention. */
export type Mask =
  | { kind: "all" }
  | { kind: "causal" }
  | { kind: "predicate"; admits: MaskPredicate }
  | { kind: "edges"; edges: Edges };

/** For each query id the ids of the keys it may attend to, ascending. */
export type Edges = Map<Id, Id[]>;

/** The edges of a pattern: row = query id, column = key id, every entry that is not 0. */
export function edgesOf(pattern: CsrMatrix): Edges {
  const edges: Edges = new Map();
  for (let query = 0; query < pattern.rows; query++) {
    const { indices, values } = pattern.row(query);
    const keys: Id[] = [];
    for (let at = 0; at < indices.length; at++) {
      if (values[at] !== 0) keys.push(indices[at]);
    }
    if (keys.length > 0) edges.set(query, keys);
  }
  return edges;
}

/** Whether a query may attend to a key, now. */
export function admits(mask: Mask, query: Id, position: Id, key: Id): boolean {
  switch (mask.kind) {
    case "all":
      return true;
    case "causal":
      return key <= position;
    case "predicate":
      return mask.admits(query, key) === true;
    case "edges":
      return hasEdge(mask.edges, query, key);
  }
}

/** Whether an edge is there. */
export function hasEdge(edges: Edges, query: Id, key: Id): boolean {
  const keys = edges.get(query);
  return keys !== undefined && keys[placeOf(keys, key)] === key;
}

/** Inserts or deletes an edge; returns whether that changed anything. */
export function setEdge(
  edges: Edges,
  query: Id,
  key: Id,
  present: boolean,
): boolean {
  let keys = edges.get(query);
  if (keys === undefined) {
    if (!present) return false;
    edges.set(query, keys = []);
  }
  const at = placeOf(keys, key);
  if ((keys[at] === key) === present) return false;
  keys.splice(at, present ? 0 : 1, ...(present ? [key] : []));
  return true;
}

/** Bytes held by the edges, as near as an engine's arrays of small integers and map entries allow to say. */
export function edgesBytes(edges: Edges): number {
  let bytes = 0;
  for (const keys of edges.values()) bytes += 80 + 12 * keys.length;
  return bytes;
}

/** The first place whose key is not smaller. */
function placeOf(keys: readonly Id[], key: Id): number {
  let low = 0, high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle] < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
