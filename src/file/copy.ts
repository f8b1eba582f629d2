/**
 * Bytes of a file, copied out of it.
 *
 * @module
 */

/**
 * The bytes alone in a buffer of their own, so that numbers of any size may be read from its start.
 *
 * Not `slice()`: that of Node's Buffer, which is what its file system returns, is a view of the same memory.
 */
export function copyOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
