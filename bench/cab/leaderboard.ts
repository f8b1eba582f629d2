/**
 * The compositional index: metrics of many units made comparable, then averaged.
 *
 * Of the Comprehensive Attention Benchmark (https://arxiv.org/abs/2210.07661): a metric counts as its distance
 * from the mean of all methods in standard deviations, with the sign that makes more better; a task counts as the mean of its
 * metrics and a pattern as the mean of its tasks. A score that is missing is null, and so is all that it belongs to: its
 * published script takes a marker of −100 for a perplexity and makes +14.73 of it.
 *
 * @module
 */

import type { Pattern } from "./problem.ts";

/** What a task is measured by, among all who have been measured. */
export interface Metric {
  task: string;
  name: string;
  /** Of all methods. */
  mean: number;
  /** Of all methods; 0 where they are all alike, which compares nobody. */
  deviation: number;
  better: "less" | "more";
}

/** How a method stands: null where a score is missing. */
export interface Standing {
  /** By task. */
  tasks: Record<string, number | null>;
  index: number | null;
}

/** The index of one method from its values of the metrics, in their order. */
export function compositionalIndex(
  metrics: readonly Metric[],
  values: readonly (number | null)[],
): Standing {
  const parts: Record<string, (number | null)[]> = {};
  metrics.forEach(({ task, mean, deviation, better }, at) => {
    const value = values[at], sign = better === "more" ? 1 : -1;
    const part = value === null || deviation === 0
      ? null
      : sign * (value - mean) / deviation;
    (parts[task] ??= []).push(part);
  });
  const tasks = Object.fromEntries(
    Object.entries(parts).map(([task, all]) => [task, meanOf(all)]),
  );
  return { tasks, index: meanOf(Object.values(tasks)) };
}

/** Mean and deviation (of a sample) of the scores that there are; metrics of those who are compared here. */
export function metricOf(
  task: string,
  name: string,
  better: Metric["better"],
  values: readonly (number | null)[],
): Metric {
  const there = values.filter((value) => value !== null);
  const mean = meanOf(there) ?? 0;
  const squares = there.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = there.length < 2
    ? 0
    : Math.sqrt(squares / (there.length - 1));
  return { task, name, better, mean, deviation };
}

/** The mean; null if anything is missing, or everything. */
function meanOf(numbers: readonly (number | null)[]): number | null {
  let sum = 0;
  for (const number of numbers) {
    if (number === null) return null;
    sum += number;
  }
  return numbers.length === 0 ? null : sum / numbers.length;
}

/** Constants of the published benchmark, from its code: task, metric, mean, deviation, what is better. */
type Row = readonly [string, string, number, number, Metric["better"]];

const SPEECH: Record<"NS" | "CS" | "CC", readonly Row[]> = {
  NS: [
    ["TTS", "FastSpeech2 MCD", 3.4245, 0.06832, "less"],
    ["TTS", "FastSpeech2 MSD", 1.97429, 0.0361768, "less"],
    ["TTS", "Transformer MCD", 4.06947, 0.09422, "less"],
    ["TTS", "Transformer MSD", 2.19021, 0.03866, "less"],
  ],
  CS: [
    ["TTS", "MCD", 4.08325, 0.04529, "less"],
    ["TTS", "MSD", 2.20085, 0.01372, "less"],
  ],
  CC: [
    ["TTS", "MCD", 5.5037, 1.29239, "less"],
    ["TTS", "MSD", 2.6278, 0.42726, "less"],
  ],
};

const PUBLISHED: Record<Pattern, readonly Row[]> = {
  NS: [
    ...SPEECH.NS,
    ["Sum", "ROUGE-1", 34.88667, 1.39697, "more"],
    ["Sum", "ROUGE-2", 6.79333, 1.41078, "more"],
    ["Sum", "ROUGE-L", 31.96889, 1.31499, "more"],
    ["SR", "PSNR", 23.208, 0.27499, "more"],
    ["SR", "SSIM", 0.6758, 0.01557, "more"],
    ["MLM", "PPL", 36.292, 62.30827, "less"],
  ],
  CS: [
    ...SPEECH.CS,
    ["Sum", "ROUGE-1", 32.9575, 1.92754, "more"],
    ["Sum", "ROUGE-2", 6.0925, 0.41007, "more"],
    ["Sum", "ROUGE-L", 30.2575, 1.61951, "more"],
    ["LM", "PPL", 22.26, 8.29944, "less"],
  ],
  NC: [
    ["PCC", "CD-ℓ1", 7.7025, 0.64789, "less"],
    ["PCC", "CD-ℓ2", 0.24775, 0.03366, "less"],
    ["PCC", "F", 0.7625, 0.03906, "more"],
    ["LSTF", "ETT MSE", 1.18933, 0.05615, "less"],
    ["LSTF", "ETT MAE", 0.80625, 0.02193, "less"],
    ["LSTF", "ECL MSE", 0.47575, 0.01057, "less"],
    ["LSTF", "ECL MAE", 0.511, 0.00601, "less"],
    ["LSTF", "Weather MSE", 0.62025, 0.18948, "less"],
    ["LSTF", "Weather MAE", 0.58075, 0.10312, "less"],
  ],
  CC: [
    ...SPEECH.CC,
    ["Sum", "ROUGE-1", 31.35, 3.77103, "more"],
    ["Sum", "ROUGE-2", 5.26, 1.26028, "more"],
    ["Sum", "ROUGE-L", 28.8, 3.28638, "more"],
  ],
};

/** The metrics of the published benchmark. */
export function publishedMetrics(pattern: Pattern): Metric[] {
  return PUBLISHED[pattern].map(([task, name, mean, deviation, better]) => ({
    task,
    name,
    mean,
    deviation,
    better,
  }));
}

/** What the published benchmark has of vanilla attention, which shows whether the formula here is its formula. */
export const PUBLISHED_VANILLA: readonly {
  pattern: Pattern;
  /** In the order of the metrics. */
  values: readonly number[];
  /** As published, where it was: rounded or cut off after the third digit. */
  tasks: Record<string, number>;
  index: number;
}[] = [
  {
    pattern: "NS",
    values: [
      ...[3.4748, 1.9735, 4.0953, 2.1985],
      ...[34.61, 6.35, 31.66],
      ...[23.18, 0.675],
      3.42,
    ],
    tasks: { TTS: -0.3007, Sum: -0.246, SR: -0.0766, MLM: 0.5276 },
    index: -0.024,
  },
  {
    pattern: "NC",
    values: [
      ...[7.425, 0.231, 0.779],
      ...[1.138167, 0.77467, 0.478, 0.508, 0.449, 0.4855],
    ],
    tasks: { PCC: 0.4495, LSTF: 0.7442 },
    index: 0.596,
  },
  {
    pattern: "CC",
    values: [4.0953, 2.1985, 34.61, 6.35, 31.66],
    tasks: { TTS: 1.0473, Sum: 0.8665 },
    index: 0.956,
  },
];
