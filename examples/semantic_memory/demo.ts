/**
 * A memory of meanings that stays current while it learns, forgets and changes its mind: the main job of reattend, on
 * 512 nouns of WordNet. Run it with `deno task demo`; `--seed N` makes other choices.
 *
 * @module
 */

import { loadNouns, type Nouns } from "./memory_data.ts";
import { DEMO, type Size, tellStory } from "./story.ts";
import type { Screen } from "./show.ts";

const HELP =
  `A memory of meanings that stays current while it learns, forgets and changes its mind.

Usage: deno task demo [--seed N]

  --seed N   other choices and so other figures; a whole number from 0 to 4294967295, 1 if left out
  --help     this text
`;

/** What to do, by the flags of the command line; refuses what it does not know. */
export function readFlags(
  flags: readonly string[],
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
        }, it should be --seed N or --help`,
      );
    }
  }
  return { seed, help };
}

/** Runs the demo, and returns the exit code: 0, or 1 if something it claims is not true, or 2 for flags it refuses. */
export function run(
  flags: readonly string[],
  screen: Screen,
  complain: (message: string) => void,
  nouns: Nouns,
  size: Size = DEMO,
): number {
  let seed: number, help: boolean;
  try {
    ({ seed, help } = readFlags(flags));
  } catch (refusal) {
    complain((refusal as Error).message);
    return 2;
  }
  if (help) {
    screen.write(HELP);
    return 0;
  }
  const claims = tellStory(nouns, seed, size, screen);
  const broken = claims.filter(({ holds }) => !holds).length;
  if (broken === 0) return 0;
  complain(
    `The demo failed: ${broken} of the ${claims.length} things it claims are not true, see NO above`,
  );
  return 1;
}

if (import.meta.main) {
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
  Deno.exit(run(Deno.args, screen, console.error, nouns));
}
