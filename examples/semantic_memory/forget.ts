/**
 * A chapter of the story: a definition that matters to an answer is forgotten, and told again.
 *
 * @module
 */

import { outputs, topKeys } from "@reattend/reattend";
import {
  type Answer,
  findsItself,
  loudest,
  showAnswer,
  standingAnswers,
} from "./answer.ts";
import type { Claim } from "./audit.ts";
import { sameBits } from "./compare.ts";
import { largest } from "./live.ts";
import { forget, learn, type Memory } from "./memory.ts";
import { count, say, type Screen, tell, title } from "./show.ts";

/** Forgets the loudest definition of a word and learns it again, showing the answer each time. */
export function forgetAndLearn(screen: Screen, memory: Memory): Claim[] {
  title(screen, "It forgets a definition, and is told it again");
  const before = standingAnswers(memory);
  const row = mostDependent(memory, before), asked = { ids: row };
  const bits = outputs(memory.attention).data;
  const { noun } = memory.held.get(loudest(before[row]))!;
  showAnswer(screen, memory, before[row]);
  say(screen, "");
  tell(screen, `Without “${noun.word}: ${noun.text}”:`);
  forget(memory, loudest(before[row]));
  const after = standingAnswers(memory)[row];
  showAnswer(screen, memory, after);
  say(screen, "", "Told it again:");
  const id = learn(memory, noun), back = standingAnswers(memory)[row];
  showAnswer(screen, memory, back);
  return [
    {
      text:
        `“${noun.word}” forgotten, the next loudest voice became the loudest.`,
      holds: loudest(after) === before[row].top.keys[1],
    },
    {
      text: `Learnt again, it was the loudest again, and all ${
        count(bits.length)
      } numbers were back to the last bit.`,
      holds: topKeys(memory.attention, asked, 1)[0].keys[0] === id &&
        sameBits(bits, outputs(memory.attention).data),
    },
  ];
}

/**
 * The word that shows best what forgetting does: its own definition is the loudest, without it the leading kind is
 * another one, it is loud, and so is the one that comes next.
 */
function mostDependent(memory: Memory, answers: Answer[]): number {
  const worth = answers.map((answer) => {
    const { value } = memory.held.get(loudest(answer))!;
    const [weight, next = 0] = answer.top.weights;
    const without = answer.shares.map((share, at) =>
      share - weight * value[at]
    );
    const flips = largest(without) !== largest(answer.shares);
    return 2 * Number(findsItself(memory, answer)) + Number(flips) +
      weight * next / (1 - weight + next);
  });
  return largest(worth);
}
