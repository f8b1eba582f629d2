import { assert, assertEquals } from "@std/assert";
import {
  type Best,
  bestBytes,
  isWorn,
  makeBest,
  place,
  push,
  seal,
  takeOut,
} from "../../src/method/best.ts";
import { addTo } from "../../src/method/mass.ts";
import type { Random } from "../../src/random.ts";
import { forSeeds } from "../scripts.ts";

/** A key of the plain model. */
interface Scored {
  id: number;
  slot: number;
  score: number;
}

const NOBODY = () => {
  throw new Error("nobody should leave");
};

/** What a buffer holds, best first. */
function held({ size, slots, ids, scores }: Best): Scored[] {
  return Array.from(
    { length: size },
    (_, at) => ({ id: ids[at], slot: slots[at], score: scores[at] }),
  );
}

/** Best first: the larger score, of equals the smaller id. */
function ranked(keys: Iterable<Scored>): Scored[] {
  return [...keys].sort((a, b) => b.score - a.score || a.id - b.id);
}

/** A buffer filled with the best of some keys, and what counts those that leave it. */
function fill(keys: readonly Scored[], most: number): Best {
  const best = makeBest(), order = ranked(keys);
  for (const { slot, id, score } of order.slice(0, most)) {
    push(best, most, slot, id, score);
  }
  for (const { score } of order.slice(most)) {
    addTo(best.outside, score, 0, 1);
  }
  seal(best);
  return best;
}

Deno.test("an empty buffer takes whatever comes, in order", () => {
  const best = makeBest();
  assertEquals(place(best, 3, 7, 0, 1, NOBODY), 0);
  assertEquals(place(best, 3, 5, 1, 2, NOBODY), 0);
  assertEquals(place(best, 3, 6, 2, -1e300, NOBODY), 2);
  assertEquals(held(best).map(({ slot }) => slot), [5, 7, 6]);
  assertEquals([best.outside.count, isWorn(best)], [0, false]);
});

Deno.test("of equal scores the smaller id comes first, whichever came first, and the larger one leaves", () => {
  for (const ids of [[1, 2, 3], [3, 2, 1], [2, 3, 1]]) {
    const best = makeBest(), left: number[] = [];
    const leave = (slot: number) => {
      left.push(slot);
      addTo(best.outside, 5, 0, 1);
    };
    for (const id of ids) place(best, 2, 10 * id, id, 5, leave);
    assertEquals(held(best).map(({ id }) => id), [1, 2]);
    assertEquals([best.floorScore, best.floorId, left], [5, 3, [30]]);
  }
});

Deno.test("place() tells the first place from which on the order is another", () => {
  const best = fill(
    [9, 7, 5, 3, 1].map((score, id) => ({ id, slot: id, score })),
    4,
  );
  const left: [number, number][] = [];
  const leave = (slot: number, score: number) => {
    left.push([slot, score]);
    addTo(best.outside, score, 0, 1);
  };
  assertEquals(place(best, 4, 10, 10, 2, leave), Infinity);
  assertEquals(place(best, 4, 11, 11, 6, leave), 2);
  assertEquals(held(best).map(({ score }) => score), [9, 7, 6, 5]);
  // Better than the floor, which is that of the key that left last, and worse than all that are inside.
  assertEquals([best.floorScore, best.floorId], [3, 3]);
  assertEquals(place(best, 4, 12, 12, 4, leave), Infinity);
  assertEquals(left, [[10, 2], [3, 3], [12, 4]]);
  assertEquals([best.floorScore, best.floorId], [4, 12]);
  assertEquals(takeOut(best, (slot) => slot === 11), 2);
  assertEquals(takeOut(best, (slot) => slot === 11), Infinity);
  assertEquals(place(best, 4, 13, 13, 4.5, leave), 3);
});

Deno.test("a buffer is the best there are, whatever changes, and counts at least the mass outside", () => {
  let refills = 0, overflows = 0, shrunk = 0, ties = 0;
  const seeds = forSeeds(80, (_, random, at) => {
    const keys = new Map<number, Scored>(), most = 1 + random.integer(9);
    let next = 0;
    const score = () => random.integer(12) - 6;
    const add = (slot = next) =>
      keys.set(next, { id: next++, slot, score: score() });
    for (let i = random.integer(25); i > 0; i--) add();
    let best = fill([...keys.values()], most);
    for (let step = 1; step <= 60; step++) {
      at(step);
      const before = held(best);
      const changed = draw(random, [...keys.keys()]);
      const slots = new Set(changed.map((id) => keys.get(id)!.slot));
      let first = takeOut(
        best,
        random.integer(2) > 0
          ? (slot) => slots.has(slot)
          : (_, id) => changed.includes(id),
      );
      const coming: Scored[] = [];
      for (const id of changed) {
        const old = keys.get(id)!;
        keys.delete(id);
        if (random.integer(3) === 0) continue;
        // Another key in the same slot, or the same one with another score.
        if (random.integer(4) === 0) add(old.slot);
        else keys.set(id, { ...old, score: score() });
        coming.push(keys.get([...keys.keys()].at(-1)!)!);
      }
      if (random.integer(2) > 0) {
        add();
        coming.push(keys.get(next - 1)!);
      }
      const out = best.outside.count;
      const leave = (slot: number, score: number) => {
        const key = [...keys.values()].find((key) => key.slot === slot)!;
        assertEquals(key.score, score, "the score of a key that leaves");
        addTo(best.outside, score, 0, 1);
      };
      for (const { slot, id, score } of coming) {
        const place_ = place(best, most, slot, id, score, leave);
        first = Math.min(first, place_);
      }
      if (best.outside.count > out) overflows++;
      const now = held(best), order = ranked(keys.values());
      assertEquals(now, order.slice(0, best.size));
      assert(best.size <= most && now.length <= best.slots.length);
      if (best.outside.count === 0) assertEquals(best.size, keys.size);
      // What is said to stand where it stood does.
      const stands = Math.min(first, Math.max(before.length, now.length));
      const kept = Math.min(stands, most, before.length);
      if (first < Infinity) {
        assertEquals(now.slice(0, kept), before.slice(0, kept));
      } else assertEquals(now, before.slice(0, now.length));
      const outside = order.slice(best.size);
      for (const { score, id } of outside) {
        const floor = { id: best.floorId, slot: 0, score: best.floorScore };
        const key = { id, slot: 0, score };
        assert(
          ranked([floor, key])[0].id === floor.id,
          "better than the floor",
        );
      }
      if (new Set(order.map(({ score }) => score)).size < order.length) ties++;
      const mass = outside.reduce((sum, { score }) => sum + 2 ** score, 0);
      assert(
        best.outside.sum * 2 ** best.outside.anchor >= mass * (1 - 2 ** -40),
        "mass outside",
      );
      if (best.size < most && outside.length > 0) shrunk++;
      if (isWorn(best) || (best.size === 0 && outside.length > 0)) {
        refills++;
        best = fill([...keys.values()], most);
      }
    }
  });
  assert(
    seeds === 1 ||
      [refills, overflows, shrunk, ties].every((count) => count > 20),
    `${[refills, overflows, shrunk, ties]}`,
  );
});

/** Some of a list, none twice. */
function draw(random: Random, ids: number[]): number[] {
  return ids.filter(() => random.integer(4) === 0);
}

Deno.test("a buffer is worn once more keys have come out than were outside, and 32 more", () => {
  const keys = Array.from(
    { length: 15 },
    (_, id) => ({ id, slot: id, score: -id }),
  );
  const best = fill(keys, 10);
  assertEquals([best.others, best.floorScore, best.floorId], [5, -9, 9]);
  for (let count = 5; count <= 2 * 5 + 32; count++) {
    assertEquals(isWorn(best), false);
    addTo(best.outside, -20, 0, 1);
  }
  assertEquals(isWorn(best), true);
  assertEquals(isWorn(fill(keys, 15)), false);
});

Deno.test("bestBytes() counts the arrays, which have room for one key more than the buffer at most", () => {
  const best = makeBest(), empty = bestBytes(best);
  for (let id = 0; id < 21; id++) place(best, 40, id, id, -id, NOBODY);
  const { slots, ids, scores } = best;
  assertEquals(
    bestBytes(best) - empty,
    slots.byteLength + ids.byteLength + scores.byteLength,
  );
  assert(slots.length >= 21 && slots.length <= 41);
  for (let id = 21; id < 60; id++) {
    place(best, 40, id, id, -id, () => addTo(best.outside, 0, 0, 0));
  }
  assertEquals([best.size, best.slots.length], [40, 41]);
});
