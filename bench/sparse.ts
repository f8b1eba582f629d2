/**
 * What the benches of sparse rows work on: problems most of whose numbers are zero, and attentions that store them one
 * way or the other.
 *
 * @module
 */

import {
  type Attention,
  createAttention,
  outputs,
  type Representation,
  update,
  watch,
} from "@reattend/reattend";
import { openAttention } from "../src/attention.ts";
import { seeded } from "../src/random.ts";
import { checkOutputs } from "./check.ts";
import type { Contestant } from "./measure.ts";
import {
  makeReplacements,
  type Problem,
  replaced,
  SEED,
  type Subject,
} from "./problem.ts";

/** How much of a problem is not zero. */
export interface Density {
  /** Share of the numbers of keys and values that are not 0. */
  stored: number;
  /** Share of the queries' numbers. */
  asked: number;
}

/** Normal numbers, all but a share of which are set to 0, each by itself. */
export function sparseNormals(
  seed: number,
  count: number,
  density: number,
): Float32Array {
  const { normal, uniform } = seeded(seed), numbers = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    if (uniform() < density) numbers[i] = normal();
  }
  return numbers;
}

/** Makes a problem of such numbers, valueDim = dim. */
export function makeSparseProblem(
  seed: number,
  n: number,
  m: number,
  dim: number,
  { stored, asked }: Density,
): Problem {
  return {
    n,
    m,
    dim,
    valueDim: dim,
    queries: sparseNormals(seed, n * dim, asked),
    keys: sparseNormals(seed + 1, m * dim, stored),
    values: sparseNormals(seed + 2, m * dim, stored),
  };
}

/** An attention whose keys and values are stored as told, and its queries each by its density. */
export function storedAs(
  representation: Representation,
  { dim, valueDim, queries, keys, values }: Problem,
): Attention {
  const attention = createAttention({
    dim,
    valueDim,
    keys,
    values,
    representation,
  });
  const table = openAttention("bench", attention).keys;
  Object.assign(table, { representation: "auto" });
  watch(attention, queries);
  Object.assign(table, { representation });
  return attention;
}

/** One key and its value change to others of the same density; then all rows are read. */
export function changedAndRead(
  representation: Representation,
  problem: Problem,
  density: Density,
): Contestant & Subject {
  const { n, dim, valueDim } = problem;
  const attention = storedAs(representation, problem);
  const replacements = makeReplacements(SEED, problem, 1).map(
    ({ ids }, at) => ({
      ids,
      keys: sparseNormals(SEED + 2 * at, dim, density.stored),
      values: sparseNormals(SEED + 2 * at + 1, valueDim, density.stored),
    }),
  );
  const out = new Float64Array(n * valueDim);
  let done = 0;
  const subject = {
    attention,
    change() {
      const { ids, keys, values } = replacements[done++ % replacements.length];
      update(attention, ids, { keys, values });
    },
    check() {
      const { length } = replacements, recent = Math.min(done, length);
      const last = Array.from(
        { length: recent },
        (_, at) => replacements[(done - recent + at) % length],
      );
      checkOutputs(attention, replaced(problem, last));
    },
  };
  const run = () => {
    subject.change();
    outputs(attention, { out });
  };
  run();
  subject.check();
  return { ...subject, run };
}
