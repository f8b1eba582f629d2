import { assert, assertEquals } from "@std/assert";
import { scaledDotProductAttention } from "../../src/softmax/attention.ts";
import type { Tensor } from "../../src/softmax/tensor.ts";
import { readNpy } from "../npy.ts";

/** Half the distance from 1 to the next 32-bit number. */
const UNIT32 = 2 ** -24;
/** What tests/fixtures/real/README.md says of use-lite: the model computed in f32. */
const USE_LITE_ERROR = 1.647871415100255e-6;

Deno.test("scaledDotProductAttention() gives the outputs of a causal language model with grouped heads", () => {
  for (const layer of [0, 1]) {
    const [q, k, v, o] = read("stories260K", layer);
    assertEquals([q.shape, k.shape], [[1, 8, 512, 8], [1, 4, 512, 8]]);
    const { output } = scaledDotProductAttention(q, k, v, { causal: true });
    // Both are f64 evaluations rounded once: where they fall on both sides of a boundary, one unit in the last place.
    assertClose(output, o, (recorded) => 2 * UNIT32 * Math.abs(recorded));
  }
});

Deno.test("scaledDotProductAttention() gives the outputs of a sentence encoder", () => {
  const [q, k, v, o] = read("use-lite", 0);
  const { output } = scaledDotProductAttention(q, k, v, { scale: 1 });
  assertClose(
    output,
    o,
    (recorded) => USE_LITE_ERROR + UNIT32 * Math.abs(recorded),
  );
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
