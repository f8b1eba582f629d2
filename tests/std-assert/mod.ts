/**
 * `@std/assert` from its npm mirror, for machines that do not reach JSR; where JSR is reachable the `links` line of
 * the root `deno.json` can go and nothing else changes.
 *
 * @module
 */

// @ts-types="./types.d.ts"
export * from "npm:deno-std@1.4.0/assert/mod.js";
