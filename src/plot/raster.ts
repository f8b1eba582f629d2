/**
 * A page as pixels, one byte each: shades from paper to ink, then the colours of the map.
 *
 * A palette holds all a picture needs, since letters never lie on cells: the same bytes are light or dark by their
 * palette alone.
 *
 * @module
 */

import {
  type ColourMap,
  coloursOf,
  MUTED,
  type Rgb,
  RULE,
  SHADES,
  shadesOf,
  type Theme,
} from "./colour.ts";
import { strokesOf, UNITS_IN_SIZE } from "./font.ts";
import { SLOPE } from "./labels.ts";
import type { Area, Grid, Line, Page, Paint } from "./page.ts";
import { levelOf } from "./scale.ts";

/** Pixels, row by row: shades, and from {@linkcode SHADES} on the colours of a map. */
export interface Raster {
  width: number;
  height: number;
  /** width × height. */
  pixels: Uint8Array;
}

/** Width of the pen that writes, as a share of the size of a text. */
const PEN = 0.088, BOLD_PEN = 0.13;
/** From one hatching line to the next. */
export const HATCH = 5;

/** The colours that pixels stand for. */
export function paletteOf(map: ColourMap, theme: Theme): readonly Rgb[] {
  return [...shadesOf(theme), ...coloursOf(map, theme)];
}

/** Draws a page, `ratio` pixels for each of its own. */
export function rasterOf(page: Page, ratio: number): Raster {
  const raster = blank(page.width * ratio, page.height * ratio);
  for (const area of page.areas) {
    fill(raster, area.paint, ratio, area);
  }
  for (const grid of page.grids) paintGrid(raster, grid, ratio);
  for (const line of page.lines) write(raster, line, ratio);
  return raster;
}

/** Draws cells alone, one pixel for each of the page's. */
export function rasterOfGrid(grid: Grid): Raster {
  const { map, stepX, stepY } = grid;
  const raster = blank(map.columns * stepX, map.rows * stepY);
  paintGrid(raster, { ...grid, x: 0, y: 0 }, 1);
  return raster;
}

function blank(width: number, height: number): Raster {
  return { width, height, pixels: new Uint8Array(width * height) };
}

function paintGrid(
  raster: Raster,
  { x, y, stepX, stepY, gap, map }: Grid,
  ratio: number,
): void {
  const { rows, columns, cells, scale } = map;
  const width = stepX - gap, height = stepY - gap;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const level = levelOf(scale, cells[row * columns + column]);
      const place = {
        x: x + column * stepX,
        y: y + row * stepY,
        width,
        height,
      };
      fill(raster, level < 0 ? "missing" : level, ratio, place);
    }
  }
}

function fill(
  { width, pixels }: Raster,
  paint: Paint,
  ratio: number,
  area: Pick<Area, "x" | "y" | "width" | "height">,
): void {
  const left = area.x * ratio, right = left + area.width * ratio;
  const top = area.y * ratio, bottom = top + area.height * ratio;
  const index = paint === "missing" ? 0 : indexOf(paint);
  for (let y = top; y < bottom; y++) {
    pixels.fill(index, y * width + left, y * width + right);
    if (paint !== "missing") continue;
    for (let x = left; x < right; x++) {
      if ((x + y) % (HATCH * ratio) < ratio) pixels[y * width + x] = MUTED;
    }
  }
}

function indexOf(paint: Exclude<Paint, "missing">): number {
  return typeof paint === "number"
    ? SHADES + paint
    : { ink: SHADES - 1, muted: MUTED, rule: RULE }[paint];
}

/** Writes a line of text with a round pen. */
function write(raster: Raster, line: Line, ratio: number): void {
  const { strokes, width } = strokesOf(line.text, line.bold);
  const unit = line.size * ratio / UNITS_IN_SIZE;
  const pen = line.size * ratio * (line.bold ? BOLD_PEN : PEN) / 2;
  const shift = { start: 0, middle: width / 2, end: width }[line.align];
  const [cos, sin] = line.turned ? [SLOPE, SLOPE] : [1, 0];
  const strength = line.paint === "ink" ? SHADES - 1 : MUTED;
  for (const stroke of strokes) {
    const points = stroke.map((_, at) => {
      const along = (stroke[at & ~1] - shift) * unit,
        up = stroke[at | 1] * unit;
      return at % 2 === 0
        ? line.x * ratio + cos * along - sin * up
        : line.y * ratio - sin * along - cos * up;
    });
    for (let at = 0; at + 3 < points.length; at += 2) {
      dash(raster, points, at, pen, strength);
    }
  }
}

/** Draws from one point to the next: a pixel is as dark as the pen covers it, by the distance of its middle. */
function dash(
  { width, height, pixels }: Raster,
  points: readonly number[],
  at: number,
  pen: number,
  strength: number,
): void {
  const x0 = points[at], y0 = points[at + 1];
  const dx = points[at + 2] - x0, dy = points[at + 3] - y0;
  const square = dx * dx + dy * dy, reach = pen + 0.5;
  const left = Math.max(0, Math.floor(Math.min(x0, x0 + dx) - reach));
  const right = Math.min(width, Math.ceil(Math.max(x0, x0 + dx) + reach));
  const top = Math.max(0, Math.floor(Math.min(y0, y0 + dy) - reach));
  const bottom = Math.min(height, Math.ceil(Math.max(y0, y0 + dy) + reach));
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const px = x + 0.5 - x0, py = y + 0.5 - y0;
      const along = square === 0
        ? 0
        : Math.min(1, Math.max(0, (px * dx + py * dy) / square));
      const distance = Math.sqrt(
        (px - along * dx) ** 2 + (py - along * dy) ** 2,
      );
      const cover = Math.min(1, Math.max(0, reach - distance));
      const shade = Math.round(cover * strength), to = y * width + x;
      if (pixels[to] < shade) pixels[to] = shade;
    }
  }
}
