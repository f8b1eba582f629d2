/**
 * Numbered things in the order of their hashes, ties by id, where each comes, goes and is found in O(log m).
 *
 * A treap: a search tree by hash whose nodes are a heap by a priority that is a mixture of the node's number, so that
 * its shape, of expected depth O(log m), depends on what is in it and never on how that came to be there (R. Seidel and
 * C. Aragon, "Randomized search trees", Algorithmica 16, 1996, https://doi.org/10.1007/BF01940876). Nodes know the size
 * of what hangs under them, which gives ranks, and what they hang on, which gives neighbours.
 *
 * @module
 */

/** No node. */
export const NOBODY: number = -1;

/** Nodes in order; arrays are as long as there is room for nodes. */
export interface Order {
  root: number;
  left: Int32Array;
  right: Int32Array;
  up: Int32Array;
  /** How many nodes hang together here, the node itself among them; 0 for one that is not in the order. */
  size: Int32Array;
  /** To be set before a node is inserted, and left alone until it is removed. */
  hashes: Float64Array;
  /** The same; of equal hashes the smaller id comes first. */
  ids: Float64Array;
}

/** Makes an order of no nodes with room for `room` of them. */
export function makeOrder(room: number): Order {
  return {
    root: NOBODY,
    left: new Int32Array(room),
    right: new Int32Array(room),
    up: new Int32Array(room),
    size: new Int32Array(room),
    hashes: new Float64Array(room),
    ids: new Float64Array(room),
  };
}

/** The same nodes with room for more; what is returned takes the place of the order. */
export function grownOrder(order: Order, room: number): Order {
  const grown = makeOrder(room);
  grown.root = order.root;
  for (const name of ["left", "right", "up", "size"] as const) {
    grown[name].set(order[name]);
  }
  grown.hashes.set(order.hashes);
  grown.ids.set(order.ids);
  return grown;
}

/** How many nodes there are. */
export function countOf({ root, size }: Order): number {
  return root < 0 ? 0 : size[root];
}

/** Puts a node in, whose hash and id are set. */
export function insert(order: Order, node: number): void {
  const { left, right, up, size } = order;
  left[node] = right[node] = NOBODY;
  size[node] = 1;
  let above = NOBODY, first = false;
  for (let at = order.root; at >= 0; at = first ? left[at] : right[at]) {
    size[at]++;
    above = at;
    first = isBefore(order, node, at);
  }
  up[node] = above;
  if (above < 0) order.root = node;
  else if (first) left[above] = node;
  else right[above] = node;
  const priority = priorityOf(node);
  while (up[node] >= 0 && priorityOf(up[node]) < priority) lift(order, node);
}

/** Takes a node out. */
export function remove(order: Order, node: number): void {
  const { left, right, up, size } = order;
  for (;;) {
    const a = left[node], b = right[node];
    if (a < 0 && b < 0) break;
    const first = b < 0 || (a >= 0 && priorityOf(a) > priorityOf(b));
    lift(order, first ? a : b);
  }
  const above = up[node];
  if (above < 0) order.root = NOBODY;
  else if (left[above] === node) left[above] = NOBODY;
  else right[above] = NOBODY;
  for (let at = above; at >= 0; at = up[at]) size[at]--;
  size[node] = 0;
}

/** Fills an order anew with nodes whose hashes and ids are set; what was in it is out. */
export function fill(order: Order, nodes: Int32Array): void {
  const { left, right, up, size } = order;
  size.fill(0);
  order.root = NOBODY;
  nodes.sort((a, b) => isBefore(order, a, b) ? -1 : 1);
  // Along the right edge priorities fall, so the newcomer takes what is below its own as its left.
  let last = NOBODY;
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i], priority = priorityOf(node);
    let below = NOBODY, at = last;
    while (at >= 0 && priorityOf(at) < priority) {
      below = at;
      at = up[at];
    }
    left[node] = below;
    right[node] = NOBODY;
    up[node] = at;
    if (below >= 0) up[below] = node;
    if (at >= 0) right[at] = node;
    else order.root = node;
    last = node;
  }
  measure(order, order.root);
}

/** The node of a rank, from 0 on. */
export function nodeAt(
  { root, left, right, size }: Order,
  rank: number,
): number {
  for (let at = root; at >= 0;) {
    const before = left[at] < 0 ? 0 : size[left[at]];
    if (rank === before) return at;
    if (rank < before) at = left[at];
    else {
      rank -= before + 1;
      at = right[at];
    }
  }
  return NOBODY;
}

/** The node behind another. */
export function nextOf({ left, right, up }: Order, node: number): number {
  let at = right[node];
  if (at >= 0) {
    while (left[at] >= 0) at = left[at];
    return at;
  }
  for (at = node; up[at] >= 0 && right[up[at]] === at;) at = up[at];
  return up[at];
}

/** The node before another. */
export function previousOf({ left, right, up }: Order, node: number): number {
  let at = left[node];
  if (at >= 0) {
    while (right[at] >= 0) at = right[at];
    return at;
  }
  for (at = node; up[at] >= 0 && left[up[at]] === at;) at = up[at];
  return up[at];
}

/** Bytes held. */
export function orderBytes({ left, hashes }: Order): number {
  return 4 * left.byteLength + 2 * hashes.byteLength;
}

function isBefore({ hashes, ids }: Order, a: number, b: number): boolean {
  return hashes[a] < hashes[b] || (hashes[a] === hashes[b] && ids[a] < ids[b]);
}

/** The steps of MurmurHash3's finish (A. Appleby, 2011): no two nodes have the same. */
function priorityOf(node: number): number {
  let mixed = node ^ (node >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Exchanges a node with the one that it hangs on. */
function lift(order: Order, node: number): void {
  const { left, right, up, size } = order;
  const above = up[node], top = up[above];
  const first = left[above] === node;
  const moved = first ? right[node] : left[node];
  if (first) {
    left[above] = moved;
    right[node] = above;
  } else {
    right[above] = moved;
    left[node] = above;
  }
  if (moved >= 0) up[moved] = above;
  up[above] = node;
  up[node] = top;
  if (top < 0) order.root = node;
  else if (left[top] === above) left[top] = node;
  else right[top] = node;
  size[node] = size[above];
  const a = left[above], b = right[above];
  size[above] = 1 + (a < 0 ? 0 : size[a]) + (b < 0 ? 0 : size[b]);
}

/** Sets the sizes under a node and returns its own; as deep as the tree, which is O(log m). */
function measure(order: Order, node: number): number {
  if (node < 0) return 0;
  const { left, right, size } = order;
  size[node] = 1 + measure(order, left[node]) + measure(order, right[node]);
  return size[node];
}
