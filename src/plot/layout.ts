/**
 * Where everything stands: a figure becomes a page.
 *
 * Panels stand in rows from the left, the cells of each in a frame with labels beside and below; the title above and the
 * legend below begin where the cells do.
 *
 * @module
 */

import { LEVELS } from "./colour.ts";
import type { HeatMap } from "./heat_map.ts";
import {
  type Axis,
  columnAxis,
  LABEL_SIZE,
  roomFor,
  rowAxis,
  SLOPE,
  withFate,
} from "./labels.ts";
import { drawLegend } from "./legend.ts";
import {
  type Area,
  CAPITALS,
  LABEL_GAP,
  line,
  type Page,
  PANEL_GAP,
} from "./page.ts";
import type { Figure } from "./side_by_side.ts";

/** Around everything. */
const MARGIN = 24;
/** The side that a single map's grid comes near, and the width that panels share. */
const SIDE = 460, SHARED_SIDE = 800;
/** Cells are squares up to this size; one row of many columns gets cells this high. */
const LARGEST_CELL = 28, LEAST_OTHER = 10;
/** From here on cells have room for a gap. */
const LEAST_GAPPED = 10;
const TITLE_SIZE = 16, PANEL_TITLE_SIZE = 12;
const TITLE_HEIGHT = 26;
/** Above cells stand the title of a panel and of its rows, on one line so far above them; below that of the columns. */
const HEADER_HEIGHT = 20, HEADER_GAP = 8, AXIS_TITLE_HEIGHT = 18;
/** Marks of what came and went: their breadth, and their distance from the grid. */
const MARK = 3, MARK_GAP = 2;
/** Height of the capitals of titles: 0.72 of their size. */
const TITLE_CAPITALS = 12;

/** Lays a figure out. */
export function layOut(figure: Figure): Page {
  const page: Page = { width: 0, height: 0, areas: [], lines: [], grids: [] };
  const { panels, across } = figure;
  let top = MARGIN;
  const title = figure.title === "" ? undefined : line(page, {
    text: figure.title,
    y: top + TITLE_CAPITALS,
    size: TITLE_SIZE,
    bold: true,
  });
  if (title) top += TITLE_HEIGHT;
  const frames = panels.map((map) => frameOf(map, panels.length > 1, across));
  const rows = alike(
    panels.map(({ rowLabels, rowTitle }) => [...rowLabels, rowTitle]),
  );
  const columns = alike(
    panels.map((
      { columnLabels, columnTitle },
    ) => [...columnLabels, columnTitle]),
  );
  let right = 0;
  let left = MARGIN;
  for (let first = 0; first < panels.length; first += across) {
    const row = frames.slice(first, first + across);
    const y = top + HEADER_HEIGHT;
    let x = MARGIN, bottom = y;
    row.forEach((frame, at) => {
      const labelled = {
        rows: at === 0 || !rows,
        columns: first + at + across >= panels.length || !columns,
        columnTitle: at === 0 || !columns,
      };
      x += leftOf(frame, labelled);
      if (first === 0 && at === 0) left = x;
      const below = drawFrame(page, frame, x, y, labelled);
      bottom = Math.max(bottom, below);
      x += breadthOf(frame, labelled);
      right = Math.max(right, x);
      x += PANEL_GAP;
    });
    top = bottom + PANEL_GAP;
  }
  // The title and the legend stand over and under the cells, as far to the left as they.
  if (title) {
    title.x = left;
    right = Math.max(right, left + roomFor(title.text, TITLE_SIZE, true));
  }
  const end = drawLegend(page, figure, left, top);
  page.width = Math.ceil(Math.max(right, end.right) + MARGIN);
  page.height = Math.ceil(end.bottom + MARGIN);
  return page;
}

/** A map with the room that its parts take. */
interface Frame {
  map: HeatMap;
  stepX: number;
  stepY: number;
  gap: number;
  width: number;
  height: number;
  rowAxis: Axis;
  columnAxis: Axis;
  marked: boolean;
}

function frameOf(map: HeatMap, shared: boolean, across: number): Frame {
  const side = shared ? SHARED_SIDE / across - PANEL_GAP : SIDE;
  const fit = (count: number) =>
    Math.min(LARGEST_CELL, Math.max(1, Math.floor(side / Math.max(1, count))));
  const wide = fit(map.columns), high = fit(map.rows);
  const square = Math.min(wide, high);
  const stepX = Math.max(square, Math.min(wide, LEAST_OTHER));
  const stepY = Math.max(square, Math.min(high, LEAST_OTHER));
  const gap = Math.min(stepX, stepY) >= LEAST_GAPPED ? 1 : 0;
  return {
    map,
    stepX,
    stepY,
    gap,
    // A map of no cells still has a place.
    width: map.columns === 0 ? LARGEST_CELL : map.columns * stepX - gap,
    height: map.rows === 0 ? LARGEST_CELL : map.rows * stepY - gap,
    rowAxis: rowAxis(marked(map.rowLabels, map.rowFates), stepY),
    columnAxis: columnAxis(
      marked(map.columnLabels, map.columnFates),
      stepX,
    ),
    marked: [map.rowFates, map.columnFates].some((fates) =>
      fates.some((fate) => fate !== 0)
    ),
  };
}

/** Labels that tell what came and what went. */
function marked(labels: readonly string[], fates: Int8Array): string[] {
  return labels.map((label, at) => withFate(label, fates[at]));
}

/** What of a frame is labelled: where panels are alike, the first of a row and the last of a column are enough. */
interface Labelled {
  rows: boolean;
  columns: boolean;
  columnTitle: boolean;
}

/** What a frame takes to the left of its cells. */
function leftOf(frame: Frame, labelled: Labelled): number {
  const { map, rowAxis, columnAxis, stepX, marked } = frame;
  const marks = marked ? MARK + MARK_GAP : 0;
  const title = roomFor(`${map.rowTitle} ↓`, LABEL_SIZE);
  const rows = labelled.rows
    ? Math.max(rowAxis.width, title) + LABEL_GAP + marks
    : marks;
  const columns = columnAxis.labels.map(({ at, text }) =>
    roomFor(text, LABEL_SIZE) * (columnAxis.turned ? SLOPE : 0.5) -
    (at + 0.5) * stepX
  );
  return Math.ceil(Math.max(rows, ...columns));
}

/** What it takes from there on: its cells, or a label or a title that reaches further. */
function breadthOf(
  { map, columnAxis, stepX, width }: Frame,
  labelled: Labelled,
): number {
  const columns = columnAxis.turned ? [] : columnAxis.labels.map((
    { at, text },
  ) => (at + 0.5) * stepX + roomFor(text, LABEL_SIZE) / 2);
  const title = labelled.columnTitle
    ? roomFor(`${map.columnTitle} →`, LABEL_SIZE)
    : 0;
  const empty = map.cells.length > 0
    ? 0
    : width + LABEL_GAP + roomFor(noCells(map), LABEL_SIZE);
  return Math.ceil(
    Math.max(
      width,
      roomFor(map.title, PANEL_TITLE_SIZE, true),
      title,
      empty,
      ...columns,
    ),
  );
}

function noCells({ rows, columns }: HeatMap): string {
  return `${rows} × ${columns}: no cells`;
}

/** Draws cells, labels, marks and titles of a map whose cells begin at x, y; returns where they end below. */
function drawFrame(
  page: Page,
  frame: Frame,
  x: number,
  y: number,
  labelled: Labelled,
): number {
  const { map, stepX, stepY, gap, width, height, marked } = frame;
  const { rowAxis, columnAxis } = frame;
  const away = LABEL_GAP + (marked ? MARK + MARK_GAP : 0);
  const small = { size: LABEL_SIZE, bold: false };
  if (map.title !== "") {
    line(page, {
      text: map.title,
      x,
      y: y - HEADER_GAP,
      size: PANEL_TITLE_SIZE,
      bold: true,
    });
  }
  drawOutline(page, x, y, width, height);
  if (map.rows * map.columns === 0) {
    line(page, {
      ...small,
      text: noCells(map),
      x: x + width + LABEL_GAP,
      y: y + height / 2 + CAPITALS / 2,
      paint: "muted",
    });
  } else page.grids.push({ x, y, stepX, stepY, gap, map });
  drawMarks(page, frame, x, y);
  if (labelled.rows) {
    line(page, {
      ...small,
      text: `${map.rowTitle} ↓`,
      x: x - away,
      y: y - HEADER_GAP,
      align: "end",
      paint: "muted",
    });
    for (const { at, text } of rowAxis.labels) {
      line(page, {
        ...small,
        text,
        x: x - away,
        y: y + (at + 0.5) * stepY + CAPITALS / 2,
        align: "end",
      });
    }
  }
  if (!labelled.columns) return y + height;
  for (const { at, text } of columnAxis.labels) {
    const middle = x + (at + 0.5) * stepX;
    line(page, {
      ...small,
      text,
      x: columnAxis.turned ? middle + CAPITALS * SLOPE / 2 : middle,
      y: y + height + away + CAPITALS * (columnAxis.turned ? SLOPE : 1),
      align: columnAxis.turned ? "end" : "middle",
      turned: columnAxis.turned,
    });
  }
  const depth = columnAxis.turned
    ? Math.ceil(columnAxis.width * SLOPE) + CAPITALS
    : CAPITALS;
  const end = y + height + away + depth;
  if (!labelled.columnTitle) return end;
  const below = end + AXIS_TITLE_HEIGHT;
  line(page, {
    ...small,
    text: `${map.columnTitle} →`,
    x,
    y: below,
    paint: "muted",
  });
  return below;
}

/** One pixel around the cells, so that pale ones have an edge. */
function drawOutline(
  page: Page,
  x: number,
  y: number,
  width: number,
  height: number,
): void {
  const paint = "rule";
  page.areas.push(
    { x: x - 1, y: y - 1, width: width + 2, height: 1, paint },
    { x: x - 1, y: y + height, width: width + 2, height: 1, paint },
    { x: x - 1, y, width: 1, height, paint },
    { x: x + width, y, width: 1, height, paint },
  );
}

/** A bar beside every row and column that came or went, in the colour of the greatest rise or fall. */
function drawMarks(
  page: Page,
  { map, stepX, stepY, gap, height }: Frame,
  x: number,
  y: number,
): void {
  const mark = (
    fates: Int8Array,
    title: string,
    labels: string[],
    place: (at: number) => Omit<Area, "paint">,
  ) =>
    fates.forEach((fate, at) => {
      if (fate === 0) return;
      page.areas.push({
        ...place(at),
        paint: fate > 0 ? LEVELS - 1 : 0,
        about: `${title} ${labels[at]} ${fate > 0 ? "came" : "went"}`,
      });
    });
  mark(map.columnFates, map.columnTitle, map.columnLabels, (at) => ({
    x: x + at * stepX,
    y: y + height + 1 + MARK_GAP,
    width: stepX - gap,
    height: MARK,
  }));
  mark(map.rowFates, map.rowTitle, map.rowLabels, (at) => ({
    x: x - 1 - MARK_GAP - MARK,
    y: y + at * stepY,
    width: MARK,
    height: stepY - gap,
  }));
}

/** Whether all lists hold the same. */
function alike(lists: readonly string[][]): boolean {
  return lists.every((list) =>
    list.length === lists[0].length &&
    list.every((text, at) => text === lists[0][at])
  );
}
