/**
 * Streams of changes, and the memory that they change: nouns by their meaning.
 *
 * The memory is real (WordNet through a sentence encoder), since normal numbers prove nothing about approximations.
 *
 * @module
 */

import { DenseMatrix } from "@reattend/reattend";
import { readTensor } from "../../examples/semantic_memory/memory_data.ts";
import type { Random } from "../../src/random.ts";
import { once } from "../measure.ts";
import { firstRows, type Problem } from "./problem.ts";

/** What changes: a key and its value. */
export type Change =
  | { verb: "update"; id: number; row: Float32Array }
  | { verb: "append"; row: Float32Array }
  | {
    verb: "edit";
    id: number;
    deltas: readonly (readonly [number, number])[];
  };

/** A kind of change, drawn for a memory as it is. */
export interface Stream {
  name: string;
  about: string;
  /** Whether the oldest key makes room for each new one. */
  evicts: boolean;
  draw(random: Random, memory: Mirror): Change;
}

/** What should be stored: values are the keys. */
export interface Mirror {
  problem: Problem;
  /** Rows that are not stored at the beginning, to be learned. */
  others: DenseMatrix;
  /** Keys that there have ever been; key `id` lies in row id mod capacity. */
  count: number;
}

const QUERIES = 64, SCALE = 40;
/** Keys that are stored at any time. */
export const KEYS = 256;
/** Of numbers of deviation 1/√512 = 0.044: how far one of them moves in a step of a drifting key. */
const STEP = 0.005;
/** Numbers that an edit changes, and by how much. */
const EDITED = 4, EDIT = 0.05;

/** Nouns and words, read when they are first asked for. */
const readRows = once(() => {
  const file = Deno.readFileSync(
    new URL(
      "../../examples/semantic_memory/wordnet.safetensors",
      import.meta.url,
    ),
  );
  return ["keys", "queries"].map((name) => {
    const { rows, columns, numbers } = readTensor(file, name);
    return new DenseMatrix(rows, columns, Float64Array.from(numbers));
  });
});

/** All kinds of change. */
export const STREAMS: readonly Stream[] = [
  {
    name: "replace",
    about: "a noun is forgotten and another takes its place",
    evicts: false,
    draw: (random, memory) => ({
      verb: "update",
      id: random.integer(KEYS),
      row: other(random, memory),
    }),
  },
  {
    name: "drift",
    about: "all numbers of a noun move a little",
    evicts: false,
    draw(random, { problem: { keys } }) {
      const id = random.integer(KEYS), from = id * keys.columns;
      return {
        verb: "update",
        id,
        row: Float32Array.from(
          keys.data.subarray(from, from + keys.columns),
          (x) => x + STEP * random.normal(),
        ),
      };
    },
  },
  {
    name: "append and evict",
    about: "a noun is learned, the oldest is forgotten",
    evicts: true,
    draw: (random, memory) => ({ verb: "append", row: other(random, memory) }),
  },
  {
    name: "element edits",
    about: `${EDITED} numbers of a noun change`,
    evicts: false,
    draw: (random, { problem: { keys } }) => ({
      verb: "edit",
      id: random.integer(KEYS),
      deltas: Array.from(
        { length: EDITED },
        () => [random.integer(keys.columns), EDIT * random.normal()] as const,
      ),
    }),
  },
];

/** The memory at the beginning. */
export function startingMemory(): Mirror {
  const [nouns, words] = readRows(), from = KEYS * nouns.columns;
  const keys = new DenseMatrix(KEYS, nouns.columns, nouns.data.slice(0, from));
  return {
    problem: {
      pattern: "NC",
      queries: firstRows(words, QUERIES),
      keys,
      values: keys,
      scale: SCALE,
    },
    others: new DenseMatrix(
      nouns.rows - KEYS,
      nouns.columns,
      nouns.data.slice(from),
    ),
    count: KEYS,
  };
}

/** Does to a mirror what a change says. */
export function mirrorChange(memory: Mirror, change: Change): void {
  const { keys } = memory.problem, { columns, data } = keys;
  if (change.verb === "edit") {
    // Repeats are summed before anything is rounded.
    const sums = new Map<number, number>();
    for (const [column, delta] of change.deltas) {
      sums.set(column, (sums.get(column) ?? 0) + delta);
    }
    for (const [column, delta] of sums) {
      const at = change.id * columns + column;
      data[at] = Math.fround(data[at] + delta);
    }
    return;
  }
  const id = change.verb === "append" ? memory.count++ : change.id;
  data.set(change.row, (id % KEYS) * columns);
}

/** A noun that is not stored at the beginning. */
function other(random: Random, { others }: Mirror): Float32Array {
  const from = random.integer(others.rows) * others.columns;
  return Float32Array.from(others.data.subarray(from, from + others.columns));
}
