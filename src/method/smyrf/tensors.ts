/**
 * Attention of tensors to clusters of keys, in f64: every key of a query's cluster counts once.
 *
 * @module
 */

import { endKey, firstKey } from "../../softmax/admit.ts";
import { type Job, startOf } from "../../softmax/block.ts";
import { averageRow } from "../../softmax/chosen.ts";
import { maskRow, maskScores } from "../../softmax/mask.ts";
import {
  CANDIDATES,
  estimate,
  keepBest,
  makeWalk,
  takeCandidates,
} from "./cluster.ts";
import { type Directions, project, slopes } from "./hashing.ts";
import { fill, makeOrder, type Order } from "./order.ts";

/** Fills the output of a job, each query attending to at most `most` different keys. */
export function attendClusters(
  job: Job,
  directions: Directions,
  most: number,
): void {
  const { queries, keys, scale } = job;
  const { rounds } = directions, group = queries.heads / keys.heads;
  const orders = Array.from({ length: rounds }, () => makeOrder(keys.length));
  const along = new Float64Array(rounds), walk = makeWalk(rounds);
  const marks = { marks: new Int32Array(keys.length), mark: 0 };
  const scores = new Float64Array(keys.length).fill(-Infinity);
  const into = new Int32Array(Math.min(CANDIDATES * most, keys.length));
  const estimates = new Float64Array(into.length);
  for (let batch = 0; batch < queries.batches; batch++) {
    for (let head = 0; head < queries.heads; head++) {
      const keyHead = Math.floor(head / group);
      if (head % group === 0) {
        sortKeys(job, batch, keyHead, directions, orders);
      }
      const start = startOf(queries, batch, head);
      for (let row = 0; row < queries.length; row++) {
        const at = start + row * queries.rowStride;
        slopes(directions, queries.data, at, Math.sign(scale), along);
        marks.mark++;
        const admits = admitter(job, batch, head, row);
        const met = takeCandidates(orders, along, walk, marks, admits, into);
        for (let i = 0; i < met; i++) {
          estimates[i] = estimate(orders, along, into[i]);
        }
        const count = keepBest(
          into.subarray(0, met),
          estimates.subarray(0, met),
          orders[0],
          most,
        );
        const chosen = into.subarray(0, count);
        scoreSome(job, batch, head, keyHead, row, chosen, scores);
        averageRow(job, batch, head, keyHead, row, scores, chosen);
        for (let i = 0; i < count; i++) scores[chosen[i]] = -Infinity;
      }
    }
  }
}

/** The scores of some keys, scaled, capped and masked. */
export function scoreSome(
  job: Job,
  batch: number,
  head: number,
  keyHead: number,
  row: number,
  chosen: Int32Array,
  scores: Float64Array,
): void {
  const { queries, keys, scale, softcap, admission: { mask } } = job;
  const query = startOf(queries, batch, head) + row * queries.rowStride;
  const start = startOf(keys, batch, keyHead), { dim, rowStride } = keys;
  const maskAt = mask && maskRow(mask, batch, head, row);
  for (let i = 0; i < chosen.length; i++) {
    const j = chosen[i];
    let dot = 0;
    for (let c = 0, at = start + j * rowStride; c < dim; c++, at++) {
      dot += queries.data[query + c] * keys.data[at];
    }
    const score = dot * scale;
    scores[j] = softcap > 0 ? softcap * Math.tanh(score / softcap) : score;
    if (mask !== undefined) maskScores(mask, maskAt!, scores, j, j, 1);
  }
}

/** Sorts the keys of a head along each direction. */
function sortKeys(
  { keys }: Job,
  batch: number,
  keyHead: number,
  directions: Directions,
  orders: readonly Order[],
): void {
  const start = startOf(keys, batch, keyHead);
  const nodes = Int32Array.from({ length: keys.length }, (_, j) => j);
  orders.forEach((order, round) => {
    for (const j of nodes) {
      const at = start + j * keys.rowStride;
      order.hashes[j] = project(directions, round, keys.data, at);
      order.ids[j] = j;
    }
    fill(order, nodes);
  });
}

/** What says which keys a query may attend to; undefined where it may attend to all. */
function admitter(
  { keys, admission }: Job,
  batch: number,
  head: number,
  row: number,
): ((j: number) => boolean) | undefined {
  const { mask } = admission;
  const from = firstKey(admission, batch, row);
  const to = endKey(admission, batch, row);
  if (mask === undefined) {
    return from === 0 && to === keys.length
      ? undefined
      : (j) => j >= from && j < to;
  }
  const at = maskRow(mask, batch, head, row), { data } = mask;
  const no = mask.additive ? -Infinity : 0;
  return (j) => j >= from && j < to && data[at + j] !== no;
}
