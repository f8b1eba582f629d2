/**
 * SMYRF as published: queries and keys sorted along a random line, cut into clusters of one size, rounds merged.
 *
 * Daras et al., "SMYRF: Efficient Attention using Asymmetric Clustering", NeurIPS 2020, https://arxiv.org/abs/2010.05315.
 * With M_Q and M_K the largest norms, F(q) = [q; 0; √(M_Q² + M_K² − |q|²)] and G(k) = [k; √(M_Q² + M_K² − |k|²); 0] turn inner
 * products into distances. A round sorts both along a normal direction and lets the t-th cluster of queries attend to the
 * t-th of keys; rounds are averaged with weights in proportion to their sums of exponentials. A key met in several rounds
 * counts several times, which is part of the method as published.
 *
 * @module
 */

import { DenseMatrix } from "@reattend/reattend";
import type { Random } from "../../../src/random.ts";
import type { Answer, Problem } from "../problem.ts";
import {
  addRow,
  dot,
  refuse,
  scratch,
  softmax,
  type Tally,
  tally,
} from "../plain.ts";

/** How often it sorts, and how many keys a query meets each time. */
export interface Clustering {
  rounds: number;
  keys: number;
}

/** Attends within clusters; refuses what cannot be cut evenly, and queries that come one by one. */
export function publishedSmyrf(
  problem: Problem,
  { rounds, keys: cluster }: Clustering,
  random: Random,
): Answer {
  const { pattern, queries, keys, values, scale } = problem;
  const name = `published SMYRF ${rounds} × ${cluster}`;
  if (pattern === "CS" || pattern === "CC") {
    refuse(
      name,
      "is asked not to know later queries, among which it sorts each",
      "be asked about all at once",
    );
  }
  const clusters = keys.rows / cluster, queriesEach = queries.rows / clusters;
  if (!Number.isInteger(clusters) || !Number.isInteger(queriesEach)) {
    refuse(
      name,
      `has ${queries.rows} queries and ${keys.rows} keys`,
      "have numbers that its clusters divide",
    );
  }
  const spent = tally(),
    outputs = new DenseMatrix(queries.rows, values.columns);
  const weights = scratch(spent, 1, cluster).data;
  /** The logarithm of the sum of all rounds so far. */
  const sums = scratch(spent, 1, queries.rows).data.fill(-Infinity);
  const room = largestNorm(queries) + largestNorm(keys);
  for (let round = 0; round < rounds; round++) {
    const direction = scratch(spent, 1, keys.columns);
    for (let c = 0; c < keys.columns; c++) direction.data[c] = random.normal();
    const ofKeys = sorted(keys, direction, room, random.normal(), spent);
    const ofQueries = sorted(queries, direction, room, random.normal(), spent);
    for (let place = 0; place < queries.rows; place++) {
      const i = ofQueries[place];
      const from = Math.floor(place / queriesEach) * cluster;
      for (let at = 0; at < cluster; at++) {
        weights[at] = scale * dot(queries, i, keys, ofKeys[from + at]);
      }
      const sum = softmax(weights), peak = Math.max(sums[i], sum);
      const both = peak +
        Math.log(Math.exp(sums[i] - peak) + Math.exp(sum - peak));
      fade(outputs, i, Math.exp(sums[i] - both));
      const share = Math.exp(sum - both);
      for (let at = 0; at < cluster; at++) {
        addRow(outputs, i, share * weights[at], values, ofKeys[from + at]);
      }
      sums[i] = both;
    }
  }
  spent.multiplyAdds += rounds * queries.rows *
    (cluster * (keys.columns + values.columns) + values.columns);
  return { outputs, ...spent };
}

/** Rows in the order of their projections, the appended coordinate included. */
function sorted(
  rows: DenseMatrix,
  direction: DenseMatrix,
  room: number,
  weight: number,
  spent: Tally,
): Int32Array {
  const places = scratch(spent, 1, rows.rows).data;
  for (let i = 0; i < rows.rows; i++) {
    const rest = Math.max(0, room - dot(rows, i, rows, i));
    places[i] = dot(rows, i, direction, 0) + weight * Math.sqrt(rest);
  }
  spent.multiplyAdds += rows.rows * (2 * rows.columns + 1);
  const order = Int32Array.from(places.keys());
  spent.bytes += order.byteLength;
  return order.sort((a, b) => places[a] - places[b] || a - b);
}

/** The square of it. */
function largestNorm(rows: DenseMatrix): number {
  let largest = 0;
  for (let i = 0; i < rows.rows; i++) {
    largest = Math.max(largest, dot(rows, i, rows, i));
  }
  return largest;
}

function fade({ columns, data }: DenseMatrix, i: number, share: number): void {
  for (let c = 0, at = i * columns; c < columns; c++) data[at++] *= share;
}
