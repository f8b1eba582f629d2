/**
 * How the benches measure: ways to do one job take turns in one run, and what counts is the ratio of their medians.
 *
 * On a shared machine a time says little and changes from minute to minute; whatever disturbs one contestant of a race
 * disturbs its neighbours too. Each round starts with another contestant, so that nobody always follows the same one.
 *
 * @module
 */

/** One way to do the job of a race, ready to run and found to be right. */
export interface Contestant {
  /** Does the job once. */
  run: () => void;
  /** Before each run, outside the clock; for jobs of 10 µs and more. */
  before?: () => void;
  /** Throws if what the runs have left behind is wrong. */
  check?: () => void;
  /** How many jobs a run is; 1 if left out. */
  jobs?: number;
}

/** A job and the ways to do it, the first of which is ours; nothing is made before it is needed. */
export interface Race<Name extends string = string> {
  title: string;
  ways: Record<Name, () => Contestant>;
}

/** Ways that differ by a name. */
export function waysOf<Name extends string>(
  names: readonly Name[],
  make: (name: Name) => Contestant,
): Race<Name>["ways"] {
  const ways = names.map((name) => [name, () => make(name)]);
  return Object.fromEntries(ways) as Race<Name>["ways"];
}

/** What a bench file asks, and how it answers: Markdown with tables. */
export interface Question {
  title: string;
  answer: () => string;
}

const ROUNDS = 11;
/** A contestant runs this long in each round, in ms, or once. */
const SLICE = 8;
/** Long enough for the optimizing compiler to have had its say, in ms; two runs at least. */
const WARM_UP = 120;

/** Runs a race and gives the median time of a job for each way, in µs. */
export function run<Name extends string>(
  race: Race<Name>,
): Record<Name, number> {
  const names = Object.keys(race.ways) as Name[];
  const field = names.map((name) => race.ways[name]());
  const repeats = field.map((contestant) => {
    const start = performance.now();
    let runs = 0;
    do clock(contestant, 1); while (
      ++runs < 2 || performance.now() - start < WARM_UP
    );
    return Math.max(
      1,
      Math.round(SLICE * runs / (performance.now() - start)),
    );
  });
  const times = field.map(() => new Float64Array(ROUNDS));
  for (let round = 0; round < ROUNDS; round++) {
    for (let turn = 0; turn < field.length; turn++) {
      const at = (round + turn) % field.length, { jobs = 1 } = field[at];
      times[at][round] = clock(field[at], repeats[at]) * 1000 /
        (repeats[at] * jobs);
    }
  }
  for (const { check } of field) check?.();
  return Object.fromEntries(
    names.map((name, at) => [name, median(times[at])]),
  ) as Record<Name, number>;
}

/** Time of so many runs, in ms. */
function clock({ run, before }: Contestant, runs: number): number {
  let spent = 0;
  if (before === undefined) {
    const start = performance.now();
    for (let i = 0; i < runs; i++) run();
    return performance.now() - start;
  }
  for (let i = 0; i < runs; i++) {
    before();
    const start = performance.now();
    run();
    spent += performance.now() - start;
  }
  return spent;
}

function median(numbers: Float64Array): number {
  const sorted = numbers.toSorted(), { length } = sorted;
  return (sorted[(length - 1) >> 1] + sorted[length >> 1]) / 2;
}

/** Hands races to `deno bench`; what is not run by it is not even made. */
export function register(...races: Race[]): void {
  for (const { title, ways } of races) {
    Object.entries(ways).forEach(([name, make], at) => {
      const contestant = once(make);
      Deno.bench({
        name,
        group: title,
        baseline: at === 0,
        fn(bench) {
          const { before, run } = contestant();
          if (before === undefined) return run();
          before();
          bench.start();
          run();
          bench.end();
        },
      });
    });
  }
}

/** Makes something when it is first asked for. */
export function once<Made>(make: () => Made): () => Made {
  let made: { value: Made } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** A Markdown table: names of the columns, then rows; all but the first column are numbers. */
export function table(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = columns.map((_, at) => (at === 0 ? "---" : "---:"));
  return [columns, rule, ...rows].map(line).join("\n");
}

/** A time in µs as people write it, to three digits. */
export function time(micros: number): string {
  if (micros < 1) return `${digits(micros * 1000)} ns`;
  if (micros < 1000) return `${digits(micros)} µs`;
  return micros < 1e6
    ? `${digits(micros / 1000)} ms`
    : `${digits(micros / 1e6)} s`;
}

/** How many times as fast, to two digits. */
export function times(ratio: number): string {
  return `${ratio < 10 ? ratio.toPrecision(2) : round(ratio, 2)}×`;
}

/** Three digits, whole numbers whole. */
export function digits(x: number): string {
  return x < 100 ? x.toPrecision(3) : String(round(x, 3));
}

/** Small numbers, as 1.2e-9. */
export function small(x: number): string {
  return x === 0 ? "0" : x.toExponential(1);
}

function round(x: number, places: number): number {
  return Number(x.toPrecision(places));
}

/** Says whether a promise about speed holds: a ratio of at least `least`. */
export function bar(ratio: number, least: number): string {
  const verdict = ratio >= least ? "met" : "**missed**";
  return `${times(ratio)} (bar ${least}×: ${verdict})`;
}

/** Says whether a promise about time holds: at most so many µs. */
export function limit(micros: number, most: number): string {
  const verdict = micros <= most ? "met" : "**missed**";
  return `${time(micros)} (bar ${time(most)}: ${verdict})`;
}
