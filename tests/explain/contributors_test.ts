/**
 * The keys that outputs come from, on small attentions and on the memory of definitions.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  append,
  createAttention,
  ids,
  outputs,
  remove,
  update,
  weights,
} from "../../mod.ts";
import {
  contributors,
  effectiveAttention,
  freedom,
  liveValues,
  minimumNormAttention,
  outputShares,
  sparseAttention,
} from "../../src/explain/mod.ts";
import { loadNouns } from "../../examples/semantic_memory/memory_data.ts";
import { learn, makeMemory } from "../../examples/semantic_memory/memory.ts";
import { anything, refuses } from "../refusals.ts";
import { sameBits, within } from "../same.ts";
import { forSeeds, normals } from "../scripts.ts";

Deno.test("contributors() of nothing are none", () => {
  const attention = createAttention({ dim: 1, valueDim: 1 });
  assertEquals(contributors(attention, 3), []);
  const lonely = createAttention({ queries: [[1]], dim: 1, valueDim: 2 });
  const nothing = [{ query: 0, keys: [], rest: { weight: 0, share: 0 } }];
  assertEquals(contributors(lonely, 3), nothing);
  append(lonely, [2], [0, 0], { bias: -Infinity });
  assertEquals(contributors(lonely, 3), nothing);
  append(lonely, [2], [0, 0]);
  assertEquals(contributors(lonely, 3)[0].keys, [{
    key: 1,
    weight: 1,
    effective: 0,
    share: 0,
  }]);
});

Deno.test("contributors() refuses queries and counts that are none", () => {
  const attention = createAttention({
    queries: [[1]],
    keys: [[1]],
    values: [[1]],
  });
  const verb = "Cannot name contributors:";
  refuses(
    () => contributors(anything(4), 1),
    TypeError,
    `${verb} attention is 4, it should be made by createAttention or restore`,
  );
  refuses(
    () => contributors(attention, -1),
    RangeError,
    `${verb} count is -1, it should be a whole number from 0 on`,
  );
  refuses(
    () => contributors(attention, 1, anything({ id: 0 })),
    TypeError,
    `${verb} unknown option "id", it should be one of ids, projection`,
  );
  refuses(
    () => contributors(attention, 1, { ids: 5 }),
    RangeError,
    "Cannot read weights: query 5 is unknown, it should be one of 1 live id",
  );
  refuses(
    () => liveValues(anything(null)),
    TypeError,
    "Cannot read live values: attention is null, it should be made by createAttention or restore",
  );
});

Deno.test("contributors() are the parts of plain explanations, by share, weight and id", () => {
  forSeeds(40, (_, random) => {
    const rows = (count: number, width: number) =>
      Array.from({ length: count }, () => normals(random, width, 1));
    const count = 2 + random.integer(12), keys = rows(count, 2);
    const attention = createAttention({
      queries: rows(3, 2),
      keys,
      values: rows(count, 3),
      mask: "causal",
    });
    remove(attention, random.integer(count));
    append(attention, keys.slice(0, 2), rows(2, 3));
    const options = random.integer(2) ? {} : { projection: rows(3, 2) };
    const { matrix, queries } = weights(attention), live = ids(attention);
    const values = liveValues(attention);
    const shares = outputShares(matrix, values, options);
    const effective = effectiveAttention(matrix, values, options);
    const named = random.integer(6);
    const found = contributors(attention, named, options);
    assertEquals(found.map(({ query }) => query), queries);
    found.forEach(({ keys, rest }, row) => {
      const attended = live.filter((_, column) => matrix.get(row, column) > 0);
      const all = attended.map((key) => {
        const column = live.indexOf(key);
        return {
          key,
          weight: matrix.get(row, column),
          effective: effective.get(row, column),
          share: shares.get(row, column),
        };
      }).sort((a, b) =>
        b.share - a.share || b.weight - a.weight || a.key - b.key
      );
      assertEquals(keys, all.slice(0, named));
      const sum = (field: "weight" | "share") =>
        all.slice(named).reduce((total, one) => total + one[field], 0);
      assertEquals(rest, { weight: sum("weight"), share: sum("share") });
    });
    assertEquals(contributors(attention, 2, { ...options, ids: [2, 0] }), [
      contributors(attention, 2, { ...options, ids: 2 })[0],
      contributors(attention, 2, { ...options, ids: 0 })[0],
    ]);
  });
});

Deno.test("contributors() of equal shares go by weight, then by id", () => {
  const attention = createAttention({
    queries: [[1]],
    keys: [[0], [1], [0], [1]],
    values: [[0], [0], [0], [0]],
  });
  const [{ keys }] = contributors(attention, 4);
  assertEquals(keys.map(({ key }) => key), [1, 3, 0, 2]);
});

Deno.test("liveValues() are what is stored of the live keys by id, dense or sparse", () => {
  const attention = createAttention({
    keys: [[1], [2], [3]],
    values: [[0, 0.1, 0], [0, 0, 0], [7, 0, 0]],
  });
  remove(attention, 1);
  update(attention, 0, { values: [0, 0, 0.3] });
  append(attention, [1], [1, 2, 3]);
  sameBits(liveValues(attention).data, [
    0,
    0,
    Math.fround(0.3),
    7,
    0,
    0,
    1,
    2,
    3,
  ], "values");
  assertEquals(liveValues(createAttention({ dim: 1, valueDim: 2 })).columns, 2);
});

Deno.test("the votes of a memory of definitions are told by one definition of each kind", async () => {
  const nouns = await loadNouns(
    new URL("../../examples/semantic_memory/", import.meta.url),
  );
  const memory = makeMemory(nouns, nouns.list.slice(0, 8));
  for (const noun of nouns.list.slice(0, 120)) learn(memory, noun);
  const { attention } = memory, { matrix } = weights(attention);
  const values = liveValues(attention), told = outputs(attention);
  const kinds = new Set(nouns.list.slice(0, 120).map(({ kind }) => kind)).size;
  const { output, distribution } = freedom(matrix, values);
  // Votes are 1 among zeros, so the ones add nothing to them.
  assertEquals([...output], told.to2DArray().map(() => 120 - kinds));
  assertEquals(distribution, output);
  const sparse = sparseAttention(matrix, values);
  const even = minimumNormAttention(matrix, values);
  memory.standing.forEach((_, row) => {
    const entries = sparse.row(row).indices;
    assertEquals(entries.length, kinds);
    assertEquals(
      new Set([...entries].map((key) => memory.held.get(key)!.noun.kind)).size,
      kinds,
    );
    // Within a kind, all definitions count the same.
    const byKind = new Map<number, number>();
    ids(attention).forEach((id, column) => {
      const { kind } = memory.held.get(id)!.noun,
        weight = even.get(row, column);
      const other = byKind.get(kind) ?? weight;
      assert(Math.abs(weight - other) < 1e-12, `${weight}, another ${other}`);
      byKind.set(kind, weight);
    });
  });
  // Outputs are rounded to 32 bits.
  const rounding = 2 ** -31;
  for (const rows of [sparse.toDense(), even]) {
    within(
      rows.mmul(values).to1DArray(),
      told.data,
      () => rounding,
      told.columns,
      "votes",
    );
  }
  contributors(attention, 3).forEach(
    ({ query, keys: [{ key, share, weight }] }) => {
      // The loudest voice for the kind that wins.
      const votes = [...told.row(query)],
        winner = votes.indexOf(Math.max(...votes));
      const voices = ids(attention).map((id, column) => ({
        id,
        weight: matrix.get(query, column),
      }))
        .filter(({ id }) => memory.held.get(id)!.noun.kind === winner);
      const loudest = Math.max(...voices.map((voice) => voice.weight));
      assertEquals(weight, loudest);
      assertEquals(memory.held.get(key)!.noun.kind, winner);
      assert(share > 0 && share <= 1 + rounding);
    },
  );
});
