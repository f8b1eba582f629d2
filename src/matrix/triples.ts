/**
 * Entries in any order become sorted rows: what a sparse matrix and sparse edits are made from.
 *
 * Entries are checked while they are read, counted for each row, placed row by row in the order given, sorted by column
 * where a row is not in order yet, and those of the same place are added up.
 *
 * @module
 */
import { isIterable, show } from "../check.ts";
import { checkBelow, checkValue } from "./check.ts";
import type { SparseRows } from "./structure.ts";

/** Entries as they were given, one array for each part of them. */
export interface Triples {
  /** A row for each entry. */
  rows: number[];
  /** A column for each entry. */
  columns: number[];
  /** A finite number for each entry. */
  values: number[];
}

/** Reads entries once and checks each: `parts` are the names of the three numbers, the first two below a limit. */
export function checkTriples(
  verb: string,
  name: string,
  triples: unknown,
  parts: readonly [string, string, string],
  rowLimit: number,
  columnLimit: number,
): Triples {
  if (!isIterable(triples)) {
    throw new TypeError(
      `Cannot ${verb}: ${name} is ${show(triples)}, it should be entries [${
        parts.join(", ")
      }]`,
    );
  }
  const checked: Triples = { rows: [], columns: [], values: [] };
  for (const triple of triples) {
    if (!Array.isArray(triple) || triple.length !== parts.length) {
      throw new TypeError(
        `Cannot ${verb}: ${name}[${checked.rows.length}] is ${
          show(triple)
        }, it should be [${parts.join(", ")}]`,
      );
    }
    const row: unknown = triple[0], column: unknown = triple[1];
    const value: unknown = triple[2];
    if (
      !isBelow(row, rowLimit) || !isBelow(column, columnLimit) ||
      !Number.isFinite(value)
    ) {
      // One of these refuses; names are spelt out only now.
      const place = `${name}[${checked.rows.length}]`;
      checkBelow(verb, `${parts[0]} of ${place}`, row, rowLimit);
      checkBelow(verb, `${parts[1]} of ${place}`, column, columnLimit);
      checkValue(verb, `${parts[2]} of ${place}`, value);
    }
    checked.rows.push(row as number);
    checked.columns.push(column as number);
    checked.values.push(value as number);
  }
  return checked;
}

function isBelow(value: unknown, limit: number): boolean {
  return Number.isInteger(value) && (value as number) >= 0 &&
    (value as number) < limit;
}

/** Sorts checked entries into `rowCount` rows. Sums are 64-bit, in the order given, and may overflow to infinity. */
export function gather(rowCount: number, triples: Triples): SparseRows {
  const { rows, columns, values } = triples;
  const indptr = new Uint32Array(rowCount + 1);
  for (let at = 0; at < rows.length; at++) indptr[rows[at] + 1]++;
  for (let row = 0; row < rowCount; row++) indptr[row + 1] += indptr[row];

  const next = indptr.slice(0, rowCount);
  const order = new Uint32Array(rows.length);
  for (let at = 0; at < rows.length; at++) order[next[rows[at]]++] = at;

  const indices = new Uint32Array(rows.length);
  const sums = new Float64Array(rows.length);
  let count = 0, start = 0;
  for (let row = 0; row < rowCount; row++) {
    const end = indptr[row + 1];
    let sorted = true;
    for (let at = start + 1; at < end && sorted; at++) {
      sorted = columns[order[at - 1]] <= columns[order[at]];
    }
    // Equal columns stay in the order given, so that their sum does not depend on how engines sort.
    if (!sorted) {
      order.subarray(start, end).sort((a, b) =>
        columns[a] - columns[b] || a - b
      );
    }
    const first = count;
    for (let at = start; at < end; at++) {
      const column = columns[order[at]], value = values[order[at]];
      if (count > first && indices[count - 1] === column) {
        sums[count - 1] += value;
      } else {
        indices[count] = column;
        sums[count++] = value;
      }
    }
    start = end;
    indptr[row + 1] = count;
  }
  if (count === rows.length) return { indptr, indices, values: sums };
  return {
    indptr,
    indices: indices.slice(0, count),
    values: sums.slice(0, count),
  };
}

/** Checks that what was added up is still finite; `rowName` says what a row is called. */
export function checkSums(
  verb: string,
  name: string,
  sparse: SparseRows,
  rowName: (row: number) => number,
): void {
  const { indptr, indices, values } = sparse;
  for (let row = 0; row + 1 < indptr.length; row++) {
    for (let at = indptr[row]; at < indptr[row + 1]; at++) {
      if (!Number.isFinite(values[at])) {
        throw new RangeError(
          `Cannot ${verb}: ${name} at [${rowName(row)}][${
            indices[at]
          }] add up to ${values[at]}, they should add up to a finite number`,
        );
      }
    }
  }
}
