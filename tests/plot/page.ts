/**
 * What may not happen on a page: texts that touch, or anything outside of it.
 *
 * @module
 */

import { assert } from "@std/assert";
import { textWidth } from "../../src/plot/font.ts";
import type { Line, Page } from "../../src/plot/page.ts";

type Point = readonly [x: number, y: number];

/** Fails where two lines of text overlap, or something lies outside. */
export function checkPage(page: Page, shown: string): void {
  const boxes = page.lines.map((line) => ({ line, corners: cornersOf(line) }));
  boxes.forEach(({ line, corners }, at) => {
    for (const [x, y] of corners) {
      assert(
        x >= 0 && y >= 0 && x <= page.width && y <= page.height,
        `${shown}: "${line.text}" reaches ${x}, ${y} of ${page.width} × ${page.height}`,
      );
    }
    for (const other of boxes.slice(at + 1)) {
      assert(
        apart(corners, other.corners),
        `${shown}: "${line.text}" touches "${other.line.text}"`,
      );
    }
  });
  for (const { x, y, width, height } of page.areas) {
    assert([x, y, width, height].every(Number.isInteger), `${shown}: blurred`);
    assert(
      x >= 0 && y >= 0 && x + width <= page.width && y + height <= page.height,
    );
  }
  for (const { x, y, stepX, stepY, map } of page.grids) {
    assert([x, y, stepX, stepY].every(Number.isInteger), `${shown}: blurred`);
    assert(x + stepX * map.columns <= page.width);
  }
}

/** From the baseline to the height of capitals: what hangs below the line or stands above meets no neighbour's. */
function cornersOf({ x, y, text, size, bold, align, turned }: Line): Point[] {
  const width = textWidth(text, size, bold);
  const left = { start: 0, middle: -width / 2, end: -width }[align];
  const [cos, sin] = turned ? [Math.SQRT1_2, Math.SQRT1_2] : [1, 0];
  return [[left, 0], [left + width, 0], [left + width, 0.72 * size], [
    left,
    0.72 * size,
  ]]
    .map(([along, up]): Point => [
      x + cos * along - sin * up,
      y - sin * along - cos * up,
    ]);
}

/** Whether some side of one of two rectangles parts them. */
function apart(one: Point[], other: Point[]): boolean {
  return [one, other].some((corners) =>
    corners.some((corner, at) => {
      const next = corners[(at + 1) % 4];
      const nx = next[1] - corner[1], ny = corner[0] - next[0];
      const along = (points: Point[]) =>
        points.map(([x, y]) => x * nx + y * ny);
      const [a, b] = [along(one), along(other)];
      return Math.max(...a) <= Math.min(...b) ||
        Math.max(...b) <= Math.min(...a);
    })
  );
}
