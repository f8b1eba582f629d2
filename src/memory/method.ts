/**
 * A method that attends to fewer keys than a query admits: what the rest of the house asks of it.
 *
 * A method is a value made by a function of `./methods`, so whoever does not import one does not load it.
 *
 * @module
 */

import { show } from "../check.ts";
import type { Query } from "../kernel/kernel.ts";
import type { Memory } from "./memory.ts";

/** A way to attend to fewer keys than there are; made by functions such as `topK`. */
export interface Method {
  /** What it is called, with its settings. */
  readonly name: string;
}

/** How each method starts. What is not here is no method. */
const STARTS = new WeakMap<Method, (memory: Memory) => Selection>();

/** Makes a method from its name and what makes its selections. */
export function makeMethod(
  name: string,
  start: (memory: Memory) => Selection,
): Method {
  const method = Object.freeze({ name });
  STARTS.set(method, start);
  return method;
}

/** Refuses what is no method, unless it is left out. */
export function checkMethod(
  verb: string,
  method: Method | undefined,
): Method | undefined {
  if (method === undefined || STARTS.has(method)) return method;
  throw new TypeError(
    `Cannot ${verb}: method is ${
      show(method)
    }, it should be made by a function of ./methods`,
  );
}

/** What a method keeps of an attention that is being made. */
export function startMethod(method: Method, memory: Memory): Selection {
  return STARTS.get(method)!(memory);
}

/** What is left out, at most: a share of all mass, and the sum of the shares of keys, each times the size of its value. */
export interface Pruned {
  share: number;
  size: number;
}

/** What a method keeps of one attention. */
export interface Selection {
  /** Brings a row up to date: its sums hold the keys that it attends to. */
  sync(row: number): void;
  /** What that takes at most, in multiply-adds. */
  cost(row: number): number;
  /** Folds an up-to-date row's keys anew. */
  refold(row: number): void;
  /** Collects an up-to-date row's keys in scratch; returns how many. */
  collect(row: number): number;
  /** Leaves of the `count` scored keys in scratch those to attend to, in their order; returns how many. */
  select(query: Query, count: number): number;
  /** What an up-to-date row leaves out. */
  pruned(row: number): Pruned;
  /** What the last selection left out. */
  prunedLast(): Pruned;
  /** The row has another query, or none. */
  forget(row: number): void;
  /** Bytes held. */
  bytes(): number;
}
