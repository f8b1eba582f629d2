/**
 * The doors of snapshots: sparse rows and edges in bytes whose seal is right.
 *
 * @module
 */

import { createAttention, CsrMatrix, restore, snapshot } from "../../mod.ts";
import { NO_CHECKSUM, seal } from "../../src/file/checksum.ts";
import {
  type NamedTensor,
  readSafetensors,
  writeSafetensors,
} from "../../src/file/safetensors.ts";
import { integers } from "../../src/file/tensors.ts";
import type { Random } from "../../src/random.ts";
import type { Step } from "../model.ts";
import { pick } from "../scripts.ts";
import { type Door, type Draw, isId, type Outcome, tableOf } from "./door.ts";
import {
  drawReading,
  type Entry,
  LISTS,
  type Reading,
  readParts,
  writtenOut,
} from "./parts.ts";
import { type Argument, LOST, realMatrix, WRITES } from "./writes.ts";

/** The doors, by name. */
export const SNAPSHOTS: Readonly<Record<string, Door>> = {
  "restore edges": {
    slots: ["edges"],
    draw: (draw) => {
      const { random } = draw, snapshot = drawSnapshot(draw);
      const right = drawReading(random, random.integer(5), random.integer(6));
      const edges = spoiledEdges(random, right, draw.spoil("edges"));
      const tensors = Object.entries(edges.given)
        .map(([name, list]) => integers(name, list));
      const sealed = resealed(snapshot.bytes, tensors);
      return {
        arguments: [edges],
        call: () => restore(sealed),
        outcomes: edges.readings.map((mask): Outcome => ({
          kind: "attention",
          steps: snapshot.steps(snapshot.keys),
          mask,
        })),
      };
    },
  },
  "restore sparse rows": {
    slots: ["keys"],
    draw: (draw) => {
      const { random, model: { dim } } = draw, snapshot = drawSnapshot(draw);
      const keys = spoiledRows(
        random,
        drawReading(random, KEYS, dim),
        draw.spoil("keys"),
      );
      const { indptr, indices, values } = keys.given;
      const list = (part: string, data: Uint32Array | Float32Array) => ({
        name: `keys.${part}`,
        dtype: data instanceof Uint32Array ? "U32" as const : "F32" as const,
        shape: [data.length],
        data,
      });
      const sealed = resealed(snapshot.bytes, [
        list("indptr", indptr),
        list("indices", indices),
        list("values", values),
      ], "keys");
      return {
        arguments: [keys],
        call: () => restore(sealed),
        outcomes: keys.readings.flatMap((reading): Outcome[] => {
          const table = tableOf(reading, dim, KEYS);
          return table === undefined ? [] : [{
            kind: "attention",
            steps: snapshot.steps(table),
            mask: { rows: 0, columns: 0, entries: [] },
          }];
        }),
      };
    },
  },
};

/** Keys of a snapshot. */
const KEYS = 4;

/** A snapshot of an attention with a mask of no edges, and the steps that make one of other keys. */
function drawSnapshot(
  { random, representation, model: { dim, valueDim, scale } }: Draw,
) {
  const table = (count: number, width: number) =>
    writtenOut(drawReading(random, count, width));
  const keys = table(KEYS, dim), values = table(KEYS, valueDim);
  const queries = table(3, dim), mask = new CsrMatrix(0, 0, [0], [], []);
  const bytes = snapshot(createAttention({
    dim,
    valueDim,
    scale,
    keys,
    values,
    queries,
    representation,
    mask,
  }));
  const steps = (keys: number[][]): Step[] => [
    { verb: "append", keys, values },
    { verb: "watch", queries },
  ];
  return { bytes, keys, steps };
}

/** A snapshot with some tensors in place of its own of the same names, and of `table`, under a seal that is right. */
function resealed(
  bytes: Uint8Array,
  tensors: readonly NamedTensor[],
  table = "",
): Uint8Array {
  const file = readSafetensors("restore", bytes);
  const names = tensors.map(({ name }) => name);
  const kept = [...file.tensors.values()]
    .filter(({ name }) => name !== table && !names.includes(name));
  const metadata = { ...file.metadata, checksum: NO_CHECKSUM };
  return seal(writeSafetensors([...kept, ...tensors], metadata));
}

/** The arrays of sparse rows in a snapshot. */
interface RowLists {
  indptr: Uint32Array;
  indices: Uint32Array;
  values: Float32Array;
}

/** Ways in which these go wrong that arrays of a matrix, which keep their length, do not, by name. */
const LENGTH_MUTATIONS: Readonly<
  Record<string, (random: Random, lists: RowLists) => void>
> = {
  "rows: one number too many": (random, lists) => {
    const name = pick(random, LISTS), list = lists[name];
    const more = [...list, random.integer(2) > 0 ? 0 : list.at(-1) ?? 0];
    setList(lists, name, more);
  },
  "rows: one number too few": (random, lists) => {
    const name = pick(random, LISTS);
    setList(lists, name, [...lists[name]].slice(0, -1));
  },
  "rows: no numbers": (random, lists) => {
    setList(lists, pick(random, LISTS), []);
  },
};

function setList(
  lists: RowLists,
  name: (typeof LISTS)[number],
  numbers: number[],
): void {
  if (name === "values") lists.values = new Float32Array(numbers);
  else lists[name] = new Uint32Array(numbers);
}

/** Sparse rows of a snapshot, spoiled. */
function spoiledRows(
  random: Random,
  right: Reading,
  mutations: number,
): Argument<Reading> & { given: RowLists } {
  const matrix = realMatrix(random, right), names: string[] = [];
  const count = Math.min(mutations, 9);
  const lengths = count > 0 && random.integer(3) === 0 ? 1 : 0;
  while (names.length < count - lengths) {
    const name = pick(random, Object.keys(WRITES));
    if (name !== LOST && WRITES[name](random, matrix)) names.push(name);
  }
  const lists: RowLists = {
    indptr: matrix.indptr,
    indices: matrix.indices,
    values: Float32Array.from(matrix.values),
  };
  if (lengths > 0) {
    const name = pick(random, Object.keys(LENGTH_MUTATIONS));
    LENGTH_MUTATIONS[name](random, lists);
    names.push(name);
  }
  const { columns } = right, rows = lists.indptr.length - 1;
  const reading = readParts({ rows, columns, ...lists });
  return {
    given: lists,
    readings: reading === undefined ? [] : [reading],
    strange: false,
    names: mutations === Infinity ? ["noise"] : names,
  };
}

/** The edges of a snapshot: the queries that have some, where the keys of each end, the keys. */
interface EdgeLists {
  edge_queries: number[];
  edge_ends: number[];
  edge_keys: number[];
}

/** Every way in which the edges of a snapshot go wrong by one step, by name; false where they give it nothing to do. */
const EDGE_MUTATIONS: Readonly<
  Record<string, (random: Random, lists: EdgeLists) => boolean>
> = {
  "edges: number is out by one": (random, lists) => {
    const list = pick(random, Object.values(lists) as number[][]);
    if (list.length === 0) return false;
    list[random.integer(list.length)] += pick(random, [-1, 1]);
    return true;
  },
  "edges: number is huge or negative": (random, lists) => {
    const list = pick(random, Object.values(lists) as number[][]);
    if (list.length === 0) return false;
    const huge = [-1, 2 ** 32 - 1, 2 ** 32, 2 ** 53, -(2 ** 63), 2 ** 62];
    list[random.integer(list.length)] = pick(random, huge);
    return true;
  },
  "edges: one number too many": (random, lists) => {
    const list = pick(random, Object.values(lists) as number[][]);
    return list.push((list.at(-1) ?? 0) + random.integer(2)) > 0;
  },
  "edges: one number too few": (random, lists) =>
    pick(random, Object.values(lists) as number[][]).splice(-1).length > 0,
  "edges: two numbers are exchanged": (random, lists) => {
    const list = pick(random, Object.values(lists) as number[][]);
    if (list.length < 2) return false;
    const at = random.integer(list.length - 1);
    [list[at], list[at + 1]] = [list[at + 1], list[at]];
    return true;
  },
  "edges: number is there twice": (random, lists) => {
    const list = pick(random, Object.values(lists) as number[][]);
    if (list.length < 2) return false;
    const at = random.integer(list.length - 1);
    list[at + 1] = list[at];
    return true;
  },
};

/** The edges of a snapshot, spoiled, and the mask they make. */
function spoiledEdges(
  random: Random,
  { entries }: Reading,
  mutations: number,
): Argument<Reading> & { given: EdgeLists } {
  const lists: EdgeLists = { edge_queries: [], edge_ends: [], edge_keys: [] };
  for (const [query, key] of entries) {
    if (lists.edge_queries.at(-1) !== query) {
      lists.edge_queries.push(query);
      lists.edge_ends.push(lists.edge_keys.length);
    }
    lists.edge_keys.push(key);
    lists.edge_ends[lists.edge_ends.length - 1]++;
  }
  const names: string[] = [];
  while (names.length < Math.min(mutations, 9)) {
    const name = pick(random, Object.keys(EDGE_MUTATIONS));
    if (EDGE_MUTATIONS[name](random, lists)) names.push(name);
  }
  const mask = maskOfEdges(lists);
  return {
    given: lists,
    readings: mask === undefined ? [] : [mask],
    strange: false,
    names: mutations === Infinity ? ["noise"] : names,
  };
}

/** The mask that edges make; undefined where they are none. */
function maskOfEdges(
  { edge_queries: queries, edge_ends: ends, edge_keys: keys }: EdgeLists,
): Reading | undefined {
  const ascends = (list: number[]) =>
    list.every((id, at) => isId(id) && (at === 0 || id > list[at - 1]));
  if (!ascends(queries) || ends.length !== queries.length) return undefined;
  if ((ends.at(-1) ?? 0) !== keys.length) return undefined;
  const entries: Entry[] = [];
  let start = 0;
  for (const [at, end] of ends.entries()) {
    if (end < start || !ascends(keys.slice(start, end))) return undefined;
    for (const key of keys.slice(start, end)) {
      entries.push([queries[at], key, 1]);
    }
    start = end;
  }
  return { rows: 2 ** 32, columns: 2 ** 32, entries };
}

/** The names of the mutations that only snapshots have. */
export const SNAPSHOT_MUTATIONS: readonly string[] = [
  ...Object.keys(LENGTH_MUTATIONS),
  ...Object.keys(EDGE_MUTATIONS),
];
