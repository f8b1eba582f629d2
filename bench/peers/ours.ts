/**
 * Ours: stateless by every kernel that is there, and maintained by a kernel of choice.
 *
 * @module
 */

import {
  createAttention,
  flush,
  outputs,
  type OutputsOptions,
  residentTensors,
  scaledDotProductAttention,
  update,
} from "@reattend/reattend";
import { checkOutputs } from "../check.ts";
import {
  makeReplacements,
  type Problem,
  replaced,
  SEED,
  type Subject,
} from "../problem.ts";
import { Absent, messageOf, type Opening, wayOf } from "./race.ts";
import { prove, type Truth } from "./truth.ts";

/** The kernels of stateless attention; "auto" is what one gets who asks for none. */
export const KERNELS = ["auto", "relaxed", "simd", "scalar"] as const;
export type KernelName = typeof KERNELS[number];

/** How a way of ours is called. */
export const ours = (kernel: KernelName): string =>
  kernel === "auto" ? "reattend" : `reattend, ${kernel}`;

/** Stateless attention by some kernels. */
export function stateless(
  problem: Problem,
  truth: () => Truth,
  kernels: readonly KernelName[] = KERNELS,
): Record<string, Opening> {
  const { n, m, dim, valueDim } = problem;
  const queries = { data: problem.queries, shape: [1, 1, n, dim] };
  const keys = { data: problem.keys, shape: [1, 1, m, dim] };
  const values = { data: problem.values, shape: [1, 1, m, valueDim] };
  return Object.fromEntries(kernels.map((kernel) => {
    const open = () => {
      const scale = 1 / Math.sqrt(dim);
      const options = kernel === "auto" ? { scale } : { scale, kernel };
      const run = () =>
        scaledDotProductAttention(queries, keys, values, options).output.data;
      const error = prove(orAbsent(kernel, run), truth());
      return { ...wayOf({ run }), error };
    };
    return [ours(kernel), open];
  }));
}

/** How stateless attention is called where keys and values stay in the kernel's memory. */
export const RESIDENT = "reattend, resident";

/** Stateless attention over keys and values that were put into the kernel's memory before, outside the clock. */
export function resident(
  problem: Problem,
  truth: () => Truth,
): Record<string, Opening> {
  const { n, m, dim, valueDim } = problem;
  const queries = { data: problem.queries, shape: [1, 1, n, dim] };
  const open = () => {
    const { keys, values, dispose } = residentTensors(
      [1, 1, m, dim],
      [1, 1, m, valueDim],
    );
    keys.data.set(problem.keys);
    values.data.set(problem.values);
    const options = { scale: 1 / Math.sqrt(dim) };
    const run = () =>
      scaledDotProductAttention(queries, keys, values, options).output.data;
    const error = prove(run(), truth());
    // Their memory is for those who come after.
    const check = () => {
      prove(run(), truth());
      dispose();
    };
    return { ...wayOf({ run, check }), error };
  };
  return { [RESIDENT]: open };
}

/** What a kernel gives; one that the option does not know or the engine cannot run is not there. */
function orAbsent<Made>(kernel: KernelName, make: () => Made): Made {
  try {
    return make();
  } catch (error) {
    if (kernel === "auto") throw error;
    throw new Absent(messageOf(error));
  }
}

/** How an attention is maintained here. */
export interface Upkeep {
  /** Keys replaced at a time. */
  count: number;
  /** What computes. */
  kernel?: "auto" | "scalar";
}

/** A maintained attention, the replacements it is fed and the check against a mirror of it. */
export function subjectOf(
  problem: Problem,
  { count, kernel = "auto" }: Upkeep,
): Subject {
  const { dim, valueDim, queries, keys, values } = problem;
  const attention = createAttention({
    ...{ dim, valueDim, queries, keys, values, kernel },
  });
  const replacements = makeReplacements(SEED, problem, count);
  let done = 0;
  return {
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
}

/** The change and `flush`. */
export function flushed(problem: Problem, upkeep: Upkeep): Opening {
  return maintained(problem, upkeep, ({ attention }) => flush(attention));
}

/** The change and all outputs, into a given array. */
export function read(problem: Problem, upkeep: Upkeep): Opening {
  const out = new Float64Array(problem.n * problem.valueDim);
  return maintained(problem, upkeep, ({ attention }) => {
    outputs(attention, { out });
  });
}

/** All outputs of rows that are up to date; what brings them there is outside the clock. */
export function readAgain(problem: Problem, upkeep: Upkeep): Opening {
  return () => {
    const subject = subjectOf(problem, upkeep), { attention } = subject;
    const out = new Float64Array(problem.n * problem.valueDim);
    const options: OutputsOptions = { out };
    const before = () => {
      subject.change();
      flush(attention);
    };
    before();
    subject.check();
    return wayOf({
      before,
      run: () => outputs(attention, options),
      check: subject.check,
    });
  };
}

function maintained(
  problem: Problem,
  upkeep: Upkeep,
  read: (subject: Subject) => void,
): Opening {
  return () => {
    const subject = subjectOf(problem, upkeep);
    const run = () => {
      subject.change();
      read(subject);
    };
    run();
    subject.check();
    return wayOf({ run, check: subject.check });
  };
}
