/**
 * Which keys a watched query may attend to.
 *
 * Four kinds: all of them, those up to its position (causal), those a predicate says yes to, or those listed in its
 * row of a pattern whose edges come and go.
 *
 * @module
 */

import { checkAnswer, type Id } from "../check.ts";
import { type Edges, hasEdge } from "./edges.ts";

/** A predicate mask: pure in its arguments, asked as often as we like, of keys that are gone, too. */
export type MaskPredicate = (query: Id, key: Id) => boolean;

/** The mask of an attention. */
export type Mask =
  | { kind: "all" }
  | { kind: "causal" }
  | { kind: "predicate"; admits: MaskPredicate }
  | { kind: "edges"; edges: Edges };

/** Whether a query may attend to a key, now. */
export function admits(mask: Mask, query: Id, position: Id, key: Id): boolean {
  switch (mask.kind) {
    case "all":
      return true;
    case "causal":
      return key <= position;
    case "predicate":
      return checkAnswer("mask", mask.admits(query, key));
    case "edges":
      return hasEdge(mask.edges, query, key);
  }
}
