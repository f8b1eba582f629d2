/**
 * The safetensors format: a length, a JSON header, the tensors' bytes one behind another.
 *
 * Format: https://github.com/huggingface/safetensors#format. Numbers are little-endian. Strings of one's own go into
 * `__metadata__`.
 *
 * @module
 */

import { counted, show, thereAre } from "../check.ts";
import { copyOf } from "./copy.ts";
import { type Described, parseHeader } from "./header.ts";

/** Types of numbers that we write. */
export type Dtype = "F32" | "F64" | "I64" | "U32";

/** A tensor by name. */
export interface NamedTensor {
  name: string;
  dtype: Dtype;
  shape: readonly number[];
  data: Float32Array | Float64Array | BigInt64Array | Uint32Array;
}

/** A file taken apart; `data` is copied and aligned. */
export interface SafetensorsFile {
  metadata: Readonly<Record<string, string>>;
  tensors: ReadonlyMap<string, NamedTensor>;
}

/** Where a tensor lies. */
export interface Place {
  name: string;
  dtype: string;
  shape: readonly number[];
  /** Its first byte, counted from the start of the file. */
  start: number;
  /** One past its last. */
  end: number;
}

const LENGTH_BYTES = 8;
/** Headers of ours have a few hundred bytes; a larger one is no snapshot. */
const LONGEST_HEADER = 2 ** 20;
const ARRAYS = {
  F32: Float32Array,
  F64: Float64Array,
  I64: BigInt64Array,
  U32: Uint32Array,
} as const;
/** The types of the format, and how many bits a number of each takes. */
const BITS: Readonly<Record<string, number>> = {
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  U16: 16,
  I16: 16,
  F16: 16,
  BF16: 16,
  U32: 32,
  I32: 32,
  F32: 32,
  U64: 64,
  I64: 64,
  F64: 64,
  C64: 64,
};

/** Writes a file. */
export function writeSafetensors(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  let end = 0;
  const entries = tensors.map(({ name, dtype, shape, data }) => {
    const start = end;
    end += data.byteLength;
    return [name, { dtype, shape, data_offsets: [start, end] }];
  });
  const text = JSON.stringify({
    __metadata__: metadata,
    ...Object.fromEntries(entries),
  });
  const header = new TextEncoder().encode(text);
  // Padded with spaces, so that tensors start at a multiple of 8 bytes.
  const headerLength = Math.ceil(header.length / 8) * 8;
  const bytes = new Uint8Array(LENGTH_BYTES + headerLength + end).fill(
    0x20,
    LENGTH_BYTES,
    LENGTH_BYTES + headerLength,
  );
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.set(header, LENGTH_BYTES);
  let at = LENGTH_BYTES + headerLength;
  for (const { data } of tensors) {
    bytes.set(
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      at,
    );
    at += data.byteLength;
  }
  return bytes;
}

/** Takes a file of ours apart; whatever does not fit is refused before anything is allocated for it. */
export function readSafetensors(
  verb: string,
  bytes: Uint8Array,
): SafetensorsFile {
  const { metadata, places } = openSafetensors(verb, bytes, LONGEST_HEADER);
  for (const { name, dtype } of places) {
    if (!Object.hasOwn(ARRAYS, dtype)) {
      throw new RangeError(
        `Cannot ${verb}: tensor ${show(name)} is ${dtype}, ` +
          `it should be one of ${Object.keys(ARRAYS).join(", ")}`,
      );
    }
  }
  const tensors = new Map(places.map((place): [string, NamedTensor] => {
    const { name, shape, start, end } = place;
    const dtype = place.dtype as Dtype;
    const data = new ARRAYS[dtype](copyOf(bytes.subarray(start, end)));
    return [name, { name, dtype, shape, data }];
  }));
  return { metadata, tensors };
}

/**
 * Finds what is where in a file, in the order of its bytes, and copies nothing.
 *
 * Every byte belongs to the length, the header or exactly one tensor, and every tensor has the bytes that its shape and
 * type take; any other file is refused.
 */
export function openSafetensors(
  verb: string,
  bytes: Uint8Array,
  longestHeader: number,
): { metadata: Readonly<Record<string, string>>; places: Place[] } {
  const refuse = (what: string, should: string): never => {
    throw new RangeError(`Cannot ${verb}: ${what}, ${should}`);
  };
  if (bytes.length < LENGTH_BYTES) {
    refuse(thereAre(bytes.length, "byte"), "there should be a header");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = view.getBigUint64(0, true);
  const most = Math.min(longestHeader, bytes.length - LENGTH_BYTES);
  if (headerLength > most) {
    refuse(
      `the header has ${counted(headerLength, "byte")}`,
      `it should have at most ${most}`,
    );
  }
  const dataStart = LENGTH_BYTES + Number(headerLength);
  const { metadata, tensors } = parseHeader(
    bytes.subarray(LENGTH_BYTES, dataStart),
    refuse,
  );
  // A header may list tensors in any order. Where one begins, those without bytes come first.
  tensors.sort(({ offsets: [a, aEnd] }, { offsets: [b, bEnd] }) =>
    a - b || aEnd - bEnd
  );
  let end = dataStart;
  const places = tensors.map((tensor): Place => {
    const { name, dtype, shape, offsets } = tensor;
    const size = bytesOf(tensor), start = end;
    if (size === undefined) {
      return refuse(
        `tensor ${show(name)} is ${show(dtype)}`,
        `it should be one of ${Object.keys(BITS).join(", ")}`,
      );
    }
    end = dataStart + offsets[1];
    const fits = dataStart + offsets[0] === start && end - start === size &&
      end <= bytes.length;
    if (!fits) {
      refuse(
        `tensor ${show(name)} lies at ${offsets.join(" to ")}`,
        `it should take the ${counted(size, "byte")} from ${start - dataStart}`,
      );
    }
    return { name, dtype, shape, start, end };
  });
  if (end !== bytes.length) {
    refuse(
      `${thereAre(bytes.length - end, "byte")} left over`,
      "the last tensor should end the file",
    );
  }
  return { metadata, places };
}

/** How many bytes a tensor takes, undefined for a type that the format does not have. */
function bytesOf({ dtype, shape }: Described): number | undefined {
  return Object.hasOwn(BITS, dtype)
    ? shape.reduce((product, side) => product * side, 1) * BITS[dtype] / 8
    : undefined;
}
