/**
 * Continual attention: one sample a step, softmax attention over the window of the last ones.
 *
 * A window is a ring of keys: a step writes one key over the oldest, and its query over the oldest query. Read are the
 * row of the newest query alone (single-output) or those of all queries in the window (retroactive: what came later
 * counts for earlier samples too), after L. Hedegaard, A. Bakhtiarnia and A. Iosifidis, Continual Transformers:
 * Redundancy-Free Attention for Online Inference, 2023, https://arxiv.org/abs/2201.06268, CoSiAtt and CoReAtt. Their
 * retroactive recurrence takes the oldest term out of sums of unshifted exponentials in floats, and at large scores has
 * no digit left after some hundred steps; here the sums are those of a maintained attention, which forget exactly.
 *
 * @module
 */

import {
  type Attention,
  createAttention,
  openAttention,
} from "../attention.ts";
import { apply } from "../change.ts";
import {
  checkFinite,
  checkInteger,
  checkName,
  checkOptions,
  show,
} from "../check.ts";
import type { KernelChoice } from "../kernel/choose.ts";
import type { DenseMatrix } from "../matrix/dense.ts";
import { MOST_KEYS } from "../memory/keys.ts";
import type { Change } from "../memory/change.ts";
import { outputs } from "../read.ts";
import { type Rows, SIDE_LIMIT } from "../rows.ts";
import { checkPositions } from "./positions.ts";
import { checkSample, type Sample } from "./sample.ts";

/** Options of {@linkcode continualAttention}. */
export interface ContinualOptions {
  /** Samples in the window, the newest among them. */
  window: number;
  /** Numbers in a query and in a key. */
  dim: number;
  /** Numbers in a value and in an output; as many as in a key if left out. */
  valueDim?: number;
  /** Multiplies the dot products; 1/√dim if left out. */
  scale?: number;
  /** What a step returns: the row of the newest query, or those of all in the window; "newest" if left out. */
  outputs?: "newest" | "all";
  /** At least 2 · window − 1 rows of dim: row t mod their number is added to the query and the key of step t. */
  positions?: Rows;
  /** λ ≥ 0, in nats a step: a sample that is n steps old has its weight times e^(−λ n); 0 if left out. */
  decay?: number;
  /** What is done with samples of which something is missing: an error, or they are not attended to; "refuse" if left out. */
  missing?: "refuse" | "mask";
  /** Which kernel computes, with the same answers. */
  kernel?: KernelChoice;
}

/**
 * Attention over the last samples of a stream.
 *
 * Made by {@linkcode continualAttention} and handed to {@linkcode step}; its fields are free to read.
 */
export interface ContinualAttention {
  /**
   * What keeps the window: key t mod window is that of step t. With outputs "all" so is query t mod window, with
   * "newest" the newest query is 0. It is there to be looked at (`weights`, `topKeys`, `errorBound`, `stats`);
   * whoever changes it changes the window.
   */
  readonly attention: Attention;
  /** Samples in the window once it is full. */
  readonly window: number;
  /** Steps taken. */
  readonly steps: number;
  /** Lets go of the window; another step is an error. */
  [Symbol.dispose](): void;
}

/** Two of the largest windows of it stay below 1e300, where biases end. */
const LARGEST_DECAY = 1e290;

/**
 * Biases grow with time, and take digits from the scores they are added to: with no more than this, in nats, a score
 * keeps 2⁻⁴⁰, far less than the 32 bits of an answer can tell. Then they are counted from a later step.
 */
const LARGEST_AGE = 2 ** 12;

const OPTIONS = [
  "window",
  "dim",
  "valueDim",
  "scale",
  "outputs",
  "positions",
  "decay",
  "missing",
  "kernel",
];

/** The window of a stream. */
interface Window {
  attention: Attention;
  window: number;
  /** Steps taken. */
  steps: number;
  all: boolean;
  mayMiss: boolean;
  positions: DenseMatrix | undefined;
  decay: number;
  /** The step whose key has bias 0. */
  origin: number;
  /** window: 1 where a key is not attended to. */
  masked: Uint8Array;
  /** One for each watched query: 1 where it is missing. */
  absent: Uint8Array;
}

/** A stream and its window, which nobody else can reach. */
class Handle implements ContinualAttention {
  /** What it is called where it is shown; the interface has the name in the code. */
  static readonly name = "ContinualAttention";
  readonly #window: Window;

  constructor(window: Window) {
    this.#window = window;
  }

  static holds(continual: unknown): continual is Handle {
    return typeof continual === "object" && continual !== null &&
      #window in continual;
  }

  static open(verb: string, continual: unknown): Window {
    if (!Handle.holds(continual)) {
      throw new TypeError(
        `Cannot ${verb}: continual is ${
          show(continual)
        }, it should be made by continualAttention`,
      );
    }
    return continual.#window;
  }

  get attention(): Attention {
    return this.#window.attention;
  }
  get window(): number {
    return this.#window.window;
  }
  get steps(): number {
    return this.#window.steps;
  }
  [Symbol.dispose](): void {
    this.#window.attention[Symbol.dispose]();
  }
}

/** Whether something was made by {@linkcode continualAttention}. */
export function isContinual(value: unknown): value is ContinualAttention {
  return Handle.holds(value);
}

/**
 * Makes attention over a window of the last samples of a stream, with none so far.
 *
 * A stream may go on for ever: neither memory nor the cost of a step nor its error grows with what has gone by.
 *
 * Costs the memory of `window` keys and values, with outputs "all" of as many queries and rows. Errors: a `RangeError`
 * for a window or a decay out of range and for too few positions, a `TypeError` for what is of the wrong kind or an
 * option that is not known.
 *
 * @example What came later counts for what came before
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { continualAttention, step } from "@reattend/reattend/streams";
 *
 * const continual = continualAttention({ window: 2, dim: 1, outputs: "all" });
 * const rows = [[100, 1], [-100, 2], [100, 3]].map(([x, value]) =>
 *   step(continual, { query: [x], key: [x], value: [value] }).to2DArray()
 * );
 * assertEquals(rows, [[[1]], [[1], [2]], [[2], [3]]]);
 * ```
 */
export function continualAttention(
  options: ContinualOptions,
): ContinualAttention {
  const verb = "make a continual attention";
  checkOptions(verb, options, OPTIONS);
  const {
    window,
    dim,
    valueDim = dim,
    scale,
    outputs: returned = "newest",
    positions,
    decay = 0,
    missing = "refuse",
    kernel,
  } = options ?? {};
  checkInteger(verb, "window", window, 1, MOST_KEYS);
  checkInteger(verb, "dim", dim, 0, SIDE_LIMIT);
  checkFinite(verb, "decay", decay, LARGEST_DECAY);
  if (decay < 0) {
    throw new RangeError(
      `Cannot ${verb}: decay is ${decay}, it should be 0 or more`,
    );
  }
  const all = checkName(verb, "outputs", returned, ["newest", "all"]) === "all";
  const mayMiss =
    checkName(verb, "missing", missing, ["refuse", "mask"]) === "mask";
  const table = positions === undefined
    ? undefined
    : checkPositions(verb, positions, window, dim);
  return new Handle({
    attention: createAttention({ dim, valueDim, scale, kernel }),
    window,
    steps: 0,
    all,
    mayMiss,
    positions: table,
    decay,
    origin: 0,
    masked: new Uint8Array(window),
    absent: new Uint8Array(all ? window : 1),
  });
}

/**
 * Takes the next sample, and returns outputs over the window that it completes.
 *
 * The newest query's row, 1 × valueDim; with outputs "all" the rows of all queries in the window, oldest first. Until
 * the window is full it is as long as there are samples: the first step returns one row, over its own key. Every number
 * is what {@linkcode outputs} gives for these keys, the same bits whatever came before them.
 *
 * With missing "mask" a sample takes its place in the window whatever it lacks. Without key or value nothing attends to
 * it; its query still gets a row, over the others: a forecast. Without a query its row is 0, and its key and value
 * count. `null` is a sample that lacks everything.
 *
 * Costs, with n samples in the window that can be attended to, n (dim + valueDim + 1) + valueDim + 1 multiply-adds; with
 * outputs "all" also at most 2 dim + 3 valueDim + 3 for each of the other rows, and a row whose largest weights have left
 * starts over, at the cost of the newest. With a decay new weights outgrow those before, and the other rows start over
 * every 12 / decay steps or so.
 * Errors: a `TypeError` or `RangeError` for parts of another width or with numbers without a finite 32-bit form, and
 * with missing "refuse" for what is missing; the window is as it was then.
 *
 * @example A missing value is forecast and never attended to
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { continualAttention, step } from "@reattend/reattend/streams";
 *
 * const continual = continualAttention({ window: 3, dim: 1, missing: "mask" });
 * step(continual, { query: [1], key: [1], value: [5] });
 * assertEquals(step(continual, { query: [1], key: [1], value: [NaN] }).to2DArray(), [[5]]);
 * assertEquals(step(continual, { query: [1], key: [1], value: [7] }).to2DArray(), [[6]]);
 * assertEquals(step(continual, null).to2DArray(), [[0]]);
 * ```
 */
export function step(
  continual: ContinualAttention,
  sample: Sample | null,
): DenseMatrix {
  const verb = "step", state = Handle.open(verb, continual);
  const { attention, window, all, positions, masked, absent } = state;
  openAttention(verb, attention);
  const { dim, valueDim } = attention, now = state.steps;
  const { query, key, value } = checkSample(
    verb,
    sample,
    dim,
    valueDim,
    state.mayMiss,
    positions?.row(now % positions.rows),
  );
  if (state.steps !== now) {
    throw new TypeError(
      `Cannot ${verb}: the stream went on while its sample was read, it should be left alone`,
    );
  }
  const slot = now % window, row = all ? slot : 0;
  const attended = key !== undefined && value !== undefined;
  const keys = attended ? key : new Float32Array(dim);
  const values = attended ? value : new Float32Array(valueDim);
  const origin = originAt(state, now);
  const bias = attended ? state.decay * (now - origin) : -Infinity;
  const changes: Change[] = [
    now < window
      ? { verb: "append", keys, values, bias }
      : { verb: "update", ids: slot, keys, values, bias },
    { verb: "watch", queries: query ?? new Float32Array(dim), ids: row },
  ];
  if (origin !== state.origin) changes.push(agedFrom(state, now, origin));
  apply(attention, changes);
  state.steps = now + 1;
  state.origin = origin;
  masked[slot] = Number(!attended);
  absent[row] = Number(query === undefined);
  return readRows(state);
}

/** The step from which biases are counted: once in two windows at most it becomes the newest. */
function originAt({ window, decay, origin }: Window, now: number): number {
  const age = Math.max(2 * window, LARGEST_AGE / decay);
  return now - origin < age ? origin : now;
}

/** The biases of all keys but the newest, counted from another step. */
function agedFrom(
  { window, masked, decay }: Window,
  now: number,
  origin: number,
): Change {
  const ids: number[] = [], bias: number[] = [];
  for (let step = now - window + 1; step < now; step++) {
    const slot = step % window;
    if (masked[slot] === 1) continue;
    ids.push(slot);
    bias.push(decay * (step - origin));
  }
  return { verb: "update", ids, bias };
}

/** The rows of a step, oldest first; those of missing queries are 0. */
function readRows({ attention, steps, absent }: Window): DenseMatrix {
  const rows: number[] = [], count = attention.watched;
  for (let i = 0; i < count; i++) {
    rows.push((steps - count + i) % absent.length);
  }
  const read = outputs(attention, { ids: rows });
  rows.forEach((row, i) => {
    if (absent[row] === 1) read.row(i).fill(0);
  });
  return read;
}
