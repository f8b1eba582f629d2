/**
 * Two cheap ways to tell R(O) from the sums of a row for certain, or to say which components stay open.
 *
 * The theorem both use: if |x − O| ≤ b and no boundary of R lies in [x − b, x + b], then R(x) = R(O). The bound b
 * follows from the grids alone (`src/README.md`, "Why a read is exact"); no two states are ever compared.
 *
 * @module
 */

import {
  highWord,
  LEAST_EXPONENT,
  powerOfTwo,
  POWERS,
} from "../kernel/exp2.ts";
import type { Sums } from "../kernel/kernel.ts";
import {
  COARSE_MAGIC,
  fineMagicOf,
  highOf,
  liftOf,
  lowOf,
} from "../kernel/grids.ts";
import {
  LEAST_STEP,
  ratioScale,
  roundRatio,
  SCALE_BITS,
  scaleExponent,
  THETA,
} from "./canon.ts";

/** What a row's sums are good for. */
export type Verdict = "answered" | "open" | "loose";

/** 2⁻⁵³. */
export const UNIT_ROUNDOFF: number = 2 ** -53;
/** Terms of second order in the bound are below this share of it. */
const SLACK = 1 + 2 ** -9;
/** Four roundings in forming x (numerator, mass, its inverse, the product) and three in testing it, one to spare. */
const ROUNDINGS = 8 * UNIT_ROUNDOFF * SLACK;
/** The bound holds where the mass is this many times the error of its sum. */
const LEAST_MASS = 2 ** 10;
/** Looking at the fraction alone is valid up to this share of a step: below a binade edge the last boundary is 0.245 away. */
const LARGEST_BOUND = 1 / 5;
/** From this share of a step on, an interval is sure to hold a boundary. */
const HOPELESS = 1 / 2;

/** The bound b of a component of size |x|: `relative` · (unit + |x|) + 8u |x|. */
export interface RowBound {
  /** mass / (half the fine steps of all keys), inverted: the relative error of the mass. */
  relative: number;
  /** 2^(valueShift − shift): the unit of the numerator over that of the mass. */
  unit: number;
}

/** Half a fine step per key, relative to the mass; undefined where the mass is too small for a bound. */
export function rowBound(sums: Sums, row: number): RowBound | undefined {
  const mass = sums.massHigh[row] + sums.massLow[row];
  const steps = sums.count[row] * sums.fine[row];
  if (!(mass >= LEAST_MASS * steps)) return undefined;
  return {
    relative: steps / (2 * mass) * SLACK,
    unit: powerOfTwo(sums.valueShift[row] - sums.shift[row]),
  };
}

/** How far a quotient of size |x| formed from the sums is from O. */
export function boundOf({ relative, unit }: RowBound, size: number): number {
  return relative * (unit + size) + ROUNDINGS * size;
}

/**
 * First step: the f64 quotient of every component and the distance of its fraction from θ.
 *
 * Writes the answer into `out` from `at` on, and the components it cannot tell into `open`, whose length is returned
 * in `open[valueDim]`. "loose": the sums are too coarse for this row, a recompute will help. Numerators may be off by
 * another `error` of the magnitude, of second order at most in every unit (`kernel/average.ts`).
 */
export function quickAnswer(
  sums: Sums,
  row: number,
  precision: number,
  out: Float64Array,
  at: number,
  open: Int32Array,
  error = 0,
): Verdict {
  const valueDim = sums.valueDim;
  open[valueDim] = 0;
  const bound = rowBound(sums, row);
  if (bound === undefined) return openAll(valueDim, open);
  const { relative, unit } = bound;
  const mass = sums.massHigh[row] + sums.massLow[row];
  const magnitude = (sums.magnitudeHigh[row] + sums.magnitudeLow[row]) / mass *
    unit;
  const blur = boundOf(bound, magnitude);
  if (magnitude <= blur) {
    if (magnitude + blur >= 2 ** (LEAST_STEP - 2)) {
      return openAll(valueDim, open);
    }
    out.fill(0, at, at + valueDim);
    return "answered";
  }
  const scale = scaleExponent(magnitude + blur),
    sureScale = scale === scaleExponent(magnitude - blur);
  const floor = Math.max(scale - SCALE_BITS, LEAST_STEP) | 0;
  const high = sums.numeratorHigh, low = sums.numeratorLow;
  const fineMagic = fineMagicOf(sums.fine[row]);
  const factor = 1 / mass * unit;
  const atUnit = relative * unit + error * SLACK * (magnitude + blur);
  const atSize = relative + ROUNDINGS;
  const toStep = precision - 1;
  let opened = 0, loose = false;
  for (let c = 0, from = row * valueDim; c < valueDim; c++, from++) {
    const x = ((high[from] - COARSE_MAGIC) + (low[from] - fineMagic)) * factor;
    const size = Math.abs(x);
    const head = highWord(x);
    // Subnormals and 0 read as −1023: below every floor.
    const fineStep = ((head >>> 20) & 0x7ff) - 1023 - toStep;
    const step = fineStep > floor ? fineStep : floor;
    const perStep = POWERS[-LEAST_EXPONENT - step];
    const steps = size * perStep, distance = (atUnit + atSize * size) * perStep;
    const whole = Math.floor(steps), rest = steps - whole - THETA;
    if (
      distance > LARGEST_BOUND || Math.abs(rest) <= distance ||
      (!sureScale && fineStep < floor)
    ) {
      if (distance > HOPELESS) loose = true;
      open[opened++] = c;
      continue;
    }
    // Which way to round and the sign are as good as random: no branch on them. Adding 0 turns −0 into 0.
    const rounded = (whole + 1 + Math.floor(rest)) *
      POWERS[step - LEAST_EXPONENT];
    out[at + c] = rounded * (1 + 2 * (head >> 31)) + 0;
  }
  open[valueDim] = opened;
  return loose ? "loose" : opened > 0 ? "open" : "answered";
}

/** Sums of some components as integers, all off by at most `error`. */
export interface IntegerSums {
  mass: bigint;
  magnitude: bigint;
  numerators: bigint[];
  error: bigint;
  /** The unit of magnitude and numerators is 2^shift of those of the mass. */
  shift: number;
}

/** R of every component whose least and largest quotient agree on it, undefined for the others. */
export function intervalAnswers(
  { mass, magnitude, numerators, error, shift }: IntegerSums,
  precision: number,
): (number | undefined)[] {
  const leastMass = mass - error, mostMass = mass + error;
  if (leastMass <= 0n || magnitude <= error) {
    return numerators.map(() => undefined);
  }
  const scales = [
    ratioScale(magnitude - error, mostMass, shift),
    ratioScale(magnitude + error, leastMass, shift),
  ];
  return numerators.map((numerator) => {
    const least = numerator - error, most = numerator + error;
    const answers = scales.flatMap((scale) => [
      roundRatio(
        least,
        least < 0n ? leastMass : mostMass,
        shift,
        scale,
        precision,
      ),
      roundRatio(
        most,
        most < 0n ? mostMass : leastMass,
        shift,
        scale,
        precision,
      ),
    ]);
    return answers.every((answer) => answer === answers[0])
      ? answers[0]
      : undefined;
  });
}

/**
 * Second step: the open components from the same sums as integers, which leaves only the grids' own error.
 *
 * Shortens `open` to what is still open.
 */
export function integerAnswer(
  sums: Sums,
  row: number,
  precision: number,
  out: Float64Array,
  at: number,
  open: Int32Array,
): Verdict {
  const { valueDim } = sums, fine = sums.fine[row], start = row * valueDim;
  // In half steps of the fine grid, where every sum is off by at most one per key.
  const halves = (high: number, low: number) =>
    2n * (BigInt(high / fine) + BigInt(low / fine));
  return settle(
    {
      mass: halves(sums.massHigh[row], sums.massLow[row]),
      magnitude: halves(sums.magnitudeHigh[row], sums.magnitudeLow[row]),
      numerators: openOf(open, valueDim).map((c) =>
        halves(highOf(sums, start + c), lowOf(sums, row, start + c))
      ),
      error: BigInt(sums.count[row]),
      shift: sums.valueShift[row] - sums.shift[row],
    },
    precision,
    out,
    at,
    open,
  );
}

/** Whether mass or magnitude fell so far below their anchors that fresh sums would tell more. */
export function isCoarse(sums: Sums, row: number): boolean {
  const least = 2 ** liftOf(sums.room[row]) * COARSE_BELOW;
  return sums.massHigh[row] < least || sums.magnitudeHigh[row] < least;
}

/** Sums an eighth of what they were when fresh are three bits coarser. */
const COARSE_BELOW = 1 / 8;

/** Writes what the sums of the open components tell, and shortens `open` to what they do not. */
export function settle(
  sums: IntegerSums,
  precision: number,
  out: Float64Array,
  at: number,
  open: Int32Array,
): Verdict {
  const end = open.length - 1;
  let opened = 0;
  intervalAnswers(sums, precision).forEach((answer, i) => {
    if (answer === undefined) open[opened++] = open[i];
    else out[at + open[i]] = answer;
  });
  open[end] = opened;
  return opened > 0 ? "open" : "answered";
}

/** The components that are open. */
export function openOf(open: Int32Array, valueDim: number): number[] {
  return [...open.subarray(0, open[valueDim])];
}

function openAll(valueDim: number, open: Int32Array): Verdict {
  for (let c = 0; c < valueDim; c++) open[c] = c;
  open[valueDim] = valueDim;
  return "loose";
}
