/**
 * Continual low-rank attention: a window of tokens, seen by way of a few landmarks, a token at a time.
 *
 * Nyström attention over a sliding window (G. Carreto Picón, L. Hedegaard, A. Iosifidis, Continual Low-Rank Scaled
 * Dot-product Attention, 2024, https://arxiv.org/abs/2412.03214): a row is f Z Y with f = softmax(q K̃ᵀ), Z an inverse of
 * Γ = softmax(Q̃ K̃ᵀ) and Y = softmax(Q̃ Kᵀ) V. Y changes with every token; f does for the newest row alone, unless a
 * landmark is replaced. The published recurrences add and take away exp(q · k), which overflows and cancels, and pair a
 * row with the landmark weight of its neighbour when a landmark is replaced. Here Y are the answers of standing queries
 * of a maintained attention, exact after any number of steps, and rows keep their scores to the landmarks.
 *
 * @module
 */

import { type Attention, attentionOf, createMemory } from "../attention.ts";
import { append, unwatch, watch } from "../change.ts";
import {
  checkInteger,
  checkOptions,
  counted,
  type Id,
  show,
} from "../check.ts";
import type { KernelChoice } from "../kernel/choose.ts";
import { DenseMatrix } from "../matrix/dense.ts";
import { checkRows, rowOf } from "../matrix/input.ts";
import { MOST_KEYS } from "../memory/keys.ts";
import type { Memory } from "../memory/memory.ts";
import {
  scoreLandmarks,
  segmentStart,
  weighScores,
} from "../method/landmarks.ts";
import { ANSWER_BITS } from "../method/nystrom_rows.ts";
import { checkLandmarks, type FixedLandmarks } from "../method/given.ts";
import { checkInverse, type InverseOptions } from "../method/settings.ts";
import { diagnose } from "../method/solver.ts";
import { attend, outputs } from "../read.ts";
import type { Rows } from "../rows.ts";
import { PRECISION } from "../softmax/canon.ts";
import {
  followStanding,
  makeStanding,
  placeLandmark,
  type Standing,
} from "./standing.ts";

/** Options of {@linkcode lowRankStream}. */
export interface LowRankOptions extends InverseOptions {
  /** Numbers in a query and in a key. */
  dim: number;
  /** Numbers in a value; as many as in a key if left out. */
  valueDim?: number;
  /** So many tokens are seen, the newest ones. */
  window: number;
  /**
   * How many: each is the mean of the tokens since the one before, of which the oldest leaves, so that they always
   * stand for about one window. Or given ones, which stay as they are.
   */
  landmarks: number | FixedLandmarks;
  /** Whose outputs a step gives: the newest token's if left out, or those of all tokens in the window. */
  outputs?: "newest" | "all";
  /** Multiplies the dot products; 1/√dim if left out. */
  scale?: number;
  /** Which kernel computes, with the same answers. */
  kernel?: KernelChoice;
}

/** What a stream has done, and how good its inverse is. */
export interface LowRankStats {
  /** Landmarks in use; 0 while outputs are exact. */
  landmarks: number;
  /** How often Γ was inverted from nothing. */
  refactored: number;
  /** The largest number in I − ΓZ, in size. */
  residual: number;
  /** How far the weights of any query are from adding up to 1, at most. */
  rowSumDefect: number;
  /** Multiply-adds spent so far. */
  multiplyAdds: number;
}

/** A stream of tokens; made by {@linkcode lowRankStream}. */
export interface LowRankStream {
  /** Tokens in the window. */
  readonly size: number;
  /** Takes a token in and gives the outputs, oldest token first: 1 × valueDim, or size × valueDim for all rows. */
  push(query: Rows, key: Rows, value: Rows): DenseMatrix;
  /** What it has done. Costs landmarks³ multiply-adds, for the residual. */
  stats(): LowRankStats;
}

const VERB = "make a low-rank stream";
const OPTIONS = [
  "dim",
  "valueDim",
  "window",
  "landmarks",
  "outputs",
  "scale",
  "kernel",
  "inverse",
  "ridge",
  "iterations",
  "initial",
];

/**
 * Makes a stream of low-rank attention over a sliding window.
 *
 * It is an approximation without a bound; `nystrom` says how far it may be off. Outputs are exact, to the bit, until
 * there are as many landmarks as asked for (with means, for the first window), and while the window holds no more tokens
 * than there are landmarks. Landmarks that are means lag behind by up to window/landmarks − 1 tokens. Where that is no
 * whole number, segments of two lengths take turns. Tokens are rounded to 32-bit floats.
 *
 * The inverse "exact" is followed: two rank-one updates and a step of Newton for each new landmark, and a look at what is
 * left. The others start over with each landmark. The ridge is chosen anew whenever a landmark is replaced, and with given
 * ones once a window.
 *
 * Costs, for r landmarks, each step r (2 dim + 2 valueDim) for the standing queries and r (dim + r + valueDim) for the
 * newest row; all rows window · r · valueDim more. A landmark that is replaced: window (dim + valueDim) for its standing
 * query, 2 r dim + 2 r³ for "exact", 24 r³ for "iterative", 20 r³ + 18 r² valueDim for "ridge", and window (dim + r²) for
 * all rows. Neither cost nor error nor memory depends on how long the stream has been; after 2³² tokens `push` is refused.
 *
 * Errors: of options as `nystrom`; of `push` a `TypeError` or `RangeError` for what is no single row of the right
 * width, after which the stream is as it was.
 *
 * @example A window of six tokens by way of three landmarks
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { lowRankStream } from "@reattend/reattend/streams";
 *
 * const stream = lowRankStream({ dim: 1, window: 6, landmarks: 3 });
 * for (let t = 0; t < 20; t++) {
 *   const output = stream.push([Math.sin(t)], [Math.cos(t)], [5]);
 *   assertEquals(Math.round(1e9 * output.get(0, 0)), 5e9);
 * }
 * assertEquals(stream.stats().landmarks, 3);
 * ```
 */
export function lowRankStream(options: LowRankOptions): LowRankStream {
  return new LowRank(options);
}

/** Rows of outputs, and what each keeps of its token. */
class LowRank implements LowRankStream {
  /** What it is called where it is shown; the interface has the name in the code. */
  static readonly name = "LowRankStream";
  readonly #memory: Memory;
  /** The attention over the window; where landmarks are its rows it has finer answers. */
  readonly #attention: Attention;
  readonly #window: number;
  readonly #standing: Standing;
  readonly #isMoving: boolean;
  readonly #isAll: boolean;
  #tokens = 0;
  /** dim: sums of the tokens since the last landmark. */
  readonly #querySum: Float64Array;
  readonly #keySum: Float64Array;
  #summed = 0;
  /** Tokens that are watched while outputs are exact. */
  readonly #readers: Id[] = [];
  #isExact = true;
  /** The step at which the ridge was last settled. */
  #settledAt = 0;
  /** Tokens by their number mod rows: their queries, scores over the landmarks, and f Z. */
  readonly #rows: number;
  readonly #queries: Float64Array;
  readonly #scores: Float64Array;
  readonly #gains: Float64Array;

  constructor(options = {} as LowRankOptions) {
    checkOptions(VERB, options, OPTIONS);
    const { dim, valueDim, scale, kernel, landmarks } = options;
    const { outputs: returned } = options;
    const window = checkInteger(VERB, "window", options.window, 1, MOST_KEYS);
    const fixed = typeof landmarks === "number"
      ? undefined
      : checkLandmarks(VERB, landmarks);
    const wanted = fixed?.size ??
      checkInteger(VERB, "landmarks", landmarks, 1, MOST_KEYS);
    if (
      returned !== undefined && returned !== "newest" && returned !== "all"
    ) {
      throw new TypeError(
        `Cannot ${VERB}: outputs is ${
          show(returned)
        }, it should be "newest" or "all"`,
      );
    }
    const inverting = checkInverse(VERB, options);
    // createMemory takes the width from what else there is, and here is nothing else.
    checkInteger(VERB, "dim", dim, 0);
    const memory = createMemory(
      { dim, valueDim, scale, kernel, capacity: window },
      PRECISION,
    );
    if (fixed !== undefined && fixed.dim !== dim) {
      throw new RangeError(
        `Cannot ${VERB}: landmarks have ${
          counted(fixed.dim, "number")
        }, they should have ${dim} like keys`,
      );
    }
    // As many landmarks as tokens, or more, never come into use.
    const size = wanted < window ? wanted : 0;
    const fine = attentionOf({ ...memory, precision: ANSWER_BITS });
    this.#memory = memory;
    this.#attention = attentionOf(memory);
    this.#window = window;
    this.#standing = makeStanding(memory, fine, inverting, size);
    this.#isMoving = fixed === undefined;
    this.#isAll = returned === "all";
    this.#querySum = new Float64Array(dim);
    this.#keySum = new Float64Array(dim);
    this.#rows = size === 0 ? 0 : this.#isAll ? window : 1;
    this.#queries = new Float64Array(this.#rows * dim);
    this.#scores = new Float64Array(this.#rows * size);
    this.#gains = new Float64Array(this.#rows * size);
    if (fixed === undefined) return;
    for (let at = 0; at < size * dim; at += dim) {
      placeLandmark(
        this.#standing,
        fixed.queries.subarray(at, at + dim),
        fixed.keys.subarray(at, at + dim),
      );
    }
  }

  get size(): number {
    return this.#attention.size;
  }

  push(query: Rows, key: Rows, value: Rows): DenseMatrix {
    const verb = "push a token", { dim, valueDim } = this.#memory;
    const q = oneRow(verb, "query", query, dim);
    const k = oneRow(verb, "key", key, dim);
    append(this.#attention, k, oneRow(verb, "value", value, valueDim));
    const token = this.#tokens++, { size } = this.#standing;
    if (size > 0) {
      this.#queries.set(q, token % this.#rows * dim);
      if (this.#isMoving) this.#gather(q, k);
    }
    if (this.size <= size || this.#standing.made < size || size === 0) {
      return this.#pushExact(q);
    }
    return this.#pushApproximate(token);
  }

  stats(): LowRankStats {
    const { solver, size } = this.#standing;
    const isUsed = !this.#isExact;
    return {
      landmarks: isUsed ? size : 0,
      refactored: solver.refactored,
      ...(isUsed ? diagnose(solver) : { residual: 0, rowSumDefect: 0 }),
      multiplyAdds: this.#memory.kernel.multiplyAdds,
    };
  }

  /** Adds a token to those that the next landmark is the mean of, and makes it when they are enough. */
  #gather(query: Float32Array, key: Float32Array): void {
    const standing = this.#standing, { dim } = this.#memory;
    const querySum = this.#querySum, keySum = this.#keySum;
    for (let t = 0; t < dim; t++) {
      querySum[t] += query[t];
      keySum[t] += key[t];
    }
    this.#summed++;
    const segment = standing.made % standing.size;
    const length = segmentStart(this.#window, standing.size, segment + 1) -
      segmentStart(this.#window, standing.size, segment);
    if (this.#summed < length) return;
    const mean = (sum: number) => sum / length;
    placeLandmark(standing, querySum.map(mean), keySum.map(mean));
    querySum.fill(0);
    keySum.fill(0);
    this.#summed = 0;
  }

  #pushExact(query: Float32Array): DenseMatrix {
    const attention = this.#attention, readers = this.#readers;
    if (!this.#isAll) return attend(attention, query);
    readers.push(...watch(attention, query));
    if (readers.length > this.size) unwatch(attention, readers.shift()!);
    return outputs(attention, { ids: readers });
  }

  #pushApproximate(token: number): DenseMatrix {
    const standing = this.#standing, { size, answers, fresh } = standing;
    const { valueDim, kernel } = this.#memory, isFirst = this.#isExact;
    const again = !this.#isMoving && token - this.#settledAt >= this.#window;
    const isOther = followStanding(standing, isFirst || again);
    if (isFirst || again) this.#settledAt = token;
    if (isFirst) {
      this.#isExact = false;
      unwatch(this.#attention, this.#readers);
      this.#readers.length = 0;
    }
    const count = this.#isAll ? this.size : 1, oldest = this.#tokens - count;
    for (let t = oldest; t < token; t++) {
      if (isFirst) this.#score(t, 0, size);
      else if (fresh !== undefined) this.#score(t, fresh, 1);
    }
    this.#score(token, 0, size);
    for (let t = isFirst || isOther ? oldest : token; t <= token; t++) {
      this.#gain(t);
    }
    const out = new Float64Array(count * valueDim);
    for (let t = oldest, at = 0; t <= token; t++, at += valueDim) {
      const from = t % this.#rows * size;
      for (let i = 0, row = 0; i < size; i++, row += valueDim) {
        const gain = this.#gains[from + i];
        for (let c = 0; c < valueDim; c++) {
          out[at + c] += gain * answers[row + c];
        }
      }
    }
    kernel.multiplyAdds += count * size * valueDim;
    return new DenseMatrix(count, valueDim, out);
  }

  /** Scores a token over some of the landmarks. */
  #score(token: number, landmark: number, count: number): void {
    const { dim, scale, kernel } = this.#memory, place = token % this.#rows;
    const { keys, size } = this.#standing;
    scoreLandmarks(
      this.#queries,
      place * dim,
      keys.subarray(landmark * dim),
      dim,
      count,
      scale,
      0,
      this.#scores,
      place * size + landmark,
    );
    kernel.multiplyAdds += count * dim;
  }

  /** Forms f Z of a token from its scores. */
  #gain(token: number): void {
    const { solver: { inverse }, size } = this.#standing,
      at = token % this.#rows * size;
    const weights = this.#scores.slice(at, at + size), gains = this.#gains;
    weighScores(weights, 0, size);
    gains.fill(0, at, at + size);
    for (let j = 0, row = 0; j < size; j++, row += size) {
      const weight = weights[j];
      for (let i = 0; i < size; i++) gains[at + i] += weight * inverse[row + i];
    }
    this.#memory.kernel.multiplyAdds += size * size;
  }
}

/** Checks a single row and writes it out. */
function oneRow(
  verb: string,
  name: string,
  source: Rows,
  width: number,
): Float32Array {
  const rows = checkRows(verb, name, source, width);
  if (rows.count !== 1) {
    throw new RangeError(
      `Cannot ${verb}: ${name} has ${
        counted(rows.count, "row")
      }, it should have 1`,
    );
  }
  const row = rowOf(rows, 0);
  if (row instanceof Float32Array) return row;
  const written = new Float32Array(width);
  for (let i = row.start; i < row.start + row.count; i++) {
    written[row.columns[i]] = row.numbers[i];
  }
  return written;
}
