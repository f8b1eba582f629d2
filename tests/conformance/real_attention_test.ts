import { assert, assertEquals } from "@std/assert";
import { scaledDotProductAttention } from "../../src/softmax/attention.ts";
import type { Tensor } from "../../src/softmax/tensor.ts";
import { readNpy } from "../npy.ts";
import { KERNELS } from "../softmax/cases.ts";

/** Half the distance from 1 to the next 32-bit number. */
const UNIT32 = 2 ** -24;
/** What tests/fixtures/real/README.md says of use-lite: the model computed in f32. */
const USE_LITE_ERROR = 1.647871415100255e-6;

Deno.test("scaledDotProductAttention() gives the outputs of a causal language model with grouped heads", () => {
  for (const layer of [0, 1]) {
    const [q, k, v, o] = read("stories260K", layer);
    assertEquals([q.shape, k.shape], [[1, 8, 512, 8], [1, 4, 512, 8]]);
    const { output } = scaledDotProductAttention(q, k, v, {
      causal: true,
      kernel: "scalar",
    });
    // Both are f64 evaluations rounded once: where they fall on both sides of a boundary, one unit in the last place.
    assertClose(output, o, (recorded) => 2 * UNIT32 * Math.abs(recorded));
    assertSingle(q, k, v, output, Math.sqrt(1 / 8), true);
  }
});

Deno.test("scaledDotProductAttention() gives the outputs of a sentence encoder", () => {
  const [q, k, v, o] = read("use-lite", 0);
  const { output } = scaledDotProductAttention(q, k, v, {
    scale: 1,
    kernel: "scalar",
  });
  assertClose(
    output,
    o,
    (recorded) => USE_LITE_ERROR + UNIT32 * Math.abs(recorded),
  );
  assertSingle(q, k, v, output, 1, false);
});

/** Queries, keys, values and outputs of a layer, as one batch. */
function read(model: string, layer: number): Tensor[] {
  return ["q", "k", "v", "o"].map((name) => {
    const file = `../fixtures/real/${model}/l${layer}_${name}.npy`;
    const { data, shape } = readNpy(
      Deno.readFileSync(new URL(file, import.meta.url)),
    );
    return { data, shape: [1, ...shape] };
  });
}

/** The kernels in 32 bits are at most twice as far from the truth as a plain loop in 32 bits. */
function assertSingle(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  truth: Tensor,
  scale: number,
  causal: boolean,
): void {
  const plain = farthest(plainLoop(q, k, v, scale, causal), truth.data);
  for (const kernel of KERNELS) {
    const options = { scale, causal, kernel };
    const { output } = scaledDotProductAttention(q, k, v, options);
    const error = farthest(output.data, truth.data);
    assert(error <= 2 * plain, `${kernel}: ${error}, a plain loop ${plain}`);
  }
}

function farthest(one: ArrayLike<number>, other: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < other.length; i++) {
    most = Math.max(most, Math.abs(one[i] - other[i]));
  }
  return most;
}

/** Attention of one batch in a plain loop, every operation rounded to 32 bits. */
function plainLoop(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  scale: number,
  causal: boolean,
): Float32Array {
  const [, heads, n, dim] = q.shape, [, keyHeads, m] = k.shape;
  const valueDim = v.shape[3], f = Math.fround;
  const output = new Float32Array(heads * n * valueDim);
  for (let row = 0; row < heads * n; row++) {
    const head = Math.floor(Math.floor(row / n) * keyHeads / heads);
    const end = causal ? row % n + 1 : m, scores = new Float32Array(end);
    for (let j = 0; j < end; j++) {
      for (let t = 0; t < dim; t++) {
        const key = k.data[(head * m + j) * dim + t];
        scores[j] += f(q.data[row * dim + t] * key);
      }
      scores[j] *= f(scale);
    }
    const largest = scores.reduce((a, b) => Math.max(a, b));
    const weights = scores.map((score) => Math.exp(f(score - largest)));
    const sum = weights.reduce((a, b) => f(a + b), 0);
    for (let j = 0; j < end; j++) {
      for (let c = 0; c < valueDim; c++) {
        const value = v.data[(head * m + j) * valueDim + c];
        output[row * valueDim + c] += f(weights[j] * value);
      }
    }
    for (let c = 0; c < valueDim; c++) output[row * valueDim + c] /= sum;
  }
  return output;
}

function assertClose(
  actual: Tensor,
  recorded: Tensor,
  bound: (recorded: number) => number,
): void {
  assertEquals(actual.shape, recorded.shape);
  for (let i = 0; i < recorded.data.length; i++) {
    const error = Math.abs(actual.data[i] - recorded.data[i]);
    assert(
      error <= bound(recorded.data[i]),
      `[${i}] is ${actual.data[i]}, recorded ${recorded.data[i]}`,
    );
  }
}
