/**
 * Seeded streams of changes that are hard on whoever keeps sums: what they take away is large, what stays is small.
 *
 * A stream gives changes as plain data, so that anything can follow it. Query component 0 is √dim in every query, so
 * that at a scale of 1/√dim a key's component 0 is added to its score in every row, in nats; mixed units are apart.
 *
 * @module
 */

import type { Id } from "../mod.ts";
import type { Random } from "../src/random.ts";
import type { Step } from "./model.ts";

/** Sizes of a stream. */
export interface StreamSizes {
  /** Watched queries. */
  queries: number;
  /** Most live keys. */
  keys: number;
  /** Numbers in a key. */
  dim: number;
  /** Numbers in a value. */
  valueDim: number;
}

/** A stream under way. */
export interface Stream {
  /** The queries to watch, under the ids 0, 1, 2, … */
  queries: number[][];
  /** The next changes; they make one update. */
  next(): Step[];
}

/** A kind of stream. */
export interface Hostile {
  /** What it does. */
  name: string;
  /** Whether running sums in f64 are sure to lose their digits on it. */
  breaks: boolean;
  /** Starts the stream of a seed. */
  start(random: Random, sizes: StreamSizes): Stream;
}

/** Every hostile stream. The scale is 1/√dim in all of them. */
export const hostiles: readonly Hostile[] = [
  ...[1, 4, 30, 100].map((deviation) => ({
    name: `random scores, deviation ${deviation}`,
    breaks: deviation > 4,
    start: starter(() => randomScores(deviation)),
  })),
  ...[20, 30, 60, 120, 250].map((gap) => ({
    name: `dominant key on and off, gap ${gap} nats`,
    breaks: gap > 20,
    start: starter(() => dominantKey(gap)),
  })),
  { name: "ratcheting maximum", breaks: true, start: starter(ratchet) },
  {
    name: "value outliers 2^±40 coming and going",
    breaks: true,
    start: starter(outliers),
  },
  { name: "scores to ±1e5", breaks: true, start: starter(plateaus) },
  {
    name: "growth from 1 key and back",
    breaks: false,
    start: starter(growth),
  },
  {
    name: "mixed units per column, 2^−20 … 2^20",
    breaks: false,
    start: starter(() => units, unitQuery),
  },
  {
    name: "add and remove at random",
    breaks: false,
    start: starter(() => addRemove),
  },
  {
    name: "duplicates of 4 keys, values ±1e6",
    breaks: false,
    start: starter(duplicates),
  },
  { name: "bias ramp", breaks: true, start: starter(biasRamp) },
  { name: "mixed", breaks: true, start: starter(mixed) },
];

/** Live keys of a stream, and the numbers it draws. */
interface Pool extends StreamSizes {
  random: Random;
  live: Id[];
  next: Id;
  key(deviation: number): number[];
  value(): number[];
}

/** Makes the changes of one update. */
type Kind = (pool: Pool) => Step[];

function starter(
  make: () => Kind,
  query: (pool: Pool) => number[] = anyQuery,
): Hostile["start"] {
  return (random, sizes) => {
    const pool = makePool(random, sizes), kind = make();
    const queries = Array.from({ length: sizes.queries }, () => query(pool));
    return { queries, next: () => kind(pool) };
  };
}

function makePool(random: Random, sizes: StreamSizes): Pool {
  const row = (length: number, deviation: number) =>
    Array.from({ length }, () => deviation * random.normal());
  return {
    ...sizes,
    random,
    live: [],
    next: 0,
    key: (deviation) => row(sizes.dim, deviation),
    value: () => row(sizes.valueDim, 1),
  };
}

function anyQuery({ key, dim }: Pool): number[] {
  return raised(key(1), Math.sqrt(dim));
}

/** A key with `nats` as its component 0. */
function raised(key: number[], nats: number): number[] {
  key[0] = nats;
  return key;
}

function added(pool: Pool, key: number[], value = pool.value()): Step[] {
  pool.live.push(pool.next++);
  return [{ verb: "append", keys: [key], values: [value] }];
}

function removed(
  { live, random }: Pool,
  at = random.integer(live.length),
): Step[] {
  const ids = [live[at]], last = live.pop()!;
  if (at < live.length) live[at] = last;
  return [{ verb: "remove", ids }];
}

/** Fills the pool, then replaces a key at random. */
function replaced(pool: Pool, key: number[], value = pool.value()): Step[] {
  if (pool.live.length < pool.keys) return added(pool, key, value);
  return [{ verb: "update", ids: [anyId(pool)], keys: [key], values: [value] }];
}

function anyId({ live, random }: Pool): Id {
  return live[random.integer(live.length)];
}

function chance({ random }: Pool, probability: number): boolean {
  return random.uniform() < probability;
}

/** Scores of this deviation: component 0 brings as much as all others together, but for one in dim. */
function randomScores(deviation: number): Kind {
  return (pool) =>
    replaced(pool, pool.key(deviation / Math.sqrt(2 - 1 / pool.dim)));
}

/** For some time all new keys score about the same, somewhere in ±1e5; then elsewhere. */
function plateaus(): Kind {
  const TERM = 256;
  let level = 0, left = TERM;
  return (pool) => {
    if (left-- === 0) {
      level = 1e5 * (2 * pool.random.uniform() - 1);
      left = TERM;
    }
    const key = pool.key(1);
    key[0] += level;
    return replaced(pool, key);
  };
}

/** A key so far above all others that they are what is left of the sums when it goes; its value may be nothing. */
function dominantKey(gap: number): Kind {
  let dominant: Id | undefined;
  return (pool) => {
    const ordinary = () => raised(pool.key(1), 0);
    if (pool.live.length < pool.keys || !chance(pool, 1 / 4)) {
      return replaced(pool, ordinary());
    }
    const at = dominant === undefined ? -1 : pool.live.indexOf(dominant);
    if (at < 0) {
      dominant = anyId(pool);
      return [{
        verb: "update",
        ids: [dominant],
        keys: [raised(pool.key(1), gap)],
        values: [chance(pool, 1 / 4) ? pool.value().fill(0) : pool.value()],
      }];
    }
    if (chance(pool, 1 / 4)) {
      return [...removed(pool, at), ...added(pool, ordinary())];
    }
    const ids = [dominant!];
    dominant = undefined;
    return [{ verb: "update", ids, keys: [ordinary()] }];
  };
}

/** Every key scores above those before it, which leave in order; from a height all falls back to 0. */
function ratchet(): Kind {
  const RISE = 1 / 8, HEIGHT = 2 ** 10;
  let height = 0;
  return (pool) => {
    height = height < HEIGHT ? height + RISE : 0;
    const key = raised(pool.key(1), height);
    if (pool.live.length < pool.keys) return added(pool, key);
    return [...removed(pool, oldest(pool)), ...added(pool, key)];
  };
}

function oldest({ live }: Pool): number {
  let at = 0;
  for (let i = 1; i < live.length; i++) if (live[i] < live[at]) at = i;
  return at;
}

/** Few large values, few small ones, and times without any. */
function outliers(): Kind {
  const away = new Set<Id>();
  return (pool) => {
    if (pool.live.length < pool.keys) return added(pool, pool.key(1));
    const [known] = away;
    if (known !== undefined && chance(pool, 1 / 8)) {
      away.delete(known);
      const there = pool.live.includes(known);
      if (there) {
        return [{ verb: "update", ids: [known], values: [pool.value()] }];
      }
    }
    const far = chance(pool, 1 / 16), id = anyId(pool);
    const factor = far ? 2 ** (chance(pool, 1 / 2) ? 40 : -40) : 1;
    if (far) away.add(id);
    else away.delete(id);
    return [{
      verb: "update",
      ids: [id],
      keys: [pool.key(1)],
      values: [pool.value().map((x) => x * factor)],
    }];
  };
}

/** Up to all keys and down to one, in an order of chance. */
function growth(): Kind {
  let growing = true;
  return (pool) => {
    if (pool.live.length <= 1) growing = true;
    if (pool.live.length >= pool.keys) growing = false;
    return growing ? added(pool, pool.key(4)) : removed(pool);
  };
}

/** Columns of keys and values in units of their own; queries have the inverse ones. */
const units: Kind = (pool) =>
  replaced(pool, inUnits(pool.key(1)), inUnits(pool.value()));

function unitQuery(pool: Pool): number[] {
  return inUnits(pool.key(1), -1);
}

function inUnits(row: number[], sign = 1): number[] {
  const step = 40 / Math.max(1, row.length - 1);
  return row.map((x, t) => x * 2 ** (sign * Math.round(step * t - 20)));
}

const addRemove: Kind = (pool) => {
  const { live, keys } = pool;
  const more = live.length <= keys / 2 ||
    (live.length < keys && chance(pool, 1 / 2));
  return more ? added(pool, pool.key(2)) : removed(pool);
};

/** All keys are copies of four, among them a zero key. */
function duplicates(): Kind {
  let copies: { key: number[]; value: number[] }[] | undefined;
  return (pool) => {
    copies ??= Array.from({ length: 4 }, (_, at) => ({
      key: pool.key(at),
      value: pool.value().map((x) => 1e6 * Math.sign(x)),
    }));
    const { key, value } = copies[pool.random.integer(copies.length)];
    return replaced(pool, key, value);
  };
}

/** Recency as a bias that grows with time; some keys are masked for a while; now and then all start anew. */
function biasRamp(): Kind {
  const RISE = 1 / 16, AGE = 4096;
  let age = 0;
  return (pool) => {
    if (pool.live.length < pool.keys) return added(pool, pool.key(1));
    if (++age >= AGE) {
      age = 0;
      const bias = pool.live.map(() => 0);
      return [{ verb: "update", ids: [...pool.live], bias }];
    }
    const bias = chance(pool, 1 / 16) ? -Infinity : RISE * age;
    return [{ verb: "update", ids: [anyId(pool)], bias: [bias] }];
  };
}

/** A few hundred updates of each kind in turn, and what no other stream does. */
function mixed(): Kind {
  const LONGEST = 400;
  const kinds = [
    randomScores(1),
    randomScores(30),
    dominantKey(30),
    dominantKey(250),
    ratchet(),
    outliers(),
    growth(),
    addRemove,
    duplicates(),
    biasRamp(),
    edits,
    batches,
    queriesChange,
  ];
  let kind = kinds[0], left = 0;
  return (pool) => {
    if (left-- === 0) {
      kind = kinds[pool.random.integer(kinds.length)];
      left = pool.random.integer(LONGEST);
    }
    return kind(pool);
  };
}

/** Single numbers of keys, two of one key in one call. */
const edits: Kind = (pool) => {
  if (pool.live.length === 0) return added(pool, pool.key(1));
  const [a, b] = [anyId(pool), anyId(pool)], { random, dim } = pool;
  return [{
    verb: "edit",
    keys: [
      [a, random.integer(dim), random.normal()],
      [b, random.integer(dim), random.normal()],
      [a, 0, random.normal()],
    ],
  }];
};

/** Many keys in one update: half of the pool goes, a tenth comes. */
const batches: Kind = (pool) => {
  const { live, keys } = pool;
  if (live.length > keys / 2) {
    const ids = live.splice(live.length >>> 1);
    return [{ verb: "remove", ids }];
  }
  const count = Math.ceil(keys / 10), table = { length: count };
  for (let i = 0; i < count; i++) live.push(pool.next++);
  return [{
    verb: "append",
    keys: Array.from(table, () => pool.key(4)),
    values: Array.from(table, () => pool.value()),
    bias: Array.from(table, () => pool.random.normal()),
  }];
};

/** Queries are replaced under their ids while keys change. */
const queriesChange: Kind = (pool) => [
  ...replaced(pool, pool.key(1)),
  {
    verb: "watch",
    queries: [anyQuery(pool)],
    ids: [pool.random.integer(pool.queries)],
  },
];
