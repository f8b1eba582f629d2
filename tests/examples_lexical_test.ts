/**
 * The second mode of the demo shows what is true of a memory of words, and notices when something is not; both modes
 * are run by one command.
 *
 * @module
 */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { dictionaryOf } from "../examples/lexical_memory/memory.ts";
import { runModes } from "../examples/semantic_memory/demo.ts";
import {
  loadNouns,
  type Nouns,
} from "../examples/semantic_memory/memory_data.ts";
import { type Screen, WIDTH } from "../examples/semantic_memory/show.ts";

const FOLDER = new URL("../examples/semantic_memory/", import.meta.url);
const NOUNS = await loadNouns(FOLDER);
const COLUMNS = dictionaryOf(NOUNS).words.length;
const SMALL = {
  standing: 12,
  start: 64,
  changes: 40,
  every: 20,
  least: 48,
  most: 80,
};

interface Show {
  code: number;
  text: string;
  complaints: string[];
}

function show(flags: string[], nouns: Nouns = NOUNS): Show {
  let text = "";
  const complaints: string[] = [];
  const screen: Screen = {
    terminal: false,
    colour: false,
    write: (piece) => text += piece,
  };
  const complain = (message: string) => complaints.push(message);
  const code = runModes(flags, screen, complain, nouns, SMALL);
  return { code, text, complaints };
}

/** Without the lines whose figures are times. */
function timeless(text: string): string {
  return text.split("\n").filter((line) => !/\d ms/.test(line)).join("\n");
}

Deno.test("the mode of words claims what is true, in lines that fit", () => {
  const { code, text, complaints } = show(["--mode", "words", "--seed", "3"]);
  assertEquals([code, complaints], [0, []]);
  assertEquals(text.match(/^ {2}NO /gm), null);
  assertEquals(text.match(/^ {2}yes /gm)!.length, 16);
  for (const line of text.split("\n")) {
    assert(line.length <= WIDTH, `${line.length} columns: ${line}`);
  }
  for (
    const chapter of [
      "A memory of words",
      "What it answers to three words",
      "What it cannot find",
      "One number of one definition",
      "40 changes to both, 12 answers kept",
      "The same memory, stored sparsely and densely",
      "Is all of this true of the memory of words?",
    ]
  ) assertStringIncludes(text, `\n${chapter}\n`);
  assertStringIncludes(text, "WordNet, a dictionary of English");
  assertStringIncludes(text, "examples/semantic_memory/NOTICE");
});

Deno.test("the bill shows what both attentions count, and what one is of the other", () => {
  const { text } = show(["--mode", "words", "--seed", "8"]);
  const figures = (line: string) =>
    text.match(new RegExp(`${line}  +(\\d.*) ×`))![1].split(/ {3,}/)
      .map((figure) => parseFloat(figure.replaceAll(/ (?=\d)/g, "")));
  const held = Number(text.match(/Both hold the (\d+) definitions/)![1]);
  const [sparse, dense, ratio] = figures("starting over, multiply-adds");
  // Each answer: every score, weight and vote of every definition, then the division of the sums.
  assertEquals(dense, 12 * (held * (COLUMNS + 8 + 1) + 8 + 1));
  assert(sparse < dense);
  assertAlmostEquals(ratio, dense / sparse, 0.5);
  // In thousands of bytes: a place of 4 bytes for each number.
  assertEquals(
    figures("bytes that the keys themselves need")[1],
    Math.round(held * COLUMNS * 4 / 1000),
  );
  const [less, more] = figures("bytes held, questions and sums included");
  const bytes = text.match(/holds fewer bytes, (.*) of (.*)\./)!.slice(1)
    .map((figure) => Math.round(Number(figure.replaceAll(" ", "")) / 1000));
  assertEquals([less, more], bytes);
});

Deno.test("both modes run one after the other, or the one that is named", () => {
  const both = timeless(show(["--seed", "5"]).text);
  const meaning = timeless(show(["--seed", "5", "--mode", "meaning"]).text);
  const words = timeless(show(["--mode=words", "--seed=5"]).text);
  assertEquals(both, meaning + words);
  assertStringIncludes(meaning, "\nA memory of meanings\n");
  assertStringIncludes(words, "\nA memory of words\n");
  const figures = (text: string) =>
    text.slice(text.indexOf("What it answers")).replace(/--seed \d+/, "");
  const other = timeless(show(["--mode", "words", "--seed", "6"]).text);
  assertNotEquals(figures(other), figures(words));
});

Deno.test("runModes() refuses what it does not know, in one sentence", () => {
  const refused: [string[], string][] = [
    [["--mode"], "--mode is empty, it should be meaning or words"],
    [["--mode", "both"], `--mode is "both", it should be meaning or words`],
    [["--mode="], `--mode is "", it should be meaning or words`],
    [
      ["--mode=words", "--sede", "1"],
      `unknown flag "--sede", it should be --mode meaning|words, --seed N or --help`,
    ],
    [
      ["--modes=words"],
      `unknown flag "--modes=words", it should be --mode meaning|words, --seed N or --help`,
    ],
    [
      ["--seed", "x"],
      `--seed is "x", it should be a whole number from 0 to 4294967295`,
    ],
  ];
  for (const [flags, complaint] of refused) {
    assertEquals(show(flags), {
      code: 2,
      text: "",
      complaints: [`Cannot run the demo: ${complaint}`],
    });
  }
  const help = show(["--mode", "words", "--help"]);
  assertEquals([help.code, help.complaints], [0, []]);
  assertStringIncludes(help.text, "deno task demo [--seed N] [--mode meaning|");
});

Deno.test("runModes() fails and says so when a claim of the memory of words is not true", () => {
  const alike = structuredClone(NOUNS);
  // Of two definitions in the same words only one can come first.
  for (let at = 1; at < alike.list.length; at += 2) {
    alike.list[at].text = alike.list[at - 1].text;
  }
  for (const flags of [["--mode", "words"], []]) {
    const { code, text, complaints } = show(flags, alike);
    assertEquals(code, 1);
    assertStringIncludes(text, "\n  NO   Asked with all of its words, each of");
    assertEquals(text.match(/^ {2}NO /gm)!.length, 1);
    const claims = flags.length === 0 ? 27 : 16;
    assertEquals(complaints, [
      `The demo failed: 1 of the ${claims} things it claims are not true, see NO above`,
    ]);
  }
});
