/**
 * Which kernel an attention gets.
 *
 * @module
 */

import { show } from "../check.ts";
import type { Kernel } from "./kernel.ts";
import { scalar } from "./scalar.ts";
import { makeSimd } from "./simd.ts";
import { isOurs } from "./simd_exports.ts";
import { modules } from "./wasm.ts";

/**
 * The kernel of maintained state: plain SIMD where the engine has it ("auto"), plain JavaScript ("scalar"), SIMD or an
 * error ("simd"), or a compiled module of this package. All give the same bits.
 */
export type KernelChoice = "auto" | "scalar" | "simd" | WebAssembly.Module;

/** Makes the kernel that was asked for, with a memory and a count of its own, for rows of these widths. */
export function makeKernel(
  verb: string,
  choice: unknown,
  dim: number,
  valueDim: number,
): Kernel {
  if (choice === undefined || choice === "auto") {
    return modules.simd === undefined
      ? makeScalar()
      : trySimd(modules.simd, dim, valueDim) ?? makeScalar();
  }
  if (choice === "scalar") return makeScalar();
  const module = choice === "simd" ? modules.simd : choice;
  if (choice === "simd" && module === undefined) {
    throw new RangeError(
      `Cannot ${verb}: kernel is "simd", this engine or host should compile WebAssembly SIMD`,
    );
  }
  if (!(module instanceof WebAssembly.Module)) {
    throw new TypeError(
      `Cannot ${verb}: kernel is ${
        show(choice)
      }, it should be "auto" or "scalar" or "simd" or a WebAssembly.Module`,
    );
  }
  if (!isOurs(module)) {
    throw new TypeError(
      `Cannot ${verb}: kernel is a module of other functions, it should be the simd module of this package`,
    );
  }
  return makeSimd(module, dim, valueDim);
}

/** The scalar kernel, with a count of its own. */
export function makeScalar(): Kernel {
  return { ...scalar, multiplyAdds: 0 };
}

/** An engine gives memories to so many instances and no more; then the scalar kernel serves, with the same answers. */
function trySimd(
  module: WebAssembly.Module,
  dim: number,
  valueDim: number,
): Kernel | undefined {
  try {
    return makeSimd(module, dim, valueDim);
  } catch {
    return undefined;
  }
}
