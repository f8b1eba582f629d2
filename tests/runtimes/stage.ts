/**
 * The stages that doors open onto: directories with the built module, as a package would have it, and the scripts.
 *
 * One holds the main entry, the other that for workerd, which imports its kernels as files.
 *
 * @module
 */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { bundling } from "./bundle.ts";

/** What to put on a stage. */
export interface Stage {
  /** The entry to build as `reattend.js`, from the top of the repository. */
  entry: string;
  /** A module with the compiled kernels, as this stage gets at them. */
  compiled: string;
}

const doors = import.meta.dirname!;
const root = join(doors, "../..");
const kernels = join(root, "src/kernel");
const KERNELS = ["simd.wasm", "relaxed.wasm"];
const SCRIPTS = [
  "conformance.js",
  "endurance.js",
  "entries.js",
  "lives.js",
  "reference.js",
  "resident.js",
  "stage.js",
  "stateless.js",
  "suite.js",
  "verbs.js",
  "worker.js",
];
/** The rooms of the other entry points. */
const ENTRIES = ["explain", "layer", "method", "plot", "shard", "stream"];
/** Of the conformance cases, one for each thing that can be asked. */
const CASES = [
  "24_fullymasked_qk_matmul_output_mode3_zero",
  "3d_diff_heads_sizes_softcap",
  "3d_gqa_causal",
  "4d_attn_mask_3d_causal",
  "4d_attn_mask_bool_4d",
  "4d_causal_nonpad_attn_mask_composition",
  "4d_causal_nonpad_negative_offset_structural_empty",
  "4d_causal_with_past_and_present",
  "4d_softcap_neginf_mask_poison",
  "4d_with_qk_matmul_softmax",
  "bidirectional_window",
  "causal_boolmask_nan_robustness",
  "local_window_gqa_rank4_mask",
];

/** The main entry, for engines that compile WebAssembly from bytes. */
export async function mainStage(): Promise<Stage> {
  const texts = await Promise.all(KERNELS.map(async (name) => {
    const bytes = await Deno.readFile(join(kernels, name));
    return `"${bytes.toBase64()}"`;
  }));
  return {
    entry: "mod.ts",
    compiled: `const compile = (text) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  // Not every engine knows relaxed SIMD.
  return WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : undefined;
};
export const compiled = { simd: compile(${texts[0]}), relaxed: compile(${
      texts[1]
    }) };
`,
  };
}

/** The entry for workerd, for hosts that compile what is imported as a file. */
export const workerdStage: Stage = {
  entry: "src/workerd.js",
  compiled: `import relaxed from "./relaxed.wasm";
import simd from "./simd.wasm";
export const compiled = { simd, relaxed };
`,
};

/** Fills a directory; returns the URL of what a door opens. */
export async function setStage(
  directory: string,
  { entry, compiled }: Stage,
  modules: string,
): Promise<string> {
  await build({
    ...bundling(modules),
    entryPoints: {
      reattend: join(root, entry),
      ...Object.fromEntries(
        ENTRIES.map((room) => [room, join(root, "src", room, "mod.ts")]),
      ),
    },
    outdir: directory,
    splitting: true,
  });
  for (const script of SCRIPTS) {
    await Deno.copyFile(join(doors, script), join(directory, script));
  }
  for (const kernel of KERNELS) {
    await Deno.copyFile(join(kernels, kernel), join(directory, kernel));
  }
  const cases = await Promise.all(CASES.map((name) =>
    Deno.readTextFile(
      join(root, `tests/fixtures/onnx-attention/test_attention_${name}.json`),
    )
  ));
  await Deno.writeTextFile(
    join(directory, "cases.js"),
    `export const cases = [${cases.join(", ")}];\n`,
  );
  await Deno.writeTextFile(join(directory, "compiled.js"), compiled);
  return pathToFileURL(join(directory, "stage.js")).href;
}
