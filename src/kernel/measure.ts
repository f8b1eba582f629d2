/**
 * How large many rows are, in one walk, and whether all their numbers are finite.
 *
 * What comes in by tens of thousands often comes into a process that has compiled nothing yet, where a loop over every
 * number takes many times as long as in WebAssembly. Rows are copied into an instance of its own a few at a time. Where
 * there is none, plain loops give the same bits.
 *
 * @module
 */

import { measureNumbers, measurePeak } from "../rows.ts";
import { MemoryHome } from "./home.ts";
import { modules } from "./wasm.ts";

/** How large rows are. */
export interface RowSizes {
  /** rows: numbers that are not 0. */
  nonZeros: Int32Array;
  /** rows: at least the Euclidean length. */
  norms: Float64Array;
  /** rows: the largest number in size. */
  peaks: Float64Array;
}

/** What the module exports for this; addresses in bytes. */
interface Exports {
  memory: WebAssembly.Memory;
  heap(): number;
  measure(
    from: number,
    rows: number,
    width: number,
    lengths: number,
    peaks: number,
    counts: number,
  ): number;
}

/** An instance, and where in its memory rows go and sizes come from. */
interface Scale extends RowSizes {
  code: Exports;
  home: MemoryHome;
  numbers: Float32Array;
}

/** Numbers that are copied together: 32 KiB. */
const CHUNK = 2 ** 13;

/** Measures rows of `width` numbers, one behind another; undefined where a number is not finite. */
export function measureRows(
  numbers: Float32Array,
  width: number,
  rows: number,
): RowSizes | undefined {
  const sizes = {
    nonZeros: new Int32Array(rows),
    norms: new Float64Array(rows),
    peaks: new Float64Array(rows),
  };
  const together = Math.max(1, Math.floor(CHUNK / Math.max(1, width)));
  const scale = openScale(Math.min(rows, together), width);
  const measured = scale === undefined
    ? measurePlain(numbers, width, sizes)
    : measureChunks(scale, numbers, width, together, sizes);
  return measured ? sizes : undefined;
}

function measureChunks(
  scale: Scale,
  numbers: Float32Array,
  width: number,
  together: number,
  { nonZeros, norms, peaks }: RowSizes,
): boolean {
  const { code } = scale;
  let finite = true;
  for (let row = 0; row < norms.length; row += together) {
    const count = Math.min(together, norms.length - row);
    scale.numbers.set(numbers.subarray(row * width, (row + count) * width));
    finite = code.measure(
          scale.numbers.byteOffset,
          count,
          width,
          scale.norms.byteOffset,
          scale.peaks.byteOffset,
          scale.nonZeros.byteOffset,
        ) !== 0 && finite;
    nonZeros.set(scale.nonZeros.subarray(0, count), row);
    norms.set(scale.norms.subarray(0, count), row);
    peaks.set(scale.peaks.subarray(0, count), row);
  }
  return finite;
}

/** The same in plain loops. */
function measurePlain(
  numbers: Float32Array,
  width: number,
  { nonZeros, norms, peaks }: RowSizes,
): boolean {
  let finite = true;
  for (let row = 0, at = 0; row < norms.length; row++, at += width) {
    const { norm, nonZeros: count } = measureNumbers(numbers, at, at + width);
    nonZeros[row] = count;
    norms[row] = norm;
    peaks[row] = measurePeak(numbers, at, at + width).peak;
    finite &&= norm < Infinity;
  }
  return finite;
}

let opened: Scale | undefined;

/** The instance, with room for so many rows; undefined where there is none. */
function openScale(rows: number, width: number): Scale | undefined {
  if (modules.simd === undefined) return undefined;
  try {
    const scale = opened ??= makeScale(modules.simd);
    for (const name of ["norms", "peaks", "nonZeros"] as const) {
      if (scale[name].length < rows) scale.home.grow(scale, name, rows);
    }
    const length = rows * width;
    if (scale.numbers.length < length) {
      scale.home.grow(scale, "numbers", length);
    }
    return scale;
  } catch (error) {
    // An engine that gives no memory, or none any more.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function makeScale(module: WebAssembly.Module): Scale {
  const code = new WebAssembly.Instance(module).exports as unknown as Exports;
  return {
    code,
    home: new MemoryHome(code.memory, code.heap()),
    numbers: new Float32Array(0),
    nonZeros: new Int32Array(0),
    norms: new Float64Array(0),
    peaks: new Float64Array(0),
  };
}
