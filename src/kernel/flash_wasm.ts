/**
 * The WebAssembly kernels of stateless attention: which of them, and the one instance of each that all calls share.
 *
 * Arithmetic is in 32-bit floats. Eight queries or more go through lanes, one query to a lane; fewer go through rows, one
 * or two at a time (`assembly/flash_lanes.ts`, `assembly/flash_rows.ts`). What lies where is in `flash_layout.ts`.
 *
 * An instance is made when it is first asked for. Its memory grows to the largest layout that was asked for and is kept:
 * 448 KiB at most where rows are no longer than 512 numbers.
 *
 * @module
 */

import { show } from "../check.ts";
import { modules } from "./wasm.ts";

/** What a module exports; sizes in numbers, places in bytes. */
export interface FlashExports {
  /** All memory, one page of it at first. */
  memory: WebAssembly.Memory;
  /** Where free memory begins. */
  heapBase(): number;
  /** Writes constants to TABLE bytes. */
  prepare(at: number): void;
  /** Eight rows to dim × 8, times a factor; bit r: row r has lost bits to underflow. */
  packLanes(
    target: number,
    source: number,
    dim: number,
    factor: number,
  ): number;
  /** One row, times a factor. */
  packRow(target: number, source: number, dim: number, factor: number): number;
  /** Rows of keys to panels of them. */
  packKeys(
    target: number,
    source: number,
    rows: number,
    dim: number,
    padded: number,
  ): void;
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
    panels: number,
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
    valueDim: number,
    stride: number,
  ): number;
  /** Reads from … to − 1 in order, for caches to run ahead. */
  touch(from: number, to: number): number;
  /** Empties the state and the numerators of one query. */
  emptyRow(state: number, numerator: number, columns: number): void;
  /** Scores of keys for one query or two. */
  scoreRows(
    scores: number,
    scoresStride: number,
    query: number,
    key: number,
    count: number,
    dim: number,
    two: number,
  ): void;
  /** Folds keys with their scores into one query or two. */
  addRows(
    numerator: number,
    state: number,
    scores: number,
    scoresStride: number,
    value: number,
    count: number,
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
  /** What it is an instance of. */
  module: WebAssembly.Module;
  /** Where a layout begins: behind the constants. */
  start: number;
  /** Where it has to end: before what is resident; Infinity where nothing is and the memory may grow. */
  room: number;
  /** All memory as floats. */
  floats: Float32Array<ArrayBuffer>;
  /** All memory as whole numbers. */
  integers: Int32Array<ArrayBuffer>;
  /** All memory. */
  bytes: Uint8Array<ArrayBuffer>;
}

/** Bytes of the constants. */
const TABLE = 160;
/** Places are multiples of it: a vector. */
const VECTOR = 16;

const NAMES = ["auto", "scalar", "simd", "relaxed"];
const PAGE = 65536;

const instances = new WeakMap<WebAssembly.Module, FlashWasm>();

/** The instance of the kernel that is asked for; undefined where it is the scalar one. */
export function chooseFlash(
  verb: string,
  kernel: unknown = "auto",
): FlashWasm | undefined {
  if (kernel instanceof WebAssembly.Module) return openFlash(verb, kernel);
  if (!NAMES.includes(kernel as string)) {
    throw new TypeError(
      `Cannot ${verb}: kernel is ${show(kernel)}, it should be ${
        NAMES.map((name) => JSON.stringify(name)).join(" or ")
      } or a WebAssembly.Module`,
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
  "packLanes",
  "packRow",
  "packKeys",
  "padRows",
  "widenMask",
  "emptyLanes",
  "foldLanes",
  "finishLanes",
  "emptyRow",
  "scoreRows",
  "addRows",
  "finishRow",
  "touch",
];

/** The one instance of a module that is shared. */
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
  const flash = makeFlash(module);
  instances.set(module, flash);
  return flash;
}

/** A new instance of a module that is one of ours. */
export function makeFlash(module: WebAssembly.Module): FlashWasm {
  const exports = new WebAssembly.Instance(module)
    .exports as unknown as FlashExports;
  const table = Math.ceil(exports.heapBase() / VECTOR) * VECTOR;
  exports.prepare(table);
  return {
    ...exports,
    ...viewsOf(exports.memory),
    module,
    start: table + TABLE,
    room: Infinity,
  };
}

/** Views of all of a memory, as it is now. */
export function viewsOf(
  memory: WebAssembly.Memory,
): Pick<FlashWasm, "floats" | "integers" | "bytes"> {
  const buffer = memory.buffer as ArrayBuffer;
  return {
    floats: new Float32Array(buffer),
    integers: new Int32Array(buffer),
    bytes: new Uint8Array(buffer),
  };
}

/** Grows the memory to at least `bytes`; views of it are made anew. */
export function reserve(verb: string, flash: FlashWasm, bytes: number): void {
  const missing = bytes - flash.memory.buffer.byteLength;
  if (missing <= 0) return;
  try {
    flash.memory.grow(Math.ceil(missing / PAGE));
  } catch {
    throw noRoom(verb, bytes);
  }
  Object.assign(flash, viewsOf(flash.memory));
}

/** What is thrown where the engine gives no more memory. */
export function noRoom(verb: string, bytes: number): RangeError {
  return new RangeError(
    `Cannot ${verb}: there is no room for ${bytes} bytes of WebAssembly memory, there should be`,
  );
}
