/**
 * The plain record of what a memory of words was told, as matrices: what everything else is checked by.
 *
 * @module
 */

import { CsrMatrix } from "@reattend/reattend";
import type { Memory } from "./memory.ts";
import { weigh } from "./words.ts";

/** The keys by ascending id, as a sparse matrix. */
export function keysTold({ held, dictionary }: Memory): CsrMatrix {
  const starts = [0], indices: number[] = [], numbers: number[] = [];
  for (const { key } of held.values()) {
    const entries = [...key].sort(([one], [other]) => one - other);
    for (const [column, number] of entries) {
      indices.push(column);
      numbers.push(number);
    }
    starts.push(indices.length);
  }
  return new CsrMatrix(
    held.size,
    dictionary.words.length,
    starts,
    indices,
    Float32Array.from(numbers),
  );
}

/** The votes by ascending id. */
export function valuesTold({ held }: Memory): Float32Array[] {
  return [...held.values()].map(({ value }) => value);
}

/** The standing questions, as a sparse matrix. */
export function questionsAsked({ dictionary, standing }: Memory): CsrMatrix {
  return weigh(dictionary, standing.map(({ words }) => words));
}
