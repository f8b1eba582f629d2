/**
 * The door of samples: a query, a key and a value, each of them there as a whole or missing as a whole.
 *
 * A part with one number that is no number says as little as none, and a single NaN would reach every output of its
 * window. So a part is missing if it is `null` or holds a NaN or an infinity, and is refused or masked, never used.
 *
 * @module
 */

import { checkOptions, counted, isIterable, show } from "../check.ts";
import { checkList } from "../rows.ts";

/** What comes at one step; a part is missing if it is `null` or one of its numbers is NaN or infinite. */
export interface Sample {
  /** dim: what asks. Where it is missing, the row of this step is 0. */
  query: ArrayLike<number> | null;
  /** dim: what is asked. Where it is missing, nothing attends to this step. */
  key: ArrayLike<number> | null;
  /** valueDim: what is answered. Where it is missing, nothing attends to this step. */
  value: ArrayLike<number> | null;
}

/** A sample, rounded and copied: dim, dim and valueDim numbers, or undefined where they are missing. */
export interface CheckedSample {
  query: Float32Array | undefined;
  key: Float32Array | undefined;
  value: Float32Array | undefined;
}

const NOTHING: Sample = { query: null, key: null, value: null };

/** Checks and copies a sample; `position`, if given, is added to query and key. */
export function checkSample(
  verb: string,
  sample: Sample | null,
  dim: number,
  valueDim: number,
  mayMiss: boolean,
  position: Float64Array | undefined,
): CheckedSample {
  if (typeof sample !== "object" || isIterable(sample)) {
    throw new TypeError(
      `Cannot ${verb}: sample is ${
        show(sample)
      }, it should be a query, a key and a value`,
    );
  }
  checkOptions(verb, sample ?? NOTHING, ["query", "key", "value"]);
  const { query, key, value } = sample ?? NOTHING;
  return {
    query: checkPart(verb, "query", query, dim, mayMiss, position),
    key: checkPart(verb, "key", key, dim, mayMiss, position),
    value: checkPart(verb, "value", value, valueDim, mayMiss, undefined),
  };
}

/** Numbers of a part, undefined if it is missing. */
function checkPart(
  verb: string,
  name: string,
  given: ArrayLike<number> | null,
  width: number,
  mayMiss: boolean,
  position: Float64Array | undefined,
): Float32Array | undefined {
  if (given === null) {
    if (mayMiss) return undefined;
    throw new TypeError(
      `Cannot ${verb}: ${name} is null, it should be numbers unless missing is "mask"`,
    );
  }
  const list = checkList(verb, name, given);
  if (list.length !== width) {
    throw new RangeError(
      `Cannot ${verb}: ${name} has ${
        counted(list.length, "number")
      }, it should have ${width}`,
    );
  }
  const part = new Float32Array(width);
  let missing = false;
  for (let t = 0; t < width; t++) {
    const number = list[t];
    if (typeof number !== "number") {
      throw new TypeError(
        `Cannot ${verb}: ${name}[${t}] is ${
          show(number)
        }, it should be a number`,
      );
    }
    if (!Number.isFinite(number)) {
      if (!mayMiss) {
        throw new RangeError(
          `Cannot ${verb}: ${name}[${t}] is ${number}, it should be finite unless missing is "mask"`,
        );
      }
      missing = true;
      continue;
    }
    const sum = position === undefined ? number : number + position[t];
    part[t] = sum;
    // Too large is not missing: there is a number, and it is lost.
    if (!Number.isFinite(part[t])) {
      throw new RangeError(
        `Cannot ${verb}: ${name}[${t}]${
          position === undefined ? "" : " at its position"
        } is ${sum}, it should be finite as a 32-bit float`,
      );
    }
  }
  return missing ? undefined : part;
}
