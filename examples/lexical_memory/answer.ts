/**
 * What a memory answers to a few words, and what a person sees of it.
 *
 * @module
 */

import {
  attend,
  type DenseMatrix,
  outputs,
  type TopKeys,
  topKeys,
} from "@reattend/reattend";
import { inWords } from "../semantic_memory/answer.ts";
import { largest } from "../semantic_memory/live.ts";
import {
  bar,
  cut,
  faint,
  percent,
  say,
  type Screen,
  tell,
} from "../semantic_memory/show.ts";
import type { Memory, Question } from "./memory.ts";
import { weigh } from "./words.ts";

/** An answer to a question. */
export interface Answer {
  question: Question;
  /** The share of each kind in the votes. */
  shares: Float64Array;
  /** The definitions with the loudest voices. */
  top: TopKeys;
}

/** How many definitions are shown under an answer. */
const SHOWN = 3;
const TEXT_WIDTH = 63;

/** What the memory answers to its standing questions, which it has ready. */
export function standingAnswers(memory: Memory): Answer[] {
  const { standing, attentions: { sparse } } = memory;
  const asked = { ids: standing.keys() };
  return answers(standing, outputs(sparse), topKeys(sparse, asked, SHOWN));
}

/** What the memory answers to questions that it was not waiting for, asked as sparse rows. */
export function freshAnswers(memory: Memory, questions: Question[]): Answer[] {
  const { dictionary, attentions: { sparse } } = memory;
  const rows = weigh(dictionary, questions.map(({ words }) => words));
  return answers(
    questions,
    attend(sparse, rows),
    topKeys(sparse, rows, SHOWN),
  );
}

/** Whether the loudest voice is that of the definition that is looked for. */
export function findsIt({ held }: Memory, { question, top }: Answer): boolean {
  return held.get(top.keys[0])?.noun === question.noun;
}

/** Whether the kind with the largest share is that of what is looked for. */
export function isRight({ question: { noun }, shares }: Answer): boolean {
  return largest(shares) === noun.kind;
}

/** Shows an answer and the definitions that made it, what was asked for in capitals. */
export function showAnswer(
  screen: Screen,
  { nouns, held }: Memory,
  { question: { words }, shares, top }: Answer,
): void {
  say(screen, `“${words.join(" ")}” is ${inWords(nouns.kinds, shares)}`);
  top.keys.forEach((id, at) => {
    const text = cut(capitals(held.get(id)!.noun.text, words), TEXT_WIDTH);
    const weight = top.weights[at];
    say(screen, `${percent(weight)} ${bar(weight)}  ${text}`);
  });
  const rest = `the other ${held.size - top.keys.length} definitions`;
  const line = `${percent(top.tail)} ${bar(top.tail)}  ${rest}`;
  if (held.size > top.keys.length) say(screen, faint(screen, line));
}

/** Says how many answers are right, apart for definitions that are held and those that are not. */
export function reportRight(
  screen: Screen,
  memory: Memory,
  all: Answer[],
): void {
  const held = new Set([...memory.held.values()].map(({ noun }) => noun));
  const known = all.filter(({ question: { noun } }) => held.has(noun));
  const others = all.filter(({ question: { noun } }) => !held.has(noun));
  tell(
    screen,
    `${known.length} of these ${all.length} questions are about a definition that is held: ${
      known.filter((answer) => findsIt(memory, answer)).length
    } times it has the loudest voice, ${
      known.filter(isRight).length
    } times the kind is right. The other ${others.length} are about one that is not held, so only definitions that happen to share words can speak: the kind is right ${
      others.filter(isRight).length
    } times (always to say ${memory.nouns.kinds[0]} would be right ${
      others.filter(({ question: { noun } }) => noun.kind === 0).length
    } times).`,
  );
}

function answers(
  questions: Question[],
  shares: DenseMatrix,
  tops: TopKeys[],
): Answer[] {
  return questions.map((question, row) => ({
    question,
    shares: Float64Array.from(shares.getRow(row)),
    top: tops[row],
  }));
}

function capitals(text: string, words: string[]): string {
  return text.replace(
    /[\p{L}\p{N}]{2,}/gu,
    (word) => words.includes(word.toLowerCase()) ? word.toUpperCase() : word,
  );
}
