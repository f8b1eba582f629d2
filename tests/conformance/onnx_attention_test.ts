import { assert, assertEquals } from "@std/assert";
import {
  scaledDotProductAttention,
  type ScaledDotProductAttentionOptions,
} from "../../src/softmax/attention.ts";
import type { Tensor } from "../../src/softmax/tensor.ts";
import { KERNELS, test as twins } from "../softmax/cases.ts";

interface CaseTensor {
  dtype: "float32" | "float16" | "bool" | "int64";
  shape: number[];
  data: (number | boolean | "NaN" | "Infinity" | "-Infinity")[];
}

interface Case {
  name: string;
  attributes: Record<string, number>;
  inputs: Record<string, CaseTensor>;
  outputs: Record<string, CaseTensor>;
}

interface Call {
  queries: Tensor;
  keys: Tensor;
  values: Tensor;
  options: ScaledDotProductAttentionOptions;
}

const CASES = 58;
/** Half the distance from 1 to the next number of 32 and of 16 bits. */
const UNIT32 = 2 ** -24;
const UNIT16 = 2 ** -11;
const LEAST_NORMAL16 = 2 ** -14;
/** The values of qk_matmul_output_mode. */
const KINDS = ["raw", "softcapped", "biased", "weights"] as const;
/** Attributes that the options cover; softmax_precision asks for 64 bits at most, which is what all softmaxes use. */
const ATTRIBUTES = [
  "is_causal",
  "kv_num_heads",
  "left_window_size",
  "q_num_heads",
  "qk_matmul_output_mode",
  "right_window_size",
  "scale",
  "softcap",
  "softmax_precision",
];

const folder = new URL("../fixtures/onnx-attention/", import.meta.url);
const cases = [...Deno.readDirSync(folder)].map((file) => file.name)
  .filter((name) => name.endsWith(".json")).sort()
  .map((name): Case =>
    JSON.parse(Deno.readTextFileSync(new URL(name, folder)))
  );

Deno.test("scaledDotProductAttention() meets every conformance case of ONNX Attention", async (test) => {
  assertEquals(cases.length, CASES);
  const all = cases.flatMap((example) =>
    KERNELS.map((kernel) => ({ example, kernel }))
  );
  for (const { example, kernel } of all) {
    await test.step(`${example.name}, ${kernel}`, () => {
      const { queries, keys, values, options } = callOf(example);
      const result = scaledDotProductAttention(queries, keys, values, {
        ...options,
        kernel,
      });
      const names = {
        Y: result.output,
        present_key: result.presentKeys,
        present_value: result.presentValues,
        qk_matmul_output: result.scores,
      };
      for (const [name, actual] of Object.entries(names)) {
        const expected = example.outputs[name];
        assertEquals(actual === undefined, expected === undefined, name);
        if (actual === undefined) continue;
        assertEquals(actual.shape, expected.shape);
        const numbers = tensorOf(expected).data;
        const tolerance = toleranceOf(example, name, numbers);
        for (let i = 0; i < numbers.length; i++) {
          const error = actual.data[i] === numbers[i]
            ? 0
            : Math.abs(actual.data[i] - numbers[i]);
          const bound = tolerance(numbers[i]);
          assert(
            error <= bound,
            `${name}[${i}] is ${actual.data[i]}, expected ${
              numbers[i]
            } within ${bound}`,
          );
        }
      }
    });
  }
});

twins(
  "scaledDotProductAttention() of permuted batches and heads is its result permuted, bit for bit",
  (kernel) => {
    let moved = 0;
    for (const example of cases) {
      const call = callOf(example), { heads } = call.options;
      const batches = call.queries.shape[0];
      const keyHeads = call.options.keyHeads ?? call.keys.shape[1];
      const queryHeads = heads ?? call.queries.shape[1];
      const group = queryHeads / keyHeads;
      if (batches * queryHeads > 1) moved++;
      const batchOrder = reversed(batches), keyOrder = reversed(keyHeads);
      // Groups move with their key head, and heads move within their group.
      const queryOrder = keyOrder.flatMap((head) =>
        reversed(group).map((member) => head * group + member)
      );
      const permute = (tensor: Tensor, order: number[], packed: boolean) =>
        taken(taken(tensor, 0, batchOrder), packed ? 2 : 1, order);
      const packed = heads !== undefined;
      const { options } = call, { mask } = options;
      const past = (tensor: Tensor | undefined) =>
        tensor && permute(tensor, keyOrder, false);
      const lengths = options.keyLengths;
      const permuted = scaledDotProductAttention(
        permute(call.queries, queryOrder, packed),
        permute(call.keys, keyOrder, packed),
        permute(call.values, keyOrder, packed),
        {
          ...options,
          kernel,
          mask: mask && permutedMask(mask, batchOrder, queryOrder),
          pastKeys: past(options.pastKeys),
          pastValues: past(options.pastValues),
          keyLengths: lengths && batchOrder.map((batch) => lengths[batch]),
        },
      );
      const result = scaledDotProductAttention(
        call.queries,
        call.keys,
        call.values,
        { ...options, kernel },
      );
      assertEquals(permuted.output, permute(result.output, queryOrder, packed));
      assertEquals(
        permuted.scores,
        result.scores && permute(result.scores, queryOrder, false),
      );
      assertEquals(permuted.presentKeys, past(result.presentKeys));
      assertEquals(permuted.presentValues, past(result.presentValues));
    }
    // Two cases have one batch and one head.
    assertEquals(moved, CASES - 2);
  },
);

/** The call that a case describes. */
function callOf({ attributes, inputs, outputs }: Case): Call {
  for (const name of Object.keys(attributes)) assert(ATTRIBUTES.includes(name));
  const reach = (size: number | undefined) =>
    size === undefined || size < 0 ? undefined : size;
  const optional = (name: string) => inputs[name] && tensorOf(inputs[name]);
  return {
    queries: tensorOf(inputs.Q),
    keys: tensorOf(inputs.K),
    values: tensorOf(inputs.V),
    options: {
      heads: attributes.q_num_heads,
      keyHeads: attributes.kv_num_heads,
      scale: attributes.scale,
      softcap: attributes.softcap || undefined,
      causal: attributes.is_causal === 1,
      mask: optional("attn_mask"),
      pastKeys: optional("past_key"),
      pastValues: optional("past_value"),
      keyLengths: inputs.nonpad_kv_seqlen?.data.map(Number),
      window: {
        left: reach(attributes.left_window_size),
        right: reach(attributes.right_window_size),
      },
      scores: outputs.qk_matmul_output &&
        KINDS[attributes.qk_matmul_output_mode ?? 0],
    },
  };
}

/**
 * How far a recorded number may be from ours, which is exact but for half a unit in the last place.
 *
 * Caches are copied: 0. Sixteen-bit cases were evaluated with more bits and rounded once: one unit in the last place.
 * Others were evaluated in 32 bits at worst: roundings of the d terms of a score and of the m terms of the two sums that
 * follow, which grow as the square root of their number (Higham and Mary, A New Approach to Probabilistic Rounding Error
 * Analysis, 2019, https://doi.org/10.1137/18M1226312), and four more for scale, exp, quotient and the last rounding; in
 * units of the largest number that is rounded: values and weights are at most 1, or it is one of those recorded.
 */
function toleranceOf(
  { inputs: { Q, K, past_key: past } }: Case,
  name: string,
  numbers: ArrayLike<number>,
): (number: number) => number {
  if (name.startsWith("present")) return () => 0;
  if (Q.dtype === "float16") {
    return (number) => {
      const size = Math.max(Math.abs(number), LEAST_NORMAL16);
      return 2 * UNIT16 * 2 ** Math.floor(Math.log2(size));
    };
  }
  const m = K.shape[K.shape.length - 2] + (past?.shape[2] ?? 0);
  const terms = Q.shape[Q.shape.length - 1] + 2 * m;
  const sizes = Array.from(numbers, Math.abs).filter(Number.isFinite);
  const bound = (4 + Math.sqrt(terms)) * UNIT32 * Math.max(1, ...sizes);
  return () => bound;
}

function tensorOf({ dtype, shape, data }: CaseTensor): Tensor {
  return {
    data: dtype === "bool"
      ? Uint8Array.from(data, Number)
      : Float32Array.from(data, Number),
    shape,
  };
}

/** Slices of an axis, the last of which may be packed with more numbers behind it, in another order. */
function taken(
  { data, shape }: Tensor,
  axis: number,
  order: readonly number[],
): Tensor {
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const inner = data.length / outer / order.length;
  const result = data.slice();
  for (let i = 0; i < outer; i++) {
    order.forEach((from, to) => {
      const start = (i * order.length + from) * inner;
      result.set(
        data.subarray(start, start + inner),
        (i * order.length + to) * inner,
      );
    });
  }
  return { data: result, shape };
}

/** A mask whose axes of batches and heads, where it has them, are in another order. */
function permutedMask(
  mask: Tensor,
  batchOrder: readonly number[],
  headOrder: readonly number[],
): Tensor {
  const batchAxis = mask.shape.length - 4, headAxis = mask.shape.length - 3;
  let result = mask;
  if (headAxis >= 0 && mask.shape[headAxis] > 1) {
    result = taken(result, headAxis, headOrder);
  }
  if (batchAxis >= 0 && mask.shape[batchAxis] > 1) {
    result = taken(result, batchAxis, batchOrder);
  }
  return result;
}

function reversed(count: number): number[] {
  return Array.from({ length: count }, (_, i) => count - 1 - i);
}
