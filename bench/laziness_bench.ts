/**
 * What does laziness save, when rows are read less often than keys are written?
 *
 * @module
 */

import { checkAnswer, PRECISION, refuseUnless } from "./check.ts";
import {
  digits,
  once,
  type Question,
  type Race,
  register,
  run,
  table,
  time,
  waysOf,
} from "./measure.ts";
import { makeProblem, type Problem } from "./problem.ts";
import { type Keys, open, type Way, WAYS } from "./session.ts";

const QUERIES = 64;
const KEYS = 4096;
const DIM = 64;
/** Row reads per write. */
const RATES = [1, 0.1, 0.01];
/** Reads over which multiply-adds are counted, many of each row, in so many writes at most. */
const COUNTED_READS = 1000;
const COUNTED_WRITES = 40_000;

/** Multiply-adds of a write and its reads; the ways have to agree to the bit, and with the definition. */
function count(
  keys: Keys,
  rate: number,
  problem: Problem,
): Record<Way, number> {
  const sessions = WAYS.map((way) => open(way, keys, rate, problem));
  const writes = Math.min(COUNTED_READS / rate, COUNTED_WRITES);
  const counts = sessions.map(({ step, multiplyAdds }) => {
    const before = multiplyAdds();
    for (let i = 0; i < writes; i++) step();
    return (multiplyAdds() - before) / writes;
  });
  const [first, ...others] = sessions.map(({ answers }) => answers());
  checkAnswer(first, sessions[0].mirror, PRECISION);
  for (const other of others) {
    for (let i = 0; i < first.length; i++) {
      refuseUnless(Object.is(first[i], other[i]), "one of the ways");
    }
  }
  return Object.fromEntries(WAYS.map((way, at) => [way, counts[at]])) as Record<
    Way,
    number
  >;
}

function race(keys: Keys, rate: number, problem: () => Problem): Race<Way> {
  return {
    title: `${rate} row reads per write, ${keys} keys`,
    ways: waysOf(WAYS, (way) => open(way, keys, rate, problem())),
  };
}

const theProblem = once(() => makeProblem(8, QUERIES, KEYS, DIM));

/** What laziness saves. */
export const question: Question = {
  title: "What laziness saves",
  answer: () =>
    `A write and the row reads that come with it, of one row at random each. Lazy is how it is: a read pays for its row.
Eager brings all rows up to date at every write (\`flush\`). Starting over watches nothing and answers with \`attend\`.
${QUERIES} queries, ${KEYS} keys, dim = valueDim = ${DIM}; keys written are uniform, or zipf (key r in proportion to 1 / r).
By default the log keeps one old version for every two keys; a row further behind starts over.
Where many do, at 0.1 reads per write, an ample log saves a little more. Multiply-adds are for one write; after the count all ways agree to the bit.

${
      table(
        [
          "keys",
          "reads per write",
          ...WAYS.map((way) => `${way}, multiply-adds`),
          ...WAYS.map((way) => `${way}, time`),
        ],
        (["uniform", "zipf"] as const).flatMap((keys) =>
          RATES.map((rate) => {
            const counted = count(keys, rate, theProblem());
            const took = run(race(keys, rate, theProblem));
            return [
              keys,
              String(rate),
              ...WAYS.map((way) => digits(counted[way])),
              ...WAYS.map((way) => time(took[way])),
            ];
          })
        ),
      )
    }`,
};

register(race("uniform", 0.1, theProblem));
