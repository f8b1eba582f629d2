/**
 * What the demo claims, checked.
 *
 * @module
 */

import {
  entry,
  errorBound,
  ids,
  measureError,
  outputs,
  topKeys,
} from "@reattend/reattend";
import { afresh, sameBits } from "./compare.ts";
import type { Lived } from "./live.ts";
import type { Memory } from "./memory.ts";
import { count } from "./show.ts";

/** A sentence, and whether it is true. */
export interface Claim {
  /** What is claimed. */
  text: string;
  /** Whether it holds. */
  holds: boolean;
}

/** A memory is no good if it cannot say its answers to nine decimals. */
const NINE_DECIMALS = 0.5e-9;

/** How far off the answers of a memory are, and how far they may be. */
export interface Errors {
  /** Measured against the definition of attention. */
  measured: number;
  /** Certified by the memory. */
  bound: number;
}

/** Checks what a memory holds and answers, and measures its errors. */
export function audit(memory: Memory): Errors & { claims: Claim[] } {
  const { attention, held, nouns, standing } = memory;
  const answers = outputs(attention).data;
  const measured = measureError(attention);
  const bound = errorBound(attention).total;
  const sound = [...held].filter(([, { noun, key }]) =>
    key === noun.textMeaning
  );
  const own = topKeys(attention, sound.map(([, { key }]) => key), 1)
    .filter(({ keys }, at) => keys[0] === sound[at][0]).length;
  return {
    measured,
    bound,
    claims: [
      {
        text:
          `It holds the ${held.size} definitions that it was told, and nothing else.`,
        holds: holdsWhatItWasTold(memory),
      },
      {
        text:
          `Asked with its own text, each of ${sound.length} definitions that were not reworded comes first.`,
        holds: own === sound.length,
      },
      {
        text: `A new memory told the same gives the same ${
          count(answers.length)
        } numbers, to the last bit.`,
        holds: sameBits(answers, outputs(afresh(memory)).data),
      },
      {
        text: `The shares in each of ${standing.length} answers add up to 1.`,
        holds: standing.every((_, row) =>
          Math.abs(sumOfRow(answers, row, nouns.kinds.length) - 1) <=
            nouns.kinds.length * bound
        ),
      },
      claimOfErrors({ measured, bound }),
    ],
  };
}

/** Checks errors against what was certified; a certificate without end is none. */
export function claimOfErrors({ measured, bound }: Errors): Claim {
  return {
    text: "No answer is further from exact attention than it was certified.",
    holds: measured <= bound && bound < Infinity,
  };
}

/** Checks what happened on the way. */
export function claimsOfLife(
  { standing }: Memory,
  lived: Lived,
  changes: number,
): Claim[] {
  return [
    {
      text: `All ${
        count(standing.length * changes)
      } answers read on the way were certified to nine decimals.`,
      holds: lived.bound <= NINE_DECIMALS,
    },
    ...lived.rivals.map(({ name, agreed }) => ({
      text:
        `Started over ${name} at ${lived.checked} points on the way, the answers agreed.`,
      holds: agreed,
    })),
  ];
}

function holdsWhatItWasTold({ attention, held }: Memory): boolean {
  const stored = ids(attention);
  return stored.length === held.size && stored.every((id) => {
    const told = held.get(id);
    if (told === undefined) return false;
    const { key, value } = entry(attention, id);
    return sameBits(key, told.key) && sameBits(value, told.value);
  });
}

function sumOfRow(
  numbers: ArrayLike<number>,
  row: number,
  columns: number,
): number {
  let sum = 0;
  for (let c = 0; c < columns; c++) sum += numbers[row * columns + c];
  return sum;
}
