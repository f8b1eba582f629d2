import { assert, assertEquals } from "@std/assert";
import { buildKernels, embed } from "../../src/kernel/build.ts";

const room = new URL("../../src/kernel/", import.meta.url);
const MOST_BYTES = 28 * 1024;

Deno.test("the committed kernels are what the compiler makes of their sources, byte for byte", async () => {
  const kernels = await buildKernels();
  for (const [name, bytes] of Object.entries(kernels)) {
    assertEquals(Deno.readFileSync(new URL(`${name}.wasm`, room)), bytes, name);
  }
  const embedded = Deno.readTextFileSync(new URL("wasm_bytes.ts", room));
  assertEquals(embedded, embed(kernels));
});

Deno.test("each module exports its memory, a page long, imports nothing and is small", () => {
  for (const name of ["simd", "relaxed"]) {
    const bytes = Deno.readFileSync(new URL(`${name}.wasm`, room));
    const module = new WebAssembly.Module(bytes);
    assertEquals(WebAssembly.Module.imports(module), []);
    const { memory } = new WebAssembly.Instance(module).exports;
    assert(memory instanceof WebAssembly.Memory, name);
    // With none, V8 checks each access twice.
    assertEquals(memory.buffer.byteLength, 2 ** 16);
    assert(bytes.length <= MOST_BYTES, `${name}: ${bytes.length} bytes`);
  }
});
