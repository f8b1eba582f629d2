/**
 * Work is counted, not timed: what reads, writes and flushes cost in multiply-adds.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  append,
  apply,
  type Attention,
  createAttention,
  CsrMatrix,
  edit,
  flush,
  outputs,
  stats,
  update,
} from "../mod.ts";
import { openAttention } from "../src/attention.ts";
import type { Random } from "../src/random.ts";
import { invariant } from "./memory/invariants.ts";
import {
  change,
  type MaskName,
  type Model,
  type Step,
  twinOf,
} from "./model.ts";
import { sameBits } from "./same.ts";
import {
  attentionFor,
  drawModel,
  drawSettings,
  drawStep,
  drawSteps,
  forSeeds,
  normals,
  perform,
  pick,
  type Settings,
} from "./scripts.ts";

/** Of the reads of a script so many may start a row over although little has changed. */
const RARE = 0.01;
/** Reads of a script. */
const READS = 500;

/** Multiply-adds that a call spends. */
function spent(a: Attention, call: () => unknown): number {
  const before = stats(a).multiplyAdds;
  call();
  return stats(a).multiplyAdds - before;
}

/** Slots and edges that a row has not seen; undefined for a row that has no sums. */
function behind(a: Attention, id: number): number | undefined {
  const { rows, log, mask, pairs } = openAttention("test", a);
  const row = rows.slots.idOf.indexOf(id), clock = rows.clocks[row];
  if (clock < 0) return undefined;
  return mask.kind === "edges"
    ? pairs.unseen.get(row)?.size ?? 0
    : log.written.filter((written) => written > clock).length;
}

/** A change of one key: what a script of this kind is made of. */
function drawWrite(
  kind: string,
  random: Random,
  settings: Settings,
  model: Model,
): Step | undefined {
  const row = (width: number, size: number) => [normals(random, width, size)];
  const keys = row(settings.dim, settings.deviation);
  const values = row(settings.valueDim, 1);
  const ids = [pick(random, [...model.keys.keys()])];
  switch (kind) {
    case "appends":
      return { verb: "append", keys, values };
    case "replaces":
      return { verb: "update", ids, keys, values };
    case "value-only":
      return { verb: "update", ids, values };
    case "window":
      return pick(random, [0, 1]) === 0
        ? { verb: "append", keys, values }
        : { verb: "remove", ids: [Math.min(...model.keys.keys())] };
  }
  return drawStep(random, settings, model);
}

Deno.test("a read costs what changed: k (2 dim + 2 valueDim + 2) + valueDim + 1 after k changes, in 99 of 100 reads of every script", () => {
  const masks: MaskName[] = ["causal", "predicate", "edges"];
  const kinds: [string, MaskName][] = [
    ["appends", "all"],
    ["replaces", "all"],
    ["value-only", "all"],
    ["window", "all"],
    ["mixed", "all"],
    ...masks.map((mask): [string, MaskName] => ["mixed", mask]),
  ];
  forSeeds(3, (_, random) => {
    for (const [kind, mask] of kinds) {
      // Of queries and keys both: scores of deviation 1 and 4.
      for (const deviation of [1, 2]) {
        const settings = drawSettings(random, {
          dim: 8,
          valueDim: 6,
          scale: 1 / Math.sqrt(8),
          mask,
          capacity: Infinity,
          deviation,
          wild: false,
          verbs: ["append", "append", "update", "edit", "remove", "admit"],
        });
        const model = drawModel(random, settings, 80, 3);
        const a = attentionFor(model), { dim, valueDim } = a;
        outputs(a);
        let reads = 0, dear = 0;
        while (reads < READS) {
          const write = drawWrite(kind, random, settings, model);
          if (write === undefined) continue;
          assertEquals(spent(a, () => apply(a, [write])), 0, "a write");
          change(model, write);
          const id = random.integer(3), k = behind(a, id);
          const cost = spent(a, () => outputs(a, { ids: id }));
          if (k === undefined || k > a.size / 4) continue;
          reads++;
          const limit = k * (2 * dim + 2 * (valueDim + 1)) + valueDim + 1;
          if (cost > limit) dear++;
        }
        assert(
          dear <= RARE * reads,
          `${kind}, ${mask}, deviation ${deviation}: ${dear} of ${reads} reads`,
        );
      }
    }
  });
});

/** 40 keys, 2 queries, all rows up to date. */
function settled(dim: number, valueDim: number): Attention {
  const row = (width: number, at: number) =>
    Array.from({ length: width }, (_, t) => Math.sin(at * 7 + t));
  const rows = (count: number, width: number) =>
    Array.from({ length: count }, (_, at) => row(width, at));
  const a = createAttention({
    queries: rows(2, dim),
    keys: rows(40, dim),
    values: rows(40, valueDim),
  });
  outputs(a);
  return a;
}

Deno.test("each kind of change has its price, paid once by each row that is read", () => {
  for (const [dim, valueDim] of [[1, 1], [8, 8], [7, 3], [0, 4], [4, 0]]) {
    const a = settled(dim, valueDim), fold = valueDim + 1;
    const key = new Array<number>(dim).fill(0.5);
    const value = new Array<number>(valueDim).fill(0.25);
    const price = (call: () => unknown, expected: number, what: string) => {
      assertEquals(spent(a, call), 0, what);
      for (const ids of [0, 1]) {
        assertEquals(
          spent(a, () => outputs(a, { ids })),
          expected + fold,
          what,
        );
        assertEquals(spent(a, () => outputs(a, { ids })), fold, "again");
      }
    };
    price(() => append(a, [key], [value]), dim + fold, "append");
    price(
      () => update(a, 3, { values: [value] }),
      valueDim === 0 ? 0 : dim + 2 * fold,
      "a value alone",
    );
    price(() => update(a, 3, { keys: [key] }), 2 * (dim + fold), "a key");
    price(() => update(a, 3, { bias: 0.5 }), 2 * (dim + fold), "a bias");
    price(
      () => update(a, 3, { keys: [key], values: [value], bias: 1 }),
      2 * (dim + fold),
      "all of it",
    );
    price(() => update(a, 3, { bias: -Infinity }), dim + fold, "masked");
    price(() => update(a, 3, { values: [value] }), 0, "a masked value");
    price(
      () => apply(a, [{ verb: "remove", ids: 5 }]),
      dim + fold,
      "remove",
    );
    price(
      () => {
        const [id] = append(a, [key], [value]);
        apply(a, [{ verb: "remove", ids: id }]);
      },
      0,
      "come and gone",
    );
  }
});

Deno.test("10 000 edits of one key cost one key at the read", () => {
  const dim = 16, valueDim = 8, fold = valueDim + 1;
  for (const part of ["keys", "values"] as const) {
    const a = settled(dim, valueDim);
    const width = part === "keys" ? dim : valueDim;
    const writes = spent(a, () => {
      for (let at = 0; at < 10_000; at++) {
        edit(a, { [part]: [[7, at % width, at % 2 === 0 ? 0.25 : -0.25]] });
      }
    });
    assertEquals(writes, 0);
    assertEquals(stats(a).coalesced, 9_999);
    assertEquals(a.pending, 1);
    const read = (part === "keys" ? 2 : 1) * dim + 2 * fold + fold;
    assertEquals(spent(a, () => outputs(a, { ids: 1 })), read);
  }
});

Deno.test("rows that are not read cost nothing, however many", () => {
  const costs = [1, 50].map((queries) => {
    const a = createAttention({
      queries: Array.from({ length: queries }, (_, at) => [at, 1]),
      keys: Array.from({ length: 30 }, (_, at) => [Math.sin(at), 1]),
      values: Array.from({ length: 30 }, (_, at) => [at]),
    });
    return [0, 0, 0].map(() => {
      update(a, [1, 2, 3], { values: [[1], [2], [3]] });
      return spent(a, () => outputs(a, { ids: 0 }));
    });
  });
  assertEquals(costs[1], costs[0]);
  assert(costs[0][1] > 0);
});

Deno.test("a key outside a row's mask costs that row nothing", () => {
  const keys = Array.from({ length: 20 }, (_, at) => [at / 20]);
  const base = { queries: [[1], [2]], keys, values: keys };
  const edges = keys.flatMap((_, at): [number, number, number][] =>
    at === 4 ? [[1, at, 1]] : [[0, at, 1], [1, at, 1]]
  );
  for (
    const a of [
      createAttention({
        ...base,
        mask: (query, key) => query > 0 || key !== 4,
      }),
      createAttention({ ...base, mask: CsrMatrix.fromTriples(2, 20, edges) }),
    ]
  ) {
    outputs(a);
    update(a, 4, { keys: [0.1], values: [9] });
    assertEquals(spent(a, () => outputs(a, { ids: 0 })), 2);
    assertEquals(spent(a, () => outputs(a, { ids: 1 })), 2 * 3 + 2);
  }
});

Deno.test("flush() never spends more than its work, says what is left, and comes to an end", () => {
  forSeeds(60, (_, random, at) => {
    const settings = drawSettings(random);
    const model = drawModel(random, settings, 12, 4), a = attentionFor(model);
    for (let step = 1; step <= 25; step++) {
      at(step);
      perform(a, drawSteps(random, settings, model).steps);
      // The dearest a row can be: all its keys, and before that changes that turn out too large.
      const enough = 4 * (a.size + 40) * (a.dim + a.valueDim + 1);
      for (let calls = 0, left = 1; left > 0; calls++) {
        const work = calls < 3 ? random.integer(enough / 4 + 1) : enough;
        const did = spent(a, () => left = flush(a, { work }));
        assert(did <= work, `${did} spent of ${work}`);
        assert(calls < 4 + 2 * a.watched, `${left} left after ${calls} calls`);
        invariant(a);
      }
      const reading = a.watched * (a.valueDim + 1);
      const { recomputed } = stats(a).ladder;
      const cost = spent(a, () => outputs(a));
      // An answer that took a recompute is kept and costs nothing more.
      if (stats(a).ladder.recomputed === recomputed) assert(cost <= reading);
      if (a.watched > 0) assertEquals(a.pending, 0);
      if (step % 5 === 0) {
        sameBits(outputs(a).data, outputs(twinOf(model)).data, "outputs");
      }
    }
  });
});

Deno.test("flush() stops at its work even where a row's sums cannot hold a change", () => {
  const keys = Array.from({ length: 50 }, (_, at) => [at / 50, 1]);
  const a = createAttention({ queries: [[1, 0]], keys, values: keys });
  outputs(a);
  append(a, [300, 1], [1, 1]);
  const restart = 51 * (2 + 2 + 1);
  assertEquals(flush(a, { work: 0 }), 2 + 2 + 1);
  assertEquals(
    spent(a, () => assertEquals(flush(a, { work: 10 }), restart)),
    2,
  );
  assertEquals(spent(a, () => flush(a, { work: restart - 1 })), 0);
  assertEquals(spent(a, () => flush(a, { work: restart })), restart);
  assertEquals(flush(a), 0);
});

Deno.test("rows read in turn, and one that is never read, do not make each other start over", () => {
  for (
    const [size, dim, watched] of [[1024, 2, 8], [256, 16, 32], [512, 1, 4]]
  ) {
    const numbers = (count: number, step: number) =>
      Float32Array.from(
        { length: count * dim },
        (_, i) => Math.sin(i * step + 1),
      );
    const a = createAttention({
      dim,
      queries: numbers(watched + 1, 0.7),
      keys: numbers(size, 0.3),
      values: numbers(size, 0.9),
    });
    outputs(a);
    // Each row has missed a quarter of the keys when its turn comes; the last one never gets any.
    const writes = size / 4 / watched;
    for (let turn = 0; turn < 6 * watched; turn++) {
      for (let at = 0; at < writes; at++) {
        const id = (turn * writes + at) * 7 % size;
        update(a, id, {
          keys: numbers(1, turn + 0.1 * at),
          values: numbers(1, at),
        });
      }
      const work = spent(a, () => outputs(a, { ids: turn % watched }));
      const most = size / 4 * 2 * (2 * dim + 1) + dim + 1;
      assert(work <= most, `${work} of ${most}, ${size} keys, turn ${turn}`);
    }
    assertEquals(stats(a).recomputed, watched + 1);
  }
});
