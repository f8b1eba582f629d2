/**
 * What the house asks of a method that a maintained attention uses.
 *
 * There are three kinds. A *selection* says which of the admitted keys a row attends to; the row's sums hold those and
 * are canonical like any others. An *approximation* keeps rows of its own, such as landmarks, which the house brings
 * up to date like watched ones, and makes the answers from them. A *sieve* is a mask of its own, which changes only when
 * it is told to: rows are kept as ever, over the keys that it lets through.
 *
 * @module
 */

import type { Id } from "../check.ts";
import type { Query } from "../kernel/kernel.ts";
import { type AttendJob, type Method, nameMethod } from "../softmax/method.ts";
import type { Memory, RowTable } from "./memory.ts";

/** What a method does: one of these for a maintained attention, and what it makes of tensors if it has any use for them. */
export interface MethodParts {
  /** For tensors. */
  attend?: AttendJob;
  /** For an attention that is being made, which holds nothing yet; refuses what the method cannot do. */
  select?: (verb: string, memory: Memory) => Selection;
  /** The same. */
  approximate?: (verb: string, memory: Memory) => Approximation;
  /** The same. */
  sift?: (verb: string, memory: Memory) => Sieve;
}

const PARTS = new WeakMap<Method, MethodParts>();

/** Makes a method from its name and what it does. */
export function makeMethod(name: string, parts: MethodParts): Method {
  const method = nameMethod(name, parts.attend);
  PARTS.set(method, parts);
  return method;
}

/** Gives an attention that is being made what its method keeps. */
export function startMethod(verb: string, memory: Memory): void {
  const { method } = memory;
  if (method === undefined) return;
  const { select, approximate, sift } = PARTS.get(method)!;
  memory.selection = select?.(verb, memory);
  memory.approximation = approximate?.(verb, memory);
  memory.sieve = sift?.(verb, memory);
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
  /** Leaves of the `count` keys in scratch those that are worth scoring, in their order; returns how many. All, if it is not there. */
  narrow?(query: Query, count: number): number;
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
  /** What `stats` tells of it. */
  stats?(): Readonly<Record<string, number>>;
}

/** What a method keeps of one attention whose watched queries do not attend to all that they may. */
export interface Sieve {
  /** Whether a row attends to a key that its query admits, if there is any that it attends to. */
  passes(row: number, key: Id): boolean;
  /** Leaves of the `count` slots in scratch, by ascending id, those to attend to: one at least; returns how many. */
  sift(query: Id, count: number): number;
  /** What an up-to-date row leaves out. */
  pruned(row: number): Pruned;
  /** A watched query has come, gone or become another. */
  forget(row: number): void;
  /** Bytes held. */
  bytes(): number;
  /** What `stats` tells of it. */
  stats?(): Readonly<Record<string, number>>;
}

/** What a method keeps of one attention whose outputs are no averages over some of the keys. */
export interface Approximation {
  /** Rows of its own, whose clocks the log has to heed. */
  readonly rows: RowTable;
  /** Whether answers can be formed: nothing has changed since `sync`. */
  isCurrent(): boolean;
  /** Brings all that answers are formed from up to date. */
  sync(): void;
  /** What that takes at most, in multiply-adds. */
  cost(): number;
  /** Forms the answer of a query, watched or not, once everything is up to date. */
  answer(query: Query, out: Float64Array, at: number): void;
  /** A watched query has come, gone or become another. */
  forget(row: number): void;
  /** Bytes held. */
  bytes(): number;
  /** What `stats` tells of it. */
  stats?(): Readonly<Record<string, number>>;
}
