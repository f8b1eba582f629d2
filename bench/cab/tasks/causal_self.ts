/**
 * CS: a sequence that looks back at itself. Both answers lie far behind, and looking ahead spoils one of them.
 *
 * @module
 */

import { DenseMatrix } from "@reattend/reattend";
import { seeded } from "../../../src/random.ts";
import { matrix32 } from "../problem.ts";
import type { Task } from "../tasks.ts";
import {
  contents,
  DIM,
  frequencies,
  placeCode,
  shuffled,
  symbols,
} from "./codes.ts";

const CONTENT = 8;
/** So sharp that one token outweighs all others of the longest sequence together. */
const SHARP = 40;
/** How far a token that only asks is from being asked, in scores. */
const SHY = 60;

/**
 * A third of the tokens write under a name, a third asks under each name in another order, a third writes other contents
 * under the same names, which those who asked cannot have known.
 */
export const recall: Task = {
  name: "associative recall",
  pattern: "CS",
  about:
    "contents are written under names, asked for, and later overwritten; the content as it was when asked",
  make(seed, length) {
    const random = seeded(seed), count = Math.floor(length / 3);
    const names = symbols(random, count);
    const asked = shuffled(random, count), rewritten = shuffled(random, count);
    const rest = length - 3 * count;
    /** What a token does: who of `count`, and whether it asks. The first few tokens of a length that does not divide ask nothing. */
    const tokens = [
      ...Array.from({ length: rest }, () => ({ name: -1, asks: false })),
      ...Array.from({ length: count }, (_, name) => ({ name, asks: false })),
      ...Array.from(asked, (name) => ({ name, asks: true })),
      ...Array.from(rewritten, (name) => ({ name, asks: false })),
    ];
    const values = contents(random, length, CONTENT);
    const memory = new Map<number, Float64Array>();
    const truth = new DenseMatrix(length, CONTENT);
    const scored = new Uint8Array(length * CONTENT);
    tokens.forEach(({ name, asks }, at) => {
      const from = at * CONTENT, to = from + CONTENT;
      if (!asks) return memory.set(name, values.data.subarray(from, to));
      truth.data.set(memory.get(name)!, from);
      scored.fill(1, from, to);
    });
    const code = (i: number, c: number) =>
      tokens[i].name < 0 ? 0 : names.data[tokens[i].name * DIM + c];
    return {
      problem: {
        pattern: "CS",
        // The last number keeps those who ask from answering.
        queries: matrix32(
          length,
          DIM + 1,
          (i, c) => c === DIM ? 1 : code(i, c),
        ),
        keys: matrix32(
          length,
          DIM + 1,
          (j, c) => c < DIM ? code(j, c) : tokens[j].asks ? -SHY / SHARP : 0,
        ),
        values,
        scale: SHARP,
      },
      truth,
      scored,
    };
  },
};

/** Each token repeats what stood half a length before it. */
export const copying: Task = {
  name: "copy at a distance",
  pattern: "CS",
  about: "what stood half a sequence before",
  make(seed, length) {
    const random = seeded(seed), distance = length / 2;
    const waves = frequencies(random);
    const values = contents(random, length, CONTENT);
    const truth = new DenseMatrix(length, CONTENT);
    const from = distance * CONTENT;
    truth.data.set(values.data.subarray(0, length * CONTENT - from), from);
    return {
      problem: {
        pattern: "CS",
        queries: matrix32(
          length,
          DIM,
          (i, c) => placeCode(waves, i - distance, c),
        ),
        keys: matrix32(length, DIM, (j, c) => placeCode(waves, j, c)),
        values,
        scale: SHARP,
      },
      truth,
      scored: new Uint8Array(length * CONTENT).fill(1, from),
    };
  },
};
