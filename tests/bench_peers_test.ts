/**
 * The arithmetic of the race against the peers: medians, turns, verdicts, tolerances, and what the page says of them.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { softmaxAttention } from "@reattend/reattend";
import {
  atLeast,
  atMost,
  type Claim,
  isLost,
  type Verdict,
  verdictOf,
} from "../bench/peers/bars.ts";
import { Pipe } from "../bench/peers/child.ts";
import { modelsOf } from "../bench/peers/onnx.ts";
import { readOptions } from "../bench/peers/options.ts";
import {
  Absent,
  bestOf,
  type Entry,
  over,
  race,
  timeOf,
  type Way,
  worstOf,
  Wrong,
} from "../bench/peers/race.ts";
import {
  type Circumstances,
  type Finding,
  page,
  samplesOf,
  wrongOf,
} from "../bench/peers/report.ts";
import {
  callsAhead,
  callsFor,
  isWarm,
  median,
  rotation,
  samplesFor,
  spread,
} from "../bench/peers/statistics.ts";
import { apart, prove, truthOf } from "../bench/peers/truth.ts";
import { faster, flopsOf } from "../bench/peers/workload.ts";
import { makeProblem } from "../bench/problem.ts";
import { DenseMatrix } from "../mod.ts";

const MS = 1e6;

Deno.test("median() is the middle, or the mean of the two in the middle", () => {
  assertEquals(median([7]), 7);
  assertEquals(median([30, 1, 9]), 9);
  assertEquals(median([10, 9, 100, 1]), 9.5);
  const given = [3, 1, 2];
  median(given);
  assertEquals(given, [3, 1, 2]);
});

Deno.test("median() of nothing is refused", () => {
  assertThrows(
    () => median([]),
    RangeError,
    "Cannot take a median: there are 0 numbers, there should be 1 or more",
  );
});

Deno.test("spread() is the middle half over the median, whatever lies outside", () => {
  assertEquals(spread([4, 4, 4, 4, 4]), 0);
  assertEquals(spread([1, 8, 10, 13, 1000]), 0.5);
});

Deno.test("rotation() gives each a turn in each round and lets each begin and follow each place once", () => {
  const count = 5;
  const rounds = Array.from({ length: count }, (_, at) => rotation(count, at));
  const all = [0, 1, 2, 3, 4];
  for (const round of rounds) assertEquals(round.toSorted(), all);
  for (let place = 0; place < count; place++) {
    assertEquals(rounds.map((round) => round[place]).toSorted(), all);
  }
  assertEquals(rotation(count, count + 2), rotation(count, 2));
});

Deno.test("callsFor() fills a sample, and one call is the least", () => {
  assertEquals(callsFor(5 * MS, 2 * MS), 3);
  assertEquals(callsFor(5 * MS, 5 * MS), 1);
  assertEquals(callsFor(5 * MS, 700 * MS), 1);
  assertEquals(callsFor(5 * MS, 0), 5 * MS);
});

Deno.test("callsAhead() are a millisecond of them, none of 50 ms", () => {
  assertEquals([1e3, 1 * MS, 49 * MS, 50 * MS].map(callsAhead), [
    1000,
    1,
    1,
    0,
  ]);
});

Deno.test("isWarm() wants 20 calls and 300 ms, or a second", () => {
  assert(!isWarm(0, 0));
  assert(!isWarm(1000, 299 * MS));
  assert(!isWarm(19, 999 * MS));
  assert(isWarm(20, 300 * MS));
  assert(isWarm(1, 1000 * MS));
});

Deno.test("samplesFor() takes three of what lasts a second and all of the rest", () => {
  assertEquals(samplesFor(11, 999 * MS), 11);
  assertEquals(samplesFor(11, 1000 * MS), 3);
  assertEquals(samplesFor(2, 1000 * MS), 2);
});

Deno.test("verdictOf() knows which way is better and that a bar reached is met", () => {
  const verdicts: [Claim, Verdict][] = [
    [atLeast("÷ a", 1.69, 1.7, 2.2), "missed"],
    [atLeast("÷ a", 1.7, 1.7, 2.2), "met"],
    [atLeast("÷ a", 2.2, 1.7, 2.2), "stretch"],
    [atLeast("÷ a", 9, 1.7), "met"],
    [atLeast("÷ a", 9), "no bar"],
    [atLeast("÷ a", 1, undefined, 2), "no bar"],
    [atLeast("÷ a", 2, undefined, 2), "stretch"],
    [atLeast("÷ a", "a: absent", 1.7), "not measured"],
    [atMost("a row", 101, 100, 50, "ns"), "missed"],
    [atMost("a row", 100, 100, 50, "ns"), "met"],
    [atMost("a row", 50, 100, 50, "ns"), "stretch"],
    [atMost("a row", NaN, 100), "missed"],
  ];
  for (const [claim, verdict] of verdicts) {
    assertEquals(verdictOf(claim), verdict, JSON.stringify(claim));
  }
});

Deno.test("isLost() is a ratio of speeds below 1 and nothing else", () => {
  assert(isLost(atLeast("÷ numpy", 0.99, 0.5)));
  assert(isLost(atLeast("attend ÷ numpy", 0.99)));
  assert(!isLost(atLeast("÷ numpy", 1)));
  assert(!isLost(atMost('"auto" ÷ the better', 0.9, 1.2)));
  assert(!isLost(atLeast("of the peak", 0.8)));
  assert(!isLost(atLeast("÷ numpy", "numpy: absent")));
});

/** A way whose call takes so many ns, by a clock of its own. */
function clocked(each: number, log?: () => void): Way {
  return {
    time(calls) {
      log?.();
      return calls * each;
    },
  };
}

/** How a race of three ends: their names, states and medians. */
function ends(entries: Entry[]): unknown[] {
  return entries.map((entry) => [
    entry.name,
    entry.state,
    entry.state === "timed" ? median(entry.samples) : entry.reason,
  ]);
}

Deno.test("race() times the right, names the absent and the wrong, and keeps their order", async () => {
  const entries = await race({
    "slow": () => clocked(3 * MS),
    "gone": () => {
      throw new Absent("not installed");
    },
    "off": () => {
      throw new Wrong("off by 1");
    },
    "broken": () => Promise.reject(new TypeError("a.b is no function\nat c")),
    "spoiled": () => ({
      ...clocked(1 * MS),
      check() {
        throw new Error("wrong in the end");
      },
    }),
    "fast": () => clocked(1 * MS),
    "batch": () => ({ ...clocked(1 * MS), jobs: 100 }),
  }, 11);
  assertEquals(ends(entries), [
    ["slow", "timed", 3 * MS],
    ["gone", "absent", "not installed"],
    ["off", "wrong", "off by 1"],
    ["broken", "wrong", "a.b is no function"],
    ["spoiled", "wrong", "wrong in the end"],
    ["fast", "timed", 1 * MS],
    ["batch", "timed", 10_000],
  ]);
});

Deno.test("race() lets a way run ahead of each of its samples, outside of the clock", async () => {
  let batches = 0;
  const way = () => clocked(4 * MS, () => batches++);
  const [entry] = await race({ way }, 3);
  assert(entry.state === "timed");
  assertEquals([entry.samples, entry.calls], [[4 * MS, 4 * MS, 4 * MS], 2]);
  // 1, 2, …, 64 calls to get warm, then some ahead and some that are timed, three times.
  assertEquals(batches, 7 + 3 * 2);
});

Deno.test("race() warms all before it times any, and then they take turns", async () => {
  const log: string[] = [];
  // A call takes 160 ms: a second is 1 + 2 + 4 of them, a sample is one call, and none goes ahead of it.
  const field = Object.fromEntries(
    ["a", "b", "c"].map((
      name,
    ) => [name, () => clocked(160 * MS, () => log.push(name))]),
  );
  const entries = await race(field, 3);
  assertEquals(log.join(""), "aaabbbccc" + "abc" + "bca" + "cab");
  for (const entry of entries) {
    assert(entry.state === "timed");
    assertEquals([entry.samples.length, entry.calls], [3, 1]);
  }
});

Deno.test("race() fills samples by the fastest batch of the warm-up, so that none is short", async () => {
  let batches = 0;
  // A pause in the last batch of the warm-up must not make samples of one call.
  const hesitating: Way = {
    time: (calls) => calls * (++batches === 6 ? 10 : 1) * MS,
  };
  const [entry] = await race({ hesitating: () => hesitating }, 3);
  assert(entry.state === "timed");
  assertEquals(entry.calls, 5);
});

Deno.test("race() goes on without a way that breaks down, whenever it does", async () => {
  /** Breaks down at its last call of so many. */
  const breaking = (last: number) => () => {
    let calls = 0;
    return clocked(60 * MS, () => {
      if (++calls === last) throw new Error(`call ${last}`);
    });
  };
  // Three calls warm it up, and each round is one.
  const entries = await race({
    "while warming": breaking(2),
    "steady": () => clocked(60 * MS),
    "in a round": breaking(5),
    "steadier": () => clocked(60 * MS),
  }, 3);
  assertEquals(ends(entries), [
    ["while warming", "wrong", "call 2"],
    ["steady", "timed", 60 * MS],
    ["in a round", "wrong", "call 5"],
    ["steadier", "timed", 60 * MS],
  ]);
  for (const entry of entries) {
    if (entry.state === "timed") assertEquals(entry.samples.length, 3);
  }
});

Deno.test("race() takes three samples of what lasts a second, and all of its neighbours", async () => {
  const entries = await race({
    slow: () => clocked(2000 * MS),
    fast: () => clocked(MS),
  }, 11);
  assertEquals(
    entries.map((entry) => entry.state === "timed" && entry.samples.length),
    [3, 11],
  );
});

const ENTRIES: Entry[] = [
  { name: "ours", state: "timed", samples: [2, 1, 3], calls: 1 },
  { name: "peer, one", state: "timed", samples: [8, 8, 8], calls: 1 },
  { name: "peer, two", state: "timed", samples: [6, 9, 5], calls: 1 },
  { name: "peer, three", state: "absent", reason: "gone" },
  { name: "other", state: "wrong", reason: "off | by 1" },
];

Deno.test("ratios are those of medians to the best of a peer's ways, and have a reason where there are none", () => {
  assertEquals(timeOf(ENTRIES, "ours"), 2);
  assertEquals(timeOf(ENTRIES, "other"), "other: wrong");
  assertEquals(timeOf(ENTRIES, "nobody"), "nobody: not asked");
  assertEquals(bestOf(ENTRIES, ["peer, one", "peer, two", "peer, three"]), 6);
  assertEquals(bestOf(ENTRIES, ["peer, three"]), "peer, three: absent");
  assertEquals(worstOf(ENTRIES, ["ours", "peer, one"]), 8);
  assertEquals(worstOf(ENTRIES, ["ours", "other"]), "other: wrong");
  assertEquals(over(6, 2), 3);
  assertEquals(over("a: absent", 2), "a: absent");
  assertEquals(over(6, "ours: wrong"), "ours: wrong");
  assertEquals(faster(ENTRIES, "peer", "ours"), 3);
  assertEquals(faster(ENTRIES, "other", "ours"), "other: wrong");
});

Deno.test("flopsOf() counts both products", () => {
  assertEquals(flopsOf(makeProblem(1, 2, 3, 4, 5)), 2 * 2 * 3 * (4 + 5));
});

const PROBLEM = makeProblem(5, 3, 33, 7, 5);

Deno.test("truthOf() is the definition, and its tolerance that of f32", () => {
  const { n, m, dim, valueDim, queries, keys, values } = PROBLEM;
  const { output, tolerance } = truthOf(PROBLEM);
  const definition = softmaxAttention(
    new DenseMatrix(n, dim, queries),
    new DenseMatrix(m, dim, keys),
    new DenseMatrix(m, valueDim, values),
  ).data;
  const largest = Math.max(...values.map(Math.abs));
  // Both are f64 sums of at most m + dim terms.
  assert(apart(output, definition) <= (m + 16 * dim) * 2 ** -52 * largest);
  // Half a unit of f32 at least, and no more than its sums of m + dim terms can lose.
  assert(tolerance > 2 ** -25 && tolerance < 2 * (m + 16 * dim) * 2 ** -24);
});

Deno.test("prove() lets rounding pass and nothing more", () => {
  const truth = { output: Float64Array.of(1, 2), tolerance: 2 ** -10 };
  assertEquals(prove([1, 2 + 2 ** -10], truth), 2 ** -10);
  assertEquals(prove([1, 2 - 2 ** -11], truth), 2 ** -11);
  for (
    const wrong of [
      [1, 2 + 2 ** -9],
      [1 - 2 ** -9, 2],
      [NaN, 2],
      [1, Infinity],
      [1],
      [1, 2, 3],
    ]
  ) {
    assertThrows(() => prove(wrong, truth), Wrong);
  }
  assertThrows(
    () => prove([1.5, 2], truth),
    Wrong,
    "off by 5.0e-1, at most 9.8e-4 is rounding",
  );
});

Deno.test("apart() is the largest difference; a NaN before it or behind it hides nothing", () => {
  assertEquals(apart([1, 5, 2], [1, 2, 4]), 3);
  assertEquals(apart([], []), 0);
  assertEquals(apart([NaN, 1], [1, 1]), Infinity);
  assertEquals(apart([1, NaN, 1], [2, 1, 1]), Infinity);
});

Deno.test("modelsOf() gives three models, each naming its operators and shapes", () => {
  const models = modelsOf(PROBLEM);
  assertEquals(Object.keys(models), [
    "Attention",
    "MultiHeadAttention",
    "Gemm, Softmax, MatMul",
  ]);
  for (const [name, { bytes, queries, values }] of Object.entries(models)) {
    const text = new TextDecoder("latin1").decode(bytes);
    for (const operator of name.split(", ")) assert(text.includes(operator));
    assertEquals(queries.reduce((a, b) => a * b), PROBLEM.queries.length);
    assertEquals(values.reduce((a, b) => a * b), PROBLEM.values.length);
  }
  const { bytes } = models["Gemm, Softmax, MatMul"];
  // axis: -1 is a varint of 64 bits, nine bytes of ones and a last bit.
  const axis = [0x18, ...Array(9).fill(0xff), 0x01];
  const at = bytes.findIndex((_, at) =>
    axis.every((byte, i) => bytes[at + i] === byte)
  );
  assert(at > 0);
});

Deno.test("Pipe reads lines and counts, however they are cut into chunks", async () => {
  const lines = ['{"bytes":5}', "", "end"], counts = [5, 0, 3];
  const bytes = new TextEncoder().encode(
    `${lines[0]}\nabcde${lines[1]}\n${lines[2]}\nxyz`,
  );
  for (let size = 1; size <= bytes.length; size++) {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      chunks.push(bytes.slice(at, at + size));
    }
    const pipe = new Pipe(ReadableStream.from(chunks));
    const read: string[] = [];
    for (let i = 0; i < lines.length; i++) {
      read.push(await pipe.line());
      read.push(new TextDecoder().decode(await pipe.take(counts[i])));
    }
    assertEquals(read, [lines[0], "abcde", "", "", "end", "xyz"]);
    const after = await pipe.line().catch((error) => error);
    assert(after instanceof Absent);
  }
});

Deno.test("readOptions() knows its options and the workloads", () => {
  const known = ["one", "many"];
  assertEquals(readOptions([], known), {
    only: known,
    quick: false,
    busy: false,
  });
  assertEquals(readOptions(["--only", "many", "--quick", "--busy"], known), {
    only: ["many"],
    quick: true,
    busy: true,
  });
  assertEquals(readOptions(["--only", "many,one"], known).only, [
    "many",
    "one",
  ]);
  assertThrows(
    () => readOptions(["--only"], known),
    RangeError,
    'Cannot race: there is no workload "", it should be one of one, many',
  );
  assertThrows(
    () => readOptions(["--fast"], known),
    RangeError,
    'Cannot race: there is no option "--fast", it should be --quick, --busy or --only',
  );
});

const HOW: Circumstances = {
  command: "deno task bench:peers",
  date: "2026-01-01",
  machine: "a processor",
  versions: { numpy: "2" },
  absent: { torch: "python3: No module named 'torch'" },
  samples: 3,
  quick: false,
  clock: "wall",
};
const FINDINGS: Finding[] = [{
  name: "many",
  about: "Many.",
  sections: [{
    title: "(2, 3)",
    entries: ENTRIES,
    ours: "ours",
    claims: [
      atLeast("÷ peer", 3, 2, 4),
      atLeast("÷ numpy", 0.5, 0.55),
      atLeast("÷ torch", "torch: absent", 1),
      atMost("a row", 40, 100, 50, "ns"),
      atLeast("÷ ml-matrix", 7),
    ],
    notes: ["A note."],
  }],
}];

Deno.test("page() says what is met, missed, absent, wrong and lost", () => {
  const text = page(HOW, FINDINGS);
  for (
    const line of [
      "| torch | python3: No module named 'torch' |",
      "2 of 4 bars are met, 1 of them with their stretch; 1 are missed, 1 not measured.",
      "| (2, 3) | ÷ peer | 3.00 | ≥ 2 | ≥ 4 | met |",
      "| (2, 3) | ÷ numpy | 0.500 | ≥ 0.55 |  | **missed** |",
      "| (2, 3) | ÷ torch | torch: absent | ≥ 1 |  | not measured |",
      "| (2, 3) | a row | 40.0 ns | ≤ 100 ns | ≤ 50 ns | met, stretch too |",
      "| (2, 3) | ÷ ml-matrix | 7.00 |  |  | – |",
      "| (2, 3) | other | off \\| by 1 |",
      "| (2, 3) | ÷ numpy | 0.500 |",
      "peer, three: absent (gone).",
      "other: wrong (off \\| by 1).",
      "A note.",
    ]
  ) assert(text.split("\n").includes(line), line);
  assert(!text.includes("A quick run"));
  assert(page({ ...HOW, quick: true }, FINDINGS).includes("A quick run"));
  const processor = "Times are those of the processor";
  assert(!text.includes(processor));
  assert(page({ ...HOW, clock: "processor" }, FINDINGS).includes(processor));
  assertEquals(wrongOf(FINDINGS), [["(2, 3)", "other", "off \\| by 1"]]);
});

Deno.test("samplesOf() holds every sample and every reason", () => {
  assertEquals(JSON.parse(samplesOf(HOW, FINDINGS)).races, {
    "many: (2, 3)": {
      "ours": "2 1 3",
      "peer, one": "8 8 8",
      "peer, two": "6 9 5",
      "peer, three": "absent: gone",
      "other": "wrong: off | by 1",
    },
  });
});
