/**
 * TensorFlow.js: its WebAssembly on one thread and its plain JavaScript, in this process.
 *
 * @module
 */

import type { Problem } from "../problem.ts";
import { PACKAGES } from "./packages.ts";
import { Absent, messageOf, type Opening, wayOf } from "./race.ts";
import { prove, type Truth } from "./truth.ts";

/** The package, as far as it is used; backends are chosen for the whole of it. */
interface Core {
  setBackend(name: string): Promise<boolean>;
  tensor2d(data: Float32Array, shape: number[]): Tensor;
  tidy<Result>(run: () => Result): Result;
  mul(a: Tensor, b: number): Tensor;
  matMul(a: Tensor, b: Tensor, turnA: boolean, turnB: boolean): Tensor;
  softmax(a: Tensor): Tensor;
  engine(): { backendName: string; backend: unknown };
}

interface Tensor {
  dataSync(): Float32Array;
}

let core: Promise<Core> | undefined;

async function load(): Promise<Core> {
  try {
    const core: Core = await import(PACKAGES["tfjs-core"]);
    await import(PACKAGES["tfjs-backend-cpu"]);
    const { setThreadsCount }: { setThreadsCount(count: number): void } =
      await import(PACKAGES["tfjs-backend-wasm"]);
    setThreadsCount(1);
    return core;
  } catch (error) {
    throw new Absent(messageOf(error));
  }
}

/** softmax(scale · Q Kᵀ) V, its tensors made before and its output fetched. */
export function tfjs(
  backend: "wasm" | "cpu",
  problem: Problem,
  truth: () => Truth,
): Opening {
  return async () => {
    const tf = await (core ??= load());
    if (!await tf.setBackend(backend)) {
      throw new Absent(`the backend ${backend} does not start`);
    }
    const { n, m, dim, valueDim } = problem, scale = 1 / Math.sqrt(dim);
    const queries = tf.tensor2d(problem.queries, [n, dim]);
    const keys = tf.tensor2d(problem.keys, [m, dim]);
    const values = tf.tensor2d(problem.values, [m, valueDim]);
    const run = () =>
      tf.tidy(() => {
        const scores = tf.matMul(tf.mul(queries, scale), keys, false, true);
        return tf.matMul(tf.softmax(scores), values, false, false).dataSync();
      });
    const error = prove(run(), truth());
    const { time } = wayOf({ run });
    return {
      error,
      // The turns of two backends alternate, and tensors move to the one that is chosen when they are first used.
      async time(calls) {
        if (tf.engine().backendName !== backend) {
          await tf.setBackend(backend);
          run();
        }
        return time(calls);
      },
    };
  };
}
