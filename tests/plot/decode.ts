/**
 * Reads PNG pictures of palettes with what the runtime has, and with checksums counted bit by bit.
 *
 * Shares no code with `src/plot`. PNG: https://www.w3.org/TR/png-3/.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";

/** A picture. */
export interface Picture {
  width: number;
  height: number;
  /** Red, green and blue of a pixel. */
  at(x: number, y: number): number[];
}

/** Decodes a picture; fails where anything in it is not as it must be. */
export async function decodePng(bytes: Uint8Array): Promise<Picture> {
  assertEquals([...bytes.subarray(0, 8)], [137, 80, 78, 71, 13, 10, 26, 10]);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks = new Map<string, Uint8Array>();
  let at = 8;
  while (at < bytes.length) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const end = at + 8 + length;
    assertEquals(view.getUint32(end), crc(bytes.subarray(at + 4, end)), name);
    assert(!chunks.has(name), `${name} is there twice`);
    chunks.set(name, bytes.slice(at + 8, end));
    at = end + 4;
  }
  assertEquals([...chunks.keys()], ["IHDR", "PLTE", "IDAT", "IEND"]);
  const header = new DataView(chunks.get("IHDR")!.buffer);
  const width = header.getUint32(0), height = header.getUint32(4);
  // Depth, colour type, compression, filter, interlace.
  assertEquals([...chunks.get("IHDR")!.subarray(8)], [8, 3, 0, 0, 0]);
  const lines = await inflate(new Uint8Array(chunks.get("IDAT")!));
  assertEquals(lines.length, (width + 1) * height);
  for (let y = 0; y < height; y++) assertEquals(lines[y * (width + 1)], 0);
  const palette = chunks.get("PLTE")!;
  return {
    width,
    height,
    at(x, y) {
      const index = lines[y * (width + 1) + 1 + x];
      assert(3 * index < palette.length, `no colour ${index}`);
      return [...palette.subarray(3 * index, 3 * index + 3)];
    },
  };
}

/** What the runtime makes of a zlib stream; it fails where the checksum is wrong or something follows. */
export async function inflate(
  stream: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const inflated = new Blob([stream]).stream()
    .pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(inflated).arrayBuffer());
}

function crc(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of bytes) {
    remainder ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      const odd = remainder & 1;
      remainder >>>= 1;
      if (odd === 1) remainder ^= 0xedb88320;
    }
  }
  return ~remainder >>> 0;
}
