/**
 * A memory of definitions that are found by their words, kept twice: stored sparsely and stored densely.
 *
 * The key of a definition is the sparse vector of its words, its value the same vote for a kind as in the memory of
 * meanings next door, and a question is a few words. Whatever happens is told to both attentions; somebody who does not
 * compare would have one of them.
 *
 * @module
 */

import {
  apply,
  type Attention,
  type Change,
  createAttention,
  type CsrMatrix,
  type Id,
} from "@reattend/reattend";
import type { Noun, Nouns } from "../semantic_memory/memory_data.ts";
import { shuffled } from "../semantic_memory/memory.ts";
import { type Dictionary, makeDictionary, weigh, wordsOf } from "./words.ts";

/** How much louder the closest voices are; vectors of words have cosines from 0 to 1. */
export const SCALE = 20;

/** The two ways to store the same keys. */
export const SIDES = ["sparse", "dense"] as const;
/** One of them. */
export type Side = typeof SIDES[number];

/** Words in a question. */
const ASKED = 3;
/** Words of at least this rarity are asked for: those in at most 5 % of all definitions; nobody asks for “of”. */
const LEAST_RARITY = Math.log(20) + 1;

/** A few words to find a definition by. */
export interface Question {
  /** What is looked for. */
  noun: Noun;
  words: string[];
}

/** A definition that the memory holds, as it was told. */
export interface Held {
  /** What it defines. */
  noun: Noun;
  /** The words that it was told in. */
  words: string[];
  /** Column → number: what of its key is not 0, in 32 bits. */
  key: Map<number, number>;
  /** Its vote: the share that each kind gets of it. */
  value: Float32Array;
  /** The word that counts once more than it stands there, and what its number was. */
  stressed?: { column: number; was: number };
}

/** A memory, and beside it a plain record of what it was told, to check it by. */
export interface Memory {
  nouns: Nouns;
  /** The columns of keys and questions: all words of all definitions, held or not. */
  dictionary: Dictionary;
  /** The questions that are always kept answered: `standing[i]` has the id i. */
  standing: Question[];
  /** Definitions that are not held. */
  unknown: Noun[];
  /** What was told, under the ids of the keys. */
  held: Map<Id, Held>;
  /** What remembers, twice. */
  attentions: Record<Side, Attention>;
}

/** The columns: all words of all definitions, held or not, weighed once and for all. */
export function dictionaryOf({ list }: Nouns): Dictionary {
  return makeDictionary(list.map(({ text }) => wordsOf(text)));
}

/** Makes a memory that holds some definitions, for questions that are to be kept answered. */
export function makeMemory(
  nouns: Nouns,
  dictionary: Dictionary,
  standing: Question[],
  known: Noun[],
): Memory {
  const texts = known.map(({ text }) => wordsOf(text));
  const keys = weigh(dictionary, texts);
  const values = known.map((noun) => voteOf(nouns, noun));
  const queries = weigh(dictionary, standing.map(({ words }) => words));
  const create = (representation: Side) =>
    createAttention({
      dim: dictionary.words.length,
      valueDim: nouns.kinds.length,
      queries,
      keys,
      values,
      scale: SCALE,
      representation,
    });
  const told = known.map((noun, id): [Id, Held] => [id, {
    noun,
    words: texts[id],
    key: entriesOf(keys, id),
    value: values[id],
  }]);
  return {
    nouns,
    dictionary,
    standing,
    unknown: nouns.list.filter((noun) => !known.includes(noun)),
    held: new Map(told),
    attentions: { sparse: create("sparse"), dense: create("dense") },
  };
}

/** Tells both attentions the same; returns the ids that it concerns. */
export function tell({ attentions }: Memory, change: Change): Id[] {
  const [ids] = SIDES.map((side) => apply(attentions[side], [change])[0]);
  return ids;
}

/** The vote of a definition that nobody doubts: a 1 among zeros. */
export function voteOf({ kinds }: Nouns, { kind }: Noun): Float32Array {
  const value = new Float32Array(kinds.length);
  value[kind] = 1;
  return value;
}

/** What is stored of a row: column → number. */
export function entriesOf(matrix: CsrMatrix, row: number): Map<number, number> {
  const { indices, values } = matrix.row(row);
  return new Map(Array.from(indices, (column, at) => [column, values[at]]));
}

/** A question of three rather rare words that stand in a definition, chosen by chance, in their order there. */
export function askFor(
  { columnOf, rarity }: Dictionary,
  noun: Noun,
  below: (limit: number) => number,
): Question {
  const words = [...new Set(wordsOf(noun.text))]
    .filter((word) => rarity[columnOf.get(word)!] >= LEAST_RARITY);
  const chosen = new Set(shuffled(words, below).slice(0, ASKED));
  return { noun, words: words.filter((word) => chosen.has(word)) };
}
