/**
 * Refusals by their full message, and values that no door may let in.
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";

/** The two kinds of refusal. */
export type Refusal = typeof TypeError | typeof RangeError;

/** Fails unless a call throws exactly this kind of error with exactly this message. */
export function refuses(
  call: () => unknown,
  kind: Refusal,
  message: string,
): void {
  const error = assertThrows(call, Error);
  assertEquals(`${error.name}: ${error.message}`, `${kind.name}: ${message}`);
}

/** Hands a value of any kind to a parameter that its type would keep out. */
export function anything(value: unknown): never {
  return value as never;
}
