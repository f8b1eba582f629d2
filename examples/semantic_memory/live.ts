/**
 * Many changes, one after another: the standing answers are brought up to date and read after each, and now and then
 * everything is answered from scratch beside it, for the time it takes and to compare the answers.
 *
 * @module
 */

import { flush, outputs, stats } from "@reattend/reattend";
import { farthest, median, type Rival, startOver } from "./compare.ts";
import { choose, type Deed, type Memory } from "./memory.ts";

/** How much happens. */
export interface Course {
  /** How many changes. */
  changes: number;
  /** Everything is answered from scratch after each so many changes. */
  every: number;
  /** The memory holds at least so many definitions. */
  least: number;
  /** And at most so many. */
  most: number;
}

/** The change that moved an answer the most. */
export interface Turn {
  /** Which change it was, counted from 1. */
  step: number;
  deed: Deed;
  /** The id of the word whose answer moved. */
  row: number;
  /** How much of the votes went to other kinds. */
  moved: number;
  /** The shares of the kinds before. */
  before: Float64Array;
  /** And after. */
  after: Float64Array;
}

/** What happened. */
export interface Lived {
  deeds: Record<Deed["verb"], number>;
  turn: Turn;
  /** How often the leading kind of an answer changed. */
  flips: number;
  /** Median milliseconds of a change, by what was done. */
  times: { write: number; flush: number; read: number; all: number };
  /** Means over the changes. */
  each: { multiplyAdds: number; exchanged: number; definitions: number };
  /** Answers that the memory gave up on and computed anew. */
  restarted: number;
  /** The largest bound that any answer came with. */
  bound: number;
  /** How often everything was answered from scratch. */
  checked: number;
  /** Each way to start over: its median time, and whether it agreed within its error every time. */
  rivals: { name: string; time: number; agreed: boolean }[];
}

/** Lets `changes` happen to a memory. */
export function live(
  memory: Memory,
  below: (limit: number) => number,
  { changes, every, least, most }: Course,
  show: (done: number) => void,
): Lived {
  const { attention, standing, nouns } = memory, kinds = nouns.kinds.length;
  const bounds = new Float64Array(standing.length);
  let was = Float64Array.from(outputs(attention).data), now = was.slice();
  const deeds = { learns: 0, forgets: 0, rewords: 0, doubts: 0 };
  const write: number[] = [], bring: number[] = [], read: number[] = [];
  const all: number[] = [], scratch: { rival: Rival; agreed: boolean }[][] = [];
  let turn: Turn | undefined, flips = 0, bound = 0, definitions = 0;
  const start = stats(attention);
  for (let step = 1; step <= changes; step++) {
    const deed = choose(memory, below, least, most);
    const t0 = performance.now();
    deed.carryOut();
    const t1 = performance.now();
    flush(attention);
    const t2 = performance.now();
    outputs(attention, { out: now, bounds });
    const t3 = performance.now();
    write.push(t1 - t0);
    bring.push(t2 - t1);
    read.push(t3 - t2);
    all.push(t3 - t0);
    deeds[deed.verb]++;
    definitions += attention.size;
    bound = Math.max(bound, ...bounds);
    for (let row = 0; row < standing.length; row++) {
      const before = was.subarray(row * kinds, (row + 1) * kinds);
      const after = now.subarray(row * kinds, (row + 1) * kinds);
      if (largest(before) !== largest(after)) flips++;
      const moved = movedShare(before, after);
      if (turn === undefined || moved > turn.moved) {
        turn = {
          step,
          deed,
          row,
          moved,
          before: before.slice(),
          after: after.slice(),
        };
      }
    }
    if (step % every === 0) {
      scratch.push(
        startOver(memory).map((rival) => ({
          rival,
          agreed: farthest(rival.answers, now) <=
            (rival.error === 0 ? 0 : rival.error + Math.max(...bounds)),
        })),
      );
    }
    [was, now] = [now, was];
    show(step);
  }
  const end = stats(attention);
  return {
    deeds,
    turn: turn!,
    flips,
    times: {
      write: median(write),
      flush: median(bring),
      read: median(read),
      all: median(all),
    },
    each: {
      multiplyAdds: (end.multiplyAdds - start.multiplyAdds) / changes,
      exchanged: (end.synced - start.synced) / changes / standing.length,
      definitions: definitions / changes,
    },
    restarted: end.recomputed - start.recomputed,
    bound,
    checked: scratch.length,
    rivals: scratch[0].map(({ rival: { name } }, at) => ({
      name,
      time: median(scratch.map((time) => time[at].rival.time)),
      agreed: scratch.every((time) => time[at].agreed),
    })),
  };
}

/** Where the largest number is; the first of equal ones. */
export function largest(numbers: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < numbers.length; i++) {
    if (numbers[i] > numbers[best]) best = i;
  }
  return best;
}

/** How much of the votes went elsewhere, 0 to 1. */
function movedShare(before: Float64Array, after: Float64Array): number {
  let moved = 0;
  for (let i = 0; i < before.length; i++) {
    moved += Math.abs(after[i] - before[i]) / 2;
  }
  return moved;
}
