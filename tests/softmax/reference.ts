/**
 * Scaled dot-product attention straight from the definition, one pair at a time, for tests to compare with.
 *
 * Every operation is rounded by `round`: the identity gives the truth in f64, `Math.fround` what a naive loop in 32-bit
 * floats would give.
 *
 * @module
 */

import type { ScaledDotProductAttentionOptions } from "../../src/softmax/attention.ts";
import type { Tensor } from "../../src/softmax/tensor.ts";

/** What the definition gives: flat numbers in the layouts of scaledDotProductAttention. */
export interface Reference {
  output: number[];
  /** Batches × heads × n × m, by kind. */
  scores: Record<"raw" | "softcapped" | "biased" | "weights", number[]>;
  /** Largest Σ |q · k| · |scale| + |bias| of a pair: errors of scores are in proportion to it. */
  scoreSize: number;
  /** Whether a pair is admitted, as `scores`. */
  admitted: boolean[];
}

/** Evaluates the definition. */
export function reference(
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  options: ScaledDotProductAttentionOptions = {},
  round: (x: number) => number = (x) => x,
): Reference {
  const { heads, pastKeys, pastValues, keyLengths, mask, softcap } = options;
  const keyHeads = heads === undefined ? undefined : options.keyHeads ?? heads;
  const q = rowsOf(queries, heads), k = rowsOf(keys, keyHeads);
  const v = rowsOf(values, keyHeads);
  const pk = pastKeys && rowsOf(pastKeys, undefined);
  const pv = pastValues && rowsOf(pastValues, undefined);
  const past = pk?.length ?? 0, m = past + k.length, n = q.length;
  const scale = options.scale ?? 1 / Math.sqrt(q.dim || 1);
  const key = (b: number, h: number, j: number, t: number) =>
    j < past ? pk!.at(b, h, j, t) : k.at(b, h, j - past, t);
  const value = (b: number, h: number, j: number, c: number) =>
    j < past ? pv!.at(b, h, j, c) : v.at(b, h, j - past, c);
  const size = q.batches * q.heads * n * m;
  const zeros = () => new Array<number>(size).fill(0);
  const scores = {
    raw: zeros(),
    softcapped: zeros(),
    biased: zeros(),
    weights: zeros(),
  };
  const admitted = new Array<boolean>(size).fill(false);
  const output = new Array<number>(q.batches * q.heads * n * v.dim).fill(0);
  let scoreSize = 0;
  for (let b = 0; b < q.batches; b++) {
    for (let h = 0; h < q.heads; h++) {
      const kh = Math.floor(h / (q.heads / k.heads));
      for (let i = 0; i < n; i++) {
        const start = ((b * q.heads + h) * n + i) * m;
        const offset = keyLengths ? keyLengths[b] - n : past;
        let largest = -Infinity;
        for (let j = 0; j < m; j++) {
          let dot = 0, absolute = 0;
          for (let t = 0; t < q.dim; t++) {
            const product = round(q.at(b, h, i, t) * key(b, kh, j, t));
            dot = round(dot + product);
            absolute += Math.abs(product * scale);
          }
          const raw = round(dot * round(scale));
          const capped = softcap === undefined
            ? raw
            : round(softcap * round(Math.tanh(round(raw / softcap))));
          const bias = biasOf(mask, b, h, i, j);
          const may = bias > -Infinity &&
            (!keyLengths || j < keyLengths[b]) &&
            (!options.causal || j <= i + offset) &&
            i + offset - j <= (options.window?.left ?? Infinity) &&
            j - i - offset <= (options.window?.right ?? Infinity);
          const biased = may ? round(capped + bias) : -Infinity;
          scoreSize = Math.max(
            scoreSize,
            absolute + (may ? Math.abs(bias) : 0),
          );
          scores.raw[start + j] = raw;
          scores.softcapped[start + j] = capped;
          scores.biased[start + j] = biased;
          admitted[start + j] = may;
          if (!may) continue;
          largest = Math.max(largest, biased);
        }
        let sum = 0;
        for (let j = 0; j < m; j++) {
          if (!admitted[start + j]) continue;
          const weight = round(
            Math.exp(round(scores.biased[start + j] - largest)),
          );
          scores.weights[start + j] = weight;
          sum = round(sum + weight);
        }
        for (let j = 0; j < m; j++) {
          if (admitted[start + j]) {
            scores.weights[start + j] = round(scores.weights[start + j] / sum);
          }
        }
        for (let c = 0; c < v.dim; c++) {
          let total = 0;
          for (let j = 0; j < m; j++) {
            if (!admitted[start + j]) continue;
            total = round(
              total + round(scores.weights[start + j] * value(b, kh, j, c)),
            );
          }
          const at = heads === undefined
            ? ((b * q.heads + h) * n + i) * v.dim + c
            : ((b * n + i) * q.heads + h) * v.dim + c;
          output[at] = total;
        }
      }
    }
  }
  return { output, scores, scoreSize, admitted };
}

/** What the mask adds to a score: 0 or −Infinity if it is one of bytes. */
function biasOf(
  mask: Tensor | undefined,
  batch: number,
  head: number,
  i: number,
  j: number,
): number {
  if (mask === undefined) return 0;
  const { data, shape } = mask, index = [batch, head, i, j];
  if (j >= shape[shape.length - 1]) return -Infinity;
  let at = 0;
  for (let axis = 0; axis < shape.length; axis++) {
    const position = index[axis + 4 - shape.length];
    at = at * shape[axis] + (shape[axis] === 1 ? 0 : position);
  }
  if (!(data instanceof Uint8Array)) return data[at];
  return data[at] === 1 ? 0 : -Infinity;
}

function rowsOf(tensor: Tensor, packedHeads: number | undefined) {
  const { data, shape } = tensor;
  if (packedHeads === undefined) {
    const [batches, heads, length, dim] = shape;
    return {
      batches,
      heads,
      length,
      dim,
      at: (b: number, h: number, i: number, t: number) =>
        data[((b * heads + h) * length + i) * dim + t],
    };
  }
  const [batches, length, width] = shape, dim = width / packedHeads;
  return {
    batches,
    heads: packedHeads,
    length,
    dim,
    at: (b: number, h: number, i: number, t: number) =>
      data[(b * length + i) * width + h * dim + t],
  };
}
