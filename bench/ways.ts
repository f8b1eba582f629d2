/**
 * Ways to have the outputs of all queries after keys and values have changed, each checked before it runs.
 *
 * @module
 */

import {
  flush,
  outputs,
  scaledDotProductAttention,
  watch,
} from "@reattend/reattend";
import {
  attendMatrices,
  attendPlainly,
  makeMatrices,
  replaceRows,
} from "./baselines.ts";
import { checkAnswer } from "./check.ts";
import type { Contestant } from "./measure.ts";
import {
  makeReplacements,
  makeSubject,
  type Problem,
  replaced,
  SEED,
  type Subject,
  type SubjectOptions,
} from "./problem.ts";

/** The change and `flush`. */
export function flushed(
  problem: Problem,
  options?: SubjectOptions,
): Contestant & Subject {
  return maintained(problem, options, ({ attention }) => {
    flush(attention);
  });
}

/** The change and `outputs` with their certified bounds. */
export function read(
  problem: Problem,
  options?: SubjectOptions,
): Contestant & Subject {
  const out = new Float64Array(problem.n * problem.valueDim);
  const bounds = new Float64Array(problem.n);
  return maintained(problem, options, ({ attention }) => {
    outputs(attention, { out, bounds });
  });
}

/** The change and every row of ours started over. */
export function startedOver(
  problem: Problem,
  options?: SubjectOptions,
): Contestant & Subject {
  const ids = Array.from({ length: problem.n }, (_, id) => id);
  return maintained(problem, options, ({ attention }) => {
    watch(attention, problem.queries, { ids });
    flush(attention);
  });
}

function maintained(
  problem: Problem,
  options: SubjectOptions | undefined,
  read: (subject: Subject) => void,
): Contestant & Subject {
  const subject = makeSubject(problem, options);
  const run = () => {
    subject.change();
    read(subject);
  };
  run();
  subject.check();
  return { ...subject, run };
}

/** Ours without a state; it reads the caller's arrays, so that a change costs nothing. */
export function stateless(problem: Problem): Contestant {
  const { n, m, dim, valueDim } = problem;
  const queries = { data: problem.queries, shape: [1, 1, n, dim] };
  const keys = { data: problem.keys, shape: [1, 1, m, dim] };
  const values = { data: problem.values, shape: [1, 1, m, valueDim] };
  const run = () => scaledDotProductAttention(queries, keys, values).output;
  // The output is rounded to the precision of the queries, to half a unit in the last of 24 bits.
  const largest = problem.values.reduce((a, x) => Math.max(a, Math.abs(x)), 0);
  checkAnswer(run().data, problem, largest * 2 ** -24);
  return { run };
}

/** ml-matrix, the change copied into its matrices. */
export function matrices(problem: Problem, count = 1): Contestant {
  const own = makeMatrices(problem);
  const replacements = makeReplacements(SEED, problem, count);
  let done = 0;
  const run = () => {
    replaceRows(own, replacements[done++ % replacements.length]);
    return attendMatrices(own);
  };
  checkAnswer(run().to1DArray(), replaced(problem, [replacements[0]]));
  return { run };
}

/** A plain loop over flat arrays, the change copied into them. */
export function plainly(problem: Problem, count = 1): Contestant {
  const { n, m, dim, valueDim, queries } = problem;
  const own = replaced(problem, []);
  const replacements = makeReplacements(SEED, problem, count);
  const scores = new Float64Array(m), output = new Float64Array(n * valueDim);
  let done = 0;
  const run = () => {
    const { ids, keys, values } = replacements[done++ % replacements.length];
    for (let i = 0; i < ids.length; i++) {
      own.keys.set(keys.subarray(i * dim, (i + 1) * dim), ids[i] * dim);
      own.values.set(
        values.subarray(i * valueDim, (i + 1) * valueDim),
        ids[i] * valueDim,
      );
    }
    for (let i = 0; i < n; i++) {
      attendPlainly(
        own,
        queries.subarray(i * dim, (i + 1) * dim),
        scores,
        output.subarray(i * valueDim, (i + 1) * valueDim),
      );
    }
  };
  run();
  checkAnswer(output, own);
  return { run };
}
