/**
 * A 64-bit checksum against accidents: two cyclic redundancy checks over different polynomials.
 *
 * Any change within 32 neighbouring bits is caught, any other but one in 2⁶⁴. It is no signature: who wants to forge a
 * snapshot can. Polynomials: CRC-32 (ISO 3309) and CRC-32C (Castagnoli et al., Optimization of Cyclic Redundancy-Check
 * Codes with 24 and 32 Parity Bits, 1993, https://doi.org/10.1109/26.231911).
 *
 * @module
 */

const TABLES = [tableOf(0xedb88320), tableOf(0x82f63b78)] as const;

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
function checksum(parts: readonly Uint8Array[]): string {
  const [first, second] = TABLES;
  let a = -1, b = -1;
  for (const bytes of parts) {
    for (let at = 0; at < bytes.length; at++) {
      a = first[(a ^ bytes[at]) & 255] ^ (a >>> 8);
      b = second[(b ^ bytes[at]) & 255] ^ (b >>> 8);
    }
  }
  return [a, b].map((word) => (~word >>> 0).toString(16).padStart(8, "0")).join(
    "",
  );
}

function tableOf(polynomial: number): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    let word = byte;
    for (let bit = 0; bit < 8; bit++) {
      word = word & 1 ? (word >>> 1) ^ polynomial : word >>> 1;
    }
    return word;
  });
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
