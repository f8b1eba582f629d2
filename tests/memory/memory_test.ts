import { assert, assertEquals } from "@std/assert";
import {
  append,
  type Attention,
  createAttention,
  entry,
  flush,
  outputs,
  remove,
  restore,
  snapshot,
  stats,
  update,
  watch,
} from "../../mod.ts";
import { openAttention } from "../../src/attention.ts";
import { seeded } from "../../src/random.ts";

const DIM = 64, FLOAT = 4;

function rows(seed: number, count: number, dim = DIM): Float32Array {
  const { normal } = seeded(seed);
  return Float32Array.from({ length: count * dim }, normal);
}

function made(n: number, m: number, dim = DIM): Attention {
  return createAttention({
    dim,
    queries: rows(1, n, dim),
    keys: rows(2, m, dim),
    values: rows(3, m, dim),
  });
}

Deno.test("rows up to date take 16 valueDim + 160 bytes each, keys a quarter of themselves, beyond what is stored", () => {
  for (const [n, m] of [[64, 1024], [512, 512], [64, 8192]]) {
    const a = made(n, m);
    flush(a);
    const stored = FLOAT * DIM * (2 * m + n), quarter = FLOAT * DIM * 2 * m / 4;
    const bytes = stats(a).bytes - stored;
    assert(bytes <= n * (16 * DIM + 160) + quarter, `${n}, ${m}: ${bytes}`);
  }
});

Deno.test("scores of rows that start over together are given back after the read, and asked for again", () => {
  const a = made(8, 1024), { scratch } = openAttention("test", a);
  const first = outputs(a);
  assertEquals([scratch.scores.length, scratch.slots.length], [1024, 1024]);
  const { bytes } = stats(a);
  watch(a, rows(1, 8), { ids: [0, 1, 2, 3, 4, 5, 6, 7] });
  assertEquals(outputs(a), first);
  assertEquals([stats(a).bytes, scratch.scores.length], [bytes, 1024]);
});

Deno.test("so few scores that it is not worth it are kept", () => {
  const a = made(8, 256, 4), { scratch } = openAttention("test", a);
  flush(a);
  assertEquals(scratch.scores.length, 8 * 256);
});

Deno.test("scratch grows with the table, not one key at a time", () => {
  const a = made(1, 1000, 4), memory = openAttention("test", a);
  flush(a);
  assertEquals(memory.scratch.slots.length, 1000);
  const lengths = new Set<number>();
  for (let i = 0; i < 1500; i++) {
    append(a, rows(i, 1, 4), rows(i, 1, 4));
    flush(a);
    lengths.add(memory.scratch.slots.length);
  }
  assert(lengths.size <= 3, `${[...lengths]}`);
  const few = made(1, 1, 4);
  flush(few);
  assertEquals(openAttention("test", few).scratch.slots.length, 64);
});

Deno.test("biases take no memory before there is one that is not 0, and are told as they were given", () => {
  const a = made(1, 20, 4), { keys } = openAttention("test", a);
  update(a, 3, { bias: 0 });
  append(a, rows(4, 1, 4), rows(5, 1, 4), { bias: 0 });
  assertEquals(keys.biases.length, 0);
  update(a, 3, { bias: -0 });
  assert(Object.is(entry(a, 3).bias, -0));
  update(a, 4, { bias: -2 });
  const biases = () => [3, 4, 5].map((id) => entry(a, id).bias);
  assertEquals(biases(), [-0, -2, 0]);
  // Room for more keys is room for more biases; a slot that is used again has its own.
  append(a, rows(6, 100, 4), rows(7, 100, 4));
  assertEquals(keys.biases.length, keys.slots.idOf.length);
  remove(a, 4);
  const [id] = append(a, rows(8, 1, 4), rows(9, 1, 4));
  assertEquals([entry(a, id).bias, ...[3, 5].map((id) => entry(a, id).bias)], [
    0,
    -0,
    0,
  ]);
  const b = restore(snapshot(a));
  assert(Object.is(entry(b, 3).bias, -0));
  const block = made(1, 0, 4), one = openAttention("test", block).keys;
  append(block, rows(6, 9, 4), rows(7, 9, 4), { bias: new Float64Array(9) });
  assertEquals(one.biases.length, 0);
  const last = Float64Array.from({ length: 9 }, (_, at) => at === 8 ? 1 : 0);
  append(block, rows(6, 9, 4), rows(7, 9, 4), { bias: last });
  assertEquals([8, 16, 17].map((id) => entry(block, id).bias), [0, 0, 1]);
});
