/**
 * A change as plain data, which a list can hold and a stream can carry.
 *
 * @module
 */

import {
  type Bias,
  checkOptions,
  type Id,
  type Ids,
  type Position,
  show,
} from "../check.ts";
import type { Edits } from "../matrix/edits.ts";
import type { Rows } from "../rows.ts";

/** A change as plain data: the name of a verb and its arguments under their own names. */
export type Change =
  | { verb: "append"; keys: Rows; values: Rows; ids?: Ids; bias?: Bias }
  | { verb: "update"; ids: Ids; keys?: Rows; values?: Rows; bias?: Bias }
  | { verb: "edit"; keys?: Edits; values?: Edits }
  | { verb: "remove"; ids: Ids }
  | { verb: "watch"; queries: Rows; ids?: Ids; position?: Position }
  | { verb: "unwatch"; ids: Ids }
  | {
    verb: "admit";
    pairs: Iterable<readonly [query: Id, key: Id]>;
    admitted?: boolean;
  };

/** The arguments of each verb. */
const ARGUMENTS: Readonly<Record<Change["verb"], readonly string[]>> = {
  append: ["verb", "keys", "values", "ids", "bias"],
  update: ["verb", "ids", "keys", "values", "bias"],
  edit: ["verb", "keys", "values"],
  remove: ["verb", "ids"],
  watch: ["verb", "queries", "ids", "position"],
  unwatch: ["verb", "ids"],
  admit: ["verb", "pairs", "admitted"],
};

/** Checks that something is a change, with no argument that its verb does not know. */
export function checkChange(change: Change): Change {
  if (
    typeof change !== "object" || change === null ||
    typeof change.verb !== "string" ||
    !Object.hasOwn(ARGUMENTS, change.verb)
  ) {
    const verb = (change as Change | null)?.verb;
    throw new TypeError(
      `Cannot apply: the verb of a change is ${
        show(verb)
      }, it should be one of ${Object.keys(ARGUMENTS).join(", ")}`,
    );
  }
  checkOptions(change.verb, change, ARGUMENTS[change.verb]);
  return change;
}
