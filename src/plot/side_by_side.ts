/**
 * Several maps in one figure, with one scale and one legend: heads of a layer, a matrix before and after.
 *
 * @module
 */

import { checkInteger, checkOptions, isIterable, show } from "../check.ts";
import type { HeatMap } from "./heat_map.ts";
import { checkMap, checkText } from "./door.ts";

/** Maps that share a scale. */
export interface Figure {
  /** What stands above all of them; empty for nothing. */
  title: string;
  /** What its maker says they show; empty for nothing. */
  description: string;
  /** From left to right, then down. */
  panels: HeatMap[];
  /** Panels beside each other. */
  across: number;
}

/** Options of {@linkcode sideBySide}. */
export interface SideBySideOptions {
  /** What stands above all of them. */
  title?: string;
  /** What they show, for people who cannot see it; the figures of each are added. */
  description?: string;
  /** Panels beside each other, 4 if left out. */
  across?: number;
}

const VERB = "put maps side by side";
const ACROSS = 4;
/** A figure of more panels is none. */
const MOST_ACROSS = 64;

/**
 * Puts maps of the same kind of numbers into one figure, on one scale: the widest range that any of them has.
 *
 * Colours can be compared between panels, which is what small multiples are for. Titles of the maps stand above the
 * panels; where all have the same labels, they are written once for a row and a column of panels.
 *
 * Costs a pass over the cells, which are shared, not copied. Errors: a `TypeError` for what are no maps, a `RangeError` for none
 * at all and for maps that differ in unit or in the kind of their scale.
 *
 * @example Two heads on one scale
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { heatMap, sideBySide } from "@reattend/reattend/plot";
 *
 * const figure = sideBySide([heatMap([[0.2]], { title: "head 0" }), heatMap([[0.9]], { title: "head 1" })]);
 * assertEquals(figure.panels.map(({ scale }) => scale.high), [1, 1]);
 * ```
 */
export function sideBySide(
  maps: Iterable<HeatMap>,
  options: SideBySideOptions = {},
): Figure {
  checkOptions(VERB, options, ["title", "description", "across"]);
  if (!isIterable(maps)) {
    throw new TypeError(
      `Cannot ${VERB}: maps is ${show(maps)}, it should be several heat maps`,
    );
  }
  const panels = [...maps as Iterable<HeatMap>];
  if (panels.length === 0) {
    throw new RangeError(
      `Cannot ${VERB}: there are no maps, there should be one or more`,
    );
  }
  panels.forEach((map, at) => checkMap(VERB, `maps[${at}]`, map));
  const [first] = panels;
  panels.forEach(({ unit, scale }, at) => {
    if (unit === first.unit && scale.kind === first.scale.kind) return;
    throw new RangeError(
      `Cannot ${VERB}: maps[${at}] shows ${
        show(unit)
      } on a ${scale.kind} scale, it should show ${
        show(first.unit)
      } on a ${first.scale.kind} scale like the first`,
    );
  });
  const low = Math.min(...panels.map(({ scale }) => scale.low));
  const high = Math.max(...panels.map(({ scale }) => scale.high));
  const scale = {
    ...first.scale,
    low,
    high,
    below: panels.some(({ cells }) => cells.some((number) => number < low)),
    above: panels.some(({ cells }) => cells.some((number) => number > high)),
  };
  const { title = "", description = "" } = options;
  return {
    title: checkText(VERB, "title", title),
    description: checkText(VERB, "description", description),
    panels: panels.map((map) => ({ ...map, scale })),
    across: Math.min(
      panels.length,
      options.across === undefined
        ? ACROSS
        : checkInteger(VERB, "across", options.across, 1, MOST_ACROSS),
    ),
  };
}
