import { assert, assertEquals } from "@std/assert";
import { scaledDotProductAttention } from "../../src/softmax/attention.ts";
import type { Tensor } from "../../src/softmax/tensor.ts";

interface AttentionCase {
  name: string;
  Q: number[][][];
  K: number[][][];
  V: number[][][];
  scale: number;
  expected_output: number[][][] | null;
  expected_weights: number[][][];
  key_mask?: boolean[][];
  query_mask?: boolean[][];
}

interface SoftmaxCase {
  name: string;
  x: number[][];
  y: number[][];
}

const file = new URL(
  "../fixtures/literal/literal_cases.json",
  import.meta.url,
);
const cases: { attention: AttentionCase[]; softmax: SoftmaxCase[] } = JSON
  .parse(Deno.readTextFileSync(file));

/** Printed with at most so many decimals; whole numbers are exact. */
const DECIMALS: Record<string, number> = {
  keras_attention_dot: 3,
  keras_attention_mask: Infinity,
  keras_mha_identity_head: 4,
};
/** Half the distance from 1 to the next 32-bit number. */
const UNIT32 = 2 ** -24;

Deno.test("scaledDotProductAttention() gives the printed outputs and weights", () => {
  assertEquals(cases.attention.map(({ name }) => name), Object.keys(DECIMALS));
  for (const example of cases.attention) {
    const { Q, K, V, key_mask, query_mask, scale } = example;
    const half = 10 ** -DECIMALS[example.name] / 2;
    const may = (queries: boolean) =>
      Q[0].map((_, i) =>
        K[0].map((_, j) =>
          (key_mask?.[0][j] ?? true) &&
          (!queries || (query_mask?.[0][i] ?? true))
        )
      );
    const run = (queries: boolean) =>
      scaledDotProductAttention(tensorOf(Q), tensorOf(K), tensorOf(V), {
        heads: 1,
        scale,
        scores: "weights",
        mask: {
          data: Uint8Array.from(may(queries).flat(), Number),
          shape: [Q[0].length, K[0].length],
        },
      });
    // Keras masks queries in the output only.
    if (example.expected_output) {
      assertClose(run(true).output, example.expected_output, half);
    }
    assertClose(run(false).scores!, [example.expected_weights], half);
  }
});

Deno.test("scaledDotProductAttention() of a query of 1 over keys x has the weights softmax(x)", () => {
  for (const { x, y } of cases.softmax) {
    const result = scaledDotProductAttention(
      { data: new Float64Array(x.length).fill(1), shape: [x.length, 1, 1] },
      { data: Float64Array.from(x.flat()), shape: [x.length, x[0].length, 1] },
      { data: Float64Array.from(x.flat()), shape: [x.length, x[0].length, 1] },
      { heads: 1, scale: 1, scores: "weights" },
    );
    // The printed ones were rounded to 32 bits by exp, by the sum and by the quotient.
    assertClose(result.scores!, y, 3 * UNIT32);
  }
});

function tensorOf(rows: number[][][]): Tensor {
  return {
    data: Float64Array.from(rows.flat(2)),
    shape: [rows.length, rows[0].length, rows[0][0].length],
  };
}

function assertClose(actual: Tensor, expected: unknown[], within: number) {
  const numbers = expected.flat(Infinity) as number[];
  assertEquals(actual.data.length, numbers.length);
  numbers.forEach((number, i) => {
    const error = Math.abs(actual.data[i] - number);
    assert(
      error <= within * (1 + Number.EPSILON),
      `[${i}] is ${actual.data[i]}, expected ${number} within ${within}`,
    );
  });
}
