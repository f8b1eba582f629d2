/**
 * Ways to do one job, each proved right, then timed in turns.
 *
 * A way is opened, asked for its answer and refused if that is wrong or if it is not there; none of the three is silent.
 * The others are warmed alike and then run in rounds, each beginning with the next way, so that whatever disturbs one
 * of them disturbs its neighbours too. A sample holds as many calls as last five milliseconds, after a
 * millisecond of them that is not timed: nobody pays for what the others leave in the caches. Whoever lives in another process times itself and is told when.
 *
 * @module
 */

import type { Contestant } from "../measure.ts";
import { now } from "./clock.ts";
import {
  callsAhead,
  callsFor,
  isWarm,
  median,
  rotation,
  samplesFor,
} from "./statistics.ts";

/** A way to do the job, ready to run. */
export interface Way {
  /** Does the job so many times and says how many ns that took. */
  time: (calls: number) => number | Promise<number>;
  /** Throws if what the runs have left behind is wrong. */
  check?: () => void;
  /** How many jobs a call does; 1 if left out. */
  jobs?: number;
  /** The largest error of its answer, where it was compared number by number. */
  error?: number;
}

/** Makes a way and proves it right: throws an {@linkcode Absent} or a {@linkcode Wrong} where it cannot. */
export type Opening = () => Way | Promise<Way>;

/** A way is not there. */
export class Absent extends Error {
  override name = "Absent";
}

/** A way answers wrongly. */
export class Wrong extends Error {
  override name = "Wrong";
}

/** What became of a way. */
export type Entry =
  | {
    name: string;
    state: "timed";
    /** In ns, for one job. */
    samples: number[];
    /** In a sample. */
    calls: number;
    /** The largest error of the answer, where it is known. */
    error?: number;
  }
  | { name: string; state: "absent" | "wrong"; reason: string };

/** The ways of a job by their names, as they are asked for. */
export type Field = Record<string, Opening>;

/** How long a sample lasts at least, in ns: longer than what the system lets others run in between. */
const SAMPLE = 5e6;

/** A way in a race: ready until something goes wrong. */
interface Runner {
  name: string;
  way: Way;
  calls: number;
  samples: number;
  /** Calls before each sample. */
  ahead: number;
  times: number[];
}

/** Opens all ways and times those that are right; samples are ns for a job. */
export async function race(field: Field, samples: number): Promise<Entry[]> {
  const entries = new Map<string, Entry>();
  let runners: Runner[] = [];
  /** Does something to a way; one that throws is out of the race, with a reason. */
  const keep = async (name: string, act: () => unknown) => {
    try {
      await act();
    } catch (error) {
      entries.set(name, refusalOf(name, error));
      runners = runners.filter((runner) => runner.name !== name);
    }
  };
  for (const [name, open] of Object.entries(field)) {
    await keep(name, async () => {
      const way = await open();
      runners.push({ name, way, calls: 0, samples: 0, ahead: 0, times: [] });
    });
  }
  for (const runner of [...runners]) {
    await keep(runner.name, async () => {
      const each = await warm(runner.way);
      runner.calls = callsFor(SAMPLE, each);
      runner.samples = samplesFor(samples, each);
      runner.ahead = callsAhead(each);
    });
  }
  for (let round = 0; round < samples; round++) {
    const turns = rotation(runners.length, round).map((at) => runners[at]);
    for (const { name, way, calls, samples, ahead, times } of turns) {
      if (times.length === samples) continue;
      await keep(name, async () => {
        if (ahead > 0) await way.time(ahead);
        times.push(await way.time(calls) / (calls * (way.jobs ?? 1)));
      });
    }
  }
  for (const { name, way, calls, times } of [...runners]) {
    await keep(name, () => {
      way.check?.();
      const { error } = way;
      entries.set(name, { name, state: "timed", samples: times, calls, error });
    });
  }
  return Object.keys(field).map((name) => entries.get(name)!);
}

/** Runs a way until it is warm; returns the least that a call has taken, in ns, lest samples turn out short. */
async function warm(way: Way): Promise<number> {
  let calls = 0, spent = 0, each = Infinity;
  for (let batch = 1; !isWarm(calls, spent); batch = Math.min(2 * batch, 64)) {
    const took = await way.time(batch);
    calls += batch;
    spent += took;
    each = Math.min(each, took / batch);
  }
  return each;
}

function refusalOf(name: string, error: unknown): Entry {
  const state = error instanceof Absent ? "absent" : "wrong";
  return { name, state, reason: messageOf(error) };
}

/** The first line of what went wrong. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error))
    .split("\n")[0];
}

/** The median time of a way's job in ns, or why there is none. */
export function timeOf(entries: Entry[], name: string): number | string {
  const entry = entries.find((entry) => entry.name === name);
  if (entry === undefined) return `${name}: not asked`;
  return entry.state === "timed"
    ? median(entry.samples)
    : `${name}: ${entry.state}`;
}

/** The least of the medians of some ways, and whose it is; or why there is none. */
export function bestOf(
  entries: Entry[],
  names: readonly string[],
): number | string {
  const times = names.map((name) => timeOf(entries, name));
  const known = times.filter((time) => typeof time === "number");
  return known.length > 0 ? Math.min(...known) : times.join(", ");
}

/** The largest of the medians of some ways, or why there is none. */
export function worstOf(
  entries: Entry[],
  names: readonly string[],
): number | string {
  const times = names.map((name) => timeOf(entries, name));
  const missing = times.find((time) => typeof time === "string");
  return missing ?? Math.max(...times.map(Number));
}

/** One time over another, or why there is none. */
export function over(
  peer: number | string,
  ours: number | string,
): number | string {
  if (typeof ours === "string") return ours;
  return typeof peer === "string" ? peer : peer / ours;
}

/** A contestant of the other benches as a way. */
export function wayOf({ run, before, check, jobs }: Contestant): Way {
  const time = before === undefined
    ? (calls: number) => {
      const start = now();
      for (let i = 0; i < calls; i++) run();
      return now() - start;
    }
    : (calls: number) => {
      let spent = 0;
      for (let i = 0; i < calls; i++) {
        before();
        const start = now();
        run();
        spent += now() - start;
      }
      return spent;
    };
  return { time, check, jobs };
}

/** A job that is awaited, one call after the other. */
export function awaited(run: () => Promise<unknown>): Way {
  return {
    async time(calls) {
      const start = now();
      for (let i = 0; i < calls; i++) await run();
      return now() - start;
    },
  };
}
