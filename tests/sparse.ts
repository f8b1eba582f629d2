/**
 * Scripts over sparse rows: rows of every density, the forms they can be given in, and what must not depend on how
 * they are stored.
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
  type AttentionOptions,
  type Change,
  CsrMatrix,
  edit,
  type Edits,
  entry,
  type Id,
  ids,
  outputs,
  remove,
  restore,
  type RestoreOptions,
  type Rows,
  snapshot,
  topKeys,
  unwatch,
  update,
  watch,
  weights,
} from "../mod.ts";
import { openAttention } from "../src/attention.ts";
import { DENSE } from "../src/kernel/table.ts";
import type { Representation } from "../src/matrix/representation.ts";
import type { Store } from "../src/matrix/store.ts";
import type { Random } from "../src/random.ts";
import { admitsPair, change, type Model, type Step } from "./model.ts";
import { sameBits } from "./same.ts";
import {
  attentionFor,
  drawModel,
  drawSettings,
  drawStep,
  pick,
  type Settings,
} from "./scripts.ts";

/** The three ways of storing. */
export const WAYS: readonly Representation[] = ["auto", "dense", "sparse"];

/** Widths from 0 to 70; rows of fewer than 16 numbers are not worth storing as entries. */
const WIDTHS = [0, 1, 2, 3, 7, 15, 16, 17, 18, 24, 31, 32, 33, 40, 55, 70];

/** A number that 32 bits hold as a subnormal, and one that they round to 0. */
const SUBNORMAL = 2 ** -140, TOO_SMALL = 2 ** -151;

/** Draws settings with widths from 0 to 70; those given stay. */
export function drawWideSettings(
  random: Random,
  given: Partial<Settings> = {},
): Settings {
  const dim = pick(random, WIDTHS), valueDim = pick(random, WIDTHS);
  const scale = pick(random, [1 / Math.sqrt(dim || 1), 1 / (dim || 1), 1, 0]);
  return drawSettings(random, { dim, valueDim, scale, ...given });
}

/** Turns numbers of a row into zeros of either sign, from none to all, now and then stripe by stripe. */
export function thin(random: Random, row: number[]): number[] {
  const kind = random.integer(9), share = random.uniform();
  const one = random.integer(row.length || 1);
  const tiny = random.integer(4) === 0;
  return row.map((number, t) => {
    const kept = [
      false,
      true,
      t % 2 === 0,
      t % 2 === 1,
      t === one,
      random.uniform() < 0.1,
    ][kind] ?? random.uniform() < share;
    if (!kept) return random.integer(2) > 0 ? 0 : -0;
    if (!tiny || random.integer(3) > 0) return number;
    return pick(random, [SUBNORMAL, -3 * SUBNORMAL, TOO_SMALL, -TOO_SMALL, -0]);
  });
}

/** A model whose rows are of every density. */
export function drawThinModel(
  random: Random,
  settings: Settings,
  keys: number = random.integer(14),
  queries: number = random.integer(5),
): Model {
  const model = drawModel(random, settings, keys, queries);
  const thinned = (row: Float32Array) =>
    Float32Array.from(thin(random, [...row]), (x) => Math.fround(x) + 0);
  for (const held of model.keys.values()) {
    held.key = thinned(held.key);
    held.value = thinned(held.value);
  }
  for (const held of model.queries.values()) held.query = thinned(held.query);
  return model;
}

/** Draws a change with rows of every density and does it to the model; undefined where nothing can be done. */
export function drawThinStep(
  random: Random,
  settings: Settings,
  model: Model,
): Step | undefined {
  const step = drawStep(random, settings, model);
  if (step === undefined) return undefined;
  const rows = (given: number[][] | undefined) =>
    given?.map((row) => thin(random, row));
  if (step.verb === "append" || step.verb === "update") {
    if (step.keys !== undefined) step.keys = rows(step.keys)!;
    if (step.values !== undefined) step.values = rows(step.values)!;
  } else if (step.verb === "watch") {
    step.queries = rows(step.queries)!;
  } else if (step.verb === "edit") {
    for (const part of ["key", "value"] as const) {
      const name = `${part}s` as const;
      step[name] = step[name]?.map(([id, column, delta]) => {
        // Now and then a number becomes exactly 0, stays as it is, or one of the smallest there are.
        const stored = model.keys.get(id)![part][column];
        return [
          id,
          column,
          pick(random, [delta, delta, -stored, -stored, 0, SUBNORMAL]),
        ];
      });
    }
  }
  change(model, step);
  return step;
}

/** 1 … `most` changes, done to the model. */
export function drawThinSteps(
  random: Random,
  settings: Settings,
  model: Model,
  most = 3,
): Step[] {
  const steps: Step[] = [], count = 1 + random.integer(most);
  while (steps.length < count) {
    const step = drawThinStep(random, settings, model);
    if (step !== undefined) steps.push(step);
  }
  return steps;
}

/** Rows as a sparse matrix with some of their zeros, of either sign, stored as entries. */
export function csrOf(
  random: Random,
  rows: readonly ArrayLike<number>[],
  width: number,
): CsrMatrix {
  const indptr = [0], indices: number[] = [], values: number[] = [];
  const zeros = pick(random, [0, 0, 0.2, 1]);
  for (const row of rows) {
    for (let t = 0; t < width; t++) {
      if (row[t] === 0 && !(random.uniform() < zeros)) continue;
      indices.push(t);
      values.push(row[t]);
    }
    indptr.push(indices.length);
  }
  return new CsrMatrix(
    rows.length,
    width,
    indptr,
    indices,
    random.integer(2) > 0 ? Float32Array.from(values) : values,
  );
}

/** Rows in one of the forms that they can be given in. */
export function formOf(
  random: Random,
  rows: readonly ArrayLike<number>[],
  width: number,
): Rows {
  const kind = random.integer(7);
  if (kind === 0) return rows.map((row) => Float64Array.from(row));
  if (kind === 1) return rows.map((row) => Array.from(row));
  const flat = () => rows.flatMap((row) => Array.from(row));
  if (kind === 2 && width > 0) return Float32Array.from(flat());
  if (kind === 3) {
    return { rows: rows.length, columns: width, to1DArray: flat };
  }
  return csrOf(random, rows, width);
}

/** Edits as triples or as a sparse matrix. */
function editsOf(
  random: Random,
  edits: [Id, number, number][] | undefined,
  width: number,
): Edits | undefined {
  if (edits === undefined || random.integer(2) > 0) return edits;
  const rows = edits.reduce((most, [id]) => Math.max(most, id + 1), 0);
  return CsrMatrix.fromTriples(rows, width, edits);
}

/** A change whose rows and edits are in some form. */
export function formed(random: Random, model: Model, step: Step): Change {
  const { dim, valueDim } = model;
  const keys = (rows: number[][]) => formOf(random, rows, dim);
  const values = (rows: number[][]) => formOf(random, rows, valueDim);
  switch (step.verb) {
    case "append":
      return { ...step, keys: keys(step.keys), values: values(step.values) };
    case "update":
      return {
        ...step,
        keys: step.keys && keys(step.keys),
        values: step.values && values(step.values),
      };
    case "edit":
      return {
        ...step,
        keys: editsOf(random, step.keys, dim),
        values: editsOf(random, step.values, valueDim),
      };
    case "watch":
      return { ...step, queries: keys(step.queries) };
  }
  return step;
}

/** Carries changes out, each in some form: all by `apply`, or one after the other by their verbs. */
export function performFormed(
  a: Attention,
  steps: readonly Step[],
  model: Model,
  random: Random,
): void {
  const changes = steps.map((step) => formed(random, model, step));
  if (random.integer(2) > 0) {
    apply(a, changes);
    return;
  }
  for (const { ...given } of changes) {
    switch (given.verb) {
      case "append": {
        const { ids, bias } = given;
        append(a, given.keys, given.values, { ids, bias });
        break;
      }
      case "update": {
        const { keys, values, bias } = given;
        update(a, given.ids, { keys, values, bias });
        break;
      }
      case "edit":
        edit(a, { keys: given.keys, values: given.values });
        break;
      case "remove":
        remove(a, given.ids);
        break;
      case "watch": {
        const { ids, position } = given;
        watch(a, given.queries, { ids, position });
        break;
      }
      case "unwatch":
        unwatch(a, given.ids);
        break;
      case "admit":
        admit(a, given.pairs, given.admitted);
    }
  }
}

/** The attention that a model just drawn describes, its rows given as sparse matrices where nothing was evicted. */
export function thinAttention(
  random: Random,
  model: Model,
  options: AttentionOptions,
  precision = 32,
): Attention {
  const { dim, valueDim, evicted } = model;
  if (evicted > 0 || random.integer(2) > 0) {
    return attentionFor(model, options, precision);
  }
  const keys = [...model.keys.values()], queries = [...model.queries.values()];
  return attentionFor(
    model,
    {
      keys: csrOf(random, keys.map(({ key }) => key), dim),
      values: csrOf(random, keys.map(({ value }) => value), valueDim),
      queries: csrOf(random, queries.map(({ query }) => query), dim),
      ...options,
    },
    precision,
  );
}

/** Restores a snapshot at the precision of the attention it was taken of. */
export function restoredAs(
  a: Attention,
  representation: Representation | undefined,
  model: Model,
): Attention {
  const mask = model.mask === "predicate" ? admitsPair : undefined;
  const options: RestoreOptions = {
    ...(mask && { mask }),
    ...(representation && { representation }),
  };
  const restored = restore(snapshot(a), options);
  const { precision } = openAttention("test", a);
  Object.assign(openAttention("test", restored), { precision });
  return restored;
}

/** What a snapshot says but for how rows are stored, and the checksum over that. */
export function tablesOf(bytes: Uint8Array): { header: string; data: string } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, end)));
  const { representation, checksum, ...metadata } = header.__metadata__;
  assert(WAYS.includes(representation) && checksum.length > 0, "metadata");
  return {
    header: JSON.stringify({ ...header, __metadata__: metadata }),
    data: bytes.subarray(end).join(" "),
  };
}

/** Rows lie as they were asked to: all alike, or each within the band around three in ten of its numbers. */
export function checkStored(a: Attention, wanted: Representation): void {
  const { keys, rows, log, pairs } = openAttention("test", a);
  const check = (store: Store, live: (row: number) => boolean) => {
    const { width, evens, count } = store;
    for (let row = 0; row < evens.length; row++) {
      if (!live(row)) continue;
      const dense = evens[row] === DENSE, share = count[row] / width;
      if (wanted !== "auto" || width < 16) {
        assertEquals(dense, wanted !== "sparse", `row ${row} is dense`);
      } else assert(dense ? share > 0.27 : share <= 0.33, `share ${share}`);
    }
  };
  for (const store of [keys.keys, keys.values]) {
    check(store, (row) => keys.slots.idOf[row] >= 0);
  }
  check(rows.queries, (row) => rows.slots.idOf[row] >= 0);
  const { versions } = log, free = new Set(pairs.free);
  for (const store of [versions.keys, versions.values]) {
    check(store, (row) => row < versions.used && !free.has(row));
  }
  if (wanted !== "auto" && a.size > 0) assertEquals(a.representation, wanted);
}

/** All that two attentions over the same contents answer, to the bit, whatever they have been through. */
export function sameAnswers(
  a: Attention,
  b: Attention,
  model: Model,
  random: Random,
): void {
  sameBits(outputs(a).data, outputs(b).data, "outputs");
  sameStored(a, b);
  sameGuests(a, b, model, random);
  const watched = { ids: [...model.queries.keys()] };
  const [tops, others] = [a, b].map((one) => topKeys(one, watched, 3));
  sameTops(tops, others);
  const [all, same] = [a, b].map((one) => weights(one));
  assertEquals([all.queries, all.keys], [same.queries, same.keys]);
  sameBits(all.matrix.to1DArray(), same.matrix.to1DArray(), "weights");
  sameBits(all.tail, same.tail, "tails");
}

/** What is stored is the same. */
function sameStored(a: Attention, b: Attention): void {
  assertEquals(ids(a), ids(b));
  sameBits([a.density], [b.density], "density");
  for (const id of ids(a)) {
    const one = entry(a, id), other = entry(b, id);
    sameBits(one.key, other.key, `key ${id}`);
    sameBits(one.value, other.value, `value ${id}`);
    sameBits([one.bias], [other.bias], `bias ${id}`);
  }
}

/** Queries that are not watched get the same, whatever form they come in, and the same bounds. */
function sameGuests(
  a: Attention,
  b: Attention,
  model: Model,
  random: Random,
): void {
  const { dim } = model;
  const guests = [0, 1, 2].map(() =>
    thin(random, Array.from({ length: dim }, random.normal))
  );
  const position = guests.map(() => random.integer(model.nextKey + 1) - 1);
  const options = model.mask === "causal"
    ? { position }
    : { filter: (query: Id, key: Id) => (query + key) % 3 > 0 };
  const bounds = [0, 1].map(() => new Float64Array(guests.length));
  const [one, other] = [a, b].map((attention, at) =>
    attend(attention, formOf(random, guests, dim), {
      ...options,
      bounds: bounds[at],
    })
  );
  sameBits(one.data, other.data, "attend");
  sameBits(bounds[0], bounds[1], "bounds of guests");
  const [tops, others] = [a, b].map((attention) =>
    topKeys(attention, formOf(random, guests, dim), 2, options)
  );
  sameTops(tops, others);
}

function sameTops(
  tops: ReturnType<typeof topKeys>,
  others: ReturnType<typeof topKeys>,
): void {
  assertEquals(tops.length, others.length);
  tops.forEach((top, at) => {
    assertEquals(top.keys, others[at].keys);
    sameBits(top.weights, others[at].weights, "weights of the top keys");
    sameBits([top.tail], [others[at].tail], "tail of the top keys");
  });
}
