/**
 * A compact part of the conformance cases of ONNX Attention, in every runtime and by every kernel.
 *
 * The other cases, and the reasons for the tolerance, are in `tests/conformance/onnx_attention_test.ts`.
 *
 * @module
 */

import { equal, same } from "./reference.js";

/** Half the distance from 1 to the next 32-bit number. */
const UNIT = 2 ** -24;
const KINDS = ["raw", "softcapped", "biased", "weights"];

/** Tests by name, each given the function, from cases as they lie in the fixtures. */
export function conformance(cases) {
  return Object.fromEntries(
    cases.map((example) => [example.name, (attend) => meet(example, attend)]),
  );
}

function meet({ attributes, inputs, outputs }, attend) {
  const given = (name) => inputs[name] && tensorOf(inputs[name]);
  const reach = (size) => size === undefined || size < 0 ? undefined : size;
  const { output, scores, presentKeys, presentValues } = attend(
    given("Q"),
    given("K"),
    given("V"),
    {
      heads: attributes.q_num_heads,
      keyHeads: attributes.kv_num_heads,
      scale: attributes.scale,
      softcap: attributes.softcap || undefined,
      causal: attributes.is_causal === 1,
      mask: given("attn_mask"),
      pastKeys: given("past_key"),
      pastValues: given("past_value"),
      keyLengths: inputs.nonpad_kv_seqlen?.data.map(Number),
      window: {
        left: reach(attributes.left_window_size),
        right: reach(attributes.right_window_size),
      },
      scores: outputs.qk_matmul_output &&
        KINDS[attributes.qk_matmul_output_mode ?? 0],
    },
  );
  const actual = {
    Y: output,
    present_key: presentKeys,
    present_value: presentValues,
    qk_matmul_output: scores,
  };
  for (const [name, expected] of Object.entries(outputs)) {
    const { data, shape } = tensorOf(expected);
    same([...actual[name].shape], shape, `shape of ${name}`);
    const copied = name.startsWith("present");
    equal(actual[name].data, data, copied ? 0 : tolerance(inputs, data));
  }
}

/** The recorded numbers were evaluated in 32 bits, and so may ours have been. */
function tolerance({ Q, K, past_key: past }, numbers) {
  const keys = K.shape.at(-2) + (past?.shape[2] ?? 0);
  const terms = Q.shape.at(-1) + 2 * keys;
  const sizes = Array.from(numbers, Math.abs).filter(Number.isFinite);
  return 2 * (4 + Math.sqrt(terms)) * UNIT * Math.max(1, ...sizes);
}

function tensorOf({ dtype, shape, data }) {
  const numbers = dtype === "bool" ? Uint8Array : Float32Array;
  return { data: numbers.from(data, Number), shape };
}
