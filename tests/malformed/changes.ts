/**
 * The doors of the verbs that change an attention.
 *
 * @module
 */

import {
  admit,
  append,
  type Attention,
  edit,
  type Id,
  update,
  watch,
} from "../../mod.ts";
import type { Model, Step } from "../model.ts";
import { pick, some } from "../scripts.ts";
import {
  areLive,
  ascend,
  type Draw,
  gone,
  idsOf,
  isStored,
  type Loose,
  matrix,
  meddling,
  pairs,
  tableOf,
} from "./door.ts";
import { spoiledMatrix } from "./forms.ts";
import { drawReading, type Entry, writtenOut } from "./parts.ts";
import { rightTuples, spoiledTuples, type Tuple } from "./tuples.ts";
import { type Argument, rightMatrix } from "./writes.ts";

/** A change and the ways to take it. */
export interface Changed {
  arguments: readonly Argument<unknown>[];
  /** As `apply` takes it. */
  change: Record<string, unknown> & { verb: string };
  steps: Step[];
}

/** The verbs that change an attention, as changes. */
export const CHANGES: Readonly<
  Record<string, { slots: readonly string[]; draw(draw: Draw): Changed }>
> = {
  append: {
    slots: ["keys", "values", "ids"],
    draw: (draw) => {
      const { random, model } = draw, count = random.integer(4);
      const { dim, valueDim, nextKey } = model;
      const keys = matrix(draw, "keys", count, dim);
      const values = matrix(draw, "values", count, valueDim);
      let next = nextKey;
      const ids = idsOf(
        draw,
        "ids",
        Array.from(
          { length: count },
          () => (next += 1 + random.integer(3)) - 1,
        ),
      );
      const given = meddling(ids.given, [keys, values]);
      const steps = pairs(pairs(keys.readings, values.readings), ids.readings)
        .flatMap(([[keyRows, valueRows], ids]): Step[] => {
          const keys = tableOf(keyRows, dim);
          const values = tableOf(valueRows, valueDim, keyRows.rows);
          return keys && values && ids.length === keys.length &&
              ascend(ids, nextKey)
            ? [{ verb: "append", keys, values, ids }]
            : [];
        });
      return {
        arguments: [keys, values, ids],
        change: {
          verb: "append",
          keys: keys.given,
          values: values.given,
          ids: given,
        },
        steps,
      };
    },
  },
  update: {
    slots: ["keys", "values", "ids"],
    draw: (draw) => {
      const { random, model } = draw, { dim, valueDim } = model;
      const right = some(random, [...model.keys.keys()], 3);
      const ids = idsOf(draw, "ids", right);
      const keys = matrix(draw, "keys", right.length, dim);
      const values = matrix(draw, "values", right.length, valueDim);
      const steps = pairs(pairs(keys.readings, values.readings), ids.readings)
        .flatMap(([[keyRows, valueRows], ids]): Step[] => {
          const keys = tableOf(keyRows, dim, ids.length);
          const values = tableOf(valueRows, valueDim, ids.length);
          return keys && values && areLive(ids, model.keys)
            ? [{ verb: "update", ids, keys, values }]
            : [];
        });
      return {
        arguments: [keys, values, ids],
        change: {
          verb: "update",
          ids: meddling(ids.given, [keys, values]),
          keys: keys.given,
          values: values.given,
        },
        steps,
      };
    },
  },
  "edit by matrix": {
    slots: ["keys", "values"],
    draw: (draw) => {
      const { dim, valueDim } = draw.model;
      return edited(
        draw,
        edits(draw, "keys", dim),
        edits(draw, "values", valueDim),
      );
    },
  },
  "edit by entries": {
    slots: ["keys", "values"],
    draw: (draw) => {
      const { dim, valueDim } = draw.model;
      return edited(
        draw,
        entries(draw, "keys", dim),
        entries(draw, "values", valueDim),
      );
    },
  },
  watch: {
    slots: ["queries", "ids"],
    draw: (draw) => {
      const { random, model } = draw, { dim, nextQuery } = model;
      const known = random.integer(2) > 0
        ? some(random, [...model.queries.keys()], 2)
        : [];
      const right = random.integer(2) > 0
        ? [...known, nextQuery + random.integer(2)]
        : known;
      const queries = matrix(draw, "queries", right.length, dim);
      const ids = idsOf(draw, "ids", right);
      const steps = pairs(queries.readings, ids.readings).flatMap(
        ([rows, ids]): Step[] => {
          const queries = tableOf(rows, dim, ids.length);
          const fresh = ids.filter((id) => !model.queries.has(id));
          return queries && new Set(ids).size === ids.length &&
              ascend(fresh, nextQuery)
            ? [{ verb: "watch", queries, ids }]
            : [];
        },
      );
      return {
        arguments: [queries, ids],
        change: {
          verb: "watch",
          queries: queries.given,
          ids: meddling(ids.given, [queries]),
        },
        steps,
      };
    },
  },
  admit: {
    slots: ["pairs"],
    draw: (draw) => {
      const { random, model, spoil } = draw;
      const live = [...model.keys.keys()], watched = [...model.queries.keys()];
      const right: Tuple[] = live.length === 0 || watched.length === 0
        ? []
        : Array.from(
          { length: 1 + random.integer(4) },
          () => [pick(random, watched), pick(random, live)],
        );
      const mutations = spoil("pairs"), admitted = random.integer(2) > 0;
      const pairs = mutations === 0
        ? rightTuples(random, right)
        : spoiledTuples(random, right, mutations, [
          -1,
          model.nextKey,
          model.nextQuery,
          ...gone(model),
        ]);
      const steps = pairs.readings.flatMap((list): Step[] =>
        model.mask === "edges" &&
          list.every(([query, key]) =>
            model.queries.has(query) && model.keys.has(key)
          )
          ? [{
            verb: "admit",
            pairs: list.map(([query, key]) => [query + 0, key + 0]),
            admitted,
          }]
          : []
      );
      return {
        arguments: [pairs],
        change: { verb: "admit", pairs: pairs.given, admitted },
        steps,
      };
    },
  },
};

/** Ids of a matrix of edits are below. */
const NEAR = 256;

/** Edits of live keys as a sparse matrix: row = id. */
function edits(
  { random, spoil, model }: Draw,
  slot: string,
  columns: number,
): Argument<Entry[]> {
  const mutations = spoil(slot);
  // A matrix has a row for every id below.
  const near = (ids: Id[]) => ids.filter((id) => id < NEAR);
  const ids = some(random, near([...model.keys.keys()]), 3);
  const others = near([model.nextKey, ...gone(model), NEAR - 1]);
  // An id that is not there is a mutation that only edits have.
  const stray = mutations > 0 && mutations < Infinity &&
    random.integer(6) === 0;
  if (stray) ids.push(pick(random, others));
  const rows = Math.max(-1, ...ids) + 1;
  const { entries } = drawReading(random, ids.length, columns);
  const right = {
    rows,
    columns,
    entries: entries.map(([at, column, value]): Entry => [
      ids[at],
      column,
      value,
    ]).sort((a, b) => a[0] - b[0] || a[1] - b[1]),
  };
  const left = mutations - (stray ? 1 : 0);
  const { readings, ...argument } = left === 0
    ? rightMatrix(random, right)
    : spoiledMatrix(random, right, left);
  return {
    ...argument,
    names: stray
      ? ["row of an id that is not there", ...argument.names]
      : argument.names,
    readings: readings.filter((reading) => reading.columns === columns)
      .map(({ entries }) => entries),
  };
}

/** Edits of live keys as entries. */
function entries(
  { random, spoil, model }: Draw,
  slot: string,
  columns: number,
): Argument<Entry[]> {
  const live = [...model.keys.keys()], mutations = spoil(slot);
  const right: Tuple[] = live.length === 0 || columns === 0
    ? []
    : Array.from({ length: random.integer(5) }, () => [
      pick(random, live),
      random.integer(columns),
      random.normal(),
    ]);
  const strays = [-1, columns, model.nextKey, ...gone(model)];
  const { readings, ...argument } = mutations === 0
    ? rightTuples(random, right)
    : spoiledTuples(random, right, mutations, strays);
  return {
    ...argument,
    readings: readings.filter((list) =>
      list.every(([, column]) =>
        Number.isInteger(column) && column >= 0 && column < columns
      )
    ) as Entry[][],
  };
}

/** An edit of both tables. */
function edited(
  { model }: Draw,
  keys: Argument<Entry[]>,
  values: Argument<Entry[]>,
): Changed {
  const steps = pairs(keys.readings, values.readings).flatMap(
    ([keys, values]): Step[] =>
      canEdit(model, "key", keys) && canEdit(model, "value", values)
        ? [{ verb: "edit", keys, values }]
        : [],
  );
  return {
    arguments: [keys, values],
    change: { verb: "edit", keys: keys.given, values: values.given },
    steps,
  };
}

/** Whether every sum of deltas is finite, and what it is added to stays so in 32 bits. */
function canEdit(
  { keys }: Model,
  part: "key" | "value",
  edits: readonly Entry[],
): boolean {
  const sums = new Map<string, Entry>();
  for (const [id, column, delta] of edits) {
    if (!keys.has(id) || !Number.isFinite(delta)) return false;
    const name = `${id + 0} ${column + 0}`, sum = sums.get(name);
    if (sum === undefined) sums.set(name, [id, column, delta]);
    else sum[2] += delta;
  }
  return [...sums.values()].every(([id, column, sum]) =>
    Number.isFinite(sum) && isStored(keys.get(id)![part][column] + sum)
  );
}

/** A change by its own verb. */
export function perform(a: Attention, change: Changed["change"]): unknown {
  const { verb, keys, values, queries, pairs, admitted, ...options } = change;
  switch (verb) {
    case "append":
      return (append as Loose)(a, keys, values, options);
    case "update":
      return (update as Loose)(a, options.ids, { keys, values });
    case "edit":
      return (edit as Loose)(a, { keys, values });
    case "watch":
      return (watch as Loose)(a, queries, options);
    default:
      return (admit as Loose)(a, pairs, admitted);
  }
}

/** Right changes around a change, which it does not depend on. */
export function around(
  { model, random }: Draw,
  verb: string,
): [before: Step[], after: Step[]] {
  const ids = some(random, [...model.keys.keys()], 2);
  const before: Step[] = ids.length === 0
    ? []
    : [{ verb: "update", ids, bias: ids.map(() => random.normal()) }];
  const rows = (width: number) => writtenOut(drawReading(random, 1, width));
  // None where the change may take the last ids there are.
  const after: Step[] = verb === "append" || model.nextKey > 2 ** 31
    ? []
    : [{ verb: "append", keys: rows(model.dim), values: rows(model.valueDim) }];
  return [before, after];
}
