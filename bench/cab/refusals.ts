/**
 * What a contestant cannot do: its sentence instead of a number.
 *
 * @module
 */

/** Why there is no number. */
export class Refusal {
  constructor(readonly reason: string) {}
}

/** "Cannot attend: this is so, it should be otherwise"; what an engine says of a mistake has another form. */
const SENTENCE = /^Cannot [^:]+: .+, .*\bshould\b/;

/** Asks; a `TypeError` that says what should be is a refusal, anything else an error of the benchmark. */
export function ask<Answer>(question: () => Answer): Answer | Refusal {
  try {
    return question();
  } catch (error) {
    if (error instanceof TypeError && SENTENCE.test(error.message)) {
      return new Refusal(error.message);
    }
    throw error;
  }
}
