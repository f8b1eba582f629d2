/**
 * Comparing numbers and whole memories, with failures that name the worst place.
 *
 * @module
 */

import type { Attention } from "../mod.ts";
import { openAttention } from "../src/attention.ts";

/** Fails unless all numbers have the same bits; +0 and −0 differ, NaN is NaN. */
export function sameBits(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  what: string,
): void {
  if (actual.length !== expected.length) {
    throw new Error(
      `${what}: ${actual.length} numbers, there should be ${expected.length}`,
    );
  }
  let worst = -1, most = -1;
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(actual[i], expected[i])) continue;
    const off = Math.abs(actual[i] - expected[i]);
    if (worst < 0 || off > most) [worst, most] = [i, off];
  }
  if (worst >= 0) {
    throw new Error(
      `${what}: bits differ, worst at ${worst}: ${
        actual[worst]
      }, it should be ${expected[worst]}`,
    );
  }
}

/** Fails if a number is further from what it should be than `bound` says of its row of `width`. */
export function within(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  bound: (row: number) => number,
  width: number,
  what: string,
): void {
  if (actual.length !== expected.length) {
    throw new Error(
      `${what}: ${actual.length} numbers, there should be ${expected.length}`,
    );
  }
  let worst = -1, most = 0;
  for (let i = 0; i < expected.length; i++) {
    const off = Math.abs(actual[i] - expected[i]);
    const limit = bound(Math.floor(i / width));
    if (off <= limit) continue;
    const excess = off / limit;
    if (worst < 0 || !(excess <= most)) [worst, most] = [i, excess];
  }
  if (worst >= 0) {
    throw new Error(
      `${what}: worst at ${worst}: ${actual[worst]}, it should be ${
        expected[worst]
      } up to ${bound(Math.floor(worst / width))}`,
    );
  }
}

/**
 * Everything an attention remembers, to the bit, as text: two are equal exactly when nothing has changed.
 *
 * What is scratch between calls is left out, and so are lists of slots, which follow from the rest.
 */
export function dump(a: Attention): string {
  const {
    scratch: _s,
    arena: _a,
    open: _o,
    guest: _g,
    touched: _t,
    ...kept
  } = openAttention("dump", a);
  return describe(kept);
}

function describe(value: unknown): string {
  if (value instanceof Map) {
    return `Map(${
      [...value].map(([key, held]) => `${describe(key)}=>${describe(held)}`)
    })`;
  }
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    return `${value.constructor.name}(${
      new Uint8Array(buffer, byteOffset, byteLength).join(".")
    })`;
  }
  if (Array.isArray(value)) return `[${value.map(describe)}]`;
  if (typeof value === "object" && value !== null) {
    const kept = Object.entries(value).filter(([name]) => name !== "listed");
    return `{${kept.map(([name, held]) => `${name}:${describe(held)}`)}}`;
  }
  if (typeof value === "function") return "function";
  return Object.is(value, -0) ? "-0" : String(value);
}
