/**
 * The same module for Cloudflare's workerd at any compatibility date, and for bundlers that turn `.wasm` into modules.
 *
 * Hosts that forbid to compile WebAssembly from bytes leave the main entry with its scalar kernels. They do hand over
 * what is imported as a file, so this entry imports its kernels that way and is otherwise the main one: the same
 * exports, the same bits.
 *
 * ```js ignore
 * import { createAttention } from "@reattend/reattend/workerd";
 * ```
 *
 * @module
 */

export * from "../mod.ts";
