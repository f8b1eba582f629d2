/**
 * Which inverse errs least on real inputs, and how much?
 *
 * Prints bench/nystrom.md:
 *
 * deno run --allow-read bench/nystrom.ts > bench/nystrom.md && deno fmt bench/nystrom.md
 *
 * @module
 */

import { nystrom } from "../src/method/mod.ts";
import {
  largestColumn,
  residualOf,
  rowSumDefectOf,
} from "../src/method/inverse.ts";
import { gammaOf, segmentMeans } from "../src/method/landmarks.ts";
import { checkSettings, type NystromOptions } from "../src/method/settings.ts";
import { inverseOf } from "../src/method/solver.ts";
import {
  scaledDotProductAttention,
  type ScaledDotProductAttentionOptions,
} from "../src/softmax/attention.ts";
import type { Tensor } from "../src/softmax/tensor.ts";
import { firstRows } from "../tests/patterns.ts";
import {
  type RealInputs,
  realInputs,
  relativeError,
} from "../tests/method/real_inputs.ts";

const LANDMARKS = [16, 32, 64];
/** By name. The first is what is published, and the row that others are measured against. */
const VARIANTS: readonly [string, Omit<NystromOptions, "landmarks">][] = [
  ["six iterations, one scale", { inverse: "iterative", initial: "original" }],
  ["six iterations", { inverse: "iterative" }],
  ["twelve iterations", { inverse: "iterative", iterations: 12 }],
  ["exact", { inverse: "exact" }],
  ["ridge 0.001", { inverse: "ridge", ridge: 0.001 }],
  ["ridge 0.1", { inverse: "ridge", ridge: 0.1 }],
  ["**ridge, one left out**", {}],
];

/** Makes outputs of a head with so many landmarks. */
type Answer = (head: Head, landmarks: number) => Floats;
type Floats = Float32Array | Float64Array | Uint8Array;

const CROSS: readonly [string, Answer][] = [
  ["queries", (head, landmarks) => ask(head, { landmarks })],
  [
    "keys",
    (head, landmarks) => ask(head, { landmarks, landmarkQueries: "keys" }),
  ],
  ["given", (head, size) => {
    const { queries } = before(head, size);
    return ask(head, { landmarks: size, landmarkQueries: queries });
  }],
  ["mean", (head) => {
    const { queries: { data, shape } } = head;
    const queries = { data: new Float64Array(data.length), shape };
    return ask({ ...head, queries });
  }],
];

const CAUSAL: readonly [string, Answer][] = [
  ...[
    ["**ridge, doubled**", {}] as const,
    ["ridge 0.1", { ridge: 0.1 }] as const,
    ["ridge 0.001", { ridge: 0.001 }] as const,
    ["six iterations", { inverse: "iterative" }] as const,
  ].map(([name, options]): [string, Answer] => [
    name,
    (head, size) => ask(head, { landmarks: before(head, size), ...options }),
  ]),
  ["ridge, for each row", (head, size) => {
    const { queries, keys, values, others: { scale } } = head;
    const [, , n, dim] = queries.shape, width = values.shape[3];
    const outputs = new Float64Array(n * width);
    const options = { landmarks: before(head, size) };
    for (let i = Math.ceil(n / 2); i < n; i++) {
      const row = { data: queries.data.slice(i * dim, (i + 1) * dim) };
      const output = ask({
        queries: { ...row, shape: [1, 1, 1, dim] },
        keys: firstRows(keys, i + 1),
        values: firstRows(values, i + 1),
        others: { scale },
      }, options);
      outputs.set(output, i * width);
    }
    return outputs;
  }],
  ["mean", (head) => {
    const { queries: { data, shape } } = head;
    const queries = { data: new Float64Array(data.length), shape };
    return ask({ ...head, queries });
  }],
];

console.log(`# The inverse of a Nyström attention

Which inverse errs least on real inputs, and how much? Relative error of the
output in the Frobenius norm over all heads, against exact attention in f64,
with 16, 32 and 64 landmarks, means of segments. **One scale** is the published
start of the iteration, at the largest sum of a column of all heads; without it
each head has its own. A **ridge** is given in the square of the largest
singular value of Γ without its means; leaving **one out** settles it head by
head, and is the default. **Residual**: the largest number in I − ΓZ, **row
sums**: how far the weights of a query are from adding up to 1 at most; both the
worst of all heads at 64 landmarks.

| inputs | inverse | 16 | 32 | 64 | residual | row sums |
| --- | --- | --: | --: | --: | --: | --: |`);
for (const inputs of realInputs()) {
  const { queries, keys, values, scale } = inputs;
  const exact = scaledDotProductAttention(queries, keys, values, { scale });
  for (const [name, options] of VARIANTS) {
    const errors = LANDMARKS.map((landmarks) => {
      const method = nystrom({ landmarks, ...options });
      const { output } = scaledDotProductAttention(queries, keys, values, {
        scale,
        method,
      });
      return relativeError(output, exact.output);
    });
    const { residual, defect } = diagnose(inputs, {
      landmarks: Math.max(...LANDMARKS),
      ...options,
    });
    const cells = [...errors.map(short), short(residual), short(defect)];
    console.log(`| ${inputs.name} | ${name} | ${cells.join(" | ")} |`);
  }
}
console.log(`
## Without a look at later queries

Where outputs are made in order, landmarks may not be means of all queries. The
same error, over the second half of the rows, with landmark queries that are
means of all **queries**, of the **keys**, or **given**, means of the first half
of the queries; and that of answering every query with
the **mean** of the values.

| inputs | landmark queries | 16 | 32 | 64 |
| --- | --- | --: | --: | --: |`);
for (const inputs of realInputs()) {
  for (const [name, answer] of CROSS) {
    const errors = LANDMARKS.map((size) =>
      secondHalf(inputs, {}, (head) => answer(head, size))
    );
    console.log(
      `| ${inputs.name} | ${name} | ${errors.map(short).join(" | ")} |`,
    );
  }
}
console.log(`
## Causal

The same over causal attention, with 8, 16 and 32 landmarks given, means of the
first half of the tokens, and as the **mean** that of the values so far. A ridge
that leaving one out settles is settled whenever the keys have **doubled**; in
place of that **for each row** anew, from the keys that it sees, or it is given.

| inputs | inverse | 8 | 16 | 32 |
| --- | --- | --: | --: | --: |`);
for (const inputs of realInputs().filter(isSelf)) {
  for (const [name, answer] of CAUSAL) {
    const errors = LANDMARKS.map((size) =>
      secondHalf(inputs, { causal: true }, (head) => answer(head, size / 2))
    );
    console.log(
      `| ${inputs.name} | ${name} | ${errors.map(short).join(" | ")} |`,
    );
  }
}
console.log(`
Generated by \`deno run --allow-read bench/nystrom.ts > bench/nystrom.md && deno fmt bench/nystrom.md\`.`);

/** A head, and what attention to it is asked besides. */
interface Head {
  queries: Tensor;
  keys: Tensor;
  values: Tensor;
  others: ScaledDotProductAttentionOptions;
}

/** Attention to a head, exact where there are no options. */
function ask(
  { queries, keys, values, others }: Head,
  options?: NystromOptions,
) {
  const method = options && nystrom(options);
  const all = { ...others, ...(method && { method }) };
  return scaledDotProductAttention(queries, keys, values, all).output.data;
}

/** Means of the first half of the tokens. */
function before({ queries, keys }: Head, size: number) {
  const half = Math.ceil(queries.shape[2] / 2);
  return {
    queries: meansOf(queries, half, size),
    keys: meansOf(keys, half, size),
  };
}

/** Means of segments of the first `count` rows of a head. */
function meansOf({ data, shape }: Tensor, count: number, size: number) {
  const dim = shape[3], rows = Float64Array.from(data);
  const places = Array.from({ length: count }, (_, row) => row);
  const means = segmentMeans(rows, dim, places, size);
  return Array.from(
    { length: size },
    (_, row) => means.slice(row * dim, (row + 1) * dim),
  );
}

/** Whether there is one sequence. */
function isSelf({ queries, keys }: RealInputs): boolean {
  return queries.shape[2] === keys.shape[2];
}

/** The relative error over the second half of the rows of all heads. */
function secondHalf(
  { queries, keys, values, scale }: RealInputs,
  options: ScaledDotProductAttentionOptions,
  answer: (head: Head) => Floats,
): number {
  const [, heads, n] = queries.shape, group = heads / keys.shape[1];
  const one = ({ data, shape: [, , length, width] }: Tensor, at: number) => ({
    data: data.slice(at * length * width, (at + 1) * length * width),
    shape: [1, 1, length, width],
  });
  const outputs: number[] = [], wanted: number[] = [];
  for (let at = 0; at < heads; at++) {
    const keyHead = Math.floor(at / group);
    const head: Head = {
      queries: one(queries, at),
      keys: one(keys, keyHead),
      values: one(values, keyHead),
      others: { ...options, scale },
    };
    const from = Math.ceil(n / 2) * values.shape[3];
    for (const x of answer(head).subarray(from)) outputs.push(x);
    for (const x of ask(head).subarray(from)) wanted.push(x);
  }
  const tensor = (numbers: number[]): Tensor => ({
    data: Float64Array.from(numbers),
    shape: [numbers.length],
  });
  return relativeError(tensor(outputs), tensor(wanted));
}

/** The worst residual and row-sum defect of all heads. */
function diagnose(
  { queries, keys, values, scale }: RealInputs,
  options: NystromOptions,
): { residual: number; defect: number } {
  const settings = checkSettings("measure", options), size = settings.landmarks;
  const [, heads, n, dim] = queries.shape, [, keyHeads, m] = keys.shape;
  const width = values.shape[3];
  const rows = (length: number) => Array.from({ length }, (_, row) => row);
  const head = (
    { data }: RealInputs["queries"],
    at: number,
    length: number,
    width: number,
  ) =>
    Float64Array.from(
      data.subarray(at * length * width, (at + 1) * length * width),
    );
  const parts = rows(heads).map((h) => {
    const keyHead = Math.floor(h / (heads / keyHeads));
    const q = segmentMeans(head(queries, h, n, dim), dim, rows(n), size);
    const k = segmentMeans(head(keys, keyHead, m, dim), dim, rows(m), size);
    // One head at a time, the landmark queries as queries.
    const answers = scaledDotProductAttention(
      { data: q, shape: [1, 1, size, dim] },
      { data: head(keys, keyHead, m, dim), shape: [1, 1, m, dim] },
      { data: head(values, keyHead, m, width), shape: [1, 1, m, width] },
      { scale },
    ).output.data as Float64Array;
    return { gamma: gammaOf(q, k, dim, size, scale, 0), answers };
  });
  const columns = parts.map(({ gamma }) => largestColumn(gamma, size));
  let residual = 0, defect = 0;
  parts.forEach(({ gamma, answers }, at) => {
    const column = settings.initial === "original"
      ? Math.max(...columns)
      : columns[at];
    const inverse = inverseOf(settings, gamma, size, answers, width, column);
    residual = Math.max(residual, residualOf(gamma, inverse, size));
    defect = Math.max(defect, rowSumDefectOf(inverse, size));
  });
  return { residual, defect };
}

function short(number: number): string {
  return number >= 1000 || number < 1e-3
    ? number.toExponential(1).replace("e+", "e")
    : number.toFixed(3);
}
