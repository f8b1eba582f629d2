/**
 * What the command line of the race asks for.
 *
 * @module
 */

/** Which workloads run, whether with few samples, and whether by the processor's time. */
export interface Options {
  only: string[];
  quick: boolean;
  busy: boolean;
}

/** Reads `--quick`, `--busy` and `--only one,many`; all workloads if it names none. */
export function readOptions(
  args: readonly string[],
  known: readonly string[],
): Options {
  const options: Options = { only: [...known], quick: false, busy: false };
  for (let at = 0; at < args.length; at++) {
    const arg = args[at];
    if (arg === "--quick") options.quick = true;
    else if (arg === "--busy") options.busy = true;
    else if (arg === "--only") {
      options.only = checkNames(args[++at] ?? "", known);
    } else {
      throw new RangeError(
        `Cannot race: there is no option "${arg}", it should be --quick, --busy or --only`,
      );
    }
  }
  return options;
}

function checkNames(list: string, known: readonly string[]): string[] {
  const names = list.split(",");
  for (const name of names) {
    if (!known.includes(name)) {
      throw new RangeError(
        `Cannot race: there is no workload "${name}", it should be one of ${
          known.join(", ")
        }`,
      );
    }
  }
  return names;
}
