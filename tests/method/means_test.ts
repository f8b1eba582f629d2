/**
 * Means by key: what walks along them, what comes between them, what goes.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  keepMeans,
  makeMeans,
  meansBytes,
  observeWeights,
  placeOf,
} from "../../src/method/means.ts";
import { forSeeds, shuffled } from "../scripts.ts";

Deno.test("means of keys are what a Map says, after every mix of observing, dropping and looking up", () => {
  forSeeds(60, (_, random) => {
    const means = makeMeans();
    const model = new Map<number, { sum: number; count: number }>();
    assertEquals(placeOf(means, 0), -1);
    for (let step = 0; step < 30; step++) {
      const ids = shuffled(random, Array.from({ length: 40 }, (_, id) => id))
        .slice(0, random.integer(20)).sort((a, b) => a - b);
      if (random.integer(3) > 0) {
        const weights = ids.map(() => random.uniform());
        observeWeights(means, ids, weights);
        ids.forEach((id, i) => {
          const { sum, count } = model.get(id) ?? { sum: 0, count: 0 };
          model.set(id, { sum: sum + weights[i], count: count + 1 });
        });
      } else {
        keepMeans(means, (id) => !ids.includes(id));
        for (const id of ids) model.delete(id);
      }
      const known = [...model.keys()].sort((a, b) => a - b);
      assertEquals([...means.ids.subarray(0, means.size)], known);
      for (const id of Array.from({ length: 42 }, (_, at) => at - 1)) {
        const at = placeOf(means, id);
        assertEquals(at, known.indexOf(id));
        if (at < 0) continue;
        const { sum, count } = model.get(id)!;
        assertEquals([means.sums[at], means.counts[at]], [sum, count]);
        assert(Number.isNaN(means.ranks[at]), "a rank that nobody gave");
      }
    }
  });
});

Deno.test("ranks stay with their keys, and room goes with them", () => {
  const means = makeMeans(), empty = meansBytes(means);
  const even = Array.from({ length: 100 }, (_, at) => 2 * at);
  observeWeights(means, even, even);
  even.forEach((id, at) => means.ranks[at] = id);
  observeWeights(means, [-1, 1, 55, 300], [1, 1, 1, 1]);
  keepMeans(means, (id) => id !== 4);
  for (const id of even) {
    const at = placeOf(means, id);
    assertEquals(at < 0 ? 4 : means.ranks[at], id);
  }
  const full = meansBytes(means);
  assert(full - empty >= 4 * 8 * 103, "room for all");
  keepMeans(means, (id) => id === 6 || id === 300);
  assertEquals([...means.ids.subarray(0, 2)], [6, 300]);
  assertEquals([means.ranks[0], means.sums[0], means.counts[1]], [6, 6, 1]);
  assert(meansBytes(means) - empty <= 4 * 8 * 4, "room for two");
});
