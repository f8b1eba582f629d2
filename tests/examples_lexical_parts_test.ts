/**
 * The parts of the second mode of the demo: its vectors, its memory kept twice, and what it checks.
 *
 * @module
 */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertStringIncludes,
} from "@std/assert";
import {
  edit,
  entry,
  errorBound,
  type Id,
  ids,
  outputs,
  remove,
  softmaxAttention,
} from "@reattend/reattend";
import {
  findsIt,
  freshAnswers,
  isRight,
  reportRight,
  showAnswer,
  standingAnswers,
} from "../examples/lexical_memory/answer.ts";
import {
  audit,
  claimsOfLife,
  measureBoth,
} from "../examples/lexical_memory/audit.ts";
import { showBill } from "../examples/lexical_memory/bill.ts";
import {
  carryOut,
  choose,
  type Deed,
  doubt,
  forget,
  learn,
  reword,
  stress,
} from "../examples/lexical_memory/deeds.ts";
import {
  askFor,
  dictionaryOf,
  makeMemory,
  type Memory,
  SCALE,
  SIDES,
} from "../examples/lexical_memory/memory.ts";
import { keysTold, valuesTold } from "../examples/lexical_memory/record.ts";
import { anew, live } from "../examples/lexical_memory/twins.ts";
import {
  makeDictionary,
  weigh,
  weightOfOneMore,
  wordsOf,
} from "../examples/lexical_memory/words.ts";
import { farthest, sameBits } from "../examples/semantic_memory/compare.ts";
import { largest } from "../examples/semantic_memory/live.ts";
import { seededChances, shuffled } from "../examples/semantic_memory/memory.ts";
import { loadNouns } from "../examples/semantic_memory/memory_data.ts";
import type { Screen } from "../examples/semantic_memory/show.ts";

const FOLDER = new URL("../examples/semantic_memory/", import.meta.url);
const NOUNS = await loadNouns(FOLDER);
const DICTIONARY = dictionaryOf(NOUNS);
const SMALL = {
  standing: 12,
  start: 64,
  changes: 40,
  every: 20,
  least: 48,
  most: 80,
};
/** The relative rounding of a number to 32 bits. */
const SINGLE = 2 ** -24;

function smallMemory(seed: number): Memory {
  const below = seededChances(seed), nouns = shuffled(NOUNS.list, below);
  const standing = nouns.slice(0, SMALL.standing)
    .map((noun) => askFor(DICTIONARY, noun, below));
  return makeMemory(NOUNS, DICTIONARY, standing, nouns.slice(0, SMALL.start));
}

/** The claims that do not hold, by how they begin. */
function broken(memory: Memory): string[] {
  return audit(memory, measureBoth(memory)).filter(({ holds }) => !holds)
    .map(({ text }) => text.slice(0, 12));
}

function bits({ attentions }: Memory): Float64Array[] {
  return SIDES.map((side) => outputs(attentions[side]).data);
}

function same(one: Float64Array[], other: Float64Array[]): boolean {
  return one.every((numbers, at) => sameBits(numbers, other[at]));
}

Deno.test("wordsOf() finds runs of two or more letters and digits, in lower case", () => {
  assertEquals(
    wordsOf("A well-known Émile's 17th-century (12 gallon) pot; I x2"),
    [
      "well",
      "known",
      "émile",
      "17th",
      "century",
      "12",
      "gallon",
      "pot",
      "x2",
    ],
  );
  assertEquals(wordsOf(""), []);
  assertEquals(wordsOf("a ; b"), []);
});

Deno.test("weigh() gives the numbers that the documentation of scikit-learn works out", () => {
  // https://scikit-learn.org/stable/modules/feature_extraction.html: these counts, with smooth_idf.
  const counts = [
    [3, 0, 1],
    [2, 0, 0],
    [3, 0, 0],
    [4, 0, 0],
    [3, 2, 0],
    [3, 0, 2],
  ];
  const printed = [
    [0.85151335, 0, 0.52433293],
    [1, 0, 0],
    [1, 0, 0],
    [1, 0, 0],
    [0.55422893, 0.83236428, 0],
    [0.63035731, 0, 0.77630514],
  ];
  // Columns are in alphabetical order, whatever comes first.
  const texts = counts.map(([one, two, three]) => [
    ...Array(three).fill("cc"),
    ...Array(two).fill("bb"),
    ...Array(one).fill("aa"),
  ]);
  const dictionary = makeDictionary(texts);
  assertEquals(dictionary.words, ["aa", "bb", "cc"]);
  assertEquals(dictionary.columnOf.get("cc"), 2);
  const rows = weigh(dictionary, texts);
  assertEquals(rows.nonZeros, 9);
  rows.to2DArray().forEach((row, at) =>
    row.forEach((number, column) =>
      assertAlmostEquals(number, printed[at][column], 0.5e-8 + SINGLE)
    )
  );
});

Deno.test("weigh() and weightOfOneMore() by hand: two texts, a word in both, one twice", () => {
  const texts = [["sea", "sea", "salt"], ["salt", "rock"]];
  const dictionary = makeDictionary(texts);
  assertEquals(dictionary.words, ["rock", "salt", "sea"]);
  // N = 2: ln(3/2) + 1 for a word in one text, ln(3/3) + 1 for a word in both.
  const rare = Math.log(1.5) + 1;
  assertEquals(dictionary.rarity, new Float64Array([rare, 1, rare]));
  const long = Math.sqrt(1 + 4 * rare * rare);
  const rows = weigh(dictionary, [texts[0], [], ["sand"], ["sand", "rock"]]);
  assertEquals([rows.rows, rows.columns], [4, 3]);
  assertEquals(rows.indptr, new Uint32Array([0, 2, 2, 2, 3]));
  assertEquals(rows.indices, new Uint32Array([1, 2, 0]));
  assertEquals(rows.values, new Float32Array([1 / long, 2 * rare / long, 1]));
  assertEquals(weightOfOneMore(dictionary, texts[0], 0), rare / long);
  assertEquals(weightOfOneMore(dictionary, texts[0], 1), 1 / long);
});

Deno.test("the vectors of all definitions have length 1, and each is nearest to itself", () => {
  const texts = NOUNS.list.map(({ text }) => wordsOf(text));
  assertEquals(DICTIONARY.words, [...new Set(texts.flat())].sort());
  assertEquals(DICTIONARY.words.length, 2427);
  const keys = weigh(DICTIONARY, texts), rows = keys.to2DArray();
  rows.forEach((row, at) => {
    const { indices, values } = keys.row(at);
    assertEquals(indices.length, new Set(texts[at]).size);
    const dots = rows.map((other) =>
      indices.reduce((sum, t, place) => sum + other[t] * values[place], 0)
    );
    // Each number errs by SINGLE of itself, so a square by twice that.
    assertAlmostEquals(dots[at], 1, 2 * SINGLE * (1 + SINGLE));
    assertEquals(largest(dots), at, NOUNS.list[at].word);
    assert(row.every((number) => number >= 0));
  });
});

Deno.test("askFor() takes three words of a definition, none of them in more than 5 % of all", () => {
  const below = seededChances(1);
  for (const noun of NOUNS.list) {
    const { words } = askFor(DICTIONARY, noun, below);
    assertEquals(new Set(words).size, 3, noun.word);
    const text = wordsOf(noun.text);
    const places = words.map((word) => text.indexOf(word));
    assert(places.every((place, at) => place > (places[at - 1] ?? -1)));
    for (const word of words) {
      const standsIn = NOUNS.list.filter(({ text }) =>
        wordsOf(text).includes(word)
      ).length;
      assert(standsIn <= 0.05 * NOUNS.list.length, word);
    }
  }
});

Deno.test("answers of both are those of the definition of attention, and rightly told right or wrong", () => {
  const memory = smallMemory(6), told = [...memory.held.values()];
  const below = seededChances(9);
  const others = NOUNS.list.slice(0, 100)
    .map((noun) => askFor(DICTIONARY, noun, below));
  const texts = told.map(({ noun }) => wordsOf(noun.text));
  const keys = weigh(DICTIONARY, texts).toDense();
  for (
    const [answers, questions] of [
      [standingAnswers(memory), memory.standing],
      [freshAnswers(memory, others), others],
    ] as const
  ) {
    const rows = weigh(DICTIONARY, questions.map(({ words }) => words));
    const votes = told.map(({ value }) => value);
    const exact = softmaxAttention(rows, keys, votes, { scale: SCALE });
    answers.forEach(({ question, shares, top }, at) => {
      assertEquals(question, questions[at]);
      assert(farthest(shares, exact.getRow(at)) <= 2 ** -32);
      const similar = told.map((_, key) => {
        let sum = 0;
        for (const word of question.words) {
          const t = DICTIONARY.columnOf.get(word)!;
          sum += keys.get(key, t) * rows.get(at, t);
        }
        return sum;
      });
      const best = told[largest(similar)].noun;
      assertEquals(memory.held.get(top.keys[0])!.noun, best);
      const answer = answers[at];
      assertEquals(findsIt(memory, answer), best === question.noun);
      assertEquals(
        isRight(answer),
        largest(exact.getRow(at)) === question.noun.kind,
      );
    });
  }
  const [sparse, dense] = bits(memory);
  assert(sameBits(sparse, dense));
});

Deno.test("showAnswer() writes what was asked for in capitals; reportRight() counts held and others apart", () => {
  const memory = smallMemory(3), below = seededChances(4);
  const screen = (write: (piece: string) => void): Screen => ({
    terminal: false,
    colour: false,
    write,
  });
  const noun = [...memory.held.values()][5].noun, [first] = wordsOf(noun.text);
  const [answer] = freshAnswers(memory, [{ noun, words: wordsOf(noun.text) }]);
  let text = "";
  showAnswer(screen((piece) => text += piece), memory, answer);
  assertStringIncludes(text, `”`);
  assertStringIncludes(text, first.toUpperCase());
  assertStringIncludes(text, "the other 61 definitions");
  const asked = freshAnswers(
    memory,
    NOUNS.list.map((noun) => askFor(DICTIONARY, noun, below)),
  );
  text = "";
  reportRight(screen((piece) => text += piece), memory, asked);
  const held = new Set([...memory.held.values()].map(({ noun }) => noun));
  const count = (
    isHeld: boolean,
    good: (answer: typeof asked[number]) => boolean,
  ) =>
    asked.filter((answer) =>
      held.has(answer.question.noun) === isHeld && good(answer)
    ).length;
  assertEquals(
    text.replaceAll(/\s+/g, " ").match(/\d+/g)!.map(Number),
    [
      64,
      512,
      count(true, (answer) => findsIt(memory, answer)),
      count(true, isRight),
      448,
      count(false, isRight),
      count(false, ({ question }) => question.noun.kind === 0),
    ],
  );
});

Deno.test("what is done and undone leaves keys, values and answers of both as they were, to the last bit", () => {
  const memory = smallMemory(4), before = bits(memory);
  // Question i is about definition i.
  const asked = (at: number) =>
    DICTIONARY.columnOf.get(memory.standing[at].words[0])!;
  const deeds: Record<string, (id: Id) => Deed> = {
    reword: (id) => reword(memory, id),
    doubt: (id) => doubt(memory, id),
    "stress its own word": (id) => stress(memory, id, asked(id)),
    "stress another": (id) => stress(memory, id, asked(id + 6)),
  };
  for (const id of ids(memory.attentions.sparse).slice(0, 6)) {
    const stored = entry(memory.attentions.sparse, id);
    const numbers = memory.held.get(id)!.key.size;
    for (const [name, deed] of Object.entries(deeds)) {
      carryOut(memory, deed(id));
      assert(!same(before, bits(memory)), name);
      assertEquals(broken(memory), [], name);
      carryOut(memory, deed(id));
      assert(same(before, bits(memory)), name);
      assertEquals(memory.held.get(id)!.key.size, numbers, name);
      assertEquals(entry(memory.attentions.sparse, id), stored, name);
      assertEquals(broken(memory), [], name);
    }
    const { noun } = memory.held.get(id)!;
    carryOut(memory, forget(memory, id));
    assert(!same(before, bits(memory)), "forget");
    assertEquals(memory.unknown.includes(noun), true);
    carryOut(memory, learn(memory, noun));
    assert(same(before, bits(memory)), "learn");
    assertEquals(broken(memory), []);
  }
});

Deno.test("a stressed word has the weight of one more count; a key told anew forgets it", () => {
  const memory = smallMemory(5), [id] = ids(memory.attentions.sparse);
  const { words, key } = memory.held.get(id)!, before = key.size;
  const at = DICTIONARY.columnOf.get(
    DICTIONARY.words.find((word) => !words.includes(word))!,
  )!;
  carryOut(memory, stress(memory, id, at));
  const more = Math.fround(weightOfOneMore(DICTIONARY, words, at));
  for (const side of SIDES) {
    assertEquals(entry(memory.attentions[side], id).key[at], more, side);
  }
  assertEquals(key.size, before + 1);
  carryOut(memory, reword(memory, id));
  const half = words.slice(0, Math.ceil(words.length / 2));
  const expected = weigh(DICTIONARY, [half]).to1DArray();
  for (const side of SIDES) {
    assertEquals(entry(memory.attentions[side], id).key, expected, side);
  }
  assertEquals(memory.held.get(id)!.stressed, undefined);
});

Deno.test("choose() keeps the memory between its least and its most, and reaches both", () => {
  const memory = smallMemory(8), below = seededChances(3);
  const sizes = new Set<number>();
  for (let step = 0; step < 200; step++) {
    carryOut(memory, choose(memory, below, 62, 66));
    sizes.add(memory.held.size);
  }
  assertEquals([...sizes].sort(), [62, 63, 64, 65, 66]);
  assertEquals(memory.unknown.length + memory.held.size, NOUNS.list.length);
});

Deno.test("showBill() shows the bytes that keys need as entries and written out", () => {
  const memory = smallMemory(9), below = seededChances(1);
  const lived = live(memory, below, SMALL, () => {});
  let text = "";
  showBill(
    {
      terminal: false,
      colour: false,
      write: (piece) => text += piece,
    },
    memory,
    lived,
    measureBoth(memory),
  );
  const told = [...memory.held.values()];
  const numbers = told.reduce((sum, { key }) => sum + key.size, 0);
  // 4 bytes each: a number, its column, the start of a row, and where the last one ends.
  const [sparse, dense] = [
    4 * (2 * numbers + told.length + 1),
    4 * told.length * DICTIONARY.words.length,
  ].map((bytes) => `${Math.round(bytes / 1000)} kB`);
  assert(
    new RegExp(`keys themselves need +${sparse} +${dense} `).test(text),
    text,
  );
  assert(
    /as what is not 0 in them +(\d+) of \1 and 0 of \1\n/.test(text),
    text,
  );
});

Deno.test("anew() makes both from the record, with the same answers to the last bit", () => {
  const memory = smallMemory(7);
  carryOut(memory, forget(memory, 3));
  carryOut(memory, stress(memory, 4, 100));
  const expected = bits(memory);
  SIDES.forEach((side, at) => {
    const attention = anew(memory, side)();
    assertEquals(attention.representation, side);
    assert(sameBits(outputs(attention).data, expected[at]), side);
  });
  assertEquals(keysTold(memory).get(3, 100) > 0, true);
  assertEquals(valuesTold(memory).length, 63);
});

Deno.test("audit() notices an attention that is not what it was told, whichever of the two it is", () => {
  for (const side of SIDES) {
    const attentionOf = (memory: Memory) => memory.attentions[side];
    const memory = smallMemory(1);
    assertEquals(broken(memory), []);
    // A definition that no standing question shares a word with, until now.
    const [asked] = memory.standing[0].words;
    const column = DICTIONARY.columnOf.get(asked)!;
    edit(attentionOf(memory), { keys: [[63, column, 0.5]] });
    assertEquals(
      broken(memory),
      [
        "Both hold th",
        "Both tell th",
        "Both name th",
        // The voices are read from the sparse one.
        ...side === "sparse" ? ["Definitions "] : [],
        "softmaxAtten",
      ],
      side,
    );
    const other = smallMemory(1), { kind } = other.held.get(2)!.noun;
    edit(attentionOf(other), { values: [[2, kind, -(2 ** -20)]] });
    assertEquals(
      broken(other),
      ["Both hold th", "A question o", "softmaxAtten"],
      side,
    );
    const short = smallMemory(1);
    remove(attentionOf(short), 20);
    assertEquals(
      broken(short),
      [
        "Both hold th",
        "One keeps ev",
        "Both tell th",
        "Both name th",
        // Asked with the words of what is gone, another one comes first.
        ...side === "sparse" ? ["Asked with a"] : [],
        "A question o",
        "softmaxAtten",
      ],
      side,
    );
  }
});

Deno.test("audit() notices twins that are stored alike, and errors beyond the bound", () => {
  const memory = smallMemory(2), errors = measureBoth(memory);
  const { attentions: { sparse, dense } } = memory;
  for (const twin of [sparse, dense]) {
    const alike = { ...memory, attentions: { sparse: twin, dense: twin } };
    assertEquals(broken(alike), ["One keeps ev", "The sparse o"]);
  }
  for (const side of SIDES) {
    for (
      const wrong of [
        { measured: 1e-9, bound: 1e-10 },
        { measured: 0, bound: Infinity },
      ]
    ) {
      const claims = audit(memory, { ...errors, [side]: wrong });
      assertEquals(
        claims.filter(({ holds }) => !holds).map(({ text }) => text),
        [
          "No answer of either is further from exact attention than it was certified.",
        ],
      );
    }
    assert(
      errors[side].measured <= errorBound(memory.attentions[side]).total,
      side,
    );
  }
});

Deno.test("live() finds both the same after every change, and notices once they are not", () => {
  const memory = smallMemory(2), below = seededChances(7), steps: number[] = [];
  const course = { ...SMALL, every: 10 };
  const lived = live(memory, below, course, (done) => steps.push(done));
  assertEquals(steps, Array.from({ length: 40 }, (_, at) => at + 1));
  assertEquals(Object.values(lived.deeds).reduce((sum, one) => sum + one), 40);
  assert(Object.values(lived.deeds).every((times) => times > 0));
  assertEquals([lived.answers, lived.same], [480, 480]);
  assertEquals([lived.restarts, lived.confirmed], [4, 4]);
  assert(lived.bound <= 2 ** -32 && lived.bound > 0);
  assert(memory.held.size >= SMALL.least && memory.held.size <= SMALL.most);
  assertEquals(broken(memory), []);
  const claims = claimsOfLife(lived);
  assertEquals(claims.map(({ holds }) => holds), [true, true, true, true]);
  const { sparse, dense } = lived.prices;
  for (
    const [at, wrong] of [
      [0, { ...lived, same: 479 }],
      [1, { ...lived, bound: 1e-9 }],
      [2, { ...lived, confirmed: 3 }],
      [2, { ...lived, restarts: 0, confirmed: 0 }],
      [3, { ...lived, prices: { sparse: dense, dense: sparse } }],
      [3, {
        ...lived,
        prices: { sparse, dense: { ...dense, anew: sparse.anew } },
      }],
    ] as const
  ) {
    assertEquals(
      claimsOfLife(wrong).map(({ holds }) => holds),
      claims.map((_, claim) => claim !== at),
    );
  }
  // One of them is told what the other is not.
  edit(memory.attentions.dense, {
    values: [[ids(memory.attentions.dense)[0], 0, 1]],
  });
  const apart = live(memory, below, course, () => {});
  assert(apart.same < apart.answers);
  assertEquals(apart.confirmed, 0);
});
