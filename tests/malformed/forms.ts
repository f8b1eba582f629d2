/**
 * Sparse matrices spoiled: written to after they were made, of another shape, or none at all.
 *
 * @module
 */

import { CsrMatrix } from "../../mod.ts";
import type { Random } from "../../src/random.ts";
import { pick } from "../scripts.ts";
import { FAKES, junk, noise } from "./fakes.ts";
import {
  type Entry,
  HUGE_SIDES,
  LISTS,
  partsOf,
  type Reading,
} from "./parts.ts";
import { plain, spoiled } from "./spoil.ts";
import {
  LOST,
  madeOf,
  type MatrixArgument,
  realMatrix,
  TRICKS,
  WRITES,
} from "./writes.ts";

/** Every way in which a right matrix may not be the one asked for, by name. */
const SHAPES: Readonly<
  Record<string, (random: Random, reading: Reading) => Reading | undefined>
> = {
  "one column more": (_, reading) =>
    reading.columns === 2 ** 32 - 1
      ? undefined
      : { ...reading, columns: reading.columns + 1 },
  "one column less": (_, { rows, columns, entries }) =>
    columns === 0 ? undefined : {
      rows,
      columns: columns - 1,
      entries: entries.filter(([, column]) => column < columns - 1),
    },
  "one row more": (_, reading) => ({ ...reading, rows: reading.rows + 1 }),
  "one row less": (_, { rows, columns, entries }) =>
    rows === 0 ? undefined : {
      rows: rows - 1,
      columns,
      entries: entries.filter(([row]) => row < rows - 1),
    },
  "columns beyond number": (random, reading) => {
    const wider = HUGE_SIDES.filter((side) =>
      side < 2 ** 32 && side > reading.columns
    );
    return wider.length === 0
      ? undefined
      : { ...reading, columns: pick(random, wider) };
  },
  "value beyond 32 bits": (random, { entries, ...sides }) => {
    if (entries.length === 0) return undefined;
    const at = random.integer(entries.length), [row, column] = entries[at];
    const value = pick(random, [1e39, -3.5e38, Number.MAX_VALUE, 2 ** 128]);
    return { ...sides, entries: entries.with(at, [row, column, value]) };
  },
  "one entry more": (random, { entries, rows, columns }) => {
    if (rows === 0 || columns === 0) return undefined;
    const row = random.integer(rows), column = random.integer(columns);
    const value = random.normal();
    const kept = entries.filter(([r, c]) => r !== row || c !== column);
    return {
      rows,
      columns,
      entries: [...kept, [row, column, value] as Entry]
        .sort((a, b) => a[0] - b[0] || a[1] - b[1]),
    };
  },
};

/** A matrix that is spoiled by so many mutations; an infinite number of them is noise. */
export function spoiledMatrix(
  random: Random,
  right: Reading,
  mutations: number,
): MatrixArgument {
  if (mutations === Infinity) {
    if (random.integer(2) > 0) {
      return {
        given: junk(random),
        readings: [],
        strange: false,
        names: ["noise"],
      };
    }
    const parts = noise(random), fake = pick(random, Object.keys(FAKES));
    return { ...FAKES[fake](random, parts), names: ["noise"] };
  }
  let reading = right;
  const names: string[] = [];
  const kind = random.integer(8);
  if (kind < 3) {
    // A fake, of right parts if that is the only mutation.
    const name = pick(random, Object.keys(FAKES));
    const { parts, names } = mutations > 1
      ? plainly(random, right, mutations - 1)
      : { parts: partsOf(right), names: [] };
    return { ...FAKES[name](random, parts), names: [...names, name] };
  }
  const shapes = kind === 3
    ? 1 + random.integer(mutations)
    : mutations > 1
    ? random.integer(mutations)
    : 0;
  while (names.length < shapes) {
    const name = pick(random, Object.keys(SHAPES));
    const next = SHAPES[name](random, reading);
    if (next === undefined) continue;
    names.push(name);
    reading = next;
  }
  if (names.length === mutations) {
    return madeOf(realMatrix(random, reading), names);
  }
  const matrix = realMatrix(random, reading);
  if (kind === 4 && names.length + 1 === mutations) {
    return whileRead(random, matrix, names);
  }
  const trick = kind === 5;
  // What has lost its buffer takes no more.
  while (
    names.length < mutations - (trick ? 1 : 0) && names.at(-1) !== LOST
  ) {
    const name = pick(random, Object.keys(WRITES));
    if (WRITES[name](random, matrix)) names.push(name);
  }
  if (!trick) return madeOf(matrix, names);
  const { readings } = plain(matrix);
  const name = pick(random, Object.keys(TRICKS));
  TRICKS[name](random, matrix);
  return { given: matrix, readings, strange: true, names: [...names, name] };
}

/** Parts without tricks, which fakes may read. */
function plainly(random: Random, right: Reading, mutations: number) {
  while (true) {
    const { parts, strange, names } = spoiled(random, right, mutations);
    if (!strange) return { parts, names };
  }
}

/** A matrix that is written to when its door opens something else of the same call. */
function whileRead(
  random: Random,
  matrix: CsrMatrix,
  names: string[],
): MatrixArgument {
  const { given, readings, scribble } = madeOf(matrix, names);
  const copy = new CsrMatrix(
    matrix.rows,
    matrix.columns,
    matrix.indptr,
    matrix.indices,
    matrix.values,
  );
  let write = pick(random, Object.keys(WRITES));
  while (!WRITES[write](random, copy)) {
    write = pick(random, Object.keys(WRITES));
  }
  // What has lost its buffer has nothing to write.
  const after = write === LOST ? [] : plain(copy).readings;
  let done = false;
  return {
    given,
    readings: [...readings, ...after],
    strange: true,
    names: [...names, "written while it is read"],
    meddle: () => {
      if (done) return;
      done = true;
      for (const name of LISTS) {
        const to = matrix[name], from = copy[name];
        for (let at = 0; at < from.length; at++) to[at] = from[at];
      }
    },
    scribble,
  };
}

/** The names of all mutations of a matrix. */
export const MATRIX_MUTATIONS: readonly string[] = [
  ...Object.keys(WRITES),
  ...Object.keys(TRICKS),
  ...Object.keys(SHAPES),
  ...Object.keys(FAKES),
  "written while it is read",
  "noise",
];
