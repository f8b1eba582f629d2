import { assert, assertEquals } from "@std/assert";
import {
  admit,
  append,
  createAttention,
  CsrMatrix,
  errorBound,
  flush,
  outputs,
  stats,
  update,
} from "../../mod.ts";
import { openAttention } from "../../src/attention.ts";

Deno.test("flush() with little work gets ahead on a graph: a void row costs its own edges, not all keys", () => {
  const nodes = 500, degree = 3, dim = 1, valueDim = 1;
  const rows = Array.from({ length: nodes }, (_, at) => [Math.sin(at)]);
  const mask = CsrMatrix.fromTriples(
    nodes,
    nodes,
    rows.flatMap((_, at) =>
      Array.from(
        { length: degree },
        (_, i): [number, number, number] => [at, (at + i) % nodes, 1],
      )
    ),
  );
  const a = createAttention({ queries: rows, keys: rows, values: rows, mask });
  const each = degree * (dim + valueDim + 1);
  assertEquals(flush(a, { work: 0 }), nodes * each);
  assertEquals(flush(a, { work: 10 * each + 1 }), (nodes - 10) * each);
  assertEquals(stats(a).recomputed, 10);
  let calls = 1;
  while (flush(a, { work: 10 * each }) > 0) calls++;
  assertEquals(calls, nodes / 10 - 1);
});

Deno.test("a row whose grids cannot hold a change holds no versions while it waits to start over", () => {
  const keys = Array.from({ length: 50 }, (_, at) => [at / 50, 1]);
  const mask = CsrMatrix.fromDense([keys.map(() => 1)]);
  const a = createAttention({ queries: [[1, 0]], keys, values: keys, mask });
  outputs(a);
  update(a, 3, { keys: [300, 1] });
  assert(flush(a, { work: 20 }) > 0);
  const { pairs, log } = openAttention("look", a);
  assertEquals(pairs.unseen.size, 0);
  assertEquals(pairs.free.length, log.versions.used);
});

Deno.test("a row that loses an edge has not seen what the key is by then", () => {
  const mask = CsrMatrix.fromDense([[1, 1, 1, 1], [0, 1, 1, 1]]);
  const rows = [[1], [2], [3], [4]];
  const a = createAttention({
    queries: [[1], [2]],
    keys: rows,
    values: rows,
    mask,
  });
  outputs(a);
  update(a, 0, { values: [5] });
  admit(a, [[0, 0]], false);
  outputs(a);
  update(a, 0, { values: [6] });
  assertEquals(stats(a).coalesced, 1);
});

Deno.test("what is left to do is summed row by row, though rows have seen the same clock", () => {
  const mask = CsrMatrix.fromDense([[1, 0, 0], [1, 1, 1], [0, 1, 1]]);
  const rows = [[1], [2], [3]];
  const a = createAttention({ queries: rows, keys: rows, values: rows, mask });
  assertEquals(flush(a, { work: 0 }), (1 + 3 + 2) * 3);
  flush(a);
  update(a, 0, { values: [5] });
  // One starts over with its only key; for the other its score, the old value and the new one.
  assertEquals(flush(a, { work: 0 }), 3 + (1 + 2 * 2));
});

Deno.test("a key that its bias masks is nothing to do", () => {
  const mask = CsrMatrix.fromDense([[1, 1, 1, 0]]);
  const rows = [[1], [2], [3]];
  const a = createAttention({
    queries: [[1]],
    keys: rows,
    values: rows,
    mask,
  });
  append(a, [4], [4], { bias: -Infinity });
  flush(a);
  admit(a, [[0, 3]]);
  update(a, 3, { values: [5] });
  assertEquals(errorBound(a).total, Infinity);
  assertEquals(flush(a, { work: 0 }), 0);
  assertEquals(errorBound(a).total < Infinity, true);
  // Unmasked it is a key that comes.
  update(a, 3, { bias: 0 });
  assertEquals(flush(a, { work: 0 }), 3);
});

Deno.test("sparse rows start over at the cost of the edges whose keys are there", () => {
  const mask = CsrMatrix.fromDense([[1, 1, 0, 0, 1, 1, 1]]);
  const a = createAttention({
    queries: [[1, 0, 2, 0]],
    keys: [[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0]],
    values: [[0, 0, 7, 0], [0, 1, 0, 0], [1, 0, 0, 0]],
    mask,
    representation: "sparse",
  });
  // Two keys of one entry each, as are their values, and their weights.
  assertEquals(flush(a, { work: 0 }), 2 * (1 + 1 + 1));
  flush(a);
  assertEquals(stats(a).multiplyAdds, 2 * (1 + 1 + 1));
  update(a, [0, 1], {
    keys: [[0, 0, 3, 0], [2, 0, 0, 0]],
    values: [[1, 0, 0, 0], [0, 0, 0, 1]],
  });
  // Replaying would take each out and put it in: starting over is half of that.
  assertEquals(flush(a, { work: 0 }), 2 * (1 + 1 + 1));
  flush(a);
  assertEquals(stats(a).recomputed, 2);
});
