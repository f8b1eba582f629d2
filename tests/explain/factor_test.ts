/**
 * The factorisation: Q orthonormal, Q·R the table, also after a thousand changed rows.
 *
 * @module
 */

import { assert } from "@std/assert";
import { changeRow, type Factor, factorise } from "../../src/explain/factor.ts";
import { forSeeds, pick } from "../scripts.ts";

const SHAPES = [[1, 1], [1, 4], [4, 1], [3, 6], [5, 5], [40, 9], [33, 32]];

/** How far Q is from orthonormal, and Q·R from the table. */
function errors(factor: Factor, table: Float64Array): [number, number] {
  const { rows, columns, width, q, r } = factor;
  let skew = 0, off = 0;
  for (let a = 0; a < width; a++) {
    for (let b = 0; b < width; b++) {
      let dot = a === b ? -1 : 0;
      for (let i = 0; i < rows; i++) dot += q[a * rows + i] * q[b * rows + i];
      skew = Math.max(skew, Math.abs(dot));
    }
  }
  for (let i = 0; i < rows; i++) {
    for (let c = 0; c < columns; c++) {
      let number = -table[c * rows + i];
      for (let k = 0; k < width; k++) {
        number += q[k * rows + i] * r[k * columns + c];
      }
      off = Math.max(off, Math.abs(number));
    }
  }
  return [skew, off];
}

/** Householder's error is a small multiple of columns · √rows roundings of the size of the table. */
function bound(rows: number, columns: number): number {
  return 8 * columns * Math.sqrt(rows) * Number.EPSILON;
}

Deno.test("factorise() of no rows or no columns has nothing in it", () => {
  for (const [rows, columns] of [[0, 0], [0, 3], [3, 0]]) {
    const factor = factorise(new Float64Array(0), rows, columns);
    assert(factor.width === 0 && factor.q.length === 0);
  }
});

Deno.test("factorise() gives an orthonormal Q and an upper triangular R, whatever the rank", () => {
  forSeeds(20, (_, random) => {
    for (const [rows, columns] of SHAPES) {
      const zeros = random.integer(columns + 1);
      const table = Float64Array.from(
        { length: rows * columns },
        (_, at) => at < zeros * rows ? 0 : random.uniform() * 2 - 1,
      );
      if (columns > 1 && random.integer(2)) table.copyWithin(0, rows, 2 * rows);
      const factor = factorise(table, rows, columns);
      const [skew, off] = errors(factor, table), limit = bound(rows, columns);
      assert(skew <= limit, `${rows} × ${columns}: Q is off by ${skew}`);
      assert(off <= limit, `${rows} × ${columns}: Q·R is off by ${off}`);
      for (let k = 1; k < factor.width; k++) {
        for (let c = 0; c < Math.min(k, columns); c++) {
          assert(factor.r[k * columns + c] === 0);
        }
      }
    }
  });
});

Deno.test("changeRow() follows a thousand changed rows, with errors that add up and no more", () => {
  forSeeds(1, (_, random, at) => {
    for (const [rows, columns] of SHAPES) {
      const draw = () => pick(random, [0, 1, random.uniform(), -1]);
      const table = Float64Array.from({ length: rows * columns }, draw);
      const factor = factorise(table, rows, columns);
      for (let step = 1; step <= 1000; step++) {
        at(step);
        const row = random.integer(rows), blank = random.integer(9) === 0;
        const delta = Float64Array.from({ length: columns }, (_, c) => {
          const place = c * rows + row, now = blank ? 0 : draw();
          const difference = now - table[place];
          table[place] = now;
          return difference;
        });
        changeRow(factor, row, delta);
        if (step % 100 > 0) continue;
        const [skew, off] = errors(factor, table);
        const limit = (1 + step) * bound(rows, columns);
        assert(skew <= limit, `${rows} × ${columns}: Q is off by ${skew}`);
        assert(off <= limit, `${rows} × ${columns}: Q·R is off by ${off}`);
        for (let k = 1; k < factor.width; k++) {
          for (let c = 0; c < Math.min(k, columns); c++) {
            assert(factor.r[k * columns + c] === 0);
          }
        }
      }
    }
  });
});
