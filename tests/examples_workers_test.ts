/**
 * The example on two threads: every split has the bits of one thread, with and without threads.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { startCrew } from "../examples/workers/crew.ts";
import { checkSame, computeAlone, JOBS } from "../examples/workers/main.ts";
import { drawProblem } from "../examples/workers/problem.ts";
import {
  assemble,
  type Axis,
  buffersOf,
  computeShare,
  scheduleShares,
} from "../examples/workers/shares.ts";
import { softmaxAttention } from "../mod.ts";

const AXES: readonly Axis[] = ["queries", "keys"];
const SMALL = drawProblem(4, 96, [130, 1, 300]);

Deno.test("shares of any number of workers, in any order, are the attention of one", () => {
  for (const axis of AXES) {
    const alone = computeAlone(SMALL, axis);
    for (const workers of [1, 2, 3, 7, 40]) {
      const parts = scheduleShares(SMALL, axis, workers)
        .map((ranges) => computeShare(SMALL, axis, ranges)).reverse().flat();
      checkSame(assemble(SMALL, parts), alone);
      assertEquals(
        buffersOf(parts).length,
        parts.length * (axis === "keys" ? 7 : 1),
      );
    }
  }
});

Deno.test("what one thread computes is attention", () => {
  const rows = (numbers: Float32Array) =>
    Array.from(
      { length: numbers.length / SMALL.dim },
      (_, row) => numbers.subarray(row * SMALL.dim, (row + 1) * SMALL.dim),
    );
  for (const axis of AXES) {
    const alone = computeAlone(SMALL, axis);
    SMALL.heads.forEach(({ queries, keys, values }, head) => {
      const truth = softmaxAttention(rows(queries), rows(keys), rows(values));
      const largest = Math.max(...values.map(Math.abs));
      // Rounding to 32 bits, or twice the plain loop in 32-bit floats: a product, a sum over the keys, a quotient.
      const bound = axis === "keys"
        ? 2 ** -31 * largest
        : 2 * (keys.length / SMALL.dim + 20) * 2 ** -24 * largest;
      truth.data.forEach((x, at) =>
        assert(Math.abs(alone[head][at] - x) <= bound, `${axis} ${head} ${at}`)
      );
    });
  }
});

Deno.test("two Workers give the bits of one thread, again and again", async () => {
  const crew = startCrew(SMALL, 2);
  try {
    for (const axis of [...AXES, ...AXES]) {
      checkSame(await crew.compute(axis), computeAlone(SMALL, axis));
    }
  } finally {
    crew.dismiss();
  }
});

Deno.test("what a Worker throws is told", async () => {
  const { heads, dim } = SMALL;
  const crew = startCrew({
    dim,
    heads: [{ ...heads[0], values: new Float32Array(3) }],
  }, 1);
  try {
    await assertRejects(() => crew.compute("keys"), Error, "Cannot sum a part");
  } finally {
    crew.dismiss();
  }
});

Deno.test("checkSame() tells a number that differs, and the jobs are what their titles say", () => {
  assertThrows(
    () => checkSame([[1, 2]], [[1, 3]]),
    Error,
    "Head 0, number 1 is 2, it should be 3",
  );
  for (const { axis, title, make } of JOBS) {
    assert(title.startsWith(`by ${axis}`), title);
    const { heads, dim } = make();
    assert(
      title.includes(
        `${heads.length} heads of ${heads[0].queries.length / dim} queries`,
      ),
      title,
    );
    for (const { keys } of heads) {
      assert(title.includes(`${keys.length / dim}`), title);
    }
  }
});
