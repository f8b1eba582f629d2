/**
 * The story that the second mode of the demo tells, chapter by chapter: the same memory, found by words.
 *
 * It shares with the memory of meanings next door its data (`memory_data.ts`), how it looks (`show.ts`), its chances
 * and its sizes; what follows from keys being sparse is here.
 *
 * @module
 */

import type { Claim } from "../semantic_memory/audit.ts";
import { seededChances, shuffled } from "../semantic_memory/memory.ts";
import type { Nouns } from "../semantic_memory/memory_data.ts";
import {
  count,
  progress,
  say,
  type Screen,
  tell,
  title,
} from "../semantic_memory/show.ts";
import type { Size } from "../semantic_memory/story.ts";
import { findsIt, reportRight, showAnswer, standingAnswers } from "./answer.ts";
import { audit, claimsOfLife, measureBoth } from "./audit.ts";
import { showBill } from "./bill.ts";
import { askByTheWord, changeOne } from "./chapters.ts";
import { askFor, dictionaryOf, makeMemory, type Memory } from "./memory.ts";
import { keysTold } from "./record.ts";
import { live, type Lived } from "./twins.ts";

/** Answers shown in a chapter. */
const SHOWN = 3;

/** Tells the story, and returns all that it claims. */
export function tellOfWords(
  nouns: Nouns,
  seed: number,
  size: Size,
  screen: Screen,
): Claim[] {
  const below = seededChances(seed);
  const dictionary = dictionaryOf(nouns);
  const standing = shuffled(nouns.list, below).slice(0, size.standing)
    .map((noun) => askFor(dictionary, noun, below));
  const known = shuffled(nouns.list, below).slice(0, size.start);
  const memory = makeMemory(nouns, dictionary, standing, known);
  introduce(screen, memory, seed);
  firstAnswers(screen, memory);
  askByTheWord(screen, memory);
  const claims = changeOne(screen, memory);
  const lived = manyChanges(screen, memory, below, size);
  const errors = measureBoth(memory);
  showBill(screen, memory, lived, errors);
  claims.push(...audit(memory, errors), ...claimsOfLife(lived));
  title(screen, "Is all of this true of the memory of words?");
  for (const { text, holds } of claims) {
    say(screen, `${holds ? "yes" : "NO "}  ${text}`);
  }
  return claims;
}

function introduce(screen: Screen, memory: Memory, seed: number): void {
  const { nouns, held, standing } = memory;
  const keys = keysTold(memory);
  title(screen, "A memory of words");
  tell(
    screen,
    `It holds ${held.size} of ${nouns.list.length} definitions from WordNet, a dictionary of English by Princeton University that groups words by what they mean; its licence is in examples/semantic_memory/NOTICE. Here a definition is found by the words in it, not by its meaning: it is a row of ${
      count(keys.columns)
    } numbers, one for each word of all definitions, larger the more often it says the word and the rarer the word is (TF-IDF). On average ${
      (keys.nonZeros / keys.rows).toFixed(1)
    } of them are not 0, so it is stored as a sparse matrix.`,
  );
  say(screen, "");
  tell(
    screen,
    `${standing.length} questions are always kept answered. Each is a definition of which only three words are remembered. Everything is kept twice, stored sparsely and densely, and told the same. What is asked and what happens is chosen by --seed ${seed}.`,
  );
}

function firstAnswers(screen: Screen, memory: Memory): void {
  const answers = standingAnswers(memory);
  title(screen, "What it answers to three words");
  // Those that show something: neither all voices alike nor one alone.
  const telling = answers.filter((answer) =>
    findsIt(memory, answer) && answer.top.weights[0] < 0.9
  );
  for (const answer of [...telling, ...answers].slice(0, SHOWN)) {
    showAnswer(screen, memory, answer);
    say(screen, "");
  }
  reportRight(screen, memory, answers);
}

function manyChanges(
  screen: Screen,
  memory: Memory,
  below: (limit: number) => number,
  size: Size,
): Lived {
  const { standing } = memory, { changes } = size;
  title(
    screen,
    `${count(changes)} changes to both, ${standing.length} answers kept`,
  );
  // Half as often as next door: starting over is most of the time, the dense one with five times the numbers.
  const course = { ...size, every: 2 * size.every };
  const lived = live(
    memory,
    below,
    course,
    progress(screen, "changes", changes),
  );
  const { learns, forgets, rewords, stresses, doubts } = lived.deeds;
  say(screen, "");
  tell(
    screen,
    `Definitions learnt ${learns} and reworded ${rewords} (told in the first half of their words, or in all again), each a sparse row; forgotten ${forgets}; stressed ${stresses} (a word counts once more, or no longer) and doubted ${doubts} (half of the vote went to another kind, or came back), each an edit of single numbers. After each change all ${standing.length} answers of both were brought up to date and read; ${
      count(lived.flips)
    } times the leading kind of an answer changed.`,
  );
  say(screen, "");
  reportRight(screen, memory, standingAnswers(memory));
  return lived;
}
