/**
 * Tensors at the door of stateless attention: flat numbers with a shape, and the view that finds head, row and batch.
 *
 * Heads come in two layouts, [batch, heads, length, dim] and packed [batch, length, heads · dim]. A {@linkcode View}
 * has strides for both, so that nothing is transposed or copied to change one into the other.
 *
 * @module
 */

import { checkInteger, counted, show } from "../check.ts";

/** Numbers with a shape, the last axis running fastest. */
export interface Tensor {
  /** All numbers; as many as the axes of the shape multiplied. */
  readonly data: Float32Array | Float64Array | Uint8Array;
  /** The length of each axis. */
  readonly shape: readonly number[];
}

/** Floats in the precision that they came in. */
export type Floats = Float32Array | Float64Array;

/** A tensor that was computed: its numbers are floats, never the bits of a mask. */
export interface FloatTensor extends Tensor {
  /** All numbers; as many as the axes of the shape multiplied. */
  readonly data: Float32Array | Float64Array;
}

/** Rows of numbers by batch, head and position, wherever they lie. */
export interface View {
  /** The numbers of the tensor. */
  data: Floats;
  /** How many batches. */
  batches: number;
  /** Heads of a batch. */
  heads: number;
  /** Rows of a head. */
  length: number;
  /** Numbers in a row; they are contiguous. */
  dim: number;
  /** From batch to batch. */
  batchStride: number;
  /** From head to head. */
  headStride: number;
  /** From row to row. */
  rowStride: number;
}

/** So many places without a number can be asked for. */
const EMPTY_LIMIT = 2 ** 23;

/** Checks a tensor of one of the given kinds of numbers. */
export function checkTensor(
  verb: string,
  name: string,
  tensor: unknown,
  kinds: readonly string[],
): Tensor {
  if (
    typeof tensor !== "object" || tensor === null || !("data" in tensor) ||
    !("shape" in tensor)
  ) {
    throw new TypeError(
      `Cannot ${verb}: ${name} is ${
        show(tensor)
      }, it should be a tensor with data and shape`,
    );
  }
  const { data, shape } = tensor;
  if (!kinds.includes(kindOf(data))) {
    throw new TypeError(
      `Cannot ${verb}: ${name}.data is ${show(data)}, it should be a ${
        kinds.join(" or a ")
      }`,
    );
  }
  if (!Array.isArray(shape)) {
    throw new TypeError(
      `Cannot ${verb}: ${name}.shape is ${
        show(shape)
      }, it should be an array of whole numbers`,
    );
  }
  let size = 1;
  for (let axis = 0; axis < shape.length; axis++) {
    size *= checkInteger(
      verb,
      `${name}.shape[${axis}]`,
      shape[axis],
      0,
    );
  }
  // Without numbers the axes that are not 0 cost nothing to ask for, but time to walk.
  const walked = shape.reduce((product, axis) => product * (axis || 1), 1);
  if (size === 0 && walked > EMPTY_LIMIT) {
    throw new RangeError(
      `Cannot ${verb}: ${name}.shape is ${
        axes(shape)
      } without a number in it, its other axes should have at most ${EMPTY_LIMIT} places`,
    );
  }
  const { length } = data as Tensor["data"];
  if (length !== size) {
    throw new RangeError(
      `Cannot ${verb}: ${name}.data holds ${
        counted(length, "number")
      }, it should hold ${size} for shape ${axes(shape)}`,
    );
  }
  return tensor as Tensor;
}

/** Checks a float tensor of heads; `heads` is their number where they are packed and undefined where they have an axis. */
export function checkView(
  verb: string,
  name: string,
  tensor: unknown,
  heads: number | undefined,
): View {
  const { data, shape } = checkTensor(verb, name, tensor, [
    "Float32Array",
    "Float64Array",
  ]);
  const rank = heads === undefined ? 4 : 3;
  if (shape.length !== rank) {
    throw new RangeError(
      `Cannot ${verb}: ${name}.shape is ${axes(shape)}, it should have ${
        rank === 4
          ? "the axes batch, heads, length, dim, or come with heads"
          : "the axes batch, length, heads · dim"
      }`,
    );
  }
  if (heads === undefined) return viewOf(data as Floats, shape);
  const [batches, length, width] = shape;
  if (width % heads !== 0) {
    throw new RangeError(
      `Cannot ${verb}: ${name} has rows of ${
        counted(width, "number")
      }, it should divide into ${counted(heads, "head")}`,
    );
  }
  const dim = width / heads;
  return {
    data: data as Floats,
    batches,
    heads,
    length,
    dim,
    batchStride: length * width,
    headStride: dim,
    rowStride: width,
  };
}

/** The view of numbers laid out as batch, heads, length, dim. */
export function viewOf(data: Floats, shape: readonly number[]): View {
  const [batches, heads, length, dim] = shape;
  return {
    data,
    batches,
    heads,
    length,
    dim,
    batchStride: heads * length * dim,
    headStride: length * dim,
    rowStride: dim,
  };
}

/** A new view that holds the rows of `past` and behind them, head by head, those of `next`. */
export function appended(past: View, next: View): View {
  const length = past.length + next.length, { batches, heads, dim } = next;
  const joined = viewOf(floatsLike(next.data, batches * heads * length * dim), [
    batches,
    heads,
    length,
    dim,
  ]);
  for (let batch = 0; batch < batches; batch++) {
    for (let head = 0; head < heads; head++) {
      let at = batch * joined.batchStride + head * joined.headStride;
      for (const part of [past, next]) {
        const from = batch * part.batchStride + head * part.headStride;
        for (let row = 0; row < part.length; row++, at += dim) {
          const start = from + row * part.rowStride;
          joined.data.set(part.data.subarray(start, start + dim), at);
        }
      }
    }
  }
  return joined;
}

/** Zeros in the precision of `floats`. */
export function floatsLike(floats: Floats, size: number): Floats {
  return kindOf(floats) === "Float64Array"
    ? new Float64Array(size)
    : new Float32Array(size);
}

/** The name of a typed array's kind, the same whatever realm it comes from; empty for anything else. */
export function kindOf(data: unknown): string {
  return ArrayBuffer.isView(data)
    ? (data as Uint8Array)[Symbol.toStringTag]
    : "";
}

/** How a shape reads in a refusal. */
export function axes(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}
