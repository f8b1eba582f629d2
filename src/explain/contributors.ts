/**
 * What the outputs of a maintained attention are made of, as records that read by themselves.
 *
 * @module
 */

import { type Attention, openAttention } from "../attention.ts";
import { checkInteger, checkOptions, type Id, type Ids } from "../check.ts";
import { DenseMatrix } from "../matrix/dense.ts";
import { copyRows } from "../matrix/output.ts";
import { listSlots } from "../memory/slots.ts";
import { weights } from "../read.ts";
import type { Rows } from "../rows.ts";
import { effectiveAttention } from "./effective.ts";
import { type ExplainOptions, makeExplainer } from "./explainer.ts";
import { outputShares } from "./shares.ts";

/** A key and what it does for an output. */
export interface Contributor {
  /** Its id. */
  key: Id;
  /** Its attention weight. */
  weight: number;
  /** What is left of the weight when all that has no influence on the output is taken away; may be negative. */
  effective: number;
  /** The share of the output that comes from it; negative where it pulls the other way. */
  share: number;
}

/** What an output is made of. */
export interface Contributors {
  /** The id of the watched query. */
  query: Id;
  /** The keys with the largest shares, the largest first; of equal shares the larger weight, then the smaller id. */
  keys: Contributor[];
  /** Weight and share of all other keys together. */
  rest: { weight: number; share: number };
}

/** Options of {@linkcode contributors}. */
export interface ContributorsOptions {
  /** Watched queries, in this order; all of them by ascending id if left out. */
  ids?: Ids;
  /** valueDim × any width: the part of the output projection W^O that belongs to this attention; none if left out. */
  projection?: Rows;
}

/**
 * Names the keys that outputs come from: weight, effective weight and share of the output.
 *
 * Shares are those of {@linkcode outputShares}, effective weights those of {@linkcode effectiveAttention}. Only keys that
 * a query attends to are named. Where an output is 0, shares are 0 and the largest weights come first.
 *
 * Costs rows · n · (dim + 4 d) multiply-adds and 2 · n · d² for each set of keys that a mask admits. Errors: a
 * `RangeError` for an id that is not watched and a `count` that is no whole number from 0 on; what
 * {@linkcode weights} and {@linkcode effectiveAttention} refuse.
 *
 * @example What makes a memory say "plant"
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createAttention } from "@reattend/reattend";
 * import { contributors } from "@reattend/reattend/explain";
 *
 * const memory = createAttention({
 *   keys: [[9, 0], [9, 0], [0, 9]], // oak, fern, owl
 *   values: [[1, 0], [1, 0], [0, 1]], // plant, animal
 *   queries: [[9, 0]], // tree
 *   scale: 1,
 * });
 * const [tree] = contributors(memory, 1);
 * const [{ key, weight, share }] = tree.keys;
 * assertEquals([tree.query, key, weight, share], [0, 0, 0.5, 0.5]);
 * assertEquals(tree.rest.share, 0.5);
 * ```
 *
 * @param count How many keys to name.
 */
export function contributors(
  a: Attention,
  count: number,
  options: ContributorsOptions = {},
): Contributors[] {
  const verb = "name contributors";
  openAttention(verb, a);
  checkInteger(verb, "count", count, 0);
  checkOptions(verb, options, ["ids", "projection"]);
  const { ids, projection } = options;
  const explain: ExplainOptions = projection === undefined
    ? {}
    : { projection };
  const { queries, keys, matrix } = weights(
    a,
    ids === undefined ? {} : { ids },
  );
  const explainer = makeExplainer(liveValues(a), explain);
  const shares = outputShares(matrix, explainer);
  const effective = effectiveAttention(matrix, explainer);
  return queries.map((query, row) => {
    const all: Contributor[] = [];
    keys.forEach((key, column) => {
      const weight = matrix.get(row, column);
      if (weight === 0) return;
      const share = shares.get(row, column);
      all.push({ key, weight, effective: effective.get(row, column), share });
    });
    all.sort((one, other) =>
      other.share - one.share || other.weight - one.weight ||
      one.key - other.key
    );
    const rest = { weight: 0, share: 0 };
    for (const { weight, share } of all.slice(count)) {
      rest.weight += weight;
      rest.share += share;
    }
    return { query, keys: all.slice(0, count), rest };
  });
}

/**
 * The values of the live keys by ascending id, as they are stored: what the columns of {@linkcode weights} average.
 *
 * Shapes: n × valueDim, a copy in 64-bit floats.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createAttention, remove } from "@reattend/reattend";
 * import { liveValues } from "@reattend/reattend/explain";
 *
 * const attention = createAttention({ keys: [[1], [2], [3]], values: [[4], [5], [6]] });
 * remove(attention, 1);
 * assertEquals(liveValues(attention).to2DArray(), [[4], [6]]);
 * ```
 */
export function liveValues(a: Attention): DenseMatrix {
  const { keys } = openAttention("read live values", a);
  return DenseMatrix.from(copyRows(keys.values, listSlots(keys.slots)));
}
