/**
 * Bad arguments at every door: refused in one sentence, with nothing changed.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  admit,
  append,
  apply,
  attend,
  type Attention,
  createAttention,
  CsrMatrix,
  edit,
  entry,
  errorBound,
  flush,
  type Id,
  ids,
  measureError,
  outputs,
  remove,
  softmaxAttention,
  stats,
  topKeys,
  unwatch,
  update,
  watch,
  weights,
} from "../mod.ts";
import type { Random } from "../src/random.ts";
import { dump } from "./same.ts";
import { forSeeds, normals, pick, shuffled } from "./scripts.ts";

/** Calls of a seed, and seeds: 100 × 80 of them by default. */
const CALLS = 100, SEEDS = 80;

/** One sentence: what cannot be done, what is, what should be. */
const SENTENCE = /^Cannot [a-z ]+: .+, .+[^.]$/;

/** What a caller's own code throws: it goes through. */
class Own extends Error {}

/** Something of a kind that no number, list or object of options is. */
function oddity(random: Random): unknown {
  return pick<unknown>(random, [
    null,
    "5",
    "",
    true,
    5n,
    Symbol("odd"),
    () => 1,
    new Map([["a", 1]]),
    new Date(0),
    /x/,
    new DataView(new ArrayBuffer(8)),
    Object.create(null),
    class {},
    new Proxy({}, {}),
  ]);
}

/** No finite number. */
function badNumber(random: Random): unknown {
  return pick<unknown>(random, [NaN, Infinity, undefined, oddity(random)]);
}

/** No number with a finite 32-bit form. */
function badComponent(random: Random): unknown {
  return pick<unknown>(random, [
    NaN,
    Infinity,
    -Infinity,
    1e39,
    -3.5e38,
    undefined,
    oddity(random),
    [1],
  ]);
}

/** No id that is there: `gone` was, `next` may come. */
function badId(random: Random, { gone, next }: Scene): unknown {
  return pick<unknown>(random, [
    -1,
    0.5,
    NaN,
    Infinity,
    2 ** 32,
    2 ** 53,
    gone,
    next + random.integer(1000),
    undefined,
    oddity(random),
    [gone],
  ]);
}

function* throwing(list: readonly unknown[], random: Random) {
  yield* list.slice(0, random.integer(list.length + 1));
  throw new Own("mine");
}

/** Rows of numbers, and then not. */
function badRows(random: Random, width: number, count: number): unknown {
  const row = () => normals(random, width, 1);
  const rows = Array.from({ length: count }, row);
  const spot = random.integer(count), column = random.integer(width);
  switch (random.integer(12)) {
    case 0:
      return oddity(random);
    case 1:
    case 2:
    case 3:
      rows[spot][column] = badComponent(random) as number;
      return rows;
    case 4:
      rows[spot] = normals(random, width + pick(random, [-1, 1, 7]), 1);
      return rows;
    case 5:
      delete rows[spot][column];
      return rows;
    case 6:
      return rows.toSpliced(
        random.integer(count + 1),
        0,
        oddity(random) as never,
      );
    case 7:
      return new Float64Array(width * count + 1);
    case 8:
      return Float64Array.from(
        { length: width * count },
        (_, at) => at === column ? NaN : at,
      );
    case 9:
      return new BigInt64Array(width * count);
    case 10:
      return {
        rows: count,
        columns: pick<unknown>(random, [width, width, -1, 0.5, "2", NaN]),
        to1DArray: () =>
          pick<unknown>(random, [oddity(random), new Array(width * count + 1)]),
      };
    default:
      return {
        rows: count,
        columns: width,
        get to1DArray() {
          return () => {
            throw new Own("mine");
          };
        },
      };
  }
}

/** Ids of which one is none, or is there twice. */
function badIds(random: Random, scene: Scene): unknown {
  const good = shuffled(random, scene.live).slice(0, 1 + random.integer(3));
  const spot = random.integer(good.length + 1);
  switch (random.integer(6)) {
    case 0:
      return badId(random, scene);
    case 1:
      return throwing(good, random);
    case 2:
      return [...good, good[0]];
    case 3:
      return new Float64Array([...good, 0.5]);
    default:
      return new Set(good.toSpliced(spot, 0, badId(random, scene) as Id)).size >
          good.length
        ? good.toSpliced(spot, 0, badId(random, scene) as Id)
        : null;
  }
}

function badBias(random: Random, count: number): unknown {
  const good = normals(random, count, 1);
  switch (random.integer(4)) {
    case 0:
      return pick<unknown>(random, [NaN, Infinity, 2e300, oddity(random)]);
    case 1:
      return [...good, 0];
    case 2:
      delete good[random.integer(count)];
      return good;
    default:
      good[random.integer(count)] = badNumber(random) as number;
      return good;
  }
}

function badEdits(random: Random, width: number, scene: Scene): unknown {
  const good = scene.live.map((id): unknown => [id, 0, random.normal()]);
  const spot = random.integer(good.length), [id] = scene.live;
  const bad = pick<unknown>(random, [
    oddity(random),
    [id, 0],
    [id, 0, 1, 2],
    [badId(random, scene), 0, 1],
    [id, pick(random, [-1, width, 0.5, NaN, "0", null]), 1],
    [id, 0, badNumber(random)],
    [id, 0, 1e39],
  ]);
  switch (random.integer(5)) {
    case 0:
      return oddity(random);
    case 1:
      return throwing(good, random);
    case 2:
      return CsrMatrix.fromTriples(1, width + 1, []);
    case 3:
      return CsrMatrix.fromTriples(scene.next + 5, width, [[
        pick(random, [scene.gone, scene.next + 2]),
        0,
        1,
      ]]);
    default:
      return good.toSpliced(spot, 0, bad);
  }
}

function badPairs(
  random: Random,
  { live, gone, watched, next }: Scene,
): unknown {
  const good = live.map((id): unknown => [pick(random, watched), id]);
  const scene = { live, gone, watched, next };
  const bad = pick<unknown>(random, [
    oddity(random),
    [watched[0]],
    [watched[0], live[0], 1],
    [watched[0], badId(random, scene)],
    [pick<unknown>(random, [-1, 99, "0", [], [watched[0]], null]), live[0]],
    new Float64Array(2),
  ]);
  switch (random.integer(4)) {
    case 0:
      return oddity(random);
    case 1:
      return throwing(good, random);
    default:
      return good.toSpliced(random.integer(good.length + 1), 0, bad);
  }
}

/** Options with a name that is not known, or no options at all. */
function badOptions(random: Random, known: readonly string[]): unknown {
  const name = pick(random, known);
  return pick<unknown>(random, [
    null,
    5,
    "ids",
    true,
    3n,
    [],
    [0],
    () => 1,
    { [name + "s"]: 1 },
    { [name.toUpperCase()]: undefined },
    { [" " + name]: 1 },
    { "": 0 },
    {
      get [name]() {
        throw new Own("mine");
      },
    },
  ]);
}

/** What there is to aim at: live keys, a gone one, the next id, watched queries. */
interface Scene {
  live: Id[];
  gone: Id;
  next: Id;
  watched: Id[];
}

const DIM = 3, VALUE_DIM = 2;

/** The same contents under each kind of mask; id 2 and query 1 are gone, some rows are behind, a flip is unread. */
function make(random: Random, mask: string): Attention {
  const rows = (count: number, width: number) =>
    Array.from({ length: count }, () => normals(random, width, 1));
  const a = createAttention({
    keys: rows(6, DIM),
    values: rows(6, VALUE_DIM),
    queries: rows(3, DIM),
    mask: mask === "edges"
      ? CsrMatrix.fromTriples(3, 6, [[0, 0, 1], [0, 3, 1], [2, 5, 1]])
      : mask === "causal"
      ? mask
      : mask === "predicate"
      ? () => true
      : undefined,
  });
  remove(a, 2);
  unwatch(a, 1);
  outputs(a);
  update(a, [0, 5], { values: rows(2, VALUE_DIM) });
  outputs(a, { ids: 0 });
  if (mask === "edges") admit(a, [[0, 4]]);
  update(a, 3, { bias: -1 });
  return a;
}

const SCENE: Scene = {
  live: [0, 1, 3, 4, 5],
  gone: 2,
  next: 6,
  watched: [0, 2],
};

/** Arguments of any kind. */
type Loose = (...args: unknown[]) => unknown;

/** A call that must be refused, and what it is called in a failure. */
function drawCall(
  random: Random,
  a: Attention,
  mask: string,
): [name: string, call: () => unknown] {
  const rows = (count: number, width: number) =>
    Array.from({ length: count }, () => normals(random, width, 1));
  const one = <T>(...list: (() => T)[]): T => pick(random, list)();
  const count = 1 + random.integer(3);
  const keys = () => rows(count, DIM), values = () => rows(count, VALUE_DIM);
  const badKeys = () => badRows(random, DIM, count);
  const badValues = () => badRows(random, VALUE_DIM, count);
  const some = () => SCENE.live.slice(0, count);
  const positions = () =>
    mask === "causal"
      ? pick<unknown>(random, [-2, 0.5, NaN, 2 ** 32, null, "1", [
        0,
        1,
        2,
        3,
        4,
      ]])
      : pick<unknown>(random, [0, [1], null]);
  const freshIds = () =>
    pick<unknown>(random, [
      [...Array(count - 1).keys()].map((at) => 6 + at),
      [...Array(count).keys()].map((at) => 5 - at),
      Array(count + 1).fill(7),
      throwing([6, 7], random),
      badNumber(random) ?? null,
      [2 ** 32, 6, 7].slice(0, count),
    ]);
  // A filter where the mask needs one, so that only what is bad is to blame.
  const filter = mask === "edges" || mask === "predicate"
    ? { filter: () => true }
    : {};
  const floats = (length: number) =>
    pick<unknown>(random, [
      new Float64Array(length + 1),
      new Float32Array(length),
      new Array(length).fill(0),
      oddity(random),
    ]);
  const verbs: Record<string, () => unknown[]> = {
    append: () =>
      one<unknown[]>(
        () => [badKeys(), values()],
        () => [keys(), badValues()],
        () => [keys(), rows(count + 1, VALUE_DIM)],
        () => [undefined, values()],
        () => [keys(), values(), badOptions(random, ["ids", "bias"])],
        () => [keys(), values(), { ids: freshIds() }],
        () => [keys(), values(), { bias: badBias(random, count) }],
      ),
    update: () =>
      one<unknown[]>(
        () => [badIds(random, SCENE), { bias: 1 }],
        () => [some(), { keys: badKeys() }],
        () => [some(), { values: badValues() }],
        () => [some(), { keys: keys(), values: rows(count + 1, VALUE_DIM) }],
        () => [some(), { bias: badBias(random, count) }],
        () => [some(), badOptions(random, ["keys", "values", "bias"])],
        () => [some(), {}],
        () => [some()],
      ),
    edit: () =>
      one<unknown[]>(
        () => [{ keys: badEdits(random, DIM, SCENE) }],
        () => [{
          keys: [[0, 0, 1]],
          values: badEdits(random, VALUE_DIM, SCENE),
        }],
        () => [badOptions(random, ["keys", "values"])],
        () => [{}],
      ),
    remove: () => [badIds(random, SCENE)],
    watch: () =>
      one<unknown[]>(
        () => [badKeys()],
        () => [keys(), badOptions(random, ["ids", "position"])],
        () => [keys(), { position: positions() }],
        () => [rows(1, DIM), {
          ids: pick<unknown>(random, [1, -1, 0.5, "0", null]),
        }],
        () => [rows(2, DIM), {
          ids: pick(random, [[0, 0], [5, 4], [3], [0, 1]]),
        }],
      ),
    unwatch: () => [
      pick<unknown>(random, [1, 3, -1, [0, 0], [0, 1], oddity(random), NaN]),
    ],
    admit: () =>
      mask === "edges"
        ? one<unknown[]>(
          () => [badPairs(random, SCENE)],
          () => [[[0, 0]], pick<unknown>(random, [null, 0, 1, "true"])],
        )
        : [[[0, 0]]],
    outputs: () =>
      one<unknown[]>(
        () => [badOptions(random, ["ids", "out", "bounds"])],
        () => [{ ids: pick<unknown>(random, [1, 3, [0, 1], oddity(random)]) }],
        () => [{ ids: throwing([0], random) }],
        () => [{ out: floats(2 * VALUE_DIM) }],
        () => [{ bounds: floats(2) }],
      ),
    attend: () =>
      one<unknown[]>(
        () => [badKeys(), filter],
        () => [keys(), badOptions(random, ["position", "filter", "bounds"])],
        () => [keys(), { ...filter, position: positions() }],
        () => [keys(), { filter: oddityButFunction(random) }],
        () => [keys(), { ...filter, bounds: floats(count) }],
        () => [keys(), {
          filter: () => {
            throw new Own("mine");
          },
        }],
      ),
    topKeys: () =>
      one<unknown[]>(
        () => [badKeys(), 2, filter],
        () => [
          keys(),
          pick<unknown>(random, [-1, 0.5, NaN, "1", null, 2n]),
          filter,
        ],
        () => [{ ids: [0, 1] }, 2],
        () => [{ ids: 0, rows: 1 }, 2],
        () => [{ ids: 0 }, 2, { position: 0 }],
        () => [keys(), 2, badOptions(random, ["position", "filter"])],
      ),
    weights: () => [
      one<unknown>(
        () => badOptions(random, ["ids", "keys", "top", "least"]),
        () => ({ keys: badIds(random, SCENE) ?? null }),
        () => ({ ids: [1] }),
        () => ({ top: pick<unknown>(random, [-1, 0.5, NaN, null]) }),
        () => ({ least: pick<unknown>(random, [2, NaN, null, "0"]) }),
      ),
    ],
    flush: () => [
      one<unknown>(
        () => badOptions(random, ["work"]),
        () => ({ work: pick<unknown>(random, [-1, NaN, null, "1", 5n]) }),
      ),
    ],
    entry: () => [badId(random, SCENE)],
    errorBound: () => [pick<unknown>(random, [1, 9, [0, 1], oddity(random)])],
    measureError: () => [pick<unknown>(random, [1, 9, [0, 1], oddity(random)])],
  };
  const functions: Record<string, unknown> = {
    append,
    update,
    edit,
    remove,
    watch,
    unwatch,
    admit,
    outputs,
    attend,
    topKeys,
    weights,
    flush,
    entry,
    errorBound,
    measureError,
  };
  const name = pick(random, Object.keys(verbs));
  const call = functions[name] as Loose;
  if (random.integer(20) === 0) {
    const other = pick<unknown>(random, [
      undefined,
      oddity(random),
      {},
      Object.create(a),
      new Proxy(a, {}),
      disposed(),
    ]);
    return [`${name} of no attention`, () => call(other)];
  }
  const args = verbs[name]();
  return [name, () => call(a, ...args)];
}

function oddityButFunction(random: Random): unknown {
  return pick<unknown>(random, [null, "x", true, 5n, {}, []]);
}

function disposed(): Attention {
  const a = createAttention({ dim: 1 });
  a[Symbol.dispose]();
  return a;
}

/** Fails unless a call is refused in one sentence, or by the caller's own error. */
function refusedWell(name: string, call: () => unknown): void {
  let error: unknown;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  assert(error !== undefined, `${name} was let in`);
  if (error instanceof Own) return;
  assert(
    error instanceof TypeError || error instanceof RangeError,
    `${name} threw ${error}`,
  );
  assert(SENTENCE.test(error.message), `${name}: ${error.message}`);
}

Deno.test("bad arguments of every verb are refused in one sentence, and change nothing to the bit", () => {
  const met = new Map<string, number>();
  const seeds = forSeeds(SEEDS, (_, random, at) => {
    const mask = pick(random, ["all", "causal", "predicate", "edges"]);
    const a = make(random, mask);
    const before = dump(a);
    assertEquals(ids(a), SCENE.live);
    for (let step = 1; step <= CALLS; step++) {
      at(step);
      const [name, call] = drawCall(random, a, mask);
      refusedWell(`${name} (${mask})`, call);
      met.set(name, (met.get(name) ?? 0) + 1);
      assertEquals(dump(a), before, name);
    }
  });
  if (seeds > 1) assert(Math.min(...met.values()) > 10, `${[...met]}`);
});

Deno.test("bad changes in a list, behind good ones, change nothing to the bit", () => {
  forSeeds(40, (_, random, at) => {
    const mask = pick(random, ["all", "edges"]), a = make(random, mask);
    const before = dump(a);
    for (let step = 1; step <= 25; step++) {
      at(step);
      const count = 2;
      const bad = pick<unknown>(random, [
        oddity(random),
        { verb: badNumber(random) },
        { verb: "append", keys: badRows(random, DIM, count), values: [] },
        {
          verb: "append",
          keys: [[1, 2, 3]],
          values: badRows(random, VALUE_DIM, count),
        },
        { verb: "update", ids: badIds(random, SCENE), bias: 0 },
        { verb: "edit", values: badEdits(random, VALUE_DIM, SCENE) },
        { verb: "remove", ids: [0] },
        { verb: "unwatch", ids: pick<unknown>(random, [1, [2, 2], null]) },
        { verb: "watch", queries: badRows(random, DIM, count) },
        {
          verb: "admit",
          pairs: mask === "edges" ? badPairs(random, SCENE) : [],
        },
        {
          get verb() {
            throw new Own("mine");
          },
        },
      ]);
      const good: unknown[] = [
        { verb: "remove", ids: 0 },
        { verb: "append", keys: [[1, 2, 3]], values: [[4, 5]], bias: 1 },
        { verb: "watch", queries: [[1, 2, 3]] },
        { verb: "update", ids: 5, values: [[4, 5]] },
        { verb: "edit", keys: [[6, 1, 2]] },
      ];
      const list = [...good, bad, ...good.slice(1, 3)];
      refusedWell(
        "apply",
        () => (apply as Loose)(a, step % 2 > 0 ? list : new Set(list)),
      );
      assertEquals(dump(a), before);
      refusedWell("apply", () => (apply as Loose)(a, throwing(good, random)));
      refusedWell(
        "apply",
        () => (apply as Loose)(a, oddityNotIterable(random)),
      );
    }
    assertEquals(dump(a), before);
    assertEquals(stats(a).evicted, 0);
  });
});

function oddityNotIterable(random: Random): unknown {
  return pick<unknown>(random, [
    null,
    undefined,
    "x",
    5,
    true,
    5n,
    {},
    () => 1,
  ]);
}

Deno.test("bad options of createAttention() and softmaxAttention() are refused in one sentence", () => {
  forSeeds(40, (_, random, at) => {
    for (let step = 1; step <= 25; step++) {
      at(step);
      const good = {
        keys: [[1, 2, 3]],
        values: [[1, 2]],
        queries: [[1, 2, 3]],
      };
      const whole = () =>
        pick<unknown>(random, [
          -1,
          0.5,
          NaN,
          Infinity,
          2 ** 53,
          oddity(random),
        ]);
      const bad = pick<unknown>(random, [
        badOptions(random, ["dim", "valueDim", "scale", "mask", "queries"]),
        { ...good, dim: whole() },
        { ...good, valueDim: whole() },
        { ...good, dim: 4 },
        { ...good, keys: badRows(random, DIM, 1) },
        { ...good, values: badRows(random, VALUE_DIM, 1), valueDim: 2 },
        { ...good, queries: badRows(random, DIM, 2) },
        { ...good, scale: badNumber(random) ?? "1" },
        { ...good, scale: 1e201 },
        { ...good, capacity: whole() },
        { ...good, logBytes: whole() },
        { ...good, kernel: pick(random, ["Scalar", "", oddity(random)]) },
        { ...good, representation: pick(random, ["csr", 1, null]) },
        {
          ...good,
          mask: pick<unknown>(random, [null, "all", true, [[1]], {}]),
        },
      ]);
      refusedWell("createAttention", () => (createAttention as Loose)(bad));
      const args = pick<unknown[]>(random, [
        [badShape(random), good.keys, good.values],
        [good.queries, badShape(random), good.values],
        [good.queries, good.keys, badShape(random)],
        [good.queries, good.keys, [[1], [2]]],
        [good.queries, good.keys, good.values, badOptions(random, ["scale"])],
        [good.queries, good.keys, good.values, { bias: badBias(random, 1) }],
        [good.queries, good.keys, good.values, { mask: null }],
        [good.queries, good.keys, good.values, {
          scale: badNumber(random) ?? "1",
        }],
      ]);
      refusedWell(
        "softmaxAttention",
        () => (softmaxAttention as Loose)(...args),
      );
    }
  });
});

/** No rows of three numbers; the definition takes NaN and infinities as they are. */
function badShape(random: Random): unknown {
  return pick<unknown>(random, [
    undefined,
    oddity(random),
    [[1, 2, 3], [1, 2]],
    [[1, 2, 3], 5],
    [1, "2", 3],
    [[1, 2, 3], [1, null, 3]],
    new BigInt64Array(3),
  ]);
}
