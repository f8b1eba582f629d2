/**
 * How much of all mass a row attends to, where a method leaves keys out.
 *
 * @module
 */

import type { Memory } from "../memory/memory.ts";
import { queryOf } from "../memory/queries.ts";
import { gather, gatherAdmitted, scoreKeys } from "../sync/recompute.ts";

/** The mass that an up-to-date row attends to, as a share of that of all keys that it admits; 1 where there are none. */
export function captureRow(memory: Memory, row: number): number {
  const { selection, sieve, rows } = memory;
  if ((selection ?? sieve) === undefined) return 1;
  const id = rows.slots.idOf[row], position = rows.positions[row];
  const held = selection?.collect(row) ?? gather(memory, id, position);
  const attended = new Set(memory.scratch.slots.subarray(0, held));
  const count = gatherAdmitted(memory, id, position);
  scoreKeys(memory, queryOf(memory, row), count);
  const { slots, scores } = memory.scratch;
  let largest = -Infinity;
  for (let i = 0; i < count; i++) largest = Math.max(largest, scores[i]);
  let inside = 0, outside = 0;
  for (let i = 0; i < count; i++) {
    const weight = 2 ** (scores[i] - largest);
    if (attended.has(slots[i])) inside += weight;
    else outside += weight;
  }
  return outside === 0 ? 1 : inside / (inside + outside);
}
