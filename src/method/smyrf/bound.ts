/**
 * A bound of the mass that a query leaves out, from summaries of small blocks of keys.
 *
 * Of a block are known how many keys it has, their mean, and how far from it they reach. Scores of a query over it lie
 * in s̄ ± ρ with s̄ that of the mean and ρ = |factor| |q| radius, and those of the keys left out have a mean that is
 * known: n s̄ less the scores of those attended to. Of all scores in an interval [l, u] with a mean s the sum of 2^score is
 * largest with all of them at its ends: 2^l (u − s)/(u − l) + 2^u (s − l)/(u − l) for each (Edmundson and Madansky, see A.
 * Madansky, "Bounds on the expectation of a convex function", 1959, https://doi.org/10.1214/aoms/1177706203).
 *
 * Blocks are found by cutting where hashes leave the widest gaps, so keys that lie in clusters come to be together, and
 * the bound is of use; where they do not, it says that anything may be left out.
 *
 * @module
 */

import { unpackRow } from "../../matrix/store.ts";
import type { Memory } from "../../memory/memory.ts";
import type { Pruned } from "../../memory/method.ts";
import { UNIT_ROUNDOFF } from "../../softmax/ladder.ts";
import { addTo, leftOut, makeMass, slackOf } from "../mass.ts";
import type { Order } from "./order.ts";

/** Keys in a block, at most: with more it reaches further, with fewer it costs a row almost as much as its scores. */
const MOST_KEYS = 16;
/** A cut leaves an eighth of the keys on either side, so that blocks are found in few steps. */
const LEAST_PART = 1 / 8;
/** Squares, sums and roots of a radius round up to less than this factor, as dim is at most 2²⁰. */
const ROUNDED_UP = 1 + 2 ** -30;
/** A score so far from the largest is off by so many units when the largest is taken away. */
const LARGEST_DIFFERENCE = 4096;

/** Summaries of blocks. */
export interface Blocks {
  count: number;
  /** slots: the block of each key. */
  blockOf: Int32Array;
  /** blocks */
  size: Int32Array;
  /** blocks × dim */
  means: Float64Array;
  /** blocks: no key is further from the mean. */
  radii: Float64Array;
  /** blocks: no key is longer, has a larger bias in log2 units, or a value of a larger size. */
  lengths: Float64Array;
  biases: Float64Array;
  peaks: Float64Array;
  /** blocks: scratch, how many keys of each a query attends to, and the sum of their scores without biases. */
  attended: Int32Array;
  scores: Float64Array;
  /** dim: scratch, a query written out. */
  query: Float64Array;
}

/** Finds blocks of the keys in `slots` and sums them up: 2 dim multiply-adds for each. */
export function makeBlocks(
  memory: Memory,
  orders: readonly Order[],
  slots: Int32Array,
): Blocks {
  const { dim, keys, kernel } = memory;
  const ends = cut(orders, slots), count = ends.length;
  const numbers = () => new Float64Array(count);
  const blocks: Blocks = {
    count,
    blockOf: new Int32Array(keys.slots.used),
    size: new Int32Array(count),
    means: new Float64Array(count * dim),
    radii: numbers(),
    lengths: numbers(),
    biases: numbers().fill(-Infinity),
    peaks: numbers(),
    attended: new Int32Array(count),
    scores: numbers(),
    query: new Float64Array(dim),
  };
  const row = new Float64Array(dim);
  for (let block = 0, from = 0; block < count; from = ends[block++]) {
    const size = ends[block] - from, start = block * dim;
    blocks.size[block] = size;
    for (let i = from; i < ends[block]; i++) {
      const slot = slots[i];
      blocks.blockOf[slot] = block;
      blocks.lengths[block] = Math.max(
        blocks.lengths[block],
        keys.norms[slot],
      );
      blocks.biases[block] = Math.max(
        blocks.biases[block],
        keys.scoreBiases[slot],
      );
      blocks.peaks[block] = Math.max(blocks.peaks[block], keys.peaks[slot]);
      unpackRow(keys.keys, slot, row.fill(0), 0);
      for (let c = 0; c < dim; c++) blocks.means[start + c] += row[c] / size;
    }
    let radius = 0;
    for (let i = from; i < ends[block]; i++) {
      unpackRow(keys.keys, slots[i], row.fill(0), 0);
      let square = 0;
      for (let c = 0; c < dim; c++) {
        square += (row[c] - blocks.means[start + c]) ** 2;
      }
      radius = Math.max(radius, square);
    }
    blocks.radii[block] = Math.sqrt(radius) * ROUNDED_UP;
  }
  kernel.multiplyAdds += 2 * slots.length * dim;
  return blocks;
}

/**
 * What a query in `blocks.query` of at least the length `length` leaves out, whose keys in `slots` have these scores:
 * dim multiply-adds for each block.
 */
export function boundOthers(
  memory: Memory,
  blocks: Blocks,
  length: number,
  slots: Int32Array,
  scores: Float64Array,
): Pruned {
  const { keys, factor, dim, kernel } = memory;
  const { count, blockOf, size, means, radii, query } = blocks;
  const attended = makeMass(), others = makeMass();
  blocks.attended.fill(0);
  blocks.scores.fill(0);
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i], block = blockOf[slot];
    blocks.attended[block]++;
    blocks.scores[block] += scores[i] - keys.scoreBiases[slot];
    const slack = slackOf(memory, length, slot);
    addTo(attended, scores[i], -slack, keys.peaks[slot]);
  }
  const steep = Math.abs(factor) * length;
  for (let block = 0; block < count; block++) {
    const n = size[block], left = n - blocks.attended[block];
    if (left === 0) continue;
    let dot = 0;
    for (let c = 0, at = block * dim; c < dim; c++, at++) {
      dot += query[c] * means[at];
    }
    const mean = dot * factor, reach = steep * blocks.lengths[block];
    const low = mean - steep * radii[block];
    const high = Math.min(mean + steep * radii[block], reach);
    const rest = (n * mean - blocks.scores[block]) / left;
    const bias = blocks.biases[block];
    const bound = chord(low, high, rest) + Math.log2(left) + bias;
    addTo(
      others,
      bound,
      slackOfBlock(dim, n, reach, bias),
      blocks.peaks[block],
    );
  }
  kernel.multiplyAdds += count * dim;
  // How much of the others is really there is not known.
  return leftOut(attended, others, Infinity);
}

/** log2 of the largest mean of 2^score, for scores in low … high with a mean of `rest`. */
function chord(low: number, high: number, rest: number): number {
  const width = high - low;
  if (!(width > 0)) return high;
  const share = Math.min(1, Math.max(0, (rest - low) / width));
  // Scores that are all at the low end of a wide interval leave nothing of the sum, whose logarithm is no bound.
  return Math.max(low, high + Math.log2(share + (1 - share) * 2 ** -width));
}

/**
 * How far a bound of a block of n keys may be off, in log2 units.
 *
 * A mean of n keys is off by n u of their lengths, summed up over its columns by √n of that; a dot product by dim + 2, a
 * score by dim / 2 + 4 roundings of `reach`; the mean of those left out adds n of each and is divided by one key at
 * least. The definition that one compares with and the sums of scores are those of `slackOf`.
 */
function slackOfBlock(
  dim: number,
  n: number,
  reach: number,
  bias: number,
): number {
  const rest = n * (2 * n * n + 2 * dim + 10);
  return UNIT_ROUNDOFF * ((rest + 1.5 * dim + 20) * reach +
    10 * Math.abs(bias) + LARGEST_DIFFERENCE);
}

/** Brings slots into blocks, one behind the other; returns where each ends. */
function cut(orders: readonly Order[], slots: Int32Array): number[] {
  const ends: number[] = [], open: [from: number, to: number][] = [];
  if (slots.length > 0) open.push([0, slots.length]);
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    const [from, to] = part;
    if (to - from <= MOST_KEYS) {
      ends.push(to);
      continue;
    }
    const middle = from + split(orders, slots.subarray(from, to));
    // The first part is next, so ends ascend.
    open.push([middle, to], [from, middle]);
  }
  return ends;
}

/** Parts slots at the widest gap of any order, in proportion to what lies around it; returns how many are in front. */
function split(orders: readonly Order[], slots: Int32Array): number {
  const count = slots.length, least = Math.floor(count * LEAST_PART);
  const hashes = new Float64Array(count);
  let widest = 0, before = 0, by: Order | undefined;
  for (const order of orders) {
    for (let i = 0; i < count; i++) hashes[i] = order.hashes[slots[i]];
    hashes.sort();
    const range = hashes[count - 1 - least] - hashes[least];
    for (let i = least; i < count - 1 - least; i++) {
      const gap = (hashes[i + 1] - hashes[i]) / range;
      if (!(gap > widest)) continue;
      widest = gap;
      before = hashes[i];
      by = order;
    }
  }
  // Keys that hash alike along all directions are alike.
  if (by === undefined) return count >> 1;
  let front = 0;
  for (let i = 0; i < count; i++) {
    const slot = slots[i];
    if (by.hashes[slot] > before) continue;
    slots[i] = slots[front];
    slots[front++] = slot;
  }
  return front;
}
