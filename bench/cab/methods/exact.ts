/**
 * Exact attention as the textbook has it, and the mean of the values, which is attention without attention.
 *
 * The first is the measure of all others; it writes down all scores, as the vanilla attention of the Comprehensive Attention
 * Benchmark does. The second is what is left when a method knows nothing: who is no better has found nothing.
 *
 * @module
 */

import { DenseMatrix } from "@reattend/reattend";
import { type Answer, type Problem, visible } from "../problem.ts";
import { addRow, dot, scratch, softmax, tally } from "../plain.ts";

/** softmax(scale · Q Kᵀ), a row for each query; what may not be seen has weight 0. */
export function weightsOf(problem: Problem): DenseMatrix {
  return weigh(problem, tally());
}

/** The softmax average of the values, in two passes over n × m scores. */
export function exact(problem: Problem): Answer {
  const { queries, values } = problem, spent = tally();
  const weights = weigh(problem, spent);
  const outputs = new DenseMatrix(queries.rows, values.columns);
  for (let i = 0; i < queries.rows; i++) {
    const count = visible(problem, i);
    for (let j = 0; j < count; j++) {
      addRow(outputs, i, weights.data[i * values.rows + j], values, j);
    }
    spent.multiplyAdds += count * values.columns;
  }
  return { outputs, ...spent };
}

/** The mean of what each query may see. */
export function mean(problem: Problem): Answer {
  const { queries, values } = problem, { columns } = values, spent = tally();
  const outputs = new DenseMatrix(queries.rows, columns);
  const sum = scratch(spent, 1, columns);
  let seen = 0;
  for (let i = 0; i < queries.rows; i++) {
    const count = visible(problem, i);
    for (; seen < count; seen++) addRow(sum, 0, 1, values, seen);
    addRow(outputs, i, 1 / count, sum, 0);
  }
  spent.multiplyAdds = (seen + queries.rows) * columns;
  return { outputs, ...spent };
}

function weigh(
  problem: Problem,
  spent: ReturnType<typeof tally>,
): DenseMatrix {
  const { queries, keys, scale } = problem;
  const weights = scratch(spent, queries.rows, keys.rows), { data } = weights;
  for (let i = 0; i < queries.rows; i++) {
    const from = i * keys.rows, count = visible(problem, i);
    for (let j = 0; j < count; j++) {
      data[from + j] = scale * dot(queries, i, keys, j);
    }
    softmax(data, from, from + count);
    spent.multiplyAdds += count * keys.columns;
  }
  return weights;
}
