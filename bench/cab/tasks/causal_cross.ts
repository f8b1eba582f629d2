/**
 * CC: a target that reads a source from left to right and does not know its own future.
 *
 * @module
 */

import type { DenseMatrix } from "@reattend/reattend";
import { seeded } from "../../../src/random.ts";
import { matrix32 } from "../problem.ts";
import type { Task } from "../tasks.ts";
import {
  contents,
  DIM,
  frequencies,
  placeCode,
  rowsOf,
  shuffled,
  symbols,
} from "./codes.ts";

const CONTENT = 8;
/** So sharp that one token outweighs all others of the longest source together. */
const SHARP = 40;
/** Of a source of a third of the target's length a token lasts three steps in the mean. */
const STEPS = 3;
/** How far, at most, a reader is from the middle of the token that it is at; they are 1 apart. */
const WANDER = 0.3;

/** Each source token is held for one to five steps, as phonemes are in speech. */
export const alignment: Task = {
  name: "alignment",
  pattern: "CC",
  about:
    "a reader walks along a source at an uneven pace, knows roughly where it is, and is asked for the token there",
  make(seed, length) {
    const random = seeded(seed), waves = frequencies(random);
    const held: number[] = [];
    for (let token = 0; held.length < length; token++) {
      const steps = 1 + random.integer(2 * STEPS - 1);
      for (let step = 0; step < steps; step++) held.push(token);
    }
    held.length = length;
    // The reader need not reach the end.
    const count = Math.max(held[length - 1] + 1, Math.ceil(length / STEPS));
    const values = contents(random, count, CONTENT);
    const places = held.map((token) =>
      token + WANDER * (2 * random.uniform() - 1)
    );
    return {
      problem: {
        pattern: "CC",
        queries: matrix32(
          length,
          DIM,
          (i, c) => placeCode(waves, places[i], c),
        ),
        keys: matrix32(count, DIM, (j, c) => placeCode(waves, j, c)),
        values,
        scale: SHARP,
      },
      truth: rowsOf(values, held),
      scored: new Uint8Array(length * CONTENT).fill(1),
    };
  },
};

/** The noise of a heard word beside its code of length 1. */
const MUMBLE = 0.3;

/** A target that copies half of a source in its order, word by word. */
export const dictation: Task = {
  name: "monotone copy",
  pattern: "CC",
  about:
    "half of the words of a source are heard in their order, blurred; the contents of those words",
  make(seed, length) {
    const random = seeded(seed), heard = length / 2;
    const names = symbols(random, length);
    const values = contents(random, length, CONTENT);
    const words = shuffled(random, length).subarray(0, heard).sort();
    const blur = MUMBLE / Math.sqrt(DIM);
    const truth: DenseMatrix = rowsOf(values, words);
    return {
      problem: {
        pattern: "CC",
        queries: matrix32(
          heard,
          DIM,
          (i, c) => names.data[words[i] * DIM + c] + blur * random.normal(),
        ),
        keys: matrix32(length, DIM, (j, c) => names.data[j * DIM + c]),
        values,
        scale: SHARP,
      },
      truth,
      scored: new Uint8Array(heard * CONTENT).fill(1),
    };
  },
};
