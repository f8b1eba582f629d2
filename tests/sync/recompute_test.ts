/**
 * Reads of several queries together: which of them are scored at once, and that none of it shows in a bit.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  append,
  attend,
  type Attention,
  createAttention,
  CsrMatrix,
  DenseMatrix,
  type Id,
  outputs,
  remove,
  stats,
  topKeys,
  unwatch,
  update,
  watch,
  weights,
} from "../../mod.ts";
import { openAttention } from "../../src/attention.ts";
import { exponentOf } from "../../src/kernel/exp2.ts";
import { LANES } from "../../src/kernel/kernel.ts";
import { type Random, seeded } from "../../src/random.ts";
import {
  GUEST,
  type Readers,
  scoreReaders,
  watchedReaders,
} from "../../src/sync/recompute.ts";
import { nystrom, pruned, topK } from "../../src/method/mod.ts";
import { forSeeds, normals, pick } from "../scripts.ts";

const DIM = 20, VALUE_DIM = 3;

/** Rows all but a share of whose numbers are 0. */
function drawRows(random: Random, count: number, share: number): number[][] {
  return Array.from(
    { length: count },
    () =>
      Array.from(
        normals(random, DIM, 1),
        (x) => random.uniform() < share ? x : 0,
      ),
  );
}

/** Sizes of the groups that are scored together while something is read. */
function groupsOf(a: Attention, read: () => unknown): number[] {
  const { kernel } = openAttention("test", a), groups: number[] = [];
  const { scoreTogether } = kernel;
  kernel.scoreTogether = (queries, ...rest) => {
    groups.push(queries.length);
    scoreTogether.call(kernel, queries, ...rest);
  };
  try {
    read();
  } finally {
    kernel.scoreTogether = scoreTogether;
  }
  return groups;
}

const guestsOf = (count: number) => Array.from({ length: count }, () => [1]);

function small(options: Record<string, unknown> = {}): Attention {
  const rows = [[1], [2], [3]];
  return createAttention({
    keys: rows,
    values: rows,
    queries: guestsOf(10),
    kernel: "simd",
    ...options,
  });
}

// Edges.

Deno.test("scoreReaders() of no readers or of no keys: nothing, and zeros", () => {
  const a = small();
  assertEquals(groupsOf(a, () => attend(a, new DenseMatrix(0, 1))), []);
  remove(a, [0, 1, 2]);
  assertEquals(attend(a, guestsOf(3)).to1DArray(), [0, 0, 0]);
  const none = { keys: [], weights: [], tail: 0 };
  assertEquals(topKeys(a, guestsOf(2), 1), [none, none]);
  assertEquals(outputs(a).to1DArray(), new Array(10).fill(0));
});

// What goes together.

Deno.test("scoreReaders() puts neighbours together that meet the same keys, eight at most", () => {
  const all = small();
  assertEquals(groupsOf(all, () => attend(all, guestsOf(1))), []);
  assertEquals(groupsOf(all, () => attend(all, guestsOf(17))), [8, 8]);
  assertEquals(groupsOf(all, () => topKeys(all, guestsOf(12), 1)), [8, 4]);
  assertEquals(groupsOf(all, () => topKeys(all, { ids: [3, 1] }, 1)), [2]);
  assertEquals(groupsOf(all, () => weights(all)), [8, 2]);
  assertEquals(groupsOf(all, () => outputs(all)), [8, 2]);
  const filter = () => true;
  assertEquals(groupsOf(all, () => attend(all, guestsOf(9), { filter })), []);

  const causal = small({ mask: "causal" });
  assertEquals(groupsOf(causal, () => attend(causal, guestsOf(9))), [8]);
  const position = [0, 0, 1, 2, 2, 2, 0];
  const mixed = () => attend(causal, guestsOf(7), { position });
  assertEquals(groupsOf(causal, mixed), [2, 3]);
  // Each watched query has a position of its own, but for those watched later.
  assertEquals(groupsOf(causal, () => weights(causal)), []);
  watch(causal, guestsOf(3), { position: 2 });
  assertEquals(groupsOf(causal, () => weights(causal)), [3]);
  assertEquals(groupsOf(causal, () => outputs(causal)), [3]);

  const predicate = small({ mask: () => true });
  assertEquals(groupsOf(predicate, () => outputs(predicate)), []);
  assertEquals(groupsOf(predicate, () => weights(predicate)), []);
  // Such rows leave out keys of their own; queries that are not watched leave out none.
  const few = small({ method: pruned({ sparsity: 0.25 }) });
  assertEquals(groupsOf(few, () => outputs(few)), []);
  assertEquals(groupsOf(few, () => weights(few)), []);
  assertEquals(groupsOf(few, () => attend(few, guestsOf(9))), [8]);
  const chosen = small({ method: topK(2) });
  assertEquals(groupsOf(chosen, () => attend(chosen, guestsOf(9))), []);
  const scalar = small({ kernel: "scalar" });
  assertEquals(groupsOf(scalar, () => attend(scalar, guestsOf(9))), []);
});

Deno.test("scoreReaders() keeps 4 MB of scores at most, and the read gives them back", () => {
  const many = 2 ** 16 + 2 ** 14, most = 2 ** 19;
  const keys = Float32Array.from({ length: many }, (_, i) => i % 7 - 3);
  const a = createAttention({ keys, values: keys, dim: 1, kernel: "simd" });
  const memory = openAttention("test", a);
  const [one] = attend(a, [[0.5]]).data;
  const { bytes } = stats(a);
  let used = 0;
  const guests: Readers = {
    count: LANES,
    readerAt: () => ({ id: GUEST, position: 0, filter: undefined }),
    queryAt: () => ({
      dim: 1,
      rows: Float32Array.of(0.5),
      at: 0,
      factor: memory.factor,
      entries: undefined,
    }),
  };
  const groups = groupsOf(
    a,
    () =>
      scoreReaders(memory, guests, (_at, _query, scratch, count) => {
        assertEquals([scratch.scores.length, count], [many, many]);
        used = Math.max(used, memory.scratch.scores.length);
      }),
  );
  assertEquals(groups, [6, 2]);
  assert(used > many && used <= most, `${used} scores`);
  const answers = attend(a, Array.from({ length: 13 }, () => [0.5]));
  assertEquals([...answers.data], new Array(13).fill(one));
  assertEquals(stats(a).bytes, bytes);
});

Deno.test("scoreReaders() aims at watched queries once there is room: memory may have moved", () => {
  const random = seeded(81), count = 3000;
  const rows = drawRows(random, count, 1);
  const a = createAttention({
    keys: rows,
    values: rows,
    queries: rows.slice(0, 8),
    kernel: "simd",
  });
  const memory = openAttention("test", a);
  const { dense } = memory.rows.queries;
  const together = topKeys(a, { ids: [0, 1, 2, 3, 4, 5, 6, 7] }, 3);
  assert(memory.rows.queries.dense !== dense, "the memory should have moved");
  assertEquals(
    together,
    [0, 1, 2, 3, 4, 5, 6, 7].flatMap((ids) => topKeys(a, { ids }, 3)),
  );
});

// Doors.

Deno.test("a filter that throws at a later query leaves nothing behind, and the next read is right", () => {
  const random = seeded(82), keys = drawRows(random, 40, 0.2);
  const a = createAttention({ keys, values: keys, queries: keys.slice(0, 9) });
  const before = [...outputs(a).data], { bytes } = stats(a);
  const guests = drawRows(random, 9, 1), answers = attend(a, guests);
  const filter = (query: Id, key: Id) => {
    if (query === 5 && key === 20) throw new EvalError("mine");
    return true;
  };
  for (
    const read of [
      () => attend(a, guests, { filter }),
      () => topKeys(a, guests, 2, { filter }),
      () => topKeys(a, { ids: [0, 1, 2, 3, 4, 5, 6] }, 2, { filter }),
    ]
  ) {
    assertThrows(read, EvalError, "mine");
    assertEquals(stats(a).bytes, bytes);
    assertEquals([...attend(a, guests).data], [...answers.data]);
  }
  assertEquals([...outputs(a).data], before);
});

// Laws.

Deno.test("reads of many have the bits, bounds and work of reads of one, in both kernels, over every mix of rows and masks", () => {
  const met = new Map<string, number>();
  const seeds = forSeeds(40, (_, random, at) => {
    const share = pick(random, [0.05, 0.2, 1]), count = 1 + random.integer(40);
    const mask = pick(random, [undefined, "causal" as const]);
    const queries = drawRows(random, 11, pick(random, [0.1, 1]));
    const watched = queries.slice(0, 9);
    const representation = pick(random, ["auto", "dense", "sparse"] as const);
    const [a, one, plain] = (["simd", "simd", "scalar"] as const).map((
      kernel,
    ) =>
      createAttention({
        dim: DIM,
        valueDim: VALUE_DIM,
        queries: CsrMatrix.fromDense(watched),
        kernel,
        representation,
        scale: 1,
        ...(mask === undefined ? {} : { mask }),
      })
    );
    const keys = drawRows(random, count, share);
    // Dense keys among sparse ones.
    if (random.integer(2) > 0) keys[0].fill(0.5);
    const values = keys.map(() => [...normals(random, VALUE_DIM, 1)]);
    const biases = keys.map(() => pick(random, [0, -1, -Infinity]));
    const gone = random.integer(count);
    for (const x of [a, one, plain]) {
      append(x, CsrMatrix.fromDense(keys), values, { bias: biases });
      remove(x, gone);
      if (gone > 0) update(x, 0, { keys: [keys[count - 1]] });
    }
    const position = mask === undefined
      ? undefined
      : queries.map(() => pick(random, [count >> 1, count - 1]));
    const filter = pick(random, [
      undefined,
      (query: Id, key: Id) => (query + key) % 3 > 0,
    ]);
    const given = random.integer(2) > 0
      ? queries
      : CsrMatrix.fromDense(queries);
    const work = (x: Attention) => stats(x).multiplyAdds;
    const alike = (name: string, all: unknown, ...others: unknown[]) => {
      for (const other of others) assertEquals(other, all, name);
      assertEquals(work(one), work(a), `${name}: work`);
      assertEquals(work(plain), work(a), `${name}: work in plain loops`);
      assertEquals(stats(one).ladder, stats(a).ladder, `${name}: ladder`);
    };
    const ids = watched.map((_, id) => id);

    at(1);
    const rowsOf = (x: Attention, wanted?: number) => {
      const bounds = new Float64Array(wanted === undefined ? 9 : 1);
      const { data } = outputs(x, {
        bounds,
        ...(wanted === undefined ? {} : { ids: wanted }),
      });
      return [...data, ...bounds];
    };
    const together = rowsOf(a), apart = ids.map((id) => rowsOf(one, id));
    alike(
      "outputs",
      together,
      [
        ...apart.flatMap((row) => row.slice(0, VALUE_DIM)),
        ...apart.flatMap((row) => row.slice(VALUE_DIM)),
      ],
      rowsOf(plain),
    );

    at(2);
    const answersOf = (
      x: Attention,
      rows: typeof given | number[][],
      from = 0,
      to = queries.length,
    ) => {
      const bounds = new Float64Array(to - from);
      const { data } = attend(x, rows, {
        bounds,
        ...(position === undefined
          ? {}
          : { position: position.slice(from, to) }),
        ...(filter === undefined
          ? {}
          : { filter: (query: Id, key: Id) => filter(query + from, key) }),
      });
      return Array.from(
        bounds,
        (bound, i) => [
          ...data.subarray(i * VALUE_DIM, (i + 1) * VALUE_DIM),
          bound,
        ],
      );
    };
    const rowOf = (query: number) =>
      given === queries
        ? [queries[query]]
        : CsrMatrix.fromDense([queries[query]]);
    alike(
      "attend",
      answersOf(a, given),
      queries.flatMap((_, query) =>
        answersOf(one, rowOf(query), query, query + 1)
      ),
      answersOf(plain, given),
    );

    at(3);
    alike(
      "topKeys",
      topKeys(a, { ids }, 3),
      ids.flatMap((ids) => topKeys(one, { ids }, 3)),
      topKeys(plain, { ids }, 3),
    );

    at(4);
    const weighed = (x: Attention, ids: number[]) => {
      const { matrix, tail } = weights(x, { ids, top: 4 });
      return DenseMatrix.from(matrix).to2DArray().map((
        row,
        i,
      ) => [...row, tail[i]]);
    };
    alike(
      "weights",
      weighed(a, ids),
      ids.flatMap((id) => weighed(one, [id])),
      weighed(plain, ids),
    );

    const kinds = groupsOf(a, () => answersOf(a, given)).length > 0
      ? "together"
      : "apart";
    met.set(kinds, (met.get(kinds) ?? 0) + 1);
  });
  assert(seeds === 1 || met.size === 2, JSON.stringify([...met]));
});

Deno.test("bounds of guests that are read together count the keys that each of them meets, and not those too far for it", () => {
  // The first query meets the long key, which lies 1e9 nats below the other for the second.
  const a = createAttention({
    keys: [[1e9], [1]],
    values: [[1], [2]],
    scale: 1,
    kernel: "simd",
  });
  const boundsOf = (queries: number[][]) => {
    const bounds = new Float64Array(queries.length);
    attend(a, queries, { bounds });
    return [...bounds];
  };
  const together = boundsOf([[1], [-1]]);
  assertEquals(together, [[[1]], [[-1]]].flatMap(boundsOf));
  assert(together[0] > 2 * together[1]);
});

Deno.test("answers that take the last steps of the ladder are the same together, alone, watched or not", () => {
  // Eight keys of equal weight, whose values add up to 8 (k + θ) exactly: the average lies on the boundary of k and k + 1.
  const k = 2 ** 31 + 12_345, theta = 0.5 + 2 ** -6 * 0.6180339887498949;
  const values: number[] = [];
  for (let rest of [8 * k, 8 * theta]) {
    while (rest !== 0) {
      // The upper 24 bits of what is left.
      const unit = 2 ** (exponentOf(rest) - 23);
      values.push(Math.trunc(rest / unit) * unit);
      rest -= values[values.length - 1];
    }
  }
  while (values.length < 8) values.push(0);
  // A ninth key counts for the first query, and is too far to for the others.
  const a = createAttention({
    keys: [...values.map(() => [1, 0]), [0, 1]],
    values: [...values, 77].map((value) => [value]),
    scale: 1,
    kernel: "simd",
  });
  const queries = [[0, 0.5], [0, -2000], [0, -2000]];
  const together = [...attend(a, queries).data];
  assertEquals([stats(a).ladder.exact, together[1], together[2]], [2, k, k]);
  assertEquals(
    queries.flatMap((query) => [...attend(a, [query]).data]),
    together,
  );
  watch(a, queries);
  assertEquals([...outputs(a).data], together);
  assertEquals(stats(a).ladder.exact, 6);
});

Deno.test("an approximation answers guests one by one, each with no bound", () => {
  const random = seeded(84), rows = drawRows(random, 30, 1);
  const a = createAttention({
    keys: rows,
    values: rows,
    queries: rows,
    method: nystrom({ landmarks: 4 }),
  });
  const bounds = new Float64Array(9), guests = rows.slice(0, 9);
  const together = attend(a, guests, { bounds });
  assertEquals([...bounds], new Array(9).fill(Infinity));
  assertEquals(
    [...together.data],
    guests.flatMap((guest) => [...attend(a, [guest]).data]),
  );
});

Deno.test("watchedReaders() say what watched queries meet", () => {
  const a = createAttention({
    queries: [[3], [2]],
    keys: [[1]],
    values: [[1]],
    mask: "causal",
  });
  // The row of the first is that of a third now.
  unwatch(a, 0);
  watch(a, [[1]]);
  const memory = openAttention("test", a);
  assertEquals([...memory.rows.slots.idOf.subarray(0, 2)], [2, 1]);
  const asked: Id[][] = [];
  const readers = watchedReaders(memory, [1, 0], (query, key) => {
    asked.push([query, key]);
    return true;
  });
  assertEquals(readers.count, 2);
  const { id, position, filter } = readers.readerAt(1);
  assertEquals([id, position], [2, memory.rows.positions[0]]);
  assertEquals([filter?.(7), asked], [true, [[2, 7]]]);
  const { rows, at } = readers.queryAt(1);
  assertEquals(rows[at], 1);
});
