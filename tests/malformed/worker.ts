/**
 * A thread that runs batches one by one, and says before each call what it is about: a call that does not come back
 * takes the thread with it, not the test.
 *
 * @module
 */

import { makeTally, runBatch } from "./run.ts";
import { MEMORY, type Order, type Report } from "./watch.ts";

/** What there is to know of the thread this runs in. */
interface Thread {
  onmessage: (event: MessageEvent<Order>) => void;
  postMessage(report: Report): void;
}

const thread = globalThis as unknown as Thread, encoder = new TextEncoder();
let memory: SharedArrayBuffer | undefined;

thread.onmessage = ({ data: order }) => {
  if ("memory" in order) memory = order.memory;
  else thread.postMessage(run(order.batch));
};

function run(batch: number): Report {
  const tally = makeTally();
  try {
    runBatch(batch, tally, say);
    return { tally, broken: undefined };
  } catch (error) {
    const stack = error instanceof Error ? error.stack : undefined;
    return { tally, broken: stack ?? String(error) };
  }
}

function say(input: number, name: string): void {
  if (memory === undefined) return;
  const counts = new Int32Array(memory, 0, 2);
  const text = new Uint8Array(memory, MEMORY.text);
  const { written } = encoder.encodeInto(`input ${input}, ${name}`, text);
  counts[MEMORY.length] = written;
  Atomics.add(counts, MEMORY.began, 1);
}
