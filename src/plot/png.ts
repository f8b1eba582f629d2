/**
 * Figures as PNG pictures, without a codec, a canvas or a font.
 *
 * Eight bits a pixel and a palette. PNG: "Portable Network Graphics Specification (Third Edition)", W3C, 2025,
 * https://www.w3.org/TR/png-3/, sections 5.3 (chunks), 9.2 (filters) and 11.
 *
 * @module
 */

import { checkInteger, checkOptions } from "../check.ts";
import type { Rgb, Theme } from "./colour.ts";
import { deflate } from "./deflate.ts";
import { checkFigure, oneOf } from "./door.ts";
import type { HeatMap } from "./heat_map.ts";
import { layOut } from "./layout.ts";
import { paletteOf, type Raster, rasterOf } from "./raster.ts";
import { mapOf } from "./scale.ts";
import type { Figure } from "./side_by_side.ts";

/** Options of {@linkcode toPng}. */
export interface PngOptions {
  /** What surrounds it: "light", if left out, or "dark". A PNG cannot know. */
  theme?: Theme;
  /** Pixels for each CSS pixel, 2 if left out: sharp on a screen and at half its size in print. */
  ratio?: number;
}

const VERB = "make a PNG";
const RATIO = 2;
/** Enough for a poster. */
const MOST_RATIO = 8;
/** More pixels than this (a square of 16 384) are a mistake, and would not fit an edge isolate. */
const MOST_PIXELS = 2 ** 28;
/** The first bytes of every PNG. */
const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** The polynomial of CRC-32, its bits reversed. */
const POLYNOMIAL = 0xedb88320;

/**
 * Draws a map or a figure as a PNG picture.
 *
 * Text is drawn with a small font of strokes that knows ASCII and some signs; letters with accents lose them, other
 * characters become boxes (an SVG has all). The same figure gives the same bytes.
 *
 * Costs a few passes over the pixels. Errors: a `TypeError` for what is no map, a `RangeError` for a ratio that is no
 * whole number from 1 to 8 and for a picture of more than 2²⁸ pixels.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { heatMap, toPng } from "@reattend/reattend/plot";
 *
 * const picture = toPng(heatMap([[0.1, 0.9]]), { theme: "dark" });
 * assertEquals(String.fromCharCode(...picture.subarray(1, 4)), "PNG");
 * ```
 */
export function toPng(
  map: HeatMap | Figure,
  options: PngOptions = {},
): Uint8Array {
  checkOptions(VERB, options, ["theme", "ratio"]);
  const figure = checkFigure(VERB, map);
  const theme = oneOf(VERB, "theme", options.theme, ["light", "dark"]);
  const ratio = options.ratio === undefined
    ? RATIO
    : checkInteger(VERB, "ratio", options.ratio, 1, MOST_RATIO);
  const page = layOut(figure);
  const pixels = page.width * page.height * ratio * ratio;
  if (pixels > MOST_PIXELS) {
    throw new RangeError(
      `Cannot ${VERB}: it has ${pixels} pixels, it should have at most ${MOST_PIXELS}`,
    );
  }
  return encodePng(
    rasterOf(page, ratio),
    paletteOf(mapOf(figure.panels[0].scale), theme),
  );
}

/** Writes pixels and their palette as a PNG file. */
export function encodePng(
  { width, height, pixels }: Raster,
  palette: readonly Rgb[],
): Uint8Array {
  const header = new Uint8Array(13), view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  // Eight bits deep, of a palette; compression, filters and interlacing as always.
  header.set([8, 3, 0, 0, 0], 8);
  // Each line begins with its filter: none, as is best for palettes.
  const stride = width + 1, lines = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    lines.set(pixels.subarray(y * width, (y + 1) * width), y * stride + 1);
  }
  const chunks = [
    chunk("IHDR", header),
    chunk("PLTE", Uint8Array.from(palette.flat())),
    chunk("IDAT", deflate(lines, stride)),
    chunk("IEND", new Uint8Array(0)),
  ];
  const file = new Uint8Array(
    chunks.reduce((sum, { length }) => sum + length, SIGNATURE.length),
  );
  file.set(SIGNATURE);
  let at = SIGNATURE.length;
  for (const chunk of chunks) {
    file.set(chunk, at);
    at += chunk.length;
  }
  return file;
}

/** Length, name, content, and a checksum of name and content. */
function chunk(name: string, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(content.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  for (let at = 0; at < name.length; at++) bytes[4 + at] = name.charCodeAt(at);
  bytes.set(content, 8);
  const end = bytes.length - 4;
  view.setUint32(end, crc32(bytes.subarray(4, end)));
  return bytes;
}

/** CRC-32, a byte at a time (PNG, annex D). */
function crc32(bytes: Uint8Array): number {
  const table = crcTable();
  let crc = 0xffffffff;
  for (let at = 0; at < bytes.length; at++) {
    crc = table[(crc ^ bytes[at]) & 0xff] ^ (crc >>> 8);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

let crcs: Uint32Array | undefined;

/** What each byte does to a checksum; made when it is first needed. */
function crcTable(): Uint32Array {
  return crcs ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    }
    return crc;
  });
}
