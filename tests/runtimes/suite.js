/**
 * What every runtime must show: the built module answers there, within its promise and with the same bits.
 *
 * Plain JavaScript over the module's exports, so that one file runs behind every door. The whole script runs over each
 * kernel. Every answer is held against the definition written out plainly, and what is promised to have the same bits
 * everywhere enters a digest.
 *
 * @module
 */

import { conformance } from "./conformance.js";
import { entries } from "./entries.js";
import { lives } from "./lives.js";
import { fnv1a64, same } from "./reference.js";
import { resident } from "./resident.js";
import { stateless } from "./stateless.js";
import { verbs } from "./verbs.js";

/**
 * Runs every test over a module: `{ results: [{ name, ok, message }], digests: { name: digest }, kernel }`.
 *
 * `cases` are those of `conformance.js`, `compiled` the kernels as modules, of which an engine may lack `relaxed`.
 */
export function suite(module, { cases, compiled }) {
  const results = [], digests = {};
  const run = (kernel, tests, given) => {
    const digest = fnv1a64();
    for (const [name, test] of Object.entries(tests)) {
      const result = { name: `${name} [${kernel}]`, ok: true, message: "" };
      results.push(result);
      try {
        test(given, digest.add);
      } catch (error) {
        result.ok = false;
        result.message = String(error?.message ?? error);
      }
    }
    return digest.hex();
  };
  const kernels = {
    auto: "auto",
    scalar: "scalar",
    simd: "simd",
    "given module": compiled.simd,
  };
  for (const [name, kernel] of Object.entries(kernels)) {
    digests[`maintained ${name}`] = run(name, { ...verbs, ...lives }, {
      ...module,
      createAttention: (options) =>
        module.createAttention({ ...options, kernel }),
      restore: (bytes, options) =>
        module.restore(bytes, { ...options, kernel }),
      createTwin: (options) =>
        module.createAttention({ ...options, kernel: "scalar" }),
    });
  }
  const through = (kernel) => (queries, keys, values, options) =>
    module.scaledDotProductAttention(queries, keys, values, {
      ...options,
      kernel,
    });
  const tests = { ...stateless, ...conformance(cases) };
  for (const [name, kernel] of Object.entries(kernels)) {
    const digest = run(name, tests, through(kernel));
    // "auto" may take fused multiply-adds, whose last bits are an engine's own.
    if (name !== "auto") digests[`stateless ${name}`] = digest;
    run(name, resident, { module, kernel });
  }
  run(
    "relaxed",
    compiled.relaxed === undefined ? refused(tests) : tests,
    through("relaxed"),
  );
  digests.entries = run("auto", entries, module);
  const { kernel } = module.stats(module.createAttention({ dim: 1 }));
  run("auto", {
    "the compiled kernel works": () => same(kernel, "simd", "kernel"),
  });
  return { results, digests, kernel };
}

/** The same tests for an engine without the kernel: it says so each time. */
function refused(tests) {
  const one = { data: new Float32Array(1), shape: [1, 1, 1, 1] };
  const refusal = (attend) => {
    try {
      attend(one, one, one);
    } catch (error) {
      same(error instanceof RangeError, true, "a RangeError");
      return;
    }
    throw new Error("the kernel that is not there answered");
  };
  return Object.fromEntries(Object.keys(tests).map((name) => [name, refusal]));
}
