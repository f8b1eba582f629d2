import { assertEquals } from "@std/assert";
import { append, createAttention, edit, remove, update } from "../../mod.ts";
import { openAttention } from "../../src/attention.ts";
import { bringNear } from "../../src/memory/near.ts";

const DIM = 64;

/** Rows whose cache lines begin with 1, 2, 3 and 4. */
function rows(count: number): Float32Array {
  return Float32Array.from(
    { length: count * DIM },
    (_, i) => i % 16 === 0 ? 1 + Math.floor(i % DIM / 16) : 0.5,
  );
}

function made(count: number) {
  const a = createAttention({
    keys: rows(count),
    values: rows(count),
    dim: DIM,
  });
  return { a, memory: openAttention("test", a) };
}

Deno.test("bringNear() looks at every line of a key and all that is known of it", () => {
  const { memory } = made(4096), slot = 1000, other = 3000;
  const { keys, log } = memory;
  // Written one after the other, the neighbours of a slot are those beside it.
  const expected = () =>
    2 * (1 + 2 + 3 + 4) + 2 * DIM + keys.norms[slot] + keys.peaks[slot] +
    log.written[slot] + log.scored[slot] + log.newest[slot] +
    keys.scoreBiases[slot] + keys.slots.idOf[slot] + 2 * slot;
  bringNear(memory, [other, -1, slot, -2]);
  assertEquals(memory.touched, expected());
});

Deno.test("bringNear() leaves keys alone that are near anyway", () => {
  const { memory } = made(1024);
  bringNear(memory, [5]);
  assertEquals(memory.touched, 0);
});

Deno.test("writes to many keys bring them near, the first and last of the list among them", () => {
  const { a, memory } = made(4096), [row] = [rows(1)];
  const changes: [name: string, change: (id: number) => unknown][] = [
    ["update", (id) => update(a, id, { keys: row })],
    ["edit", (id) => edit(a, { values: [[id, 0, 1]] })],
    ["remove", (id) => remove(a, id)],
  ];
  for (const [name, change] of changes) {
    for (const at of [0, memory.keys.slots.length - 1]) {
      const id = memory.keys.slots.ids[at];
      memory.touched = 0;
      change(id);
      assertEquals(memory.touched > 0, true, `${name} ${id}`);
      if (name === "remove") append(a, row, row);
    }
  }
});
