/**
 * History leaves no trace: what is undone, reordered, repeated or evicted answers as if it had never been otherwise.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  append,
  apply,
  attend,
  type Attention,
  createAttention,
  type Id,
  ids,
  outputs,
  remove,
  stats,
  update,
} from "../mod.ts";
import { openAttention } from "../src/attention.ts";
import { slotOf } from "../src/memory/slots.ts";
import type { Random } from "../src/random.ts";
import { invariant } from "./memory/invariants.ts";
import {
  change,
  cloneModel,
  type MaskName,
  type Model,
  type Step,
  twinOf,
} from "./model.ts";
import { sameBits } from "./same.ts";
import {
  attentionFor,
  drawBias,
  drawKey,
  drawModel,
  drawSettings,
  drawStep,
  drawValue,
  forSeeds,
  normals,
  pick,
  shuffled,
  some,
} from "./scripts.ts";

const MASKS: readonly MaskName[] = ["all", "causal", "predicate", "edges"];
/** At 44 bits most reads come close enough to a boundary to show a bit that is off. */
const PRECISION = 44;
/** The sums of a row. */
const SUMS = [
  "count",
  "massHigh",
  "massLow",
  "magnitudeHigh",
  "magnitudeLow",
  "numeratorHigh",
  "numeratorLow",
] as const;

function readSome(a: Attention, model: Model, random: Random): void {
  const watched = [...model.queries.keys()];
  if (watched.length === 0 || random.integer(3) === 0) return;
  outputs(a, { ids: some(random, watched, watched.length) });
}

/** The change that takes a step back, given what was there before it; undefined where there is none. */
function inverse(step: Step, before: Model, concerned: Id[]): Step | undefined {
  switch (step.verb) {
    case "append":
      return { verb: "remove", ids: concerned };
    case "update":
    case "edit": {
      const entries = concerned.map((id) => before.keys.get(id)!);
      return {
        verb: "update",
        ids: concerned,
        keys: entries.map(({ key }) => [...key]),
        values: entries.map(({ value }) => [...value]),
        bias: entries.map(({ bias }) => bias),
      };
    }
    case "watch": {
      if (concerned.some((id) => !before.queries.has(id))) {
        return { verb: "unwatch", ids: concerned };
      }
      const queries = concerned.map((id) => before.queries.get(id)!);
      return {
        verb: "watch",
        ids: concerned,
        queries: queries.map(({ query }) => [...query]),
        ...(before.mask === "causal"
          ? { position: queries.map(({ position }) => position) }
          : {}),
      };
    }
    case "admit": {
      const pairs = step.pairs.filter(([query, key]) =>
        (before.edges.get(query)?.has(key) ?? false) !== step.admitted
      );
      return { verb: "admit", pairs, admitted: !step.admitted };
    }
  }
}

Deno.test("changes and then their inverses restore the bits of answers, and of sums that were not started over", () => {
  let kept = 0;
  const seeds = forSeeds(80, (_, random, at) => {
    const settings = drawSettings(random, {
      capacity: Infinity,
      verbs: ["append", "update", "edit", "watch", "admit"],
    });
    const model = drawModel(random, settings, 14, 3);
    const a = attentionFor(model, {}, PRECISION);
    const before = outputs(a).data.slice();
    const { rows } = openAttention("test", a);
    const sums = structuredClone(rows.sums), started = stats(a).recomputed;
    const back: Step[] = [];
    for (let step = 1; step <= 12; step++) {
      at(step);
      const forward = drawStep(random, settings, model);
      // One that replaces a query and adds another has no single inverse.
      if (forward === undefined) continue;
      if (forward.verb === "watch" && forward.ids!.length > 1) continue;
      const clone = cloneModel(model), concerned = change(model, forward);
      apply(a, [forward]);
      back.unshift(inverse(forward, clone, concerned)!);
      readSome(a, model, random);
    }
    for (const step of back) {
      change(model, step);
      apply(a, [step]);
      readSome(a, model, random);
      invariant(a);
    }
    sameBits(outputs(a).data, before, "outputs");
    if (stats(a).recomputed > started) return;
    kept++;
    for (const name of SUMS) {
      const width = sums[name].length / sums.count.length;
      const first = (array: ArrayLike<number>) =>
        Array.from(array).slice(0, 3 * width);
      sameBits(first(rows.sums[name]), first(sums[name]), name);
    }
  });
  // Scripts that never start a row over must not be rare, or little was said of sums.
  assert(seeds === 1 || kept >= seeds / 8, `${kept} of ${seeds} scripts`);
});

Deno.test("the order of independent writes changes no bit", () => {
  forSeeds(60, (_, random, at) => {
    const settings = drawSettings(random, { capacity: Infinity });
    const model = drawModel(random, settings, 16, 4);
    const steps: Step[] = [];
    const own = (id: Id): Step =>
      pick<() => Step>(random, [
        () => ({
          verb: "update",
          ids: [id],
          keys: [drawKey(random, settings)],
          bias: [drawBias(random, settings)],
        }),
        () => ({
          verb: "update",
          ids: [id],
          values: [drawValue(random, settings)],
        }),
        () => ({
          verb: "edit",
          keys: settings.dim > 0 ? [[id, 0, random.normal()]] : [],
        }),
        () => ({ verb: "remove", ids: [id] }),
      ])();
    for (const id of [...model.keys.keys()].slice(2)) steps.push(own(id));
    for (const id of model.queries.keys()) {
      if (id > 1) {
        steps.push({
          verb: "watch",
          ids: [id],
          queries: [normals(random, settings.dim, 1)],
        });
      } else if (model.mask === "edges") {
        steps.push({
          verb: "admit",
          pairs: [[id, id]],
          admitted: random.integer(2) > 0,
        });
      }
    }
    const roads = [0, 1, 2].map(() => attentionFor(model, {}, PRECISION));
    for (const a of roads) outputs(a);
    for (const a of roads) {
      for (const [step, one] of shuffled(random, steps).entries()) {
        at(step);
        apply(a, [one]);
        readSome(a, model, random);
      }
      invariant(a);
    }
    for (const step of steps) change(model, step);
    const { data } = outputs(twinOf(model, random, { precision: PRECISION }));
    for (const a of roads) sameBits(outputs(a).data, data, "outputs");
  });
});

Deno.test("repeated writes of a key answer like the last one, read or not in between, and coalesce", () => {
  forSeeds(40, (_, random, at) => {
    const settings = drawSettings(random, { capacity: Infinity });
    const model = drawModel(random, settings, 9, 3);
    const roads = ["unread", "read", "half read", "last only"];
    const attentions = roads.map(() => attentionFor(model, {}, PRECISION));
    for (const a of attentions) outputs(a);
    const writes = 20;
    for (let step = 1; step <= writes; step++) {
      at(step);
      const one: Step = {
        verb: "update",
        ids: [4],
        keys: [drawKey(random, settings)],
        values: [drawValue(random, settings)],
        bias: [drawBias(random, settings)],
      };
      change(model, one);
      attentions.forEach((a, road) => {
        if (roads[road] !== "last only" || step === writes) apply(a, [one]);
        if (roads[road] === "read") outputs(a);
        if (roads[road] === "half read" && step % 3 === 0) {
          outputs(a, { ids: 1 });
        }
      });
    }
    const { data } = outputs(twinOf(model, random, { precision: PRECISION }));
    attentions.forEach((a, road) =>
      sameBits(outputs(a).data, data, roads[road])
    );
    const [unread, read] = attentions.map((a) => stats(a).coalesced);
    // A row of edges looks at its own keys only, so key 4 may be one that nobody has seen.
    if (settings.mask === "edges") return;
    assertEquals([unread, read], [writes - 1, 0]);
  });
});

Deno.test("a slot given up and taken again between two reads holds what it holds now (ABA)", () => {
  forSeeds(60, (_, random, at) => {
    for (const mask of MASKS) {
      const settings = drawSettings(random, { mask, capacity: Infinity });
      const model = drawModel(random, settings, 8, 3);
      const a = attentionFor(model, {}, PRECISION);
      const memory = openAttention("test", a), { slots } = memory.keys;
      outputs(a);
      let id = 3;
      for (let step = 1; step <= 12; step++) {
        at(step);
        const slot = slotOf(slots, id), entry = model.keys.get(id)!;
        const same = random.integer(3);
        const leave: Step = { verb: "remove", ids: [id] };
        const enter: Step = {
          verb: "append",
          keys: [same > 0 ? [...entry.key] : drawKey(random, settings)],
          values: [same > 1 ? [...entry.value] : drawValue(random, settings)],
          bias: [same > 0 ? entry.bias : drawBias(random, settings)],
        };
        for (const one of [leave, enter]) {
          apply(a, [one]);
          [id] = change(model, one);
          // Other rows, but never the first: it sees both at once.
          if (random.integer(2) > 0) outputs(a, { ids: 1 });
          if (random.integer(3) === 0) outputs(a, { ids: [2, 1] });
        }
        assertEquals(slotOf(slots, id), slot, "the slot is taken again");
        if (mask === "edges" && random.integer(2) > 0) {
          const admit: Step = {
            verb: "admit",
            pairs: [[0, id], [2, id]],
            admitted: true,
          };
          apply(a, [admit]);
          change(model, admit);
        }
        invariant(a);
        if (random.integer(3) === 0) {
          const twin = twinOf(model, random, { precision: PRECISION });
          sameBits(outputs(a).data, outputs(twin).data, "outputs");
        }
      }
    }
  });
});

Deno.test("eviction by capacity is removing the smallest ids", () => {
  forSeeds(60, (_, random, at) => {
    const capacity = pick(random, [0, 1, 2, 5, 9]);
    const settings = drawSettings(random, { capacity });
    const model = drawModel(random, settings);
    const free = { ...cloneModel(model), capacity: Infinity };
    const a = attentionFor(model, {}, PRECISION);
    const b = twinOf(free, random, { precision: PRECISION });
    // The twin's next id is that of its last key.
    let next = model.nextKey;
    for (let step = 1; step <= 30; step++) {
      at(step);
      const count = random.integer(4);
      const keys = Array.from(
        { length: count },
        () => drawKey(random, settings),
      );
      const values = keys.map(() => drawValue(random, settings));
      const given = append(a, keys, values);
      assertEquals(given, keys.map((_, at) => next + at));
      append(b, keys, values, { ids: given });
      next += count;
      const all = ids(b);
      remove(b, all.slice(0, Math.max(0, all.length - capacity)));
      assertEquals(ids(a), ids(b));
      readSome(a, model, random);
      invariant(a);
      sameBits(outputs(a).data, outputs(b).data, "outputs");
    }
  });
});

Deno.test("a sliding window answers like a fresh attention over the window, at every step", () => {
  forSeeds(30, (_, random, at) => {
    const window = pick(random, [1, 2, 7, 16]);
    const settings = drawSettings(random, { mask: "all" });
    const { dim, valueDim, scale } = settings;
    const row = () => normals(random, dim, settings.deviation);
    const queries = [row(), row()];
    const a = createAttention({
      dim,
      valueDim,
      scale,
      queries,
      capacity: window,
      logBytes: pick(random, [undefined, 0, 500]),
    });
    const keys: number[][] = [], values: number[][] = [];
    for (let step = 1; step <= 3 * window + 5; step++) {
      at(step);
      keys.push(drawKey(random, settings));
      values.push(drawValue(random, settings));
      append(a, [keys.at(-1)!], [values.at(-1)!]);
      const fresh = createAttention({
        dim,
        valueDim,
        scale,
        queries,
        keys: keys.slice(-window),
        values: values.slice(-window),
      });
      sameBits(outputs(a).data, outputs(fresh).data, "maintained rows");
      const guest = [row()];
      sameBits(attend(a, guest).data, attend(fresh, guest).data, "a guest");
    }
    assertEquals(stats(a).evicted, 2 * window + 5);
  });
});

Deno.test("a bias of −Infinity takes a key out, and a finite one brings it back to the bit", () => {
  forSeeds(40, (_, random, at) => {
    const settings = drawSettings(random, { mask: "all", capacity: Infinity });
    const model = drawModel(random, settings, 7, 2);
    const a = attentionFor(model, {}, PRECISION);
    const before = outputs(a).data.slice();
    for (let step = 1; step <= 8; step++) {
      at(step);
      const id = random.integer(7), { bias } = model.keys.get(id)!;
      update(a, id, { bias: -Infinity });
      const without = cloneModel(model);
      without.keys.delete(id);
      if (random.integer(3) > 0) {
        const twin = twinOf(without, random, { precision: PRECISION });
        sameBits(outputs(a).data, outputs(twin).data, "masked");
      }
      update(a, id, { bias });
      if (random.integer(2) > 0) outputs(a, { ids: 1 });
    }
    sameBits(outputs(a).data, before, "back");
    update(a, ids(a), { bias: -Infinity });
    sameBits(outputs(a).data, before.map(() => 0), "all masked");
  });
});
