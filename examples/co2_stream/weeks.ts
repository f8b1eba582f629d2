/**
 * A weekly series with holes: what was measured, and where nothing was.
 *
 * @module
 */

/** A week of the series. */
export interface Week {
  /** Days since the first of January 1970. */
  day: number;
  /** The average of the week in ppm; undefined where it is missing. */
  ppm: number | undefined;
}

/** Weeks missing one after the other. */
export interface Gap {
  /** Index of its first week. */
  start: number;
  length: number;
}

const DAY = 24 * 60 * 60 * 1000;

/** Reads lines of a date and an average; weeks that have no line are missing like those without an average. */
export function readWeeks(text: string): Week[] {
  const [head, ...lines] = text.trim().split("\n");
  if (head !== "date,co2") {
    throw new RangeError(
      `Cannot read weeks: the first line is "${head}", it should be "date,co2"`,
    );
  }
  const weeks: Week[] = [];
  for (const line of lines) {
    const parts = /^(\d{4})(\d\d)(\d\d),(\d+(?:\.\d+)?)?$/.exec(line);
    if (parts === null) {
      throw new RangeError(
        `Cannot read weeks: a line is "${line}", it should be a date and a number`,
      );
    }
    const [, year, month, date, ppm] = parts;
    const day = Date.UTC(Number(year), Number(month) - 1, Number(date)) / DAY;
    const last = weeks.at(-1)?.day ?? day - 7;
    if (day <= last || (day - last) % 7 !== 0) {
      throw new RangeError(
        `Cannot read weeks: "${line}" is ${
          day - last
        } days after the line before, it should be whole weeks`,
      );
    }
    for (let missing = last + 7; missing < day; missing += 7) {
      weeks.push({ day: missing, ppm: undefined });
    }
    weeks.push({ day, ppm: ppm === undefined ? undefined : Number(ppm) });
  }
  return weeks;
}

/** The gaps of a series, in order. */
export function gapsOf(weeks: readonly Week[]): Gap[] {
  const gaps: Gap[] = [];
  weeks.forEach(({ ppm }, at) => {
    if (ppm !== undefined) return;
    const last = gaps.at(-1);
    if (last !== undefined && last.start + last.length === at) last.length++;
    else gaps.push({ start: at, length: 1 });
  });
  return gaps;
}

/** The date of a day, yyyy-mm-dd. */
export function dateOf(day: number): string {
  return new Date(day * DAY).toISOString().slice(0, 10);
}
