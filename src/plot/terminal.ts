/**
 * Figures in a terminal: two cells in a character, or shades where colour is not wanted.
 *
 * An upper half block has a colour of its own above another for its background, so that cells are about square. Without
 * colour a cell is two characters of one of five shades, behind its sign where numbers have one.
 *
 * @module
 */

import { checkInteger, checkOptions, show } from "../check.ts";
import { MUTED, type Rgb, SHADES, type Theme } from "./colour.ts";
import { notesOf } from "./describe.ts";
import { checkFigure, oneOf } from "./door.ts";
import { type HeatMap, poolNote } from "./heat_map.ts";
import { everyHow, SHORT, withFate } from "./labels.ts";
import { poolSource, startsOf } from "./pool.ts";
import { paletteOf } from "./raster.ts";
import { endsOf, levelOf, mapOf, positionOf, type Scale } from "./scale.ts";
import type { Figure } from "./side_by_side.ts";
import { columnsOf, cut, padStart, wrap } from "./terminal_text.ts";

/** Options of {@linkcode toTerminal}. */
export interface TerminalOptions {
  /** Whether 24-bit colours are understood and wanted; if left out, unless `NO_COLOR` is set (https://no-color.org). */
  colour?: boolean;
  /** Columns of the longest line, 80 if left out. */
  width?: number;
  /** What surrounds it: "dark", as most terminals are, if left out, or "light". */
  theme?: Theme;
}

const VERB = "draw in a terminal";
/** A legend with the longest numbers has 46 columns. */
const WIDTH = 80, LEAST_WIDTH = 48, MOST_WIDTH = 4096;
/** Labels are cut so that cells have most of a line. */
const LONGEST_LABEL = 16;
/** Cells are not drawn larger than this. */
const LARGEST_CELL = 4;
/** A picture higher than this many half lines is not enlarged. */
const HIGHEST = 64;
/** From nothing to all. */
const SHADE_CHARACTERS = " ░▒▓█";
const MISSING = "··";
/** Characters of a legend. */
const LEGEND = 24;

/**
 * Draws a map or a figure as lines of text; panels stand below each other.
 *
 * What is wider than the terminal is pooled once more, as the map was, and a line says so. Labels lose control
 * characters, so that no label can command a terminal. Colours are asked of `Deno.noColor`, else of
 * `process.env.NO_COLOR`, and never with a prompt.
 *
 * Costs one pass over the cells. Errors: a `TypeError` for what is no map, a `RangeError` for a width that is no whole
 * number from 48 to 4096.
 *
 * @example Without colour
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { heatMap, toTerminal } from "@reattend/reattend/plot";
 *
 * const lines = toTerminal(heatMap([[0, 0.5], [0.75, 1]]), { colour: false }).split("\n");
 * assertEquals(lines[0], "0   ▒▒");
 * assertEquals(lines[1], "1 ▓▓██");
 * ```
 */
export function toTerminal(
  map: HeatMap | Figure,
  options: TerminalOptions = {},
): string {
  checkOptions(VERB, options, ["colour", "width", "theme"]);
  const figure = checkFigure(VERB, map);
  const { colour = wantsColour() } = options;
  if (typeof colour !== "boolean") {
    throw new TypeError(
      `Cannot ${VERB}: colour is ${show(colour)}, it should be true or false`,
    );
  }
  const width = options.width === undefined
    ? WIDTH
    : checkInteger(VERB, "width", options.width, LEAST_WIDTH, MOST_WIDTH);
  const theme = oneOf(VERB, "theme", options.theme, ["dark", "light"]);
  const [{ scale, unit }] = figure.panels;
  const palette = paletteOf(mapOf(scale), theme);
  const lines = figure.title === "" ? [] : [...wrap(figure.title, width), ""];
  const panels = figure.panels.map((panel) =>
    shrink(panel, width, colour ? 1 : 2)
  );
  for (const panel of panels) {
    if (panel.title !== "") lines.push(...wrap(panel.title, width));
    lines.push(...drawMap(panel, width, colour ? palette : undefined), "");
  }
  lines.push(
    ...legend(panels, scale, unit, width, colour ? palette : undefined),
    ...notesOf(panels).flatMap((note) => wrap(note, width)),
  );
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

/** Whether colours are wanted, as far as that can be known without asking for a permission. */
function wantsColour(): boolean {
  const { Deno, process } = globalThis as {
    Deno?: { noColor?: boolean };
    process?: { env?: Record<string, string | undefined> };
  };
  if (typeof Deno?.noColor === "boolean") return !Deno.noColor;
  return (process?.env?.NO_COLOR ?? "") === "";
}

/** Labels of rows, as wide as they are shown. */
function gutterOf(map: HeatMap, width: number): number {
  const most = Math.min(LONGEST_LABEL, Math.floor(width / 3));
  return map.rowLabels.reduce(
    (wide, label, at) =>
      Math.max(
        wide,
        Math.min(most, columnsOf(withFate(label, map.rowFates[at]))),
      ),
    0,
  );
}

/** A map that is no wider than a terminal, each cell `cell` columns wide. */
function shrink(map: HeatMap, width: number, cell: number): HeatMap {
  const room = Math.floor((width - gutterOf(map, width) - 1) / cell);
  if (map.columns <= room) return map;
  const { rows, columns, cells, pool } = map;
  const source = {
    rows,
    columns,
    rowIds: undefined,
    columnIds: undefined,
    tail: 0,
    row: (index: number) => ({
      columns: undefined,
      numbers: cells.subarray(index * columns, (index + 1) * columns),
    }),
  };
  // Both sides alike, so that squares stay squares.
  const high = Math.ceil(rows * room / columns);
  const pooled = poolSource(source, high, room, pool);
  const rowsAt = startsOf(pooled.rows, rows);
  const columnsAt = startsOf(pooled.columns, columns);
  return {
    ...map,
    ...pooled,
    rowLabels: rowsAt.map((at) => map.rowLabels[at]),
    columnLabels: columnsAt.map((at) => map.columnLabels[at]),
    rowFates: Int8Array.from(rowsAt, (at) => map.rowFates[at]),
    columnFates: Int8Array.from(columnsAt, (at) => map.columnFates[at]),
    notes: [
      ...map.notes,
      poolNote("Each cell here", pool, [rows, columns], pooled, "cells"),
    ],
  };
}

/** Rows of cells with their labels, and the labels of columns below. */
function drawMap(
  map: HeatMap,
  width: number,
  palette: readonly Rgb[] | undefined,
): string[] {
  const { rows, columns } = map;
  if (rows * columns === 0) return [`${rows} × ${columns}: no cells`];
  const gutter = gutterOf(map, width);
  const label = (row: number) =>
    `${
      padStart(
        cut(withFate(map.rowLabels[row], map.rowFates[row]), gutter),
        gutter,
      )
    } `;
  if (palette === undefined) {
    const lines = Array.from(
      { length: rows },
      (_, row) => label(row) + shadesOfRow(map, row),
    );
    return [...lines, ...ruler(map, gutter, 2, width)];
  }
  const cell = Math.max(
    1,
    Math.min(
      LARGEST_CELL,
      Math.floor((width - gutter - 1) / columns),
      Math.floor(HIGHEST / rows),
    ),
  );
  const lines: string[] = [];
  for (let half = 0; half < rows * cell; half += 2) {
    const upper = Math.floor(half / cell),
      lower = Math.floor((half + 1) / cell);
    // A row is named where it begins.
    const named = half % cell === 0
      ? upper
      : (half + 1) % cell === 0
      ? lower
      : rows;
    lines.push(
      (named < rows ? label(named) : " ".repeat(gutter + 1)) +
        halves(map, upper, lower, cell, palette),
    );
  }
  return [...lines, ...ruler(map, gutter, cell, width)];
}

/** Two rows of cells in one line. */
function halves(
  map: HeatMap,
  upper: number,
  lower: number,
  cell: number,
  palette: readonly Rgb[],
): string {
  let line = "", last = "";
  for (let column = 0; column < map.columns; column++) {
    const over = colourOf(map, upper, column, palette)!;
    const under = colourOf(map, lower, column, palette);
    const paint = `\x1b[38;2;${over.join(";")};${
      under === undefined ? "49" : `48;2;${under.join(";")}`
    }m`;
    line += (paint === last ? "" : paint) + "▀".repeat(cell);
    last = paint;
  }
  return `${line}\x1b[0m`;
}

function colourOf(
  { rows, columns, cells, scale }: HeatMap,
  row: number,
  column: number,
  palette: readonly Rgb[],
): Rgb | undefined {
  if (row >= rows) return undefined;
  const level = levelOf(scale, cells[row * columns + column]);
  return palette[level < 0 ? MUTED : SHADES + level];
}

function shadesOfRow({ columns, cells, scale }: HeatMap, row: number): string {
  let line = "";
  for (let at = row * columns; at < (row + 1) * columns; at++) {
    line += cells[at] !== cells[at]
      ? MISSING
      : shade(scale, positionOf(scale, cells[at]));
  }
  return line;
}

/** A position on a scale as two characters. */
function shade({ kind }: Scale, position: number): string {
  const last = SHADE_CHARACTERS.length - 1;
  if (kind !== "diverging") {
    return SHADE_CHARACTERS[Math.round(position * last)].repeat(2);
  }
  const away = 2 * position - 1, dark = Math.round(Math.abs(away) * last);
  return dark === 0 ? "  " : (away < 0 ? "−" : "+") + SHADE_CHARACTERS[dark];
}

/** Labels of columns, as many as fit on a line; short ones, such as numbers, at even distances. */
function ruler(
  map: HeatMap,
  gutter: number,
  cell: number,
  width: number,
): string[] {
  const texts = map.columnLabels.map((label, column) =>
    cut(withFate(label, map.columnFates[column]), LONGEST_LABEL)
  );
  const widest = texts.reduce(
    (most, text) => Math.max(most, columnsOf(text)),
    0,
  );
  const every = widest <= SHORT ? everyHow(widest + 1, cell) : 1;
  let line = " ".repeat(gutter + 1), end = 0;
  for (let column = 0; column < texts.length; column += every) {
    const at = gutter + 1 + column * cell, to = at + columnsOf(texts[column]);
    if (at <= end || to > width) continue;
    line += " ".repeat(at - columnsOf(line)) + texts[column];
    end = to;
  }
  return [line];
}

/** What the colours or shades mean. */
function legend(
  panels: readonly HeatMap[],
  scale: Scale,
  unit: string,
  width: number,
  palette: readonly Rgb[] | undefined,
): string[] {
  const [low, high] = endsOf(scale);
  const steps = palette === undefined
    ? 2 * SHADE_CHARACTERS.length -
      (scale.kind === "diverging" ? 1 : SHADE_CHARACTERS.length)
    : Math.min(LEGEND, width - columnsOf(low) - columnsOf(high) - 2);
  let bar = "";
  for (let step = 0; step < steps; step++) {
    const position = step / (steps - 1);
    bar += palette === undefined
      ? shade(scale, position)
      : `\x1b[38;2;${
        palette[SHADES + Math.round(position * (palette.length - SHADES - 1))]
          .join(";")
      }m█`;
  }
  if (palette !== undefined) bar += "\x1b[0m";
  const missing = panels.some(({ cells }) =>
    cells.some((number) => number !== number)
  );
  const swatch = palette === undefined
    ? MISSING
    : `\x1b[38;2;${palette[MUTED].join(";")}m██\x1b[0m`;
  const [{ rowTitle, columnTitle }] = panels;
  return [
    ...wrap(`${rowTitle} ↓ ${columnTitle} →`, width),
    ...wrap(`${unit}${scale.kind === "log" ? ", logarithmic" : ""}:`, width),
    `${low} ${palette === undefined ? `[${bar}]` : bar} ${high}`,
    ...missing ? [`${swatch} no number`] : [],
  ];
}
