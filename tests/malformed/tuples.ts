/**
 * Lists of entries, of pairs and of ids: right, or some mutations away from it.
 *
 * @module
 */

import type { Random } from "../../src/random.ts";
import { pick } from "../scripts.ts";
import type { Argument } from "./writes.ts";
import { HUGE_SIDES, numbersOf, oddKind, oddNumber, Own } from "./parts.ts";

/** An entry, a pair, or an id alone. */
export type Tuple = number[];

/** Tuples while they are spoiled: a lone number stands for itself. */
type Draft = unknown[];

/** A mutation of a list; false where this one gives it nothing to work on. */
type Mutation = (
  random: Random,
  draft: Draft,
  strays: readonly number[],
) => boolean;

/** Changes a number of a tuple, which stays what it is otherwise. */
function number(
  write: (
    random: Random,
    before: unknown,
    strays: readonly number[],
  ) => unknown,
  most = 3,
): Mutation {
  return (random, draft, strays) => {
    if (draft.length === 0) return false;
    const at = random.integer(draft.length), tuple = draft[at];
    if (!Array.isArray(tuple)) {
      draft[at] = write(random, tuple, strays);
      return true;
    }
    if (tuple.length === 0) return false;
    const place = random.integer(Math.min(tuple.length, most));
    draft[at] = tuple.with(place, write(random, tuple[place], strays));
    return true;
  };
}

/** Every way in which a list goes wrong by one step, by name. */
const MUTATIONS: Readonly<Record<string, Mutation>> = {
  "entry: number is out by one": number((random, before) =>
    typeof before === "number" ? before + pick(random, [-1, 1]) : 0
  ),
  "entry: place is not there": number(
    (random, _, strays) => pick(random, strays),
    2,
  ),
  "entry: number is odd": number(oddNumber),
  "entry: number is of an odd kind": number(oddKind),
  "entry: there twice": (random, draft) => {
    if (draft.length === 0) return false;
    const at = random.integer(draft.length), tuple = draft[at];
    draft.push(Array.isArray(tuple) ? [...tuple] : tuple);
    return true;
  },
  "entry: missing": (random, draft) =>
    draft.length > 0 &&
    draft.splice(random.integer(draft.length), 1).length > 0,
  "entry: one of two exchanged": (random, draft) => {
    if (draft.length < 2) return false;
    const at = random.integer(draft.length - 1);
    [draft[at], draft[at + 1]] = [draft[at + 1], draft[at]];
    return true;
  },
  "entry: hole in the list": (random, draft) =>
    draft.length > 0 && delete draft[random.integer(draft.length)],
  "entry: one number too many": (random, draft) => {
    if (draft.length === 0) return false;
    const at = random.integer(draft.length), tuple = draft[at];
    draft[at] = Array.isArray(tuple) ? [...tuple, 0] : [tuple, 0];
    return true;
  },
  "entry: one number too few": (random, draft) => {
    if (draft.length === 0) return false;
    const at = random.integer(draft.length), tuple = draft[at];
    draft[at] = Array.isArray(tuple) ? tuple.slice(1) : [];
    return true;
  },
  "entry: of another kind": (random, draft) => {
    if (draft.length === 0) return false;
    const at = random.integer(draft.length), tuple = draft[at];
    const numbers = (Array.isArray(tuple) ? tuple : [tuple])
      .filter((x) => typeof x === "number");
    draft[at] = pick<() => unknown>(random, [
      () => Float64Array.from(numbers),
      () => new Set(numbers),
      () => ({ ...numbers, length: numbers.length }),
      () => numbers.join(),
      () => null,
      () => undefined,
      () => ({ row: numbers[0], column: numbers[1], value: numbers[2] }),
    ])();
    return true;
  },
  "entry: sum beyond number": (random, draft) => {
    if (draft.length === 0) return false;
    const tuple = draft[random.integer(draft.length)];
    if (!Array.isArray(tuple) || tuple.length < 3) return false;
    const large = tuple.with(2, Number.MAX_VALUE);
    draft.push(large, large);
    return true;
  },
};

/** A right list as an argument: an array or something else that can be walked through. */
export function rightTuples(
  random: Random,
  tuples: readonly Tuple[],
  bare = false,
): Argument<Tuple[]> {
  const list: Draft = tuples.map((tuple) => bare ? tuple[0] : [...tuple]);
  return {
    given: walkable(random, list, bare),
    readings: [tuples.map((tuple) => [...tuple])],
    strange: false,
    names: [],
  };
}

/** The same list in one of the forms that doors take. */
function walkable(random: Random, list: Draft, bare: boolean): unknown {
  const numbers = bare ? numbersOf(list) : undefined;
  switch (random.integer(6)) {
    case 0:
      return (function* () {
        yield* list;
      })();
    case 1:
      return numbers === undefined ? list : Float64Array.from(numbers);
    case 2:
      return numbers?.length === 1 ? numbers[0] : list;
    default:
      return list;
  }
}

/** What a list says; undefined where something in it is no tuple of numbers of this width. */
function readTuples(
  list: Draft,
  width: number,
  bare: boolean,
): Tuple[] | undefined {
  const tuples: Tuple[] = [];
  for (let at = 0; at < list.length; at++) {
    const tuple = bare ? [list[at]] : list[at];
    if (!Array.isArray(tuple) || tuple.length !== width) return undefined;
    const numbers: number[] = [];
    for (let place = 0; place < width; place++) {
      const number: unknown = tuple[place];
      if (typeof number !== "number") return undefined;
      numbers.push(number);
    }
    tuples.push(numbers);
  }
  return tuples;
}

/** A list that is spoiled by so many mutations; `strays` are numbers that its places must not be. */
export function spoiledTuples(
  random: Random,
  right: readonly Tuple[],
  mutations: number,
  strays: readonly number[],
  bare = false,
): Argument<Tuple[]> {
  if (mutations === Infinity) return noise(random, bare);
  const width = right[0]?.length ?? 3;
  const draft: Draft = right.map((tuple) => bare ? tuple[0] : [...tuple]);
  const names: string[] = [], last = random.integer(4) === 0;
  // Nothing but another kind of list can be wrong with an empty one.
  while (names.length < mutations - (last || draft.length === 0 ? 1 : 0)) {
    const name = pick(random, Object.keys(MUTATIONS));
    if (MUTATIONS[name](random, draft, strays)) names.push(name);
    else if (draft.length === 0) break;
  }
  if (names.length < mutations) {
    const name = pick(random, Object.keys(TRICKS));
    const tricked = TRICKS[name](random, draft, width, bare);
    if (tricked !== undefined) return { ...tricked, names: [...names, name] };
  }
  const reading = readTuples(draft, width, bare);
  return {
    given: walkable(random, draft, bare),
    readings: reading === undefined ? [] : [reading],
    strange: false,
    names,
  };
}

type Tricked = Omit<Argument<Tuple[]>, "names">;

/** Every way in which a list is none or deceives its reader, by name; undefined where it cannot. */
const TRICKS: Readonly<
  Record<
    string,
    (
      random: Random,
      draft: Draft,
      width: number,
      bare: boolean,
    ) => Tricked | undefined
  >
> = {
  "entries: no list": (random, draft) => {
    const given = pick<unknown>(random, [
      null,
      "0",
      true,
      5n,
      {},
      { ...draft, length: draft.length },
      new DataView(new ArrayBuffer(8)),
      { [Symbol.iterator]: 1 },
      () => draft,
    ]);
    return { given, readings: [], strange: false };
  },
  "entries: list throws": (random, draft) => {
    const some = draft.slice(0, random.integer(draft.length + 1));
    const given = (function* () {
      yield* some;
      throw new Own("mine");
    })();
    return { given, readings: [], strange: true };
  },
  "entries: one that throws": (random, draft, width, bare) => {
    const at = random.integer(draft.length), tuple = draft[at];
    if (bare || !Array.isArray(tuple) || tuple.length !== width) {
      return undefined;
    }
    const throwing = [...tuple];
    Object.defineProperty(throwing, random.integer(width), {
      get: () => {
        throw new Own("mine");
      },
    });
    return { given: draft.with(at, throwing), readings: [], strange: true };
  },
  "entries: one that changes": (random, draft, width, bare) => {
    const at = random.integer(draft.length), tuple = draft[at];
    if (bare || !Array.isArray(tuple) || tuple.length !== width) {
      return undefined;
    }
    const place = random.integer(width), changing = [...tuple];
    const later = pick(random, [oddNumber(random), oddKind(random)]);
    const patience = 1 + random.integer(3);
    let reads = 0;
    Object.defineProperty(changing, place, {
      get: () => reads++ < patience ? tuple[place] : later,
    });
    const readings = [tuple, tuple.with(place, later)].flatMap((one) => {
      const reading = readTuples(draft.with(at, one), width, bare);
      return reading === undefined ? [] : [reading];
    });
    return { given: draft.with(at, changing), readings, strange: true };
  },
};

/** A list of anything. */
function noise(random: Random, bare: boolean): Argument<Tuple[]> {
  const one = () =>
    pick<() => unknown>(random, [
      () => random.integer(4),
      () => oddNumber(random),
      () => oddKind(random, 1),
    ])();
  const list = Array.from(
    { length: 1 + random.integer(4) },
    () => bare ? one() : Array.from({ length: 4 }, one),
  );
  // Four numbers are no entry; lone ones may be ids.
  const reading = bare ? readTuples(list, 1, true) : undefined;
  return {
    given: list,
    readings: reading === undefined ? [] : [reading],
    strange: false,
    names: ["noise"],
  };
}

/** More rows are not made from a bare number. */
const MOST_ROWS = 2 ** 23;

/** The sides of a matrix made from entries, spoiled by so many mutations. */
export function withSides(
  random: Random,
  rows: number,
  columns: number,
  mutations: number,
): Argument<[rows: number, columns: number]> {
  const sides: unknown[] = [rows, columns], names: string[] = [];
  while (names.length < Math.min(mutations, 3)) {
    const name = pick(random, SIDE_MUTATIONS), at = random.integer(2);
    const before = sides[at];
    names.push(name);
    if (name === "sides: huge") sides[at] = pick(random, HUGE_SIDES);
    else if (name === "sides: odd number") sides[at] = oddNumber(random);
    else if (name === "sides: of an odd kind") {
      sides[at] = oddKind(random, before);
    } else {
      sides[at] = typeof before === "number"
        ? before + pick(random, [-1, 1])
        : 0;
    }
  }
  const [height, width] = sides;
  const right = isWhole(height, MOST_ROWS) && isWhole(width, 2 ** 32 - 1);
  return {
    given: sides,
    readings: right ? [[height + 0, width + 0]] : [],
    strange: false,
    names: mutations === Infinity ? ["noise"] : names,
  };
}

function isWhole(side: unknown, most: number): side is number {
  return Number.isInteger(side) && (side as number) >= 0 &&
    (side as number) <= most;
}

const SIDE_MUTATIONS = [
  "sides: out by one",
  "sides: huge",
  "sides: odd number",
  "sides: of an odd kind",
];

/** The names of all mutations of lists and of the sides beside them. */
export const TUPLE_MUTATIONS: readonly string[] = [
  ...Object.keys(MUTATIONS),
  ...Object.keys(TRICKS),
  ...SIDE_MUTATIONS,
];
