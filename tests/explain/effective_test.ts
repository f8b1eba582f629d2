/**
 * Effective and efficient attention: their definition by singular values, worked examples, what must not matter.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Matrix, SVD } from "ml-matrix";
import { CsrMatrix, type Rows } from "../../mod.ts";
import {
  effectiveAttention,
  efficientAttention,
  freedom,
  minimumNormAttention,
  outputShares,
  sparseAttention,
} from "../../src/explain/mod.ts";
import { lcg } from "../lcg.ts";
import { anything, refuses } from "../refusals.ts";
import { sameBits, within } from "../same.ts";
import { forSeeds, normals } from "../scripts.ts";
import { change, drawCase } from "./hostile.ts";

/** What explains weights by values, each with the verb of its refusals. */
const EXPLAINS = {
  "read effective attention": effectiveAttention,
  "read efficient attention": efficientAttention,
  "read minimum-norm attention": minimumNormAttention,
  "read sparse attention": sparseAttention,
  "read output shares": outputShares,
};

/** The worked examples are printed to ten decimals. */
const PRINTED = 0.5e-10 * (1 + 1e-5);

/** The softmax of each row. */
function softmax(scores: number[][]): number[][] {
  return scores.map((row) => {
    const sizes = row.map((score) => Math.exp(score - Math.max(...row)));
    const sum = sizes.reduce((total, size) => total + size, 0);
    return sizes.map((size) => size / sum);
  });
}

Deno.test("effectiveAttention(), efficientAttention() and sparseAttention() of a worked example", () => {
  const { matrix } = lcg(8);
  const weights = softmax(matrix(2, 6).map((row) => row.map((s) => 3 * s)));
  const values = matrix(6, 2);
  const check = (found: Rows, printed: number[][], what: string) =>
    within(
      [...CsrMatrix.fromDense(found).to1DArray()],
      printed.flat(),
      () => PRINTED,
      6,
      what,
    );
  check(weights, [
    [
      0.0103906353,
      0.0057886838,
      0.3009382049,
      0.0529794946,
      0.0799103151,
      0.5499926664,
    ],
    [
      0.0520513555,
      0.0621301163,
      0.425060213,
      0.425060213,
      0.0038737802,
      0.0318243219,
    ],
  ], "weights");
  check(effectiveAttention(weights, values), [
    [
      -0.0149361772,
      0.0484558237,
      0.0293805415,
      -0.0143316859,
      -0.0796268942,
      0.0152125729,
    ],
    [
      -0.0798417587,
      0.1251770039,
      0.1370619835,
      -0.0329186076,
      0.0257239752,
      -0.0593613921,
    ],
  ], "effective");
  check(efficientAttention(weights, values), [
    [
      0.2054810758,
      0.1941840756,
      0.1522070856,
      0.1776406824,
      0.0228760648,
      0.2476110158,
    ],
    [
      0.1120021701,
      0.2520140822,
      0.2439661684,
      0.1341678289,
      0.11493918,
      0.1429105703,
    ],
  ], "efficient");
  check(sparseAttention(weights, values), [
    [0, 0, 0.3044942742, 0, 0.0982196986, 0.5972860272],
    [0, 0, 0.4769204534, 0.4455724142, 0, 0.0775071324],
  ], "sparse");
});

Deno.test("efficientAttention() may be negative where minimumNormAttention() is not: a worked example", () => {
  const { matrix } = lcg(12);
  const weights = softmax(matrix(1, 6).map((row) => row.map((s) => 4 * s)));
  const values = matrix(6, 2);
  const check = (found: ArrayLike<number>, printed: number[], what: string) =>
    within(found, printed, () => PRINTED, 6, what);
  check(weights[0], [
    0.0742935106,
    0.0327212138,
    0.0192213878,
    0.8255283517,
    0.0170478417,
    0.0311876944,
  ], "weights");
  const efficient = efficientAttention(weights, values);
  check(efficient.data, [
    0.0719626507,
    -0.0130300208,
    -0.1353639373,
    0.6664961838,
    0.128875864,
    0.2810592595,
  ], "efficient");
  const even = minimumNormAttention(weights, values);
  check(
    even.data,
    [0.0760203386, 0, 0, 0.7740010763, 0, 0.1499785851],
    "minimum norm",
  );
  for (const rows of [new Matrix(weights), efficient, even]) {
    const output = rows.mmul(new Matrix(values)).to1DArray();
    within(output, [0.0703900809, -0.1023092219], () => PRINTED, 2, "output");
  }
});

Deno.test("every explanation of no rows, no keys or values of no numbers is of the right shape", () => {
  for (const explain of Object.values(EXPLAINS)) {
    assertEquals(explain([], []).rows, 0);
    const none = explain(new CsrMatrix(2, 0, [0, 0, 0], [], []), []);
    assertEquals([none.rows, none.columns], [2, 0]);
    // A row that attends to nothing.
    assertEquals(explain([[0, 0]], [[1], [2]]).to2DArray(), [[0, 0]]);
  }
  const empty = [[], [], []], weights = [[0.5, 0.25, 0.25]];
  assertEquals(effectiveAttention(weights, empty).to2DArray(), [[0, 0, 0]]);
  assertEquals(outputShares(weights, empty).to2DArray(), [[0, 0, 0]]);
  within(
    efficientAttention(weights, empty).data,
    [1 / 3, 1 / 3, 1 / 3],
    () => 1e-15,
    3,
    "even",
  );
  within(
    minimumNormAttention(weights, empty).data,
    [1 / 3, 1 / 3, 1 / 3],
    () => 1e-15,
    3,
    "even",
  );
  assertEquals(sparseAttention(weights, empty).nonZeros, 1);
  assertEquals(freedom(weights, empty), {
    output: new Uint32Array([3]),
    distribution: new Uint32Array([2]),
  });
});

Deno.test("freedom() counts the keys attended to less the ranks of their values, row by row", () => {
  const values = [[1, 0], [1, 0], [0, 1], [1, 1], [2, 1]];
  const weights = [[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [
    -1,
    0,
    1,
    1,
    0,
  ]];
  assertEquals(freedom(weights, values), {
    output: new Uint32Array([3, 1, 0, 1]),
    distribution: new Uint32Array([2, 1, 0, 0]),
  });
});

Deno.test("one key explains itself", () => {
  for (
    const value of [[3], [0], [1e-150, 1e150], [5e-324], [1.7e308, -1.7e308]]
  ) {
    for (
      const explain of [
        efficientAttention,
        minimumNormAttention,
        sparseAttention,
      ]
    ) {
      within(
        explain([[1]], [value]).to1DArray(),
        [1],
        () => 1e-15,
        1,
        `${value}`,
      );
    }
    const [weight] = effectiveAttention([[1]], [value]).data;
    assert(Math.abs(weight - Number(value[0] !== 0)) <= 1e-15);
  }
});

Deno.test("explanations refuse what is no row of weights for these values", () => {
  for (const [verb, explain] of Object.entries(EXPLAINS)) {
    const refusal = (
      weights: unknown,
      values: unknown,
      options: unknown,
      kind: typeof TypeError | typeof RangeError,
      message: string,
    ) =>
      refuses(
        () => explain(anything(weights), anything(values), anything(options)),
        kind,
        `Cannot ${verb}: ${message}`,
      );
    refusal(
      [[1, 2]],
      [[1]],
      {},
      RangeError,
      "weights[0] has 2 numbers, it should have 1",
    );
    refusal(
      CsrMatrix.fromDense([[1, 2]]),
      [[1]],
      {},
      RangeError,
      "weights has rows of 2 numbers, it should have rows of 1",
    );
    refusal(
      [[0.5], [NaN]],
      [[1]],
      {},
      RangeError,
      "weights[1][0] is NaN, it should be a finite number",
    );
    refusal(
      [[1, 0]],
      [[1], [Infinity]],
      {},
      RangeError,
      "values[1][0] is Infinity, it should be a finite number",
    );
    refusal(
      "weights",
      [[1]],
      {},
      TypeError,
      'weights is "weights", it should be rows of numbers',
    );
    refusal(
      [[1]],
      7,
      {},
      TypeError,
      "values is 7, it should be rows of numbers",
    );
    refusal(
      [[1]],
      [[1]],
      { project: 1 },
      TypeError,
      'unknown option "project", it should be one of projection',
    );
    refusal(
      [[1]],
      [[1, 2]],
      { projection: [[1]] },
      RangeError,
      "projection has 1 row, it should have one for each of 2 numbers of a value",
    );
    refusal(
      [[1]],
      [[1e200, 1]],
      { projection: [[1e200], [1]] },
      RangeError,
      "value 0 is Infinity after the projection, it should be finite",
    );
  }
  for (
    const verb of [
      "read minimum-norm attention",
      "read sparse attention",
    ] as const
  ) {
    for (
      const weights of [
        [[1, 0], [0, -0.5]],
        CsrMatrix.fromDense([[1, 0], [0, -0.5]]),
      ]
    ) {
      refuses(
        () => EXPLAINS[verb](weights, [[1], [2]]),
        RangeError,
        `Cannot ${verb}: weights[1][1] is -0.5, it should be 0 or more`,
      );
    }
  }
  refuses(
    () => freedom([[1, 2]], [[1]]),
    RangeError,
    "Cannot read freedom: weights[0] has 2 numbers, it should have 1",
  );
});

Deno.test("projections are those onto the singular vectors of values, scaled column by column", () => {
  forSeeds(300, (_, random) => {
    const count = 1 + random.integer(20), width = 1 + random.integer(6);
    const values = Array.from(
      { length: count },
      () => normals(random, width, 1),
    );
    const weights = normals(random, count, 1);
    for (const sums of [false, true]) {
      const table = new Matrix(
        sums ? values.map((row) => [...row, 1]) : values,
      );
      for (let c = 0; c < table.columns; c++) {
        const peak = Math.max(...table.getColumn(c).map(Math.abs));
        table.mulColumn(c, 2 ** -Math.floor(Math.log2(peak)));
      }
      const { diagonal, leftSingularVectors } = new SVD(table, {
        autoTranspose: true,
      });
      const tolerance = diagonal[0] * Math.max(count, table.columns) *
        Number.EPSILON;
      const rank = diagonal.filter((value) => value > tolerance).length;
      const basis = leftSingularVectors.subMatrix(0, count - 1, 0, rank - 1);
      const row = new Matrix([weights]);
      const expected = row.mmul(basis).mmul(basis.transpose()).to1DArray();
      const explain = sums ? efficientAttention : effectiveAttention;
      const found = explain([weights], values).data;
      const condition = diagonal[0] / diagonal[rank - 1];
      const limit = 16 * (count + width) * Number.EPSILON * condition *
        Math.hypot(...weights);
      within(found, expected, () => limit, count, `sums ${sums}`);
      const dimensions = freedom([weights], values);
      assertEquals(
        dimensions[sums ? "distribution" : "output"][0],
        count - rank,
      );
    }
  });
});

Deno.test("projections leave the output of degenerate rows, and shorten them", () => {
  let worst = 0;
  forSeeds(2000, (_, random) => {
    const drawn = drawCase(random), { weights, values } = drawn;
    const length = Math.hypot(...weights);
    const effective = effectiveAttention([weights], values).data;
    const efficient = efficientAttention([weights], values).data;
    worst = Math.max(
      worst,
      change(drawn, effective, false),
      change(drawn, efficient, true),
    );
    const [short, longer] = [effective, efficient].map((row) =>
      Math.hypot(...row)
    );
    assert(
      short <= longer * (1 + 1e-12) && longer <= length * (1 + 1e-12),
      drawn.kind,
    );
    weights.forEach((weight, key) => {
      if (weight === 0) assertEquals([effective[key], efficient[key]], [0, 0]);
    });
  });
  // Refused above 1e-10; ordinary rounding is far below.
  assert(worst < 1e-13, `off by ${worst}`);
});

Deno.test("neither the size of values and weights nor keys of weight 0 change a bit of an explanation", () => {
  forSeeds(150, (_, random) => {
    const { weights, values, kind } = drawCase(random);
    if (kind === "tiny" || kind === "huge" || kind === "columns of all sizes") {
      return;
    }
    const scales = values[0].map(() => 2 ** (random.integer(1201) - 600));
    const scaled = values.map((row) =>
      row.map((number, c) => number * scales[c])
    );
    const size = 2 ** (random.integer(401) - 200);
    // Nothing may round, as the smallest numbers do.
    const kept = weights.map((weight) => weight < 1e-200 ? 0 : weight);
    const keys = [...kept.keys()].filter((key) => kept[key] !== 0);
    for (
      const explain of [
        effectiveAttention,
        efficientAttention,
        minimumNormAttention,
        sparseAttention,
      ]
    ) {
      const row = [...explain([kept], values).to1DArray()];
      const other = explain([kept.map((weight) => weight * size)], scaled)
        .to1DArray();
      sameBits(other, row.map((weight) => weight * size), `${kind}, scaled`);
      const few = explain(
        [keys.map((key) => kept[key])],
        keys.map((key) => values[key]),
      );
      sameBits(
        few.to1DArray(),
        keys.map((key) => row[key]),
        `${kind}, without masked keys`,
      );
      const sparse = explain(
        CsrMatrix.fromDense([kept]),
        CsrMatrix.fromDense(values),
      );
      sameBits(sparse.to1DArray(), row, `${kind}, CSR`);
    }
  });
});

Deno.test("a projection of the output explains as projected values do", () => {
  forSeeds(50, (_, random) => {
    const { weights, values } = drawCase(random), width = values[0].length;
    const projection = Array.from(
      { length: width },
      () => [random.integer(3), random.integer(3) - 1],
    );
    // Sums in the same order, from 0 on.
    const projected = values.map((row) =>
      [0, 1].map((c) =>
        row.reduce((sum, number, k) => sum + number * projection[k][c], 0)
      )
    );
    if (width === 0) return;
    for (const explain of Object.values(EXPLAINS)) {
      sameBits(
        explain([weights], values, { projection }).to1DArray(),
        explain([weights], projected).to1DArray(),
        "projected",
      );
    }
  });
});
