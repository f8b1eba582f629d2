/**
 * The tasks: problems whose right answer is known, and known from somewhere else than attention.
 *
 * A generator makes up a world, writes down the answer from it, and only then the queries, keys and values through which
 * attention may find it. So an answer can be right or wrong, and exact attention is one contestant among others: it errs where
 * softmax is not what the task needs.
 *
 * @module
 */

import type { DenseMatrix } from "@reattend/reattend";
import type { Pattern, Problem } from "./problem.ts";
import { copying, recall } from "./tasks/causal_self.ts";
import { alignment, dictation } from "./tasks/causal_cross.ts";
import { forecast, points } from "./tasks/noncausal_cross.ts";
import { retrieval, smoothing } from "./tasks/noncausal_self.ts";

/** A problem and its right answer. */
export interface Instance {
  problem: Problem;
  /** queries × valueDim */
  truth: DenseMatrix;
  /** queries × valueDim: 1 where the truth is known and asked for. */
  scored: Uint8Array;
}

/** A generator of problems of one kind. */
export interface Task {
  name: string;
  pattern: Pattern;
  /** What it asks, in a sentence. */
  about: string;
  /** Makes an instance: the same for the same arguments. `length` is that of the longer sequence, a multiple of 64. */
  make(seed: number, length: number): Instance;
}

/** All tasks, pattern by pattern. */
export const TASKS: readonly Task[] = [
  retrieval,
  smoothing,
  recall,
  copying,
  points,
  forecast,
  alignment,
  dictation,
];

/** The queries of which anything is scored. */
export function askedOf({ truth, scored }: Instance): number[] {
  const { rows, columns } = truth;
  return Array.from({ length: rows }, (_, row) => row).filter((row) =>
    scored.subarray(row * columns, (row + 1) * columns).includes(1)
  );
}
