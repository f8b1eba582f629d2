/**
 * The arithmetic of maintained attention on flat arrays, behind one narrow interface.
 *
 * A kernel knows nothing of ids, masks or clocks: it scores, it moves keys in and out of the sums of a row, and it
 * counts the multiply-adds that this takes. The scalar kernel is the specification; any other gives the same sums or
 * sums that certify the same answers.
 *
 * @module
 */

import type { Entries } from "../rows.ts";
import type { Home } from "./home.ts";
import type { Spread } from "./spread.ts";
import type { Table } from "./table.ts";

/** A query as a kernel meets it. */
export interface Query {
  readonly dim: number;
  /** Its numbers, from `at` on. */
  rows: Float32Array;
  at: number;
  /** What a dot product is multiplied with: scale · log2 e. */
  factor: number;
  /** Its entries, if it is stored as such. */
  entries: Entries | undefined;
}

/** A key with its value as the rows that it enters or leaves meet it. */
export interface Entry {
  /** The key, written out: as 64-bit numbers unless it is sparse, and where it lies as 32-bit ones, from `at` on. */
  key: Float64Array;
  plain: Float32Array;
  at: number;
  /** Its entries, if it is stored as such. */
  keyEntries: Entries | undefined;
  /** valueDim components, or the entries of a sparse value. */
  value: Float64Array;
  valueEntries: Entries | undefined;
  /** Added to the score, in units of log2. */
  bias: number;
  /** The largest component of the value in size. */
  peak: number;
}

/** Where the values of a key differ that stays, and what they were and are. */
export interface Differences {
  count: number;
  columns: Int32Array;
  before: Float64Array;
  after: Float64Array;
}

/** A changed key as rows meet it: what they hold of it, and what is there now. */
export interface KeyChange {
  readonly old: Entry;
  readonly now: Entry;
  /** Whether there is an old or a new content that a row could hold. */
  leaves: boolean;
  enters: boolean;
  /** Both score alike. */
  sameKey: boolean;
  /** Where their values differ then, if that is worth knowing. */
  differences: Differences | undefined;
}

/** Changed keys on their way into rows, a few at a time. */
export interface Batch {
  /** `count` of them are to be carried out, in this order. */
  readonly changes: readonly KeyChange[];
  count: number;
  /** rows: which rows move. */
  rows: Int32Array;
  /** rows: how many of the changes each has taken; fewer than `count` leave its sums void. */
  done: Int32Array;
  /** Rows differ in what they hold and are to hold. */
  masked: boolean;
  /** rows × count, where they do: whether a row holds the old content (1) and is to hold the new one (2). */
  sides: Uint8Array;
  /** A sparse query, written out; there is room for one. */
  readonly spread: Spread;
}

/**
 * The sums of n rows, each a fold over the keys that its query admits: `mass` = Σ w, `magnitude` = Σ w · peak and
 * `numerator` = Σ w · value, w = 2^score.
 *
 * A row counts mass in units of 2^(anchor + shift), magnitude and numerator in units of 2^(anchor + valueShift). Each
 * sum is a pair (high, low): high holds what the coarse grid catches of every contribution, low what the fine grid
 * catches of the rest. Numerators have the magic numbers of their grids added (`grids.ts`). On a grid every addition is exact, so that taking a key out restores the sums to the bit and
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

/** The sums that have one number for each row, in the order in which they are laid out. */
export const PER_ROW = [
  "anchor",
  "shift",
  "valueShift",
  "fine",
  "room",
  "count",
  "massHigh",
  "massLow",
  "magnitudeHigh",
  "magnitudeLow",
] as const;

/** The sums that have one for each column of the values. */
export const NUMERATORS = ["numeratorHigh", "numeratorLow"] as const;

/** Scratch of a recompute: slots, scores and weights of the keys that a row admits. */
export interface Scratch {
  /** count: slots of the keys. */
  slots: Int32Array;
  /** count, or as many for each of several rows: their scores. */
  scores: Float64Array;
  /** count */
  weights: Float64Array;
  /** count */
  exponents: Float64Array;
  /** count: places of the dense rows among `slots`, and from the end those of the sparse ones. */
  picked: Int32Array;
}

/** Queries that are scored together, at most. */
export const LANES = 8;

/** What a kernel can do; `multiplyAdds` is a running count. */
export interface Kernel {
  readonly name: string;
  /** Where the arrays live that it is given. */
  readonly home: Home;
  /** Meets many sparse rows faster written out, so that room for them to be (`write_out.ts`) is worth having. */
  readonly writesOut: boolean;
  multiplyAdds: number;
  /** Whether several queries may take less time together than one after the other. */
  readonly together: boolean;
  /** Writes `count` 32-bit numbers, from `at` on, to the front of `into`. */
  widen(
    numbers: Float32Array,
    at: number,
    count: number,
    into: Float64Array,
  ): void;
  /**
   * Writes the canonical score of the `count` keys of `scratch.slots` into `scratch.scores`.
   *
   * Score = (even stripe + odd stripe of the dot product) · factor + bias, each operation rounded once in f64: the
   * same bits in every kernel, and for dense and sparse rows, since adding the product of a zero changes no sum.
   * Finite inputs give finite scores. A dense key costs dim multiply-adds (the entries of the query if that is
   * sparse), a sparse one its entries.
   */
  score(
    query: Query,
    keys: Table,
    biases: Float64Array,
    scratch: Scratch,
    count: number,
  ): void;
  /**
   * The same for several queries, `LANES` at most: the scores of the first lie in front, those of the next behind them.
   * Sparse queries are written out as they are needed, in `spread`.
   */
  scoreTogether(
    queries: readonly Query[],
    keys: Table,
    biases: Float64Array,
    scratch: Scratch,
    count: number,
    spread: Spread,
  ): void;
  /**
   * Splits `count` scores: `weights` gets 2^(score − whole), within a factor √2 of 1, and `exponents` the whole part.
   * Returns the largest exponent, −Infinity for no score.
   */
  split(scratch: Scratch, count: number): number;
  /**
   * Folds `count` scored keys into row `row`, which gets new anchors and grids and nothing else.
   *
   * Exact but for half a step of the fine grid per key and sum; any count up to 2²³. A sparse value costs its entries.
   */
  recompute(
    sums: Sums,
    row: number,
    scratch: Scratch,
    count: number,
    values: Table,
    peaks: Float64Array,
  ): void;
  /**
   * The same for an answer that nothing is added to later, and cheaper: numerators may be off by another
   * `AVERAGE_ERROR` of the row's magnitude (`average.ts`).
   */
  average(
    sums: Sums,
    row: number,
    scratch: Scratch,
    count: number,
    values: Table,
    peaks: Float64Array,
  ): void;
  /**
   * Moves the first `count` rows of a batch over its changes: old contents out of their sums, new ones in.
   *
   * A row stops at a change that its grids cannot hold, and needs a recompute. A query or a key that is sparse costs
   * its entries, the fewer of both; a value its entries or its differences. Returns whether no row stopped.
   */
  replay(
    sums: Sums,
    queries: Table,
    factor: number,
    batch: Batch,
    count: number,
  ): boolean;
  /**
   * Writes the answers of the first `count` of `rows` into `out`, one behind the other, where the 64-bit quotients of the sums tell them for
   * certain (`softmax/ladder.ts`); `told` gets 1 for those. None need be told.
   */
  answer(
    sums: Sums,
    rows: Int32Array,
    count: number,
    precision: number,
    out: Float64Array,
    told: Int32Array,
  ): void;
}

/** Names the answers: it changes when the same tables could give other bits. */
export const KERNEL_ID = "reattend-1";
