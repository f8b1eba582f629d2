/**
 * Every attention that there is, as the probe of `patterns.ts` asks it: tensors, watched queries and guests.
 *
 * @module
 */

import {
  attend,
  type Attention,
  createAttention,
  outputs,
  remove,
  scaledDotProductAttention,
  type ScaledDotProductAttentionOptions,
  unwatch,
  update,
  watch,
} from "../mod.ts";
import {
  type Method,
  nystrom,
  observe,
  prune,
  pruned,
  smyrf,
  topK,
} from "../src/method/mod.ts";
import { type Random, seeded } from "../src/random.ts";
import type { Tensor } from "../src/softmax/tensor.ts";
import {
  drawProblem,
  firstRows,
  type Pattern,
  type Probed,
  type Problem,
  rowAt,
} from "./patterns.ts";
import { normals, pick } from "./scripts.ts";

/** Draws a method that fits a problem. */
type Draw = (random: Random, problem: Problem) => Method;

/** The methods, by what sets them apart where patterns are concerned. */
export const METHODS: Readonly<Record<string, Draw>> = {
  "topK": (random) => topK(1 + random.integer(6)),
  "smyrf": (random) => smyrf(clusters(random)),
  "smyrf, published clusters": (random) =>
    smyrf({ ...clusters(random), clusters: "published" }),
  "smyrf, published merge": (random) =>
    smyrf({ ...clusters(random), merge: "published" }),
  "nystrom, means of queries": (random) =>
    nystrom({ landmarks: 1 + random.integer(4), ...inverse(random) }),
  "nystrom, means of keys": (random) =>
    nystrom({
      landmarks: 1 + random.integer(4),
      landmarkQueries: "keys",
      ...inverse(random),
    }),
  "nystrom, given queries": (random, { keys: { shape } }) => {
    const landmarks = 1 + random.integer(4);
    return nystrom({
      landmarks,
      landmarkQueries: Array.from(
        { length: landmarks },
        () => normals(random, shape[3], 1),
      ),
      ...inverse(random),
    });
  },
  "nystrom, given landmarks": (random, { keys: { shape } }) => {
    const size = 1 + random.integer(4);
    const rows = () =>
      Array.from({ length: size }, () => normals(random, shape[3], 1));
    return nystrom({
      landmarks: { queries: rows(), keys: rows() },
      ...inverse(random),
    });
  },
};

/** The attentions of tensors. */
export function tensorSystems(): Probed[] {
  const exact = [
    ["exact, 32 bits", "f32", {}],
    ["exact, 32 bits, simd", "f32", { kernel: "simd" }],
    ["exact, 32 bits, scalar", "f32", { kernel: "scalar" }],
    ["exact, 64 bits", "f64", {}],
  ] as const;
  return [
    ...exact.map(([name, kind, options]) =>
      tensorSystem(name, () => kind, () => options)
    ),
    ...Object.entries(METHODS).map(([name, draw]) =>
      tensorSystem(
        name,
        (random) => pick(random, ["f32", "f64"]),
        (problem) => ({
          method: draw(seeded(problem.seed), problem),
        }),
      )
    ),
  ];
}

/** An attention of tensors: what it is asked, and with which options. */
export function tensorSystem(
  name: string,
  kind: (random: Random) => "f32" | "f64",
  optionsFor: (problem: Problem) => ScaledDotProductAttentionOptions,
): Probed {
  return {
    name,
    draw: (random, pattern) =>
      drawProblem(random, pattern, {
        kind: kind(random),
        grouped: true,
      }),
    attend: (problem) => attendTensors(problem, optionsFor(problem)),
  };
}

/** The option that says what a pattern is. */
const CAUSAL = {
  NS: undefined,
  CS: true,
  NC: undefined,
  CC: "queries",
} as const;

/** Asks for a pattern; a cache comes as a past or as lengths, by the seed. Some problems have a cap, and some a mask of keys. */
function attendTensors(
  problem: Problem,
  options: ScaledDotProductAttentionOptions,
): Tensor {
  const { pattern, queries, keys, values, front, scale, seed } = problem;
  const all: ScaledDotProductAttentionOptions = {
    causal: CAUSAL[pattern],
    scale,
    ...(seed % 3 === 0 ? { softcap: 5 } : {}),
    ...(seed % 4 === 0 ? { mask: keyMask(seed, keys.shape[2]) } : {}),
    ...options,
  };
  if (front === 0) {
    return scaledDotProductAttention(queries, keys, values, all).output;
  }
  if (seed % 2 === 0) {
    return scaledDotProductAttention(
      queries,
      behind(keys, front),
      behind(values, front),
      {
        ...all,
        pastKeys: firstRows(keys, front),
        pastValues: firstRows(values, front),
      },
    ).output;
  }
  const keyLengths = new Array<number>(keys.shape[0]).fill(keys.shape[2]);
  return scaledDotProductAttention(queries, keys, values, {
    ...all,
    keyLengths,
  }).output;
}

/** Hides a key in five, or adds a bias; what a key gets does not depend on how many there are. */
function keyMask(seed: number, count: number): Tensor {
  const random = seeded(seed);
  const drawn = Array.from(
    { length: count },
    () => random.integer(5) === 0 ? -Infinity : random.normal(),
  );
  return seed % 8 === 0 ? { data: Float64Array.from(drawn), shape: [count] } : {
    data: Uint8Array.from(drawn, (x) => x > -Infinity ? 1 : 0),
    shape: [count],
  };
}

/** The rows behind the first ones. */
function behind(tensor: Tensor, front: number): Tensor {
  const { data, shape: [batches, heads, length, width] } = tensor;
  const count = length - front;
  const Floats = data.constructor as Float64ArrayConstructor;
  const rest: Tensor = {
    data: new Floats(batches * heads * count * width),
    shape: [batches, heads, count, width],
  };
  for (let head = 0; head < batches * heads; head++) {
    for (let row = 0; row < count; row++) {
      rowAt(rest, head, row).set(rowAt(tensor, head, front + row));
    }
  }
  return rest;
}

/** The attentions that are maintained, by their watched queries. */
export function watchedSystems(): Probed[] {
  const method = (draw: Draw) => (problem: Problem) =>
    draw(seeded(problem.seed), problem);
  return [
    watchedSystem("exact", () => undefined),
    ...Object.entries(METHODS).map(([name, draw]) =>
      watchedSystem(name, method(draw))
    ),
    calibrated(),
    watchedSystem("pruned by these weights", method(sparse), (a) => {
      observe(a);
      prune(a);
    }),
  ];
}

/** A maintained attention; `settle` is done to it whenever it holds all of a problem. */
function watchedSystem(
  name: string,
  methodFor: (problem: Problem) => Method | undefined,
  settle: (a: Attention) => void = () => {},
): Probed {
  const attendTo = (problem: Problem): Tensor => {
    const a = make(problem, methodFor(problem));
    settle(a);
    return tensorOf(outputs(a));
  };
  return {
    name,
    draw: drawMaintained,
    attend: attendTo,
    change: (before, after) => {
      const a = make(before, methodFor(before));
      outputs(a);
      become(a, before, after);
      settle(a);
      return tensorOf(outputs(a));
    },
  };
}

/** What was pruned was settled on other rows, before those of the problem were there. */
function calibrated(): Probed {
  const start = (problem: Problem): Attention => {
    const random = seeded(problem.seed);
    const other = drawLike(random, problem);
    const a = make(other, sparse(random));
    observe(a);
    prune(a);
    become(a, other, problem);
    return a;
  };
  return {
    name: "pruned beforehand",
    draw: drawMaintained,
    attend: (problem) => tensorOf(outputs(start(problem))),
    change: (before, after) => {
      const a = start(before);
      outputs(a);
      become(a, before, after);
      return tensorOf(outputs(a));
    },
  };
}

/** The attentions that are maintained, by queries that are not watched; a few others are. */
export function guestSystems(): Probed[] {
  return [
    guestSystem("exact", () => undefined),
    ...Object.entries(METHODS).map(([name, draw]) => guestSystem(name, draw)),
  ];
}

function guestSystem(
  name: string,
  draw: (...given: Parameters<Draw>) => Method | undefined,
): Probed {
  const ask = (a: Attention, { pattern, queries, front }: Problem): Tensor => {
    const rows = rowList(queries);
    const position = pattern === "CS"
      ? rows.map((_, row) => front + row)
      : undefined;
    return tensorOf(attend(a, rows, { position }));
  };
  const start = (problem: Problem): Attention => {
    const random = seeded(problem.seed), { keys: { shape } } = problem;
    const method = draw(random, problem);
    const watched = Array.from(
      { length: WATCHED },
      () => normals(random, shape[3], 1),
    );
    return make({ ...problem, queries: tensorFrom(watched) }, method);
  };
  return {
    name,
    draw: drawMaintained,
    attend: (problem) => ask(start(problem), problem),
    change: (before, after) => {
      const a = start(before);
      ask(a, before);
      becomeKeys(a, before, after);
      return ask(a, after);
    },
  };
}

/** More than there are landmarks, so that those are means. */
const WATCHED = 6;

function drawMaintained(random: Random, pattern: Pattern): Problem {
  return drawProblem(random, pattern, {
    kind: "f32",
    grouped: false,
  });
}

function make(problem: Problem, method: Method | undefined): Attention {
  const { pattern, queries, keys, values, front, scale, seed } = problem;
  const a = createAttention({
    dim: keys.shape[3],
    valueDim: values.shape[3],
    keys: rowList(keys),
    values: rowList(values),
    scale,
    ...(pattern === "CS" ? { mask: "causal" } : {}),
    ...(method === undefined ? {} : { method }),
    kernel: seed % 2 === 0 ? "scalar" : "simd",
  });
  const rows = rowList(queries);
  watch(a, rows, {
    position: pattern === "CS" ? rows.map((_, row) => front + row) : undefined,
  });
  return a;
}

/** Brings what is watched and stored from one problem to another that is no longer. */
function become(a: Attention, before: Problem, after: Problem): void {
  const rows = rowList(after.queries), { pattern, front } = after;
  watch(a, rows, {
    ids: rows.map((_, row) => row),
    position: pattern === "CS" ? rows.map((_, row) => front + row) : undefined,
  });
  const gone = rowList(before.queries).map((_, row) => row).slice(rows.length);
  unwatch(a, gone);
  becomeKeys(a, before, after);
}

function becomeKeys(a: Attention, before: Problem, after: Problem): void {
  const keys = rowList(after.keys);
  update(a, keys.map((_, row) => row), { keys, values: rowList(after.values) });
  remove(a, rowList(before.keys).map((_, row) => row).slice(keys.length));
}

/** Other rows of the same shapes. */
function drawLike(random: Random, problem: Problem): Problem {
  const draw = ({ data, shape }: Tensor): Tensor => ({
    data: Float64Array.from(data, () => random.normal()),
    shape,
  });
  const { queries, keys, values } = problem;
  return {
    ...problem,
    queries: draw(queries),
    keys: draw(keys),
    values: draw(values),
  };
}

function rowList(tensor: Tensor): number[][] {
  return Array.from(
    { length: tensor.shape[2] },
    (_, row) => [...rowAt(tensor, 0, row)],
  );
}

function tensorFrom(rows: number[][]): Tensor {
  return {
    data: Float64Array.from(rows.flat()),
    shape: [1, 1, rows.length, rows[0].length],
  };
}

function tensorOf(
  matrix: { rows: number; columns: number; data: Float64Array },
): Tensor {
  return { data: matrix.data, shape: [1, 1, matrix.rows, matrix.columns] };
}

function clusters(random: Random) {
  return {
    clusterSize: 1 + random.integer(3),
    hashes: 1 + random.integer(3),
    seed: random.integer(1000),
  };
}

function inverse(random: Random) {
  return pick(
    random,
    [{}, {}, { ridge: 0.1 }, { inverse: "iterative" }, {
      inverse: "exact",
    }] as const,
  );
}

function sparse(random: Random): Method {
  return pruned({ sparsity: pick(random, [0.3, 0.6]) });
}
