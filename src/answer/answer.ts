/**
 * The ladder of a read: each step only for the components the former left open.
 *
 * 1. the f64 quotients of the sums; 2. the same sums as integers; 3. where the sums are too coarse, the row recomputed,
 * then 1 and 2 again; 4. the open components summed anew on three grids; 5. the exact rational of the definition. Every
 * step answers only what it is certain of, so the bits do not depend on the step that gave them. What took the third
 * step or a later one is kept until the row moves.
 *
 * @module
 */

import type { Id } from "../check.ts";
import { AVERAGE_ERROR } from "../kernel/average.ts";
import type { Query, Scratch, Sums } from "../kernel/kernel.ts";
import { exactAnswer, type Weighed } from "../softmax/canon.ts";
import { finerSums } from "../softmax/finer.ts";
import {
  integerAnswer,
  isCoarse,
  openOf,
  quickAnswer,
  settle,
  type Verdict,
} from "../softmax/ladder.ts";
import { numberAt } from "../matrix/store.ts";
import { reserveRows } from "../memory/batch.ts";
import type { Memory } from "../memory/memory.ts";
import { queryOf } from "../memory/queries.ts";
import { answerCost } from "../sync/plan.ts";
import {
  gather,
  GUEST,
  type Readers,
  recomputeRow,
  scoreChosen,
  scoreKeys,
  scoreReaders,
} from "../sync/recompute.ts";
import { boundGuest } from "./certify.ts";

/** Writes the answers of up-to-date rows into `out`, one behind the other. */
export function answerRows(
  memory: Memory,
  wanted: Int32Array,
  out: Float64Array,
): void {
  const { rows, kernel, batch, precision, valueDim, counters } = memory;
  const { approximation } = memory;
  if (approximation !== undefined) {
    wanted.forEach((row, i) =>
      approximation.answer(queryOf(memory, row), out, i * valueDim)
    );
    return;
  }
  const count = wanted.length, kept = rows.answers.size > 0;
  reserveRows(batch, count, false, kernel.home);
  batch.rows.set(wanted);
  const told = batch.done;
  kernel.answer(rows.sums, batch.rows, count, precision, out, told);
  let quick = 0;
  for (let i = 0; i < count; i++) {
    if (told[i] === 1 && !(kept && rows.answers.has(wanted[i]))) quick++;
    else answerRow(memory, wanted[i], out, i * valueDim);
  }
  kernel.multiplyAdds += quick * answerCost(memory);
  counters.ladder.quick += quick;
}

/** Writes the answer of an up-to-date row into `out` from `at` on. */
export function answerRow(
  memory: Memory,
  row: number,
  out: Float64Array,
  at: number,
): void {
  const { rows, approximation } = memory;
  if (approximation !== undefined) {
    approximation.answer(queryOf(memory, row), out, at);
    return;
  }
  const kept = rows.answers.get(row);
  if (kept !== undefined) {
    out.set(kept, at);
    return;
  }
  let verdict = climb(memory, rows.sums, row, out, at);
  if (verdict === "answered") return;
  if (verdict === "loose") {
    memory.counters.ladder.recomputed++;
    if (memory.selection === undefined) recomputeRow(memory, row);
    else memory.selection.refold(row);
    verdict = climb(memory, rows.sums, row, out, at);
  }
  if (verdict !== "answered") {
    const count = memory.selection?.collect(row) ??
      gather(memory, rows.slots.idOf[row], rows.positions[row]);
    scoreKeys(memory, queryOf(memory, row), count);
    answerOpen(memory, memory.scratch, count, out, at);
  }
  rows.answers.set(row, out.slice(at, at + memory.valueDim));
}

/** Writes the answers of queries that are not watched into `out`, one behind the other, and their bounds into `bounds`. */
export function answerGuests(
  memory: Memory,
  guests: Readers,
  out: Float64Array,
  bounds: Float64Array | undefined,
): void {
  const { valueDim, approximation } = memory;
  if (approximation !== undefined) {
    if (guests.count > 0 && !approximation.isCurrent()) approximation.sync();
    for (let at = 0; at < guests.count; at++) {
      approximation.answer(guests.queryAt(at), out, at * valueDim);
    }
    bounds?.fill(Infinity);
    return;
  }
  scoreReaders(memory, guests, (at, query, scratch, count) => {
    answerScored(memory, scratch, count, out, at * valueDim);
    if (bounds === undefined) return;
    bounds[at] = boundGuest(memory, query, scratch).total;
  });
}

/** Writes the answer of one that is by itself into `out` from `at` on. */
export function answerGuest(
  memory: Memory,
  query: Query,
  position: Id,
  filter: ((key: Id) => boolean) | undefined,
  out: Float64Array,
  at: number,
): void {
  const gathered = gather(memory, GUEST, position, filter);
  const count = scoreChosen(memory, query, gathered);
  answerScored(memory, memory.scratch, count, out, at);
}

/** Writes the answer over the `count` scored keys in scratch into `out` from `at` on; its sums are left in `memory.guest`. */
function answerScored(
  memory: Memory,
  scratch: Scratch,
  count: number,
  out: Float64Array,
  at: number,
): void {
  const { kernel, keys: { values, peaks }, guest } = memory;
  kernel.average(guest, 0, scratch, count, values, peaks);
  const verdict = climb(memory, guest, 0, out, at, AVERAGE_ERROR);
  if (verdict === "answered") return;
  kernel.recompute(guest, 0, scratch, count, values, peaks);
  if (climb(memory, guest, 0, out, at) !== "answered") {
    answerOpen(memory, scratch, count, out, at);
  }
}

/** The first two steps; only the first where numerators are off by another `error` of the magnitude. */
function climb(
  memory: Memory,
  sums: Sums,
  row: number,
  out: Float64Array,
  at: number,
  error = 0,
): Verdict {
  const { open, precision, kernel } = memory, { ladder } = memory.counters;
  kernel.multiplyAdds += answerCost(memory);
  if (sums.count[row] === 0) {
    out.fill(0, at, at + memory.valueDim);
    ladder.quick++;
    return "answered";
  }
  const quick = quickAnswer(sums, row, precision, out, at, open, error);
  if (quick === "answered") ladder.quick++;
  if (quick !== "open" || error > 0) return quick;
  const verdict = integerAnswer(sums, row, precision, out, at, open);
  if (verdict === "answered") ladder.integer++;
  return verdict === "open" && isCoarse(sums, row) ? "loose" : verdict;
}

/** The last two steps, for the components that are open: over the `count` scored keys in scratch. */
function answerOpen(
  memory: Memory,
  scratch: Scratch,
  count: number,
  out: Float64Array,
  at: number,
): void {
  const { keys, kernel, open, valueDim, precision } = memory;
  const { slots, scores } = scratch, { ladder } = memory.counters;
  const components = openOf(open, valueDim);
  const sums = finerSums(scratch, count, keys.values, keys.peaks, components);
  kernel.multiplyAdds += count * (1 + components.length);
  if (settle(sums, precision, out, at, open) === "answered") {
    ladder.finer++;
    return;
  }
  const last = openOf(open, valueDim), weighed: Weighed[] = [];
  for (let i = 0; i < count; i++) {
    weighed.push({
      score: scores[i],
      value: last.map((c) => numberAt(keys.values, slots[i], c)),
      peak: keys.peaks[slots[i]],
    });
  }
  const answers = exactAnswer(weighed, [...last.keys()], precision);
  last.forEach((c, i) => out[at + c] = answers[i]);
  ladder.exact++;
}
