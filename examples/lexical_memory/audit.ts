/**
 * What the memory of words claims, checked against the plain record of what it was told.
 *
 * @module
 */

import {
  attend,
  type Attention,
  entry,
  errorBound,
  ids,
  measureError,
  outputs,
  softmaxAttention,
  stats,
  topKeys,
} from "@reattend/reattend";
import {
  type Claim,
  claimOfErrors,
  type Errors,
} from "../semantic_memory/audit.ts";
import { farthest, sameBits } from "../semantic_memory/compare.ts";
import { count } from "../semantic_memory/show.ts";
import { type Memory, SCALE, type Side, SIDES } from "./memory.ts";
import { keysTold, questionsAsked, valuesTold } from "./record.ts";
import type { Lived } from "./twins.ts";
import { weigh, wordsOf } from "./words.ts";

/** A memory is no good if it cannot say its answers to nine decimals. */
const NINE_DECIMALS = 0.5e-9;

/** Measures the errors of both attentions. */
export function measureBoth({ attentions }: Memory): Record<Side, Errors> {
  const errors = (attention: Attention) => ({
    measured: measureError(attention),
    bound: errorBound(attention).total,
  });
  return { sparse: errors(attentions.sparse), dense: errors(attentions.dense) };
}

/** Checks what a memory holds and answers, and its errors. */
export function audit(
  memory: Memory,
  errors: Record<Side, Errors>,
): Claim[] {
  const { attentions: { sparse, dense }, held } = memory;
  const both = [sparse, dense];
  return [
    {
      text:
        `Both hold the ${held.size} definitions that they were told, and nothing else.`,
      holds: both.every((attention) => holdsWhatItWasTold(memory, attention)),
    },
    {
      text:
        "One keeps every key and vote as what is not 0 in it, the other writes all of them out.",
      holds: SIDES.every((side, at) => {
        const { representation } = both[at], { blocks } = stats(both[at]);
        return representation === side && blocks[side] === 2 * held.size;
      }),
    },
    {
      text:
        "Both tell the share of numbers that are not 0, as the record has it.",
      holds: both.every((attention) => tellsTheDensity(memory, attention)),
    },
    storedInLess(both),
    {
      text:
        "Both name the same loudest definitions, with the same weights to the last bit.",
      holds: sameVoices(memory),
    },
    ownTextFirst(memory),
    {
      text:
        "Definitions that share no word with a question have the same voice, to the last bit.",
      holds: strangersAreAlike(memory),
    },
    {
      text:
        "A question of no known word gives every kind its plain share of all votes.",
      holds: both.every((attention) => averages(memory, attention)),
    },
    {
      text:
        "No answer of either is further from exact attention than it was certified.",
      holds: SIDES.every((side) => claimOfErrors(errors[side]).holds),
    },
    {
      text:
        "softmaxAttention over the record of what they were told agrees within that certificate.",
      holds: nearTheDefinition(memory),
    },
  ];
}

/** Checks what happened on the way. */
export function claimsOfLife(lived: Lived): Claim[] {
  return [
    {
      text: `All ${
        count(lived.answers)
      } answers read on the way were the same in both, to the last bit.`,
      holds: lived.same === lived.answers,
    },
    {
      text: "All of them were certified to nine decimals.",
      holds: lived.bound <= NINE_DECIMALS,
    },
    {
      text:
        `Made anew at ${lived.restarts} points on the way, both gave the same answers, to the last bit.`,
      holds: lived.confirmed === lived.restarts && lived.restarts > 0,
    },
    {
      text:
        "The sparse one did fewer multiply-adds for a change, and for starting over.",
      holds: lessWork(lived),
    },
  ];
}

function holdsWhatItWasTold(memory: Memory, attention: Attention): boolean {
  const { held, dictionary } = memory, stored = ids(attention);
  return stored.length === held.size && stored.every((id) => {
    const told = held.get(id);
    if (told === undefined) return false;
    const key = new Float32Array(dictionary.words.length);
    for (const [column, number] of told.key) key[column] = number;
    const found = entry(attention, id);
    return sameBits(found.key, key) && sameBits(found.value, told.value);
  });
}

function tellsTheDensity(memory: Memory, { density }: Attention): boolean {
  const keys = keysTold(memory), votes = valuesTold(memory);
  const numbers = keys.rows * (keys.columns + memory.nouns.kinds.length);
  const notZero = keys.nonZeros +
    votes.flatMap((vote) => [...vote]).filter((share) => share !== 0).length;
  return density === notZero / numbers;
}

function storedInLess([sparse, dense]: Attention[]): Claim {
  const less = stats(sparse).bytes, more = stats(dense).bytes;
  return {
    text: `The sparse one holds fewer bytes, ${count(less)} of ${count(more)}.`,
    holds: less < more,
  };
}

function sameVoices({ attentions, standing, held }: Memory): boolean {
  const [one, other] = SIDES.map((side) =>
    topKeys(attentions[side], { ids: standing.keys() }, held.size)
  );
  return one.every(({ keys, weights }, row) =>
    sameBits(keys, other[row].keys) && sameBits(weights, other[row].weights)
  );
}

function ownTextFirst({ attentions, held, dictionary }: Memory): Claim {
  const sound = [...held].filter(([, { noun, words, stressed }]) =>
    stressed === undefined && words.length === wordsOf(noun.text).length
  );
  const asked = weigh(dictionary, sound.map(([, { words }]) => words));
  const first = topKeys(attentions.sparse, asked, 1)
    .filter(({ keys }, at) => keys[0] === sound[at][0]).length;
  return {
    text:
      `Asked with all of its words, each of ${sound.length} definitions that are as they were comes first.`,
    holds: first === sound.length,
  };
}

function strangersAreAlike(memory: Memory): boolean {
  const { attentions, standing, held, dictionary } = memory;
  const asked = { ids: standing.keys() };
  return topKeys(attentions.sparse, asked, held.size).every((top, row) => {
    const columns = standing[row].words.map((word) =>
      dictionary.columnOf.get(word)!
    );
    const voices = top.weights.filter((_, at) => {
      const { key } = held.get(top.keys[at])!;
      return columns.every((column) => !key.has(column));
    });
    return voices.every((voice) => Object.is(voice, voices[0]));
  });
}

function averages(memory: Memory, attention: Attention): boolean {
  const bounds = new Float64Array(1), votes = valuesTold(memory);
  const answer = attend(attention, weigh(memory.dictionary, [[]]), { bounds });
  const average = memory.nouns.kinds.map((_, kind) =>
    votes.reduce((sum, vote) => sum + vote[kind], 0) / votes.length
  );
  return farthest(answer.getRow(0), average) <= bounds[0];
}

function nearTheDefinition(memory: Memory): boolean {
  const exact = softmaxAttention(
    questionsAsked(memory),
    keysTold(memory),
    valuesTold(memory),
    { scale: SCALE },
  ).to1DArray();
  return SIDES.map((side) => memory.attentions[side]).every((attention) =>
    farthest(outputs(attention).data, exact) <= errorBound(attention).total
  );
}

function lessWork({ prices: { sparse, dense } }: Lived): boolean {
  return sparse.multiplyAdds < dense.multiplyAdds &&
    sparse.anew.multiplyAdds < dense.anew.multiplyAdds;
}
