import { assert, assertEquals, assertThrows } from "@std/assert";
import { CsrMatrix } from "../../src/matrix/csr.ts";
import {
  dropKeyEdges,
  dropQueryEdges,
  edgeCount,
  type Edges,
  edgesBytes,
  edgesFrom,
  edgesOf,
  hasEdge,
  keysOf,
  queriesOf,
  queriesWithEdges,
  setEdge,
} from "../../src/memory/edges.ts";
import { type Listed, type Lists, listsBytes } from "../../src/memory/lists.ts";
import type { Random } from "../../src/random.ts";
import { forSeeds, pick } from "../scripts.ts";

/** The words of a list before its ids, and the words of a pool that is never tidied. */
const HEADER = 2, LEAST_POOL = 64;

/** What edges are: a set of pairs, here the keys of each query. */
type Model = Map<number, Set<number>>;

Deno.test("edgesOf() lists the entries that are not 0, both ways, and makes no list of none", () => {
  const edges = edgesOf(CsrMatrix.fromTriples(6, 5, [
    [3, 4, 1],
    [0, 3, -2],
    [0, 1, 1],
    [0, 2, 0],
    [2, 0, 0],
    [5, 3, 1e-300],
  ]));
  checkEdges(edges, new Map([[0, [1, 3]], [3, [4]], [5, [3]]]));
  assertEquals(list(keysOf(edges, 0)), [1, 3]);
  assertEquals(list(queriesOf(edges, 3)), [0, 5]);
  assertEquals([queriesOf(edges, 2), keysOf(edges, 2)].map(list), [[], []]);
  assertEquals(queriesWithEdges(edges), [0, 3, 5]);
});

Deno.test("no edges take no bytes, are not there, and can be dropped", () => {
  const edges = none();
  checkEdges(edges, new Map());
  assertEquals([edgeCount(edges), edgesBytes(edges)], [0, 0]);
  assertEquals(hasEdge(edges, 0, 0), false);
  assertEquals(setEdge(edges, 0, 0, false), false);
  dropQueryEdges(edges, 0);
  dropKeyEdges(edges, 0);
  checkEdges(edges, new Map());
});

Deno.test("ids may be as large as ids are, and are compared as numbers, not as words with a sign", () => {
  const ids = [0, 9, 10, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
  const edges = none();
  for (const at of [3, 5, 0, 4, 2, 1]) {
    assertEquals(setEdge(edges, 2 ** 32 - 1, ids[at], true), true);
    assertEquals(setEdge(edges, ids[at], 2 ** 32 - 1, true), at !== 5);
  }
  checkEdges(
    edges,
    new Map(ids.map((id, at) => [id, at === 5 ? ids : [2 ** 32 - 1]])),
  );
  assertEquals(list(keysOf(edges, 2 ** 32 - 1)), ids);
  assertEquals(list(queriesOf(edges, 2 ** 32 - 1)), ids);
  assertEquals(queriesWithEdges(edges), ids);
});

Deno.test("keysOf() and queriesOf() write into what they are given", () => {
  const edges = edgesOf(CsrMatrix.fromDense([[1, 1], [0, 1]]));
  const into = { ids: new Uint32Array(0), start: 7, end: 9 };
  assert(keysOf(edges, 0, into) === into && into.ids === edges.keys.pool);
  assertEquals(list(into), [0, 1]);
  assert(queriesOf(edges, 1, into) === into);
  assertEquals(list(into), [0, 1]);
  assertEquals(list(keysOf(edges, 5, into)), []);
});

Deno.test("an insertion without memory changes nothing, whichever direction lacks it; a deletion needs none", () => {
  const failed = { keys: 0, queries: 0, tidying: 0 };
  forSeeds(40, (_, random, at) => {
    const edges = none(), model: Model = new Map(), ids = drawIds(random);
    for (let step = 1; step <= 300; step++) {
      at(step);
      const query = pick(random, ids), key = pick(random, ids);
      const insert = random.integer(step % 100 < 50 ? 5 : 2) > 0;
      // An allocation fails at once, after another, or never.
      let left = pick(random, [0, 1, Infinity]),
        lacking: "keys" | "queries" | undefined;
      const allocation = () => {
        if (left-- > 0) return;
        // The first direction has the edge already when the second asks.
        lacking ??= edges.keys.size === edges.queries.size ? "keys" : "queries";
        throw new RangeError("no memory");
      };
      const act = () =>
        withAllocation(allocation, () => {
          if (insert) setEdge(edges, query, key, true);
          else if (step % 3 > 0) setEdge(edges, query, key, false);
          else if (step % 2 > 0) dropQueryEdges(edges, query);
          else dropKeyEdges(edges, key);
        });
      try {
        act();
        if (insert) put(model, query, key);
        else if (step % 3 > 0) model.get(query)?.delete(key);
        else if (step % 2 > 0) model.delete(query);
        else for (const keys of model.values()) keys.delete(key);
        if (lacking !== undefined) failed.tidying++;
      } catch (error) {
        if (!insert || lacking === undefined) throw error;
        failed[lacking]++;
      }
      // What could not be tidied may be more than half.
      checkEdges(edges, model, false);
    }
    // With memory again, it is tidied by the next change.
    for (const query of ids) {
      for (const key of ids) setEdge(edges, query, key, true);
    }
    for (const query of ids) dropQueryEdges(edges, query);
    checkEdges(edges, new Map());
  });
  for (const [where, times] of Object.entries(failed)) {
    assert(times >= 20, `${where}: ${times} failures, too few to say`);
  }
});

Deno.test("an insertion that a full map refuses changes nothing", () => {
  for (const refuse of ["keys", "queries"] as const) {
    const edges = edgesOf(CsrMatrix.fromDense([[1]])),
      { places } = edges[refuse];
    places.set = () => {
      throw new RangeError("full");
    };
    assertThrows(() => setEdge(edges, 1, 1, true), RangeError, "full");
    checkEdges(edges, new Map([[0, [0]]]));
    Reflect.deleteProperty(places, "set");
    assertEquals(setEdge(edges, 1, 1, true), true);
    checkEdges(edges, new Map([[0, [0]], [1, [1]]]));
  }
});

Deno.test("edges are a set of pairs, whatever is inserted, deleted and dropped", () => {
  const repacked = { full: 0, tidied: 0 };
  forSeeds(60, (_, random, at) => {
    const ids = drawIds(random), model: Model = new Map();
    const edges = random.integer(2) > 0
      ? none()
      : edgesFrom(...drawLists(random, ids, model));
    checkEdges(edges, model);
    // Half of all seeds have a key and a query that everybody is joined to.
    const hubs = random.integer(2) > 0 ? [pick(random, ids)] : ids;
    for (let step = 1; step <= 300; step++) {
      at(step);
      const phase = Math.floor(step / 50) % 3, kind = random.integer(40);
      const query = pick(random, kind < 12 ? hubs : ids);
      const key = pick(random, kind >= 6 && kind < 18 ? hubs : ids);
      const { pool, garbage, used } = edges.keys;
      if (kind === 39) {
        dropQueryEdges(edges, query);
        model.delete(query);
      } else if (kind === 38) {
        dropKeyEdges(edges, key);
        for (const keys of model.values()) keys.delete(key);
      } else {
        const present = random.integer(6) > [1, 4, 2][phase];
        const was = model.get(query)?.has(key) ?? false;
        assertEquals(setEdge(edges, query, key, present), was !== present);
        if (present) put(model, query, key);
        else model.get(query)?.delete(key);
      }
      if (edges.keys.pool !== pool) {
        repacked[3 * garbage > used ? "tidied" : "full"]++;
      }
      checkEdges(edges, model);
      const asked = pick(random, ids), other = pick(random, ids);
      assertEquals(
        hasEdge(edges, asked, other),
        model.get(asked)?.has(other) ?? false,
      );
    }
  });
  const { full, tidied } = repacked;
  assert(full > 80 && tidied > 80, `${full} full, ${tidied} tidied: too few`);
});

Deno.test("edgesFrom() and edgesOf() agree with one insertion after another, and leave no room", () => {
  forSeeds(60, (_, random) => {
    const model: Model = new Map(), ids = drawIds(random);
    const lists = drawLists(random, ids, model), edges = edgesFrom(...lists);
    checkEdges(edges, model);
    checkExact(edges);
    const rows = 1 + random.integer(20), columns = 1 + random.integer(20);
    const pattern: [number, number, number][] = [];
    for (let entry = random.integer(120); entry > 0; entry--) {
      pattern.push([
        random.integer(rows),
        random.integer(columns),
        random.integer(3),
      ]);
    }
    const matrix = CsrMatrix.fromTriples(rows, columns, pattern);
    const built = edgesOf(matrix), inserted = none();
    for (const [query, key, value] of matrix.toTriples()) {
      if (value !== 0) setEdge(inserted, query, key, true);
    }
    const listed = queriesWithEdges(inserted).map(
      (query) => [query, list(keysOf(inserted, query))] as const,
    );
    checkEdges(inserted, new Map(listed));
    checkEdges(built, new Map(listed));
    checkExact(built);
  });
});

Deno.test("moving lists costs a few words for each id put in or taken out, and the pool keeps to its size", () => {
  forSeeds(6, (_, random, at) => {
    const width = pick(random, [1, 30, 3000]);
    const edges = edgesOf(ring(300, 40, 300));
    let { pool } = edges.keys, moved = 0, changes = edgeCount(edges);
    for (let step = 1; step <= 60_000; step++) {
      at(step);
      // Waves of more and of less, over lists of very different lengths.
      const query = random.integer(width), key = random.integer(2000);
      const insert = random.integer(5) > (step % 20_000 < 10_000 ? 0 : 3);
      if (setEdge(edges, query, key, insert)) changes++;
      if (edges.keys.pool === pool) continue;
      pool = edges.keys.pool;
      moved += edges.keys.used;
    }
    assert(moved <= 16 * changes, `${moved} words for ${changes} changes`);
    checkLists(edges.keys, true);
    checkLists(edges.queries, true);
  });
});

Deno.test("a pool that is full gets rid of its garbage first: edges put in anywhere take no more than 22 bytes", () => {
  forSeeds(3, (_, random, at) => {
    const edges = edgesOf(ring(2000, 50, 2000));
    for (let step = 1; step <= 60_000; step++) {
      at(step);
      setEdge(edges, random.integer(2000), random.integer(2000), true);
      const each = edgesBytes(edges) / edgeCount(edges);
      // 8 bytes for both directions, rooms and spare pool; 26 where all garbage is taken along.
      assert(each <= 22, `${each} bytes for an edge`);
    }
  });
});

Deno.test("an edge that comes and goes does not make a pool each time", () => {
  const edges = none();
  let { pool } = edges.keys, pools = 0;
  for (let step = 0; step < 2000; step++) {
    setEdge(edges, 3, 4, step % 2 === 0);
    if (edges.keys.pool === pool) continue;
    pool = edges.keys.pool;
    pools++;
  }
  // A new list takes 4 words, and a pool is tidied when it has 64.
  assert(pools <= 1000 / 8, `${pools} pools`);
});

Deno.test("a window of queries that slides for ever keeps its edges small", () => {
  const edges = none(), window = 50, degree = 8;
  let most = 0;
  for (let query = 0; query < 20_000; query++) {
    // A hub, some shared keys, and keys that come and go with the queries.
    setEdge(edges, query, 0, true);
    for (let at = 1; at < degree; at++) setEdge(edges, query, query + at, true);
    if (query < window) continue;
    dropQueryEdges(edges, query - window);
    if (query % 1000 === 0) dropKeyEdges(edges, query);
    most = Math.max(most, edgesBytes(edges));
  }
  const edge = edgesBytes(edgesOf(ring(window, degree, window))) /
    (window * degree);
  assert(most <= 8 * edge * window * degree, `${most} bytes`);
  for (let query = 0; query < 20_000; query++) dropQueryEdges(edges, query);
  checkEdges(edges, new Map());
  assert(edgesBytes(edges) <= 12 * LEAST_POOL, `${edgesBytes(edges)} bytes`);
});

Deno.test("a key of 100 000 queries is a list like any other", () => {
  const queries = 100_000, edges = none();
  // 7919 is a prime, so every query comes once, in no order; the key and each query share no other edge.
  const start = performance.now();
  for (let i = 0; i < queries; i++) {
    setEdge(edges, (i * 7919) % queries, 5, true);
    setEdge(edges, i, 6, true);
  }
  const { ids, start: first, end } = queriesOf(edges, 5);
  assertEquals(end - first, queries);
  for (let at = first; at < end; at++) {
    if (ids[at] !== at - first) throw new Error(`${ids[at]} out of order`);
  }
  assertEquals(edgeCount(edges), 2 * queries);
  for (let i = 0; i < 1000; i++) dropQueryEdges(edges, (i * 7919) % queries);
  assertEquals(edgeCount(edges), 2 * (queries - 1000));
  dropKeyEdges(edges, 5);
  assertEquals(list(queriesOf(edges, 5)), []);
  assertEquals(list(keysOf(edges, 1)), [6]);
  assertEquals(edgeCount(edges), queries - 1000);
  checkLists(edges.keys, true);
  checkLists(edges.queries, true);
  // 2 s on a slow core; a list of objects, or a copy of it for each change, takes minutes.
  const took = performance.now() - start;
  assert(took < 20_000, `${took} ms`);
});

Deno.test("5 000 000 edges are built in a time that grows as they do, and take less than 60 MB", () => {
  const built = (queries: number) => {
    const pattern = ring(queries, 50, queries);
    let least = Infinity;
    for (let run = 0; run < 3; run++) {
      const start = performance.now(), edges = edgesOf(pattern);
      least = Math.min(least, performance.now() - start);
      assertEquals(edgeCount(edges), pattern.nonZeros);
      if (run > 0) continue;
      assert(edgesBytes(edges) < 12 * pattern.nonZeros, `${edgesBytes(edges)}`);
      checkExact(edges);
    }
    return least;
  };
  const quarter = built(25_000), whole = built(100_000);
  // Below 1 s on the machine this was written on; four times the edges, with caches that no longer hold them.
  assert(whole < 10_000, `${whole} ms`);
  assert(whole < 12 * quarter, `${whole} ms after ${quarter} ms`);
});

function none(): Edges {
  return edgesOf(new CsrMatrix(0, 0, [0], [], []));
}

/** A pattern of so many queries with `degree` keys each, spread over all keys, each of which has as many queries. */
function ring(queries: number, degree: number, keys: number): CsrMatrix {
  const indices = new Uint32Array(queries * degree), stride = keys / degree;
  for (let query = 0; query < queries; query++) {
    for (let at = 0; at < degree; at++) {
      // The same offset for all of a row's strides keeps its columns ascending.
      indices[query * degree + at] = Math.floor(at * stride) +
        (query * 7919) % Math.floor(stride);
    }
  }
  const indptr = Array.from({ length: queries + 1 }, (_, row) => row * degree);
  const values = new Float32Array(indices.length).fill(1);
  return new CsrMatrix(queries, keys, indptr, indices, values);
}

/** Ids to draw from: few or many, next to one another or anywhere. */
function drawIds(random: Random): number[] {
  const count = pick(random, [3, 12, 40]),
    first = pick(random, [0, 2 ** 32 - 40]);
  const sparse = random.integer(2) > 0;
  const draw = (at: number) => sparse ? random.integer(2 ** 32) : first + at;
  return [...new Set(Array.from({ length: count }, (_, at) => draw(at)))];
}

/** Draws the lists of {@linkcode edgesFrom} and puts them into the model. */
function drawLists(
  random: Random,
  ids: readonly number[],
  model: Model,
): [queries: number[], starts: number[], keys: number[]] {
  const sorted = [...ids].sort((a, b) => a - b);
  const queries: number[] = [], starts = [0], keys: number[] = [];
  for (const query of sorted) {
    if (random.integer(4) === 0) continue;
    queries.push(query);
    for (const key of sorted) {
      if (random.integer(3) > 0) continue;
      keys.push(key);
      put(model, query, key);
    }
    starts.push(keys.length);
  }
  return [queries, starts, keys];
}

function put(model: Model, query: number, key: number): void {
  model.set(query, (model.get(query) ?? new Set()).add(key));
}

function list({ ids, start, end }: Listed): number[] {
  return [...ids.subarray(start, end)];
}

/** assertEquals() of whole numbers, which it takes too long for. */
function same(a: readonly number[], b: readonly number[], what: string): void {
  assert(a.join() === b.join(), `${what}: ${a} should be ${b}`);
}

/** Runs something while every allocation of ids is announced first, and may be refused. */
function withAllocation(announce: () => void, run: () => void): void {
  const original = globalThis.Uint32Array;
  globalThis.Uint32Array = new Proxy(original, {
    construct: (target, given) => {
      announce();
      return Reflect.construct(target, given);
    },
  });
  try {
    run();
  } finally {
    globalThis.Uint32Array = original;
  }
}

/** Fails unless the edges are in order, in both directions, and are those of the model. */
function checkEdges(
  edges: Edges,
  model: ReadonlyMap<number, Iterable<number>>,
  tidy = true,
): void {
  const keys = checkLists(edges.keys, tidy);
  const queries = checkLists(edges.queries, tidy);
  const turned: Model = new Map();
  let count = 0;
  for (const [query, listed] of model) {
    const expected = [...listed].sort((a, b) => a - b);
    same(keys.get(query) ?? [], expected, `keys of query ${query}`);
    same(list(keysOf(edges, query)), expected, `keysOf ${query}`);
    for (const key of expected) put(turned, key, query);
    count += expected.length;
  }
  for (const [key, listed] of turned) {
    const expected = [...listed].sort((a, b) => a - b);
    same(queries.get(key) ?? [], expected, `queries of key ${key}`);
    same(list(queriesOf(edges, key)), expected, `queriesOf ${key}`);
  }
  const filled = [...model].filter(([, listed]) => [...listed].length > 0);
  assertEquals([keys.size, queries.size], [filled.length, turned.size]);
  assertEquals([edgeCount(edges), edges.queries.size], [count, count]);
  assertEquals(
    edgesBytes(edges),
    listsBytes(edges.keys) + listsBytes(edges.queries),
  );
}

/** Fails unless lists ascend within their rooms, which do not overlap, and all counts are exact; returns the lists. */
function checkLists(lists: Lists, tidy: boolean): Map<number, number[]> {
  const { places, pool, used, garbage, size } = lists;
  const found = new Map<number, number[]>();
  let words = 0, ids = 0, end = 0;
  for (const [owner, at] of [...places].sort(([, a], [, b]) => a - b)) {
    const length = pool[at], room = pool[at + 1];
    assert(at >= end, `the list of ${owner} starts at ${at}, before ${end}`);
    end = at + HEADER + room;
    assert(length > 0, `the list of ${owner} is empty`);
    assert(length <= room, `${length} ids of ${owner} in a room of ${room}`);
    assert(room < 4 * length, `${length} ids of ${owner} in a room of ${room}`);
    const listed = [...pool.subarray(at + HEADER, at + HEADER + length)];
    for (let i = 1; i < length; i++) {
      if (listed[i] > listed[i - 1]) continue;
      throw new Error(`${listed[i]} after ${listed[i - 1]} of ${owner}`);
    }
    found.set(owner, listed);
    words += HEADER + room;
    ids += length;
  }
  assert(end <= used && used <= pool.length, `${end}, ${used}, ${pool.length}`);
  assertEquals([garbage, size], [used - words, ids], "garbage and size");
  assert(
    !tidy || used < LEAST_POOL || 2 * garbage <= used,
    `${garbage} of ${used} words are garbage`,
  );
  assert(
    pool.length <= Math.max(LEAST_POOL, Math.ceil(1.25 * used)),
    `a pool of ${pool.length} for ${used} words`,
  );
  assert(listsBytes(lists) >= 4 * pool.length + 28 * places.size, "bytes");
  return found;
}

/** Fails unless the pools hold lists and nothing else. */
function checkExact({ keys, queries }: Edges): void {
  for (const { pool, places, size, garbage } of [keys, queries]) {
    assertEquals([pool.length, garbage], [HEADER * places.size + size, 0]);
  }
}
