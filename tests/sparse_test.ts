/**
 * How rows are stored shows in no answer: dense, sparse and mixed attentions, and those that change over, are one.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  type Attention,
  createAttention,
  errorBound,
  flush,
  measureError,
  outputs,
  snapshot,
} from "../mod.ts";
import { openAttention } from "../src/attention.ts";
import type { Random } from "../src/random.ts";
import { invariant } from "./memory/invariants.ts";
import { type Model, seen, truth, twinOf } from "./model.ts";
import { oracleRow } from "./oracle.ts";
import { sameBits, within } from "./same.ts";
import { attentionFor, forSeeds, pick, some } from "./scripts.ts";
import {
  checkStored,
  csrOf,
  drawThinModel,
  drawThinSteps,
  drawWideSettings,
  performFormed,
  restoredAs,
  sameAnswers,
  tablesOf,
  thinAttention,
  WAYS,
} from "./sparse.ts";

/** At 32 bits a random average hardly ever meets a boundary; at 44 every tenth read does. */
const PRECISIONS = [32, 44];

/** Reads a part, or nothing. */
function readSomething(a: Attention, model: Model, random: Random): void {
  const watched = [...model.queries.keys()];
  const chosen = watched.length > 0 ? some(random, watched, 2) : [];
  const kind = random.integer(6);
  if (kind === 0) outputs(a);
  if (kind === 1 || kind === 2) outputs(a, { ids: chosen });
  if (kind === 3) flush(a, { work: random.integer(2000) });
}

Deno.test("dense, sparse, mixed and changing over: all answers, tables and snapshots have the same bits, and those of a fresh twin", () => {
  forSeeds(50, (_, random, at) => {
    const settings = drawWideSettings(random);
    const model = drawThinModel(random, settings);
    const precision = pick(random, PRECISIONS);
    const make = (representation: typeof WAYS[number]) =>
      thinAttention(random, model, { representation }, precision);
    const fixed = WAYS.map(make);
    const dense = fixed[WAYS.indexOf("dense")];
    let wanderer = make("auto"), way = WAYS[0];
    for (let step = 1; step <= 24; step++) {
      at(step);
      const steps = drawThinSteps(random, settings, model);
      for (const a of [...fixed, wanderer]) {
        performFormed(a, steps, model, random);
        readSomething(a, model, random);
        invariant(a);
      }
      fixed.forEach((a, i) => checkStored(a, WAYS[i]));
      if (random.integer(3) === 0) {
        const before = tablesOf(snapshot(wanderer));
        way = pick(random, WAYS);
        wanderer = restoredAs(wanderer, way, model);
        assertEquals(tablesOf(snapshot(wanderer)), before);
        invariant(wanderer);
      }
      checkStored(wanderer, way);
      if (step % 6 > 0) continue;
      const twin = twinOf(model, random, {
        precision,
        options: { representation: pick(random, WAYS) },
      });
      const tables = tablesOf(snapshot(dense));
      for (const a of [...fixed, wanderer, twin]) {
        if (a !== dense) sameAnswers(a, dense, model, random);
        invariant(a);
        if (a !== twin) assertEquals(tablesOf(snapshot(a)), tables);
      }
      checkDefinition(dense, model, random, precision);
    }
  });
});

/** A row is what whole numbers make of it. */
function checkDefinition(
  a: Attention,
  model: Model,
  random: Random,
  precision: number,
): void {
  const watched = [...model.queries.keys()];
  if (watched.length === 0) return;
  const id = pick(random, watched);
  const keys = seen(model, id).map((key) => model.keys.get(key)!);
  const { query } = model.queries.get(id)!;
  sameBits(
    outputs(a, { ids: id }).data,
    keys.length === 0
      ? new Float64Array(model.valueDim)
      : oracleRow(query, keys, model.scale, precision),
    "the definition",
  );
}

Deno.test("rows started over have the same bounds to the bit however they are stored, and the truth is within them", () => {
  forSeeds(40, (_, random, at) => {
    const settings = drawWideSettings(random, { wild: false });
    const model = drawThinModel(random, settings, 12, 3);
    const veteran = thinAttention(random, model, {});
    for (let step = 1; step <= 12; step++) {
      at(step);
      performFormed(
        veteran,
        drawThinSteps(random, settings, model),
        model,
        random,
      );
      outputs(veteran);
      if (step % 3 > 0) continue;
      const fresh = WAYS.map((way) => restoredAs(veteran, way, model));
      const bounds = [veteran, ...fresh].map((a) => {
        const bounds = new Float64Array(model.queries.size);
        const { data } = outputs(a, { bounds });
        within(
          data,
          [...model.queries.keys()].flatMap((id) => [...truth(model, id)]),
          (row) => bounds[row],
          model.valueDim,
          "outputs",
        );
        assert(measureError(a) <= errorBound(a).total);
        return bounds;
      });
      for (const i of [1, 2]) {
        sameBits(bounds[1 + i], bounds[1], `bounds, ${WAYS[i]}`);
        assertEquals(errorBound(fresh[i]), errorBound(fresh[0]));
      }
    }
  });
});

Deno.test("what the log may keep, and when rows are read, changes no bit of sparse rows", () => {
  forSeeds(40, (_, random, at) => {
    const settings = drawWideSettings(random);
    const model = drawThinModel(random, settings, 12, 4);
    const precision = pick(random, PRECISIONS);
    const logs = [0, 300, 2000, 20_000].flatMap((logBytes) =>
      (["auto", "sparse"] as const).map((representation) =>
        thinAttention(random, model, { logBytes, representation }, precision)
      )
    );
    for (let step = 1; step <= 20; step++) {
      at(step);
      const steps = drawThinSteps(random, settings, model);
      for (const a of logs) {
        performFormed(a, steps, model, random);
        readSomething(a, model, random);
        invariant(a);
      }
      if (step % 10 > 0) continue;
      const options = { representation: "dense" } as const;
      const twin = twinOf(model, random, { precision, options });
      const { data } = outputs(twin);
      for (const a of logs) sameBits(outputs(a).data, data, "a small log");
    }
  });
});

Deno.test("a snapshot restored as it was has the same bytes, and a snapshot of a dense attention those of a sparse one", () => {
  forSeeds(30, (_, random) => {
    const settings = drawWideSettings(random);
    const model = drawThinModel(random, settings, 10, 3);
    const written = WAYS.map((representation) => {
      const a = attentionFor(model, { representation });
      const bytes = snapshot(a);
      const again = restoredAs(a, undefined, model);
      assertEquals(snapshot(again).join(), bytes.join());
      checkStored(again, representation);
      return tablesOf(bytes);
    });
    assertEquals(written[1], written[0]);
    assertEquals(written[2], written[0]);
  });
});

Deno.test("no numbers at all: dim 0, valueDim 0, no keys, rows of zeros", () => {
  for (const representation of WAYS) {
    const csr = (rows: number[][], width: number) =>
      csrOf(
        { uniform: () => 0, normal: () => 0, integer: () => 0 },
        rows,
        width,
      );
    const nothing = createAttention({
      representation,
      keys: csr([[], []], 0),
      values: csr([[], []], 0),
      queries: csr([[]], 0),
    });
    invariant(nothing);
    assertEquals([nothing.dim, nothing.valueDim, nothing.size], [0, 0, 2]);
    assertEquals(outputs(nothing).to2DArray(), [[]]);
    assertEquals(nothing.density, 0);
    const zeros = createAttention({
      representation,
      keys: csr([new Array(40).fill(0), new Array(40).fill(-0)], 40),
      values: [[3, 0], [5, -0]],
      queries: csr([new Array(40).fill(0)], 40),
    });
    invariant(zeros);
    sameBits(outputs(zeros).data, [4, 0], "rows of zeros");
    assertEquals(zeros.density, 2 / 84);
    const empty = createAttention({ dim: 40, valueDim: 3, representation });
    assertEquals(empty.density, 0);
    assertEquals(openAttention("test", empty).keys.keys.entries, 0);
  }
});
