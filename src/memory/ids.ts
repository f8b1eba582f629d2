/**
 * The ids that a change names: those that should be there, and those for what is new.
 *
 * @module
 */

import {
  checkIds,
  counted,
  type Id,
  ID_LIMIT,
  type Ids,
  refuseId,
  thereAre,
} from "../check.ts";
import { GONE, type ShadowTable, stagedSlot } from "./shadow.ts";

/** The slots of ids that should be there. */
export function liveSlots(
  verb: string,
  table: ShadowTable,
  what: "key" | "query",
  ids: readonly Id[],
): number[] {
  const slots: number[] = [];
  for (const id of ids) slots.push(liveSlot(verb, table, what, id));
  return slots;
}

/** The slot of an id that should be there. */
export function liveSlot(
  verb: string,
  table: ShadowTable,
  what: "key" | "query",
  id: Id,
): number {
  const slot = stagedSlot(table, id);
  if (slot !== GONE) return slot;
  refuseId(verb, what, id, table);
}

/** Checks that there is one for each id. */
export function checkCount(
  verb: string,
  noun: string,
  count: number,
  wanted: number,
): void {
  if (count !== wanted) {
    throw new RangeError(
      `Cannot ${verb}: ${
        thereAre(count, noun)
      }, there should be one for each of ${counted(wanted, "id")}`,
    );
  }
}

/** Ids for new rows: those given, one for each row, or the next free ones. */
export function newIds(
  verb: string,
  own: Ids | undefined,
  count: number,
  next: Id,
): Id[] {
  if (own === undefined) {
    if (next + count > ID_LIMIT) {
      throw new RangeError(
        `Cannot ${verb}: the next free id is ${next}, ids should stay below 2^32`,
      );
    }
    const ids: Id[] = [];
    for (let at = 0; at < count; at++) ids.push(next + at);
    return ids;
  }
  const ids = checkIds(verb, own);
  if (ids.length !== count) {
    throw new RangeError(
      `Cannot ${verb}: ${
        thereAre(ids.length, "id")
      }, there should be one for each of ${counted(count, "row")}`,
    );
  }
  return ids;
}
