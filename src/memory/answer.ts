/**
 * The ladder of a read: each step only for the components the former left open.
 *
 * 1. the f64 quotients of the sums; 2. the same sums as integers; 3. the row recomputed, then 1 and 2 again; 4. the
 * exact rational of the definition. Every step answers only what it is certain of, so the bits do not depend on the
 * step that gave them. What took the third step is kept until the row moves.
 *
 * @module
 */

import type { Id } from "../check.ts";
import type { Query, Sums } from "../kernel/kernel.ts";
import { exactAnswer, type Weighed } from "../softmax/canon.ts";
import { integerAnswer, quickAnswer } from "../softmax/ladder.ts";
import { type Memory, queryOf } from "./memory.ts";
import { answerCost } from "./plan.ts";
import { fold, gather, GUEST, recomputeRow } from "./recompute.ts";

/** Writes the answer of an up-to-date row into `out` from `at` on. */
export function answerRow(
  memory: Memory,
  row: number,
  out: Float64Array,
  at: number,
): void {
  const { rows } = memory;
  const kept = rows.answers.get(row);
  if (kept !== undefined) {
    out.set(kept, at);
    return;
  }
  if (climb(memory, rows.sums, row, out, at)) return;
  memory.counters.ladder.recomputed++;
  recomputeRow(memory, row);
  if (!climb(memory, rows.sums, row, out, at)) {
    exactOpen(
      memory,
      queryOf(memory, row),
      rows.slots.idOf[row],
      rows.positions[row],
      undefined,
      out,
      at,
    );
  }
  rows.answers.set(row, out.slice(at, at + memory.valueDim));
}

/** Writes the answer of a query that is not watched into `out` from `at` on; its sums are left in `memory.guest`. */
export function answerGuest(
  memory: Memory,
  query: Query,
  position: Id,
  filter: ((key: Id) => boolean) | undefined,
  out: Float64Array,
  at: number,
): void {
  fold(memory, memory.guest, 0, query, gather(memory, GUEST, position, filter));
  if (!climb(memory, memory.guest, 0, out, at)) {
    exactOpen(memory, query, GUEST, position, filter, out, at);
  }
}

/** The first two steps; false if components stay open. */
function climb(
  memory: Memory,
  sums: Sums,
  row: number,
  out: Float64Array,
  at: number,
): boolean {
  const { open, precision, kernel } = memory, { ladder } = memory.counters;
  kernel.multiplyAdds += answerCost(memory);
  if (sums.count[row] === 0) {
    out.fill(0, at, at + memory.valueDim);
    ladder.quick++;
    return true;
  }
  const verdict = quickAnswer(sums, row, precision, out, at, open);
  if (verdict === "answered") {
    ladder.quick++;
    return true;
  }
  if (
    verdict === "loose" ||
    integerAnswer(sums, row, precision, out, at, open) !== "answered"
  ) return false;
  ladder.integer++;
  return true;
}

/** The last step, for the components that are open. */
function exactOpen(
  memory: Memory,
  query: Query,
  id: Id,
  position: Id,
  filter: ((key: Id) => boolean) | undefined,
  out: Float64Array,
  at: number,
): void {
  const { keys, kernel, open, valueDim } = memory;
  const count = gather(memory, id, position, filter),
    { slots, scores } = memory.scratch;
  kernel.score(query, keys.keys, keys.scoreBiases, slots, count, scores);
  const weighed: Weighed[] = [];
  for (let i = 0; i < count; i++) {
    const from = slots[i] * valueDim;
    weighed.push({
      score: scores[i],
      value: keys.values.subarray(from, from + valueDim),
      peak: keys.peaks[slots[i]],
    });
  }
  const components = [...open.subarray(0, open[valueDim])];
  const answer = exactAnswer(weighed, components, memory.precision);
  components.forEach((c, i) => out[at + c] = answer[i]);
  memory.counters.ladder.exact++;
}
