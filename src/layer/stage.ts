/**
 * A change of a maintained layer on its way in: checked and projected first, then written to the heads.
 *
 * Each head takes a change as one list, all or nothing, and all heads hold the same ids: what one takes, all take. Only where
 * memory runs out between two heads are they left apart; such a layer should be made anew.
 *
 * @module
 */

import { apply } from "../change.ts";
import { checkIds, counted, type Id, type Ids, refuseId } from "../check.ts";
import type { Change } from "../memory/change.ts";
import { type Mixture, movedPlaces, remixed } from "./mixture.ts";
import {
  checkWide,
  dividedParts,
  foldedParts,
  keyParts,
  queryParts,
  valueParts,
  type WideRows,
} from "./rows.ts";
import type { State } from "./state.ts";

/** Adds tokens. */
export function putTokens(
  verb: string,
  state: State,
  tokens: unknown,
  given: unknown,
): Id[] {
  const rows = checkTokens(verb, state, tokens, given), { count } = rows.keys;
  checkRoom(verb, state, count);
  if (count === 0) return [];
  const ids = Array.from({ length: count }, (_, at) => state.next + at);
  const keys = keyParts(verb, state, rows.keys);
  const queries = state.cross ? undefined : queryParts(verb, state, rows.keys);
  const values = newValues(verb, state, ids, rows.values);
  write(state, (head) => [
    { verb: "append", keys: keys[head], values: values.parts[head] },
    ...watching(state, ids, queries?.[head]),
  ]);
  state.mixture = values.mixture;
  state.next += count;
  for (const id of ids) state.tokens.add(id);
  if (!state.cross) { for (const id of ids) state.queries.add(id); }
  return ids;
}

/** Adds the keys that are always there. */
export function putAlways(verb: string, state: State): void {
  const { always, layer: { keyRow, valueRow, query, output } } = state;
  if (always === 0) return;
  const wide = (row: ArrayLike<number> | undefined, width: number) => {
    const numbers = new Float64Array(always * width);
    if (row !== undefined) numbers.set(row);
    return { count: always, numbers };
  };
  const keys = dividedParts(verb, state, wide(keyRow, query.rows));
  const values = foldedParts(verb, state, wide(valueRow, output.columns));
  write(state, (head) => [
    { verb: "append", keys: keys[head], values: values[head] },
  ]);
}

/** What the heads are to hold as values: of which tokens, and the mixture that they are of. */
interface Values {
  ids: readonly Id[];
  parts: Float32Array[];
  mixture: Mixture | undefined;
}

/** The values of new tokens. */
function newValues(
  verb: string,
  state: State,
  ids: readonly Id[],
  rows: WideRows<Float32Array>,
): Values {
  const { mixture } = state;
  if (mixture === undefined) {
    return { ids, parts: valueParts(verb, state, rows), mixture };
  }
  const count = mixture.count + ids.length;
  const after = remixed(mixture, ids, rows.numbers, count);
  return mixedValues(verb, state, ids, after);
}

/** The values that are others where tokens are. */
export function replacedValues(
  verb: string,
  state: State,
  ids: readonly Id[],
  rows: WideRows<Float32Array>,
): Values {
  const { mixture } = state;
  if (mixture === undefined) {
    return { ids, parts: valueParts(verb, state, rows), mixture };
  }
  const after = remixed(mixture, ids, rows.numbers, mixture.count);
  return mixedValues(verb, state, movedPlaces(mixture, after), after);
}

/** Rows of a mixture as values. */
function mixedValues(
  verb: string,
  state: State,
  ids: readonly Id[],
  mixture: Mixture,
): Values {
  const { width, mixed } = mixture;
  const numbers = new Float32Array(ids.length * width);
  ids.forEach((id, at) =>
    numbers.set(mixed.subarray(id * width, (id + 1) * width), at * width)
  );
  const rows = { count: ids.length, numbers };
  return { ids, parts: foldedParts(verb, state, rows), mixture };
}

/** Watches tokens as queries at their own positions, if they are to be. */
export function watching(
  { always, causal }: State,
  ids: readonly Id[],
  queries: Float32Array | undefined,
): Change[] {
  if (queries === undefined) return [];
  const position = causal ? ids.map((id) => id + always) : undefined;
  return [{ verb: "watch", queries, ids, position }];
}

/** Carries out a list of changes in each head, and returns the ids that its first one concerned. */
export function write(state: State, changes: (head: number) => Change[]): Id[] {
  let concerned: Id[] = [];
  state.heads.forEach((attention, head) => {
    const ids = apply(attention, changes(head));
    if (head === 0) concerned = ids[0];
  });
  return concerned;
}

/** Checks tokens, and what their values are made of. */
export function checkTokens(
  verb: string,
  { layer: { keyWidth, valueWidth } }: State,
  tokens: unknown,
  values: unknown,
): Record<"keys" | "values", WideRows<Float32Array>> {
  const keys = checkWide(verb, "tokens", tokens, keyWidth);
  if (values === undefined) {
    if (valueWidth === keyWidth) return { keys, values: keys };
    throw new RangeError(
      `Cannot ${verb}: values is left out, it should have a row of ${
        counted(valueWidth, "number")
      } for each token, which has ${keyWidth}`,
    );
  }
  const rows = checkWide(verb, "values", values, valueWidth);
  checkCount(verb, "values", rows.count, keys.count);
  return { keys, values: rows };
}

export function checkCount(
  verb: string,
  name: string,
  count: number,
  wanted: number,
): void {
  if (count === wanted) return;
  throw new RangeError(
    `Cannot ${verb}: ${name} has ${
      counted(count, "row")
    }, it should have ${wanted}`,
  );
}

function checkRoom(
  verb: string,
  { mixture, tokens: { size } }: State,
  count: number,
): void {
  if (mixture === undefined || size + count <= mixture.context.size) return;
  throw new RangeError(
    `Cannot ${verb}: there would be ${
      size + count
    } tokens, there should be at most ${mixture.context.size} for the context of the weights`,
  );
}

/** Checks ids of tokens, or of queries, that are there. */
export function checkLive(
  verb: string,
  what: "token" | "query",
  { tokens, next, queries, nextQuery }: State,
  ids: Ids,
  repeats = false,
): Id[] {
  const list = checkIds(verb, ids, repeats);
  const live = what === "token" ? tokens : queries;
  const stray = list.find((id) => !live.has(id));
  if (stray === undefined) return list;
  refuseId(verb, what, stray, {
    next: what === "token" ? next : nextQuery,
    size: live.size,
  });
}

export function checkCross(verb: string, { cross }: State): void {
  if (cross) return;
  throw new TypeError(
    `Cannot ${verb}: the layer attends to itself, it should be made with cross`,
  );
}
