/**
 * Which labels are written along an axis, and how: as many as fit without touching.
 *
 * @module
 */

import { textWidth } from "./font.ts";

/** A label and the cell it stands at. */
export interface Label {
  at: number;
  text: string;
}

/** Labels of an axis. */
export interface Axis {
  labels: Label[];
  /** Whether they are turned, reading upwards to the right. */
  turned: boolean;
  /** The longest of them. */
  width: number;
}

/** Size of labels. */
export const LABEL_SIZE = 11;
/** Room between two labels. */
const GAP = 7;
/** From one line to the next. */
const LINE = 12;
/** System fonts are up to a seventh wider than ours. */
const WIDER = 1.15;
/** Longer labels are cut, and end in an ellipsis. */
const LONGEST = 24;
/** Labels up to here, such as numbers, are left out rather than turned. */
export const SHORT = 4;
/** cos 45°: lines of turned labels are nearer to each other than the cells they stand at. */
export const SLOPE: number = Math.SQRT1_2;

/** Labels below a row of cells, `pitch` apart. */
export function columnAxis(texts: readonly string[], pitch: number): Axis {
  const all = texts.map(cut), width = widest(all);
  const upright = everyHow(width + GAP, pitch);
  const turned = everyHow(LINE / SLOPE, pitch);
  const turn = turned < upright &&
    all.some((text) => [...text].length > SHORT);
  return axis(all, turn ? turned : upright, turn);
}

/** Labels beside a column of cells, `pitch` apart. */
export function rowAxis(texts: readonly string[], pitch: number): Axis {
  return axis(texts.map(cut), everyHow(LINE, pitch), false);
}

/** What came has a plus before its label, what went a minus. */
export function withFate(label: string, fate: number): string {
  return fate === 0 ? label : `${fate > 0 ? "+" : "−"} ${label}`;
}

/** How far a text of a size reaches in whatever font it is shown. */
export function roomFor(text: string, size: number, bold = false): number {
  return Math.ceil(WIDER * textWidth(text, size, bold));
}

function axis(texts: readonly string[], every: number, turned: boolean): Axis {
  const labels = texts.map((text, at) => ({ at, text })).filter(({ at }) =>
    at % every === 0
  );
  return { labels, turned, width: widest(labels.map(({ text }) => text)) };
}

function widest(texts: readonly string[]): number {
  return texts.reduce(
    (most, text) => Math.max(most, roomFor(text, LABEL_SIZE)),
    0,
  );
}

/** 1, 2, 5, 10, 20 …: every how manieth label has the room it takes. */
export function everyHow(room: number, pitch: number): number {
  for (let power = 1;; power *= 10) {
    for (const digit of [1, 2, 5]) {
      if (digit * power * pitch >= room) return digit * power;
    }
  }
}

function cut(text: string): string {
  const characters = [...text];
  return characters.length <= LONGEST
    ? text
    : `${characters.slice(0, LONGEST - 1).join("").trimEnd()}…`;
}
