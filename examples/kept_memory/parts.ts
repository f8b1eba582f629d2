/**
 * A snapshot in parts that fit into the values of a store, and back.
 *
 * @module
 */

/** Bytes: what Deno KV takes as one value. A Durable Object takes 128 KiB, or 2 MB where SQLite is behind it. */
export const PART_BYTES = 65536;

/** Cuts bytes into parts. They are copies: a view may be stored together with the whole buffer behind it. */
export function cut(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += PART_BYTES) {
    parts.push(bytes.slice(start, start + PART_BYTES));
  }
  return parts;
}

/** Puts parts together again, in the order given. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let start = 0;
  for (const part of parts) {
    bytes.set(part, start);
    start += part.length;
  }
  return bytes;
}
