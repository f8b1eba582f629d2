/**
 * A memory of definitions, in a person's words: it learns, forgets, rewords and doubts, and is asked for the kind of a
 * word.
 *
 * The key of a definition is the meaning of its text; its value says what kind of thing it defines, a 1 among zeros.
 * The query of a word is the meaning of the word. Attention is then a vote: every definition has a voice, the louder
 * the closer its meaning is to the word's, and the output is the share of each kind in the votes.
 *
 * @module
 */

import {
  append,
  type Attention,
  createAttention,
  edit,
  type Id,
  remove,
  update,
} from "@reattend/reattend";
import type { Noun, Nouns } from "./memory_data.ts";

/** How much louder the closest voices are; meanings of length 1 have similarities from −1 to 1. */
export const SCALE = 40;

/** A definition that the memory holds, as it was told. */
export interface Held {
  /** What it defines. */
  noun: Noun;
  /** The meaning it is found by. */
  key: Float32Array;
  /** Its vote: the share that each kind gets of it. */
  value: Float32Array;
}

/** A memory, and beside it a plain record of what it was told, to check it by. */
export interface Memory {
  /** The names of the kinds, and how many numbers there are in a meaning. */
  nouns: Nouns;
  /** The words that are always kept answered: the query of `standing[i]` has the id i. */
  standing: Noun[];
  /** Definitions that are not held. */
  unknown: Noun[];
  /** What was told, under the ids of the keys. */
  held: Map<Id, Held>;
  /** What remembers. */
  attention: Attention;
}

/** Something that happens to a memory. */
export interface Deed {
  /** What is done. */
  verb: "learns" | "forgets" | "rewords" | "doubts";
  /** The noun whose definition it is done to. */
  noun: Noun;
  /** Does it. */
  carryOut(): void;
}

/** Makes a memory of no definitions, for words that are to be kept answered. */
export function makeMemory(nouns: Nouns, standing: Noun[]): Memory {
  return {
    nouns,
    standing,
    unknown: [...nouns.list],
    held: new Map(),
    attention: createAttention({
      dim: nouns.dim,
      valueDim: nouns.kinds.length,
      queries: standing.map(({ wordMeaning }) => wordMeaning),
      scale: SCALE,
    }),
  };
}

/** Adds a definition, found by its text, with its kind for a vote. */
export function learn(memory: Memory, noun: Noun): Id {
  const key = noun.textMeaning;
  const value = new Float32Array(memory.nouns.kinds.length);
  value[noun.kind] = 1;
  const [id] = append(memory.attention, key, value);
  memory.held.set(id, { noun, key, value });
  memory.unknown.splice(memory.unknown.indexOf(noun), 1);
  return id;
}

/** Removes a definition. */
export function forget(memory: Memory, id: Id): void {
  remove(memory.attention, id);
  memory.unknown.push(memory.held.get(id)!.noun);
  memory.held.delete(id);
}

/** From now on a definition is found by its text and its word together; the second time, by its text alone again. */
export function reword(memory: Memory, id: Id): void {
  const held = memory.held.get(id)!, { textMeaning, wordMeaning } = held.noun;
  held.key = held.key === textMeaning
    ? between(textMeaning, wordMeaning)
    : textMeaning;
  update(memory.attention, id, { keys: held.key });
}

/** Moves half of a definition's vote to another kind; the second time, back. */
export function doubt(memory: Memory, id: Id): void {
  const { noun: { kind }, value } = memory.held.get(id)!;
  const other = (kind + 1) % value.length;
  const half = value[kind] === 1 ? 0.5 : -0.5;
  edit(memory.attention, { values: [[id, kind, -half], [id, other, half]] });
  value[kind] -= half;
  value[other] += half;
}

/** Chooses what happens next; the memory keeps between `least` and `most` definitions. */
export function choose(
  memory: Memory,
  below: (limit: number) => number,
  least: number,
  most: number,
): Deed {
  const { held, unknown } = memory;
  const verbs = ["rewords", "doubts"] as Deed["verb"][];
  if (held.size > least) verbs.push("forgets");
  if (held.size < most && unknown.length > 0) verbs.push("learns");
  const verb = verbs[below(verbs.length)];
  if (verb === "learns") {
    const noun = unknown[below(unknown.length)];
    return { verb, noun, carryOut: () => void learn(memory, noun) };
  }
  const [id, { noun }] = [...held][below(held.size)];
  const act = { forgets: forget, rewords: reword, doubts: doubt }[verb];
  return { verb, noun, carryOut: () => act(memory, id) };
}

/** The seeded chances of the demo: each call gives a whole number below a limit. */
export function seededChances(seed: number): (limit: number) => number {
  // Marsaglia, Xorshift RNGs, 2003, https://doi.org/10.18637/jss.v008.i14: the triple 13, 17, 5. Zero would stay zero,
  // and an odd factor spreads small seeds over all bits.
  let word = Math.imul(seed + 1, 0x9e3779b1) | 0 || 1;
  return (limit) => {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    return Math.floor((word >>> 0) / 2 ** 32 * limit);
  };
}

/** The same in another order. */
export function shuffled<Item>(
  items: readonly Item[],
  below: (limit: number) => number,
): Item[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const at = below(last + 1);
    [order[last], order[at]] = [order[at], order[last]];
  }
  return order;
}

/** The meaning halfway between two, of length 1. */
function between(one: Float32Array, other: Float32Array): Float32Array {
  const sum = Float64Array.from(one, (number, at) => number + other[at]);
  const length = Math.hypot(...sum);
  return Float32Array.from(sum, (number) => number / length);
}
