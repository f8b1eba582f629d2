/**
 * How many parameters layers have.
 *
 * @module
 */

import { checkInteger, checkOptions, show } from "../check.ts";
import { KINDS } from "./layer.ts";
import type { LayerKind } from "./weights.ts";

/** What the number of parameters depends on; how many heads there are does not matter. */
export interface LayerSizes {
  /** Numbers of a token. */
  width: number;
  /** Tokens, for Super layers. */
  context?: number;
  /** Whether every projection has a bias, and the mixing of a Super layer one too; false if left out. */
  biases?: boolean;
}

const VERB = "count parameters";
/** Maps of width × width numbers. */
const MAPS: Readonly<Record<LayerKind, number>> = {
  multiHead: 4,
  optimised: 3,
  efficient: 2,
  super: 2,
};

/**
 * Counts the parameters of a layer whose queries, keys, values and outputs are all `width` wide.
 *
 * Without biases: multi-head 4 width², Optimised 3 width², Efficient 2 width², Super 2 width² + context². Super has
 * fewer than multi-head only for a context below √2 · width. Errors: a `TypeError` for an unknown kind or size, a
 * `RangeError` for one that is no whole number from 1 on, or a context that is missing or has no place. Source: Hosseini
 * and Hosseini, 2024, https://arxiv.org/abs/2403.01643.
 *
 * @example A quarter, a half
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parameterCount } from "@reattend/reattend/layers";
 *
 * const count = (kind: "multiHead" | "optimised" | "efficient") => parameterCount(kind, { width: 64 });
 * assertEquals(count("optimised") / count("multiHead"), 3 / 4);
 * assertEquals(count("efficient") / count("multiHead"), 1 / 2);
 * assertEquals(parameterCount("super", { width: 64, context: 64 }), count("optimised"));
 * ```
 */
export function parameterCount(kind: LayerKind, sizes: LayerSizes): number {
  if (!KINDS.includes(kind)) {
    throw new TypeError(
      `Cannot ${VERB}: kind is ${show(kind)}, it should be one of ${
        KINDS.join(", ")
      }`,
    );
  }
  checkOptions(VERB, sizes, ["width", "context", "biases"]);
  const count = (name: "width" | "context") =>
    checkInteger(VERB, name, sizes?.[name], 1, LARGEST);
  const width = count("width"), biases = sizes.biases ?? false;
  if (typeof biases !== "boolean") {
    throw new TypeError(
      `Cannot ${VERB}: biases is ${show(biases)}, it should be true or false`,
    );
  }
  if (kind !== "super" && sizes.context !== undefined) {
    throw new RangeError(
      `Cannot ${VERB}: context is given for ${kind}, it should be left out`,
    );
  }
  const maps = MAPS[kind] * width * (width + Number(biases));
  if (kind !== "super") return maps;
  const context = count("context");
  return maps + context * (context + Number(biases));
}

/** Counts of sizes up to this are exact. */
const LARGEST = 2 ** 24;
