/**
 * A panel of horizontal bars between a column of names and one of values.
 *
 * @module
 */

import {
  type Bars,
  label,
  LINE,
  PANEL,
  round,
  widthOf,
} from "./chart_parts.ts";

/** Room for names and for values; bars have the rest. */
const NAMES = 180, VALUES = 64;
const ROOM = PANEL - NAMES - VALUES;
/** Of a bar, in a line. */
const THICK = 12;

/** How high the panel is. */
export function barsHeight({ bars }: Bars): number {
  return (bars.length + 2) * LINE;
}

/** Draws the panel at the origin. */
export function drawBars({ title, limit, mark, bars }: Bars): string {
  const parts = [label(0, LINE - 5, title, { style: "panel" })];
  const place = (value: number) =>
    NAMES + ROOM * Math.min(Math.max(value, 0), limit) / limit;
  const top = LINE, bottom = (bars.length + 1) * LINE;
  bars.forEach(({ name, value, emphasis }, at) => {
    const y = top + at * LINE, text = y + LINE - 5;
    parts.push(label(NAMES - 8, text, shorten(name), { anchor: "end" }));
    if (value === null) {
      parts.push(
        label(PANEL, text, "refused", { anchor: "end", style: "quiet" }),
      );
      return;
    }
    const end = place(value), kind = emphasis ? "bar ours" : "bar";
    parts.push(
      `<rect class="${kind}" x="${NAMES}" y="${
        round(y + (LINE - THICK) / 2)
      }" width="${round(Math.max(1, end - NAMES))}" height="${THICK}"/>`,
      label(PANEL, text, value > limit ? `» ${shown(value)}` : shown(value), {
        anchor: "end",
      }),
    );
  });
  const x = round(place(mark));
  parts.push(
    `<path class="grid" d="M${NAMES} ${top}V${bottom}"/>`,
    `<path class="mark" d="M${x} ${top}V${bottom}"/>`,
    label(x, bottom + LINE - 5, String(mark), {
      anchor: "middle",
      style: "quiet",
    }),
  );
  return parts.join("");
}

/** Three digits after the point: errors below 0.001 are none on this scale. */
function shown(value: number): string {
  return value.toFixed(3);
}

/** A name that fits its room. */
function shorten(name: string): string {
  let fitting = name;
  while (widthOf(fitting) > NAMES - 8) fitting = `${fitting.slice(0, -2)}…`;
  return fitting;
}
