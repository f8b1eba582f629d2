/**
 * Everything a maintained attention remembers, in one record.
 *
 * @module
 */

import type { Arena } from "../matrix/input.ts";
import type { Representation } from "../matrix/representation.ts";
import {
  growStore,
  makeStore,
  type Store,
  storeBytes,
} from "../matrix/store.ts";
import { apart, type Home } from "../kernel/home.ts";
import type { Kernel, Scratch, Sums } from "../kernel/kernel.ts";
import {
  makeSpread,
  reserveSpread,
  type Spread,
  spreadBytes,
} from "../kernel/spread.ts";
import {
  growScratch,
  growSums,
  makeScratch,
  makeSums,
  sumsBytes,
} from "../softmax/row.ts";
import { batchBytes, type LoadedBatch, makeBatch } from "./batch.ts";
import { keysBytes, type KeyTable, makeKeys } from "./keys.ts";
import { COLD, type Log, logBytes, makeLog } from "./log.ts";
import { versionBytes } from "./versions.ts";
import { edgesBytes } from "./edges.ts";
import type { Mask } from "./mask.ts";
import type { Method } from "../softmax/method.ts";
import type { Approximation, Selection, Sieve } from "./method.ts";
import { makePairs, type Pairs, pairsBytes } from "./pairs.ts";
import { growSlots, makeSlots, slotsBytes, type SlotTable } from "./slots.ts";

/** The watched queries; arrays are as long as there are slots for rows. */
export interface RowTable {
  slots: SlotTable;
  /** rows × dim */
  queries: Store;
  /** rows: the newest key a causal query sees. */
  positions: Float64Array;
  /** rows: at least the Euclidean length of the query. */
  norms: Float64Array;
  /** rows: the clock up to which the sums are up to date; COLD where they are void. */
  clocks: Float64Array;
  /** rows: the largest norm of a key and the largest bias (log2 units) in size that the sums have met. */
  keyNorms: Float64Array;
  biasSizes: Float64Array;
  sums: Sums;
  /** Answers that took the third step of the ladder or a later one, until their row moves. */
  answers: Map<number, Float64Array>;
}

/**
 * How often each step of the ladder gave the answer of a row; `recomputed` comes on top, and an answer kept from before
 * counts nowhere.
 */
export interface Ladder {
  /** The 64-bit quotients of the sums. */
  quick: number;
  /** The sums as integers. */
  integer: number;
  /** Rows whose sums were too coarse and were recomputed first. */
  recomputed: number;
  /** The open components on three grids. */
  finer: number;
  /** The exact rational of the definition. */
  exact: number;
}

/** What has been done so far. */
export interface Counters {
  writes: number;
  evicted: number;
  /** Keys moved in, out or over in the sums of rows. */
  exchanged: number;
  /** Rows recomputed for any reason. */
  recomputed: number;
  ladder: Ladder;
}

/** A maintained attention. */
export interface Memory {
  readonly dim: number;
  readonly valueDim: number;
  readonly scale: number;
  /** scale · log2 e */
  readonly factor: number;
  /** At most so many live keys. */
  readonly capacity: number;
  /** Significant bits of an answer: 32 but in tests. */
  readonly precision: number;
  /** Bytes the versions may take; undefined for one version for every two slots. */
  readonly logLimit: number | undefined;
  readonly mask: Mask;
  readonly kernel: Kernel;
  readonly method: Method | undefined;
  /** What the method keeps, if there is one: one of these three. */
  selection: Selection | undefined;
  approximation: Approximation | undefined;
  sieve: Sieve | undefined;
  keys: KeyTable;
  rows: RowTable;
  log: Log;
  /** Of masks of edges only. */
  readonly pairs: Pairs;
  readonly scratch: Scratch;
  /** Rows of a call between the door and the tables. */
  arena: Arena;
  /** Changed keys on their way into rows. */
  readonly batch: LoadedBatch;
  /** A sparse query, written out. */
  readonly spread: Spread;
  /** One row for queries that are not watched. */
  guest: Sums;
  /** Components that a step of the ladder left open, and behind them their number. */
  open: Int32Array;
  counters: Counters;
  /** A read is under way, whose scratch a mask or filter must not touch. */
  reading: boolean;
  /** What was read to no other end than to have it near. */
  touched: number;
}

/** What a memory is made from. */
export interface MemorySettings {
  dim: number;
  valueDim: number;
  scale: number;
  capacity: number;
  precision: number;
  logLimit: number | undefined;
  mask: Mask;
  kernel: Kernel;
  representation: Representation;
  method: Method | undefined;
}

/** Calls with more keys or more numbers than this get arrays of their own. */
const ARENA_ROWS = 4, MOST_ARENA = 2 ** 16;

/** Makes an empty memory. */
export function makeMemory(settings: MemorySettings): Memory {
  const { dim, valueDim, kernel: { home } } = settings;
  const spread = makeSpread(home);
  const memory: Memory = {
    ...settings,
    selection: undefined,
    approximation: undefined,
    sieve: undefined,
    factor: settings.scale * Math.LOG2E,
    keys: makeKeys(dim, valueDim, settings.representation, home),
    rows: makeRows(dim, valueDim, home),
    log: makeLog(dim, valueDim, home),
    pairs: makePairs(),
    scratch: makeScratch(0, home),
    arena: {
      floats: new Float32Array(
        Math.min(MOST_ARENA, ARENA_ROWS * (dim + valueDim)),
      ),
      used: 0,
    },
    batch: makeBatch(dim, valueDim, spread),
    spread,
    guest: makeSums(1, dim, valueDim, home),
    open: new Int32Array(valueDim + 1),
    reading: false,
    touched: 0,
    counters: {
      writes: 0,
      evicted: 0,
      exchanged: 0,
      recomputed: 0,
      ladder: { quick: 0, integer: 0, recomputed: 0, finer: 0, exact: 0 },
    },
  };
  return memory;
}

/** Carries out a read. Masks and filters that it asks may look at what is stored, and read other attentions. */
export function whileReading<T>(
  verb: string,
  memory: Memory,
  read: () => T,
): T {
  refuseWhileReading(verb, memory);
  makeReadRoom(memory);
  memory.reading = true;
  try {
    return read();
  } finally {
    memory.reading = false;
    giveScoresBack(memory);
  }
}

/** Makes room for what a read may need, so that nothing it looks at moves on the way. */
export function makeReadRoom(memory: Memory): void {
  const { keys, rows: { queries, slots }, spread, dim } = memory;
  roomyScratch(memory, keys.slots.used);
  if (queries.denseRows < slots.size) {
    reserveSpread(spread, dim, queries.longest);
  }
}

/** Refuses what would disturb a read that is under way. */
export function refuseWhileReading(verb: string, { reading }: Memory): void {
  if (reading) {
    throw new TypeError(
      `Cannot ${verb}: the attention is being read, its masks and filters should leave it alone`,
    );
  }
}

/**
 * How many versions the log may keep: by default one for every two slots, since a row that has missed more starts over.
 */
export function versionLimit({ keys: table, logLimit }: Memory): number {
  const { keys, values, slots } = table;
  if (logLimit === undefined) {
    return Math.max(LEAST_VERSIONS, (slots.used >>> 1) + 2);
  }
  // Versions are stored like the keys they are of: of sparse ones more fit, by what a key takes on average.
  const size = Math.max(1, slots.size);
  const numbers = keys.entries + values.entries === 0
    ? table.dim + table.valueDim
    : (keys.denseRows * table.dim + values.denseRows * table.valueDim +
      2 * (keys.entries + values.entries)) / size;
  return Math.floor(logLimit / versionBytes(numbers));
}

/** Few keys may be written again and again between two reads. */
const LEAST_VERSIONS = 64;

/** Scratch with room for `keys` keys and, as the table, for some more. */
export function roomyScratch(
  { scratch, kernel: { home }, keys: { slots } }: Memory,
  keys: number,
): Scratch {
  if (scratch.slots.length < keys) {
    const most = Math.max(keys, slots.idOf.length);
    const room = Math.min(most, keys + (keys >>> 1));
    growScratch(scratch, Math.max(LEAST_SCRATCH, room), home);
  }
  return scratch;
}

const LEAST_SCRATCH = 64;

/** Makes room for so many scores. */
export function roomyScores(
  { scratch, kernel: { home } }: Memory,
  scores: number,
): void {
  if (scratch.scores.length < scores) home.grow(scratch, "scores", scores);
}

/** Gives back what the scores of several rows took that started over together; versions may need the room. */
function giveScoresBack({ scratch, kernel: { home } }: Memory): void {
  const { scores, slots } = scratch;
  if (scores.length <= Math.max(slots.length, LEAST_GIVEN_BACK)) return;
  try {
    home.grow(scratch, "scores", slots.length);
  } catch (error) {
    // Where there is no memory for a shorter array, the long one stays.
    if (!(error instanceof RangeError)) throw error;
  }
}

/** Fewer scores are kept: giving them back and asking anew takes a few µs, forming as many of 64 products some 100. */
const LEAST_GIVEN_BACK = 2 ** 11;

/** Bytes held by all arrays and maps. */
export function memoryBytes(
  {
    keys,
    rows,
    log,
    pairs,
    selection,
    approximation,
    sieve,
    scratch,
    arena,
    guest,
    mask,
    spread,
    batch,
  }: Memory,
): number {
  const answers = [...rows.answers.values()].reduce(
    (bytes, answer) => bytes + answer.byteLength,
    0,
  );
  return keysBytes(keys) + slotsBytes(rows.slots) + storeBytes(rows.queries) +
    5 * rows.clocks.byteLength +
    sumsBytes(rows.sums) + answers + logBytes(log) + pairsBytes(pairs) +
    (selection?.bytes() ?? 0) + (approximation?.bytes() ?? 0) +
    (sieve?.bytes() ?? 0) +
    24 * scratch.slots.length + scratch.scores.byteLength +
    arena.floats.byteLength + batchBytes(batch) + spreadBytes(spread) +
    sumsBytes(guest) +
    (mask.kind === "edges" ? edgesBytes(mask.edges) : 0);
}

/** Makes a table of no rows. */
export function makeRows(dim: number, valueDim: number, home: Home): RowTable {
  return {
    slots: makeSlots(),
    queries: makeStore(dim, home),
    positions: new Float64Array(0),
    norms: new Float64Array(0),
    clocks: new Float64Array(0),
    keyNorms: new Float64Array(0),
    biasSizes: new Float64Array(0),
    sums: makeSums(0, dim, valueDim, home),
    answers: new Map(),
  };
}

/** Makes room for `count` rows. */
export function growRows(rows: RowTable, count: number, home: Home): void {
  growStore(rows.queries, count);
  growSums(rows.sums, count, home);
  const used = rows.clocks.length;
  for (
    const name of [
      "positions",
      "norms",
      "clocks",
      "keyNorms",
      "biasSizes",
    ] as const
  ) apart.grow(rows, name, count);
  rows.clocks.fill(COLD, used);
  // The slots come last: without them the rest is only spare.
  growSlots(rows.slots, count);
}
