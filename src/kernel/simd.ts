/**
 * The kernel of maintained state in plain SIMD: the bits of the scalar kernel, which does what is not worth it here.
 *
 * Each attention has an instance of its own, in whose memory all arrays that kernels see live: it grows without
 * touching others, and the engine takes it back like any other array. Both kernels work on the same arrays, so a call
 * whose loops would be sparse in another way than those here, or small, goes to the scalar one.
 *
 * @module
 */

import {
  type Desk,
  makeDesk,
  placeChange,
  placeKeys,
  placeSums,
} from "./desk.ts";
import { anchorsOf, FINE_PER_ROOM } from "./grids.ts";
import { type Home, MemoryHome } from "./home.ts";
import {
  type Batch,
  type Kernel,
  LANES,
  type Query,
  type Scratch,
  type Sums,
} from "./kernel.ts";
import { allSparse, isFaster, lineUp, packQueries, sizesOf } from "./lanes.ts";
import type { Spread } from "./spread.ts";
import { costOf, costsOf } from "./replay_cost.ts";
import { scalar } from "./scalar.ts";
import type { Exports, Fold } from "./simd_exports.ts";
import type { Table } from "./table.ts";
import { writeOut } from "./write_out.ts";

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
  readonly writesOut = true;
  readonly home: Home;
  multiplyAdds = 0;
  readonly together = true;
  readonly #code: Exports;
  readonly #desk: Desk;

  constructor(code: Exports, dim: number, valueDim: number) {
    this.#code = code;
    this.home = new MemoryHome(code.memory, code.heap());
    this.#desk = makeDesk(this.home, dim, valueDim);
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

  scoreTogether(
    queries: readonly Query[],
    keys: Table,
    biases: Float64Array,
    scratch: Scratch,
    count: number,
    spread: Spread,
  ): void {
    const { queries: lined, order, lanes } = this.#desk;
    const sizes = sizesOf(keys, scratch.slots, count);
    if (
      queries.length < 2 || lanes.length < LANES * queries[0].dim ||
      !isFaster(queries, sizes)
    ) {
      return scalar.scoreTogether.call(
        this,
        queries,
        keys,
        biases,
        scratch,
        count,
        spread,
      );
    }
    const code = this.#code,
      { dim, factor } = queries[0],
      at = order.byteOffset;
    this.#aimKeys(keys, biases, dim, factor);
    if (queries.every(({ entries }) => entries === undefined)) {
      lineUp(queries, lined);
      code.packQueries(
        queries.length,
        at,
        lined.byteOffset,
        at,
        lanes.byteOffset,
      );
    } else packQueries(queries, lanes);
    code.scoreLanes(
      queries.length,
      count,
      scratch.slots.byteOffset,
      lanes.byteOffset,
      scratch.scores.byteOffset,
      8 * count,
    );
    for (const { entries } of queries) {
      this.multiplyAdds += sizes.entries +
        sizes.dense * (entries?.count ?? dim);
    }
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
    for (let at = 0; at < batch.count; at++) {
      placeChange(desk, batch.changes[at], at);
    }
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
    this.#code.setSums(placeSums(this.#desk, sums));
  }

  /** Says where keys are. */
  #aimKeys(
    keys: Table,
    biases: Float64Array,
    dim: number,
    factor: number,
  ): void {
    this.#code.setKeys(placeKeys(this.#desk, keys, biases), dim, factor);
  }
}
