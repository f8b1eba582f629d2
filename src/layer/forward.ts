/**
 * The road through a layer: projections, attention in all heads, the output projection.
 *
 * All kinds take it; what they do not have they skip. Keys that are always there, one among the weights and one of
 * zeros, go in as a past: then they stand before all positions, and causal queries see them.
 *
 * @module
 */

import { checkOptions, counted, show, thereAre } from "../check.ts";
import {
  scaledDotProductAttention,
  type ScaledDotProductAttentionOptions,
} from "../softmax/attention.ts";
import {
  axes,
  checkTensor,
  type Floats,
  floatsLike,
  type FloatTensor,
  kindOf,
  type Tensor,
} from "../softmax/tensor.ts";
import { checkLayer, type Layer, type Projection } from "./layer.ts";
import { mergeMasks } from "./mask.ts";
import { mix } from "./mix.ts";
import { project } from "./project.ts";
import type { LayerKind, LayerWeights } from "./weights.ts";

/** Options of the layers. */
export interface LayerOptions {
  /** How many heads the projected rows are divided into. */
  heads: number;
  /** A query sees no key behind its own position; keys that are always there have none. */
  causal?: boolean;
  /**
   * Which keys each query may attend to, broadcast to [batch, heads, queries, keys] from the last axis back. Bytes: **1 =
   * may attend**, 0 = may not. Floats are added to the scores, −Infinity masks.
   */
  mask?: Tensor;
  /** The same for keys alone, [batch, keys]: 1 for a key, 0 for padding, or floats. */
  keyMask?: Tensor;
  /** Multiplies the dot products; 1/√(numbers of a head's query) if left out. */
  scale?: number;
  /** Also return what was attended to: by head, or the average of the heads. */
  attentionWeights?: "heads" | "average";
  /** What computes 32-bit attention, as in `scaledDotProductAttention`. */
  kernel?: ScaledDotProductAttentionOptions["kernel"];
}

/** Options of {@linkcode multiHeadAttention}. */
export interface MultiHeadAttentionOptions extends LayerOptions {
  /** Every query also sees a key and a value of zeros. */
  zeroAttention?: boolean;
}

/** What a layer returns: new tensors. */
export interface LayerResult {
  /** [batch, queries, outputDim], or [queries, outputDim] where there was no batch. */
  output: FloatTensor;
  /**
   * [batch, heads, queries, keys], or without the heads where they are averaged; behind the keys given come the key
   * among the weights, then the zeros.
   */
  attentionWeights?: FloatTensor;
}

const VERB = "attend";
const OPTIONS: readonly string[] = [
  "heads",
  "causal",
  "mask",
  "keyMask",
  "scale",
  "attentionWeights",
  "kernel",
];
const FLOATS = ["Float32Array", "Float64Array"];

/** Rows of a batch, as they were given. */
interface Input {
  data: Floats;
  batches: number;
  length: number;
}

/** Attends as a layer of a kind. */
export function attendLayer<Kind extends LayerKind>(
  kind: Kind,
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  weights: LayerWeights[Kind],
  options: MultiHeadAttentionOptions,
): LayerResult {
  checkOptions(
    VERB,
    options,
    kind === "multiHead" ? [...OPTIONS, "zeroAttention"] : OPTIONS,
  );
  const { heads, causal, mask, keyMask, scale, zeroAttention, kernel } =
    options ?? {};
  const told = checkWeightsWanted(options?.attentionWeights);
  checkFlag("causal", causal);
  checkFlag("zeroAttention", zeroAttention);
  const layer = checkLayer(VERB, kind, weights, heads);
  const rank = checkRank(queries);
  const q = checkInput("queries", queries, rank, layer.queryWidth);
  const k = checkInput("keys", keys, rank, layer.keyWidth, q);
  const v = checkInput("values", values, rank, layer.valueWidth, q);
  if (v.length !== k.length) {
    throw new RangeError(
      `Cannot ${VERB}: values has length ${v.length}, it should have ${k.length} like keys`,
    );
  }
  checkContext(layer, k.length, causal === true);

  const { batches } = q, always = alwaysThere(layer, zeroAttention);
  const full = [batches, layer.heads, q.length, k.length];
  const { output, scores } = scaledDotProductAttention(
    mapped(layer.query, q, layer.query.rows),
    mapped(layer.key, k, layer.query.rows),
    layer.context === undefined
      ? mapped(layer.value, v, layer.output.columns)
      : mixed(layer, v, causal === true),
    {
      heads: layer.heads,
      causal,
      mask: mergeMasks(VERB, mask, keyMask, full, always.count),
      scale,
      kernel,
      scores: told && "weights",
      pastKeys: repeated(always.key, q, layer.heads, always.count),
      pastValues: repeated(always.value, q, layer.heads, always.count),
    },
  );
  const result = mapped(layer.output, {
    data: output.data,
    batches,
    length: q.length,
  }, layer.outputWidth);
  const answer: LayerResult = {
    output: rank === 2
      ? { data: result.data, shape: result.shape.slice(1) }
      : result,
  };
  if (told !== undefined) {
    answer.attentionWeights = tell(scores!, told, always.count, rank === 2);
  }
  return answer;
}

function checkFlag(name: string, value: unknown): void {
  if (value === undefined || typeof value === "boolean") return;
  throw new TypeError(
    `Cannot ${VERB}: ${name} is ${show(value)}, it should be true or false`,
  );
}

function checkWeightsWanted(
  value: unknown,
): LayerOptions["attentionWeights"] {
  if (value === undefined || value === "heads" || value === "average") {
    return value;
  }
  throw new TypeError(
    `Cannot ${VERB}: attentionWeights is ${
      show(value)
    }, it should be "heads" or "average"`,
  );
}

function checkRank(queries: unknown): number {
  const { shape } = checkTensor(VERB, "queries", queries, FLOATS);
  if (shape.length === 2 || shape.length === 3) return shape.length;
  throw new RangeError(
    `Cannot ${VERB}: queries.shape is ${
      axes(shape)
    }, it should have the axes batch, length, numbers or the last two`,
  );
}

/** Checks rows of a width; like the queries, where there are some already. */
function checkInput(
  name: string,
  tensor: unknown,
  rank: number,
  width: number,
  like?: Input,
): Input {
  const { data, shape } = checkTensor(VERB, name, tensor, FLOATS);
  const batches = rank === 2 ? 1 : shape[0], length = shape[rank - 2];
  if (shape.length !== rank || shape[rank - 1] !== width) {
    throw new RangeError(
      `Cannot ${VERB}: ${name}.shape is ${axes(shape)}, it should be ${
        rank === 2 ? `[length, ${width}]` : `[batch, length, ${width}]`
      }`,
    );
  }
  if (like !== undefined && batches !== like.batches) {
    throw new RangeError(
      `Cannot ${VERB}: ${name} has ${
        counted(batches, "batch")
      }, it should have ${like.batches} like queries`,
    );
  }
  if (like !== undefined && kindOf(data) !== kindOf(like.data)) {
    throw new TypeError(
      `Cannot ${VERB}: ${name}.data is a ${kindOf(data)}, it should be a ${
        kindOf(like.data)
      } like queries.data`,
    );
  }
  return { data: data as Floats, batches, length };
}

function checkContext(
  { context }: Layer,
  length: number,
  causal: boolean,
): void {
  if (context === undefined) return;
  if (causal ? length <= context.size : length === context.size) return;
  throw new RangeError(
    `Cannot ${VERB}: ${thereAre(length, "key")}, there should be ${
      causal ? "at most " : ""
    }${context.size} for the context of the weights`,
  );
}

/** Keys that every query sees, [count, heads · dim], and their values. */
function alwaysThere(
  { keyRow, valueRow, query, output }: Layer,
  zeroAttention = false,
): { count: number; key: Float64Array; value: Float64Array } {
  const learnt = keyRow === undefined ? 0 : 1;
  const count = learnt + Number(zeroAttention);
  const key = new Float64Array(count * query.rows);
  const value = new Float64Array(count * output.columns);
  if (keyRow !== undefined) key.set(keyRow);
  if (valueRow !== undefined) value.set(valueRow);
  return { count, key, value };
}

/** Such rows for every batch, as a past: [batch, heads, count, numbers of a head]. */
function repeated(
  rows: Float64Array,
  { data, batches }: Input,
  heads: number,
  count: number,
): Tensor | undefined {
  if (count === 0) return undefined;
  const width = rows.length / count, dim = width / heads;
  const past = floatsLike(data, batches * rows.length);
  for (let at = 0, part = 0; part < batches * heads; part++) {
    for (let row = 0; row < count; row++, at += dim) {
      const from = row * width + part % heads * dim;
      past.set(rows.subarray(from, from + dim), at);
    }
  }
  return { data: past, shape: [batches, heads, count, dim] };
}

/** Rows through a projection, or as they are; `width` numbers each then. */
function mapped(
  projection: Projection | undefined,
  { data, batches, length }: Input,
  width: number,
): FloatTensor {
  const shape = [batches, length, width];
  if (projection === undefined) return { data, shape };
  const count = batches * length, output = floatsLike(data, count * width);
  project(projection, data, 0, count, output, 0);
  return { data: output, shape };
}

/** Values mixed along the tokens of each batch. */
function mixed(
  { context, valueWidth }: Layer,
  { data, batches, length }: Input,
  causal: boolean,
): FloatTensor {
  const output = floatsLike(data, data.length), size = length * valueWidth;
  for (let batch = 0; batch < batches; batch++) {
    mix(context!, causal, data, output, batch * size, length, valueWidth);
  }
  return { data: output, shape: [batches, length, valueWidth] };
}

/** Weights as they are told: keys that are always there last, heads averaged, no batch where there was none. */
function tell(
  { data, shape: [batches, heads, rows, keys] }: FloatTensor,
  told: "heads" | "average",
  always: number,
  single: boolean,
): FloatTensor {
  const groups = told === "heads" ? heads : 1, of = heads / groups;
  const output = floatsLike(data, batches * groups * rows * keys);
  const sums = new Float64Array(keys);
  for (let to = 0; to < output.length; to += keys) {
    const row = to / keys % rows, group = Math.floor(to / keys / rows);
    sums.fill(0);
    for (let head = 0; head < of; head++) {
      const from = ((group * of + head) * rows + row) * keys;
      for (let j = 0; j < keys; j++) sums[j] += data[from + j];
    }
    for (let j = 0; j < keys; j++) {
      output[to + (j + keys - always) % keys] = sums[j] / of;
    }
  }
  const shape = [batches, heads, rows, keys].filter((_, axis) =>
    !(axis === 0 && single) && !(axis === 1 && told === "average")
  );
  return { data: output, shape };
}
