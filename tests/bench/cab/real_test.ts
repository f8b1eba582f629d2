/**
 * Real inputs: published figures come out again where no chance is involved, and nearly where it is.
 *
 * @module
 */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertLess,
} from "@std/assert";
import { REAL } from "../../../bench/cab/methods.ts";
import { readSets, runSet } from "../../../bench/cab/real.ts";

/** Published to three digits after the point: half a unit of the last. */
const PUBLISHED = 0.5e-3;
/** How far a median of a few seeds may be from that of a few others: what one seed is from another, at most. */
const CHANCE = 0.12;
const SEEDS = [1, 2];
const [useLite, stories, wordnet] = readSets();

for (const set of [useLite, stories]) {
  Deno.test(`runSet() of ${set.name}: published figures come out again`, () => {
    const known = REAL.filter(({ name }) =>
      set.published[name.replace(", ours", "")] !== undefined
    );
    const { errors } = runSet(set, known, SEEDS);
    assertEquals(errors.length, 8);
    for (const error of errors) {
      const { contestant, median, least, most } = error;
      const published = error.published!;
      if (contestant.startsWith("SMYRF")) {
        assertLess(least, most);
        assertLess(Math.abs(median! / published - 1), CHANCE);
      } else assertAlmostEquals(median!, published, PUBLISHED, contestant);
    }
  });
}

Deno.test("runSet() of wordnet has the figures that NumPy has of the same files", () => {
  const expected: Record<string, number> = {
    "mean of V": 0.7176,
    "topK(16), ours": 0.0713,
    "Nyström 16, published": 0.6531,
    "Nyström 32, published": 0.6361,
    "Nyström 64, published": 0.6073,
  };
  const names = Object.keys(expected);
  const { errors } = runSet(
    wordnet,
    REAL.filter(({ name }) => names.includes(name)),
    [1],
  );
  assertEquals(errors.length, names.length);
  for (const { contestant, median } of errors) {
    // Computed to four digits: half a unit of the last.
    assertAlmostEquals(median!, expected[contestant], 0.5e-4, contestant);
  }
});

Deno.test("runSet() leaves a gap with its reason where a contestant refuses", () => {
  const smyrf = REAL.find(({ name }) => name.startsWith("SMYRF"))!;
  const head = { ...useLite.heads[0], pattern: "CC" as const };
  const { errors: [error] } = runSet({ ...useLite, heads: [head] }, [smyrf], [
    1,
  ]);
  assertEquals(error.median, null);
  assert(error.reason!.startsWith("Cannot attend: published SMYRF 4 × 16 is"));
});
