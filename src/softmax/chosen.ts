/**
 * Attention of tensors to keys that somebody chooses, query by query, in f64.
 *
 * A query's admitted keys are scored; some of them are chosen by their scores; the output is the softmax average over
 * those. Nothing of size n × m is kept.
 *
 * @module
 */

import { endKey, firstKey } from "./admit.ts";
import { type Job, startOf } from "./block.ts";
import { maskRow, maskScores } from "./mask.ts";

/** Chooses among scores, −Infinity for keys that are not admitted: places, none of them twice. */
export type Choose = (scores: Float64Array) => ArrayLike<number>;

/** Fills the output of a job, query by query. */
export function attendChosen(job: Job, choose: Choose): void {
  const { queries, keys } = job;
  if (keys.heads === 0) return;
  const group = queries.heads / keys.heads;
  const scores = new Float64Array(keys.length);
  for (let batch = 0; batch < queries.batches; batch++) {
    for (let head = 0; head < queries.heads; head++) {
      const keyHead = Math.floor(head / group);
      for (let row = 0; row < queries.length; row++) {
        scoreRow(job, batch, head, keyHead, row, scores);
        averageRow(job, batch, head, keyHead, row, scores, choose(scores));
      }
    }
  }
}

/** The scores of a query over all keys: scaled, capped, masked; −Infinity where it may not attend. */
export function scoreRow(
  job: Job,
  batch: number,
  head: number,
  keyHead: number,
  row: number,
  scores: Float64Array,
): void {
  const { queries, keys, scale, softcap, admission } = job,
    { mask } = admission;
  const from = firstKey(admission, batch, row);
  const to = Math.max(from, endKey(admission, batch, row));
  const query = startOf(queries, batch, head) + row * queries.rowStride;
  const start = startOf(keys, batch, keyHead), { dim, rowStride } = keys;
  scores.fill(-Infinity);
  for (let j = from; j < to; j++) {
    let dot = 0;
    for (let c = 0, at = start + j * rowStride; c < dim; c++, at++) {
      dot += queries.data[query + c] * keys.data[at];
    }
    const score = dot * scale;
    scores[j] = softcap > 0 ? softcap * Math.tanh(score / softcap) : score;
  }
  if (mask === undefined) return;
  maskScores(
    mask,
    maskRow(mask, batch, head, row),
    scores,
    from,
    from,
    to - from,
  );
}

/** Writes the softmax average of the chosen keys; keys that are not admitted do not count. */
export function averageRow(
  job: Job,
  batch: number,
  head: number,
  keyHead: number,
  row: number,
  scores: Float64Array,
  chosen: ArrayLike<number>,
): void {
  const { values, output } = job, { dim, rowStride } = values;
  const start = startOf(values, batch, keyHead);
  let largest = -Infinity;
  for (let i = 0; i < chosen.length; i++) {
    // A score that is NaN makes NaN of the row, as it does without a method.
    largest = Math.max(largest, scores[chosen[i]]);
  }
  if (largest === -Infinity) return;
  const sums = new Float64Array(dim);
  let mass = 0;
  for (let i = 0; i < chosen.length; i++) {
    const j = chosen[i];
    if (scores[j] === -Infinity) continue;
    const weight = Math.exp(scores[j] - largest);
    if (weight === 0) continue;
    mass += weight;
    for (let c = 0, at = start + j * rowStride; c < dim; c++, at++) {
      sums[c] += weight * values.data[at];
    }
  }
  const at = startOf(output, batch, head) + row * output.rowStride;
  for (let c = 0; c < dim; c++) output.data[at + c] = sums[c] / mass;
}
