/**
 * The doors that take sparse matrices, each with a call that is right but for some mutations, and what may come of it.
 *
 * @module
 */

import {
  apply,
  attend,
  type AttentionOptions,
  createAttention,
  CsrMatrix,
  topKeys,
} from "../../mod.ts";
import type { Random } from "../../src/random.ts";
import { pick, shuffled } from "../scripts.ts";
import { around, CHANGES, perform } from "./changes.ts";
import {
  type Door,
  type Draw,
  type Input,
  type Loose,
  matrix,
  type Outcome,
  pairs,
  type Scene,
  tableOf,
} from "./door.ts";
import { noise } from "./fakes.ts";
import {
  drawReading,
  type Entry,
  HUGE_SIDES,
  numbersOf,
  partsOf,
  type Reading,
  writtenOut,
} from "./parts.ts";
import { SNAPSHOT_MUTATIONS, SNAPSHOTS } from "./snapshots.ts";
import { dressed, plain, spoiled } from "./spoil.ts";
import { rightTuples, spoiledTuples, type Tuple, withSides } from "./tuples.ts";

/** The doors, by name. */
export const DOORS: Readonly<Record<string, Door>> = {
  "new CsrMatrix": {
    slots: ["parts"],
    draw: ({ random, spoil }) => {
      const right = drawReading(
        random,
        random.integer(5),
        random.integer(6),
      );
      const mutations = spoil("parts");
      const argument = mutations === 0
        ? { ...plain(dressed(random, partsOf(right))), names: [] }
        : mutations === Infinity
        ? { ...plain(noise(random)), names: ["noise"] }
        : spoiled(random, right, mutations);
      const { rows, columns, indptr, indices, values } = argument.parts;
      return {
        arguments: [{
          ...argument,
          given: argument.parts,
          scribble: () => {
            if (argument.strange) return;
            for (const list of [indptr, indices, values]) {
              if (numbersOf(list)) (list as number[]).fill(7);
            }
          },
        }],
        call: () =>
          Reflect.construct(CsrMatrix, [
            rows,
            columns,
            indptr,
            indices,
            values,
          ]),
        outcomes: argument.readings.map((reading) => ({
          kind: "matrix",
          reading,
        })),
      };
    },
  },
  "CsrMatrix.fromTriples": {
    slots: ["sides", "triples"],
    draw: ({ random, spoil }) => {
      const height = random.integer(5), width = random.integer(6);
      const right: Tuple[] = shuffled(
        random,
        drawReading(random, height, width).entries.flatMap((entry) =>
          random.integer(4) === 0 ? [[...entry], entry] : [entry]
        ),
      );
      const sides = withSides(random, height, width, spoil("sides"));
      const mutations = spoil("triples");
      const triples = mutations === 0
        ? rightTuples(random, right)
        : spoiledTuples(random, right, mutations, [-1, height, width]);
      return {
        arguments: [sides, triples],
        call: () =>
          (CsrMatrix.fromTriples as Loose)(
            ...sides.given as unknown[],
            triples.given,
          ),
        outcomes: pairs(sides.readings, triples.readings).flatMap(
          ([[rows, columns], list]) => {
            const reading = summed(rows, columns, list);
            return reading === undefined ? [] : [{ kind: "matrix", reading }];
          },
        ),
      };
    },
  },
  "CsrMatrix.fromDense": {
    slots: ["source", "columns"],
    draw: (draw) => {
      const { random, spoil } = draw;
      const source = matrix(
        draw,
        "source",
        random.integer(5),
        random.integer(6),
      );
      const [reading] = source.readings;
      const width = spoil("columns") > 0
        ? pick<number | undefined>(random, [
          (reading?.columns ?? 0) + pick(random, [-1, 1]),
          ...HUGE_SIDES,
        ])
        : undefined;
      return {
        arguments: [source, {
          given: width,
          names: width === undefined ? [] : ["columns are not those asked for"],
          readings: [width],
          strange: false,
        }],
        call: () => (CsrMatrix.fromDense as Loose)(source.given, width),
        outcomes: source.readings
          .filter(({ columns }) => width === undefined || width === columns)
          .map(({ entries, ...sides }) => ({
            kind: "matrix",
            reading: {
              ...sides,
              entries: entries.filter(([, , value]) => value !== 0),
            },
          })),
      };
    },
  },
  ...Object.fromEntries(
    Object.entries(CHANGES).map(([name, { slots, draw }]): [string, Door] => [
      name,
      {
        slots,
        draw: (d) => {
          const { arguments: given, change, steps } = draw(d);
          return {
            arguments: given,
            call: () => perform(d.a, change),
            outcomes: steps.map((step) => ({ kind: "changes", steps: [step] })),
          };
        },
      },
    ]),
  ),
  apply: {
    slots: ["keys", "values", "queries", "pairs", "ids"],
    draw: (draw) => {
      const { random, model } = draw;
      const name = pick(
        random,
        Object.keys(CHANGES).filter((name) =>
          name !== "admit" || model.mask === "edges"
        ),
      );
      const { slots } = CHANGES[name];
      // One of its arguments has whatever the draw wants spoiled.
      const share = pick(random, slots);
      const wanted = DOORS.apply.slots.map((slot) => draw.spoil(slot));
      const all = Math.max(...wanted);
      const { arguments: given, change, steps } = CHANGES[name].draw({
        ...draw,
        spoil: (slot) => slot === share ? all : 0,
      });
      const [before, after] = around(draw, change.verb);
      const list = [...before, change, ...after];
      return {
        arguments: given,
        call: () => (apply as Loose)(draw.a, list),
        outcomes: steps.map((step) => ({
          kind: "changes",
          steps: [...before, step, ...after],
        })),
      };
    },
  },
  createAttention: {
    slots: ["keys", "values", "queries"],
    draw: (draw) => {
      const { random, model } = draw, count = 1 + random.integer(4);
      const { dim, valueDim } = model;
      const keys = matrix(draw, "keys", count, dim);
      const values = matrix(draw, "values", count, valueDim);
      const queries = matrix(draw, "queries", random.integer(3), dim);
      const given = [keys, values, queries];
      const options = {
        dim,
        valueDim,
        keys: keys.given,
        values: values.given,
        queries: queries.given,
        representation: draw.representation,
      };
      Object.defineProperty(options, "scale", {
        enumerable: true,
        get: () => {
          for (const { meddle } of given) meddle?.();
          return model.scale;
        },
      });
      return {
        arguments: given,
        call: () => (createAttention as Loose)(options),
        outcomes: pairs(pairs(keys.readings, values.readings), queries.readings)
          .flatMap(([[keyRows, valueRows], queryRows]): Outcome[] => {
            const keys = tableOf(keyRows, dim);
            const values = tableOf(valueRows, valueDim, keyRows.rows);
            const queries = tableOf(queryRows, dim);
            return keys && values && queries
              ? [{
                kind: "attention",
                steps: [
                  { verb: "append", keys, values },
                  { verb: "watch", queries },
                ],
              }]
              : [];
          }),
      };
    },
  },
  "createAttention of unknown width": {
    slots: ["keys"],
    draw: (draw) => {
      const { random, model } = draw, count = 1 + random.integer(3);
      const keys = matrix(draw, "keys", count, model.dim);
      const rows = Array.from({ length: count }, () => [random.normal()]);
      return {
        arguments: [keys],
        call: () =>
          (createAttention as Loose)({
            keys: keys.given,
            values: rows,
            scale: model.scale,
            representation: draw.representation,
          }),
        outcomes: keys.readings.flatMap((reading): Outcome[] => {
          const keys = reading.columns <= LARGEST_DIM && reading.rows === count
            ? tableOf(reading, reading.columns)
            : undefined;
          return keys === undefined ? [] : [{
            kind: "attention",
            steps: [{ verb: "append", keys, values: rows }],
          }];
        }),
      };
    },
  },
  "createAttention with a mask": {
    slots: ["mask"],
    draw: (draw) => {
      const { random, model: { dim, valueDim, scale } } = draw;
      const table = (count: number, width: number) =>
        writtenOut(drawReading(random, count, width));
      const keys = table(4, dim), values = table(4, valueDim);
      const queries = table(3, dim);
      const mask = matrix(draw, "mask", random.integer(5), random.integer(6));
      // Every function is a mask.
      if (typeof mask.given === "function") mask.given = null;
      return {
        arguments: [mask],
        call: () =>
          createAttention({
            dim,
            valueDim,
            scale,
            keys,
            values,
            queries,
            representation: draw.representation,
            mask: mask.given as AttentionOptions["mask"],
          }),
        outcomes: mask.readings.map((reading) => ({
          kind: "attention",
          steps: [
            { verb: "append", keys, values },
            { verb: "watch", queries },
          ],
          mask: reading,
        })),
      };
    },
  },
  attend: {
    slots: ["queries"],
    draw: (draw) => {
      const { queries, options } = guests(draw);
      return {
        arguments: [queries],
        call: () => (attend as Loose)(draw.a, queries.given, options),
        outcomes: queries.readings.flatMap((rows): Outcome[] => {
          const table = tableOf(rows, draw.model.dim);
          return table ? [{ kind: "outputs", queries: table }] : [];
        }),
      };
    },
  },
  topKeys: {
    slots: ["queries"],
    draw: (draw) => {
      const { queries, options } = guests(draw), count = draw.random.integer(4);
      return {
        arguments: [queries],
        call: () => (topKeys as Loose)(draw.a, queries.given, count, options),
        outcomes: queries.readings.flatMap((rows): Outcome[] => {
          const table = tableOf(rows, draw.model.dim);
          return table ? [{ kind: "top", queries: table, count }] : [];
        }),
      };
    },
  },
  ...SNAPSHOTS,
};

/** The widest key. */
const LARGEST_DIM = 2 ** 20;

/** Queries that are not watched, and a filter that lets all keys in but may write to the queries. */
function guests(draw: Draw) {
  const { random, model } = draw;
  const queries = matrix(draw, "queries", random.integer(4), model.dim);
  const filter = () => {
    queries.meddle?.();
    return true;
  };
  return { queries, options: { filter } };
}

/** Entries of the same place added up in the order given; undefined where that is no matrix. */
function summed(
  rows: number,
  columns: number,
  list: readonly Tuple[],
): Reading | undefined {
  const sums = new Map<string, Entry>();
  for (const [row, column, value] of list) {
    const fits = Number.isInteger(row) && row >= 0 && row < rows &&
      Number.isInteger(column) && column >= 0 && column < columns;
    if (!fits || !Number.isFinite(value)) return undefined;
    const name = `${row + 0} ${column + 0}`, sum = sums.get(name);
    if (sum === undefined) sums.set(name, [row + 0, column + 0, value]);
    else sum[2] += value;
  }
  const entries = [...sums.values()];
  if (!entries.every(([, , sum]) => Number.isFinite(sum))) return undefined;
  entries.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return { rows, columns, entries };
}

/** The names of the mutations that only doors have. */
export const DOOR_MUTATIONS: readonly string[] = [
  "row of an id that is not there",
  "columns are not those asked for",
  ...SNAPSHOT_MUTATIONS,
];

/** How far from right an input is to be. */
export type Distance = "one" | "several" | "noise";

/** Draws a call of a door. */
export function drawInput(
  random: Random,
  scene: Scene,
  door: string,
  distance: Distance,
): Input {
  const { slots, draw } = DOORS[door];
  const target = pick(random, slots);
  const spoils = new Map(slots.map((slot) => [
    slot,
    distance === "one"
      ? (slot === target ? 1 : 0)
      : distance === "noise"
      ? Infinity
      : slot === target
      ? 2 + random.integer(3)
      : random.integer(3),
  ]));
  const { arguments: given, call, outcomes } = draw({
    ...scene,
    random,
    spoil: (slot) => spoils.get(slot) ?? 0,
  });
  return {
    door,
    names: given.flatMap(({ names }) => names),
    call,
    outcomes,
    strange: given.some(({ strange }) => strange),
    scribble: () => given.forEach(({ scribble }) => scribble?.()),
  };
}
