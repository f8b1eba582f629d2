/**
 * The checksum is the two that it says it is.
 *
 * @module
 */

import { assertEquals, assertNotEquals } from "@std/assert";
import { checksum } from "../../src/file/checksum.ts";
import { seeded } from "../../src/random.ts";

/** The remainder of a message over a polynomial, bit by bit, lowest bits first. */
function remainder(bytes: Uint8Array, polynomial: number): string {
  let word = 0xffffffff;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const one = (word ^ (byte >>> bit)) & 1;
      word = (word >>> 1) ^ (one ? polynomial : 0);
    }
  }
  return (~word >>> 0).toString(16).padStart(8, "0");
}

Deno.test("checksum() has the check values of both codes", () => {
  const digits = new TextEncoder().encode("123456789");
  assertEquals(checksum([digits]), "cbf43926e3069283");
  assertEquals(checksum([]), "0000000000000000");
});

Deno.test("checksum() is that of the definition for every length and place, however the bytes are parted", () => {
  const random = seeded(61);
  for (let length = 0; length < 70; length++) {
    const at = random.integer(9);
    const room = Uint8Array.from(
      { length: at + length },
      () => random.integer(256),
    );
    const bytes = room.subarray(at);
    const wanted = [0xedb88320, 0x82f63b78]
      .map((polynomial) => remainder(bytes, polynomial)).join("");
    assertEquals(checksum([bytes]), wanted);
    const cut = random.integer(length + 1), end = random.integer(length + 1);
    const [low, high] = [Math.min(cut, end), Math.max(cut, end)];
    assertEquals(
      checksum([
        bytes.subarray(0, low),
        bytes.subarray(low, high),
        bytes.subarray(high),
      ]),
      wanted,
    );
    if (length === 0) continue;
    bytes[random.integer(length)] ^= 1 << random.integer(8);
    assertNotEquals(checksum([bytes]), wanted);
  }
});
