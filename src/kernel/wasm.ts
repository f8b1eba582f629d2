/**
 * The compiled kernels of this engine: chosen by validation and compiled synchronously when this file is loaded.
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
    const bytes = decode(text);
    return WebAssembly.validate(bytes)
      ? new WebAssembly.Module(bytes)
      : undefined;
  } catch {
    // A host that forbids to compile says so in many ways.
    return undefined;
  }
}

/** `Uint8Array.fromBase64` where there is one: it is 30 times faster. */
function decode(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64?.(text) ??
    Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
