/**
 * A plain model of a maintained attention: what is stored, in Maps, and what every verb makes of it.
 *
 * It knows nothing of slots, logs, clocks or sums and shares no code with `src/`: what it says is what an attention
 * must hold after the same changes, and {@linkcode truth} what it must answer.
 *
 * @module
 */

import {
  apply,
  type Attention,
  type AttentionOptions,
  CsrMatrix,
  type Id,
} from "../mod.ts";
import { attentionOf, createMemory } from "../src/attention.ts";
import type { Random } from "../src/random.ts";

/** A stored key. */
export interface ModelEntry {
  key: Float32Array;
  value: Float32Array;
  bias: number;
}

/** A watched query. */
export interface ModelQuery {
  query: Float32Array;
  position: Id;
}

/** The four kinds of mask. */
export type MaskName = "all" | "causal" | "predicate" | "edges";

/** An attention as its user sees it. */
export interface Model {
  readonly dim: number;
  readonly valueDim: number;
  readonly scale: number;
  readonly mask: MaskName;
  readonly capacity: number;
  /** By ascending id, as Maps keep the order of insertion. */
  readonly keys: Map<Id, ModelEntry>;
  readonly queries: Map<Id, ModelQuery>;
  /** For each query id the ids of the keys it may attend to. */
  readonly edges: Map<Id, Set<Id>>;
  nextKey: Id;
  nextQuery: Id;
  evicted: number;
  /** Keys written: what `stats(a).writes` counts. */
  writes: number;
}

/** A change with plain arguments, as scripts draw them. */
export type Step =
  | {
    verb: "append";
    keys: number[][];
    values: number[][];
    ids?: Id[];
    bias?: number[];
  }
  | {
    verb: "update";
    ids: Id[];
    keys?: number[][];
    values?: number[][];
    bias?: number[];
  }
  | {
    verb: "edit";
    keys?: [Id, number, number][];
    values?: [Id, number, number][];
  }
  | { verb: "remove"; ids: Id[] }
  | { verb: "watch"; queries: number[][]; ids?: Id[]; position?: number[] }
  | { verb: "unwatch"; ids: Id[] }
  | { verb: "admit"; pairs: [Id, Id][]; admitted: boolean };

/** Carries a change out and returns the ids it concerns. */
export function change(model: Model, step: Step): Id[] {
  switch (step.verb) {
    case "append":
      return step.keys.map((key, at) => {
        const id = step.ids?.[at] ?? model.nextKey;
        model.keys.set(id, {
          key: stored(key),
          value: stored(step.values[at]),
          bias: step.bias?.[at] ?? 0,
        });
        model.nextKey = id + 1;
        model.writes++;
        while (model.keys.size > model.capacity) evict(model);
        return id;
      });
    case "update":
      step.ids.forEach((id, at) => {
        const entry = model.keys.get(id)!;
        if (step.keys) entry.key = stored(step.keys[at]);
        if (step.values) entry.value = stored(step.values[at]);
        if (step.bias) entry.bias = step.bias[at];
        model.writes++;
      });
      return step.ids;
    case "edit": {
      const keys = editRows(model, "key", step.keys ?? []);
      const values = editRows(model, "value", step.values ?? []);
      model.writes += keys.length + values.length;
      return [...new Set([...keys, ...values])];
    }
    case "remove":
      for (const id of step.ids) model.keys.delete(id);
      model.writes += step.ids.length;
      return step.ids;
    case "watch":
      return step.queries.map((query, at) => {
        const id = step.ids?.[at] ?? model.nextQuery;
        const position = step.position?.[at] ?? model.nextKey - 1;
        model.queries.set(id, { query: stored(query), position });
        model.nextQuery = Math.max(model.nextQuery, id + 1);
        return id;
      });
    case "unwatch":
      for (const id of step.ids) model.queries.delete(id);
      return step.ids;
    case "admit":
      for (const [query, key] of step.pairs) {
        const keys = model.edges.get(query) ?? new Set<Id>();
        if (step.admitted) keys.add(key);
        else keys.delete(key);
        model.edges.set(query, keys);
      }
      return [...new Set(step.pairs.map(([query]) => query))];
  }
}

function evict(model: Model): void {
  model.keys.delete(Math.min(...model.keys.keys()));
  model.evicted++;
  model.writes++;
}

/** Sums the deltas of each number first, then adds and rounds once. */
function editRows(
  model: Model,
  part: "key" | "value",
  edits: [Id, number, number][],
): Id[] {
  const sums = new Map<string, [Id, number, number]>();
  for (const [id, column, delta] of edits) {
    const sum = sums.get(`${id} ${column}`);
    if (sum === undefined) sums.set(`${id} ${column}`, [id, column, delta]);
    else sum[2] += delta;
  }
  for (const [id, column, sum] of sums.values()) {
    model.keys.get(id)![part][column] += sum;
  }
  return [...new Set(edits.map(([id]) => id))];
}

/** The predicate mask of all models: pure, and no for about a third of the pairs. */
export function admitsPair(query: Id, key: Id): boolean {
  return (query * 5 + key * 7 + query * key) % 3 !== 0;
}

/** The keys a watched query may attend to; a bias of −Infinity masks a key. */
export function seen(model: Model, id: Id): Id[] {
  const { position } = model.queries.get(id)!;
  return [...model.keys.keys()].filter((key) =>
    model.keys.get(key)!.bias > -Infinity && (
      model.mask === "all" ||
      (model.mask === "causal" && key <= position) ||
      (model.mask === "predicate" && admitsPair(id, key)) ||
      (model.mask === "edges" && (model.edges.get(id)?.has(key) ?? false))
    )
  );
}

/** The textbook's output of a watched query: softmax in f64, largest score first. */
export function truth(model: Model, id: Id): Float64Array {
  return attended(model, model.queries.get(id)!.query, seen(model, id));
}

/** The textbook's output of a query that sees these keys. */
export function attended(
  { keys, scale, valueDim }: Model,
  query: ArrayLike<number>,
  visible: readonly Id[],
): Float64Array {
  const output = new Float64Array(valueDim);
  const scores = visible.map((id) => {
    const { key, bias } = keys.get(id)!;
    return key.reduce((dot, k, t) => dot + k * query[t], 0) * scale + bias;
  });
  const largest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  let mass = 0;
  visible.forEach((id, at) => {
    const weight = Math.exp(scores[at] - largest);
    mass += weight;
    keys.get(id)!.value.forEach((v, c) => output[c] += weight * v);
  });
  return visible.length === 0 ? output : output.map((sum) => sum / mass);
}

/** A deep copy. */
export function cloneModel(model: Model): Model {
  return structuredClone(model);
}

/** What {@linkcode twinOf} may choose. */
export interface TwinOptions {
  /** Significant bits of answers; 32 if left out. */
  precision?: number;
  options?: AttentionOptions;
}

/**
 * A fresh attention over what the model holds now, under the same ids.
 *
 * With `random` it gets there by another road: other batches, queries before or after keys, contents that are replaced
 * before anybody reads, keys that come and go in between.
 */
export function twinOf(
  model: Model,
  random?: Random,
  { precision = 32, options = {} }: TwinOptions = {},
): Attention {
  const { dim, valueDim, scale } = model;
  const a = attentionOf(createMemory(
    { dim, valueDim, scale, mask: maskOf(model), ...options },
    precision,
  ));
  const keys = [...model.keys], queries = [...model.queries];
  const chunk = () => 1 + (random?.integer(6) ?? keys.length + queries.length);
  let nextKey = 0, nextQuery = 0;
  // Keys must come in the order of their ids, and so must queries; the two mix.
  const roads = (): boolean[] => {
    const left: boolean[] = [];
    if (nextKey < keys.length) left.push(true);
    if (nextQuery < queries.length) left.push(false);
    return left;
  };
  for (let left = roads(); left.length > 0; left = roads()) {
    if (left[random?.integer(left.length) ?? 0]) {
      const batch = keys.slice(nextKey, nextKey += chunk());
      const first = random === undefined || random.integer(3) > 0;
      apply(a, [{
        verb: "append",
        ids: batch.map(([id]) => id),
        keys: batch.map(([, { key }]) => first ? key : key.map((k) => 2 - k)),
        values: batch.map(([, { value }]) => value),
        bias: batch.map(([, { bias }]) => first ? bias : 1),
      }]);
      if (!first) {
        apply(a, [{
          verb: "update",
          ids: batch.map(([id]) => id),
          keys: batch.map(([, { key }]) => key),
          bias: batch.map(([, { bias }]) => bias),
        }]);
      }
    } else {
      const batch = queries.slice(nextQuery, nextQuery += chunk());
      apply(a, [{
        verb: "watch",
        ids: batch.map(([id]) => id),
        queries: batch.map(([, { query }]) => query),
        ...(model.mask === "causal"
          ? { position: batch.map(([, { position }]) => position) }
          : {}),
      }]);
    }
  }
  return a;
}

/** The model's mask as it is given to `createAttention`. */
export function maskOf(model: Model): AttentionOptions["mask"] {
  switch (model.mask) {
    case "all":
      return undefined;
    case "causal":
      return "causal";
    case "predicate":
      return admitsPair;
    case "edges": {
      const triples = [...model.edges].flatMap(([query, keys]) =>
        [...keys].map((key): [number, number, number] => [query, key, 1])
      );
      const size = (at: 0 | 1) =>
        triples.reduce((most, triple) => Math.max(most, triple[at] + 1), 0);
      return CsrMatrix.fromTriples(size(0), size(1), triples);
    }
  }
}

/** A row as it is stored: 32-bit floats, no −0. */
function stored(row: ArrayLike<number>): Float32Array {
  return Float32Array.from(row, (number) => Math.fround(number) + 0);
}
