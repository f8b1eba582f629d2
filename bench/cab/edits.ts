/**
 * The fifth axis: what a change costs, and how right the next read is.
 *
 * A memory answers 64 words while it changes. Whoever maintains attention is told of each change and then read; whoever does
 * not starts over at each read. Both are compared with the textbook over a mirror of what should be stored.
 *
 * @module
 */

import {
  append,
  type Attention,
  createAttention,
  type DenseMatrix,
  edit,
  outputs,
  stats,
  update,
} from "@reattend/reattend";
import { seeded } from "../../src/random.ts";
import { now } from "../peers/clock.ts";
import { median, rotation } from "../peers/statistics.ts";
import type { Contestant, Library } from "./contestant.ts";
import { relativeError } from "./measures.ts";
import { exact } from "./methods/exact.ts";
import { ask, Refusal } from "./refusals.ts";
import {
  type Change,
  KEYS,
  type Mirror,
  mirrorChange,
  startingMemory,
  type Stream,
} from "./streams.ts";

/** What one change costs in the mean, reads included, and how right the reads are. */
export interface Cost {
  multiplyAdds: number;
  /** In ns. */
  time: number;
  /** The relative error of the reads that were checked. */
  error: number;
  /** What is kept between reads. */
  bytes: number;
}

/** One stream at one rate of reads. */
export interface Race {
  stream: Stream;
  /** Changes from read to read. */
  every: number;
  reads: number;
  /** By name of the method. */
  maintained: Record<string, Cost | Refusal>;
  restarted: Record<string, Cost | Refusal>;
}

/** Reads that are compared with the textbook, in a run. */
const CHECKED = 10;
const SEED = 5;

/** How much of a stream is run. */
export interface Course {
  /** Changes from read to read. */
  every: number;
  reads: number;
  /** How often all take their turn; times are medians. */
  rounds: number;
}

/** Runs a stream past all who take part, in turns, each with the same changes. */
export function runStream(
  stream: Stream,
  { every, reads, rounds }: Course,
  maintained: readonly Library[],
  restarted: readonly Contestant[],
): Race {
  const ways = [
    ...maintained.map((way) => () => maintain(stream, every, reads, way)),
    ...restarted.map((way) => () => restart(stream, every, reads, way)),
  ];
  const all = ways.map((): (Cost | Refusal)[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const at of rotation(ways.length, round)) all[at].push(ask(ways[at]));
  }
  const costs = all.map(medianOf);
  const named = (ways: readonly { name: string }[], from: number) =>
    Object.fromEntries(ways.map(({ name }, at) => [name, costs[from + at]]));
  return {
    stream,
    every,
    reads,
    maintained: named(maintained, 0),
    restarted: named(restarted, maintained.length),
  };
}

/** All ways of a race: those that are maintained, then those that start over. */
export function waysOf(
  { maintained, restarted }: Race,
): Record<string, Cost | Refusal> {
  const named = (costs: Race["maintained"], what: string) =>
    Object.entries(costs).map(([name, cost]) =>
      [`${name.replace(", ours", "")}, ${what}`, cost] as const
    );
  return Object.fromEntries([
    ...named(maintained, "maintained"),
    ...named(restarted, "restarted"),
  ]);
}

/** What all rounds have in common, and the median of their times. */
function medianOf(rounds: readonly (Cost | Refusal)[]): Cost | Refusal {
  const [first] = rounds;
  if (first instanceof Refusal) return first;
  const times = rounds.map((cost) => cost instanceof Refusal ? NaN : cost.time);
  return { ...first, time: median(times) };
}

/** Tells a maintained attention of a change. */
function tell(attention: Attention, change: Change): void {
  switch (change.verb) {
    case "update":
      return update(attention, change.id, {
        keys: change.row,
        values: change.row,
      });
    case "append":
      append(attention, change.row, change.row);
      return;
    case "edit": {
      const { id, deltas } = change;
      const edits = deltas.map(([column, delta]) =>
        [id, column, delta] as const
      );
      return edit(attention, { keys: edits, values: edits });
    }
  }
}

function maintain(
  stream: Stream,
  every: number,
  reads: number,
  { method, settle }: Library,
): Cost {
  const memory = startingMemory();
  const { queries, keys, values, scale } = memory.problem;
  using attention = createAttention({
    queries,
    keys,
    values,
    scale,
    capacity: stream.evicts ? KEYS : undefined,
    method: method(SEED),
  });
  settle?.(attention);
  outputs(attention);
  const before = stats(attention).multiplyAdds;
  const { time, error } = play(stream, every, reads, memory, {
    change: (change) => tell(attention, change),
    ready: () => () => outputs(attention),
  });
  const { multiplyAdds, bytes } = stats(attention);
  return {
    multiplyAdds: (multiplyAdds - before) / (every * reads),
    time,
    error,
    bytes,
  };
}

function restart(
  stream: Stream,
  every: number,
  reads: number,
  contestant: Contestant,
): Cost {
  const memory = startingMemory(), { problem } = memory;
  const { time, error } = play(stream, every, reads, memory, {
    change() {},
    ready() {
      const run = contestant.prepare([problem], SEED);
      return () => run()[0];
    },
  });
  const { multiplyAdds } = contestant.spend(problem, SEED);
  const numbers = problem.queries.data.length + 2 * problem.keys.data.length;
  return {
    multiplyAdds: multiplyAdds / every,
    time,
    error,
    bytes: numbers * Float32Array.BYTES_PER_ELEMENT,
  };
}

/** What is timed of who takes part. */
interface Part {
  change(change: Change): void;
  /** Makes ready outside the clock. */
  ready(): () => DenseMatrix;
}

/** Changes and reads in turn; the mirror and what is compared with it stay outside the clock. */
function play(
  stream: Stream,
  every: number,
  reads: number,
  memory: Mirror,
  { change, ready }: Part,
): { time: number; error: number } {
  const random = seeded(SEED), changes = every * reads;
  const spacing = Math.max(1, Math.floor(reads / CHECKED));
  const answers: DenseMatrix[] = [], truths: DenseMatrix[] = [];
  let time = 0;
  for (let step = 1; step <= changes; step++) {
    const next = stream.draw(random, memory);
    mirrorChange(memory, next);
    let start = now();
    change(next);
    time += now() - start;
    if (step % every !== 0) continue;
    const read = ready();
    start = now();
    const answer = read();
    time += now() - start;
    if (step / every % spacing !== 0) continue;
    answers.push(answer);
    truths.push(exact(memory.problem).outputs);
  }
  return { time: time / changes, error: relativeError(answers, truths) };
}
