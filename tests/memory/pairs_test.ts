import { assert, assertEquals } from "@std/assert";
import {
  admit,
  append,
  type Attention,
  type AttentionOptions,
  createAttention,
  CsrMatrix,
  entry,
  flush,
  type Id,
  outputs,
  remove,
  stats,
  unwatch,
  update,
  watch,
} from "../../mod.ts";
import { openAttention } from "../../src/attention.ts";
import { unpackRow } from "../../src/matrix/store.ts";
import { COLD, NONE } from "../../src/memory/log.ts";
import { topK } from "../../src/method/mod.ts";
import { sameBits } from "../same.ts";
import { invariant } from "./invariants.ts";
import { versionBytes } from "../../src/memory/versions.ts";

/** Keys that every query sees and that nothing happens to, so that rows need not start over. */
const QUIET = 6;

/** Queries with values of one number; the pattern says who sees the keys that come after the quiet ones. */
function graph(
  queries: number,
  later: (query: Id, key: Id) => boolean,
  options: AttentionOptions = {},
): Attention {
  const column = (count: number, from: number) =>
    Array.from({ length: count }, (_, at) => [from + at / 8]);
  const columns = 40,
    pattern = Array.from(
      { length: queries },
      (_, query) =>
        Array.from(
          { length: columns },
          (_, key) => key < QUIET || later(query, key) ? 1 : 0,
        ),
    );
  return createAttention({
    queries: column(queries, 0.1),
    keys: column(QUIET, 0.2),
    values: column(QUIET, 100),
    mask: CsrMatrix.fromDense(pattern),
    ...options,
  });
}

/** What the row of a query has not seen: the number that its sums hold of each key, NONE for nothing. */
function unseen(a: Attention, query: Id): Record<Id, number> {
  const { pairs, rows, log: { versions } } = openAttention("look", a);
  const row = rows.slots.idOf.indexOf(query);
  const numbers = new Float32Array(1);
  return Object.fromEntries(
    [...pairs.unseen.get(row) ?? []].map(([id, version]) => {
      if (version === NONE) return [id, NONE];
      unpackRow(versions.values, version, numbers, 0);
      return [id, numbers[0]];
    }),
  );
}

/** Versions that rows hold, and how many rows hold each. */
function holders(a: Attention): number[] {
  const { pairs, log: { versions } } = openAttention("look", a);
  return Array.from({ length: versions.used }, (_, at) => pairs.holders[at])
    .filter((count) => count > 0);
}

/** Whether the row of a query is to start over. */
function isCold(a: Attention, query: Id): boolean {
  const { rows } = openAttention("look", a);
  return rows.clocks[rows.slots.idOf.indexOf(query)] === COLD;
}

Deno.test("rows that are void note nothing; rows that see a key note what they hold of it", () => {
  const a = graph(3, (query) => query < 2);
  const [id] = append(a, [1], [1]);
  update(a, id, { values: [2] });
  admit(a, [[2, id]]);
  admit(a, [[1, id], [2, id]], false);
  admit(a, [[1, id]]);
  assertEquals([0, 1, 2].map((query) => unseen(a, query)), [{}, {}, {}]);
  outputs(a, { ids: 0 });
  update(a, id, { values: [3] });
  assertEquals([0, 1, 2].map((query) => unseen(a, query)), [{ 6: 2 }, {}, {}]);
  append(a, [1], [4]);
  assertEquals(unseen(a, 0), { 6: 2, 7: NONE });
  invariant(a);
  outputs(a);
  assertEquals([unseen(a, 0), holders(a)], [{}, []]);
});

Deno.test("rows that hold the same content share a version, which the last of them gives back, however it leaves", () => {
  const a = graph(5, () => true), id = append(a, [1], [1]);
  outputs(a);
  update(a, id, { values: [2] });
  assertEquals(holders(a), [5]);
  outputs(a, { ids: 4 });
  assertEquals(holders(a), [4]);
  // Its own version, and only for the one that has seen the second write.
  update(a, id, { values: [3] });
  assertEquals(holders(a), [4, 1]);
  assertEquals([unseen(a, 0), unseen(a, 4)], [{ 6: 1 }, { 6: 2 }]);
  unwatch(a, 0);
  watch(a, [9], { ids: 1 });
  assertEquals(holders(a), [2, 1]);
  remove(a, id);
  invariant(a);
  assertEquals(holders(a), [2, 1]);
  flush(a);
  assertEquals(holders(a), []);
  const { pairs, log: { versions } } = openAttention("look", a);
  assertEquals([versions.used, pairs.free.length], [2, 2]);
  assertEquals(
    [versions.values.denseRows, versions.keys.denseRows],
    [0, 0],
    "contents of versions that nobody holds",
  );
});

Deno.test("an edge taken away holds the version that a write made, or one that a write then shares", () => {
  const a = graph(3, () => true), id = append(a, [1], [1])[0];
  outputs(a);
  admit(a, [[0, id]], false);
  assertEquals([unseen(a, 0), holders(a)], [{ 6: 1 }, [1]]);
  // Other writes in between do not matter.
  update(a, 0, { values: [77] });
  admit(a, [[1, id]], false);
  update(a, id, { keys: [2] });
  assertEquals(holders(a), [3, 3]);
  // Back, but the key is another one.
  admit(a, [[0, id]]);
  assertEquals(unseen(a, 0), { 0: 100, 6: 1 });
  const twin = graph(3, (query) => query !== 1);
  update(twin, 0, { values: [77] });
  append(twin, [2], [1]);
  sameBits(outputs(a).data, outputs(twin).data, "outputs");
});

Deno.test("a version is still shared when an older one of the same key has been given back", () => {
  const a = graph(3, () => true), [id] = append(a, [1], [1]);
  outputs(a);
  update(a, id, { values: [2] });
  outputs(a, { ids: [1, 2] });
  admit(a, [[1, id]], false);
  assertEquals([unseen(a, 0), unseen(a, 1)], [{ 6: 1 }, { 6: 2 }]);
  outputs(a, { ids: 0 });
  admit(a, [[2, id]], false);
  assertEquals(holders(a), [2]);
  invariant(a);
});

Deno.test("a value alone costs one score, though the key was written just before", () => {
  const a = graph(1, () => true), [id] = append(a, [1], [1]);
  outputs(a);
  update(a, id, { keys: [2] });
  outputs(a);
  update(a, id, { values: [3] });
  const before = stats(a).multiplyAdds;
  flush(a);
  assertEquals(stats(a).multiplyAdds - before, 1 + 2 * 2);
  // And so where the edge was away in between.
  update(a, id, { keys: [1] });
  flush(a);
  const again = stats(a).multiplyAdds;
  admit(a, [[0, id]], false);
  update(a, id, { values: [4] });
  admit(a, [[0, id]]);
  flush(a);
  assertEquals(stats(a).multiplyAdds - again, 1 + 2 * 2);
});

Deno.test("a version given back and taken by another key is not taken for the first one's", () => {
  const a = graph(2, () => true);
  const [first, second] = append(a, [[1], [2]], [[1], [2]]);
  outputs(a);
  // Held and given back while the slot stays as it is.
  admit(a, [[0, first]], false);
  admit(a, [[0, first]]);
  assertEquals([unseen(a, 0), holders(a)], [{}, []]);
  update(a, second, { values: [22] });
  const { pairs, log: { versions } } = openAttention("look", a);
  assertEquals([versions.used, pairs.free.length], [1, 0]);
  update(a, first, { values: [11] });
  assertEquals(unseen(a, 0), { [second]: 2, [first]: 1 });
  invariant(a);
  // An older version goes after a newer one has come: the newer one is still found.
  outputs(a, { ids: 1 });
  update(a, first, { values: [12] });
  outputs(a, { ids: 0 });
  admit(a, [[0, first]], false);
  assertEquals([unseen(a, 0), unseen(a, 1)], [{ [first]: 12 }, {
    [first]: 11,
  }]);
  update(a, first, { values: [13] });
  invariant(a);
  outputs(a);
  assertEquals(holders(a), []);
});

Deno.test("a slot that goes to another key keeps apart what rows hold of the first one", () => {
  const a = graph(2, () => true), first = append(a, [1], [1])[0];
  outputs(a);
  remove(a, first);
  const second = append(a, [1], [1])[0];
  const { keys } = openAttention("look", a);
  assertEquals(keys.slots.used, QUIET + 1, "one slot for both");
  assertEquals(unseen(a, 0), { [first]: 1, [second]: NONE });
  // Nobody has seen it: nothing to tell.
  update(a, second, { values: [2] });
  assertEquals(stats(a).coalesced, 1);
  outputs(a, { ids: 0 });
  update(a, second, { values: [3] });
  assertEquals(unseen(a, 0), { [second]: 2 });
  assertEquals(unseen(a, 1), { [first]: 1, [second]: NONE });
  invariant(a);
});

Deno.test("without room for a version a row starts over, and only one that needs it", () => {
  const a = graph(3, (query, key) => query < 2 || key !== QUIET, {
    logBytes: 0,
  });
  const [only] = append(a, [1], [1]);
  outputs(a);
  // The third row waits for a key and holds no version: there is none to be had from it.
  const [all] = append(a, [1], [1]);
  assertEquals(unseen(a, 2), { [all]: NONE });
  update(a, only, { values: [2] });
  assertEquals([0, 1, 2].map((query) => isCold(a, query)), [true, true, false]);
  assertEquals([0, 1, 2].map((query) => unseen(a, query)), [{}, {}, {
    [all]: NONE,
  }]);
  outputs(a, { ids: [0, 1] });
  admit(a, [[0, only]], false);
  assertEquals([0, 1, 2].map((query) => isCold(a, query)), [
    true,
    false,
    false,
  ]);
  invariant(a);
});

Deno.test("a log that is full gives up the rows that are behind for longest, until half of it is free", () => {
  const room = 4,
    a = graph(6, (query, key) => key % 6 === query, {
      logBytes: room * versionBytes(2),
    });
  append(a, [[1], [1], [1], [1], [1], [1]], [[1], [2], [3], [4], [5], [6]]);
  outputs(a);
  for (const query of [3, 1, 4, 0]) {
    update(a, QUIET + query, { values: [9] });
    assertEquals(isCold(a, query), false);
  }
  assertEquals(holders(a), [1, 1, 1, 1]);
  update(a, QUIET + 5, { values: [9] });
  const cold = () => [0, 1, 2, 3, 4, 5].filter((query) => isCold(a, query));
  assertEquals(cold(), [1, 3]);
  assertEquals(holders(a), [1, 1, 1]);
  update(a, QUIET + 2, { values: [9] });
  assertEquals([cold(), holders(a)], [[1, 3], [1, 1, 1, 1]]);
  invariant(a);
  // The row that needs room may be the one that is behind for longest.
  update(a, 0, { values: [5] });
  assertEquals([4, 0].map((query) => isCold(a, query)), [true, true]);
  assertEquals([4, 0].map((query) => unseen(a, query)), [{}, {}]);
  invariant(a);
  outputs(a);
  assertEquals(holders(a), []);
});

Deno.test("10 000 keys that come, are seen and go leave nothing behind, whether or not everybody reads", () => {
  for (const reading of ["all", "one", "none"]) {
    const a = graph(3, () => false);
    outputs(a);
    let settled = 0;
    for (let cycle = 0; cycle < 10_000; cycle++) {
      const [id] = append(a, [0.5], [cycle]);
      admit(a, [[0, id], [1, id], [2, id]]);
      if (cycle % 3 === 0) admit(a, [[1, id]], false);
      if (reading === "all") outputs(a);
      if (reading === "one") outputs(a, { ids: 2 });
      if (cycle % 2 === 0) update(a, id, { values: [1] });
      if (cycle % 5 === 0) admit(a, [[2, id]], false);
      remove(a, id);
      const { pairs, log: { versions } } = openAttention("look", a);
      assert(versions.used <= 2, `${versions.used} versions`);
      assert((pairs.unseen.get(0)?.size ?? 0) <= 1, "rows remember keys");
      if (cycle === 100) settled = stats(a).bytes;
    }
    invariant(a);
    outputs(a);
    assertEquals(holders(a), []);
    const { bytes } = stats(a);
    // The pools of edges and of ids breathe: at most by a half and some words.
    assert(bytes <= 1.1 * settled + 1000, `${bytes} bytes, were ${settled}`);
  }
});

Deno.test("2000 queries that come, read and go leave nothing behind", () => {
  const a = graph(1, () => false), [id] = append(a, [0.5], [1]);
  outputs(a);
  let settled = 0;
  for (let cycle = 0; cycle < 2000; cycle++) {
    const [query] = watch(a, [0.3]);
    admit(a, [[query, id], [query, 0]]);
    if (cycle % 2 === 0) outputs(a, { ids: query });
    update(a, id, { values: [cycle] });
    unwatch(a, query);
    if (cycle === 100) settled = stats(a).bytes;
  }
  invariant(a);
  assertEquals(holders(a), [], "only those that have gone saw the key");
  assert(stats(a).bytes <= 1.1 * settled + 1000, `${stats(a).bytes} bytes`);
});

Deno.test("a method's row that nobody reads starts over rather than remember keys that came and went", () => {
  for (const parted of [false, true]) {
    const a = graph(2, () => false, { method: topK(2) });
    outputs(a);
    let most = 0;
    for (let cycle = 0; cycle < 2000; cycle++) {
      const [id] = append(a, [0.5], [cycle]);
      admit(a, [[0, id], [1, id]]);
      outputs(a, { ids: 1 });
      if (parted) admit(a, [[0, id]], false);
      remove(a, id);
      most = Math.max(most, Object.keys(unseen(a, 0)).length);
    }
    assert(most > 10 && most <= 64, `${most} keys remembered`);
    assertEquals(isCold(a, 0), true);
    const twin = graph(2, () => false, { method: topK(2) });
    sameBits(outputs(a).data, outputs(twin).data, "outputs");
  }
});

Deno.test("what rows note is counted in bytes, and is gone when they have read", () => {
  const rows = 200, a = graph(rows, () => true), [id] = append(a, [1], [1]);
  outputs(a);
  update(a, id, { values: [2] });
  flush(a);
  const { bytes } = stats(a);
  update(a, id, { values: [3] });
  const each = (stats(a).bytes - bytes) / rows;
  // A map of one entry: 340 bytes in V8.
  assert(each > 200 && each < 600, `${each} bytes a row`);
  update(a, 0, { values: [3] });
  const more = (stats(a).bytes - bytes) / rows - each;
  assert(more > 20 && more < 100, `${more} bytes for another key`);
  flush(a);
  // The second version and its place stay.
  assert(stats(a).bytes - bytes < 1000, `${stats(a).bytes} after ${bytes}`);
});

Deno.test("a row notes exactly the pairs whose sums are not as they should be, after every script of five changes of one key", () => {
  const verbs = 7, length = 5, scripts = verbs ** length;
  let told = 0;
  for (let script = 0; script < scripts; script++) {
    const a = graph(2, (query, key) => query === 0 || key % 2 === 0);
    // Query 1 does not see the key 7 unless an edge is put in.
    const edges = [new Set<Id>(), new Set<Id>()];
    for (let id = QUIET; id < 40; id++) {
      edges[0].add(id);
      if (id % 2 === 0) edges[1].add(id);
    }
    outputs(a);
    let live: Id | undefined = append(a, [0.4], [1])[0], stamp = 1;
    // For each row the stamp of what its sums hold of each key.
    const sums = [new Map<Id, number>(), new Map<Id, number>()];
    // Whether nobody has seen what is there.
    let fresh = true, coalesced = 0;
    const overwrite = () => {
      if (fresh) coalesced++;
      fresh = true;
    };
    const what = `script ${script}`;
    for (let step = 0, rest = script; step < length; step++) {
      const verb = rest % verbs;
      rest = Math.floor(rest / verbs);
      if (verb < 2) {
        if (live !== undefined) {
          const present = !edges[verb].has(live);
          admit(a, [[verb, live]], present);
          if (present) edges[verb].add(live);
          else edges[verb].delete(live);
        }
      } else if (verb < 4) {
        outputs(a, { ids: verb - 2 });
        const admitted = live !== undefined && edges[verb - 2].has(live);
        if (admitted && sums[verb - 2].get(live!) !== stamp) fresh = false;
        sums[verb - 2] = new Map(admitted ? [[live!, stamp]] : []);
      } else if (verb === 4 && live !== undefined) {
        overwrite();
        update(a, live, { values: [++stamp] });
      } else if (verb === 5 && live !== undefined) {
        overwrite();
        const { bias } = entry(a, live);
        update(a, live, {
          values: [++stamp],
          bias: bias === 0 ? -Infinity : 0,
        });
      } else if (verb === 6) {
        if (live !== undefined) {
          overwrite();
          remove(a, live);
          for (const keys of edges) keys.delete(live);
          live = undefined;
        } else {
          // It comes into the slot of the one that went.
          [live] = append(a, [0.4], [++stamp]);
          fresh = true;
        }
      }
      for (const query of [0, 1]) {
        const should = new Map<Id, number>();
        for (const [id, held] of sums[query]) {
          if (id !== live || !edges[query].has(id) || held !== stamp) {
            should.set(id, held);
          }
        }
        if (
          live !== undefined && edges[query].has(live) &&
          !sums[query].has(live)
        ) should.set(live, NONE);
        told += should.size;
        assertEquals(unseen(a, query), Object.fromEntries(should), what);
      }
    }
    assertEquals(stats(a).coalesced, coalesced, what);
    // The seventh part is enough for what costs most.
    if (script % 7 !== 3) continue;
    invariant(a);
    const twin = graph(2, (query, key) => edges[query].has(key));
    if (live !== undefined) {
      const { key, value, bias } = entry(a, live);
      append(twin, key, value, { ids: live, bias });
    }
    sameBits(outputs(a).data, outputs(twin).data, what);
    assertEquals([unseen(a, 0), unseen(a, 1), holders(a)], [{}, {}, []]);
  }
  assert(told > scripts, `${told} pairs told`);
});
