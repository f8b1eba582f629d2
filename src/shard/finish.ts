/**
 * The outputs that sums over all keys give.
 *
 * The quotient of two whole numbers, rounded once by R (`softmax/canon.ts`). Most are told from 64-bit floats first, by
 * the first step of the ladder and its bound; what that leaves open, big integers tell.
 *
 * @module
 */

import { exponentOf, LEAST_EXPONENT, powerOfTwo } from "../kernel/exp2.ts";
import {
  COARSE_MAGIC,
  FINE_PER_ROOM,
  fineMagicOf,
  LEAST_ROOM,
  LEAST_VALUE_SHIFT,
} from "../kernel/grids.ts";
import type { Sums } from "../kernel/kernel.ts";
import { DenseMatrix } from "../matrix/dense.ts";
import { LEAST_STEP, PRECISION, REACH } from "../softmax/canon.ts";
import {
  type IntegerSums,
  openOf,
  quickAnswer,
  settle,
} from "../softmax/ladder.ts";
import { makeSums } from "../softmax/row.ts";
import { BASE, integerOf, LIMB_BITS } from "./limbs.ts";
import {
  checkPartial,
  columnsOf,
  type PartialAttention,
  type RowSums,
  unpack,
} from "./record.ts";

/**
 * Forms the outputs of a part that has been merged over all keys.
 *
 * The bits are those of `attend` over the same keys: correct to 32 significant bits, or to 2⁻⁴⁸ of the row's value scale
 * where cancellation leaves less. A query without keys gets zeros.
 *
 * Shapes: n × valueDim, 64-bit. Costs some ten operations for each limb, and big integers for the few numbers that these
 * do not tell. Errors: a `TypeError` for what is no part; a `RangeError` where the scores of a query span more than 1100
 * binary orders (762 nats), were split so that keys which the definition leaves out are in the sums, and the output lies
 * so close to a boundary of the rounding that these could matter: some 2⁻¹⁰⁰⁰ of it, which takes an adversary. It says so
 * rather than guess.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { finish, partial } from "@reattend/reattend/shards";
 *
 * assertEquals(finish(partial([[0], [9]], [[1], [1]], [[2], [4]])).to2DArray(), [[3], [3]]);
 * ```
 */
export function finish(part: PartialAttention): DenseMatrix {
  const verb = "finish",
    { counts, valueDim } = checkPartial(verb, "part", part);
  const outputs = new DenseMatrix(counts.length, valueDim);
  const sums = makeSums(1, 0, valueDim), open = new Int32Array(valueDim + 1);
  for (let row = 0, at = 0; row < counts.length; row++, at += valueDim) {
    if (counts[row] === 0) continue;
    const given = unpack(part, row);
    if (errorOf(given) === 0n) {
      layOnGrids(given, sums);
      quickAnswer(sums, 0, PRECISION, outputs.data, at, open);
    } else {
      for (let c = 0; c <= valueDim; c++) open[c] = c;
    }
    if (open[valueDim] === 0) continue;
    const exact = integersOf(
      given,
      columnsOf(valueDim),
      openOf(open, valueDim),
    );
    if (isNothing(exact)) continue;
    if (settle(exact, PRECISION, outputs.data, at, open) !== "answered") {
      throw new RangeError(
        `Cannot ${verb}: the scores of query ${row} span more than ${REACH} binary orders and output ${
          open[0]
        } lies on a boundary, its keys should be in one part`,
      );
    }
  }
  return outputs;
}

/**
 * Puts the sums of a row on the two grids of a maintained one, which tell nearly all outputs without big integers.
 *
 * Every limb is added like a key: it leaves half a step of the fine grid, so the limbs count as keys for the bound.
 */
function layOnGrids({ digits }: RowSums, sums: Sums): void {
  const { valueDim } = sums, columns = columnsOf(valueDim);
  const width = digits.length / columns;
  const shift = exponentOf(roughly(digits, columns, 0));
  const valueShift = Math.max(
    shift + LEAST_VALUE_SHIFT,
    exponentOf(roughly(digits, columns, 1)),
  );
  const fine = LEAST_ROOM * FINE_PER_ROOM, fineMagic = fineMagicOf(fine);
  sums.room[0] = LEAST_ROOM;
  sums.fine[0] = fine;
  sums.count[0] = width;
  sums.shift[0] = shift;
  sums.valueShift[0] = valueShift;
  for (let column = 0; column < columns; column++) {
    let high = 0, low = 0;
    for (let limb = width - 1; limb >= 0; limb--) {
      const places = LIMB_BITS * (limb - width + 1) -
        (column === 0 ? shift : valueShift);
      // What is so far below is nothing on the fine grid.
      if (places < LEAST_EXPONENT) break;
      const y = digits[limb * columns + column] * powerOfTwo(places);
      const h = (y + COARSE_MAGIC) - COARSE_MAGIC;
      high += h;
      low += ((y - h) + fineMagic) - fineMagic;
    }
    if (column === 0) {
      sums.massHigh[0] = high;
      sums.massLow[0] = low;
    } else if (column === 1) {
      sums.magnitudeHigh[0] = high;
      sums.magnitudeLow[0] = low;
    } else {
      sums.numeratorHigh[column - 2] = high + COARSE_MAGIC;
      sums.numeratorLow[column - 2] = low + fineMagic;
    }
  }
}

/** A sum in units of the highest limb, to a few units of its last place. */
function roughly(digits: Int32Array, columns: number, column: number): number {
  let sum = 0;
  for (let at = column; at < digits.length; at += columns) {
    sum = sum / BASE + digits[at];
  }
  return sum;
}

/** The sums of a row in units of its lowest limb, and what keys beyond reach may have added to any of them. */
function integersOf(
  row: RowSums,
  columns: number,
  components: readonly number[],
): IntegerSums {
  const sum = (column: number) => integerOf(row.digits, columns, column);
  return {
    mass: sum(0),
    magnitude: sum(1),
    numerators: components.map((c) => sum(2 + c)),
    error: errorOf(row),
    shift: 0,
  };
}

/**
 * 0, unless keys more than REACH below the largest may be in the sums. Then each weighs less than 2^(largest − REACH), its
 * value is no larger than the peak, and merges have dropped limbs below that weight, at most a little over half of it for
 * each part, twice as often as there are parts at most: three times the weight for each key is enough.
 */
function errorOf({ count, largest, least, peak, low }: RowSums): bigint {
  if (least >= largest - REACH) return 0n;
  const places = largest - Math.floor(largest / LIMB_BITS) * LIMB_BITS -
    REACH - low * LIMB_BITS + Math.max(0, exponentOf(peak) + 1);
  const error = 3n * BigInt(count);
  return places >= 0
    ? error << BigInt(places)
    : (error >> BigInt(-places)) + 1n;
}

/** Whether all outputs are below half of the finest step there is. */
function isNothing({ mass, magnitude, error }: IntegerSums): boolean {
  return (magnitude + error) << BigInt(1 - LEAST_STEP) <= mass - error;
}
