/**
 * A few Workers that share a problem.
 *
 * @module
 */

import type { Problem } from "./problem.ts";
import { assemble, type Axis, type Part, scheduleShares } from "./shares.ts";
import type { Order, Reply } from "./worker.ts";

/** Workers that know the problem. */
export interface Crew {
  /** Computes the attention of all heads, all workers at once. */
  compute(axis: Axis): Promise<ArrayLike<number>[]>;
  /** Ends the workers. */
  dismiss(): void;
}

/** Starts so many workers and tells them the problem. */
export function startCrew(problem: Problem, size: number): Crew {
  const workers = Array.from({ length: size }, () => {
    const url = new URL("./worker.ts", import.meta.url);
    const worker = new Worker(url, { type: "module" });
    worker.postMessage({ problem } satisfies Order);
    return worker;
  });
  return {
    async compute(axis) {
      const shares = scheduleShares(problem, axis, size);
      const parts = await Promise.all(
        workers.map((worker, at) => ask(worker, { axis, ranges: shares[at] })),
      );
      return assemble(problem, parts.flat());
    },
    dismiss: () => workers.forEach((worker) => worker.terminate()),
  };
}

function ask(worker: Worker, order: Order): Promise<Part[]> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      if ("parts" in data) resolve(data.parts);
      else reject(new Error(data.refusal));
    };
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(order);
  });
}
