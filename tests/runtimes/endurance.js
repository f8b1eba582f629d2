/**
 * A long-lived worker: attentions made, read and dropped, or disposed, by the ten thousand, and memory that stays.
 *
 * Nothing asks for a collection of garbage; the engine gets a turn of its event loop every hundred, as between
 * requests. Where memory cannot be read, what is shown is that the worker lives.
 *
 * @module
 */

import { equal, rows, same, softmax } from "./reference.js";

const ATTENTIONS = 10_000;
const TURN = 100;
const WARM_UP = 500;
const KEYS = 32;
const DIM = 8;
const MEBI = 2 ** 20;
/** Engines let up to 124 MiB of garbage lie, as measured; kept instead of dropped, the attentions take 630 to 770. */
const GROWTH = 256 * MEBI;

/** Runs every test over a module, like the suite. */
export async function endure(module) {
  const results = [], growths = [];
  const ways = {
    dropped: () => {},
    disposed: (attention) => attention[Symbol.dispose](),
  };
  for (const [way, leave] of Object.entries(ways)) {
    const result = {
      name: `${ATTENTIONS} attentions ${way} leave no memory behind`,
      ok: true,
      message: "",
    };
    results.push(result);
    try {
      await spend(module, leave, WARM_UP);
      const before = residentBytes();
      await spend(module, leave, ATTENTIONS);
      const growth = residentBytes() - before;
      growths.push(`${way} ${Math.round(growth / MEBI)} MiB`);
      if (growth > GROWTH) {
        throw new Error(
          `memory grew by ${Math.round(growth / MEBI)} MiB, it should grow by ${
            GROWTH / MEBI
          } at most`,
        );
      }
    } catch (error) {
      result.ok = false;
      result.message = String(error?.message ?? error);
    }
  }
  const { kernel } = module.stats(module.createAttention({ dim: 1 }));
  const note = canRead() ? growths.join(", ") : "memory cannot be read";
  return { results, digests: {}, kernel, note };
}

async function spend(module, leave, count) {
  const keys = rows(KEYS, DIM, 1), values = rows(KEYS, DIM, 2);
  const queries = rows(2, DIM, 3);
  const model = new Map(
    keys.map((key, id) => [id, { key, value: values[id], bias: 0 }]),
  );
  const expected = softmax(queries, model);
  let kernel;
  for (let made = 1; made <= count; made++) {
    const attention = module.createAttention({ keys, values, queries });
    equal(module.outputs(attention).data, expected);
    // An engine that runs out of memories for kernels would fall back on the scalar one.
    const serving = module.stats(attention).kernel;
    same(serving, kernel ??= serving, "kernel");
    leave(attention);
    if (made % TURN === 0) await new Promise((turn) => setTimeout(turn, 0));
  }
}

function residentBytes() {
  return canRead() ? globalThis.process.memoryUsage().rss : 0;
}

function canRead() {
  return globalThis.process?.memoryUsage !== undefined;
}
