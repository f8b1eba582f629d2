import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { createAttention } from "../../mod.ts";
import { openAttention } from "../../src/attention.ts";
import {
  addTo,
  leftOut,
  makeMass,
  type Mass,
  slackOf,
} from "../../src/method/mass.ts";
import type { Random } from "../../src/random.ts";
import { forSeeds } from "../scripts.ts";

/** Roundings of a bound, and what it has to spare for them. */
const SPARE = 2 ** -18;

/** A key: its score, and the size of its value. */
type Key = readonly [score: number, peak: number];

function massOf(keys: readonly Key[], slack = 0): Mass {
  const mass = makeMass();
  for (const [score, peak] of keys) addTo(mass, score, slack, peak);
  return mass;
}

/** Σ 2^score and Σ 2^score · peak. */
function sums(keys: readonly Key[]): { sum: number; magnitude: number } {
  let sum = 0, magnitude = 0;
  for (const [score, peak] of keys) {
    sum += 2 ** score;
    magnitude += 2 ** score * peak;
  }
  return { sum, magnitude };
}

function drawKeys(random: Random, count: number, spread: number): Key[] {
  return Array.from({ length: count }, () => [
    random.normal() * spread,
    random.integer(4) === 0 ? 0 : Math.abs(random.normal()),
  ]);
}

Deno.test("no key is no mass, and nothing is left out of it", () => {
  assertEquals(leftOut(massOf([[3, 1]]), makeMass(), 0), { share: 0, size: 0 });
  assertEquals(massOf([[-7, 0]]), {
    count: 1,
    sum: 1,
    magnitude: 0,
    peak: 0,
    slack: 0,
    anchor: -7,
  });
});

Deno.test("addTo() sums weights and weights times sizes, in any order", () => {
  forSeeds(200, (_, random) => {
    const keys = drawKeys(
      random,
      1 + random.integer(40),
      10 ** random.integer(3),
    );
    const mass = massOf(keys), exact = sums(keys), unit = 2 ** mass.anchor;
    assertEquals(mass.count, keys.length);
    assertEquals(mass.anchor, Math.round(Math.max(...keys.map(([t]) => t))));
    assertEquals(mass.peak, Math.max(...keys.map(([, peak]) => peak)));
    assertAlmostEquals(mass.sum * unit / exact.sum, 1, 2 ** -40);
    if (exact.magnitude > 0) {
      assertAlmostEquals(mass.magnitude * unit / exact.magnitude, 1, 2 ** -40);
    }
  });
});

Deno.test("addTo() bounds from above with a slack, from below with a negative one", () => {
  forSeeds(100, (_, random) => {
    const keys = drawKeys(random, 1 + random.integer(20), 3);
    const slack = 10 ** -random.integer(8),
      off = keys.map(
        ([score, peak]): Key => [
          score + slack * (2 * random.uniform() - 1),
          peak,
        ],
      );
    const [above, below] = [massOf(keys, slack), massOf(keys, -slack)];
    const there = sums(off);
    const at = (mass: Mass, sum: number) => sum * 2 ** mass.anchor;
    assert(at(above, above.sum) >= there.sum);
    assert(at(above, above.magnitude) >= there.magnitude);
    assert(at(below, below.sum) <= there.sum);
    assertEquals(above.slack, slack);
  });
});

Deno.test("scores of any size and distance neither overflow nor vanish", () => {
  for (const size of [1e3, 1e5, 1e15, 1e300]) {
    for (const order of [[-size, 0, size], [size, 0, -size], [0, size, size]]) {
      const mass = massOf(order.map((score): Key => [score, 2]));
      assertEquals(mass.anchor, size);
      const top = order.filter((score) => score === size).length;
      assertAlmostEquals(mass.sum, top, 1e-300);
      assertAlmostEquals(mass.magnitude, 2 * top, 1e-300);
    }
    // What is attended to is far above, or the slack is so large that nobody can tell.
    const one = massOf([[0, 1]]);
    assert(leftOut(massOf([[size, 1]]), one, 0).share <= 2 ** -800);
    assert(leftOut(massOf([[size, 1]]), one, 0).size <= 2 ** -800);
    assertEquals(leftOut(massOf([[size, 1]], -2 * size), one, 0).share, 1);
    const { share, size: least } = leftOut(one, massOf([[size, 3]]), 0);
    assertEquals(share, 1);
    assertAlmostEquals(least, 3, 3 * SPARE);
    const gone = leftOut(one, massOf([[0, 3]]), Infinity);
    assertAlmostEquals(gone.size, 1.5, SPARE);
  }
});

Deno.test("a key that weighs nothing beside the others makes them no less sure, whichever came first", () => {
  for (const far of [-2000, -1e300]) {
    for (const first of [true, false]) {
      const mass = makeMass();
      if (first) addTo(mass, far, 500, 7);
      addTo(mass, 0, 2 ** -40, 1);
      if (!first) addTo(mass, far, 500, 7);
      assertEquals([mass.count, mass.slack, mass.peak], [2, 2 ** -40, 7]);
      const { size } = leftOut(massOf([[0, 1]]), mass, 0);
      assertAlmostEquals(size, 1 / 2, SPARE);
    }
  }
});

Deno.test("leftOut() bounds what any of the others leave out, while no more is gone than it is told", () => {
  forSeeds(300, (_, random) => {
    const spread = 10 ** (random.integer(3) - 1);
    const top = drawKeys(random, 1 + random.integer(4), spread);
    const others = drawKeys(random, 1 + random.integer(6), spread);
    const attended = massOf(top), outside = massOf(others);
    const A = sums(top).sum;
    for (let part = 0; part < 2 ** others.length; part++) {
      const there = others.filter((_, at) => (part >> at) & 1);
      const left = others.filter((_, at) => !((part >> at) & 1));
      const gone = sums(left).sum * 2 ** -outside.anchor;
      const { share, size } = leftOut(attended, outside, gone);
      const { sum, magnitude } = sums(there);
      assert(sum / (A + sum) <= share, `share ${sum / (A + sum)}, ${share}`);
      assert(
        magnitude / (A + sum) <= size,
        `${magnitude / (A + sum)}, ${size}`,
      );
      // It gives away no more than what may be there.
      const all = sums(others);
      assertAlmostEquals(share * (A + all.sum) / all.sum, 1, SPARE);
      if (left.length === 0 && magnitude > 0) {
        assertAlmostEquals(size * (A + sum) / magnitude, 1, SPARE);
      }
    }
  });
});

Deno.test("leftOut() knows the least mass from the largest size, where nothing is sure to be there", () => {
  const others: Key[] = [[0, 4], [0, 1], [0, 1]];
  const { size } = leftOut(massOf([[0, 1]]), massOf(others), 1e9);
  assertAlmostEquals(size, 6 / (1 + 6 / 4), 6 * SPARE);
  assertEquals(leftOut(massOf([[0, 1]]), massOf([[0, 0]]), 1e9).size, 0);
  // A slack makes sure of less: all may weigh half of what is counted.
  const unsure = leftOut(
    massOf([[0, 1]]),
    massOf([[-0.5, 4], [-0.5, 1]], 0.5),
    0,
  );
  assertAlmostEquals(unsure.size, 5 / (1 + 5 / 4), 5 * SPARE);
});

Deno.test("slackOf() grows with the roundings of a score, and is never 0", () => {
  const a = createAttention({
    queries: [[3, 4]],
    keys: [[0, 0], [6, 8], [60, 80], [0, 0]],
    values: [[1], [1], [1], [1]],
    scale: -1,
  });
  const memory = openAttention("test", a);
  memory.keys.scoreBiases[3] = -1e9;
  const [none, some, more, biased] = [0, 1, 2, 3].map((slot) =>
    slackOf(memory, memory.rows.norms[0], slot)
  );
  assertEquals(none, 2048 * 2 ** -53);
  const unit = 2 ** -53 * Math.LOG2E * 50 * 13;
  assertAlmostEquals((some - none) / unit, 1, 1e-5);
  assertAlmostEquals((more - none) / unit, 10, 1e-4);
  assertAlmostEquals(biased - none, 1e10 * 2 ** -53, 1e-12);
});
