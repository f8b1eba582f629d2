/**
 * Golden bits: one script over everything that reads, and the digest of all it read.
 *
 * Answers are canonical: no engine, no kernel, no history changes a bit of them. The polynomial of the power of two, the
 * order of a dot product, precision, θ, κ and the floors do. **If the digest changes, the answers of stored attentions
 * have changed: give `KERNEL_ID` (`src/kernel/kernel.ts`) a new number, and then this table a new line.**
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { attentionOf, createMemory } from "../src/attention.ts";
import {
  admit,
  append,
  apply,
  edit,
  remove,
  update,
  watch,
} from "../src/change.ts";
import { ids } from "../src/inspect.ts";
import { KERNEL_ID } from "../src/kernel/kernel.ts";
import { CsrMatrix } from "../src/matrix/csr.ts";
import { type Random, seeded } from "../src/random.ts";
import { attend, outputs, topKeys, weights } from "../src/read.ts";
import { PRECISION } from "../src/softmax/canon.ts";

/** The digest of every kernel id there was. */
const GOLDEN: Record<string, string> = {
  "reattend-1": "06c3fc74ea968ca6",
};

/** FNV-1a of 64 bits (Fowler, Noll, Vo; https://www.rfc-editor.org/rfc/rfc9923). */
function fnv1a(bytes: Iterable<number>): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}

/** The bytes of numbers as doubles, least first. */
function bytesOf(numbers: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * numbers.length));
  numbers.forEach((x, at) => view.setFloat64(8 * at, x, true));
  return new Uint8Array(view.buffer);
}

/** Numbers about as large as normal ones. Logarithms and cosines are left out: engines differ in them. */
function numbers(random: Random, count: number): number[] {
  return Array.from(
    { length: count },
    () => random.uniform() + random.uniform() + random.uniform() - 1.5,
  );
}

const MASKS = ["all", "causal", "edges", "predicate"] as const;

/** Plays the script with one mask and one width, and returns all it read. */
function play(
  mask: typeof MASKS[number],
  dim: number,
  precision: number,
): number[] {
  const random = seeded(7 + dim), valueDim = 3, read: number[] = [];
  const table = (rows: number, columns: number) =>
    Array.from({ length: rows }, () => numbers(random, columns));
  const options = {
    dim,
    valueDim,
    scale: 1.7,
    capacity: 40,
    keys: table(20, dim),
    values: table(20, valueDim),
    queries: table(4, dim),
  };
  const memory = createMemory(
    mask === "all"
      ? options
      : mask === "causal"
      ? { ...options, mask }
      : mask === "edges"
      ? {
        ...options,
        mask: CsrMatrix.fromDense(
          table(4, 20).map((row) => row.map((x) => x > -0.2 ? 1 : 0)),
        ),
      }
      : { ...options, mask: (query, key) => (query + key) % 3 !== 0 },
    precision,
  );
  const a = attentionOf(memory);
  for (let at = 0; at < 12; at++) {
    const size = 2 ** (random.integer(60) - 30),
      bias = 40 * (random.uniform() - 0.5);
    const value = numbers(random, valueDim).map((x) => x * size);
    const [id] = append(a, table(1, dim), [value], { bias });
    if (mask === "edges") admit(a, [[at % 4, id], [(at + 1) % 4, id]]);
    read.push(...outputs(a).to1DArray());
    const live = ids(a), far = live[live.length >> 1];
    update(a, live[1], { keys: table(1, dim) });
    update(a, far, {
      values: numbers(random, valueDim),
      bias: [-3, 0, -Infinity, 1e12][at % 4],
    });
    edit(a, { values: [[live[2], at % 3, 0.375]] });
    read.push(...outputs(a, { ids: [at % 4] }).to1DArray());
    apply(a, [
      { verb: "remove", ids: live[0] },
      { verb: "append", keys: table(3, dim), values: table(3, valueDim) },
    ]);
    if (at % 3 === 0) watch(a, table(1, dim), { ids: at % 4 });
    if (at % 4 === 3) remove(a, id);
    const guests = table(2, dim);
    const filter = (query: number, key: number) => (3 * query + key) % 4 > 0;
    read.push(...attend(a, guests, { filter }).to1DArray());
    for (const { keys, weights, tail } of topKeys(a, { ids: [0, 1] }, 4)) {
      read.push(...keys, ...weights, tail);
    }
  }
  read.push(...outputs(a).to1DArray());
  const { matrix, tail } = weights(a);
  read.push(...matrix.to2DArray().flat(), ...tail);
  return read;
}

Deno.test("fnv1a() has the digests it is known for", () => {
  const digest = (text: string) => fnv1a(new TextEncoder().encode(text));
  assertEquals(digest(""), "cbf29ce484222325");
  assertEquals(digest("a"), "af63dc4c8601ec8c");
  assertEquals(digest("foobar"), "85944171f73967e8");
});

Deno.test("the golden bits of this kernel id are as they were", () => {
  const read = MASKS.flatMap((mask) =>
    [0, 1, 4, 7].flatMap((dim) =>
      [PRECISION, 44].flatMap((precision) => play(mask, dim, precision))
    )
  );
  assertEquals(read.every(Number.isFinite), true);
  assertEquals({ [KERNEL_ID]: fnv1a(bytesOf(read)) }, {
    [KERNEL_ID]: GOLDEN[KERNEL_ID],
  });
});
