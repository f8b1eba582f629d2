/**
 * The fifth axis: what the streams do to a mirror they do to an attention, and costs are counted.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertNotEquals,
} from "@std/assert";
import { type Cost, runStream } from "../../../bench/cab/edits.ts";
import {
  type Change,
  mirrorChange,
  startingMemory,
  STREAMS,
} from "../../../bench/cab/streams.ts";
import { MAINTAINED, RESTARTED } from "../../../bench/cab/methods.ts";
import { Refusal } from "../../../bench/cab/refusals.ts";
import { seeded } from "../../../src/random.ts";

/** Outputs are rounded to 32 significant bits, so to 2⁻³² of their size, which the binade makes twice as much. */
const CANONICAL = 2 ** -31;
const COURSE = { every: 3, reads: 2, rounds: 1 };
const [EXACT, BEST] = MAINTAINED, [RESTART] = RESTARTED;

for (const stream of STREAMS) {
  Deno.test(`${stream.name}: a maintained attention holds what the mirror holds, and does less than starting over`, () => {
    const race = runStream(stream, COURSE, [EXACT, BEST], [RESTART]);
    const exact = costOf(race.maintained[EXACT.name]);
    const best = costOf(race.maintained[BEST.name]);
    const restarted = costOf(race.restarted[RESTART.name]);
    assertLess(exact.error, CANONICAL);
    assertGreater(best.error, exact.error);
    assertLess(restarted.error, 1e-5);
    assertLess(exact.multiplyAdds, restarted.multiplyAdds);
    for (const { time, bytes } of [exact, best, restarted]) {
      assertGreater(time, 0);
      assertGreater(bytes, 0);
    }
    const again = runStream(stream, { ...COURSE, rounds: 2 }, [EXACT], []);
    const { multiplyAdds, error, bytes } = costOf(again.maintained[EXACT.name]);
    assertEquals(
      { multiplyAdds, error, bytes },
      {
        multiplyAdds: exact.multiplyAdds,
        error: exact.error,
        bytes: exact.bytes,
      },
    );
  });

  Deno.test(`${stream.name}: each change moves what it says and nothing else`, () => {
    const memory = startingMemory(), random = seeded(1);
    const { keys, values } = memory.problem;
    assertEquals(keys, values);
    const kinds: Record<string, Change["verb"]> = {
      "append and evict": "append",
      "element edits": "edit",
    };
    for (let step = 0; step < 5; step++) {
      const before = keys.data.slice(), count = memory.count;
      const change = stream.draw(random, memory);
      assertEquals(change.verb, kinds[stream.name] ?? "update");
      mirrorChange(memory, change);
      const row = change.verb === "append" ? count % 256 : change.id;
      assertNotEquals(keys.row(row), before.slice(row * 512, (row + 1) * 512));
      let moved = 0;
      keys.data.forEach((number, at) => {
        assertEquals(number, Math.fround(number));
        if (number === before[at]) return;
        assertEquals(Math.floor(at / 512), row);
        moved++;
      });
      if (change.verb === "edit") assertEquals(moved, 4);
      assertEquals(memory.count - count, change.verb === "append" ? 1 : 0);
    }
  });
}

Deno.test("runStream() counts for a change what it costs, and not what filling the memory did", () => {
  const costs = [1, 2].map((reads) => {
    const course = { every: 1, reads, rounds: 1 };
    return costOf(
      runStream(STREAMS[0], course, [EXACT], []).maintained[EXACT.name],
    ).multiplyAdds;
  });
  assertEquals(costs[0], costs[1]);
});

Deno.test("mirrorChange() sums edits of one number before it rounds", () => {
  const memory = startingMemory(), { keys } = memory.problem;
  const before = keys.get(7, 3), half = 2 ** -26;
  mirrorChange(memory, {
    verb: "edit",
    id: 7,
    deltas: [[3, 1 - before], [3, half], [3, half], [3, half], [3, half]],
  });
  // Alone none of the four would move 1.
  assertEquals(Math.fround(1 + half), 1);
  assertEquals(keys.get(7, 3), Math.fround(1 + 4 * half));
});

Deno.test("runStream() leaves a refusal where an attention cannot be made", () => {
  const method = { name: "made by nobody" };
  const { maintained } = runStream(
    STREAMS[0],
    COURSE,
    [{ name: "none", budget: "none", method: () => method }],
    [],
  );
  assert(maintained.none instanceof Refusal);
  assertEquals(
    maintained.none.reason.startsWith(
      "Cannot create an attention: method is ",
    ),
    true,
    maintained.none.reason,
  );
});

function costOf(cost: Cost | Refusal): Cost {
  assert(!(cost instanceof Refusal));
  return cost;
}
