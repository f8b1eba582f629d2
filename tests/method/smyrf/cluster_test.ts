import { assert, assertEquals } from "@std/assert";
import {
  estimate,
  keepBest,
  makeWalk,
  takeCandidates,
} from "../../../src/method/smyrf/cluster.ts";
import { fill, makeOrder } from "../../../src/method/smyrf/order.ts";
import { forSeeds, normals, pick } from "../../scripts.ts";

Deno.test("takeCandidates() walks each order in proportion to its slope, keys met twice counting, those not admitted not", () => {
  let twice = 0;
  forSeeds(200, (_, random) => {
    const m = 1 + random.integer(40), rounds = 1 + random.integer(4);
    const orders = Array.from({ length: rounds }, () => {
      const order = makeOrder(m);
      order.hashes.set(normals(random, m, 2).map(Math.round));
      order.ids.set(Array.from({ length: m }, (_, node) => 2 * node));
      fill(order, Int32Array.from({ length: m }, (_, node) => node));
      return order;
    });
    const slopes = Float64Array.from(
      { length: rounds },
      () => pick(random, [0, 1, -0.5, random.normal(), NaN]),
    );
    const admits = (node: number) => node % 3 > 0;
    const limited = random.integer(2) > 0;
    const lists = orders.map(({ hashes }, round) => {
      const nodes = [...hashes.keys()].filter((node) =>
        !limited || admits(node)
      )
        .sort((a, b) => hashes[a] - hashes[b] || a - b);
      return slopes[round] > 0 ? nodes.reverse() : nodes;
    });
    const most = 1 + random.integer(m), met: number[] = [];
    const at = new Array(rounds).fill(0);
    while (met.length < Math.min(most, lists[0].length)) {
      const due = at.map((steps, round) =>
        (steps + 1) / (Math.abs(slopes[round]) || 0)
      );
      const first = due.indexOf(Math.min(...due));
      const node = lists[first][at[first]++];
      if (met.includes(node)) twice++;
      else met.push(node);
    }
    const into = new Int32Array(most), walk = makeWalk(rounds);
    const marks = { marks: new Int32Array(m), mark: 1 };
    const count = takeCandidates(
      orders,
      slopes,
      walk,
      marks,
      limited ? admits : undefined,
      into,
    );
    assertEquals([...into.subarray(0, count)], met);
    // Whoever has room left goes on to the end of an order.
    if (count < most) assertEquals(walk.through, true);
    else {lists.forEach((list, round) => {
        if (!limited) assertEquals(walk.last[round], list[at[round] - 1] ?? -1);
        assertEquals(walk.steps[round], at[round]);
      });}
  });
  assert(twice > 100, `${twice}`);
});

Deno.test("keepBest() keeps those of the largest estimates, of equals those of smaller ids, and what is no number last", () => {
  const order = makeOrder(6), slopes = Float64Array.of(2);
  order.hashes.set([1, 3, NaN, 3, 3, 5]);
  order.ids.set([1, 9, 0, 4, 8, 7]);
  const keep = (most: number) => {
    const nodes = Int32Array.of(0, 1, 2, 3, 4, 5);
    const estimates = Float64Array.from(
      nodes,
      (node) => estimate([order], slopes, node),
    );
    return [...nodes.subarray(0, keepBest(nodes, estimates, order, most))]
      .sort();
  };
  assertEquals([1, 2, 3, 4, 5, 6, 7].map(keep), [
    [5],
    [3, 5],
    [3, 4, 5],
    [1, 3, 4, 5],
    [0, 1, 3, 4, 5],
    [0, 1, 2, 3, 4, 5],
    [0, 1, 2, 3, 4, 5],
  ]);
});
