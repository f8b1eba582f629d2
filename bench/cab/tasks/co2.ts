/**
 * Carbon dioxide over Mauna Loa, week by week from 1958 to 2001, in parts per million, its gaps filled.
 *
 * The series is that of `examples/co2_stream`, whose NOTICE says where it is from; it is in the public domain.
 *
 * @module
 */

import { readWeeks } from "../../../examples/co2_stream/weeks.ts";

/** A series with its gaps filled. */
export interface Series {
  /** A straight line where nothing was measured. */
  levels: Float64Array;
  /** 1 where it was. */
  measured: Uint8Array;
}

/** Reads it; the first and the last week were measured, 59 others were not. */
export function readSeries(): Series {
  const weeks = readWeeks(Deno.readTextFileSync(
    new URL("../../../examples/co2_stream/co2.csv", import.meta.url),
  ));
  const measured = Uint8Array.from(
    weeks,
    ({ ppm }) => ppm === undefined ? 0 : 1,
  );
  const levels = Float64Array.from(weeks, ({ ppm }) => ppm ?? NaN);
  for (let at = 0; at < levels.length; at++) {
    if (measured[at] === 1) continue;
    const before = at - 1, after = measured.indexOf(1, at);
    const slope = (levels[after] - levels[before]) / (after - before);
    levels[at] = levels[before] + slope;
  }
  return { levels, measured };
}
