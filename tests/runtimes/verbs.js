/**
 * The verbs of a maintained attention, one test each: the definition within the promise, and the bits of a fresh one.
 *
 * @module
 */

import { equal, rows, same, softmax, weights } from "./reference.js";

const DIM = 7; // odd: no vector width divides it
const VALUE_DIM = 5;
const KEYS = 37; // more than one register, with a remainder
const QUERIES = 3;

/** By name: each is given a module and what takes numbers into the digest. */
export const verbs = {
  "outputs() of no keys are zeros"(module, add) {
    const attention = module.createAttention({ dim: DIM, valueDim: VALUE_DIM });
    same(module.watch(attention, rows(QUERIES, DIM, 1)), [0, 1, 2], "ids");
    const read = module.outputs(attention);
    same([read.rows, read.columns], [QUERIES, VALUE_DIM], "shape");
    equal(bits(read, add), new Float64Array(QUERIES * VALUE_DIM), 0);
  },

  "outputs() are the softmax average of what was appended"(module, add) {
    const { attention, queries, model } = scene(module, 2);
    equal(bits(module.outputs(attention), add), softmax(queries, model));
    const one = module.outputs(attention, { ids: [1] });
    equal(bits(one, add), softmax([queries[1]], model));
  },

  "append() counts ids up and takes ids of its own"(module) {
    const attention = module.createAttention({ dim: DIM, valueDim: VALUE_DIM });
    const more = (count, options) =>
      module.append(
        attention,
        rows(count, DIM, 3),
        rows(count, VALUE_DIM, 4),
        options,
      );
    same(more(2), [0, 1], "ids");
    same(more(2, { ids: [5, 9] }), [5, 9], "ids");
    same(more(1), [10], "ids");
  },

  "append() of a row too short is refused and changes nothing"(module, add) {
    const { attention, queries, model } = scene(module, 5);
    let refusal;
    try {
      module.append(attention, [rows(1, DIM - 1, 6)[0]], rows(1, VALUE_DIM, 7));
    } catch (error) {
      refusal = error;
    }
    same(refusal instanceof RangeError, true, "a RangeError");
    same(attention.size, KEYS, "size");
    equal(bits(module.outputs(attention), add), softmax(queries, model));
  },

  "update() leaves the bits of a fresh attention"(module, add) {
    const { attention, queries, model } = scene(module, 8);
    bits(module.outputs(attention), add);
    const keys = rows(2, DIM, 9), values = rows(2, VALUE_DIM, 10);
    module.update(attention, [4, 30], { keys, values });
    module.update(attention, [11], { bias: -1.5 });
    model.set(4, { ...model.get(4), key: keys[0], value: values[0] });
    model.set(30, { ...model.get(30), key: keys[1], value: values[1] });
    model.set(11, { ...model.get(11), bias: -1.5 });
    asFresh(module, attention, queries, model, add);
  },

  "edit() leaves the bits of a fresh attention"(module, add) {
    const { attention, queries, model } = scene(module, 11);
    bits(module.outputs(attention), add);
    module.edit(attention, { keys: [[7, 2, 0.75]] });
    const key = [...model.get(7).key];
    key[2] = Math.fround(key[2] + 0.75);
    model.set(7, { ...model.get(7), key });
    asFresh(module, attention, queries, model, add);
  },

  "remove() leaves the bits of a fresh attention, and zeros at the end"(
    module,
    add,
  ) {
    const { attention, queries, model } = scene(module, 12);
    bits(module.outputs(attention), add);
    module.remove(attention, [0, 17, 36]);
    for (const id of [0, 17, 36]) model.delete(id);
    asFresh(module, attention, queries, model, add);
    module.remove(attention, [...model.keys()]);
    equal(
      bits(module.outputs(attention), add),
      new Float64Array(QUERIES * VALUE_DIM),
      0,
    );
  },

  "sparse rows, in and out, have the bits of dense ones"(module, add) {
    const thin = (seed, width) =>
      rows(KEYS, width, seed).map((row) =>
        row.map((number, at) => (at + seed) % 3 === 0 ? number : 0)
      );
    const keys = thin(17, DIM), values = thin(18, VALUE_DIM);
    const [dense, sparse] = ["dense", "sparse"].map((representation) => {
      const as = (table) =>
        representation === "sparse" ? module.CsrMatrix.fromDense(table) : table;
      const attention = module.createAttention({
        keys: as(keys),
        values: as(values),
        queries: as(thin(19, DIM).slice(0, QUERIES)),
        representation,
      });
      module.outputs(attention);
      module.update(attention, [3, 5], { keys: as(keys.slice(8, 10)) });
      module.edit(attention, { keys: [[6, 1, 0.5]], values: [[7, 2, -1.5]] });
      module.remove(attention, [9, 20]);
      return attention;
    });
    same([dense.representation, sparse.representation], ["dense", "sparse"]);
    equal(bits(module.outputs(sparse), add), module.outputs(dense).data, 0);
    const question = thin(21, DIM).slice(0, 2);
    const csr = module.CsrMatrix.fromDense(question);
    equal(
      bits(module.attend(sparse, csr), add),
      module.attend(dense, question).data,
      0,
    );
  },

  "a hundred changes leave the bits of a fresh attention"(module, add) {
    const { attention, queries, model } = scene(module, 13);
    for (let step = 0; step < 100; step++) {
      const ids = [...model.keys()];
      const id = ids[step * 7 % ids.length];
      const key = rows(1, DIM, 100 + step)[0];
      const value = rows(1, VALUE_DIM, 300 + step)[0];
      if (step % 3 === 0) {
        module.remove(attention, id);
        model.delete(id);
      } else if (step % 3 === 1) {
        const [next] = module.append(attention, [key], [value]);
        model.set(next, { key, value, bias: 0 });
      } else {
        module.update(attention, id, { keys: [key], values: [value] });
        model.set(id, { ...model.get(id), key, value });
      }
      if (step % 10 === 0) bits(module.outputs(attention), add);
    }
    asFresh(module, attention, queries, model, add);
  },

  "a bias far above the others takes all the weight"(module, add) {
    const { attention, model } = scene(module, 15);
    module.update(attention, 20, { bias: 5000 });
    const { value } = model.get(20);
    const read = bits(module.outputs(attention), add);
    for (let row = 0; row < QUERIES; row++) {
      equal(read.subarray(row * VALUE_DIM, (row + 1) * VALUE_DIM), value);
    }
  },

  "a causal mask shows a query the keys up to its position"(module, add) {
    const { keys, values, model } = table(16);
    const queries = rows(KEYS, DIM, 17);
    const attention = module.createAttention({
      queries,
      keys,
      values,
      mask: "causal",
    });
    const causal = (query, key) => key <= query;
    const expected = softmax(queries, model, causal);
    equal(bits(module.outputs(attention), add), expected);
    const late = module.attend(attention, [queries[5]], { position: 20 });
    const upTo = softmax([queries[5]], model, (_, key) => key <= 20);
    equal(bits(late, add), upTo);
  },

  "a predicate mask shows a query the keys it admits"(module, add) {
    const { keys, values, model } = table(18);
    const queries = rows(QUERIES, DIM, 19);
    const mask = (query, key) => (query + key) % 3 !== 0;
    const attention = module.createAttention({ queries, keys, values, mask });
    equal(
      bits(module.outputs(attention), add),
      softmax(queries, model, mask),
    );
  },

  "a matrix mask shows a query its edges, as they come and go"(module, add) {
    const { keys, values, model } = table(27);
    const queries = rows(QUERIES, DIM, 28);
    const edges = queries.map((_, query) =>
      keys.map((_, key) => (query + key) % 4 === 0 ? 1 : 0)
    );
    const attention = module.createAttention({
      queries,
      keys,
      values,
      mask: module.CsrMatrix.fromDense(edges),
    });
    const admits = (query, key) => edges[query][key] === 1;
    equal(
      bits(module.outputs(attention), add),
      softmax(queries, model, admits),
    );
    module.admit(attention, [[0, 1], [2, 3]]);
    module.admit(attention, [[1, 3], [1, 7]], false);
    for (const [query, key] of [[0, 1], [2, 3]]) edges[query][key] = 1;
    for (const [query, key] of [[1, 3], [1, 7]]) edges[query][key] = 0;
    equal(
      bits(module.outputs(attention), add),
      softmax(queries, model, admits),
    );
  },

  "topK() attends to the heaviest keys alone"(module, add) {
    const { keys, values, model } = table(29);
    const queries = rows(QUERIES, DIM, 30);
    const attention = module.createAttention({
      queries,
      keys,
      values,
      method: module.topK(4),
    });
    module.outputs(attention);
    module.remove(attention, [5, 6]);
    model.delete(5);
    model.delete(6);
    const best = queries.map((query) =>
      weights(query, model).sort((a, b) => b[1] - a[1]).slice(0, 4)
        .map(([id]) => id)
    );
    const admits = (query, key) => best[query].includes(key);
    equal(
      bits(module.outputs(attention), add),
      softmax(queries, model, admits),
    );
  },

  "capacity keeps the newest keys"(module, add) {
    const { keys, values, model } = table(20);
    const attention = module.createAttention({
      dim: DIM,
      valueDim: VALUE_DIM,
      capacity: 16,
    });
    const queries = rows(QUERIES, DIM, 21);
    module.watch(attention, queries);
    for (let at = 0; at < KEYS; at++) {
      module.append(attention, [keys[at]], [values[at]]);
    }
    for (let id = 0; id < KEYS - 16; id++) model.delete(id);
    asFresh(module, attention, queries, model, add);
  },

  "attend() answers queries that are not watched"(module, add) {
    const { attention, queries, model } = scene(module, 22);
    const asked = bits(module.attend(attention, queries), add);
    equal(asked, bits(module.outputs(attention), add), 0);
    const filter = (_, key) => key % 2 === 0;
    equal(
      bits(module.attend(attention, queries, { filter }), add),
      softmax(queries, model, filter),
    );
  },

  "topKeys() are the heaviest keys, and the tail is the rest"(module, add) {
    const { attention, queries, model } = scene(module, 23);
    const tops = module.topKeys(attention, queries, 5);
    same(tops.length, QUERIES, "answers");
    tops.forEach((top, row) => {
      const all = weights(queries[row], model).sort((a, b) => b[1] - a[1]);
      const heaviest = all.slice(0, 5);
      same([...top.keys], heaviest.map(([id]) => id), "keys");
      equal(top.weights, heaviest.map(([, weight]) => weight));
      const rest = all.slice(5).reduce((sum, [, weight]) => sum + weight, 0);
      equal([top.tail], [rest]);
      add([...top.keys, ...top.weights]);
    });
    const watched = module.topKeys(attention, { ids: [2] }, 5);
    same([...watched[0].keys], [...tops[2].keys], "keys");
  },

  "restore(snapshot()) goes on with the same bits"(module, add) {
    const { attention, queries, model } = scene(module, 24);
    module.remove(attention, [3, 8]);
    model.delete(3);
    model.delete(8);
    const bytes = module.snapshot(attention);
    same(bytes instanceof Uint8Array, true, "a Uint8Array");
    const again = module.restore(bytes);
    const read = bits(module.outputs(attention), add);
    equal(bits(module.outputs(again), add), read, 0);
    const key = rows(1, DIM, 25)[0], value = rows(1, VALUE_DIM, 26)[0];
    same(module.append(again, [key], [value]), [KEYS], "ids");
    model.set(KEYS, { key, value, bias: 0 });
    asFresh(module, again, queries, model, add);
  },
};

/** An attention over a table, with watched queries, and the model that it must agree with. */
function scene(module, seed) {
  const { keys, values, model } = table(seed);
  const queries = rows(QUERIES, DIM, seed + 1000);
  const attention = module.createAttention({ dim: DIM, valueDim: VALUE_DIM });
  module.append(attention, keys, values);
  module.watch(attention, queries);
  return { attention, queries, model };
}

/** Keys and values, and the model of them: id → key, value, bias. */
function table(seed) {
  const keys = rows(KEYS, DIM, seed + 2000);
  const values = rows(KEYS, VALUE_DIM, seed + 3000);
  const model = new Map(
    keys.map((key, id) => [id, { key, value: values[id], bias: 0 }]),
  );
  return { keys, values, model };
}

/** Holds an attention against the softmax of the model, and its bits against a fresh attention's. */
function asFresh(module, attention, queries, model, add) {
  const read = bits(module.outputs(attention), add);
  equal(read, softmax(queries, model));
  const fresh = module.createAttention({ dim: DIM, valueDim: VALUE_DIM });
  const ids = [...model.keys()].sort((a, b) => a - b);
  const entries = ids.map((id) => model.get(id));
  module.append(
    fresh,
    entries.map(({ key }) => key),
    entries.map(({ value }) => value),
    { ids, bias: entries.map(({ bias }) => bias) },
  );
  module.watch(fresh, queries);
  equal(read, bits(module.outputs(fresh), add), 0);
}

/** The numbers of a read, which enter the digest. */
function bits(matrix, add) {
  same(matrix.data instanceof Float64Array, true, "a Float64Array");
  add(matrix.data);
  return matrix.data.slice(0, matrix.rows * matrix.columns);
}
