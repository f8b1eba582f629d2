/**
 * What keeps to which pattern: the table in bench/cab/patterns.md is what the probe finds, and the probe finds leaks.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { findPatterns, type Line, patternsTable } from "../bench/patterns.ts";
import { scaledDotProductAttention } from "../mod.ts";
import type { Tensor } from "../src/softmax/tensor.ts";
import {
  type Found,
  isSafe,
  type Likeness,
  type Pattern,
  probe,
  type Probed,
  type Problem,
  rowAt,
} from "./patterns.ts";
import { tensorSystem } from "./systems.ts";

const CASES = 40;
const exact = tensorSystem("exact", () => "f64", () => ({}));

/** Exact attention with something done to the problem, or to its outputs. */
function altered(
  before: (problem: Problem) => Problem,
  after: (output: Tensor, problem: Problem) => Tensor = (output) => output,
): Probed {
  return {
    ...exact,
    attend: (problem) => after(exact.attend(before(problem)), problem),
  };
}

function likeness({ changed, cut }: Found): [Likeness, Likeness] {
  return [changed, cut];
}

// The probe

Deno.test("probe() finds a causal mask that is off by one, and with the right one nothing", () => {
  const shifted = (right: number) =>
    tensorSystem("shifted", () => "f64", () => ({
      causal: undefined,
      window: { right },
    }));
  assertEquals(likeness(probe(shifted(1), "CS", CASES)), ["not", "not"]);
  const right = probe(shifted(0), "CS", CASES);
  assertEquals(likeness(right), ["to the bit", "to the bit"]);
  assertEquals(right.leak, undefined);
});

Deno.test("probe() finds what mixes queries, and where only their number matters", () => {
  const moved = altered((problem) => {
    const { queries } = problem, { data, shape } = queries;
    const sum = Float64Array.from(data).reduce((sum, x) => sum + x, 0);
    const mean = sum / data.length;
    return { ...problem, queries: { data: data.map((x) => x - mean), shape } };
  });
  for (const pattern of ["CS", "CC"] as const) {
    assertEquals(likeness(probe(moved, pattern, CASES)), ["not", "not"]);
  }
  const counted = altered((problem) => problem, ({ data, shape }) => ({
    data: data.map((x) => x * shape[2]),
    shape,
  }));
  const found = probe(counted, "CC", CASES);
  assertEquals(likeness(found), ["to the bit", "not"]);
  assert(found.leak?.includes("cut"));
});

Deno.test("probe() finds a stabiliser that looks at all queries, which moves no more than last bits", () => {
  const stabilised = altered((problem) => {
    const { queries: { data, shape }, scale } = problem;
    const largest = Math.max(...data.map(Math.abs)) || 1;
    return {
      ...problem,
      queries: { data: data.map((x) => x / largest), shape },
      scale: scale * largest,
    };
  });
  const found = probe(stabilised, "CC", CASES, ["fresh", "zeros", "copies"]);
  assertEquals(likeness(found), ["within rounding", "within rounding"]);
});

Deno.test("probe() finds that a NaN spreads, and what shows in the last row looked at alone", () => {
  const spread = altered((problem) => {
    const isSpoilt = problem.queries.data.some(Number.isNaN);
    return isSpoilt ? { ...problem, scale: 2 * problem.scale } : problem;
  });
  assertEquals(probe(spread, "CC", CASES).changed, "not");
  assertEquals(
    probe(spread, "CC", CASES, ["fresh", "huge"]).changed,
    "to the bit",
  );
  const neighbour = altered((problem) => problem, (output, { queries }) => {
    const data = output.data.slice(), [batches, heads, n] = output.shape;
    for (let head = 0; head < batches * heads; head++) {
      for (let row = 0; row + 1 < n; row++) {
        rowAt({ data, shape: output.shape }, head, row)[0] +=
          rowAt(queries, head, row + 1)[0];
      }
    }
    return { data, shape: output.shape };
  });
  assertEquals(likeness(probe(neighbour, "CC", CASES)), ["not", "not"]);
});

Deno.test("probe() does not take what it cannot judge for safe", () => {
  const silent = altered((problem) => problem, ({ data, shape }) => ({
    data: data.map(() => 1),
    shape,
  }));
  for (const pattern of ["NS", "CS", "NC", "CC"] as const) {
    assertThrows(
      () => probe(silent, pattern, CASES),
      Error,
      `exact, ${pattern}: no output depends on what it may see`,
    );
  }
  // Causal attention is no attention to all keys.
  const blind: Probed = {
    ...exact,
    attend: ({ queries, keys, values, scale }) =>
      scaledDotProductAttention(queries, keys, values, { scale, causal: true })
        .output,
  };
  assertThrows(
    () => probe(blind, "CC", 5),
    Error,
    "no output depends on what it may see",
  );
  const moody: Probed = {
    ...exact,
    attend: (problem) => {
      if (problem.seed % 2 === 0) throw new TypeError("Cannot attend: no");
      return exact.attend(problem);
    },
  };
  assertThrows(() => probe(moody, "CC", CASES), Error, "Cannot attend: no");
  const never: Probed = {
    ...exact,
    attend: () => {
      throw new TypeError("Cannot attend: never");
    },
  };
  const found = probe(never, "CS", CASES);
  assertEquals(found.refusal, "Cannot attend: never");
  assert(!isSafe(found));
});

// What there is

let probed: Line[] | undefined;
/** What the probe finds, once. */
function lines(): Line[] {
  return probed ??= findPatterns();
}

const causal = ["CS", "CC"] as const;

/** All cells of the patterns in which outputs are in order. */
function cells(): { at: string; pattern: Pattern; found: Found }[] {
  return lines().flatMap(({ part, name, found }) =>
    causal.map((pattern) => ({
      at: `${part}, ${name}, ${pattern}`,
      pattern,
      found: found[pattern],
    }))
  );
}

Deno.test("bench/cab/patterns.md is what the probe finds", () => {
  const committed = Deno.readTextFileSync(
    new URL("../bench/cab/patterns.md", import.meta.url),
  );
  // But for how it is set.
  const words = (text: string) =>
    text.replaceAll(/-{3,}/g, "---").split(/\s+/).filter(Boolean);
  assertEquals(words(committed), words(patternsTable(lines())));
});

Deno.test("no attention of tensors leaks; of those that are maintained three do, which say so", () => {
  const leaking = cells().filter(({ found }) =>
    found.refusal === undefined && !isSafe(found)
  );
  assertEquals(leaking.map(({ at }) => at), [
    "watched queries, nystrom, means of queries, CC",
    "watched queries, pruned by these weights, CS",
    "watched queries, pruned by these weights, CC",
  ]);
});

Deno.test("what is later and of the same shape changes no bit, and of 64-bit exact and maintained attention its absence does not either", () => {
  for (const { at, found } of cells()) {
    if (!isSafe(found)) continue;
    assertEquals(found.changed, "to the bit", at);
    if (/^(tensors, exact, 64|tensors, .* scalar|watched|guests)/.test(at)) {
      assertEquals(found.cut, "to the bit", at);
    }
  }
});

Deno.test("what is refused would leak", () => {
  let refused = 0;
  for (const { part, name, found, unguarded } of lines()) {
    for (const pattern of causal) {
      if (found[pattern].refusal === undefined) continue;
      const would = unguarded[pattern];
      if (would === undefined) continue;
      refused++;
      assert(!isSafe(would), `${part}, ${name}, ${pattern}`);
    }
  }
  assert(refused > 0);
});
