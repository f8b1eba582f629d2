/**
 * The kernel of maintained state in plain SIMD: the bits of the scalar kernel, which does what is not worth it here.
 *
 * Each attention has an instance of its own, in whose memory all arrays that kernels see live: it grows without
 * touching others, and the engine takes it back like any other array. Both kernels work on the same arrays, so a call
 * that is sparse, or small, goes to the scalar one.
 *
 * @module
 */

import { anchorsOf, FINE_PER_ROOM } from "./grids.ts";
import { type Home, MemoryHome } from "./home.ts";
import type {
  Batch,
  Entry,
  Kernel,
  KeyChange,
  Query,
  Scratch,
  Sums,
} from "./kernel.ts";
import { ENTERS, LEAVES, sidesOf } from "./replay.ts";
import { scalar } from "./scalar.ts";
import { DENSE, type Table } from "./table.ts";

/** What an instance exports; addresses are in bytes. The sources in `assembly/` say what each does. */
interface Exports {
  memory: WebAssembly.Memory;
  heap(): number;
  setKeys(at: number, dim: number, factor: number): void;
  score(count: number, slots: number, scores: number): number;
  split(
    count: number,
    scores: number,
    mantissas: number,
    exponents: number,
  ): number;
  estimate(
    count: number,
    slots: number,
    mantissas: number,
    exponents: number,
    peaks: number,
    anchor: number,
    sums: number,
  ): void;
  weigh(
    count: number,
    slots: number,
    weights: number,
    exponents: number,
    peaks: number,
    shift: number,
    valueShift: number,
    fine: number,
    sums: number,
  ): void;
  fold(
    count: number,
    slots: number,
    weights: number,
    valueDim: number,
    dense: number,
    start: number,
    evens: number,
    counts: number,
    columns: number,
    numbers: number,
    fine: number,
    high: number,
    low: number,
  ): number;
  setSums(at: number): void;
  replay(
    rows: number,
    at: number,
    done: number,
    sides: number,
    count: number,
    changes: number,
    sizes: number,
    dense: number,
    start: number,
    dim: number,
    factor: number,
    valueDim: number,
    scratch: number,
  ): void;
  answer(
    count: number,
    fine: number,
    mass: number,
    magnitude: number,
    unitExponent: number,
    precision: number,
    valueDim: number,
    high: number,
    low: number,
    out: number,
  ): number;
}

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
  /** Answers on their way out. */
  answers: Float64Array;
}

/** Numbers of a change in each of the two, and how many changes there may be. */
const CHANGE = 8, SIZES = 4, MOST_CHANGES = 8;
/** Two keys for each change: the list, four scores each, a weight each. */
const SCRATCH = 2 * MOST_CHANGES * (1 + 4 + 1);
/** A flag of a change: both contents score alike. */
const SAME = 4;
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
    home.grow(desk, "answers", Math.max(ANSWERS, valueDim));
  }

  score(
    query: Query,
    keys: Table,
    biases: Float64Array,
    scratch: Scratch,
    count: number,
  ): void {
    const { dim, rows, at, factor, entries } = query;
    if (entries !== undefined) {
      return scalar.score.call(this, query, keys, biases, scratch, count);
    }
    const desk = this.#desk, { start, evens, count: counts, dense } = keys;
    for (let t = 0; t < dim; t++) desk.query[t] = rows[at + t];
    const { columns, numbers } = keys;
    this.#point([
      start,
      evens,
      counts,
      dense,
      columns,
      numbers,
      biases,
      desk.query,
    ]);
    this.#code.setKeys(desk.addresses.byteOffset, dim, factor);
    this.multiplyAdds += this.#code.score(
      count,
      scratch.slots.byteOffset,
      scratch.scores.byteOffset,
    );
  }

  recompute(
    sums: Sums,
    row: number,
    scratch: Scratch,
    count: number,
    values: Table,
    peaks: Float64Array,
  ): void {
    if (count === 0) {
      return scalar.recompute.call(
        this,
        sums,
        row,
        scratch,
        count,
        values,
        peaks,
      );
    }
    const { valueDim } = sums, code = this.#code, desk = this.#desk;
    const slots = scratch.slots.byteOffset;
    const weights = scratch.weights.byteOffset;
    const exponents = scratch.exponents.byteOffset;
    const out = desk.sums.byteOffset, at = 8 * row * valueDim;
    // Adding 0 turns −0 into 0.
    const anchor = 0 + code.split(
      count,
      scratch.scores.byteOffset,
      weights,
      exponents,
    );
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
    const products = code.fold(
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
  ): void {
    if (!isDense(queries, batch, count)) {
      return scalar.replay.call(this, sums, queries, factor, batch, count);
    }
    const code = this.#code, desk = this.#desk;
    this.#point(SUMS.map((name) => sums[name]));
    code.setSums(desk.addresses.byteOffset);
    for (let at = 0; at < batch.count; at++) this.#lay(batch.changes[at], at);
    code.replay(
      count,
      batch.rows.byteOffset,
      batch.done.byteOffset,
      batch.masked ? batch.sides.byteOffset : 0,
      batch.count,
      desk.changes.byteOffset,
      desk.sizes.byteOffset,
      queries.dense.byteOffset,
      queries.start.byteOffset,
      queries.width,
      factor,
      sums.valueDim,
      desk.scratch.byteOffset,
    );
    this.multiplyAdds += costOf(batch, count, queries.width, sums.valueDim);
  }

  answer(
    sums: Sums,
    rows: readonly number[],
    precision: number,
    out: Float64Array,
    told: Int32Array,
  ): void {
    const count = rows.length,
      { valueDim } = sums,
      { answers } = this.#desk,
      code = this.#code;
    const together = Math.floor(answers.length / Math.max(1, valueDim));
    const high = sums.numeratorHigh.byteOffset;
    const low = sums.numeratorLow.byteOffset;
    for (let from = 0; from < count; from += together) {
      const to = Math.min(count, from + together);
      for (let i = from; i < to; i++) {
        const row = rows[i], at = 8 * row * valueDim;
        told[i] = code.answer(
          sums.count[row],
          sums.fine[row],
          sums.massHigh[row] + sums.massLow[row],
          sums.magnitudeHigh[row] + sums.magnitudeLow[row],
          sums.valueShift[row] - sums.shift[row],
          precision,
          valueDim,
          high + at,
          low + at,
          answers.byteOffset + 8 * (i - from) * valueDim,
        );
      }
      out.set(
        answers.subarray(0, (to - from) * valueDim),
        from * valueDim,
      );
    }
  }

  /** Lays the addresses of arrays out. */
  #point(arrays: readonly ArrayBufferView[]): void {
    const { addresses } = this.#desk;
    for (let i = 0; i < arrays.length; i++) addresses[i] = arrays[i].byteOffset;
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

function isDense(
  { evens }: Table,
  { changes, count: changed, rows }: Batch,
  count: number,
): boolean {
  const dense = ({ keyEntries, valueEntries }: Entry) =>
    keyEntries === undefined && valueEntries === undefined;
  for (let at = 0; at < changed; at++) {
    const { leaves, enters, old, now, differences } = changes[at];
    if (
      differences !== undefined || (leaves && !dense(old)) ||
      (enters && !dense(now))
    ) return false;
  }
  for (let i = 0; i < count; i++) {
    if (evens[rows[i]] !== DENSE) return false;
  }
  return true;
}

/** The multiply-adds of dense rows over dense changes; a row that stopped has scored the change it could not take. */
function costOf(
  batch: Batch,
  count: number,
  dim: number,
  valueDim: number,
): number {
  const { done, changes, masked, count: changed } = batch;
  let cost = 0;
  const whole = (i: number, upTo: number) => {
    let sum = 0;
    for (let at = 0; at < Math.min(upTo + 1, changed); at++) {
      const sides = sidesOf(batch, i, at);
      const both = sides === LEAVES + ENTERS;
      const contents = sides === 0 ? 0 : both ? 2 : 1;
      sum += dim * (both && changes[at].sameKey ? 1 : contents);
      if (at < upTo) sum += contents * (valueDim + 1);
    }
    return sum;
  };
  const alike = masked ? 0 : whole(0, changed);
  for (let i = 0; i < count; i++) {
    cost += masked || done[i] < changed ? whole(i, done[i]) : alike;
  }
  return cost;
}
