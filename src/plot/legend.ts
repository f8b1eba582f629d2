/**
 * The legend: the colours with round numbers under them, what else is on the maps, and what must be known to read them.
 *
 * @module
 */

import { LEVELS } from "./colour.ts";
import { notesOf } from "./describe.ts";
import type { HeatMap } from "./heat_map.ts";
import { LABEL_SIZE, roomFor } from "./labels.ts";
import {
  CAPITALS,
  LABEL_GAP,
  line,
  type Page,
  type Paint,
  PANEL_GAP,
} from "./page.ts";
import { type Tick, ticksOf } from "./scale.ts";
import type { Figure } from "./side_by_side.ts";

/** Every other colour of the map, two pixels wide. */
const SWATCH = 2;
const LEGEND_WIDTH: number = SWATCH * Math.ceil(LEVELS / SWATCH);
const LEGEND_HEIGHT = 9;
/** A small square beside the legend that says what it means. */
const KEY_SIZE = 9;
/** From one line to the next. */
const NOTE_HEIGHT = 16;

/** Draws the colours, their ticks, keys and notes; returns where they end. */
export function drawLegend(
  page: Page,
  { panels }: Figure,
  left: number,
  top: number,
): { right: number; bottom: number } {
  const [{ scale, unit }] = panels;
  const small = { size: LABEL_SIZE, bold: false };
  let y = top + CAPITALS;
  const log = scale.kind === "log" ? ", logarithmic" : "";
  const name = line(page, { ...small, text: unit + log, x: left, y });
  y += LABEL_GAP;
  for (let level = 0; level < LEVELS; level += SWATCH) {
    page.areas.push({
      x: left + level,
      y,
      width: SWATCH,
      height: LEGEND_HEIGHT,
      paint: level,
    });
  }
  let right = Math.max(
    left + LEGEND_WIDTH,
    left + roomFor(name.text, LABEL_SIZE),
  );
  for (const { position, text } of spaced(ticksOf(scale))) {
    const x = left + placeOf(position);
    page.areas.push({
      x,
      y: y + LEGEND_HEIGHT,
      width: 1,
      height: 4,
      paint: "muted",
    });
    line(page, {
      ...small,
      text,
      x,
      y: y + LEGEND_HEIGHT + LABEL_GAP + CAPITALS + 1,
      align: "middle",
      paint: "muted",
    });
    right = Math.max(right, x + roomFor(text, LABEL_SIZE) / 2);
  }
  let keyX = left + LEGEND_WIDTH + PANEL_GAP;
  for (const { paint, text } of keysOf(panels)) {
    page.areas.push({ x: keyX, y, width: KEY_SIZE, height: KEY_SIZE, paint });
    line(page, {
      ...small,
      text,
      x: keyX + KEY_SIZE + LABEL_GAP,
      y: y + CAPITALS,
      paint: "muted",
    });
    keyX += KEY_SIZE + 2 * LABEL_GAP + roomFor(text, LABEL_SIZE) + LABEL_GAP;
    right = Math.max(right, keyX);
  }
  y += LEGEND_HEIGHT + LABEL_GAP + CAPITALS + LABEL_GAP;
  for (const note of notesOf(panels)) {
    y += NOTE_HEIGHT;
    line(page, { ...small, text: note, x: left, y, paint: "muted" });
    right = Math.max(right, left + roomFor(note, LABEL_SIZE));
  }
  return { right, bottom: y };
}

function placeOf(position: number): number {
  return Math.round(position * (LEGEND_WIDTH - 1));
}

/** Ticks whose texts do not touch: every so manieth, counted from the last. */
function spaced(ticks: readonly Tick[]): Tick[] {
  for (let every = 1;; every++) {
    const some = ticks.filter((_, at) => (ticks.length - 1 - at) % every === 0);
    const room = ({ text }: Tick) => roomFor(text, LABEL_SIZE) / 2;
    const touch = some.some((tick, at) =>
      at > 0 &&
      placeOf(tick.position) - room(tick) <
        placeOf(some[at - 1].position) + room(some[at - 1]) + LABEL_GAP
    );
    if (!touch) return some;
  }
}

/** What is on the maps besides the colours of the scale. */
function keysOf(panels: readonly HeatMap[]): { paint: Paint; text: string }[] {
  const fates = panels.flatMap((
    { rowFates, columnFates },
  ) => [rowFates, columnFates]);
  const some = (fate: number) => fates.some((list) => list.includes(fate));
  return [
    { paint: LEVELS - 1, text: "+ came", there: some(1) },
    { paint: 0, text: "− went", there: some(-1) },
    {
      paint: "missing" as const,
      text: "no number",
      there: panels.some(({ cells }) =>
        cells.some((number) => number !== number)
      ),
    },
  ].filter(({ there }) => there);
}
