/**
 * A memory of meanings that stays current while it learns, forgets and changes its mind: the main job of reattend, on
 * 512 nouns of WordNet. Run it with `deno task demo`; `--seed N` makes other choices.
 *
 * The second mode, the same definitions found by their words, is next door in `lexical_memory`; both are run from here.
 *
 * @module
 */

import { tellOfWords } from "../lexical_memory/story.ts";
import type { Claim } from "./audit.ts";
import { loadNouns, type Nouns } from "./memory_data.ts";
import { DEMO, type Size, tellStory } from "./story.ts";
import type { Screen } from "./show.ts";

const HELP =
  `A memory of meanings that stays current while it learns, forgets and changes its mind,
and the same memory found by words, whose keys are sparse. Both on definitions from WordNet.

Usage: deno task demo [--seed N] [--mode meaning|words]

  --seed N   other choices and so other figures; a whole number from 0 to 4294967295, 1 if left out
  --mode M   only the memory of meanings (meaning) or only that of words (words); both if left out
  --help     this text
`;

/** The modes, in the order in which they are shown. */
const STORIES = { meaning: tellStory, words: tellOfWords };

/** What to do, by the flags of the command line; refuses what it does not know. */
export function readFlags(
  flags: readonly string[],
  known = "--seed N or --help",
): { seed: number; help: boolean } {
  let seed = 1, help = false;
  for (let at = 0; at < flags.length; at++) {
    const flag = flags[at];
    if (flag === "--help") help = true;
    else if (flag === "--seed" || flag.startsWith("--seed=")) {
      const given = flag === "--seed" ? flags[++at] : flag.slice(7);
      if (
        given === undefined || !/^\d{1,10}$/.test(given) ||
        Number(given) >= 2 ** 32
      ) {
        throw new RangeError(
          `Cannot run the demo: --seed is ${
            given === undefined ? "empty" : JSON.stringify(given)
          }, it should be a whole number from 0 to 4294967295`,
        );
      }
      seed = Number(given);
    } else {
      throw new TypeError(
        `Cannot run the demo: unknown flag ${
          JSON.stringify(flag)
        }, it should be ${known}`,
      );
    }
  }
  return { seed, help };
}

/** Runs the first mode, and returns the exit code: 0, 1 if something it claims is not true, 2 for flags it refuses. */
export function run(
  flags: readonly string[],
  screen: Screen,
  complain: (message: string) => void,
  nouns: Nouns,
  size: Size = DEMO,
): number {
  return perform(
    () => readFlags(flags),
    screen,
    complain,
    (seed) => tellStory(nouns, seed, size, screen),
  );
}

/** Runs the mode that `--mode` names, or all of them one after the other; returns the exit code for all together. */
export function runModes(
  flags: readonly string[],
  screen: Screen,
  complain: (message: string) => void,
  nouns: Nouns,
  size: Size = DEMO,
): number {
  let stories = Object.values(STORIES);
  return perform(
    () => {
      const { mode, rest } = takeMode(flags);
      if (mode !== undefined) stories = [STORIES[mode]];
      return readFlags(rest, "--mode meaning|words, --seed N or --help");
    },
    screen,
    complain,
    (seed) => stories.flatMap((tell) => tell(nouns, seed, size, screen)),
  );
}

/** Takes `--mode` out of the flags; the last one counts. */
function takeMode(
  flags: readonly string[],
): { mode: keyof typeof STORIES | undefined; rest: string[] } {
  const rest: string[] = [];
  let mode: keyof typeof STORIES | undefined;
  for (let at = 0; at < flags.length; at++) {
    const flag = flags[at];
    if (flag !== "--mode" && !flag.startsWith("--mode=")) {
      rest.push(flag);
      continue;
    }
    const given = flag === "--mode" ? flags[++at] : flag.slice(7);
    if (given !== "meaning" && given !== "words") {
      throw new RangeError(
        `Cannot run the demo: --mode is ${
          given === undefined ? "empty" : JSON.stringify(given)
        }, it should be meaning or words`,
      );
    }
    mode = given;
  }
  return { mode, rest };
}

function perform(
  read: () => { seed: number; help: boolean },
  screen: Screen,
  complain: (message: string) => void,
  tell: (seed: number) => Claim[],
): number {
  let seed: number, help: boolean;
  try {
    ({ seed, help } = read());
  } catch (refusal) {
    complain((refusal as Error).message);
    return 2;
  }
  if (help) {
    screen.write(HELP);
    return 0;
  }
  const claims = tell(seed);
  const broken = claims.filter(({ holds }) => !holds).length;
  if (broken === 0) return 0;
  complain(
    `The demo failed: ${broken} of the ${claims.length} things it claims are not true, see NO above`,
  );
  return 1;
}

/** Runs the demo in the terminal, and ends with its exit code. */
export async function main(flags: readonly string[]): Promise<void> {
  const terminal = Deno.stdout.isTerminal(), encoder = new TextEncoder();
  const screen: Screen = {
    terminal,
    colour: terminal && !Deno.noColor,
    write(text) {
      const bytes = encoder.encode(text);
      for (let at = 0; at < bytes.length;) {
        at += Deno.stdout.writeSync(bytes.subarray(at));
      }
    },
  };
  const nouns = await loadNouns(new URL(".", import.meta.url));
  Deno.exit(runModes(flags, screen, console.error, nouns));
}

if (import.meta.main) await main(Deno.args);
