/**
 * The arguments of a sparse matrix spoiled: one mutation or several away from what is right.
 *
 * @module
 */

import type { Random } from "../../src/random.ts";
import { pick } from "../scripts.ts";
import {
  HUGE_SIDES,
  LISTS,
  LONGEST,
  numbersOf,
  oddKind,
  oddList,
  oddNumber,
  Own,
  type Parts,
  partsOf,
  type Reading,
  readParts,
} from "./parts.ts";

/** Parts whose lists are lists still, as all but the last mutation leave them. */
interface Draft {
  rows: unknown;
  columns: unknown;
  indptr: unknown[];
  indices: unknown[];
  values: unknown[];
}

/** A mutation of parts; false where these give it nothing to work on. */
type Mutation = (random: Random, draft: Draft) => boolean;

/** Writes at a place of a list that has some. */
function at(
  list: (draft: Draft) => unknown[],
  write: (random: Random, list: unknown[], place: number) => void,
): Mutation {
  return (random, draft) => {
    const found = list(draft);
    if (found.length === 0) return false;
    write(random, found, random.integer(found.length));
    return true;
  };
}

/** The entries of some row that has `least` of them or more: where they start and end. */
function rowWith(
  random: Random,
  { indptr, indices }: Draft,
  least: number,
): [start: number, end: number] | undefined {
  const rows: [number, number][] = [];
  for (let row = 0; row + 1 < indptr.length; row++) {
    const [start, end] = [indptr[row], indptr[row + 1]];
    if (
      Number.isInteger(start) && Number.isInteger(end) &&
      (start as number) >= 0 && (end as number) <= indices.length &&
      (end as number) - (start as number) >= least
    ) {
      rows.push([start as number, end as number]);
    }
  }
  return rows.length === 0 ? undefined : pick(random, rows);
}

const anyList = (random: Random, draft: Draft): unknown[] =>
  draft[pick(random, LISTS)];

/** A number moved by one, to either side unless told; 0 where there was none. */
function moved(
  random: Random,
  number: unknown,
  step = pick(random, [-1, 1]),
): number {
  return typeof number === "number" ? number + step : 0;
}

/** Every way in which parts go wrong by one step, by name. */
export const PART_MUTATIONS: Readonly<Record<string, Mutation>> = {
  "last column is the width": (random, draft) => {
    const row = rowWith(random, draft, 1);
    if (row !== undefined) draft.indices[row[1] - 1] = draft.columns;
    return row !== undefined;
  },
  "first column is -1": (random, draft) => {
    const row = rowWith(random, draft, 1);
    if (row !== undefined) draft.indices[row[0]] = -1;
    return row !== undefined;
  },
  "column is out by one": at(
    ({ indices }) => indices,
    (random, list, place) => {
      list[place] = moved(random, list[place]);
    },
  ),
  "columns are exchanged": (random, { indices, ...draft }) => {
    const row = rowWith(random, { indices, ...draft }, 2);
    if (row === undefined) return false;
    const place = row[0] + random.integer(row[1] - row[0] - 1);
    [indices[place], indices[place + 1]] = [indices[place + 1], indices[place]];
    return true;
  },
  "column is there twice": (random, draft) => {
    const row = rowWith(random, draft, 2);
    if (row === undefined) return false;
    const place = row[0] + random.integer(row[1] - row[0] - 1);
    draft.indices[place + 1] = draft.indices[place];
    return true;
  },
  "row start decreases": (random, { indptr }) => {
    if (indptr.length < 2) return false;
    const row = random.integer(indptr.length - 1);
    indptr[row] = moved(random, indptr[row + 1], 1);
    return true;
  },
  "row start is out by one": at(({ indptr }) => indptr, (random, list, row) => {
    list[row] = moved(random, list[row]);
  }),
  "first row start is 1": (_, { indptr }) => {
    indptr[0] = 1;
    return true;
  },
  "last row start is not the end": (random, { indptr }) => {
    if (indptr.length === 0) return false;
    indptr[indptr.length - 1] = moved(random, indptr.at(-1));
    return true;
  },
  "one row start too many": (_, { indptr }) => {
    indptr.push(indptr.at(-1));
    return true;
  },
  "one row start too few": (_, { indptr }) => indptr.splice(-1).length > 0,
  "one column too many": (_, { indices }) => indices.push(0) > 0,
  "one column too few": (_, { indices }) => indices.splice(-1).length > 0,
  "one value too many": (_, { values }) => values.push(1) > 0,
  "one value too few": (_, { values }) => values.splice(-1).length > 0,
  "side is out by one": (random, draft) => {
    const side = pick(random, ["rows", "columns"] as const);
    draft[side] = moved(random, draft[side]);
    return true;
  },
  "side is huge": (random, draft) => {
    draft[pick(random, ["rows", "columns"] as const)] = pick(
      random,
      HUGE_SIDES,
    );
    return true;
  },
  "side is an odd number": (random, draft) => {
    draft[pick(random, ["rows", "columns"] as const)] = oddNumber(random);
    return true;
  },
  "side is of an odd kind": (random, draft) => {
    const side = pick(random, ["rows", "columns"] as const);
    draft[side] = oddKind(random, draft[side]);
    return true;
  },
  "odd number in a list": (random, draft) => {
    const list = anyList(random, draft);
    if (list.length === 0) return false;
    list[random.integer(list.length)] = oddNumber(random);
    return true;
  },
  "odd kind in a list": (random, draft) => {
    const list = anyList(random, draft);
    if (list.length === 0) return false;
    const place = random.integer(list.length);
    list[place] = oddKind(random, list[place]);
    return true;
  },
  "hole in a list": (random, draft) => {
    const list = anyList(random, draft);
    return list.length > 0 && delete list[random.integer(list.length)];
  },
  "list is empty": (random, draft) =>
    anyList(random, draft).splice(0).length > 0,
  "lists have no end": (random, draft) => {
    const length = 2 ** 32 - 1, { indptr } = draft;
    draft.indices = new Array(length);
    draft.values = new Array(length);
    if (indptr.length > 1 && random.integer(2) > 0) indptr[1] = length;
    return true;
  },
};

/** Parts that may be tricky, and what they say. */
export interface Given {
  parts: Parts;
  /** Everything that may rightly be made of them; nothing means that they must be refused. */
  readings: Reading[];
  /** Whether refusing them is right even where there is a reading. */
  strange: boolean;
}

/** Every way in which a list deceives its reader or is none, by name: undefined where it cannot. */
export const LIST_TRICKS: Readonly<
  Record<string, (random: Random, parts: Parts) => Given | undefined>
> = {
  "list is of another kind": (random, parts) => {
    const name = pick(random, LISTS);
    const list = oddList(random, parts[name] as unknown[]);
    return plain({ ...parts, [name]: list });
  },
  "list is of narrow numbers": (random, parts) => {
    const name = pick(random, LISTS), list = numbersOf(parts[name]);
    if (list === undefined) return undefined;
    const kind = pick(random, [Float32Array, Int8Array, Uint8ClampedArray]);
    const narrow = kind.from(list.map((number) => number + 0.25));
    return plain({ ...parts, [name]: narrow });
  },
  "list has an element that throws": (random, parts) => {
    const [name, list, place] = somewhere(random, parts);
    if (place < 0) return undefined;
    Object.defineProperty(list, place, { get: refuse });
    return { parts: { ...parts, [name]: list }, readings: [], strange: true };
  },
  "list has an element that changes": (random, parts) => {
    const [name, list, place] = somewhere(random, parts);
    if (place < 0) return undefined;
    const later = list.with(place, oddNumber(random));
    const patience = 1 + random.integer(3);
    let reads = 0;
    Object.defineProperty(list, place, {
      get: () => (reads++ < patience ? parts[name] as unknown[] : later)[place],
    });
    return tricky({ ...parts, [name]: list }, parts, {
      ...parts,
      [name]: later,
    });
  },
  "list lies about its length": (random, parts) => {
    const [name, list] = somewhere(random, parts);
    const length = pick(random, [
      0,
      list.length - 1,
      list.length + 1,
      2 ** 32 - 1,
      NaN,
      -1,
    ]);
    const lying = new Proxy(list, {
      get: (target, key) =>
        key === "length" ? length : Reflect.get(target, key),
    });
    const said = list.slice(0, length === 2 ** 32 - 1 ? 0 : length);
    return tricky({ ...parts, [name]: lying }, parts, {
      ...parts,
      [name]: said,
    });
  },
  "list throws": (random, parts) => {
    const [name, list] = somewhere(random, parts);
    const trap = pick(random, ["get", "has", "getPrototypeOf", "ownKeys"]);
    const lying = new Proxy(list, { [trap]: refuse });
    return tricky({ ...parts, [name]: lying }, parts);
  },
};

/** A list of parts, copied, and a place in it; −1 where it has none. */
function somewhere(
  random: Random,
  parts: Parts,
): [name: keyof Parts, list: unknown[], place: number] {
  const name = pick(random, LISTS), list = [...parts[name] as unknown[]];
  return [name, list, list.length === 0 ? -1 : random.integer(list.length)];
}

function refuse(): never {
  throw new Own("mine");
}

/** Parts that are what they seem. */
export function plain(parts: Parts): Given {
  const reading = readParts(parts);
  return {
    parts,
    readings: reading === undefined ? [] : [reading],
    strange: false,
  };
}

/** Parts that may be taken for any of these. */
export function tricky(parts: Parts, ...plainly: Parts[]): Given {
  const readings = plainly.flatMap((one) => readParts(one) ?? []);
  return { parts, readings, strange: true };
}

/** Right parts after some mutations: their names, and whether a trick is the last of them. */
export function spoiled(
  random: Random,
  right: Reading,
  mutations: number,
): Given & { names: string[] } {
  const draft = partsOf(right) as unknown as Draft, names: string[] = [];
  const last = random.integer(4) === 0;
  while (
    names.length < mutations - (last ? 1 : 0) && draft.indices.length <= LONGEST
  ) {
    const name = pick(random, Object.keys(PART_MUTATIONS));
    if (PART_MUTATIONS[name](random, draft)) names.push(name);
  }
  const parts: Parts = { ...draft };
  // Lists without an end are no place for a trick that copies them.
  if (last && draft.indices.length <= LONGEST) {
    while (true) {
      const name = pick(random, Object.keys(LIST_TRICKS));
      const given = LIST_TRICKS[name](random, parts);
      if (given !== undefined) return { ...given, names: [...names, name] };
    }
  }
  return { ...plain(dressed(random, parts)), names };
}

/** The same numbers, some of the lists in typed arrays that can hold them. */
export function dressed(random: Random, parts: Parts): Parts {
  const dress = (list: unknown) => {
    const numbers = numbersOf(list);
    const kinds = [Float64Array, Float32Array, Uint32Array, Int32Array];
    if (numbers === undefined || random.integer(2) > 0) return list;
    const typed = pick(random, kinds).from(numbers);
    return numbers.every((x, i) => Object.is(x, typed[i])) ? typed : list;
  };
  return {
    ...parts,
    indptr: dress(parts.indptr),
    indices: dress(parts.indices),
    values: dress(parts.values),
  };
}
