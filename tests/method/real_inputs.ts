/**
 * Queries, keys and values of real models, as tensors: what an approximation is measured on.
 *
 * @module
 */

import { readTensor } from "../../examples/semantic_memory/memory_data.ts";
import type { Tensor } from "../../src/softmax/tensor.ts";
import { readNpy } from "../npy.ts";

/** One set of inputs. */
export interface RealInputs {
  name: string;
  /** [1, heads, n, dim] */
  queries: Tensor;
  /** [1, keyHeads, m, dim] */
  keys: Tensor;
  values: Tensor;
  scale: number;
}

/** A sentence encoder, a language model without its causal mask, and a memory of nouns. */
export function realInputs(): RealInputs[] {
  const words = wordnet("queries"), texts = wordnet("keys");
  return [
    { name: "use-lite layer 0", ...model("use-lite", 0), scale: 1 },
    ...[0, 1].map((layer) => ({
      name: `stories layer ${layer}`,
      ...model("stories260K", layer),
      scale: 1 / Math.sqrt(8),
    })),
    {
      name: "wordnet, scale 10",
      queries: words,
      keys: texts,
      values: texts,
      scale: 10,
    },
    {
      name: "wordnet, scale 40",
      queries: words,
      keys: texts,
      values: texts,
      scale: 40,
    },
  ];
}

/** The relative error of an output in the Frobenius norm. */
export function relativeError(output: Tensor, exact: Tensor): number {
  let error = 0, size = 0;
  for (let i = 0; i < exact.data.length; i++) {
    error += (output.data[i] - exact.data[i]) ** 2;
    size += exact.data[i] ** 2;
  }
  return Math.sqrt(error / size);
}

function model(folder: string, layer: number) {
  const [queries, keys, values] = ["q", "k", "v"].map((name) => {
    const { data, shape } = readNpy(Deno.readFileSync(
      new URL(
        `../fixtures/real/${folder}/l${layer}_${name}.npy`,
        import.meta.url,
      ),
    ));
    return { data: Float64Array.from(data), shape: [1, ...shape] };
  });
  return { queries, keys, values };
}

function wordnet(name: string): Tensor {
  const file = Deno.readFileSync(
    new URL(
      "../../examples/semantic_memory/wordnet.safetensors",
      import.meta.url,
    ),
  );
  const { rows, columns, numbers } = readTensor(file, name);
  return { data: Float64Array.from(numbers), shape: [1, 1, rows, columns] };
}
