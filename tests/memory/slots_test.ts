import { assert, assertEquals } from "@std/assert";
import {
  addSlot,
  addSlots,
  dropSlot,
  growSlots,
  listIds,
  listSlots,
  makeSlots,
  slotOf,
  slotsBytes,
} from "../../src/memory/slots.ts";
import { forSeeds, pick } from "../scripts.ts";
import { checkSlots } from "./invariants.ts";

Deno.test("an empty table has no ids, and finds none", () => {
  const table = makeSlots();
  checkSlots(table);
  assertEquals([listIds(table), slotOf(table, 0), slotsBytes(table)], [
    [],
    -1,
    0,
  ]);
});

Deno.test("a table says of every id what a Map says, whatever came and went", () => {
  forSeeds(60, (_, random, at) => {
    const table = makeSlots(), model = new Map<number, number>();
    let next = 0;
    // Ids that follow one another are found by a guess, ids with gaps by searching.
    const gap = pick(random, [1, 1, 5]), drops = pick(random, [2, 4, 6]);
    for (let step = 1; step <= 300; step++) {
      at(step);
      const ids = [...model.keys()];
      if (random.integer(10) < drops && ids.length > 0) {
        const id = random.integer(3) === 0 ? ids[0] : pick(random, ids);
        assertEquals(dropSlot(table, id), model.get(id));
        model.delete(id);
      } else {
        const count = pick(random, [0, 1, 1, 1, 7]);
        if (table.used + count > table.idOf.length + table.freeCount) {
          growSlots(table, table.used + count + random.integer(9));
        }
        const added = Array.from({ length: count }, () => {
          const id = next + random.integer(gap);
          next = id + 1;
          return id;
        });
        const slots = count === 1
          ? [addSlot(table, added[0])]
          : addSlots(table, added);
        added.forEach((id, at) => {
          const slot = slots[at], taken = [...model.values()].includes(slot);
          assert(!taken, `slot ${slot} is taken`);
          model.set(id, slot);
        });
      }
      checkSlots(table);
      assertEquals([listIds(table), table.size, table.next], [
        [...model.keys()],
        model.size,
        next,
      ]);
      for (const id of [random.integer(next + 2), ...ids.slice(0, 3)]) {
        assertEquals(slotOf(table, id), model.get(id) ?? -1, `id ${id}`);
      }
      assertEquals([...listSlots(table)], [...model.values()]);
    }
  });
});

Deno.test("an id is found in one look where ids follow one another, in few however they are spread", () => {
  const count = 4096;
  const cases: [name: string, ids: (at: number) => number, most: number][] = [
    ["one by one", (at) => at, 1],
    ["every third", (at) => 7 + 3 * at, 1],
    ["a far one", (at) => at + 1 < count ? at : 2 ** 32 - 1, 24],
    ["further and further apart", (at) => at + Math.floor(2 ** (at / 129)), 24],
    ["two crowds", (at) => at < count / 2 ? at : 2 ** 31 + at, 24],
  ];
  for (const [name, idAt, most] of cases) {
    const table = makeSlots();
    growSlots(table, count);
    for (let at = 0; at < count; at++) addSlot(table, idAt(at));
    // Each look reads both ends, and a number between them twice at most.
    let reads = 0;
    const ids = new Proxy(table.ids, {
      get(target, place) {
        reads++;
        return Reflect.get(target, place, target);
      },
    });
    for (let at = 0; at < count; at++) {
      reads = 0;
      assertEquals(slotOf({ ...table, ids }, idAt(at)), at, name);
      assert(reads <= 4 * most, `${name}: ${reads} reads for id ${idAt(at)}`);
    }
    for (const id of [-1, 0.5, idAt(count - 1) + 1, NaN]) {
      assertEquals(slotOf(table, id), -1, `${name}: id ${id}`);
    }
  }
});

Deno.test("a window that slides for ever keeps its table small, and slots are used again", () => {
  const table = makeSlots(), window = 10;
  growSlots(table, window + 1);
  for (let id = 0; id < 10_000; id++) {
    addSlot(table, id);
    if (id >= window) dropSlot(table, id - window);
  }
  checkSlots(table);
  assertEquals(table.used, window + 1);
  assert(table.ids.length <= 8 * window, `${table.ids.length} entries`);
});
