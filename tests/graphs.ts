/**
 * Graphs for tests: neighbourhood attention as a model, and scripts that are hard on its edges.
 *
 * @module
 */

import { type Attention, CsrMatrix, type Id, outputs } from "../mod.ts";
import { openAttention } from "../src/attention.ts";
import type { Random } from "../src/random.ts";
import { type OracleKey, oracleRow } from "./oracle.ts";
import { type Model, seen, type Step, twinOf } from "./model.ts";
import { sameBits } from "./same.ts";
import {
  drawKey,
  drawModel,
  drawValue,
  normals,
  pick,
  type Settings,
  shuffled,
  some,
} from "./scripts.ts";

/** A model of a graph: every query and every key there will ever be may have edges before it comes. */
export function drawGraph(
  random: Random,
  settings: Settings,
  { keys, queries, degree, later }: {
    keys: number;
    queries: number;
    /** Edges of a query, on average. */
    degree: number;
    /** Ids that may come later: they have edges, too. */
    later: number;
  },
): Model {
  const model = drawModel(random, settings, keys, queries);
  if (!settings.wild) {
    for (const { value } of model.keys.values()) {
      if (value.every((v) => v === 0)) value.fill(0.5);
    }
  }
  model.edges.clear();
  for (let query = 0; query < queries + later; query++) {
    const listed = new Set<Id>();
    for (let key = 0; key < keys + later; key++) {
      if (random.integer(keys) < degree) listed.add(key);
    }
    model.edges.set(query, listed);
  }
  return model;
}

/** Settings under which no grid refuses a change and no answer is hard. */
export const MILD: Partial<Settings> = {
  scale: 1,
  mask: "edges",
  capacity: Infinity,
  deviation: 0.3,
  wild: false,
};

/** A change with biases so small that the range of a row holds whatever comes, and no value of zeros only. */
export function mild(step: Step | undefined): Step | undefined {
  if (step === undefined) return undefined;
  const soft = { ...step };
  if ("bias" in soft) soft.bias = soft.bias?.map((bias) => bias / 4);
  if ("values" in soft && soft.verb !== "edit") {
    soft.values = soft.values?.map((value) =>
      value.every((v) => v === 0) ? value.map(() => 0.5) : value
    );
  }
  return soft;
}

/** Changes of one pair, as hostile to what rows have noted of it as can be thought of; the model is not changed. */
export function drawStrike(
  random: Random,
  settings: Settings,
  model: Model,
  hot: { query: Id; key: Id },
): Step {
  const live = [...model.keys.keys()], watched = [...model.queries.keys()];
  const append = (): Step => ({
    verb: "append",
    keys: [drawKey(random, settings, model)],
    values: [drawValue(random, settings)],
    bias: [pick(random, [0, 0, 1, -Infinity])],
    // Sometimes past ids whose edges nobody will ask for.
    ids: [model.nextKey + (random.integer(8) === 0 ? 1 : 0)],
  });
  const watch = (ids: Id[]): Step => ({
    verb: "watch",
    ids,
    queries: ids.map(() => normals(random, settings.dim, settings.deviation)),
  });
  if (live.length === 0) return append();
  if (watched.length === 0) return watch([model.nextQuery]);
  // The hot pair half of the time, as long as it is there.
  const key = model.keys.has(hot.key) && random.integer(3) > 0
    ? hot.key
    : pick(random, live);
  const query = model.queries.has(hot.query) && random.integer(3) > 0
    ? hot.query
    : pick(random, watched);
  switch (random.integer(14)) {
    case 0:
    case 1:
    case 2: {
      // The other way round than it is.
      const admitted = !(model.edges.get(query)?.has(key) ?? false);
      return { verb: "admit", pairs: [[query, key]], admitted };
    }
    case 3: {
      const pairs = some(random, watched, watched.length)
        .map((query): [Id, Id] => [query, key]);
      return { verb: "admit", pairs, admitted: random.integer(2) > 0 };
    }
    case 4:
    case 5:
      return {
        verb: "update",
        ids: [key],
        values: [
          random.integer(2) > 0
            ? drawValue(random, settings)
            : [...model.keys.get(key)!.value],
        ],
      };
    case 6:
      return {
        verb: "update",
        ids: [key],
        keys: [drawKey(random, settings, model)],
      };
    case 7:
    case 8: {
      const masked = model.keys.get(key)!.bias === -Infinity;
      return { verb: "update", ids: [key], bias: [masked ? 0.5 : -Infinity] };
    }
    case 9:
      return { verb: "remove", ids: [key] };
    case 10:
    case 11:
      return append();
    case 12:
      return watched.length > 1
        ? { verb: "unwatch", ids: [query] }
        : watch([query]);
    default:
      return watch([watched.length > 3 ? query : model.nextQuery]);
  }
}

/** Fails unless rows read now have the bits of fresh twins, by edges and by a predicate, and of the definition. */
export function checkAnswers(
  a: Attention,
  model: Model,
  random: Random,
  queries: readonly Id[],
): void {
  const order = shuffled(random, queries), { valueDim } = model;
  const actual = order.map((id) => outputs(a, { ids: id }).data);
  const mask = (query: Id, key: Id) =>
    model.edges.get(query)?.has(key) ?? false;
  const twins = {
    edges: twinOf(model, random),
    predicate: twinOf(model, random, { options: { mask } }),
  };
  for (const [kind, twin] of Object.entries(twins)) {
    const expected = outputs(twin, { ids: order }).data;
    order.forEach((id, at) =>
      sameBits(
        actual[at],
        expected.subarray(at * valueDim, (at + 1) * valueDim),
        `query ${id} and a fresh twin of ${kind}`,
      )
    );
  }
  const id = pick(random, order),
    keys = seen(model, id)
      .map((key): OracleKey => model.keys.get(key)!);
  const truth = keys.length === 0
    ? new Float64Array(valueDim)
    : oracleRow(model.queries.get(id)!.query, keys, model.scale, 32);
  sameBits(actual[order.indexOf(id)], truth, `query ${id} and the definition`);
}

/** The sums of a watched query, to be compared bit by bit. */
export function sumsOf(a: Attention, query: Id): Float64Array {
  const { rows: { sums, slots } } = openAttention("look", a);
  const row = slots.idOf.indexOf(query), { valueDim } = sums;
  const start = row * valueDim, end = start + valueDim;
  return Float64Array.of(
    sums.anchor[row],
    sums.shift[row],
    sums.valueShift[row],
    sums.fine[row],
    sums.room[row],
    sums.count[row],
    sums.massHigh[row],
    sums.massLow[row],
    sums.magnitudeHigh[row],
    sums.magnitudeLow[row],
    ...sums.numeratorHigh.subarray(start, end),
    ...sums.numeratorLow.subarray(start, end),
  );
}

/** A pattern of `nodes` queries with the key 0 and `degree` − 1 others each, spread over the `nodes` keys. */
export function hubbed(nodes: number, degree: number): CsrMatrix {
  const indices = new Uint32Array(nodes * degree);
  const stride = Math.floor((nodes - 1) / (degree - 1));
  for (let query = 0; query < nodes; query++) {
    // 7919 is a prime: neighbours are no neighbours of each other. One offset for all strides, so columns ascend.
    const offset = 1 + (query * 7919) % stride;
    for (let at = 1; at < degree; at++) {
      indices[query * degree + at] = offset + (at - 1) * stride;
    }
  }
  const indptr = Uint32Array.from({ length: nodes + 1 }, (_, i) => i * degree);
  const values = new Float32Array(indices.length).fill(1);
  return new CsrMatrix(nodes, nodes, indptr, indices, values);
}
