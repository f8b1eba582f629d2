/**
 * A 64-bit checksum against accidents: two cyclic redundancy checks over different polynomials.
 *
 * Any change within 32 neighbouring bits is caught, any other but one in 2⁶⁴. It is no signature: who wants to forge a
 * snapshot can. Polynomials: CRC-32 (ISO 3309) and CRC-32C (Castagnoli et al., Optimization of Cyclic Redundancy-Check
 * Codes with 24 and 32 Parity Bits, 1993, https://doi.org/10.1109/26.231911).
 *
 * @module
 */

/** Stands where the checksum goes while it is formed. */
export const NO_CHECKSUM: string = "0".repeat(16);

/** Puts the checksum of a safetensors file in its place in the metadata, which holds {@linkcode NO_CHECKSUM} so far. */
export function seal(bytes: Uint8Array): Uint8Array {
  bytes.set(new TextEncoder().encode(checksum([bytes])), checksumPlace(bytes));
  return bytes;
}

/** Refuses bytes that are not as {@linkcode seal} left them. */
export function verifySeal(verb: string, bytes: Uint8Array): void {
  const at = checksumPlace(bytes), end = at + NO_CHECKSUM.length;
  if (at < 0) {
    throw new RangeError(
      `Cannot ${verb}: there is no checksum, there should be one`,
    );
  }
  const stated = new TextDecoder("latin1").decode(bytes.subarray(at, end));
  const blank = new TextEncoder().encode(NO_CHECKSUM);
  const actual = checksum([bytes.subarray(0, at), blank, bytes.subarray(end)]);
  if (stated !== actual) {
    throw new RangeError(
      `Cannot ${verb}: the checksum is ${
        JSON.stringify(stated)
      }, it should be ${JSON.stringify(actual)}`,
    );
  }
}

/** The checksum of parts, one behind another, as 16 hexadecimal digits. */
export function checksum(parts: readonly Uint8Array[]): string {
  const [first, second] = tables ??= [tableOf(CRC_32), tableOf(CRC_32C)];
  let a = -1, b = -1;
  for (const bytes of parts) {
    const { length } = bytes, whole = length - length % SLICES;
    const view = new DataView(bytes.buffer, bytes.byteOffset, length);
    let at = 0;
    for (; at < whole; at += SLICES) {
      const low = view.getUint32(at, true), high = view.getUint32(at + 4, true);
      a = next(first, a ^ low, high);
      b = next(second, b ^ low, high);
    }
    for (; at < length; at++) {
      a = first[(a ^ bytes[at]) & 255] ^ (a >>> 8);
      b = second[(b ^ bytes[at]) & 255] ^ (b >>> 8);
    }
  }
  return [a, b].map((word) => (~word >>> 0).toString(16).padStart(8, "0")).join(
    "",
  );
}

const CRC_32 = 0xedb88320, CRC_32C = 0x82f63b78;
/** Bytes taken in at once (Kounavis and Berry, Novel Table Lookup-Based Algorithms for CRC Generation, 2008). */
const SLICES = 8;
/** Made when they are first needed: most starts of a process take no snapshot. */
let tables: readonly [Int32Array, Int32Array] | undefined;

/** The state after eight bytes, the first four of them with the state before in `low`. */
function next(table: Int32Array, low: number, high: number): number {
  return table[1792 + (low & 255)] ^ table[1536 + ((low >>> 8) & 255)] ^
    table[1280 + ((low >>> 16) & 255)] ^ table[1024 + (low >>> 24)] ^
    table[768 + (high & 255)] ^ table[512 + ((high >>> 8) & 255)] ^
    table[256 + ((high >>> 16) & 255)] ^ table[high >>> 24];
}

/** What each byte makes of an empty state, and behind that what it makes with one, two … seven bytes of 0 after it. */
function tableOf(polynomial: number): Int32Array {
  const table = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let word = byte;
    for (let bit = 0; bit < 8; bit++) {
      word = word & 1 ? (word >>> 1) ^ polynomial : word >>> 1;
    }
    table[byte] = word;
  }
  for (let at = 256; at < table.length; at++) {
    const before = table[at - 256];
    table[at] = table[before & 255] ^ (before >>> 8);
  }
  return table;
}

/** Where the digits of the checksum stand. */
function checksumPlace(bytes: Uint8Array): number {
  const headerLength = Number(
    new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true),
  );
  const header = new TextDecoder("latin1").decode(
    bytes.subarray(0, 8 + headerLength),
  );
  const label = '"checksum":"', at = header.indexOf(label);
  return at < 0 ? -1 : at + label.length;
}
