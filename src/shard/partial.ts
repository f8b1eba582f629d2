/**
 * Partial sums of queries over some of their keys.
 *
 * Why a split shows in no bit: an output is the rounding R of the exact rational Σ ρ_jc 2^r_j / Σ a_j 2^r_j over all
 * keys (`softmax/canon.ts`). The terms a_j 2^r_j and ρ_jc 2^r_j depend on their query and their key alone, and each is a
 * whole multiple of a power of two, so their sums are whole numbers. Here they are kept as such, with every digit
 * (`limbs.ts`). Sums of whole numbers are associative and commutative without an error, so a merge of parts *is* the
 * sum over all keys, and `finish` forms the same quotient and rounds it once by the same R: no bound, no luck.
 *
 * One rule of the definition looks at all keys: those more than 1100 binary orders (762 nats) below the largest of their
 * row count as absent. A part drops those of its own; a merge drops parts that lie below as a whole. Where one lies on
 * both sides, as the least score in it tells, the keys to be dropped are in its sums already, and all that is known is
 * that each weighs less than 2⁻¹¹⁰⁰ of the largest. `finish` then answers what is certain all the same,
 * and throws where it is not.
 *
 * @module
 */

import {
  type Bias,
  checkAnswer,
  checkBias,
  checkFinite,
  checkOptions,
  counted,
  show,
  thereAre,
} from "../check.ts";
import type { Rows } from "../rows.ts";
import type { Query } from "../kernel/kernel.ts";
import { type CheckedRows, checkRows } from "../matrix/input.ts";
import { unpackRow } from "../matrix/store.ts";
import { checksum } from "../file/checksum.ts";
import { pack, type PartialAttention } from "./record.ts";
import { makeSummer, sumRow, tableOf } from "./sum.ts";

/** Options of {@linkcode partial}. */
export interface PartialOptions {
  /** Multiplies the dot products, the same in all parts; 1/√dim if left out. */
  scale?: number;
  /** Added to the scores of keys, one for all or one for each; −Infinity masks a key. */
  bias?: Bias;
  /** Says which keys a query may attend to, by their places in this call. */
  mask?: (query: number, key: number) => boolean;
}

/** Products of 32-bit floats, summed and scaled, stay finite. */
const LARGEST_SCALE = 1e200;

/**
 * Computes the sums of softmax attention over some of the keys: a part, to be merged with those of the other keys.
 *
 * Queries, keys and values are rounded to 32-bit floats, as `createAttention` does; the sums are exact. The record is
 * plain: post it to another thread, transfer its buffers, keep it.
 *
 * Shapes: n × dim, m × dim, m × valueDim. Costs n · m · dim multiply-adds and n · m · valueDim exact additions of
 * three limbs or more; 4 bytes for each limb of n · (valueDim + 2) sums, 3 to 6 limbs each for ordinary scores. Errors:
 * a `RangeError` for shapes that do not meet or numbers that are not finite, a `TypeError` for what is no matrix.
 *
 * @example A conversation that is read in chunks
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { finish, merge, partial } from "@reattend/reattend/shards";
 *
 * let sums = partial([[0]], [[1], [2]], [[3], [4]]);
 * sums = merge(sums, partial([[0]], [[5]], [[11]]));
 * assertEquals(finish(sums).to2DArray(), [[6]]);
 * ```
 */
export function partial(
  queries: Rows,
  keys: Rows,
  values: Rows,
  options: PartialOptions = {},
): PartialAttention {
  const verb = "sum a part";
  checkOptions(verb, options, ["scale", "bias", "mask"]);
  // No keys tell no width, nor does a flat list; a flat list of values has one for each key.
  const none = Array.isArray(keys) && keys.length === 0;
  const first = none || ArrayBuffer.isView(keys)
    ? checkRows(verb, "queries", queries)
    : undefined;
  const k = checkRows(verb, "keys", keys, none ? undefined : first?.width);
  const q = first ?? checkRows(verb, "queries", queries, k.width);
  const dim = q.width;
  const share = ArrayBuffer.isView(values) && k.count > 0
    ? (values as unknown as ArrayLike<number>).length / k.count
    : undefined;
  const implied = Number.isInteger(share) ? share : undefined;
  const v = checkRows(verb, "values", values, implied);
  if (v.count !== k.count) {
    throw new RangeError(
      `Cannot ${verb}: ${
        thereAre(v.count, "value")
      }, there should be one for each of ${counted(k.count, "key")}`,
    );
  }
  const scale = checkFinite(
    verb,
    "scale",
    options.scale === undefined ? 1 / Math.sqrt(dim || 1) : options.scale,
    LARGEST_SCALE,
  );
  const bias = checkBias(verb, options.bias ?? 0, k.count);
  const { mask } = options;
  if (mask !== undefined && typeof mask !== "function") {
    throw new TypeError(
      `Cannot ${verb}: mask is ${show(mask)}, it should be a function`,
    );
  }
  const numbers = writtenOut(q), valueDim = v.width;
  const summer = makeSummer(k, v, bias);
  const { scratch, biases } = summer, { slots } = scratch;
  const rows = Array.from({ length: q.count }, (_, i) => {
    let count = 0;
    for (let j = 0; j < k.count; j++) {
      if (biases[j] === -Infinity) continue;
      if (mask === undefined || checkAnswer("mask", mask(i, j))) {
        slots[count++] = j;
      }
    }
    const query: Query = {
      dim,
      rows: numbers,
      at: i * dim,
      factor: scale * Math.LOG2E,
      entries: undefined,
    };
    return sumRow(summer, query, count);
  });
  return pack(digestOf(numbers, dim, scale), valueDim, rows);
}

/** The numbers of rows, one row behind another. */
function writtenOut(rows: CheckedRows): Float32Array {
  const { count, width, data, sparse } = rows;
  if (sparse === undefined) return data;
  const table = tableOf(rows), numbers = new Float32Array(count * width);
  for (let row = 0; row < count; row++) {
    unpackRow(table, row, numbers, row * width);
  }
  return numbers;
}

/** A checksum of what all parts must share. */
function digestOf(queries: Float32Array, dim: number, scale: number): string {
  // −0 is 0.
  const plain = queries.map((number) => number + 0);
  const shape = Float64Array.of(dim, scale);
  return checksum([plain, shape].map(({ buffer }) => new Uint8Array(buffer)));
}
