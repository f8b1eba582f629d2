/**
 * What looks like a sparse matrix and is none.
 *
 * @module
 */

import { CsrMatrix } from "../../mod.ts";
import type { Random } from "../../src/random.ts";
import { pick } from "../scripts.ts";
import {
  HUGE_SIDES,
  numbersOf,
  oddKind,
  oddList,
  oddNumber,
  Own,
  type Parts,
  readParts,
  writtenOut,
} from "./parts.ts";
import { tricky } from "./spoil.ts";
import { type MatrixArgument, realMatrix } from "./writes.ts";

/** Makes what looks like a matrix of these parts and is none. */
type Fake = (random: Random, parts: Parts) => Omit<MatrixArgument, "names">;

const fields = Object.keys(
  {
    rows: 0,
    columns: 0,
    indptr: 0,
    indices: 0,
    values: 0,
  } satisfies Record<keyof Parts, 0>,
) as (keyof Parts)[];

/** A matrix by its prototype alone. */
function child(parts: object): object {
  return Object.assign(Object.create(CsrMatrix.prototype), parts);
}

/** Parts in the arrays a matrix has, where their lists are plain numbers. */
function inArrays(parts: Parts): Parts {
  const { indptr, indices, values } = parts;
  const typed = (
    list: unknown,
    kind: Uint32ArrayConstructor | Float64ArrayConstructor,
  ) => {
    const numbers = Array.isArray(list) ? numbersOf(list) : undefined;
    return numbers === undefined ? list : kind.from(numbers);
  };
  return {
    ...parts,
    indptr: typed(indptr, Uint32Array),
    indices: typed(indices, Uint32Array),
    values: typed(values, Float64Array),
  };
}

/** What a field says at first and later. */
function changing(random: Random, parts: Parts): [keyof Parts, Parts] {
  const field = pick(random, fields), before = parts[field];
  const after = typeof before === "number"
    ? pick<unknown>(random, [before + 1, -1, 2 ** 53, "1", undefined])
    : pick<unknown>(random, [
      oddList(random, [1, 2]),
      [],
      [0, 1],
      new Uint32Array([9, 0, 3]),
      new Float64Array([NaN, 1]),
    ]);
  return [field, { ...parts, [field]: after }];
}

/** Every way to be no matrix but look like one, by name. */
export const FAKES: Readonly<Record<string, Fake>> = {
  "fake: a prototype and nothing else": () => ({
    given: Object.create(CsrMatrix.prototype),
    readings: [],
    strange: true,
  }),
  "fake: a prototype and fields": (random, parts) => {
    const held = random.integer(2) > 0 ? parts : inArrays(parts);
    return { ...tricky(held, held), given: child(held) };
  },
  "fake: a prototype and all fields but one": (random, parts) => {
    const { [pick(random, fields)]: _, ...rest } = inArrays(parts);
    return { given: child(rest), readings: [], strange: true };
  },
  "fake: a prototype and a huge side": (random, parts) => {
    const side = pick(random, ["rows", "columns"] as const);
    const held = { ...inArrays(parts), [side]: pick(random, HUGE_SIDES) };
    return { ...tricky(held, held), given: child(held) };
  },
  "fake: fields and nothing else": (_, parts) => {
    const held = inArrays(parts);
    return {
      ...tricky(held, held),
      given: Object.assign(Object.create(null), held),
    };
  },
  "fake: fields and to1DArray": (_, parts) => {
    const [reading] = tricky(parts, parts).readings;
    if (reading !== undefined && reading.columns > 64) {
      return { given: {}, readings: [], strange: true };
    }
    const numbers = reading === undefined
      ? undefined
      : writtenOut(reading).flat();
    const given = { ...inArrays(parts), to1DArray: () => numbers };
    return { ...tricky(parts, parts), given };
  },
  "fake: a child of a matrix": (_, parts) => {
    const held = inArrays(parts);
    return { ...tricky(held, held), given: Object.create(child(held)) };
  },
  "fake: a proxy": (_, parts) => {
    const held = inArrays(parts);
    return { ...tricky(held, held), given: new Proxy(child(held), {}) };
  },
  "fake: a proxy that throws": (random, parts) => {
    const held = inArrays(parts), field = pick(random, [...fields, undefined]);
    const given = new Proxy(child(held), {
      get: (target, key) => {
        if (field === undefined || key === field) throw new Own("mine");
        return Reflect.get(target, key);
      },
    });
    return { ...tricky(held, held), given };
  },
  "fake: a proxy that changes": (random, parts) => {
    const held = inArrays(parts), [field, later] = changing(random, held);
    const patience = 1 + random.integer(6);
    let reads = 0;
    const given = new Proxy(child(held), {
      get: (target, key) =>
        key === field && reads++ >= patience
          ? later[field]
          : Reflect.get(target, key),
    });
    return { ...tricky(held, held, later), given };
  },
  "fake: a field that throws": (random, parts) => {
    const held = inArrays(parts), given = child(held);
    Object.defineProperty(given, pick(random, fields), {
      get: () => {
        throw new Own("mine");
      },
    });
    return { ...tricky(held, held), given };
  },
  "fake: a field that changes": (random, parts) => {
    const held = inArrays(parts), [field, later] = changing(random, held);
    const patience = 1 + random.integer(6), given = child(held);
    let reads = 0;
    Object.defineProperty(given, field, {
      get: () => (reads++ < patience ? held : later)[field],
    });
    return { ...tricky(held, held, later), given };
  },
  "fake: a subclass": (random, parts) => {
    const reading = readParts(parts);
    if (reading === undefined) {
      return { given: child(parts), readings: [], strange: true };
    }
    const matrix = realMatrix(random, reading);
    const named = class Named extends CsrMatrix {};
    const { rows, columns, indptr, indices, values } = matrix;
    const given = new named(rows, columns, indptr, indices, values);
    return { ...tricky(given, given), given };
  },
  "fake: a subclass whose methods lie": (random, parts) => {
    const reading = readParts(parts);
    if (reading === undefined) {
      return { given: child(parts), readings: [], strange: true };
    }
    const { rows, columns, entries } = reading;
    const lie = pick(random, ["to1DArray", "row", "get", "toTriples", "slice"]);
    const said = pick<unknown>(random, [
      [NaN],
      null,
      new Float64Array(entries.length + 1),
      { indices: [NaN, -1, 3, 2, 2], values: [1, NaN, 1, 1, 1] },
      { indices: new Uint32Array([99, 3]), values: new Float64Array([1, 1]) },
      [[9, 9, 9]],
    ]);
    const named = class Named extends CsrMatrix {};
    Object.defineProperty(named.prototype, lie, { value: () => said });
    const { indptr, indices, values } = realMatrix(random, reading);
    const given = new named(rows, columns, indptr, indices, values);
    // Numbers that fit are as good an answer as the arrays.
    const told = lie === "to1DArray" && said instanceof Float64Array &&
        said.length === rows * columns
      ? [{ rows, columns, entries: [] }]
      : [];
    return { given, readings: [reading, ...told], strange: true };
  },
};

/** What no one takes for a matrix; never undefined, which is not giving one. */
export function junk(random: Random): unknown {
  return pick<() => unknown>(random, [
    () => {
      const odd = oddKind(random);
      // An array of a number is a row.
      return Array.isArray(odd) ? null : odd ?? null;
    },
    () => {
      const odd = oddList(random, [random.integer(9), random.normal(), 1]);
      // To walk through a typed array that is none throws an error of the engine.
      const broken = odd instanceof Float64Array && !ArrayBuffer.isView(odd);
      return broken ? null : odd ?? null;
    },
    () => [[1, "2"], [3]],
    () => [[], [1]],
    () => [null, oddKind(random)],
    () => new Proxy({}, {}),
    () => CsrMatrix,
    () => CsrMatrix.prototype,
    () => Object.create(null),
  ])();
}

/** Parts of any content. */
export function noise(random: Random): Parts {
  const number = () =>
    pick<() => unknown>(random, [
      () => random.integer(4),
      () => oddNumber(random),
      () => oddKind(random, 1),
    ])();
  const list = () => {
    const numbers = Array.from({ length: random.integer(6) }, number);
    return random.integer(4) === 0 ? oddList(random, numbers) : numbers;
  };
  return {
    rows: number(),
    columns: number(),
    indptr: list(),
    indices: list(),
    values: list(),
  };
}
