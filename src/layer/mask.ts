/**
 * The masks of a layer, one for pairs and one for keys, as the one mask that attention takes.
 *
 * Keys that are always there stand before all others, and no mask speaks of them.
 *
 * @module
 */

import { checkMask, type Mask } from "../softmax/mask.ts";
import {
  axes,
  checkTensor,
  type Floats,
  kindOf,
  type Tensor,
} from "../softmax/tensor.ts";

const KINDS = ["Uint8Array", "Float32Array", "Float64Array"];

/**
 * Merges a mask of pairs with one of keys, [batch, keys], behind `always` keys that are seen by all; undefined if there
 * is neither. `full` has the lengths of the axes batch, heads, queries, keys.
 */
export function mergeMasks(
  verb: string,
  pairs: unknown,
  keys: unknown,
  full: readonly number[],
  always: number,
): Tensor | undefined {
  if (pairs === undefined && keys === undefined) return undefined;
  const pairMask = pairs === undefined
    ? undefined
    : checkMask(verb, pairs, full);
  const keyMask = keys === undefined
    ? undefined
    : checkKeyMask(verb, keys, full);
  if (keyMask === undefined && always === 0) return pairs as Tensor;
  const [batches, heads, rows, count] = full;
  // An axis of no places has none in the mask either: there would be nothing to read.
  const axis = (
    stride: "batchStride" | "headStride" | "rowStride",
    length: number,
  ) =>
    (pairMask?.[stride] ?? 0) > 0 || (keyMask?.[stride] ?? 0) > 0
      ? length
      : Math.min(length, 1);
  const shape = [
    axis("batchStride", batches),
    axis("headStride", heads),
    axis("rowStride", rows),
    always + count,
  ];
  const size = shape.reduce((product, axis) => product * axis, 1);
  const additive = pairMask?.additive || keyMask?.additive;
  const data = additive ? new Float64Array(size) : new Uint8Array(size).fill(1);
  let to = 0;
  for (let batch = 0; batch < shape[0]; batch++) {
    for (let head = 0; head < shape[1]; head++) {
      for (let row = 0; row < shape[2]; row++, to += always + count) {
        for (const mask of [pairMask, keyMask]) {
          if (mask === undefined) continue;
          const at = batch * mask.batchStride + head * mask.headStride +
            row * mask.rowStride;
          addRow(mask, at, data, to + always, count);
        }
      }
    }
  }
  return { data, shape };
}

/** Puts what a mask says of a row on top of what is there. */
function addRow(
  { data: from, additive, width }: Mask,
  at: number,
  data: Tensor["data"],
  to: number,
  count: number,
): void {
  const blocked = kindOf(data) === "Uint8Array" ? 0 : -Infinity;
  for (let j = 0; j < count; j++) {
    if (j >= width || from[at + j] === (additive ? -Infinity : 0)) {
      data[to + j] = blocked;
    } else if (additive) {
      data[to + j] += from[at + j];
    }
  }
}

/** Checks a mask of keys as one of pairs that is the same for all heads and queries. */
function checkKeyMask(
  verb: string,
  tensor: unknown,
  full: readonly number[],
): Mask {
  const { data, shape } = checkTensor(verb, "keyMask", tensor, KINDS);
  const [batches, , , keys] = full;
  const wanted = shape.length === 1 && batches === 1 ? [keys] : [batches, keys];
  if (axes(shape) !== axes(wanted)) {
    throw new RangeError(
      `Cannot ${verb}: keyMask.shape is ${axes(shape)}, it should be ${
        axes([batches, keys])
      }`,
    );
  }
  return checkMask(
    verb,
    { data: data as Floats, shape: [batches, 1, 1, keys] },
    [
      batches,
      1,
      1,
      keys,
    ],
    "keyMask",
  );
}
