/**
 * Has batches run in threads and watches them: a call that does not come back is a fault like others.
 *
 * @module
 */

import { add, makeTally, noteFault, type Tally } from "./run.ts";

/** What a thread is given: memory to say what it is about in, or the next batch. */
export type Order = { memory: SharedArrayBuffer } | { batch: number };

/** What a thread says when it is done. */
export interface Report {
  tally: Tally;
  /** What went wrong in the test itself. */
  broken: string | undefined;
}

/** The memory of a thread: how many calls it began and the length of a text, then at `text` its bytes. */
export const MEMORY = { began: 0, length: 1, text: 8, bytes: 1024 };

/** Calls that take longer are given up; between that and what a call may take, any machine has time to be busy. */
const PATIENCE_MILLISECONDS = 10_000;
const LOOK_MILLISECONDS = 500;

/** After so many calls that did not come back there is nothing to learn from more. */
const MOST_HANGS = 8;

const THREADS = 2;

/** Runs the batches 1 … `batches` and adds up what came of them. */
export async function runBatches(batches: number): Promise<Tally> {
  const tally = makeTally();
  let next = 1, hangs = 0;
  const thread = async () => {
    let worker = start();
    while (next <= batches && hangs < MOST_HANGS) {
      const batch = next++;
      const report = await worker.run(batch);
      if (typeof report !== "string") {
        if (report.broken !== undefined) {
          throw new Error(`batch ${batch}: ${report.broken}`);
        }
        add(tally, report.tally);
        continue;
      }
      hangs++;
      noteFault(tally, report, `batch ${batch}: did not come back`);
      worker.stop();
      worker = start();
    }
    worker.stop();
  };
  await Promise.all(Array.from({ length: THREADS }, thread));
  return tally;
}

/** A thread that runs a batch at a time. */
interface Running {
  /** What came of a batch, or what did not come back. */
  run(batch: number): Promise<Report | string>;
  stop(): void;
}

function start(): Running {
  const memory = new SharedArrayBuffer(MEMORY.text + MEMORY.bytes);
  const counts = new Int32Array(memory, 0, 2);
  const worker = new Worker(new URL("worker.ts", import.meta.url), {
    type: "module",
  });
  const post = (order: Order) => worker.postMessage(order);
  post({ memory });
  return {
    run: (batch) =>
      new Promise((resolve, reject) => {
        let began = -1, quiet = 0;
        const look = setInterval(() => {
          const now = Atomics.load(counts, MEMORY.began);
          // A thread that has begun nothing yet is being loaded.
          const waits = now > 0 && now === began;
          quiet = waits ? quiet + LOOK_MILLISECONDS : 0;
          began = now;
          if (quiet < PATIENCE_MILLISECONDS) return;
          clearInterval(look);
          resolve(said(memory));
        }, LOOK_MILLISECONDS);
        worker.onmessage = ({ data }: MessageEvent<Report>) => {
          clearInterval(look);
          resolve(data);
        };
        worker.onerror = (event) => {
          clearInterval(look);
          event.preventDefault();
          reject(new Error(event.message));
        };
        post({ batch });
      }),
    stop: () => worker.terminate(),
  };
}

/** What a thread said last that it was about. */
function said(memory: SharedArrayBuffer): string {
  const length = Atomics.load(new Int32Array(memory, 0, 2), MEMORY.length);
  return new TextDecoder().decode(
    new Uint8Array(memory, MEMORY.text, length).slice(),
  );
}
