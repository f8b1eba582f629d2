/**
 * onnxruntime-web: its WebAssembly, one thread, in this process.
 *
 * @module
 */

import type { Problem } from "../problem.ts";
import { modelsOf } from "./onnx.ts";
import { PACKAGES } from "./packages.ts";
import { Absent, awaited, messageOf, type Opening } from "./race.ts";
import { prove, type Truth } from "./truth.ts";

/** The package, as far as it is used. */
interface Runtime {
  env: { wasm: { numThreads: number } };
  InferenceSession: {
    create(
      model: Uint8Array,
      options: { executionProviders: string[] },
    ): Promise<Session>;
  };
  Tensor: new (type: "float32", data: Float32Array, shape: number[]) => unknown;
}

interface Session {
  run(
    inputs: Record<string, unknown>,
  ): Promise<{ output: { data: Float32Array } }>;
}

let runtime: Promise<Runtime> | undefined;

async function load(): Promise<Runtime> {
  try {
    const package_: Runtime = await import(PACKAGES["onnxruntime-web"]);
    package_.env.wasm.numThreads = 1;
    return package_;
  } catch (error) {
    throw new Absent(messageOf(error));
  }
}

/** One way for each model. */
export function ortWeb(
  problem: Problem,
  truth: () => Truth,
): Record<string, Opening> {
  const ways = Object.entries(modelsOf(problem)).map(([name, model]) => {
    const open = async () => {
      const { InferenceSession, Tensor } = await (runtime ??= load());
      const session = await InferenceSession.create(model.bytes, {
        executionProviders: ["wasm"],
      });
      const tensor = (name: "queries" | "keys" | "values") =>
        new Tensor("float32", problem[name], model[name]);
      const inputs = {
        queries: tensor("queries"),
        keys: tensor("keys"),
        values: tensor("values"),
      };
      const run = () => session.run(inputs);
      const error = prove((await run()).output.data, truth());
      return { ...awaited(run), error };
    };
    return [`onnxruntime-web, ${name}`, open] as const;
  });
  return Object.fromEntries(ways);
}
