/**
 * A thread that computes shares of a problem it is given once.
 *
 * @module
 */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import type { TileRange } from "@reattend/reattend/shards";
import type { Problem } from "./problem.ts";
import { type Axis, buffersOf, computeShare, type Part } from "./shares.ts";

/** What a worker is told: a problem, or which share of it to compute. */
export type Order =
  | { problem: Problem }
  | { axis: Axis; ranges: TileRange[] };

/** What it says: its parts, or why there are none. */
export type Reply = { parts: Part[] } | { refusal: string };

let problem: Problem;

self.onmessage = ({ data }: MessageEvent<Order>) => {
  if ("problem" in data) {
    problem = data.problem;
    return;
  }
  try {
    const parts = computeShare(problem, data.axis, data.ranges);
    self.postMessage({ parts } satisfies Reply, buffersOf(parts));
  } catch (error) {
    self.postMessage({ refusal: String(error) } satisfies Reply);
  }
};
