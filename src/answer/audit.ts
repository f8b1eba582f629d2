/**
 * Outputs against the definition: slow, independent of sums, logs and clocks.
 *
 * @module
 */

import { copyRows } from "../matrix/output.ts";
import { softmaxAttention } from "../softmax/definition.ts";
import type { Memory } from "../memory/memory.ts";
import { biasOf } from "../memory/keys.ts";
import { gatherAdmitted } from "../sync/recompute.ts";

/** The largest difference between an answer and the definition, for a watched row. */
export function measureRow(
  memory: Memory,
  row: number,
  answer: Float64Array,
): number {
  const { valueDim, keys, rows, scale } = memory;
  const count = gatherAdmitted(
    memory,
    rows.slots.idOf[row],
    rows.positions[row],
  );
  const slots = memory.scratch.slots.slice(0, count);
  const truth = softmaxAttention(
    copyRows(rows.queries, Int32Array.of(row)),
    copyRows(keys.keys, slots),
    copyRows(keys.values, slots),
    { scale, bias: Float64Array.from(slots, (slot) => biasOf(keys, slot)) },
  );
  let worst = 0;
  for (let c = 0; c < valueDim; c++) {
    worst = Math.max(worst, Math.abs(answer[c] - truth.data[c]));
  }
  return worst;
}
