/**
 * The story that the demo tells, chapter by chapter. Every chapter returns what it claims.
 *
 * @module
 */

import {
  findsItself,
  freshAnswers,
  inWords,
  reportRight,
  showAnswer,
  standingAnswers,
} from "./answer.ts";
import { audit, type Claim, claimsOfLife } from "./audit.ts";
import { showBill } from "./bill.ts";
import { forgetAndLearn } from "./forget.ts";
import { type Course, live, type Lived } from "./live.ts";
import {
  learn,
  makeMemory,
  type Memory,
  seededChances,
  shuffled,
} from "./memory.ts";
import type { Nouns } from "./memory_data.ts";
import { count, progress, say, type Screen, tell, title } from "./show.ts";

/** How much of everything. */
export interface Size extends Course {
  /** Words that are always kept answered. */
  standing: number;
  /** Definitions to start with. */
  start: number;
}

/** The demo as it is shown. */
export const DEMO: Size = {
  standing: 128,
  start: 384,
  changes: 400,
  every: 20,
  least: 320,
  most: 448,
};

/** Words shown in a chapter. */
const SHOWN = 3;
/** Tells the story, and returns all that it claims. */
export function tellStory(
  nouns: Nouns,
  seed: number,
  size: Size,
  screen: Screen,
): Claim[] {
  const below = seededChances(seed);
  const memory = makeMemory(
    nouns,
    shuffled(nouns.list, below).slice(0, size.standing),
  );
  for (const noun of shuffled(nouns.list, below).slice(0, size.start)) {
    learn(memory, noun);
  }
  introduce(screen, memory, seed);
  firstAnswers(screen, memory);
  const claims = forgetAndLearn(screen, memory);
  const lived = manyChanges(screen, memory, below, size);
  unexpected(screen, memory, below);
  const audited = audit(memory);
  showBill(screen, memory, lived, audited);
  claims.push(...audited.claims, ...claimsOfLife(memory, lived, size.changes));
  title(screen, "Is all of this true?");
  for (const { text, holds } of claims) {
    say(screen, `${holds ? "yes" : "NO "}  ${text}`);
  }
  return claims;
}

function introduce(screen: Screen, memory: Memory, seed: number): void {
  const { held, standing, nouns } = memory;
  title(screen, "A memory of meanings");
  tell(
    screen,
    `It holds ${held.size} of ${nouns.list.length} definitions of nouns. Each says what kind of thing it defines: ${
      nouns.kinds.slice(0, -1).join(", ")
    } or ${
      nouns.kinds.at(-1)
    }. Asked for a word alone, the memory lets every definition vote for its kind, with a voice that is the louder the closer the definition's meaning is to the word's. That is all that attention is.`,
  );
  say(screen, "");
  tell(
    screen,
    `The answers to ${standing.length} words are always kept ready, whatever the memory learns, forgets or takes back. Which words and what happens is chosen by --seed ${seed}.`,
  );
}

function firstAnswers(screen: Screen, memory: Memory): void {
  const answers = standingAnswers(memory);
  title(screen, "What it answers");
  // Those that show something: neither all voices alike nor one alone.
  const telling = answers.filter((answer) =>
    findsItself(memory, answer) && answer.top.weights[0] < 0.9
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
  title(
    screen,
    `${count(size.changes)} changes, ${memory.standing.length} answers kept`,
  );
  const lived = live(
    memory,
    below,
    size,
    progress(screen, "changes", size.changes),
  );
  const { deeds, flips, turn } = lived, { kinds } = memory.nouns;
  say(screen, "");
  tell(
    screen,
    `Definitions learnt ${deeds.learns}, forgotten ${deeds.forgets}, reworded ${deeds.rewords} (to be found by text and word together, or by the text alone again), doubted ${deeds.doubts} (half of the vote went to another kind, or came back). After each change all ${memory.standing.length} answers were brought up to date and read; ${
      count(flips)
    } times the leading kind of an answer changed.`,
  );
  say(screen, "");
  tell(
    screen,
    `Most was moved by change ${turn.step}: the memory ${turn.deed.verb} “${turn.deed.noun.word}: ${turn.deed.noun.text}”, and “${
      memory.standing[turn.row].word
    }” went from ${inWords(kinds, turn.before)} to ${
      inWords(kinds, turn.after)
    }.`,
  );
  say(screen, "");
  reportRight(screen, memory, standingAnswers(memory));
  return lived;
}

function unexpected(
  screen: Screen,
  memory: Memory,
  below: (limit: number) => number,
): void {
  title(screen, "Words that it was not waiting for");
  const others = shuffled(
    memory.nouns.list.filter((noun) => !memory.standing.includes(noun)),
    below,
  );
  const answers = freshAnswers(memory, others);
  for (const answer of answers.slice(0, SHOWN)) {
    showAnswer(screen, memory, answer);
    const known = memory.unknown.includes(answer.noun) ? "not known" : "known";
    say(
      screen,
      `In truth it is ${
        memory.nouns.kinds[answer.noun.kind]
      }; its own definition is ${known}.`,
      "",
    );
  }
  reportRight(screen, memory, answers);
}
