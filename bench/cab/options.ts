/**
 * The command line of the benchmark.
 *
 * @module
 */

/** What was asked for. */
export interface Options {
  /** Shorter sequences, one seed, fewer samples. */
  quick: boolean;
  /** Times of the processor instead of the clock's, for a machine that others use as well. */
  busy: boolean;
  /** What stands on the page, YYYY-MM-DD. */
  date: string;
}

/** Reads `--quick`, `--busy` and `--date=2026-11-27`; `today` stands on the page if no date is given. */
export function readOptions(words: readonly string[], today: string): Options {
  const options: Options = { quick: false, busy: false, date: today };
  for (const word of words) {
    const [, date] = /^--date=(\d{4}-\d\d-\d\d)$/.exec(word) ?? [];
    if (word === "--quick") options.quick = true;
    else if (word === "--busy") options.busy = true;
    else if (date !== undefined) options.date = date;
    else {
      throw new RangeError(
        `Cannot run: there is the option ${word}, it should be --quick, --busy or --date=YYYY-MM-DD`,
      );
    }
  }
  return options;
}
