/**
 * How much memory does the process take for sparse keys that would fill gigabytes if they were written out?
 *
 * 20 000 keys of 30 numbers in 30 000 columns: `deno run bench/sparse_memory.ts` prints what each step adds to the
 * resident set of the process since before the attention was made, beside what the attention says it holds. Values have
 * 16 numbers; with `wide` as an argument they are as sparse and as wide as the keys.
 *
 * @module
 */

import {
  type Attention,
  createAttention,
  CsrMatrix,
  edit,
  outputs,
  restore,
  snapshot,
  stats,
  update,
} from "@reattend/reattend";
import { type Random, seeded } from "../src/random.ts";

const DIM = 30_000, KEYS = 20_000, ENTRIES = 30, VALUE_DIM = 16;
const MIB = 2 ** 20;

/** Sparse rows with an entry in each of as many stretches of columns. */
function sparseRows(random: Random, rows: number): CsrMatrix {
  const indptr = new Uint32Array(rows + 1);
  const indices = new Uint32Array(rows * ENTRIES);
  const values = new Float32Array(rows * ENTRIES);
  const stretch = DIM / ENTRIES;
  for (let row = 0, at = 0; row < rows; row++) {
    for (let entry = 0; entry < ENTRIES; entry++, at++) {
      indices[at] = entry * stretch + random.integer(stretch);
      values[at] = random.normal();
    }
    indptr[row + 1] = at;
  }
  return new CsrMatrix(rows, DIM, indptr, indices, values);
}

function run(valueDim: number, queries: number): void {
  const random = seeded(11), wide = valueDim === DIM;
  const values = (rows: number) =>
    wide
      ? sparseRows(random, rows)
      : Float32Array.from({ length: rows * valueDim }, () => random.normal());
  const size = wide ? ENTRIES * 8 : valueDim * 4;
  const stored = KEYS * (ENTRIES * 8 + size) / MIB;
  const written = KEYS * 4 * (DIM + valueDim) / MIB;
  console.log(
    `${KEYS} keys of ${ENTRIES} in ${DIM}, values of ${
      wide ? ENTRIES : valueDim
    } in ${valueDim}, ${queries} queries: ${
      stored.toFixed(0)
    } MiB as entries, ${written.toFixed(0)} MiB written out`,
  );
  const start = Deno.memoryUsage().rss;
  const say = (what: string, a: Attention) => {
    const grown = (Deno.memoryUsage().rss - start) / MIB;
    const held = stats(a).bytes / MIB;
    console.log(
      `  ${what.padEnd(40)} rss +${grown.toFixed(1).padStart(6)} MiB, holds ${
        held.toFixed(1).padStart(5)
      } MiB`,
    );
  };
  const a = createAttention({
    keys: sparseRows(random, KEYS),
    values: values(KEYS),
    queries: sparseRows(random, queries),
  });
  say("made, its input included", a);
  outputs(a);
  say("all rows read", a);
  for (let round = 0; round < 20; round++) {
    for (let at = 0; at < 100; at++) {
      const id = random.integer(KEYS);
      update(a, id, { keys: sparseRows(random, 1), values: values(1) });
      edit(a, { keys: [[id, random.integer(DIM), 1]] });
    }
    outputs(a);
  }
  say("2000 keys replaced and edited, 20 reads", a);
  const bytes = snapshot(a);
  say(`a snapshot of ${(bytes.length / MIB).toFixed(1)} MiB`, a);
  const again = restore(bytes);
  say("restored beside it", a);
  const one = outputs(a).data, other = outputs(again).data;
  if (!one.every((number, at) => number === other[at])) {
    throw new Error("The restored attention gives other bits");
  }
}

if (Deno.args.includes("wide")) run(DIM, 2);
else run(VALUE_DIM, 8);
