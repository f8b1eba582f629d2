/**
 * Axial attention on a grid: tokens of groups × members attend along one axis at a time.
 *
 * Token (g, m) is row g · members + m. Along the groups it meets the same member of every group (inter-group), along the
 * members everyone in its own group (intra-group): one after the other joins all with all, for G M (G + M) scores instead
 * of (G M)². Both are edges of a mask, so that a change of one token concerns the rows of its line and no other.
 *
 * After divided self-attention over groups and members with separate embeddings (M. Tamura, Design and Analysis of
 * Efficient Attention in Transformers for Social Group Activity Recognition, 2024, https://arxiv.org/abs/2404.09964)
 * and axial attention (J. Ho et al., Axial Attention in Multidimensional Transformers, 2019,
 * https://arxiv.org/abs/1912.12180).
 *
 * @module
 */

import { checkInteger, counted, show } from "../check.ts";
import { type CsrMatrix, trusted } from "../matrix/csr.ts";
import { DenseMatrix, matrixFrom } from "../matrix/dense.ts";
import { MOST_KEYS } from "../memory/keys.ts";
import type { Rows } from "../rows.ts";

/**
 * Makes the mask of attention along one axis of a grid: a `mask` for `createAttention` and `softmaxAttention`.
 *
 * Along "groups" token (g, m) attends to the tokens (0, m), (1, m), …; along "members" to (g, 0), (g, 1), …; itself
 * among them both times. Edges can be taken out and put back by `admit` for tokens that are not there.
 *
 * 3 groups of 2 members, along groups and along members, 1 = may attend:
 *
 * ```text
 * 1 0 1 0 1 0     1 1 0 0 0 0
 * 0 1 0 1 0 1     1 1 0 0 0 0
 * 1 0 1 0 1 0     0 0 1 1 0 0
 * 0 1 0 1 0 1     0 0 1 1 0 0
 * 1 0 1 0 1 0     0 0 0 0 1 1
 * 0 1 0 1 0 1     0 0 0 0 1 1
 * ```
 *
 * Shapes: (groups · members) × (groups · members), with groups · members · groups or groups · members · members
 * entries, all 1, which is what it costs. Errors: a `RangeError` for a side that is no whole number or a grid of more
 * than 2²³ tokens or too many edges for the memory, a `TypeError` for another axis.
 *
 * @example First between the groups, then within each
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createAttention, outputs } from "@reattend/reattend";
 * import { axialMask, gridQueries } from "@reattend/reattend/methods";
 *
 * const tokens = gridQueries([[0], [8]], [[0], [0], [6]]);
 * const along = (axis: "groups" | "members", values: number[][]) =>
 *   outputs(createAttention({
 *     queries: values.map(() => [0]),
 *     keys: tokens,
 *     values,
 *     mask: axialMask(2, 3, axis),
 *   })).to2DArray();
 * const between = along("groups", tokens.to2DArray());
 * assertEquals(between, [[4], [4], [10], [4], [4], [10]]);
 * assertEquals(along("members", between), [[6], [6], [6], [6], [6], [6]]);
 * ```
 */
export function axialMask(
  groups: number,
  members: number,
  along: "groups" | "members",
): CsrMatrix {
  const verb = "make an axial mask";
  checkInteger(verb, "groups", groups, 0, MOST_KEYS);
  checkInteger(verb, "members", members, 0, MOST_KEYS);
  if (along !== "groups" && along !== "members") {
    throw new TypeError(
      `Cannot ${verb}: along is ${
        show(along)
      }, it should be "groups" or "members"`,
    );
  }
  const tokens = checkTokens(verb, groups, members);
  const between = along === "groups", line = between ? groups : members;
  const step = between ? members : 1;
  const { indptr, indices, values } = roomFor(verb, tokens, tokens * line);
  for (let row = 0, at = 0; row < tokens; row++) {
    let column = between ? row % members : row - row % members;
    for (let i = 0; i < line; i++) {
      indices[at++] = column;
      column += step;
    }
    indptr[row + 1] = at;
  }
  values.fill(1);
  return trusted(tokens, tokens, indptr, indices, values);
}

/**
 * Makes the queries of a grid from those of its two axes: location g plus layout m for token (g, m).
 *
 * G + M vectors say what G · M tokens ask. A location that changes changes the queries of its group, a layout those of
 * its member in every group.
 *
 * Shapes: `locations` G × dim, `layouts` M × dim, result G M × dim, 64-bit. Costs G · M · dim additions. Errors: a
 * `TypeError` for what is no rows of numbers, a `RangeError` for widths that differ and for more than 2²³ tokens.
 *
 * @example Two groups of three
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { gridQueries } from "@reattend/reattend/methods";
 *
 * const queries = gridQueries([[10, 0], [20, 0]], [[1, 1], [2, 2], [3, 3]]);
 * assertEquals(queries.to2DArray(), [[11, 1], [12, 2], [13, 3], [21, 1], [22, 2], [23, 3]]);
 * ```
 */
export function gridQueries(locations: Rows, layouts: Rows): DenseMatrix {
  const verb = "make grid queries";
  const location = matrixFrom(verb, "locations", locations);
  const layout = matrixFrom(verb, "layouts", layouts);
  if (location.columns !== layout.columns) {
    throw new RangeError(
      `Cannot ${verb}: layouts has rows of ${
        counted(layout.columns, "number")
      }, it should have rows of ${location.columns}`,
    );
  }
  const dim = location.columns, groups = location.rows, members = layout.rows;
  const tokens = checkTokens(verb, groups, members);
  const queries = new DenseMatrix(tokens, dim), { data } = queries;
  const loc = location.data, lay = layout.data;
  for (let g = 0, at = 0; g < groups; g++) {
    for (let m = 0; m < members; m++) {
      for (let t = 0; t < dim; t++, at++) {
        data[at] = loc[g * dim + t] + lay[m * dim + t];
      }
    }
  }
  return queries;
}

function checkTokens(verb: string, groups: number, members: number): number {
  const tokens = groups * members;
  if (tokens > MOST_KEYS) {
    throw new RangeError(
      `Cannot ${verb}: there are ${tokens} tokens, there should be at most ${MOST_KEYS}`,
    );
  }
  return tokens;
}

function roomFor(
  verb: string,
  rows: number,
  edges: number,
): { indptr: Uint32Array; indices: Uint32Array; values: Float32Array } {
  // Row starts are 32-bit.
  if (edges < 2 ** 32) {
    try {
      return {
        indptr: new Uint32Array(rows + 1),
        indices: new Uint32Array(edges),
        values: new Float32Array(edges),
      };
    } catch {
      // Said below.
    }
  }
  throw new RangeError(
    `Cannot ${verb}: it has ${edges} edges, they should fit in memory`,
  );
}
