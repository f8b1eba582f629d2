/**
 * The colours: a sequential map, a diverging map, paper and ink, each for light and for dark surroundings.
 *
 * A map is a curve in OKLab, walked so that lightness moves in equal steps: from pale to deep on light paper, from deep
 * to pale on dark, so that what is 0 always lies near the paper. The two arms of the diverging map, blue below zero and
 * orange above, have the same lightness at the same distance from zero; blue against orange is told apart by all three
 * kinds of dichromats. OKLab: Björn Ottosson, "A perceptual color space for image processing", 2020,
 * https://bottosson.github.io/posts/oklab/.
 *
 * @module
 */

/** What surrounds a picture. */
export type Theme = "light" | "dark";

/** Which way numbers become colours. */
export type ColourMap = "sequential" | "diverging";

/** Red, green and blue, 0 … 255. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** Lightness, and the two axes green–red and blue–yellow. */
type Lab = readonly [lightness: number, a: number, b: number];

/** Colours of a map: an odd number, so that the diverging one has a middle, and room for the shades of ink in a byte. */
export const LEVELS = 239;

/** Shades from paper to ink: so many levels make the edges of letters smooth. */
export const SHADES = 16;
/** What only helps to read is two thirds of ink, an outline a fifth: as shades. */
export const MUTED = 10, RULE = 3;

const SURFACES: Readonly<Record<Theme, { paper: Rgb; ink: Rgb }>> = {
  light: { paper: [255, 255, 255], ink: [28, 31, 38] },
  dark: { paper: [17, 20, 27], ink: [233, 236, 242] },
};

/** Control points of Bézier curves: lightness, chroma, hue in degrees. */
type Stops = readonly (readonly [number, number, number])[];

const PALE_TO_DEEP: Stops = [
  [0.98, 0.006, 120],
  [0.89, 0.13, 150],
  [0.66, 0.13, 215],
  [0.44, 0.17, 262],
  [0.25, 0.085, 285],
];
const DEEP_TO_PALE: Stops = [
  [0.235, 0.03, 275],
  [0.42, 0.17, 272],
  [0.62, 0.13, 225],
  [0.86, 0.15, 160],
  [0.97, 0.075, 108],
];
const ARMS: Readonly<Record<Theme, { below: Stops; above: Stops }>> = {
  light: {
    below: [[0.97, 0.002, 260], [0.78, 0.12, 235], [0.45, 0.15, 258]],
    above: [[0.97, 0.002, 260], [0.78, 0.16, 68], [0.45, 0.14, 38]],
  },
  dark: {
    below: [[0.255, 0.008, 270], [0.5, 0.15, 258], [0.83, 0.1, 228]],
    above: [[0.255, 0.008, 270], [0.5, 0.14, 42], [0.83, 0.13, 74]],
  },
};

const made = new Map<string, readonly Rgb[]>();

/** The {@linkcode LEVELS} colours of a map, from the lowest number to the highest. */
export function coloursOf(map: ColourMap, theme: Theme): readonly Rgb[] {
  const name = `${map} ${theme}`;
  let colours = made.get(name);
  if (colours === undefined) {
    colours = Array.from(
      { length: LEVELS },
      (_, level) => colourAt(map, theme, level / (LEVELS - 1)),
    );
    made.set(name, colours);
  }
  return colours;
}

/** The {@linkcode SHADES} from paper to ink. */
export function shadesOf(theme: Theme): readonly Rgb[] {
  const { paper, ink } = SURFACES[theme];
  const mix = (shade: number, part: number) =>
    Math.round(paper[part] + shade / (SHADES - 1) * (ink[part] - paper[part]));
  return Array.from(
    { length: SHADES },
    (_, shade): Rgb => [mix(shade, 0), mix(shade, 1), mix(shade, 2)],
  );
}

/** As a colour of CSS. */
export function hex([red, green, blue]: Rgb): string {
  const both = (part: number) => part.toString(16).padStart(2, "0");
  return `#${both(red)}${both(green)}${both(blue)}`;
}

function colourAt(map: ColourMap, theme: Theme, position: number): Rgb {
  if (map === "sequential") {
    const stops = theme === "light" ? PALE_TO_DEEP : DEEP_TO_PALE;
    return toRgb(walk(stops, position));
  }
  const { below, above } = ARMS[theme];
  const away = 2 * position - 1;
  return toRgb(walk(away < 0 ? below : above, Math.abs(away)));
}

/** Halvings after which the place on a curve is known to the last bit that matters. */
const HALVINGS = 40;

/** The place of a curve where lightness has come so far from its first to its last. */
function walk(stops: Stops, share: number): Lab {
  const points = stops.map(([lightness, chroma, hue]): Lab => [
    lightness,
    chroma * Math.cos(hue * Math.PI / 180),
    chroma * Math.sin(hue * Math.PI / 180),
  ]);
  const first = points[0][0], last = points[points.length - 1][0];
  const wanted = first + share * (last - first);
  let low = 0, high = 1;
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (low + high) / 2;
    const short = (bezier(points, middle)[0] - wanted) * (last - first) < 0;
    if (short) low = middle;
    else high = middle;
  }
  return bezier(points, high);
}

/** De Casteljau's construction. */
function bezier(points: readonly Lab[], t: number): Lab {
  let left = points;
  while (left.length > 1) {
    left = left.slice(1).map((point, at): Lab => [
      left[at][0] + t * (point[0] - left[at][0]),
      left[at][1] + t * (point[1] - left[at][1]),
      left[at][2] + t * (point[2] - left[at][2]),
    ]);
  }
  return left[0];
}

/** Ottosson's matrices, OKLab to linear sRGB, then the curve of sRGB (IEC 61966-2-1). */
function toRgb([lightness, a, b]: Lab): Rgb {
  const long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    encode(4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short),
    encode(-1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short),
    encode(-0.0041960863 * long - 0.7034186147 * middle + 1.707614701 * short),
  ];
}

function encode(linear: number): number {
  const curved = linear <= 0.0031308
    ? 12.92 * linear
    : 1.055 * linear ** (1 / 2.4) - 0.055;
  return Math.round(255 * Math.min(1, Math.max(0, curved)));
}
