import { assert, assertEquals } from "@std/assert";
import {
  admit,
  append,
  createAttention,
  outputs,
  remove,
  stats,
} from "../../mod.ts";
import { openAttention } from "../../src/attention.ts";
import { CsrMatrix } from "../../src/matrix/csr.ts";
import { edgesOf } from "../../src/memory/edges.ts";
import { admits } from "../../src/memory/mask.ts";

Deno.test("admits() asks each kind of mask its own question", () => {
  assertEquals(admits({ kind: "all" }, 0, -1, 9), true);
  const causal = { kind: "causal" } as const;
  assertEquals([4, 5, 6].map((key) => admits(causal, 0, 5, key)), [
    true,
    true,
    false,
  ]);
  const mask = {
    kind: "predicate",
    admits: (query: number, key: number) => query === 1 && key > 2,
  } as const;
  assertEquals(
    [[0, 3], [1, 3], [1, 2]].map(([q, k]) => admits(mask, q, 0, k)),
    [
      false,
      true,
      false,
    ],
  );
  const edges = edgesOf(CsrMatrix.fromDense([[0, 1]]));
  assertEquals(
    [0, 1, 2].map((key) => admits({ kind: "edges", edges }, 0, 0, key)),
    [false, true, false],
  );
  assertEquals(admits({ kind: "edges", edges }, 7, 0, 1), false);
});

Deno.test("edges of keys that came and went take no memory, whether or not their query is read", () => {
  for (const read of [true, false]) {
    const a = createAttention({
      dim: 1,
      queries: [[1]],
      keys: [[1]],
      values: [[1]],
      mask: CsrMatrix.fromDense([[1]]),
    });
    outputs(a);
    const cycle = () => {
      const [id] = append(a, [2], [3]);
      admit(a, [[0, id]]);
      if (read) outputs(a);
      remove(a, id);
      if (read) outputs(a);
      else admit(a, [[0, 0]]);
    };
    for (let i = 0; i < 200; i++) cycle();
    const { bytes } = stats(a);
    for (let i = 0; i < 3000; i++) cycle();
    // Without a read the row notes that key 0 was there before.
    const { pairs } = openAttention("test", a);
    assertEquals(pairs.unseen.size, 0);
    assert(stats(a).bytes <= bytes + 1000, `${stats(a).bytes}`);
    outputs(a);
    assert(stats(a).bytes <= bytes + 1000, `${stats(a).bytes} of ${bytes}`);
    assertEquals(outputs(a).to2DArray(), [[1]]);
  }
});
