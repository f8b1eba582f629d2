/**
 * What charts are made of: panels as they are described, sizes, texts and looks.
 *
 * @module
 */

/** Horizontal bars, one below the other. */
export interface Bars {
  kind: "bars";
  title: string;
  /** Bars reach this far at most; one that is longer is cut and says so. */
  limit: number;
  /** Where a line is drawn for comparison. */
  mark: number;
  bars: readonly Bar[];
}

/** A bar, or why there is none. */
export interface Bar {
  name: string;
  /** Null where there is none. */
  value: number | null;
  emphasis: boolean;
}

/** Lines over two logarithmic axes. */
export interface Lines {
  kind: "lines";
  title: string;
  /** What the axes are. */
  x: string;
  y: string;
  series: readonly Series[];
}

/** A line, known by the place of its name in the legend. */
export interface Series {
  name: string;
  /** Above 0, by ascending x. */
  points: readonly (readonly [x: number, y: number])[];
}

/** The width of a panel. */
export const PANEL = 420;
/** The size of letters, and how wide the widest of usual ones are in it. */
export const LETTER = 12;
const LETTER_WIDTH = 0.62;
/** A line of text with its room. */
export const LINE = 18;

/** About how wide a text is, rather too much. */
export function widthOf(text: string, size: number = LETTER): number {
  return text.length * size * LETTER_WIDTH;
}

/** Text that stands for itself in SVG. */
export function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/** A text at a place. */
export function label(
  x: number,
  y: number,
  text: string,
  { anchor = "start", style = "" }: { anchor?: string; style?: string } = {},
): string {
  const kind = style === "" ? "" : ` class="${style}"`;
  return `<text x="${round(x)}" y="${
    round(y)
  }" text-anchor="${anchor}"${kind}>${escape(text)}</text>`;
}

/** A coordinate in tenths. */
export function round(x: number): number {
  return Math.round(x * 10) / 10;
}

/** Colours that are told apart by most eyes, on white and on black (after Okabe and Ito, 2008). */
export const LIGHT = [
  "#0072b2",
  "#d55e00",
  "#007f5c",
  "#a8458c",
  "#8a6d00",
  "#444444",
];
export const DARK = [
  "#56b4e9",
  "#ff9b4a",
  "#2fd3a4",
  "#e79ac8",
  "#f0e442",
  "#cccccc",
];
const DASHES = ["", "7 4", "2 3"];

/** The look of a line, by its place in the legend: no two of {@linkcode LIGHT} × {@linkcode DASHES} are alike. */
export function strokeOf(at: number): string {
  // Neighbours differ in both, so that one shows through where it runs under another.
  const dash = DASHES[(at + Math.floor(at / LIGHT.length)) % DASHES.length];
  return `${colourOf(at)}${dash === "" ? "" : ` stroke-dasharray="${dash}"`}`;
}

/** The same without dashes, for what is too small for them. */
export function colourOf(at: number): string {
  return `class="line c${at % LIGHT.length}"`;
}
