/**
 * Judges a call: refused in one sentence with nothing changed, or done, and then as the model has it.
 *
 * @module
 */

import {
  type Attention,
  CsrMatrix,
  DenseMatrix,
  entry,
  type Id,
  ids,
  outputs,
  stats,
  topKeys,
} from "../../mod.ts";
import { change, cloneModel, type Model, seen } from "../model.ts";
import { oracleRow } from "../oracle.ts";
import type { Input, Outcome, Scene } from "./door.ts";
import { Own, type Reading, readParts, writtenOut } from "./parts.ts";

/** One sentence: what cannot be done, what is, what should be. */
const SENTENCE = /^Cannot [A-Za-z0-9 -]+: .+, .+[^.]$/;

/** What a call took. */
export interface Verdict {
  refused: boolean;
  /** What is wrong with it; undefined where nothing is. */
  fault: string | undefined;
  milliseconds: number;
  /** Allocated and not given back yet. */
  bytes: number;
}

/** What may be known of an attention at little cost: everything a change would change. */
export function digest(a: Attention): string {
  return `${a.size} ${a.watched} ${a.pending} ${JSON.stringify(stats(a))} ${
    ids(a)
  }`;
}

/** Calls a door and judges what comes of it; where the call is done, the model follows. */
export function judge(
  scene: Scene,
  input: Input,
  before = digest(scene.a),
): Verdict {
  const held = bytesHeld(), started = performance.now();
  let result: unknown, error: unknown, refused = false;
  try {
    result = input.call();
  } catch (thrown) {
    error = thrown;
    refused = true;
  }
  const milliseconds = performance.now() - started, bytes = bytesHeld() - held;
  input.scribble();
  return {
    refused,
    fault: refused
      ? badRefusal(scene, input, error, before)
      : badResult(scene, input, result),
    milliseconds,
    bytes,
  };
}

function bytesHeld(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

function badRefusal(
  { a }: Scene,
  { outcomes, strange }: Input,
  error: unknown,
  before: string,
): string | undefined {
  const own = error instanceof Own;
  const kind = error instanceof Error ? error.constructor.name : typeof error;
  const message = error instanceof Error ? error.message : String(error);
  if (own ? !strange : kind !== "TypeError" && kind !== "RangeError") {
    return `threw ${kind}: ${message}`;
  }
  if (!own && !SENTENCE.test(message)) return `no sentence: ${message}`;
  if (outcomes.length > 0 && !strange) return `right, but refused: ${message}`;
  const after = digest(a);
  return after === before ? undefined : `changed ${before} to ${after}`;
}

function badResult(
  scene: Scene,
  { outcomes }: Input,
  result: unknown,
): string | undefined {
  if (outcomes.length === 0) return "was let in";
  const faults = outcomes.map((outcome) => {
    const model = outcomes.length === 1 ? scene.model : cloneModel(scene.model);
    const fault = differsFrom({ ...scene, model }, outcome, result);
    return { model, fault };
  });
  const right = faults.find(({ fault }) => fault === undefined);
  if (right === undefined) {
    return `is not as the model has it: ${faults[0].fault}`;
  }
  scene.model = right.model;
  return undefined;
}

/** What is wrong with a result, or undefined; the model takes the changes. */
function differsFrom(
  { a, model }: Scene,
  outcome: Outcome,
  result: unknown,
): string | undefined {
  switch (outcome.kind) {
    case "matrix":
      return result instanceof CsrMatrix
        ? matrixDiffers(result, outcome.reading)
        : "no CsrMatrix";
    case "changes": {
      const concerned = outcome.steps.map((step) => change(model, step));
      const [{ verb }] = outcome.steps;
      const expected = Array.isArray(result) && !Array.isArray(result[0])
        ? concerned[0]
        : concerned;
      if (result !== undefined && !same(result, expected)) {
        return `${verb} returned ${JSON.stringify(result)}, not ${
          JSON.stringify(expected)
        }`;
      }
      return tablesDiffer(a, model) ??
        entriesDiffer(a, model, [...new Set(concerned.flat())]);
    }
    case "attention":
      return attentionDiffers(
        result as Attention,
        modelOf(outcome, model.scale),
      );
    case "outputs": {
      if (!(result instanceof DenseMatrix)) return "no DenseMatrix";
      const visible = [...model.keys.keys()];
      return rowsDiffer(
        result.data,
        outcome.queries.map((query) => truth(model, query, visible)),
      );
    }
    case "top": {
      const { queries, count } = outcome;
      const rows = queries.map((query) => Float32Array.from(query));
      const plain = topKeys(a, rows, count, { filter: () => true });
      return same(result, plain)
        ? undefined
        : `${JSON.stringify(result)}, not ${JSON.stringify(plain)}`;
    }
  }
}

/** Whether two plain values are the same; −0 is 0 as an id. */
function same(actual: unknown, expected: unknown): boolean {
  return JSON.stringify(actual) === JSON.stringify(expected);
}

/** A matrix with more rows is not written out to be compared. */
const MOST_ROWS = 2 ** 16, MOST_NUMBERS = 64;

function matrixDiffers(
  matrix: CsrMatrix,
  reading: Reading,
): string | undefined {
  const { rows, columns, indptr, indices, values } = matrix;
  if (!Object.is(rows, reading.rows) || !Object.is(columns, reading.columns)) {
    // −0 counts as a side that is 0.
    if (rows !== reading.rows || columns !== reading.columns) {
      return `${rows} × ${columns}, not ${reading.rows} × ${reading.columns}`;
    }
  }
  if (
    !(indptr instanceof Uint32Array) || !(indices instanceof Uint32Array) ||
    !(values instanceof Float64Array || values instanceof Float32Array)
  ) {
    return "arrays of other kinds";
  }
  if (rows > MOST_ROWS) {
    return indices.length === reading.entries.length ? undefined : "entries";
  }
  const said = readParts(matrix);
  if (said === undefined) return "it breaks its own contract";
  const entries = said.entries.length === reading.entries.length &&
    said.entries.every((one, at) =>
      one.every((x, part) =>
        Object.is(x, reading.entries[at][part] + 0) ||
        part === 2 && Object.is(x, reading.entries[at][2])
      )
    );
  if (!entries) {
    return `entries ${JSON.stringify(said.entries)}, not ${
      JSON.stringify(reading.entries)
    }`;
  }
  const small = rows * columns <= MOST_NUMBERS;
  return !small || same(matrix.to2DArray(), writtenOut(reading))
    ? undefined
    : "to2DArray()";
}

/** The model of an attention that was made from nothing. */
function modelOf(
  { steps, mask }: Outcome & { kind: "attention" },
  scale: number,
): Model {
  const [append] = steps;
  const widths = append.verb === "append"
    ? [append.keys[0]?.length ?? 0, append.values[0]?.length ?? 0]
    : [0, 0];
  const model: Model = {
    dim: widths[0],
    valueDim: widths[1],
    scale,
    mask: mask === undefined ? "all" : "edges",
    capacity: Infinity,
    keys: new Map(),
    queries: new Map(),
    edges: new Map(),
    nextKey: 0,
    nextQuery: 0,
    evicted: 0,
    writes: 0,
  };
  for (const step of steps) change(model, step);
  for (const [query, key, value] of mask?.entries ?? []) {
    if (value === 0) continue;
    const keys = model.edges.get(query) ?? new Set<Id>();
    model.edges.set(query, keys.add(key));
  }
  return model;
}

/** What of an attention is not as the model has it, rows read included; undefined where all is. */
export function attentionDiffers(
  a: Attention,
  model: Model,
): string | undefined {
  const counts = tablesDiffer(a, model) ??
    entriesDiffer(a, model, [...model.keys.keys()]);
  if (counts !== undefined) return counts;
  return rowsDiffer(
    outputs(a).data,
    [...model.queries].sort(([a], [b]) => a - b).map(([id, { query }]) =>
      truth(model, query, seen(model, id))
    ),
  );
}

function tablesDiffer(a: Attention, model: Model): string | undefined {
  const expected = [...model.keys.keys()];
  if (!same(ids(a), expected)) return `ids ${ids(a)}, not ${expected}`;
  return a.watched === model.queries.size
    ? undefined
    : `${a.watched} watched, not ${model.queries.size}`;
}

function entriesDiffer(
  a: Attention,
  { keys }: Model,
  concerned: readonly Id[],
): string | undefined {
  for (const id of concerned) {
    const stored = keys.get(id);
    // Queries are told from keys by nothing but what is there.
    if (stored === undefined) continue;
    const { key, value, bias } = entry(a, id);
    // Sparse rows keep no sign of zero, and no output depends on it.
    const off = bitsDiffer(key.map(unsigned), stored.key.map(unsigned)) ??
      bitsDiffer(value.map(unsigned), stored.value.map(unsigned));
    if (off !== undefined) return `entry ${id}: ${off}`;
    if (!Object.is(bias, stored.bias)) return `bias of ${id}: ${bias}`;
  }
  return undefined;
}

function unsigned(x: number): number {
  return x + 0;
}

function rowsDiffer(
  table: ArrayLike<number>,
  rows: readonly (readonly number[])[],
): string | undefined {
  return bitsDiffer(table, rows.flat());
}

function bitsDiffer(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
): string | undefined {
  const bits = actual.length === expected.length &&
    Array.from(expected).every((x, at) => Object.is(actual[at], x));
  return bits
    ? undefined
    : `${Array.from(actual)}, not ${Array.from(expected)}`;
}

/** What a query that sees these keys must get. */
function truth(
  { keys, scale, valueDim }: Model,
  query: ArrayLike<number>,
  visible: readonly Id[],
): number[] {
  const row = visible.map((id) => keys.get(id)!);
  return row.length === 0
    ? new Array<number>(valueDim).fill(0)
    : oracleRow(Float32Array.from(query), row, scale, 32);
}
