/**
 * A stream as its user sees it: the last samples in a list, and what attention over them has to be.
 *
 * It shares no code with `src/stream/`: no ring, no biases that grow, no sums.
 *
 * @module
 */

import type { ContinualOptions, Sample } from "../../src/stream/mod.ts";
import type { Random } from "../../src/random.ts";
import { trueOutput } from "../truth.ts";

/** What is given at each step. */
export type Given = Sample | null;

/** Options, and all samples so far. */
export interface Plain {
  options: ContinualOptions;
  samples: Given[];
}

/** A whole part, rounded after its position was added; undefined where it is missing. */
function partAt(
  { options, samples }: Plain,
  step: number,
  name: keyof Sample,
): Float32Array | undefined {
  const part = samples[step]?.[name];
  if (part == null || !Array.from(part).every(Number.isFinite)) return;
  const table = options.positions as number[][] | undefined;
  if (table === undefined || name === "value") return Float32Array.from(part);
  return Float32Array.from(part, (x, t) => x + table[step % table.length][t]);
}

/** The row of each query in the window, oldest first, and how far f64 biases may take it from what is stored. */
export function plainRows(plain: Plain): number[][] {
  const { options, samples } = plain, now = samples.length - 1;
  const { window, dim, decay = 0, valueDim = dim } = options;
  const { scale = 1 / Math.sqrt(dim || 1) } = options;
  const steps = samples.map((_, step) => step).slice(-window);
  const entries = steps.flatMap((step) => {
    const key = partAt(plain, step, "key"),
      value = partAt(plain, step, "value");
    if (key === undefined || value === undefined) return [];
    // As an age: what is stored counts from another step, which makes no difference to weights.
    return [{ key, value, bias: decay * (step - now) }];
  });
  return steps.map((step) => {
    const query = partAt(plain, step, "query");
    return query === undefined
      ? new Array<number>(valueDim).fill(0)
      : [...trueOutput(query, entries, scale, valueDim)];
  });
}

/**
 * How far rounded biases can take an output from that of exact ones, in units of the largest value.
 *
 * A bias is off by half a unit of its last place on either side: h together, and weights by a factor within e^±h. That
 * moves an average by no more than h times the distance of the values from it, twice the largest. No bias is larger
 * than 4096 or two windows of decay.
 */
export function biasSlack({ window, decay = 0 }: ContinualOptions): number {
  return decay === 0 ? 0 : 2 ** -51 * (2 ** 12 + 2 * window * decay);
}

/** Normal numbers, now and then a part or a number missing. */
export function drawSample(
  random: Random,
  { dim, valueDim = dim }: ContinualOptions,
  gain: number,
  missing: number,
): Given {
  const holes = [NaN, Infinity, -Infinity];
  const part = (width: number, size: number) => {
    const numbers = Array.from({ length: width }, () => size * random.normal());
    if (random.uniform() >= missing) return numbers;
    if (width === 0 || random.uniform() < 0.3) return null;
    numbers[random.integer(width)] = holes[random.integer(3)];
    return numbers;
  };
  if (random.uniform() < missing / 4) return null;
  return {
    query: part(dim, gain),
    key: part(dim, gain),
    value: part(valueDim, 1),
  };
}
