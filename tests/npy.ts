/**
 * Reads tensors from `.npy` files, the format of NumPy (version 1, little-endian floats, C order).
 *
 * @module
 */

import type { Tensor } from "../src/softmax/tensor.ts";

const MAGIC = "\x93NUMPY";
const HEADER_AT = 10;

/** Reads a tensor of 32- or 64-bit floats. */
export function readNpy(bytes: Uint8Array): Tensor {
  const text = (from: number, to: number) =>
    String.fromCharCode(...bytes.subarray(from, to));
  if (text(0, MAGIC.length) !== MAGIC || bytes[MAGIC.length] !== 1) {
    throw new TypeError("Cannot read: it should be a .npy file of version 1");
  }
  const dataAt = HEADER_AT + bytes[8] + 256 * bytes[9];
  const header = text(HEADER_AT, dataAt);
  const [, kind] = header.match(/'descr': '([^']*)'/) ?? [];
  const [, axes] = header.match(/'shape': \(([^)]*)\)/) ?? [];
  if (
    (kind !== "<f4" && kind !== "<f8") || axes === undefined ||
    !header.includes("'fortran_order': False")
  ) {
    throw new TypeError(
      `Cannot read: header is ${header}, it should be floats`,
    );
  }
  // slice() copies, so the numbers are aligned.
  const { buffer } = bytes.slice(dataAt);
  const data = kind === "<f4"
    ? new Float32Array(buffer)
    : new Float64Array(buffer);
  const shape = axes.split(",").filter((axis) => axis.trim()).map(Number);
  return { data, shape };
}
