/**
 * Attention to the nearest positions: those around a query, or the last ones where there is no future.
 *
 * @module
 */

import { DenseMatrix } from "@reattend/reattend";
import { type Answer, isCausal, type Problem } from "../problem.ts";
import { addRow, dot, refuse, scratch, softmax, tally } from "../plain.ts";

/** Meets `width` keys a query; refuses another sequence, whose positions are not those of the queries. */
export function localWindow(problem: Problem, width: number): Answer {
  const { pattern, queries, keys, values, scale } = problem;
  if (pattern === "NC" || pattern === "CC") {
    refuse(
      "a local window",
      "is asked about another sequence",
      "be asked about its own",
    );
  }
  const spent = tally(), { rows } = queries;
  const outputs = new DenseMatrix(rows, values.columns);
  const weights = scratch(spent, 1, width).data;
  for (let i = 0; i < rows; i++) {
    const end = isCausal(problem)
      ? i + 1
      : Math.min(rows, Math.max(width, i + Math.ceil(width / 2)));
    const start = Math.max(0, end - width), count = end - start;
    for (let at = 0; at < count; at++) {
      weights[at] = scale * dot(queries, i, keys, start + at);
    }
    softmax(weights, 0, count);
    for (let at = 0; at < count; at++) {
      addRow(outputs, i, weights[at], values, start + at);
    }
    spent.multiplyAdds += count * (keys.columns + values.columns);
  }
  return { outputs, ...spent };
}
