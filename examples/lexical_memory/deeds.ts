/**
 * What can happen to a memory of words: learnt, forgotten and reworded by sparse rows, stressed and doubted by single
 * numbers.
 *
 * A deed is a {@linkcode Change}, plain data for the attentions, and a note for the record that they are checked by.
 *
 * @module
 */

import type { Change, Id } from "@reattend/reattend";
import type { Noun } from "../semantic_memory/memory_data.ts";
import { entriesOf, type Memory, tell, voteOf } from "./memory.ts";
import { weigh, weightOfOneMore, wordsOf } from "./words.ts";

/** Something that happens to a memory. */
export interface Deed {
  /** What is done. */
  verb: "learns" | "forgets" | "rewords" | "stresses" | "doubts";
  /** The noun whose definition it is done to. */
  noun: Noun;
  /** What the attentions are told. */
  change: Change;
  /** Brings the record up to date; the id is that of the definition. */
  note(id: Id): void;
}

/** Does a deed; returns the id of the definition. */
export function carryOut(memory: Memory, { change, note }: Deed): Id {
  const [id] = tell(memory, change);
  note(id);
  return id;
}

/** Adds a definition: a sparse row. */
export function learn(memory: Memory, noun: Noun): Deed {
  const words = wordsOf(noun.text), value = voteOf(memory.nouns, noun);
  const keys = weigh(memory.dictionary, [words]);
  return {
    verb: "learns",
    noun,
    change: { verb: "append", keys, values: value },
    note(id) {
      memory.held.set(id, { noun, words, key: entriesOf(keys, 0), value });
      memory.unknown.splice(memory.unknown.indexOf(noun), 1);
    },
  };
}

/** Removes a definition. */
export function forget({ held, unknown }: Memory, id: Id): Deed {
  const { noun } = held.get(id)!;
  return {
    verb: "forgets",
    noun,
    change: { verb: "remove", ids: id },
    note() {
      unknown.push(noun);
      held.delete(id);
    },
  };
}

/** Replaces a key by another sparse row: that of the first half of its words; the second time, of all of them again. */
export function reword({ held, dictionary }: Memory, id: Id): Deed {
  const told = held.get(id)!, { noun } = told, all = wordsOf(noun.text);
  const words = told.words.length < all.length
    ? all
    : all.slice(0, Math.ceil(all.length / 2));
  const keys = weigh(dictionary, [words]);
  return {
    verb: "rewords",
    noun,
    change: { verb: "update", ids: id, keys },
    note() {
      told.words = words;
      told.key = entriesOf(keys, 0);
      told.stressed = undefined;
    },
  };
}

/** Edits one number of a key: a word, whether it stands there or not, counts once more; the second time, taken back. */
export function stress(
  { held, dictionary }: Memory,
  id: Id,
  column: number,
): Deed {
  const told = held.get(id)!, { noun, key, stressed } = told;
  const at = stressed?.column ?? column, now = key.get(at) ?? 0;
  // Back to what it was, the difference of two 32-bit floats is exact and so is the sum.
  const delta = stressed === undefined
    ? weightOfOneMore(dictionary, told.words, at)
    : stressed.was - now;
  return {
    verb: "stresses",
    noun,
    change: { verb: "edit", keys: [[id, at, delta]] },
    note() {
      const number = Math.fround(now + delta);
      if (number === 0) key.delete(at);
      else key.set(at, number);
      told.stressed = stressed === undefined
        ? { column: at, was: now }
        : undefined;
    },
  };
}

/** Moves half of a definition's vote to another kind; the second time, back. */
export function doubt({ held }: Memory, id: Id): Deed {
  const { noun, value } = held.get(id)!, { kind } = noun;
  const other = (kind + 1) % value.length;
  const half = value[kind] === 1 ? 0.5 : -0.5;
  return {
    verb: "doubts",
    noun,
    change: { verb: "edit", values: [[id, kind, -half], [id, other, half]] },
    note() {
      value[kind] -= half;
      value[other] += half;
    },
  };
}

/** Chooses what happens next; the memory keeps between `least` and `most` definitions. */
export function choose(
  memory: Memory,
  below: (limit: number) => number,
  least: number,
  most: number,
): Deed {
  const { held, unknown, standing, dictionary } = memory;
  const verbs: Deed["verb"][] = ["rewords", "stresses", "doubts"];
  if (held.size > least) verbs.push("forgets");
  if (held.size < most && unknown.length > 0) verbs.push("learns");
  const verb = verbs[below(verbs.length)];
  if (verb === "learns") return learn(memory, unknown[below(unknown.length)]);
  const [id, { words }] = [...held][below(held.size)];
  if (verb === "stresses") {
    // One of its own words, or one that is asked for.
    const from = below(2) === 0
      ? words
      : standing[below(standing.length)].words;
    const column = dictionary.columnOf.get(from[below(from.length)])!;
    return stress(memory, id, column);
  }
  return { forgets: forget, rewords: reword, doubts: doubt }[verb](memory, id);
}
