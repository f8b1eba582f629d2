/**
 * What the page says about its tables.
 *
 * @module
 */

import { VANILLA } from "./methods.ts";
import type { Circumstances } from "./report.ts";

/** How everything is measured. */
export function about({ busy, length, seeds }: Circumstances): string {
  return `Every task is a seeded world with a known answer (\`tasks/\`), which attention may find or not. The **error to the
truth** is √(Σ (answer − truth)² / Σ (truth − mean truth)²): 1 is what the best constant has. Against exact attention
(\`${VANILLA}\`, f64): the relative Frobenius error; how often the largest weight is that of the same key (**top-1
agreement**); and Σ min(weight, exact weight), which for a method that renormalises exact weights over some keys is the mass
of these keys (**captured mass**). Only queries whose answer is asked for count. Weights are read off by attending with one
value of its own for each key; a method that fits itself to the values has none. What a contestant cannot do it refuses, and its sentence stands in place of a number; in CS and
CC it also has to answer the first half of the queries alike when nothing else is known yet (tolerance 1e-4 in all, as
published). Nothing is trained: cells, features and directions are drawn by seed.

Multiply-adds and bytes are counted: plain loops count their own, bytes being those of all matrices that they make; for
contestants of the library an attention is filled with the same problem, read once, and asked for its \`stats\`, which include
what it keeps for later changes. Times are medians ${
    busy ? "of the processor, since others used the machine" : "on the clock"
  }, one thread, all contestants taking turns; \`exact, ours\` runs
in 32 bits on WebAssembly, everything else in 64 bits in JavaScript. Sequences of ${length}, means over ${seeds} ${
    seeds === 1 ? "seed" : "seeds"
  }.`;
}

/** Of the indices. */
export const LEADERBOARD =
  "The compositional index (https://arxiv.org/abs/2210.07661): for each task (mean error − error) / deviation over all contestants that did it, for a pattern the mean of its tasks. A dash where a task was refused: what is missing is no number.";

/** Of their correlation. */
export const CORRELATION =
  "Pearson's correlation of the indices of contestants that have both; in parentheses how many. Below three there is none.";

/** Of the published indices. */
export const VANILLA_ROWS =
  "Its mean and deviation of each metric, and what it has measured of vanilla attention, give the published indices (its README cuts or rounds to three digits, and has −0.246 for Sum in NS where its constants give −0.249).";

/** Of real inputs. */
export const REAL =
  "Heads of trained models and a memory of nouns (`tests/fixtures/real`, `examples/semantic_memory`), relative Frobenius error over all heads of a set; where chance plays a part the median of the seeds, and their range. Published are figures that others computed from the same files. Those of use-lite and stories come out digit for digit where no chance is involved. Those of wordnet do not, not even for the mean of V and 16 exact keys: what was done differently is not known.";

/** Of growth and efficiency lengths. */
export const GROWTH =
  "One head of dim 64 over itself, normal numbers (costs, not errors): the mean of the middle half of the times. The efficiency length L* is the larger root of aL² + bL + c = dL + e, exact attention on the left, a method on the right; of times the shortest sequence is left out, as published. Least squares look after the longest sequences, so that it may lie above lengths at which a method was already cheaper: the first column says from which measured length on it was.";

/** Of the streams. */
export const EDITS =
  "A memory of 256 nouns answers 64 words (dim = valueDim = 512, scale 40) while it changes. All figures are for one change, reads of all 64 included; the error is that of the reads, against the textbook over a mirror of what should be stored. Whoever is restarted keeps 32-bit rows only and computes anew at each read. `pruned(0.75)` has observed and pruned before the first change, and never again.";
