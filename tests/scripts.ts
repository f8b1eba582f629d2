/**
 * Random scripts of changes from a seed, and how their failures read.
 *
 * A law runs for a number of seeds; a failure names the seed and the step, and `REATTEND_SEED=… deno test
 * --allow-env=REATTEND_SEED` runs every law with that seed alone.
 *
 * @module
 */

import {
  admit,
  append,
  apply,
  type Attention,
  type AttentionOptions,
  edit,
  type Id,
  remove,
  unwatch,
  update,
  watch,
} from "../mod.ts";
import { attentionOf, createMemory } from "../src/attention.ts";
import { type Random, seeded } from "../src/random.ts";
import {
  change,
  type MaskName,
  maskOf,
  type Model,
  type Step,
} from "./model.ts";

/**
 * Runs a law for the seeds 1 … `count`, or for the one asked for; `at` notes how far it has come.
 *
 * Returns the number of seeds.
 */
export function forSeeds(
  count: number,
  law: (seed: number, random: Random, at: (step: number) => void) => void,
): number {
  const asked = askedSeed();
  for (let seed = asked ?? 1; seed <= (asked ?? count); seed++) {
    let step = 0;
    try {
      law(seed, seeded(seed), (now) => step = now);
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      throw new Error(`REATTEND_SEED=${seed}, step ${step}: ${what}`, {
        cause: error,
      });
    }
  }
  return asked === undefined ? count : 1;
}

/** Not asked for unless allowed: the default run may read files only. */
function askedSeed(): number | undefined {
  const variable = "REATTEND_SEED";
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  const given = state === "granted" ? Deno.env.get(variable) : undefined;
  return given === undefined ? undefined : Number(given);
}

/** What a script is about. */
export interface Settings {
  dim: number;
  valueDim: number;
  scale: number;
  mask: MaskName;
  capacity: number;
  /** Of components of keys and queries. */
  deviation: number;
  /** Whether now and then a key, a value or a bias is of another order of magnitude. */
  wild: boolean;
  /** Verbs that may be drawn, each as often as it is listed. */
  verbs: readonly Step["verb"][];
}

const EVERY_VERB: readonly Step["verb"][] = [
  "append",
  "append",
  "append",
  "update",
  "update",
  "update",
  "edit",
  "remove",
  "watch",
  "unwatch",
  "admit",
  "admit",
];

/** Draws settings; those given stay. */
export function drawSettings(
  random: Random,
  given: Partial<Settings> = {},
): Settings {
  const dim = pick(random, [0, 1, 2, 3, 4, 5, 8]);
  return {
    dim,
    valueDim: pick(random, [0, 1, 2, 3, 5]),
    scale: pick(random, [1 / Math.sqrt(dim || 1), 1, 1, 0, -0.7]),
    mask: pick(random, ["all", "causal", "predicate", "edges"]),
    capacity: pick(random, [Infinity, Infinity, 0, 1, 3, 8, 13]),
    deviation: pick(random, [0.3, 1, 4]),
    wild: random.integer(3) === 0,
    verbs: EVERY_VERB,
    ...given,
  };
}

/** A model with some keys, queries and edges from the start. */
export function drawModel(
  random: Random,
  settings: Settings,
  keys = random.integer(12),
  queries = random.integer(5),
): Model {
  const { dim, valueDim, scale, mask, capacity } = settings;
  const model: Model = {
    dim,
    valueDim,
    scale,
    mask,
    capacity,
    keys: new Map(),
    queries: new Map(),
    edges: new Map(),
    nextKey: 0,
    nextQuery: 0,
    evicted: 0,
    writes: 0,
  };
  const rows = (count: number, draw: () => number[]) =>
    Array.from({ length: count }, draw);
  change(model, {
    verb: "append",
    keys: rows(keys, () => drawKey(random, settings, model)),
    values: rows(keys, () => drawValue(random, settings)),
  });
  change(model, {
    verb: "watch",
    queries: rows(queries, () => normals(random, dim, settings.deviation)),
    position: rows(queries, () => []).map((_, row) => row),
  });
  // What never enters a table is not written, and a query's position is its row.
  model.writes = model.keys.size;
  if (mask === "edges") {
    // Also of queries and keys that come later.
    for (let query = 0; query < queries + 2; query++) {
      for (let key = 0; key < keys + 4; key++) {
        if (random.integer(2) > 0) {
          model.edges.set(
            query,
            (model.edges.get(query) ?? new Set()).add(key),
          );
        }
      }
    }
  }
  return model;
}

/** The attention that a model just drawn describes. */
export function attentionFor(
  model: Model,
  options: AttentionOptions = {},
  precision = 32,
): Attention {
  const { dim, valueDim, scale, capacity } = model;
  // Ids start at 0, so keys evicted at once are put in front again.
  const evicted = Array.from({ length: model.evicted });
  const keys = [...model.keys.values()], queries = [...model.queries.values()];
  const rows = <T>(before: readonly unknown[], width: number, behind: T[]) => [
    ...before.map(() => new Float32Array(width)),
    ...behind,
  ];
  return attentionOf(createMemory({
    dim,
    valueDim,
    scale,
    mask: maskOf(model),
    ...(capacity < Infinity ? { capacity } : {}),
    keys: rows(evicted, dim, keys.map(({ key }) => key)),
    values: rows(evicted, valueDim, keys.map(({ value }) => value)),
    queries: queries.map(({ query }) => query),
    ...options,
  }, precision));
}

/** Draws 1 … `most` changes that can be done one after the other, and does them to the model. */
export function drawSteps(
  random: Random,
  settings: Settings,
  model: Model,
  most = 3,
): { steps: Step[]; concerned: Id[][] } {
  const steps: Step[] = [], concerned: Id[][] = [];
  const count = 1 + random.integer(most);
  while (steps.length < count) {
    const step = drawStep(random, settings, model);
    if (step === undefined) continue;
    steps.push(step);
    concerned.push(change(model, step));
  }
  return { steps, concerned };
}

/** A change that can be done now; undefined where the verb drawn has nothing to work on. */
export function drawStep(
  random: Random,
  settings: Settings,
  model: Model,
): Step | undefined {
  const { dim, valueDim, verbs } = settings;
  const verb = pick(random, verbs);
  const live = [...model.keys.keys()], watched = [...model.queries.keys()];
  const many = <T>(count: number, draw: (at: number) => T): T[] =>
    Array.from({ length: count }, (_, at) => draw(at));
  switch (verb) {
    case "append": {
      const count = pick(random, [0, 1, 1, 1, 2, 3]);
      let next = model.nextKey;
      return {
        verb,
        keys: many(count, () => drawKey(random, settings, model)),
        values: many(count, () => drawValue(random, settings)),
        ...(random.integer(4) === 0
          ? { ids: many(count, () => (next += 1 + random.integer(3)) - 1) }
          : {}),
        ...(random.integer(3) === 0
          ? { bias: many(count, () => drawBias(random, settings)) }
          : {}),
      };
    }
    case "update": {
      const ids = some(random, live, 3), parts = 1 + random.integer(7);
      if (ids.length === 0) return undefined;
      return {
        verb,
        ids,
        ...(parts & 1
          ? { keys: ids.map(() => drawKey(random, settings, model)) }
          : {}),
        ...(parts & 2
          ? { values: ids.map(() => drawValue(random, settings)) }
          : {}),
        ...(parts & 4
          ? { bias: ids.map(() => drawBias(random, settings)) }
          : {}),
      };
    }
    case "edit": {
      const edits = (width: number): [Id, number, number][] =>
        width === 0 || live.length === 0 ? [] : many(
          random.integer(4),
          () => [pick(random, live), random.integer(width), random.normal()],
        );
      return { verb, keys: edits(dim), values: edits(valueDim) };
    }
    case "remove": {
      const ids = some(random, live, 2);
      return ids.length === 0 ? undefined : { verb, ids };
    }
    case "watch": {
      const replaced = random.integer(2) > 0 ? some(random, watched, 1) : [];
      const ids = [...replaced, model.nextQuery + random.integer(2)];
      return {
        verb,
        ids,
        queries: ids.map(() => normals(random, dim, settings.deviation)),
        ...(model.mask === "causal" && random.integer(2) > 0
          ? { position: ids.map(() => random.integer(model.nextKey + 3) - 1) }
          : {}),
      };
    }
    case "unwatch": {
      const ids = watched.length > 1 ? some(random, watched, 1) : [];
      return ids.length === 0 ? undefined : { verb, ids };
    }
    case "admit": {
      if (model.mask !== "edges") return undefined;
      if (live.length === 0 || watched.length === 0) return undefined;
      const pairs = many(
        1 + random.integer(4),
        (): [Id, Id] => [pick(random, watched), pick(random, live)],
      );
      return { verb, pairs, admitted: random.integer(2) > 0 };
    }
  }
}

/** Carries changes out: a single one by its verb now and then, several by `apply`, whose ids are returned. */
export function perform(
  a: Attention,
  steps: readonly Step[],
  random?: Random,
): Id[][] | undefined {
  const [step] = steps;
  if (steps.length !== 1 || random === undefined || random.integer(2) > 0) {
    return apply(a, steps);
  }
  switch (step.verb) {
    case "append": {
      const { keys, values, verb: _, ...options } = step;
      return [append(a, keys, values, options)];
    }
    case "update": {
      const { ids, verb: _, ...options } = step;
      update(a, ids, options);
      return;
    }
    case "edit": {
      const { verb: _, ...edits } = step;
      edit(a, edits);
      return;
    }
    case "remove":
      remove(a, step.ids);
      return;
    case "watch": {
      const { queries, verb: _, ...options } = step;
      return [watch(a, queries, options)];
    }
    case "unwatch":
      unwatch(a, step.ids);
      return;
    case "admit":
      admit(a, step.pairs, step.admitted);
  }
}

/** One of a list. */
export function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.integer(list.length)];
}

/** 1 … `most` different ones of a list, fewer where there are not as many. */
export function some<T>(
  random: Random,
  list: readonly T[],
  most: number,
): T[] {
  const left = [...list], taken: T[] = [];
  const count = Math.min(list.length, 1 + random.integer(most));
  while (taken.length < count) {
    taken.push(...left.splice(random.integer(left.length), 1));
  }
  return taken;
}

/** The same in another order. */
export function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const order = [...list];
  for (let at = order.length - 1; at > 0; at--) {
    const other = random.integer(at + 1);
    [order[at], order[other]] = [order[other], order[at]];
  }
  return order;
}

/** A row of normal numbers. */
export function normals(
  random: Random,
  width: number,
  deviation: number,
): number[] {
  return Array.from({ length: width }, () => random.normal() * deviation);
}

/** A key: ordinary, one that is there already, zero, whole numbers, or of another size. */
export function drawKey(
  random: Random,
  { dim, deviation, wild }: Settings,
  model?: Model,
): number[] {
  const kind = random.integer(12);
  if (kind === 0 && model !== undefined && model.keys.size > 0) {
    return [...pick(random, [...model.keys.values()]).key];
  }
  if (kind === 1) return new Array<number>(dim).fill(0);
  if (kind === 2) return normals(random, dim, deviation).map(Math.round);
  const size = wild && kind < 5 ? pick(random, [2 ** -40, 30, 2 ** 40]) : 1;
  return normals(random, dim, deviation * size);
}

/** A value: ordinary, zero, whole numbers, or of another size. */
export function drawValue(
  random: Random,
  { valueDim, wild }: Settings,
): number[] {
  const kind = random.integer(12);
  if (kind === 0) return new Array<number>(valueDim).fill(0);
  if (kind < 3) return normals(random, valueDim, 3).map(Math.round);
  return normals(
    random,
    valueDim,
    wild && kind < 6 ? pick(random, [2 ** -40, 2 ** 40, 2 ** -140]) : 1,
  );
}

/** A bias: ordinary, none, or one that masks. */
export function drawBias(random: Random, { wild }: Settings): number {
  const kind = random.integer(6);
  if (kind === 0) return -Infinity;
  if (kind === 1) return 0;
  if (kind === 2 && wild) return pick(random, [1e6, -1e6, 700, -1e300, 1e300]);
  return random.normal() * 2;
}
