/**
 * What does SMYRF lose on queries, keys and values of trained models, as it was published and as it is here?
 *
 * Run with `deno run --allow-read bench/smyrf.ts`. Errors are relative to exact attention in the Frobenius norm, the heads
 * together: the median of 20 seeds. A pair is a query with a key that it attends to; the published method scores
 * hashes × cluster size of them for each query, some of them twice.
 *
 * @module
 */

import { readTensor } from "../examples/semantic_memory/memory_data.ts";
import { scaledDotProductAttention } from "../mod.ts";
import { smyrf } from "../src/method/mod.ts";
import type { Tensor } from "../src/softmax/tensor.ts";
import { readNpy } from "../tests/npy.ts";

interface Problem {
  name: string;
  queries: Tensor;
  keys: Tensor;
  values: Tensor;
  scale: number;
}

const SEEDS = 20;
const BUDGETS = [[4, 16], [4, 32], [8, 32]] as const;
const WAYS = {
  "published": { merge: "published" },
  "published, once": { clusters: "published", merge: "once" },
  "own": { clusters: "own" },
} as const;

for (const problem of problems()) {
  const exact = attend(problem, undefined);
  for (const [hashes, clusterSize] of BUDGETS) {
    const cells = Object.entries(WAYS).map(([way, options]) => {
      const errors = Array.from({ length: SEEDS }, (_, seed) => {
        const method = smyrf({ clusterSize, hashes, seed, ...options });
        return distance(attend(problem, method), exact);
      }).sort((a, b) => a - b);
      const error = (errors[SEEDS / 2 - 1] + errors[SEEDS / 2]) / 2;
      const pairs = countPairs(
        problem,
        smyrf({ clusterSize, hashes, ...options }),
      );
      return `${way} ${error.toFixed(3)} (${pairs.toFixed(0)} keys)`;
    });
    console.log(
      `${problem.name}, ${hashes} × ${clusterSize}: ${cells.join(", ")}`,
    );
  }
}

function problems(): Problem[] {
  const npy = (path: string): Tensor => {
    const { data, shape } = readNpy(
      Deno.readFileSync(
        new URL(`../tests/fixtures/real/${path}.npy`, import.meta.url),
      ),
    );
    // Half of the heads, so that all is done in half a minute.
    const [heads, length, dim] = shape;
    return {
      data: data.slice(0, data.length / 2),
      shape: [1, heads / 2, length, dim],
    };
  };
  const layer = (folder: string, number: number, scale: number): Problem => ({
    name: `${folder}, layer ${number}`,
    queries: npy(`${folder}/l${number}_q`),
    keys: npy(`${folder}/l${number}_k`),
    values: npy(`${folder}/l${number}_v`),
    scale,
  });
  const file = Deno.readFileSync(
    new URL("../examples/semantic_memory/wordnet.safetensors", import.meta.url),
  );
  const meanings = (name: string): Tensor => {
    const { numbers, rows, columns } = readTensor(file, name);
    return { data: numbers, shape: [1, 1, rows, columns] };
  };
  const keys = meanings("keys");
  return [
    layer("use-lite", 0, 1),
    layer("stories260K", 0, 1 / Math.sqrt(8)),
    {
      name: "wordnet, scale 40",
      queries: everyFourth(meanings("queries")),
      keys,
      values: keys,
      scale: 40,
    },
  ];
}

/** Fewer rows, for the same reason. */
function everyFourth({ data, shape }: Tensor): Tensor {
  const [, , rows, dim] = shape, some = new Float32Array(rows / 4 * dim);
  for (let row = 0; row < rows / 4; row++) {
    some.set(data.subarray(4 * row * dim, (4 * row + 1) * dim), row * dim);
  }
  return { data: some, shape: [1, 1, rows / 4, dim] };
}

function attend(
  { queries, keys, values, scale }: Problem,
  method: ReturnType<typeof smyrf> | undefined,
): Tensor["data"] {
  const options = { scale, method };
  return scaledDotProductAttention(queries, keys, values, options).output.data;
}

function distance(actual: Tensor["data"], exact: Tensor["data"]): number {
  let error = 0, size = 0;
  for (let i = 0; i < exact.length; i++) {
    error += (actual[i] - exact[i]) ** 2;
    size += exact[i] ** 2;
  }
  return Math.sqrt(error / size);
}

/** Different keys that a query of the first head attends to, on average: with a scale of next to nothing all weigh the same. */
function countPairs(
  { queries, keys }: Problem,
  method: ReturnType<typeof smyrf>,
): number {
  const [, , n, dim] = queries.shape, [, , m] = keys.shape;
  const head = ({ data }: Tensor, length: number): Tensor => ({
    data: data.slice(0, length * dim),
    shape: [1, 1, length, dim],
  });
  const values = new Float32Array(m * m);
  for (let j = 0; j < m; j++) values[j * m + j] = 1;
  const { output } = scaledDotProductAttention(
    head(queries, n),
    head(keys, m),
    { data: values, shape: [1, 1, m, m] },
    { scale: Number.MIN_VALUE, method },
  );
  let pairs = 0;
  for (const weight of output.data) if (weight > 0) pairs++;
  return pairs / n;
}
