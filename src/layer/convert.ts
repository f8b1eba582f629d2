/**
 * Layers turned into cheaper kinds: multi-head into Optimised, Optimised into Efficient attention.
 *
 * What a head adds to the output is P_i V M_iᵀ, with M_i = W^O_i W^V_i. Optimised attention has P_i V_i U_iᵀ in its place,
 * where V_i is slice i of the values. For one head the slice is all of V, and U = M changes nothing. For more it is a
 * *restriction*: the head no longer sees the other slices. The best it can do is to guess them from its own: with C the
 * covariance of values, U_i = M_i C_{·i} C_{ii}⁺ loses least of M_i v over all linear guesses, and the mean of what is
 * lost goes into the bias. The same holds of keys and W^Qᵀ W^K, where a term that is the same for all keys does not matter
 * to softmax: biases of keys drop out, and means as well. Pseudo-inverses are by singular values.
 *
 * P. and M. Hosseini, 2024, https://arxiv.org/abs/2403.01643, for the kinds; they report about equal accuracy of layers
 * *trained* that way. Layers that were trained otherwise lose what `error` says.
 *
 * @module
 */

import { type AbstractMatrix, Matrix, SVD } from "ml-matrix";
import { checkOptions, counted } from "../check.ts";
import { DenseMatrix } from "../matrix/dense.ts";
import type { Rows } from "../rows.ts";
import type { Tensor } from "../softmax/tensor.ts";
import { checkLayer, type Projection } from "./layer.ts";
import { checkWide } from "./rows.ts";
import type {
  EfficientAttentionWeights,
  MultiHeadAttentionWeights,
  OptimisedAttentionWeights,
} from "./weights.ts";

/** Options of the conversions. */
export interface ConversionOptions {
  /** How many heads the layer has. */
  heads: number;
  /** Values, or keys, like those that the layer reads; the more and the more alike, the better. */
  samples?: Rows;
}

/** A layer of another kind, and what it lost. */
export interface Conversion<Weights> {
  /** The weights, in 64-bit floats where they are new. */
  weights: Weights;
  /**
   * How far what was merged is off, from 0 to 1: the root of the mean square of what is lost over that of what should be,
   * all heads together, over values (or keys) that are spread like the samples, or alike in all directions. 0 for one
   * head. Of outputs it only tells roughly, since they also depend on what heads attend to: compare a few.
   */
  error: number;
}

/**
 * Turns multi-head into Optimised attention: the projection of values goes into the output weight.
 *
 * For one head the two compute the same, but for rounding and for queries that may attend to nothing, which give the
 * output bias: the bias of values is in it now. For more heads it is an approximation, a poor one as a rule: without
 * samples a head keeps only what its own slice of the values says, 1/heads of it if all directions weigh the same.
 *
 * Costs heads · outputDim · width² multiply-adds, and a singular value decomposition for each head if there are samples.
 * Errors: a `RangeError` for weights that do not fit together, values that do not divide into heads, or a `keyRow`,
 * which Optimised attention has no place for.
 *
 * @example One head, nothing lost
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { toOptimised } from "@reattend/reattend/layers";
 *
 * const one = (number: number) => ({ data: new Float32Array([number]), shape: [1, 1] });
 * const { weights, error } = toOptimised({
 *   queryWeight: one(1),
 *   keyWeight: one(1),
 *   valueWeight: one(2),
 *   outputWeight: one(3),
 * }, { heads: 1 });
 * assertEquals([...weights.outputWeight.data, error], [6, 0]);
 * ```
 */
export function toOptimised(
  weights: MultiHeadAttentionWeights,
  options: ConversionOptions,
): Conversion<OptimisedAttentionWeights> {
  const verb = "convert to Optimised attention";
  checkOptions(verb, options, ["heads", "samples"]);
  const layer = checkLayer(verb, "multiHead", weights, options?.heads);
  if (layer.keyRow !== undefined) {
    throw new RangeError(
      `Cannot ${verb}: weights has a keyRow, it should have none`,
    );
  }
  const { heads, valueDim, valueWidth, outputWidth, output } = layer;
  const value = layer.value!, into = matrixOf(value), from = matrixOf(output);
  const spread = spreadOf(verb, "values", options, heads, valueWidth);
  const merged = new DenseMatrix(outputWidth, valueWidth);
  const bias = biasOf(output).to1DArray(), loss: Loss = { all: 0, lost: 0 };
  for (let head = 0; head < heads; head++) {
    const start = head * valueDim, end = start + valueDim - 1;
    const columns = from.subMatrix(0, outputWidth - 1, start, end);
    const map = columns.mmul(into.subMatrix(start, end, 0, valueWidth - 1));
    const { kept, lost } = narrowed(map, spread, head, loss);
    merged.setSubMatrix(kept, 0, head * spread.slice);
    const added = columns.mmul(biasOf(value).subMatrix(start, end, 0, 0))
      .add(lost.mmul(spread.mean));
    for (let row = 0; row < outputWidth; row++) bias[row] += added.get(row, 0);
  }
  const biased = output.bias !== undefined || value.bias !== undefined ||
    spread.covariance !== undefined;
  return {
    weights: {
      queryWeight: weightOf(layer.query),
      keyWeight: weightOf(layer.key!),
      ...named("queryBias", vectorOf(layer.query)),
      ...named("keyBias", vectorOf(layer.key!)),
      outputWeight: { data: merged.data, shape: [outputWidth, valueWidth] },
      ...named(
        "outputBias",
        biased
          ? { data: new Float64Array(bias), shape: [outputWidth] }
          : undefined,
      ),
    },
    error: errorOf(loss),
  };
}

/**
 * Turns Optimised into Efficient attention: the projection of keys goes into that of queries.
 *
 * For one head the two compute the same, but for rounding. For more heads it is an approximation, as in
 * {@linkcode toOptimised}, with samples of keys. Both kinds divide by the root of what their heads' queries have, which
 * differs: the new weights make up for it, so leave `scale` out.
 *
 * Costs heads · width³ multiply-adds, and a singular value decomposition for each head if there are samples. Errors: a
 * `RangeError` for weights that do not fit together, or keys that do not divide into heads.
 *
 * @example One head, nothing lost
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { toEfficient } from "@reattend/reattend/layers";
 *
 * const one = (number: number) => ({ data: new Float32Array([number]), shape: [1, 1] });
 * const { weights, error } = toEfficient({
 *   queryWeight: one(2),
 *   keyWeight: one(3),
 *   outputWeight: one(1),
 * }, { heads: 1 });
 * assertEquals([...weights.queryWeight.data, error], [6, 0]);
 * ```
 */
export function toEfficient(
  weights: OptimisedAttentionWeights,
  options: ConversionOptions,
): Conversion<EfficientAttentionWeights> {
  const verb = "convert to Efficient attention";
  checkOptions(verb, options, ["heads", "samples"]);
  const layer = checkLayer(verb, "optimised", weights, options?.heads);
  const { heads, dim, queryWidth, keyWidth, query, output } = layer;
  const into = matrixOf(layer.key!);
  // A bias is one more column, for a number that is always 1.
  const asking = new DenseMatrix(query.rows, queryWidth + 1);
  asking.setSubMatrix(matrixOf(query), 0, 0);
  asking.setSubMatrix(biasOf(query), 0, queryWidth);
  const spread = spreadOf(verb, "keys", options, heads, keyWidth);
  const { slice } = spread, loss: Loss = { all: 0, lost: 0 };
  const merged = new DenseMatrix(keyWidth, queryWidth + 1);
  for (let head = 0; head < heads; head++) {
    const start = head * dim, end = start + dim - 1;
    const map = asking.subMatrix(start, end, 0, queryWidth).transpose()
      .mmul(into.subMatrix(start, end, 0, keyWidth - 1));
    const { kept } = narrowed(map, spread, head, loss);
    const scaled = kept.transpose().mul(Math.sqrt(slice / dim));
    merged.setSubMatrix(scaled, head * slice, 0);
  }
  const part = (from: number, to: number) =>
    Float64Array.from(
      merged.subMatrix(0, keyWidth - 1, from, to).to1DArray(),
    );
  const bias = { data: part(queryWidth, queryWidth), shape: [keyWidth] };
  return {
    weights: {
      queryWeight: {
        data: part(0, queryWidth - 1),
        shape: [keyWidth, queryWidth],
      },
      outputWeight: weightOf(output),
      ...named("queryBias", query.bias && bias),
      ...named("outputBias", vectorOf(output)),
    },
    error: errorOf(loss),
  };
}

/** Rows that a head reads a slice of: how they are spread. */
interface Spread {
  heads: number;
  /** Numbers of a slice. */
  slice: number;
  /** width × 1. */
  mean: AbstractMatrix;
  /** width × width; undefined where all directions weigh the same. */
  covariance: AbstractMatrix | undefined;
}

/** Squares added up: of what should be, and of what is lost. */
interface Loss {
  all: number;
  lost: number;
}

/** The spread of samples, if there are any. */
function spreadOf(
  verb: string,
  what: string,
  { samples }: ConversionOptions,
  heads: number,
  width: number,
): Spread {
  if (width % heads !== 0) {
    throw new RangeError(
      `Cannot ${verb}: ${what} have ${
        counted(width, "number")
      }, they should divide into ${counted(heads, "head")}`,
    );
  }
  const slice = width / heads;
  if (samples === undefined) {
    const mean = new DenseMatrix(width, 1);
    return { heads, slice, mean, covariance: undefined };
  }
  const { count, numbers } = checkWide(verb, "samples", samples, width);
  if (count === 0) {
    throw new RangeError(
      `Cannot ${verb}: samples has no rows, it should have some or be left out`,
    );
  }
  const rows = new DenseMatrix(count, width, Float64Array.from(numbers));
  const mean = Matrix.columnVector(rows.mean("column"));
  rows.subRowVector(mean.to1DArray());
  const covariance = rows.transpose().mmul(rows).div(count);
  return { heads, slice, mean, covariance };
}

/** A map of whole rows as one of the head's own slice, rows × slice; and what that loses, rows × width. */
function narrowed(
  map: AbstractMatrix,
  { heads, slice, covariance }: Spread,
  head: number,
  loss: Loss,
): { kept: AbstractMatrix; lost: AbstractMatrix } {
  if (heads === 1) {
    return { kept: map, lost: Matrix.zeros(map.rows, map.columns) };
  }
  const start = head * slice, end = start + slice - 1;
  const spread = covariance === undefined ? map : map.mmul(covariance);
  const kept = covariance === undefined
    ? map.subMatrix(0, map.rows - 1, start, end)
    : guessed(spread, covariance, start, end);
  const lost = map.clone();
  for (let row = 0; row < map.rows; row++) {
    for (let c = 0; c < slice; c++) {
      const at = start + c;
      lost.set(row, at, lost.get(row, at) - kept.get(row, c));
    }
  }
  const lostSpread = covariance === undefined ? lost : lost.mmul(covariance);
  loss.all += Matrix.mul(map, spread).sum();
  loss.lost += Matrix.mul(lost, lostSpread).sum();
  return { kept, lost };
}

/** What of `spread`, a map times the covariance, a slice can tell: spread_i C_ii⁺. */
function guessed(
  spread: AbstractMatrix,
  covariance: AbstractMatrix,
  start: number,
  end: number,
): AbstractMatrix {
  const own = covariance.subMatrix(start, end, start, end);
  const columns = spread.subMatrix(0, spread.rows - 1, start, end);
  return new SVD(own).solve(columns.transpose()).transpose();
}

function errorOf({ all, lost }: Loss): number {
  return all > 0 ? Math.sqrt(Math.max(0, lost) / all) : 0;
}

/** A weight as a matrix of 64-bit floats. */
function matrixOf(map: Projection): DenseMatrix {
  const numbers = Float64Array.from(weightOf(map).data);
  return new DenseMatrix(map.rows, map.columns, numbers);
}

/** A bias as a column; zeros where there is none. */
function biasOf(map: Projection): DenseMatrix {
  const bias = vectorOf(map);
  return new DenseMatrix(map.rows, 1, bias && Float64Array.from(bias.data));
}

/** A weight as it was given. */
function weightOf({ rows, columns, weight, weightAt }: Projection): Tensor {
  const data = weight.subarray(weightAt, weightAt + rows * columns);
  return { data, shape: [rows, columns] };
}

/** A bias as it was given. */
function vectorOf({ rows, bias, biasAt }: Projection): Tensor | undefined {
  return bias && { data: bias.subarray(biasAt, biasAt + rows), shape: [rows] };
}

/** A tensor under a name, if there is one. */
function named<Name extends string>(
  name: Name,
  tensor: Tensor | undefined,
): Partial<Record<Name, Tensor>> {
  return tensor === undefined
    ? {}
    : { [name]: tensor } as Partial<Record<Name, Tensor>>;
}
