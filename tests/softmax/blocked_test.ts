import { assert, assertEquals } from "@std/assert";
import { flash } from "../../src/kernel/flash.ts";
import { seeded } from "../../src/random.ts";
import type { Admission } from "../../src/softmax/admit.ts";
import { scaledDotProductAttention } from "../../src/softmax/attention.ts";
import {
  type Job,
  KEY_BLOCK,
  makeScratch,
  ROW_BLOCK,
} from "../../src/softmax/block.ts";
import { attendBlocked } from "../../src/softmax/blocked.ts";
import { viewOf } from "../../src/softmax/tensor.ts";
import { normal, test } from "./cases.ts";

const DIM = 4;
/** Ranges are widened to groups of four rows and, at either end, to groups of four keys. */
const WIDENING = 3 + 3 + 3;

/** Counts the pairs that a kernel scores for n queries and keys. */
function scoredPairs(n: number, limits: Partial<Admission>): number {
  const random = seeded(n), shape = [1, 1, n, DIM];
  const view = () => viewOf(normal(random, shape).data as Float32Array, shape);
  const job: Job = {
    queries: view(),
    keys: view(),
    values: view(),
    output: viewOf(new Float32Array(n * DIM), shape),
    scale: 1,
    softcap: 0,
    scores: undefined,
    admission: {
      offsets: [0],
      lengths: [n],
      left: Infinity,
      right: Infinity,
      mask: undefined,
      ordered: false,
      ...limits,
    },
  };
  let pairs = 0;
  const counting: typeof flash = {
    ...flash,
    weigh: (scores, state, first, rows, columns) => {
      pairs += rows * columns;
      return flash.weigh(scores, state, first, rows, columns);
    },
  };
  attendBlocked(job, counting, makeScratch(job));
  return pairs;
}

/** How many floats are allocated by new arrays while a function runs. */
function allocated(work: () => void): number {
  const { Float32Array: single, Float64Array: double } = globalThis;
  let floats = 0;
  const counting = <T extends typeof single | typeof double>(kind: T): T =>
    new Proxy(kind, {
      construct: (target, given) => {
        const made = Reflect.construct(target, given);
        floats += made.length;
        return made;
      },
    });
  globalThis.Float32Array = counting(single);
  globalThis.Float64Array = counting(double);
  try {
    work();
  } finally {
    globalThis.Float32Array = single;
    globalThis.Float64Array = double;
  }
  return floats;
}

test("scaledDotProductAttention() allocates the same scratch for any number of queries and keys", (kernel) => {
  const options = { causal: true, kernel };
  const scratch = [8, 2, 1, 8].map((blocks) => {
    const n = blocks * ROW_BLOCK;
    const [queries, keys, values] = [1, 2, 3].map((seed) =>
      normal(seeded(seed), [1, 2, n, DIM])
    );
    const output = 2 * n * DIM;
    return allocated(() =>
      scaledDotProductAttention(queries, keys, values, options)
    ) - output;
  });
  const [first, ...others] = scratch;
  if (kernel === "scalar") {
    assertEquals(others, [first, first, first]);
    // Nor is it large: rows and a block of keys, each with a few numbers beside its own.
    assert(first > 0);
    assert(first < (ROW_BLOCK + KEY_BLOCK) * (2 * DIM + 10));
  } else {
    // The memory of the kernel is grown once; three numbers say where a row of a block lies.
    for (const floats of others) assert(floats <= 3 * 256, `${floats}`);
  }
});

Deno.test("attendBlocked() scores no blocks that causality leaves out", () => {
  const n = 600, half = n * (n + 1) / 2;
  const pairs = scoredPairs(n, { right: 0 });
  assert(pairs >= half && pairs <= half + n * WIDENING, `${pairs} of ${half}`);
});

Deno.test("attendBlocked() scores no blocks outside of a window or behind a valid length", () => {
  const n = 600, window = 1 + 20 + 5;
  // A range that crosses the edge of a block is widened on both sides of it.
  const blocked = n * (window + 2 * WIDENING);
  assert(scoredPairs(n, { left: 20, right: 5 }) <= blocked);
  assert(scoredPairs(n, { lengths: [10] }) <= n * (10 + WIDENING));
  assertEquals(scoredPairs(n, { lengths: [0] }), 0);
  assertEquals(scoredPairs(n, {}), n * n);
});

Deno.test("attendBlocked() scores no blocks that a mask leaves out", () => {
  const n = 256, width = 32;
  for (const additive of [false, true]) {
    const data = additive
      ? new Float32Array(n * n).fill(-Infinity)
      : new Uint8Array(n * n);
    for (let i = 0; i < n; i++) {
      const from = i * n + i - i % width;
      data.fill(additive ? 0 : 1, from, from + width);
    }
    const mask = {
      data,
      additive,
      batchStride: 0,
      headStride: 0,
      rowStride: n,
      width: n,
    };
    assertEquals(scoredPairs(n, { mask }), n * width);
  }
});
