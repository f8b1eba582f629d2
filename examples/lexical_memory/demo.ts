/**
 * The second mode of the demo by itself: a memory found by words, on sparse data. It is the same as
 * `deno task demo --mode words`.
 *
 * @module
 */

import { main } from "../semantic_memory/demo.ts";

if (import.meta.main) await main(["--mode", "words", ...Deno.args]);
