import { assert, assertEquals } from "@std/assert";
import { scaledDotProductAttention } from "../../src/softmax/attention.ts";
import type { Tensor } from "../../src/softmax/tensor.ts";

interface TorchTensor {
  shape: number[];
  data: (number | boolean)[];
}

interface TorchCase {
  params: { embed_dim: number; num_heads: number };
  weights: Record<string, TorchTensor>;
  inputs: Record<string, TorchTensor>;
  outputs: Record<string, TorchTensor>;
}

const NAMES = ["basic", "causal", "key_padding", "nobias"];
/** Half the distance from 1 to the next 32- or 64-bit number. */
const UNIT32 = 2 ** -24;
const UNIT64 = 2 ** -53;

for (const name of NAMES) {
  Deno.test(`scaledDotProductAttention() between its projections is torch.nn.MultiheadAttention: ${name}`, () => {
    const { params, weights, inputs, outputs } = read(name);
    const { embed_dim: width, num_heads: heads } = params;
    const part = (input: TorchTensor, index: number) =>
      projected(
        input,
        weights.in_proj_weight,
        weights.in_proj_bias,
        index * width,
        width,
      );
    const mask = maskOf(inputs);
    const { output, scores } = scaledDotProductAttention(
      part(inputs.query, 0),
      part(inputs.key, 1),
      part(inputs.value, 2),
      { heads, mask, scores: "weights" },
    );
    const final = projected(
      { shape: [...output.shape], data: Array.from(output.data) },
      weights.out_proj_weight,
      weights.out_proj_bias,
      0,
      width,
    );
    // The truth was evaluated in f64: three products of `width` terms (in, scores, out) and two sums over the keys, each
    // term rounded twice, and numbers below 8.
    const terms = 3 * width + 2 * inputs.key.shape[1];
    assertClose(final, outputs.output_float64, 2 * terms * UNIT64 * 8);
    // Weights are at most 1 and were evaluated in f32: the errors of the scores, from products of `width` terms below 8.
    assertClose(scores!, outputs.weights_per_head, 2 * width * UNIT32 * 8);
    assertClose(final, outputs.output, 2 * terms * UNIT32 * 8);
    if (name === "causal") {
      const causal = scaledDotProductAttention(
        part(inputs.query, 0),
        part(inputs.key, 1),
        part(inputs.value, 2),
        { heads, causal: true },
      );
      assertEquals(causal.output, output);
    }
  });
}

/** Torch says what is blocked: by query and key, or by batch and key. */
function maskOf(
  { attn_mask: pairs, key_padding_mask: padding }: Record<string, TorchTensor>,
): Tensor | undefined {
  const blocked = pairs ?? padding;
  if (blocked === undefined) return undefined;
  const [rows, keys] = blocked.shape;
  return {
    data: Uint8Array.from(blocked.data, (no) => no ? 0 : 1),
    shape: pairs ? [rows, keys] : [rows, 1, 1, keys],
  };
}

/** x Wᵀ + b in f64, with the rows first … first + width − 1 of W and b. */
function projected(
  { shape, data }: TorchTensor,
  weight: TorchTensor,
  bias: TorchTensor | undefined,
  first: number,
  width: number,
): Tensor {
  const [batches, length, from] = shape;
  const result = new Float64Array(batches * length * width);
  for (let row = 0; row < batches * length; row++) {
    for (let c = 0; c < width; c++) {
      let sum = 0;
      for (let t = 0; t < from; t++) {
        sum += Number(data[row * from + t]) *
          Number(weight.data[(first + c) * from + t]);
      }
      result[row * width + c] = sum + Number(bias?.data[first + c] ?? 0);
    }
  }
  return { data: result, shape: [batches, length, width] };
}

/** Numbers are printed with as many digits as tell 32-bit floats apart, so they are rounded to those again. */
function read(name: string): TorchCase {
  const file = `../fixtures/reference/torch_mha_${name}.json`;
  const text = Deno.readTextFileSync(new URL(file, import.meta.url));
  return JSON.parse(text, (_, value) => {
    if (value?.dtype !== "float32") return value;
    return { ...value, data: value.data.map(Math.fround) };
  });
}

function assertClose(actual: Tensor, expected: TorchTensor, within: number) {
  assertEquals(actual.shape, expected.shape);
  expected.data.forEach((number, i) => {
    const error = Math.abs(actual.data[i] - Number(number));
    assert(error <= within, `[${i}] is ${actual.data[i]}, not ${number}`);
  });
}
