/**
 * Drives a maintained attention through a hostile stream and judges it on the way.
 *
 * The veteran is read on a schedule that is eager, partial and absent by turns. At every checkpoint all of its rows are
 * compared: with the definition in about twice the precision, which the bounds must cover, and with a fresh twin of the
 * same entries in another order, under other ids, in other batches and by the scalar kernel, which must have the same
 * bits. Running sums in f64 go along and show what the stream does to those.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  append,
  apply,
  attend,
  type Attention,
  entry,
  errorBound,
  ids,
  type Ladder,
  measureError,
  outputs,
  remove,
  stats,
  watch,
} from "../mod.ts";
import { attentionOf, createMemory, openAttention } from "../src/attention.ts";
import { versionLimit } from "../src/memory/memory.ts";
import { type Random, seeded } from "../src/random.ts";
import { change, type Model, type ModelEntry, type Step } from "./model.ts";
import { absorb, makeRunning, retract, type Running } from "./running.ts";
import { sameBits } from "./same.ts";
import type { Hostile, StreamSizes } from "./hostile.ts";
import { trueOutput } from "./truth.ts";

/** How to run a stream. */
export interface Endurance {
  /** Of the stream. */
  seed: number;
  /** How many to make. */
  updates: number;
  /** Updates between two checkpoints. */
  every: number;
  /** Significant bits of an answer, 32 if left out: more of them meet more boundaries. */
  precision?: number;
}

/** What a stream took. */
export interface Endured {
  /** How many were made. */
  updates: number;
  /** Rows answered, checkpoints and guests included. */
  reads: number;
  /** Rows started over, per update and watched row. */
  recomputed: number;
  /** Which steps gave the answers. */
  ladder: Ladder;
  /** The largest error of an output, relative to its bound. */
  worst: number;
  /** The largest error of an output from running sums, relative to the largest value stored then; NaN if one was none. */
  running: number;
  /** Multiply-adds per update, checkpoints and guests included. */
  multiplyAdds: number;
  /** Seconds per update, its changes and reads alone: the median over the times between checkpoints. */
  seconds: number;
}

/** The sizes of every run. */
export const SIZES: Readonly<StreamSizes> = {
  queries: 8,
  keys: 512,
  dim: 8,
  valueDim: 8,
};
const SCALE = 1 / Math.sqrt(SIZES.dim);

/** Sums differ between two histories by less than this, relative to themselves, where a bound is made of them. */
const BLUR = 2 ** -8;

/** Updates of one schedule: a row at a time and all now and then, one row alone, none at all. */
const TERM = 2048;
const SCHEDULES = ["eager", "eager", "one", "none"];
const ALL_EVERY = 64, GUEST_EVERY = 16;

/** Runs a stream; throws where a bound is broken, bits differ or what is kept makes no sense. */
export function endure(hostile: Hostile, endurance: Endurance): Endured {
  const { seed, updates, every, precision = 32 } = endurance;
  const stream = hostile.start(seeded(seed), SIZES);
  const run = makeRun(stream.queries, precision, seeded(~seed));
  const times: number[] = [];
  let worst = 0, running = 0, step = 0;
  try {
    while (step < updates) {
      const first = step, end = Math.min(updates, step + every);
      let seconds = 0;
      for (; step < end; step++) {
        const steps = stream.next();
        for (const one of steps) follow(run, one);
        const began = performance.now();
        apply(run.veteran, steps);
        readBySchedule(run, step);
        seconds += (performance.now() - began) / 1000;
      }
      times.push(seconds / (step - first));
      worst = Math.max(worst, judge(run));
      running = Math.max(running, runningError(run));
    }
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(
      `${hostile.name}, seed ${seed}, precision ${precision}, update ${step}: ${what}`,
      { cause: error },
    );
  }
  const { recomputed, ladder, multiplyAdds } = stats(run.veteran);
  return {
    updates,
    reads: ladder.quick + ladder.integer + ladder.finer + ladder.exact,
    recomputed: recomputed / (updates * SIZES.queries),
    ladder,
    worst,
    running,
    multiplyAdds: multiplyAdds / updates,
    seconds: times.sort((a, b) => a - b)[times.length >>> 1],
  };
}

/** A stream under way. */
interface Run {
  veteran: Attention;
  precision: number;
  model: Model;
  /** By query. */
  running: Running[];
  random: Random;
}

function makeRun(
  queries: number[][],
  precision: number,
  random: Random,
): Run {
  const veteran = makeAttention(precision, "auto");
  const model: Model = {
    dim: SIZES.dim,
    valueDim: SIZES.valueDim,
    scale: SCALE,
    mask: "all",
    capacity: Infinity,
    keys: new Map(),
    queries: new Map(),
    edges: new Map(),
    nextKey: 0,
    nextQuery: 0,
    evicted: 0,
    writes: 0,
  };
  const run = { veteran, precision, model, running: [], random };
  const first: Step = { verb: "watch", queries };
  follow(run, first);
  apply(veteran, [first]);
  return run;
}

function makeAttention(
  precision: number,
  kernel: "auto" | "scalar",
): Attention {
  const { dim, valueDim } = SIZES;
  return attentionOf(
    createMemory({ dim, valueDim, scale: SCALE, kernel }, precision),
  );
}

/** Carries a change out on the model and on the running sums. */
function follow({ model, running }: Run, step: Step): void {
  const { keys, queries, scale, valueDim } = model;
  const touched = step.verb === "edit"
    ? [...new Set(step.keys!.map(([id]) => id))]
    : step.verb === "update" || step.verb === "remove"
    ? step.ids
    : [];
  const each = (ids: number[], move: typeof absorb) => {
    for (const id of ids) {
      const stored = keys.get(id);
      if (stored !== undefined) running.forEach((row) => move(row, stored));
    }
  };
  each(touched, retract);
  const concerned = change(model, step);
  if (step.verb !== "watch") each(concerned, absorb);
  else {
    for (const id of concerned) {
      running[id] = makeRunning(queries.get(id)!.query, scale, valueDim);
      for (const stored of keys.values()) absorb(running[id], stored);
    }
  }
}

function readBySchedule(run: Run, step: number): void {
  const { veteran, model } = run;
  if (step % GUEST_EVERY === 0) {
    const memory = openAttention("look at", veteran), { versions } = memory.log;
    assert(versions.used <= versionLimit(memory), `${versions.used} versions`);
  }
  const schedule = SCHEDULES[Math.floor(step / TERM) % SCHEDULES.length];
  if (schedule === "none") return;
  const id = schedule === "one" ? 0 : step % SIZES.queries;
  const output = outputs(veteran, { ids: id });
  if (step % GUEST_EVERY === 0) {
    const { query } = model.queries.get(id)!;
    sameBits(output.data, attend(veteran, query).data, `row ${id} as a guest`);
  }
  if (schedule === "eager" && step % ALL_EVERY === 0) outputs(veteran);
}

/** A checkpoint; gives the largest error relative to its bound. */
function judge(run: Run): number {
  const { veteran, model } = run, { valueDim, scale } = model;
  const bounds = new Float64Array(SIZES.queries);
  const output = outputs(veteran, { bounds }).data;
  assertStored(veteran, model);
  sameBits(outputs(veteran).data, output, "read again");
  const twin = makeTwin(run), twinBounds = new Float64Array(SIZES.queries);
  sameBits(output, outputs(twin, { bounds: twinBounds }).data, "the twin's");
  assertEquals(errorBound(veteran).total, Math.max(...bounds));
  assert(measureError(veteran) <= errorBound(veteran).total);
  twinBounds.forEach((bound, id) =>
    assert(
      bounds[id] >= bound * (1 - BLUR),
      `the bound of row ${id} is ${
        bounds[id]
      }, of keys met since it should be ${bound} or more`,
    )
  );
  let worst = 0;
  for (const [id, { query }] of model.queries) {
    const truth = trueOutput(query, model.keys.values(), scale, valueDim);
    truth.forEach((x, c) => {
      const ours = output[id * valueDim + c], error = Math.abs(ours - x);
      assert(
        error <= bounds[id],
        `row ${id}, column ${c} is ${ours}, the definition gives ${x}, the bound is ${
          bounds[id]
        }`,
      );
      if (error > 0) worst = Math.max(worst, error / bounds[id]);
    });
  }
  return worst;
}

/** The largest error of the running sums, relative to the largest value. */
function runningError({ veteran, model, running }: Run): number {
  const truth = outputs(veteran).data, { valueDim } = model;
  let error = 0, largest = 0;
  for (const { value } of model.keys.values()) {
    for (const x of value) largest = Math.max(largest, Math.abs(x));
  }
  running.forEach(({ numerators, mass }, id) =>
    numerators.forEach((sum, c) => {
      const off = Math.abs(sum / mass - truth[id * valueDim + c]);
      error = Math.max(error, off / largest);
    })
  );
  return error;
}

/** The same entries in any order and in batches of any size; with luck a key that is gone, and a row that saw it. */
function makeTwin({ model, precision, random }: Run): Attention {
  const twin = makeAttention(precision, "scalar");
  const queries = [...model.queries.values()].map(({ query }) => query);
  const shuffled: ModelEntry[] = [...model.keys.values()];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
  }
  const early = random.integer(2) === 0;
  if (early) watch(twin, queries);
  // A zero key lengthens no bound.
  const zero = new Float32Array(SIZES.dim);
  const gone = append(twin, zero, new Array(SIZES.valueDim).fill(1e30));
  if (early) outputs(twin, { ids: random.integer(SIZES.queries) });
  for (let at = 0; at < shuffled.length;) {
    const batch = shuffled.slice(at, at += 1 + random.integer(100));
    append(
      twin,
      batch.map(({ key }) => key),
      batch.map(({ value }) => value),
      { bias: batch.map(({ bias }) => bias) },
    );
  }
  remove(twin, gone);
  if (!early) watch(twin, queries);
  return twin;
}

/** What is kept is what was given; the log is a list of distinct slots, newest first, and holds no versions any more. */
function assertStored(veteran: Attention, { keys: stored }: Model): void {
  assertEquals(ids(veteran), [...stored.keys()]);
  for (const [id, { key, value, bias }] of stored) {
    const kept = entry(veteran, id);
    sameBits(kept.key, key, `key ${id}`);
    sameBits(kept.value, value, `value ${id}`);
    sameBits([kept.bias], [bias], `bias ${id}`);
  }
  assertEquals(veteran.size, stored.size);
  assertEquals(veteran.pending, 0);
  const memory = openAttention("look at", veteran);
  const { keys: { slots }, log } = memory;
  assertEquals(slots.size + slots.freeCount, slots.used);
  assert(slots.used <= 2 * SIZES.keys, `${slots.used} slots`);
  assertEquals(log.versions.used, 0);
  const seen = new Set<number>();
  let newest = Infinity, previous = -1;
  for (let slot = log.head; slot >= 0; slot = log.next[slot]) {
    assert(!seen.has(slot), `slot ${slot} is twice in the log`);
    assert(log.written[slot] < newest, `slot ${slot} is out of order`);
    assertEquals(log.previous[slot], previous);
    seen.add(slot);
    newest = log.written[slot];
    previous = slot;
  }
  assertEquals(seen.size, slots.used);
}
