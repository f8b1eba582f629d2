/**
 * How numbers become colours, and the round numbers that a legend names.
 *
 * A range that is not given is widened to round numbers, so that the ends of a legend can be read. Zero belongs to every
 * linear range: half a weight should look like half.
 *
 * @module
 */

import { type ColourMap, LEVELS } from "./colour.ts";

/** Equal steps of the number, equal steps of its logarithm, or equal steps to both sides of zero. */
export type ScaleKind = "linear" | "log" | "diverging";

/** All of them, the usual one first. */
export const SCALE_KINDS: readonly ScaleKind[] = ["linear", "log", "diverging"];

/** How numbers become colours. */
export interface Scale {
  /** What is equal about equal steps of colour. */
  kind: ScaleKind;
  /** The number of the first colour. */
  low: number;
  /** The number of the last colour. */
  high: number;
  /** Whether numbers below `low` are shown in its colour. */
  below: boolean;
  /** Whether numbers above `high` are shown in its colour. */
  above: boolean;
}

/** A number that a legend names. */
export interface Tick {
  /** Where, from 0 at the low end to 1 at the high end. */
  position: number;
  text: string;
}

/** A range is wider than this, so that quotients by it are finite; narrower ones hold nothing to look at. */
export const LEAST_WIDTH = 1e-300;
/** A logarithmic range that is not given ends here: a millionth of the largest weight is nothing to look at. */
const MOST_DECADES = 6;
/** A legend has so many intervals or fewer; more would run into each other. */
const MOST_INTERVALS = 6;
/** From here on powers of ten are written as such. */
const LEAST_PLAIN = -3, MOST_PLAIN = 4;
/** With more zeros a number is written with an exponent. */
const MOST_ZEROS = 4;
/** Quotients of numbers that are multiples but for rounding. */
const SLACK = 1e-9;

/** The map that a kind of scale is drawn with. */
export function mapOf(scale: Scale): ColourMap {
  return scale.kind === "diverging" ? "diverging" : "sequential";
}

/** Makes the scale of numbers between `least` and `most`; `leastPositive` is the least above zero. */
export function makeScale(
  kind: ScaleKind,
  least: number,
  most: number,
  leastPositive: number,
  range: readonly [number, number] | undefined,
): Scale {
  const [low, high] = range ?? roundRange(kind, least, most, leastPositive);
  return { kind, low, high, below: least < low, above: most > high };
}

function roundRange(
  kind: ScaleKind,
  least: number,
  most: number,
  leastPositive: number,
): [number, number] {
  if (kind === "log") {
    if (!(most > LEAST_WIDTH)) return [0.1, 1];
    const top = Math.ceil(Math.log10(most) - SLACK);
    const bottom = Math.floor(Math.log10(leastPositive) + SLACK);
    const from = Math.max(Math.min(bottom, top - 1), top - MOST_DECADES);
    return [power(from), power(top)];
  }
  if (kind === "diverging") {
    const size = Math.max(Math.abs(least), Math.abs(most));
    if (!(size > LEAST_WIDTH)) return [-1, 1];
    return widen(-size, size);
  }
  const from = Math.min(0, least), to = Math.max(0, most);
  if (!(to - from > LEAST_WIDTH)) return [0, 1];
  return widen(from, to);
}

/** To multiples of the step that the range then has. */
function widen(from: number, to: number): [number, number] {
  let low = from, high = to;
  for (;;) {
    const step = roundStep(high - low), size = multiple(1, step);
    const lower = multiple(Math.floor(low / size + SLACK), step);
    const higher = multiple(Math.ceil(high / size - SLACK), step);
    if (lower === low && higher === high) return [low, high];
    low = lower;
    high = higher;
  }
}

/** Where a number lies between the ends, from 0 to 1; `NaN` where it is missing. */
export function positionOf(
  { kind, low, high }: Scale,
  number: number,
): number {
  const position = kind === "log"
    ? Math.log(number / low) / Math.log(high / low)
    : (number - low) / (high - low);
  return Math.min(1, Math.max(0, position));
}

/** The colour of a number, as an index into those of the map; −1 where it is missing. */
export function levelOf(scale: Scale, number: number): number {
  return number !== number
    ? -1
    : Math.round(positionOf(scale, number) * (LEVELS - 1));
}

/** The round numbers of a legend, ascending. An end that stands for what lies beyond it is named, with its sign. */
export function ticksOf(scale: Scale): Tick[] {
  const { below, above } = scale;
  const ticks = scale.kind === "log" ? powers(scale) : steps(scale);
  const [first, last] = endsOf(scale);
  const apart = 1 / (2 * MOST_INTERVALS);
  if (below) {
    const rest = ticks.filter(({ position }) => position >= apart);
    ticks.length = 0;
    ticks.push({ position: 0, text: first }, ...rest);
  }
  if (above) {
    const rest = ticks.filter(({ position }) => position <= 1 - apart);
    ticks.length = 0;
    ticks.push(...rest, { position: 1, text: last });
  }
  return ticks;
}

/** How the ends of a scale are called. */
export function endsOf(scale: Scale): [low: string, high: string] {
  const { low, high, below, above } = scale;
  return [
    (below ? "≤ " : "") + nameOf(scale, low),
    (above ? "≥ " : "") + nameOf(scale, high),
  ];
}

function steps(scale: Scale): Tick[] {
  const { low, high, kind } = scale, step = roundStep(high - low);
  const size = multiple(1, step), ticks: Tick[] = [];
  const last = Math.floor(high / size + SLACK);
  for (let at = Math.ceil(low / size - SLACK); at <= last; at++) {
    const number = multiple(at, step);
    const plain = Math.abs(step.exponent) > MOST_ZEROS
      ? Math.abs(number).toExponential().replace("+", "").replace("-", "−")
      : Math.abs(number).toFixed(Math.max(0, -step.exponent));
    ticks.push({
      position: positionOf(scale, number),
      text: number === 0 ? "0" : sign(number, kind === "diverging") + plain,
    });
  }
  return ticks;
}

function powers(scale: Scale): Tick[] {
  const first = Math.ceil(Math.log10(scale.low) - SLACK);
  const last = Math.floor(Math.log10(scale.high) + SLACK);
  const apart = Math.ceil((last - first) / MOST_INTERVALS) || 1;
  const ticks: Tick[] = [];
  for (let exponent = last; exponent >= first; exponent -= apart) {
    ticks.unshift({
      position: positionOf(scale, power(exponent)),
      text: powerOfTen(exponent),
    });
  }
  return ticks;
}

function nameOf({ kind }: Scale, number: number): string {
  const exponent = Math.round(Math.log10(number));
  if (kind === "log" && power(exponent) === number) return powerOfTen(exponent);
  return signed(number, kind === "diverging");
}

function powerOfTen(exponent: number): string {
  if (exponent >= LEAST_PLAIN && exponent <= MOST_PLAIN) {
    return power(exponent).toFixed(Math.max(0, -exponent));
  }
  const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  return "10" +
    String(exponent).replace(
      /./g,
      (sign) => sign === "-" ? "⁻" : digits[Number(sign)],
    );
}

/** A number in three significant digits, with a real minus. */
export function shortNumber(number: number): string {
  return String(Number(number.toPrecision(3))).replaceAll("-", "−");
}

/** The same, with a plus where it is above zero. */
export function signed(number: number, plus: boolean): string {
  return (plus && number > 0 ? "+" : "") + shortNumber(number);
}

function sign(number: number, plus: boolean): string {
  return number < 0 ? "−" : plus && number > 0 ? "+" : "";
}

/** 1, 2 or 5 times a power of ten. */
interface Step {
  digit: number;
  exponent: number;
}

/** The least round step that makes no more than {@linkcode MOST_INTERVALS} of a span. */
function roundStep(span: number): Step {
  const least = span / MOST_INTERVALS;
  const exponent = Math.floor(Math.log10(least));
  for (const digit of [1, 2, 5]) {
    if (multiple(1, { digit, exponent }) >= least) return { digit, exponent };
  }
  return { digit: 1, exponent: exponent + 1 };
}

/** Through decimals, since 10 ** −5 is not 1e−5 everywhere. */
function power(exponent: number): number {
  return Number(`1e${exponent}`);
}

/** Through decimals, since 3 × 0.1 is not 0.3. */
function multiple(times: number, { digit, exponent }: Step): number {
  return Number(`${times * digit}e${exponent}`);
}
