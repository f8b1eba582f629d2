/**
 * A panel of lines over two logarithmic axes.
 *
 * @module
 */

import {
  colourOf,
  label,
  LETTER,
  LINE,
  type Lines,
  PANEL,
  round,
  strokeOf,
  widthOf,
} from "./chart_parts.ts";

/** How high the panel is. */
export const LINES_HEIGHT = 280;
/** Around the plane: numbers of the axes, and what the axes are. */
const LEFT = 52, RIGHT = 12, TOP = 2 * LINE + 6, BOTTOM = 2 * LINE + 4;
/** Steps between decades, where there are few of them. */
const FINE = [1, 2, 5], FEW_DECADES = 2;
const DOT = 2.5;

/** Draws the panel at the origin. */
export function drawLines(
  { title, x, y, series }: Lines,
  legend: readonly string[],
): string {
  const xs = series.flatMap(({ points }) => points.map(([at]) => at));
  const ys = series.flatMap(({ points }) => points.map(([, at]) => at));
  const across = axis(xs, LEFT, PANEL - RIGHT);
  const up = axis(ys, LINES_HEIGHT - BOTTOM, TOP);
  const floor = LINES_HEIGHT - BOTTOM;
  const parts = [
    label(0, LINE - 5, title, { style: "panel" }),
    label(0, 2 * LINE - 5, y, { style: "quiet" }),
    label((LEFT + PANEL - RIGHT) / 2, LINES_HEIGHT - 5, x, {
      anchor: "middle",
      style: "quiet",
    }),
  ];
  for (const tick of ticksOf(ys)) {
    const at = round(up(tick));
    parts.push(
      `<path class="grid" d="M${LEFT} ${at}H${PANEL - RIGHT}"/>`,
      label(LEFT - 6, at + LETTER / 3, numberOf(tick), { anchor: "end" }),
    );
  }
  let free = -Infinity;
  for (const tick of [...new Set(xs)].sort((a, b) => a - b)) {
    const at = round(across(tick)), text = numberOf(tick);
    parts.push(`<path class="grid" d="M${at} ${TOP}V${floor}"/>`);
    // A number that would touch the one before is left to its line.
    if (at - widthOf(text) / 2 < free) continue;
    free = at + widthOf(text) / 2 + LETTER / 2;
    parts.push(label(at, floor + LINE - 2, text, { anchor: "middle" }));
  }
  for (const { name, points } of series) {
    const at = legend.indexOf(name), stroke = strokeOf(at);
    const places = points.map(([x, y]) => [round(across(x)), round(up(y))]);
    parts.push(
      `<path d="M${
        places.map((place) => place.join(" ")).join("L")
      }" ${stroke}><title>${name}</title></path>`,
      ...places.map(([x, y]) =>
        `<circle cx="${x}" cy="${y}" r="${DOT}" ${colourOf(at)}/>`
      ),
    );
  }
  return parts.join("");
}

/** Where numbers lie on a logarithmic axis from one place to another. */
function axis(
  numbers: readonly number[],
  from: number,
  to: number,
): (x: number) => number {
  const least = Math.log(Math.min(...numbers));
  const range = Math.log(Math.max(...numbers)) - least || 1;
  return (x) => from + (to - from) * (Math.log(x) - least) / range;
}

/** Powers of ten between the numbers, and steps between them where they are few. */
function ticksOf(numbers: readonly number[]): number[] {
  const least = Math.min(...numbers), most = Math.max(...numbers);
  const first = Math.floor(Math.log10(least));
  const last = Math.ceil(Math.log10(most));
  const steps = Math.log10(most / least) < FEW_DECADES ? FINE : [1];
  const ticks = [];
  for (let power = first; power <= last; power++) {
    for (const step of steps) {
      // Written out, so that a thousandth is one.
      const tick = Number(`${step}e${power}`);
      if (tick >= least && tick <= most) ticks.push(tick);
    }
  }
  return ticks;
}

/** A number with the letter of its thousands: 20k, 5M. */
function numberOf(x: number): string {
  if (x >= 1e9) return `${x / 1e9}G`;
  if (x >= 1e6) return `${x / 1e6}M`;
  if (x >= 1e4) return `${x / 1e3}k`;
  return x < SMALL ? x.toExponential() : String(x);
}

/** Below it zeros take more room than an exponent. */
const SMALL = 1e-3;
