/**
 * Axial masks and grid queries: the lines of a grid and nothing else, the worked example, work that stays in its line.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  admit,
  append,
  createAttention,
  CsrMatrix,
  DenseMatrix,
  errorBound,
  outputs,
  softmaxAttention,
  stats,
  update,
  watch,
} from "../../mod.ts";
import { axialMask, gridQueries } from "../../src/method/mod.ts";
import { seeded } from "../../src/random.ts";
import { lcg } from "../lcg.ts";
import { anything, refuses } from "../refusals.ts";
import { sameBits } from "../same.ts";

const AXES = ["groups", "members"] as const;

Deno.test("axialMask() of no groups or no members is empty", () => {
  for (const along of AXES) {
    for (const [groups, members] of [[0, 0], [0, 3], [3, 0]]) {
      const mask = axialMask(groups, members, along);
      assertEquals([mask.rows, mask.columns, mask.nonZeros], [0, 0, 0]);
    }
  }
});

Deno.test("gridQueries() of no locations or no numbers", () => {
  const none = gridQueries([], []);
  assertEquals([none.rows, none.columns], [0, 0]);
  const empty = gridQueries(new DenseMatrix(2, 0), new DenseMatrix(3, 0));
  assertEquals([empty.rows, empty.columns], [6, 0]);
  assertEquals(gridQueries([1, 2], [3, 4]).to2DArray(), [[4, 6]]);
});

Deno.test("axialMask() refuses grids that are none, and axes that are none", () => {
  refuses(
    () => axialMask(-1, 2, "groups"),
    RangeError,
    "Cannot make an axial mask: groups is -1, it should be a whole number from 0 to 8388608",
  );
  refuses(
    () => axialMask(2, 1.5, "groups"),
    RangeError,
    "Cannot make an axial mask: members is 1.5, it should be a whole number from 0 to 8388608",
  );
  refuses(
    () => axialMask(2, 2, anything("rows")),
    TypeError,
    'Cannot make an axial mask: along is "rows", it should be "groups" or "members"',
  );
  refuses(
    () => axialMask(4096, 4096, "groups"),
    RangeError,
    "Cannot make an axial mask: there are 16777216 tokens, there should be at most 8388608",
  );
  refuses(
    () => axialMask(8388608, 1, "groups"),
    RangeError,
    "Cannot make an axial mask: it has 70368744177664 edges, they should fit in memory",
  );
});

Deno.test("gridQueries() refuses widths that differ, and too many tokens", () => {
  refuses(
    () => gridQueries([[1, 2]], [[1]]),
    RangeError,
    "Cannot make grid queries: layouts has rows of 1 number, it should have rows of 2",
  );
  refuses(
    () => gridQueries(anything("1"), [[1]]),
    TypeError,
    'Cannot make grid queries: locations is "1", it should be rows of numbers',
  );
  refuses(
    () => gridQueries([[1]], anything(1)),
    TypeError,
    "Cannot make grid queries: layouts is 1, it should be rows of numbers",
  );
  refuses(
    () => gridQueries(new DenseMatrix(4096, 1), new DenseMatrix(4096, 1)),
    RangeError,
    "Cannot make grid queries: there are 16777216 tokens, there should be at most 8388608",
  );
});

Deno.test("axialMask() has the edges of its lines and no others", () => {
  for (
    const [groups, members] of [[1, 1], [1, 4], [4, 1], [2, 3], [3, 2], [5, 7]]
  ) {
    for (const along of AXES) {
      const mask = axialMask(groups, members, along), tokens = groups * members;
      // Its own check of what a CSR matrix is.
      new CsrMatrix(tokens, tokens, mask.indptr, mask.indices, mask.values);
      assertEquals(
        mask.nonZeros,
        tokens * (along === "groups" ? groups : members),
      );
      for (let row = 0; row < tokens; row++) {
        for (let column = 0; column < tokens; column++) {
          const meets = along === "groups"
            ? row % members === column % members
            : Math.floor(row / members) === Math.floor(column / members);
          assertEquals(mask.get(row, column), Number(meets));
        }
      }
    }
  }
});

Deno.test("axialMask() of one line is no mask, and across it each token meets itself", () => {
  const random = seeded(2), dim = 3, tokens = 6;
  const rows = () =>
    Array.from(
      { length: tokens },
      () => Array.from({ length: dim }, () => Math.fround(random.normal())),
    );
  const queries = rows(), keys = rows(), values = rows();
  const dense = createAttention({ queries, keys, values });
  for (const [groups, members] of [[tokens, 1], [1, tokens]]) {
    const [whole, own] = groups === 1 ? ["members", "groups"] as const : AXES;
    const mask = axialMask(groups, members, whole);
    const attention = createAttention({ queries, keys, values, mask });
    sameBits(outputs(attention).data, outputs(dense).data, "dense");
    const textbook = softmaxAttention(queries, keys, values, { mask });
    const unmasked = softmaxAttention(queries, keys, values);
    sameBits(textbook.data, unmasked.data, "definition");
    const alone = createAttention({
      queries,
      keys,
      values,
      mask: axialMask(groups, members, own),
    });
    const bound = errorBound(alone).total;
    outputs(alone).data.forEach((x, at) => {
      const off = Math.abs(x - values.flat()[at]);
      assert(off <= errorBound(alone).total, `${at}: ${off}, ${bound}`);
    });
  }
});

/** The worked example: between two groups of three members, then within each. */
const BETWEEN = [
  [0.8968645213, 1.4633462816],
  [1.2339161326, 0.970841892],
  [-0.2776836508, 0.2809069465],
  [1.0400251801, 1.5460406035],
  [1.3751841435, 1.052442958],
  [-0.0959179792, 0.3859007981],
];
const WITHIN = [
  [0.9428764673, 1.1811518893],
  [0.9608209534, 1.1516053105],
  [0.5862631442, 0.9024613907],
  [1.0996680868, 1.2731541958],
  [1.1175897353, 1.2432108539],
  [0.8099730995, 1.0407173546],
];
/** Printed to ten decimals. */
const PRINTED = 0.5e-10;

Deno.test("axialMask() between and then within groups gives the worked example of seed 13", () => {
  const random = lcg(13);
  const tokens = gridQueries(random.matrix(2, 2), random.matrix(3, 2));
  const through = (x: DenseMatrix, along: "groups" | "members") =>
    softmaxAttention(x, x, x, { mask: axialMask(2, 3, along) });
  const between = through(tokens, "groups");
  assertNear(between.to2DArray(), BETWEEN, PRINTED);
  assertNear(through(between, "members").to2DArray(), WITHIN, PRINTED);

  // Thousandths have a 32-bit form, which the numbers themselves have not.
  const exact = lcg(13);
  const thousands = gridQueries(
    exact.thousandths(2, 2),
    exact.thousandths(3, 2),
  );
  const first = createAttention({
    queries: thousands,
    keys: thousands,
    values: thousands,
    scale: 1e-6 / Math.SQRT2,
    mask: axialMask(2, 3, "groups"),
  });
  const ours = outputs(first).to2DArray();
  const bound = errorBound(first).total;
  assertNear(
    ours,
    BETWEEN.map((row) => row.map((x) => 1000 * x)),
    bound + 1000 * PRINTED,
  );
  const second = createAttention({
    queries: ours,
    keys: ours,
    values: ours,
    scale: 1e-6 / Math.SQRT2,
    mask: axialMask(2, 3, "members"),
  });
  // Between the two everything is rounded to 32 bits. Below 1.6, a score is off by 4 · 2⁻²⁴ · 1.6² / √2, and an average
  // by that times the distance of the values, below 2, and by the rounding of the values.
  const rounding = (4 * 1.6 ** 2 / Math.SQRT2 * 2 + 1.6) * 2 ** -24;
  assertNear(
    outputs(second).to2DArray(),
    WITHIN.map((row) => row.map((x) => 1000 * x)),
    1000 * (rounding + PRINTED),
  );
});

Deno.test("axialMask() costs its edges, and a change of a token what its line costs", () => {
  const groups = 5, members = 7, tokens = groups * members;
  const dim = 4, valueDim = 3, random = seeded(9);
  const row = (width: number) =>
    Array.from({ length: width }, () => 0.1 * random.normal());
  for (const along of AXES) {
    const line = along === "groups" ? groups : members;
    const attention = createAttention({
      dim,
      valueDim,
      mask: axialMask(groups, members, along),
    });
    for (let token = 0; token < tokens; token++) {
      append(attention, row(dim), row(valueDim));
      watch(attention, row(dim));
    }
    const spent = (act: () => void) => {
      const before = stats(attention).multiplyAdds;
      act();
      outputs(attention);
      return stats(attention).multiplyAdds - before;
    };
    // Reading forms the quotients of every row, changed or not.
    const reading = tokens * (valueDim + 1);
    const whole = line * (dim + valueDim + 1);
    assertEquals(spent(() => {}), tokens * whole + reading);
    const held = outputs(attention).to2DArray();
    // A key that changes is exchanged in the rows of its line.
    const exchanged = spent(() => update(attention, 12, { keys: row(dim) }));
    assertEquals(exchanged, line * (2 * dim + 2 * valueDim + 2) + reading);
    const rows = outputs(attention).to2DArray();
    const moved = rows.flatMap((row, token) =>
      row.some((x, c) => x !== held[token][c]) ? [token] : []
    );
    const expected = Array.from({ length: tokens }, (_, token) => token)
      .filter((token) =>
        along === "groups"
          ? token % members === 12 % members
          : Math.floor(token / members) === Math.floor(12 / members)
      );
    assertEquals(moved, expected);
    // A query that changes starts its own row over.
    const asked = spent(() => watch(attention, row(dim), { ids: 12 }));
    assertEquals(asked, whole + reading);
    // A token that leaves is taken out of the rows that met it.
    const left = spent(() =>
      admit(attention, expected.map((token) => [token, 12] as const), false)
    );
    assertEquals(left, line * (dim + valueDim + 1) + reading);
  }
});

Deno.test("gridQueries() are location plus layout", () => {
  const random = seeded(5);
  const rows = (count: number) =>
    Array.from({ length: count }, () => [random.normal(), random.normal()]);
  const locations = rows(3), layouts = rows(4);
  const queries = gridQueries(locations, CsrMatrix.fromDense(layouts));
  assertEquals(
    queries.to2DArray(),
    locations.flatMap((loc) =>
      layouts.map((lay) => lay.map((x, t) => loc[t] + x))
    ),
  );
});

function assertNear(
  actual: number[][],
  expected: number[][],
  bound: number,
): void {
  assertEquals(actual.length, expected.length);
  actual.forEach((row, i) =>
    row.forEach((x, c) => {
      const off = Math.abs(x - expected[i][c]);
      assert(off <= bound, `[${i}][${c}] is off by ${off}, not ${bound}`);
    })
  );
}
