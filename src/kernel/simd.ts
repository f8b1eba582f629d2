/**
 * The kernel of maintained state in plain SIMD: the bits of the scalar kernel, which does what is not worth it here.
 *
 * Each attention has an instance of its own, in whose memory all arrays that kernels see live: it grows without
 * touching others, and the engine takes it back like any other array. Both kernels work on the same arrays, so a call
 * whose loops would be sparse in another way than those here, or small, goes to the scalar one.
 *
 * @module
 */

import { anchorsOf, FINE_PER_ROOM } from "./grids.ts";
import { type Home, MemoryHome } from "./home.ts";
import {
  type Batch,
  type Kernel,
  type KeyChange,
  LANES,
  type Query,
  type Scratch,
  type Sums,
} from "./kernel.ts";
import { allSparse, packRows } from "./lanes.ts";
import type { Spread } from "./spread.ts";
import { ENTERS, LEAVES } from "./replay.ts";
import { costOf, costsOf } from "./replay_cost.ts";
import { scalar } from "./scalar.ts";
import type { Exports, Fold } from "./simd_exports.ts";
import type { Table } from "./table.ts";
import { writeOut } from "./write_out.ts";

/** What the kernel keeps beside what it is given. */
interface Desk {
  /** A query in 64 bits, a zero behind an odd width. */
  query: Float64Array;
  /** Mass and magnitude, high and low. */
  sums: Float64Array;
  /** Addresses of the arrays that a call looks at. */
  addresses: Int32Array;
  /** Of each change flags and four addresses. */
  changes: Int32Array;
  /** Of each change two biases and two peaks. */
  sizes: Float64Array;
  /** Keys to score, the scores of four rows, weights, and four queries. */
  scratch: Float64Array;
  /** Queries side by side, where they are not too long for that; of an odd width with a column of zeros behind. */
  lanes: Float64Array;
  /** Answers on their way out. */
  answers: Float64Array;
}

/** Numbers of a change in each of the two, and how many changes there may be. */
const CHANGE = 8, SIZES = 4, MOST_CHANGES = 8;
/** Two keys for each change: the list, four scores each, four weights each. */
const SCRATCH = 2 * MOST_CHANGES * (1 + 4 + 4);
/** A flag of a change: both contents score alike. */
const SAME = 4;
/** Longer queries side by side would leave the second-level cache. */
const LONGEST = 4096;
/** Numbers of answers that are copied out together. */
const ANSWERS = 2048;
const SUMS = [
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
  "numeratorHigh",
  "numeratorLow",
] as const;

/** Makes a kernel with a memory of its own, for rows of these widths; throws where the engine gives none. */
export function makeSimd(
  module: WebAssembly.Module,
  dim: number,
  valueDim: number,
): Kernel {
  const { exports } = new WebAssembly.Instance(module);
  return new SimdKernel(exports as unknown as Exports, dim, valueDim);
}

class SimdKernel implements Kernel {
  readonly name = "simd";
  readonly home: Home;
  multiplyAdds = 0;
  readonly #code: Exports;
  readonly #desk: Desk = {
    query: new Float64Array(0),
    sums: new Float64Array(0),
    addresses: new Int32Array(0),
    changes: new Int32Array(0),
    sizes: new Float64Array(0),
    scratch: new Float64Array(0),
    lanes: new Float64Array(0),
    answers: new Float64Array(0),
  };

  constructor(code: Exports, dim: number, valueDim: number) {
    this.#code = code;
    const home = this.home = new MemoryHome(code.memory, code.heap());
    const desk = this.#desk, padded = dim + dim % 2;
    home.grow(desk, "query", padded);
    home.grow(desk, "sums", 4);
    home.grow(desk, "addresses", SUMS.length);
    home.grow(desk, "changes", CHANGE * MOST_CHANGES);
    home.grow(desk, "sizes", SIZES * MOST_CHANGES);
    home.grow(desk, "scratch", SCRATCH + 4 * padded);
    if (dim <= LONGEST) home.grow(desk, "lanes", LANES * padded);
    home.grow(desk, "answers", Math.max(ANSWERS, valueDim));
  }

  widen(
    numbers: Float32Array,
    at: number,
    count: number,
    into: Float64Array,
  ): void {
    const from = numbers.byteOffset + 4 * at;
    this.#code.widen(from, into.byteOffset, 16, count);
  }

  score(
    query: Query,
    keys: Table,
    biases: Float64Array,
    scratch: Scratch,
    count: number,
  ): void {
    const { dim, rows, at, factor, entries } = query;
    if (entries !== undefined && !allSparse(keys, scratch.slots, count)) {
      return scalar.score.call(this, query, keys, biases, scratch, count);
    }
    const desk = this.#desk;
    for (let t = 0; t < dim; t++) desk.query[t] = rows[at + t];
    this.#aimKeys(keys, biases, dim, factor);
    this.multiplyAdds += this.#code.score(
      count,
      scratch.slots.byteOffset,
      scratch.scores.byteOffset,
    );
  }

  scoreRows(
    queries: Table,
    rows: Int32Array,
    count: number,
    factor: number,
    keys: Table,
    biases: Float64Array,
    scratch: Scratch,
    keyCount: number,
    spread: Spread,
  ): void {
    if (count === 0) return;
    const code = this.#code, { lanes } = this.#desk, at = rows.byteOffset;
    const { width } = queries;
    const dense = code.allDense(count, at, queries.evens.byteOffset) !== 0;
    if (
      lanes.length < LANES * width ||
      !(dense || allSparse(keys, scratch.slots, keyCount))
    ) {
      return scalar.scoreRows.call(
        this,
        queries,
        rows,
        count,
        factor,
        keys,
        biases,
        scratch,
        keyCount,
        spread,
      );
    }
    this.#aimKeys(keys, biases, width, factor);
    if (dense) {
      code.packQueries(
        count,
        at,
        queries.dense.byteOffset,
        queries.start.byteOffset,
        lanes.byteOffset,
      );
    } else packRows(queries, rows, count, lanes);
    this.multiplyAdds += count * code.scoreLanes(
      count,
      keyCount,
      scratch.slots.byteOffset,
      lanes.byteOffset,
      scratch.scores.byteOffset,
      8 * keyCount,
    );
  }

  split(scratch: Scratch, count: number): number {
    // Adding 0 turns −0 into 0.
    return 0 + this.#code.split(
      count,
      scratch.scores.byteOffset,
      scratch.weights.byteOffset,
      scratch.exponents.byteOffset,
    );
  }

  recompute(...args: Parameters<Kernel["recompute"]>): void {
    if (args[3] === 0) scalar.recompute.apply(this, args);
    else this.#place(this.#code.fold, ...args);
  }

  average(...args: Parameters<Kernel["average"]>): void {
    if (args[3] === 0) scalar.average.apply(this, args);
    else this.#place(this.#code.average, ...args);
  }

  /** Gives a row anchors and grids for its scored keys, and the numerators that `fold` makes of them. */
  #place(
    fold: Fold,
    sums: Sums,
    row: number,
    scratch: Scratch,
    count: number,
    values: Table,
    peaks: Float64Array,
  ): void {
    const { valueDim } = sums, code = this.#code, desk = this.#desk;
    const slots = scratch.slots.byteOffset;
    const weights = scratch.weights.byteOffset;
    const exponents = scratch.exponents.byteOffset;
    const out = desk.sums.byteOffset, at = 8 * row * valueDim;
    const anchor = this.split(scratch, count);
    code.estimate(
      count,
      slots,
      weights,
      exponents,
      peaks.byteOffset,
      anchor,
      out,
    );
    const [mass, magnitude] = desk.sums;
    const anchors = anchorsOf(count, mass, magnitude);
    const { room, shift, valueShift } = anchors;
    const fine = room * FINE_PER_ROOM;
    code.weigh(
      count,
      slots,
      weights,
      exponents,
      peaks.byteOffset,
      shift,
      valueShift,
      fine,
      out,
    );
    const products = fold(
      count,
      slots,
      weights,
      valueDim,
      values.dense.byteOffset,
      values.start.byteOffset,
      values.evens.byteOffset,
      values.count.byteOffset,
      values.columns.byteOffset,
      values.numbers.byteOffset,
      fine,
      sums.numeratorHigh.byteOffset + at,
      sums.numeratorLow.byteOffset + at,
    );
    this.multiplyAdds += count + products;
    sums.anchor[row] = anchor;
    sums.shift[row] = shift;
    sums.valueShift[row] = valueShift;
    sums.fine[row] = fine;
    sums.room[row] = room;
    sums.count[row] = count;
    [
      sums.massHigh[row],
      sums.massLow[row],
      sums.magnitudeHigh[row],
      sums.magnitudeLow[row],
    ] = desk.sums;
  }

  replay(
    sums: Sums,
    queries: Table,
    factor: number,
    batch: Batch,
    count: number,
  ): boolean {
    const code = this.#code, desk = this.#desk;
    const rows = batch.rows.byteOffset, { width } = queries;
    if (
      !code.allDense(count, rows, queries.evens.byteOffset) ||
      !writeOut(batch, count)
    ) {
      return scalar.replay.call(this, sums, queries, factor, batch, count);
    }
    this.#aim(sums);
    for (let at = 0; at < batch.count; at++) this.#lay(batch.changes[at], at);
    const all = code.replay(
      count,
      rows,
      batch.done.byteOffset,
      batch.masked ? batch.sides.byteOffset : 0,
      batch.count,
      desk.changes.byteOffset,
      desk.sizes.byteOffset,
      queries.dense.byteOffset,
      queries.start.byteOffset,
      width,
      factor,
      sums.valueDim,
      desk.scratch.byteOffset,
    ) !== 0;
    this.multiplyAdds += all && !batch.masked
      ? count * costOf(batch, 0, batch.count, width, sums.valueDim)
      : costsOf(batch, count, width, sums.valueDim);
    return all;
  }

  answer(
    sums: Sums,
    rows: Int32Array,
    count: number,
    precision: number,
    out: Float64Array,
    told: Int32Array,
  ): void {
    const { valueDim } = sums, { answers } = this.#desk;
    const together = Math.floor(answers.length / Math.max(1, valueDim));
    this.#aim(sums);
    for (let from = 0; from < count; from += together) {
      const to = Math.min(count, from + together);
      this.#code.answer(
        to - from,
        rows.byteOffset + 4 * from,
        precision,
        valueDim,
        answers.byteOffset,
        told.byteOffset + 4 * from,
      );
      out.set(
        answers.subarray(0, (to - from) * valueDim),
        from * valueDim,
      );
    }
  }

  /** Says where the sums of rows are. */
  #aim(sums: Sums): void {
    const { addresses } = this.#desk;
    for (let i = 0; i < SUMS.length; i++) {
      addresses[i] = sums[SUMS[i]].byteOffset;
    }
    this.#code.setSums(addresses.byteOffset);
  }

  /** Says where keys are. */
  #aimKeys(
    { start, evens, count, dense, columns, numbers }: Table,
    biases: Float64Array,
    dim: number,
    factor: number,
  ): void {
    const { addresses, query } = this.#desk;
    addresses[0] = start.byteOffset;
    addresses[1] = evens.byteOffset;
    addresses[2] = count.byteOffset;
    addresses[3] = dense.byteOffset;
    addresses[4] = columns.byteOffset;
    addresses[5] = numbers.byteOffset;
    addresses[6] = biases.byteOffset;
    addresses[7] = query.byteOffset;
    this.#code.setKeys(addresses.byteOffset, dim, factor);
  }

  /** Lays a change out; what there is none of is read and weighs nothing. */
  #lay({ old, now, leaves, enters, sameKey }: KeyChange, at: number): void {
    const { changes } = this.#desk, from = at * CHANGE;
    const before = leaves ? old : now, after = enters ? now : old;
    changes[from] = (leaves ? LEAVES : 0) + (enters ? ENTERS : 0) +
      (sameKey ? SAME : 0);
    changes[from + 1] = before.key.byteOffset;
    changes[from + 2] = after.key.byteOffset;
    changes[from + 3] = before.value.byteOffset;
    changes[from + 4] = after.value.byteOffset;
    const { sizes } = this.#desk, size = at * SIZES;
    sizes[size] = before.bias;
    sizes[size + 1] = after.bias;
    sizes[size + 2] = before.peak;
    sizes[size + 3] = after.peak;
  }
}
