/**
 * Compiles the kernels of `assembly/`: `deno task wasm` writes them into this room, a test compares what is written.
 *
 * Two modules from one source: plain SIMD (maintained state and stateless attention), and relaxed SIMD with its fused
 * multiply-adds (stateless attention only, whose last bits may differ between engines). Each exports its memory and
 * imports nothing. The same compiler makes the same bytes everywhere.
 *
 * A memory begins with a page: where one may have none, engines that check every access compare the constant part of
 * its address too, which costs a sixth of the speed.
 *
 * @module
 */

import asc from "assemblyscript/asc";

/** The modules, and what the compiler may use for each. */
const FEATURES = {
  simd: ["simd"],
  relaxed: ["simd", "relaxed-simd"],
} as const;

/** The compiled kernels, byte for byte. */
export type Kernels = Record<
  keyof typeof FEATURES,
  Uint8Array<ArrayBuffer>
>;

/** Compiles all modules. */
export async function buildKernels(): Promise<Kernels> {
  const simd = await compile("simd"), relaxed = await compile("relaxed");
  return { simd, relaxed };
}

async function compile(
  name: keyof typeof FEATURES,
): Promise<Uint8Array<ArrayBuffer>> {
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  const options = [
    [`${name}.ts`, "--outFile", `${name}.wasm`],
    ["-O3", "--noAssert", "--runtime", "stub", "--use", "abort="],
    ["--initialMemory", "1"],
    ...FEATURES[name].map((feature) => ["--enable", feature]),
  ].flat();
  const { error, stderr } = await asc.main(options, {
    readFile: (path) => readSource(path),
    writeFile: (path, contents) => {
      if (path.endsWith(".wasm")) {
        bytes = Uint8Array.from(contents as Uint8Array);
      }
    },
    listFiles: () => [],
  });
  if (error !== null || bytes === undefined) {
    throw new Error(`Cannot build the ${name} kernels: ${stderr.toString()}`);
  }
  return bytes;
}

function readSource(path: string): string | null {
  try {
    return Deno.readTextFileSync(new URL(`assembly/${path}`, import.meta.url));
  } catch (error) {
    // The compiler asks for the files of its own library here first.
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The text of `wasm_bytes.ts`. */
export function embed(kernels: Kernels): string {
  const lines = Object.entries(kernels).map(([name, bytes]) =>
    `/** ${bytes.length} bytes. */\nexport const ${name.toUpperCase()} =\n  "${bytes.toBase64()}";\n`
  );
  return `/**
 * The kernels, as \`deno task wasm\` compiled them from \`assembly/\`: never edited.
 *
 * @module
 */

${lines.join("\n")}`;
}

if (import.meta.main) {
  const kernels = await buildKernels();
  for (const [name, bytes] of Object.entries(kernels)) {
    Deno.writeFileSync(new URL(`${name}.wasm`, import.meta.url), bytes);
    console.log(`${name}.wasm: ${bytes.length} bytes`);
  }
  Deno.writeTextFileSync(
    new URL("wasm_bytes.ts", import.meta.url),
    embed(kernels),
  );
}
