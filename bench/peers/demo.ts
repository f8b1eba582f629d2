/**
 * The demonstration of the published dynamic attention: as it is written, its idea corrected, and ours.
 *
 * @module
 */

import { createAttention, edit, flush, outputs } from "@reattend/reattend";
import { PRECISION } from "../check.ts";
import {
  CHANGES,
  type Demo,
  described,
  DIM,
  distance,
  makeDemo,
  STEPS,
  truth,
} from "../origin.ts";
import { atLeast } from "./bars.ts";
import { bytesOf, type Child, childWay } from "./child.ts";
import {
  Absent,
  type Field,
  type Opening,
  race,
  type Way,
  wayOf,
  Wrong,
} from "./race.ts";
import { faster, type Workload } from "./workload.ts";

const N = 1024;
/** Single outputs read at the end. */
const READS = 3;
const OURS = "reattend, three rows", FLUSHED = "reattend, all rows";

/** The demonstration. */
export const demo: Workload = {
  about:
    `DynamicAttention (https://github.com/davidangularme/DynamicAttention) and its own demonstration, n = ${N} queries and keys, dim ${DIM}: ${STEPS} times ${CHANGES} numbers of keys and ${CHANGES} of values change, then ${READS} outputs are read. In numpy as it is written, which is one step timed and multiplied by ${STEPS}: each ${CHANGES} changes flush, which inverts the diagonal matrix of the sums as any matrix; the answer is that of its description, not of attention. Corrected in numpy: columns of weights change instead of rows, the sums divide. Ours makes the same edits and reads the same rows, or flushes all at the end.`,
  run: async ({ samples, children }) => {
    const given = makeDemo(N);
    const field: Field = {
      [OURS]: () => ours(given, false),
      [FLUSHED]: () => ours(given, true),
    };
    for (const name of ["numpy", "numpy, AVX-512"] as const) {
      Object.assign(field, inNumpy(name, children[name], given));
    }
    const entries = await race(field, samples);
    const against = (peer: string, own = OURS) => faster(entries, peer, own);
    return [{
      title: `The original's demonstration, n = ${N}`,
      entries,
      ours: OURS,
      claims: [
        atLeast("÷ as written", against("as written"), 30_000, 300_000),
        atLeast("÷ corrected", against("corrected"), 1500),
        atLeast(
          "÷ corrected, all rows flushed",
          against("corrected", FLUSHED),
        ),
      ],
    }];
  },
};

/** The two ways that a child has; the first to be opened sends the demonstration. */
function inNumpy(
  name: string,
  child: Child | Absent,
  demo: Demo,
): Record<string, Opening> {
  let sent: Promise<unknown> | undefined;
  const opening =
    (way: string, expected: () => number[][]): Opening => async () => {
      if (child instanceof Absent) throw child;
      await (sent ??= send(child, demo));
      const { time } = await childWay(child, way, (answer) => {
        const rows = expected().map((_, i) => [
          ...answer.subarray(i * DIM, (i + 1) * DIM),
        ]);
        proveDistance(distance(expected(), rows));
      });
      return { time, jobs: 1 / STEPS };
    };
  return {
    [`corrected, ${name}`]: opening("corrected", () => truth(demo, 1)),
    [`as written, ${name}`]: opening("as written", () => described(demo, 1)),
  };
}

/** Queries, keys and values are multiples of 2^-10, which f32 holds. */
async function send(
  child: Child,
  { queries, keys, values, steps }: Demo,
): Promise<void> {
  const rows = bytesOf(Float32Array.from([queries, keys, values].flat(2)));
  const bytes = rows.length;
  await child.ask(
    { do: "load", what: "demo", n: N, dim: DIM, steps, bytes },
    [rows],
  );
}

/** A call is the whole demonstration; every second one takes the changes back. */
function ours(demo: Demo, all: boolean): Way {
  const { queries, keys, values, steps } = demo;
  const attention = createAttention({ queries, keys, values, scale: 1 });
  flush(attention);
  let done = 0;
  const run = () => {
    for (let at = 0; at < STEPS; at++) {
      edit(attention, steps[done++ % steps.length]);
    }
    if (all) flush(attention);
    for (let at = 0; at < READS; at++) {
      outputs(attention, { ids: (done + at * STRIDE) % N });
    }
  };
  const check = () => {
    const given = outputs(attention).to2DArray();
    proveDistance(distance(given, truth(demo, done % steps.length)));
  };
  run();
  check();
  flush(attention);
  return wayOf({ run, check });
}

/** A prime, so that the rows read are others each time. */
const STRIDE = 331;

function proveDistance(error: number): void {
  if (!(error <= PRECISION)) {
    throw new Wrong(`off by ${error}, at most ${PRECISION} is rounding`);
  }
}
