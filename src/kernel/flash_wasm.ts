/**
 * The WebAssembly kernels of stateless attention: which of them, their one instance, their memory and what lies where.
 *
 * Arithmetic is in 32-bit floats. Eight queries or more go through lanes, one query to a lane;
 * fewer go through rows, one or two at a time (`assembly/flash_lanes.ts`, `assembly/flash_rows.ts`). The caller's arrays
 * are ordinary, so blocks of keys and values are copied into the memory, where they stay in the second-level cache.
 *
 * There is one instance for each module, made when it is first asked for. Its memory grows to the largest layout that
 * was asked for: some 300 KB, more only where rows are longer than 2000 numbers.
 *
 * @module
 */

import { show } from "../check.ts";
import { modules } from "./wasm.ts";

/** What a module exports; sizes in numbers, places in bytes. */
export interface FlashExports {
  /** All memory, no page of it at first. */
  memory: WebAssembly.Memory;
  /** Where free memory begins. */
  heapBase(): number;
  /** Writes constants to TABLE bytes. */
  prepare(at: number): void;
  /** Rows to padded × lanes, times a factor; bit r: row r has lost bits to underflow. */
  packQueries(
    target: number,
    source: number,
    rows: number,
    lanes: number,
    dim: number,
    padded: number,
    factor: number,
  ): number;
  /** Rows of `dim` numbers to rows of `padded`. */
  padRows(
    target: number,
    source: number,
    rows: number,
    dim: number,
    padded: number,
  ): void;
  /** Bytes of a mask to biases. */
  widenMask(target: number, source: number, count: number): void;
  /** Empties the state and the numerators of eight queries. */
  emptyLanes(state: number, numerator: number, columns: number): void;
  /** Folds keys into eight queries. */
  foldLanes(
    query: number,
    keys: number,
    values: number,
    numerator: number,
    state: number,
    scores: number,
    from: number,
    to: number,
    dim: number,
    valueDim: number,
    ragged: number,
    mask: number,
    maskStride: number,
    cap: number,
    capFactor: number,
  ): void;
  /** Outputs of eight queries, and what is to be done again. */
  finishLanes(
    output: number,
    numerator: number,
    state: number,
    rows: number,
    valueDim: number,
  ): number;
  /** Empties the state and the numerators of one query. */
  emptyRow(state: number, numerator: number, columns: number): void;
  /** Folds keys into one query or two. */
  foldRows(
    query: number,
    keys: number,
    values: number,
    numerator: number,
    state: number,
    scores: number,
    from: number,
    to: number,
    dim: number,
    valueDim: number,
    columns: number,
    two: number,
    mask: number,
    maskStride: number,
    cap: number,
    capFactor: number,
  ): void;
  /** The output of one query, and whether it is to be done again. */
  finishRow(
    output: number,
    numerator: number,
    state: number,
    valueDim: number,
  ): number;
}

/** An instance and views of its memory. */
export interface FlashWasm extends FlashExports {
  /** All memory as floats. */
  floats: Float32Array<ArrayBuffer>;
  /** All memory as whole numbers. */
  integers: Int32Array<ArrayBuffer>;
  /** All memory. */
  bytes: Uint8Array<ArrayBuffer>;
}

/** Queries of a group. */
export const LANES = 8;
/** Bytes of the state of a query that goes through rows. */
export const ROW_STATE = 16;
/** Bytes of the state of a group, and where its ranges of keys begin. */
export const LANES_STATE = 160;
/** Where in it, in numbers, the first keys lie, and one past the last. */
export const LANES_FIRST = 24;
/** One past the last. */
export const LANES_END = 32;
/** Where in a state, in numbers, the least score that was admitted lies. */
export const LANES_LEAST = 16;
/** The same for a query that goes through rows. */
export const ROW_LEAST = 2;

const NAMES = ["auto", "scalar", "simd", "relaxed"];
/** BLOCK of assembly/flash_lanes.ts: blocks are whole multiples of it, or part of one. */
const BLOCK = 120;
/** Bytes of keys and values that are copied together, and of queries and numerators that meet them. */
const LOADED = 2 ** 17;
/** Blocks hold no more keys than that, so that a mask of eight rows stays small. */
const MOST_KEYS = 8 * BLOCK;
/** And no fewer than that: the rows of a tile, times four. */
const LEAST_KEYS = 20;
/** Row blocks hold no more queries than that. */
const MOST_ROWS = 256;
/** Rows behind a block of keys, and numbers behind one of values, that may be read. */
const SPARE_ROWS = 8;
const SPARE_NUMBERS = 16;
/** Bytes of the constants. */
const TABLE = 160;
/** Bytes of the scores of a block: eight queries, five keys that are none, and two vectors of factors. */
const SCORES = (BLOCK + 5 + 1) * LANES * 4;
const PAGE = 65536;
/** A query that shares neither lanes nor loads with seven others costs so much more than its eighth of eight. */
const ROW_COST = 1.15;

/** Where things lie in the memory, in bytes, and how many there are. */
export interface Layout {
  /** Queries go through rows and not through lanes. */
  inRows: boolean;
  /** Rows of a block of rows. */
  rows: number;
  /** Keys of a block of keys. */
  keys: number;
  /** Numbers in a packed query or a key: a multiple of four. */
  dim: number;
  /** Numerators of a query. */
  columns: number;
  /** Bytes from one row of a mask to the next. */
  maskStride: number;
  /** rows × dim, packed. */
  queryAt: number;
  /** rows × columns */
  numeratorAt: number;
  /** States. */
  stateAt: number;
  /** keys × dim */
  keyAt: number;
  /** keys × valueDim */
  valueAt: number;
  /** Scores of a block. */
  scoresAt: number;
  /** LANES × keys: biases. */
  maskAt: number;
  /** What is about to be packed, padded or widened, or has been finished. */
  stagingAt: number;
}

const instances = new WeakMap<WebAssembly.Module, FlashWasm>();

/** The instance of the kernel that is asked for; undefined where it is the scalar one. */
export function chooseFlash(
  verb: string,
  kernel: unknown = "auto",
): FlashWasm | undefined {
  if (kernel instanceof WebAssembly.Module) return openFlash(verb, kernel);
  if (typeof kernel !== "string") {
    throw new TypeError(
      `Cannot ${verb}: kernel is ${
        show(kernel)
      }, it should be a string or a WebAssembly.Module`,
    );
  }
  if (!NAMES.includes(kernel)) {
    throw new RangeError(
      `Cannot ${verb}: kernel is ${show(kernel)}, it should be one of ${
        NAMES.join(", ")
      }`,
    );
  }
  if (kernel === "scalar") return undefined;
  const module = kernel === "auto"
    ? modules.relaxed ?? modules.simd
    : modules[kernel as "simd" | "relaxed"];
  if (module === undefined) {
    if (kernel === "auto") return undefined;
    const missing = kernel === "simd" ? "SIMD" : "relaxed SIMD";
    throw new RangeError(
      `Cannot ${verb}: kernel is ${
        show(kernel)
      }, this engine has no ${missing}, it should be "auto" or "scalar"`,
    );
  }
  return openFlash(verb, module);
}

const FUNCTIONS: readonly (keyof FlashExports)[] = [
  "heapBase",
  "prepare",
  "packQueries",
  "padRows",
  "widenMask",
  "emptyLanes",
  "foldLanes",
  "finishLanes",
  "emptyRow",
  "foldRows",
  "finishRow",
];

/** The one instance of a module. */
function openFlash(verb: string, module: WebAssembly.Module): FlashWasm {
  const known = instances.get(module);
  if (known !== undefined) return known;
  const found = WebAssembly.Module.exports(module);
  const has = (name: string, kind: string) =>
    found.some((one) => one.name === name && one.kind === kind);
  const missing = FUNCTIONS.find((name) => !has(name, "function")) ??
    (has("memory", "memory") ? undefined : "memory");
  if (missing !== undefined || WebAssembly.Module.imports(module).length > 0) {
    throw new TypeError(
      `Cannot ${verb}: kernel is a module ${
        missing === undefined ? "with imports" : `without ${missing}`
      }, it should be simd.wasm or relaxed.wasm of this version`,
    );
  }
  const exports = new WebAssembly.Instance(module)
    .exports as unknown as FlashExports;
  const views = viewsOf(exports.memory);
  const flash: FlashWasm = { ...exports, ...views };
  instances.set(module, flash);
  return flash;
}

function viewsOf(
  memory: WebAssembly.Memory,
): Pick<FlashWasm, "floats" | "integers" | "bytes"> {
  const buffer = memory.buffer as ArrayBuffer;
  return {
    floats: new Float32Array(buffer),
    integers: new Int32Array(buffer),
    bytes: new Uint8Array(buffer),
  };
}

/** Plans the memory for attention of `rows` queries that share `keys` keys, and sees that it is there. */
export function layOut(
  verb: string,
  flash: FlashWasm,
  rows: number,
  keys: number,
  dim: number,
  valueDim: number,
): Layout {
  const inRows = rows * ROW_COST < Math.ceil(rows / LANES) * LANES;
  const padded = multiple(dim, 4);
  const columns = multiple(valueDim, inRows ? 16 : 4) + (inRows ? 0 : 4);
  const width = (padded + valueDim) * 4;
  const fitting = Math.min(
    Math.floor(LOADED / (width || 1)),
    MOST_KEYS,
    multiple(keys, BLOCK),
  );
  const blockKeys = fitting >= BLOCK
    ? fitting - fitting % BLOCK
    : Math.max(fitting - fitting % LEAST_KEYS, LEAST_KEYS);
  const fittingRows = Math.min(
    Math.floor(LOADED / (width || 1) / LANES) * LANES,
    MOST_ROWS,
    multiple(rows, LANES),
  );
  const blockRows = Math.max(fittingRows, LANES);
  const maskStride = (blockKeys + 4) * 4;
  let end = multiple(flash.heapBase(), 16);
  const place = (bytes: number) => {
    const at = end;
    end += multiple(bytes, 16);
    return at;
  };
  const table = place(TABLE);
  const layout: Layout = {
    inRows,
    rows: blockRows,
    keys: blockKeys,
    dim: padded,
    columns,
    maskStride,
    queryAt: place(blockRows * padded * 4),
    numeratorAt: place(blockRows * columns * 4),
    stateAt: place(
      inRows ? blockRows * ROW_STATE : blockRows / LANES * LANES_STATE,
    ),
    keyAt: place((blockKeys + SPARE_ROWS) * padded * 4),
    valueAt: place((blockKeys * valueDim + SPARE_NUMBERS) * 4),
    scoresAt: place(SCORES),
    maskAt: place(LANES * maskStride),
    stagingAt: place(
      Math.max(
        LANES * Math.max(dim, valueDim) * 4,
        padded === dim ? 0 : blockKeys * dim * 4,
        LANES * maskStride,
      ),
    ),
  };
  reserve(verb, flash, end);
  flash.prepare(table);
  return layout;
}

/** Grows the memory to at least `bytes`; views of it are made anew. */
function reserve(verb: string, flash: FlashWasm, bytes: number): void {
  const missing = bytes - flash.memory.buffer.byteLength;
  if (missing <= 0) return;
  try {
    flash.memory.grow(Math.ceil(missing / PAGE));
  } catch {
    throw new RangeError(
      `Cannot ${verb}: there is no room for ${bytes} bytes of WebAssembly memory, there should be`,
    );
  }
  Object.assign(flash, viewsOf(flash.memory));
}

function multiple(count: number, of: number): number {
  return Math.ceil(count / of) * of;
}

/** Rows shorter than that are copied number by number: making a view of one takes longer. */
const SHORT = 32;

/** Copies rows of numbers that lie `rowStride` apart to rows that lie `padded` apart, zeros between them. */
export function loadRows(
  flash: FlashWasm,
  layout: Layout,
  at: number,
  data: Float32Array,
  from: number,
  rowStride: number,
  rows: number,
  dim: number,
  padded: number,
): void {
  const { floats } = flash, to = at / 4;
  if (rowStride === dim || rows === 1) {
    const source = data.subarray(from, from + rows * dim);
    if (dim === padded) floats.set(source, to);
    else {
      floats.set(source, layout.stagingAt / 4);
      flash.padRows(at, layout.stagingAt, rows, dim, padded);
    }
    return;
  }
  for (let row = 0; row < rows; row++) {
    const start = from + row * rowStride, target = to + row * padded;
    if (dim < SHORT) {
      for (let c = 0; c < dim; c++) floats[target + c] = data[start + c];
    } else floats.set(data.subarray(start, start + dim), target);
    for (let c = dim; c < padded; c++) floats[target + c] = 0;
  }
}
