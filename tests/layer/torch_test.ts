/**
 * multiHeadAttention() and maintained layers against PyTorch's own module, with weights under torch's own names.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Tensor } from "../../mod.ts";
import {
  layerOutputs,
  maintainedLayer,
  multiHeadAttention,
  torchWeights,
  watchQueries,
} from "../../src/layer/mod.ts";

interface TorchTensor {
  dtype: string;
  shape: number[];
  data: (number | boolean | string)[];
}

interface TorchCase {
  params: {
    embed_dim: number;
    num_heads: number;
    add_zero_attn?: boolean;
  };
  weights: Record<string, TorchTensor>;
  inputs: Record<string, TorchTensor>;
  outputs: Record<string, TorchTensor>;
}

const NAMES = [
  "basic",
  "causal",
  "key_padding",
  "nobias",
  "kdim_vdim",
  "bias_kv",
  "zero_padding",
  "all_rows",
  "head_masks",
  "float_head_masks",
  "causal_bias_zero",
  "unbatched",
];
/** Half the distance from 1 to the next 32- or 64-bit number. */
const UNIT32 = 2 ** -24, UNIT64 = 2 ** -53;

for (const name of NAMES) {
  const { params, weights, inputs, outputs } = read(name);
  const { num_heads: heads, add_zero_attn: zeroAttention = false } = params;
  const layer = torchWeights(
    new Map(
      Object.entries(weights).map(([name, tensor]) => [
        // Two of the files were written with an underscore for the point.
        `encoder.${name.replace("out_proj_", "out_proj.")}`,
        floats(tensor, Float32Array),
      ]),
    ),
    "encoder.",
  );
  const within = errorOf(outputs);

  Deno.test(`multiHeadAttention() is torch.nn.MultiheadAttention: ${name}`, () => {
    for (const Floats of [Float64Array, Float32Array]) {
      const [query, key, value] = ["query", "key", "value"].map((input) =>
        floats(inputs[input], Floats)
      );
      const step = Floats === Float64Array ? UNIT64 / UNIT32 : 1;
      const options = {
        heads,
        ...(params.add_zero_attn === undefined ? {} : { zeroAttention }),
        ...masksOf(inputs, heads),
      };
      const told = multiHeadAttention(query, key, value, layer, {
        ...options,
        attentionWeights: "heads",
      });
      assertClose(told.output, outputs.output_float64, within * step);
      assertClose(
        told.attentionWeights!,
        outputs.weights_per_head_float64 ?? outputs.weights_per_head,
        // Those of the older files are themselves in 32 bits.
        outputs.weights_per_head ? within : within * step,
      );
      const plain = multiHeadAttention(query, key, value, layer, options);
      assertEquals(plain.attentionWeights, undefined);
      assertClose(plain.output, outputs.output_float64, within * step);
      if (outputs.weights_average_float64 === undefined) continue;
      const { attentionWeights } = multiHeadAttention(
        query,
        key,
        value,
        layer,
        { ...options, attentionWeights: "average" },
      );
      assertClose(
        attentionWeights!,
        outputs.weights_average_float64,
        within * step,
      );
    }
  });

  // What a maintained layer has no mask for: numbers that are added, and masks by head.
  if (["all_rows", "head_masks", "float_head_masks"].includes(name)) continue;
  Deno.test(`maintainedLayer() is torch.nn.MultiheadAttention: ${name}`, () => {
    const blocked = inputs.attn_mask, padding = inputs.key_padding_mask;
    const keyCount = inputs.key.shape.at(-2)!, rows = rowsOf(inputs.query, 0);
    const batches = inputs.query.shape.length === 2 ? 1 : inputs.query.shape[0];
    for (let batch = 0; batch < batches; batch++) {
      for (const fold of [true, false]) {
        const maintained = maintainedLayer("multiHead", layer, {
          heads,
          zeroAttention,
          cross: true,
          fold,
          tokens: rowsOf(inputs.key, batch),
          values: rowsOf(inputs.value, batch),
          mask: (query, key) =>
            !blocked?.data[query * keyCount + key] &&
            !padding?.data[batch * keyCount + key],
        });
        watchQueries(maintained, rowsOf(inputs.query, batch));
        const shape = [rows.length, outputs.output.shape.at(-1)!];
        const size = shape[0] * shape[1];
        const { data } = layerOutputs(maintained);
        assertClose({ data, shape }, {
          dtype: "float64",
          shape,
          data: outputs.output_float64.data.slice(
            batch * size,
            (batch + 1) * size,
          ),
        }, within);
      }
    }
  });
}

/**
 * Twice the error of torch's own evaluation in 32 bits, and a rounding of the largest output: the same steps in the same
 * precision. In 64 bits errors shrink with the unit of rounding. Weights, below 1, are as good as outputs of size 1.
 */
function errorOf({ output, output_float64: truth }: TorchCase["outputs"]) {
  let error = 0, largest = 1;
  truth.data.forEach((number, i) => {
    error = Math.max(error, Math.abs(Number(output.data[i]) - Number(number)));
    largest = Math.max(largest, Math.abs(Number(number)));
  });
  return 2 * error + UNIT32 * largest;
}

/** Torch says what is blocked, ours say what may be attended to; what is added is added in both. */
function masksOf(
  { attn_mask: pairs, key_padding_mask: padding }: Record<string, TorchTensor>,
  heads: number,
): { mask?: Tensor; keyMask?: Tensor } {
  const converted = ({ dtype, data, shape }: TorchTensor): Tensor => ({
    data: dtype === "bool"
      ? Uint8Array.from(data, (blocked) => blocked ? 0 : 1)
      : new Float32Array(data.map(Number)),
    shape: shape.length === 3
      ? [shape[0] / heads, heads, shape[1], shape[2]]
      : shape,
  });
  return {
    ...(pairs && { mask: converted(pairs) }),
    ...(padding && { keyMask: converted(padding) }),
  };
}

function floats(
  { data, shape }: TorchTensor,
  Floats: Float32ArrayConstructor | Float64ArrayConstructor,
): Tensor {
  return { data: new Floats(data.map(Number)), shape };
}

function rowsOf({ data, shape }: TorchTensor, batch: number): number[][] {
  const [length, width] = shape.slice(-2);
  return Array.from({ length }, (_, row) => {
    const at = (batch * length + row) * width;
    return data.slice(at, at + width).map(Number);
  });
}

/** Numbers are printed with as many digits as tell 32-bit floats apart, so they are rounded to those again. */
function read(name: string): TorchCase {
  const file = `../fixtures/reference/torch_mha_${name}.json`;
  const text = Deno.readTextFileSync(new URL(file, import.meta.url));
  return JSON.parse(text, (_, value) => {
    if (value?.dtype !== "float32") return value;
    return {
      ...value,
      data: value.data.map((x: number | string) => Math.fround(Number(x))),
    };
  });
}

function assertClose(actual: Tensor, expected: TorchTensor, within: number) {
  assertEquals(actual.shape, expected.shape);
  expected.data.forEach((number, i) => {
    const error = Math.abs(actual.data[i] - Number(number));
    assert(
      error <= within,
      `[${i}] is ${actual.data[i]}, not ${number}: ${error / within}`,
    );
  });
}
