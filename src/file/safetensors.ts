/**
 * The safetensors format: a length, a JSON header, the tensors' bytes one behind another.
 *
 * Format: https://github.com/huggingface/safetensors#format. Numbers are little-endian. Strings of one's own go into
 * `__metadata__`.
 *
 * @module
 */

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

const LENGTH_BYTES = 8;
/** Headers of ours have a few hundred bytes; a larger one is no snapshot. */
const LONGEST_HEADER = 2 ** 20;
const ARRAYS = {
  F32: Float32Array,
  F64: Float64Array,
  I64: BigInt64Array,
  U32: Uint32Array,
} as const;

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

/** Takes a file apart; whatever does not fit is refused before anything is allocated for it. */
export function readSafetensors(
  verb: string,
  bytes: Uint8Array,
): SafetensorsFile {
  const refuse = (what: string, should: string): never => {
    throw new RangeError(`Cannot ${verb}: ${what}, ${should}`);
  };
  if (bytes.length < LENGTH_BYTES) {
    refuse(`there are ${bytes.length} bytes`, "there should be a header");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = view.getBigUint64(0, true);
  const most = Math.min(LONGEST_HEADER, bytes.length - LENGTH_BYTES);
  if (headerLength > most) {
    refuse(
      `the header has ${headerLength} bytes`,
      `it should have at most ${most}`,
    );
  }
  const dataStart = LENGTH_BYTES + Number(headerLength);
  const { __metadata__: metadata = {}, ...entries } = parseHeader(
    refuse,
    bytes.subarray(LENGTH_BYTES, dataStart),
  );
  if (
    !isRecord(metadata) ||
    Object.values(metadata).some((text) => typeof text !== "string")
  ) {
    refuse("the metadata is no map of strings", "it should be one");
  }
  const tensors = new Map<string, NamedTensor>();
  let end = dataStart;
  for (const [name, entry] of Object.entries(entries)) {
    const place = isRecord(entry) ? entry : {};
    const { dtype, shape, data_offsets: offsets } = place as {
      dtype: Dtype;
      shape: number[];
      data_offsets: number[];
    };
    const known = typeof dtype === "string" && Object.hasOwn(ARRAYS, dtype) &&
      isCounts(shape) && isCounts(offsets);
    if (!known) {
      refuse(
        `tensor ${JSON.stringify(name)} is not described`,
        "it should have a dtype, a shape and offsets",
      );
    }
    const size = shape.reduce((product, side) => product * side, 1) *
      ARRAYS[dtype].BYTES_PER_ELEMENT;
    const fits = offsets.length === 2 && dataStart + offsets[0] === end &&
      offsets[1] - offsets[0] === size &&
      dataStart + offsets[1] <= bytes.length;
    if (!fits) {
      refuse(
        `tensor ${JSON.stringify(name)} lies at ${offsets}`,
        `it should take the next ${size} bytes`,
      );
    }
    end = dataStart + offsets[1];
    const data = new ARRAYS[dtype](
      bytes.slice(dataStart + offsets[0], end).buffer,
    );
    tensors.set(name, { name, dtype, shape, data });
  }
  if (end !== bytes.length) {
    refuse(
      `${bytes.length - end} bytes are left over`,
      "the last tensor should end the file",
    );
  }
  return { metadata: metadata as Record<string, string>, tensors };
}

function parseHeader(
  refuse: (what: string, should: string) => never,
  bytes: Uint8Array,
): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    );
  } catch {
    refuse("the header is no JSON", "it should be a JSON object");
  }
  return isRecord(header)
    ? header
    : refuse("the header is no JSON object", "it should be one");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) &&
    value.every((count) => Number.isSafeInteger(count) && count >= 0);
}
