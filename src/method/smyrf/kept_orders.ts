/**
 * The keys of a maintained attention in the orders of their hashes.
 *
 * A write is noted by the log alone. When the orders are asked for, the keys written since are hashed, once for each
 * direction, and move; where many were, everything is sorted anew.
 *
 * @module
 */

import { listWritten } from "../../memory/log.ts";
import type { Memory } from "../../memory/memory.ts";
import { rowCost } from "../../sync/plan.ts";
import { type Directions, projectStored } from "./hashing.ts";
import {
  countOf,
  fill,
  grownOrder,
  insert,
  makeOrder,
  type Order,
  remove,
} from "./order.ts";

/** One order for each direction. */
export interface KeptOrders {
  readonly directions: Directions;
  orders: Order[];
  /** They have seen what was written until then. */
  clock: number;
  /** Room for all slots. */
  list: Int32Array;
  /** Keys hashed so far. */
  hashed: number;
}

/** Where so large a share of the keys has changed, orders are sorted anew. */
const MANY = 1 / 4;

/** Makes empty orders. */
export function keepOrders(directions: Directions): KeptOrders {
  return {
    directions,
    orders: Array.from({ length: directions.rounds }, () => makeOrder(0)),
    clock: 0,
    list: new Int32Array(0),
    hashed: 0,
  };
}

/** Brings the orders up to date with what is stored. */
export function followOrders(kept: KeptOrders, memory: Memory): void {
  const { log, keys: { slots: { used } } } = memory;
  if (kept.clock === log.clock) return;
  makeRoom(kept, memory);
  const { list, orders, clock } = kept, { size } = orders[0];
  const written = listWritten(log, clock, used, list);
  let moved = 0;
  for (let i = 0; i < written; i++) {
    if (log.scored[list[i]] > clock) list[moved++] = list[i];
  }
  const many = moved > MANY * countOf(orders[0]);
  let count = 0;
  for (let i = 0; i < moved; i++) {
    const slot = list[i];
    if (size[slot] > 0) {
      if (many) { for (const order of orders) order.size[slot] = 0; }
      else for (const order of orders) remove(order, slot);
    }
    if (!isMember(memory, slot)) continue;
    hash(kept, memory, slot);
    list[count++] = slot;
  }
  if (many) {
    const members = listMembers(kept, memory);
    for (const order of orders) fill(order, members);
  } else {
    for (const order of orders) {
      for (let i = 0; i < count; i++) insert(order, list[i]);
    }
  }
  kept.clock = log.clock;
}

/** What that takes, in multiply-adds. */
export function pendingCost(kept: KeptOrders, memory: Memory): number {
  const { log, keys } = memory;
  let cost = 0;
  for (
    let slot = log.head;
    slot >= 0 && log.written[slot] > kept.clock;
    slot = log.next[slot]
  ) {
    if (log.scored[slot] > kept.clock && isMember(memory, slot)) {
      cost += kept.directions.rounds * rowCost(keys.keys, slot);
    }
  }
  return cost;
}

/** The slots of all keys that take part, ascending: a view that the next call writes over. */
export function listMembers(
  { list }: KeptOrders,
  memory: Memory,
): Int32Array {
  const { used } = memory.keys.slots;
  let count = 0;
  for (let slot = 0; slot < used; slot++) {
    if (isMember(memory, slot)) list[count++] = slot;
  }
  return list.subarray(0, count);
}

/** Whether a slot holds a key that takes part. */
export function isMember({ keys }: Memory, slot: number): boolean {
  return keys.slots.idOf[slot] >= 0 && keys.scoreBiases[slot] > -Infinity;
}

/** Makes room for all slots there are, so that nothing can fail half way. */
function makeRoom(kept: KeptOrders, { keys }: Memory): void {
  const room = keys.slots.idOf.length;
  if (kept.list.length >= room) return;
  const orders = kept.orders.map((order) => grownOrder(order, room));
  kept.list = new Int32Array(room);
  kept.orders = orders;
}

function hash(kept: KeptOrders, memory: Memory, slot: number): void {
  const { keys: { keys, slots }, kernel } = memory, { directions } = kept;
  kept.orders.forEach((order, round) => {
    order.hashes[slot] = projectStored(directions, round, keys, slot);
    order.ids[slot] = slots.idOf[slot];
  });
  kernel.multiplyAdds += directions.rounds * rowCost(keys, slot);
  kept.hashed++;
}
