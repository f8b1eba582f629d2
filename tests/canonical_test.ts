/**
 * Canonical answers through the verbs: every number read has the bits of the definition (`tests/oracle.ts`), whatever
 * the history, on streams of every kind and on live sets built next to boundaries.
 *
 * `deno test tests/canonical_test.ts -- 10` plays and builds ten times as much.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { attentionOf, createMemory } from "../src/attention.ts";
import { append, remove } from "../src/change.ts";
import { exponentOf } from "../src/kernel/exp2.ts";
import type { Memory } from "../src/memory/memory.ts";
import { type Random, seeded } from "../src/random.ts";
import { attend, outputs } from "../src/read.ts";
import { PRECISION } from "../src/softmax/canon.ts";
import { type BoundarySet, buildSet, KINDS } from "./boundaries.ts";
import { type OracleKey, oracleRow } from "./oracle.ts";
import {
  admitsByChance,
  admitted,
  expected,
  NO_STEPS,
  type Player,
  start,
  step,
  STEPS,
} from "./player.ts";
import { STREAMS } from "./streams.ts";
import { finish, makeTally, read, type Tally } from "./tally.ts";

const PRECISIONS = [PRECISION, 44], TIMES = Number(Deno.args[0] ?? 1);

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const copy = [...list];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [copy[i], copy[j]] = [copy[j], copy[i]];
  }
  return copy;
}

/** A memory that has met these keys only, in another order, in batches, each read. */
function twin(
  random: Random,
  keys: readonly OracleKey[],
  query: Float32Array,
  scale: number,
  valueDim: number,
  precision: number,
): ArrayLike<number> {
  const dim = query.length;
  const fresh = createMemory({ dim, valueDim, scale }, precision);
  const attention = attentionOf(fresh), order = shuffled(random, keys);
  outputs(attention);
  for (let at = 0; at < order.length;) {
    const batch = order.slice(at, at += 1 + random.integer(12));
    append(
      attention,
      batch.map(({ key }) => key),
      batch.map(({ value }) => value),
      { bias: batch.map(({ bias }) => bias) },
    );
  }
  return attend(attention, query).data;
}

Deno.test("every read of every stream has the bits of the definition, at 32 and at 44 bits", () => {
  const tally = makeTally(), seed = 51;
  for (const stream of STREAMS) {
    for (const precision of PRECISIONS) {
      const random = seeded(seed);
      const player = start(stream, random, precision, 3);
      for (let at = 0; at < 60 * TIMES; at++) {
        const name =
          `seed ${seed}, ${stream.name} at ${precision} bits, step ${at}`;
        readSome(tally, name, player);
        step(player);
      }
      const { memory, model } = player, { valueDim, scale } = stream;
      for (const [query, { row }] of model.queries) {
        const keys = admitted(player, query);
        read(
          tally,
          `${stream.name}, a fresh twin`,
          twin(random, keys, row, scale, valueDim, precision),
          0,
          expected(player, query),
        );
      }
      // The rows are old: brought up to date by what changed, not started over at every read.
      if (stream.most > 6 && stream.mask !== "edges") {
        const { exchanged, recomputed } = memory.counters;
        assert(
          exchanged > recomputed,
          `${stream.name}: ${recomputed} started over`,
        );
      }
    }
  }
  finish(tally, 7000);
});

/** Reads all rows, or one and leaves the others behind; sometimes as a query that is not watched. */
function readSome(tally: Tally, name: string, player: Player): void {
  const { random, attention, model, stream } = player;
  const ids = random.integer(3) === 0
    ? [random.integer(model.queries.size)]
    : [...model.queries.keys()];
  const answers = outputs(attention, { ids }).data;
  ids.forEach((id, at) => {
    const truth = expected(player, id);
    read(tally, `${name}, query ${id}`, answers, at, truth);
    if (random.integer(6) > 0 || stream.mask === "edges") return;
    const { row, position } = model.queries.get(id)!;
    const options = stream.mask === "causal"
      ? { position }
      : stream.mask === "predicate"
      ? { filter: (_: number, key: number) => admitsByChance(id, key) }
      : {};
    const guest = attend(attention, row, options).data;
    read(tally, `${name}, query ${id} as a guest`, guest, 0, truth);
  });
}

/** A memory whose only row has seen the history of a set and read it. */
function live(
  { query, scale, keys, late, gone }: BoundarySet,
  precision: number,
): Memory {
  const valueDim = keys[0].value.length, dim = query.length;
  const memory = createMemory(
    { dim, valueDim, scale, queries: [query] },
    precision,
  );
  const attention = attentionOf(memory);
  const add = ({ key, value, bias }: OracleKey) =>
    append(attention, [key], [value], { bias });
  if (gone !== undefined) add(gone);
  for (const key of keys.slice(0, keys.length - late)) add(key);
  outputs(attention);
  if (gone !== undefined) remove(attention, 0);
  for (const key of keys.slice(keys.length - late)) add(key);
  return memory;
}

Deno.test("live sets built next to boundaries are read right, whatever the anchors", () => {
  const tally = makeTally(), seed = 52;
  const random = seeded(seed), climbed = { ...NO_STEPS };
  for (const kind of KINDS) {
    // Where one component is open the row may start over: single ones show what each would have been.
    const [sets, valueDim] = kind === "binade" ? [500, 1] : [120, 16];
    for (const precision of PRECISIONS) {
      for (let i = 0; i < sets * TIMES; i++) {
        const name = `seed ${seed}, ${kind} ${i} at ${precision} bits`;
        const set = buildSet(random, kind, precision, valueDim);
        const { query, keys, scale } = set;
        const truth = oracleRow(query, keys, scale, precision);
        const memory = live(set, precision), { ladder } = memory.counters;
        const attention = attentionOf(memory), before = { ...ladder };
        read(tally, name, outputs(attention).data, 0, truth);
        for (const step of STEPS) climbed[step] += ladder[step] - before[step];
        const once = { ...ladder };
        read(tally, `${name}, again`, outputs(attention).data, 0, truth);
        // What took more than the sums is kept until the row moves.
        if (once.recomputed > before.recomputed) {
          assertEquals(ladder, once, `${name}: answered anew`);
        }
        const guest = attend(attention, query).data;
        read(tally, `${name}, as a guest`, guest, 0, truth);
        const fresh = twin(random, keys, query, scale, valueDim, precision);
        read(tally, `${name}, a fresh twin`, fresh, 0, truth);
      }
    }
  }
  finish(tally, 8000);
  // Otherwise the sets did not reach all steps; for the last they would have to lie on a boundary.
  for (const step of STEPS) {
    assert(step === "exact" || climbed[step] > 0, JSON.stringify(climbed));
  }
});

Deno.test("an answer on a boundary takes the exact step, and one a hair above it does not", () => {
  // Eight keys of equal weight, whose values add up to 8 (k + θ) exactly: O is k + θ, where R steps from k to k + 1.
  const k = 2 ** 31 + 12_345, theta = 0.5 + 2 ** -6 * 0.6180339887498949;
  for (
    const [above, expected, step] of [[0, k, "exact"], [
      2 ** -60,
      k + 1,
      "finer",
    ]] as const
  ) {
    const values: number[] = [above];
    for (let rest of [8 * k, 8 * theta]) {
      while (rest !== 0) {
        // The upper 24 bits of what is left.
        const part = Math.trunc(rest * 2 ** 23 / 2 ** exponentOf(rest)) *
          2 ** (exponentOf(rest) - 23);
        values.push(part);
        rest -= part;
      }
    }
    while (values.length < 8) values.push(0);
    assertEquals(values.length, 8);
    const memory = createMemory({
      queries: [[0]],
      keys: values.map(() => [1]),
      values: values.map((value) => [value]),
    }, 32);
    const attention = attentionOf(memory);
    for (
      const data of [
        outputs(attention).data,
        outputs(attention).data,
        attend(attention, [0]).data,
      ]
    ) {
      assertEquals(data, new Float64Array([expected]));
    }
    // Once for the row, whose answer is kept, and once for the guest.
    assertEquals(memory.counters.ladder[step], 2);
  }
});
