/**
 * The verbs that change a maintained layer.
 *
 * @module
 */

import { checkIds, checkOptions, type Id, type Ids } from "../check.ts";
import type { Rows } from "../rows.ts";
import { checkWide, keyParts, queryParts } from "./rows.ts";
import {
  checkCount,
  checkCross,
  checkLive,
  checkTokens,
  putTokens,
  replacedValues,
  watching,
  write,
} from "./stage.ts";
import { type MaintainedLayer, openForChange } from "./state.ts";

/**
 * Adds tokens behind those that are there, and returns their ids.
 *
 * In self-attention they are watched as queries under the same ids. A causal Super layer takes as many as its context
 * has room for; one that is not causal takes none.
 *
 * Shapes: `tokens` k × width, `values` k × the columns of `valueWeight`, where these are not the tokens themselves.
 * Costs the projections; a read then pays the new column of every row, and the new rows whole. Errors: a `RangeError`
 * for shapes that do not meet, numbers that are not finite as 32-bit floats, before or after the projection, a context
 * that is full; nothing has changed then.
 *
 * @example A text grows
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { appendTokens, layerOutputs, maintainedLayer } from "@reattend/reattend/layers";
 *
 * const one = (number: number) => ({ data: new Float32Array([number]), shape: [1, 1] });
 * const weights = { queryWeight: one(0), outputWeight: one(1) };
 * const layer = maintainedLayer("efficient", weights, { heads: 1, tokens: [[2]], mask: "causal" });
 * assertEquals(appendTokens(layer, [[4], [9]]), [1, 2]);
 * assertEquals(layerOutputs(layer).to2DArray(), [[2], [3], [5]]);
 * ```
 */
export function appendTokens(
  layer: MaintainedLayer,
  tokens: Rows,
  values?: Rows,
): Id[] {
  const verb = "append tokens", state = openForChange(verb, layer);
  return putTokens(verb, state, tokens, values);
}

/**
 * Replaces tokens.
 *
 * Costs their projections; a read then pays, in each head, the changed column of every row, and the changed token's own
 * row whole, since its query has changed. In a Super layer the values of other tokens change with it. Errors: as
 * {@linkcode appendTokens}, and a `RangeError` for an id that is unknown or gone or given twice; nothing has changed
 * then.
 */
export function setTokens(
  layer: MaintainedLayer,
  ids: Ids,
  tokens: Rows,
  values?: Rows,
): void {
  const verb = "set tokens", state = openForChange(verb, layer);
  const list = checkLive(verb, "token", state, ids);
  const rows = checkTokens(verb, state, tokens, values);
  checkCount(verb, "tokens", rows.keys.count, list.length);
  if (list.length === 0) return;
  const keys = keyParts(verb, state, rows.keys);
  const queries = state.cross ? undefined : queryParts(verb, state, rows.keys);
  const replaced = replacedValues(verb, state, list, rows.values);
  const keyIds = list.map((id) => id + state.always);
  const valueIds = replaced.ids.map((id) => id + state.always);
  write(state, (head) => [
    { verb: "update", ids: keyIds, keys: keys[head] },
    { verb: "update", ids: valueIds, values: replaced.parts[head] },
    ...watching(state, list, queries?.[head]),
  ]);
  state.mixture = replaced.mixture;
}

/**
 * Removes tokens, in self-attention with their queries.
 *
 * Positions are ids, so those that stay see each other as before. Costs O(ids). Errors: a `RangeError` for an id that is
 * unknown or gone or given twice, a `TypeError` for a Super layer, whose context is fixed; nothing has changed then.
 */
export function removeTokens(layer: MaintainedLayer, ids: Ids): void {
  const verb = "remove tokens", state = openForChange(verb, layer);
  if (state.mixture !== undefined) {
    throw new TypeError(
      `Cannot ${verb}: the layer is super, its context should stay as it is`,
    );
  }
  const list = checkLive(verb, "token", state, ids);
  const keys = list.map((id) => id + state.always);
  const queries = state.cross ? [] : list;
  write(state, () => [
    { verb: "remove", ids: keys },
    { verb: "unwatch", ids: queries },
  ]);
  for (const id of list) state.tokens.delete(id);
  for (const id of queries) state.queries.delete(id);
}

/**
 * Watches queries of a cross-attention layer, and returns their ids; an id already watched is replaced.
 *
 * Shapes: `queries` k × the columns of `queryWeight`. Costs their projection. Errors: a `TypeError` in self-attention,
 * where the tokens are the queries, a `RangeError` as {@linkcode appendTokens}; nothing has changed then.
 *
 * @example A question to two tokens
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { layerOutputs, maintainedLayer, watchQueries } from "@reattend/reattend/layers";
 *
 * const one = (number: number) => ({ data: new Float32Array([number]), shape: [1, 1] });
 * const weights = { queryWeight: one(100), outputWeight: one(1) };
 * const layer = maintainedLayer("efficient", weights, { heads: 1, tokens: [[2], [5]], cross: true });
 * watchQueries(layer, [[1], [-1]]);
 * assertEquals(layerOutputs(layer).to2DArray(), [[5], [2]]);
 * ```
 */
export function watchQueries(
  layer: MaintainedLayer,
  queries: Rows,
  options: { ids?: Ids } = {},
): Id[] {
  const verb = "watch queries", state = openForChange(verb, layer);
  checkOptions(verb, options, ["ids"]);
  checkCross(verb, state);
  const rows = checkWide(verb, "queries", queries, state.layer.queryWidth);
  const ids = options.ids === undefined
    ? undefined
    : checkIds(verb, options.ids);
  if (ids !== undefined) checkCount(verb, "queries", rows.count, ids.length);
  const parts = queryParts(verb, state, rows);
  const watched = write(
    state,
    (head) => [{ verb: "watch", queries: parts[head], ids }],
  );
  for (const id of watched) {
    state.queries.add(id);
    state.nextQuery = Math.max(state.nextQuery, id + 1);
  }
  return watched;
}

/**
 * Stops watching queries of a cross-attention layer.
 *
 * Costs O(ids). Errors: a `TypeError` in self-attention, a `RangeError` for an id that is not watched or given twice;
 * nothing has changed then.
 */
export function unwatchQueries(layer: MaintainedLayer, ids: Ids): void {
  const verb = "unwatch queries", state = openForChange(verb, layer);
  checkCross(verb, state);
  const list = checkLive(verb, "query", state, ids);
  write(state, () => [{ verb: "unwatch", ids: list }]);
  for (const id of list) state.queries.delete(id);
}
