import { assertEquals } from "@std/assert";
import { type AttentionOptions, createAttention, stats } from "../../mod.ts";
import { modules } from "../../src/kernel/wasm.ts";
import { refuses } from "../refusals.ts";

/** The kernel that works for these options. */
function kernelFor(kernel: AttentionOptions["kernel"]): string {
  return stats(createAttention({ dim: 1, kernel })).kernel;
}

Deno.test("the kernel is the one that was asked for, SIMD where nothing was", () => {
  assertEquals(kernelFor(undefined), "simd");
  assertEquals(kernelFor("auto"), "simd");
  assertEquals(kernelFor("simd"), "simd");
  assertEquals(kernelFor("scalar"), "scalar");
  assertEquals(kernelFor(modules.simd), "simd");
});

Deno.test("an engine without SIMD, or without memory for an instance, gets the scalar kernel unless SIMD was asked for", () => {
  const { simd } = modules;
  try {
    modules.simd = undefined;
    assertEquals(kernelFor("auto"), "scalar");
    refuses(
      () => kernelFor("simd"),
      RangeError,
      'Cannot create an attention: kernel is "simd", this engine or host should compile WebAssembly SIMD',
    );
    // A module that cannot be instantiated stands for an engine that has no memory left.
    modules.simd = new WebAssembly.Module(UNMET);
    assertEquals(kernelFor("auto"), "scalar");
  } finally {
    modules.simd = simd;
  }
});

/** (module (import "a" "b" (func))) */
const UNMET = Uint8Array.from([
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  ...[1, 4, 1, 96, 0, 0],
  ...[2, 7, 1, 1, 97, 1, 98, 0, 0],
]);

Deno.test("what is no kernel is refused, by the full message", () => {
  for (
    const [kernel, shown] of [
      ["fast", '"fast"'],
      ["relaxed", '"relaxed"'],
      [1, "1"],
      [{}, "an object"],
    ]
  ) {
    refuses(
      () => kernelFor(kernel as "auto"),
      TypeError,
      `Cannot create an attention: kernel is ${shown}, it should be "auto" or "scalar" or "simd" or a WebAssembly.Module`,
    );
  }
  // Somebody else's module, which exports a function of a name of ours.
  const foreign = new WebAssembly.Module(
    Uint8Array.from([
      ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 10, 1],
      ...[6, 114, 101, 112, 108, 97, 121, 0, 0, 10, 4, 1, 2, 0, 11],
    ]),
  );
  assertEquals(WebAssembly.Module.exports(foreign)[0].name, "replay");
  for (const module of [modules.relaxed, foreign]) {
    refuses(
      () => kernelFor(module),
      TypeError,
      "Cannot create an attention: kernel is a module of other functions, it should be the simd module of this package",
    );
  }
});
