/**
 * Making a maintained attention.
 *
 * @module
 */

import {
  checkFinite,
  checkInteger,
  checkName,
  checkOptions,
  counted,
  show,
  thereAre,
} from "./check.ts";
import type { Rows } from "./rows.ts";
import { type CheckedRows, checkRows, rowOf } from "./matrix/input.ts";
import { type KernelChoice, makeKernel } from "./kernel/choose.ts";
import { checkedCopy, CsrMatrix } from "./matrix/csr.ts";
import {
  type Representation,
  representations,
} from "./matrix/representation.ts";
import { blocksOf, densityOf, MOST_KEYS } from "./memory/keys.ts";
import { keyBlock } from "./memory/block.ts";
import { commit, keyWrite, type Write } from "./memory/commit.ts";
import { NEW } from "./memory/shadow.ts";
import { edgesOf } from "./memory/edges.ts";
import type { Mask, MaskPredicate } from "./memory/mask.ts";
import { makeMemory, type Memory } from "./memory/memory.ts";
import { startMethod } from "./memory/method.ts";
import { checkMethod, type Method } from "./softmax/method.ts";
import { PRECISION } from "./softmax/canon.ts";

/**
 * Softmax attention over keys, values and watched queries that change.
 *
 * Made by {@linkcode createAttention} or {@linkcode restore} and handed to the verbs; its fields are free to read.
 */
export interface Attention {
  /** Numbers in a key and in a query. */
  readonly dim: number;
  /** Numbers in a value and in an output. */
  readonly valueDim: number;
  /** What dot products are multiplied with. */
  readonly scale: number;
  /** Live keys. */
  readonly size: number;
  /** Watched queries. */
  readonly watched: number;
  /**
   * Distinct keys written since all watched queries were last up to date, one that took the place of a removed one
   * together with it; 0 if none is watched.
   */
  readonly pending: number;
  /** Share of the keys' and values' numbers that are not 0; 0 if there are none. */
  readonly density: number;
  /** How keys and values are stored now. */
  readonly representation: "dense" | "sparse" | "mixed";
  /** Lets go of the memory, for the engine to collect; using the attention afterwards is an error. */
  [Symbol.dispose](): void;
}

/** Which keys a watched query may attend to. */
export type AttentionMask = "causal" | CsrMatrix | MaskPredicate;

/** Options of {@linkcode createAttention}. */
export interface AttentionOptions {
  /** Numbers in a key; taken from `keys` or `queries` if left out. */
  dim?: number;
  /** Numbers in a value; taken from `values` if left out, or else as many as in a key. */
  valueDim?: number;
  /** Queries to watch from the start, under the ids 0, 1, 2, … */
  queries?: Rows;
  /** Keys to start with, under the ids 0, 1, 2, … */
  keys?: Rows;
  /** One value for each of `keys`. */
  values?: Rows;
  /** Multiplies the dot products, up to 1e200 in size; 1/√dim if left out. */
  scale?: number;
  /**
   * Which keys a watched query may attend to: all if left out; with "causal" those up to its position, which for the
   * queries given here is their own row; with a matrix those of its non-zero entries, row = query id, column = key
   * id; with a function, pure in its two ids, those it returns true for. It is asked as often as we like, about keys
   * that have been removed, too, and has to say of them what it said before: what it looks up must outlive them.
   */
  mask?: AttentionMask;
  /** At most this many live keys, up to 2²³: the oldest make room. Without one, more than 2²³ are refused. */
  capacity?: number;
  /** Bytes that old versions of changed keys may take; room for one version for every two keys if left out. */
  logBytes?: number;
  /**
   * How keys, values and queries are stored: each row written out or as its entries, by its density ("auto"), or all
   * alike. No output depends on it.
   */
  representation?: Representation;
  /** Which kernel computes, with the same answers. */
  kernel?: KernelChoice;
  /** A way to attend to less, made by a function of `./methods`; to all that the mask admits if left out. */
  method?: Method;
}

/** The same for scales: products of 32-bit floats, summed and scaled, stay below 10³⁰⁰. */
const LARGEST_SCALE = 1e200;
const LARGEST_DIM = 2 ** 20;

/** An attention and what it remembers, which nobody else can reach. */
class Handle implements Attention {
  /** What it is called where it is shown; the interface has the name in the code. */
  static readonly name = "Attention";
  #memory: Memory | undefined;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** What an attention remembers; refuses what is none. */
  static open(verb: string, attention: Attention): Memory {
    if (
      typeof attention !== "object" || attention === null ||
      !(#memory in attention)
    ) {
      throw new TypeError(
        `Cannot ${verb}: attention is ${
          show(attention)
        }, it should be made by createAttention or restore`,
      );
    }
    if (attention.#memory === undefined) {
      throw new TypeError(
        `Cannot ${verb}: the attention is disposed, it should be in use`,
      );
    }
    return attention.#memory;
  }

  get dim(): number {
    return Handle.open("read dim", this).dim;
  }
  get valueDim(): number {
    return Handle.open("read valueDim", this).valueDim;
  }
  get scale(): number {
    return Handle.open("read scale", this).scale;
  }
  get size(): number {
    return Handle.open("read size", this).keys.slots.size;
  }
  get watched(): number {
    return Handle.open("read watched", this).rows.slots.size;
  }
  get pending(): number {
    return pendingOf(Handle.open("read pending", this));
  }
  get density(): number {
    return densityOf(Handle.open("read density", this).keys);
  }
  get representation(): "dense" | "sparse" | "mixed" {
    const { dense, sparse } = blocksOf(
      Handle.open("read representation", this).keys,
    );
    return dense === 0 && sparse > 0
      ? "sparse"
      : sparse > 0
      ? "mixed"
      : "dense";
  }
  [Symbol.dispose](): void {
    this.#memory = undefined;
  }
}

/** What an attention remembers, for the verbs; refuses what is no attention or is disposed. */
export const openAttention: (verb: string, attention: Attention) => Memory =
  Handle.open;

/** An attention over a memory. */
export function attentionOf(memory: Memory): Attention {
  return new Handle(memory);
}

/** Distinct keys written since all watched queries were up to date. */
export function pendingOf({ rows, log }: Memory): number {
  return rows.slots.size === 0 ? 0 : log.pending;
}

/**
 * Makes an attention that stays up to date while its keys, values and queries change.
 *
 * What it is given is rounded to 32-bit floats and copied. Scores, sums and outputs are 64-bit, and every output is
 * the softmax average of what is stored at the time of the read, to 32 significant bits, whatever happened before.
 *
 * Shapes: `queries` n × dim, `keys` m × dim, `values` m × valueDim. Costs the copies. Errors: a `RangeError` where
 * shapes do not meet or a number has no finite 32-bit form, a `TypeError` for what is of the wrong kind or an option
 * that is not known.
 *
 * @example A memory of three things, and what a query makes of it
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { append, createAttention, outputs } from "@reattend/reattend";
 *
 * const attention = createAttention({ queries: [[0, 0]], keys: [[1, 2], [3, 4]], values: [[10], [20]] });
 * assertEquals(outputs(attention).to2DArray(), [[15]]);
 * append(attention, [5, 6], [60]);
 * assertEquals(outputs(attention).to2DArray(), [[30]]);
 * ```
 */
export function createAttention(options: AttentionOptions = {}): Attention {
  return attentionOf(createMemory(options, PRECISION));
}

/** Makes the memory of an attention whose answers have `precision` significant bits. */
export function createMemory(
  options: AttentionOptions,
  precision: number,
): Memory {
  const verb = "create an attention";
  checkOptions(verb, options, OPTIONS);
  const { keys, values, queries } = checkTables(verb, options);
  const dim = keys.width, valueDim = values.width;
  const memory = makeMemory({
    dim,
    valueDim,
    scale: checkFinite(
      verb,
      "scale",
      options.scale === undefined ? 1 / Math.sqrt(dim || 1) : options.scale,
      LARGEST_SCALE,
    ),
    capacity: options.capacity === undefined
      ? Infinity
      : checkInteger(verb, "capacity", options.capacity, 0, MOST_KEYS),
    precision,
    logLimit: options.logBytes === undefined ? undefined : checkInteger(
      verb,
      "logBytes",
      options.logBytes,
      0,
    ),
    mask: checkMask(verb, options.mask),
    kernel: makeKernel(verb, options.kernel, dim, valueDim),
    representation: checkName(
      verb,
      "representation",
      options.representation === undefined ? "auto" : options.representation,
      representations,
    ),
    method: checkMethod(verb, options.method),
  });
  startMethod(verb, memory);
  // Keys that would be evicted at once leave their ids behind and nothing else.
  const first = Math.max(0, keys.count - memory.capacity);
  memory.keys.slots.next = first;
  memory.counters.evicted = first;
  const ids: number[] = [];
  for (let id = first; id < keys.count; id++) ids.push(id);
  const block = keyBlock(ids, keys, values, undefined);
  const writes = {
    *[Symbol.iterator](): Generator<Write> {
      if (block !== undefined) yield block;
      else {
        for (let id = first; id < keys.count; id++) {
          yield keyWrite(
            "new key",
            id,
            NEW,
            rowOf(keys, id),
            rowOf(values, id),
            0,
          );
        }
      }
      for (let id = 0; id < queries.count; id++) {
        yield { kind: "query", id, query: rowOf(queries, id), position: id };
      }
    },
  };
  // Gone through twice: many are made anew each time, since a list of all would outlive the call by a while.
  const few = keys.count + queries.count <= FEW_WRITES;
  commit(memory, few ? [...writes] : writes);
  return memory;
}

/** So many writes are listed rather than measured twice. */
const FEW_WRITES = 2 ** 12;

const OPTIONS = [
  "dim",
  "valueDim",
  "queries",
  "keys",
  "values",
  "scale",
  "mask",
  "capacity",
  "logBytes",
  "representation",
  "kernel",
  "method",
];

/** Settles the two widths from what is given, and refuses tables that do not meet. */
function checkTables(
  verb: string,
  options: AttentionOptions,
): { keys: CheckedRows; values: CheckedRows; queries: CheckedRows } {
  let dim = options.dim === undefined
    ? undefined
    : checkInteger(verb, "dim", options.dim, 0, LARGEST_DIM);
  const valueDim = options.valueDim === undefined
    ? undefined
    : checkInteger(verb, "valueDim", options.valueDim, 0, LARGEST_DIM);
  const none = (width: number): CheckedRows => ({
    count: 0,
    width,
    data: new Float32Array(0),
    sparse: undefined,
  });
  const rows = (
    name: "keys" | "values" | "queries",
    width: number | undefined,
  ) => {
    const given = options[name];
    if (given === undefined) return undefined;
    const checked = checkRows(verb, name, given, width);
    // Sparse rows are as wide as they say, whatever they hold.
    checkInteger(verb, `the width of ${name}`, checked.width, 0, LARGEST_DIM);
    // An empty list tells no width, a matrix without rows does.
    return checked.count === 0 && checked.width === 0 && width === undefined
      ? undefined
      : checked;
  };
  const keys = rows("keys", dim);
  dim ??= keys?.width;
  const queries = rows("queries", dim);
  dim ??= queries?.width;
  if (dim === undefined) {
    throw new RangeError(
      `Cannot ${verb}: its dim is unknown, dim, keys or queries should be given`,
    );
  }
  // A flat list of values has one for each key, so its length tells the width.
  const flat = options.values;
  const implied =
    valueDim === undefined && keys !== undefined && ArrayBuffer.isView(flat) &&
      (flat as ArrayLike<number>).length % keys.count === 0
      ? (flat as ArrayLike<number>).length / keys.count
      : valueDim;
  const values = rows("values", implied);
  if ((keys?.count ?? 0) !== (values?.count ?? 0)) {
    throw new RangeError(
      `Cannot ${verb}: ${
        thereAre(values?.count ?? 0, "value")
      }, there should be one for each of ${counted(keys?.count ?? 0, "key")}`,
    );
  }
  if (keys !== undefined && keys.count > MOST_KEYS) {
    throw new RangeError(
      `Cannot ${verb}: there are ${keys.count} keys, there should be at most ${MOST_KEYS}`,
    );
  }
  if (queries !== undefined && queries.count > MOST_KEYS) {
    throw new RangeError(
      `Cannot ${verb}: there are ${queries.count} queries, there should be at most ${MOST_KEYS}`,
    );
  }
  return {
    keys: keys ?? none(dim),
    values: values ?? none(valueDim ?? dim),
    queries: queries ?? none(dim),
  };
}

function checkMask(verb: string, mask: AttentionMask | undefined): Mask {
  if (mask === undefined) return { kind: "all" };
  if (mask === "causal") return { kind: "causal" };
  if (typeof mask === "function") return { kind: "predicate", admits: mask };
  if (mask instanceof CsrMatrix) {
    return { kind: "edges", edges: edgesOf(checkedCopy(verb, mask)) };
  }
  throw new TypeError(
    `Cannot ${verb}: mask is ${
      show(mask)
    }, it should be "causal", a CsrMatrix or a function`,
  );
}
