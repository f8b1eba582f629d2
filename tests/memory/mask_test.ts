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
import {
  admits,
  edgesBytes,
  edgesOf,
  hasEdge,
  setEdge,
} from "../../src/memory/mask.ts";
import { forSeeds } from "../scripts.ts";

Deno.test("edgesOf() lists the entries that are not 0, for queries that have some", () => {
  const pattern = CsrMatrix.fromTriples(4, 5, [
    [3, 4, 1],
    [0, 3, -2],
    [0, 1, 1],
    [0, 2, 0],
    [2, 0, 0],
  ]);
  assertEquals([...edgesOf(pattern)], [[0, [1, 3]], [3, [4]]]);
  assertEquals(edgesOf(new CsrMatrix(0, 0, [0], [], [])).size, 0);
});

Deno.test("setEdge() and hasEdge() are a set of pairs, in ascending order", () => {
  forSeeds(40, (_, random, at) => {
    const edges = edgesOf(new CsrMatrix(0, 0, [0], [], []));
    const model = new Set<string>();
    for (let step = 1; step <= 200; step++) {
      at(step);
      const query = random.integer(4), key = random.integer(12);
      const present = random.integer(2) > 0, name = `${query} ${key}`;
      assertEquals(
        setEdge(edges, query, key, present),
        model.has(name) !== present,
      );
      if (present) model.add(name);
      else model.delete(name);
      for (let other = 0; other < 12; other++) {
        assertEquals(
          hasEdge(edges, query, other),
          model.has(`${query} ${other}`),
        );
      }
      const keys = edges.get(query) ?? [];
      assertEquals(keys, [...new Set(keys)].sort((a, b) => a - b));
    }
    const listed = [...edges.values()].reduce(
      (sum, { length }) => sum + length,
      0,
    );
    assertEquals(edgesBytes(edges), 80 * edges.size + 12 * listed);
    assertEquals(listed, model.size);
  });
});

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
    admits: (query: number, key: number) =>
      query === 1 && (key > 2 || "yes" as unknown as boolean),
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
    // Without a read the list keeps the dead until the next one, but nothing is noted for the row.
    const { rows } = openAttention("test", a);
    assertEquals(rows.flips.size, 0);
    if (read) assert(stats(a).bytes <= bytes + 1000, `${stats(a).bytes}`);
    outputs(a);
    assert(stats(a).bytes <= bytes + 1000, `${stats(a).bytes} of ${bytes}`);
    assertEquals(outputs(a).to2DArray(), [[1]]);
  }
});
