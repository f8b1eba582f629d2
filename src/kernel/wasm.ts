/**
 * The compiled kernels of this engine: compiled, and thereby validated, synchronously when this file is loaded.
 *
 * Compiling later would be too late for hosts that forbid it inside a request, and waiting for it would make every
 * caller asynchronous. An engine without SIMD, or a host that forbids to compile, leaves a module undefined, and the
 * scalar kernels do its work; such hosts may be given modules compiled elsewhere (`workerd.js`).
 *
 * @module
 */

import { RELAXED, SIMD } from "./wasm_bytes.ts";

/** The modules there are. */
export interface Modules {
  /** Maintained state and stateless attention in plain SIMD. */
  simd: WebAssembly.Module | undefined;
  /** Stateless attention with fused multiply-adds. */
  relaxed: WebAssembly.Module | undefined;
}

/** The compiled kernels. */
export const modules: Modules = {
  simd: compile(SIMD),
  relaxed: compile(RELAXED),
};

function compile(text: string): WebAssembly.Module | undefined {
  try {
    return new WebAssembly.Module(decode(text));
  } catch {
    // What an engine does not know, and what a host forbids, is refused in many ways.
    return undefined;
  }
}

/**
 * `Uint8Array.fromBase64`, or what Node had before it; else a loop, since a callback for each letter takes cold engines
 * 15 ms.
 */
function decode(text: string): Uint8Array<ArrayBuffer> {
  if (Uint8Array.fromBase64 !== undefined) return Uint8Array.fromBase64(text);
  const { Buffer } = globalThis as { Buffer?: NodeBuffer };
  if (Buffer !== undefined) return Buffer.from(text, "base64");
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

/** What Node calls its arrays of bytes: it decodes in a tenth of the time of the loop. */
interface NodeBuffer {
  from(text: string, encoding: "base64"): Uint8Array<ArrayBuffer>;
}
