/**
 * How often a read needs more than the first step of the ladder: counts, and the ceilings they have to keep.
 *
 * Answers do not depend on the step that gives them, so only counts tell when a cheap step has stopped working.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { attentionOf, createMemory } from "../src/attention.ts";
import { append, remove } from "../src/change.ts";
import type { Ladder } from "../src/memory/memory.ts";
import { seeded } from "../src/random.ts";
import { outputs } from "../src/read.ts";
import { PRECISION } from "../src/softmax/canon.ts";
import {
  NO_STEPS,
  type Player,
  replace,
  start,
  step,
  STEPS,
} from "./player.ts";
import { type Stream, STREAMS } from "./streams.ts";

/** How often each step gave the answer of a row in a stream, at 32 bits. */
function count(
  stream: Stream,
  steps: number,
  change: (player: Player) => void,
): Ladder & { reads: number } {
  const queries = 3, player = start(stream, seeded(56), PRECISION, queries);
  for (let at = 0; at < steps; at++) {
    outputs(player.attention);
    change(player);
  }
  return { ...player.memory.counters.ladder, reads: steps * queries };
}

Deno.test("a read never climbs where whole, single and saturated answers lie", () => {
  // Dyadic numbers and small fractions have no boundary near them: this is what θ and κ are for.
  const whole = [
    "two keys and a query of zero",
    "one key at a power of two",
    "saturated",
    "values of zero",
  ];
  for (const name of whole) {
    const stream = STREAMS.find((stream) => stream.name === name);
    assert(stream !== undefined, name);
    const { quick, integer, exact, reads } = count(stream, 1000, replace);
    assertEquals([quick, integer, exact], [reads, 0, 0], name);
  }
});

Deno.test("a read climbs rarely on streams of every kind", () => {
  const climbed = { ...NO_STEPS };
  let reads = 0;
  for (const stream of STREAMS) {
    const ladder = count(stream, 100, step);
    reads += ladder.reads;
    for (const step of STEPS) climbed[step] += ladder[step];
    assertEquals(ladder.exact, 0, stream.name);
  }
  // Of 168 000 rows in bench/ladder.md the integers answered 1 in 5000, and 1 in 130 started over.
  const shares = JSON.stringify({ ...climbed, reads });
  assert(climbed.integer < reads / 1000, shares);
  assert(climbed.recomputed < reads / 50, shares);
});

Deno.test("a read of an ordinary stream of 64 queries over 2048 keys climbs in one row of 500 at most", () => {
  const random = seeded(57), width = 64, size = 2048, rounds = 40;
  const rows = (count: number) =>
    Float32Array.from({ length: count * width }, () => random.normal());
  const memory = createMemory({
    dim: width,
    valueDim: width,
    queries: rows(64),
    keys: rows(size),
    values: rows(size),
  }, PRECISION);
  const attention = attentionOf(memory);
  for (let id = 0; id < rounds; id++) {
    outputs(attention);
    remove(attention, id);
    append(attention, rows(1), rows(1));
  }
  const { quick, integer, recomputed, exact } = memory.counters.ladder;
  assertEquals([quick + integer, recomputed, exact], [64 * rounds, 0, 0]);
  assert(integer <= quick / 500, `${integer} of ${64 * rounds}`);
  // Every row was made once.
  assertEquals(memory.counters.recomputed, 64);
});
