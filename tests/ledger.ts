/**
 * What every read of a graph has to cost, from the changes alone: exact for dense rows whose grids hold what comes.
 *
 * It knows nothing of clocks, versions or logs. Each row keeps the stamps of what it took in; the pairs whose stamps
 * have moved since are what its next read pays for.
 *
 * @module
 */

import type { Id } from "../mod.ts";
import { change, type Model, type ModelEntry, type Step } from "./model.ts";

/** A key as somebody may have it in sums: which write it was, and which write its score is of. */
interface Content {
  written: number;
  scored: number;
  bias: number;
  value: Float32Array;
}

/** What is written, and what rows have taken in. */
export interface Ledger {
  readonly model: Model;
  /** Ticks once for every write. */
  clock: number;
  /** Of each live key when it was written, when its score changed, and whether a row took that in. */
  readonly stamps: Map<
    Id,
    { written: number; scored: number; seen: boolean }
  >;
  /** For each watched query what its sums hold, masked keys included; undefined while they are void. */
  readonly rows: Map<Id, Map<Id, Content> | undefined>;
  /** Writes over content that no row had seen. */
  coalesced: number;
}

/** What a read of a row has to do. */
export interface Price {
  /** Multiply-adds of bringing the row up to date. */
  work: number;
  /** Keys moved in, out or over. */
  exchanged: number;
  /** Whether the row starts over. */
  over: boolean;
  /** What starting over costs, and what replaying does. */
  startingOver: number;
  replaying: number;
}

/** Opens a ledger for a model whose rows nobody has read. */
export function openLedger(model: Model): Ledger {
  const ledger: Ledger = {
    model,
    clock: 0,
    stamps: new Map(),
    rows: new Map([...model.queries.keys()].map((id) => [id, undefined])),
    coalesced: 0,
  };
  for (const id of model.keys.keys()) put(ledger, id, true);
  return ledger;
}

/** Does a change to the model and notes what it wrote; returns the ids it concerns. */
export function book(ledger: Ledger, step: Step): Id[] {
  const { model, stamps, rows } = ledger, concerned = change(model, step);
  switch (step.verb) {
    case "append":
      for (const id of concerned) put(ledger, id, true);
      break;
    case "update":
      for (const id of step.ids) {
        put(ledger, id, step.keys !== undefined || step.bias !== undefined);
      }
      break;
    case "edit":
      // Keys and values are two writes.
      for (const id of new Set(step.keys?.map(([id]) => id))) {
        put(ledger, id, true);
      }
      for (const id of new Set(step.values?.map(([id]) => id))) {
        put(ledger, id, false);
      }
      break;
    case "watch":
      for (const id of concerned) rows.set(id, undefined);
      break;
    case "unwatch":
      for (const id of step.ids) rows.delete(id);
  }
  for (const [id, { seen }] of stamps) {
    if (model.keys.has(id)) continue;
    if (!seen) ledger.coalesced++;
    stamps.delete(id);
  }
  return concerned;
}

/** What the next read of a row has to do; notes that it has been done. */
export function settleRow(ledger: Ledger, query: Id): Price {
  const price = priceOf(ledger, query), { model, stamps, rows } = ledger;
  const held = rows.get(query), now = new Map<Id, Content>();
  for (const [id, entry] of admitted(model, query)) {
    const stamp = stamps.get(id)!, { written, scored } = stamp;
    if (held?.get(id)?.written !== written) stamp.seen = true;
    now.set(id, {
      written,
      scored,
      bias: entry.bias,
      value: entry.value.slice(),
    });
  }
  rows.set(query, now);
  return price;
}

/** The same without its having been done. */
export function priceOf(
  { model, stamps, rows }: Ledger,
  query: Id,
): Price {
  const { dim, valueDim } = model, fold = valueDim + 1;
  const held = rows.get(query), keys = admitted(model, query);
  let count = 0, replaying = 0, exchanged = 0;
  for (const [id, { bias, value }] of keys) {
    if (bias > -Infinity) count++;
    const { written, scored } = stamps.get(id)!, before = held?.get(id);
    if (before?.written === written) continue;
    const out = before !== undefined && before.bias > -Infinity;
    const into = bias > -Infinity;
    if (out && into && before.scored === scored) {
      const differing = before.value.filter((v, c) => v !== value[c]).length;
      if (differing === 0) continue;
      // A value that differs in more than half of its numbers is exchanged as a whole.
      const part = differing > Math.ceil(valueDim / 2) ? valueDim : differing;
      replaying += dim + 2 * (part + 1);
    } else replaying += ((out ? 1 : 0) + (into ? 1 : 0)) * (dim + fold);
    if (out || into) exchanged++;
  }
  for (const [id, { bias }] of held ?? []) {
    if (keys.has(id) || bias === -Infinity) continue;
    replaying += dim + fold;
    exchanged++;
  }
  const startingOver = count * (dim + fold);
  const over = held === undefined || replaying > startingOver;
  return {
    work: over ? startingOver : replaying,
    exchanged: over ? 0 : exchanged,
    over,
    startingOver,
    replaying,
  };
}

/** The live keys that a query has edges to, those masked by their bias among them. */
function admitted(
  { keys, edges }: Model,
  query: Id,
): Map<Id, ModelEntry> {
  const listed = edges.get(query) ?? new Set();
  return new Map([...listed].flatMap((id) => {
    const entry = keys.get(id);
    return entry === undefined ? [] : [[id, entry] as const];
  }));
}

/** Notes a write. */
function put(ledger: Ledger, id: Id, rescored: boolean): void {
  const { stamps } = ledger, old = stamps.get(id), written = ++ledger.clock;
  if (old?.seen === false) ledger.coalesced++;
  const scored = rescored || old === undefined ? written : old.scored;
  stamps.set(id, { written, scored, seen: false });
}
