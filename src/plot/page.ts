/**
 * A page: rectangles, grids of cells and lines of text, in CSS pixels from the upper left.
 *
 * What is drawn is one list for SVG and PNG, so that looking at one is looking at the other. What bounds a rectangle or a
 * cell is a whole number, so that edges are crisp.
 *
 * @module
 */

import type { HeatMap } from "./heat_map.ts";

/** Height of the capitals of labels: 0.72 of their size. */
export const CAPITALS = 8;
/** Between what belongs together, such as a grid and its labels. */
export const LABEL_GAP = 6;
/** Between what does not, such as two panels. */
export const PANEL_GAP = 20;

/** What a stroke or an area is painted with: one of the surfaces, what is missing, or a colour of the map. */
export type Paint = "ink" | "muted" | "rule" | "missing" | number;

/** A rectangle. */
export interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
  paint: Paint;
  /** What is said of it when it is pointed at. */
  about?: string;
}

/** A line of text. */
export interface Line {
  /** Where it starts, ends or has its middle, on the baseline. */
  x: number;
  y: number;
  text: string;
  size: number;
  bold: boolean;
  align: "start" | "middle" | "end";
  /** Whether it reads upwards at 45°. */
  turned: boolean;
  paint: "ink" | "muted";
}

/** The cells of a map. */
export interface Grid {
  x: number;
  y: number;
  /** From one cell to the next. */
  stepX: number;
  stepY: number;
  /** What of a step is left free. */
  gap: number;
  map: HeatMap;
}

/** A page. */
export interface Page {
  width: number;
  height: number;
  areas: Area[];
  lines: Line[];
  grids: Grid[];
}

/** Puts a line of text on a page. */
export function line(
  page: Page,
  given: Partial<Line> & Pick<Line, "text" | "y" | "size" | "bold">,
): Line {
  const drawn: Line = {
    x: 0,
    align: "start",
    turned: false,
    paint: "ink",
    ...given,
  };
  page.lines.push(drawn);
  return drawn;
}
