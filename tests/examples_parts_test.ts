/**
 * The parts of the demo: its data, its memory, what it compares with and what it checks.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  edit,
  errorBound,
  ids,
  outputs,
  remove,
  softmaxAttention,
  stats,
} from "@reattend/reattend";
import {
  findsItself,
  freshAnswers,
  inWords,
  isRight,
  loudest,
  reportRight,
  standingAnswers,
} from "../examples/semantic_memory/answer.ts";
import {
  audit,
  claimOfErrors,
  claimsOfLife,
} from "../examples/semantic_memory/audit.ts";
import {
  afresh,
  farthest,
  sameBits,
  startOver,
} from "../examples/semantic_memory/compare.ts";
import { largest, live } from "../examples/semantic_memory/live.ts";
import {
  doubt,
  forget,
  learn,
  makeMemory,
  type Memory,
  reword,
  SCALE,
  seededChances,
  shuffled,
} from "../examples/semantic_memory/memory.ts";
import {
  loadNouns,
  readTensor,
} from "../examples/semantic_memory/memory_data.ts";
import { progress, type Screen } from "../examples/semantic_memory/show.ts";

const FOLDER = new URL("../examples/semantic_memory/", import.meta.url);
const NOUNS = await loadNouns(FOLDER);
const SMALL = {
  standing: 12,
  start: 64,
  changes: 40,
  every: 20,
  least: 48,
  most: 80,
};

function smallMemory(seed: number): Memory {
  const below = seededChances(seed), nouns = shuffled(NOUNS.list, below);
  const memory = makeMemory(NOUNS, nouns.slice(0, SMALL.standing));
  for (const noun of nouns.slice(0, SMALL.start)) learn(memory, noun);
  return memory;
}

function broken(memory: Memory): string[] {
  return audit(memory).claims.filter(({ holds }) => !holds)
    .map(({ text }) => text);
}

/** A tensor file of one tensor. */
function tensorFile(header: unknown, bytes: number): Uint8Array {
  const json = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const file = new Uint8Array(8 + json.length + bytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

Deno.test("answers are those of the definition of attention, and rightly told right or wrong", () => {
  const memory = smallMemory(6), told = [...memory.held.values()];
  const texts = told.map(({ noun }) => noun.textMeaning);
  const others = NOUNS.list.filter((noun) => !memory.standing.includes(noun));
  for (
    const [answers, words] of [
      [standingAnswers(memory), memory.standing],
      [freshAnswers(memory, others), others],
    ] as const
  ) {
    const queries = words.map(({ wordMeaning }) => wordMeaning);
    const votes = told.map(({ value }) => value);
    const exact = softmaxAttention(queries, texts, votes, { scale: SCALE });
    answers.forEach((answer, at) => {
      const { noun, shares } = answer;
      assertEquals(noun, words[at]);
      assert(farthest(shares, exact.getRow(at)) <= 2 ** -32, noun.word);
      const similar = texts.map((text) =>
        text.reduce((sum, number, i) => sum + number * noun.wordMeaning[i], 0)
      );
      const best = told[largest(similar)].noun;
      assertEquals(memory.held.get(loudest(answer))!.noun, best);
      assertEquals(findsItself(memory, answer), best === noun);
      assertEquals(isRight(answer), largest(exact.getRow(at)) === noun.kind);
    });
    let text = "";
    reportRight(
      { terminal: false, colour: false, write: (piece) => text += piece },
      memory,
      answers,
    );
    const right = answers.filter(isRight).length;
    assertStringIncludes(
      text.replaceAll(/\s+/g, " "),
      `Of all ${words.length} such words, ${right} are given their true kind.`,
    );
  }
  assertEquals(
    inWords(["food", "plant", "group", "body"], [0.2, 0.61, 0.019, 0.171]),
    "plant 61 %, food 20 %, body 17 %",
  );
});

Deno.test("audit() notices a memory that is not what it was told", () => {
  const memory = smallMemory(1);
  assertEquals(broken(memory), []);
  const first = ids(memory.attention)[0];
  edit(memory.attention, { values: [[first, 0, 2 ** -20]] });
  assertEquals(broken(memory).map((text) => text.slice(0, 12)), [
    "It holds the",
    "A new memory",
    "The shares i",
  ]);
  const other = smallMemory(1);
  remove(other.attention, first);
  assertEquals(broken(other).map((text) => text.slice(0, 12)), [
    "It holds the",
    "Asked with i",
    "A new memory",
  ]);
});

Deno.test("claimOfErrors() wants a certificate, and errors within it", () => {
  const holds = (measured: number, bound: number) =>
    claimOfErrors({ measured, bound }).holds;
  assertEquals([holds(0, 0), holds(1e-10, 1e-9)], [true, true]);
  assertEquals([holds(1e-9, 1e-10), holds(0, Infinity)], [false, false]);
  assertEquals([holds(NaN, 1), holds(0, NaN)], [false, false]);
});

Deno.test("live() keeps every answer as a new memory would give it, and notices one that is not", () => {
  const memory = smallMemory(2), below = seededChances(7), steps: number[] = [];
  const course = { ...SMALL, every: 1 };
  const lived = live(memory, below, course, (done) => steps.push(done));
  assertEquals(steps, Array.from({ length: 40 }, (_, at) => at + 1));
  assertEquals(Object.values(lived.deeds).reduce((sum, one) => sum + one), 40);
  assertEquals(lived.checked, 40);
  assert(lived.bound <= 2 ** -32 && lived.bound > 0);
  assert(Object.values(lived.deeds).every((times) => times > 0));
  assert(claimsOfLife(memory, lived, 40).every(({ holds }) => holds));
  const [certified] = claimsOfLife(memory, { ...lived, bound: 1e-9 }, 40);
  assertEquals(certified.holds, false);
  // The record says one thing and the memory another from here on.
  memory.held.get(ids(memory.attention)[0])!.value[0] += 1;
  const wrong = live(memory, below, course, () => {});
  assertEquals(
    claimsOfLife(memory, wrong, 40).map(({ holds }) => holds),
    [true, false, false, false],
  );
});

Deno.test("a memory that forgets and learns, rewords and doubts twice, is what it was", () => {
  const memory = smallMemory(4), { attention } = memory;
  const before = outputs(attention).data;
  const changed = (name: string) =>
    assert(!sameBits(before, outputs(attention).data), name);
  for (const id of ids(attention).slice(0, 5)) {
    for (const [name, act] of Object.entries({ reword, doubt })) {
      act(memory, id);
      changed(name);
      assertEquals(broken(memory), []);
      act(memory, id);
      assert(sameBits(before, outputs(attention).data), name);
    }
    const { noun } = memory.held.get(id)!;
    forget(memory, id);
    changed("forget");
    assertEquals(memory.unknown.includes(noun), true);
    learn(memory, noun);
    assert(sameBits(before, outputs(attention).data), "learn");
  }
});

Deno.test("a change costs the same in a large memory, starting over does not", () => {
  const costs = [32, 320].map((size) => {
    const memory = makeMemory(NOUNS, NOUNS.list.slice(0, 12));
    for (const noun of NOUNS.list.slice(100, 100 + size)) learn(memory, noun);
    outputs(memory.attention);
    const { multiplyAdds: first, recomputed } = stats(memory.attention);
    learn(memory, NOUNS.list[500]);
    outputs(memory.attention);
    assertEquals(stats(memory.attention).recomputed, recomputed);
    return { first, change: stats(memory.attention).multiplyAdds - first };
  });
  assertEquals(costs[0].change, costs[1].change);
  // Each answer ends with a division of the sums, whatever the size.
  const division = 12 * (8 + 1);
  assertEquals(costs[1].first - division, 10 * (costs[0].first - division));
});

Deno.test("startOver() answers in three ways that agree within their errors", () => {
  const memory = smallMemory(5), exact = outputs(memory.attention).data;
  const bound = errorBound(memory.attention).total;
  const rivals = startOver(memory);
  assertEquals(rivals.map(({ name }) => name), [
    "with a new memory",
    "with scaledDotProductAttention",
    "with ml-matrix",
  ]);
  for (const { name, error, answers } of rivals) {
    assert(
      farthest(answers, exact) <= (error === 0 ? 0 : error + bound),
      name,
    );
  }
  assertEquals(sameBits(outputs(afresh(memory)).data, exact), true);
  assertEquals(farthest([1, NaN], [1, 2]), Infinity);
  assertEquals(farthest([1], [1, 2]), Infinity);
  assertEquals(sameBits([0], [-0]), false);
  assertEquals(sameBits([0], [0, 0]), false);
});

Deno.test("loadNouns() finds 512 nouns whose meanings have length 1", () => {
  assertEquals([NOUNS.list.length, NOUNS.dim], [512, 512]);
  assertEquals(NOUNS.kinds.slice(0, 3), ["artifact", "plant", "animal"]);
  for (const { word, wordMeaning, textMeaning } of NOUNS.list) {
    for (const meaning of [wordMeaning, textMeaning]) {
      // 512 numbers rounded to 11 bits: each square errs by 2⁻¹⁰ of itself at most.
      const square = meaning.reduce((sum, number) => sum + number ** 2, 0);
      assert(Math.abs(square - 1) <= 2 ** -10, `${word}: ${square}`);
    }
  }
});

Deno.test("readTensor() reads 16-bit floats row by row, and refuses what is none", () => {
  const entry = { dtype: "F16", shape: [1, 2], data_offsets: [2, 6] };
  const file = tensorFile({ pair: entry }, 6);
  const view = new DataView(file.buffer);
  view.setUint16(file.length - 4, 0x3c00, true);
  view.setUint16(file.length - 2, 0xc000, true);
  assertEquals(readTensor(file, "pair"), {
    rows: 1,
    columns: 2,
    numbers: new Float32Array([1, -2]),
  });
  const refused: [Uint8Array, string][] = [
    [
      new Uint8Array(7),
      "the file has 7 bytes, it should hold the header that it announces",
    ],
    [
      file.subarray(0, 20),
      "the file has 20 bytes, it should hold the header that it announces",
    ],
    [tensorFile("{", 0), "the header is no JSON, it should be"],
    [
      tensorFile({ other: entry }, 6),
      "it is not there, it should be one of other",
    ],
    [
      tensorFile({ pair: { ...entry, dtype: "F32" } }, 6),
      "it is F32 of 2 axes, it should be F16 of 2 axes",
    ],
    [
      tensorFile({ pair: { ...entry, shape: [2] } }, 6),
      "it is F16 of 1 axes, it should be F16 of 2 axes",
    ],
    [
      tensorFile({ pair: entry }, 5),
      "it lies at bytes 2 to 6 of 5, it should be 1 × 2 numbers of 2 bytes",
    ],
    [
      tensorFile({ pair: { ...entry, shape: [2, 2] } }, 6),
      "it lies at bytes 2 to 6 of 6, it should be 2 × 2 numbers of 2 bytes",
    ],
  ];
  for (const [bytes, complaint] of refused) {
    assertThrows(
      () => readTensor(bytes, "pair"),
      RangeError,
      `Cannot read tensor "pair": ${complaint}`,
    );
  }
});

Deno.test("progress() shows each step once, and ends its line", () => {
  let text = "";
  const screen: Screen = {
    terminal: true,
    colour: false,
    write: (piece) => text += piece,
  };
  const done = progress(screen, "changes", 200);
  for (let step = 1; step <= 200; step++) done(step);
  assertEquals(text.match(/\r/g)!.length, 51);
  assertStringIncludes(text, `\r  ${"█".repeat(50)}  200 of 200 changes\n`);
});
