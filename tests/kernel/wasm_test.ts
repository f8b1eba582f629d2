import { assert, assertEquals } from "@std/assert";
import type { Modules } from "../../src/kernel/wasm.ts";

/** What the file makes where these ways to decode are missing. */
async function loadWithout(missing: string[]): Promise<Modules> {
  const owners = { "fromBase64": Uint8Array, "Buffer": globalThis };
  const kept = Object.entries(owners).map(([name, owner]) =>
    [owner, name, Object.getOwnPropertyDescriptor(owner, name)] as const
  );
  try {
    for (const [owner, name] of kept) {
      if (!missing.includes(name)) continue;
      Object.defineProperty(owner, name, {
        value: undefined,
        configurable: true,
      });
    }
    const url = new URL("../../src/kernel/wasm.ts", import.meta.url);
    const { modules } = await import(`${url}?without=${missing}`);
    return modules;
  } finally {
    for (const [owner, name, descriptor] of kept) {
      if (descriptor !== undefined) {
        Object.defineProperty(owner, name, descriptor);
      }
    }
  }
}

Deno.test("modules compile in engines of any age, however they decode", async () => {
  const all = await loadWithout([]);
  assert(all.simd !== undefined && all.relaxed !== undefined);
  for (const missing of [["fromBase64"], ["fromBase64", "Buffer"]]) {
    const { simd, relaxed } = await loadWithout(missing);
    assert(simd !== undefined && relaxed !== undefined, `${missing}`);
    for (const [one, other] of [[simd, all.simd], [relaxed, all.relaxed]]) {
      assertEquals(
        WebAssembly.Module.exports(one),
        WebAssembly.Module.exports(other),
      );
    }
  }
});
