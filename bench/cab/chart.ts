/**
 * Charts as SVG: panels of bars or lines under one title, readable in light and dark and by those who listen.
 *
 * Everything is placed by arithmetic on the sizes below, so that a label has its room before it is written; the tests hold
 * labels apart and inside. Colours follow what the reader prefers (`prefers-color-scheme`); lines also differ by their
 * dashes, so that colour is not all that tells them apart.
 *
 * @module
 */

import { barsHeight, drawBars } from "./chart_bars.ts";
import { drawLines, LINES_HEIGHT } from "./chart_lines.ts";
import {
  type Bars,
  DARK,
  escape,
  label,
  LETTER,
  LIGHT,
  LINE,
  type Lines,
  PANEL,
  round,
  strokeOf,
  widthOf,
} from "./chart_parts.ts";

/** A whole chart. */
export interface Chart {
  title: string;
  /** For those who do not see it. */
  description: string;
  panels: readonly (Bars | Lines)[];
  columns: number;
}

/** Around everything; of the title; between panels. */
const MARGIN = 16, TITLE = 16, GAP = 24;
/** The sample of a line before a name in the legend, and the room behind it. */
const SAMPLE = 26, BETWEEN = 12;

/** Draws a chart. */
export function draw({ title, description, panels, columns }: Chart): string {
  const legend = legendOf(panels);
  const across = Math.min(columns, panels.length);
  const width = Math.ceil(
    2 * MARGIN +
      Math.max(across * PANEL + (across - 1) * GAP, widthOf(title, TITLE)),
  );
  const entry = SAMPLE + BETWEEN +
    Math.max(0, ...legend.map((name) => widthOf(name)));
  const perLine = Math.max(1, Math.floor((width - 2 * MARGIN) / entry));
  let y = MARGIN + TITLE;
  const parts = [label(MARGIN, y, title, { style: "title" })];
  y += LINE;
  legend.forEach((name, at) => {
    const x = MARGIN + (at % perLine) * round(entry);
    const line = y + Math.floor(at / perLine) * LINE;
    parts.push(
      `<path d="M${x} ${line - 4}h${SAMPLE - 6}" ${strokeOf(at)}/>`,
      label(x + SAMPLE, line, name),
    );
  });
  y += Math.ceil(legend.length / perLine) * LINE;
  for (let first = 0; first < panels.length; first += across) {
    const row = panels.slice(first, first + across);
    row.forEach((panel, at) => {
      const x = MARGIN + at * (PANEL + GAP);
      const drawn = panel.kind === "bars"
        ? drawBars(panel)
        : drawLines(panel, legend);
      parts.push(`<g transform="translate(${x} ${y})">${drawn}</g>`);
    });
    y += Math.max(...row.map(heightOf)) + GAP;
  }
  const height = y - GAP + MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">
<title id="title">${escape(title)}</title>
<desc id="description">${escape(description)}</desc>
<style>${STYLE}</style>
<rect class="paper" width="${width}" height="${height}"/>
${parts.join("\n")}
</svg>
`;
}

/** The names of all lines, in the order in which they come. */
function legendOf(panels: Chart["panels"]): string[] {
  const names = panels.flatMap((panel) =>
    panel.kind === "lines" ? panel.series.map(({ name }) => name) : []
  );
  return [...new Set(names)];
}

function heightOf(panel: Bars | Lines): number {
  return panel.kind === "bars" ? barsHeight(panel) : LINES_HEIGHT;
}

function coloursOf(colours: readonly string[]): string {
  return colours.map((colour, at) => `.c${at}{stroke:${colour}}`).join("");
}

const STYLE = `
text{font:${LETTER}px system-ui,sans-serif;fill:#1b1b1b}
.title{font-size:${TITLE}px;font-weight:600}
.panel{font-weight:600}
.quiet{fill:#5a5a5a}
.paper{fill:#ffffff}
.grid{stroke:#d8d8d8;fill:none}
.mark{stroke:#5a5a5a;stroke-dasharray:3 3}
.bar{fill:#8a8a8a}
.bar.ours{fill:#0072b2}
.line{fill:none;stroke-width:2}
${coloursOf(LIGHT)}
@media (prefers-color-scheme:dark){
text{fill:#ececec}
.quiet{fill:#b0b0b0}
.paper{fill:#121212}
.grid{stroke:#3a3a3a}
.mark{stroke:#b0b0b0}
.bar{fill:#7d7d7d}
.bar.ours{fill:#56b4e9}
${coloursOf(DARK)}
}
`;
