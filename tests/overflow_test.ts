/**
 * Rows that could leave the range of their sums: many keys at its edge, anchors set by what is next to nothing, a
 * hundred thousand keys. Reads have the bits of the definition, and the sums hold what they should.
 *
 * @module
 */

import { assert } from "@std/assert";
import { attentionOf, createMemory } from "../src/attention.ts";
import { append, remove, update } from "../src/change.ts";
import type { Memory } from "../src/memory/memory.ts";
import { type Random, seeded } from "../src/random.ts";
import { outputs } from "../src/read.ts";
import { PRECISION } from "../src/softmax/canon.ts";
import { type OracleKey, oracleRow } from "./oracle.ts";
import { stepsOff } from "./sums.ts";
import { finish, makeTally, read, type Tally } from "./tally.ts";

Deno.test("16 700 keys at the edge of the range, and 65 000 bounded scores over the anchor of one weak key", () => {
  const tally = makeTally(), seed = 53;
  const edge = 16.98 * Math.LN2;
  grow(tally, `seed ${seed}, edge`, seed, 16_700, () => edge);
  grow(
    tally,
    `seed ${seed}, bounded`,
    seed,
    65_000,
    (random) => 6 * random.uniform() - 3,
  );
  finish(tally, 30);
});

/** Keys that come one by one, each seen by the row before the next. */
function grow(
  tally: Tally,
  name: string,
  seed: number,
  count: number,
  bias: (random: Random) => number,
): void {
  const random = seeded(seed), valueDim = 2, scale = 1;
  const query = Float32Array.of(1), keys: OracleKey[] = [];
  const memory = createMemory(
    { dim: 1, valueDim, scale, queries: [query] },
    44,
  );
  const attention = attentionOf(memory);
  const add = (bias: number) => {
    const key = Float32Array.of(0.1 * random.normal());
    const value = Float32Array.of(random.normal(), 1 + random.uniform());
    keys.push({ key, value, bias });
    append(attention, key, value, { bias });
    return outputs(attention).data;
  };
  add(-10);
  for (let at = 1; at <= count; at++) {
    const answers = add(bias(random));
    if ((at & (at - 1)) === 0 || at === count) {
      read(
        tally,
        `${name}, ${at} keys`,
        answers,
        0,
        oracleRow(query, keys, scale, 44),
      );
      checkSums(`${name}, ${at} keys`, memory, query, scale, keys);
    }
  }
  assert(
    memory.counters.recomputed < 60,
    `${memory.counters.recomputed} started over`,
  );
}

/** Sums that have left their range may still be read right: what they hold is checked as well. */
function checkSums(
  name: string,
  { rows }: Memory,
  query: Float32Array,
  scale: number,
  keys: readonly OracleKey[],
): void {
  const off = stepsOff(rows.sums, 0, query, scale, keys);
  for (const steps of [off.mass, off.magnitude, ...off.numerators]) {
    assert(
      Math.abs(steps) <= keys.length / 2,
      `${name}: sums are off by ${steps} steps with ${keys.length} keys`,
    );
  }
}

Deno.test("weights or values that rise to the edge of the range one by one overflow nothing", () => {
  const tally = makeTally(), seed = 54;
  const count = 16_700, edge = 16.98, query = Float32Array.of(1);
  for (const what of ["bias", "value"] as const) {
    const random = seeded(seed);
    const keys: OracleKey[] = Array.from({ length: count }, () => ({
      key: Float32Array.of(0.1 * random.normal()),
      value: Float32Array.of(random.normal(), 2 * random.normal()),
      bias: 0,
    }));
    const options = { dim: 1, valueDim: 2, scale: 1, queries: [query] };
    const memory = createMemory(options, PRECISION),
      attention = attentionOf(memory);
    const table = (name: "key" | "value") => keys.map((key) => key[name]);
    append(attention, table("key"), table("value"));
    outputs(attention);
    for (let id = 0; id < count; id++) {
      const { key, value } = keys[id];
      keys[id] = what === "bias" ? { key, value, bias: edge * Math.LN2 } : {
        key,
        value: Float32Array.from(value, (x) => x * 2 ** edge),
        bias: 0,
      };
      update(attention, id, { bias: keys[id].bias, values: keys[id].value });
      const answers = outputs(attention).data;
      if (id % 2000 === 7 || id === count - 1) {
        const name = `seed ${seed}, ${what} of ${id} up`;
        const truth = oracleRow(query, keys, 1, PRECISION);
        read(tally, name, answers, 0, truth);
        checkSums(name, memory, query, 1, keys);
      }
    }
  }
  finish(tally, 20);
});

Deno.test("100 000 keys, and the row after them has lost most", () => {
  const tally = makeTally(), seed = 55;
  const random = seeded(seed), count = 100_000, valueDim = 2, scale = 1;
  const query = Float32Array.of(1, -1, 0.5);
  const keys: OracleKey[] = Array.from({ length: count }, (_, id) => ({
    key: Float32Array.from({ length: 3 }, () => random.normal()),
    value: Float32Array.of(random.normal(), random.normal()),
    bias: id < 100 ? 20 : 0,
  }));
  const memory = createMemory(
    { dim: 3, valueDim, scale, queries: [query] },
    44,
  );
  const attention = attentionOf(memory);
  append(
    attention,
    keys.map(({ key }) => key),
    keys.map(({ value }) => value),
    {
      bias: keys.map(({ bias }) => bias),
    },
  );
  read(
    tally,
    `seed ${seed}, all`,
    outputs(attention).data,
    0,
    oracleRow(query, keys, scale, 44),
  );
  remove(attention, Array.from({ length: 100 }, (_, id) => id));
  const rest = oracleRow(query, keys.slice(100), scale, 44);
  read(tally, `seed ${seed}, the heavy gone`, outputs(attention).data, 0, rest);
  finish(tally, 2);
});
