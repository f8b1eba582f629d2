/**
 * Long lives of maintained attentions: seeded scripts of all verbs, one for each pair of widths.
 *
 * Widths lie on and beside those of vectors. By turns lives are masked in every way, sparse, bounded by a capacity,
 * written to and read from snapshots, and of values far from 1. At every checkpoint a life is held against the
 * definition, and against a fresh twin with the scalar kernel, which must have the same bits.
 *
 * @module
 */

import { chance, equal, rows, softmax } from "./reference.js";

const WIDTHS = [
  [1, 1],
  [2, 3],
  [3, 8],
  [4, 4],
  [5, 1],
  [7, 5],
  [8, 16],
  [9, 7],
  [15, 17],
  [16, 2],
  [17, 33],
  [31, 9],
  [32, 32],
  [33, 15],
  [64, 31],
  [65, 64],
];
const KEYS = 40;
const QUERIES = 5;
const CAPACITY = 48;
const STEPS = 64;
const CHECKPOINT = 8;
const MASKS = ["every key", "causal", "a predicate", "edges"];
const REPRESENTATIONS = ["auto", "dense", "sparse"];
/** Values are multiplied by 2 to such a power. */
const VALUE_POWERS = [0, 40, -40, 3, 0];
/** Outputs carry 32 significant bits; one bit more is room for the evaluation in double precision. */
const ROUNDING = 2 ** -31;

/** By name: each is given a module and what takes numbers into the digest. */
export const lives = Object.fromEntries(
  WIDTHS.map(([dim, valueDim], index) => {
    const mask = MASKS[index % MASKS.length];
    const representation = REPRESENTATIONS[index % REPRESENTATIONS.length];
    return [
      `a life of keys ${dim} wide and values ${valueDim} wide, ${mask}, ${representation}`,
      (module, add) => {
        const life = born(
          module,
          { dim, valueDim, mask, representation },
          index,
        );
        for (let step = 1; step <= STEPS; step++) {
          VERBS[life.random(VERBS.length)](life);
          if (life.random(2) === 0) {
            const ids = [...life.queries.keys()].slice(life.random(QUERIES));
            add(module.outputs(life.attention, { ids }).data);
          }
          if (step % CHECKPOINT === 0) check(life, add);
        }
      },
    ];
  }),
);

/** An attention and the model that it must agree with. */
function born(module, { dim, valueDim, mask, representation }, index) {
  const seed = 5000 + 100 * index;
  let written = 0;
  const life = {
    module,
    dim,
    valueDim,
    mask,
    representation,
    capacity: index % 5 === 4 ? CAPACITY : undefined,
    unit: 2 ** VALUE_POWERS[index % VALUE_POWERS.length],
    random: chance(seed),
    /** Two thirds of the numbers are 0 where rows are to be sparse. */
    rows: (count, width, unit = 1) =>
      rows(count, width, seed + 7 * ++written).map((row) =>
        row.map((number, at) =>
          index % 3 === 1 || (at + written) % 3 === 0 ? unit * number : 0
        )
      ),
    /** id → key, value, bias */
    keys: new Map(),
    /** id → query, position */
    queries: new Map(),
    nextKey: 0,
    nextQuery: 0,
    /** "query key" */
    edges: new Set(),
    attention: undefined,
  };
  life.options = {
    capacity: life.capacity,
    representation,
    mask: {
      causal: "causal",
      "a predicate": (query, key) => (3 * query + key) % 5 !== 0,
      edges: mask === "edges"
        ? module.CsrMatrix.fromDense(Array(QUERIES).fill(Array(KEYS).fill(0)))
        : undefined,
    }[mask],
  };
  const keys = life.rows(KEYS, dim),
    values = life.rows(KEYS, valueDim, life.unit);
  const queries = life.rows(QUERIES, dim);
  life.attention = module.createAttention({
    ...life.options,
    queries,
    keys,
    values,
  });
  keys.forEach((key, id) =>
    life.keys.set(id, { key, value: values[id], bias: 0 })
  );
  queries.forEach((query, id) => life.queries.set(id, { query, position: id }));
  life.nextKey = KEYS;
  life.nextQuery = QUERIES;
  return life;
}

/** Each makes one change of its kind. */
const VERBS = [
  function append(life) {
    const count = 1 + life.random(4);
    const keys = life.rows(count, life.dim);
    const values = life.rows(count, life.valueDim, life.unit);
    const bias = keys.map(() => life.random(8) / 4 - 1);
    life.module.append(life.attention, keys, values, { bias });
    keys.forEach((key, at) =>
      life.keys.set(life.nextKey++, {
        key,
        value: values[at],
        bias: bias[at],
      })
    );
    while (life.keys.size > (life.capacity ?? Infinity)) {
      forget(life, Math.min(...life.keys.keys()));
    }
  },
  function replace(life) {
    for (const id of someKeys(life, 2)) {
      const [key] = life.rows(1, life.dim);
      const [value] = life.rows(1, life.valueDim, life.unit);
      life.module.update(life.attention, id, { keys: key, values: value });
      life.keys.set(id, { ...life.keys.get(id), key, value });
    }
  },
  function bias(life) {
    const [id] = someKeys(life, 1);
    const bias = life.random(6) === 0 ? -Infinity : life.random(40) - 20;
    life.module.update(life.attention, id, { bias });
    life.keys.set(id, { ...life.keys.get(id), bias });
  },
  function edit(life) {
    const [id] = someKeys(life, 1), entry = life.keys.get(id);
    const at = life.random(life.dim), to = life.random(life.valueDim);
    const key = [...entry.key], value = [...entry.value];
    key[at] = Math.fround(key[at] + 0.3);
    value[to] = Math.fround(value[to] - 0.6 * life.unit);
    life.module.edit(life.attention, {
      keys: [[id, at, 0.3]],
      values: [[id, to, -0.6 * life.unit]],
    });
    life.keys.set(id, { ...entry, key, value });
  },
  function remove(life) {
    const ids = someKeys(life, life.keys.size > KEYS / 2 ? 3 : 0);
    life.module.remove(life.attention, ids);
    for (const id of ids) forget(life, id);
  },
  function watch(life) {
    const [gone, kept] = life.queries.keys(), id = life.nextQuery++;
    const [first, second] = life.rows(2, life.dim);
    const position = life.mask === "causal" ? life.nextKey - 1 : undefined;
    life.module.apply(life.attention, [
      { verb: "unwatch", ids: gone },
      { verb: "watch", queries: first, position },
      { verb: "watch", queries: second, ids: kept, position },
    ]);
    life.queries.delete(gone);
    life.queries.set(kept, { query: second, position });
    life.queries.set(id, { query: first, position });
    for (const edge of life.edges) {
      if (edge.startsWith(`${gone} `)) life.edges.delete(edge);
    }
  },
  function admit(life) {
    if (life.mask !== "edges") return;
    const query = [...life.queries.keys()][life.random(QUERIES)];
    const pairs = someKeys(life, 6).map((key) => [query, key]);
    const admitted = life.random(3) > 0;
    life.module.admit(life.attention, pairs, admitted);
    for (const [query, key] of pairs) {
      if (admitted) life.edges.add(`${query} ${key}`);
      else life.edges.delete(`${query} ${key}`);
    }
  },
  function flush(life) {
    life.module.flush(life.attention, { work: 100 * life.random(10) });
  },
  function restore(life) {
    const { mask } = life.options;
    life.attention = life.module.restore(
      life.module.snapshot(life.attention),
      typeof mask === "function" ? { mask } : {},
    );
  },
];

/** Distinct live ids, by chance. */
function someKeys(life, count) {
  const ids = [...life.keys.keys()], picked = new Set();
  while (picked.size < count) picked.add(ids[life.random(ids.length)]);
  return [...picked].sort((a, b) => a - b);
}

/** A key that is gone takes its edges with it. */
function forget(life, id) {
  life.keys.delete(id);
  for (const edge of life.edges) {
    if (edge.endsWith(` ${id}`)) life.edges.delete(edge);
  }
}

/** Holds a life against the definition, and its bits against those of a twin. */
function check(life, add) {
  const { module, attention } = life;
  const read = module.outputs(attention).data;
  add(read);
  const ids = [...life.queries.keys()].sort((a, b) => a - b);
  const queries = ids.map((id) => life.queries.get(id).query);
  const admits = (row, key) => {
    const { position } = life.queries.get(ids[row]);
    if (life.mask === "causal") return key <= position;
    if (life.mask === "edges") return life.edges.has(`${ids[row]} ${key}`);
    return life.options.mask?.(ids[row], key) ?? true;
  };
  const largest = Math.max(
    ...[...life.keys.values()].flatMap(({ value }) => value.map(Math.abs)),
  );
  equal(read, softmax(queries, life.keys, admits), ROUNDING * largest);
  equal(module.outputs(twin(life, ids)).data, read, 0);
  if (life.mask === "every key") {
    const guests = module.attend(attention, queries).data;
    equal(guests, read, 0);
  }
  const tops = module.topKeys(attention, { ids }, 3);
  for (const { keys, weights } of tops) add([...keys, ...weights]);
  const { matrix, tail } = module.weights(attention, { top: 3 });
  const sums = matrix.to2DArray().map((row, at) =>
    row.reduce((sum, weight) => sum + weight, tail[at])
  );
  const filled = ids.map((_, row) =>
    [...life.keys].some(([key, { bias }]) =>
        bias > -Infinity && admits(row, key)
      )
      ? 1
      : 0
  );
  equal(sums, filled);
}

/** The same entries, in one go and by the scalar kernel. */
function twin({ module, options, ...life }, ids) {
  const { mask } = options;
  const attention = module.createTwin({
    dim: life.dim,
    valueDim: life.valueDim,
    mask: life.mask === "edges" ? module.CsrMatrix.fromDense([], 0) : mask,
  });
  const keys = [...life.keys.keys()].sort((a, b) => a - b);
  const entries = keys.map((id) => life.keys.get(id));
  const column = (name) => entries.map((entry) => entry[name]);
  module.append(attention, column("key"), column("value"), {
    ids: keys,
    bias: column("bias"),
  });
  const queries = ids.map((id) => life.queries.get(id));
  module.watch(attention, queries.map(({ query }) => query), {
    ids,
    position: life.mask === "causal"
      ? queries.map(({ position }) => position)
      : undefined,
  });
  if (life.mask === "edges") {
    const pairs = [...life.edges].map((edge) => edge.split(" ").map(Number));
    module.admit(attention, pairs);
  }
  return attention;
}
