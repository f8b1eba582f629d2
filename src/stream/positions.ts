/**
 * Positions of a stream that never ends: a table of encodings, used over and over.
 *
 * Step t takes row t mod P of a table of P rows. Two steps of one window are at most window − 1 apart, before or
 * behind, so that 2 · window − 1 rows tell all distances apart (L. Hedegaard, A. Bakhtiarnia and A. Iosifidis,
 * Continual Transformers: Redundancy-Free Attention for Online Inference, 2023, https://arxiv.org/abs/2201.06268,
 * Recycling Positional Encoding).
 *
 * @module
 */

import { checkInteger, counted } from "../check.ts";
import { MOST_KEYS } from "../memory/keys.ts";
import { DenseMatrix, matrixFrom } from "../matrix/dense.ts";
import { type Rows, SIDE_LIMIT } from "../rows.ts";

/**
 * Makes encodings that go round: sine waves of which whole numbers fit into `period` steps.
 *
 * The dot product of two rows depends only on how far apart they are, and the last row is as far from the first as
 * any from the next. Columns come in pairs, sin and cos of one wave; the waves go from one to half of `period`, each
 * longer than the next by about the same factor, and where they are more than fit some come twice. The last column of
 * an odd `dim` is 0. The squared length of a row is the number of pairs: multiply the rows to weigh position against
 * content.
 *
 * Shapes: period × dim, 64-bit. Errors: a `RangeError` for a side that is no whole number, from 1 on for `period`.
 *
 * The waves are those of Vaswani et al., Attention Is All You Need, 2017, https://arxiv.org/abs/1706.03762, section
 * 3.5, with lengths that divide the period. Other tables that go round, such as that of Y. Ma et al., 2021,
 * https://arxiv.org/abs/2110.02544, equation 4, keep the ends together, but not all distances.
 *
 * @example All neighbours are equally far apart
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { cyclicPositions } from "@reattend/reattend/streams";
 *
 * const rows = cyclicPositions(7, 4).to2DArray();
 * const dot = (a: number[], b: number[]) => a.reduce((sum, x, t) => sum + x * b[t], 0);
 * assertAlmostEquals(dot(rows[6], rows[0]), dot(rows[2], rows[3]));
 * ```
 */
export function cyclicPositions(period: number, dim: number): DenseMatrix {
  const verb = "make positions";
  checkInteger(verb, "period", period, 1, 2 * MOST_KEYS);
  checkInteger(verb, "dim", dim, 0, SIDE_LIMIT);
  const table = new DenseMatrix(period, dim), { data } = table;
  const pairs = Math.floor(dim / 2), most = Math.max(1, period >>> 1);
  for (let pair = 0; pair < pairs; pair++) {
    const waves = Math.round(most ** (pair / Math.max(1, pairs - 1)));
    for (let row = 0; row < period; row++) {
      // Whole turns left out first: they would cost digits of the angle.
      const angle = 2 * Math.PI * (waves * row % period) / period;
      data[row * dim + 2 * pair] = Math.sin(angle);
      data[row * dim + 2 * pair + 1] = Math.cos(angle);
    }
  }
  return table;
}

/** Checks a table of positions for a window, and copies it. */
export function checkPositions(
  verb: string,
  positions: Rows,
  window: number,
  dim: number,
): DenseMatrix {
  const table = matrixFrom(verb, "positions", positions, dim);
  const least = 2 * window - 1;
  if (table.rows < least) {
    throw new RangeError(
      `Cannot ${verb}: positions has ${
        counted(table.rows, "row")
      }, it should have at least ${least} for a window of ${window}`,
    );
  }
  const at = table.data.findIndex((x) => !Number.isFinite(Math.fround(x)));
  if (at >= 0) {
    throw new RangeError(
      `Cannot ${verb}: positions[${Math.floor(at / dim)}][${at % dim}] is ${
        table.data[at]
      }, it should be finite as a 32-bit float`,
    );
  }
  return table;
}
