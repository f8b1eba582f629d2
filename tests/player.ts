/**
 * Plays a stream of changes to an attention and to a plain model of what is stored.
 *
 * What an output has to be follows from the model alone (`tests/oracle.ts`), so the attention may be as old and as
 * lazy as it likes.
 *
 * @module
 */

import { type Attention, attentionOf, createMemory } from "../src/attention.ts";
import { apply } from "../src/change.ts";
import { CsrMatrix } from "../src/matrix/csr.ts";
import type { Ladder, Memory } from "../src/memory/memory.ts";
import type { Change } from "../src/memory/change.ts";
import type { Random } from "../src/random.ts";
import { type OracleKey, oracleRow } from "./oracle.ts";
import type { Stream } from "./streams.ts";

/** A mask as good as random, pure in its two ids. */
export function admitsByChance(query: number, key: number): boolean {
  return (query * 7 + key * 13) % 5 < 3;
}

/** What is stored, in plain maps. */
export interface Model {
  keys: Map<number, OracleKey>;
  queries: Map<number, { row: Float32Array; position: number }>;
  /** "query key" of the edges. */
  edges: Set<string>;
}

/** An attention that is changed, and the model of it. */
export interface Player {
  stream: Stream;
  random: Random;
  memory: Memory;
  attention: Attention;
  model: Model;
  /** Keys drawn so far: the next id. */
  drawn: number;
  /** A key of other proportions, that leaves soon. */
  visitor: number | undefined;
}

/** Starts a stream with so many watched queries. */
export function start(
  stream: Stream,
  random: Random,
  precision: number,
  queries: number,
): Player {
  const { dim, valueDim, scale, mask } = stream;
  const memory = createMemory({
    dim,
    valueDim,
    scale,
    mask: mask === "all"
      ? undefined
      : mask === "edges"
      ? CsrMatrix.fromTriples(1, 1, [])
      : mask === "predicate"
      ? admitsByChance
      : mask,
  }, precision);
  const player: Player = {
    stream,
    random,
    memory,
    attention: attentionOf(memory),
    model: { keys: new Map(), queries: new Map(), edges: new Set() },
    drawn: 0,
    visitor: undefined,
  };
  play(player, Array.from({ length: stream.keys }, () => appended(player)));
  for (let id = 0; id < queries; id++) play(player, [watched(player, id)]);
  return player;
}

/** Carries out changes, in the attention and in the model. */
export function play(
  { attention, model, stream }: Player,
  changes: Change[],
): void {
  apply(attention, changes);
  for (const change of changes) note(model, stream, change);
}

/** What a change does to a model; the changes are those made below. */
function note(
  { keys, queries, edges }: Model,
  { mask }: Stream,
  change: Change,
): void {
  switch (change.verb) {
    case "append":
      keys.set(change.ids as number, {
        key: change.keys as Float32Array,
        value: unsigned(change.values as Float32Array),
        bias: change.bias as number,
      });
      break;
    case "update": {
      const old = keys.get(change.ids as number)!;
      keys.set(change.ids as number, {
        key: (change.keys ?? old.key) as Float32Array,
        value: unsigned((change.values ?? old.value) as Float32Array),
        bias: (change.bias ?? old.bias) as number,
      });
      break;
    }
    case "edit":
      for (const name of ["keys", "values"] as const) {
        for (
          const [id, column, delta] of (change[name] ?? []) as Iterable<
            [number, number, number]
          >
        ) {
          const key = keys.get(id)!;
          const part = Float32Array.from(name === "keys" ? key.key : key.value);
          part[column] += delta;
          part[column] += 0;
          keys.set(id, { ...key, [name === "keys" ? "key" : "value"]: part });
        }
      }
      break;
    case "remove":
      keys.delete(change.ids as number);
      break;
    case "watch":
      queries.set(change.ids as number, {
        row: change.queries as Float32Array,
        position: mask === "causal" ? change.position as number : Infinity,
      });
      break;
    case "admit":
      for (const [query, key] of change.pairs) {
        if (change.admitted === false) edges.delete(`${query} ${key}`);
        else edges.add(`${query} ${key}`);
      }
  }
}

function appended(player: Player, changes: Partial<OracleKey> = {}): Change {
  const { stream, random } = player, id = player.drawn++;
  const drawn = { ...stream.draw(random, id), ...changes };
  const { key, value, bias } = drawn;
  return { verb: "append", keys: key, values: value, bias, ids: id };
}

function watched({ stream, random, drawn }: Player, id: number): Change {
  const queries = Float32Array.from(stream.query(random));
  return stream.mask === "causal"
    ? { verb: "watch", queries, ids: id, position: random.integer(drawn + 8) }
    : { verb: "watch", queries, ids: id };
}

/** One or two changes, of every kind there is. */
export function step(player: Player): void {
  const { stream, random, model } = player, { keys, queries } = model;
  const live = [...keys.keys()], pick = () => live[random.integer(live.length)];
  const full = live.length >= stream.most;
  if (player.visitor !== undefined && random.integer(3) === 0) {
    if (keys.has(player.visitor)) {
      play(player, [{ verb: "remove", ids: player.visitor }]);
    }
    player.visitor = undefined;
    return;
  }
  if (live.length === 0) return play(player, [appended(player)]);
  const id = pick();
  switch (random.integer(full ? 8 : 11)) {
    case 0:
    case 1:
      return replace(player);
    case 2:
      return play(player, [{ verb: "remove", ids: id }]);
    case 3: {
      const { value } = stream.draw(random, id);
      return play(player, [{ verb: "update", ids: id, values: value }]);
    }
    case 4: {
      const { key, bias } = stream.draw(random, id);
      return play(player, [{ verb: "update", ids: id, keys: key, bias }]);
    }
    case 5: {
      const { bias } = stream.draw(random, id);
      const masked = keys.get(id)!.bias === -Infinity;
      return play(player, [{
        verb: "update",
        ids: id,
        bias: masked
          ? bias
          : random.integer(2) === 0
          ? -Infinity
          : bias + random.normal(),
      }]);
    }
    case 6: {
      const edits: [number, number, number][] = [
        [id, random.integer(stream.valueDim), random.normal()],
      ];
      return play(player, [{ verb: "edit", values: edits }]);
    }
    case 7: {
      const query = random.integer(queries.size);
      if (stream.mask !== "edges") {
        return play(player, [watched(player, query)]);
      }
      const pairs: [number, number][] = live.filter(() =>
        random.integer(3) === 0
      )
        .map((key) => [query, key]);
      return play(player, [{
        verb: "admit",
        pairs,
        admitted: random.integer(3) > 0,
      }]);
    }
    case 8:
    case 9:
      return play(
        player,
        [appended(player), appended(player)].slice(
          0,
          stream.most - live.length,
        ),
      );
    default:
      return visit(player);
  }
}

/** Removes a key and appends one. */
export function replace(player: Player): void {
  const live = [...player.model.keys.keys()];
  const id = live[player.random.integer(live.length)];
  play(player, [{ verb: "remove", ids: id }, appended(player)]);
}

/** A key that outweighs the others, or that they outweigh, with a value out of proportion: it leaves soon. */
function visit(player: Player): void {
  const { random, stream } = player, id = player.drawn;
  const { value, bias } = stream.draw(random, id);
  const gain = 2 ** (random.integer(80) - 40);
  play(player, [appended(player, {
    bias: bias === -Infinity ? 0 : bias + (random.uniform() - 0.4) * 60,
    value: Float32Array.from(value, (x) => {
      const scaled = x * gain;
      return Number.isFinite(Math.fround(scaled)) ? scaled : x;
    }),
  })]);
  player.visitor = id;
}

/** The keys that a watched query may attend to, by the model. */
export function admitted(
  { stream, model }: Player,
  query: number,
): OracleKey[] {
  const { position } = model.queries.get(query)!;
  return [...model.keys].filter(([id]) => {
    if (stream.mask === "edges") return model.edges.has(`${query} ${id}`);
    if (stream.mask === "predicate") return admitsByChance(query, id);
    return id <= position;
  }).map(([, key]) => key);
}

/** The output that a watched query has to have. */
export function expected(player: Player, query: number): number[] {
  const { stream, model, memory } = player, keys = admitted(player, query);
  if (keys.length === 0) return new Array(stream.valueDim).fill(0);
  const { row } = model.queries.get(query)!;
  return oracleRow(row, keys, stream.scale, memory.precision);
}

/** The steps of the ladder of a read. */
export const STEPS = [
  "quick",
  "integer",
  "recomputed",
  "finer",
  "exact",
] as const;

/** None of them taken. */
export const NO_STEPS: Ladder = {
  quick: 0,
  integer: 0,
  recomputed: 0,
  finer: 0,
  exact: 0,
};

/** A row without −0, as it is stored. */
function unsigned(row: Float32Array): Float32Array {
  return row.map((number) => number + 0);
}
