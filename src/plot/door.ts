/**
 * The door of the room: options of maps, and maps and figures, as they were made or as someone changed them.
 *
 * @module
 */

import { checkFinite, counted, show } from "../check.ts";
import type { HeatMap } from "./heat_map.ts";
import { LEAST_WIDTH, SCALE_KINDS, type ScaleKind } from "./scale.ts";
import type { Figure } from "./side_by_side.ts";

/** The largest end of a range: differences are finite. */
const LARGEST_END = 1e300;

/** Checks what is to be drawn; a single map becomes a figure of one. */
export function checkFigure(verb: string, given: unknown): Figure {
  if (isRecord(given) && Array.isArray(given.panels)) {
    const { panels, across } = given as unknown as Figure;
    panels.forEach((map, at) => checkMap(verb, `panels[${at}]`, map));
    if (panels.length === 0 || !(Number.isInteger(across) && across >= 1)) {
      throw new RangeError(
        `Cannot ${verb}: the figure has ${counted(panels.length, "panel")}, ${
          show(across)
        } across, it should have one or more`,
      );
    }
    checkTexts(verb, "figure", given, ["title", "description"]);
    const { kind, low, high } = panels[0].scale;
    panels.forEach(({ scale }, at) => {
      if (scale.kind === kind && scale.low === low && scale.high === high) {
        return;
      }
      throw new RangeError(
        `Cannot ${verb}: panels[${at}] has a scale of its own, it should have that of the first, as sideBySide() gives it`,
      );
    });
    return given as unknown as Figure;
  }
  checkMap(verb, "map", given);
  const { title } = given;
  return {
    title,
    description: "",
    panels: [{ ...given, title: "" }],
    across: 1,
  };
}

/** Checks that a record is a heat map whose parts fit each other. */
export function checkMap(
  verb: string,
  name: string,
  given: unknown,
): asserts given is HeatMap {
  if (
    !isRecord(given) || !(given.cells instanceof Float64Array) ||
    !isRecord(given.scale)
  ) {
    throw new TypeError(
      `Cannot ${verb}: ${name} is ${show(given)}, it should be a heat map`,
    );
  }
  checkTexts(verb, name, given, [
    "title",
    "description",
    "rowTitle",
    "columnTitle",
    "unit",
  ]);
  const map = given as unknown as HeatMap;
  const { rows, columns, scale } = map;
  const fits = map.cells.length === rows * columns &&
    [map.rowLabels, map.rowFates].every((list) => list?.length === rows) &&
    [map.columnLabels, map.columnFates].every((list) =>
      list?.length === columns
    ) &&
    Array.isArray(map.notes);
  if (!fits) {
    throw new RangeError(
      `Cannot ${verb}: ${name} has ${
        counted(map.cells.length, "cell")
      }, it should have ${show(rows)} × ${
        show(columns)
      } with a label and a fate for each row and column`,
    );
  }
  for (const field of ["rowLabels", "columnLabels", "notes"] as const) {
    const texts = map[field];
    for (let at = 0; at < texts.length; at++) {
      checkText(verb, `${name}.${field}[${at}]`, texts[at]);
    }
  }
  oneOf(verb, `${name}.scale.kind`, scale.kind ?? null, SCALE_KINDS);
  if (!(scale.high > scale.low && (scale.kind !== "log" || scale.low > 0))) {
    throw new RangeError(
      `Cannot ${verb}: the scale of ${name} goes from ${show(scale.low)} to ${
        show(scale.high)
      }, it should ascend`,
    );
  }
}

function checkTexts(
  verb: string,
  name: string,
  record: Record<string, unknown>,
  fields: readonly string[],
): void {
  for (const field of fields) {
    checkText(verb, `${name}.${field}`, record[field]);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Checks the ends of a scale. */
export function checkRange(
  verb: string,
  kind: ScaleKind,
  range: unknown,
): readonly [number, number] | undefined {
  if (range === undefined) return undefined;
  if (!Array.isArray(range) || range.length !== 2) {
    throw new TypeError(
      `Cannot ${verb}: range is ${show(range)}, it should be [low, high]`,
    );
  }
  const low = checkFinite(verb, "range[0]", range[0], LARGEST_END);
  const high = checkFinite(verb, "range[1]", range[1], LARGEST_END);
  const refuse = (should: string): never => {
    throw new RangeError(
      `Cannot ${verb}: range is [${low}, ${high}], it should ${should}`,
    );
  };
  if (!(high - low >= LEAST_WIDTH)) refuse("ascend");
  if (kind === "log" && !(low >= LEAST_WIDTH)) {
    refuse("begin above 0 on a logarithmic scale");
  }
  if (kind === "diverging" && low !== -high) {
    refuse("be as far below 0 as above");
  }
  return [low, high];
}

/** Checks what names rows or columns. */
export function checkLabel(
  verb: string,
  name: string,
  label: unknown,
): ((id: number) => string) | undefined {
  if (label === undefined || typeof label === "function") return label as never;
  throw new TypeError(
    `Cannot ${verb}: ${name} is ${
      show(label)
    }, it should be a function from an id to a text`,
  );
}

/** Checks a text. */
export function checkText(verb: string, name: string, text: unknown): string {
  if (typeof text === "string") return text;
  throw new TypeError(
    `Cannot ${verb}: ${name} is ${show(text)}, it should be a text`,
  );
}

/** Checks one of several words; the first where none is given. */
export function oneOf<Word extends string>(
  verb: string,
  name: string,
  word: unknown,
  words: readonly Word[],
): Word {
  if (word === undefined) return words[0];
  if ((words as readonly unknown[]).includes(word)) return word as Word;
  throw new TypeError(
    `Cannot ${verb}: ${name} is ${show(word)}, it should be ${
      words.map((word) => `"${word}"`).join(" or ")
    }`,
  );
}
