/**
 * NC: queries that look at another sequence, all of it: at points around them, or at the past of a real series.
 *
 * @module
 */

import type { DenseMatrix } from "@reattend/reattend";
import { type Random, seeded } from "../../../src/random.ts";
import { matrix32 } from "../problem.ts";
import type { Task } from "../tasks.ts";
import { readSeries } from "./co2.ts";

/** Of the torus: from its axis to the middle of its tube, and of the tube. */
const RING = 1, TUBE = 0.4;
/** How far the kernel reaches: about as far as the next points of 512. */
const REACH = 0.1;

/**
 * With a last number of −|k|²/2 in keys and 1 in queries, q·k is −|q − k|²/2 but for what all keys of a query have in
 * common: softmax attention becomes an average over neighbours.
 */
function nearness(rows: DenseMatrix, isKey: boolean): DenseMatrix {
  const { columns, data } = rows;
  return matrix32(rows.rows, columns + 1, (row, c) => {
    if (c < columns) return data[row * columns + c];
    const own = data.subarray(row * columns, (row + 1) * columns);
    return isKey ? -own.reduce((sum, x) => sum + x * x, 0) / 2 : 1;
  });
}

/** Points on a torus that are known, and others whose surface normal is asked for. */
export const points: Task = {
  name: "nearest neighbours",
  pattern: "NC",
  about:
    "points on a torus come with the direction of its surface, and it is asked for at other points",
  make(seed, length) {
    const random = seeded(seed);
    const known = cloud(random, length), asked = cloud(random, length / 2);
    return {
      problem: {
        pattern: "NC",
        queries: nearness(asked.places, false),
        keys: nearness(known.places, true),
        values: known.normals,
        scale: 1 / REACH ** 2,
      },
      truth: asked.normals,
      scored: new Uint8Array(asked.normals.data.length).fill(1),
    };
  },
};

/** Points of a torus and the directions in which they look outwards. */
function cloud(
  random: Random,
  count: number,
): Record<"places" | "normals", DenseMatrix> {
  const around = new Float64Array(count), across = new Float64Array(count);
  for (let at = 0; at < count; at++) {
    around[at] = 2 * Math.PI * random.uniform();
    // Wider outside than inside: as likely as a ring there is long.
    do across[at] = 2 * Math.PI * random.uniform(); while (
      random.uniform() * (RING + TUBE) > RING + TUBE * Math.cos(across[at])
    );
  }
  const point = (fromAxis: number, tube: number) =>
    matrix32(count, 3, (at, c) => {
      if (c === 2) return tube * Math.sin(across[at]);
      const reach = fromAxis + tube * Math.cos(across[at]);
      return reach * (c === 0 ? Math.cos(around[at]) : Math.sin(around[at]));
    });
  return { places: point(RING, TUBE), normals: point(0, 1) };
}

/** Weeks that a forecast looks back and ahead. */
const PAST = 52, AHEAD = 26;
/** Weeks between forecasts. */
const STRIDE = 3;
/** How alike two years are, in parts per million a week, before they count as alike. */
const LIKENESS = 0.5;

/**
 * The past in windows: how the year before went, and the half year after it. The same is asked of weeks of the last
 * years, of which no window of the past knows anything. The series is real, so that seeds change nothing.
 */
export const forecast: Task = {
  name: "seasonal forecast",
  pattern: "NC",
  about:
    "how carbon dioxide over Mauna Loa changes over the 26 weeks after a year, from years before that went alike",
  make(_, length) {
    const { levels, measured } = readSeries();
    const queries = length / 2, last = levels.length - AHEAD - 1;
    const ask = (i: number) => last - (queries - 1 - i) * STRIDE;
    // No window of the past reaches into what is asked.
    const end = ask(0) - AHEAD;
    const stride = Math.floor((end - PAST) / length);
    if (stride < 1) {
      throw new RangeError(
        `Cannot make a forecast: length is ${length}, the series should be long enough for it`,
      );
    }
    const know = (j: number) => end - (length - 1 - j) * stride;
    /** How far a week is above the last one that a window knows. */
    const year = (count: number, now: (at: number) => number) =>
      matrix32(
        count,
        PAST,
        (at, c) => levels[now(at) - PAST + c] - levels[now(at)],
      );
    const future = (count: number, now: (at: number) => number) =>
      matrix32(
        count,
        AHEAD,
        (at, c) => levels[now(at) + 1 + c] - levels[now(at)],
      );
    const truth = future(queries, ask);
    return {
      problem: {
        pattern: "NC",
        queries: nearness(year(queries, ask), false),
        keys: nearness(year(length, know), true),
        values: future(length, know),
        scale: 1 / (PAST * LIKENESS ** 2),
      },
      truth,
      scored: Uint8Array.from(
        truth.data,
        (_, at) => measured[ask(Math.floor(at / AHEAD)) + 1 + at % AHEAD],
      ),
    };
  },
};
