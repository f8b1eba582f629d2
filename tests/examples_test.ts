/**
 * The demo shows what is true, in lines that fit, and notices when something is not.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { readFlags, run } from "../examples/semantic_memory/demo.ts";
import { loadNouns } from "../examples/semantic_memory/memory_data.ts";
import { type Screen, WIDTH } from "../examples/semantic_memory/show.ts";
import type { Size } from "../examples/semantic_memory/story.ts";

const FOLDER = new URL("../examples/semantic_memory/", import.meta.url);
const NOUNS = await loadNouns(FOLDER);
const SMALL: Size = {
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

function show(flags: string[], how: Partial<Screen> = {}): Show {
  let text = "";
  const complaints: string[] = [];
  const screen: Screen = {
    terminal: false,
    colour: false,
    write: (piece) => text += piece,
    ...how,
  };
  const code = run(
    flags,
    screen,
    (message) => complaints.push(message),
    NOUNS,
    SMALL,
  );
  return { code, text, complaints };
}

/** Without the lines whose figures are times. */
function timeless(text: string): string {
  return text.split("\n").filter((line) => !/\d ms/.test(line)).join("\n");
}

Deno.test("the demo claims what is true, in lines that fit", () => {
  const { code, text, complaints } = show(["--seed", "3"]);
  assertEquals([code, complaints], [0, []]);
  assertEquals(text.match(/^ {2}NO /gm), null);
  assertEquals(text.match(/^ {2}yes /gm)!.length, 11);
  for (const line of text.split("\n")) {
    assert(line.length <= WIDTH, `${line.length} columns: ${line}`);
  }
  for (
    const chapter of [
      "A memory of meanings",
      "What it answers",
      "It forgets a definition, and is told it again",
      "40 changes, 12 answers kept",
      "Words that it was not waiting for",
      "What a change costs",
      "Is all of this true?",
    ]
  ) assertStringIncludes(text, `\n${chapter}\n`);
  assertEquals(text.match(/\d+ of 40 changes/g)!.length, 4);
  // deno-lint-ignore no-control-regex -- they are what is looked for.
  assertEquals(text.match(/[\r\x1b]/), null);
});

Deno.test("the bill shows the work of starting over, and what it is of a change", () => {
  const { text } = show(["--seed", "8"]);
  const held = Number(text.match(/It holds the (\d+) definitions/)![1]);
  // Each answer: every score, weight and vote of every definition, then the division of the sums.
  const work = 12 * (held * (512 + 8 + 1) + 8 + 1);
  const figures = (line: RegExp) =>
    text.match(line)![1].split(/ {2,}/).map((figure) =>
      parseFloat(figure.replaceAll(/ (?=\d)/g, ""))
    );
  const [one, alone, spent] = figures(/a change, 12 answers.*?  +(\d.*)/);
  assertEquals(alone, 1);
  for (const name of ["a new memory", "scaled\\w+", "ml-matrix"]) {
    const [time, slower, total, more] = figures(
      new RegExp(`starting over with ${name}  +(\\d.*)`),
    );
    assertEquals(total, work);
    assertEquals(more, Math.round(work / spent));
    // Times are shown to the microsecond.
    assert(Math.abs(time / one - slower) <= 0.5 + (slower + 1) * 0.001 / one);
  }
  const least = 12 * (512 + 1 + 8 + 1), most = 12 * (2 * 512 + 2 * 8 + 2 + 9);
  assert(spent > least && spent < most, `${spent} in ${least} to ${most}`);
});

Deno.test("the demo on a terminal moves one bar, and has colour only where it is wanted", () => {
  const plain = show([], { terminal: true });
  assertEquals(plain.text.match(/\r/g)!.length, 40);
  assertEquals(plain.text.includes("\x1b"), false);
  const coloured = show([], { terminal: true, colour: true });
  assertStringIncludes(coloured.text, "\x1b[1mA memory of meanings\x1b[0m");
  // deno-lint-ignore no-control-regex -- they are what is taken out.
  const stripped = coloured.text.replace(/\x1b\[\d+m/g, "");
  assertEquals(timeless(stripped), timeless(plain.text));
});

Deno.test("the same seed gives the same figures, another seed others", () => {
  const one = timeless(show(["--seed", "5"]).text);
  assertEquals(timeless(show(["--seed=5"]).text), one);
  const figures = (text: string) =>
    text.slice(text.indexOf("40 changes,")).replace(/--seed \d+/, "");
  const other = timeless(show(["--seed", "6"]).text);
  assertNotEquals(figures(other), figures(one));
  const errors = (text: string) => text.match(/largest error, .*/)![0];
  assertNotEquals(errors(other), errors(one));
});

Deno.test("readFlags() refuses what it does not know, in one sentence", () => {
  assertEquals(readFlags([]), { seed: 1, help: false });
  assertEquals(readFlags(["--seed", "4294967295", "--help"]), {
    seed: 4294967295,
    help: true,
  });
  const refused: [string[], string][] = [
    [["--sede", "1"], `unknown flag "--sede", it should be --seed N or --help`],
    [["7"], `unknown flag "7", it should be --seed N or --help`],
    ...["-1", "1.5", "4294967296", "x", ""].map((
      given,
    ): [string[], string] => [
      ["--seed", given],
      `--seed is ${
        JSON.stringify(given)
      }, it should be a whole number from 0 to 4294967295`,
    ]),
    [
      ["--seed"],
      "--seed is empty, it should be a whole number from 0 to 4294967295",
    ],
  ];
  for (const [flags, complaint] of refused) {
    assertEquals(show(flags), {
      code: 2,
      text: "",
      complaints: [`Cannot run the demo: ${complaint}`],
    });
  }
  const help = show(["--help"]);
  assertEquals([help.code, help.complaints], [0, []]);
  assertStringIncludes(help.text, "Usage: deno task demo [--seed N]");
});

Deno.test("run() fails and says so when a claim is not true", () => {
  let text = "";
  const complaints: string[] = [], alike = structuredClone(NOUNS);
  // Definitions that all mean the same cannot each come first.
  for (const noun of alike.list) {
    noun.textMeaning = alike.list[0].textMeaning;
  }
  const code = run(
    [],
    { terminal: false, colour: false, write: (piece) => text += piece },
    (message) => complaints.push(message),
    alike,
    SMALL,
  );
  assertEquals(code, 1);
  assertStringIncludes(text, "\n  NO   Asked with its own text");
  assertEquals(complaints.length, 1);
  assertStringIncludes(complaints[0], "The demo failed: ");
  assertStringIncludes(complaints[0], " of the 11 things it claims are not");
});
