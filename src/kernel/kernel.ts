/**
 * The arithmetic of maintained attention on flat arrays, behind one narrow interface.
 *
 * A kernel knows nothing of ids, masks or clocks: it scores, it moves keys in and out of the sums of a row, and it
 * counts the multiply-adds that this takes. The scalar kernel is the specification; any other gives the same sums or
 * sums that certify the same answers.
 *
 * @module
 */

import { scalar } from "./scalar.ts";

/** A query as a kernel meets it: a row in a table of queries. */
export interface Query {
  readonly dim: number;
  /** Rows of dim. */
  rows: Float32Array;
  /** Where the query starts. */
  at: number;
  /** What a dot product is multiplied with: scale · log2 e. */
  factor: number;
}

/** A key as a kernel meets it. */
export interface Entry {
  /** dim components. */
  key: Float64Array;
  /** valueDim components. */
  value: Float64Array;
  /** Added to the score, in units of log2. */
  bias: number;
  /** The largest component of the value in size. */
  peak: number;
}

/**
 * The sums of n rows, each a fold over the keys that its query admits: `mass` = Σ w, `magnitude` = Σ w · peak and
 * `numerator` = Σ w · value, w = 2^score.
 *
 * A row counts mass in units of 2^(anchor + shift), magnitude and numerator in units of 2^(anchor + valueShift). Each
 * sum is a pair (high, low): high holds what the coarse grid catches of every contribution, low what the fine grid
 * catches of the rest. On a grid every addition is exact, so that taking a key out restores the sums to the bit and
 * nothing drifts. See canon.md, section 3, kept in `src/README.md`.
 */
export interface Sums {
  readonly dim: number;
  readonly valueDim: number;
  /** n: the largest rounded score when the row was last recomputed. */
  anchor: Float64Array;
  /** n */
  shift: Int32Array;
  /** n */
  valueShift: Int32Array;
  /** n: the step of the fine grid. */
  fine: Float64Array;
  /** n: how many keys the fine grid has room for. */
  room: Int32Array;
  /** n: how many keys are in the sums. */
  count: Int32Array;
  /** n */
  massHigh: Float64Array;
  massLow: Float64Array;
  magnitudeHigh: Float64Array;
  magnitudeLow: Float64Array;
  /** n × valueDim, row by row. */
  numeratorHigh: Float64Array;
  numeratorLow: Float64Array;
}

/** Scratch of a recompute: scores, weights and slots of the keys that a row admits. */
export interface Scratch {
  /** count: slots of the keys. */
  slots: Int32Array;
  /** count: their scores, then their weights. */
  scores: Float64Array;
  /** count */
  weights: Float64Array;
  /** count */
  exponents: Float64Array;
}

/** What a kernel can do; `multiplyAdds` is a running count. */
export interface Kernel {
  readonly name: string;
  multiplyAdds: number;
  /** The score that the last exchange gave a key that came in. */
  entered: number;
  /**
   * Writes the canonical score of `count` keys, picked by `slots` from a table of rows of `dim`, into `scores`.
   *
   * Score = (even stripe + odd stripe of the dot product) · factor + bias, each operation rounded once in f64: the
   * same bits in every kernel. Finite inputs give finite scores.
   */
  score(
    query: Query,
    keys: Float32Array,
    biases: Float64Array,
    slots: Int32Array,
    count: number,
    scores: Float64Array,
  ): void;
  /**
   * Folds `count` scored keys into row `row`, which gets new anchors and grids and nothing else.
   *
   * Exact but for half a step of the fine grid per key and sum; any count up to 2²³.
   */
  recompute(
    sums: Sums,
    row: number,
    scratch: Scratch,
    count: number,
    values: Float32Array,
    peaks: Float64Array,
  ): void;
  /**
   * Takes `old` out of row `row` and puts `now` in, either of which may be null; `sameKey` says that they score alike.
   *
   * Leaves the score of `now` in `entered`, where it formed one. Returns false, and leaves the row in need of a recompute, where its grids cannot hold the result.
   */
  exchange(
    sums: Sums,
    row: number,
    query: Query,
    old: Entry | null,
    now: Entry | null,
    sameKey: boolean,
  ): boolean;
}

/** Names the answers: it changes when the same tables could give other bits. */
export const KERNEL_ID = "reattend-1";

/** The kernels that can be asked for by name. */
export const kernelNames: readonly string[] = ["auto", "scalar"];

/** Makes the kernel of a name, with a count of its own. */
export function makeKernel(_name: string): Kernel {
  return { ...scalar, multiplyAdds: 0, entered: 0 };
}
