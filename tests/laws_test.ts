/**
 * The laws of a maintained attention, on random scripts of every verb: what it answers depends on what is stored now.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  attend,
  type Attention,
  entry,
  errorBound,
  flush,
  type Id,
  ids,
  measureError,
  outputs,
  restore,
  snapshot,
  stats,
  topKeys,
  weights,
} from "../mod.ts";
import type { Random } from "../src/random.ts";
import { invariant } from "./memory/invariants.ts";
import {
  admitsPair,
  attended,
  type Model,
  seen,
  truth,
  twinOf,
} from "./model.ts";
import { sameBits, within } from "./same.ts";
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

/** Steps of a script. */
const STEPS = 40;
/** At 32 bits a random average hardly ever meets a boundary; at 44 every tenth read does. */
const PRECISIONS = [32, 44];

/** Reads something, or nothing: any schedule must leave no trace. */
function readSomething(a: Attention, model: Model, random: Random): void {
  const watched = [...model.queries.keys()];
  const chosen = watched.length > 0 ? some(random, watched, 2) : [];
  const guest = new Array<number>(model.dim).fill(random.normal());
  switch (random.integer(9)) {
    case 0:
      outputs(a);
      break;
    case 1:
    case 2:
      outputs(a, { ids: chosen });
      break;
    case 3:
      flush(a, { work: random.integer(200) });
      break;
    case 4:
      measureError(a, chosen);
      break;
    case 5:
      topKeys(a, { ids: chosen }, random.integer(4));
      attend(a, [guest], { filter: () => true });
  }
}

Deno.test("outputs() are the textbook's within their bounds after every mix of changes and reads", () => {
  forSeeds(60, (_, random, at) => {
    const settings = drawSettings(random), model = drawModel(random, settings);
    const a = attentionFor(model, {
      ...pick(random, [{}, { logBytes: 0 }, { logBytes: 700 }]),
    }, pick(random, PRECISIONS));
    for (let step = 1; step <= STEPS; step++) {
      at(step);
      const { steps, concerned } = drawSteps(random, settings, model);
      const returned = perform(a, steps, random);
      if (returned !== undefined) assertEquals(returned, concerned);
      invariant(a);
      checkStored(a, model, random);
      readSomething(a, model, random);
      invariant(a);
      if (step % 5 === 0) checkRead(a, model);
    }
  });
});

/** What is stored is what the model says. */
function checkStored(a: Attention, model: Model, random: Random): void {
  assertEquals(ids(a), [...model.keys.keys()]);
  assertEquals([a.size, a.watched], [model.keys.size, model.queries.size]);
  const { writes, evicted } = stats(a);
  assertEquals([writes, evicted], [model.writes, model.evicted]);
  if (model.keys.size > 0) {
    const [id, expected] = pick(random, [...model.keys]);
    const { key, value, bias } = entry(a, id);
    sameBits(key, expected.key, `key ${id}`);
    sameBits(value, expected.value, `value ${id}`);
    sameBits([bias], [expected.bias], `bias ${id}`);
  }
}

/** Outputs and bounds of all rows against the textbook. */
function checkRead(a: Attention, model: Model): void {
  const bounds = new Float64Array(model.queries.size);
  const { data } = outputs(a, { bounds });
  const expected = [...model.queries.keys()].map((id) => truth(model, id));
  within(
    data,
    expected.flatMap((row) => [...row]),
    (row) => bounds[row],
    model.valueDim,
    "outputs",
  );
  const { total } = errorBound(a);
  sameBits([total], [Math.max(0, ...bounds)], "errorBound");
  assert(measureError(a) <= total, "measureError is above errorBound");
}

/** Everything two attentions over the same contents can be asked. */
function sameAnswers(
  a: Attention,
  b: Attention,
  model: Model,
  random: Random,
): void {
  sameBits(outputs(a).data, outputs(b).data, "outputs");
  const { dim } = model, row = () => Array.from({ length: dim }, random.normal);
  const guests = [row(), row()];
  const positions = guests.map(() => random.integer(model.nextKey + 1) - 1);
  const options = model.mask === "causal"
    ? { position: positions }
    : { filter: (query: Id, key: Id) => (query + key) % 3 > 0 };
  sameBits(
    attend(a, guests, options).data,
    attend(b, guests, options).data,
    "attend",
  );
  const filter = (query: Id, key: Id) => (query * key) % 4 < 3;
  for (
    const who of [{ ids: [...model.queries.keys()] }, {
      ids: [...model.queries.keys()].slice(0, 1),
    }]
  ) {
    const [tops, others] = [a, b].map((one) => topKeys(one, who, 3));
    tops.forEach((top, at) => sameTop(top, others[at]));
  }
  const [all, others] = [a, b].map((one) => weights(one));
  assertEquals([others.queries, others.keys], [all.queries, all.keys]);
  sameBits(all.matrix.to1DArray(), others.matrix.to1DArray(), "weights");
  sameBits(all.tail, others.tail, "tails of the weights");
  const [some, same] = [a, b].map((one) =>
    topKeys(one, guests, 2, { ...options, filter })
  );
  some.forEach((top, at) => sameTop(top, same[at]));
}

function sameTop(
  top: ReturnType<typeof topKeys>[number],
  other: ReturnType<typeof topKeys>[number],
): void {
  assertEquals(top.keys, other.keys);
  sameBits(top.weights, other.weights, "weights of the top keys");
  sameBits([top.tail], [other.tail], "tail");
}

Deno.test("a veteran and its fresh twin agree on every answer to the bit", () => {
  forSeeds(60, (_, random, at) => {
    const settings = drawSettings(random), model = drawModel(random, settings);
    const precision = pick(random, PRECISIONS);
    const options = pick(random, [{}, {}, { logBytes: 300 }]);
    let a = attentionFor(model, options, precision);
    for (let step = 1; step <= STEPS; step++) {
      at(step);
      perform(a, drawSteps(random, settings, model).steps);
      readSomething(a, model, random);
      if (step % 4 > 0) continue;
      if (precision === 32 && random.integer(2) > 0) {
        const mask = model.mask === "predicate" ? admitsPair : undefined;
        a = restore(snapshot(a), mask && { mask });
      }
      const twin = twinOf(model, random, { precision });
      sameAnswers(a, twin, model, random);
    }
  });
});

Deno.test("when rows are read, and what the log may keep, changes no bit", () => {
  forSeeds(60, (_, random, at) => {
    const settings = drawSettings(random), model = drawModel(random, settings);
    const precision = pick(random, PRECISIONS);
    const make = (logBytes?: number) =>
      attentionFor(
        model,
        logBytes === undefined ? {} : { logBytes },
        precision,
      );
    const eager = make(), lazy = make(), whim = make();
    const logs = [0, 1, 200, 1000, 5000].map(make);
    for (let step = 1; step <= STEPS; step++) {
      at(step);
      const { steps } = drawSteps(random, settings, model);
      for (const a of [eager, lazy, whim, ...logs]) perform(a, steps);
      outputs(eager);
      for (const a of [whim, ...logs]) readSomething(a, model, random);
      logs.forEach(invariant);
      if (step % 10 > 0) continue;
      const { data } = outputs(eager);
      if (step === STEPS) sameBits(outputs(lazy).data, data, "lazy");
      sameBits(outputs(whim).data, data, "at a whim");
      for (const a of logs) sameBits(outputs(a).data, data, "a small log");
    }
    invariant(lazy);
  });
});

Deno.test("a row maintained, a row started over and a guest give the same bits", () => {
  forSeeds(30, (_, random, at) => {
    const settings = drawSettings(random, { mask: "all" });
    const model = drawModel(random, settings, 12, 3);
    const precision = pick(random, PRECISIONS);
    const a = attentionFor(model, {}, precision);
    for (let step = 1; step <= STEPS; step++) {
      at(step);
      perform(a, drawSteps(random, settings, model, 1).steps);
      const queries = [...model.queries.values()].map(({ query }) => query);
      const warm = outputs(a).data;
      sameBits(attend(a, queries).data, warm, "guests");
      const { data } = outputs(twinOf(model, undefined, { precision }));
      sameBits(data, warm, "started over");
    }
  });
});

Deno.test("bounds of guests hold", () => {
  forSeeds(30, (_, random, at) => {
    const settings = drawSettings(random);
    const model = drawModel(random, settings, 12, 2);
    const a = attentionFor(model);
    for (let step = 1; step <= 10; step++) {
      at(step);
      perform(a, drawSteps(random, settings, model).steps);
      const guest = Float32Array.from(
        { length: model.dim },
        () => random.normal() * settings.deviation,
      );
      const bounds = new Float64Array(1);
      const { data } = attend(a, guest.length > 0 ? guest : [[]], {
        filter: (_, key) => key % 3 > 0,
        bounds,
      });
      const visible = [...model.keys].filter(([id, { bias }]) =>
        id % 3 > 0 && bias > -Infinity
      ).map(([id]) => id);
      within(
        data,
        attended(model, guest, visible),
        () => bounds[0],
        model.valueDim,
        "attend",
      );
    }
  });
});

Deno.test("the mask says what a row sees", () => {
  forSeeds(40, (_, random, at) => {
    for (const mask of ["all", "causal", "predicate", "edges"] as const) {
      const settings = drawSettings(random, { mask, wild: false });
      const model = drawModel(random, settings), a = attentionFor(model);
      for (let step = 1; step <= 6; step++) {
        at(step);
        perform(a, drawSteps(random, settings, model).steps);
        for (const id of model.queries.keys()) {
          const [{ keys }] = topKeys(a, { ids: id }, 1000);
          assertEquals(keys.sort((x, y) => x - y), seen(model, id));
        }
      }
    }
  });
});
