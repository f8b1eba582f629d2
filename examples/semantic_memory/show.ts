/**
 * How the demo looks: headings, bars, tables and progress, in plain text of at most 96 columns.
 *
 * Nothing depends on colour: a terminal gets bold headings and a bar that moves, everybody else the same words.
 *
 * @module
 */

/** Where the demo is shown. */
export interface Screen {
  /** Shows text; lines end where it says so. */
  write(text: string): void;
  /** Whether a line can be written over. */
  terminal: boolean;
  /** Whether bold and dim are understood and wanted. */
  colour: boolean;
}

/** Columns of a line. */
export const WIDTH = 96;
const BAR = 20;
const PROGRESS = 50;

/** Writes lines, two columns in. */
export function say(screen: Screen, ...lines: string[]): void {
  screen.write(lines.map((line) => `  ${line}`.trimEnd() + "\n").join(""));
}

/** Writes a paragraph, broken between words. */
export function tell(screen: Screen, paragraph: string): void {
  let line = "";
  for (const word of paragraph.split(" ")) {
    if (line.length + 1 + word.length > WIDTH - 2) {
      say(screen, line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  say(screen, line);
}

/** Writes a heading with a blank line before and after. */
export function title(screen: Screen, text: string): void {
  screen.write(`\n${paint(screen, 1, text)}\n\n`);
}

/** A share as a percentage of four columns. */
export function percent(share: number): string {
  return `${Math.round(100 * share)} %`.padStart(5);
}

/** A share as a bar of constant width. */
export function bar(share: number): string {
  const full = Math.round(BAR * share);
  return "█".repeat(full) + "·".repeat(BAR - full);
}

/** Text cut to a width, with an ellipsis where something is missing. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1).trimEnd()}…`;
}

/** A count in groups of three digits. */
export function count(number: number): string {
  return String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, " ");
}

/** Milliseconds, to the microsecond. */
export function time(milliseconds: number): string {
  return `${milliseconds.toFixed(3)} ms`;
}

/** A small number with two significant digits. */
export function small(number: number): string {
  return number === 0 ? "0" : number.toExponential(1);
}

/** Writes a table: the first column to the left, the others to the right, a rule under the first row. */
export function table(screen: Screen, rows: string[][]): void {
  const widths = rows[0].map((_, column) =>
    Math.max(...rows.map((cells) => cells[column].length))
  );
  const lines = rows.map((cells) =>
    cells.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])
    ).join("   ")
  );
  say(screen, lines[0], "─".repeat(lines[0].length), ...lines.slice(1));
}

/** Shows how far something is: a bar that moves on a terminal, else a line for every quarter. */
export function progress(
  screen: Screen,
  what: string,
  total: number,
): (done: number) => void {
  let shown = -1;
  return (done) => {
    const steps = screen.terminal ? PROGRESS : 4;
    const step = Math.floor(steps * done / total);
    if (step === shown) return;
    shown = step;
    const state = `${count(done)} of ${count(total)} ${what}`;
    if (!screen.terminal) {
      if (step > 0) say(screen, state);
      return;
    }
    const moved = "█".repeat(step) + "·".repeat(PROGRESS - step);
    screen.write(`\r  ${moved}  ${state}${done === total ? "\n" : ""}`);
  };
}

/** Text of less weight. */
export function faint(screen: Screen, text: string): string {
  return paint(screen, 2, text);
}

function paint(screen: Screen, code: number, text: string): string {
  return screen.colour ? `\x1b[${code}m${text}\x1b[0m` : text;
}
