/**
 * Weights from `.safetensors` files.
 *
 * @module
 */

import { checkOptions, counted, show } from "../check.ts";
import { copyOf } from "../file/copy.ts";
import { openSafetensors, type Place } from "../file/safetensors.ts";
import { widenBrains, widenHalves } from "../file/widen.ts";
import { checkTensor, type Floats, type Tensor } from "../softmax/tensor.ts";
import type { MultiHeadAttentionWeights } from "./weights.ts";

/** What a file says of one of its tensors. */
export interface ListedWeight {
  /** Its name. */
  name: string;
  /** The type of its numbers, as the format calls it. */
  dtype: string;
  /** The length of each axis. */
  shape: readonly number[];
}

/** Headers are no longer than the format allows. */
const LONGEST_HEADER = 100_000_000;

/** Numbers of each type that is read, from little-endian bytes. */
const READERS: Readonly<Record<string, (bytes: Uint8Array) => Floats>> = {
  F64: (bytes) => new Float64Array(copyOf(bytes)),
  F32: (bytes) => new Float32Array(copyOf(bytes)),
  F16: widenHalves,
  BF16: widenBrains,
};

/**
 * Reads the float tensors of a `.safetensors` file, by name.
 *
 * F32, F16 and BF16 become `Float32Array`, which holds each of their numbers exactly, F64 `Float64Array`; NaN and
 * Infinity are let through. Reading is strict: every byte of the file must belong to the header or to exactly one
 * tensor of exactly the size of its shape, whatever is asked for. A tensor of another type is refused by its name, so
 * that none is missed; with `only`, name those that are wanted.
 *
 * Costs a copy: at most twice the bytes of what is read, and memory in proportion to the header. Nothing is allocated
 * for what a file only claims. Errors: a `TypeError` for what is no `Uint8Array`, a `RangeError` that says what is wrong
 * with a file. Format: https://github.com/huggingface/safetensors#format.
 *
 * @example A file of one number
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readWeights } from "@reattend/reattend/layers";
 *
 * const header = new TextEncoder().encode('{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}');
 * const file = new Uint8Array([header.length, 0, 0, 0, 0, 0, 0, 0, ...header, 0x80, 0x3f]);
 * assertEquals(readWeights(file), new Map([["a", { data: new Float32Array([1]), shape: [1] }]]));
 * ```
 *
 * @param options `only` tells by its name whether a tensor is wanted.
 */
export function readWeights(
  bytes: Uint8Array,
  options: { only?: (name: string) => boolean } = {},
): Map<string, Tensor> {
  const verb = "read weights";
  checkOptions(verb, options, ["only"]);
  const { only = () => true } = options;
  if (typeof only !== "function") {
    throw new TypeError(
      `Cannot ${verb}: only is ${show(only)}, it should be a function`,
    );
  }
  const wanted = open(verb, bytes).filter(({ name }) => only(name));
  const other = wanted.find(({ dtype }) => !Object.hasOwn(READERS, dtype));
  if (other !== undefined) {
    throw new RangeError(
      `Cannot ${verb}: tensor ${
        show(other.name)
      } is ${other.dtype}, it should be one of ${
        Object.keys(READERS).join(", ")
      } or left out by only`,
    );
  }
  return new Map(wanted.map(({ name, dtype, shape, start, end }) => [
    name,
    { data: READERS[dtype](bytes.subarray(start, end)), shape },
  ]));
}

/**
 * Lists what is in a `.safetensors` file, in the order of its bytes, and reads none of it.
 *
 * Checks the file like {@linkcode readWeights}, but takes tensors of any type that the format has.
 */
export function listWeights(bytes: Uint8Array): ListedWeight[] {
  return open("list weights", bytes).map(({ name, dtype, shape }) => ({
    name,
    dtype,
    shape,
  }));
}

/**
 * Takes the weights of `torch.nn.MultiheadAttention` from tensors by torch's names, for `multiHeadAttention`.
 *
 * Copies nothing. `bias_k` and `bias_v` become `keyRow` and `valueRow`, with one axis instead of three. Errors: a
 * `RangeError` where `out_proj.weight` is missing, a `TypeError` for what is no tensor of floats; what else does not fit
 * is refused where the weights are used.
 *
 * @example Names of a layer inside of a model
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { torchWeights } from "@reattend/reattend/layers";
 *
 * const input = { data: new Float32Array(3), shape: [3, 1] }, output = { data: new Float32Array(1), shape: [1, 1] };
 * const tensors = new Map([["block.0.in_proj_weight", input], ["block.0.out_proj.weight", output]]);
 * assertEquals(torchWeights(tensors, "block.0."), { inputWeight: input, outputWeight: output });
 * ```
 *
 * @param prefix What stands before torch's own names; nothing if left out.
 */
export function torchWeights(
  tensors: ReadonlyMap<string, Tensor>,
  prefix = "",
): MultiHeadAttentionWeights {
  const verb = "take torch's weights";
  if (!(tensors instanceof Map)) {
    throw new TypeError(
      `Cannot ${verb}: tensors is ${show(tensors)}, it should be a Map`,
    );
  }
  const tensor = (name: string): Tensor | undefined => {
    const found: unknown = tensors.get(`${prefix}${name}`);
    return found === undefined
      ? undefined
      : checkTensor(verb, `${prefix}${name}`, found, FLOATS);
  };
  const outputWeight = tensor("out_proj.weight");
  if (outputWeight === undefined) {
    throw new RangeError(
      `Cannot ${verb}: there is no tensor ${
        show(`${prefix}out_proj.weight`)
      }, there should be one`,
    );
  }
  const weights: Partial<Record<keyof MultiHeadAttentionWeights, Tensor>> = {};
  for (const [ours, theirs] of NAMES) {
    const found = tensor(theirs);
    if (found !== undefined) weights[ours] = found;
  }
  const bias = tensor("in_proj_bias");
  if (bias !== undefined) {
    if (weights.inputWeight !== undefined) weights.inputBias = bias;
    else Object.assign(weights, thirds(verb, bias));
  }
  for (const name of ["keyRow", "valueRow"] as const) {
    const row = weights[name];
    if (row !== undefined) {
      weights[name] = { data: row.data, shape: [row.data.length] };
    }
  }
  return { ...weights, outputWeight };
}

const FLOATS = ["Float32Array", "Float64Array"];
/** Our names and torch's, of what is taken as it is. */
const NAMES = [
  ["inputWeight", "in_proj_weight"],
  ["queryWeight", "q_proj_weight"],
  ["keyWeight", "k_proj_weight"],
  ["valueWeight", "v_proj_weight"],
  ["keyRow", "bias_k"],
  ["valueRow", "bias_v"],
  ["outputBias", "out_proj.bias"],
] as const;

/** Queries, keys and values. */
const PARTS = 3;

/** Biases of queries, keys and values from the one that torch keeps for all three. */
function thirds(verb: string, { data }: Tensor): Pick<
  MultiHeadAttentionWeights,
  "queryBias" | "keyBias" | "valueBias"
> {
  const length = data.length / PARTS;
  if (!Number.isInteger(length)) {
    throw new RangeError(
      `Cannot ${verb}: in_proj_bias holds ${
        counted(data.length, "number")
      }, it should hold as many for queries, keys and values`,
    );
  }
  const third = (at: number): Tensor => ({
    data: data.subarray(at * length, (at + 1) * length),
    shape: [length],
  });
  return { queryBias: third(0), keyBias: third(1), valueBias: third(2) };
}

function open(verb: string, bytes: unknown): Place[] {
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(
      `Cannot ${verb}: bytes is ${show(bytes)}, it should be a Uint8Array`,
    );
  }
  return openSafetensors(verb, bytes, LONGEST_HEADER).places;
}
