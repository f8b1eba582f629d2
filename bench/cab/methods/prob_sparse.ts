/**
 * ProbSparse attention: exact for the queries that seem to care, the mean of the values for all others.
 *
 * Zhou et al., "Informer", AAAI 2021, https://arxiv.org/abs/2012.07436: of 5⌈ln m⌉ keys drawn for each query,
 * M = max − sum / m of its scores says how far it is from caring for all alike; the 5⌈ln n⌉ queries of largest M attend.
 * Which those are depends on all queries, so that it cannot be asked one by one; a bound on M instead of a rank would not
 * look ahead, but is another method.
 *
 * @module
 */

import { DenseMatrix } from "@reattend/reattend";
import type { Random } from "../../../src/random.ts";
import type { Answer, Problem } from "../problem.ts";
import { addRow, dot, refuse, scratch, softmax, tally } from "../plain.ts";

/** Of the paper: keys drawn, and queries that attend, for each unit of a logarithm. */
const FACTOR = 5;

/** Attends for few queries; refuses those that come one by one. */
export function probSparse(problem: Problem, random: Random): Answer {
  const { pattern, queries, keys, values, scale } = problem;
  if (pattern === "CS" || pattern === "CC") {
    refuse(
      "probSparse",
      "is asked not to know later queries, among which it ranks each",
      "be asked about all at once",
    );
  }
  const spent = tally(),
    outputs = new DenseMatrix(queries.rows, values.columns);
  const drawn = Math.min(keys.rows, FACTOR * Math.ceil(Math.log(keys.rows)));
  const cares = scratch(spent, 1, queries.rows).data;
  for (let i = 0; i < queries.rows; i++) {
    let peak = -Infinity, sum = 0;
    for (let draw = 0; draw < drawn; draw++) {
      const score = scale * dot(queries, i, keys, random.integer(keys.rows));
      peak = Math.max(peak, score);
      sum += score;
    }
    cares[i] = peak - sum / keys.rows;
  }
  const ranked = Array.from(cares.keys()).sort((a, b) =>
    cares[b] - cares[a] || a - b
  );
  const attending = FACTOR * Math.ceil(Math.log(queries.rows));
  const chosen = new Set(ranked.slice(0, attending));
  const average = scratch(spent, 1, values.columns);
  for (let j = 0; j < keys.rows; j++) {
    addRow(average, 0, 1 / keys.rows, values, j);
  }
  const weights = scratch(spent, 1, keys.rows).data;
  for (let i = 0; i < queries.rows; i++) {
    if (!chosen.has(i)) {
      addRow(outputs, i, 1, average, 0);
      continue;
    }
    for (let j = 0; j < keys.rows; j++) {
      weights[j] = scale * dot(queries, i, keys, j);
    }
    softmax(weights);
    for (let j = 0; j < keys.rows; j++) {
      addRow(outputs, i, weights[j], values, j);
    }
  }
  spent.multiplyAdds += queries.rows * drawn * keys.columns +
    keys.rows * values.columns +
    chosen.size * keys.rows * (keys.columns + values.columns);
  return { outputs, ...spent };
}
