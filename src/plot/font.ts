/**
 * A font of strokes, for pictures that cannot ask a machine for one.
 *
 * A glyph is the path of a pen, drawn by us on a grid whose capitals are 14 units high: strokes parted by `/`, points as
 * `x,y` from the baseline up. A point behind `~` is not passed but pulls the pen towards it, as in TrueType: two of them
 * in a row meet half way, so that four around a box are an oval. A pen of any width draws it at any size and angle; one
 * font serves for text, titles and labels that are turned.
 *
 * @module
 */

/** Height of capitals, in units. */
export const CAPITALS = 14;
/** Helvetica's capitals have 0.72 of its size; so have ours. */
export const UNITS_IN_SIZE: number = CAPITALS / 0.72;
/** Room on both sides of a glyph together, in units; a broader pen needs more. */
const BEARINGS = 3.5, BOLD_BEARINGS = 4.3;
const SPACE = 5;
/** Straight pieces of a curve: at 40 pixels they are off by less than a tenth of one. */
const PIECES = 6;
/** Superscripts are so much smaller, and stand so high. */
const RAISED_SIZE = 0.62, RAISED_BY = 6.4;

const BOWL = "~0,0 ~7.2,0 ~7.2,10 ~0,10 z";
const GLYPHS: Readonly<Record<string, string>> = {
  "0": "~0,0 ~7.4,0 ~7.4,14 ~0,14 z",
  "1": "1,11.2 4.2,14 4.2,0",
  "2": "0.3,10.4 ~0.3,14 3.6,14 ~6.9,14 6.9,10.6 ~6.9,8.4 5,6.2 0,0 7.3,0",
  "3":
    "0.5,12 ~1.5,14 3.5,14 ~6.7,14 6.7,10.9 ~6.7,7.6 2.9,7.6 / 2.9,7.6 ~7.2,7.6 7.2,4 ~7.2,0 3.5,0 ~1,0 0,2.4",
  "4": "5.7,0 5.7,14 0,4.2 7.9,4.2",
  "5":
    "6.4,14 1.1,14 0.6,7.6 ~1.7,9 3.6,9 ~7.2,9 7.2,4.6 ~7.2,0 3.3,0 ~1.1,0 0,2",
  "6": "~0,0 ~7.2,0 ~7.2,8.8 ~0,8.8 z / 0,4.6 ~0,14 4.1,14 ~5.6,14 6.5,12.2",
  "7": "0,14 7.2,14 2.4,0",
  "8": "~0.5,7.5 ~6.8,7.5 ~6.8,14 ~0.5,14 z / ~0,0 ~7.3,0 ~7.3,7.5 ~0,7.5 z",
  "9": "~0,5.2 ~7.2,5.2 ~7.2,14 ~0,14 z / 7.2,9.4 ~7.2,0 3.1,0 ~1.6,0 0.7,1.8",
  A: "0,0 5.1,14 10.2,0 / 1.8,4.8 8.4,4.8",
  B: "0,0 0,14 4.4,14 ~8,14 8,10.8 ~8,7.5 4.4,7.5 0,7.5 / 4.4,7.5 ~8.6,7.5 8.6,3.8 ~8.6,0 4.4,0 0,0",
  C: "9.8,10.8 ~8.6,14 5.3,14 ~0,14 0,7 ~0,0 5.3,0 ~8.6,0 9.8,3.2",
  D: "0,0 0,14 3.8,14 ~9.5,14 9.5,7 ~9.5,0 3.8,0 0,0",
  E: "8,14 0,14 0,0 8,0 / 0,7.4 7.2,7.4",
  F: "7.6,14 0,14 0,0 / 0,7.2 6.6,7.2",
  G: "9.7,11 ~8.6,14 5.3,14 ~0,14 0,7 ~0,0 5.3,0 ~9.9,0 9.9,5 9.9,6.8 5.7,6.8",
  H: "0,0 0,14 / 9.2,14 9.2,0 / 0,7.3 9.2,7.3",
  I: "0,0 0,14",
  J: "5.6,14 5.6,4 ~5.6,0 2.8,0 ~0,0 0,3.6",
  K: "0,0 0,14 / 8.8,14 0,5 / 3.1,8.2 9.2,0",
  L: "0,14 0,0 7.4,0",
  M: "0,0 0,14 5.7,1.5 11.4,14 11.4,0",
  N: "0,0 0,14 9.2,0 9.2,14",
  O: "~0,0 ~10.8,0 ~10.8,14 ~0,14 z",
  P: "0,0 0,14 4.5,14 ~8.5,14 8.5,10.4 ~8.5,6.7 4.5,6.7 0,6.7",
  Q: "~0,0 ~10.8,0 ~10.8,14 ~0,14 z / 6.4,3.4 10.7,-0.9",
  R: "0,0 0,14 4.5,14 ~8.5,14 8.5,10.4 ~8.5,6.7 4.5,6.7 0,6.7 / 4.8,6.7 9,0",
  S: "8.3,11.2 ~7.5,14 4.4,14 ~0.6,14 0.6,10.8 ~0.6,8.2 4.4,7.3 ~8.8,6.3 8.8,3.6 ~8.8,0 4.5,0 ~0.9,0 0,3.2",
  T: "0,14 9.4,14 / 4.7,14 4.7,0",
  U: "0,14 0,5 ~0,0 4.6,0 ~9.2,0 9.2,5 9.2,14",
  V: "0,14 4.9,0 9.8,14",
  W: "0,14 3.6,0 7.2,13 10.8,0 14.4,14",
  X: "0.2,14 9.2,0 / 9,14 0,0",
  Y: "0,14 4.7,6.6 9.4,14 / 4.7,6.6 4.7,0",
  Z: "0.4,14 8.8,14 0,0 9.2,0",
  a: "0.7,8 ~1.4,10 3.5,10 ~6.5,10 6.5,7 6.5,0 / 6.5,5.8 3.3,5.8 ~0,5.8 0,2.9 ~0,0 2.8,0 ~5.2,0 6.5,2.6",
  b: `0,14.6 0,0 / ${BOWL}`,
  c: "6.8,7.4 ~5.8,10 3.7,10 ~0,10 0,5 ~0,0 3.7,0 ~5.8,0 6.8,2.6",
  d: `7.2,14.6 7.2,0 / ${BOWL}`,
  e: "0,5.2 7,5.2 ~7,10 3.6,10 ~0,10 0,5 ~0,0 3.7,0 ~5.9,0 6.8,2.3",
  f: "5,14.5 ~2,15 2,11.6 2,0 / 0,10 4.8,10",
  g: `${BOWL} / 7.2,10 7.2,-0.6 ~7.2,-4.2 3.6,-4.2 ~1.4,-4.2 0.5,-2.6`,
  h: "0,14.6 0,0 / 0,6 ~0,10 3.6,10 ~7,10 7,6.4 7,0",
  i: "0,10 0,0 / 0,13.7 0,13.9",
  j: "1.8,10 1.8,-1.6 ~1.8,-4.4 -0.8,-4.2 / 1.8,13.7 1.8,13.9",
  k: "0,14.6 0,0 / 6.2,10 0,3.8 / 2.3,6.2 6.6,0",
  l: "0,14.6 0,0",
  m: "0,10 0,0 / 0,6.2 ~0,10 3,10 ~5.7,10 5.7,6.6 5.7,0 / 5.7,6.2 ~5.7,10 8.7,10 ~11.4,10 11.4,6.6 11.4,0",
  n: "0,10 0,0 / 0,6 ~0,10 3.6,10 ~7,10 7,6.4 7,0",
  o: "~0,0 ~7.4,0 ~7.4,10 ~0,10 z",
  p: `0,10 0,-4.2 / ${BOWL}`,
  q: `7.2,10 7.2,-4.2 / ${BOWL}`,
  r: "0,10 0,0 / 0,5.6 ~0,10 4.2,9.8",
  s: "6,7.9 ~5.4,10 3.1,10 ~0.4,10 0.4,7.6 ~0.4,5.8 3.1,5.2 ~6.4,4.5 6.4,2.6 ~6.4,0 3.2,0 ~0.7,0 0,2.3",
  t: "2,13.2 2,2.6 ~2,-0.2 4.9,0.2 / 0,10 4.7,10",
  u: "0,10 0,3.6 ~0,0 3.4,0 ~7,0 7,4 / 7,10 7,0",
  v: "0,10 3.6,0 7.2,10",
  w: "0,10 2.8,0 5.6,9.2 8.4,0 11.2,10",
  x: "0,10 6.8,0 / 6.8,10 0,0",
  y: "0,10 3.7,0 / 7.4,10 2.8,-2.4 ~2,-4.3 0,-4.2",
  z: "0.2,10 6.4,10 0,0 6.8,0",
  ".": "0,0 0,0.2",
  ",": "0.6,0.2 0,-2.4",
  ":": "0,0 0,0.2 / 0,8.4 0,8.6",
  ";": "0.6,0.2 0,-2.4 / 0.6,8.4 0.6,8.6",
  "!": "0,14 0,4 / 0,0 0,0.2",
  "?":
    "0,11 ~0.4,14 3.4,14 ~6.6,14 6.6,11 ~6.6,8.8 3.4,6.8 3.4,4 / 3.4,0 3.4,0.2",
  "'": "0,14.4 0,10.6",
  '"': "0,14.4 0,10.6 / 3,14.4 3,10.6",
  "’": "0.6,14 0,10.8",
  "‘": "0,14 0.6,10.8",
  "“": "0,14 0.6,10.8 / 3,14 3.6,10.8",
  "”": "0.6,14 0,10.8 / 3.6,14 3,10.8",
  "(": "3,15.4 ~0,11.5 0,6 ~0,0.5 3,-3.4",
  ")": "0,15.4 ~3,11.5 3,6 ~3,0.5 0,-3.4",
  "[": "3,15.2 0,15.2 0,-3.2 3,-3.2",
  "]": "0,15.2 3,15.2 3,-3.2 0,-3.2",
  "{":
    "3.8,15.2 ~1.8,15.2 1.8,12.6 1.8,9 ~1.8,6 0,6 ~1.8,6 1.8,3 1.8,-0.6 ~1.8,-3.2 3.8,-3.2",
  "}": "0,15.2 ~2,15.2 2,12.6 2,9 ~2,6 3.8,6 ~2,6 2,3 2,-0.6 ~2,-3.2 0,-3.2",
  "<": "7.4,9.6 0,5.2 7.4,0.8",
  ">": "0,9.6 7.4,5.2 0,0.8",
  "≤": "7.2,11 0,7 7.2,3 / 0,0 7.2,0",
  "≥": "0,11 7.2,7 0,3 / 0,0 7.2,0",
  "=": "0,7.4 7.8,7.4 / 0,3.2 7.8,3.2",
  "+": "0,5.3 7.8,5.3 / 3.9,9.2 3.9,1.4",
  "−": "0,5.3 7.8,5.3",
  "-": "0,5.2 3.6,5.2",
  "–": "0,5.2 7.4,5.2",
  "—": "0,5.2 14,5.2",
  "±": "0,7 7.8,7 / 3.9,10.6 3.9,3.4 / 0,0 7.8,0",
  "×": "0.6,8.6 7.2,2 / 7.2,8.6 0.6,2",
  "·": "0,5.2 0,5.4",
  "*": "3,14.2 3,8.4 / 0.4,12.8 5.6,9.8 / 5.6,12.8 0.4,9.8",
  "/": "0,-1.6 5,15",
  "\\": "0,15 5,-1.6",
  "|": "0,15.4 0,-3.4",
  "_": "0,-2.4 8.6,-2.4",
  "#": "2,0 4,14 / 6.2,0 8.2,14 / 0.8,9.4 9.6,9.4 / 0,4.6 8.8,4.6",
  "$":
    "7.2,11 ~6.4,13 3.8,13 ~0.4,13 0.4,10.2 ~0.4,7.9 3.8,7.1 ~7.6,6.2 7.6,3.8 ~7.6,0.8 3.9,0.8 ~0.8,0.8 0,3.4 / 3.8,15.4 3.8,-1.6",
  "%":
    "~0,7.6 ~5,7.6 ~5,14.2 ~0,14.2 z / ~7.4,-0.2 ~12.4,-0.2 ~12.4,6.4 ~7.4,6.4 z / 10.2,14 2.2,0",
  "&":
    "9.8,0 2.2,9 ~1,10.6 1,11.6 ~1,14 3.5,14 ~6,14 6,11.6 ~6,9.6 3,7.8 ~0,6 0,3.6 ~0,0 3.8,0 ~8,0 8.6,6.4",
  "@":
    "~3.4,2.8 ~8.8,2.8 ~8.8,9.2 ~3.4,9.2 z / 8.8,9 8.6,4.4 ~8.6,2.8 10.2,2.8 ~13,2.8 13,6.6 ~13,12.4 6.8,12.4 ~0,12.4 0,5.4 ~0,-2 6.8,-2 ~9.4,-2 11,-1",
  "^": "0,8.6 3.4,14 6.8,8.6",
  "~": "0,4.4 ~1,7 2.6,6.4 ~4,5.6 5,4.6 ~6.8,3.4 7.8,6.4",
  "`": "0,14.6 2,11.8",
  "°": "~0,9.4 ~4.4,9.4 ~4.4,14.2 ~0,14.2 z",
  "…": "0,0 0,0.2 / 4.6,0 4.6,0.2 / 9.2,0 9.2,0.2",
  "→": "0,5.2 9.6,5.2 / 6.4,8.6 9.8,5.2 6.4,1.8",
  "↓": "3.4,10.2 3.4,-0.4 / 0,2.8 3.4,-0.6 6.8,2.8",
};
/** What the font does not have. */
const MISSING = "0,0 7,0 7,13 0,13 0,0";
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻", LOWERED = "0123456789−";

/** Strokes of a text, each a list of points x, y in units, and how far the text reaches. */
export interface Strokes {
  strokes: number[][];
  width: number;
}

const made = new Map<string, Strokes>();

/**
 * The strokes of a text, from the baseline's left end.
 *
 * Letters with accents are drawn without them, what the font does not have as an empty box.
 */
export function strokesOf(text: string, bold = false): Strokes {
  const bearings = bold ? BOLD_BEARINGS : BEARINGS;
  const strokes: number[][] = [];
  let width = 0;
  for (const character of plain(text)) {
    if (character === " ") {
      width += SPACE;
      continue;
    }
    const raised = RAISED.indexOf(character) >= 0;
    const size = raised ? RAISED_SIZE : 1, up = raised ? RAISED_BY : 0;
    const glyph = glyphOf(
      raised ? LOWERED[RAISED.indexOf(character)] : character,
    );
    for (const stroke of glyph.strokes) {
      strokes.push(
        stroke.map((number, at) =>
          at % 2 === 0
            ? width + size * (bearings / 2 + number)
            : up + size * number
        ),
      );
    }
    width += size * (glyph.width + bearings);
  }
  return { strokes, width };
}

/** How far a text of a size reaches in this font. */
export function textWidth(text: string, size: number, bold = false): number {
  return strokesOf(text, bold).width * size / UNITS_IN_SIZE;
}

/** Letters without what is put over or under them. */
function plain(text: string): string {
  return text.normalize("NFD").replace(/\p{Mn}/gu, "");
}

function glyphOf(character: string): Strokes {
  let glyph = made.get(character);
  if (glyph === undefined) {
    const known = Object.hasOwn(GLYPHS, character);
    const strokes = (known ? GLYPHS[character] : MISSING).split(" / ").map(
      pathOf,
    );
    const right = Math.max(
      ...strokes.flat().filter((_, at) => at % 2 === 0),
    );
    glyph = { strokes, width: right };
    // What is known is bounded; what is not could be any character.
    if (known) made.set(character, glyph);
  }
  return glyph;
}

interface PenPoint {
  x: number;
  y: number;
  /** Whether the pen passes it. */
  on: boolean;
}

/** The points of a path, curves cut into pieces. */
function pathOf(path: string): number[] {
  const words = path.split(" "), closed = words[words.length - 1] === "z";
  const points = words.slice(0, closed ? -1 : undefined).map((word) => {
    const [x, y] = word.replace("~", "").split(",").map(Number);
    return { x, y, on: word[0] !== "~" };
  });
  // A closed path of pulls alone begins between its last and its first.
  const start = closed
    ? between(points[points.length - 1], points[0])
    : points[0];
  if (closed) points.push(start);
  const drawn = [start.x, start.y];
  let last = start;
  points.forEach((point, at) => {
    if (point.on) {
      drawn.push(point.x, point.y);
      last = point;
      return;
    }
    const next = points[at + 1], end = next.on ? next : between(point, next);
    for (let piece = 1; piece <= PIECES; piece++) {
      const t = piece / PIECES, s = 1 - t;
      drawn.push(
        s * s * last.x + 2 * s * t * point.x + t * t * end.x,
        s * s * last.y + 2 * s * t * point.y + t * t * end.y,
      );
    }
    last = end;
  });
  return drawn;
}

function between(one: PenPoint, other: PenPoint): PenPoint {
  return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2, on: true };
}
