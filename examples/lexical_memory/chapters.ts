/**
 * Two chapters of the story: what the memory cannot find, and what a change of one number and of one definition does.
 *
 * @module
 */

import { type Id, outputs, topKeys } from "@reattend/reattend";
import type { Claim } from "../semantic_memory/audit.ts";
import { sameBits } from "../semantic_memory/compare.ts";
import { largest } from "../semantic_memory/live.ts";
import { say, type Screen, tell, title } from "../semantic_memory/show.ts";
import {
  type Answer,
  findsIt,
  freshAnswers,
  showAnswer,
  standingAnswers,
} from "./answer.ts";
import { carryOut, type Deed, forget, learn, stress } from "./deeds.ts";
import { type Memory, SIDES } from "./memory.ts";
import { weightOfOneMore, wordsOf } from "./words.ts";

/** Asks for every definition held by the word that it defines, and says how often that is enough. */
export function askByTheWord(screen: Screen, memory: Memory): void {
  const { columnOf } = memory.dictionary;
  const questions = [...memory.held.values()].map(({ noun }) => ({
    noun,
    words: wordsOf(noun.word).filter((word) => columnOf.has(word)),
  }));
  const asked = questions.filter(({ words }) => words.length > 0);
  const found = freshAnswers(memory, asked)
    .filter((answer) => findsIt(memory, answer)).length;
  const lost = questions.find(({ words }) => words.length === 0);
  title(screen, "What it cannot find");
  tell(
    screen,
    `Words are all it goes by, and a definition seldom says the word that it defines. Of the ${questions.length} words whose definition is held, ${
      questions.length - asked.length
    } stand in no definition at all${
      lost === undefined ? "" : `, “${lost.noun.word}” for one`
    }: asked for these, all voices are alike. Of the other ${asked.length}, ${found} find their own definition. The memory of meanings can be asked by the word alone; this one wants words of the text.`,
  );
}

/** Lets a word count once more in one definition, takes it back, forgets the definition and learns it again. */
export function changeOne(screen: Screen, memory: Memory): Claim[] {
  const { columnOf } = memory.dictionary;
  const before = standingAnswers(memory), row = mostContested(before);
  const { question: { words }, top } = before[row], id = top.keys[1];
  const { noun, key, words: text } = memory.held.get(id)!;
  // A word that the definition lacks, if it lacks one: a number that was not stored.
  const word = words.find((word) => !key.has(columnOf.get(word)!)) ?? words[0];
  const column = columnOf.get(word)!;
  const delta = weightOfOneMore(memory.dictionary, text, column).toFixed(3);
  const told = [look(memory, row)];
  const carry = (deed: Deed): Id => {
    const id = carryOut(memory, deed);
    told.push(look(memory, row));
    return id;
  };
  title(screen, "One number of one definition");
  showAnswer(screen, memory, before[row]);
  say(screen, "");
  tell(
    screen,
    `edit(attention, { keys: [[${id}, ${column}, ${delta}]] }), or: “${word}” counts once more in “${noun.word}: ${noun.text}”:`,
  );
  carry(stress(memory, id, column));
  showAnswer(screen, memory, standingAnswers(memory)[row]);
  carry(stress(memory, id, column));
  carry(forget(memory, id));
  say(screen, "", "That taken back, and the whole definition forgotten:");
  showAnswer(screen, memory, standingAnswers(memory)[row]);
  const again = carry(learn(memory, noun));
  const [first, edited, back, gone, learnt] = told;
  return [
    {
      text:
        "The edit made that definition louder; taken back, all answers were back to the last bit.",
      holds: edited.voices.get(id)! > first.voices.get(id)! &&
        sameAnswers(first, back),
    },
    {
      text:
        "Forgotten it had no voice; learnt again, all answers were back to the last bit.",
      holds: !gone.voices.has(id) && !sameAnswers(first, gone) &&
        learnt.voices.has(again) && sameAnswers(first, learnt),
    },
  ];
}

/** All answers of both, and the voice of every definition in one of them. */
interface Look {
  answers: Float64Array[];
  voices: Map<Id, number>;
}

function look({ attentions, held }: Memory, row: number): Look {
  const [{ keys, weights }] = topKeys(
    attentions.sparse,
    { ids: row },
    held.size,
  );
  return {
    answers: SIDES.map((side) => outputs(attentions[side]).data),
    voices: new Map(keys.map((id, at) => [id, weights[at]])),
  };
}

function sameAnswers(one: Look, other: Look): boolean {
  return SIDES.every((_, at) => sameBits(one.answers[at], other.answers[at]));
}

/** The answer whose second loudest voice is the loudest. */
function mostContested(answers: Answer[]): number {
  return largest(answers.map(({ top: { weights: [, second = 0] } }) => second));
}
