import { assert, assertEquals } from "@std/assert";
import { CsrMatrix, DenseMatrix } from "../../mod.ts";
import { type Pool, poolSource } from "../../src/plot/pool.ts";
import { checkSource } from "../../src/plot/source.ts";
import { seeded } from "../../src/random.ts";

Deno.test("poolSource() of no rows or no columns has no cells", () => {
  for (const [rows, columns] of [[0, 5], [5, 0], [0, 0]]) {
    const source = checkSource(
      "test",
      "matrix",
      new DenseMatrix(rows, columns),
    );
    const { cells, ...size } = poolSource(source, 4, 4, "mean");
    assertEquals(size, {
      rows: Math.min(4, rows),
      columns: Math.min(4, columns),
    });
    assertEquals(cells.length, 0);
  }
});

Deno.test("poolSource() is the plain mean, or the number largest in size, of each block; what is missing is left out", () => {
  const random = seeded(2);
  for (let turn = 0; turn < 300; turn++) {
    const rows = 1 + random.integer(12), columns = 1 + random.integer(12);
    const most = 1 + random.integer(14), mostColumns = 1 + random.integer(14);
    const sparse = turn % 2 === 0;
    const numbers = Array.from(
      { length: rows },
      () =>
        Array.from({ length: columns }, () => {
          const kind = random.uniform();
          // Whole numbers, so that sums are exact in any order.
          return kind < 0.4
            ? 0
            : kind < 0.5 && !sparse
            ? NaN
            : random.integer(99) - 49;
        }),
    );
    for (const pool of ["mean", "max"] as const) {
      const matrix = sparse ? CsrMatrix.fromDense(numbers) : numbers;
      const source = checkSource("test", "matrix", matrix);
      const pooled = poolSource(source, most, mostColumns, pool);
      const plain = plainPool(numbers, most, mostColumns, pool);
      assertEquals(
        [...pooled.cells].map((cell) => cell + 0),
        plain.flat(),
        `turn ${turn} ${pool}`,
      );
    }
  }
});

Deno.test("poolSource() keeps memory to the cells: a million by a million sparse numbers", () => {
  const side = 1e6, entries = 1000;
  const triples = Array.from(
    { length: entries },
    (_, at) => [at * 1000, (at * 7919) % side, 1] as const,
  );
  const source = checkSource(
    "test",
    "matrix",
    CsrMatrix.fromTriples(side, side, triples),
  );
  const { cells, rows, columns } = poolSource(source, 100, 100, "mean");
  assertEquals([rows, columns], [100, 100]);
  const total = cells.reduce((sum, cell) => sum + cell, 0) * (side / 100) ** 2;
  // 10 000 sums of at most 1000 terms below 1, each rounded.
  assert(Math.abs(total - entries) <= 1e4 * entries * Number.EPSILON);
});

/** By blocks that are walked through one by one. */
function plainPool(
  numbers: number[][],
  mostRows: number,
  mostColumns: number,
  pool: Pool,
): number[][] {
  const split = (length: number, most: number) => {
    const blocks: number[][] = Array.from(
      { length: Math.min(length, most) },
      () => [],
    );
    for (let at = 0; at < length; at++) {
      blocks[Math.floor(at * blocks.length / length)].push(at);
    }
    return blocks;
  };
  const columns = split(numbers[0].length, mostColumns);
  return split(numbers.length, mostRows).map((rows) =>
    columns.map((places) => {
      const block = rows.flatMap((row) => places.map((at) => numbers[row][at]))
        .filter((number) => !Number.isNaN(number));
      if (block.length === 0) return NaN;
      return pool === "mean"
        ? block.reduce((sum, number) => sum + number, 0) / block.length
        : block.sort((a, b) => Math.abs(b) - Math.abs(a) || b - a)[0];
    })
  );
}
