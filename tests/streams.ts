/**
 * What keys come and who may attend to them: ordinary streams and hostile ones.
 *
 * @module
 */

import type { Random } from "../src/random.ts";
import type { OracleKey } from "./oracle.ts";

/** What keys come, and who may attend to them. */
export interface Stream {
  name: string;
  dim: number;
  valueDim: number;
  scale: number;
  /** Keys at the start, and at most. */
  keys: number;
  most: number;
  mask: "all" | "causal" | "edges" | "predicate";
  /** The numbers of a query. */
  query(random: Random): number[];
  /** The key drawn as number `index`. */
  draw(random: Random, index: number): OracleKey;
}

function normals(random: Random, count: number, gain = 1): Float32Array {
  return Float32Array.from({ length: count }, () => gain * random.normal());
}

/** Normal keys, values and queries, three watched, thirty keys. */
function stream(
  name: string,
  settings: Partial<Stream> = {},
  change: (
    key: OracleKey,
    random: Random,
    index: number,
  ) => Partial<OracleKey> = () => ({}),
): Stream {
  const { dim = 4, valueDim = 4 } = settings;
  return {
    name,
    dim,
    valueDim,
    scale: 1 / Math.sqrt(dim || 1),
    keys: 30,
    most: 45,
    mask: "all",
    query: (random) => [...normals(random, dim)],
    draw: (random, index) => {
      const key = {
        key: normals(random, dim),
        value: normals(random, valueDim),
        bias: 0,
      };
      return { ...key, ...change(key, random, index) };
    },
    ...settings,
  };
}

/** The largest 32-bit floats are a little below 2^128. */
const HUGE = 2 ** 124, TINY = 2 ** -149;
const FADING = [1, 2 ** -20, 2 ** -40, 2 ** -60];

/** Every kind of stream there is. */
export const STREAMS: readonly Stream[] = [
  stream("ordinary", { dim: 8, valueDim: 5 }),
  stream("odd width", { dim: 3 }),
  stream("no columns", { dim: 0 }),
  stream("one column", { dim: 1, valueDim: 1 }),
  stream("causal", { mask: "causal" }),
  stream("edges", { mask: "edges" }),
  stream("predicate", { mask: "predicate" }),
  stream("masked by bias", {}, (_, random) => ({
    bias: random.integer(2) === 0 ? -Infinity : random.normal(),
  })),
  stream("biases of 10¹²", {}, (_, random) => ({
    bias: random.normal() * 1e12 * 2 ** -random.integer(50),
  })),
  stream("equal biases of 10¹²", {}, (_, random) => ({
    bias: 1e12 + random.normal(),
  })),
  stream("recency", {}, (_, __, index) => ({ bias: 0.3 * index })),
  stream(
    "sinks",
    { valueDim: 6 },
    (_, random, index) =>
      index % 9 === 0
        ? { value: new Float32Array(6), bias: 10 + random.integer(890) }
        : {},
  ),
  stream("outliers", {}, ({ value }, random, index) => ({
    value: index % 11 === 0
      ? Float32Array.from(value, (x) => x * 10 ** (6 + random.integer(24)))
      : value,
  })),
  stream("rare values", {}, ({ value }, random) => ({
    value: Float32Array.from(value, (x) => random.integer(12) === 0 ? x : 0),
  })),
  stream("values of zero", {}, () => ({ value: new Float32Array(4) })),
  stream("one key at a power of two", { keys: 1, most: 1 }, (_, random) => ({
    value: Float32Array.from(
      { length: 4 },
      () => (random.integer(2) - 0.5) * 2 ** (random.integer(248) - 120),
    ),
  })),
  stream("two keys and a query of zero", {
    keys: 2,
    most: 2,
    query: () => [0, 0, 0, 0],
  }, (_, random) => ({
    value: Float32Array.from({ length: 4 }, () => random.integer(2001) - 1000),
  })),
  stream("saturated", { scale: 60 }, (_, random) => ({
    value: Float32Array.from({ length: 4 }, () => random.integer(200) - 100),
  })),
  stream("duplicates", {}, (_, __, index) => ({
    key: Float32Array.of(1, -1, 0.5, 0.3 * (index % 2)),
    value: Float32Array.of(0.1, -0.7, 1 / 3, index % 2),
  })),
  stream("cancellation", {}, (_, __, index) => {
    // Every second key is the one before it, its value turned round; now and then not quite.
    const pair = index >> 1, sign = index % 2 === 0 ? 1 : -1;
    const size = pair % 5 === 0 && sign < 0 ? 1 + 2 ** -20 : 1;
    return {
      key: Float32Array.from({ length: 4 }, (_, t) => Math.sin(pair * 7 + t)),
      value: Float32Array.from(
        { length: 4 },
        (_, c) => sign * size * Math.cos(pair * 5 + c),
      ),
    };
  }),
  stream("scores of 10⁵", { scale: 1e5 }),
  stream("scores of 10¹⁵", { scale: 1e15 }),
  stream("scores of 10³⁰", { scale: 1e30 }),
  stream("faint columns", {}, ({ value }) => ({
    value: Float32Array.from(value, (x, c) => x * FADING[c]),
  })),
  stream("subnormal values", {}, (_, random) => ({
    value: Float32Array.from(
      { length: 4 },
      () => (random.integer(41) - 20) * TINY,
    ),
  })),
  stream("values of 2¹²⁴", {}, ({ value }) => ({
    value: Float32Array.from(value, (x) => x * HUGE),
  })),
  stream("from nothing", { keys: 0, most: 6 }),
  stream("a few hundred", { keys: 200, most: 300 }),
];
