import { assert, assertEquals } from "@std/assert";
import {
  append,
  createAttention,
  flush,
  outputs,
  stats,
  update,
} from "../../mod.ts";
import { openAttention } from "../../src/attention.ts";
import { COLD } from "../../src/memory/log.ts";
import {
  isCurrent,
  settleLog,
  syncCosts,
  syncRows,
  syncWithin,
} from "../../src/sync/sync.ts";
import {
  attentionFor,
  drawModel,
  drawSettings,
  drawSteps,
  forSeeds,
  perform,
} from "../scripts.ts";
import { invariant } from "../memory/invariants.ts";

Deno.test("syncRows() brings up to date what is asked for, and nothing else", () => {
  const keys = Array.from({ length: 9 }, (_, at) => [at]);
  const a = createAttention({ keys, values: keys, queries: [[0], [1], [2]] });
  const memory = openAttention("test", a);
  const current = () => [0, 1, 2].map((row) => isCurrent(memory, row));
  assertEquals(current(), [false, false, false]);
  outputs(a, { ids: [2, 0, 2] });
  assertEquals([current(), stats(a).recomputed], [[true, false, true], 2]);
  update(a, 0, { values: [5] });
  syncRows(memory, Int32Array.of(0));
  assertEquals([current(), stats(a).synced], [[true, false, false], 1]);
  syncRows(memory, new Int32Array(0));
  assertEquals(current(), [true, false, false]);
});

Deno.test("syncCosts() is what syncRows() spends, unless a row's sums cannot hold a change", () => {
  let exact = 0, reads = 0;
  const seeds = forSeeds(60, (_, random, at) => {
    const settings = drawSettings(random), model = drawModel(random, settings);
    const a = attentionFor(model), memory = openAttention("test", a);
    for (let step = 1; step <= 25; step++) {
      at(step);
      perform(a, drawSteps(random, settings, model).steps);
      for (const row of memory.rows.slots.slots.subarray(0, 3)) {
        if (row < 0 || memory.rows.slots.idOf[row] < 0) continue;
        if (random.integer(2) > 0) continue;
        const cost = syncCosts(memory, [row]), cold = memory.rows.clocks[row];
        const before = stats(a);
        syncRows(memory, Int32Array.of(row));
        const spent = stats(a).multiplyAdds - before.multiplyAdds;
        assertEquals([syncCosts(memory, [row]), isCurrent(memory, row)], [
          0,
          true,
        ]);
        reads++;
        // A cold row with a mask is said to cost all keys.
        if (cold === COLD) assert(spent <= cost);
        else if (stats(a).recomputed === before.recomputed) {
          assertEquals(spent, cost);
        }
        if (spent === cost) exact++;
      }
      invariant(a);
    }
  });
  assert(seeds === 1 || exact >= 0.8 * reads, `${exact} of ${reads}`);
});

Deno.test("syncWithin() keeps to its work, whatever happens", () => {
  forSeeds(60, (_, random, at) => {
    const settings = drawSettings(random, { wild: true });
    const model = drawModel(random, settings, 12, 2);
    const a = attentionFor(model), memory = openAttention("test", a);
    for (let step = 1; step <= 25; step++) {
      at(step);
      perform(a, drawSteps(random, settings, model).steps);
      for (const row of memory.rows.slots.slots.subarray(0, 2)) {
        if (row < 0 || memory.rows.slots.idOf[row] < 0) continue;
        const work = random.integer(300), before = stats(a).multiplyAdds;
        const left = syncWithin(memory, row, work);
        assert(stats(a).multiplyAdds - before <= work);
        assertEquals(left, syncCosts(memory, [row]));
        if (left === 0) assert(isCurrent(memory, row));
      }
      invariant(a);
    }
  });
});

Deno.test("a mask that throws at any question of a read loses nothing, nor does it when it throws again", () => {
  const keys = Array.from({ length: 9 }, (_, at) => [at / 9]);
  const base = { values: keys, queries: [[0], [1], [2]] };
  const moved = keys.map((key, at) => at === 4 || at === 5 ? [at] : key);
  const twin = createAttention({ ...base, keys: moved });
  append(twin, [0.5], [0.5]);
  const expected = outputs(twin).data;
  let questions = Infinity, cold = 0, current = 0;
  for (let fuse = 0; questions === Infinity; fuse++) {
    let left = Infinity;
    const a = createAttention({
      ...base,
      keys,
      mask: () => {
        if (--left < 0) throw new EvalError("mine");
        return true;
      },
    });
    const { rows, log } = openAttention("test", a);
    outputs(a, { ids: [0, 1] });
    update(a, [4, 5], { keys: [[4], [5]] });
    // Row 1 is behind by two keys, row 0 by one, row 2 by all of them.
    outputs(a, { ids: 0 });
    append(a, [0.5], [0.5]);
    for (const again of [0, 3]) {
      left = fuse + again;
      try {
        outputs(a);
        if (again === 0) questions = fuse;
      } catch (error) {
        assert(error instanceof EvalError);
      }
      left = Infinity;
      invariant(a);
      for (const clock of rows.clocks.subarray(0, 3)) {
        if (clock === COLD) cold++;
        if (clock === log.clock) current++;
      }
    }
    assertEquals(outputs(a).data, expected);
    invariant(a);
  }
  // Two plans and two moves of one and of three keys, one row from the start.
  assert(questions > 20, `${questions} questions`);
  assert(cold > 20 && current > 20, `${cold} cold, ${current} up to date`);
});

Deno.test("settleLog() forgets once all rows are up to date", () => {
  const a = createAttention({
    keys: [[1]],
    values: [[1]],
    queries: [[1], [2]],
  });
  const memory = openAttention("test", a);
  outputs(a);
  update(a, 0, { values: [2] });
  assertEquals([memory.log.versions.used, a.pending], [1, 1]);
  flush(a);
  assertEquals([memory.log.versions.used, a.pending], [0, 0]);
  // Reading one row twice is not reading two.
  update(a, 0, { values: [3] });
  outputs(a, { ids: [1, 1] });
  settleLog(memory, 2);
  assertEquals([memory.log.versions.used, a.pending], [1, 1]);
  outputs(a, { ids: [0, 1, 0] });
  assertEquals([memory.log.versions.used, a.pending], [0, 0]);
});
