/**
 * No answer of a graph depends on the road that led to it: scripts that are hard on its edges, against fresh twins and
 * the definition.
 *
 * @module
 */

import { flush, outputs, restore, snapshot } from "../mod.ts";
import { checkAnswers, drawGraph, drawStrike } from "./graphs.ts";
import { invariant } from "./memory/invariants.ts";
import { change, type Step } from "./model.ts";
import {
  attentionFor,
  drawSettings,
  forSeeds,
  perform,
  pick,
  some,
} from "./scripts.ts";
import { versionBytes } from "../src/memory/versions.ts";

Deno.test("answers have the bits of fresh twins, by edges and by a predicate, after flips, writes nobody saw, masks, removals and snapshots in any order", () => {
  forSeeds(80, (_, random, at) => {
    const settings = drawSettings(random, {
      mask: "edges",
      dim: pick(random, [1, 2, 3, 5]),
      valueDim: pick(random, [1, 2, 5]),
      capacity: pick(random, [Infinity, Infinity, 3, 6]),
    });
    const model = drawGraph(random, settings, {
      keys: 5,
      queries: 3,
      degree: 3,
      later: 60,
    });
    const { dim, valueDim } = settings;
    const logBytes = pick(random, [undefined, 0, 1, 2, 5]);
    let a = attentionFor(model, {
      representation: pick(random, ["auto", "dense", "sparse"]),
      ...(logBytes === undefined
        ? {}
        : { logBytes: logBytes * versionBytes(dim + valueDim) }),
    });
    const hot = { query: 0, key: 0 };
    for (let step = 1; step <= 80; step++) {
      at(step);
      if (step % 10 === 0) {
        hot.query = pick(random, [0, ...model.queries.keys()]);
        hot.key = pick(random, [0, ...model.keys.keys()]);
      }
      const list: Step[] = [];
      for (let left = pick(random, [1, 1, 1, 2, 5]); left > 0; left--) {
        const strike = drawStrike(random, settings, model, hot);
        change(model, strike);
        list.push(strike);
      }
      perform(a, list, random);
      invariant(a);
      if (random.integer(25) === 0) {
        a = restore(snapshot(a));
        invariant(a);
      }
      const watched = [...model.queries.keys()];
      switch (random.integer(5)) {
        case 0:
          flush(a, { work: random.integer(60) });
          break;
        case 1:
          if (watched.length > 0) outputs(a, { ids: pick(random, watched) });
          break;
        case 2:
          if (watched.length > 0) {
            checkAnswers(a, model, random, some(random, watched, 2));
          }
      }
      invariant(a);
    }
    if (model.queries.size > 0) {
      checkAnswers(a, model, random, [...model.queries.keys()]);
    }
  });
});
