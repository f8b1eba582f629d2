/**
 * Batches of writes of every kind, and the attention they write to.
 *
 * @module
 */

import {
  append,
  apply,
  type Change,
  edit,
  entry,
  type Id,
  ids,
  outputs,
  remove,
  update,
} from "@reattend/reattend";
import { refuseUnless } from "./check.ts";
import type { Contestant } from "./measure.ts";
import { attentionOver, normals, type Problem } from "./problem.ts";

/** Writes of a run, to different keys: fewer than the log of the smallest attention has room for. */
export const BATCH = 100;
/** The kinds of write. */
export const VERBS = [
  "append",
  "update",
  "update value",
  "edit",
  "remove",
  "apply",
] as const;
export type Verb = typeof VERBS[number];

/** A batch of writes to the keys `targets`, and whether it has done what it should. */
interface Writing {
  write: (targets: Id[]) => unknown;
  isDone: (targets: Id[]) => boolean;
}

/** Makes an attention with the first n queries of a problem, and what writes to it. */
export function makeWriters(problem: Problem): (verb: Verb) => Contestant {
  const { n, m, dim } = problem;
  const attention = attentionOver({
    ...problem,
    queries: problem.queries.subarray(0, n * dim),
  });
  const keys = rows(11, dim), values = rows(12, dim);
  const all = {
    keys: normals(11, BATCH * dim),
    values: normals(12, BATCH * dim),
  };
  let live = ids(attention), offset = 0;
  /** As many keys as at the start again, a query read, and the next targets. */
  const level = (): Id[] => {
    if (attention.size !== m) {
      if (attention.size > m) remove(attention, ids(attention).slice(m));
      else append(attention, all.keys, all.values);
      live = ids(attention);
    }
    if (n > 0) outputs(attention, { ids: 0 });
    offset += BATCH;
    return keys.map((_, at) => live[(offset + at) * STRIDE % m]);
  };
  // Tables have grown and the log has been full: no write that is measured pays for memory fresh from the system.
  append(attention, all.keys, all.values);
  for (let written = 0; written < m; written += BATCH) {
    update(attention, level(), all);
  }
  const stored = (id: Id, key?: Float32Array, value?: Float32Array) => {
    const found = entry(attention, id);
    return (key === undefined || equal(found.key, key)) &&
      (value === undefined || equal(found.value, value));
  };
  let before = 0, changes: Change[] = [];
  const writings: Record<Verb, Writing> = {
    "append": {
      write() {
        for (let i = 0; i < BATCH; i++) append(attention, keys[i], values[i]);
      },
      isDone: () =>
        attention.size === m + BATCH &&
        stored(ids(attention)[m], keys[0], values[0]),
    },
    "update": {
      write(targets) {
        for (let i = 0; i < BATCH; i++) {
          update(attention, targets[i], { keys: keys[i], values: values[i] });
        }
      },
      isDone: (targets) =>
        targets.every((id, i) => stored(id, keys[i], values[i])),
    },
    "update value": {
      write(targets) {
        for (let i = 0; i < BATCH; i++) {
          update(attention, targets[i], { values: values[i] });
        }
      },
      isDone: (targets) =>
        targets.every((id, i) => stored(id, undefined, values[i])),
    },
    "edit": {
      write(targets) {
        before = entry(attention, targets[0]).key[1];
        for (let i = 0; i < BATCH; i++) {
          edit(attention, { keys: [[targets[i], 1, 0.5]] });
        }
      },
      isDone: ([id]) =>
        entry(attention, id).key[1] === Math.fround(before + 0.5),
    },
    "remove": {
      write(targets) {
        for (let i = 0; i < BATCH; i++) remove(attention, targets[i]);
      },
      isDone: () => attention.size === m - BATCH,
    },
    "apply": {
      write: () => apply(attention, changes),
      isDone: (targets) =>
        targets.every((id, i) => stored(id, keys[i], values[i])),
    },
  };
  return (verb) => {
    const { write, isDone } = writings[verb];
    let targets: Id[] = [];
    const aim = () => {
      targets = level();
      changes = targets.map((ids, i) => (
        { verb: "update", ids, keys: keys[i], values: values[i] }
      ));
    };
    aim();
    write(targets);
    refuseUnless(isDone(targets), verb);
    return {
      before: aim,
      run: () => write(targets),
      jobs: BATCH,
    };
  };
}

/** A prime: it scatters the targets of a batch over a number of keys that is a power of 2. */
const STRIDE = 40503;

function rows(seed: number, width: number): Float32Array[] {
  const flat = normals(seed, BATCH * width);
  return Array.from(
    { length: BATCH },
    (_, at) => flat.slice(at * width, (at + 1) * width),
  );
}

function equal(a: Float32Array, b: Float32Array): boolean {
  return a.every((x, at) => x === b[at]);
}
