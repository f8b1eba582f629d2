/**
 * The four patterns of attention, and a probe that finds out whether an attention keeps to one.
 *
 * Queries, keys and values are of one sequence (self) or keys and values of another (cross); all of it may be seen, or
 * outputs are made in order (causal): noncausal self NS, causal self CS, noncausal cross NC, causal cross CC (Zhang et
 * al., CAB: Comprehensive Attention Benchmarking on Long Sequence Modeling, 2023, https://arxiv.org/abs/2210.07661,
 * section 3). Where they are in order, no output may depend on later tokens, or, of a cross-attention, on later queries.
 * The probe draws problems and looks at outputs up to some row when what is later is *cut off*, as the benchmark's own
 * test does, and when it is *changed* to something hostile, at the same shapes.
 *
 * @module
 */

import { type Random, seeded } from "../src/random.ts";
import type { Tensor } from "../src/softmax/tensor.ts";
import { pick } from "./scripts.ts";

/** The patterns, as the benchmark calls them. */
export const PATTERNS = ["NS", "CS", "NC", "CC"] as const;
export type Pattern = (typeof PATTERNS)[number];

/** Queries, keys and values: [batch, heads, length, width] each, of one kind of float. */
export interface Problem {
  pattern: Pattern;
  queries: Tensor;
  keys: Tensor;
  values: Tensor;
  /** Keys that stand before the first token: a cache, which everybody sees. */
  front: number;
  scale: number;
  /** For what an attention draws for itself. */
  seed: number;
}

/** An attention to be probed. */
export interface Probed {
  name: string;
  /** Draws a problem that it can be asked. */
  draw(random: Random, pattern: Pattern): Problem;
  /** [batch, heads, length, valueDim]; what it throws is a refusal. */
  attend(problem: Problem): Tensor;
  /** The same, on the way from another problem. One that remembers nothing makes no difference. */
  change?(before: Problem, after: Problem): Tensor;
}

/** How two outputs compare, the best first. */
export const LIKENESS = ["to the bit", "within rounding", "not"] as const;
export type Likeness = (typeof LIKENESS)[number];

/** What a probe found. */
export interface Found {
  /** Its sentence, where it refuses the pattern; then nothing else was found. */
  refusal: string | undefined;
  /** Where outputs are in order: whether they stay when what is later is changed, and when it is not there. */
  changed: Likeness;
  cut: Likeness;
  /** The first case in which they did not. */
  leak: string | undefined;
  /** How many outputs were compared. */
  compared: number;
}

/** What becomes of what is later. */
export const HOSTILE = [
  "fresh",
  "zeros",
  "copies",
  "huge",
  "NaN",
  "Infinity",
] as const;
export type Hostile = (typeof HOSTILE)[number];

/** Rows of each case up to which outputs are looked at. */
export const ROWS = 3;

/** Probes an attention for one pattern with so many problems. */
export function probe(
  probed: Probed,
  pattern: Pattern,
  cases: number,
  hostile: readonly Hostile[] = HOSTILE,
): Found {
  const found: Found = {
    refusal: undefined,
    changed: "to the bit",
    cut: "to the bit",
    leak: undefined,
    compared: 0,
  };
  let refused = 0, seen = 0;
  for (let seed = 1; seed <= cases; seed++) {
    const random = seeded(seed), problem = probed.draw(random, pattern);
    let whole: Tensor;
    try {
      whole = probed.attend(problem);
    } catch (error) {
      const { message } = error as Error;
      if (!message.startsWith("Cannot ")) throw error;
      found.refusal ??= message;
      refused++;
      continue;
    }
    if (sees(probed, problem, whole, random)) seen++;
    if (pattern === "NS" || pattern === "NC") continue;
    for (let at = 0; at < ROWS; at++) {
      // Something is later.
      const row = random.integer(problem.queries.shape[2] - 1);
      const how = pick(random, hostile);
      const go = probed.change ?? ((_, after) => probed.attend(after));
      const check = (what: "changed" | "cut", after: Problem) => {
        const output = go(problem, after);
        const likeness = compare(problem, output, whole, row);
        found.compared++;
        found[what] = worse(found[what], likeness);
        if (likeness === "not") {
          found.leak ??= `seed ${seed}, row ${row}, ${what} (${how})`;
        }
      };
      check("changed", changeLater(problem, row, how, random));
      check("cut", cutOff(problem, row));
    }
  }
  if (refused > 0 && refused < cases) {
    throw new Error(
      `${probed.name}, ${pattern}: refused ${refused} of ${cases}: ${found.refusal}`,
    );
  }
  if (refused === 0 && seen === 0) {
    throw new Error(
      `${probed.name}, ${pattern}: no output depends on what it may see`,
    );
  }
  return found;
}

/** Whether an output keeps to its pattern. */
export function isSafe({ refusal, changed, cut }: Found): boolean {
  return refusal === undefined && changed !== "not" && cut !== "not";
}

/** The attention that is asked to hide nothing, whatever the pattern. */
export function unguarded(probed: Probed): Probed {
  const open = (problem: Problem): Problem => ({
    ...problem,
    pattern: problem.pattern === "CS" ? "NS" : "NC",
  });
  const { change } = probed;
  return {
    ...probed,
    attend: (problem) => probed.attend(open(problem)),
    ...(change === undefined ? {} : {
      change: (before, after) => change(open(before), open(after)),
    }),
  };
}

/** Draws tensors of a problem, all of one kind. */
export function drawProblem(
  random: Random,
  pattern: Pattern,
  options: {
    kind: "f32" | "f64";
    /** Whether there may be several batches and heads. */
    grouped: boolean;
  },
): Problem {
  const isSelf = pattern.endsWith("S"), { kind, grouped } = options;
  const batches = grouped ? 1 + random.integer(2) : 1;
  const [heads, keyHeads] = grouped
    ? pick(random, [[1, 1], [2, 2], [4, 2], [3, 1]])
    : [1, 1];
  // Beyond a group of lanes, and now and then beyond a block of rows and of keys.
  const draw = () =>
    2 + random.integer(pick(random, [6, 20, 20, grouped ? 150 : 40]));
  const length = draw();
  const front = isSelf ? pick(random, [0, 0, 1, 7]) : 0;
  const count = isSelf ? front + length : draw();
  const dim = 1 + random.integer(9), valueDim = 1 + random.integer(6);
  const gain = pick(random, [0.3, 1, 3]);
  const tensor = (gain: number, ...shape: number[]): Tensor => {
    const size = shape.reduce((a, b) => a * b, 1);
    const numbers = Array.from(
      { length: size },
      () => gain * random.normal(),
    );
    // What is maintained stores 32 bits, whatever it is given.
    const data = Float32Array.from(numbers);
    return { data: kind === "f32" ? data : Float64Array.from(data), shape };
  };
  return {
    pattern,
    queries: tensor(gain, batches, heads, length, dim),
    keys: tensor(gain, batches, keyHeads, count, dim),
    values: tensor(1, batches, keyHeads, count, valueDim),
    front,
    scale: pick(random, [1 / Math.sqrt(dim), 1, -0.7]),
    seed: 1 + random.integer(2 ** 31),
  };
}

/** How many rows of each head remain: the first ones. */
export function firstRows({ data, shape }: Tensor, length: number): Tensor {
  return rowsOf({ data, shape }, length, (head, row) => [head, row]);
}

/** The numbers of one row. */
export function rowAt(
  { data, shape: [, , length, width] }: Tensor,
  head: number,
  row: number,
): Tensor["data"] {
  const at = (head * length + row) * width;
  return data.subarray(at, at + width);
}

/** The problem that ends with a query: with its token where there is one sequence. */
export function cutOff(problem: Problem, row: number): Problem {
  const { pattern, queries, keys, values, front } = problem;
  const count = pattern === "CS" ? front + row + 1 : keys.shape[2];
  return {
    ...problem,
    queries: firstRows(queries, row + 1),
    keys: firstRows(keys, count),
    values: firstRows(values, count),
  };
}

/** The problem with other queries behind one, and other tokens where there is one sequence. */
export function changeLater(
  problem: Problem,
  row: number,
  how: Hostile,
  random: Random,
): Problem {
  const { pattern, queries, keys, values, front } = problem;
  const last = pattern === "CS" ? front + row : Infinity;
  return {
    ...problem,
    queries: spoil(queries, row, how, random),
    keys: spoil(keys, last, how, random),
    values: spoil(values, last, how, random),
  };
}

/** Rows behind one, made hostile. */
function spoil(
  tensor: Tensor,
  last: number,
  how: Hostile,
  random: Random,
): Tensor {
  const { shape: [, , length, width], data } = tensor;
  // Its square, times the number of columns, is no 32-bit float, or no 64-bit one.
  const huge = data.BYTES_PER_ELEMENT === 4 ? 2 ** 70 : 2 ** 600;
  const spoilt = rowsOf(tensor, length, (head, row) => [head, row]);
  for (let head = 0; head < tensor.shape[0] * tensor.shape[1]; head++) {
    for (let row = last + 1; row < length; row++) {
      const to = rowAt(spoilt, head, row);
      if (how === "zeros") to.fill(0);
      else if (how === "NaN") to[random.integer(width)] = NaN;
      else if (how === "Infinity") to[random.integer(width)] = Infinity;
      else if (how === "huge") to.forEach((x, c) => to[c] = x * huge);
      else if (how === "copies") {
        to.set(rowAt(tensor, head, random.integer(last + 1)));
      } else to.forEach((_, c) => to[c] = random.normal());
    }
  }
  return spoilt;
}

/** Whether some output depends on what it may see: the first on the last key, or, causal, the last on the first. */
function sees(
  probed: Probed,
  problem: Problem,
  whole: Tensor,
  random: Random,
): boolean {
  const { pattern, keys, values, queries } = problem;
  const [from, row] = pattern === "CS"
    ? [0, queries.shape[2] - 1]
    : [keys.shape[2] - 1, 0];
  const other = rowsOf(values, values.shape[2], (head, row) => [head, row]);
  for (let head = 0; head < values.shape[0] * values.shape[1]; head++) {
    const to = rowAt(other, head, from);
    to.forEach((_, c) => to[c] = random.normal());
  }
  const output = probed.attend({ ...problem, values: other });
  return rowAt(output, 0, row).some((x, c) => x !== rowAt(whole, 0, row)[c]);
}

/** Rows that are picked: of which head, and which. */
function rowsOf(
  tensor: Tensor,
  length: number,
  from: (head: number, row: number) => [number, number],
): Tensor {
  const { data, shape: [batches, heads, , width] } = tensor;
  const Floats = data.constructor as Float64ArrayConstructor;
  const picked: Tensor = {
    data: new Floats(batches * heads * length * width),
    shape: [batches, heads, length, width],
  };
  for (let head = 0; head < batches * heads; head++) {
    for (let row = 0; row < length; row++) {
      rowAt(picked, head, row).set(rowAt(tensor, ...from(head, row)));
    }
  }
  return picked;
}

/** How the outputs of all heads compare up to a row. */
function compare(
  problem: Problem,
  actual: Tensor,
  expected: Tensor,
  last: number,
): Likeness {
  const [batches, heads] = expected.shape, limit = rounding(problem, expected);
  let likeness: Likeness = "to the bit";
  for (let head = 0; head < batches * heads; head++) {
    for (let row = 0; row <= last; row++) {
      const wanted = rowAt(expected, head, row);
      rowAt(actual, head, row).forEach((x, c) => {
        if (Object.is(x, wanted[c])) return;
        const isNear = Math.abs(x - wanted[c]) <= limit;
        likeness = worse(likeness, isNear ? "within rounding" : "not");
      });
    }
  }
  return likeness;
}

function worse(a: Likeness, b: Likeness): Likeness {
  return LIKENESS.indexOf(a) > LIKENESS.indexOf(b) ? a : b;
}

/**
 * How far two softmax averages over the same keys may be apart, both rounded as their output is.
 *
 * With u the unit, S the largest Σ|q_t k_t| · scale and V the largest value: a score errs by (dim + 2)·u·S, so a weight by
 * that factor and some 6u for its exponential; an average over m keys errs by twice what its weights do and by 2(m + 2)u
 * for its sums; rounding it once more by u. All of it in units of V, and twice, for two of them.
 */
function rounding(
  { queries, keys, values, scale }: Problem,
  output: Tensor,
): number {
  const [, , count, dim] = keys.shape;
  const unit = output.data.BYTES_PER_ELEMENT === 4 ? 2 ** -24 : 2 ** -53;
  const peak = ({ data }: Tensor) => {
    let most = 0;
    for (const x of data) most = Math.max(most, Math.abs(x));
    return most;
  };
  const score = dim * peak(queries) * peak(keys) * Math.abs(scale);
  const average = 2 * ((dim + 2) * score + 6) + 2 * (count + 2) + 1;
  return 2 * average * unit * peak(values);
}
