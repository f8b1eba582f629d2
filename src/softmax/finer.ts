/**
 * Sums of a few components on three grids: what remains where two do not tell R(O).
 *
 * The third grid stands to the second as the second to the first (`src/kernel/grids.ts`): it catches what the second
 * leaves of each contribution, exactly, so that a sum is off by half a step of it for each key. That is some 2⁻⁴⁰ of
 * the error of a row's own sums, for a pass over the keys; the exact rational costs big integers for each.
 *
 * @module
 */

import {
  exp2,
  exponentOf,
  LEAST_EXPONENT,
  powerOfTwo,
  roundEven,
} from "../kernel/exp2.ts";
import type { Scratch } from "../kernel/kernel.ts";
import type { Table } from "../kernel/table.ts";
import { COARSE, LEAST_ROOM, LEAST_VALUE_SHIFT } from "../kernel/grids.ts";
import { numberAt } from "../matrix/store.ts";
import type { IntegerSums } from "./ladder.ts";

/** The steps of the second and third grid for a room: rests of half a step each fill 2⁵³ steps of the next grid. */
const PER_ROOM = 2 ** -54;

/**
 * Sums `components` of scored keys; `peaks` are the largest sizes of `values`.
 *
 * The scores of scratch stay, its weights and exponents are used up. Costs 2 + components sums over the keys.
 */
export function finerSums(
  { slots, scores, weights, exponents }: Scratch,
  count: number,
  values: Table,
  peaks: Float64Array,
  components: readonly number[],
): IntegerSums {
  let anchor = -Infinity;
  for (let i = 0; i < count; i++) {
    exponents[i] = roundEven(scores[i]);
    weights[i] = exp2(scores[i] - exponents[i]);
    anchor = Math.max(anchor, exponents[i]);
  }
  const weightAt = (i: number, shift: number) => {
    const places = exponents[i] - anchor - shift;
    return places < LEAST_EXPONENT ? 0 : weights[i] * powerOfTwo(places);
  };
  let mass = 0, magnitude = 0;
  for (let i = 0; i < count; i++) {
    const weight = weightAt(i, 0);
    mass += weight;
    magnitude += weight * peaks[slots[i]];
  }
  const shift = exponentOf(mass);
  const valueShift = Math.max(shift + LEAST_VALUE_SHIFT, exponentOf(magnitude));
  let room = LEAST_ROOM;
  while (room < count) room *= 2;
  const sum = (contribution: (i: number) => number) =>
    sumOnGrids(room, count, contribution);
  return {
    mass: sum((i) => weightAt(i, shift)),
    magnitude: sum((i) => weightAt(i, valueShift) * peaks[slots[i]]),
    numerators: components.map((c) =>
      sum((i) => weightAt(i, valueShift) * numberAt(values, slots[i], c))
    ),
    error: BigInt(count),
    shift: valueShift - shift,
  };
}

/** A sum in half steps of the finest grid. */
function sumOnGrids(
  room: number,
  count: number,
  contribution: (i: number) => number,
): bigint {
  const fine = COARSE * room * PER_ROOM, finest = fine * room * PER_ROOM;
  const [first, second, third] = [COARSE, fine, finest].map((step) =>
    1.5 * 2 ** 52 * step
  );
  let high = 0, middle = 0, low = 0;
  for (let i = 0; i < count; i++) {
    const y = contribution(i);
    const caught = (y + first) - first, rest = y - caught;
    const next = (rest + second) - second;
    high += caught;
    middle += next;
    low += ((rest - next) + third) - third;
  }
  const steps = (total: number) => BigInt(total / finest);
  return 2n * (steps(high) + steps(middle) + steps(low));
}
