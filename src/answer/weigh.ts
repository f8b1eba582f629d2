/**
 * The weights of a query: what it attends to, key by key.
 *
 * @module
 */

import { CsrMatrix } from "../matrix/csr.ts";
import { DenseMatrix } from "../matrix/dense.ts";
import { LEAST_EXPONENT, powerOfTwo } from "../kernel/exp2.ts";
import type { Scratch } from "../kernel/kernel.ts";
import type { Memory } from "../memory/memory.ts";
import { type Readers, scoreReaders } from "../sync/recompute.ts";

/** Keys with their weights, by ascending id. */
export interface KeyWeights {
  /** Slots of the keys that the query may attend to. */
  slots: Int32Array;
  /** Their weights; they add up to 1. */
  weights: Float64Array;
}

/**
 * Weighs the keys that queries may attend to, and gives `make` those of each.
 *
 * A function of what is stored: scores are canonical and the sum runs by ascending id. Costs m · dim multiply-adds each.
 */
export function weigh<T>(
  memory: Memory,
  readers: Readers,
  make: (weighed: KeyWeights, at: number) => T,
): T[] {
  const made: T[] = [];
  scoreReaders(memory, readers, (at, _query, scratch, count) => {
    made.push(make(weighScored(memory, count, scratch), at));
  });
  return made;
}

/** Weighs the `count` scored keys in scratch. */
export function weighScored(
  { kernel, scratch: own }: Memory,
  count: number,
  scratch: Scratch = own,
): KeyWeights {
  const largest = kernel.split(scratch, count), { exponents } = scratch;
  const weights = scratch.weights.slice(0, count);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const exponent = exponents[i] - largest;
    weights[i] *= exponent < LEAST_EXPONENT ? 0 : powerOfTwo(exponent);
    sum += weights[i];
  }
  for (let i = 0; i < count; i++) weights[i] /= sum;
  return { slots: scratch.slots.slice(0, count), weights };
}

/** Places of the `count` largest weights, largest first; of equals the smaller id. */
export function largest(weights: Float64Array, count: number): number[] {
  // A heap of the best so far, the worst of them on top.
  const heap: number[] = [];
  const worse = (a: number, b: number) =>
    weights[a] < weights[b] || (weights[a] === weights[b] && a > b);
  const sink = (at: number) => {
    for (;;) {
      let top = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && worse(heap[child], heap[top])) top = child;
      }
      if (top === at) return;
      [heap[at], heap[top]] = [heap[top], heap[at]];
      at = top;
    }
  };
  for (let i = 0; i < weights.length; i++) {
    if (heap.length < count) {
      heap.push(i);
      if (heap.length === count) {
        for (let at = count >> 1; at >= 0; at--) sink(at);
      }
      // Of equal weights the first stays.
    } else if (count > 0 && weights[i] > weights[heap[0]]) {
      heap[0] = i;
      sink(0);
    }
  }
  return heap.sort((a, b) => (worse(a, b) ? 1 : -1));
}

/** Below this share of stored weights a matrix comes as CSR: half the memory, and cheaper to walk. */
const SPARSE_BELOW = 0.25;

/** A row of the attention matrix. */
export interface KeptWeights {
  /** Columns, and their weights, in the order of key ids. */
  columns: Uint32Array;
  weights: Float64Array;
  tail: number;
}

/** What `top`, `least` and the columns, those of slots, −1 for none, leave of a row. */
export function keepWeights(
  { slots, weights }: KeyWeights,
  columnOf: Int32Array,
  top: number,
  least: number,
): KeptWeights {
  const best = top < weights.length
    ? new Set(largest(weights, top))
    : undefined;
  const columns = new Uint32Array(weights.length);
  const row = new Float64Array(weights.length);
  let count = 0, tail = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i], column = columnOf[slots[i]];
    if (column < 0 || weight < least || best?.has(i) === false) {
      tail += weight;
    } else if (weight > 0) {
      columns[count] = column;
      row[count++] = weight;
    }
  }
  return {
    columns: columns.slice(0, count),
    weights: row.slice(0, count),
    tail,
  };
}

/** Rows as a matrix, dense or sparse by what there is. */
export function matrixOf(
  rows: readonly KeptWeights[],
  width: number,
): DenseMatrix | CsrMatrix {
  const entries = rows.reduce((sum, { columns }) => sum + columns.length, 0);
  if (entries < SPARSE_BELOW * rows.length * width) {
    const triples = function* (): Generator<[number, number, number]> {
      for (let row = 0; row < rows.length; row++) {
        const { columns, weights } = rows[row];
        for (let i = 0; i < columns.length; i++) {
          yield [row, columns[i], weights[i]];
        }
      }
    };
    return CsrMatrix.fromTriples(rows.length, width, triples());
  }
  const dense = new DenseMatrix(rows.length, width);
  rows.forEach(({ columns, weights }, row) => {
    for (let i = 0; i < columns.length; i++) {
      dense.data[row * width + columns[i]] = weights[i];
    }
  });
  return dense;
}
