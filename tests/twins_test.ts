/**
 * The kernels are twins: over the same script the same answers, the same sums and the same counted work, to the bit.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  attend,
  type Attention,
  createAttention,
  errorBound,
  flush,
  outputs,
  snapshot,
  stats,
  topKeys,
  update,
  weights,
} from "../mod.ts";
import { openAttention } from "../src/attention.ts";
import { modules } from "../src/kernel/wasm.ts";
import { COLD } from "../src/memory/log.ts";
import type { Memory } from "../src/memory/memory.ts";
import { type Random, seeded } from "../src/random.ts";
import { topK } from "../src/method/mod.ts";
import { invariant } from "./memory/invariants.ts";
import type { Model } from "./model.ts";
import { sameBits } from "./same.ts";
import {
  attentionFor,
  drawModel,
  drawSettings,
  drawSteps,
  forSeeds,
  perform,
  pick,
  some,
} from "./scripts.ts";

const STEPS = 30;

/** Both kernels over the same model. */
function twins(model: Model, random: Random): [Attention, Attention] {
  const options = {
    ...pick(random, [{}, {}, { logBytes: 700 }]),
    representation: pick(random, ["auto", "dense", "dense", "sparse"] as const),
    ...pick(random, [{}, {}, { method: topK(3) }]),
  };
  const precision = pick(random, [32, 44]);
  return [
    attentionFor(model, { ...options, kernel: "scalar" }, precision),
    attentionFor(model, { ...options, kernel: "simd" }, precision),
  ];
}

/** Lets the memory of a kernel move with everything that grows, so that a view taken before is dead. */
function moveOften(a: Attention): void {
  const { home } = openAttention("move", a).kernel;
  const grow = home.grow.bind(home), ballast = { numbers: new Uint8Array(0) };
  home.grow = (owner, name, length) => {
    grow(ballast, "numbers", ballast.numbers.length + 2 ** 16);
    grow(owner, name, length);
  };
}

/** A read, the same for both; what it returns is compared. */
function read(random: Random, model: Model): (a: Attention) => unknown {
  const ids = some(random, [...model.queries.keys()], 2);
  const guests = [0, 1].map(() =>
    Array.from({ length: model.dim }, () => random.normal())
  );
  const filter = () => true, count = random.integer(4);
  const work = random.integer(300);
  return pick<(a: Attention) => unknown>(random, [
    (a) => outputs(a).data,
    (a) => outputs(a, { ids }).data,
    (a) => flush(a, { work }),
    (a) => attend(a, guests, { filter }).data,
    (a) => topKeys(a, { ids }, count),
    (a) => topKeys(a, guests, count, { filter }),
    (a) => weights(a, { ids }).matrix,
    (a) => snapshot(a),
    () => undefined,
  ]);
}

/** The sums of all rows that hold any, and of the last query that was not watched. */
function sumsOf({ rows, guest, valueDim }: Memory): Record<string, number[]> {
  const found: Record<string, number[]> = {}, { sums } = rows;
  for (const [name, array] of Object.entries(guest)) {
    if (ArrayBuffer.isView(array)) {
      found[`${name} of the guest`] = [...array as Float64Array];
    }
  }
  for (let row = 0; row < rows.slots.used; row++) {
    if (rows.clocks[row] === COLD || rows.slots.idOf[row] < 0) continue;
    for (const [name, array] of Object.entries(sums)) {
      if (!ArrayBuffer.isView(array)) continue;
      const width = name.startsWith("numerator") ? valueDim : 1;
      found[`${name} of row ${row}`] = [
        ...(array as Float64Array).subarray(row * width, (row + 1) * width),
      ];
    }
    found[`norms of row ${row}`] = [rows.keyNorms[row], rows.biasSizes[row]];
  }
  return found;
}

function sameEverywhere(scalar: Attention, simd: Attention): void {
  const [a, b] = [scalar, simd].map((twin) => openAttention("compare", twin));
  const [ours, theirs] = [sumsOf(a), sumsOf(b)];
  assertEquals(Object.keys(theirs), Object.keys(ours));
  for (const [name, numbers] of Object.entries(ours)) {
    sameBits(theirs[name], numbers, name);
  }
  const { kernel: _, bytes: __, ...said } = stats(scalar);
  const { kernel, bytes: ___, ...also } = stats(simd);
  assertEquals(kernel, "simd");
  assertEquals(also, said);
  assertEquals(errorBound(simd), errorBound(scalar));
}

Deno.test("this engine compiles both modules", () => {
  assert(modules.simd !== undefined && modules.relaxed !== undefined);
});

for (const moving of [false, true]) {
  Deno.test(`the kernels are twins on every script${moving ? ", in a memory that moves" : ""}`, () => {
    forSeeds(moving ? 60 : 200, (_, random, at) => {
      const settings = drawSettings(random, {
        ...pick(random, [{}, { dim: pick(random, [15, 17, 33, 64]) }]),
        ...pick(random, [{}, { valueDim: pick(random, [4, 7, 16, 33]) }]),
      });
      const model = drawModel(
        random,
        settings,
        random.integer(40),
        random.integer(11),
      );
      const [scalar, simd] = twins(model, random);
      if (moving) moveOften(simd);
      for (let step = 1; step <= STEPS; step++) {
        at(step);
        const { steps } = drawSteps(random, settings, model, 6);
        for (const twin of [scalar, simd]) perform(twin, steps);
        const look = read(random, model);
        assertEquals(look(simd), look(scalar));
        sameEverywhere(scalar, simd);
        if (step % 5 === 0) invariant(simd);
      }
      sameBits(outputs(simd).data, outputs(scalar).data, "outputs");
      sameEverywhere(scalar, simd);
    });
  });
}

Deno.test("the kernels are twins where queries are too long to lie side by side, and answers too many for one copy", () => {
  for (const [dim, valueDim, rows] of [[4097, 3, 5], [3, 65, 50]]) {
    const random = seeded(dim),
      floats = (count: number) =>
        Float32Array.from({ length: count }, random.normal);
    const tables = {
      keys: floats(20 * dim),
      values: floats(20 * valueDim),
      queries: floats(rows * dim),
      dim,
      valueDim,
    };
    const [scalar, simd] = (["scalar", "simd"] as const)
      .map((kernel) => createAttention({ ...tables, kernel }));
    sameBits(outputs(simd).data, outputs(scalar).data, "outputs");
    const change = { keys: floats(dim), values: floats(valueDim) };
    for (const twin of [scalar, simd]) update(twin, 7, change);
    sameBits(outputs(simd).data, outputs(scalar).data, "outputs after");
    sameEverywhere(scalar, simd);
  }
});
