/**
 * What a change asks for, checked and resolved into writes.
 *
 * @module
 */

import {
  type Bias,
  checkBias,
  checkId,
  checkIds,
  checkPosition,
  counted,
  type Id,
  type Ids,
  isIterable,
  type Position,
  show,
  thereAre,
} from "../check.ts";
import type { Rows } from "../rows.ts";
import { checkRows, rowOf } from "../matrix/input.ts";
import { checkEdits, editRow, type Edits } from "../matrix/edits.ts";
import type { Change } from "./change.ts";
import { checkCount, liveSlot, liveSlots, newIds } from "./ids.ts";
import { bringNear } from "./near.ts";
import { MOST_KEYS } from "./keys.ts";
import {
  copyAsStaged,
  type Shadow,
  stageErasedKey,
  stageErasedQuery,
  stageKey,
  stageKeyBlock,
  stageNewKey,
  stageQuery,
  willHave,
} from "./shadow.ts";

/** Checks a change against the shadow and adds its writes; returns the ids it concerns. */
export function stage(shadow: Shadow, change: Change): Id[] {
  switch (change.verb) {
    case "append":
      return stageAppend(
        shadow,
        change.keys,
        change.values,
        change.ids,
        change.bias,
      );
    case "update":
      return stageUpdate(
        shadow,
        change.ids,
        change.keys,
        change.values,
        change.bias,
      );
    case "edit":
      if (change.keys === undefined && change.values === undefined) {
        throw new TypeError(
          "Cannot edit: nothing is given, keys or values should be",
        );
      }
      return union(
        stageEdit(shadow, "key", change.keys),
        stageEdit(shadow, "value", change.values),
      );
    case "remove": {
      const ids = checkIds("remove", change.ids);
      const slots = liveSlots("remove", shadow.keys, "key", ids);
      bringNear(shadow.memory, slots);
      for (let at = 0; at < ids.length; at++) {
        stageErasedKey(shadow, ids[at], slots[at], false);
      }
      return ids;
    }
    case "watch":
      return stageWatch(shadow, change.queries, change.ids, change.position);
    case "unwatch": {
      const ids = checkIds("unwatch", change.ids);
      liveSlots("unwatch", shadow.queries, "query", ids);
      for (const id of ids) stageErasedQuery(shadow, id);
      return ids;
    }
    case "admit":
      return stageAdmit(shadow, change.pairs, change.admitted);
  }
}

function stageAppend(
  shadow: Shadow,
  keyRows: Rows,
  valueRows: Rows,
  own: Ids | undefined,
  bias: Bias | undefined,
): Id[] {
  const verb = "append", { dim, valueDim, capacity, arena } = shadow.memory;
  const keys = checkRows(verb, "keys", keyRows, dim, arena),
    values = checkRows(verb, "values", valueRows, valueDim, arena);
  if (values.count !== keys.count) {
    throw new RangeError(
      `Cannot ${verb}: ${
        thereAre(values.count, "value")
      }, there should be one for each of ${counted(keys.count, "key")}`,
    );
  }
  const size = Math.min(capacity, shadow.keys.size + keys.count);
  if (size > MOST_KEYS || keys.count > MOST_KEYS) {
    throw new RangeError(
      `Cannot ${verb}: there would be ${size} keys, there should be at most ${MOST_KEYS}`,
    );
  }
  const ids = newIds(verb, own, keys.count, shadow.keys.next);
  let previous = shadow.keys.next - 1;
  for (const id of ids) {
    if (id <= previous) {
      throw new RangeError(
        `Cannot ${verb}: id ${id} comes after ${previous}, ids should ascend from ${shadow.keys.next}`,
      );
    }
    previous = id;
  }
  const biases = bias === undefined
    ? undefined
    : checkBias(verb, bias, keys.count);
  if (stageKeyBlock(shadow, ids, keys, values, biases)) return ids;
  for (let at = 0; at < ids.length; at++) {
    const key = rowOf(keys, at), value = rowOf(values, at);
    stageNewKey(shadow, ids[at], key, value, biases?.(at) ?? 0);
  }
  return ids;
}

function stageUpdate(
  shadow: Shadow,
  given: Ids,
  keyRows: Rows | undefined,
  valueRows: Rows | undefined,
  bias: Bias | undefined,
): Id[] {
  const verb = "update", { dim, valueDim, arena } = shadow.memory;
  const ids = checkIds(verb, given), count = ids.length;
  const slots = liveSlots(verb, shadow.keys, "key", ids);
  bringNear(shadow.memory, slots);
  const keys = keyRows === undefined
    ? undefined
    : checkRows(verb, "keys", keyRows, dim, arena);
  if (keys !== undefined) checkCount(verb, "key", keys.count, count);
  const values = valueRows === undefined
    ? undefined
    : checkRows(verb, "values", valueRows, valueDim, arena);
  if (values !== undefined) checkCount(verb, "value", values.count, count);
  const biases = bias === undefined ? undefined : checkBias(verb, bias, count);
  if (keys === undefined && values === undefined && biases === undefined) {
    throw new TypeError(
      `Cannot ${verb}: nothing is given, keys, values or bias should be`,
    );
  }
  for (let at = 0; at < count; at++) {
    stageKey(
      shadow,
      ids[at],
      slots[at],
      keys && rowOf(keys, at),
      values && rowOf(values, at),
      biases?.(at),
    );
  }
  return ids;
}

function stageEdit(
  shadow: Shadow,
  part: "key" | "value",
  edits: Edits | undefined,
): Id[] {
  if (edits === undefined) return [];
  const verb = "edit", { dim, valueDim } = shadow.memory;
  const list = part === "key"
    ? checkEdits(verb, "keys", edits, dim)
    : checkEdits(verb, "values", edits, valueDim);
  const slots = list.map(({ id }) => liveSlot(verb, shadow.keys, "key", id));
  bringNear(shadow.memory, slots);
  for (let at = 0; at < list.length; at++) {
    const edit = list[at], slot = slots[at], { id } = edit;
    const row = editRow(
      copyAsStaged(shadow, id, slot, part),
      edit,
      (column, edited) => {
        throw new RangeError(
          `Cannot ${verb}: column ${column} of ${part} ${id} would be ${edited}, it should be finite as a 32-bit float`,
        );
      },
    );
    if (part === "key") stageKey(shadow, id, slot, row);
    else stageKey(shadow, id, slot, undefined, row);
  }
  return list.map(({ id }) => id);
}

function stageWatch(
  shadow: Shadow,
  rows: Rows,
  own: Ids | undefined,
  position: Position | undefined,
): Id[] {
  const verb = "watch", { memory } = shadow;
  const queries = checkRows(verb, "queries", rows, memory.dim, memory.arena);
  if (queries.count > MOST_KEYS) {
    throw new RangeError(
      `Cannot ${verb}: there are ${queries.count} queries, there should be at most ${MOST_KEYS}`,
    );
  }
  const ids = newIds(verb, own, queries.count, shadow.queries.next);
  const positions = checkPosition(
    verb,
    memory.mask.kind === "causal",
    position,
    queries.count,
    shadow.keys.next - 1,
  );
  let next = shadow.queries.next;
  for (const id of ids) {
    if (willHave(shadow.queries, id)) continue;
    if (id < next) {
      throw new RangeError(
        `Cannot ${verb}: id ${id} is free no more, a new id should be ${next} or larger`,
      );
    }
    next = id + 1;
  }
  for (let at = 0; at < ids.length; at++) {
    stageQuery(shadow, ids[at], rowOf(queries, at), positions(at));
  }
  return ids;
}

function stageAdmit(
  shadow: Shadow,
  pairs: Iterable<readonly [Id, Id]>,
  admitted = true,
): Id[] {
  const verb = "admit";
  if (shadow.memory.mask.kind !== "edges") {
    throw new TypeError(
      `Cannot ${verb}: the mask is no matrix, it should be a CsrMatrix given to createAttention`,
    );
  }
  if (typeof admitted !== "boolean") {
    throw new TypeError(
      `Cannot ${verb}: admitted is ${
        show(admitted)
      }, it should be true or false`,
    );
  }
  if (!isIterable(pairs)) {
    throw new TypeError(
      `Cannot ${verb}: pairs is ${
        show(pairs)
      }, it should be pairs of a query id and a key id`,
    );
  }
  const queries = new Set<Id>();
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw new TypeError(
        `Cannot ${verb}: a pair is ${
          show(pair)
        }, it should be a query id and a key id`,
      );
    }
    const query = checkId(verb, pair[0]), key = checkId(verb, pair[1]);
    liveSlot(verb, shadow.queries, "query", query);
    liveSlot(verb, shadow.keys, "key", key);
    shadow.writes.push({ kind: "edge", query, key, present: admitted });
    queries.add(query);
  }
  return [...queries];
}

/** The ids of two lists, none twice. */
function union(one: Id[], other: Id[]): Id[] {
  if (one.length === 0) return other;
  if (other.length === 0) return one;
  const among = new Set(one);
  for (const id of other) if (!among.has(id)) one.push(id);
  return one;
}
