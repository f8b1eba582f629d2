/**
 * What a memory answers to a word, and what a person sees of it.
 *
 * @module
 */

import {
  attend,
  type Id,
  outputs,
  type TopKeys,
  topKeys,
} from "@reattend/reattend";
import { largest } from "./live.ts";
import type { Memory } from "./memory.ts";
import type { Noun } from "./memory_data.ts";
import { bar, cut, faint, percent, say, type Screen, tell } from "./show.ts";

/** An answer to a word. */
export interface Answer {
  /** The word asked. */
  noun: Noun;
  /** The share of each kind in the votes. */
  shares: Float64Array;
  /** The definitions with the loudest voices. */
  top: TopKeys;
}

/** How many definitions are shown under an answer. */
const SHOWN = 3;
/** Shares below this are not spelt out. */
const LEAST_SHARE = 0.02;
const TEXT_WIDTH = 63;

/** What the memory answers to its standing words, which it has ready. */
export function standingAnswers(memory: Memory): Answer[] {
  const shares = outputs(memory.attention);
  return topKeys(memory.attention, { ids: memory.standing.keys() }, SHOWN)
    .map((top, row) => ({
      noun: memory.standing[row],
      shares: Float64Array.from(shares.getRow(row)),
      top,
    }));
}

/** What the memory answers to words that it was not waiting for. */
export function freshAnswers(memory: Memory, words: Noun[]): Answer[] {
  const queries = words.map(({ wordMeaning }) => wordMeaning);
  const shares = attend(memory.attention, queries);
  return topKeys(memory.attention, queries, SHOWN).map((top, at) => ({
    noun: words[at],
    shares: Float64Array.from(shares.getRow(at)),
    top,
  }));
}

/** The definition with the loudest voice. */
export function loudest({ top }: Answer): Id {
  return top.keys[0];
}

/** Whether the loudest voice is that of the word's own definition. */
export function findsItself({ held }: Memory, answer: Answer): boolean {
  return held.get(loudest(answer))?.noun === answer.noun;
}

/** Whether the kind with the largest share is that of the word. */
export function isRight({ noun, shares }: Answer): boolean {
  return largest(shares) === noun.kind;
}

/** The leading kinds and their shares, such as "food 71 %, plant 20 %". */
export function inWords(kinds: string[], shares: ArrayLike<number>): string {
  return kinds.map((kind, at) => ({ kind, share: shares[at] }))
    .sort((a, b) => b.share - a.share)
    .filter(({ share }, at) => at === 0 || (at < 3 && share >= LEAST_SHARE))
    .map(({ kind, share }) => `${kind} ${percent(share).trim()}`)
    .join(", ");
}

/** Shows an answer, and the definitions that made it. */
export function showAnswer(
  screen: Screen,
  { nouns, held }: Memory,
  { noun, shares, top }: Answer,
): void {
  say(screen, `“${noun.word}” is ${inWords(nouns.kinds, shares)}`);
  top.keys.forEach((id, at) => {
    const { noun } = held.get(id)!, weight = top.weights[at];
    say(
      screen,
      `${percent(weight)} ${bar(weight)}  ${cut(noun.text, TEXT_WIDTH)}`,
    );
  });
  const others = held.size - top.keys.length;
  if (others > 0) {
    say(
      screen,
      faint(
        screen,
        `${percent(top.tail)} ${
          bar(top.tail)
        }  the other ${others} definitions`,
      ),
    );
  }
}

/** Says how many answers are right; a word alone is little to go by, so many are not. */
export function reportRight(
  screen: Screen,
  memory: Memory,
  answers: Answer[],
): void {
  const held = new Set([...memory.held.values()].map(({ noun }) => noun));
  const known = answers.filter(({ noun }) => held.has(noun));
  tell(
    screen,
    `Of all ${answers.length} such words, ${
      answers.filter(isRight).length
    } are given their true kind. ${known.length} have their own definition in the memory, and for ${
      answers.filter((answer) => findsItself(memory, answer)).length
    } of these it has the loudest voice of all ${held.size}.`,
  );
}
