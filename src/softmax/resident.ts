/**
 * Tensors of keys and values that stay in the memory of the kernel of stateless attention.
 *
 * Who decodes step by step asks thousands of times over keys of which all but one are those of the last time. Ordinary
 * arrays are copied into the kernel's memory on each call, up to half of the time where queries are few; these are read
 * where they lie. What lies where is in `../kernel/flash_resident.ts`.
 *
 * @module
 */

import { checkInteger, checkOptions, counted, show } from "../check.ts";
import { giveBack, makeResident } from "../kernel/flash_resident.ts";
import { chooseFlash } from "../kernel/flash_wasm.ts";
import type { ScaledDotProductAttentionOptions } from "./attention.ts";
import { axes } from "./tensor.ts";

/** A tensor of 32-bit floats that may be written to. */
export interface ResidentTensor {
  /** All numbers, in the memory of the kernel; empty once they are disposed of. */
  readonly data: Float32Array<ArrayBuffer>;
  /** [batch, heads, length, dim] */
  readonly shape: readonly number[];
}

/** Keys and values that {@linkcode scaledDotProductAttention} reads where they lie. */
export interface ResidentTensors {
  /** [batch, keyHeads, m, dim] */
  readonly keys: ResidentTensor;
  /** [batch, keyHeads, m, valueDim] */
  readonly values: ResidentTensor;
  /** Empties both and keeps their memory for the next ones; does nothing the second time. */
  dispose(): void;
}

const VERB = "make resident tensors";
const AXES = 4;

/**
 * Makes keys and values of zeros in the memory of the kernel of {@linkcode scaledDotProductAttention}, which then reads
 * them there instead of copying them on each call. They are for keys and values over which a few queries at a time are
 * asked, again and again.
 *
 * They are tensors like any other, with the same answers to the bit; write rows into `data` at any time. Make room for
 * as many positions as there will be, and say by `keyLengths` how many hold something. What is made of some of their
 * numbers, by `subarray` or with another shape, is resident, too.
 *
 * Attention copies them after all where it is given another kernel, the values of another pair, rows longer than those
 * of the pair, packed heads (`heads`) or a past. Where scores are asked for it works in 64 bits, as always. Keys whose dim
 * is no multiple of 4, and those that many queries meet, are rearranged in the memory first.
 *
 * Call `dispose` when they are no longer needed: it keeps the memory for the next ones, `data` is empty then, and
 * attention refuses it. Without it the engine frees the memory at a time of its own, since it does not see how large
 * it is. With the kernel "scalar", or in an engine without SIMD, they are ordinary arrays.
 *
 * Shapes: keys [batch, keyHeads, m, dim], values [batch, keyHeads, m, valueDim]. Memory: theirs, and up to 448 KiB for
 * rows of up to 512 numbers; 4 GiB at most for a pair. Costs O(1) for new memory, and the zeros for used.
 *
 * Errors: a `TypeError` for an argument of the wrong kind, a `RangeError` for a wrong shape or where there is no memory.
 *
 * @example A step adds a key and asks
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { residentTensors, scaledDotProductAttention } from "@reattend/reattend";
 *
 * const { keys, values, dispose } = residentTensors([1, 1, 1024, 2], [1, 1, 1024, 1]);
 * const answers = [3, 5].map((value, step) => {
 *   keys.data.set([1, 0], step * 2);
 *   values.data.set([value], step);
 *   const query = { data: new Float32Array([0, 1]), shape: [1, 1, 1, 2] };
 *   const { output } = scaledDotProductAttention(query, keys, values, { keyLengths: [step + 1] });
 *   return output.data[0];
 * });
 * dispose();
 * assertEquals(answers, [3, 4]);
 * ```
 *
 * @param keys The shape of the keys.
 * @param values The shape of the values: that of the keys but for the last axis.
 * @param options The kernel that is going to read them, as attention is told it.
 */
export function residentTensors(
  keys: readonly number[],
  values: readonly number[],
  options: Pick<ScaledDotProductAttentionOptions, "kernel"> = {},
): ResidentTensors {
  checkOptions(VERB, options, ["kernel"]);
  checkShape("keys", keys);
  checkShape("values", values);
  if (values.some((length, axis) => axis < 3 && length !== keys[axis])) {
    throw new RangeError(
      `Cannot ${VERB}: values is ${axes(values)}, it should be [${
        keys.slice(0, 3).join(", ")
      }, valueDim] like keys`,
    );
  }
  const shared = chooseFlash(VERB, options.kernel);
  const [batches, heads, length, dim] = keys;
  const rows = batches * heads, valueDim = values[3];
  const resident = shared === undefined
    ? undefined
    : makeResident(VERB, shared, rows, length, dim, valueDim);
  const tensor = (shape: readonly number[], data = ordinary(shape)) => ({
    data,
    shape: [...shape],
  });
  const pair = {
    keys: tensor(keys, resident?.keys),
    values: tensor(values, resident?.values),
  };
  let disposed = false;
  return {
    ...pair,
    dispose() {
      if (disposed) return;
      disposed = true;
      if (resident !== undefined) giveBack(resident);
      pair.keys.data = pair.values.data = new Float32Array(0);
    },
  };
}

function checkShape(name: string, shape: unknown): void {
  if (!Array.isArray(shape)) {
    throw new TypeError(
      `Cannot ${VERB}: ${name} is ${
        show(shape)
      }, it should be an array of whole numbers`,
    );
  }
  if (shape.length !== AXES) {
    throw new RangeError(
      `Cannot ${VERB}: ${name} is ${
        axes(shape)
      }, it should have the axes batch, heads, length, dim`,
    );
  }
  for (let axis = 0; axis < AXES; axis++) {
    checkInteger(VERB, `${name}[${axis}]`, shape[axis], 0);
  }
}

function ordinary(shape: readonly number[]): Float32Array<ArrayBuffer> {
  const size = shape.reduce((product, length) => product * length, 1);
  try {
    return new Float32Array(size);
  } catch {
    throw new RangeError(
      `Cannot ${VERB}: there is no room for ${
        counted(size, "number")
      }, there should be`,
    );
  }
}
