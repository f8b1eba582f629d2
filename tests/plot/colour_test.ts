import { assert, assertEquals } from "@std/assert";
import {
  coloursOf,
  hex,
  LEVELS,
  MUTED,
  type Rgb,
  SHADES,
  shadesOf,
  type Theme,
} from "../../src/plot/colour.ts";

const THEMES: readonly Theme[] = ["light", "dark"];
/** A channel is rounded by half a step of 255; where lightness depends most on it, that moves it by this. */
const ROUNDING = 0.004;
/** The difference in OKLab that is just noticed, https://www.w3.org/TR/css-color-4/#GM-JND. */
const NOTICEABLE = 0.02;

Deno.test("coloursOf() the sequential map gets darker on light paper and lighter on dark, in equal steps", () => {
  for (const theme of THEMES) {
    const lightness = coloursOf("sequential", theme).map((rgb) =>
      oklab(rgb)[0]
    );
    assertEquals(lightness.length, LEVELS);
    const [first] = lightness, last = lightness[LEVELS - 1];
    assertEquals(last < first, theme === "light");
    assert(Math.abs(last - first) > 0.7, `${first} to ${last}`);
    lightness.forEach((own, at) => {
      const straight = first + at / (LEVELS - 1) * (last - first);
      assert(Math.abs(own - straight) < ROUNDING, `${theme} ${at}: ${own}`);
    });
  }
});

Deno.test("coloursOf() the diverging map is as light at both sides, and has no colour in its middle", () => {
  for (const theme of THEMES) {
    const colours = coloursOf("diverging", theme).map(oklab);
    const middle = (LEVELS - 1) / 2;
    assert(chroma(colours[middle]) < 0.02, theme);
    for (let away = 1; away <= middle; away++) {
      const below = colours[middle - away], above = colours[middle + away];
      assert(Math.abs(below[0] - above[0]) < ROUNDING, `${theme} ${away}`);
      // Blue is to the left of the axis of b, orange to the right.
      assert(below[2] < above[2], `${theme} ${away}`);
      for (const side of [-1, 1]) {
        const nearer = colours[middle + side * (away - 1)][0];
        const farther = colours[middle + side * away][0];
        const further = theme === "light" ? nearer - farther : farther - nearer;
        assert(further > -ROUNDING, `${theme} ${side * away}`);
      }
    }
  }
});

Deno.test("coloursOf() steps look alike: on a map or an arm of one, none is half as large again as another", () => {
  // Steps of 14 colours are far larger than their rounding.
  const far = 14;
  for (const theme of THEMES) {
    for (const map of ["sequential", "diverging"] as const) {
      const colours = coloursOf(map, theme).map(oklab);
      // The arms of the diverging map meet at an angle.
      const middle = map === "diverging" ? (LEVELS - 1) / 2 : 0;
      const steps: number[] = [];
      for (const side of [-1, 1]) {
        for (
          let at = middle + side * far;
          at >= 0 && at < LEVELS;
          at += side * far
        ) {
          steps.push(distance(colours[at], colours[at - side * far]));
        }
      }
      const least = Math.min(...steps), most = Math.max(...steps);
      assert(
        steps.length >= 16 && most < 1.5 * least,
        `${theme} ${map}: ${steps}`,
      );
    }
  }
});

Deno.test("coloursOf() the two sides of the diverging map are told apart by dichromats", () => {
  const middle = (LEVELS - 1) / 2;
  for (const theme of THEMES) {
    for (const [kind, matrix] of Object.entries(DICHROMATS)) {
      const colours = coloursOf("diverging", theme).map((rgb) =>
        oklab(seenBy(matrix, rgb))
      );
      for (let away = Math.ceil(middle / 8); away <= middle; away++) {
        const apart = distance(colours[middle - away], colours[middle + away]);
        const least = NOTICEABLE * (away === middle ? 10 : 2);
        assert(apart > least, `${theme} ${kind} ${away}: ${apart}`);
      }
    }
  }
});

Deno.test("coloursOf() no colour was cut off at the edge of what screens show", () => {
  for (const theme of THEMES) {
    for (const map of ["sequential", "diverging"] as const) {
      for (const rgb of coloursOf(map, theme)) {
        assert(rgb.every((part) => part > 0 && part < 255), hex(rgb));
      }
    }
  }
});

Deno.test("shadesOf() ink and what is muted can be read: 7 and 4.5 to 1, WCAG 2.2, 1.4.6 and 1.4.3", () => {
  for (const theme of THEMES) {
    const shades = shadesOf(theme);
    assert(contrast(shades[SHADES - 1], shades[0]) >= 7);
    assert(contrast(shades[MUTED], shades[0]) >= 4.5);
  }
});

Deno.test("hex() writes two digits for each part", () => {
  assertEquals(hex([0, 10, 255]), "#000aff");
});

/** OKLab as its author gives it from linear sRGB, the way back from that of `src/`. */
function oklab(rgb: Rgb): number[] {
  const [red, green, blue] = rgb.map(linear);
  const long = Math.cbrt(
    0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue,
  );
  const middle = Math.cbrt(
    0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue,
  );
  const short = Math.cbrt(
    0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue,
  );
  return [
    0.2104542553 * long + 0.793617785 * middle - 0.0040720468 * short,
    1.9779984951 * long - 2.428592205 * middle + 0.4505937099 * short,
    0.0259040371 * long + 0.7827717662 * middle - 0.808675766 * short,
  ];
}

/**
 * Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009,
 * https://doi.org/10.1109/TVCG.2009.113, severity 1.0, on linear sRGB.
 */
const DICHROMATS = {
  protanope: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranope: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanope: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function seenBy(matrix: number[][], rgb: Rgb): Rgb {
  const parts = rgb.map(linear);
  const [red, green, blue] = matrix.map((row) => {
    const light = row.reduce((sum, share, at) => sum + share * parts[at], 0);
    const kept = Math.min(1, Math.max(0, light));
    return 255 *
      (kept <= 0.0031308 ? 12.92 * kept : 1.055 * kept ** (1 / 2.4) - 0.055);
  });
  return [red, green, blue];
}

function linear(part: number): number {
  const share = part / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}

function contrast(one: Rgb, other: Rgb): number {
  const [dark, light] = [one, other].map((rgb) => {
    const [red, green, blue] = rgb.map(linear);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }).sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function chroma([, a, b]: number[]): number {
  return Math.hypot(a, b);
}

function distance(one: number[], other: number[]): number {
  return Math.hypot(...one.map((part, at) => part - other[at]));
}
