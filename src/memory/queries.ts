/**
 * The queries that are watched: set, dropped, and as kernels meet them.
 *
 * @module
 */

import type { Id } from "../check.ts";
import type { Row } from "../rows.ts";
import type { Query } from "../kernel/kernel.ts";
import { aimQuery } from "../kernel/score.ts";
import { spreadEntries } from "../kernel/spread.ts";
import { clearRow } from "../matrix/store.ts";
import { dropQueryEdges } from "./edges.ts";
import { lengthOf, storeRow } from "./keys.ts";
import { COLD } from "./log.ts";
import type { Memory } from "./memory.ts";
import { forgetRow } from "./pairs.ts";
import { addSlot, dropSlot, slotOf } from "./slots.ts";

/** Sets the query of an id, new or known: its row starts cold. The caller has made room. */
export function setQuery(
  memory: Memory,
  id: Id,
  query: Row,
  position: Id,
): void {
  const { keys, rows } = memory, { slots } = rows;
  let row = slotOf(slots, id);
  if (row < 0) row = addSlot(slots, id);
  storeRow(keys.representation, rows.queries, row, query);
  rows.positions[row] = position;
  rows.norms[row] = lengthOf(query);
  forgetSums(memory, row);
}

/** Takes the row of a query away, and its edges, which nobody can ask for again. */
export function dropQuery(memory: Memory, id: Id): void {
  const { rows, mask } = memory;
  const row = dropSlot(rows.slots, id);
  clearRow(rows.queries, row);
  forgetSums(memory, row);
  if (mask.kind === "edges") dropQueryEdges(mask.edges, id);
}

/** The query of a row, as kernels meet it; a sparse one is not written out. */
export function queryOf(memory: Memory, row: number): Query {
  const query = makeQuery(memory);
  aimQuery(memory.rows.queries, query, row);
  return query;
}

/** A query that is nowhere yet. */
export function makeQuery({ dim, factor, spread }: Memory): Query {
  return { dim, rows: spread.numbers, at: 0, factor, entries: undefined };
}

/** Writes the entries of a query out; there is room. */
export function writeOut({ spread }: Memory, query: Query): void {
  spreadEntries(spread, query.entries!);
  query.rows = spread.numbers;
  query.at = 0;
}

function forgetSums(memory: Memory, row: number): void {
  const { rows } = memory;
  rows.clocks[row] = COLD;
  rows.answers.delete(row);
  memory.selection?.forget(row);
  memory.approximation?.forget(row);
  memory.sieve?.forget(row);
  forgetRow(memory, row);
}
