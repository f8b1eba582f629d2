/**
 * Rows are measured the same way with WebAssembly and without, many or one, and what is not finite is found.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { measureRows } from "../../src/kernel/measure.ts";
import { modules } from "../../src/kernel/wasm.ts";
import { seeded } from "../../src/random.ts";
import { measureKey, measureValue } from "../../src/rows.ts";
import { sameBits } from "../same.ts";
import { pick } from "../scripts.ts";

const WIDTHS = [0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 33, 9000];
const NUMBERS = [0, -0, 1, -1, 1.5, 2 ** -149, -(2 ** -126), 3.4e38, -3.4e38];

/** Both ways to measure. */
function bothWays(act: () => void): void {
  const { simd } = modules;
  assert(simd !== undefined);
  act();
  try {
    modules.simd = undefined;
    act();
  } finally {
    modules.simd = simd;
  }
}

Deno.test("measureRows() has the bits of measureKey() and measureValue(), for more rows than are copied together", () => {
  const random = seeded(81);
  for (const width of WIDTHS) {
    for (const rows of [0, 1, 9, width === 1 ? 20000 : 40]) {
      const numbers = Float32Array.from(
        { length: rows * width },
        () => random.integer(3) > 0 ? random.normal() : pick(random, NUMBERS),
      );
      bothWays(() => {
        const sizes = measureRows(numbers, width, rows)!;
        assertEquals(sizes.norms.length, rows);
        for (let row = 0; row < rows; row++) {
          const own = numbers.subarray(row * width, (row + 1) * width);
          const { norm, nonZeros } = measureKey(own);
          const { peak } = measureValue(own);
          sameBits(
            [sizes.norms[row], sizes.peaks[row], sizes.nonZeros[row]],
            [norm, peak, nonZeros],
            `row ${row} of ${width}`,
          );
        }
      });
    }
  }
});

Deno.test("measureRows() finds what is not finite, wherever it is", () => {
  const random = seeded(82);
  for (let round = 0; round < 200; round++) {
    const width = pick(random, WIDTHS.filter((width) => width > 0));
    const rows = 1 + random.integer(20);
    const numbers = new Float32Array(rows * width).fill(3.4e38);
    bothWays(() => assert(measureRows(numbers, width, rows) !== undefined));
    numbers[random.integer(numbers.length)] = pick(random, [
      NaN,
      Infinity,
      -Infinity,
    ]);
    bothWays(() => assertEquals(measureRows(numbers, width, rows), undefined));
  }
});
