/**
 * Seeded attention calls and the bounds that their results must keep.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { modules } from "../../src/kernel/wasm.ts";
import type { Random } from "../../src/random.ts";
import {
  scaledDotProductAttention,
  type ScaledDotProductAttentionOptions,
  type ScaledDotProductAttentionResult,
} from "../../src/softmax/attention.ts";
import type { Tensor } from "../../src/softmax/tensor.ts";
import { reference } from "./reference.ts";

/** Half the distance from 1 to the next 32- or 64-bit number, and from 0 to the next 32-bit number. */
export const UNIT32 = 2 ** -24;
export const UNIT64 = 2 ** -53;
const LEAST32 = 2 ** -150;

/** A kernel by its name. */
export type Kernel = "scalar" | "simd" | "relaxed";

/** The kernels of this engine. */
export const KERNELS: readonly Kernel[] =
  (["scalar", "simd", "relaxed"] as const)
    .filter((kernel) => kernel === "scalar" || modules[kernel] !== undefined);

/** Runs a test over every kernel. */
export function test(title: string, test: (kernel: Kernel) => void): void {
  for (const kernel of KERNELS) {
    Deno.test(`${title} (${kernel})`, () => test(kernel));
  }
}

/** Arguments of scaledDotProductAttention. */
export interface Call {
  queries: Tensor;
  keys: Tensor;
  values: Tensor;
  options: ScaledDotProductAttentionOptions;
}

/** A tensor of normal numbers times `gain`. */
export function normal(
  random: Random,
  shape: readonly number[],
  gain = 1,
  double = false,
): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const numbers = Array.from({ length: size }, () => random.normal() * gain);
  return {
    data: double ? Float64Array.from(numbers) : Float32Array.from(numbers),
    shape,
  };
}

/** A mask, of bytes or of biases, a third of which say no. */
export function randomMask(
  random: Random,
  shape: readonly number[],
  kind: "bytes" | "f32" | "f64",
): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const no = Array.from({ length: size }, () => random.integer(3) === 0);
  if (kind === "bytes") {
    return { data: Uint8Array.from(no, (yes) => yes ? 0 : 1), shape };
  }
  const bias = no.map((yes) => yes ? -Infinity : 3 * random.normal());
  return {
    data: kind === "f32" ? Float32Array.from(bias) : Float64Array.from(bias),
    shape,
  };
}

/** A call with any combination of options and awkward sizes. */
export function randomCall(random: Random): Call {
  const one = <T>(...choices: T[]): T =>
    choices[random.integer(choices.length)];
  const maybe = <T>(make: () => T): T | undefined =>
    random.integer(2) === 0 ? make() : undefined;
  const batches = one(0, 1, 1, 2, 2, 3), keyHeads = one(1, 2);
  const heads = keyHeads * one(1, 2, 3);
  const n = one(0, 1, 2, 3, 4, 5, 7, 45), past = maybe(() => one(0, 1, 2, 61));
  const length = one(0, 1, 2, 3, 4, 5, 15, 63, 64, 65, 130);
  const m = length + (past ?? 0);
  const dim = one(0, 1, 3, 4, 8, 15), valueDim = one(0, 1, 4, 5, 9);
  const double = random.integer(3) === 0, packed = random.integer(2) === 0;
  const gain = one(0.1, 1, 5);
  const tensor = (count: number, rows: number, width: number, size: number) =>
    normal(
      random,
      packed ? [batches, rows, count * width] : [batches, count, rows, width],
      size,
      double,
    );
  const lengths = Array.from({ length: batches }, () => random.integer(m + 1));
  const maskShape = [batches, heads, n].map((axis) => one(1, axis));
  const options: ScaledDotProductAttentionOptions = {
    heads: packed ? heads : undefined,
    keyHeads: packed && (keyHeads !== heads || random.integer(2) === 0)
      ? keyHeads
      : undefined,
    scale: maybe(() => random.normal()),
    softcap: maybe(() => one(0.5, 3, 30)),
    causal: maybe(() => one(true, true, false)),
    mask: maybe(() =>
      randomMask(
        random,
        [...maskShape, one(m, m, random.integer(m + 1))].slice(
          one(0, 0, 1, 2, 3),
        ),
        one("bytes", "f32", "f64"),
      )
    ),
    window: maybe(() => ({
      left: maybe(() => random.integer(20)),
      right: maybe(() => random.integer(20)),
    })),
    scores: maybe(() => one("raw", "softcapped", "biased", "weights")),
  };
  if (past !== undefined) {
    const cache = (width: number) =>
      normal(random, [batches, keyHeads, past, width], 1, double);
    options.pastKeys = cache(dim);
    options.pastValues = cache(valueDim);
  } else if (random.integer(2) === 0) options.keyLengths = lengths;
  return {
    queries: tensor(heads, n, dim, gain),
    keys: tensor(keyHeads, length, dim, gain),
    values: tensor(keyHeads, length, valueDim, 1),
    options,
  };
}

/** Runs a call on a kernel. */
export function run(
  { queries, keys, values, options }: Call,
  kernel: Kernel,
): ScaledDotProductAttentionResult {
  return scaledDotProductAttention(queries, keys, values, {
    ...options,
    kernel,
  });
}

/** Whether a kernel works on a call in 32 bits: all of it is in them, and no scores are asked for. */
export function isSingle(
  { queries, keys, values, options }: Call,
  kernel: Kernel,
): boolean {
  return kernel !== "scalar" && options.scores === undefined &&
    [queries, keys, values].every(({ data }) => data instanceof Float32Array);
}

/**
 * Asserts that the output and the scores of a call are those of the definition, evaluated in f64.
 *
 * Both evaluations add up at most d + 8 roundings of a score, to which a weight answers with twice the error (its own
 * and that of the sum), 2m of the two sums and 20 of exp and quotient, in units of 2⁻⁵³ of the largest value, or of 2⁻²⁴
 * where the kernel works in 32 bits. Results in 32 bits are rounded once more, by half a unit in the last place.
 */
export function assertDefinition(
  call: Call,
  title: string,
  kernel: Kernel,
): void {
  const { queries, keys, values, options } = call;
  title += `, ${kernel}`;
  const unit = isSingle(call, kernel) ? UNIT32 : UNIT64;
  const result = run(call, kernel),
    truth = reference(queries, keys, values, options);
  const dim = queries.shape[queries.shape.length - 1];
  const past = options.pastKeys?.shape[2] ?? 0;
  const m = past + keys.shape[options.heads === undefined ? 2 : 1];
  const size = truth.scoreSize + (options.softcap ?? 0);
  const relative = (4 * (dim + 8) * size + 2 * m + 40) * unit;
  const largest = Math.max(
    ...Array.from(values.data, Math.abs),
    ...Array.from(options.pastValues?.data ?? [], Math.abs),
  );
  assertNear(result.output, truth.output, relative * largest, title);
  const { scores: kind } = options;
  assertEquals(result.scores === undefined, kind === undefined, title);
  if (kind === undefined || result.scores === undefined) return;
  const bound = kind === "weights" ? relative : 2 * (dim + 8) * size * unit;
  assertNear(result.scores, truth.scores[kind], bound, `${title}, ${kind}`);
}

/** Asserts that numbers are the truth rounded once to their precision, but for an error of `bound`. */
export function assertNear(
  { data }: Tensor,
  truth: ArrayLike<number>,
  bound: number,
  title: string,
): void {
  assertEquals(data.length, truth.length, title);
  const single = data instanceof Float32Array;
  for (let i = 0; i < truth.length; i++) {
    if (data[i] === truth[i]) continue;
    const last = single ? UNIT32 * Math.abs(truth[i]) + LEAST32 : 0;
    const error = Math.abs(data[i] - truth[i]);
    assert(
      error <= last + bound,
      `${title}: [${i}] is ${data[i]}, not ${truth[i]}; error ${error}, bound ${
        last + bound
      }`,
    );
  }
}
