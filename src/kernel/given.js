/**
 * Kernels that the host compiled: they take the place of what could not be compiled from bytes.
 *
 * Plain JavaScript, since no two tools agree on the type of an imported `.wasm`. Here it is a `WebAssembly.Module`.
 *
 * @module
 */

import relaxed from "./relaxed.wasm";
import simd from "./simd.wasm";
import { modules } from "./wasm.ts";

modules.simd ??= simd;
modules.relaxed ??= relaxed;
