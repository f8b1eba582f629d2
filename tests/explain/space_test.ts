/**
 * Column spaces: their rank and their projections against the singular value decomposition of ml-matrix.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Matrix, SVD } from "ml-matrix";
import { factorise } from "../../src/explain/factor.ts";
import {
  combinationOf,
  conditionOf,
  coordinatesOf,
  project,
  spanOf,
} from "../../src/explain/space.ts";
import type { Random } from "../../src/random.ts";
import { forSeeds, normals, pick } from "../scripts.ts";

/** A table of some rank, column by column, and the same as a matrix. */
function drawTable(random: Random) {
  const rows = 1 + random.integer(20), columns = 1 + random.integer(8);
  const rank = 1 + random.integer(Math.min(rows, columns));
  const [left, right] = [[rows, rank], [rank, columns]].map(([m, n]) =>
    new Matrix(Array.from({ length: m }, () => normals(random, n, 1)))
  );
  const matrix = random.integer(2) ? left.mmul(right) : new Matrix(
    Array.from({ length: rows }, () => normals(random, columns, 1)),
  );
  // Equal rows, to the bit.
  if (rows > 1 && random.integer(3) === 0) matrix.setRow(1, matrix.getRow(0));
  const table = Float64Array.from(matrix.transpose().to1DArray());
  return { rows, columns, matrix, table };
}

Deno.test("spanOf() finds the rank that singular values say, and projections onto their vectors", () => {
  let full = 0, deficient = 0;
  forSeeds(400, (_, random) => {
    const { rows, columns, matrix, table } = drawTable(random);
    const count = pick(random, [columns, 1 + random.integer(columns)]);
    const part = matrix.subMatrix(0, rows - 1, 0, count - 1);
    const { diagonal, leftSingularVectors: u } = new SVD(part, {
      autoTranspose: true,
    });
    const least = diagonal[0] * Math.max(rows, count) * Number.EPSILON;
    const rank = diagonal.filter((value) => value > least).length;
    const factor = factorise(table, rows, columns);
    const space = spanOf(factor, count);
    assertEquals(space.rank, rank);
    if (space.turn === undefined) full++;
    else deficient++;
    const condition = diagonal[0] / diagonal[rank - 1];
    const vector = Float64Array.from(normals(random, rows, 1));
    const basis = u.subMatrix(0, rows - 1, 0, rank - 1);
    const parts = basis.transpose().mmul(Matrix.columnVector([...vector]));
    const expected = basis.mmul(parts).to1DArray();
    const nearest = project(space, vector);
    // Both spans are off by some roundings times the condition.
    const limit = 16 * (rows + columns) * Number.EPSILON * condition;
    expected.forEach((number, i) =>
      assert(
        Math.abs(number - nearest[i]) <= limit * Math.hypot(...vector),
        `${rows} × ${count}, rank ${rank}: ${nearest[i]} for ${number}`,
      )
    );
  });
  assert(full > 50 && deficient > 50);
});

Deno.test("coordinatesOf() are orthonormal up to the condition, and the same for equal rows", () => {
  forSeeds(400, (_, random) => {
    const { rows, columns, matrix, table } = drawTable(random);
    const factor = factorise(table, rows, columns);
    const space = spanOf(factor, columns), { rank } = space;
    const coordinates = coordinatesOf(space, table);
    const { diagonal } = new SVD(matrix, { autoTranspose: true });
    const condition = diagonal[0] / diagonal[rank - 1];
    const limit = 16 * (rows + columns) ** 2 * Number.EPSILON * condition;
    for (let a = 0; a < rank; a++) {
      for (let b = 0; b < rank; b++) {
        let dot = a === b ? -1 : 0;
        for (let i = 0; i < rows; i++) {
          dot += coordinates[a * rows + i] * coordinates[b * rows + i];
        }
        assert(Math.abs(dot) <= limit, `off by ${dot} at ${condition}`);
      }
    }
    const equal = rows > 1 &&
      matrix.getRow(0).every((number, c) => number === matrix.get(1, c));
    for (let c = 0; equal && c < rank; c++) {
      assertEquals(coordinates[c * rows], coordinates[c * rows + 1]);
    }
  });
});

Deno.test("combinationOf() combines columns to a vector of the space", () => {
  forSeeds(200, (_, random) => {
    const { rows, columns, matrix, table } = drawTable(random);
    const space = spanOf(factorise(table, rows, columns), columns);
    const some = Matrix.columnVector(normals(random, columns, 1));
    const vector = Float64Array.from(matrix.mmul(some).to1DArray());
    const found = matrix.mmul(
      Matrix.columnVector([...combinationOf(space, vector)]),
    ).to1DArray();
    const { diagonal } = new SVD(matrix, { autoTranspose: true });
    const condition = diagonal[0] / diagonal[space.rank - 1];
    const limit = 16 * (rows + columns) * Number.EPSILON * condition *
      Math.hypot(...vector);
    found.forEach((number, i) => assert(Math.abs(number - vector[i]) <= limit));
  });
});

Deno.test("conditionOf() is at least the condition, and no more than the rank times it", () => {
  forSeeds(200, (_, random) => {
    const size = 1 + random.integer(8), rows = size + random.integer(10);
    const table = Float64Array.from(normals(random, rows * size, 1));
    const columns = Array.from(
      { length: size },
      (_, c) => [...table.subarray(c * rows, (c + 1) * rows)],
    );
    const { diagonal } = new SVD(new Matrix(columns).transpose());
    const exact = diagonal[0] / diagonal[size - 1];
    const found = conditionOf(factorise(table, rows, size), size);
    assert(found >= exact * (1 - 1e-9) && found <= exact * size * (1 + 1e-9));
  });
  assertEquals(conditionOf(factorise(new Float64Array(6), 3, 2), 2), Infinity);
});
