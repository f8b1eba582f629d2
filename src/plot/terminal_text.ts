/**
 * Texts in a terminal: how many columns they take, and nothing in them that it would obey.
 *
 * @module
 */

/** Text without what a terminal would obey. */
function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/gu, "\ufffd");
}

/** Scripts whose characters take two columns, rare ideographs among them, and pictures. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

/** Columns that a text takes in a terminal. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of clean(text)) {
    if (/\p{M}/u.test(character)) continue;
    columns += WIDE.test(character) ? 2 : 1;
  }
  return columns;
}

/** Text of at most so many columns. */
export function cut(text: string, columns: number): string {
  const whole = clean(text);
  if (columnsOf(whole) <= columns) return whole;
  let short = "";
  for (const character of whole) {
    if (columnsOf(short + character) >= columns) break;
    short += character;
  }
  return `${short}…`;
}

/** Text moved to the right end of so many columns. */
export function padStart(text: string, columns: number): string {
  return " ".repeat(Math.max(0, columns - columnsOf(text))) + text;
}

/** Lines of at most a width, broken between words where that is possible. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of clean(text).split(" ")) {
    if (line !== "" && columnsOf(line) + 1 + columnsOf(word) > width) {
      lines.push(line);
      line = "";
    }
    line += (line === "" ? "" : " ") + word;
    while (columnsOf(line) > width) {
      let head = "";
      for (const character of line) {
        if (columnsOf(head + character) > width) break;
        head += character;
      }
      lines.push(head);
      line = line.slice(head.length);
    }
  }
  return [...lines, line];
}
