/**
 * Many changes told to the same memory stored sparsely and stored densely: what each pays, and whether they ever differ.
 *
 * After every change both bring all standing answers up to date and are read; now and then both are made anew from the
 * plain record of what was told. Who goes first alternates, so that neither finds the caches warmed by the other.
 *
 * @module
 */

import {
  apply,
  type Attention,
  createAttention,
  flush,
  outputs,
  stats,
} from "@reattend/reattend";
import { median, sameBits } from "../semantic_memory/compare.ts";
import { type Course, largest } from "../semantic_memory/live.ts";
import { choose, type Deed } from "./deeds.ts";
import { type Memory, SCALE, type Side, SIDES } from "./memory.ts";
import { keysTold, questionsAsked, valuesTold } from "./record.ts";

/** What a way to store the keys costs. */
export interface Price {
  /** Median milliseconds of a change, by what was done. */
  times: { write: number; flush: number; read: number; all: number };
  /** Multiply-adds of a change, on average. */
  multiplyAdds: number;
  /** Starting over: median milliseconds, and multiply-adds the last time. */
  anew: { time: number; multiplyAdds: number };
}

/** What happened. */
export interface Lived {
  deeds: Record<Deed["verb"], number>;
  /** How often the leading kind of an answer changed. */
  flips: number;
  /** Answers read after a change, and those that were the same in both to the last bit. */
  answers: number;
  same: number;
  /** How often both were made anew, and how often both then answered the same as before to the last bit. */
  restarts: number;
  confirmed: number;
  /** The largest bound that any answer came with. */
  bound: number;
  /** What each paid. */
  prices: Record<Side, Price>;
}

/** Makes an attention over what was told, from a sparse matrix of keys or, if it is to be dense, from all numbers. */
export function anew(
  memory: Memory,
  representation: Side | "auto",
): () => Attention {
  const sparse = keysTold(memory), values = valuesTold(memory);
  const keys = representation === "dense" ? sparse.toDense() : sparse;
  const queries = questionsAsked(memory);
  return () =>
    createAttention({
      queries,
      keys,
      values,
      scale: SCALE,
      representation,
    });
}

/** Lets `changes` happen to a memory. */
export function live(
  memory: Memory,
  below: (limit: number) => number,
  { changes, every, least, most }: Course,
  show: (done: number) => void,
): Lived {
  const { attentions, standing, nouns: { kinds } } = memory;
  const bounds = new Float64Array(standing.length);
  const blank = () => new Float64Array(standing.length * kinds.length);
  const now = { sparse: blank(), dense: blank() };
  const clocks = { sparse: makeClock(), dense: makeClock() };
  const lived = { flips: 0, answers: 0, same: 0, restarts: 0, confirmed: 0 };
  const deeds = { learns: 0, forgets: 0, rewords: 0, stresses: 0, doubts: 0 };
  let leading = leaders(outputs(attentions.sparse).data, kinds.length);
  let bound = 0;
  const start = work(attentions);
  for (let step = 1; step <= changes; step++) {
    const deed = choose(memory, below, least, most);
    const order = step % 2 === 0 ? SIDES : [...SIDES].reverse();
    const ids = order.map((side) => {
      const attention = attentions[side], { times } = clocks[side];
      const t0 = performance.now();
      const [concerned] = apply(attention, [deed.change]);
      const t1 = performance.now();
      flush(attention);
      const t2 = performance.now();
      outputs(attention, { out: now[side], bounds });
      const t3 = performance.now();
      times.write.push(t1 - t0);
      times.flush.push(t2 - t1);
      times.read.push(t3 - t2);
      times.all.push(t3 - t0);
      bound = Math.max(bound, ...bounds);
      return concerned[0];
    });
    deed.note(ids[0]);
    deeds[deed.verb]++;
    const leads = leaders(now.sparse, kinds.length);
    lived.flips += leads.filter((kind, row) => kind !== leading[row]).length;
    leading = leads;
    for (let row = 0; row < standing.length; row++) {
      const part = (numbers: Float64Array) =>
        numbers.subarray(row * kinds.length, (row + 1) * kinds.length);
      lived.same += Number(sameBits(part(now.sparse), part(now.dense)));
    }
    lived.answers += standing.length;
    if (step % every === 0) {
      const agreed = order.map((side) =>
        sameBits(now[side], startOver(memory, side, clocks[side]))
      );
      lived.restarts++;
      lived.confirmed += Number(agreed.every((one) => one));
    }
    show(step);
  }
  const end = work(attentions);
  const price = (side: Side): Price => {
    const { times, anew, multiplyAdds } = clocks[side];
    return {
      times: {
        write: median(times.write),
        flush: median(times.flush),
        read: median(times.read),
        all: median(times.all),
      },
      multiplyAdds: (end[side] - start[side]) / changes,
      anew: { time: median(anew), multiplyAdds },
    };
  };
  const prices = { sparse: price("sparse"), dense: price("dense") };
  return { ...lived, deeds, bound, prices };
}

/** Times as they come, and the multiply-adds of the last time that everything was answered anew. */
interface Clock {
  times: Record<"write" | "flush" | "read" | "all", number[]>;
  anew: number[];
  multiplyAdds: number;
}

function makeClock(): Clock {
  return {
    times: { write: [], flush: [], read: [], all: [] },
    anew: [],
    multiplyAdds: 0,
  };
}

/** Answers everything from the record; the rows are put together before the clock starts. */
function startOver(
  memory: Memory,
  side: Side,
  clock: Clock,
): ArrayLike<number> {
  const make = anew(memory, side), start = performance.now();
  const attention = make(), answers = outputs(attention).data;
  clock.anew.push(performance.now() - start);
  clock.multiplyAdds = stats(attention).multiplyAdds;
  return answers;
}

/** The kind with the largest share in each answer. */
function leaders(shares: Float64Array, kinds: number): number[] {
  return Array.from(
    { length: shares.length / kinds },
    (_, row) => largest(shares.subarray(row * kinds, (row + 1) * kinds)),
  );
}

function work({ sparse, dense }: Memory["attentions"]): Record<Side, number> {
  return {
    sparse: stats(sparse).multiplyAdds,
    dense: stats(dense).multiplyAdds,
  };
}
