/**
 * Masks of attention: bytes that say yes or no, or floats that are added to scores, broadcast by strides.
 *
 * A mask may be shorter than the keys: what it does not speak of may not be attended to. The last axis is therefore
 * never repeated; the others are, where they are missing or of length 1.
 *
 * @module
 */

import {
  axes,
  checkTensor,
  type Floats,
  kindOf,
  type Tensor,
} from "./tensor.ts";

/** A mask and its strides, 0 along an axis that it is repeated along. */
export interface Mask {
  /** The numbers of the tensor. */
  data: Tensor["data"];
  /** Numbers are added to the score instead of saying yes (1) or no (0). */
  additive: boolean;
  /** From batch to batch. */
  batchStride: number;
  /** From head to head. */
  headStride: number;
  /** From query to query. */
  rowStride: number;
  /** Columns; the keys from here on may not be attended to. */
  width: number;
}

/** Where a mask keeps the row of a query. */
export function maskRow(
  mask: Mask,
  batch: number,
  head: number,
  row: number,
): number {
  return batch * mask.batchStride + head * mask.headStride +
    row * mask.rowStride;
}

/** The first key in from … to − 1 that the mask row at `at` admits; `to` if there is none. */
export function firstAdmitted(
  mask: Mask,
  at: number,
  from: number,
  to: number,
): number {
  const { data, additive } = mask, no = additive ? -Infinity : 0;
  while (from < to && data[at + from] === no) from++;
  return from;
}

/** One past the last key in from … to − 1 that the mask row at `at` admits; `from` if there is none. */
export function endAdmitted(
  mask: Mask,
  at: number,
  from: number,
  to: number,
): number {
  const { data, additive } = mask, no = additive ? -Infinity : 0;
  while (from < to && data[at + to - 1] === no) to--;
  return to;
}

/**
 * Masks `count` scores, the first of which is that of key `from`.
 *
 * −Infinity is set, never added: a score that is NaN is masked like any other.
 */
export function maskScores(
  mask: Mask,
  at: number,
  scores: Float64Array,
  scoresAt: number,
  from: number,
  count: number,
): void {
  const { data, additive } = mask, start = at + from;
  if (additive) {
    for (let j = 0; j < count; j++) {
      const bias = data[start + j];
      scores[scoresAt + j] = bias === -Infinity
        ? bias
        : scores[scoresAt + j] + bias;
    }
  } else {
    for (let j = 0; j < count; j++) {
      if (data[start + j] === 0) scores[scoresAt + j] = -Infinity;
    }
  }
}

/** Checks a mask that is to cover `full`, the lengths of the axes batch, heads, rows, keys. */
export function checkMask(
  verb: string,
  tensor: unknown,
  full: readonly number[],
  name = "mask",
): Mask {
  const { data, shape } = checkTensor(verb, name, tensor, [
    "Uint8Array",
    "Float32Array",
    "Float64Array",
  ]);
  const missing = full.length - shape.length, last = full.length - 1;
  const fits = shape.length > 0 && missing >= 0 &&
    shape.every((length, axis) => {
      const whole = full[axis + missing];
      return axis + missing === last
        ? length <= whole
        : length === whole || length === 1;
    });
  if (!fits) {
    throw new RangeError(
      `Cannot ${verb}: ${name}.shape is ${
        axes(shape)
      }, it should broadcast to ${axes(full)} or be shorter in the last axis`,
    );
  }
  const additive = kindOf(data) !== "Uint8Array";
  if (additive ? hasNoBias(data as Floats) : hasNoBit(data as Uint8Array)) {
    const i = data.findIndex((x) => additive ? !(x < Infinity) : x > 1);
    throw new RangeError(
      `Cannot ${verb}: ${name}.data[${i}] is ${data[i]}, it should be ${
        additive ? "a number or -Infinity" : "0 or 1"
      }`,
    );
  }
  // Strides from the last axis back: an axis that is missing or of length 1 is repeated.
  const strides = [0, 0, 0];
  let stride = shape[shape.length - 1];
  for (let axis = last - 1; axis >= missing; axis--) {
    const length = shape[axis - missing];
    if (length > 1) strides[axis] = stride;
    stride *= length;
  }
  const [batchStride, headStride, rowStride] = strides;
  return {
    data,
    additive,
    batchStride,
    headStride,
    rowStride,
    width: shape[shape.length - 1],
  };
}

// A sum over all instead of a look at each: loops of one kind of numbers, without branches.

function hasNoBias(data: Floats): boolean {
  let strange = 0;
  for (let i = 0; i < data.length; i++) {
    strange += Number(!(data[i] < Infinity));
  }
  return strange > 0;
}

function hasNoBit(data: Uint8Array): boolean {
  let bits = 0;
  for (let i = 0; i < data.length; i++) bits |= data[i];
  return bits > 1;
}
