/**
 * What a door is, and the arguments that doors share.
 *
 * @module
 */

import type { Attention, AttentionOptions, Id } from "../../mod.ts";
import type { Random } from "../../src/random.ts";
import type { Model, Step } from "../model.ts";
import { spoiledMatrix } from "./forms.ts";
import { drawReading, type Reading, writtenOut } from "./parts.ts";
import { rightTuples, spoiledTuples } from "./tuples.ts";
import { type Argument, type MatrixArgument, rightMatrix } from "./writes.ts";

/** An attention and the model of what it holds. */
export interface Scene {
  model: Model;
  a: Attention;
  /** Of this attention and of those that doors make. */
  representation: AttentionOptions["representation"];
}

/** What may rightly come of a call. */
export type Outcome =
  | { kind: "matrix"; reading: Reading }
  | { kind: "changes"; steps: Step[] }
  | { kind: "attention"; steps: Step[]; mask?: Reading }
  | { kind: "outputs"; queries: number[][] }
  | { kind: "top"; queries: number[][]; count: number };

/** A call of a door. */
export interface Input {
  door: string;
  /** The mutations in its arguments. */
  names: readonly string[];
  call(): unknown;
  /** Nothing means that it must be refused. */
  outcomes: readonly Outcome[];
  /** Whether refusing it is right even where there is an outcome. */
  strange: boolean;
  /** Writes to the arguments after the call. */
  scribble(): void;
}

/** What a call is drawn with. */
export interface Draw extends Scene {
  random: Random;
  /** How many mutations an argument gets. */
  spoil(slot: string): number;
}

/** What a door makes of a draw. */
export interface Call {
  arguments: readonly Argument<unknown>[];
  call(): unknown;
  outcomes: readonly Outcome[];
}

/** A door: the names of the arguments that may be spoiled, and its call. */
export interface Door {
  slots: readonly string[];
  draw(draw: Draw): Call;
}

/** Arguments of any kind. */
export type Loose = (...args: unknown[]) => unknown;

/** The numbers that rows of 32-bit floats of this width and count hold; undefined where they are no such rows. */
export function tableOf(
  { rows, columns, entries }: Reading,
  width: number,
  count = rows,
): number[][] | undefined {
  if (columns !== width || rows !== count) return undefined;
  if (!entries.every(([, , value]) => isStored(value))) return undefined;
  return writtenOut({ rows, columns, entries });
}

export function isStored(value: number): boolean {
  return Number.isFinite(Math.fround(value));
}

/** Sparse rows of an argument. */
export function matrix(
  { random, spoil }: Draw,
  slot: string,
  rows: number,
  columns: number,
): MatrixArgument {
  const right = drawReading(random, rows, columns), mutations = spoil(slot);
  return mutations === 0
    ? rightMatrix(random, right)
    : spoiledMatrix(random, right, mutations);
}

/** Whether new ids ascend from the next free one. */
export function ascend(ids: readonly number[], next: Id): boolean {
  return ids.every((id, at) =>
    isId(id) && id >= next && (at === 0 || id > ids[at - 1])
  );
}

export function isId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id < 2 ** 32;
}

export function areLive(
  ids: readonly number[],
  table: Map<Id, unknown>,
): boolean {
  return ids.every((id) => table.has(id)) && new Set(ids).size === ids.length;
}

/** Ids of an argument, which writes to the others while it is read; −0 is 0. */
export function idsOf(
  { random, spoil, model }: Draw,
  slot: string,
  right: readonly Id[],
): Argument<Id[]> {
  const tuples = right.map((id) => [id]), mutations = spoil(slot);
  const { readings, ...argument } = mutations === 0
    ? rightTuples(random, tuples, true)
    : spoiledTuples(random, tuples, mutations, [
      -1,
      model.nextKey,
      model.nextQuery,
      ...gone(model),
    ], true);
  return {
    ...argument,
    readings: readings.map((list) => list.map(([id]) => id + 0)),
  };
}

/** Ids of keys that were there once. */
export function gone({ keys, nextKey }: Model): Id[] {
  return Array.from({ length: Math.min(nextKey, 64) }, (_, id) => id)
    .filter((id) => !keys.has(id));
}

/** All pairs of readings. */
export function pairs<A, B>(
  some: readonly A[],
  others: readonly B[],
): [A, B][] {
  return some.flatMap((one) => others.map((other): [A, B] => [one, other]));
}

/** Walks through a list and writes to what is read beside it. */
export function meddling(
  list: unknown,
  others: readonly Argument<unknown>[],
): unknown {
  const meddlers = others.flatMap(({ meddle }) => meddle ?? []);
  if (meddlers.length === 0) return list;
  const meddle = () => meddlers.forEach((one) => one());
  if (
    typeof list !== "object" || list === null || !(Symbol.iterator in list) ||
    typeof list[Symbol.iterator] !== "function"
  ) {
    return list;
  }
  return (function* () {
    meddle();
    yield* list as Iterable<unknown>;
  })();
}
