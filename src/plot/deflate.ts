/**
 * A small zlib stream: repeats are found, and what is left gets codes that fit it.
 *
 * Pictures of cells repeat the line above and the pixel before, so these two are looked at, and the last place with the
 * same three bytes. All is one block with Huffman codes of its own. `CompressionStream` would do better by a little, but
 * only asynchronously. RFC 1950, https://www.rfc-editor.org/rfc/rfc1950, and RFC 1951,
 * https://www.rfc-editor.org/rfc/rfc1951, section 3.2.
 *
 * @module
 */

import { type Codes, makeCodes } from "./huffman.ts";

/** Lengths that a repeat may have, and how far back it may reach. */
const LEAST_LENGTH = 3, MOST_LENGTH = 258, MOST_DISTANCE = 32768;
/** A hash of three bytes, so many bits wide. */
const HASH_BITS = 15;
/** Knuth's multiplier, near 2³² divided by the golden ratio. */
const SPREAD = 0x9e3779b1;
/** The symbol that ends a block, and the first that is a length. */
const END = 256, FIRST_LENGTH = 257;
/** How many symbols there are for bytes and lengths, for distances, and for the lengths of their codes. */
const SYMBOLS = 286, DISTANCE_SYMBOLS = 30, LENGTH_SYMBOLS = 19;
/** Codes have so many bits at most, those of the lengths of codes fewer. */
const LONGEST = 15, LONGEST_OF_LENGTHS = 7;
/** In which order the lengths of the codes of lengths are given, so that the last are mostly 0. */
const ORDER = [
  16,
  17,
  18,
  0,
  8,
  7,
  9,
  6,
  10,
  5,
  11,
  4,
  12,
  3,
  13,
  2,
  14,
  1,
  15,
];
/** 16 repeats the last length; 17 and 18 are zeros. How many they begin at, how many more they can say, in bits. */
const REPEATS = [
  { symbol: 18, least: 11, extra: 7 },
  { symbol: 17, least: 3, extra: 3 },
  { symbol: 16, least: 3, extra: 2 },
];
/** The largest prime below 2¹⁶, and how many bytes can be summed before a remainder must be taken. */
const PRIME = 65521, PATIENCE = 3800;
const LENGTHS = ranges(LEAST_LENGTH, 28, 4);
// The longest has a symbol of its own.
LENGTHS.push({ start: MOST_LENGTH, extra: 0 });
const DISTANCES = ranges(1, DISTANCE_SYMBOLS, 2);

/** Compresses bytes; `stride` is a distance at which they are likely to repeat. */
export function deflate(bytes: Uint8Array, stride: number): Uint8Array {
  const tokens = findRepeats(bytes, stride);
  const counts = new Uint32Array(SYMBOLS);
  const distanceCounts = new Uint32Array(DISTANCE_SYMBOLS);
  counts[END] = 1;
  for (const token of tokens) {
    const distance = token & 0xffff, value = token >>> 16;
    if (distance === 0) counts[value]++;
    else {
      counts[FIRST_LENGTH + rangeOf(LENGTHS, value)]++;
      distanceCounts[rangeOf(DISTANCES, distance)]++;
    }
  }
  // A block says the length of one distance code at least.
  if (distanceCounts.every((count) => count === 0)) distanceCounts[0] = 1;
  const codes = makeCodes(counts, LONGEST);
  const distanceCodes = makeCodes(distanceCounts, LONGEST);
  const out = makeBits(bytes.length);
  // 32 KiB of window; no dictionary; a header that divides by 31. Then one last block with codes of its own.
  put(out, 0x0178, 16);
  put(out, 0b101, 3);
  putTrees(out, codes.lengths, distanceCodes.lengths);
  for (const token of tokens) {
    const distance = token & 0xffff, value = token >>> 16;
    if (distance === 0) putCode(out, codes, value);
    else {
      putRanged(out, codes, FIRST_LENGTH, LENGTHS, value);
      putRanged(out, distanceCodes, 0, DISTANCES, distance);
    }
  }
  putCode(out, codes, END);
  const room = Math.ceil(out.bits / 8), stream = new Uint8Array(room + 4);
  stream.set(out.bytes.subarray(0, room));
  new DataView(stream.buffer).setUint32(room, adler32(bytes));
  return stream;
}

/** Bytes and repeats, one behind another: a byte or a length above 16 bits that are the distance, 0 for a byte. */
function findRepeats(bytes: Uint8Array, stride: number): Uint32Array {
  const tokens = new Uint32Array(bytes.length);
  const last = new Int32Array(2 ** HASH_BITS).fill(-1);
  let at = 0, count = 0;
  while (at < bytes.length) {
    const place = hash(bytes, at), seen = last[place];
    last[place] = at;
    let length = 0, distance = 0;
    for (const from of [at - 1, at - stride, seen]) {
      if (from < 0 || at - from > MOST_DISTANCE) continue;
      const long = repeat(bytes, at, from);
      if (long <= length) continue;
      length = long;
      distance = at - from;
    }
    if (length < LEAST_LENGTH) tokens[count++] = bytes[at++] << 16;
    else {
      tokens[count++] = length << 16 | distance;
      at += length;
    }
  }
  return tokens.subarray(0, count);
}

/** How many bytes from `at` on are those from `from` on, which may run into them. */
function repeat(bytes: Uint8Array, at: number, from: number): number {
  const most = Math.min(MOST_LENGTH, bytes.length - at);
  let length = 0;
  while (length < most && bytes[from + length] === bytes[at + length]) length++;
  return length;
}

function hash(bytes: Uint8Array, at: number): number {
  // Beyond the end bytes are undefined, which count as 0.
  const three = bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16;
  return Math.imul(three, SPREAD) >>> (32 - HASH_BITS);
}

/** The lengths of both codes, in a code of their own (RFC 1951, section 3.2.7). */
function putTrees(
  out: Bits,
  lengths: Uint8Array,
  distanceLengths: Uint8Array,
): void {
  const trimmed = (list: Uint8Array, least: number) => {
    let end = list.length;
    while (end > least && list[end - 1] === 0) end--;
    return list.subarray(0, end);
  };
  const own = trimmed(lengths, FIRST_LENGTH);
  const distances = trimmed(distanceLengths, 1);
  const runs = runsOf([...own, ...distances]);
  const counts = new Uint32Array(LENGTH_SYMBOLS);
  for (const { symbol } of runs) counts[symbol]++;
  const codes = makeCodes(counts, LONGEST_OF_LENGTHS);
  const order = trimmed(
    Uint8Array.from(ORDER, (symbol) => codes.lengths[symbol]),
    4,
  );
  put(out, own.length - FIRST_LENGTH, 5);
  put(out, distances.length - 1, 5);
  put(out, order.length - 4, 4);
  for (const length of order) put(out, length, 3);
  for (const { symbol, more, extra } of runs) {
    putCode(out, codes, symbol);
    put(out, more, extra);
  }
}

/** A length, or a repeat of one with how many more than the least. */
interface Run {
  symbol: number;
  more: number;
  extra: number;
}

function runsOf(lengths: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (let at = 0; at < lengths.length;) {
    const length = lengths[at];
    let same = 1;
    while (lengths[at + same] === length) same++;
    // The last length can only be repeated once it is there.
    if (length !== 0) {
      runs.push({ symbol: length, more: 0, extra: 0 });
      at++;
      same--;
    }
    const fitting = REPEATS.find(({ symbol, least }) =>
      (symbol === 16) === (length !== 0) && same >= least
    );
    if (fitting !== undefined) {
      const { symbol, least, extra } = fitting;
      const some = Math.min(same, least + 2 ** extra - 1);
      runs.push({ symbol, more: some - least, extra });
      at += some;
    } else if (length === 0) {
      runs.push({ symbol: 0, more: 0, extra: 0 });
      at++;
    }
  }
  return runs;
}

/** The checksum at the end of a zlib stream (RFC 1950, section 9). */
function adler32(bytes: Uint8Array): number {
  let sum = 1, sums = 0;
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + PATIENCE);
    for (; at < end; at++) {
      sum += bytes[at];
      sums += sum;
    }
    sum %= PRIME;
    sums %= PRIME;
  }
  return (sums * 2 ** 16 + sum) >>> 0;
}

/** Bits on their way out, the lowest of a byte first. */
interface Bits {
  bytes: Uint8Array;
  bits: number;
}

/** A byte takes 15 bits at most, a repeat of three bytes 48; the trees take less than a kilobyte. */
function makeBits(count: number): Bits {
  return { bytes: new Uint8Array(2 * count + 1024), bits: 0 };
}

function put(out: Bits, value: number, count: number): void {
  for (let bit = 0; bit < count; bit++, out.bits++) {
    out.bytes[out.bits >>> 3] |= (value >>> bit & 1) << (out.bits & 7);
  }
}

/** Huffman codes go out with the highest bit first. */
function putCode(out: Bits, { codes, lengths }: Codes, symbol: number): void {
  for (let bit = lengths[symbol] - 1; bit >= 0; bit--) {
    put(out, codes[symbol] >>> bit, 1);
  }
}

/** A symbol for a range of numbers, and where in it. */
function putRanged(
  out: Bits,
  codes: Codes,
  first: number,
  list: readonly Range[],
  value: number,
): void {
  const at = rangeOf(list, value), { start, extra } = list[at];
  putCode(out, codes, first + at);
  put(out, value - start, extra);
}

/** 2^extra numbers from `start` on. */
interface Range {
  start: number;
  extra: number;
}

/** The tables of RFC 1951, section 3.2.5: after twice `group` ranges, extra bits grow by one every `group`. */
function ranges(first: number, count: number, group: number): Range[] {
  const list: Range[] = [];
  for (let at = 0, start = first; at < count; at++) {
    const extra = Math.max(0, Math.floor(at / group) - 1);
    list.push({ start, extra });
    start += 2 ** extra;
  }
  return list;
}

function rangeOf(list: readonly Range[], value: number): number {
  let at = list.length - 1;
  while (list[at].start > value) at--;
  return at;
}
