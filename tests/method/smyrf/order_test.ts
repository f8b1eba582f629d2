import { assert, assertEquals } from "@std/assert";
import {
  countOf,
  fill,
  grownOrder,
  insert,
  makeOrder,
  nextOf,
  NOBODY,
  nodeAt,
  type Order,
  orderBytes,
  previousOf,
  remove,
} from "../../../src/method/smyrf/order.ts";
import { forSeeds, pick, shuffled } from "../../scripts.ts";

/** Everything that an order says, and that its arrays agree. */
function listed(order: Order): number[] {
  const { left, right, up, size, root } = order, count = countOf(order);
  const list = Array.from({ length: count }, (_, rank) => nodeAt(order, rank));
  assertEquals([nodeAt(order, count), nodeAt(order, -1)], [NOBODY, NOBODY]);
  list.forEach((node, rank) => {
    assertEquals(nextOf(order, node), list[rank + 1] ?? NOBODY);
    assertEquals(previousOf(order, node), list[rank - 1] ?? NOBODY);
    for (const child of [left[node], right[node]]) {
      if (child >= 0) assertEquals(up[child], node);
    }
    const under = (child: number) => child < 0 ? 0 : size[child];
    assertEquals(size[node], 1 + under(left[node]) + under(right[node]));
  });
  if (root >= 0) assertEquals(up[root], NOBODY);
  return list;
}

/** How far down the deepest node hangs. */
function depthOf({ left, right }: Order, node: number): number {
  return node < 0 ? 0 : 1 + Math.max(
    depthOf({ left, right } as Order, left[node]),
    depthOf({ left, right } as Order, right[node]),
  );
}

Deno.test("an order of nothing has no nodes, and of one no neighbours", () => {
  const order = makeOrder(2);
  assertEquals(listed(order), []);
  fill(order, new Int32Array(0));
  assertEquals([order.root, countOf(order)], [NOBODY, 0]);
  insert(order, 1);
  assertEquals(listed(order), [1]);
  remove(order, 1);
  assertEquals([listed(order), order.size[1]], [[], 0]);
});

Deno.test("an order is sorted by hash, then id, whatever came and went, and has the same shape as one filled at once", () => {
  forSeeds(60, (_, random, at) => {
    let order = makeOrder(20);
    const inside = new Set<number>();
    for (let step = 1; step <= 120; step++) {
      at(step);
      if (step === 60) order = grownOrder(order, 33);
      const node = random.integer(order.left.length);
      if (inside.delete(node)) remove(order, node);
      else {
        order.hashes[node] = pick(random, [-1, 0, 0, 1, Infinity]) +
          random.integer(2);
        order.ids[node] = random.integer(1000) * 64 + node;
        insert(order, node);
        inside.add(node);
      }
      const { hashes, ids } = order;
      const expected = [...inside].sort((a, b) =>
        hashes[a] === hashes[b] ? ids[a] - ids[b] : hashes[a] - hashes[b]
      );
      assertEquals(listed(order), expected);
      const other = makeOrder(order.left.length);
      other.hashes.set(hashes);
      other.ids.set(ids);
      // What was in it before is out.
      fill(other, Int32Array.of(0, 1, 2));
      fill(other, Int32Array.from(shuffled(random, expected)));
      assertEquals(listed(other), expected);
      for (const node of inside) {
        assertEquals(
          [order.left[node], order.right[node], order.size[node]],
          [other.left[node], other.right[node], other.size[node]],
        );
      }
      assertEquals(other.size, order.size);
    }
  });
});

Deno.test("an order is some log m deep, even where nodes come in their order", () => {
  for (const m of [1000, 30_000]) {
    const order = makeOrder(m);
    for (let node = 0; node < m; node++) {
      order.hashes[node] = node;
      insert(order, node);
    }
    const depth = depthOf(order, order.root);
    // A random search tree is 4.3 ln m deep at most, as m grows.
    assert(depth < 4.4 * Math.log(m), `${depth}`);
    assertEquals(orderBytes(order), 32 * m);
  }
});
