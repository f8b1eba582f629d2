/**
 * A map in words: what a person who cannot see it is told, and what a cell says of itself.
 *
 * @module
 */

import type { Figure } from "./side_by_side.ts";
import type { HeatMap } from "./heat_map.ts";
import { shortNumber, signed } from "./scale.ts";

/** Names that are listed before "and so many more". */
const MOST_NAMES = 12;

/** Half a percent: what is less does not show in a percentage. */
const LEAST_TAIL = 0.005;

/** What must be known to read a figure, each said once. */
export function notesOf(panels: readonly HeatMap[]): string[] {
  const notes = new Set(panels.flatMap(({ notes }) => notes));
  const tail = panels.reduce((most, map) => Math.max(most, map.tail), 0);
  if (tail >= LEAST_TAIL) {
    notes.add(
      `Up to ${Math.round(100 * tail)} % of the weight of a row is not shown.`,
    );
  }
  return [...notes];
}

/** What a figure shows. */
export function describeFigure({ description, panels }: Figure): string {
  const parts = panels.map((map) =>
    (map.title === "" ? "" : `${sentence(map.title)} `) + describe(map)
  );
  const own = description === "" ? [] : [sentence(description)];
  return [...own, ...parts, ...notesOf(panels)].join(" ");
}

/** What a map shows. */
function describe(map: HeatMap): string {
  const { rows, columns, rowTitle, columnTitle, unit, cells } = map;
  const sentences = map.description === "" ? [] : [sentence(map.description)];
  sentences.push(
    `A heat map of ${rows} × ${columns} cells, ${rowTitle} by ${columnTitle}, coloured by ${unit}.`,
  );
  let least = -1, most = -1, missing = 0;
  for (let at = 0; at < cells.length; at++) {
    if (cells[at] !== cells[at]) missing++;
    else {
      if (most < 0 || cells[at] > cells[most]) most = at;
      if (least < 0 || cells[at] < cells[least]) least = at;
    }
  }
  if (most >= 0) {
    sentences.push(
      cells[least] === cells[most]
        ? `All numbers are ${number(map, most)}.`
        : `The largest is ${number(map, most)} at ${
          place(map, most)
        }, the least ${number(map, least)} at ${place(map, least)}.`,
    );
  }
  if (missing > 0) {
    sentences.push(
      missing === 1
        ? "One cell has no number."
        : `${missing} cells have no number.`,
    );
  }
  for (
    const [fates, title, labels] of [
      [map.rowFates, rowTitle, map.rowLabels],
      [map.columnFates, columnTitle, map.columnLabels],
    ] as const
  ) {
    for (const [fate, verb] of [[1, "Came"], [-1, "Went"]] as const) {
      const names = labels.filter((_, at) => fates[at] === fate);
      if (names.length > 0) sentences.push(`${verb}: ${title} ${list(names)}.`);
    }
  }
  return sentences.join(" ");
}

/** What a cell says of itself. */
export function describeCell(map: HeatMap, at: number): string {
  return `${place(map, at)}: ${number(map, at)}`;
}

/** What a row says of itself where its cells are too many to speak. */
export function describeRow(map: HeatMap, row: number): string {
  const { columns, cells, rowTitle, rowLabels, scale } = map;
  let most = -1;
  for (let at = row * columns; at < (row + 1) * columns; at++) {
    const size = (cell: number) =>
      scale.kind === "diverging" ? Math.abs(cells[cell]) : cells[cell];
    if (cells[at] === cells[at] && (most < 0 || size(at) > size(most))) {
      most = at;
    }
  }
  const name = `${rowTitle} ${rowLabels[row]}`;
  return most < 0
    ? `${name}: no number`
    : `${name}: most ${number(map, most)} at ${columnOf(map, most)}`;
}

function place(map: HeatMap, at: number): string {
  const row = Math.floor(at / map.columns);
  return `${map.rowTitle} ${map.rowLabels[row]}, ${columnOf(map, at)}`;
}

function columnOf({ columnTitle, columnLabels, columns }: HeatMap, at: number) {
  return `${columnTitle} ${columnLabels[at % columns]}`;
}

function number({ cells, scale }: HeatMap, at: number): string {
  return cells[at] !== cells[at]
    ? "no number"
    : scale.kind === "diverging"
    ? signed(cells[at], true)
    : shortNumber(cells[at]);
}

function list(names: readonly string[]): string {
  return names.length <= MOST_NAMES
    ? names.join(", ")
    : `${names.slice(0, MOST_NAMES).join(", ")} and ${
      names.length - MOST_NAMES
    } more`;
}

function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
