/**
 * NS: a sequence that looks at all of itself. One task needs a single needle, the other everything around.
 *
 * @module
 */

import { seeded } from "../../../src/random.ts";
import { matrix32 } from "../problem.ts";
import type { Task } from "../tasks.ts";
import { contents, DIM, rowsOf, shuffled, symbols } from "./codes.ts";

const CONTENT = 8;
/** So sharp that the needle outweighs all other tokens of the longest sequence together. */
const SHARP = 40;
/** The noise of a pointer beside the code of length 1 that it points to. */
const BLUR = 0.3;

/** Each token points to one other, by a blurred copy of its name. */
export const retrieval: Task = {
  name: "retrieval",
  pattern: "NS",
  about:
    "each token has a name, a content and a blurred copy of the name of one other token, whose content is asked for",
  make(seed, length) {
    const random = seeded(seed);
    const names = symbols(random, length);
    const values = contents(random, length, CONTENT);
    // One cycle through all tokens: nobody points to itself.
    const order = shuffled(random, length), target = new Int32Array(length);
    order.forEach((token, at) => target[token] = order[(at + 1) % length]);
    const blur = BLUR / Math.sqrt(DIM);
    return {
      problem: {
        pattern: "NS",
        keys: matrix32(length, DIM, (j, c) => names.data[j * DIM + c]),
        queries: matrix32(
          length,
          DIM,
          (i, c) => names.data[target[i] * DIM + c] + blur * random.normal(),
        ),
        values,
        scale: SHARP,
      },
      truth: rowsOf(values, target),
      scored: new Uint8Array(length * CONTENT).fill(1),
    };
  },
};

const CURVES = 4;
/** Waves of the curves around the circle. */
const WAVES = 2;
/** The kernel exp(κ cos Δ) is √κ sharp: it takes in a tenth of the circle. */
const KAPPA = 30;
/** The deviation of what is measured, where the curves deviate by 1. */
const NOISE = 1;

/** Places in order around a circle, each with a noisy measurement of smooth curves. */
export const smoothing: Task = {
  name: "smoothing",
  pattern: "NS",
  about:
    "smooth curves around a circle are measured with as much noise as signal, and asked for without the noise",
  make(seed, length) {
    const random = seeded(seed);
    const angles = Float64Array.from(
      { length },
      () => 2 * Math.PI * random.uniform(),
    ).sort();
    // Curves of deviation 1.
    const size = 1 / Math.sqrt(WAVES);
    const factors = Float64Array.from(
      { length: CURVES * WAVES * 2 },
      () => size * random.normal(),
    );
    const truth = matrix32(length, CURVES, (i, curve) => {
      let height = 0;
      for (let wave = 0; wave < WAVES; wave++) {
        const at = 2 * (curve * WAVES + wave), angle = (wave + 1) * angles[i];
        height += factors[at] * Math.cos(angle) +
          factors[at + 1] * Math.sin(angle);
      }
      return height;
    });
    const places = matrix32(
      length,
      2,
      (i, c) => c === 0 ? Math.cos(angles[i]) : Math.sin(angles[i]),
    );
    return {
      problem: {
        pattern: "NS",
        queries: places,
        keys: places,
        values: matrix32(
          length,
          CURVES,
          (i, c) => truth.data[i * CURVES + c] + NOISE * random.normal(),
        ),
        scale: KAPPA,
      },
      truth,
      scored: new Uint8Array(length * CURVES).fill(1),
    };
  },
};
