/**
 * Parts over different keys, put together: whole numbers, added.
 *
 * @module
 */

import { counted } from "../check.ts";
import { REACH } from "../softmax/canon.ts";
import { carry, LIMB_BITS, trim } from "./limbs.ts";
import {
  checkPartial,
  columnsOf,
  NO_SUMS,
  pack,
  type PartialAttention,
  type RowSums,
  unpack,
} from "./record.ts";

/**
 * Merges parts of the same queries over different keys into the part over all of these keys.
 *
 * Associative and commutative without an error: whatever the split, the order and the tree, `finish` gives the same
 * bits, and so are those of the merged record itself unless scores span more than 1100 binary orders. Keys that are in
 * two parts count twice. The parts stay as they are.
 *
 * Costs one addition for each limb of the parts. Errors: a `TypeError` for what is no part, a `RangeError` for parts of
 * other queries, another scale or values of another width.
 *
 * @example The order does not matter
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { merge, partial } from "@reattend/reattend/shards";
 *
 * const [a, b, c] = [0.1, 0.2, 0.3].map((x) => partial([[1]], [[x]], [[7 * x]]));
 * assertEquals(merge(merge(a, b), c), merge(c, merge(b, a)));
 * ```
 */
export function merge(
  first: PartialAttention,
  ...others: PartialAttention[]
): PartialAttention {
  const verb = "merge parts";
  const parts = [first, ...others].map((part, at) =>
    checkPartial(verb, `part ${at}`, part)
  );
  const { queries, counts } = first;
  // No keys tell no width, masked ones may; what has sums knows it. The widest, so that the order does not matter.
  const valueDim = parts.find(({ limbs }) => limbs.length > 0)?.valueDim ??
    Math.max(...parts.map(({ valueDim }) => valueDim));
  parts.forEach((part, at) => {
    if (part.queries !== queries || part.counts.length !== counts.length) {
      throw new RangeError(
        `Cannot ${verb}: part ${at} is of other queries or another scale than part 0, it should be of the same`,
      );
    }
    if (part.valueDim !== valueDim && part.limbs.length > 0) {
      throw new RangeError(
        `Cannot ${verb}: the values of part ${at} have ${
          counted(part.valueDim, "number")
        }, they should have ${valueDim}`,
      );
    }
  });
  const rows = Array.from(
    counts,
    (_, row) => addRows(parts.map((part) => unpack(part, row)), valueDim),
  );
  return pack(queries, valueDim, rows);
}

function addRows(all: readonly RowSums[], valueDim: number): RowSums {
  let largest = -Infinity;
  for (const row of all) largest = Math.max(largest, row.largest);
  const rows = all.filter((row) =>
    row.count > 0 && row.largest >= largest - REACH
  );
  if (rows.length === 0) return NO_SUMS;
  const columns = columnsOf(valueDim);
  const origin = Math.floor(largest / LIMB_BITS);
  // Differences of limbs are small and exact, however large the scores are.
  const lows = rows.map((row) =>
    Math.floor(row.largest / LIMB_BITS) - origin + row.low
  );
  const widths = rows.map(({ digits }) => digits.length / columns);
  const least = Math.min(...rows.map(({ least }) => least));
  // Where keys beyond reach are in the sums, what is below all that counts goes: chains of such parts would not end.
  const low = Math.max(
    Math.min(...lows),
    least < largest - REACH
      ? Math.floor((largest - origin * LIMB_BITS - REACH) / LIMB_BITS)
      : -Infinity,
  );
  const top = Math.max(...lows.map((from, i) => from + widths[i]));
  const limbs = new Float64Array((top - low + 1) * columns);
  rows.forEach(({ digits }, i) => {
    const from = (lows[i] - low) * columns;
    for (let at = Math.max(0, -from); at < digits.length; at++) {
      limbs[from + at] += digits[at];
    }
  });
  carry(limbs, columns);
  const { digits, dropped } = trim(limbs, columns);
  return {
    count: rows.reduce((sum, { count }) => sum + count, 0),
    largest,
    least,
    peak: Math.max(...rows.map(({ peak }) => peak)),
    low: low + dropped,
    digits,
  };
}
