/**
 * Outputs against the definition: slow, independent of sums, logs and clocks.
 *
 * @module
 */

import { DenseMatrix } from "../matrix/dense.ts";
import { softmaxAttention } from "../softmax/definition.ts";
import type { Memory } from "../memory/memory.ts";
import { gather } from "../sync/recompute.ts";

/** The largest difference between an answer and the definition, for a watched row. */
export function measureRow(
  memory: Memory,
  row: number,
  answer: Float64Array,
): number {
  const { dim, valueDim, keys, rows, scale } = memory;
  const count = gather(memory, rows.slots.idOf[row], rows.positions[row]);
  const slots = memory.scratch.slots.slice(0, count);
  const table = (numbers: Float32Array, width: number) => {
    const picked = new DenseMatrix(count, width);
    slots.forEach((slot, at) =>
      picked.data.set(
        numbers.subarray(slot * width, (slot + 1) * width),
        at * width,
      )
    );
    return picked;
  };
  const truth = softmaxAttention(
    new DenseMatrix(1, dim, rows.queries.slice(row * dim, (row + 1) * dim)),
    table(keys.keys, dim),
    table(keys.values, valueDim),
    { scale, bias: Float64Array.from(slots, (slot) => keys.biases[slot]) },
  );
  let worst = 0;
  for (let c = 0; c < valueDim; c++) {
    worst = Math.max(worst, Math.abs(answer[c] - truth.data[c]));
  }
  return worst;
}
