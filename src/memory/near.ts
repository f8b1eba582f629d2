/**
 * Bringing near what a write is about to look at.
 *
 * What is known of a key lies in a dozen arrays. In a large attention all of it is far from the processor, and a write
 * would wait for one place after the other; asked for at once, they come together.
 *
 * @module
 */

import { DENSE } from "../kernel/table.ts";
import type { Store } from "../matrix/store.ts";
import type { Memory } from "./memory.ts";

/** Brings near what writes to these slots look at; those below 0 are none. */
export function bringNear(memory: Memory, slots: readonly number[]): void {
  const { keys, values, slots: { used } } = memory.keys;
  if (used * (keys.width + values.width) < FAR) return;
  for (const slot of slots) if (slot >= 0) touchSlot(memory, slot);
}

/** Keys and values of fewer numbers are in the second-level cache. */
const FAR = 2 ** 18;

/** Reads a number wherever a write will look. */
function touchSlot(memory: Memory, slot: number): void {
  const { keys: table, log } = memory, { keys, values, slots } = table;
  const { next, previous } = log, after = next[slot], before = previous[slot];
  // Kept, so that no compiler leaves it out.
  memory.touched = touchRow(keys, slot) + touchRow(values, slot) +
    log.written[slot] + log.scored[slot] + log.newest[slot] +
    slots.idOf[slot] + keys.count[slot] + values.count[slot] +
    table.norms[slot] + table.peaks[slot] + table.scoreBiases[slot] +
    (after < 0 ? 0 : previous[after]) + (before < 0 ? 0 : next[before]);
}

/** Reads a number of each cache line of a dense row. */
function touchRow(
  { evens, start, width, dense }: Store,
  row: number,
): number {
  if (evens[row] !== DENSE) return 0;
  const at = start[row] * width, end = at + width;
  let sum = 0;
  for (let t = at; t < end; t += LINE) sum += dense[t];
  return sum;
}

/** 32-bit floats in a cache line of 64 bytes. */
const LINE = 16;
