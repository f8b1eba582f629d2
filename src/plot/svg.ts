/**
 * Figures as SVG: light and dark in one file, sharp at any size, and in words for those who listen.
 *
 * Colours are classes whose names mean the same in every figure, so that several can stand in one page; there are no
 * ids. Cells that are few enough tell their number when pointed at; more of them become one picture, and rows tell.
 * Accessibility: "SVG Accessibility API Mappings", W3C, https://www.w3.org/TR/svg-aam-1.0/: `role="img"`, a `title`
 * and a `desc`.
 *
 * @module
 */

import {
  type ColourMap,
  coloursOf,
  hex,
  MUTED,
  RULE,
  SHADES,
  shadesOf,
  type Theme,
} from "./colour.ts";
import { describeCell, describeFigure, describeRow } from "./describe.ts";
import { checkFigure } from "./door.ts";
import type { HeatMap } from "./heat_map.ts";
import { layOut } from "./layout.ts";
import type { Area, Grid, Line, Paint } from "./page.ts";
import { encodePng } from "./png.ts";
import { HATCH, paletteOf, rasterOfGrid } from "./raster.ts";
import { levelOf, mapOf } from "./scale.ts";
import type { Figure } from "./side_by_side.ts";

/** So many cells tell their number; beyond, a file would have megabytes. */
const MOST_CELLS = 4096;
/** What each system shows its own texts in. */
const FONTS =
  "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";

/**
 * Draws a map or a figure as an SVG document.
 *
 * It follows the reader's `prefers-color-scheme`; what does not know of it draws the light one. Up to 4096 cells in all
 * are shapes with their numbers in tooltips; more are embedded as a picture, where each row tells its largest number.
 * Texts are escaped; characters that XML forbids become U+FFFD. The same figure gives the same text.
 *
 * Costs one pass over the cells. Errors: a `TypeError` for what is no map.
 *
 * @example
 * ```ts
 * import { assertStringIncludes } from "@std/assert";
 * import { heatMap, toSvg } from "@reattend/reattend/plot";
 *
 * const document = toSvg(heatMap([[0.25, 1]], { title: "Two <weights>" }));
 * assertStringIncludes(document, "<title>Two &lt;weights&gt;</title>");
 * assertStringIncludes(document, "<title>row 0, column 0: 0.25</title>");
 * ```
 */
export function toSvg(map: HeatMap | Figure): string {
  const verb = "make an SVG";
  const figure = checkFigure(verb, map), page = layOut(figure);
  const colours = mapOf(figure.panels[0].scale);
  const used = new Set<Paint>();
  const cells = page.grids.reduce(
    (sum, { map }) => sum + map.cells.length,
    0,
  );
  const grids = page.grids.map((grid) =>
    cells <= MOST_CELLS ? shapes(grid, colours, used) : pictures(grid, colours)
  );
  const areas = page.areas.map((area) => {
    used.add(area.paint);
    return rectangle(area, colours);
  });
  const name = figure.title === "" ? "Heat map" : figure.title;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${page.width}" height="${page.height}" viewBox="0 0 ${page.width} ${page.height}" role="img">`,
    `<title>${escape(name)}</title>`,
    `<desc>${escape(describeFigure(figure))}</desc>`,
    `<style>${styles(colours, used)}</style>`,
    `<rect class="reattend-paper" width="${page.width}" height="${page.height}"/>`,
    `<g shape-rendering="crispEdges">`,
    ...areas,
    ...grids,
    `</g>`,
    `<g font-family="${FONTS}">`,
    ...page.lines.map(textOf),
    `</g>`,
    `</svg>`,
    "",
  ].join("\n");
}

/** The colours that are used, for both themes. */
function styles(colours: ColourMap, used: ReadonlySet<Paint>): string {
  const levels = [...used].filter((paint) => typeof paint === "number")
    .sort((a, b) => a - b);
  const rules = (theme: Theme) => {
    const shades = shadesOf(theme).map(hex);
    const map = coloursOf(colours, theme).map(hex);
    return `.reattend-paper{fill:${shades[0]}}.reattend-ink{fill:${
      shades[SHADES - 1]
    }}.reattend-muted{fill:${shades[MUTED]}}.reattend-rule{fill:${
      shades[RULE]
    }}.reattend-missing{stroke:${shades[MUTED]}}${
      levels.map((level) =>
        `.${levelClass(colours, level)}{fill:${map[level]}}`
      )
        .join("")
    }`;
  };
  return `${
    rules("light")
  }.reattend-dark{display:none}@media(prefers-color-scheme:dark){${
    rules("dark")
  }.reattend-light{display:none}.reattend-dark{display:inline}}`;
}

function levelClass(colours: ColourMap, level: number): string {
  return `reattend-${colours === "diverging" ? "d" : "s"}${level}`;
}

function classOf(paint: Paint, colours: ColourMap): string {
  return typeof paint === "number"
    ? levelClass(colours, paint)
    : `reattend-${paint}`;
}

function rectangle(area: Area, colours: ColourMap): string {
  const { x, y, width, height, paint, about } = area;
  const title = about === undefined ? "" : `<title>${escape(about)}</title>`;
  const shape = paint === "missing"
    ? hatched(area)
    : `<rect x="${x}" y="${y}" width="${width}" height="${height}"`;
  const start = `${shape} class="${classOf(paint, colours)}"`;
  const name = paint === "missing" ? "path" : "rect";
  return title === "" ? `${start}/>` : `${start}>${title}</${name}>`;
}

/** Lines from the lower left to the upper right, where x + y is a multiple of the hatching. */
function hatched(
  { x, y, width, height }: Pick<Area, "x" | "y" | "width" | "height">,
): string {
  let path = "";
  const first = Math.ceil((x + y) / HATCH) * HATCH;
  for (let sum = first; sum < x + y + width + height; sum += HATCH) {
    const left = Math.max(x, sum - y - height),
      right = Math.min(x + width, sum - y);
    path += `M${left} ${sum - left}L${right} ${sum - right}`;
  }
  return `<path d="${path}" pointer-events="all" fill="none" shape-rendering="auto"`;
}

/** A shape for each cell, with what it says. */
function shapes(
  { x, y, stepX, stepY, gap, map }: Grid,
  colours: ColourMap,
  used: Set<Paint>,
): string {
  const parts: string[] = [];
  for (let at = 0; at < map.cells.length; at++) {
    const level = levelOf(map.scale, map.cells[at]);
    const paint = level < 0 ? "missing" : level;
    used.add(paint);
    parts.push(rectangle({
      x: x + at % map.columns * stepX,
      y: y + Math.floor(at / map.columns) * stepY,
      width: stepX - gap,
      height: stepY - gap,
      paint,
      about: describeCell(map, at),
    }, colours));
  }
  return parts.join("\n");
}

/** All cells as a picture, once light and once dark, and what each row says. */
function pictures(grid: Grid, colours: ColourMap): string {
  const { x, y, stepX, stepY, map } = grid, raster = rasterOfGrid(grid);
  const place =
    `x="${x}" y="${y}" width="${raster.width}" height="${raster.height}"`;
  const themes = ["light", "dark"] as const;
  const images = themes.map((theme) => {
    const picture = base64(encodePng(raster, paletteOf(colours, theme)));
    return `<image class="reattend-${theme}" ${place} style="image-rendering:pixelated" href="data:image/png;base64,${picture}"/>`;
  });
  const rows = map.rowLabels.map((_, row) =>
    `<rect x="${x}" y="${y + row * stepY}" width="${
      map.columns * stepX
    }" height="${stepY}"><title>${escape(describeRow(map, row))}</title></rect>`
  );
  return [
    ...images,
    `<g fill="none" pointer-events="all">`,
    ...rows,
    `</g>`,
  ].join("\n");
}

function textOf(line: Line): string {
  const { x, y, size, bold, align, turned, paint, text } = line;
  const at = (number: number) => Number(number.toFixed(2));
  return `<text x="${at(x)}" y="${at(y)}" font-size="${size}"${
    bold ? ' font-weight="600"' : ""
  }${align === "start" ? "" : ` text-anchor="${align}"`}${
    turned ? ` transform="rotate(-45 ${at(x)} ${at(y)})"` : ""
  } class="reattend-${paint}">${escape(text)}</text>`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** Text as XML has it: control characters, lone surrogates and the two that are no characters are not allowed. */
function escape(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, "\ufffd")
    .replace(/[&<>"]/g, (sign) => ESCAPES[sign]);
}

function base64(bytes: Uint8Array): string {
  let text = "";
  // One character at a time: a call takes only so many arguments.
  for (let at = 0; at < bytes.length; at++) {
    text += String.fromCharCode(bytes[at]);
  }
  return btoa(text);
}
